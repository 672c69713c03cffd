"""The form of sound on the wire ⇄ `core.config.AudioFormat`. The sound itself is `transcode.py`'s."""

from collections.abc import Mapping

from google.protobuf.message import Message

from .core.config import RATES_HZ, AudioFormat, Encoding
from .core.errors import BadField
from .pb import voice_pb2 as pb

ENCODINGS: Mapping[pb.AudioEncoding, Encoding] = {
    pb.AUDIO_ENCODING_PCM_S16LE: Encoding.PCM_S16LE,
    pb.AUDIO_ENCODING_PCM_F32LE: Encoding.PCM_F32LE,
    pb.AUDIO_ENCODING_MULAW: Encoding.MULAW,
    pb.AUDIO_ENCODING_ALAW: Encoding.ALAW,
}
LATER = (pb.AUDIO_ENCODING_OPUS_PACKET, pb.AUDIO_ENCODING_OGG_OPUS)
"""In the contract, and not available yet."""

_ON_THE_WIRE = {encoding: value for value, encoding in ENCODINGS.items()}


def audio_format(message: Message, path: str, rate_hz: int, instead: Encoding | None = None) -> AudioFormat:
    """The AudioFormat field of `message` that `path` ends in; `rate_hz` is the default.

    `instead` stands in for an encoding that comes later; None refuses it like any other.
    """
    name = path.rpartition(".")[2]
    if not message.HasField(name):
        return AudioFormat(rate_hz=rate_hz)
    given = getattr(message, name)
    encoding = instead if given.encoding in LATER else ENCODINGS.get(given.encoding)
    if encoding is None:
        raise BadField(f"{path}.encoding", _encoding_name(given.encoding), accepted_encodings())
    rate_hz = given.sample_rate_hz or rate_hz
    if rate_hz not in RATES_HZ:
        raise BadField(f"{path}.sample_rate_hz", rate_hz, ", ".join(map(str, RATES_HZ)))
    if given.channels not in (0, 1, 2):
        raise BadField(f"{path}.channels", given.channels, "1 or 2")
    return AudioFormat(encoding, rate_hz, given.channels or 1)


def accepted_encodings() -> str:
    return ", ".join(pb.AudioEncoding.Name(value) for value in ENCODINGS)


def format_message(format: AudioFormat) -> pb.AudioFormat:
    """The encoding is left out where there is none in force."""
    return pb.AudioFormat(
        encoding=_ON_THE_WIRE.get(format.encoding, pb.AUDIO_ENCODING_UNSPECIFIED),
        sample_rate_hz=format.rate_hz,
        channels=format.channels,
    )


def _encoding_name(value: int) -> str:
    known = value in pb.AudioEncoding.values()
    return pb.AudioEncoding.Name(value) if known else str(value)
