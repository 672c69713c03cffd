"""Settings from the environment and from flags: one declaration serves both, and `--help` (`options.py`).

A placeholder left as `<...>` counts as not set, and so does an empty value.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, CliSuppress, NoDecode, SettingsConfigDict

PLACEHOLDER = re.compile(r"\s*<.*>\s*")
"""What an example file holds where a value belongs."""


class Settings(BaseSettings):
    """Every flag has an environment variable: --max-sessions is VOICE_MAX_SESSIONS. The engines' own
    variables carry no prefix. A flag wins over the environment, the environment over `.env`.
    """

    model_config = SettingsConfigDict(
        env_prefix="VOICE_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        allow_inf_nan=False,
        populate_by_name=True,
        cli_prog_name="voice-grpc serve",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        validate_default=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(50051, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    max_sessions: int = Field(16, ge=1, le=10_000, description="Conversations at once; one more is refused.")
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
    store: str = Field(
        "",
        description="Where conversations are kept: a SQLite file, or `memory`. Default: a file in the user's "
        "state directory.",
    )
    personas: Path | None = Field(None, description="A TOML file of personas instead of the built-in ones.")
    tokens: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="Bearer tokens that are let in, separated by commas. Without any, everybody is.",
    )
    reflection: bool = Field(True, description="Let tools such as grpcurl list and describe the service.")
    channelz: bool = Field(False, description="Serve grpc.channelz.v1 for debugging connections.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    threads: int = Field(2, ge=1, le=64, description="CPU threads of one embedded language model request.")

    stt: str = Field(
        "",
        description="Engines for speech to text, in the order they are tried: `server`, `local`. Default: "
        "what is set, then what is installed.",
    )
    llm: str = Field("", description="The same for the language model: `gemini`, `openai`, `local`.")
    tts: str = Field("", description="The same for the voice: `google`, `local`, `espeak`.")
    whisper_server_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="WHISPER_SERVER_URL",
        description="A Whisper server: http(s)://, ws(s):// or tcp:// (Wyoming); may carry user:password@.",
    )
    whisper_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="WHISPER_API_KEY", description="Bearer token for that server."
    )
    whisper_protocol: Literal["auto", "openai", "whispercpp", "whisperlive", "realtime", "wyoming"] = Field(
        "auto", validation_alias="WHISPER_PROTOCOL", description="What it speaks; auto finds out."
    )
    whisper_server_model: str = Field(
        "",
        validation_alias="WHISPER_SERVER_MODEL",
        description="Which of its models. Default: its first one, else whisper-1.",
    )
    gemini_model: str = Field(
        "gemini-3.5-flash-lite", validation_alias="GEMINI_MODEL", description="Which Gemini."
    )
    openai_base_url: str = Field(
        "",
        validation_alias="OPENAI_BASE_URL",
        description="Any OpenAI-compatible server (vLLM, Ollama, llama.cpp) for the language model.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="Key for that server, if it wants one."
    )
    openai_model: str = Field(
        "",
        validation_alias="OPENAI_MODEL",
        description="Which of its models. Default: its first one.",
    )
    google_tts_voice: str = Field(
        "",
        validation_alias="GOOGLE_TTS_VOICE",
        description="The voice where neither session nor persona names one, such as en-US-Chirp3-HD-Kore; "
        "in another language the one of that name.",
    )
    google_tts_endpoint: str = Field(
        "",
        validation_alias="GOOGLE_TTS_ENDPOINT",
        description="Another endpoint, such as eu-texttospeech.googleapis.com; http://HOST:PORT is "
        "unencrypted and gets no credentials.",
    )
    piper_voices: Annotated[list[Path], NoDecode] = Field(
        default_factory=list,
        validation_alias="PIPER_VOICES",
        description="More Piper voices for the embedded engine: paths of .onnx files, separated by commas.",
    )
    gemini_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="GEMINI_API_KEY", description="Gemini instead of the embedded Gemma."
    )
    google_tts_credentials: SecretStr = Field(
        SecretStr(""),
        validation_alias="GOOGLE_TTS_CREDENTIALS",
        description="Google Cloud TTS instead of the embedded Piper: a path, or the JSON itself.",
    )
    whisper_model: str = Field(
        "base",
        validation_alias="WHISPER_MODEL",
        description="Embedded Whisper: base, tiny (English), a CTranslate2 model by path, or a hub id.",
    )
    placeholders: CliSuppress[list[str]] = Field(
        default_factory=list, description="Found, not set: the variables that still hold a placeholder."
    )
    local_llm_model: str = Field(
        "", validation_alias="LOCAL_LLM_MODEL", description="Embedded language model: the path of a GGUF."
    )

    @field_validator("tokens", "piper_voices", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @model_validator(mode="before")
    @classmethod
    def _without_placeholders(cls, values: dict[str, object]) -> dict[str, object]:
        found = [
            key for key, value in values.items() if isinstance(value, str) and PLACEHOLDER.fullmatch(value)
        ]
        return {key: value for key, value in values.items() if key not in found} | {"placeholders": found}
