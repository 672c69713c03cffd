"""Encoding, rate and channels of sound on the wire ⇄ `core.config.AudioFormat`. The sound itself is
`codec/transcode.py`'s.
"""

from google.protobuf.message import Message

from ..codec import opus
from ..core.config import RATES_HZ, AudioFormat
from ..core.errors import BadField
from ..pb import voice_pb2 as pb
from .enums import ENCODINGS, inverse

_ENCODINGS = inverse(ENCODINGS)


def audio_format(message: Message, path: str, rate_hz: int) -> AudioFormat:
    """The AudioFormat field of `message` that `path` ends in; `rate_hz` is the default."""
    name = path.rpartition(".")[2]
    if not message.HasField(name):
        return AudioFormat(rate_hz=rate_hz)
    given = getattr(message, name)
    encoding = _ENCODINGS.get(given.encoding)
    if encoding is None or given.encoding not in available_encodings():
        raise BadField(f"{path}.encoding", _encoding_name(given.encoding), accepted_encodings())
    rate_hz = given.sample_rate_hz or rate_hz
    if rate_hz not in RATES_HZ:
        raise BadField(f"{path}.sample_rate_hz", rate_hz, ", ".join(map(str, RATES_HZ)))
    if given.channels not in (0, 1, 2):
        raise BadField(f"{path}.channels", given.channels, "1 or 2")
    return AudioFormat(encoding, rate_hz, given.channels or 1)


def available_encodings() -> list[pb.AudioEncoding]:
    """Opus needs PyAV."""
    return [value for encoding, value in ENCODINGS.items() if not encoding.is_opus or opus.is_available()]


def accepted_encodings() -> str:
    more = "" if opus.is_available() else "; Opus with the extra `opus` of the server"
    return ", ".join(pb.AudioEncoding.Name(value) for value in available_encodings()) + more


def format_message(format: AudioFormat) -> pb.AudioFormat:
    return pb.AudioFormat(
        encoding=ENCODINGS[format.encoding],
        sample_rate_hz=format.rate_hz,
        channels=format.channels,
    )


def _encoding_name(value: int) -> str:
    known = value in pb.AudioEncoding.values()
    return pb.AudioEncoding.Name(value) if known else str(value)
