"""Settings of `voice-grpc serve` from the environment and from flags: one declaration serves both, and
`--help` (`command_line.py`).

A placeholder left as `<...>` counts as not set, and so does an empty value. Space around a value is none
of it: a key that was pasted or mounted with a newline is still the key.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import CliSuppress, NoDecode

from ..net.command_line import UserPath, is_placeholder, read_by_command
from ..net.forwarded import read_network
from ..net.home import expanded
from ..net.valkey_address import is_url, read_valkey_address
from .engines import EngineSettings, comma_separated


def _allowance(what: str, window: str) -> Any:
    """`server/caller_limits.py` says what 0 is with which engine."""
    return Field(
        0,
        ge=0,
        description=f"{what} within a {window}; 0: no limit where the engine or the caller is here, "
        "else a wide one.",
    )


class Settings(EngineSettings):
    """Every flag has an environment variable: --max-sessions is VOICE_MAX_SESSIONS. The engines' own
    variables carry no prefix. A flag wins over the environment, the environment over `.env`.
    """

    model_config = read_by_command("voice-grpc serve", "VOICE_")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(50051, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    tls_cert: UserPath | None = Field(
        None, description="Its certificate in PEM, and those that lead to its authority: TLS is on."
    )
    tls_key: UserPath | None = Field(None, description="The private key of the certificate, in PEM.")
    tls_client_ca: UserPath | None = Field(
        None,
        description="Authorities in PEM of which a client has to show a certificate. Without it none has to.",
    )
    max_sessions: int = Field(16, ge=1, le=10_000, description="Conversations at once; one more is refused.")
    admission: Literal["load", "count"] = Field(
        "load",
        description="What refuses a new conversation: --max-sessions, and being late with those that are "
        "open (load); or their number alone (count).",
    )
    caller_streams: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Of them for one caller; 0: three quarters of --max-sessions, and all for callers on "
        "this machine.",
    )
    caller_new_per_minute: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="New ones of one caller within a minute; 0: 60, no limit for callers on this machine.",
    )
    caller_sound_rate: float = Field(
        1.25,
        ge=0,
        le=1_000,
        description="Seconds of sound a second that a stream may send while others are heard; faster sound "
        "waits, but for 10 s. 0: no limit.",
    )
    caller_tokens_per_minute: int = _allowance("Tokens of the language model for one caller", "minute")
    caller_tokens_per_day: int = _allowance("The same", "day")
    caller_characters_per_minute: int = _allowance("Characters of voice for one caller", "minute")
    caller_characters_per_day: int = _allowance("The same", "day")
    turn_deadline: float = Field(
        8.0, ge=3.0, le=60.0, description="Seconds within which a turn is answered, or apologised for."
    )
    idle_limit: float = Field(
        900.0, ge=0, description="Seconds without a message after which a conversation ends; 0: never."
    )
    max_age: float = Field(
        0.0, ge=0, description="Seconds after which a stream is ended whatever it does; 0: never."
    )
    drain_seconds: float = Field(10.0, ge=0, le=3600, description="For open turns to finish on SIGTERM.")
    store: SecretStr = Field(
        SecretStr(""),
        description="Where conversations are kept: a SQLite file, `memory`, or a Valkey or Redis such as "
        "redis://:PASSWORD@HOST:6379/0. Default: a file in the user's state directory.",
    )
    retention_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Days after which a conversation that nobody went on with is erased; 0: never.",
    )
    personas: UserPath | None = Field(
        None, description="A TOML file of personas instead of the built-in ones."
    )
    tokens: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="Bearer tokens that are let in, separated by commas. Without any, everybody is.",
    )
    token_file: UserPath | None = Field(
        None,
        description="A file of more of them, in lines NAME:SHA256 or NAME:SHA256:LAST-DAY; read again "
        "when it changes.",
    )
    proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Addresses or networks of proxies or gateways whose x-forwarded-for counts, such as "
        "10.0.0.0/8, or 127.0.0.1 for a gateway on this machine.",
    )
    reflection: bool = Field(True, description="Let tools such as grpcurl list and describe the service.")
    channelz: bool = Field(False, description="Serve grpc.channelz.v1 for debugging connections.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    placeholders: CliSuppress[list[str]] = Field(
        default_factory=list, description="Found, not set: the variables that still hold a placeholder."
    )

    @field_validator("proxies")
    @classmethod
    def _networks(cls, texts: list[str]) -> list[str]:
        for text in texts:
            try:
                read_network(text)
            except ValueError as error:
                told = {"accepted": str(error), "got": text}
                raise PydanticCustomError("listed", "{accepted}", told) from None
        return texts

    @field_validator("store")
    @classmethod
    def _file_or_url(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        try:
            if is_url(text):
                read_valkey_address(text)
                return value
            return SecretStr(expanded(text))
        except ValueError as error:
            shown = f"{text.partition('://')[0]}://…" if is_url(text) else text
            raise PydanticCustomError("store", "{accepted}", {"accepted": str(error), "got": shown}) from None

    @field_validator("tokens", "proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return comma_separated(value) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _without_placeholders(cls, values: dict[str, object]) -> dict[str, object]:
        given = {key: value.strip() if isinstance(value, str) else value for key, value in values.items()}
        found = [key for key, value in given.items() if is_placeholder(value)]
        return {key: value for key, value in given.items() if key not in found and value != ""} | {
            "placeholders": [cls._variable(key) for key in found]
        }

    @classmethod
    def _variable(cls, key: str) -> str:
        """The environment variable of a field: its own name, or the field's with the prefix."""
        field = cls.model_fields.get(key)
        if field is None:
            return key
        alias = field.validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{key}".upper()
