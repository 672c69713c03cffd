"""A preview that goes over into the final text: pure functions, and the transcript that uses them."""

import re
from pathlib import Path

import pytest

from voice_grpc import whisper_server
from voice_grpc.whisper_server.formats import TranscriptWriter, settled, unspoken
from voice_grpc.whisper_server.params import TranscribeParams
from voice_grpc.whisper_server.transcriber import SpeechChunk


@pytest.mark.parametrize(
    ("text", "early"),
    [
        (" And so my fellow Americans asked not", " And so my fellow"),
        (" one two three four", " one"),
        (" one two three", ""),
        ("", ""),
        ("今日は天気がいい", ""),
    ],
)
def test_the_last_words_are_held_back(text: str, early: str) -> None:
    assert settled(text) == early


@pytest.mark.parametrize(
    ("given", "text", "more"),
    [
        ("", " Hello there.", " Hello there."),
        (" And so my", " And so my fellow Americans", " fellow Americans"),
        (" Hello there.", " Hello, there my friend.", " my friend."),
        (" I wood like", " I would like a table", " a table"),
        (" Call Marie", " Call Maria back.", " back."),
        (" Well call me", " Call me back.", " back."),
        (" wholly different", " something else was said", " was said"),
        (" the whole text", " the whole", ""),
        (" the whole text", "", ""),
    ],
)
def test_the_final_text_goes_on_from_where_the_early_one_ended(given: str, text: str, more: str) -> None:
    assert unspoken(given, text) == more


def test_deltas_are_the_text_whatever_was_given_out_early() -> None:
    transcript = TranscriptWriter(
        TranscribeParams("transcribe", (), "", "json", frozenset(("segment",)), True)
    )
    deltas = [
        transcript.preview(" I wood like a table"),
        transcript.preview(" I would like a table for four people on"),
        transcript.add(SpeechChunk(0.0, 20.0, " I would like a table for four people on Friday.")),
        transcript.add(SpeechChunk(20.0, 21.0)),
        transcript.add(SpeechChunk(21.0, 30.0, " Thank you.")),
    ]
    assert deltas == ["I wood", " like a table for", " four people on Friday.", "", " Thank you."]
    assert "".join(deltas) == transcript.text


def test_the_list_of_modules_is_true() -> None:
    listed = re.findall(r"^(\w+) {2,}\S", whisper_server.__doc__ or "", re.MULTILINE)
    there = {path.stem for path in Path(whisper_server.__file__).parent.glob("*.py")} - {"__init__"}
    assert sorted(listed) == sorted(there)
