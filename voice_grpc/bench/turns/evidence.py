"""What the evidence says of each sentence, whole and broken off, without waiting for any silence.

    python -m voice_grpc.bench.turns.evidence

By it the weights of `core/turn/patience.py` are chosen: the holds that they make of sentences that are
finished have to be short, and those of broken ones longer than a pause. `measure.py` says what comes of that
by the clock; this takes a second a sentence, and no machine is too busy for it.
"""

import argparse
import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...core.conversation import Message, Role
from ...core.text.endings import ending, word_count
from ...core.turn.patience import BOUNDS, Evidence, Profile, hold
from ...ports import Engines, Prompt, SttOptions
from ...server.startup import build_engines, close_engines
from ...settings import Settings
from ...settings.personas import DEFAULT_ID, load_personas
from .material import TurnCase, stream_of
from .measure import TurnsPlan, prepared, tell

LANGUAGE = "en"

NOTICED_SECONDS = 0.2
"""Of silence behind the last word: so much has been heard of it when the judges are asked."""

PAUSE_SECONDS = 1.0
"""That a silence of a broken sentence has to outlast."""


@dataclass(frozen=True, slots=True)
class JudgedSentence:
    name: str
    is_whole: bool
    words: str
    """As the recogniser wrote them; a sentence of which it wrote none is left out."""
    evidence: Evidence


TAKEN = {
    "all evidence": frozenset[str](),
    "without the language model": frozenset({"text_end"}),
    "without the sound": frozenset({"acoustic_end"}),
    "the words alone": frozenset({"text_end", "acoustic_end"}),
}
"""Rows of the table, and what each goes without."""


async def judged(engines: Engines, instructions: str, cases: Iterable[TurnCase]) -> list[JudgedSentence]:
    """Each case up to its first pause, or to its end."""
    found = []
    for case in cases:
        end = case.pauses[0].span.start if case.pauses else case.end
        heard = stream_of(replace(case, samples=case.samples[:end], end=end), NOTICED_SECONDS)
        stream = engines.stt.open(SttOptions((LANGUAGE,)))
        stream.feed(heard)
        words = (await stream.final()).text
        await stream.close()
        if words:
            prompt = Prompt(instructions, (Message(Role.USER, words, 1),), LANGUAGE)
            evidence = Evidence(
                ending(words, LANGUAGE),
                word_count=word_count(words),
                text_end=await engines.text_end.probability(prompt) if engines.text_end else None,
                acoustic_end=await engines.acoustic_end.probability(heard) if engines.acoustic_end else None,
            )
            found.append(JudgedSentence(case.name, not case.pauses, words, evidence))
    return found


def holds(sentences: Iterable[JudgedSentence], taken: frozenset[str]) -> list[float]:
    """Seconds that the default profile waits behind each of `sentences`, with some evidence taken away."""
    without = dict.fromkeys(taken)
    bounds = BOUNDS[Profile.CONVERSATION]
    return [hold(replace(each.evidence, **without), bounds) for each in sentences]  # type: ignore[arg-type]


def table(sentences: Sequence[JudgedSentence]) -> str:
    """Markdown, a row for each of `TAKEN`."""
    whole = [each for each in sentences if each.is_whole]
    broken = [each for each in sentences if not each.is_whole]
    rows = [
        f"| by | {len(whole)} whole: held for P50 / P90 ms | {len(broken)} broken off: "
        f"not held for {PAUSE_SECONDS:g} s |",
        "|---|---|---|",
    ]
    for name, taken in TAKEN.items():
        ends = [1000 * value for value in holds(whole, taken)]
        short = sum(value < PAUSE_SECONDS for value in holds(broken, taken))
        shown = f"{np.percentile(ends, 50):.0f} / {np.percentile(ends, 90):.0f}" if ends else "–"
        rows.append(f"| {name} | {shown} | {short} |")
    return "\n".join(rows)


async def _run(cases: Sequence[TurnCase]) -> list[JudgedSentence]:
    settings = Settings(port=0, _env_file=None)  # type: ignore[call-arg]
    instructions = load_personas()[DEFAULT_ID].instructions
    engines = await build_engines(settings, tell, instructions)
    try:
        return await judged(engines, instructions, cases)
    finally:
        await close_engines(engines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m voice_grpc.bench.turns.evidence", description=__doc__)
    parser.add_argument("--cases", type=int, help="whole sentences, and as many broken ones (all there are)")
    parser.add_argument("--recordings", type=Path, help="as of `bench turns`")
    parser.add_argument("--each", action="store_true", help="a line for each sentence too")
    given = parser.parse_args(arguments)
    cases = prepared(TurnsPlan((), given.cases, recordings=given.recordings))
    sentences = asyncio.run(_run(cases))
    if given.each:
        for each, held in zip(sentences, holds(sentences, frozenset()), strict=True):
            kind = "whole " if each.is_whole else "broken"
            print(f"{kind} {held:.2f} s  {each.evidence}  {each.words!r}  {each.name}")
    print(table(sentences))


if __name__ == "__main__":
    main()
