"""A Whisper server over HTTP: what it turns out to be, what goes up, and on which connections."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.engines.whisper_remote.http.harness import QUICK, SECRET, answering, heard, hum, talking, written
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from tests.fakes.whisper_http_rules import FIRST_THAT_HEARS, STYLES
from voice_grpc.core.errors import EngineError, EngineMissing, EngineTimeout, EngineUnreachable
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.ports import SttOptions

OK = written(200, b'{"text": "Hello."}')


# ---------------------------------------------------------------- what it is


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("path", ["", "/", "/v1", "the whole"])
async def test_every_server_is_understood_at_every_path(style: str, path: str) -> None:
    path = STYLES[style].path if path == "the whole" else path
    if (style, path) == ("whispercpp", "/v1"):
        path = "/inference/"
    engine = {"key": SECRET}
    async with talking(style=style, key=SECRET, path=path, engine=engine) as (fake, stt):
        assert await heard(stt, SttOptions(("en",), "Anna")) == await heard(stt, SttOptions(("en",), "Anna"))
        said = await heard(stt, SttOptions(("en",), "Anna"))
        assert (said.text, said.language) == ("Hello there.", "en")
        asked: Any = fake.script.calls[-1].what
        assert (asked["prompt"], asked["language"], asked["response_format"]) == (
            "Anna",
            "en",
            "verbose_json",
        )
        if style in FIRST_THAT_HEARS:
            assert stt.name == asked["model"] == FIRST_THAT_HEARS[style]
        assert ("model_name" in asked) == (style in ("faster-whisper-server", "whisperlive"))
        assert set(fake.requests) == {f"POST {STYLES[style].path}"}


async def test_the_model_that_is_named_is_asked_for() -> None:
    async with talking(engine={"model": "gpt-4o-transcribe"}) as (fake, stt):
        assert stt.name == "gpt-4o-transcribe"
        assert (await heard(stt)).text == "Hello there."
        asked: Any = fake.script.calls[-1].what
        assert (asked["model"], asked["response_format"]) == ("gpt-4o-transcribe", "json")
        assert len(fake.requests) == 1, "that it takes no verbose JSON was learned when it was warmed"


async def test_a_model_that_is_not_there_is_told_with_its_name() -> None:
    async with FakeWhisperHttp() as fake:
        stt = whisper_server(fake.url, model="large")
        with pytest.raises(EngineMissing, match="The model 'large' does not exist") as told:
            await stt.warm()
        assert "WHISPER_SERVER_MODEL" in told.value.advice
        await stt.close()


async def test_a_server_that_was_started_again_with_another_model_is_found_again() -> None:
    async with talking(style="vllm") as (fake, stt):
        fake.rules = replace(fake.rules, models=({"id": "whisper-2"},))
        with pytest.raises(EngineMissing, match=r"large-v3.* does not exist"):
            await heard(stt)
        assert (await heard(stt)).text == "Hello there."
        assert stt.name == "whisper-2"


async def test_a_method_may_have_any_path() -> None:
    async with FakeWhisperHttp(path="/asr", hear="Hello.") as fake:
        stt = whisper_server(f"{fake.url}/asr")
        await stt.warm()
        assert (await heard(stt)).text == "Hello."
        assert stt.name == "whisper-1"
        await stt.close()


async def test_whisper_cpp_is_known_by_what_it_says_at_the_path_of_another() -> None:
    """`--inference-path /v1/audio/transcriptions`; without a language it would hear English alone."""
    async with talking(style="whispercpp", speaks="es") as (fake, stt):
        assert (await heard(stt, SttOptions())).language == "es"
        asked: Any = fake.script.calls[-1].what
        assert (asked["language"], asked["no_language_probabilities"]) == ("auto", "true")
        assert "model" not in asked
    fake = FakeWhisperHttp(style="whispercpp", hear="Hola.", speaks="es")
    fake.path = "/v1/audio/transcriptions"
    async with fake:
        stt = whisper_server(fake.url)
        await stt.warm()
        assert (await heard(stt, SttOptions())).language == "es"
        await stt.close()


@pytest.mark.parametrize(
    ("languages", "asked", "told"),
    [
        (("en-GB",), "en", "en"),
        (("es", "en"), None, "en"),
        ((), None, "en"),
        (("es", "de"), None, ""),
        (("es",), "es", "es"),
        (("jv", "en"), None, "en"),
    ],
)
async def test_one_language_is_told_and_several_are_detected(
    languages: tuple[str, ...], asked: str | None, told: str
) -> None:
    """The fake hears English where none is told."""
    async with talking() as (fake, stt):
        assert (await heard(stt, SttOptions(languages))).language == told
        assert fake.script.calls[-1].what.get("language") == asked  # type: ignore[attr-defined]


async def test_a_model_of_english_alone_says_so() -> None:
    async with talking(style="whisperlive", engine={"model": "tiny.en"}) as (fake, stt):
        assert stt.languages == {"en"}
        assert (await heard(stt, SttOptions())).language == "en"
        assert fake.script.calls[-1].what["language"] == "en"  # type: ignore[index]
        with pytest.raises(EngineError, match="es"):
            stt.open(SttOptions(("es",)))


async def test_credentials_and_a_query_go_along_and_stay_out_of_sight() -> None:
    async with FakeWhisperHttp(key="Basic YW5uYTpodXNoLWh1c2gta2V5", hear="Hello.") as fake:
        url = fake.url.replace("http://", f"http://anna:{SECRET}@")
        stt = whisper_server(f"{url}/v1/audio/transcriptions?api-version={SECRET}")
        await stt.warm()
        assert (await heard(stt)).text == "Hello."
        assert SECRET not in f"{stt.location} {stt.name} {stt!r} {vars(stt)}"
        await stt.close()


async def test_who_was_not_warm_is_found_when_it_is_asked() -> None:
    async with FakeWhisperHttp(hear="Hello.") as fake:
        stt = whisper_server(fake.url)
        assert (await heard(stt)).text == "Hello."
        await stt.close()
        with pytest.raises(EngineError, match="closed"):
            await heard(stt)


# ---------------------------------------------------------------- it loads


@pytest.mark.parametrize("style", ["whispercpp", "openai"])
async def test_a_server_that_still_loads_is_waited_for(style: str) -> None:
    async with FakeWhisperHttp(style=style, hear="Hello.", is_loading=True) as fake:
        stt = whisper_server(fake.url)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            warming = tasks.create_task(stt.warm())
            await asyncio.wait([warming], timeout=0.7)
            assert not warming.done()
            assert len(fake.requests) > 2, "it is asked again"
            fake.is_loading = False
        assert (await heard(stt)).text == "Hello."
        await stt.close()


async def test_a_server_that_loads_when_it_is_first_asked_has_more_time_then() -> None:
    script = Script()
    async with FakeWhisperHttp(script, hear="Hello.") as fake:
        stt = whisper_server(fake.url, timeouts=QUICK)
        script.always = Trouble.STALL_FIRST
        async with asyncio.TaskGroup() as tasks:
            warming = tasks.create_task(stt.warm())
            await script.until_open(1)
            await asyncio.wait([warming], timeout=1.5 * (QUICK.connect + QUICK.first))
            assert not warming.done()
            assert script.open == 1
            warming.cancel()
            await script.until_open(0)
        with pytest.raises(EngineTimeout, match="within 1.1 s") as told:
            await heard(stt)
        assert told.value.advice
        await stt.close()


# ---------------------------------------------------------------- connections


async def test_one_connection_serves_one_utterance_after_the_other() -> None:
    async with talking() as (fake, stt):
        for _ in range(5):
            await heard(stt)
        assert len(fake.callers) == 1


async def test_a_burst_is_served_by_a_bounded_pool() -> None:
    async with talking() as (fake, stt):
        async with asyncio.TaskGroup() as tasks:
            finals = [tasks.create_task(heard(stt)) for _ in range(100)]
        assert {each.result().text for each in finals} == {"Hello there."}
        assert len(fake.callers) <= 64


async def test_a_server_that_was_started_again_is_reached_at_once() -> None:
    async with FakeWhisperHttp(hear="Hello.") as fake:
        stt = whisper_server(fake.url)
        await stt.warm()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(heard(stt))
        assert len(fake.callers) == 5
    async with FakeWhisperHttp(hear="Again.", port=int(fake.url.rsplit(":", 1)[1])):
        assert (await heard(stt)).text == "Again."
    await stt.close()


async def test_when_one_kept_connection_is_dead_none_of_them_is_tried_again() -> None:
    """The server hangs up on every request that comes on a used connection, like some proxies."""
    used: set[asyncio.StreamWriter] = set()

    def answer(number: int, writer: asyncio.StreamWriter) -> None:
        if writer in used:
            writer.transport.abort()
        else:
            used.add(writer)
            writer.write(OK)

    async with answering(answer) as url:
        stt = whisper_server(url)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(heard(stt))
        for _ in range(5):
            assert (await heard(stt)).text == "Hello."
        await stt.close()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_busy_moment_is_tried_once_more_and_not_twice(status: int) -> None:
    asked = 0
    busy = 1

    def answer(number: int, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(written(status, b'{"error": "busy"}') if asked <= busy else OK)

    async with answering(answer) as url:
        stt = whisper_server(f"{url}/inference", timeouts=QUICK)
        busy = 0
        await stt.warm()
        asked, busy = 0, 1
        assert (await heard(stt)).text == "Hello."
        asked, busy = 0, 99
        with pytest.raises(EngineUnreachable, match=rf"answered {status}: busy"):
            await heard(stt)
        assert asked == 2
        await stt.close()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500])
async def test_what_is_refused_is_not_sent_again(status: int) -> None:
    asked: list[int] = []

    def answer(number: int, writer: asyncio.StreamWriter) -> None:
        asked.append(number)
        writer.write(OK if number < 2 else written(status, b"{}"))

    async with answering(answer) as url:
        stt = whisper_server(f"{url}/inference")
        await stt.warm()
        with pytest.raises(EngineError):
            await heard(stt)
        await stt.close()
    assert len(asked) - 2 == (2 if status == 400 else 1), "400: once more, for plain JSON"


async def test_what_breaks_when_the_answer_has_begun_to_stream_is_not_sent_again() -> None:
    async with talking(style="vllm") as (fake, stt):
        fake.script.trouble.append(Trouble.CUT)
        fake.script.trouble.append(Trouble.CUT)
        long = hum(31)
        with pytest.raises(EngineUnreachable, match="broke"):
            await heard(stt, samples=long)
        assert fake.requests.count("POST /v1/audio/transcriptions") - _refused(fake) == 1


def _refused(fake: FakeWhisperHttp) -> int:
    """Requests that never came to be worked on."""
    return fake.requests.count("POST /v1/audio/transcriptions") - len(fake.script.calls)
