"""Which model of a list is taken, by what it is wanted for."""

import json

import pytest

from voice_grpc.engines.http.models import ListedModel, for_chat, for_transcripts, listed


def models(*names: str) -> list[ListedModel]:
    return listed(json.dumps({"data": [{"id": name} for name in names]}).encode())


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["one"], "one"),
        (["gpt-4", "tts-1", "gpt-4o-transcribe", "whisper-1"], "whisper-1"),
        (["kokoro", "mistralai/Voxtral-Mini"], "mistralai/Voxtral-Mini"),
        (["llama", "qwen3-asr-flash"], "qwen3-asr-flash"),
        (["b", "a"], "b"),
    ],
)
def test_a_model_that_transcribes_comes_first(names: list[str], first: str) -> None:
    assert for_transcripts(models(*names))[0] == first


def test_a_list_may_say_what_its_models_are_for() -> None:
    told = [
        {"id": "whisper-tts", "task": "text-to-speech"},
        {"id": "x", "task": "automatic-speech-recognition"},
    ]
    assert for_transcripts(listed(json.dumps({"data": told}).encode())) == ["x", "whisper-tts"]


@pytest.mark.parametrize(
    ("names", "sorted_names"),
    [
        (["whisper-1", "gpt-5"], ["gpt-5", "whisper-1"]),
        (["b", "a"], ["b", "a"]),
        (["BAAI/bge-m3", "audio-lab/qwen3"], ["audio-lab/qwen3", "BAAI/bge-m3"]),
        (["text-embedding-3"], ["text-embedding-3"]),
    ],
)
def test_a_model_that_chats_comes_first(names: list[str], sorted_names: list[str]) -> None:
    assert for_chat(models(*names)) == sorted_names


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"data": 7}',
        b'{"data": [7, {"id": 7}, {}, {"id": ""}]}',
        b'{"data":' + b"[" * 9000 + b"]" * 9000 + b"}",
    ],
)
def test_what_is_no_list_of_models_names_none(body: bytes) -> None:
    assert listed(body) == []
    assert for_transcripts([]) == for_chat([]) == []
