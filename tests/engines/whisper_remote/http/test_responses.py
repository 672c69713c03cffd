"""What Whisper servers answer, in every shape in which they do, and what is no transcript at all."""

import json
import wave
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_grpc.core.transcript.belief import TranscriptSegment
from voice_grpc.engines.http.sse import MOST_CHARACTERS, ServerSentEvent
from voice_grpc.engines.whisper_remote.errors import BadAnswer, complaint
from voice_grpc.engines.whisper_remote.http.client import HEADER_BYTES, wav
from voice_grpc.engines.whisper_remote.http.dialects import OPENAI, HttpDialect, places
from voice_grpc.engines.whisper_remote.http.responses import EVENTS, ends_transcript, read
from voice_grpc.ports import Transcription, Word

JSON = "application/json"
SURE, MADE_UP = {"no_speech_prob": 0.1, "avg_logprob": -0.3}, {"no_speech_prob": 0.9, "avg_logprob": -1.5}


def body(**answer: object) -> bytes:
    return json.dumps(answer).encode()


def event(**said: object) -> str:
    return f"data: {json.dumps(said)}\n\n"


def delta(text: str) -> str:
    return event(type="transcript.text.delta", delta=text)


WHOLE: dict[str, tuple[str, bytes, Transcription]] = {
    "json": (JSON, body(text=" Hi. "), Transcription("Hi.")),
    "json called text": ("text/plain", body(text=" Hi. "), Transcription("Hi.")),
    "json called nothing": ("", body(text="Hi."), Transcription("Hi.")),
    "with a byte order mark": (JSON, b"\xef\xbb\xbf" + body(text="Hi."), Transcription("Hi.")),
    "lines of whisper.cpp": (JSON, body(text=" Hi.\n You.\n"), Transcription("Hi. You.")),
    "silence of whisper.cpp": (JSON, body(text=" [BLANK_AUDIO]\n"), Transcription("[BLANK_AUDIO]")),
    "nothing said": (JSON, body(text="", segments=[]), Transcription("")),
    "text": ("text/plain", b"Hi.\n", Transcription("Hi.")),
    "text that is a number": ("text/plain", b"42\n", Transcription("42")),
    "text called HTML": ("text/html", b" Hi.\n", Transcription("Hi.")),
    "text called nothing": ("", "Grüße".encode(), Transcription("Grüße")),
    "no text": ("text/plain", b"", Transcription("")),
    "a text as JSON": (JSON, b'" Hi."', Transcription("Hi.")),
    "verbose": (
        JSON,
        body(text=" Hi", language="spanish", duration="1.5", segments=[{"text": " Hi", **SURE}]),
        Transcription("Hi", "es", segments=(TranscriptSegment("Hi", 0.0, None, -0.3, 0.1),)),
    ),
    "no text but segments": (
        JSON,
        body(text=None, segments=[{"text": " Hi"}]),
        Transcription("Hi", segments=(TranscriptSegment("Hi"),)),
    ),
    "words in segments": (
        JSON,
        body(text="Hi", segments=[{"text": "Hi", "words": [{"word": " Hi", "start": 0.1, "end": 0.4}]}]),
        Transcription("Hi", words=(Word("Hi", 0.1, 0.4),), segments=(TranscriptSegment("Hi"),)),
    ),
    "words beside segments": (
        JSON,
        body(text="Hi", words=[{"word": "Hi", "start": "0.1", "end": "0.4"}], segments=[]),
        Transcription("Hi", words=(Word("Hi", 0.1, 0.4),)),
    ),
    "words in tokens": (
        JSON,
        body(
            text="Hello there.",
            segments=[
                {
                    "text": "Hello there.",
                    "words": [
                        {"word": " Hel", "start": 0, "end": 0.2},
                        {"word": "lo", "start": 0.2, "end": 0.4},
                        {"word": " there", "start": 0.5, "end": 0.8},
                        {"word": ".", "start": 0.8, "end": 0.9},
                    ]
                }
            ],
        ),
        Transcription(
            "Hello there.",
            words=(Word("Hello", 0, 0.4), Word("there.", 0.5, 0.9)),
            segments=(TranscriptSegment("Hello there."),),
        ),
    ),
    "words that are none": (
        JSON,
        body(text="Hi", words=[7, {"word": 7}, {"word": "Hi"}, {"word": "Hi", "start": 2, "end": 1}]),
        Transcription("Hi"),
    ),
    "what is thought of each segment": (
        JSON,
        body(
            text=" Hi. Thanks for watching!",
            segments=[
                {"text": " Hi.", "start": 0, "end": 1, **SURE},
                {"text": " Thanks for watching!", "start": 1, "end": "2.5", **MADE_UP},
            ],
        ),
        Transcription(
            "Hi. Thanks for watching!",
            segments=(
                TranscriptSegment("Hi.", 0.0, 1.0, -0.3, 0.1),
                TranscriptSegment("Thanks for watching!", 1.0, 2.5, -1.5, 0.9),
            ),
        ),
    ),
    "thoughts that are none": (
        JSON,
        body(text="Hi", segments=[{"text": "Hi", "avg_logprob": "NaN", "no_speech_prob": None}, 7]),
        Transcription("Hi", segments=(TranscriptSegment("Hi"),)),
    ),
}  # fmt: skip
STREAMED: dict[str, tuple[str, Transcription]] = {
    "openai": (delta("H") + event(type="transcript.text.done", text="Hi."), Transcription("Hi.")),
    "openai's segments": (
        event(type="transcript.text.segment", text="x") + event(type="transcript.text.done", text="Hi."),
        Transcription("Hi."),
    ),
    "done with all": (
        event(type="transcript.text.done", text="Hi.", language="german", segments=[]),
        Transcription("Hi.", "de"),
    ),
    "vllm": (
        ": ping\r\n\r\n"
        'data: {"choices":[{"delta":{"content":"Hi"}}]}\r\n\r\n'
        'data: {"choices":[{"delta":{"content":"."},"finish_reason":"stop"}]}\r\n\r\n'
        'data: {"choices":[],"usage":{}}\r\n\r\ndata: [DONE]\r\n\r\n',
        Transcription("Hi."),
    ),
    "whisperlive": (
        event(id=0, text="Hi.") + event(id=1, text="You.") + "data: [DONE]\n\n",
        Transcription("Hi. You."),
    ),
    "an older speaches": (
        event(text="Hi.", language="en", segments=[{"text": " Hi."}]) + event(text="You.", segments=[]),
        Transcription("Hi. You.", "en", segments=(TranscriptSegment("Hi."),)),
    ),
    "an older speaches, asked for text": ("data:  Hi.\n\ndata:  You.\n\n", Transcription("Hi. You.")),
    "no last empty line": (delta("Hi.") + "data: [DONE]", Transcription("Hi.")),
    "nothing said": ("data: [DONE]\n\n", Transcription("")),
    "thoughts in events": (
        event(text=" You", segments=[{"text": " You", **MADE_UP}]),
        Transcription("You", segments=(TranscriptSegment("You", 0.0, None, -1.5, 0.9),)),
    ),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_answer_is_read(case: str) -> None:
    kind, answer, expected = WHOLE[case]
    assert read(kind, answer) == expected


@pytest.mark.parametrize("kind", [EVENTS, "application/json", ""])
@pytest.mark.parametrize("case", STREAMED)
def test_events_are_read_whatever_they_are_called(case: str, kind: str) -> None:
    text, expected = STREAMED[case]
    assert read(kind, text.encode()) == expected


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (JSON, b""),
        (JSON, b"Hi."),
        (JSON, b"[1]"),
        (JSON, b"{}"),
        (JSON, b"null"),
        (JSON, b'{"text": 7}'),
        (JSON, b'{"text": "Hi'),
        (JSON, b"[" * 100_000),
        (JSON, b"\xff\xfe\x00"),
        ("text/html", b"<!doctype html><p>Hi.</p>"),
        ("text/plain", b"{ not JSON"),
        ("text/plain", b"\xff\xfeHi"),
        ("text/plain", b"Hi\x00\x01"),
        ("audio/wav", b"RIFF"),
        ("", b""),
        (EVENTS, b""),
        (EVENTS, b": ping\n\n"),
        (EVENTS, b"data: <html>\n\n"),
        (EVENTS, b'data: {"text": 7}\n\n'),
    ],
)
def test_what_is_no_transcript_is_told(kind: str, answer: bytes) -> None:
    with pytest.raises(BadAnswer, match="no transcript"):
        read(kind, answer)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "segments", "words", "word", "start", "end", "language", "error", "detail", "msg"]
                + ["loc", "type", "delta", "choices", "content", "no_speech_prob", "avg_logprob", "object"]
            ),
            inner,
            max_size=6,
        )
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([JSON, EVENTS, "text/plain", "text/html", "audio/wav", ""]),
    st.booleans(),
)
def test_whatever_comes_is_a_transcript_or_none(answer: bytes, kind: str, is_event: bool) -> None:
    answer = b"data: " + answer + b"\n\ndata: [DONE]\n\n" if is_event else answer
    complaint(answer).encode("utf-8", "replace")
    try:
        found = read(kind, answer)
    except BadAnswer:
        return
    assert found.text.encode().decode() == " ".join(found.text.split())
    assert all(0 <= word.start <= word.end for word in found.words)


def test_half_a_character_is_none() -> None:
    assert read(JSON, b'{"text": "Hi \\ud800!"}') == Transcription("Hi ?!")


@pytest.mark.parametrize("depth", [100, 900])
def test_what_is_deep_has_no_message_and_does_no_harm(depth: int) -> None:
    assert complaint(b'{"error":' * depth + b'"x"' + b"}" * depth) == ""


@pytest.mark.parametrize("said", ["out of memory", {"message": "out of memory"}])
@pytest.mark.parametrize("is_streamed", [True, False])
def test_an_error_in_an_answer_that_began_well_is_one(said: object, is_streamed: bool) -> None:
    answer = (delta("I") + event(error=said)).encode() if is_streamed else body(error=said)
    with pytest.raises(BadAnswer, match="gave up") as told:
        read(EVENTS if is_streamed else JSON, answer)
    assert told.value.said == "out of memory"


def test_events_that_stop_before_their_end_are_no_transcript() -> None:
    with pytest.raises(BadAnswer, match="broke off") as told:
        read(EVENTS, (delta("I wo") + delta("uld")).encode())
    assert told.value.is_cut
    with pytest.raises(BadAnswer, match="gave up"):
        read(EVENTS, b'event: error\ndata: {"message": "x"}\n\n')


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"error": {"message": "a b", "type": "t"}}', "a b"),
        (b'{"error": "a b"}', "a b"),
        (b'{"detail": "a b"}', "a b"),
        (b'{"detail": {"error": {"message": "a b"}}}', "a b"),
        (b'{"detail": [{"loc": ["body", "file"], "msg": "Field required"}]}', "file: Field required"),
        (b'{"message": "a b"}', "a b"),
        (b'{"error": {"code": 7}}', ""),
        (b"a b", "a b"),
        (b"<html>502 Bad Gateway</html>", ""),
        (b"{}", ""),
        (b"", ""),
        (b'{"error": "a', ""),
    ],
)
def test_a_complaint_is_found_wherever_it_is(answer: bytes, said: str) -> None:
    assert complaint(answer) == said


def test_a_file_is_a_head_of_44_bytes_and_the_sound() -> None:
    samples = np.arange(-5, 5, dtype=np.int16)
    made = wav(samples)
    assert len(made) == HEADER_BYTES + 20
    with wave.open(BytesIO(made)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.readframes(100) == samples.tobytes()


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        ("[DONE]", True),
        (" [DONE]\n", True),
        ('{"type": "transcript.text.done", "text": "Hi."}', True),
        ('{"text": "Hi.", "type" : "transcript.text.done"}', True),
        ('{"type": "transcript.text.delta", "delta": "done"}', False),
        ("", False),
    ],
)
def test_the_last_event_of_a_transcript_is_known(data: str, ends: bool) -> None:
    assert ends_transcript(ServerSentEvent("", data)) is ends


def test_an_event_without_an_end_is_no_transcript() -> None:
    with pytest.raises(BadAnswer, match="no transcript"):
        read(EVENTS, b"data: " + b"x" * (MOST_CHARACTERS + 1))


# ---------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("path", "protocol", "first", "count"),
    [
        ("", "auto", (OPENAI, "/v1/audio/transcriptions"), 2),
        ("/v1", "auto", (OPENAI, "/v1/audio/transcriptions"), 3),
        ("/openai/v1", "openai", (OPENAI, "/openai/v1/audio/transcriptions"), 2),
        ("/v1/audio/transcriptions", "auto", (OPENAI, "/v1/audio/transcriptions"), 1),
        ("/v1/audio/transcriptions", "whispercpp", ("whispercpp", "/v1/audio/transcriptions"), 1),
        ("/inference", "auto", ("whispercpp", "/inference"), 1),
        ("/cpp", "whispercpp", ("whispercpp", "/cpp/inference"), 2),
        ("", "whispercpp", ("whispercpp", "/inference"), 1),
    ],
)
def test_a_path_is_of_the_server_or_of_the_method(
    path: str, protocol: str, first: tuple[str, str], count: int
) -> None:
    found = places(path, protocol)
    assert found[0] == first
    assert len(found) == len(set(found)) == count


def test_what_is_refused_is_asked_for_more_simply() -> None:
    dialect = HttpDialect(OPENAI, "/v1/audio/transcriptions", "m")
    assert [each.format for each in dialect.simpler(is_streamed=False)] == ["json"]
    streamed = list(dialect.simpler(is_streamed=True))
    assert [(each.streams, each.streamed_format) for each in streamed[:2]] == [
        (True, "json"),
        (False, "verbose_json"),
    ]
    assert list(streamed[-1].simpler(is_streamed=False)) == []
