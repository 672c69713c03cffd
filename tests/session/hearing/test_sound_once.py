"""Each sample of speech is heard once: a transcript is of the sound of its range, and no two overlap."""

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.engines.scripted import ScriptedStt
from voice_grpc.ports import Engines, SttOptions, SttStream, Transcription

from ..faults import BusyVad
from ..harness import CONFIG, Recording, changed, converse, dictate, scripted
from ..microphone import Action, microphone, script

WORD = 0.32
"""Seconds of one: a cut behind a word is one between two frames and between two windows of the detector."""

START, END, CANCEL = (i.UserActivity(i.ActivityKind[kind]) for kind in ("START", "END", "CANCEL"))
CLOSED = i.AudioInputEnd()
MANUAL = replace(CONFIG, is_manual=True)
STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."

_FIRST, _A_PLACE = 4_000, RATE_HZ // 1_000


def spoken(*seconds: float) -> Samples:
    """Speech and pauses in turn. Each millisecond of speech is loud in its own way: it can be told which of
    the whole it is."""
    voiced = [np.full(round(each * RATE_HZ), n % 2 == 0) for n, each in enumerate(seconds)]
    is_voiced = np.concatenate(voiced)
    places = np.arange(len(is_voiced)) // _A_PLACE
    return np.where(is_voiced, _FIRST + places, 0).astype(np.int16)


def words(heard: Samples) -> str:
    """Of `spoken`, those that any of is in `heard`, by their places."""
    places = heard[heard >= _FIRST] - _FIRST
    return " ".join(f"w{place}" for place in dict.fromkeys((places / (1_000 * WORD)).astype(int).tolist()))


class ReadingStt(ScriptedStt):
    """Makes out the words of `spoken`, `delay` seconds after it was asked."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__([])
        self.delay = delay
        self.read: list[Samples] = []
        """All of which a final transcript was made."""

    def open(self, options: SttOptions) -> SttStream:  # type: ignore[override]
        self.opened.append(options)
        return _Reading(self)


@dataclass
class _Reading:
    stt: ReadingStt
    fed: list[Samples] = field(default_factory=list)

    def feed(self, samples: Samples) -> None:
        self.fed.append(samples)

    async def interim(self) -> Transcription | None:
        return Transcription(words(np.concatenate(self.fed)), "en")

    async def final(self) -> Transcription:
        heard = np.concatenate(self.fed)
        self.stt.read.append(heard)
        await asyncio.sleep(self.stt.delay)
        return Transcription(words(heard), "en")

    async def close(self) -> None:
        """What was read is kept."""


@dataclass
class Ears:
    """What is said to a session, and how it was heard."""

    said: Samples
    stt: ReadingStt = field(default_factory=ReadingStt)
    is_busy: bool = False
    """The detector takes its time."""

    @property
    def engines(self) -> Engines:
        engines = replace(scripted(answers=[STORY]), stt=self.stt).engines
        return replace(engines, vad=BusyVad()) if self.is_busy else engines

    def converse(self, actions: list[Action], config: SessionConfig = CONFIG) -> list[o.Transcript]:
        return self.check(converse(actions, config=config, engines=self.engines, ends_at=30.0))

    def check(self, talk: Recording) -> list[o.Transcript]:
        """Its final transcripts: each of the sound of its range, and of no other's."""
        assert talk.error is None
        finals = [m for _, m in talk.all(o.Transcript) if m.is_final and m.end]
        for before, after in pairwise(finals):
            assert before.end <= after.start, (
                f"[{before.start}, {before.end}) and [{after.start}, {after.end})"
            )
        for final in finals:
            heard = self.said[final.start : final.end]
            assert not final.text or any(np.array_equal(heard, each) for each in self.stt.read), final
        return finals

    def missing(self, finals: list[o.Transcript]) -> list[float]:
        """Seconds at which speech is that no transcript with words holds."""
        is_held = np.zeros(len(self.said), bool)
        for final in finals:
            is_held[final.start : final.end] |= bool(final.text)
        lost = np.flatnonzero((self.said > 0) & ~is_held)
        return [round(place / RATE_HZ, 3) for place in lost[:: RATE_HZ // 100]]


def late(actions: list[Action], at: float, seconds: float, *, at_once: bool) -> list[Action]:
    """What was to come after `at` comes so much later, or what is due by then at once."""
    end = at + seconds
    return [
        (when if when <= at else max(when, end) if at_once else when + seconds, item)
        for when, item in actions
    ]


# ---------------------------------------------------------------- a conversation


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("at", [0.64, 0.65, 0.7, 0.96])
@pytest.mark.parametrize("seconds", [0.9, 1.0, 1.5, 3.0])
def test_sound_that_stops_coming_in_mid_speech(at: float, seconds: float, at_once: bool) -> None:
    ears = Ears(spoken(4 * WORD, 2.0), ReadingStt(0.05))
    finals = ears.converse(late(microphone(ears.said), at, seconds, at_once=at_once))
    assert not ears.missing(finals)


def test_all_that_came_is_heard_also_where_it_is_no_whole_window() -> None:
    ears = Ears(spoken(4 * WORD, 2.0))
    first, second = ears.converse(late(microphone(ears.said), 0.705, 3.0, at_once=True))
    assert first.end == second.start == round(0.7 * RATE_HZ)


@pytest.mark.parametrize("seconds", [1.5, 3.0])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_each_word_is_in_the_history_once(before: int, seconds: float) -> None:
    said = spoken(4 * WORD, 2.0)
    actions = late(microphone(said), before * WORD, seconds, at_once=True)
    talk = converse(actions, config=CONFIG, engines=Ears(said).engines, ends_at=30.0)
    asked = " ".join(text for role, text in talk.history if role == "user")
    assert asked == "w0 w1 w2 w3"


@pytest.mark.parametrize("what", [END, CLOSED])
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.09, 0.2, 1.0])
@pytest.mark.parametrize("at", [0.33, 0.64, 0.649, 0.66, 0.96])
@pytest.mark.parametrize("is_busy", [True, False])
def test_an_end_in_mid_speech(what: i.ConverseRequest, delay: float, at: float, is_busy: bool) -> None:
    """The microphone is open all the same, or again at once."""
    ears = Ears(spoken(4 * WORD, 2.0), ReadingStt(delay), is_busy)
    finals = ears.converse(script(microphone(ears.said), [(at, what)]))
    assert not ears.missing(finals)


@pytest.mark.parametrize("gap", [0.1, 0.13, 0.16, 0.2, 0.25, 0.32, 0.5])
@pytest.mark.parametrize("hold", [0.1, 0.15, 0.3])
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("speculation", [Speculation.OFF, Speculation.LLM])
def test_a_word_that_comes_as_the_turn_ends(
    gap: float, hold: float, delay: float, speculation: Speculation
) -> None:
    """Its onset is undecided then, or nothing of it is there yet; the answer may be audible already."""
    ears = Ears(spoken(2 * WORD, gap, 2 * WORD, 2.0), ReadingStt(delay))
    finals = ears.converse(microphone(ears.said), changed(hold=hold, speculation=speculation))
    assert not ears.missing(finals)


@pytest.mark.parametrize("gap", [0.13, 0.2, 0.32])
def test_a_voice_over_an_answer_that_has_just_begun(gap: float) -> None:
    ears = Ears(spoken(WORD, 0.16 + gap, WORD, gap, WORD, gap, WORD, 2.0))
    finals = ears.converse(microphone(ears.said), changed(hold=0.1))
    assert not ears.missing(finals)


@pytest.mark.parametrize("apart", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("config", [CONFIG, MANUAL])
def test_a_button_that_is_pressed_again_at_once(config: SessionConfig, apart: float) -> None:
    """Without a detector what is said while nobody presses it is not heard."""
    ears = Ears(spoken(6 * WORD, 2.0), ReadingStt(0.05))
    end, again = 3 * WORD, 3 * WORD + apart
    presses: list[Action] = [(0.0, START), (end, END), (again, START), (2.2, END)]
    missing = ears.missing(ears.converse(script(presses, microphone(ears.said)), config))
    assert all(end - 0.03 <= place <= again for place in missing)
    assert not missing or config is MANUAL


@pytest.mark.parametrize("after", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("at", [2 * WORD, 0.7])
def test_what_was_taken_back_is_not_the_beginning_of_what_is_said_next(at: float, after: float) -> None:
    """A pause before it, of which a transcript was asked for, makes no difference."""
    ears = Ears(spoken(WORD, 0.16, 2 * WORD, 2.0))
    presses: list[Action] = [(at, CANCEL), (at + after, START), (2.0, END)]
    finals = ears.converse(script(presses, microphone(ears.said)))
    taken_back, *meant = finals
    assert taken_back.text == ""
    assert taken_back.end >= round((at - 0.04) * RATE_HZ)
    assert [final.text for final in meant] == [words(ears.said[taken_back.end :])]


@pytest.mark.parametrize("ends_at", [2.1, 2.4, 3.3])
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.5])
def test_a_turn_that_was_split_and_ends_in_mid_speech(ends_at: float, delay: float) -> None:
    ears = Ears(spoken(12 * WORD, 2.0), ReadingStt(delay))
    finals = ears.converse(script(microphone(ears.said), [(ends_at, END)]), changed(turn_limit=1.6))
    assert len(finals) > 2
    assert not ears.missing(finals)


@pytest.mark.parametrize(("resumed_at", "heard"), [(1.92, "w6 w7 w8 w9"), (1.2, "w4 w5 w6 w7 w8 w9")])
def test_sound_before_a_pause_of_the_conversation_is_no_padding_behind_it(
    resumed_at: float, heard: str
) -> None:
    """What is said meanwhile is not heard: what came before it is not the sound just before an onset."""
    ears = Ears(spoken(2 * WORD, 0.64, 6 * WORD, 2.0))
    pauses: list[Action] = [(1.0, i.Pause()), (resumed_at, i.Resume())]
    finals = ears.converse(script(microphone(ears.said), pauses), changed(hold=0.1))
    assert [final.text for final in finals if final.text] == ["w0 w1", heard]


@pytest.mark.parametrize(("what", "texts"), [(END, ["w0 w2 w3", "w4 w5"]), (CANCEL, [""])])
def test_sound_that_is_missing_within_a_turn_is_between_its_ends(
    what: i.UserActivity, texts: list[str]
) -> None:
    ears = Ears(spoken(6 * WORD, 2.0))
    acts: list[Action] = [(0.325, i.Pause()), (0.645, i.Resume()), (4 * WORD + 0.005, what)]
    talk = converse(script(microphone(ears.said), acts), config=CONFIG, engines=ears.engines, ends_at=30.0)
    finals = [m for _, m in talk.all(o.Transcript) if m.is_final]
    assert [final.text for final in finals] == texts
    assert finals[0].end == round(4 * WORD * RATE_HZ)
    assert finals[-1].start in (0, finals[0].end)


@pytest.mark.parametrize("at", [0.321, 0.341, 0.361, 0.381])
def test_a_button_that_is_pressed_while_the_detector_works(at: float) -> None:
    ears = Ears(spoken(0.0, 0.48, 2 * WORD, 1.0), is_busy=True)
    (final,) = ears.converse(script(microphone(ears.said), [(at, START), (1.6, END)]))
    assert not ears.missing([final])


def test_what_was_forgotten_in_mid_speech_is_not_the_beginning_of_what_follows() -> None:
    """Somebody speaks on over an answer that may not be interrupted, and has the turn once it is over."""
    ears = Ears(spoken(0.0, WORD, 14 * WORD, 2.0))
    say: list[Action] = [(0.0, i.Say("One thing. " * 5, interruptible=False))]
    finals = ears.converse(script(say, microphone(ears.said)), changed(turn_limit=1.28))
    # What was said until the first window at which it was a quarter longer than the limit.
    assert finals[0].start == 51 * 512
    assert finals[0].text == "w5 w6 w7 w8 w9 w10"


# ---------------------------------------------------------------- speech to text alone


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("at", [0.33, 0.64, 0.66])
def test_a_dictation_that_is_closed_in_mid_speech(at: float, delay: float) -> None:
    ears = Ears(spoken(4 * WORD, 2.0), ReadingStt(delay))
    actions = script(microphone(ears.said), [(at, CLOSED), (10.0, None)])
    finals = ears.check(dictate(actions, replace(scripted(), stt=ears.stt)))
    assert not ears.missing(finals)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("seconds", [1.5, 3.0])
def test_a_dictation_whose_sound_stops_coming(seconds: float, at_once: bool) -> None:
    ears = Ears(spoken(4 * WORD, 2.0), ReadingStt(0.05))
    actions = [*late(microphone(ears.said), 2 * WORD, seconds, at_once=at_once), (20.0, None)]
    finals = ears.check(dictate(actions, replace(scripted(), stt=ears.stt)))
    assert [final.text for final in finals] == ["w0 w1", "w2 w3"]


# ---------------------------------------------------------------- whatever is done

_times = st.floats(0.0, 6.0).map(lambda at: round(at, 3))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    st.lists(st.floats(0.03, 1.2), min_size=1, max_size=9),
    st.lists(st.tuples(_times, st.sampled_from([START, END, CANCEL, CLOSED])), max_size=5),
    st.tuples(_times, st.sampled_from([0.0, 0.5, 1.5, 3.0]), st.booleans()),
    st.sampled_from([0.0, 0.03, 0.1, 0.5]),
    st.tuples(st.sampled_from([0.1, 0.3, 0.5]), st.sampled_from([1.0, 60.0]), st.sampled_from(Speculation)),
    st.booleans(),
)
def test_no_sound_is_in_two_transcripts(
    stretches: list[float],
    presses: list[Action],
    stall: tuple[float, float, bool],
    delay: float,
    turns: tuple[float, float, Speculation],
    is_busy: bool,
) -> None:
    ears = Ears(spoken(*stretches, *[0.0] * (len(stretches) % 2 == 0), 2.0), ReadingStt(delay), is_busy)
    at, seconds, at_once = stall
    hold, turn_limit, speculation = turns
    config = changed(hold=hold, turn_limit=turn_limit, speculation=speculation)
    ears.converse(script(late(microphone(ears.said), at, seconds, at_once=at_once), presses), config)
