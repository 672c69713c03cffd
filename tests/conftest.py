"""What every test runs under: no blocked loop, no loop left over, no skipping where it is forbidden, and
a failure that is told at once."""

import asyncio
import os
import sys
import time
from collections.abc import Generator, Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from voice_grpc.engines.worker_threads import computing

# looptime asks for the current loop in synchronous tests too, and Python 3.11 makes one nobody closes.
asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    """A blocking call of ours inside a coroutine is an error."""
    with blockbuster_ctx("voice_grpc") as blockbuster:
        for function in blockbuster.functions.values():  # to start a process, and to have it stopped for sure
            function.can_block_in("voice_grpc/process/child_process.py", {"running", "stop"})
            # Small files, once, before there is anything that could be late.
            function.can_block_in("voice_grpc/client/connection.py", {"connect"})
        yield blockbuster


THREADS_END_WITHIN = 30.0
"""Seconds from the last test of a file until the threads of its engines have ended, on a busy machine."""


@pytest.fixture(scope="module", autouse=True)
def _no_engine_thread_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """One that a file leaves behind computes beside the tests of others, and may abort the interpreter."""
    before = set(computing())
    yield
    end = time.monotonic() + THREADS_END_WITHIN
    new = [thread for thread in computing() if thread not in before]
    for thread in new:
        thread.join(max(0.0, end - time.monotonic()))
    left = [thread.name for thread in new if thread.is_alive()]
    assert not left, f"{request.node.nodeid} leaves threads of engines behind: {', '.join(left)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_ALL=1 a test that was skipped has failed: the machine was to have everything."""
    report = yield
    if os.environ.get("REQUIRE_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although REQUIRE_ALL=1: {report.longrepr}"
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A run that is cut off before its summary has said what failed in it."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        where = getattr(report.longrepr, "reprcrash", None)
        why = str(where.message if where else report.longrepr).splitlines()
        sys.stderr.write(f"\n{report.when} of {report.nodeid} failed: {why[0] if why else ''}\n")
