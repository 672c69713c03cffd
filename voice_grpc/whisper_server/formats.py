"""What was said → JSON, text, subtitles, server-sent events, each as OpenAI's.

In a stream, a preview goes over into the final text without a word taken back: only what is unlikely to
change is given out early. Where the final text reads otherwise all the same, it goes on from the place that
corresponds, and what was given out stays.
"""

import json
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from ..engines.whisper.languages import NAMES
from ..engines.whisper.segments import Segment
from .params import TranscribeParams
from .transcriber import SpeechChunk

HELD_BACK = 3
"""Words at the end of a preview: cut off in the middle, or decoded without what follows them."""

_WORD = re.compile(r"\s*\S+")


def settled(text: str) -> str:
    """All of `text` but its last words."""
    return "".join(_WORD.findall(text)[:-HELD_BACK])


def unspoken(given: str, text: str) -> str:
    """What `text` says after that which was `given`."""
    if not given:
        return text
    before, whole = _WORD.findall(given), _WORD.findall(text)
    matcher = SequenceMatcher(None, [*map(_bare, before)], [*map(_bare, whole)], autojunk=False)
    ends = [
        (block.a + block.size, block.b + block.size) for block in matcher.get_matching_blocks() if block.size
    ]
    mine, theirs = ends[-1] if ends else (0, 0)
    return "".join(whole[theirs + len(before) - mine :])


def _bare(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())


@dataclass(slots=True)
class TranscriptWriter:
    """Grows chunk by chunk. A text that was given out is never taken back."""

    params: TranscribeParams
    chunks: list[SpeechChunk] = field(default_factory=list)
    _given: str = ""
    """The text of the next chunk that was given out."""
    _is_begun: bool = False

    def preview(self, text: str) -> str:
        """What more of `text` can be given out before its chunk is there: all but its last words."""
        more = unspoken(self._given, settled(text))
        self._given += more
        return self._trimmed(more)

    def add(self, chunk: SpeechChunk) -> str:
        """What the text goes on with. Joined, all that is given out is the text."""
        more = unspoken(self._given, chunk.text)
        text, self._given = self._given + more, ""
        self.chunks.append(replace(chunk, text=text))
        return self._trimmed(more)

    def _trimmed(self, more: str) -> str:
        """The text begins with a letter, whichever chunk has its first."""
        more = more if self._is_begun else more.lstrip()
        self._is_begun = self._is_begun or bool(more)
        return more

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks).strip()

    @property
    def seconds(self) -> float:
        return self.chunks[-1].end if self.chunks else 0.0

    @property
    def language(self) -> str:
        """English name of the language, as OpenAI has it; empty when nothing was said and none was asked."""
        if self.params.task == "translate":
            return "english"
        detected = [chunk.language for chunk in self.chunks if chunk.language]
        code = next(iter((*detected, *self.params.languages)), "")
        return NAMES.get(code, code)

    def response(self) -> Response:
        match self.params.format:
            case "text":
                return PlainTextResponse(self.text + "\n")
            case "srt":
                return PlainTextResponse("".join(_srt(self)))
            case "vtt":
                return PlainTextResponse("".join(_vtt(self)))
            case "verbose_json":
                return JSONResponse(self.verbose())
            case _:
                return JSONResponse({"text": self.text, "usage": self._usage()})

    def done(self) -> dict[str, Any]:
        """The last event; with `verbose_json` it says all that the whole answer would."""
        more = self.verbose() if self.params.format == "verbose_json" else {}
        text = {"type": "transcript.text.done", "text": self.text}
        return {**text, **more, "usage": self._usage()}

    def verbose(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "task": self.params.task,
            "language": self.language,
            "duration": round(self.seconds, 3),
            "text": self.text,
        }
        if "segment" in self.params.granularities:
            numbered = enumerate(_segments(self))
            found["segments"] = [_segment(number, chunk, each) for number, (chunk, each) in numbered]
        if "word" in self.params.granularities:
            found["words"] = [
                {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
                for chunk in self.chunks
                for word in chunk.words
            ]
        return {**found, "usage": self._usage()}

    def _usage(self) -> dict[str, Any]:
        return {"type": "duration", "seconds": math.ceil(self.seconds)}


def delta(text: str) -> dict[str, Any]:
    return {"type": "transcript.text.delta", "delta": text}


def event(data: dict[str, Any]) -> bytes:
    """One server-sent event (WHATWG HTML §9.2)."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _segments(transcript: TranscriptWriter) -> Iterator[tuple[SpeechChunk, Segment]]:
    for chunk in transcript.chunks:
        for segment in chunk.segments:
            if segment.text.strip():
                yield chunk, segment


def _segment(number: int, chunk: SpeechChunk, segment: Segment) -> dict[str, Any]:
    """The probabilities are those of the chunk that it stands in."""
    raw = segment.text.encode()
    return {
        "id": number,
        "seek": round(chunk.start * 100),
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": 0.0,
        "avg_logprob": round(chunk.logprob, 4),
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 4),
        "no_speech_prob": round(chunk.no_speech, 4),
    }


def _srt(transcript: TranscriptWriter) -> Iterator[str]:
    for number, (_, each) in enumerate(_segments(transcript), 1):
        times = f"{_clock(each.start, ',')} --> {_clock(each.end, ',')}"
        yield f"{number}\n{times}\n{each.text.strip()}\n\n"


def _vtt(transcript: TranscriptWriter) -> Iterator[str]:
    yield "WEBVTT\n\n"
    for _, each in _segments(transcript):
        yield f"{_clock(each.start, '.')} --> {_clock(each.end, '.')}\n{each.text.strip()}\n\n"


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"
