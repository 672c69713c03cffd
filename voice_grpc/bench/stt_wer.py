"""The embedded Whisper against the stock call of faster-whisper: words wrong and milliseconds, in one run.

    python -m voice_grpc.bench.stt_wer [--audio DIR] [--model base|tiny] [--show]

Every utterance is given to all of them, one after the other, before the next one is taken, so that
whatever else the machine does falls on all alike.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ..core.audio import to_float
from ..engines.whisper.model import find
from ..engines.whisper.stt import WhisperStt
from ..ports import SttOptions
from .stt_utterances import SpokenText, normal_words, recorded, spoken, word_errors

Transcribe = Callable[[SpokenText], Awaitable[str]]

_AROUND_3_S = (2.0, 4.0)


@dataclass(slots=True)
class Score:
    name: str
    transcribe: Transcribe
    errors: dict[str, int] = field(default_factory=dict)
    seconds: list[tuple[float, float]] = field(default_factory=list)
    """For each utterance how long it is, and how long it took."""

    async def take(self, utterance: SpokenText, show: bool) -> None:
        begun = time.perf_counter()
        text = await self.transcribe(utterance)
        taken = time.perf_counter() - begun
        wrong = word_errors(normal_words(utterance.words), normal_words(text))
        self.errors[utterance.kind] = self.errors.get(utterance.kind, 0) + wrong
        self.seconds.append((utterance.seconds, taken))
        if show and wrong:
            said = f"{utterance.seconds:4.1f} s {self.name:24s} {taken * 1e3:5.0f} ms {wrong} wrong"
            print(f"{said}: {text!r} for {utterance.words!r}", flush=True)


def stock(model: Any, beam: int) -> Transcribe:
    def now(utterance: SpokenText) -> str:
        segments, _ = model.transcribe(to_float(utterance.samples), language="en", beam_size=beam)
        return " ".join(segment.text for segment in segments)

    async def transcribe(utterance: SpokenText) -> str:
        return await asyncio.to_thread(now, utterance)

    return transcribe


def ours(stt: WhisperStt) -> Transcribe:
    async def transcribe(utterance: SpokenText) -> str:
        stream = stt.open(SttOptions(languages=("en",)))
        stream.feed(utterance.samples)
        return (await stream.final()).text

    return transcribe


def table(scores: list[Score], utterances: list[SpokenText]) -> str:
    """Markdown, one row a variant."""
    kinds = list(dict.fromkeys(utterance.kind for utterance in utterances))
    words = {kind: sum(len(normal_words(u.words)) for u in utterances if u.kind == kind) for kind in kinds}
    heads = ["call", "words wrong", *(f"{kind} ({words[kind]} words)" for kind in kinds)]
    heads += ["median ms", "median of 2 to 4 s", "P90", "worst"]
    rows = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for score in scores:
        taken = sorted(1e3 * t for _, t in score.seconds)
        middle = [1e3 * t for audio, t in score.seconds if _AROUND_3_S[0] <= audio <= _AROUND_3_S[1]]
        cells = [score.name, f"{100 * sum(score.errors.values()) / sum(words.values()):.1f} %"]
        cells += [f"{100 * score.errors[kind] / words[kind]:.1f} %" for kind in kinds]
        figures = median(taken), median(middle), taken[len(taken) * 9 // 10], taken[-1]
        cells += [f"{ms:.0f}" for ms in figures]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


@dataclass(frozen=True, slots=True)
class Comparison:
    scores: list[Score]
    utterances: list[SpokenText]

    @property
    def figures(self) -> dict[str, object]:
        """Of each call the words wrong by kind; for each utterance how long it is, and how long it took."""
        return {score.name: {"words_wrong": score.errors, "seconds": score.seconds} for score in self.scores}


async def compare(model: str, audio: Path | None, show: bool) -> Comparison:
    from faster_whisper import WhisperModel, download_model

    utterances = [*spoken(), *(recorded(audio) if audio else ())]
    directory = str(await asyncio.to_thread(find, model, download_model))
    plain = WhisperModel(directory, device="cpu", compute_type="int8")
    stt = WhisperStt(model)
    await stt.warm()
    scores = [
        Score(f"stock {model}, beam 1", stock(plain, 1)),
        Score(f"this project, {model}", ours(stt)),
        Score(f"stock {model}, defaults (beam 5)", stock(plain, 5)),
    ]
    try:
        for utterance in utterances:
            for score in scores:
                await score.take(utterance, show)
    finally:
        await stt.close()
    return Comparison(scores, utterances)


def main(argv: list[str] | None = None) -> Comparison:
    """Prints the table, and returns what it is made of."""
    parser = argparse.ArgumentParser(prog="python -m voice_grpc.bench.stt_wer", description=__doc__)
    parser.add_argument("--audio", type=Path, help="a directory with recordings and their manifest.json")
    parser.add_argument("--model", default="base", help="base, tiny, a directory or a hub id")
    parser.add_argument("--show", action="store_true", help="also print what was wrong or slow")
    given = parser.parse_args(argv)
    beside = Path(__file__).parents[2].parent / "shared" / "audio"
    audio = given.audio or (beside if (beside / "manifest.json").is_file() else None)
    compared = asyncio.run(compare(given.model, audio, given.show))
    print(f"{len(compared.utterances)} utterances, each given to all three in turn:\n")
    print(table(compared.scores, compared.utterances))
    return compared


if __name__ == "__main__":
    main()
