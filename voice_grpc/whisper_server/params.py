"""Form fields → what is asked for. Unknown fields are ignored, as OpenAI does; so is `temperature`, once
it is a number: the engine decides by itself when to decode again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, TypeVar, get_args

from ..core.errors import EngineError
from ..engines.whisper.languages import CODES
from .errors import ApiError, bad_request

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["segment", "word"]
Task = Literal["transcribe", "translate"]
T = TypeVar("T")

_FORMATS: tuple[Format, ...] = get_args(Format)
_GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
_STREAMED = ("json", "text", "verbose_json")
_TRUTH = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
_DETECT = ("", "auto")
_LONGEST_TAG = 40
_PROMPT_CHARACTERS = 2000
"""More than the engine reads of it (64 tokens)."""


@dataclass(frozen=True, slots=True)
class TranscribeParams:
    """What one request asks for."""

    task: Task
    languages: tuple[str, ...]
    """Whisper's codes; empty: detect it."""
    prompt: str
    format: Format
    granularities: frozenset[Granularity]
    is_streamed: bool


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What the model here can do."""

    names: tuple[str, ...]
    """What a request may call it; the first is its own."""
    is_multilingual: bool
    codes: Callable[[Sequence[str]], tuple[str, ...]]
    """BCP 47 → Whisper's codes; of none the only one it knows, or none. Raises `EngineError`."""

    def check_model(self, name: str) -> None:
        if name and name not in self.names:
            listed = ", ".join(self.names)
            said = f"The model {name[:80]!r} does not exist here; there is: {listed}"
            raise ApiError(HTTPStatus.NOT_FOUND, said, "model", "model_not_found")


def transcribe_params(
    fields: Mapping[str, Sequence[str]], task: Task, served: ServedModel
) -> TranscribeParams:
    """Raises `ApiError` that names the field, its value and what is accepted."""

    def field(name: str) -> str:
        return fields[name][-1].strip() if name in fields else ""

    served.check_model(field("model"))
    _check_temperature(field("temperature"))
    if task == "translate" and not served.is_multilingual:
        raise bad_request("This model knows English only: there is nothing to translate", "model")
    format = _one_of("response_format", field("response_format") or "json", _FORMATS)
    is_streamed = _TRUTH.get(field("stream").lower() or "false")
    if is_streamed is None:
        raise bad_request(_wrong("stream", field("stream"), ("true", "false")), "stream")
    if is_streamed and format not in _STREAMED:
        said = f"stream goes with response_format {', '.join(_STREAMED)}; not with {format}"
        raise bad_request(said, "stream")
    return TranscribeParams(
        task,
        _languages(field("language"), served),
        field("prompt")[:_PROMPT_CHARACTERS],
        format,
        _granularities(fields),
        is_streamed,
    )


def _languages(given: str, served: ServedModel) -> tuple[str, ...]:
    if given.lower() in _DETECT:
        return served.codes(())
    given = given[:_LONGEST_TAG]
    try:
        return served.codes((CODES.get(given.lower(), given),))
    except EngineError as error:
        said = f"Invalid language {given!r}: {error}. Send an ISO 639-1 code such as en, or none"
        raise bad_request(said, "language", "invalid_language_format") from None


def _granularities(fields: Mapping[str, Sequence[str]]) -> frozenset[Granularity]:
    name = "timestamp_granularities[]"
    given = [*fields.get(name, ()), *fields.get("timestamp_granularities", ())]
    listed = [word.strip() for each in given for word in each.split(",") if word.strip()]
    return frozenset(_one_of(name, word, _GRANULARITIES) for word in listed) or frozenset(("segment",))


def _check_temperature(given: str) -> None:
    try:
        is_right = 0.0 <= float(given or "0") <= 1.0
    except ValueError:
        is_right = False
    if not is_right:
        raise bad_request(_wrong("temperature", given, ("a number from 0 to 1",)), "temperature")


def _one_of(name: str, given: str, accepted: Sequence[T]) -> T:
    for each in accepted:
        if each == given:
            return each
    raise bad_request(_wrong(name, given, [str(each) for each in accepted]), name)


def _wrong(name: str, given: str, accepted: Sequence[str]) -> str:
    return f"Invalid {name} {given[:80]!r}; accepted: {', '.join(accepted)}"
