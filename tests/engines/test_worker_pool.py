"""An engine's threads, with hand-written work that stays inside them until it is let through."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.shared_cores import BETWEEN_S, MUCH_MORE, PARTS_WAIT_S, SharedCores
from voice_grpc.engines.worker_pool import (
    GIVES_WAY,
    OVERDUE_S,
    GaveWay,
    IsAbandoned,
    Work,
    WorkerPool,
)
from voice_grpc.engines.worker_threads import Abandoned
from voice_grpc.ports import Claim, Urgency

COMMITTED, FINAL, PREPARED, PART = Urgency


class Gate:
    """Work that stays inside its thread until it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, is_abandoned: Callable[[], bool]) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        if is_abandoned():
            raise Abandoned
        return "done"


@dataclass
class Order:
    """Names of work, in the order in which it was begun."""

    begun: list[str] = field(default_factory=list)

    def work(self, name: str) -> Work:
        def run(is_abandoned: IsAbandoned) -> str:
            self.begun.append(name)
            return name

        return run


def of(caller: str, urgency: Urgency = FINAL) -> Claim:
    return Claim.of(caller, urgency)


def pool_of(threads: int) -> WorkerPool:
    made = WorkerPool("stt", "Whisper", threads)
    made.start()
    return made


def has_room(pool: WorkerPool, threads: int) -> bool:
    return pool.free_for(of("", PREPARED)) >= min(2, threads)


async def entered(gate: Gate) -> bool:
    return await asyncio.to_thread(gate.entered.wait, 5)


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    made = pool_of(2)
    yield made
    await made.close(2.0)


@pytest.fixture
async def single() -> AsyncIterator[WorkerPool]:
    made = pool_of(1)
    yield made
    await made.close(2.0)


# ---------------------------------------------------------------- who is next


async def test_beside_a_flood_of_one_caller_another_is_next(single: WorkerPool) -> None:
    gate, order = Gate(), Order()
    running = single.submit(gate, of("flood"))
    await entered(gate)
    flood = [single.submit(order.work(f"flood {n}"), of("flood")) for n in range(20)]
    other = single.submit(order.work("other"), of("other"))
    gate.opened.set()
    assert await running == "done"
    assert await other == "other"
    for answer in flood:
        await answer
    assert order.begun[0] == "other"


async def test_what_is_more_urgent_is_next_though_it_came_last(single: WorkerPool) -> None:
    gate, order = Gate(), Order()
    running = single.submit(gate, of("a", COMMITTED))
    await entered(gate)
    claims = [of(urgency.name, urgency) for urgency in reversed(Urgency)]
    waiting = [single.submit(order.work(claim.caller), claim) for claim in claims]
    gate.opened.set()
    for answer in (running, *waiting):
        await answer
    assert order.begun == [urgency.name for urgency in Urgency]


async def test_a_caller_with_too_much_is_refused_and_others_are_not() -> None:
    pool, gate, order = WorkerPool("turn", "Smart Turn", most=2), Gate(), Order()
    pool.start()
    running = pool.submit(gate, of("a"))
    await entered(gate)
    waiting = [pool.submit(order.work("a"), of("a")) for _ in range(2)]
    with pytest.raises(EngineError, match="2 pieces of work of one caller wait for Smart Turn"):
        pool.submit(order.work("a"), of("a"))
    waiting.append(pool.submit(order.work("b"), of("b")))
    gate.opened.set()
    for answer in (running, *waiting):
        await answer
    assert order.begun == ["b", "a", "a"]
    await pool.close(2.0)


async def test_parts_leave_a_thread_to_those_who_talk(pool: WorkerPool) -> None:
    gates = Gate(), Gate()
    parts = [pool.submit(gate, of(f"part {n}", PART)) for n, gate in enumerate(gates)]
    await entered(gates[0])
    assert await pool.submit(lambda _: "at once", of("b")) == "at once"
    assert not gates[1].entered.is_set()
    for gate in gates:
        gate.opened.set()
    assert [await part for part in parts] == ["done", "done"]


# ---------------------------------------------------------------- giving way


async def test_a_part_gives_way_to_a_final_of_another_and_is_not_lost(single: WorkerPool) -> None:
    gate, order = Gate(), Order()
    part = single.submit(gate, of("flood", PART))
    await entered(gate)
    flood = single.submit(order.work("flood"), of("flood", PART))
    final = single.submit(order.work("final"), of("b"))
    gate.opened.set()
    assert await final == "final"
    assert await part == "done"
    assert await flood == "flood"
    assert order.begun == ["final", "flood"]


async def test_what_is_begun_anew_gives_way_a_few_times_and_is_finished_then(single: WorkerPool) -> None:
    begun, finals = 0, list[asyncio.Future[str]]()
    loop, is_asked = asyncio.get_running_loop(), threading.Semaphore(0)

    def ask() -> None:
        finals.append(single.submit(lambda _: "final", of("b")))
        is_asked.release()

    def part(is_abandoned: IsAbandoned) -> str:
        nonlocal begun
        begun += 1
        loop.call_soon_threadsafe(ask)
        assert is_asked.acquire(timeout=5)
        if is_abandoned():
            raise Abandoned
        return "finished"

    assert await single.submit(part, of("a", PART)) == "finished"
    assert begun == GIVES_WAY + 1
    assert [await final for final in finals] == ["final"] * begun


async def test_nothing_gives_way_to_its_equals(single: WorkerPool) -> None:
    gate, order = Gate(), Order()
    first = single.submit(gate, of("a"))
    await entered(gate)
    gate.entered.clear()
    second = single.submit(order.work("b"), of("b"))
    gate.opened.set()
    assert await first == "done"
    assert await second == "b"
    assert not gate.entered.is_set(), "it was not begun anew"


async def test_one_of_two_gives_way_to_one(pool: WorkerPool) -> None:
    """Both would be done again where one thread is enough."""
    is_told, other = Gate(), Gate()

    def slow_to_leave(is_abandoned: IsAbandoned) -> str:
        is_leaving = is_told(lambda: False) and is_abandoned()
        if is_leaving:
            is_left.entered.set()
            assert is_left.opened.wait(10)
            raise Abandoned
        return "done"

    is_left = Gate()
    first = pool.submit(slow_to_leave, of("a", PREPARED))
    second = pool.submit(other, of("a", PREPARED))
    for gate in (is_told, other):
        await entered(gate)
    committed = pool.submit(lambda _: "committed", of("b", COMMITTED))
    is_told.opened.set()
    assert await entered(is_left), "it was told to leave, and has its thread still"
    other.entered.clear()
    other.opened.set()
    assert await second == "done"
    assert not other.entered.is_set(), "it was not begun anew"
    is_left.opened.set()
    assert await committed == "committed"
    assert await first == "done"


async def test_what_goes_on_where_it_was_gives_its_thread_to_an_equal_once_its_time_is_up() -> None:
    now, order = [0.0], Order()
    pool = WorkerPool("llm", "the model", slice_s=1.0, cores=SharedCores(64, lambda: now[0]))
    pool.start()
    steps, is_waiting = Gate(), threading.Event()
    at = 0

    def answer(is_abandoned: IsAbandoned) -> str:
        nonlocal at
        steps.entered.set()
        assert is_waiting.wait(5)
        while at < 4:
            if is_abandoned():
                order.begun.append(f"left at {at}")
                raise Abandoned
            at += 1
            now[0] += 0.5
        return "answered"

    first = pool.submit(answer, of("a", COMMITTED))
    await entered(steps)
    second = pool.submit(order.work("b"), of("b", COMMITTED))
    is_waiting.set()
    assert await second == "b"
    assert await first == "answered"
    assert order.begun == ["left at 2", "b"]
    await pool.close(2.0)


async def test_what_becomes_urgent_while_it_runs_no_longer_gives_way(single: WorkerPool) -> None:
    gate, order, urgency = Gate(), Order(), [PREPARED]
    answer = single.submit(gate, Claim("a", lambda: urgency[0]))
    answer.add_done_callback(lambda _: order.begun.append("a"))
    await entered(gate)
    waiting = single.submit(order.work("b"), of("b", COMMITTED))
    urgency[0] = COMMITTED
    gate.entered.clear()
    gate.opened.set()
    assert await answer == "done"
    assert await waiting == "b"
    assert not gate.entered.is_set(), "it was not begun anew"


# ---------------------------------------------------------------- a spare thread


@dataclass
class Busy:
    """A pool of one thread and a spare one, and somebody's work that does not end. `now` is its clock."""

    pool: WorkerPool
    now: list[float]
    order: Order = field(default_factory=Order)

    def overdue(self) -> None:
        self.now[0] += OVERDUE_S


@pytest.fixture
async def busy() -> AsyncIterator[Busy]:
    now, gate = [0.0], Gate()
    pool = WorkerPool("stt", "Whisper", cores=SharedCores(64, lambda: now[0]))
    pool.start(spare=1)
    running = pool.submit(gate, of("flood"))
    await entered(gate)
    yield Busy(pool, now)
    gate.opened.set()
    assert await running == "done"
    await pool.close(2.0)


async def test_nobody_waits_for_the_end_of_work_that_cannot_be_left(busy: Busy) -> None:
    waiting = busy.pool.submit(busy.order.work("other"), of("other"))
    busy.overdue()
    assert await waiting == "other"


async def test_a_caller_who_has_a_thread_gets_no_spare_one(busy: Busy) -> None:
    flood = busy.pool.submit(busy.order.work("flood"), of("flood", COMMITTED))
    early = busy.pool.submit(busy.order.work("early"), of("somebody", PREPARED))
    busy.overdue()
    other = busy.pool.submit(busy.order.work("other"), of("other"))
    busy.overdue()
    assert await other == "other"
    assert busy.order.begun == ["other"]
    assert not flood.done()
    assert not early.done()
    flood.cancel()
    early.cancel()


async def test_the_spare_thread_is_no_room(busy: Busy) -> None:
    assert busy.pool.free_for(of("other")) == 0
    waiting = busy.pool.submit(busy.order.work("other"), of("other"))
    assert busy.pool.free_for(of("third")) == -1
    busy.overdue()
    assert await waiting == "other"


# ---------------------------------------------------------------- room, and optional work


async def test_room_is_kept_for_a_final(pool: WorkerPool) -> None:
    gate = Gate()
    assert has_room(pool, 2)
    running = pool.submit(gate, of("a"))
    assert not has_room(pool, 2)
    assert await pool.submit(lambda _: "at once", of("a")) == "at once"
    gate.opened.set()
    assert await running == "done"


async def test_parts_take_no_room_from_those_who_talk(pool: WorkerPool) -> None:
    gate = Gate()
    running = [pool.submit(gate, of("flood", PART)) for _ in range(5)]
    await entered(gate)
    assert has_room(pool, 2)
    assert pool.free_for(of("other", PART)) < 0, "from each other they do"
    gate.opened.set()
    assert [await answer for answer in running] == ["done"] * 5


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
async def test_no_final_waits_for_the_interims_of_others(threads: int) -> None:
    pool, interims = pool_of(threads), list[Gate]()
    running = []
    while has_room(pool, threads):
        running.append(pool.submit(gate := Gate(), of("a", PREPARED), is_optional=True))
        await entered(gate)
        interims.append(gate)
    finals = [Gate() for _ in range(threads)]
    waited_for = [pool.submit(final, of("a")) for final in finals]
    free = threads - len(interims)
    for final in finals[:free]:
        assert await entered(final), "at once, where a thread is free"
    for gate in interims:
        gate.opened.set()
    for final in finals[free:]:
        assert await entered(final), "at the next step of an interim, where none is"
    for final in finals:
        final.opened.set()
    assert [await answer for answer in waited_for] == ["done"] * threads
    for answer in running:
        with pytest.raises(GaveWay):
            await answer
    await pool.close(2.0)


async def test_an_interim_is_finished_while_finals_have_threads(pool: WorkerPool) -> None:
    interim, final = Gate(), Gate()
    early = pool.submit(interim, of("a", PREPARED), is_optional=True)
    await entered(interim)
    late = pool.submit(final, of("a"))
    await entered(final)
    interim.opened.set()
    assert await early == "done"
    final.opened.set()
    assert await late == "done"


# ---------------------------------------------------------------- what nobody wants, what fails, the end


async def test_cancelled_work_never_begins(pool: WorkerPool) -> None:
    gates, order = (Gate(), Gate()), Order()
    running = [pool.submit(gate, of("a")) for gate in gates]
    dropped = pool.submit(order.work("dropped"), of("a"))
    kept = pool.submit(order.work("kept"), of("a"))
    dropped.cancel()
    for gate in gates:
        gate.opened.set()
    await kept
    assert [await answer for answer in running] == ["done", "done"]
    assert order.begun == ["kept"]


async def test_work_under_way_learns_that_nobody_waits(single: WorkerPool) -> None:
    gate, left = Gate(), threading.Event()

    def work(is_abandoned: IsAbandoned) -> str:
        try:
            return gate(is_abandoned)
        except Abandoned:
            left.set()
            raise

    running = single.submit(work, of("a"))
    await entered(gate)
    running.cancel()
    gate.opened.set()
    assert await single.submit(lambda _: "next", of("a")) == "next"
    assert left.is_set()


async def test_a_failure_is_its_own_only(pool: WorkerPool) -> None:
    def fail(_: IsAbandoned) -> None:
        raise EngineError("stt", "Whisper failed")

    with pytest.raises(EngineError, match="Whisper failed"):
        await pool.submit(fail, of("a"))
    assert await pool.submit(lambda _: "alive", of("a")) == "alive"


async def test_close_refuses_what_waits_and_comes_back_though_a_lane_is_stuck() -> None:
    pool, gate = pool_of(1), Gate()
    stuck, waiting = pool.submit(gate, of("a")), pool.submit(lambda _: "never", of("a"))
    await entered(gate)
    await pool.close(0.01)
    with pytest.raises(EngineError, match="closed"):
        await waiting
    with pytest.raises(EngineError, match="closed"):
        pool.submit(lambda _: "never", of("a"))
    gate.opened.set()
    with pytest.raises(EngineError, match="closed"):
        await stuck


# ---------------------------------------------------------------- cores that are wanted elsewhere


@pytest.fixture
async def crowded() -> AsyncIterator[tuple[WorkerPool, WorkerPool, list[float]]]:
    """Two engines on two cores, and the time."""
    now = [0.0]
    cores = SharedCores(2, lambda: now[0])
    pools = WorkerPool("stt", "Whisper", 2, cores=cores), WorkerPool("llm", "the model", cores=cores)
    for pool in pools:
        pool.start()
    yield *pools, now
    for pool in pools:
        await pool.close(1.0)


async def test_a_part_waits_while_another_engine_answers_somebody_else(
    crowded: tuple[WorkerPool, WorkerPool, list[float]],
) -> None:
    whisper, model, now = crowded
    gate, order = Gate(), Order()
    answer = model.submit(gate, of("anna", COMMITTED))
    part = whisper.submit(order.work("part"), of("ben", PART))
    assert await whisper.submit(order.work("final"), of("ben")) == "final"
    assert order.begun == ["final"]
    gate.opened.set()
    assert await answer == "done"
    now[0] += 1.0
    assert await part == "part"
    assert order.begun == ["final", "part"]


async def test_a_part_waits_no_longer_than_it_may(
    crowded: tuple[WorkerPool, WorkerPool, list[float]],
) -> None:
    whisper, model, now = crowded
    gate, order = Gate(), Order()
    answer = model.submit(gate, of("anna", COMMITTED))
    part = whisper.submit(order.work("part"), of("ben", PART))
    await whisper.submit(order.work("final"), of("anna"))
    assert order.begun == ["final"]
    now[0] += PARTS_WAIT_S
    assert await part == "part"
    gate.opened.set()
    await answer


async def test_who_holds_many_conversations_lets_another_answer_first(
    crowded: tuple[WorkerPool, WorkerPool, list[float]],
) -> None:
    whisper, model, now = crowded
    gate, order = Gate(), Order()
    answer = model.submit(gate, of("anna", COMMITTED))
    many = [whisper.submit(order.work(f"eve {n}"), of("eve")) for n in range(MUCH_MORE + 3)]
    assert await whisper.submit(order.work("anna"), of("anna")) == "anna"
    gate.opened.set()
    assert await answer == "done"
    now[0] += BETWEEN_S
    assert [await each for each in many] == [f"eve {n}" for n in range(MUCH_MORE + 3)]
    assert order.begun.index("anna") < order.begun.index(f"eve {MUCH_MORE + 2}")
