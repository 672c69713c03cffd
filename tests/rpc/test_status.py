"""Every error of ours is one gRPC status with details; what is not ours says nothing of itself."""

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from voice_grpc.core import errors as e
from voice_grpc.rpc.status import status_of

Kind = type[e.VoiceError]

NEVER_SENT = (e.ClientGone, e.SsmlError, e.UsageError, e.PersonaError)
"""There is nobody left to be told, or nobody yet; and what whoever knows the field makes a BadField."""


def kinds(root: Kind) -> Iterator[Kind]:
    """The leaves of the tree."""
    for kind in root.__subclasses__():
        yield from kinds(kind)
        if kind.__module__ == e.__name__ and kind not in NEVER_SENT and not kind.__subclasses__():
            yield kind


def name(kind: Kind) -> str:
    return kind.__name__


def made(kind: Kind) -> e.VoiceError:
    if issubclass(kind, e.CallerError):
        return kind("config.voice", "x", "tone")
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
    is_retryable = status.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert ("google.rpc.RetryInfo" in others) == is_retryable


def test_a_bug_says_nothing_of_itself() -> None:
    status = status_of(ValueError("the secret is 42"))
    assert status.code is grpc.StatusCode.INTERNAL
    assert "42" not in str(details(status))
