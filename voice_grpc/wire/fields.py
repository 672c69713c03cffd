"""Checked readings of protobuf fields: each says which field, which value and what is accepted.

A path is the field's place in the request, as the proto spells it.
"""

from collections.abc import Container

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from ..core.errors import BadField, SsmlError
from ..core.languages import is_tag, primary
from ..core.text.ssml import Ssml, parse


def duration(message: Message, name: str, path: str, bounds: tuple[float, float], default: float) -> float:
    """Seconds of the Duration field `name`; `default` where it is left out."""
    if not message.HasField(name):
        return default
    value: Duration = getattr(message, name)
    seconds = value.seconds + value.nanos / 1e9
    if not bounds[0] <= seconds <= bounds[1]:
        raise BadField(f"{path}.{name}", f"{seconds:g} s", f"{bounds[0]:g} s to {bounds[1]:g} s")
    return seconds


def number(message: Message, name: str, path: str, bounds: tuple[float, float], default: float) -> float:
    """An optional number field; NaN is outside every range."""
    if not message.HasField(name):
        return default
    value: float = getattr(message, name)
    if not bounds[0] <= value <= bounds[1]:
        raise BadField(f"{path}.{name}", value, f"{bounds[0]:g} to {bounds[1]:g}")
    return value


def text(value: str, path: str, limit: int, *, required: bool = False) -> str:
    if len(value) > limit or (required and not value.strip()):
        shown = f"{len(value)} characters" if value.strip() else value
        at_least = "1" if required else "0"
        raise BadField(path, shown, f"{at_least} to {limit} characters, not only white space")
    return value


def ssml(document: str, path: str) -> Ssml:
    """A document that voices render; the error says where it is wrong."""
    try:
        return parse(document)
    except SsmlError as error:
        raise BadField(path, f"{error.place}{error.got}", error.accepted) from None


ACCEPTED_LANGUAGES = "a BCP 47 tag of a language in GetServerInfo.languages, such as en-US"


def language(tag: str, path: str, known: Container[str], listed: str = ACCEPTED_LANGUAGES) -> str:
    """A BCP 47 tag whose language is among `known` (ISO 639-1)."""
    if not is_tag(tag) or primary(tag) not in known:
        raise BadField(path, tag, listed)
    return tag


def one_of(value: str, path: str, known: Container[str], listed: str) -> str:
    if value not in known:
        raise BadField(path, value, listed)
    return value


def to_duration(seconds: float) -> Duration:
    """To the microsecond."""
    duration = Duration()
    duration.FromMicroseconds(round(seconds * 1e6))
    return duration
