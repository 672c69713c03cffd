"""Whether a transcript is believed: what was written, how sure the recogniser was, what the detector heard.

One gate for all recognisers, embedded and served, interim and final. It adds no words; it says which places
of a text nobody said. Where a recogniser tells nothing of its confidence, and where there was no detector (a
button began the turn), what is not known counts for the words.

The numbers were measured with the embedded Whisper base on twelve recordings, plain and in a crowd, on short
words in seven voices, and on murmur of three to twelve voices. *Doubt* is how little a recogniser believes
itself: `0.8 no_speech - logprob`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..audio import WINDOW, seconds
from .annotations import annotations
from .inventions import is_farewell, not_spoken
from .loops import is_round, is_too_much, letters, loops
from .text import Span, has_words, without, words_of

_NO_SPEECH_WEIGHT = 0.8

_DOUBTS = ((2, 1.25), (4, 1.05), (1_000_000, 1.0))
"""From which doubt on a text of up to so many words is not believed: of a word or two most tokens are times
and an end, which are never certain."""

_FAREWELL_DOUBT = 1.16
_LOOP_DOUBT = 0.9

_VOICED = 0.35
"""Probability from which a window goes on with speech (`turn/endpointing.py`)."""

_CLEAR_VOICE = 0.62
"""Mean probability of the voiced windows. Of short words said alone 0.68 to 0.98; in a crowd from 0.6."""
_LITTLE_VOICE = 0.6
"""Seconds of voice that are little: then the less clear it is, the less doubt is borne."""

_SECONDS_A_LETTER, _SECONDS_BESIDE = 0.1, 0.6
"""The longest that a farewell takes: slow speech is 0.07 s a letter."""
_SURE_DOUBT, _SURE_PATIENCE = 0.9, 2.0
"""Twice as long where the recogniser is as sure as of words said alone: the detector hears what is around."""

_ECHO_WORDS, _ECHO_SHARE, _ECHO_DOUBT = 3, 0.8, 0.75
"""So many words of a prompt in their order, and most of a text, are an echo unless the recogniser is sure."""


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A stretch of a transcript, and what its recogniser thinks of it."""

    text: str
    start: float = 0.0
    """Seconds from the first sample of the utterance."""
    end: float | None = None
    logprob: float | None = None
    """Mean log probability of its tokens; None: not told."""
    no_speech: float | None = None
    """Probability that nobody speaks in it, 0 to 1."""

    def later(self, seconds: float) -> "TranscriptSegment":
        end = None if self.end is None else self.end + seconds
        return replace(self, start=self.start + seconds, end=end)

    @property
    def doubt(self) -> float | None:
        if self.logprob is None:
            return None
        return _NO_SPEECH_WEIGHT * (self.no_speech or 0.0) - self.logprob


@dataclass(frozen=True, slots=True)
class VoiceTrack:
    """What the voice activity detector heard of an utterance."""

    seconds: float
    """Length of its sound."""
    probabilities: Sequence[float] = ()
    """Of each `WINDOW` that voice is in it, from the first on; empty: it was not asked."""

    def between(self, start: float, end: float | None) -> "VoiceTrack":
        """Of the sound from `start` to `end`, seconds from the first sample, and a little around it."""
        last = self.seconds if end is None else min(end + _AROUND, self.seconds)
        first = max(0.0, min(start, last) - _AROUND)
        one = seconds(WINDOW)
        return VoiceTrack(last - first, self.probabilities[round(first / one) : round(last / one)])

    @property
    def voiced(self) -> list[float]:
        return [probability for probability in self.probabilities if probability >= _VOICED]


_AROUND = 0.3
"""Seconds by which a recogniser's times may be off."""


def unsaid(
    text: str, segments: Sequence[TranscriptSegment], track: VoiceTrack, prompt: str = ""
) -> list[Span]:
    """Places in `text` that nobody said; `segments` are stretches of it, in order, or none.

    `prompt`: the words that the recogniser was told to expect.
    """
    cuts = annotations(text)
    masked = _masked(text, cuts)
    for segment, (start, end) in _places(text, segments):
        piece = masked[start:end]
        part = track.between(segment.start, segment.end) if len(segments) > 1 else track
        cuts += [(start + a, start + b) for a, b in _unsaid(piece, segment, part, prompt)]
    if is_too_much(_masked(text, cuts), track.seconds):
        return [(0, len(text))]
    return cuts


def _masked(text: str, cuts: Sequence[Span]) -> str:
    for start, end in cuts:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _places(text: str, segments: Sequence[TranscriptSegment]) -> list[tuple[TranscriptSegment, Span]]:
    """Where each segment stands. Where one is not found they are as sure as the least sure of them."""
    found, at = [], 0
    for segment in segments:
        words = segment.text.strip()
        start = text.find(words, at)
        if start < 0:
            least = max(segments, key=lambda each: each.doubt or 0.0)
            return [(replace(least, text=text, start=0.0, end=None), (0, len(text)))]
        at = start + len(words)
        found.append((segment, (start, at)))
    return found or [(TranscriptSegment(text), (0, len(text)))]


def _unsaid(piece: str, segment: TranscriptSegment, track: VoiceTrack, prompt: str) -> list[Span]:
    everything = [(0, len(piece))]
    cuts = list(not_spoken(piece))
    piece = _masked(piece, cuts)
    rounds = loops(piece)
    if is_round(piece) or (rounds and _exceeds(segment.doubt, _LOOP_DOUBT)):
        return everything
    cuts += [loop.rest for loop in rounds]
    said = without(piece, cuts)
    if not has_words(said) or not _is_supported(said, segment, track, prompt):
        return everything
    return cuts


def _exceeds(doubt: float | None, limit: float) -> bool:
    return doubt is not None and doubt > limit


def _is_supported(said: str, segment: TranscriptSegment, track: VoiceTrack, prompt: str) -> bool:
    """Whether the evidence is enough for these words."""
    doubt, words = segment.doubt, words_of(said)
    if _exceeds(doubt, next(limit for most, limit in _DOUBTS if len(words) <= most)):
        return False
    voiced = track.voiced
    length, clearness = seconds(len(voiced) * WINDOW), sum(voiced) / len(voiced) if voiced else 1.0
    if length < _LITTLE_VOICE and _exceeds(doubt, _little_doubt(clearness)):
        return False
    patience = _SURE_PATIENCE if doubt is not None and doubt <= _SURE_DOUBT else 1.0
    longest = patience * (_SECONDS_BESIDE + _SECONDS_A_LETTER * letters(words))
    fits = length <= longest and clearness >= _CLEAR_VOICE
    if is_farewell(said):
        return fits and not _exceeds(doubt, _FAREWELL_DOUBT)
    if _is_echo(said, prompt):
        return not _exceeds(doubt, _ECHO_DOUBT) if doubt is not None else fits
    return True


def _little_doubt(clearness: float) -> float:
    """From 0.7 at 0.6, which murmur is, to 1.0 at 0.7, which the least clear of short words are."""
    return 3.0 * clearness - 1.1


def _is_echo(said: str, prompt: str) -> bool:
    """Whether it is little else than words of `prompt` in their order."""
    words, expected = [word.text for word in words_of(said)], [word.text for word in words_of(prompt)]
    longest = max((_run(words, expected, at) for at in range(len(words))), default=0)
    distinct = len(dict.fromkeys(words))
    return longest >= _ECHO_WORDS and longest >= _ECHO_SHARE * distinct


def _run(words: Sequence[str], expected: Sequence[str], at: int) -> int:
    """How many words from `at` on stand in `expected` as well, one after the other."""
    longest = 0
    for place in range(len(expected)):
        size = 0
        while words[at + size : at + size + 1] == expected[place + size : place + size + 1] != []:
            size += 1
        longest = max(longest, size)
    return longest
