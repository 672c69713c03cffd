"""What one caller may use, by the settings and by what the engines cost."""

import resource
from dataclasses import replace

import pytest

from tests.pages import page
from tests.serving import scripted, settings
from voice_grpc.core.quota import CallerLimits
from voice_grpc.engines.scripted import ScriptedLlm, ScriptedTts
from voice_grpc.server.caller_limits import (
    CHARACTERS,
    MIN_CALLS,
    NEW_PER_MINUTE,
    TOKENS,
    caller_limits,
    calls_at_once,
    calls_of_one_connection,
    connections,
)

LIMITS = page("limits")


class VendorLlm(ScriptedLlm):
    is_embedded = False


class VendorTts(ScriptedTts):
    is_embedded = False


class OwnLlm(ScriptedLlm):
    is_embedded = True


class OwnTts(ScriptedTts):
    is_embedded = True


OWN = replace(scripted().engines, llm=OwnLlm([]), tts=OwnTts())
PAID = replace(OWN, llm=VendorLlm([]), tts=VendorTts())


def test_without_settings_one_caller_leaves_a_quarter_and_this_machine_has_all() -> None:
    elsewhere, here = caller_limits(settings(max_sessions=16), PAID)
    assert (elsewhere.streams, elsewhere.new_per_minute) == (12, NEW_PER_MINUTE)
    assert here == CallerLimits(streams=16, sound_rate=1.25)


def test_what_costs_has_a_limit_and_what_is_own_has_none() -> None:
    paid, _ = caller_limits(settings(), PAID)
    assert (paid.tokens_per_minute, paid.tokens_per_day) == TOKENS
    assert (paid.characters_per_minute, paid.characters_per_day) == CHARACTERS
    own, _ = caller_limits(settings(), replace(PAID, llm=OWN.llm))
    assert (own.tokens_per_minute, own.tokens_per_day) == (0, 0)
    assert (own.characters_per_minute, own.characters_per_day) == CHARACTERS
    own, _ = caller_limits(settings(), replace(PAID, tts=OWN.tts))
    assert (own.characters_per_minute, own.characters_per_day) == (0, 0)


def test_what_is_set_holds_for_all() -> None:
    given = settings(caller_streams=3, caller_new_per_minute=4, caller_tokens_per_day=5)
    elsewhere, here = caller_limits(given, PAID)
    for limits in (elsewhere, here):
        assert (limits.streams, limits.new_per_minute, limits.tokens_per_day) == (3, 4, 5)


def test_one_place_is_one_callers() -> None:
    for limits in caller_limits(settings(max_sessions=1), OWN):
        assert limits.streams == 1


def test_a_connection_can_hold_all_that_is_let_in() -> None:
    """A gateway has one for all of its browsers."""
    for count in (1, 16, 1_000):
        given = settings(max_sessions=count)
        assert calls_at_once(given) > calls_of_one_connection(given) > 2 * count


def test_connections_fit_into_the_open_files_and_all_sessions_into_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for files, sessions, most in ((1_024, 16, 480), (1_000_000, 16, 4_096), (1_000_000, 3_000, 6_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert connections(settings(max_sessions=sessions)) == most


def test_the_readme_says_how_many() -> None:
    """As `2 × --max-sessions + 272` of one connection, and four times that of all."""
    most = settings(max_sessions=1_000)
    assert f"| 2 × `--max-sessions` + {calls_of_one_connection(most) - 2_000} |" in LIMITS
    assert calls_at_once(most) == 4 * calls_of_one_connection(most)
    assert calls_at_once(settings(max_sessions=1)) == 4 * calls_of_one_connection(settings(max_sessions=1))
    assert f"| four times that, {MIN_CALLS:,} at least |" in LIMITS
