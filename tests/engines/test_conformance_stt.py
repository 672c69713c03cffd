"""What every engine of the listening side stands, whatever its vendor.

Its far end, where it has one, is a fake that counts what it works on; one in this process is asked only
what it can be asked.
"""

import asyncio
import os
import threading
from functools import cache

import numpy as np
import pytest

from tests.engines import subject_stt_http, subject_stt_local, subject_stt_sockets
from tests.engines.conformance import DEADLINE, UNHURRIED, Rig, Subject, until_idle
from tests.fakes.script import Script, Trouble
from tests.saying import said
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.errors import EngineDenied, EngineError, EngineQuota, EngineTimeout
from voice_grpc.ports import Stt, SttOptions, SttStream, Transcription

FRAME = 512
"""Samples: a window of the detector."""
CANCELLED = 1000
WAVE = 20
CANCELLED_HERE = 40
"""Of a model in this process a call that is given up costs what it costs until its next step."""

SUBJECTS: list[Subject[Stt]] = [
    *subject_stt_http.SUBJECTS,
    *subject_stt_sockets.SUBJECTS,
    *subject_stt_local.SUBJECTS,
]


def having(*troubles: Trouble) -> pytest.MarkDecorator:
    """Each subject with each of the troubles that it can have."""
    cases = [(subject, trouble) for subject in SUBJECTS for trouble in troubles]
    return pytest.mark.parametrize(
        ("subject", "trouble"),
        [pytest.param(s, t, id=f"{s.name}-{t.value}") for s, t in cases if t in s.troubles],
    )


every = pytest.mark.parametrize("subject", [pytest.param(each, id=each.name) for each in SUBJECTS])
remote = pytest.mark.parametrize(
    "subject", [pytest.param(each, id=each.name) for each in SUBJECTS if Trouble.STALL_FIRST in each.troubles]
)


@cache
def hum() -> Samples:
    """2.5 s that are not silence: fakes hear words in whatever is audible."""
    return (np.sin(np.arange(2.5 * RATE_HZ) * 0.2) * 3000).astype(np.int16)


@cache
def sentence() -> Samples:
    """Real words, for a real model."""
    pytest.importorskip("piper")
    return said(subject_stt_local.SENTENCE)


async def sound_for(subject: Subject[Stt]) -> Samples:
    return await asyncio.to_thread(sentence) if subject.name == "whisper-tiny" else hum()


def feed(stream: SttStream, samples: Samples) -> None:
    for start in range(0, len(samples), FRAME):
        stream.feed(samples[start : start + FRAME])


async def heard(stt: Stt, samples: Samples) -> Transcription:
    """One utterance from beginning to end."""
    stream = stt.open(SttOptions())
    try:
        feed(stream, samples)
        return await stream.final()
    finally:
        await stream.close()


async def first_interim(stream: SttStream) -> Transcription:
    async with asyncio.timeout(60):
        while True:
            if (interim := await stream.interim()) is not None:
                return interim
            await asyncio.sleep(0.005)


async def given_up(stream: SttStream, far: Script | None) -> None:
    """A final that somebody works on, until nobody does."""
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(stream.final())
        await asyncio.sleep(0)
        if far is not None:
            await far.until_open(1)
        asked.cancel()
        await asyncio.wait([asked])
        if far is not None:
            await far.until_open(0)


# ---------------------------------------------------------------- streams


@every
async def test_interims_come_first_and_a_final_after_all_that_was_fed(subject: Subject[Stt]) -> None:
    samples = await sound_for(subject)
    half = len(samples) * 2 // 3
    async with subject.open(Trouble.NONE) as rig:
        stream = rig.engine.open(SttOptions())
        try:
            feed(stream, samples[:half])
            interim = await first_interim(stream)
            first = await stream.final()
            assert await stream.final() == first
            feed(stream, samples[half:])
            second = await stream.final()
        finally:
            await stream.close()
    assert interim.text
    assert first.text == first.text.strip() != ""
    assert len(second.text.split()) >= len(first.text.split())


@every
async def test_one_language_is_said_and_an_unknown_one_refused(subject: Subject[Stt]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        stt = rig.engine
        assert "en" in stt.languages
        stream = stt.open(SttOptions(("en-US",)))
        feed(stream, await sound_for(subject))
        assert (await stream.final()).language in ("", "en")
        await stream.close()
        if subject.name != "scripted":
            with pytest.raises(EngineError, match="tlh"):
                stt.open(SttOptions(("tlh",)))


@every
async def test_nothing_fed_is_nothing_said(subject: Subject[Stt]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        stream = rig.engine.open(SttOptions())
        assert (await stream.final()).text == ""
        await stream.close()


# ---------------------------------------------------------------- is given up


@every
async def test_a_final_that_is_given_up_ends_at_once_there_too(subject: Subject[Stt]) -> None:
    trouble = Trouble.STALL_FIRST if Trouble.STALL_FIRST in subject.troubles else Trouble.NONE
    async with subject.open(trouble) as rig:
        stream = rig.engine.open(SttOptions())
        feed(stream, await sound_for(subject))
        await given_up(stream, rig.far)
        await until_idle(rig)
        await stream.close()
        if rig.far is not None:
            assert [call.end for call in rig.far.calls] == ["gone"]


@every
async def test_an_utterance_whose_final_was_given_up_goes_on(subject: Subject[Stt]) -> None:
    trouble = Trouble.STALL_FIRST if Trouble.STALL_FIRST in subject.troubles else Trouble.NONE
    samples = await sound_for(subject)
    async with subject.open(trouble) as rig:
        stream = rig.engine.open(SttOptions())
        feed(stream, samples[: len(samples) // 2])
        await given_up(stream, rig.far)
        if rig.far is not None:
            rig.far.always = Trouble.NONE
        feed(stream, samples[len(samples) // 2 :])
        final = await stream.final()
        await stream.close()
        assert final.text == (await heard(rig.engine, samples)).text != ""


@remote
async def test_an_utterance_that_is_closed_ends_at_once_there_too(subject: Subject[Stt]) -> None:
    async with subject.open(Trouble.STALL_FIRST) as rig:
        assert rig.far is not None
        stream = rig.engine.open(SttOptions())
        feed(stream, await sound_for(subject))
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(stream.final())
            await rig.far.until_open(1)
            asked.cancel()
            await stream.close()
            await rig.far.until_open(0)


# ---------------------------------------------------------------- goes wrong


@having(Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
async def test_a_server_that_says_nothing_is_given_up_in_time(
    subject: Subject[Stt], trouble: Trouble
) -> None:
    async with subject.open(trouble) as rig:
        assert rig.far is not None
        samples = await sound_for(subject)
        rig.hurry(connect=DEADLINE, first=DEADLINE, between=DEADLINE)
        with pytest.raises(EngineTimeout) as caught:
            async with asyncio.timeout(60):
                await heard(rig.engine, samples)
        assert caught.value.stage == "stt"
        assert caught.value.advice
        await rig.far.until_open(0)
        await works_again(rig, subject)


@having(Trouble.CUT)
async def test_a_cut_costs_one_utterance_at_most(subject: Subject[Stt], trouble: Trouble) -> None:
    async with subject.open(trouble) as rig:
        with pytest.raises(EngineError) as caught:
            await heard(rig.engine, await sound_for(subject))
        assert caught.value.retryable
        await works_again(rig, subject)


@having(Trouble.CUT)
async def test_a_connection_that_breaks_once_is_made_anew(subject: Subject[Stt], trouble: Trouble) -> None:
    async with subject.open(Trouble.NONE) as rig:
        assert rig.far is not None
        rig.far.trouble.append(trouble)
        text = (await heard(rig.engine, await sound_for(subject))).text
        assert not rig.far.trouble
        assert text == (await heard(rig.engine, await sound_for(subject))).text != ""


@having(Trouble.EMPTY)
async def test_an_empty_answer_is_nothing_said(subject: Subject[Stt], trouble: Trouble) -> None:
    """WhisperLive says nothing at all then, and is waited for."""
    async with subject.open(trouble) as rig:
        if subject.name == "whisperlive":
            rig.hurry(first=3.0, between=3.0)
        assert (await heard(rig.engine, await sound_for(subject))).text == ""
        await works_again(rig, subject)


@having(Trouble.ERROR_FIRST, Trouble.ERROR_MIDDLE)
async def test_an_error_of_the_server_is_one_of_ours(subject: Subject[Stt], trouble: Trouble) -> None:
    async with subject.open(trouble) as rig:
        with pytest.raises(EngineError) as caught:
            await heard(rig.engine, await sound_for(subject))
        assert str(caught.value)
        assert subject_stt_sockets.KEY not in repr(caught.value)
        await works_again(rig, subject)


@having(Trouble.DENIED, Trouble.QUOTA)
async def test_who_is_not_let_in_learns_why(subject: Subject[Stt], trouble: Trouble) -> None:
    async with subject.open(trouble) as rig:
        with pytest.raises(EngineDenied if trouble is Trouble.DENIED else EngineQuota) as caught:
            await heard(rig.engine, await sound_for(subject))
        assert caught.value.advice
        assert caught.value.retryable == (trouble is Trouble.QUOTA)
        if trouble is Trouble.DENIED:
            assert "WHISPER_API_KEY" in caught.value.advice
        await works_again(rig, subject)


async def works_again(rig: Rig[Stt], subject: Subject[Stt]) -> None:
    """The next utterance knows nothing of the last one's trouble."""
    assert rig.far is not None
    rig.far.always = Trouble.NONE
    rig.hurry(connect=UNHURRIED, first=UNHURRIED, between=UNHURRIED)
    assert (await heard(rig.engine, await sound_for(subject))).text
    await rig.far.until_open(0)


# ---------------------------------------------------------------- many


@every
async def test_ten_at_once_do_not_mix(subject: Subject[Stt]) -> None:
    samples = await sound_for(subject)
    async with subject.open(Trouble.NONE) as rig:
        alone = await heard(rig.engine, samples)
        streams = [rig.engine.open(SttOptions()) for _ in range(10)]
        for start in range(0, len(samples), FRAME):
            for stream in streams:
                stream.feed(samples[start : start + FRAME])
        async with asyncio.TaskGroup() as tasks:
            finals = [tasks.create_task(stream.final()) for stream in streams]
        for stream in streams:
            await stream.close()
        assert {final.result().text for final in finals} == {alone.text}


def held() -> tuple[int, int, int]:
    """Tasks, threads and descriptors."""
    return len(asyncio.all_tasks()), threading.active_count(), len(os.listdir("/proc/self/fd"))


@every
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
async def test_calls_that_are_given_up_leave_nothing(subject: Subject[Stt]) -> None:
    is_remote = Trouble.STALL_FIRST in subject.troubles
    async with subject.open(Trouble.STALL_FIRST if is_remote else Trouble.NONE) as rig:
        wave, sound = WAVE if is_remote else 4, (await sound_for(subject))[: RATE_HZ // 10]
        await give_up(rig, sound, wave)
        before = held()
        for _ in range((CANCELLED if is_remote else CANCELLED_HERE) // wave):
            await give_up(rig, sound, wave)
        async with asyncio.timeout(60):
            while any(now > then for now, then in zip(held(), before, strict=True)) or rig.open_calls():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert rig.far is None or (rig.far.open == 0 and len(rig.far.calls) >= CANCELLED)


async def give_up(rig: Rig[Stt], samples: Samples, count: int) -> None:
    """So many calls at once, all of them worked on, all of them given up."""
    streams = [rig.engine.open(SttOptions()) for _ in range(count)]
    for stream in streams:
        feed(stream, samples)
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(stream.final()) for stream in streams]
        await asyncio.sleep(0)
        if rig.far is not None:
            await rig.far.until_open(count)
        for each in asked:
            each.cancel()
        if rig.far is not None:
            await rig.far.until_open(0)
    for stream in streams:
        await stream.close()
