"""What is said over an answer: listeners' words, orders, interruptions, and noises that nobody says.

Words are spoken by the speakers of the bench of turn-taking. Noises are made here, the same every time:
coughs and knocks as bursts of noise that fade, keys as many short ones, a hum, and murmur as many voices at
once, 20 dB below a speaker.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...core.audio import RATE_HZ, Floats, Samples, to_float, to_pcm16
from ..turns.material import Span, voiced_spans
from ..turns.sentences import SENTENCES
from ..turns.speakers import Renderer, speakers

LISTENING = ("Yeah.", "Okay.", "I see.", "Right.", "Hmm.", "Uh-huh.", "Sure.")
ORDERS = ("Stop!", "Wait.", "No, no.", "Hold on.", "What?", "But what about Rome?")
TAKING = (
    "Sorry, can you say that again more slowly?",
    "Actually I wanted to know something else.",
    "That is not what I asked you about.",
    "Tell me the short version, please.",
    "How long does that take by train?",
    "I think we should talk about tomorrow.",
)
ECHOES = (-10.0, -20.0, -30.0)
"""dB: as loud as the story comes back where nobody speaks, and the client does not cancel it."""
MURMUR_VOICES = 8
MURMUR_DB = -20


class OverlapKind(Enum):
    LISTENING = "listeners' words"
    ORDER = "orders"
    TAKING = "interruptions"
    NOISE = "noises"
    ECHO = "its own echo"

    @property
    def is_meant(self) -> bool:
        """It is to stop the answer."""
        return self in (OverlapKind.ORDER, OverlapKind.TAKING)


@dataclass(frozen=True, slots=True)
class OverlapCase:
    name: str
    kind: OverlapKind
    samples: Samples
    voiced: Span
    """From its first audible sample to behind its last."""
    echo_db: float | None = None
    """How loud the story comes back; None: it does not."""


def cases(count: int | None) -> list[OverlapCase]:
    """`count` of each kind at most; all for None. Raises `EngineMissing` without the embedded voice."""
    renderer, voices = Renderer(), speakers()
    found: list[OverlapCase] = []
    for kind, texts in (
        (OverlapKind.LISTENING, LISTENING),
        (OverlapKind.ORDER, ORDERS),
        (OverlapKind.TAKING, TAKING),
    ):
        for n, text in enumerate(texts[:count]):
            speaker = voices[n % len(voices)]
            found.append(_case(f"{text} ({speaker.name})", kind, renderer.say(text, speaker)))
    murmured = enumerate(SENTENCES[:MURMUR_VOICES])
    said = [to_float(renderer.say(text, voices[n % len(voices)])) for n, text in murmured]
    for name, sound in list(noises(said))[:count]:
        found.append(_case(name, OverlapKind.NOISE, to_pcm16(sound)))
    silence = np.zeros(0, np.int16)
    echoes = [OverlapCase(f"{db:g} dB", OverlapKind.ECHO, silence, Span(0, 0), db) for db in ECHOES]
    return [*found, *echoes[:count]]


def _case(name: str, kind: OverlapKind, samples: Samples) -> OverlapCase:
    spans = voiced_spans(samples) or [Span(0, len(samples))]
    return OverlapCase(name, kind, samples, Span(spans[0].start, spans[-1].end))


def noises(voices: Sequence[Floats]) -> Iterator[tuple[str, Floats]]:
    """Each with its name; `voices` are those that murmur."""
    chance = np.random.default_rng(1)

    def burst(seconds: float, fading: float, loudness: float = 0.3) -> Floats:
        length = round(seconds * RATE_HZ)
        sound: Floats = (
            loudness * chance.normal(0, 1, length) * np.exp(-np.arange(length) / (fading * RATE_HZ))
        ).astype(np.float32)
        return sound

    def row(one: Callable[[], Floats], count: int, every: float) -> Floats:
        length = round(every * RATE_HZ)
        return np.concatenate([np.resize(np.pad(one(), (0, length)), length) for _ in range(count)])

    yield "a cough", row(lambda: burst(0.25, 0.06), 2, 0.4)
    yield "a knock", row(lambda: burst(0.08, 0.01, 0.5), 3, 0.25)
    yield "keys", row(lambda: burst(0.03, 0.005, 0.15), 14, 0.12)
    yield "a door", burst(0.6, 0.12, 0.5)
    yield "a hum", (0.1 * np.sin(2 * np.pi * 100 * np.arange(2 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    yield "wind", burst(2.0, 2.0, 0.05)
    murmur = np.zeros(3 * RATE_HZ, np.float32)
    for voice in voices:
        murmur += np.resize(voice, len(murmur))
    yield "murmur", 10 ** (MURMUR_DB / 20) * murmur / max(1.0, float(np.sqrt(len(voices))))
