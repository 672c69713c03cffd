"""The sound of the user's turn and its words: kept as it comes in, transcribed when asked, and told.

Transcripts take time and run in tasks beside the listening. When a turn begins and ends is not decided here.
The caller is told interims with rising revisions, then one final a turn.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from ..core.audio import RATE_HZ, WINDOW, Samples, sample_count, seconds
from ..core.config import LiveConfig
from ..core.errors import EngineError
from ..core.events import Event, Transcribed
from ..core.responses import Transcript, WordInfo
from ..core.transcript.belief import VoiceTrack, unsaid
from ..core.transcript.text import kept, without
from ..ports import Stt, SttOptions, SttStream, Transcription, Word
from .notices import engine_notice, fallback_notice
from .outbox import Outbox

PART_SECONDS = 18.0
"""Whisper hears 30 s at a time; from about 20 s on its final takes longer than a pause lasts."""

CLOSE_SECONDS = 2.0
"""For a recogniser to let go of an utterance."""

INTERIM_SECONDS = 0.7
"""New speech between two interims: about two words."""

Post: TypeAlias = Callable[[Event], None]

log = logging.getLogger(__name__)


class _Part:
    """What a recogniser hears of an utterance, as far as it is believed: the one gate behind all of them.

    A recogniser that fails at once is asked no more, and that is said when its words are needed.
    """

    def __init__(self, stt: Stt, options: SttOptions) -> None:
        self.length = 0
        self._prompt = options.prompt
        self._probabilities: list[float] = []
        """Of each window that was fed, that it holds speech; none where no detector was asked."""
        self.known: Transcription | None = None
        """Transcription of all that was fed; None when something was fed since."""
        self._stream: SttStream | None = None
        self._error: EngineError | None = None
        try:
            self._stream = stt.open(options)
        except EngineError as error:
            self._error = error

    def feed(self, samples: Samples, probability: float | None) -> None:
        """`probability`: that they hold speech, of a whole window; None: not known."""
        self.length += len(samples)
        self.known = None
        if probability is not None:
            self._probabilities.append(probability)
        if self._stream is None or self._error is not None:
            return
        try:
            self._stream.feed(samples)
        except EngineError as error:
            self._error = error

    async def interim(self) -> Transcription | None:
        track = self._track()
        said = await self._stream.interim() if self._stream and not self._error else None
        return None if said is None else self._believed(said, track)

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()

    async def final(self) -> Transcription:
        if self._stream is None or self._error is not None:
            raise self._error or EngineError("stt", "no stream")
        if self.known is None:
            length, track = self.length, self._track()
            result = self._believed(await self._stream.final(), track)
            if length != self.length:
                return result
            self.known = result
        return self.known

    def _track(self) -> VoiceTrack:
        return VoiceTrack(seconds(self.length), tuple(self._probabilities))

    def _believed(self, said: Transcription, track: VoiceTrack) -> Transcription:
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
        self.length = 0
        self._stt, self._options = stt, options
        self._parts = [_Part(stt, options)]

    @property
    def end(self) -> int:
        return self.start + self.length

    def feed(self, samples: Samples, probability: float | None) -> None:
        self._parts[-1].feed(samples, probability)
        self.length += len(samples)

    def pause(self) -> None:
        """A pause begins: what follows may be transcribed apart from what came before."""
        if seconds(self._parts[-1].length) > PART_SECONDS:
            self._parts.append(_Part(self._stt, self._options))

    async def final(self) -> Transcription:
        """All of it. Raises `EngineError`."""
        parts = [part for part in self._parts if part.length]
        return _join([(part, await part.final()) for part in parts])

    async def interim(self) -> Transcription | None:
        """All of it, the last part as it sounds so far; None when the engine has no room."""
        last = await self._parts[-1].interim()
        if last is None:
            return None
        earlier = [(part, part.known) for part in self._parts[:-1] if part.known is not None]
        return _join([*earlier, (self._parts[-1], last)])

    async def close(self) -> None:
        """What fails here has nothing more to do with the user."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for part in self._parts:
                    await part.close()
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


class Transcripts:
    """What the caller is told of the user's words."""

    def __init__(self, config: LiveConfig, outbox: Outbox) -> None:
        self._config, self._outbox = config, outbox
        self._segment = 0
        self._revision = 0

    def interim(self, turn: int | None, utterance: Utterance, said: Transcription) -> None:
        """None: what was said belongs to no turn, and is not told."""
        if turn is not None and self._config.current.sends_interims:
            self._send(turn, utterance, said, is_final=False)

    def final(self, turn: int, utterance: Utterance | None, said: Transcription) -> None:
        """Never revised. Without an utterance nothing was heard, and that is said too."""
        self._send(turn, utterance, said, is_final=True)
        self._segment += 1
        self._revision = 0

    def _send(self, turn: int, utterance: Utterance | None, said: Transcription, *, is_final: bool) -> None:
        self._revision += 1
        start, end = (utterance.start, utterance.end) if utterance else (0, 0)
        words: tuple[WordInfo, ...] = ()
        if is_final and self._config.current.sends_words:
            words = tuple(
                WordInfo(word.text, start + sample_count(word.start), start + sample_count(word.end))
                for word in said.words
            )
        self._outbox.put(
            Transcript(
                turn,
                self._segment,
                self._revision,
                said.text,
                is_final,
                start,
                end,
                1.0 if is_final else min(said.stability, 0.99),
                said.language,
                words,
            )
        )


class Transcriber:
    def __init__(
        self, stt: Stt, config: LiveConfig, post: Post, outbox: Outbox, turn: Callable[[], int | None]
    ) -> None:
        """`turn`: the one that what is heard now belongs to; None: to none."""
        self._stt, self._config = stt, config
        self._post, self._outbox, self._turn = post, outbox, turn
        self._transcripts = Transcripts(config, outbox)
        self._before: deque[tuple[Samples, float | None]] = deque()
        """The last windows, and how likely each holds speech."""
        self._interim_due = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._utterance: Utterance | None = None
        """The one of the turn that goes on."""
        self._said = Transcription("")
        """What came of the last transcript that was asked for."""
        self._told: tuple[Utterance, str] | None = None
        """In which utterance it was said that an engine took over, and which: once an utterance."""

    # ------------------------------------------------------------ the sound

    @property
    def is_open(self) -> bool:
        """The sound of a turn is being kept."""
        return self._utterance is not None

    def open(self, position: int, *, with_padding: bool) -> None:
        """A turn begins at `position`; padding is the sound just before, in which its onset may be."""
        before = list(self._before) if with_padding else []
        start = position - sum(len(window) for window, _ in before)
        config = self._config.current
        utterance = self._utterance = Utterance(self._stt, SttOptions(config.languages, config.prompt), start)
        for window, probability in before:
            utterance.feed(window, probability)
        self._interim_due = utterance.length + sample_count(INTERIM_SECONDS)

    def feed(self, samples: Samples, probability: float | None) -> None:
        if self._utterance is not None:
            self._utterance.feed(samples, probability)

    def remember(self, window: Samples, probability: float | None) -> None:
        """The last `prefix_padding` seconds, for the onset of the next turn."""
        self._before.append((window, probability))
        config = self._config.current
        keep = sample_count(config.prefix_padding) + sample_count(config.endpoint.min_speech)
        while (len(self._before) - 1) * WINDOW > keep:
            self._before.popleft()

    def close_utterance(self, tasks: asyncio.TaskGroup) -> None:
        """The turn is over, or was none."""
        self._cancel()
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            tasks.create_task(utterance.close(), name="close-utterance")

    async def close(self) -> None:
        """The session is over: nothing is asked any more, and nothing held."""
        self._cancel()
        if self._utterance is not None:
            await self._utterance.close()

    # ------------------------------------------------------------ the words

    @property
    def language(self) -> str:
        """The one that was heard last, ISO 639-1; empty: none yet."""
        return self._said.language

    @property
    def is_transcribing(self) -> bool:
        """A transcript was asked for and is not there yet."""
        task = self._tasks.get("final")
        return task is not None and not task.done()

    def ask(self, revision: int, tasks: asyncio.TaskGroup) -> None:
        """Transcribe all of the turn; answered by `Transcribed`."""
        self._cancel()
        if self._utterance is None:
            self._post(Transcribed(revision, ""))
            return
        work = self._transcribe(self._utterance, revision)
        self._tasks["final"] = tasks.create_task(work, name=f"transcribe-{revision}")
        self._utterance.pause()

    def ask_interim(self, tasks: asyncio.TaskGroup) -> None:
        """While the user speaks, as often as one is due: skipped, never queued, one at a time."""
        utterance = self._utterance
        if utterance is None or utterance.length < self._interim_due:
            return
        running = self._tasks.get("interim")
        if not self._config.current.sends_interims or (running is not None and not running.done()):
            return
        self._interim_due = utterance.length + sample_count(INTERIM_SECONDS)
        self._tasks["interim"] = tasks.create_task(self._interim(utterance), name="interim")

    def say_final(self, turn: int, text: str | None = None) -> None:
        """The turn's last transcript; None: as it was made, else what counts of it."""
        said, language = self._said, self._said.language
        if text is not None and said.text != text:
            said = Transcription(text, language)
        self._transcripts.final(turn, self._utterance, said)
        self._said = Transcription("", language)

    async def _interim(self, utterance: Utterance) -> None:
        try:
            said = await utterance.interim()
        except EngineError as error:
            self._outbox.put(engine_notice(error))
            return
        if said is not None and said.text and utterance is self._utterance:
            self._transcripts.interim(self._turn(), utterance, said)

    async def _transcribe(self, utterance: Utterance, revision: int) -> None:
        try:
            said = await utterance.final()
        except EngineError as error:
            self._outbox.put(engine_notice(error))
            self._post(Transcribed(revision, "", failed=True))
            return
        if said.fallback is not None and self._told != (utterance, said.fallback.engine):
            self._told = utterance, said.fallback.engine
            self._outbox.put(fallback_notice(said.fallback))
        self._said = replace(said, language=said.language or self._said.language)
        if utterance is self._utterance:
            self._transcripts.interim(self._turn(), utterance, said)
        self._post(Transcribed(revision, said.text))

    def _cancel(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
