"""Every error of ours is one gRPC status with details; what is not ours says nothing of itself."""

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from voice_grpc.core import errors as e
from voice_grpc.rpc.status import RETRY_SECONDS, status_of
from voice_grpc.session.telling.notices import engine_notice

Kind = type[e.VoiceError]

NEVER_SENT = (e.ClientGone, e.SsmlError, e.UsageError, e.PersonaError)
"""There is nobody left to be told, or nobody yet; and what whoever knows the field makes a BadField."""


LIMIT = e.CallerLimit("address:192.0.2.1", "streams at once", 12, 0.0405)


def kinds(root: Kind) -> Iterator[Kind]:
    """The leaves of the tree."""
    for kind in root.__subclasses__():
        yield from kinds(kind)
        if kind.__module__ == e.__name__ and kind not in NEVER_SENT and not kind.__subclasses__():
            yield kind


def name(kind: Kind) -> str:
    return kind.__name__


def name_of(error: e.VoiceError) -> str:
    return type(error).__name__


def made(kind: Kind) -> e.VoiceError:
    if issubclass(kind, e.CallerError):
        return kind("config.voice", "x", "tone")
    if kind is e.CallerLimit:
        return LIMIT
    if kind is e.AllowanceUsed:
        return e.AllowanceUsed("llm", LIMIT)
    if issubclass(kind, e.EngineError):
        return kind("llm", "lost it")
    return kind("what happened")


def details(status: grpc.Status) -> status_pb2.Status:
    (value,) = (value for key, value in status.trailing_metadata or () if key == "grpc-status-details-bin")
    return status_pb2.Status.FromString(value)


@pytest.mark.parametrize("kind", list(kinds(e.VoiceError)), ids=name)
def test_every_error_has_a_code_and_details(kind: Kind) -> None:
    error = made(kind)
    status = status_of(error)
    assert status.code not in (grpc.StatusCode.OK, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    assert status.details == str(error)
    told = details(status)
    assert (told.code, told.message) == (status.code.value[0], str(error))
    info = error_details_pb2.ErrorInfo()
    assert told.details[0].Unpack(info)
    assert info.domain == "voice.v1"
    assert info.reason.isupper()
    others = {detail.TypeName() for detail in list(told.details)[1:]}
    assert ("google.rpc.BadRequest" in others) == isinstance(error, e.CallerError)
    assert info.reason == error.reason
    is_retryable = status.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert ("google.rpc.RetryInfo" in others) == is_retryable


@pytest.mark.parametrize("error", [LIMIT, e.AllowanceUsed("tts", LIMIT)], ids=["status", "engine"])
def test_a_limit_of_the_caller_says_whose_which_and_when(error: e.VoiceError) -> None:
    status = details(status_of(error))
    quota, retry = error_details_pb2.QuotaFailure(), error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(quota)
    assert status.details[2].Unpack(retry)
    (violation,) = quota.violations
    assert (violation.subject, violation.description) == ("address:192.0.2.1", "streams at once: 12")
    assert retry.retry_delay.ToMilliseconds() == 41
    assert status.details[0].value.find(b"CALLER_LIMIT") > 0


def retry_delay(error: e.VoiceError) -> float:
    retry = error_details_pb2.RetryInfo()
    assert details(status_of(error)).details[-1].Unpack(retry)
    return float(retry.retry_delay.ToMilliseconds()) / 1_000


@pytest.mark.parametrize(
    "error", [e.CallerLimit("token:ada", "streams at once", 12), e.ServerFull("all are taken")], ids=name_of
)
def test_who_is_over_a_count_is_told_a_time_of_its_own(error: e.VoiceError) -> None:
    """Nobody knows when one of them ends: those that were turned away together come back one by one."""
    told = [retry_delay(error) for _ in range(50)]
    least, most = RETRY_SECONDS
    assert least <= min(told)
    assert max(told) <= most + 0.001
    assert len(set(told)) > 40


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (e.Draining("moved", 0.0), 0.0),
        (e.EngineQuota("tts", "too much", retry_after=42.0), 42.0),
        (e.AllowanceUsed("tts", e.CallerLimit("token:ada", "characters a day", 9, 3_600.5)), 3_600.5),
    ],
    ids=["leaving", "a vendor's", "the caller's own"],
)
def test_what_is_known_of_when_it_passes_is_told(error: e.VoiceError, seconds: float) -> None:
    assert retry_delay(error) == seconds


def test_a_bug_says_nothing_of_itself() -> None:
    status = status_of(ValueError("the secret is 42"))
    assert status.code is grpc.StatusCode.INTERNAL
    assert "42" not in str(details(status))


Code = grpc.StatusCode


class TooManyVoices(e.EngineQuota):
    """A vendor's own kind."""


@pytest.mark.parametrize(
    ("error", "code", "reason", "is_retryable"),
    [
        (e.EngineError("tts", "lost it"), Code.UNAVAILABLE, "ENGINE_ERROR", True),
        (e.EngineError("tts", "no voice", retryable=False), Code.FAILED_PRECONDITION, "ENGINE_ERROR", False),
        (e.EngineTimeout("tts", "no sound"), Code.UNAVAILABLE, "ENGINE_TIMEOUT", True),
        (e.EngineEmpty("tts", "no sound"), Code.UNAVAILABLE, "ENGINE_EMPTY", True),
        (e.EngineUnreachable("tts", "no network"), Code.UNAVAILABLE, "ENGINE_UNREACHABLE", True),
        (
            e.EngineUnreachable("tts", "a bad certificate", retryable=False),
            Code.FAILED_PRECONDITION, "ENGINE_UNREACHABLE", False,
        ),
        (e.EngineMissing("tts", "not installed"), Code.FAILED_PRECONDITION, "ENGINE_MISSING", False),
        (e.EngineDenied("tts", "a bad key"), Code.FAILED_PRECONDITION, "ENGINE_DENIED", False),
        (e.EngineBlocked("tts", "not nice"), Code.INVALID_ARGUMENT, "ENGINE_BLOCKED", False),
        (e.EngineQuota("tts", "too much"), Code.RESOURCE_EXHAUSTED, "ENGINE_QUOTA", True),
        (e.EngineQuota("tts", "no credit", retryable=False), Code.RESOURCE_EXHAUSTED, "ENGINE_QUOTA", False),
        (TooManyVoices("tts", "too much"), Code.RESOURCE_EXHAUSTED, "ENGINE_QUOTA", True),
    ],
)  # fmt: skip
def test_what_an_engine_does_is_told_by_whose_fault_it_is(
    error: e.EngineError, code: grpc.StatusCode, reason: str, is_retryable: bool
) -> None:
    """A status that ends a call and a Notice that a stream survives name it alike."""
    status = status_of(error)
    told = details(status)
    info = error_details_pb2.ErrorInfo()
    assert told.details[0].Unpack(info)
    has_retry = any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in told.details)
    assert (status.code, info.reason, has_retry) == (code, reason, is_retryable)
    assert engine_notice(error).reason == reason
