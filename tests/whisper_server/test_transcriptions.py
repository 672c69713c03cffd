"""What is answered to a good request: the shapes of OpenAI's audio API, by hand-written assertions."""

import json
import re
from typing import Any

import httpx2
import numpy as np
import pytest
import soxr

from voice_grpc.bench.stt_utterances import SpokenText, normal_words, word_errors
from voice_grpc.core.audio import RATE_HZ, silence, to_float

from .process import TRANSCRIPTIONS, Process, upload, wav


@pytest.fixture(scope="session")
def said(utterances: list[SpokenText]) -> SpokenText:
    return next(each for each in utterances if "weather" in each.words)


@pytest.fixture(scope="session")
def long_speech(utterances: list[SpokenText]) -> SpokenText:
    """More than one window."""
    clean = [each for each in utterances if each.kind == "synthetic"]
    parts = [part for each in clean for part in (each.samples, silence(2.0))]
    return SpokenText(" ".join(each.words for each in clean), np.concatenate(parts), "synthetic")


async def post(client: httpx2.AsyncClient, data: bytes, **fields: Any) -> httpx2.Response:
    response = await client.post(TRANSCRIPTIONS, files=upload(data), data=fields)
    assert response.status_code == 200, response.text
    return response


def is_said(text: str, said: SpokenText) -> bool:
    return normal_words(text) == normal_words(said.words)


async def test_json(client: httpx2.AsyncClient, said: SpokenText) -> None:
    response = await post(client, wav(said.samples), model="whisper-1")
    answer = response.json()
    assert response.headers["content-type"] == "application/json"
    assert set(answer) == {"text", "usage"}
    assert is_said(answer["text"], said)
    assert answer["text"] == answer["text"].strip()
    assert answer["usage"] == {"type": "duration", "seconds": int(np.ceil(said.seconds))}


async def test_text(client: httpx2.AsyncClient, said: SpokenText) -> None:
    response = await post(client, wav(said.samples), response_format="text", model="whisper-base")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.endswith("\n")
    assert is_said(response.text, said)


async def test_verbose_json(client: httpx2.AsyncClient, said: SpokenText) -> None:
    answer = (await post(client, wav(said.samples), response_format="verbose_json")).json()
    assert (answer["task"], answer["language"]) == ("transcribe", "english")
    assert answer["duration"] == pytest.approx(said.seconds, abs=0.01)
    assert "words" not in answer
    (segment,) = answer["segments"]
    assert set(segment) == {
        *("id", "seek", "start", "end", "text", "tokens", "temperature"),
        *("avg_logprob", "compression_ratio", "no_speech_prob"),
    }
    assert 0.0 <= segment["start"] < segment["end"] <= answer["duration"]
    assert segment["text"].strip() == answer["text"]
    assert all(isinstance(token, int) for token in segment["tokens"])
    assert segment["avg_logprob"] < 0.0 <= segment["no_speech_prob"] < 0.5


async def test_words_have_times_where_they_are_asked_for(
    client: httpx2.AsyncClient, said: SpokenText
) -> None:
    padded = np.concatenate([silence(1.0), said.samples])
    asked = {"response_format": "verbose_json", "timestamp_granularities[]": ["word"], "language": "en"}
    answer = (await post(client, wav(padded), **asked)).json()
    assert "segments" not in answer
    words = answer["words"]
    assert [word["word"].lower() for word in words] == re.findall(r"[\w']+", answer["text"].lower())
    times = [at for word in words for at in (word["start"], word["end"])]
    assert times == sorted(times)
    assert 0.8 <= times[0] <= 1.4
    assert times[-1] == pytest.approx(answer["duration"], abs=0.5)
    asked["timestamp_granularities[]"] = ["word", "segment"]
    assert {"words", "segments"} <= set((await post(client, wav(padded), **asked)).json())


@pytest.mark.parametrize(
    ("format", "pattern"),
    [
        ("srt", r"1\n00:00:00,\d{3} --> 00:00:\d\d,\d{3}\n(.+)\n\n"),
        ("vtt", r"WEBVTT\n\n00:00:00\.\d{3} --> 00:00:\d\d\.\d{3}\n(.+)\n\n"),
    ],
)
async def test_subtitles(client: httpx2.AsyncClient, said: SpokenText, format: str, pattern: str) -> None:
    response = await post(client, wav(said.samples), response_format=format)
    found = re.fullmatch(pattern, response.text)
    assert found, response.text
    assert is_said(found[1], said)


@pytest.mark.parametrize(
    ("format", "subtype", "rate", "channels"),
    [
        ("WAV", "PCM_16", 48_000, 2),
        ("WAV", "PCM_U8", 8_000, 1),
        ("WAV", "FLOAT", 22_050, 6),
        ("WAV", "ULAW", 8_000, 1),
        ("FLAC", "PCM_16", 44_100, 2),
        ("OGG", "VORBIS", 48_000, 1),
        ("OGG", "OPUS", 48_000, 1),
        ("MP3", "MPEG_LAYER_III", 44_100, 2),
    ],
)
async def test_any_format_rate_and_number_of_channels(
    client: httpx2.AsyncClient, said: SpokenText, format: str, subtype: str, rate: int, channels: int
) -> None:
    sound = soxr.resample(to_float(said.samples), RATE_HZ, rate)
    data = wav(np.repeat(sound[:, None], channels, axis=1), rate, format, subtype)
    answer = (await post(client, data, response_format="verbose_json", language="en")).json()
    assert word_errors(normal_words(said.words), normal_words(answer["text"])) <= 1
    assert answer["duration"] == pytest.approx(said.seconds, abs=0.15)


@pytest.mark.parametrize(("format", "codec"), [("mp4", "aac"), ("webm", "libopus")])
async def test_what_browsers_and_telephones_record(
    client: httpx2.AsyncClient, said: SpokenText, format: str, codec: str
) -> None:
    av = pytest.importorskip("av")
    import io

    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        sound = soxr.resample(said.samples, RATE_HZ, 48_000)
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate = 48_000
        for packets in (stream.encode(each) for each in (frame, None)):
            container.mux(packets)
    answer = (await post(client, file.getvalue(), language="en")).json()
    assert word_errors(normal_words(said.words), normal_words(answer["text"])) <= 1


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "english", "", "auto"])
async def test_ways_to_name_the_language(client: httpx2.AsyncClient, said: SpokenText, language: str) -> None:
    answer = await post(client, wav(said.samples), language=language, response_format="verbose_json")
    assert answer.json()["language"] == "english"


async def test_fields_that_nobody_knows_are_ignored(client: httpx2.AsyncClient, said: SpokenText) -> None:
    odd = {"temperature": "0.4", "chunking_strategy": "auto", "include[]": "logprobs", "hotwords": "x"}
    assert is_said((await post(client, wav(said.samples), **odd)).json()["text"], said)


async def test_a_prompt_tells_how_words_are_spelled(
    client: httpx2.AsyncClient, utterances: list[SpokenText]
) -> None:
    maria = wav(next(each for each in utterances if "Maria" in each.words).samples)
    plain = (await post(client, maria, language="en")).json()["text"]
    told = (await post(client, maria, language="en", prompt="Mariah.")).json()["text"]
    assert "Mariah" not in plain
    assert "Mariah" in told


async def test_silence_is_an_empty_text(client: httpx2.AsyncClient) -> None:
    data = wav(silence(2.0))
    answer = (await post(client, data, response_format="verbose_json")).json()
    assert (answer["text"], answer["segments"], answer["duration"]) == ("", [], 2.0)
    assert (await post(client, data, response_format="srt")).text == ""
    assert (await post(client, data, response_format="vtt")).text == "WEBVTT\n\n"


async def test_what_is_longer_than_a_window(client: httpx2.AsyncClient, long_speech: SpokenText) -> None:
    assert long_speech.seconds > 32
    data = wav(long_speech.samples)
    answer = (await post(client, data, response_format="verbose_json", language="en")).json()
    words = normal_words(long_speech.words)
    assert word_errors(words, normal_words(answer["text"])) < 0.1 * len(words)
    assert answer["duration"] == pytest.approx(long_speech.seconds, abs=0.01)
    starts = [segment["start"] for segment in answer["segments"]]
    assert starts == sorted(starts)
    assert starts[-1] > 25
    assert len({segment["seek"] for segment in answer["segments"]}) > 1


async def events(client: httpx2.AsyncClient, data: bytes, **fields: Any) -> list[dict[str, Any]]:
    asked = {"stream": "true", **fields}
    async with client.stream("POST", TRANSCRIPTIONS, files=upload(data), data=asked) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = [line async for line in response.aiter_lines()]
    assert all(line.startswith("data: ") for line in lines[::2])
    assert not any(lines[1::2])
    return [json.loads(line[6:]) for line in lines[::2]]


async def test_streamed_deltas_come_early_and_are_the_text(
    client: httpx2.AsyncClient, server: Process, long_speech: SpokenText
) -> None:
    data = wav(long_speech.samples)
    *deltas, done = await events(client, data, language="en")
    assert {each["type"] for each in deltas} == {"transcript.text.delta"}
    assert len(deltas) >= 3
    assert done["type"] == "transcript.text.done"
    assert "".join(each["delta"] for each in deltas) == done["text"]
    assert len(deltas[0]["delta"].split()) < 15
    assert done["usage"]["type"] == "duration"
    words = normal_words(long_speech.words)
    assert word_errors(words, normal_words(done["text"])) < 0.1 * len(words)


async def test_a_stream_of_a_short_sentence_and_of_nothing(
    client: httpx2.AsyncClient, said: SpokenText
) -> None:
    *deltas, done = await events(client, wav(said.samples), response_format="verbose_json")
    assert is_said("".join(each["delta"] for each in deltas), said)
    assert done["language"] == "english"
    assert len(done["segments"]) == 1
    (done,) = await events(client, wav(silence(1.0)))
    assert done["text"] == ""


async def test_translations_come_in_english(client: httpx2.AsyncClient, said: SpokenText) -> None:
    asked = {"response_format": "verbose_json", "language": "en"}
    response = await client.post("/v1/audio/translations", files=upload(wav(said.samples)), data=asked)
    answer = response.json()
    assert (answer["task"], answer["language"]) == ("translate", "english")
    assert "weather" in answer["text"]


async def test_models(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/v1/models")).json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["whisper-base", "whisper-1"]
    for model in listed["data"]:
        assert (await client.get(f"/v1/models/{model['id']}")).json() == model
        assert set(model) == {"id", "object", "created", "owned_by"}


async def test_health_and_metrics_need_no_key(
    client: httpx2.AsyncClient, server: Process, said: SpokenText
) -> None:
    async with httpx2.AsyncClient(base_url=server.url) as anybody:
        health = await anybody.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        assert health.json()["model"] == "whisper-base"
        assert (await anybody.get("/health/live")).status_code == 200
        before = (
            server.metric("whisper_audio_seconds_total"),
            server.metric("whisper_requests_total", outcome="ok"),
        )
        await post(client, wav(said.samples))
        after = (
            server.metric("whisper_audio_seconds_total"),
            server.metric("whisper_requests_total", outcome="ok"),
        )
        metrics = await anybody.get("/metrics")
    assert after[0] - before[0] == pytest.approx(said.seconds, abs=0.01)
    assert after[1] - before[1] == 1
    assert metrics.headers["content-type"].startswith("text/plain; version=")
    for name in ("queue_length", "batch_size_bucket", "processing_seconds_total", "real_time_factor_bucket"):
        assert f"whisper_{name}" in metrics.text
    assert server.metric("whisper_ready") == 1
