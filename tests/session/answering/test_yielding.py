"""A voice over the answer, as both ends of the wire see it: lowered, held, and gone on with or cut.

The question ends at 1.28 and is answered from 1.78 on; the voice over the answer begins at 3.2, on the grid.
"""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import responses as o
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.errors import EngineError
from voice_grpc.core.events import CancelReason
from voice_grpc.core.playout.volume import DUCKED
from voice_grpc.core.turn.interruption import HOLD_AFTER, Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import microphone, pause, sound, user
from ..rules import at, check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
LENGTH = 0.06 * (35 + 50)
QUESTION = sound(user(1.28), pause(1.92))
ONSET = 3.2
YIELD = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
PLAIN = replace(CONFIG, turns=YIELD)
OBEYING = replace(PLAIN, has_playback_control=True)

Action = o.PlaybackAction


def over(
    voice: float, words: str | Hearing, config: SessionConfig = PLAIN, after: float = 6.0, **more: object
) -> Recording:
    """`voice` seconds over the story, which are heard as `words`."""
    ears = sound(QUESTION, user(voice), pause(after))
    engines = scripted(["tell me a story", words], [STORY, "As you like."])
    talk = converse(microphone(ears), engines, config, **more)  # type: ignore[arg-type]
    check_rules(talk)
    assert not talk.left_over
    return talk


def controls(talk: Recording) -> list[o.PlaybackAction]:
    return [control.action for _, control in talk.all(o.PlaybackControl)]


def samples(talk: Recording, turn: int = 1) -> np.ndarray:
    return np.frombuffer(talk.sound(turn), np.int16)


@pytest.mark.parametrize("words", ["Yeah.", "I see.", "mhm", ""])
def test_a_backchannel_costs_the_answer_nothing_but_a_moment(words: str) -> None:
    talk = over(0.48, words)
    assert not talk.all(o.Interrupted)
    assert talk.words(1) == STORY
    assert len(samples(talk)) == round(LENGTH * 24_000)
    assert talk.history == [("user", "tell me a story"), ("assistant", STORY)]
    assert talk.finals() == [(1, "tell me a story"), *([(0, words)] if words else [])]
    assert not [turn for _, turn, _ in talk.phases() if turn == 2]


def test_nothing_leaves_while_it_waits_and_all_of_it_after() -> None:
    talk = over(0.48, Hearing("Yeah.", delay=0.1))
    held, resumed = ONSET + HOLD_AFTER, ONSET + 0.48 + 0.096 + 0.1
    times = [when for when, _ in talk.audio(1)]
    assert not [when for when in times if held + 0.01 < when < resumed - 0.01]
    assert [when for when in times if resumed <= when <= resumed + 0.05]
    assert [chunk.offset for _, chunk in talk.audio(1)] == list(
        np.cumsum([0, *[chunk.duration for _, chunk in talk.audio(1)]])[:-1]
    )


def test_an_interruption_cuts_it_where_it_was_held() -> None:
    talk = over(1.28, "but what about the king", config=OBEYING, after=3.0)
    when, cut = talk.only(o.Interrupted)
    assert cut.reason is CancelReason.SPEECH
    assert when < ONSET + 0.9
    assert cut.played == pytest.approx((ONSET + HOLD_AFTER - 1.78) * 24_000, abs=24_000 * 0.04)
    assert controls(talk) == [Action.DUCK, Action.HOLD, Action.FLUSH]
    assert talk.all(o.TurnMetrics)[0][1].seconds["interrupt_stop"] == at(HOLD_AFTER)
    assert talk.finals()[1] == (2, "but what about the king")
    assert talk.words(2) == "As you like."


def test_short_words_that_mean_it_are_answered_though_the_voice_has_ended() -> None:
    talk = over(0.32, "What?", after=3.0)
    assert talk.only(o.Interrupted)[1].turn == 1
    assert talk.finals()[1] == (2, "What?")
    assert talk.phases(o.TurnPhase.USER_SPEAKING)[-1][1] == 2
    assert talk.words(2) == "As you like."


def test_who_obeys_is_told_and_who_does_not_is_sent_less() -> None:
    obeying, plain = over(0.48, "Yeah.", config=OBEYING), over(0.48, "Yeah.")
    assert controls(obeying) == [Action.DUCK, Action.HOLD, Action.RESUME]
    assert controls(plain) == []
    assert np.abs(samples(obeying)).max() == np.abs(samples(plain)).max()
    assert np.array_equal(samples(obeying)[:24_000], samples(plain)[:24_000])


def test_what_has_not_left_is_lowered_for_who_does_not_obey() -> None:
    longer = replace(PLAIN, turns=replace(YIELD, interruption=Interruption.MIN_WORDS, min_words=3))
    talk = over(0.96, "yeah", config=longer)
    sent = samples(talk).astype(float)
    loudness = [np.abs(sent[start : start + 2_400]).max() for start in range(0, len(sent) - 2_400, 2_400)]
    assert min(loudness) == pytest.approx(DUCKED * max(loudness), rel=0.02)
    assert loudness[-1] == pytest.approx(max(loudness), rel=0.02)


def test_it_goes_on_at_the_sample_where_it_was_held_or_where_its_word_began() -> None:
    soon = over(0.16, "", config=OBEYING).all(o.PlaybackControl)
    late = over(0.48, Hearing("Yeah.", delay=0.3), config=OBEYING).all(o.PlaybackControl)
    (held_at, _), (_, resumed) = late[1], late[2]
    stood = round((held_at - 1.78) * 24_000)
    assert 0 < stood - resumed.position < 24_000
    if soon and soon[-1][1].action is Action.RESUME:
        assert soon[-1][1].position == pytest.approx(round((soon[1][0] - 1.78) * 24_000), abs=2)


def test_a_click_is_over_before_anything_waits() -> None:
    talk = over(0.064, "", config=OBEYING)
    assert Action.HOLD not in controls(talk)
    assert talk.words(1) == STORY


def test_a_long_voice_without_words_gives_the_floor_back() -> None:
    talk = over(1.28, "", config=OBEYING, after=9.0)
    cut = talk.only(o.Interrupted)[1]
    assert talk.words(1).startswith(cut.heard_text)
    rest = STORY.removeprefix(cut.heard_text).strip()
    assert talk.words(2).strip() == rest
    assert talk.when(o.TurnPhase.COMPLETED, 2)
    assert " ".join(text for who, text in talk.history if who == "assistant") == STORY


def test_a_voice_whose_words_fail_gives_the_floor_back() -> None:
    talk = over(1.28, Hearing("", error=EngineError("stt", "broken")), config=OBEYING, after=9.0)
    assert talk.words(2).strip().endswith("and she told it.")


@pytest.mark.parametrize("at_once", [0.0, 0.16])
def test_two_listeners_one_after_the_other_lose_nothing(at_once: float) -> None:
    ears = sound(QUESTION, user(0.48), pause(0.48 + at_once), user(0.48), pause(8.0))
    engines = scripted(["tell me a story", "yeah", "okay"], [STORY])
    talk = converse(microphone(ears), engines, OBEYING)
    check_rules(talk)
    assert talk.words(1) == STORY
    assert not talk.all(o.Interrupted)


def test_the_first_and_the_last_moment_of_an_answer() -> None:
    for begins in (1.78 + 0.05, 1.78 + LENGTH - 0.05):
        grid = round((begins - 1.28) / 0.16) * 0.16
        ears = sound(user(1.28), pause(grid), user(0.48), pause(8.0))
        talk = converse(microphone(ears), scripted(["tell me a story", "yeah"], [STORY, "Well."]), OBEYING)
        check_rules(talk)
        assert STORY.startswith(talk.words(1).strip())


def test_the_sound_is_lowered_a_tenth_of_a_second_after_the_onset() -> None:
    talk = over(0.96, "stop that at once", config=OBEYING)
    when, control = talk.all(o.PlaybackControl)[0]
    assert control.action is Action.DUCK
    assert when == at(ONSET + 0.032) or when < ONSET + 0.1
