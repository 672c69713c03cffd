"""The sound of the user's turn, kept as it comes in, and what recognisers make of it.

The one gate behind all recognisers is here: what nobody said leaves no word (`core/transcript`). Which words
are asked for when, and what is told of them, is for `transcriber.py` to say.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from ...core.audio import RATE_HZ, Samples, sample_count, seconds
from ...core.config import LiveConfig
from ...core.errors import EngineError
from ...core.responses import Notice
from ...core.transcript.belief import VoiceTrack, unsaid
from ...core.transcript.text import kept, without
from ...core.turn.state import State
from ...ports import Claim, Stt, SttOptions, SttStream, Transcription, Word
from ..telling.notices import MAX_TRANSCRIPT, transcript_notice

PART_SECONDS = 18.0
"""Whisper hears 30 s at a time; from about 20 s on its final takes longer than a pause lasts."""

CLOSE_SECONDS = 2.0
"""For a recogniser to let go of an utterance."""

INTERIM_SECONDS, SOON_SECONDS = 0.6, 0.3
"""New speech between two interims, about two words; and where the recogniser has nothing else to do."""
AT_ONCE_SECONDS = 0.1
"""The same where an answer waits for the words, from the second interim on: one that holds the end of a short
voice is there before the transcript of all. The first is of a word at least: half of one is another."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeardWindow:
    """A window of what is listened to, or the beginning of one whose rest did not come."""

    samples: Samples
    end: int
    """Position just after it."""
    probability: float | None
    """That it holds speech; None: not known."""

    @property
    def start(self) -> int:
        return self.end - len(self.samples)


class _Part:
    """What a recogniser hears of an utterance, as far as it is believed: the one gate behind all of them.

    A recogniser that fails at once is asked no more, and that is said when its words are needed.
    """

    def __init__(self, stt: Stt, options: SttOptions) -> None:
        self.length = 0
        self.end = 0
        """Position just after its last sample."""
        self.is_cut = False
        """Its recogniser gave more than is kept."""
        self._prompt = options.prompt
        self._probabilities: list[float] = []
        """Of each window that was fed, that it holds speech; none where no detector was asked."""
        self.known: Transcription | None = None
        """Transcription of all that was fed; None when something was fed since."""
        self._stt, self._options = stt, options
        self._stream: SttStream | None = None
        self._error: EngineError | None = None
        self._kept: list[Samples] = []
        """All that was fed, for a recogniser that was let go of and is asked anew."""
        self._is_let_go = False
        self._open()

    def _open(self) -> None:
        try:
            self._stream = self._stt.open(self._options)
            for samples in self._kept:
                self._stream.feed(samples)
        except EngineError as error:
            self._error = error

    async def let_go(self) -> None:
        """No recogniser waits for more; one is asked anew when there is more, or the words are wanted."""
        if not self._is_let_go and self._error is None:
            self._is_let_go = True
            await self.close()
            self._stream = None

    def _take_up(self) -> None:
        if self._is_let_go:
            self._is_let_go = False
            self._open()

    def feed(self, piece: HeardWindow) -> None:
        samples = piece.samples
        self.length += len(samples)
        self.end = piece.end
        self.known = None
        if piece.probability is not None:
            self._probabilities.append(piece.probability)
        self._take_up()
        self._kept.append(samples)
        if self._stream is None or self._error is not None:
            return
        try:
            self._stream.feed(samples)
        except EngineError as error:
            self._error = error

    async def interim(self) -> Transcription | None:
        track = self._track()
        self._take_up()
        said = await self._stream.interim() if self._stream and not self._error else None
        return None if said is None else self._believed(said, track)

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()

    async def final(self) -> Transcription:
        if self.known is not None:
            return self.known
        self._take_up()
        if self._stream is None or self._error is not None:
            raise self._error or EngineError("stt", "no stream")
        length, track = self.length, self._track()
        result = self._believed(await self._stream.final(), track)
        if length == self.length:
            self.known = result
        return result

    def _track(self) -> VoiceTrack:
        return VoiceTrack(seconds(self.length), tuple(self._probabilities))

    def _believed(self, said: Transcription, track: VoiceTrack) -> Transcription:
        whole, said = said, _bounded(said)
        self.is_cut = self.is_cut or said is not whole
        cuts = unsaid(said.text, said.segments, track, self._prompt)
        if not cuts:
            return said
        stays = kept(said.text, cuts, [word.text for word in said.words])
        words = tuple(word for word, is_kept in zip(said.words, stays, strict=True) if is_kept)
        return replace(said, text=without(said.text, cuts), words=words, segments=())


class Utterance:
    """The sound of one user turn and its transcript, which grows with it.

    A recogniser's time rises with the length of what it is given, so a long turn is kept in parts:
    what was said before a pause and is longer than `PART_SECONDS` is transcribed once and not again.
    """

    def __init__(self, stt: Stt, options: SttOptions, start: int) -> None:
        self.start = start
        """Position of the first sample, at `RATE_HZ` since the start of the stream."""
        self.end = start
        """Just after the last one: sound that was lost before it is between them, and not of its length."""
        self.length = 0
        self._stt, self._options = stt, options
        self._parts = [_Part(stt, options)]
        self._asked_until: int | None = None
        self._is_cut_told = False

    @property
    def final_end(self) -> int:
        """Position up to which its final transcript holds everything: what came after that was asked for is
        none of it. Where none was asked for, it would be of all."""
        return self.end if self._asked_until is None else self._asked_until

    def take_back(self) -> None:
        """What was heard so far is not meant, whatever of it was asked for."""
        self._asked_until = None

    def feed(self, piece: HeardWindow) -> None:
        self._parts[-1].feed(piece)
        self.length += len(piece.samples)
        self.end = piece.end

    def pause(self) -> None:
        """A pause begins: what follows may be transcribed apart from what came before."""
        if seconds(self._parts[-1].length) > PART_SECONDS:
            self._parts.append(_Part(self._stt, self._options))

    async def final(self) -> Transcription:
        """All of it. Raises `EngineError`."""
        parts = [part for part in self._parts if part.length]
        self._asked_until = self.end
        earlier = [(part, await part.final()) for part in parts[:-1]]
        for last in parts[-1:]:
            self._asked_until = last.end
            earlier.append((last, await last.final()))
        return _bounded(_join(earlier))

    async def interim(self) -> Transcription | None:
        """All of it, the last part as it sounds so far; None when the engine has no room."""
        last = await self._parts[-1].interim()
        if last is None:
            return None
        earlier = [(part, part.known) for part in self._parts[:-1] if part.known is not None]
        return _bounded(_join([*earlier, (self._parts[-1], last)]))

    def notices(self) -> list[Notice]:
        """What the caller is to be told of its transcripts: once."""
        if self._is_cut_told or not any(part.is_cut for part in self._parts):
            return []
        self._is_cut_told = True
        return [transcript_notice()]

    async def let_go(self) -> None:
        """As of its parts."""
        await self._within(part.let_go() for part in self._parts)

    async def close(self) -> None:
        """What fails here has nothing more to do with the user."""
        await self._within(part.close() for part in self._parts)

    async def _within(self, closing: Iterable[Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for each in closing:
                    await each
        except (EngineError, TimeoutError) as error:
            log.warning("a recogniser did not let go of its utterance: %r", error)


def _join(parts: list[tuple[_Part, Transcription]]) -> Transcription:
    if not parts:
        return Transcription("")
    words: list[Word] = []
    offset = 0
    for part, said in parts:
        shift = offset / RATE_HZ
        words += [Word(word.text, word.start + shift, word.end + shift) for word in said.words]
        offset += part.length
    last = parts[-1][1]
    text = " ".join(said.text for _, said in parts if said.text)
    language = next((said.language for _, said in reversed(parts) if said.language), "")
    return replace(last, text=text, language=language, words=tuple(words))


def _bounded(said: Transcription) -> Transcription:
    """What is beyond is of a recogniser that has gone astray: the places of its words go too."""
    if max(map(len, (said.text, said.words, said.segments))) <= MAX_TRANSCRIPT:
        return said
    return replace(said, text=said.text[:MAX_TRANSCRIPT].rstrip(), words=(), segments=())


def _ignore(samples: Samples) -> None:
    """Nobody else listens."""


class TurnSound:
    """The utterance of the turn that goes on, and the sound just before it."""

    def __init__(
        self, stt: Stt, config: LiveConfig, claim: Claim, on_sound: Callable[[Samples], None] = _ignore
    ) -> None:
        """`claim`: of its transcripts. `on_sound` is told of the sound of a turn, without the padding before
        its onset."""
        self._stt, self._config, self._claim, self._on_sound = stt, config, claim, on_sound
        self._before: deque[HeardWindow] = deque()
        """The last of what was heard."""
        self.told_until = 0
        """Position up to which all is in transcripts that were told as final, or in none: no other utterance
        holds it."""
        self._looked_at = 0
        """Samples of the utterance of which an interim was asked for."""
        self._looks = 0
        """Interims that were asked for of it."""
        self.utterance: Utterance | None = None
        """The one that is kept; None: nobody has the turn."""

    @property
    def is_open(self) -> bool:
        return self.utterance is not None

    @property
    def start(self) -> int:
        """Position of the utterance; -1: there is none."""
        return -1 if self.utterance is None else self.utterance.start

    @property
    def seconds(self) -> float:
        """Of the utterance."""
        return 0.0 if self.utterance is None else seconds(self.utterance.length)

    @property
    def has_room(self) -> bool:
        """Of the recogniser: a transcript asked for now is begun at once, in nobody's way."""
        return self._stt.has_room()

    @property
    def is_heard_here(self) -> bool:
        """The recogniser computes on this machine."""
        return self._stt.is_embedded

    @property
    def is_interim_due(self) -> bool:
        """Enough of it is new."""
        if self.utterance is None:
            return False
        new = seconds(self.utterance.length - self._looked_at)
        soon = AT_ONCE_SECONDS if self._looks and self.is_waited_for else SOON_SECONDS
        return new >= INTERIM_SECONDS or (new >= soon and self._stt.is_alone())

    @property
    def is_waited_for(self) -> bool:
        """An answer waits for the words, and the recogniser is this machine's: elsewhere each look costs its
        owner something."""
        return self._config.state is State.YIELDING and self.is_heard_here

    def open(self, position: int, *, with_padding: bool) -> None:
        """A turn begins at `position`; padding is the sound just before, in which its onset may be."""
        before = self._padding(position) if with_padding else []
        start = before[0].start if before else position
        config = self._config.current
        self.utterance = Utterance(self._stt, SttOptions(config.languages, config.prompt, self._claim), start)
        for piece in before:
            self.utterance.feed(piece)
        self._looked_at, self._looks = self.utterance.length, 0

    def _padding(self, position: int) -> list[HeardWindow]:
        """Whole and unbroken, and of no utterance before: words at its end would be words of both."""
        found: deque[HeardWindow] = deque()
        for piece in reversed(self._before):
            if piece.end != position or piece.start < self.told_until:
                break
            found.appendleft(piece)
            position = piece.start
        return list(found)

    def hear(self, piece: HeardWindow) -> None:
        """The next of what is listened to: of the utterance, if there is one, and the last `prefix_padding`
        seconds for the onset of the next."""
        if self.utterance is not None:
            self.utterance.feed(piece)
            self._on_sound(piece.samples)
        self._before.append(piece)
        config = self._config.current
        keep = sample_count(config.prefix_padding) + sample_count(config.endpoint.min_speech)
        while piece.end - self._before[0].end > keep:
            self._before.popleft()

    def take_back(self) -> None:
        """What was heard of the utterance is not meant, whatever of it was asked for: it is no padding."""
        if self.utterance is not None:
            self.utterance.take_back()

    def tell(self, utterance: Utterance | None) -> None:
        """Its final transcript is told, and what that holds is no other's."""
        if utterance is not None:
            self.told_until = max(self.told_until, utterance.final_end)

    def wait_for_more(self) -> None:
        """An interim transcript of what is there is asked for."""
        if self.utterance is not None:
            self._looked_at = self.utterance.length
            self._looks += 1

    def take(self) -> Utterance | None:
        """The utterance, which is kept no more."""
        taken, self.utterance = self.utterance, None
        return taken
