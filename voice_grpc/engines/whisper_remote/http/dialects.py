"""What Whisper servers over HTTP have not in common, and how a request is written to each.

What lives here: the facts. How they are found out is `client.py`'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..utterance import TranscribeOptions

OPENAI, CPP = "openai", "whispercpp"

_TRANSCRIPTIONS, _INFERENCE = "/audio/transcriptions", "/inference"
_VERSION = "/v1"
_CPP_SAYS = b"no 'file' field"
"""To an empty request (whisper.cpp `examples/server/server.cpp`): it can be told by that where it was given
OpenAI's path (`--inference-path`)."""

DEFAULT_MODEL = "whisper-1"

VERBOSE, PLAIN = "verbose_json", "json"


@dataclass(frozen=True, slots=True)
class HttpDialect:
    """What one server wants, as far as it is known."""

    protocol: str
    path: str
    model: str = ""
    lists_models: bool = True
    """It has `/v1/models`. The package `faster-whisper-server` has none, and calls the field `model_name`;
    OpenAI may refuse a field that it does not know."""
    format: str = VERBOSE
    streams: bool = True
    """False: asked for events, it gave none."""
    streamed_format: str = VERBOSE
    """vLLM streams no verbose JSON."""

    @property
    def models_path(self) -> str:
        """Empty where there can be none."""
        is_usual = self.protocol == OPENAI and self.path.endswith(_TRANSCRIPTIONS)
        return self.path.removesuffix(_TRANSCRIPTIONS) + "/models" if is_usual else ""

    def fields(self, options: TranscribeOptions, *, is_streamed: bool = False) -> dict[str, str]:
        found = {"response_format": self.streamed_format if is_streamed else self.format, "temperature": "0"}
        if self.protocol == CPP:
            found["language"] = options.language or "auto"  # left out, it is English
            found["no_language_probabilities"] = "true"  # else it looks at the sound once more
            found["suppress_nst"] = "true"  # no "(music)" and "[laughter]"
        else:
            found["model"] = self.model
            found |= {} if self.lists_models else {"model_name": self.model}
            found |= {"language": options.language} if options.language else {}
        found |= {"prompt": options.prompt} if options.prompt else {}
        found |= {"stream": "true"} if is_streamed else {}
        return found

    def simpler(self, *, is_streamed: bool) -> "Iterator[HttpDialect]":
        """What else can be tried with a server that refuses a request."""
        if is_streamed and self.streamed_format != PLAIN:
            yield replace(self, streamed_format=PLAIN)
        if is_streamed:
            yield replace(self, streams=False)
        if self.format != PLAIN:
            yield replace(self, format=PLAIN, streams=False)


def places(path: str, protocol: str) -> list[tuple[str, str]]:
    """Where transcripts may be made, as protocol and path, the likeliest first. `path`: the operator's,
    which may be that of the server or of the method, whatever that is called."""
    if path.endswith(_TRANSCRIPTIONS):
        found = [(OPENAI, path)]
    elif path.endswith(_INFERENCE):
        found = [(CPP, path)]
    else:
        found = [(OPENAI, path.removesuffix(_VERSION) + _VERSION + _TRANSCRIPTIONS), (CPP, path + _INFERENCE)]
        found += [(OPENAI, path + _TRANSCRIPTIONS), (OPENAI, path)] if path else []
    unique = list(dict.fromkeys(found))
    if protocol == "auto":
        return unique
    return [(protocol, place) for kind, place in unique if kind == protocol or place == path]


def is_there(status: int, kind: str) -> bool:
    """After an empty request to a place: a page for people answers everything."""
    return status not in (404, 405, 501) and not (status < 300 and kind == "text/html")


def is_whisper_cpp(body: bytes) -> bool:
    return _CPP_SAYS in body
