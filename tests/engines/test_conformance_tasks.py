"""No task of an engine outlives it: each is ended by `close`, whoever waits for what it does.

Also of an answer that nobody reads on and nobody gives up; who reads on is told.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable

from tests.engines import test_conformance_llm as of_llm
from tests.engines import test_conformance_stt as of_stt
from tests.engines import test_conformance_tts as of_tts
from tests.engines.conformance import Subject
from tests.engines.subject_llm_local import LOCAL
from tests.engines.subject_tts_local import PIPER
from tests.fakes.script import Trouble
from voice_grpc.core.errors import EngineError
from voice_grpc.ports import Llm, Stt, SttOptions, Tts


def engine_tasks() -> set[str]:
    """Names of the tasks that run code of ours in this loop; the fakes' own are not among them."""
    codes = {task: getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()}
    return {task.get_name() for task, code in codes.items() if code and "/voice_grpc/" in code.co_filename}


async def until_only(tasks: "set[asyncio.Task[object]]") -> None:
    """No other task runs any more, nor of the fakes, which need a moment to see that they were left."""
    async with asyncio.timeout(60):
        while not asyncio.all_tasks() <= tasks:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)


async def failure(work: Awaitable[object]) -> EngineError | None:
    """The error of ours that `work` ends with; None: it goes well."""
    try:
        await work
    except EngineError as error:
        return error
    return None


async def rest(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass


@of_llm.every
async def test_no_task_outlives_a_language_model(subject: Subject[Llm]) -> None:
    """The embedded one is shared by the tests, and starts none."""
    before = asyncio.all_tasks()
    async with subject.open(Trouble.NONE) as rig:
        await of_llm.ask(rig.engine)
        if subject is not LOCAL:
            await rig.engine.close()
        assert engine_tasks() == set()
    await until_only(before)


@of_tts.every
async def test_no_task_outlives_a_voice(subject: Subject[Tts]) -> None:
    """Piper is shared by the tests; its own tests close it."""
    before = asyncio.all_tasks()
    async with subject.open(Trouble.NONE) as rig:
        await of_tts.say(rig.engine)
        if subject is not PIPER:
            await rig.engine.close()
        assert engine_tasks() == set()
    await until_only(before)


@of_stt.every
async def test_no_task_outlives_a_recogniser(subject: Subject[Stt]) -> None:
    """Nor one of an utterance that nobody ended."""
    samples = await of_stt.sound_for(subject)
    before = asyncio.all_tasks()
    async with subject.open(Trouble.NONE) as rig:
        await of_stt.heard(rig.engine, samples)
        of_stt.feed(rig.engine.open(SttOptions()), samples)
        await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            await rig.engine.close()
        assert engine_tasks() == set()
    await until_only(before)


@of_llm.having(Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
async def test_closing_a_language_model_ends_its_answers(subject: Subject[Llm], trouble: Trouble) -> None:
    before = asyncio.all_tasks()
    async with subject.open(trouble) as rig, asyncio.TaskGroup() as tasks:
        kept = rig.engine.stream(of_llm.LONG)
        if trouble is Trouble.STALL_MIDDLE:
            await anext(kept)
        reading = tasks.create_task(failure(of_llm.keep(rig.engine, of_llm.LONG, [])))
        assert rig.far is not None
        await rig.far.until_open(1)
        async with asyncio.timeout(60):
            await rig.engine.close()
        assert engine_tasks() == set()
        await rig.far.until_open(0)
        async with asyncio.timeout(60):
            assert isinstance(await reading, EngineError)
            assert isinstance(await failure(rest(kept)), EngineError)
    await until_only(before)


@of_tts.having(Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
async def test_closing_a_voice_ends_its_answers(subject: Subject[Tts], trouble: Trouble) -> None:
    before = asyncio.all_tasks()
    async with subject.open(trouble) as rig, asyncio.TaskGroup() as tasks:
        kept = rig.engine.speak(of_tts.endless(), of_tts.ANY)
        if trouble is Trouble.STALL_MIDDLE:
            await anext(kept)
        reading = tasks.create_task(failure(of_tts.keep(rig.engine, of_tts.endless(), [])))
        assert rig.far is not None
        await rig.far.until_open(1)
        async with asyncio.timeout(60):
            await rig.engine.close()
        assert engine_tasks() == set()
        await rig.far.until_open(0)
        async with asyncio.timeout(60):
            assert isinstance(await reading, EngineError)
            assert isinstance(await failure(rest(kept)), EngineError)
    await until_only(before)


@of_stt.having(Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
async def test_closing_a_recogniser_ends_its_answers(subject: Subject[Stt], trouble: Trouble) -> None:
    before = asyncio.all_tasks()
    async with subject.open(trouble) as rig, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(failure(of_stt.heard(rig.engine, of_stt.hum())))
        assert rig.far is not None
        await rig.far.until_open(1)
        async with asyncio.timeout(60):
            await rig.engine.close()
        assert engine_tasks() == set()
        await rig.far.until_open(0)
        async with asyncio.timeout(60):
            assert isinstance(await asked, EngineError)
    await until_only(before)
