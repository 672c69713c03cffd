"""A button to talk, instead of the detector and beside it.

A frame of 20 ms that was captured until t leaves at t; the button is pressed and let go of at times of
its own.
"""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples
from voice_grpc.core.events import CancelReason
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer, ScriptedStt
from voice_grpc.ports import SttOptions, SttStream, Transcription

from ..harness import CONFIG, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at, check_rules

MANUAL = replace(CONFIG, is_manual=True)
EARS = microphone(sound(pause(0.8), user(1.28), pause(6.0)))
STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."


def press(when: float, what: i.ActivityKind) -> list[Action]:
    return [(when, i.UserActivity(what))]


class CountingStt(ScriptedStt):
    """Remembers all that it was fed."""

    def __init__(self) -> None:
        super().__init__([Hearing("hello there")])
        self.fed: list[Samples] = []

    def open(self, options: SttOptions) -> SttStream:  # type: ignore[override]
        stream = super().open(options)
        stt = self

        class Counting:
            def feed(self, samples: Samples) -> None:
                stt.fed.append(samples)
                stream.feed(samples)

            async def interim(self) -> Transcription | None:
                return await stream.interim()

            async def final(self) -> Transcription:
                return await stream.final()

            async def close(self) -> None:
                await stream.close()

        return Counting()


def test_only_the_button_begins_and_ends_a_turn() -> None:
    talk = converse(
        script(EARS, press(1.0, i.ActivityKind.START), press(2.5, i.ActivityKind.END)), scripted(), MANUAL
    )
    check_rules(talk)
    assert not talk.all(o.SpeechEvent)
    assert talk.when(o.TurnPhase.USER_SPEAKING, 1) == at(1.0)
    # No hold: the answer is made at once.
    assert talk.when(o.TurnPhase.THINKING, 1) == at(2.5)
    assert talk.finals() == [(1, "hello there")]
    assert talk.phases(o.TurnPhase.COMPLETED) == [(at(2.5 + 1.32), 1, o.TurnPhase.COMPLETED)]


def test_without_the_button_nothing_is_heard() -> None:
    talk = converse(EARS, scripted(), MANUAL)
    assert not talk.finals()
    assert not talk.script.stt.opened


def test_silence_between_start_and_end_does_not_end_the_turn() -> None:
    ears = microphone(sound(user(0.96), pause(1.6), user(0.96), pause(1.0)))
    talk = converse(script(press(0.0, i.ActivityKind.START), ears, press(4.0, i.ActivityKind.END)))
    check_rules(talk)
    assert [turn for _, turn, _ in talk.phases(o.TurnPhase.THINKING)] == [1]
    assert talk.when(o.TurnPhase.THINKING, 1) == at(4.0)


@pytest.mark.parametrize("config", [CONFIG, MANUAL])
def test_letting_go_loses_none_of_the_sound_that_is_queued(config: object) -> None:
    """All of it comes at once, and END right behind it."""
    ears = user(1.0)
    ears[-1] = 12_345
    burst: list[Action] = [(0.5, action) for _, action in microphone(ears)]
    stt = CountingStt()
    engines = replace(scripted(), stt=stt)
    held = [*press(0.5, i.ActivityKind.START), *burst, *press(0.5, i.ActivityKind.END)]
    talk = converse(held, engines, config)  # type: ignore[arg-type]
    check_rules(talk)
    assert np.array_equal(np.concatenate(stt.fed), ears)
    assert talk.finals() == [(1, "hello there")]


@pytest.mark.parametrize("config", [CONFIG, MANUAL])
def test_cancel_forgets_what_was_said(config: object) -> None:
    talk = converse(
        script(EARS, press(0.7, i.ActivityKind.START), press(1.5, i.ActivityKind.CANCEL)),
        scripted(),
        config,  # type: ignore[arg-type]
        ends_at=1.9,
    )
    assert talk.finals()[0] == (1, "")
    assert talk.when(o.TurnPhase.DISCARDED, 1) == at(1.5)


def test_cancel_in_manual_mode_leaves_the_next_turn_alone() -> None:
    presses = [
        *press(0.1, i.ActivityKind.START),
        *press(0.5, i.ActivityKind.CANCEL),
        *press(1.0, i.ActivityKind.START),
        *press(2.5, i.ActivityKind.END),
    ]
    talk = converse(script(EARS, presses), scripted(), MANUAL)
    check_rules(talk)
    assert talk.finals() == [(1, ""), (2, "hello there")]


def test_the_button_interrupts_at_once() -> None:
    engines = scripted(["tell me a story", "stop"], [STORY, "As you like."])
    ears = microphone(sound(user(1.28), pause(1.92), user(0.96), pause(3.0)))
    talk = converse(script(ears, press(3.0, i.ActivityKind.START), press(4.3, i.ActivityKind.END)), engines)
    check_rules(talk)
    when, cut = talk.only(o.Interrupted)
    assert (when, cut.reason) == (at(3.0), CancelReason.ACTIVITY)
    assert talk.when(o.TurnPhase.THINKING, 2) == at(4.3)
    assert talk.history[-1] == ("assistant", "As you like.")


def test_the_button_while_it_thinks_takes_the_words_back() -> None:
    engines = scripted(["one", "two"], [ScriptedAnswer("Hello.", first_token=2.0), "Hello."])
    talk = converse(
        script(
            EARS,
            press(0.7, i.ActivityKind.START),
            press(2.2, i.ActivityKind.END),
            press(2.6, i.ActivityKind.START),
            press(3.5, i.ActivityKind.END),
        ),
        engines,
        MANUAL,
    )
    check_rules(talk)
    assert talk.when(o.TurnPhase.DISCARDED, 1) == at(2.6)
    # The recogniser hears nothing in the silence of the second press, and says so.
    assert talk.history == [("user", "one"), ("assistant", "Hello.")]


def test_end_under_the_detector_ends_the_turn_at_once() -> None:
    talk = converse(script(EARS, press(2.2, i.ActivityKind.END)))
    check_rules(talk)
    # Speech ends at 2.08, and its hold would be over at 2.58.
    assert talk.when(o.TurnPhase.THINKING, 1) == at(2.2)


def test_end_in_the_middle_of_a_word() -> None:
    talk = converse(script(EARS[:90], press(1.8, i.ActivityKind.END)), ends_at=10.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(1.8)
    assert talk.finals() == [(1, "hello there")]
    stopped = talk.all(o.SpeechEvent)[-1][1]
    assert stopped.speaking is o.SpeechKind.STOPPED


@pytest.mark.parametrize("what", list(i.ActivityKind))
@pytest.mark.parametrize("config", [CONFIG, MANUAL])
def test_a_button_that_means_nothing_now_does_nothing_bad(what: i.ActivityKind, config: object) -> None:
    actions = [
        *press(0.5, what),
        *press(0.6, what),
        *press(0.7, i.ActivityKind.CANCEL),
        (1.0, i.TextInput("hi")),
    ]
    talk = converse(actions, scripted(), config, ends_at=5.0)  # type: ignore[arg-type]
    check_rules(talk)
    assert talk.history == [("user", "hi"), ("assistant", "Hello. How can I help?")]
