"""A command line made of settings: flags, environment and `.env` → the settings, and the help for all.

`CommandLine` serves every command that has settings (`serve`, `doctor`, `whisper-server`, `gateway`, `up`):
how they are read, and how a wrong option is told (flag, variable, value, what is accepted), is written here
and nowhere else. Which settings there are, each command says itself.
"""

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import AfterValidator, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from ..core.errors import BadField, UsageError, VoiceError
from .home import expanded
from .redaction import Redaction

S = TypeVar("S", bound=BaseSettings)

METAVARS = {int: "NUMBER", float: "SECONDS", str: "TEXT", Path: "FILE"}
"""What stands for a value in the help, by the type of the setting."""

PLACEHOLDER = re.compile(r"\s*<.*>\s*")
"""What an example file holds where a value belongs."""

UserPath: TypeAlias = Annotated[
    Path, BeforeValidator(lambda value: expanded(value.strip()) if isinstance(value, str) else value)
]
"""A path as people write it: `~` is the home directory."""

PathOrName: TypeAlias = Annotated[str, AfterValidator(expanded)]
"""A text that may be a path, with the same `~`."""


def check_each(
    texts: list[str], read: Callable[[str], object], shown: Callable[[str], str] = str
) -> list[str]:
    """`texts` of a setting that is a list, for a validator of pydantic: which is wrong is told, as `shown`.
    `read` takes each, or raises `ValueError` that says what is accepted."""
    for text in texts:
        try:
            read(text)
        except ValueError as error:
            told = {"accepted": str(error), "got": shown(text)}
            raise PydanticCustomError("listed", "{accepted}", told) from None
    return texts


def read_by_command(name: str, prefix: str) -> SettingsConfigDict:
    """How the settings of a command are read: flags, variables that begin with `prefix`, and `.env`."""
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        allow_inf_nan=False,
        populate_by_name=True,
        cli_prog_name=name,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        validate_default=True,
    )


def is_placeholder(value: object) -> bool:
    return isinstance(value, str) and PLACEHOLDER.fullmatch(value) is not None


def without_placeholders(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is set: a placeholder left as `<...>` is not."""
    return {name: value for name, value in values.items() if not is_placeholder(value)}


@dataclass(frozen=True, slots=True)
class CommandLine(Generic[S]):
    """The options of one command. `groups` holds the names of its settings by heading, for the help."""

    kind: type[S]
    head: str
    groups: Mapping[str, tuple[str, ...]]

    def parse(self, argv: list[str]) -> S:
        """Raises `UsageError`, and `BadField` that names flag, variable and value."""
        try:
            return CliApp.run(self.kind, cli_args=argv, cli_exit_on_error=False)
        except SettingsError as error:
            said = str(error).removeprefix("error parsing CLI: ").splitlines()[0]
            raise UsageError(f"{said}; --help tells what there is") from None
        except ValidationError as error:
            raise self._bad_value(error) from None
        except (OSError, UnicodeError) as error:
            raise UsageError(f".env cannot be read: {error}") from None

    def examined(self, argv: list[str]) -> tuple[S | None, list[VoiceError]]:
        """The settings, with its default for each that is wrong, and all that is; None: the command line or
        `.env` cannot be read at all."""
        try:
            return CliApp.run(self.kind, cli_args=argv, cli_exit_on_error=False), []
        except ValidationError as error:
            found = {self._named(each) or str(each["loc"]): each for each in error.errors(include_url=False)}
        except (SettingsError, OSError, UnicodeError):
            try:
                return self.parse(argv), []
            except VoiceError as error:
                return None, [error]
        faults: list[VoiceError] = [self._told(each) for each in found.values()]
        wrong = [name for name in found if name in self.kind.model_fields]
        fields = {name: self._field(name) for name in wrong}
        defaults = {
            field.validation_alias if isinstance(field.validation_alias, str) else name: field.get_default(
                call_default_factory=True
            )
            for name, field in fields.items()
        }
        try:
            rest = CliApp.run(
                self.kind, cli_args=_without_flags(argv, fields), cli_exit_on_error=False, **defaults
            )
        except (SettingsError, ValidationError):
            return None, faults
        return rest, faults

    def help_text(self) -> str:
        """Every option with its variable and its default."""
        lines = [self.head]
        for title, names in self.groups.items():
            lines += [f"\n{title}:", *(self._described(name, self._field(name)) for name in names)]
        return "\n".join(lines)

    def variable(self, name: str) -> str:
        """The environment variable of a setting."""
        alias = self._field(name).validation_alias
        prefix = self.kind.model_config.get("env_prefix", "")
        return alias if isinstance(alias, str) else f"{prefix}{name}".upper()

    def option(self, name: str) -> str:
        """A setting as errors name it: `--tls-cert (VOICE_TLS_CERT)`."""
        return f"{_flag(name)} ({self.variable(name)})"

    def _field(self, name: str) -> FieldInfo:
        return self.kind.model_fields[name]

    def _described(self, name: str, field: FieldInfo) -> str:
        flag, default = _flag(name), _default(field)
        given = f"{flag}, --no-{flag[2:]}" if field.annotation is bool else f"{flag} {_metavar(field)}"
        facts = f"{self.variable(name)}, default {default}" if default else self.variable(name)
        about = textwrap.fill(field.description or "", 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
        return f"  {given}  ({facts})\n{about}"

    def _bad_value(self, error: ValidationError) -> BadField:
        """The first of what is wrong."""
        return self._told(error.errors(include_url=False)[0])

    def _named(self, error: ErrorDetails) -> str:
        """The setting that is wrong; empty: it is none of them."""
        place = str(error["loc"][0]) if error["loc"] else ""
        return next((name for name in self.kind.model_fields if place in (name, self.variable(name))), "")

    def _told(self, error: ErrorDetails) -> BadField:
        """A secret is not shown."""
        name = self._named(error)
        if not name:
            place = str(error["loc"][0]) if error["loc"] else ""
            return BadField(place or "settings", _shown(error), error["msg"])
        field = self._field(name)
        is_hidden = "SecretStr" in str(field.annotation) and "got" not in error.get("ctx", {})
        got = "a secret" if is_hidden else _shown(error)
        return BadField(self.option(name), got, _accepted(error, field))


def _shown(error: ErrorDetails) -> object:
    """The value, or the part of it that a validator says is wrong (`got`), without passwords."""
    got = error.get("ctx", {}).get("got", error["input"])
    return Redaction()(got) if isinstance(got, str) else got


def _accepted(error: ErrorDetails, field: FieldInfo) -> str:
    """Of a number its range, whatever is wrong with what was given."""
    if field.annotation in (int, float):
        return _range(field)
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return said.partition(", unable")[0]


def _range(field: FieldInfo) -> str:
    kind = "a whole number" if field.annotation is int else "a number"
    low = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    high = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    if high is not None:
        return f"{kind} from {low:g} to {high:g}" if low is not None else f"{kind} up to {high:g}"
    return f"{kind} from {low:g} on" if low is not None else kind


def _without_flags(argv: list[str], fields: Mapping[str, FieldInfo]) -> list[str]:
    """`argv` without the flags of these settings, and without their values."""
    flags = {_flag(name): field.annotation is bool for name, field in fields.items()}
    kept, is_value = list[str](), False
    for word in argv:
        flag, given, _ = word.partition("=")
        if is_value or flag in flags or f"--{flag[5:]}" in flags:
            is_value = not is_value and not given and not flags.get(flag, True)
        else:
            kept.append(word)
    return kept


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _metavar(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    kinds = get_args(field.annotation) or (field.annotation,)
    return next((METAVARS[kind] for kind in kinds if kind in METAVARS), "TEXT")


def _default(field: FieldInfo) -> str:
    """Empty where there is none to speak of."""
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    if isinstance(field.default, int | float):
        return f"{field.default:g}"
    return field.default if isinstance(field.default, str) else ""
