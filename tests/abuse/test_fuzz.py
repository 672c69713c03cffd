"""A thousandth of `make fuzz`: nothing of what strangers send is a bug, and the canaries are answered; and a
bug would be found."""

import logging

import pytest

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")
pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")

from .attacked import LogHandler, LogReader, attacked_here
from .fuzz import KINDS, RANDOM_IN_STRATEGIES, attack, counts_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings(f"ignore:{RANDOM_IN_STRATEGIES}"),
]

SEED = 1
EXAMPLES = 20
"""Of one round."""


async def test_nothing_that_is_sent_is_a_bug() -> None:
    async with attacked_here() as where:
        report = await attack(where, dict.fromkeys(KINDS, 20), SEED, EXAMPLES)
    assert report.failures == []
    assert all(result.sent >= 20 and result.refused for result in report.kinds)
    assert 2 * report.kinds[0].refused < report.kinds[0].sent, "what is turned away tries nothing"
    assert all(canary.delays for canary in report.singing)


# ---------------------------------------------------------------- it can fail


async def test_a_bug_is_found_and_told_with_what_makes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def session_config(message: object, catalog: object) -> None:
        raise RuntimeError("so it is")

    async with attacked_here() as where:
        monkeypatch.setattr("voice_grpc.rpc.service.session_config", session_config)
        report = await attack(where, {"grpc": 20}, SEED, EXAMPLES)
    told = "\n".join(report.kinds[0].failures)
    assert "--kind grpc --seed 1 --count 1: INTERNAL: a bug in the server" in told
    assert "CallInput(method='Converse'" in told
    assert "RuntimeError: so it is" in told
    assert [canary.harm.partition(":")[0] for canary in report.singing] == ["question 1", "question 1"]
    assert report.failures[-2:] == [str(canary) for canary in report.singing]


def test_all_kinds_have_their_share() -> None:
    assert sum(kind.share for kind in KINDS.values()) == pytest.approx(1.0)
    assert sum(counts_of(100_000, []).values()) == 100_000
    assert counts_of(300, ["sdp", "http"]) == {"sdp": 60, "http": 240}


def test_the_log_of_this_process_is_read() -> None:
    with LogHandler().listening() as log:
        logging.getLogger("anybody").warning("fine")
        logging.getLogger("anybody").error("not so")
    assert [line[-6:] for line in log.taken()] == ["not so"]


def test_the_log_is_read() -> None:
    log = LogReader()
    for line in (
        "2026-01-01 00:00:00,000 INFO a fine",
        "2026-01-01 00:00:00,000 ERROR a Converse: a bug",
        "Traceback (most recent call last):",
        "ValueError: x",
        "2026-01-01 00:00:00,000 WARNING a fine",
    ):
        log.hear(line)
    assert [line[-5:] for line in log.taken()] == ["a bug", "ast):", "or: x"]
    assert log.taken() == []
