"""Start early, commit late: what is prepared in a silence, what it costs, and when it is heard.

The question ends at 1.28; its soft end is known at 1.38. Delays of the engines are the scripts' own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.conversation import Role
from voice_grpc.core.errors import EngineError, EngineQuota
from voice_grpc.core.events import SoundScored
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedEndOfTurn, Voicing
from voice_grpc.ports import Engines, Fallback, SttOptions, Transcription
from voice_grpc.session.hearing.end_of_turn import EndOfTurnScores

from ..harness import CONFIG, Recording, changed, converse, scripted
from ..microphone import microphone, pause, sound, user
from ..rules import at, check_rules

PATIENT = changed(CONFIG, hold=None, speculation=Speculation.TTS)
QUESTION = sound(user(1.28), pause(5.0))
ANSWER = "It is Paris. It lies on the Seine, and it is large."
SOFT_END = 1.28 + 0.1
"""Three windows of 32 ms, heard in frames of 20."""


@dataclass
class GrowingStt:
    """Implements `ports.Stt`: what was said depends on how much of it there is, in seconds of voice."""

    words: Sequence[tuple[float, str]]
    delay: float = 0.1
    interim_delay: float | None = None
    """Seconds; None: it has no interim words."""
    room: bool = False
    asked: list[float] = field(default_factory=list)
    """Seconds of voice that each final was asked of."""
    name: str = "growing"
    location: str = "here"
    is_embedded: bool = False
    languages: frozenset[str] = frozenset({"en"})

    async def warm(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """There is nothing to free."""

    def has_room(self) -> bool:
        return self.room

    def is_alone(self) -> bool:
        return self.room

    def open(self, options: SttOptions) -> "_GrowingStream":
        return _GrowingStream(self)


class _GrowingStream:
    def __init__(self, stt: GrowingStt) -> None:
        self._stt, self._voiced = stt, 0

    def feed(self, samples: Samples) -> None:
        self._voiced += int(np.abs(samples).max(initial=0) > 0) * len(samples)

    async def interim(self) -> Transcription | None:
        if self._stt.interim_delay is None:
            return None
        said = self._said()
        await asyncio.sleep(self._stt.interim_delay)
        return said

    async def final(self) -> Transcription:
        self._stt.asked.append(self._voiced / RATE_HZ)
        said = self._said()
        await asyncio.sleep(self._stt.delay)
        return said

    def _said(self) -> Transcription:
        heard = self._voiced / RATE_HZ
        said = "".join(text for least, text in self._stt.words if heard >= least)
        return Transcription(said.strip(), "en")

    async def close(self) -> None:
        """Nothing is held."""


def ask(
    ears: Samples = QUESTION,
    *,
    hears: GrowingStt | None = None,
    answers: Sequence[ScriptedAnswer | str] = (ANSWER,),
    voicing: Voicing | None = None,
    config: SessionConfig = PATIENT,
    text_end: ScriptedEndOfTurn | None = None,
    acoustic_end: ScriptedEndOfTurn | None = None,
) -> Recording:
    base = scripted(["What is the capital of France?"], answers, voicing)
    talk: Script = replace(base, text_end=text_end, acoustic_end=acoustic_end)
    hears = hears or GrowingStt([(0.5, "What is the capital of France?")])
    engines: Engines = replace(talk.engines, stt=hears)
    found = converse(microphone(ears), talk, config, engines=engines, ends_at=40.0)
    check_rules(found)
    return found


def metrics(talk: Recording, turn: int = 1) -> o.TurnMetrics:
    (found,) = [m for _, m in talk.all(o.TurnMetrics) if m.turn == turn]
    return found


def sure(*probabilities: float, **given: Any) -> ScriptedEndOfTurn:
    return ScriptedEndOfTurn(*(probabilities or (0.9,)), **given)


# ---------------------------------------------------------------- an answer is there when it is wanted


def test_a_finished_sentence_is_answered_when_its_answer_is_ready() -> None:
    """STT 0.1, model 0.1, voice 0.1 s behind the soft end, and no wait beside it: the judge, who computes
    elsewhere than the model, takes 0.05 s meanwhile."""
    talk = ask(
        answers=[ScriptedAnswer(ANSWER, first_token=0.1)],
        voicing=Voicing(first_audio=0.1),
        text_end=sure(delay=0.05),
    )
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(SOFT_END + 0.3)
    told = metrics(talk)
    assert told.decision is not None
    assert told.decision.evidence.text_end == 0.9
    assert told.seconds["hold"] < 0.45
    assert told.counts["wasted_replies"] == 0
    assert len(talk.script.llm.prompts) == 1


def test_an_interim_that_holds_all_words_is_prepared_for_while_the_transcript_is_made() -> None:
    """The transcript takes 0.8 s and is waited for; the answer to the same words takes 0.6 s meanwhile."""
    hears = GrowingStt([(0.5, "What is the capital of France?")], delay=0.8, interim_delay=0.2, room=True)
    talk = ask(
        hears=hears,
        answers=[ScriptedAnswer(ANSWER, first_token=0.4)],
        voicing=Voicing(first_audio=0.2),
        text_end=sure(),
    )
    assert 1.28 + 0.8 < talk.when(o.TurnPhase.SPEAKING, 1) < SOFT_END + 0.81
    assert len(talk.script.llm.prompts) == 1
    assert metrics(talk).counts["wasted_replies"] == 0


@pytest.mark.parametrize("is_alone", [True, False])
def test_on_crowded_cores_the_model_begins_once_the_recogniser_is_done(is_alone: bool) -> None:
    """Only where both are this machine's: who computes elsewhere is in nobody's way."""
    hears = GrowingStt([(0.5, "What is the capital?")], delay=0.4, interim_delay=0.1, room=True)
    hears.is_embedded = is_alone
    talk = scripted(["What is the capital?"], [ScriptedAnswer(ANSWER, first_token=0.3)])
    talk.llm.is_embedded = True
    engines = replace(talk.engines, stt=hears, text_end=sure(), are_crowded=True)
    found = converse(microphone(QUESTION), talk, PATIENT, engines=engines, ends_at=40.0)
    heard_at = next(t for t, each in found.all(o.Transcript) if each.is_final)
    spoke = found.when(o.TurnPhase.SPEAKING, 1)
    assert (spoke >= heard_at + 0.3) is is_alone


def test_an_interim_that_lacks_a_word_costs_a_reply_and_no_wrong_answer() -> None:
    words = [(0.5, "What is the capital of France"), (1.12, " today")]
    hears = GrowingStt(words, delay=0.6, interim_delay=0.3, room=True)
    talk = ask(sound(user(1.12), pause(5.0)), hears=hears, answers=["No.", ANSWER], text_end=sure())
    assert talk.finals() == [(1, "What is the capital of France today")]
    assert metrics(talk).counts["wasted_replies"] == 1
    assert talk.script.llm.prompts[-1].messages[-1].text == "What is the capital of France today"


def test_an_interim_that_comes_behind_the_transcript_is_not_told() -> None:
    hears = GrowingStt([(0.5, "What is"), (1.2, " the capital?")], delay=0.05, interim_delay=0.45, room=True)
    told = [each.text for _, each in ask(hears=hears, text_end=sure()).all(o.Transcript)]
    assert told[-1] == "What is the capital?"
    whole = told.index("What is the capital?")
    assert set(told[whole:]) == {"What is the capital?"}


def test_where_the_recogniser_has_room_interims_come_twice_as_often() -> None:
    def count(*, room: bool) -> int:
        words = ("we", "need", "bread", "and", "milk", "a dozen", "eggs", "and", "butter", "for", "cake")
        spoken = [(n / 4, f" {word}") for n, word in enumerate(words)]
        hears = GrowingStt(spoken, interim_delay=0.01, room=room)
        talk = ask(sound(user(3.2), pause(5.0)), hears=hears)
        return sum(not each.is_final for t, each in talk.all(o.Transcript) if t < 3.2)

    assert (count(room=False), count(room=True)) == (5, 9)


def test_by_the_words_alone_it_is_answered_too() -> None:
    talk = ask()
    assert 1.28 + 0.3 < talk.when(o.TurnPhase.SPEAKING, 1) < 1.28 + 1.0


@pytest.mark.parametrize(
    ("level", "prompts", "spoken"),
    [(Speculation.STT, 0, 0), (Speculation.LLM, 1, 0), (Speculation.TTS, 1, 1)],
)
def test_how_far_it_is_prepared(level: Speculation, prompts: int, spoken: int) -> None:
    """Seen by a user who goes on in time: what was made by then was made in vain."""
    ears = sound(user(1.28), pause(0.48), user(1.28), pause(5.0))
    hears = GrowingStt([(0.5, "What is the capital"), (2.0, " of France and its mayor")])
    talk = ask(ears, hears=hears, config=changed(PATIENT, min_hold=1.0, speculation=level), text_end=sure())
    told = metrics(talk)
    assert told.counts["wasted_replies"] == min(prompts, 1)
    assert (told.counts["wasted_characters"] > 0) == bool(spoken)
    assert len(talk.script.llm.prompts) == prompts + 1
    assert talk.finals() == [(1, "What is the capital of France and its mayor")]


def test_what_a_session_made_in_vain_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    ears = sound(user(1.28), pause(0.48), user(1.28), pause(5.0))
    hears = GrowingStt([(0.5, "What is the capital"), (2.0, " of France and its mayor")])
    with caplog.at_level("INFO"):
        ask(ears, hears=hears, config=changed(PATIENT, min_hold=1.0), text_end=sure())
    (line,) = [record.getMessage() for record in caplog.records if "thrown away" in record.getMessage()]
    assert "1 prepared answers thrown away" in line


def test_no_more_than_the_first_clause_is_made_before_it_is_wanted() -> None:
    talk = ask(config=changed(PATIENT, min_hold=2.0, max_hold=2.0), text_end=sure())
    first = talk.when(o.TurnPhase.SPEAKING, 1)
    assert first == at(1.28 + 2.0)
    assert talk.script.tts.spoken[0] == "It is Paris."
    ears = sound(user(1.28), pause(1.0), user(1.28), pause(5.0))
    hears = GrowingStt([(0.5, "What is the capital"), (2.0, " of Italy")])
    gone = ask(ears, hears=hears, config=changed(PATIENT, min_hold=2.0, max_hold=2.0), text_end=sure())
    assert metrics(gone).counts["wasted_characters"] == len("It is Paris.")


def test_nothing_is_begun_before_the_turn_is_over_where_that_is_off() -> None:
    hears = GrowingStt([(0.5, "What is the capital of France?")])
    ears = sound(user(1.28), pause(0.3), user(0.64), pause(5.0))
    talk = ask(ears, hears=hears, config=changed(PATIENT, speculation=Speculation.OFF), text_end=sure())
    assert len(hears.asked) == 1
    assert len(talk.script.llm.prompts) == 1
    assert talk.when(o.TurnPhase.THINKING, 1) > 2.2


# ---------------------------------------------------------------- no answer into a pause


def test_a_pause_behind_unfinished_words_is_waited_out() -> None:
    ears = sound(user(1.28), pause(1.02), user(1.28), pause(5.0))
    hears = GrowingStt([(0.5, "What is the capital of"), (2.0, " the state of Texas?")])
    talk = ask(ears, hears=hears, text_end=sure(0.0, 0.9))
    assert talk.finals() == [(1, "What is the capital of the state of Texas?")]
    assert len(talk.script.llm.prompts) == 1, "nothing is prepared for half a sentence"
    assert not talk.all(o.Interrupted)


def test_the_same_words_after_a_breath_keep_the_prepared_answer() -> None:
    ears = sound(user(1.28), pause(0.3), user(0.1), pause(5.0))
    hears = GrowingStt([(0.5, "What is the capital of France?")])
    talk = ask(ears, hears=hears, config=changed(PATIENT, min_hold=0.8), text_end=sure())
    assert len(talk.script.llm.prompts) == 1
    assert metrics(talk).counts["wasted_replies"] == 0


def test_where_there_is_room_the_transcript_is_begun_at_the_first_silent_window() -> None:
    late = ask(hears=GrowingStt([(0.5, "What is the capital of France?")]), text_end=sure())
    hears = GrowingStt([(0.5, "What is the capital of France?")], room=True)
    early = ask(hears=hears, text_end=sure())
    assert len(hears.asked) == 1
    assert metrics(early).seconds["stt_final_delay"] == at(metrics(late).seconds["stt_final_delay"] - 0.06)


def test_a_user_who_pauses_every_moment_gets_one_answer_and_costs_little() -> None:
    words = [(0.5 * n, f" word{n}") for n in range(1, 80)]
    ears = sound(*[part for _ in range(80) for part in (user(0.48), pause(0.3))], pause(5.0))
    hears = GrowingStt(words)
    talk = ask(ears, hears=hears, config=changed(PATIENT, min_hold=0.5), text_end=sure())
    assert len(talk.phases(o.TurnPhase.COMPLETED)) == 1
    assert len(talk.script.llm.prompts) <= 4, "three tries, and the one that is wanted"
    assert not talk.left_over


# ---------------------------------------------------------------- what fails before anybody asked


def test_what_fails_before_it_is_wanted_is_told_to_nobody_and_begun_again() -> None:
    broken = ScriptedAnswer("", error=EngineError("llm", "down"))
    talk = ask(answers=[broken, ANSWER], text_end=sure())
    assert talk.notices() == []
    assert talk.words(1) == ANSWER
    assert len(talk.script.llm.prompts) == 2


def test_a_vendor_at_its_limit_ends_speculation_for_the_session() -> None:
    ears = sound(user(1.28), pause(6.0), user(1.28), pause(6.0))
    talk = ask(
        ears,
        answers=[ScriptedAnswer("", error=EngineQuota("llm", "429")), ANSWER, "Yes."],
        text_end=sure(),
    )
    assert talk.notices() == [("llm", "SPECULATION_OFF")]
    assert [talk.words(1), talk.words(2)] == [ANSWER, "Yes."]
    second = metrics(talk, 2)
    assert second.seconds["llm_first_token"] >= 0
    assert len(talk.script.llm.prompts) == 3, "the second turn was asked once, when it was over"


def test_who_did_the_work_is_told_when_the_answer_is_wanted() -> None:
    talk: Script = scripted(answers=[ANSWER])
    fallback = Fallback(EngineError("llm", "gone"), "another")
    stream = talk.llm.stream

    async def other(prompt: Any) -> Any:
        yield fallback
        async for item in stream(prompt):
            yield item

    talk.llm.stream = other  # type: ignore[method-assign]
    talk = replace(talk, text_end=sure())
    ears = sound(user(1.28), pause(6.0))
    found = converse(microphone(ears), talk, changed(PATIENT, min_hold=1.0), ends_at=20.0)
    ((when, notice),) = found.all(o.Notice)
    assert notice.reason == "ENGINE_FALLBACK"
    assert when >= found.when(o.TurnPhase.THINKING, 1)


# ---------------------------------------------------------------- who judges


def test_a_judge_that_fails_is_said_once_and_the_words_decide() -> None:
    ears = sound(*[part for _ in range(3) for part in (user(1.28), pause(5.0))])
    judge = sure(error=EngineError("turn", "NaN"))
    talk = ask(ears, acoustic_end=judge, text_end=sure(0.05))
    assert talk.notices() == [("turn", "ENGINE_ERROR")]
    assert len(judge.asked) == 1
    assert len(talk.phases(o.TurnPhase.COMPLETED)) == 3


def test_a_judge_that_hangs_is_left_out() -> None:
    ears = sound(*[part for _ in range(5) for part in (user(1.28), pause(5.0))])
    judge = sure(delay=3600.0)
    talk = ask(ears, text_end=judge)
    assert talk.notices() == [("turn", "ENGINE_TIMEOUT")]
    assert len(judge.asked) == 3
    assert len(talk.phases(o.TurnPhase.COMPLETED)) == 5
    assert not talk.left_over


async def test_the_sound_is_judged_as_it_was_when_it_was_asked_for() -> None:
    """The turn may be over before the judge's task begins."""
    judge, told = sure(0.95), list[Any]()
    engines = SimpleNamespace(acoustic_end=judge, text_end=None)
    clock = SimpleNamespace(now=lambda: 0.0)
    context = SimpleNamespace(engines=engines, clock=clock, post=told.append, caller="anna")
    scores = EndOfTurnScores(cast(Any, context))
    scores.hear(user(0.5))
    async with asyncio.TaskGroup() as tasks:
        scores.ask_sound(1, tasks)
        scores.forget()
    assert told == [SoundScored(1, 0.95)]
    (heard,) = judge.asked
    assert isinstance(heard, np.ndarray)
    assert len(heard) == RATE_HZ // 2


def test_the_sound_is_judged_with_the_silence_behind_it() -> None:
    judge = sure(0.95)
    talk = ask(acoustic_end=judge, text_end=sure(0.05))
    (heard,) = judge.asked
    assert isinstance(heard, np.ndarray)
    assert 1.0 < len(heard) / RATE_HZ < 1.5
    assert metrics(talk).decision.evidence.acoustic_end == 0.95  # type: ignore[union-attr]


# ---------------------------------------------------------------- too early, and too long


def test_an_answer_that_came_too_early_leaves_the_prompt_and_stays_in_the_history() -> None:
    ears = sound(user(1.28), pause(0.8), user(1.28), pause(6.0))
    talk = ask(ears, answers=["Which one do you mean? " * 3, "It is Austin."], text_end=sure())
    (_, cut) = talk.only(o.Interrupted)
    assert cut.turn == 1
    last = talk.script.llm.prompts[-1].messages
    assert [m.role for m in last] == [Role.USER]
    assert last[0].text == "What is the capital of France? What is the capital of France?"
    assert [m.role.value for m in talk.messages] == ["user", "assistant", "user", "assistant"]
    assert [m.is_prompted for m in talk.messages] == [True, False, True, True]


def test_an_answer_that_was_heard_for_a_while_stays_in_the_prompt() -> None:
    ears = sound(user(1.28), pause(2.5), user(1.28), pause(6.0))
    talk = ask(ears, answers=["Which one do you mean? " * 3, "It is Austin."], text_end=sure())
    assert talk.all(o.Interrupted)
    assert [m.role for m in talk.script.llm.prompts[-1].messages] == [Role.USER, Role.ASSISTANT, Role.USER]


def test_a_turn_that_is_too_long_is_a_message_already_and_goes_on() -> None:
    words = [(1.0 * n, f" word{n}") for n in range(1, 12)]
    ears = sound(*[part for _ in range(7) for part in (user(1.6), pause(0.16))], pause(6.0))
    hears = GrowingStt(words)
    config = changed(PATIENT, turn_limit=5.0, min_hold=0.6)
    talk = ask(ears, hears=hears, config=config, text_end=sure())
    assert ("turn", "TURN_LIMIT") in talk.notices()
    finals = talk.finals()
    assert len(finals) == talk.notices().count(("turn", "TURN_LIMIT")) + 1
    assert {turn for turn, _ in finals} == {1}
    assert talk.history[0] == ("user", " ".join(text.strip() for _, text in finals))
    assert len(talk.phases(o.TurnPhase.COMPLETED)) == 1


def test_it_can_be_changed_in_mid_session() -> None:
    ears = sound(user(1.28), pause(6.08), user(1.28), pause(6.0))
    talk = scripted(answers=["Yes.", "Yes, again."])
    change = (4.0, i.ConfigUpdate(changed(PATIENT, hold=2.0), seq=1))
    found = converse([*microphone(ears), change], replace(talk, text_end=sure()), PATIENT, ends_at=20.0)
    first, second = (found.when(o.TurnPhase.THINKING, turn) for turn in (1, 2))
    assert first < 1.28 + 0.6
    assert second == at(1.28 + 6.08 + 1.28 + 2.0)
