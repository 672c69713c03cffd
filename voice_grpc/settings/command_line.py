"""The command line of `voice-grpc serve`: its options by heading, and its help.

A file of its own: whoever reads settings need not know of flags.
"""

from ..process.command_line import CommandLine
from .server import Settings

GROUPS = {
    "Listening": (
        "host", "port", "tls_cert", "tls_key", "tls_client_ca", "tokens", "token_file",
        "jwt_jwks", "jwt_issuer", "jwt_audience", "jwt_leeway", "proxies", "reflection", "channelz",
    ),
    "Observing": ("log_level", "log_format", "log_words", "log_metadata", "metrics_port"),
    "Conversations": (
        "max_sessions", "admission", "turn_deadline", "idle_limit", "max_age", "drain_seconds",
        "resume_window", "max_parked", "secret", "store", "retention_days", "recordings",
        "recording_limit", "personas",
    ),
    "What one caller may use": (
        "caller_streams", "caller_new_per_minute", "caller_sound_rate", "caller_tokens_per_minute",
        "caller_tokens_per_day", "caller_characters_per_minute", "caller_characters_per_day",
    ),
    "Speech to text": (
        "stt", "whisper_server_url", "whisper_api_key", "whisper_protocol", "whisper_server_model",
        "whisper_model", "stt_threads", "stt_workers",
    ),
    "End of turn": ("turn_model", "turn_threads", "vad_threads"),
    "Language model": (
        "llm", "gemini_api_key", "gemini_model", "openai_base_url", "openai_api_key", "openai_model",
        "local_llm_model", "llm_threads",
    ),
    "Voice": (
        "tts", "google_tts_credentials", "google_tts_voice", "google_tts_endpoint", "piper_voices",
        "tts_threads",
    ),
}  # fmt: skip

HEAD = """\
usage: voice-grpc serve [--check-config] [OPTION ...]

Serve conversations over gRPC. Says `listening on HOST:PORT`, with TLS
`listening on https://HOST:PORT`, once the models are warm.

Each option can be given as a flag, as the variable beside it, or as that variable in a file `.env`
of the working directory; the first of these that is there counts. Ctrl-C ends conversations within
a second, SIGTERM lets what is being said be finished.

--check-config starts nothing, and says everything that is wrong at once: settings, certificates, tokens and
keys, personas, models that are missing, the store, the collector. Ends with 0, or with 2."""

COMMAND_LINE = CommandLine(Settings, HEAD, GROUPS)
