"""Settings of `voice-grpc serve` from the environment and from flags: one declaration serves both, and
`--help` (`command_line.py`).

A placeholder left as `<...>` counts as not set, and so does an empty value. Space around a value is none
of it: a key that was pasted or mounted with a newline is still the key.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import CliSuppress, NoDecode

from ..net.addresses import is_url
from ..net.forwarded import read_network
from ..net.s3_address import S3Address, is_s3
from ..net.valkey_address import read_valkey_address
from ..process.command_line import PathOrName, UserPath, check_each, is_placeholder, read_by_command
from ..process.home import expanded
from .engines import EngineSettings, comma_separated

CREDENTIALS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-goog-api-key")
"""Metadata that is never logged."""
SECRET_CHARACTERS = 16
"""Of a secret that is not guessed: 96 bits of `openssl rand -base64 12`, at the least."""


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
    resume_window: float = Field(
        120.0,
        ge=0,
        le=3600,
        description="Seconds for which a conversation whose line was lost waits for its caller; 0: it ends.",
    )
    max_parked: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Conversations that wait so; 0: as many as --max-sessions. Of more, the one that has "
        "waited longest is left in the store.",
    )
    secret: SecretStr = Field(
        SecretStr(""),
        description="What the tokens of callers who come back are signed with: 16 characters at least, the "
        "same on every server. Default: made once, and kept beside the SQLite file.",
    )
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
    recordings: str = Field(
        "",
        description="Where conversations are recorded whose callers allow it: a directory, or "
        "s3://BUCKET/PREFIX. Without it none is.",
    )
    recording_limit: float = Field(
        14_400.0, ge=1, le=86_400, description="Seconds of a conversation that are recorded at most."
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
        description="A file of more of them, in lines NAME:SHA256 or NAME:SHA256:LAST-DAY, with :admin "
        "behind those that may see everybody's conversations; read again when it changes.",
    )
    jwt_jwks: PathOrName = Field(
        "",
        description="Keys of JWTs that are let in as well: the URL of a JWK Set, or a file. Needs the next "
        "two, and the extra jwt.",
    )
    jwt_issuer: str = Field("", description="Who makes them: their iss.")
    jwt_audience: str = Field("", description="Whom they are for, this server: their aud, or one of it.")
    jwt_leeway: float = Field(
        30.0, ge=0, le=300, description="Seconds by which the clocks of issuer and server may differ."
    )
    proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Addresses or networks of proxies or gateways whose x-forwarded-for counts, such as "
        "10.0.0.0/8, or 127.0.0.1 for a gateway on this machine.",
    )
    reflection: bool = Field(True, description="Let tools such as grpcurl list and describe the service.")
    channelz: bool = Field(False, description="Serve grpc.channelz.v1 for debugging connections.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or one JSON object each."
    )
    log_words: bool = Field(
        False, description="Log what users and the assistant say, too. Without it no word is in any line."
    )
    log_metadata: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Keys, separated by commas, of metadata whose values are logged when a conversation "
        "begins: of the call, and of the caller's config. None without it.",
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port for Prometheus, at --host; 0 takes a free one. Wants the extra otel. Without it "
        "there is none.",
    )
    placeholders: CliSuppress[list[str]] = Field(
        default_factory=list, description="Found, not set: the variables that still hold a placeholder."
    )

    @field_validator("proxies")
    @classmethod
    def _networks(cls, texts: list[str]) -> list[str]:
        return check_each(texts, read_network)

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        length = len(value.get_secret_value())
        if 0 < length < SECRET_CHARACTERS:
            told = {"accepted": f"{SECRET_CHARACTERS} characters at least", "got": f"{length} characters"}
            raise PydanticCustomError("secret", "{accepted}", told)
        return value

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

    @field_validator("log_metadata")
    @classmethod
    def _no_credentials(cls, keys: list[str]) -> list[str]:
        lowered = [key.lower() for key in keys]
        for key in lowered:
            if key in CREDENTIALS:
                told = {"accepted": "keys that hold no credentials", "got": key}
                raise PydanticCustomError("listed", "{accepted}", told)
        return lowered

    @field_validator("recordings")
    @classmethod
    def _directory_or_bucket(cls, text: str) -> str:
        try:
            if is_s3(text):
                S3Address.read(text)
                return text
            return expanded(text)
        except ValueError as error:
            told = {"accepted": str(error), "got": text}
            raise PydanticCustomError("recordings", "{accepted}", told) from None

    @field_validator("tokens", "proxies", "log_metadata", mode="before")
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
