"""What a caller is told about a config that is accepted all the same: what is not there yet, or does not fit.

What is refused is no notice but an error, and `wire_config.py` raises it.
"""

from .catalog import Catalog
from .core.config import SessionConfig
from .core.outbound import NoticeOut
from .fields import primary
from .pb import voice_pb2 as pb


def not_available(message: pb.SessionConfig, seq: int) -> list[NoticeOut]:
    """What of the contract is asked for and is not there yet."""
    asked = {
        "config.resume_token": (bool(message.resume_token), "session_id goes on with a conversation"),
        "config.turn_detection.duck": (message.turn_detection.duck, "the answer keeps its volume"),
    }
    text = "{} is not available on this server yet: {}"
    return [
        NoticeOut("protocol", "NOT_AVAILABLE", text.format(path, instead), seq=seq, field=path)
        for path, (is_asked, instead) in asked.items()
        if is_asked
    ]


def session_notices(
    message: pb.SessionConfig, config: SessionConfig, seq: int, catalog: Catalog
) -> list[NoticeOut]:
    """What a session must be told as it begins: what is not there, a voice of another language."""
    notices = not_available(message, seq)
    if config.tools and not catalog.calls_tools:
        text = "config.tools: the language model of this server calls no tools; it is not told of them"
        notices.append(NoticeOut("llm", "NOT_AVAILABLE", text, seq=seq, field="config.tools"))
    spoken = catalog.spoken
    if config.languages and primary(config.languages[0]) not in spoken:
        text = f"no voice speaks {config.languages[0]!r}; voices speak: {', '.join(sorted(spoken))}"
        notices.append(NoticeOut("tts", "VOICE_LANGUAGE", text, field="config.language_codes", seq=seq))
    return notices
