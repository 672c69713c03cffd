"""What every voice must stand, whoever makes it.

Streams, keeps its clauses in order, stops within 100 ms at the far end too, times out, survives what
breaks, says whose fault it is, keeps ten answers at once apart, and leaves nothing behind.
"""

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from tests.engines import subject_tts_google, subject_tts_local
from tests.engines.conformance import (
    BEGINNING,
    DEADLINE,
    UNHURRIED,
    Rig,
    Subject,
    open_files,
    until_idle,
)
from tests.fakes.latency import Latency, Profile
from tests.fakes.script import Trouble
from voice_grpc.core.audio import rms
from voice_grpc.core.errors import EngineDenied, EngineEmpty, EngineError, EngineQuota, EngineTimeout
from voice_grpc.ports import Clause, Speech, Tts, VoiceChoice

TEXTS = ("Sure, I can do that.", "It takes a moment to look it up.", "Here is what I found for you.")
ANY = VoiceChoice()

ALL: list[Subject[Tts]] = [*subject_tts_google.SUBJECTS, *subject_tts_local.SUBJECTS]
CANCELLED_CALLS = {"google": 1000, "google-unary": 1000, "scripted": 1000, "piper": 12, "espeak": 60}


def needs(subject: Subject[Tts]) -> list[pytest.MarkDecorator]:
    reason = subject_tts_local.MISSING.get(subject.name, "")
    is_skipped = bool(reason) and os.environ.get("REQUIRE_ALL") != "1"
    return [pytest.mark.skipif(is_skipped, reason=reason or "-")]


def having(*troubles: Trouble) -> pytest.MarkDecorator:
    """Every subject that can have that trouble, with each of them."""
    cases = [
        pytest.param(subject, trouble, id=f"{subject.name}-{trouble.value}", marks=needs(subject))
        for subject in ALL
        for trouble in troubles
        if trouble in subject.troubles
    ]
    return pytest.mark.parametrize(("subject", "trouble"), cases)


def every_but(*names: str) -> pytest.MarkDecorator:
    kept = [subject for subject in ALL if subject.name not in names]
    return pytest.mark.parametrize(
        "subject", [pytest.param(subject, id=subject.name, marks=needs(subject)) for subject in kept]
    )


every = every_but()


async def given(texts: Sequence[str] = TEXTS) -> AsyncIterator[Clause]:
    for index, text in enumerate(texts):
        yield Clause(index, text)


async def endless() -> AsyncIterator[Clause]:
    """As from a model that has stopped writing and not ended."""
    yield Clause(0, TEXTS[0])
    yield Clause(1, TEXTS[1])
    await asyncio.Event().wait()


async def keep(tts: Tts, clauses: AsyncIterator[Clause], spoken: list[Speech]) -> None:
    async with aclosing(tts.speak(clauses, ANY)) as sounds:
        async for sound in sounds:
            assert isinstance(sound, Speech)
            spoken.append(sound)


async def say(tts: Tts, texts: Sequence[str] = TEXTS) -> list[Speech]:
    spoken: list[Speech] = []
    await keep(tts, given(texts), spoken)
    return spoken


def indices(spoken: Sequence[Speech]) -> list[int]:
    """Of the clauses as their sound came, each once where it came in one piece."""
    found: list[int] = []
    for sound in spoken:
        if not found or found[-1] != sound.clause_index:
            found.append(sound.clause_index)
    return found


def seconds(spoken: Sequence[Speech]) -> float:
    return sum(len(sound.samples) / sound.rate_hz for sound in spoken)


async def until_busy(rig: Rig[Tts]) -> None:
    async with asyncio.timeout(60):
        for _ in range(10):
            await asyncio.sleep(0)
        while rig.far is not None and not rig.far.open:  # noqa: ASYNC110 - nor for this
            await asyncio.sleep(0)


# ---------------------------------------------------------------- an answer


@every
async def test_each_clause_sounds_and_in_order(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        spoken = await say(rig.engine)
        await until_idle(rig)
    assert indices(spoken) == [0, 1, 2]
    assert all(len(sound.samples) for sound in spoken)
    assert {sound.samples.dtype.str for sound in spoken} == {"<i2"}
    for index, text in enumerate(TEXTS):
        own = [sound for sound in spoken if sound.clause_index == index]
        assert 0.02 * len(text) < seconds(own) < 0.2 * len(text), "no pace that anybody speaks at"
        assert max(rms(sound.samples) for sound in own) > 0.005, "only silence"


@every
async def test_the_first_sound_does_not_wait_for_the_last_clause(subject: Subject[Tts]) -> None:
    asked: list[int] = []
    may_go_on = asyncio.Event()

    async def slow() -> AsyncIterator[Clause]:
        for index, text in enumerate(TEXTS):
            if index == 2:
                await may_go_on.wait()
            asked.append(index)
            yield Clause(index, text)

    async with (
        asyncio.timeout(60),
        subject.open(Trouble.NONE) as rig,
        aclosing(rig.engine.speak(slow(), ANY)) as sounds,
    ):
        first = await anext(sounds)
        assert isinstance(first, Speech)
        assert (first.clause_index, 2 in asked) == (0, False)
        may_go_on.set()
        spoken = [first]
        async for sound in sounds:
            assert isinstance(sound, Speech)
            assert sound.clause_index in asked, "of a clause that was not given"
            spoken.append(sound)
    assert indices(spoken) == [0, 1, 2]


@every
async def test_it_says_what_and_where_it_is(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        assert rig.engine.name
        assert rig.engine.location
        voices = await rig.engine.voices()
    assert voices
    assert len({voice.id for voice in voices}) == len(voices)
    assert all(voice.id and voice.language and voice.engine for voice in voices)


@every
async def test_each_of_a_few_voices_can_be_asked_for(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        voices = await rig.engine.voices()
        for voice in voices[:: max(1, len(voices) // 4)]:
            async with aclosing(rig.engine.speak(given(TEXTS[:1]), VoiceChoice(voice.id))) as sounds:
                assert [sound async for sound in sounds], voice


@every
async def test_nothing_to_say_is_no_sound(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        assert await say(rig.engine, ()) == []
        assert rig.far is None or rig.far.calls == []


@every
async def test_ten_at_once_are_not_mixed_up(subject: Subject[Tts]) -> None:
    """The longer a text, the longer its sound."""
    lengths = range(1, 11)
    async with subject.open(Trouble.NONE) as rig, asyncio.TaskGroup() as tasks:
        texts = [("go on " * length).strip() + "." for length in lengths]
        saying = [tasks.create_task(say(rig.engine, [text])) for text in texts]
        if rig.far is not None:
            rig.far.latency = Latency(Profile(0.1))
            await rig.far.until_open(10)
    lasting = [seconds(task.result()) for task in saying]
    assert lasting == sorted(lasting)
    assert lasting[-1] > 2 * lasting[0]


# ---------------------------------------------------------------- thrown away


@every
@pytest.mark.parametrize("place", ["before the first sound", "in the middle"])
async def test_cancelling_stops_the_work_at_once(subject: Subject[Tts], place: str) -> None:
    stall = Trouble.STALL_FIRST if place == "before the first sound" else Trouble.STALL_MIDDLE
    trouble = stall if stall in subject.troubles else Trouble.NONE
    async with subject.open(trouble) as rig:
        spoken: list[Speech] = []
        async with asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(keep(rig.engine, endless(), spoken))
            await until_busy(rig)
            async with asyncio.timeout(60):
                while place == "in the middle" and not spoken:  # noqa: ASYNC110 - nor for this
                    await asyncio.sleep(0)
            saying.cancel()
            await asyncio.wait([saying])
            await until_idle(rig)
        ends = {seen.end for seen in rig.far.calls} if rig.far else {"gone"}
        assert "gone" in ends, "the far end spoke to the end"


@every
async def test_closing_stops_the_work_at_once(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        sounds = rig.engine.speak(endless(), ANY)
        await anext(sounds)
        await sounds.aclose()
        await until_idle(rig)


@every
async def test_an_answer_that_nobody_hears_leaves_no_trace(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        tasks, files = len(asyncio.all_tasks()), open_files()
        await rig.engine.speak(given(), ANY).aclose()
        rig.engine.speak(given(), ANY)
        assert (len(asyncio.all_tasks()), open_files()) == (tasks, files)
        assert rig.far is None or rig.far.calls == []


@every
async def test_a_thousand_cancelled_calls_leave_nothing_behind(subject: Subject[Tts]) -> None:
    """Half of them before the first sound; memory by the number of objects that live."""
    count = CANCELLED_CALLS[subject.name]
    async with subject.open(Trouble.NONE) as rig:

        async def throw_away(place: int) -> None:
            if place % 2:
                sounds = rig.engine.speak(given(), ANY)
                await anext(sounds)
                await sounds.aclose()
                return
            async with asyncio.TaskGroup() as tasks:
                saying = tasks.create_task(keep(rig.engine, endless(), []))
                for _ in range(place % 50):
                    await asyncio.sleep(0)
                saying.cancel()

        async def round_of(places: range) -> tuple[int, int, int, int]:
            for start in places[::10]:
                async with asyncio.TaskGroup() as tasks:
                    for place in range(start, start + 10):
                        tasks.create_task(throw_away(place))
            await until_idle(rig)
            if rig.far is not None:
                rig.far.calls.clear()
            await asyncio.sleep(0.02)  # what was closed is gone a turn of the loop later
            gc.collect()
            return len(asyncio.all_tasks()), threading.active_count(), open_files(), len(gc.get_objects())

        tasks, threads, files, objects = await round_of(range(0, 20))
        after = await round_of(range(0, count))
        assert after[0] <= tasks
        assert after[1] <= threads + 2
        assert after[2] <= files + 2
        assert after[3] - objects < max(count, 500), "something is kept of every call"
        assert indices(await say(rig.engine)) == [0, 1, 2], "and it still speaks"


# ---------------------------------------------------------------- what breaks


@having(Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
async def test_silence_has_an_end(subject: Subject[Tts], trouble: Trouble) -> None:
    async with subject.open(trouble) as rig:
        rig.hurry(first=DEADLINE if trouble is Trouble.STALL_FIRST else BEGINNING, between=DEADLINE)
        spoken: list[Speech] = []
        start = time.perf_counter()
        with pytest.raises(EngineTimeout) as caught:
            await keep(rig.engine, given(), spoken)
        assert DEADLINE * 0.9 < time.perf_counter() - start < UNHURRIED
        assert bool(spoken) is (trouble is Trouble.STALL_MIDDLE)
        assert caught.value.stage == "tts"
        await until_idle(rig)
        assert rig.far is not None
        assert "gone" in {seen.end for seen in rig.far.calls}


BROKEN = {
    Trouble.EMPTY: (EngineEmpty, False),
    Trouble.ERROR_FIRST: (EngineError, False),
    Trouble.ERROR_MIDDLE: (EngineError, True),
    Trouble.CUT: (EngineError, True),
    Trouble.DENIED: (EngineDenied, False),
    Trouble.QUOTA: (EngineQuota, False),
}
"""What comes of each trouble, and whether sound came before."""


@having(*BROKEN)
async def test_what_breaks_is_an_error_of_ours_and_the_next_answer_works(
    subject: Subject[Tts], trouble: Trouble
) -> None:
    kind, begun = BROKEN[trouble]
    async with subject.open(trouble) as rig:
        spoken: list[Speech] = []
        with pytest.raises(EngineError) as caught:
            await keep(rig.engine, given(), spoken)
        error = caught.value
        assert isinstance(error, kind)
        assert error.stage == "tts"
        assert str(error)
        assert bool(spoken) is begun
        assert error.advice or trouble not in (Trouble.DENIED, Trouble.QUOTA)
        await until_idle(rig)
        assert rig.far is not None
        rig.far.trouble.clear()
        rig.far.always = Trouble.NONE
        assert indices(await say(rig.engine)) == [0, 1, 2]


@every
async def test_what_goes_wrong_with_the_clauses_is_told_as_it_is(subject: Subject[Tts]) -> None:
    async def broken() -> AsyncIterator[Clause]:
        yield Clause(0, TEXTS[0])
        raise EngineError("llm", "the model broke")

    async with subject.open(Trouble.NONE) as rig:
        with pytest.raises(EngineError, match="the model broke"):
            await keep(rig.engine, broken(), [])
        await until_idle(rig)


@every_but("scripted")
async def test_an_unknown_voice_is_an_error_that_stays(subject: Subject[Tts]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        with pytest.raises(EngineError) as caught:
            await anext(rig.engine.speak(given(), VoiceChoice("nobody")))
        assert not caught.value.retryable
        assert "nobody" in str(caught.value)
        assert rig.far is None or rig.far.calls == []


@every_but("piper")
async def test_closing_takes_no_time(subject: Subject[Tts]) -> None:
    """Piper is shared by the tests; its own tests close it."""
    async with subject.open(Trouble.NONE) as rig:
        async with asyncio.timeout(60):
            await rig.engine.close()
            await rig.engine.close()
