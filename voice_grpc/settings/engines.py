"""Settings of the engines: which ones, in which order, and what each needs. Collected by `server.py`."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from ..process.command_line import PathOrName, UserPath
from ..process.home import expanded

ENGINES = {
    "stt": ("server", "local"),
    "llm": ("gemini", "openai", "local"),
    "tts": ("google", "local", "espeak"),
}
"""Names by stage, in the order in which they are tried unless the settings name another. What each one
needs, and how it is made, is in `server/engine_registry.py`."""


MAX_THREADS = 64
"""Of one engine: more gain nothing with models of this size."""


def _threads(variable: str, description: str) -> Any:
    return Field(0, ge=0, le=MAX_THREADS, validation_alias=variable, description=description)


def _listed(stage: str) -> str:
    """For people."""
    return ", ".join(f"`{name}`" for name in ENGINES[stage])


class EngineSettings(BaseSettings):
    stt: str = Field(
        "",
        description=f"Engines for speech to text, in the order they are tried: {_listed('stt')}. Default: "
        "what is set, then what is installed.",
    )
    llm: str = Field("", description=f"The same for the language model: {_listed('llm')}.")
    tts: str = Field("", description=f"The same for the voice: {_listed('tts')}.")
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
    whisper_model: PathOrName = Field(
        "base",
        validation_alias="WHISPER_MODEL",
        description="Embedded Whisper: base, tiny (English), a CTranslate2 model by path, or a hub id.",
    )
    stt_threads: int = _threads("STT_THREADS", "CPU threads of one call of the embedded Whisper; 0: 1.")
    stt_workers: int = _threads(
        "STT_WORKERS",
        "Its calls at once; 0: half of the cores, and 2 at least: one is kept for finals. One more is "
        "spare, for finals that those of others hold up for 0.2 s.",
    )
    vad_threads: int = _threads(
        "VAD_THREADS", "CPU threads of Silero, which hears all conversations one after the other; 0: 1."
    )
    turn_threads: int = _threads("TURN_THREADS", "CPU threads of Smart Turn for one turn; 0: 1.")
    turn_model: str = Field(
        "",
        validation_alias="TURN_MODEL",
        description="Who hears whether a turn is over: smart-turn, the path of an ONNX file of its kind, or "
        "off: then the words alone say it. Default: smart-turn where an engine is embedded or its file is "
        "here already.",
    )
    gemini_api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias="GEMINI_API_KEY",
        description="Key of the Gemini API. On Vertex AI instead: GOOGLE_GENAI_USE_VERTEXAI and the other "
        "variables of Google's SDK.",
    )
    gemini_model: str = Field(
        "gemini-3.5-flash-lite", validation_alias="GEMINI_MODEL", description="Which Gemini."
    )
    openai_base_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="OPENAI_BASE_URL",
        description="Any OpenAI-compatible server (vLLM, Ollama, llama.cpp) for the language model; may "
        "carry user:password@.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="Key for that server, if it wants one."
    )
    openai_model: str = Field(
        "",
        validation_alias="OPENAI_MODEL",
        description="Which of its models. Default: its first one.",
    )
    local_llm_model: PathOrName = Field(
        "",
        validation_alias="LOCAL_LLM_MODEL",
        description="Embedded language model: qwen-0.5b (the default), qwen-1.5b (better), gemma (the "
        "smallest), or the path of a GGUF.",
    )
    llm_threads: int = _threads(
        "LLM_THREADS",
        "CPU threads of the embedded language model; 0: 2, or 1 on one core.",
    )
    google_tts_credentials: SecretStr = Field(
        SecretStr(""),
        validation_alias="GOOGLE_TTS_CREDENTIALS",
        description="For Google Cloud TTS: a path, or the JSON itself.",
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
    tts_threads: int = _threads("TTS_THREADS", "CPU threads of Piper for one piece of a clause; 0: 1.")
    piper_voices: Annotated[list[UserPath], NoDecode] = Field(
        default_factory=list,
        validation_alias="PIPER_VOICES",
        description="More Piper voices for the embedded engine: paths of .onnx files, separated by commas.",
    )

    @field_validator("stt", "llm", "tts")
    @classmethod
    def _known(cls, value: str, info: object) -> str:
        stage = str(getattr(info, "field_name", ""))
        names = list(dict.fromkeys(comma_separated(value.lower())))
        if not set(names) <= set(ENGINES[stage]):
            raise ValueError(f"one or more of {', '.join(ENGINES[stage])}, separated by commas")
        return ",".join(names)

    @field_validator("google_tts_credentials")
    @classmethod
    def _path_or_json(cls, value: SecretStr) -> SecretStr:
        return SecretStr(expanded(value.get_secret_value().strip()))

    @field_validator("piper_voices", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        return comma_separated(value) if isinstance(value, str) else value


def comma_separated(text: str) -> list[str]:
    """What stands between commas, without the space around it; nothing where nothing stands."""
    return [item.strip() for item in text.split(",") if item.strip()]
