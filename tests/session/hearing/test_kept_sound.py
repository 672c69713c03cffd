"""The sound that a session keeps is that of a few parts of a turn, whoever does not stop, or answer."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Frame, Samples
from voice_grpc.core.config import LiveConfig
from voice_grpc.core.events import Event, TurnLimitReached
from voice_grpc.core.turn.state import MAX_SPLITS
from voice_grpc.engines.scripted import HANG, Hearing, ScriptedStt
from voice_grpc.ports import NOBODY, SttOptions, SttStream, Transcription
from voice_grpc.session.hearing.audio_queue import AudioQueue
from voice_grpc.session.hearing.listener import Listener
from voice_grpc.session.hearing.transcriber import PART_LEAST_SECONDS, PARTS_AHEAD, Transcriber
from voice_grpc.session.hearing.utterance import PART_SECONDS, TurnSound
from voice_grpc.session.telling.outbox import Outbox

from ..harness import Recording, changed, converse, dictate, scripted, virtual
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at, check_rules

START, END = i.UserActivity(i.ActivityKind.START), i.UserActivity(i.ActivityKind.END)
SHORT = changed(turn_limit=5.0)
HELD = replace(SHORT, is_manual=True)


class KeepingStt(ScriptedStt):
    """Knows how much sound is with it that nobody closed."""

    def __init__(self, hearings: Iterable[Hearing]) -> None:
        super().__init__(list(hearings))
        self.kept = self.most = self.longest = 0
        """Samples: now, ever at once, ever of one utterance."""

    def open(self, options: SttOptions) -> SttStream:  # type: ignore[override]
        stream, stt = super().open(options), self

        class Keeping:
            length = 0

            def feed(self, samples: Samples) -> None:
                self.length += len(samples)
                stt.kept += len(samples)
                stt.most, stt.longest = max(stt.most, stt.kept), max(stt.longest, self.length)
                stream.feed(samples)

            async def interim(self) -> Transcription | None:
                return await stream.interim()

            async def final(self) -> Transcription:
                return await stream.final()

            async def close(self) -> None:
                stt.kept -= self.length
                self.length = 0
                await stream.close()

        return Keeping()


# ---------------------------------------------------------------- the button, and sound


def held(seconds: float, stt: KeepingStt, *more: Action) -> Recording:
    ears = microphone(user(seconds))
    return converse(
        script([(0.0, START)], ears, more), replace(scripted(), stt=stt), HELD, ends_at=seconds + 20.0
    )


def test_a_turn_of_the_button_is_split_like_others() -> None:
    stt = KeepingStt([Hearing("once upon"), Hearing("a time"), Hearing("there was")])
    talk = held(12.0, stt, (12.1, END))
    check_rules(talk)
    assert talk.finals() == [(1, "once upon"), (1, "a time"), (1, "there was")]
    assert talk.history[0] == ("user", "once upon a time there was")
    assert [m.message.split(" of ")[0] for m in talk.notices_of("TURN_LIMIT")] == ["5 s", "5 s"]
    finals = [m for _, m in talk.all(o.Transcript) if m.is_final]
    assert [(m.segment, round(m.start / RATE_HZ)) for m in finals] == [(0, 0), (1, 5), (2, 10)]
    assert stt.longest <= 5.1 * RATE_HZ
    assert stt.kept == 0


def test_a_button_whose_end_never_comes_is_ended_by_the_server() -> None:
    """An hour of sound: eleven parts of it are heard, and no more of it kept than of one."""
    stt = KeepingStt([Hearing(f"part{n}") for n in range(1, 12)])
    talk = held(200.0, stt)
    check_rules(talk)
    longest = 5.0 * (MAX_SPLITS + 1)
    assert talk.when(o.TurnPhase.THINKING, 1) <= longest + 0.5
    assert talk.history[0] == ("user", " ".join(f"part{n}" for n in range(1, 12)))
    assert talk.phases(o.TurnPhase.COMPLETED)[0][1] == 1
    *splits, last = talk.notices_of("TURN_LIMIT")
    assert len(splits) == MAX_SPLITS
    assert last.field == "activity"
    assert f"{MAX_SPLITS + 1} times 5 s" in last.message
    assert stt.most <= 2 * 5.1 * RATE_HZ
    assert stt.kept == 0
    assert len(stt.opened) == MAX_SPLITS + 1


def test_a_recogniser_that_hangs_keeps_the_sound_of_few_parts() -> None:
    """Each is given up, and what is heard by then is all that is kept."""
    stt = KeepingStt([Hearing("", HANG)])
    ears = microphone(user(200.0))
    talk = converse(ears, replace(scripted(), stt=stt), SHORT, ends_at=210.0)
    timeouts = talk.notices_of("ENGINE_TIMEOUT")
    assert f"within {PART_LEAST_SECONDS:g} s" in timeouts[0].message
    assert stt.most <= (PART_LEAST_SECONDS + 4 * 5.0 * 1.25) * RATE_HZ
    assert stt.kept == 0
    assert not talk.left_over


def test_parts_are_told_in_their_order_whatever_they_take() -> None:
    stt = KeepingStt([Hearing("one", 8.0), Hearing("two", 0.1), Hearing("three", 0.1)])
    talk = held(12.0, stt, (12.1, END))
    check_rules(talk)
    assert talk.finals() == [(1, "one"), (1, "two"), (1, "three")]
    finals = [m for _, m in talk.all(o.Transcript) if m.is_final]
    assert [round(m.start / RATE_HZ) for m in finals] == [0, 5, 10]


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_session_that_ends_does_not_wait_for_a_part(hangs_up: bool) -> None:
    """It is over with the call, or with the apology for the words that do not come."""
    stt = KeepingStt([Hearing("", HANG)])
    talk = converse(
        script([(0.0, START)], microphone(user(8.0))),
        replace(scripted(), stt=stt),
        HELD,
        cancel_at=8.0 if hangs_up else None,
        ends_at=None if hangs_up else 8.0,
    )
    assert talk.ended_at == at(8.0 + (0.0 if hangs_up else 6.5 + 1.0))
    assert not talk.left_over
    assert stt.kept == 0


def test_a_limit_that_nobody_can_act_on_yet_is_told_again_and_not_with_every_window() -> None:
    live, told = LiveConfig(SHORT), list[Event]()
    outbox, audio, engines = Outbox(), AudioQueue(), scripted().engines
    transcriber = Transcriber(TurnSound(engines.stt, live, NOBODY), live, told.append, outbox, lambda: 0)
    listener = Listener(engines.vad, audio, transcriber, live, told.append, outbox)

    async def listen() -> None:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listener.run(tasks))
            for n in range(30):
                audio.put(Frame(user(1.0), n * RATE_HZ))
                await audio.has_room()
                await asyncio.sleep(1.0)
            listening.cancel()

    virtual(listen())
    assert len([event for event in told if isinstance(event, TurnLimitReached)]) == 30 // (5.0 * 1.25)


def test_a_turn_that_was_taken_to_be_over_too_soon_is_split_later() -> None:
    """END came, and its words take long; the limit is reached meanwhile, and the user speaks on."""
    stt = KeepingStt([Hearing("once upon", 3.5), Hearing("a time")])
    ears = microphone(sound(user(6.4), pause(0.32), user(12.8), pause(2.0)))
    talk = converse(script(ears, [(4.0, END)]), replace(scripted(), stt=stt), SHORT)
    check_rules(talk)
    assert len(talk.notices_of("TURN_LIMIT")) >= 1
    assert stt.longest <= 2 * 5.0 * 1.25 * RATE_HZ + RATE_HZ
    assert stt.kept == 0


def test_interims_go_on_after_a_part_of_silence() -> None:
    stt = KeepingStt([Hearing("")] + [Hearing("one two three four")] * 3)
    ears = microphone(sound(pause(6.4), user(2.4)))
    talk = converse(script([(0.0, START)], ears, [(9.0, END)]), replace(scripted(), stt=stt), HELD)
    check_rules(talk)
    assert [m.segment for _, m in talk.all(o.Transcript) if not m.is_final][-1] == 1
    assert talk.finals() == [(1, ""), (1, "one two three four")]


def test_sound_over_an_answer_that_may_not_be_interrupted_is_let_go_of() -> None:
    stt = KeepingStt([Hearing("hello")])
    story: list[Action] = [(0.1, i.Say("One thing after another. " * 30, interruptible=False))]
    talk = converse(
        script(story, microphone(user(40.0), start=1.0)), replace(scripted(), stt=stt), SHORT, ends_at=60.0
    )
    assert talk.when(o.TurnPhase.COMPLETED, 1) > 40.0
    assert stt.most <= 5.0 * 1.25 * RATE_HZ + RATE_HZ
    assert stt.kept == 0


# ---------------------------------------------------------------- speech to text alone


def finals(talk: Recording) -> list[o.Transcript]:
    return [m for _, m in talk.all(o.Transcript) if m.is_final]


def test_a_long_utterance_is_told_in_parts() -> None:
    stt = KeepingStt([Hearing("one"), Hearing("two", 3.0), Hearing("three"), Hearing("four")])
    ears = microphone(sound(user(16.0), pause(2.0)))
    talk = dictate(script(ears, [(25.0, None)]), replace(scripted(), stt=stt), SHORT)
    assert talk.error is None
    assert [(m.segment, m.text) for m in finals(talk)] == [(0, "one"), (1, "two"), (2, "three")]
    assert [round(m.start / RATE_HZ, 1) for m in finals(talk)] == [0.0, 6.3, 12.5]
    (notice,) = talk.notices_of("TURN_LIMIT")
    assert "5 s of speech in one utterance" in notice.message
    assert stt.kept == 0
    assert not talk.left_over


def test_a_recording_without_a_pause_is_read_no_faster_than_it_is_transcribed() -> None:
    """An hour as fast as it can be sent, and two seconds for each part of five: few are ever in memory."""
    stt = KeepingStt([Hearing("and on", 2.0)])
    hour = user(60.0)
    burst: list[Action] = [(0.0, action) for n in range(10) for _, action in microphone(hour)]
    talk = dictate([*burst, (0.0, None)], replace(scripted(), stt=stt), SHORT)
    assert talk.error is None
    assert stt.most <= (PARTS_AHEAD + 1) * 1.25 * 5.0 * RATE_HZ + 4.0 * RATE_HZ
    told = finals(talk)
    assert all(m.text == "and on" for m in told)
    # Nothing is left out between them.
    assert [m.start for m in told[1:]] == [m.end for m in told[:-1]]
    assert (told[0].start, told[-1].end) == (0, 600 * RATE_HZ)
    assert len(talk.notices_of("TURN_LIMIT")) == 1
    assert stt.kept == 0


def test_a_part_that_hangs_costs_its_own_words_alone() -> None:
    stt = KeepingStt([Hearing("", HANG), Hearing("two"), Hearing("three")])
    ears = microphone(sound(user(12.8), pause(2.0)))
    talk = dictate(script(ears, [(14.0, None)]), replace(scripted(), stt=stt), SHORT)
    assert talk.error is None
    assert [m.text for m in finals(talk)] == ["", "two", "three"]
    assert len(talk.notices_of("ENGINE_TIMEOUT")) == 1
    assert not talk.left_over


def test_parts_of_a_pause_and_parts_of_a_limit_are_two_things() -> None:
    """A turn is kept in pieces for the recogniser's sake as before; a limit beyond them splits it."""
    stt = KeepingStt([Hearing(f"w{n}") for n in range(9)])
    ears = microphone(sound(*[user(PART_SECONDS + 1.04), pause(0.32)] * 2, user(1.28), pause(2.0)))
    talk = converse(ears, replace(scripted(), stt=stt), ends_at=60.0)
    check_rules(talk)
    assert talk.finals() == [(1, "w0 w1 w2")]
    assert np.isclose(stt.longest / RATE_HZ, PART_SECONDS + 1.04 + 0.3, atol=0.5)
