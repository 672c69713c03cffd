"""What Whisper servers answer over HTTP: JSON, verbose JSON, plain text, or events.

Servers answer as they can, not as they were asked, so the answer itself says how it is to be read. Of events
there are three shapes:

OpenAI, speaches   {"type": "transcript.text.delta", "delta": …} … {"type": "transcript.text.done", "text": …}
vLLM               {"choices": [{"delta": {"content": …}}]} … [DONE]
WhisperLive REST, older speaches   {"text": …} for each segment, and [DONE] or nothing
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....core.transcript.belief import TranscriptSegment
from ....ports import Transcription, Word
from ...http.sse import ServerSentEvent, events_of
from ...whisper.languages import told_language
from ..errors import BadAnswer, message_of

EVENTS = "text/event-stream"
_ENDS = re.compile(r'"type"\s*:\s*"transcript\.text\.done"')


def read(kind: str, body: bytes) -> Transcription:
    """`kind`: the content type, which may be wrong. Raises `BadAnswer`."""
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:6]
    if kind == EVENTS or start.startswith((b"data:", b"event:", b":")):
        return _of_events(_events(body))
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return _of_object(answer, kind, body)
    return Transcription(_spoken(answer if isinstance(answer, str) else _plain(kind, body)))


def _plain(kind: str, body: bytes) -> str:
    """whisper.cpp calls its plain text HTML; what is written for a browser, or cut in the middle, is none."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise _garbage(kind, body) from None
    is_text = kind.startswith("text/") or (not kind and text)
    if (
        not is_text
        or text.startswith(("<", "{", "[{"))
        or not all(c.isprintable() or c.isspace() for c in text)
    ):
        raise _garbage(kind, body)
    return text


def _of_object(answer: Mapping[str, Any], kind: str, body: bytes) -> Transcription:
    text, segments = answer.get("text"), answer.get("segments")
    if answer.get("error") and not text:
        raise _gave_up(answer)
    if text is None and isinstance(segments, list):
        text = "".join(str(each.get("text") or "") for each in segments if isinstance(each, dict))
    if not isinstance(text, str):
        raise _garbage(kind, body)
    language = told_language(answer.get("language"))
    listed = [each for each in segments if isinstance(each, dict)] if isinstance(segments, list) else []
    words = answer.get("words") or [word for each in listed for word in _list(each.get("words"))]
    return Transcription(
        _spoken(text), language, words=tuple(_words(_list(words))), segments=tuple(map(_segment, listed))
    )


def _segment(told: Mapping[str, Any]) -> TranscriptSegment:
    start, end, likely, silence = (
        value if math.isfinite(value := _number(told.get(name))) else None
        for name in ("start", "end", "avg_logprob", "no_speech_prob")
    )
    return TranscriptSegment(_spoken(str(told.get("text") or "")), start or 0.0, end, likely, silence)


def _words(listed: Sequence[Any]) -> Iterator[Word]:
    """whisper.cpp lists tokens: one without a space before it goes on with the word of the one before."""
    known = [each for each in listed if isinstance(each, dict) and isinstance(each.get("word"), str)]
    is_tokens = any(each["word"][:1] == " " for each in known)
    word: Word | None = None
    for each in known:
        text, start, end = each["word"], _number(each.get("start")), _number(each.get("end"))
        if not text.strip() or not 0 <= start <= end < math.inf:
            continue
        if word is not None and is_tokens and text[0] != " ":
            word = Word(word.text + _spoken(text), word.start, end)
            continue
        if word is not None:
            yield word
        word = Word(_spoken(text), start, end)
    if word is not None:
        yield word


# ------------------------------------------------------------ events


def ends_transcript(event: ServerSentEvent) -> bool:
    """Whether no more events follow, for who does not read them otherwise."""
    return event.is_done or bool(_ENDS.search(event.data))


def _events(body: bytes) -> list[ServerSentEvent]:
    try:
        return events_of(body)
    except ValueError:
        raise _garbage(EVENTS, b"an event without an end") from None


def _of_events(events: Sequence[ServerSentEvent]) -> Transcription:
    deltas: list[str] = []
    segments: list[Transcription] = []
    is_over = False
    for event in events:
        if event.is_done:
            is_over = True
            break
        said = _json_of(event)
        if event.name == "error" or said.get("error") or said.get("object") == "error":
            raise _gave_up(said)
        if said.get("type") == "transcript.text.done":
            return _of_object(said, EVENTS, event.data.encode())
        if "type" in said:
            deltas += [str(said.get("delta") or "")] if said["type"] == "transcript.text.delta" else []
        elif "choices" in said:
            deltas += [_content(choice) for choice in _list(said["choices"])]
        elif "text" in said:
            segments.append(_of_object(said, EVENTS, event.data.encode()))
    if deltas and not is_over:
        raise BadAnswer("broke off in the middle of its answer", is_cut=True)
    if not (deltas or segments or is_over):
        raise _garbage(EVENTS, b"no event")
    language = next((each.language for each in segments if each.language), "")
    words = tuple(word for each in segments for word in each.words)
    told = tuple(part for each in segments for part in each.segments)
    text = _spoken("".join(deltas) or _joined([s.text for s in segments]))
    return Transcription(text, language, words=words, segments=told)


def _json_of(event: ServerSentEvent) -> Mapping[str, Any]:
    """An older speaches says each segment as it is, if asked for text."""
    try:
        said = json.loads(event.data)
    except (ValueError, RecursionError):
        said = event.data
    if isinstance(said, dict):
        return said
    if isinstance(said, str) and not said.lstrip().startswith(("{", "[", "<")):
        return {"text": said}
    raise _garbage(EVENTS, event.data.encode())


def _content(choice: Any) -> str:
    delta = choice.get("delta") if isinstance(choice, dict) else None
    return str(delta.get("content") or "") if isinstance(delta, dict) else ""


# ------------------------------------------------------------ what is none


def _gave_up(said: Mapping[str, Any]) -> BadAnswer:
    return BadAnswer("gave up", message_of(said))


def _garbage(kind: str, body: bytes) -> BadAnswer:
    return BadAnswer(
        f"answered with no transcript ({kind or 'no type'})", body[:10_000].decode("utf-8", "replace")
    )


# ------------------------------------------------------------ values


def _spoken(text: str) -> str:
    """JSON can hold halves of characters, which nothing else can."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _joined(pieces: Sequence[str]) -> str:
    """Most servers begin a segment with a space; some have trimmed it."""
    return ("" if any(piece[:1].isspace() for piece in pieces[1:]) else " ").join(pieces)


def _number(value: object) -> float:
    """vLLM writes numbers as texts. NaN for what is none: nothing is more than it, and nothing less."""
    try:
        return float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
