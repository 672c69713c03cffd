"""A child process: heard while it lives, stopped whatever it does, and its end told with its last words."""

import asyncio
import os
import sys

import pytest

from voice_grpc.process.child_process import ChildEnded, ChildProcess, running

LISTENS = "print('loading'); print('listening on 127.0.0.1:1')\n"
STAYS = "import time; time.sleep(3600)\n"


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def nobody(line: str) -> None:
    """Hears nothing."""


def test_its_address_and_what_it_says_are_told() -> None:
    said: list[str] = []
    with running("server", python(LISTENS + STAYS), said.append) as child:
        assert child.address(60) == "127.0.0.1:1"
        assert child.pid
    assert said[0] == "loading"


async def test_an_event_loop_can_wait_for_it() -> None:
    with running("server", python(LISTENS + STAYS), nobody) as child:
        assert await child.listening(60) == "127.0.0.1:1"
        assert await child.listening(60) == "127.0.0.1:1"


def test_one_that_would_not_end_is_ended() -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS + STAYS
    with running("server", python(stubborn), nobody, stop_within=0.3) as child:
        child.address(60)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


DIES = "print('one'); print('two'); raise SystemExit('no model here')"


async def test_its_death_is_told_with_its_last_words() -> None:
    with running("server", python(DIES), nobody) as child:
        with pytest.raises(ChildEnded) as caught:
            await child.listening(60)
        assert str(caught.value) == "the server ended with code 1: one | two | no model here"
        assert caught.value.message == "the server ended with code 1"
        with pytest.raises(ChildEnded):
            child.address(60)
        with pytest.raises(ChildEnded):
            await child.until_ended()


async def test_a_start_that_takes_too_long_is_told_in_one_line() -> None:
    with running("server", python("print('loading', flush=True)\n" + STAYS), nobody) as child:
        with pytest.raises(ChildEnded, match=r"^the server did not listen within 0\.3 s: "):
            await child.listening(0.3)
        with pytest.raises(ChildEnded, match=r"^the server did not listen within 0\.3 s: "):
            await asyncio.to_thread(child.address, 0.3)


async def test_its_end_is_no_error_once_it_is_stopped() -> None:
    with running("server", python(LISTENS + STAYS), nobody) as child:
        await child.listening(60)
    await child.until_ended()


async def test_who_stops_waiting_spoils_it_for_nobody() -> None:
    with running("server", python("import time; time.sleep(0.5)\n" + LISTENS + STAYS), nobody) as child:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await child.listening(60)
        assert await child.listening(60) == "127.0.0.1:1"


async def test_a_line_without_an_end_is_passed_on_in_pieces() -> None:
    said: list[str] = []
    with running("server", python("print('x' * 200_000)\n" + LISTENS + STAYS), said.append) as child:
        await child.listening(60)
    assert sum(map(len, said[:4])) == 200_000


async def test_output_that_cannot_be_passed_on_ends_it() -> None:
    def broken(line: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    child: ChildProcess
    with (
        running("server", python(LISTENS + STAYS), broken) as child,
        pytest.raises(ChildEnded, match="cannot be passed on"),
    ):
        await child.until_ended()


def test_no_such_program_is_an_os_error() -> None:
    with pytest.raises(OSError, match="No such file"), running("server", ["/no/such/program"], nobody):
        pass


def test_environment_is_given_whole() -> None:
    program = "import os; print('listening on', os.environ.get('HOME', 'nowhere'))"
    child: ChildProcess
    with running("server", python(program), nobody, environment={"PATH": ""}) as child:
        assert child.address(60) == "nowhere"
