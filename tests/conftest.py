"""What every test runs under: no blocked loop, no loop left over, no skipping where it is forbidden."""

import asyncio
import os
from collections.abc import Generator, Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

# looptime asks for the current loop in synchronous tests too, and Python 3.11 makes one nobody closes.
asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    """A blocking call of ours inside a coroutine is an error."""
    with blockbuster_ctx("voice_grpc") as blockbuster:
        for function in blockbuster.functions.values():  # to start a process, and to have it stopped for sure
            function.can_block_in("voice_grpc/net/child_process.py", {"running", "stop"})
            # Small files, once, before there is anything that could be late.
            function.can_block_in("voice_grpc/client/connection.py", {"connect"})
        yield blockbuster


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
