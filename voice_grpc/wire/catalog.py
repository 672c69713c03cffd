"""What this server has to choose from. Facts alone: others check whether a caller's choice is among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..core.languages import primary
from ..core.turn.settings import Speculation
from ..ports import Voice
from ..settings.personas import Persona

SHOWN_VOICES = 20
"""Names of voices in an error. Google alone has more than a thousand: a status has no room for all."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The same for all callers, and made once: what is worked out of its voices is worked out here."""

    personas: Mapping[str, Persona]
    """By id."""
    voices: Mapping[str, Voice]
    """By id."""
    languages: frozenset[str]
    """ISO 639-1: what can be transcribed."""
    turn_deadline: float = 8.0
    """Seconds within which a turn is answered, or apologised for."""
    calls_tools: bool = True
    """Whether the language model does."""
    speculation: Speculation = Speculation.LLM
    """How far answers are prepared before the turn is known to be over, where nobody says."""
    spoken: frozenset[str] = field(init=False)
    """ISO 639-1: what the voices speak."""
    listed_spoken: str = field(init=False)
    """The same for people."""
    listed_voices: str = field(init=False)
    """For people, at most `SHOWN_VOICES` by name."""

    def __post_init__(self) -> None:
        spoken = frozenset(primary(voice.language) for voice in self.voices.values())
        worked_out = (("spoken", spoken), ("listed_spoken", ", ".join(sorted(spoken))))
        for name, value in (*worked_out, ("listed_voices", _listed(self.voices))):
            object.__setattr__(self, name, value)


def _listed(voices: Iterable[str]) -> str:
    ids = sorted(voices)
    rest = f" and {len(ids) - SHOWN_VOICES} more (ListVoices)" if len(ids) > SHOWN_VOICES else ""
    return f"one of {', '.join(ids[:SHOWN_VOICES])}{rest}"
