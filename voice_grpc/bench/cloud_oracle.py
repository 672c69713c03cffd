"""What each turn had to take, from what the fakes drew for that very turn, and what is left over: ours.

A turn is followed by its words. The n-th transcript asks about room n, the request to the model holds that,
its answer repeats it, and so the voice is given it. What lives here: arithmetic over journals and notes.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.text.segmentation import ClauseSplitter
from ..core.turn.endpointing import EndpointSettings
from ..core.turn.patience import BOUNDS, Profile
from ..pb import voice_pb2 as pb
from .load import UNANSWERED_SECONDS, UserNotes

QUESTIONS = (
    "is room {n} free",
    "when was room {n} cleaned",
    "does room {n} have windows",
    "who has room {n} now",
    "what does room {n} cost",
    "is room {n} quiet",
    "can I see room {n} now",
    "why is room {n} closed",
)
"""Whole sentences that one can say in the time, and not always the same one: who judges by the words waits
for more behind half of one, and expects of a conversation that it goes on as it began."""
ANSWER = "Surely so, {asked}."
"""Its first clause is whole when the word after the comma is there."""

_ASKED = re.compile(r"room \d+")


@dataclass(frozen=True, slots=True)
class Draws:
    """Seconds until the first output of each stage, as drawn for one turn."""

    stt: float
    llm: float
    tts: float


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long the stages of one turn took, in seconds; what is not known is `nan`."""

    end_of_turn: float
    """Last voiced sample to the decision that the turn is over and understood."""
    stt: float
    """Last voiced sample to the transcript."""
    llm: float
    """Request to first token."""
    tts: float
    """First clause to first audible sound."""
    at_server: float
    """Voice to voice, as the server saw it: without the way from the user and back."""
    voice_to_voice: float
    """Last voiced sample to first audible one, at the user."""


@dataclass(frozen=True, slots=True)
class MeasuredTurn:
    measured: StageTimes
    oracle: StageTimes | None
    """None: it was not answered, or not by all three."""

    @property
    def overhead(self) -> float:
        """Without an answer it counts as all of the timeout."""
        if self.oracle is None:
            return UNANSWERED_SECONDS
        return self.measured.voice_to_voice - self.oracle.voice_to_voice


def chunks_to_first_clause(answer: str) -> int:
    """After how many more words than the first one the first clause is known to be whole."""
    splitter = ClauseSplitter()
    words = re.findall(r"\s*\S+", answer)
    return next((n for n, word in enumerate(words) if splitter.feed(word)), len(words) - 1)


def oracle(draws: Draws, clause_seconds: float) -> StageTimes:
    """The critical path: one stage after the other from the soft end on, while the silence is held.

    `clause_seconds`: from the first token to the end of the first clause.
    """
    stt = EndpointSettings().soft_end + draws.stt
    end_of_turn = BOUNDS[Profile.CONVERSATION].min_hold
    whole = max(end_of_turn, stt + draws.llm + clause_seconds + draws.tts)
    return StageTimes(end_of_turn, stt, draws.llm, draws.tts, whole, whole)


def drawn(stt: Iterable[str], llm: Iterable[str], tts: Iterable[str]) -> dict[str, Draws]:
    """By question, from the lines of the three journals; only what all three were asked."""
    heard = _firsts(stt, lambda call: str(call.get("said")))
    thought = _firsts(llm, lambda call: json.dumps(call["what"]["body"]["contents"][-1]))
    spoken = _firsts(tts, lambda call: " ".join(call["what"].get("texts", ())))
    known = heard.keys() & thought.keys() & spoken.keys()
    return {question: Draws(heard[question], thought[question], spoken[question]) for question in known}


def _firsts(lines: Iterable[str], text_of: Callable[[dict[str, Any]], str]) -> dict[str, float]:
    """What was drawn for each question; of one that was asked twice, the last one."""
    found: dict[str, float] = {}
    for entry in lines:
        call = json.loads(entry)
        match = _ASKED.search(text_of(call)) if call["end"] != "refused" else None
        if match is not None:
            found[match[0]] = float(call["first"])
    return found


def turns(
    notes: UserNotes, draws: Mapping[str, Draws], cycle: float, clause_seconds: float
) -> Iterator[MeasuredTurn]:
    """The turns of one user. The last question is left out: nobody waited for its answer."""
    for end in notes.speech_ends[:-1]:
        answers = ((at, turn) for turn, at in notes.answers.items() if 0 < at - end < cycle)
        at, turn = min(answers, default=(end + UNANSWERED_SECONDS, 0))
        asked = _ASKED.search(notes.questions.get(turn, ""))
        found = draws.get(asked[0]) if asked is not None else None
        measured = _measured(notes.metrics.get(turn), at - end)
        if found is None:
            yield MeasuredTurn(replace(measured, voice_to_voice=UNANSWERED_SECONDS), None)
        else:
            yield MeasuredTurn(measured, oracle(found, clause_seconds))


def _measured(told: pb.TurnMetrics | None, voice_to_voice: float) -> StageTimes:
    def seconds(name: str) -> float:
        if told is None or not told.HasField(name):
            return float("nan")
        return float(getattr(told, name).ToTimedelta().total_seconds())

    return StageTimes(
        seconds("end_of_turn_delay"),
        seconds("stt_final_delay"),
        seconds("llm_first_token"),
        seconds("tts_first_audio"),
        seconds("voice_to_voice"),
        voice_to_voice,
    )
