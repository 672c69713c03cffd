"""What happened is told later, as of when it happened, in its order, and bounded."""

import logging
import threading
from itertools import count

import pytest

from voice_grpc.core.trace_context import TraceContext
from voice_grpc.ports.observer import Happening, NoticeTold, SessionBegan, SessionIdentity, SessionOver
from voice_grpc.telemetry import later as module
from voice_grpc.telemetry.later import Later

ME = SessionIdentity("talk", TraceContext("0" * 31 + "7"))
NOTICE = NoticeTold(ME, "stt", "ENGINE_FALLBACK")


class Told:
    def __init__(self, later: Later) -> None:
        self._later = later
        self.seen: list[tuple[int, Happening]] = []
        self.has_come = threading.Event()

    def observe(self, happening: Happening) -> None:
        self.seen.append((self._later.wall_ns(), happening))
        self.has_come.set()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """By a clock on which every look takes a nanosecond; its thread tells nothing by itself."""
    monkeypatch.setattr(module, "SECONDS", 3_600.0)
    return Later(count(1).__next__)


def test_all_is_told_as_of_when_it_happened(later: Later) -> None:
    told = Told(later)
    later.begin(told)
    began: list[Happening] = [SessionBegan(ME), NOTICE, NOTICE]
    for happening in began:
        later.observe(happening)
    assert told.seen == []
    later.catch_up()
    assert told.seen == list(enumerate(began, 1))
    later.observe(over := SessionOver(ME, "client", 1.0))
    later.end()
    assert told.seen[3:] == [(4, over)]


def test_the_thread_tells_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.001)
    later = Later()
    told = Told(later)
    later.observe(NOTICE)
    later.begin(told)
    assert told.has_come.wait(60.0)
    later.end()
    assert [happening for _, happening in told.seen] == [NOTICE]


def test_of_too_much_only_what_opens_and_ends_is_kept(
    later: Later, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    told, over = Told(later), SessionOver(ME, "client", 1.0)
    many: list[Happening] = [*[NOTICE] * 5, over, NOTICE]
    with caplog.at_level(logging.WARNING):
        for happening in many:
            later.observe(happening)
        assert caplog.text.count("more is dropped") == 1
        later.begin(told)
        later.catch_up()
        assert [happening for _, happening in told.seen] == [NOTICE] * 3 + [over]
        for _ in range(4):
            later.observe(NOTICE)
    assert caplog.text.count("more is dropped") == 2, "it is said again when it begins again"
    later.end()
