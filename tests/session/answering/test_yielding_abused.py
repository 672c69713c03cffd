"""A voice over the answer where the client or the speaker does not keep to anything: no answer waits for
ever, and the next question is answered.

The times are those of `test_yielding.py`: the voice over the answer begins at 3.2, and is held from 3.33 on.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples
from voice_grpc.core.config import AudioFormat, Encoding, SessionConfig
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
LENGTH = 0.06 * (35 + 50)
QUESTION = sound(user(1.28), pause(1.92))
YIELD = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
OBEYING = replace(CONFIG, turns=YIELD, has_playback_control=True, has_playback_reports=True)
HELD = (3.36, 3.5, 3.7, 3.8)
"""Moments at which the answer waits; the voice ends at 3.68, and its words come 0.4 s after."""
NONSENSE = (0, 1, 24_000, 10**6, 2**63 - 1)


def over_twice(config: SessionConfig, *more: Iterable[Action]) -> Recording:
    """ "Yeah" over the story, and a question 6 s after it has ended."""
    ears = sound(QUESTION, user(0.48), pause(9.44), user(0.96), pause(4.0))
    hears: list[str | Hearing] = ["tell me a story", Hearing("Yeah.", delay=0.4), "and then"]
    talk = converse(script(microphone(ears), *more), scripted(hears, [STORY, "That was all."]), config)
    check_rules(talk)
    assert talk.error is None
    assert not talk.left_over
    return talk


def reports(state: i.PlaybackState, *positions: int, at: Iterable[float] = HELD) -> list[Action]:
    return [(when, i.PlaybackReport(1, state, played)) for when in at for played in positions]


def test_a_client_that_never_reports_is_told_all_of_it() -> None:
    talk = over_twice(OBEYING)
    assert [control.action for _, control in talk.all(o.PlaybackControl)] == [
        o.PlaybackAction.DUCK,
        o.PlaybackAction.HOLD,
        o.PlaybackAction.RESUME,
    ]
    assert talk.words(1) == STORY
    assert talk.when(o.TurnPhase.COMPLETED, 1) < 1.78 + LENGTH + 2.0
    assert talk.words(2) == "That was all."


@pytest.mark.parametrize("state", list(i.PlaybackState))
@pytest.mark.parametrize("played", NONSENSE)
def test_positions_that_cannot_be_while_it_waits_change_nothing_for_long(
    state: i.PlaybackState, played: int
) -> None:
    talk = over_twice(OBEYING, reports(state, played))
    assert talk.words(1) == STORY
    assert talk.when(o.TurnPhase.COMPLETED, 1) < 1.78 + LENGTH + 3.0
    (resumed,) = [m for _, m in talk.all(o.PlaybackControl) if m.action is o.PlaybackAction.RESUME]
    sent = max(m.offset + m.duration for when, m in talk.audio(1) if when < 3.4)
    assert 0 <= resumed.position <= sent
    assert talk.words(2) == "That was all."


def test_a_client_that_says_it_played_nothing_for_ever_is_answered_when_it_speaks() -> None:
    forever = np.arange(3.4, 16.0, 0.1).tolist()
    talk = over_twice(OBEYING, reports(i.PlaybackState.PROGRESS, 0, at=forever))
    assert talk.words(2) == "That was all."


@pytest.mark.parametrize("step", [0, 1], ids=["nothing", "a sample at a time"])
def test_no_client_keeps_an_answer_for_ever(step: int) -> None:
    """What was told is longer than what may wait at a client and a voice may be ahead."""
    long = " ".join([STORY] * 4)
    told = [
        (when, i.PlaybackReport(1, i.PlaybackState.PROGRESS, n * step))
        for n, when in enumerate(np.arange(0.1, 80.0, 0.1).tolist())
    ]
    talk = converse(
        script([(0.0, i.TextInput("a story"))], told), scripted(answers=[long]), OBEYING, ends_at=90.0
    )
    assert talk.error is None
    assert talk.words(1).strip() == long
    assert talk.when(o.TurnPhase.COMPLETED, 1) < 0.06 * len(long) + 6.0


def test_what_such_a_client_heard_is_what_it_says() -> None:
    told = [
        (when, i.PlaybackReport(1, i.PlaybackState.PROGRESS, 24_000)) for when in np.arange(1.0, 20.0, 0.1)
    ]
    talk = converse(
        script([(0.0, i.TextInput("a story"))], told, [(9.0, i.Interrupt(0))]),
        scripted(answers=[" ".join([STORY] * 4)]),
        OBEYING,
        ends_at=30.0,
    )
    assert talk.only(o.Interrupted)[1].played == pytest.approx(24_000, abs=2_400)


@pytest.mark.parametrize("seconds", [12.0, 75.04])
def test_endless_speech_of_which_no_word_counts_is_a_turn_after_the_answer(seconds: float) -> None:
    """Beyond `turn_limit` it is split, as any other."""
    turns = replace(YIELD, interruption=Interruption.MIN_WORDS, min_words=10)
    ears = sound(QUESTION, user(seconds), pause(6.0))
    talk = converse(
        microphone(ears),
        scripted(["tell me a story", "and then", "and then"], [STORY, "Well."]),
        replace(CONFIG, turns=turns),
        ends_at=seconds + 20.0,
    )
    check_rules(talk)
    assert not talk.all(o.Interrupted)
    assert talk.words(1) == STORY
    assert talk.words(2) == "Well."
    assert not talk.left_over


def test_endless_speech_over_an_endless_answer_leaves_both() -> None:
    turns = replace(YIELD, interruption=Interruption.MIN_WORDS, min_words=10)
    ears = sound(QUESTION, user(75.04), pause(6.0))
    long = " ".join([STORY] * 20)
    talk = converse(
        microphone(ears), scripted(["a story", "I see"], [long]), replace(CONFIG, turns=turns), ends_at=150.0
    )
    check_rules(talk)
    assert not talk.all(o.Interrupted)
    assert talk.words(1).strip() == long
    assert not talk.left_over


def clipping(seconds: float) -> Samples:
    """As loud as can be."""
    return np.where(user(seconds) < 0, -32_767, 32_767).astype(np.int16)


@pytest.mark.parametrize("encoding", [Encoding.PCM_S16LE, Encoding.PCM_F32LE])
def test_sound_that_clips_shuts_no_user_out(encoding: Encoding) -> None:
    """The tone of `user` is 15 dB below it: a user who moves back from the microphone, not somebody else."""
    near = replace(CONFIG, turns=replace(YIELD, near_field_only=True), input=AudioFormat(encoding, 16_000, 1))
    ears = sound(clipping(1.28), pause(3.2), user(1.28), pause(4.0))
    talk = converse(
        microphone(ears, format=near.input),
        scripted(["hello", "are you there"], ["Hi."]),
        near,
        ends_at=20.0,
    )
    check_rules(talk)
    assert len(talk.phases(o.TurnPhase.SPEAKING)) == 2
