"""What a caller may have engines do: counted of every answer, also of one that nobody heard."""

import pytest

from voice_grpc.core.quota import Account, CallerLimits
from voice_grpc.core.responses import Notice, TurnPhase

from .answering.test_speculation import PATIENT, GrowingStt, ask, metrics, sure
from .harness import changed
from .microphone import pause, sound, user

EARS = sound(user(1.28), pause(1.0), user(1.28), pause(5.0))
LONG_HOLD = changed(PATIENT, min_hold=2.0, max_hold=2.0)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Of every session of the test."""
    account = Account("a", CallerLimits(characters_per_minute=1))
    monkeypatch.setattr("voice_grpc.session.session.Account", lambda: account)
    return account


def used(account: Account, name: str) -> int:
    return next(use.used for use in account.uses(30.0) if use.name == name)


def test_what_was_prepared_in_vain_counts_and_what_is_wanted_then_is_refused(account: Account) -> None:
    """The one prepared in the pause took the allowance: the answer to the whole is an apology."""
    hears = GrowingStt([(0.5, "What is the capital"), (2.0, " of Italy")])
    talk = ask(EARS, hears=hears, config=LONG_HOLD, text_end=sure())
    assert used(account, "characters of voice a minute") == len("It is Paris.")
    assert metrics(talk).counts["wasted_characters"] == len("It is Paris.")
    assert [notice.reason for _, notice in talk.all(Notice)] == ["CALLER_LIMIT"]
    assert len(talk.phases(TurnPhase.FAILED)) == 1
    assert len(talk.script.llm.prompts) == 1


def test_an_answer_counts_once(account: Account) -> None:
    talk = ask(config=LONG_HOLD, text_end=sure())
    assert len(talk.phases(TurnPhase.COMPLETED)) == 1
    assert used(account, "characters of voice a minute") == metrics(talk).counts["tts_characters"]
    told = metrics(talk).counts
    assert used(account, "tokens of the language model a day") == told["input_tokens"] + told["output_tokens"]
