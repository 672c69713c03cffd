"""Which of the models that a server lists (`GET /models`, in OpenAI's shape) suits what it is wanted for.

Decided by their names, and by the task where a server says it: nothing else in the lists tells what a model
does. What does not suit comes last, and is not left out: a server with one model may call it anything.
"""

import json
import re
from dataclasses import dataclass

from .json_values import mapping, sequence, text

_TRANSCRIBES = re.compile(
    r"transcri|\basr\b|speech-to-text|voxtral|parakeet|canary|moonshine|wav2vec", re.IGNORECASE
)
"""In the names of models that transcribe and are not called Whisper."""

_RECOGNITION = "automatic-speech-recognition"
"""What speaches calls the task of a model that transcribes (its `GET /v1/models`)."""

_NO_CHAT = re.compile(
    r"embed|whisper|\btts|transcri|rerank|moderation|dall-?e|image|sora|realtime|audio|davinci|babbage"
    r"|turbo-instruct|\bbge\b|minilm",
    re.IGNORECASE,
)
"""In the names of models that a server may list first and that do not chat."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    name: str
    task: str = ""
    """Empty where the server does not say."""


def listed(body: bytes) -> list[ListedModel]:
    """In the order of the server; empty for what is no list of models."""
    try:
        found = sequence(mapping(json.loads(body)).get("data"))
    except (ValueError, RecursionError):
        return []
    models = (ListedModel(text(each.get("id")), text(each.get("task"))) for each in map(mapping, found))
    return [model for model in models if model.name]


def for_transcripts(models: list[ListedModel]) -> list[str]:
    """Their names, those that transcribe first."""
    return [model.name for model in sorted(models, key=_transcribing_rank)]


def for_chat(models: list[ListedModel]) -> list[str]:
    """Their names, those that chat first."""
    return [model.name for model in sorted(models, key=_is_no_chat)]


def _transcribing_rank(model: ListedModel) -> int:
    if model.task == _RECOGNITION:
        return 0
    if "whisper" in model.name.lower():
        return 1
    return 2 if _TRANSCRIBES.search(model.name) else 3


def _is_no_chat(model: ListedModel) -> bool:
    """The name of its maker, before a slash, tells nothing."""
    return bool(_NO_CHAT.search(model.name.rsplit("/", 1)[-1]))
