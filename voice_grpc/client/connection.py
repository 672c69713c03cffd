"""How a server is reached, and how a failure to do so, or of a call, is told: `CallFailed`."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from ..net import VoiceError
from ..net.addresses import read_target, secrets_in
from ..net.proxy import grpc_options, grpc_through
from ..net.tls import read_client_files
from ..process.redaction import hide

DEFAULT_PORT = 50051
CONNECT_WITHIN = 3.0
"""Seconds until a server that does not answer is given up."""

# Pings well inside the server's limit of one every 10 s. Without bdp_probe=0 gRPC widens its
# window until 70 s of unplayed sound fit into the pipe; 32 KiB are 0.7 s of it at 24 kHz.
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 32_768),
    # Else a channel whose server was gone for a while is not even tried for up to two minutes (gRPC's own
    # connection backoff); whoever calls again decides when.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """What came with a status (google.rpc ErrorInfo, BadRequest, RetryInfo); all of it may be empty."""

    reason: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Path of a field → what was wrong with it."""
    retry_after: float | None = None
    """Seconds."""


NO_DETAILS = FailureDetails()


class CallFailed(Exception):
    """The call ended with `code`, or never began. Its text is one line for people."""

    def __init__(self, code: grpc.StatusCode, message: str, details: FailureDetails = NO_DETAILS) -> None:
        said = message or code.name.lower().replace("_", " ")
        unsaid = [f"{name}: {why}" for name, why in details.fields.items() if name not in message]
        retry = [] if details.retry_after is None else [f"try again in {details.retry_after:g} s"]
        super().__init__(" ".join("; ".join([said, *unsaid, *retry]).split()))
        self.code = code
        self.message = message
        self.details = details


@contextmanager
def failures() -> Iterator[None]:
    """Inside it every gRPC error becomes a `CallFailed`: for the methods of a stub that write no stream."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise call_failed(error) from error


def call_failed(error: grpc.aio.AioRpcError) -> CallFailed:
    """The same failure in our words."""
    said = error.details() or ""
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        said = f"what answers there is no voice server, or an older one ({said})"
    return CallFailed(error.code(), said, _details(error))


@contextmanager
def silent_when_ended() -> Iterator[None]:
    """Around a write: to a call that is over it does nothing, since whoever reads from it learns why.

    grpc.aio raises either of the two, by how the call ended.
    """
    try:
        yield
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return


def _details(error: grpc.aio.AioRpcError) -> FailureDetails:
    """Details that cannot be read count as none."""
    try:
        status = rpc_status.from_call(error)
    except (ValueError, DecodeError):
        status = None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, retry_after = error_details_pb2.RetryInfo(), None
    for detail in status.details if status is not None else ():
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
        elif not detail.Unpack(bad):
            detail.Unpack(info)
    fields = {violation.field: violation.description for violation in bad.field_violations}
    return FailureDetails(info.reason, fields, retry_after)


@dataclass(frozen=True, slots=True)
class Access:
    token: str = ""
    """Sent as `authorization: Bearer …`."""
    ca_file: Path | None = None
    """PEM of the authority to trust instead of the system's; turns TLS on, as https:// does."""
    cert_file: Path | None = None
    """PEM of one's own certificate, for a server that asks for one; turns TLS on."""
    key_file: Path | None = None
    """PEM of its private key."""
    tls: bool = False
    """Whether TLS is on, whatever else is said."""

    @property
    def is_encrypted(self) -> bool:
        return self.tls or any((self.ca_file, self.cert_file, self.key_file))

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


NO_ACCESS = Access()


def connect(target: str, access: Access = NO_ACCESS) -> grpc.aio.Channel:
    """A channel to `host[:port]`, `http://…` or `https://…`. Reads the files of `access`, once.

    Raises `CallFailed` (INVALID_ARGUMENT) for what is no target, and for files that cannot be used.
    """
    try:
        address, is_encrypted = read_target(target, DEFAULT_PORT)
    except ValueError as error:
        text = f"target: got {hide(target, secrets_in(target))!r}, accepted: {error}"
        raise CallFailed(grpc.StatusCode.INVALID_ARGUMENT, text) from None
    is_encrypted = is_encrypted or access.is_encrypted
    options = [*CHANNEL_OPTIONS, *grpc_options(address, is_encrypted=is_encrypted)]
    if not is_encrypted:
        return grpc.aio.insecure_channel(address, options)
    try:
        credentials = read_client_files(access.ca_file, access.cert_file, access.key_file)
    except VoiceError as error:
        raise CallFailed(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*credentials), options)


def _through(target: str, access: Access) -> str:
    """For a message: the proxy that was asked for the way to `target`; empty without one."""
    address, is_encrypted = read_target(target, DEFAULT_PORT)
    return grpc_through(address, is_encrypted=is_encrypted or access.is_encrypted)


_HANDSHAKE_FAULTS = {
    "CERTIFICATE_VERIFY_FAILED: certificate has expired": "its certificate has expired",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted here: --ca is to name the authority",
    "Hostname Verification": "its certificate is for another name",
    "WRONG_VERSION_NUMBER": "what is there does not speak TLS",
    "Handshake read failed": "what is there does not speak TLS, or refuses this client's certificate",
    "Socket closed": "it ended the connection: perhaps it asks for a certificate of an authority that it "
    "knows, --cert and --key",
}
"""What gRPC says of a connection, the first that fits (grpcio 1.85), and what people are told. In TLS 1.3 a
client has shaken hands before its server looks at its certificate."""

_PLAIN_FAULTS = {"Socket closed": "it ended the connection: perhaps it speaks TLS, https://… or --tls"}
"""The same of one in plain text."""


async def _handshake_fault(channel: grpc.aio.Channel, target: str, access: Access) -> str:
    """For a message: what went wrong with TLS, which only a call is told; empty where it is nothing known."""
    is_encrypted = read_target(target, DEFAULT_PORT)[1] or access.is_encrypted
    faults = _HANDSHAKE_FAULTS if is_encrypted else _PLAIN_FAULTS
    try:
        asking: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        await asking(b"", timeout=CONNECT_WITHIN)
    except grpc.aio.AioRpcError as error:
        said = error.details() or ""
        return next((f" ({told})" for sign, told in faults.items() if sign in said), "")
    return ""


async def reach(
    channel: grpc.aio.Channel, target: str, access: Access = NO_ACCESS, within: float = CONNECT_WITHIN
) -> None:
    """Returns once a server answers; raises `CallFailed` (UNAVAILABLE) at the first refusal, or in time.

    `target` and `access` are those with which `channel` was made.
    """
    where = f"{target}{_through(target, access)}"
    gone = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)
    try:
        async with asyncio.timeout(within):
            while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                if state in gone:
                    why = await _handshake_fault(channel, target, access)
                    raise CallFailed(grpc.StatusCode.UNAVAILABLE, f"no voice server answers at {where}{why}")
                await channel.wait_for_state_change(state)
    except TimeoutError:
        unanswered = f"no voice server answered at {where} within {within:g} s"
        raise CallFailed(grpc.StatusCode.UNAVAILABLE, unanswered) from None
