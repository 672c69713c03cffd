"""One utterance on a Whisper server that takes whole files: interims, the final, and what is not sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from tests.engines.whisper_remote.http.harness import ENGLISH, QUICK, answering, heard, hum, talking
from tests.fakes.latency import Profile
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from voice_grpc.core.audio import RATE_HZ, Samples, seconds, silence
from voice_grpc.core.errors import EngineDenied, EngineError, EngineUnreachable
from voice_grpc.engines.whisper_remote.http.stream import PARALLEL
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.ports import Stt, SttOptions, SttStream, Word


@asynccontextmanager
async def uttering(**options: Any) -> AsyncIterator[tuple[FakeWhisperHttp, Stt, SttStream]]:
    async with talking(**options) as (fake, stt):
        stream = stt.open(ENGLISH)
        try:
            yield fake, stt, stream
        finally:
            await stream.close()


def numbered(samples: Samples) -> str:
    """What a server says that counts seconds."""
    return f"{seconds(len(samples)):.1f}"


# ---------------------------------------------------------------- what is sent


async def test_the_growing_utterance_goes_up_whole_each_time() -> None:
    async with uttering(hear=numbered) as (fake, _, stream):
        found = []
        for _ in range(3):
            stream.feed(hum(0.5))
            interim = await stream.interim()
            assert interim is not None
            found.append(interim.text)
        stream.feed(hum(0.5))
        assert [*found, (await stream.final()).text] == ["0.5", "1.0", "1.5", "2.0"]
        assert len(fake.script.calls) == 4


async def test_the_same_sound_is_not_sent_twice() -> None:
    async with uttering(hear="take {n}") as (fake, _, stream):
        stream.feed(hum())
        interim = await stream.interim()
        assert interim is not None
        assert await stream.interim() == await stream.final() == await stream.final()
        assert (await stream.final()).text == interim.text
        assert len(fake.script.calls) == 1
        stream.feed(hum(0.1))
        assert (await stream.final()).text != interim.text
        assert len(fake.script.calls) == 2


@pytest.mark.parametrize("sound", [silence(0.0), silence(2.0), hum(0.05), (hum() // 300).astype(np.int16)])
async def test_silence_is_not_sent_at_all(sound: Samples) -> None:
    """Whisper would hear "Thank you." in it."""
    async with uttering() as (fake, _, stream):
        stream.feed(sound)
        assert (await stream.final()).text == ""
        assert not fake.requests
        stream.feed(hum())
        assert (await stream.final()).text == "Hello there."


# ---------------------------------------------------------------- when


async def test_interims_are_skipped_while_one_is_under_way_and_given_up_for_the_final() -> None:
    async with uttering() as (fake, _, stream):
        fake.script.always = Trouble.STALL_FIRST
        stream.feed(hum())
        async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(stream.interim())
            await fake.script.until_open(1)
            stream.feed(hum())
            assert await stream.interim() is None
            assert len(fake.script.calls) == 1
            fake.script.always = Trouble.NONE
            assert (await stream.final()).text == "Hello there."
        assert slow.result() is None
        await fake.script.until_open(0)
        assert sorted(call.end for call in fake.script.calls) == ["done", "gone"]


async def test_of_less_than_a_syllable_there_is_no_interim() -> None:
    async with uttering() as (fake, _, stream):
        stream.feed(hum(0.3))
        assert await stream.interim() is None
        assert not fake.requests


@pytest.mark.parametrize("trouble", [Trouble.STALL_FIRST, Trouble.STALL_MIDDLE, Trouble.ERROR_FIRST])
async def test_a_server_that_is_slower_than_the_speech_has_no_interims(trouble: Trouble) -> None:
    async with uttering(engine={"timeouts": QUICK}) as (fake, _, stream):
        fake.script.always = trouble
        stream.feed(hum())
        assert await stream.interim() is None
        fake.script.always = Trouble.NONE
        assert (await stream.final()).text == "Hello there."


async def test_a_server_that_counts_requests_has_those_of_the_finals_alone() -> None:
    async with uttering() as (fake, stt, stream):
        fake.script.trouble.append(Trouble.QUOTA)
        stream.feed(hum())
        assert await stream.interim() is None
        assert len(fake.script.calls) == 1
        other = stt.open(ENGLISH)
        other.feed(hum())
        assert await other.interim() is None
        assert len(fake.script.calls) == 1, "nobody's interim is sent for 7 s"
        assert (await other.final()).text == "Hello there."
        await other.close()


@pytest.mark.parametrize(
    ("trouble", "kind"), [(Trouble.DENIED, EngineDenied), (Trouble.ERROR_MIDDLE, EngineUnreachable)]
)
async def test_what_will_not_pass_is_told_by_the_interim_already(
    trouble: Trouble, kind: type[EngineError]
) -> None:
    async with uttering() as (fake, _, stream):
        fake.script.always = trouble
        stream.feed(hum())
        with pytest.raises(kind):
            await stream.interim()


async def test_an_answer_is_of_what_was_fed_when_it_was_asked_for() -> None:
    """What is late for its revision has nowhere to go: the next final asks anew."""
    async with uttering(hear=numbered) as (fake, _, stream):
        fake.script.latency.profile = Profile(0.05)
        stream.feed(hum(1.0))
        async with asyncio.TaskGroup() as tasks:
            early = tasks.create_task(stream.final())
            await fake.script.until_open(1)
            stream.feed(hum(1.0))
        assert early.result().text == "1.0"
        assert (await stream.final()).text == "2.0"


async def test_two_finals_at_once_do_not_mix() -> None:
    async with uttering(hear=numbered) as (_, _, stream):
        stream.feed(hum(1.0))
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(stream.final())
            await asyncio.sleep(0)
            stream.feed(hum(1.0))
            second = tasks.create_task(stream.final())
        assert (first.result().text, second.result().text) == ("1.0", "2.0")
        assert (await stream.final()).text == "2.0"


async def test_an_utterance_that_is_closed_asks_for_nothing_more() -> None:
    async with uttering() as (fake, _, stream):
        fake.script.always = Trouble.STALL_FIRST
        stream.feed(hum())
        async with asyncio.TaskGroup() as tasks:
            interim = tasks.create_task(stream.interim())
            final = tasks.create_task(_told(stream.final()))
            await fake.script.until_open(1)
            await stream.close()
        await fake.script.until_open(0)
        assert interim.result() is None
        assert "closed" in final.result()
        assert "closed" in await _told(stream.final())
        assert await stream.interim() is None


async def _told(work: Any) -> str:
    with pytest.raises(EngineError) as told:
        await work
    return str(told.value)


# ---------------------------------------------------------------- beside others


async def test_on_a_server_with_one_mutex_no_final_waits_for_an_interim() -> None:
    """whisper.cpp does one thing at a time, and stops when the caller hangs up."""
    async with uttering(style="whispercpp") as (fake, stt, stream):
        others = [stt.open(ENGLISH) for _ in range(3)]
        for each in (stream, *others):
            each.feed(hum())
        fake.script.trouble.append(Trouble.STALL_FIRST)
        async with asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(others[0].interim())
            await fake.script.until_open(1)
            assert await others[1].interim() is None, "there is room for one"
            async with asyncio.timeout(2):
                assert (await stream.final()).text == "Hello there."
            assert await slow is None
        assert [call.end for call in fake.script.calls] == ["gone", "done"]
        for each in others:
            await each.close()


async def test_interims_leave_connections_to_finals() -> None:
    async with talking() as (fake, stt):
        fake.script.always = Trouble.STALL_FIRST
        streams = [stt.open(ENGLISH) for _ in range(PARALLEL.most + 1)]
        for each in streams:
            each.feed(hum())
        async with asyncio.TaskGroup() as tasks:
            interims = [tasks.create_task(each.interim()) for each in streams[: PARALLEL.most]]
            await fake.script.until_open(PARALLEL.most)
            assert await streams[PARALLEL.most].interim() is None
            assert fake.script.open == PARALLEL.most
            fake.script.always = Trouble.NONE
            assert (await streams[PARALLEL.most].final()).text == "Hello there."
            for look in interims:
                look.cancel()
        await fake.script.until_open(0)
        assert await streams[0].interim() is not None
        for each in streams:
            await each.close()


# ---------------------------------------------------------------- long


def spoken_in_pieces() -> Samples:
    """Nine minutes and 59 s of sound, a pause of 0.4 s, and 20 s."""
    return np.concatenate([hum(599.0), silence(0.4), hum(20.0)])


async def test_what_is_longer_than_a_file_may_be_is_cut_in_a_pause_and_nothing_is_lost() -> None:
    sizes: list[int] = []

    def hear(samples: Samples) -> str:
        sizes.append(len(samples))
        return f"part {len(sizes)}"

    async with uttering(hear=hear) as (fake, _, stream):
        sizes.clear()
        sound = spoken_in_pieces()
        stream.feed(sound)
        assert (await stream.final()).text == "part 1 part 2"
        assert sum(sizes) == len(sound)
        assert 599.0 < seconds(sizes[0]) < 599.4
        second: Any = fake.script.calls[-1].what
        assert second["prompt"] == "part 1"
        stream.feed(hum(1.0))
        assert (await stream.final()).text == "part 1 part 3"
        assert len(sizes) == 3, "what is settled is not sent again"


@pytest.mark.parametrize("limit_seconds", [20, 40])
async def test_a_proxy_that_lets_through_less_is_learned_once(limit_seconds: int) -> None:
    """nginx takes 1 MB unless told otherwise: 32 s."""
    sizes: list[int] = []

    def hear(samples: Samples) -> str:
        sizes.append(len(samples))
        return "some"

    async with uttering(hear=hear, proxy_limit=limit_seconds * 2 * RATE_HZ) as (fake, stt, stream):
        sizes.clear()
        stream.feed(hum(100))
        assert set((await stream.final()).text.split()) == {"some"}
        assert sum(sizes) == 100 * RATE_HZ
        count = len(fake.requests) - len(sizes)
        assert count > 0
        assert (await heard(stt, samples=hum(100))).text
        assert len(fake.requests) == 2 * len(sizes) // 2 + count, "only once was anything refused"


async def test_two_finals_of_a_long_utterance_do_not_settle_it_twice() -> None:
    async with uttering(hear=numbered, proxy_limit=40 * 2 * RATE_HZ) as (_, stt, stream):
        await heard(stt, samples=hum(100))  # the limit is known by now
        stream.feed(hum(100))
        async with asyncio.TaskGroup() as tasks:
            finals = [tasks.create_task(stream.final()) for _ in range(2)]
        stream.feed(hum(1))
        whole = [*(final.result().text for final in finals), (await stream.final()).text]
        assert [round(sum(map(float, text.split()))) for text in whole] == [100, 100, 101]


async def test_a_server_that_takes_nothing_is_told() -> None:
    async with uttering() as (fake, _, stream):
        fake.proxy_limit = 1000
        stream.feed(hum(100))
        with pytest.raises(EngineError, match=r"answered 413.*too large"):
            await stream.final()
        assert len(fake.requests) < 6


async def test_the_words_of_a_later_part_have_their_place_in_the_whole() -> None:
    async with uttering(proxy_limit=60 * 2 * RATE_HZ, words=True) as (_, _, stream):
        stream.feed(np.concatenate([hum(49.0), silence(0.4), hum(40.0)]))
        found = await stream.final()
        assert found.words[0] == Word("Hello", 0.0, 0.5)
        starts = [word.start for word in found.words]
        assert starts == sorted(starts)
        assert any(start > 40 for start in starts)


# ---------------------------------------------------------------- streamed


@pytest.mark.parametrize("style", ["speaches", "vllm", "whisperlive"])
async def test_a_long_final_is_streamed_where_the_server_can(style: str) -> None:
    async with uttering(style=style, hear="It goes on and on.") as (fake, stt, stream):
        stream.feed(hum(31))
        final = await stream.final()
        assert (final.text, final.language) == ("It goes on and on.", "en")
        assert fake.script.calls[-1].what["stream"] == "true"  # type: ignore[index]
        asked = len(fake.requests)
        assert (await heard(stt, samples=hum(31))).text == "It goes on and on."
        assert len(fake.requests) == asked + 1, "that vLLM streams no verbose JSON is known by now"
        assert (await heard(stt)).text == "It goes on and on."
        assert "stream" not in fake.script.calls[-1].what  # type: ignore[operator]
        await heard(stt, SttOptions(), hum(31))
        assert "stream" not in fake.script.calls[-1].what, "events say no language"  # type: ignore[operator]
        assert len(fake.callers) == 1, "the end of the events is read, so that the connection can be kept"


@pytest.mark.parametrize("style", ["openai", "faster-whisper-server"])
async def test_a_server_that_streams_nothing_is_asked_once(style: str) -> None:
    async with talking(style=style) as (fake, stt):
        assert [(await heard(stt, samples=hum(31))).text for _ in range(2)] == ["Hello there."] * 2
        assert ["stream" in call.what for call in fake.script.calls] == [True, False]  # type: ignore[operator]


async def test_what_breaks_behind_the_last_event_is_no_harm() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    event = b'data: {"type": "transcript.text.done", "text": "Hello."}\n\n'

    def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"%x\r\n%s\r\n" % (len(event), event))
        writer.close()

    async with answering(answer) as url:
        stt = whisper_server(f"{url}/v1/audio/transcriptions")
        assert (await heard(stt)).text == "Hello."
        await stt.close()


async def test_events_that_keep_coming_are_waited_for_and_those_that_stop_are_not() -> None:
    script = Script(between=0.25)
    text = " ".join(["word"] * 20)  # 5 s of events; an answer may take 4.1
    async with talking(script, style="vllm", hear=text, engine={"timeouts": QUICK}) as (_, stt):
        script.trouble += [Trouble.NONE, Trouble.STALL_MIDDLE, Trouble.ERROR_MIDDLE]
        async with asyncio.TaskGroup() as tasks:
            steady = tasks.create_task(heard(stt, samples=hum(31)))
            await script.until_open(1)
            stalled = tasks.create_task(_told(heard(stt, samples=hum(31))))
            await script.until_open(2)
            failed = tasks.create_task(_told(heard(stt, samples=hum(31))))
        assert steady.result().text == text
        assert "stopped in the middle" in stalled.result()
        assert "gave up: CUDA out of memory" in failed.result()
        await script.until_open(0)
        assert [call.end for call in script.calls] == ["done", "gone", "done"]
