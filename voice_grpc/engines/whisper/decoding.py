"""How much Whisper is shown of a chunk of audio, and whether to believe what it says: pure functions.

Whisper was trained on 30 s windows and always pays for 30 s. CTranslate2 takes fewer frames; what
keeps it from looping then is *true silence in the audio* after the speech (measured: 4 s for base,
3 s for tiny) and timestamps left on. A short window is right nearly always and says so by its mean
log probability; where it does not, there is another pass with a longer one, and at last with the full one.

`decode_steps` says which passes are taken and when one is believed. It asks for a pass and is told its
result; it neither computes nor waits. So it can be run alone (`transcribe.py`), and the passes of many
chunks can share one call of CTranslate2 (`whisper_server/batching.py`).
"""

import zlib
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

import numpy as np

from ...core.audio import RATE_HZ, Floats
from ...core.transcript.loops import is_doubled
from .chunking import is_silent
from .segments import Segment

WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class DecodePass:
    """One way to show Whisper a chunk of audio."""

    tail_s: float
    """Silence appended; `WINDOW_S` stands for the full window, padded as in its training."""
    lead_s: float = 0.2
    """Silence before: clipped first phones are heard better ("her", "stop")."""
    beam: int = 5
    enough: float = -0.6
    """Mean log probability of a token from which the text is believed."""
    noise: float = 0.6
    """Probability of "no speech" above which an unlikely text is noise."""
    noise_logprob: float = -0.8
    """Mean log probability below which a text is unlikely."""

    @property
    def is_full(self) -> bool:
        return self.tail_s >= WINDOW_S


FULL = DecodePass(WINDOW_S, lead_s=0.0, beam=1, enough=-np.inf)
LONGER = DecodePass(8.0, enough=-0.8, noise=0.45, noise_logprob=-0.4)
"""Tells speech ("no speech" at most 0.26, down to 5 dB above noise) from hum, tones,
knocks, coughs, white and pink noise (0.43 and more). All of those noises were synthetic."""

_DOUBT = 0.35
"""A "no speech" above it asks for a longer pass, however likely the text is."""

TAIL_S = {"base": 4.0, "tiny": 3.0}
"""Seconds of silence appended, by model. With less it loops and is looked at again: of 109 utterances 26 with
2 s and 12 with 4 s, at the same 4.0 % of wrong words (of 1,027; with 1 s 7.4 %, with 0.5 s 23 %), and 80
sentences, of which half were broken off, took 480 and 245 ms in nine of ten."""

_FIRST_BEAM = 2
"""Of the first pass: five beams take longer and get no more words right, as long as the longer pass, which is
for what is doubtful, has five (of 1,027 words 41 wrong with two and five; 49 where both passes have two)."""

SAFE_TAIL_S = 3.0
"""Seconds of silence appended for models that were not measured."""


def passes(tail_s: float) -> tuple[DecodePass, ...]:
    """Those over a chunk, the cheapest first.

    Measured with base, three runs of 37 utterances pooled (954 words): 3.9 % wrong, stock 3.6 %.
    The thresholds were chosen on the same sentences in the same voice.
    """
    return DecodePass(tail_s, beam=_FIRST_BEAM), LONGER, FULL


def interim_passes(tail_s: float) -> tuple[DecodePass, ...]:
    """The only one over the last chunk of an interim, greedy."""
    return (DecodePass(tail_s, beam=1, noise=0.4, noise_logprob=0.0),)


_FASTEST_WORDS_A_SECOND = 4.7
"""Quick readers reach 4.5; a loop fills the cap on tokens, which is 6 and more."""

_NONSENSE = -1.5

_CLEAR, _CLEAR_NO_SPEECH = -0.45, 0.15
"""What is likelier, and surely speech, needs no look without the prompt."""
_SIMILAR = 0.5
"""Share of the letters that two looks have in common where they heard the same: names are spelt as they sound
by the one that was not told them."""
_NAME_WORDS = 2

_SHORT_TOKENS = 5
_SHORT_ALLOWANCE = 0.15


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What Whisper made of a chunk in one pass."""

    text: str
    logprob: float
    """Mean log probability of the tokens, the end included: 0 is certain."""
    no_speech: float
    """Probability of Whisper's "no speech" token, 0 to 1."""
    tokens: int
    """Number of tokens, those of times included."""
    audio_s: float
    """Length of the chunk, in seconds."""
    is_cut: bool = False
    """The cap on tokens ended the text, not Whisper."""
    segments: tuple[Segment, ...] = ()

    def is_enough(self, decode_pass: DecodePass) -> bool:
        """A word or two is mostly times and an end, which are never certain: less is asked of them."""
        allowance = _SHORT_ALLOWANCE if self.tokens <= _SHORT_TOKENS else 0.0
        is_likely = self.logprob >= decode_pass.enough - allowance
        return is_likely and self.no_speech < _DOUBT and not self.is_loop and not is_doubled(self.text)

    def is_noise(self, decode_pass: DecodePass) -> bool:
        if self.no_speech > decode_pass.noise and self.logprob < decode_pass.noise_logprob:
            return True
        return self.logprob < _NONSENSE or not any(c.isalnum() for c in self.text)

    @property
    def is_clear(self) -> bool:
        return self.logprob >= _CLEAR and self.no_speech < _CLEAR_NO_SPEECH

    @property
    def is_endless(self) -> bool:
        """Whether it goes round until the cap ends it. A script that is spelt in bytes reaches it, too."""
        return self.is_cut and repeats(self.text, self.audio_s)

    @property
    def is_empty_loop(self) -> bool:
        """Whether the text goes round and round, and perhaps about nothing."""
        return self.is_loop and self.no_speech > _DOUBT

    @property
    def is_stutter(self) -> bool:
        """Whether four words come again: in an interim that is a loop far more often than the user."""
        return self.is_loop or _most_fours(_words(self.text)) > 1

    @property
    def is_loop(self) -> bool:
        return self.is_cut or repeats(self.text, self.audio_s)


def better(one: Hypothesis, other: Hypothesis) -> Hypothesis:
    """The likelier; one that was cut or goes round in circles only beside its like, and of a sentence and the
    same twice, which a second sentence in the background makes of it, the single one."""
    said, again = _words(one.text), _words(other.text)
    if said and again and not one.is_cut and not other.is_cut:
        if said + said == again:
            return one
        if again + again == said:
            return other
    return max(one, other, key=lambda each: (not each.is_cut, not each.is_loop, each.logprob))


def unprompted(prompted: Hypothesis, plain: Hypothesis) -> Hypothesis:
    """What is believed of two looks of which one was told words to expect. The words come from that one where
    the other heard about the same, and where they are a name or two; how sure it is of "no speech" is the
    other's to say, since after a prompt Whisper is nearly always sure of speech (measured on murmur: 0.2 to
    0.3 with one, 0.4 to 0.6 without)."""
    words, others = _words(prompted.text), _words(plain.text)
    alike = SequenceMatcher(None, "".join(words), "".join(others), autojunk=False).ratio()
    if len(words) > _NAME_WORDS and alike < _SIMILAR and not plain.is_loop:
        return plain
    sure = (prompted.logprob + plain.logprob) / 2
    return replace(prompted, logprob=sure, no_speech=plain.no_speech)


def confirmed(found: Hypothesis, interim: Hypothesis, decode_pass: DecodePass) -> Hypothesis | None:
    """What is believed of the first pass over a chunk and an interim that was sure of it: the same words are
    right however unlikely they are, and what goes on after them was made up in the silence. None: nothing.

    Of 80 sentences, whole and broken off, 34 took a second pass (180 ms more); eight of them did not need it
    by an interim of all but the last 0.2 s, and all eight came out as they had.
    """
    if not interim.is_enough(decode_pass) or found.no_speech >= _DOUBT:
        return None
    said, again = _words(interim.text), _words(found.text)
    if again != said and again != said + said:
        return None
    is_whole = again == said and not found.is_cut
    return found if is_whole else replace(interim, no_speech=found.no_speech)


def agree(one: Hypothesis, other: Hypothesis) -> bool:
    """Two passes that read the same words need no third: what repeats itself in both was said so."""
    return not one.is_cut and not other.is_cut and _words(one.text) == _words(other.text)


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def repeats(text: str, audio_s: float) -> bool:
    """Does it go round in circles: one phrase twice and faster than anybody speaks, or over and over?

    People say things twice; a third time, or in haste, is decoded again, and stays if it was so.
    """
    raw = text.encode()
    if len(raw) > 2.4 * len(zlib.compress(raw)):  # Whisper's own threshold
        return True
    words = _words(text)
    is_hasty = len(words) > _FASTEST_WORDS_A_SECOND * audio_s
    for size in range(3, len(words) // 2 + 1) if is_hasty else ():
        starts = range(len(words) - 2 * size + 1)
        if any(words[i : i + size] == words[i + size : i + 2 * size] for i in starts):
            return True
    return _most_fours(words) > 2


def _most_fours(words: list[str]) -> int:
    """How often the commonest run of four words comes."""
    fours = Counter(tuple(words[i : i + 4]) for i in range(len(words) - 3))
    return max(fours.values(), default=0)


def token_cap(audio_s: float, decode_pass: DecodePass) -> int:
    """The most tokens that a text may have. Fast English is 6 tokens a second; scripts that Whisper spells in
    bytes take up to 20, which only the last pass allows: before it, the cap is what ends a loop early."""
    return int(20 * audio_s) + 40 if decode_pass.is_full else int(8 * audio_s) + 12


def window_size(samples: int, decode_pass: DecodePass, step_s: float = 0.0) -> int:
    """Samples of the window that shows `samples` with the silence of `decode_pass` around them, 30 s at most;
    with `step_s` rounded up to a multiple of it."""
    around = samples + round(decode_pass.lead_s * RATE_HZ) + round(decode_pass.tail_s * RATE_HZ)
    step = round(step_s * RATE_HZ) or 1
    return min(-(-around // step) * step, round(WINDOW_S * RATE_HZ))


def window_room(samples: int, decode_pass: DecodePass, step_s: float) -> int:
    """The most samples that a window of the same size could show."""
    if decode_pass.is_full:
        return round(WINDOW_S * RATE_HZ) if step_s else samples
    return samples + (window_size(samples, decode_pass, step_s) - window_size(samples, decode_pass))


def in_silence(audio: Floats, decode_pass: DecodePass, step_s: float = 0.0) -> Floats:
    """`audio` in a window of `window_size`."""
    whole = window_size(len(audio), decode_pass, step_s)
    lead = round(decode_pass.lead_s * RATE_HZ)
    return np.pad(audio, (lead, max(0, whole - lead - len(audio))))[:whole]


LastInterim: TypeAlias = Callable[[], Hypothesis | None]
"""What an interim made of the same chunk, or of all but its end, as far as is known when it is asked for."""


def no_interim() -> None:
    """There was none."""


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """What is asked of every pass over a chunk."""

    languages: tuple[str, ...] = ()
    """Whisper's codes to choose among; empty: all."""
    prompt: str = ""
    """Words to expect."""
    task: Literal["transcribe", "translate"] = "transcribe"
    is_interim: bool = False
    """An interim text: once, and never through the full window."""
    interim: LastInterim = no_interim


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """One pass over a chunk, to be taken by somebody."""

    audio: Floats
    decode_pass: DecodePass
    options: DecodeOptions


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """What one pass showed."""

    hypothesis: Hypothesis
    language: str
    """Whisper's code."""


DecodeSteps: TypeAlias = Generator[DecodeRequest, DecodeResult, DecodeResult | None]
"""Returns what is believed, or None when nothing was said."""


def decode_steps(audio: Floats, passes: Sequence[DecodePass], options: DecodeOptions) -> DecodeSteps:
    if is_silent(audio):
        return None
    best: Hypothesis | None = None
    language = ""
    for decode_pass in passes:
        among = (language,) if language else options.languages
        result = yield DecodeRequest(audio, decode_pass, replace(options, languages=among))
        hypothesis, language = result.hypothesis, result.language
        if hypothesis.is_noise(decode_pass):
            return None
        if best is not None and best.is_endless and hypothesis.is_endless:
            return None  # nine in ten such were murmur; a third look is by far the longest
        interim = options.interim()
        if interim is not None and (sure := confirmed(hypothesis, interim, decode_pass)) is not None:
            best = sure
            break
        is_settled = best is not None and agree(best, hypothesis)
        best = hypothesis if best is None else better(best, hypothesis)
        best = replace(best, no_speech=hypothesis.no_speech)  # the longest look tells it best
        if is_settled or best.is_enough(decode_pass):
            break
    if best is None or best.is_empty_loop or (options.is_interim and best.is_stutter):
        return None
    if options.prompt and not options.is_interim and not best.is_clear:
        plain = yield DecodeRequest(audio, LONGER, replace(options, languages=(language,), prompt=""))
        if plain.hypothesis.is_noise(LONGER) or plain.hypothesis.is_empty_loop:
            return None
        best = unprompted(best, plain.hypothesis)
    return DecodeResult(best, language)
