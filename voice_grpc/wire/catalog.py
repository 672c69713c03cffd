"""What this server has to choose from. Facts alone: whether a wish is among them, others check."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..ports import Voice
from ..settings.personas import Persona
from .fields import primary

SHOWN_VOICES = 20


@dataclass(frozen=True, slots=True)
class Catalog:
    """The same for all callers."""

    personas: Mapping[str, Persona]
    voices: Mapping[str, Voice]
    languages: frozenset[str]
    """ISO 639-1."""
    turn_deadline: float = 8.0
    calls_tools: bool = True
    """The language model does."""

    @property
    def listed_voices(self) -> str:
        """For people. Google alone has more than a thousand: a status has no room for all of them."""
        ids = sorted(self.voices)
        rest = f" and {len(ids) - SHOWN_VOICES} more (ListVoices)" if len(ids) > SHOWN_VOICES else ""
        return f"one of {', '.join(ids[:SHOWN_VOICES])}{rest}"

    @property
    def spoken(self) -> frozenset[str]:
        """ISO 639-1: what the voices speak."""
        return frozenset(primary(voice.language) for voice in self.voices.values())
