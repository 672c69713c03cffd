"""A command line made of settings: flags, environment and `.env` → the settings, and the help for all.

`CommandLine` serves every command that has settings (`serve`, `doctor`, `whisper-server`): how a wrong option
is told (flag, variable, value, what is accepted) is written here and nowhere else. Below it stands the one of
`serve`, with its options by heading.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, CliApp, SettingsError

from ..core.errors import BadField, UsageError
from .server import Settings

S = TypeVar("S", bound=BaseSettings)

METAVARS = {int: "NUMBER", float: "SECONDS", str: "TEXT", Path: "FILE"}
"""What stands for a value in the help, by the type of the setting."""


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

    def _field(self, name: str) -> FieldInfo:
        return self.kind.model_fields[name]

    def _described(self, name: str, field: FieldInfo) -> str:
        flag, default = _flag(name), _default(field)
        given = f"{flag}, --no-{flag[2:]}" if field.annotation is bool else f"{flag} {_metavar(field)}"
        facts = f"{self.variable(name)}, default {default}" if default else self.variable(name)
        about = textwrap.fill(field.description or "", 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
        return f"  {given}  ({facts})\n{about}"

    def _bad_value(self, error: ValidationError) -> BadField:
        """The first of what is wrong. A secret is not shown."""
        first = error.errors(include_url=False)[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        name = next((n for n in self.kind.model_fields if place in (n, self.variable(n))), "")
        if not name:
            return BadField(place or "settings", first["input"], first["msg"])
        is_secret = "SecretStr" in str(self._field(name).annotation)
        accepted = (
            first["msg"]
            .removeprefix("Value error, ")
            .removeprefix("Input should be ")
            .partition(", unable")[0]
        )
        got = "a secret" if is_secret else first["input"]
        return BadField(f"{_flag(name)} ({self.variable(name)})", got, accepted)


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


# The command line of `voice-grpc serve`.

GROUPS = {
    "Listening": ("host", "port", "tokens", "reflection", "channelz", "log_level"),
    "Conversations": (
        "max_sessions", "turn_deadline", "idle_limit", "max_age", "drain_seconds", "store", "personas",
    ),
    "Speech to text": (
        "stt", "whisper_server_url", "whisper_api_key", "whisper_protocol", "whisper_server_model",
        "whisper_model",
    ),
    "End of turn": ("turn_model",),
    "Language model": (
        "llm", "gemini_api_key", "gemini_model", "openai_base_url", "openai_api_key", "openai_model",
        "local_llm_model", "threads",
    ),
    "Voice": (
        "tts", "google_tts_credentials", "google_tts_voice", "google_tts_endpoint", "piper_voices",
    ),
}  # fmt: skip

HEAD = """\
usage: voice-grpc serve [OPTION ...]

Serve conversations over gRPC. Says `listening on HOST:PORT` once the models are warm.

Each option can be given as a flag, as the variable beside it, or as that variable in a file `.env`
of the working directory; the first of these that is there counts. Ctrl-C ends conversations within
a second, SIGTERM lets what is being said be finished."""

COMMAND_LINE = CommandLine(Settings, HEAD, GROUPS)
