"""Signals of a process that serves, also of one that still loads."""

import os
import signal
import subprocess
import sys

import pytest

from voice_grpc.process.signals import INTERRUPTED, Signals

LOADS = """
import asyncio, time
from voice_grpc.process.signals import Signals

async def main():
    signals = Signals()
    print("loading", flush=True)
    await signals.leaving_meanwhile(asyncio.to_thread(time.sleep, 60))

asyncio.run(main())
"""


async def test_each_signal_is_handed_over_in_order() -> None:
    signals = Signals()
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
        assert await signals.next() is number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_loads_ends_the_process(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", LOADS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(number)
        assert process.wait(60) == INTERRUPTED


async def test_what_is_loaded_is_returned_and_its_error_is_no_group() -> None:
    async def load(fails: bool) -> int:
        if fails:
            raise LookupError("no model here")
        return 7

    signals = Signals()
    assert await signals.leaving_meanwhile(load(fails=False)) == 7
    with pytest.raises(LookupError, match="no model here"):
        await signals.leaving_meanwhile(load(fails=True))
