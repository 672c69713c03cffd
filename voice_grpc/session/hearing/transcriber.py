"""The words of the user's turn: transcribed when asked, and told.

Transcripts take time and run in tasks beside the listening. When a turn begins and ends is not decided here.
The caller is told interims with rising revisions, then one final a turn.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from ...core.audio import seconds
from ...core.config import LiveConfig
from ...core.errors import EngineError, EngineTimeout
from ...core.events import EchoHeard, Event, InterimHeard, PartTranscribed, Transcribed
from ...ports import Transcription
from ..telling.notices import engine_notice, fallback_notice
from ..telling.outbox import Outbox
from .transcripts import Transcripts
from .utterance import TurnSound, Utterance

Post: TypeAlias = Callable[[Event], None]

log = logging.getLogger(__name__)

PART_LEAST_SECONDS = 30.0
"""For the words of the beginning of a long turn, or as long as it lasted: a recogniser that takes longer
falls ever further behind, and the sound of all that it has not heard is kept."""

PARTS_AHEAD = 2
"""Parts that are being transcribed while more of a recording is read."""


class TurnParts:
    """The beginnings of a turn that goes on: each is transcribed by itself, and told in its order."""

    def __init__(self, post: Post, outbox: Outbox) -> None:
        self._post, self._outbox = post, outbox
        self._open: deque[tuple[Utterance | None, asyncio.Task[None]]] = deque()
        """Those whose words were not told, and who transcribes them."""
        self._taken = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        return not self._open

    @property
    def utterances(self) -> list[Utterance]:
        return [utterance for utterance, _ in self._open if utterance is not None]

    @property
    def has_room(self) -> bool:
        return len(self._open) < PARTS_AHEAD

    async def wait_for_room(self) -> None:
        while not self.has_room:
            self._taken.clear()
            await self._taken.wait()

    def add(self, utterance: Utterance | None, tasks: asyncio.TaskGroup) -> None:
        """Transcribe it; answered by `PartTranscribed` once those before it were. None: nothing was heard."""
        before = self._open[-1][1] if self._open else None
        task = tasks.create_task(self._transcribe(utterance, before), name="transcribe-part")
        self._open.append((utterance, task))

    def take(self) -> Utterance | None:
        """The one whose words are told now."""
        utterance, _ = self._open.popleft() if self._open else (None, None)
        self._taken.set()
        return utterance

    def give_up(self) -> list[Utterance | None]:
        """Nobody waits for their words any more. Returns those that are to be closed."""
        given_up = list(self._open)
        self._open.clear()
        self._taken.set()
        for _, task in given_up:
            task.cancel()
        return [utterance for utterance, _ in given_up]

    async def _transcribe(self, utterance: Utterance | None, before: asyncio.Task[None] | None) -> None:
        text = "" if utterance is None else await self._words(utterance)
        if before is not None:
            await asyncio.wait({before})
        self._post(PartTranscribed(text))
        if utterance is not None:
            await utterance.close()

    async def _words(self, utterance: Utterance) -> str:
        limit = max(PART_LEAST_SECONDS, seconds(utterance.length))
        try:
            async with asyncio.timeout(limit):
                said = await utterance.final()
            for notice in utterance.notices():
                self._outbox.put(notice)
            return said.text
        except TimeoutError:
            error: EngineError = EngineTimeout("stt", f"no transcript of a part within {limit:g} s")
        except EngineError as failed:
            error = failed
        self._outbox.put(engine_notice(error))
        return ""


def _nobodys(text: str) -> bool:
    """Where nothing is spoken there is no echo."""
    return False


class Transcriber:
    def __init__(
        self,
        sound: TurnSound,
        config: LiveConfig,
        post: Post,
        outbox: Outbox,
        turn: Callable[[], int | None],
        is_own: Callable[[str], bool] = _nobodys,
    ) -> None:
        """`turn`: the one that what is heard now belongs to; None: to none. `is_own`: whether words are the
        assistant's, heard again: those count as none."""
        self.sound, self._config = sound, config
        self._post, self._outbox, self._turn = post, outbox, turn
        self._is_own = is_own
        self._transcripts = Transcripts(config, outbox)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._said = Transcription("")
        """What came of the last transcript that was asked for."""
        self.parts = TurnParts(post, outbox)
        """Of a long turn; while their words are not told, those that follow are not either."""
        self._failed: Utterance | None = None
        """The last one whose interim transcripts failed: that is told once an utterance."""
        self._known_until = 0
        """Position up to which the last transcript holds everything: an interim of less is late."""
        self._told: tuple[Utterance, str] | None = None
        """In which utterance it was said that an engine took over, and which: once an utterance."""

    def close_utterance(self, tasks: asyncio.TaskGroup) -> None:
        """The turn is over, or was none."""
        self._cancel()
        for utterance in (*self.parts.give_up(), self.sound.take()):
            if utterance is not None:
                tasks.create_task(utterance.close(), name="close-utterance")

    async def let_go(self) -> None:
        """No recogniser is kept waiting for more sound; a transcript that is under way is awaited."""
        if under_way := [task for task in self._tasks.values() if not task.done()]:
            await asyncio.wait(under_way)
        if self.sound.utterance is not None:
            await self.sound.utterance.let_go()

    async def close(self) -> None:
        """The session is over: nothing is asked any more, and nothing held."""
        self._cancel()
        for utterance in (*self.parts.give_up(), self.sound.utterance):
            if utterance is not None:
                await utterance.close()

    def split(self, tasks: asyncio.TaskGroup) -> None:
        """What was heard is transcribed by itself, answered by `PartTranscribed`; the turn goes on."""
        whole = self.sound.take()
        if whole is not None:
            self._cancel()
            self._said = Transcription("", self._said.language)
            self.sound.open(whole.end, with_padding=False)
        self.parts.add(whole, tasks)

    # ------------------------------------------------------------ the words

    @property
    def may_begin_early(self) -> bool:
        """A transcript asked for now is begun at once, in nobody's way and at nobody's cost; or an answer
        waits for it."""
        return self.sound.is_open and (self.sound.has_room or self.sound.is_waited_for)

    @property
    def language(self) -> str:
        """The one that was heard last, ISO 639-1; empty: none yet."""
        return self._said.language

    @property
    def is_transcribing(self) -> bool:
        """A transcript was asked for and is not there yet."""
        task = self._tasks.get("final")
        return task is not None and not task.done()

    def ask(self, revision: int, tasks: asyncio.TaskGroup, *, is_early: bool = False) -> None:
        """Transcribe all of the turn; answered by `Transcribed`. Early: no pause is known to be here."""
        self._cancel("final")
        if self.sound.utterance is None:
            self._post(Transcribed(revision, ""))
            return
        work = self._transcribe(self.sound.utterance, revision)
        self._tasks["final"] = tasks.create_task(work, name=f"transcribe-{revision}")
        if not is_early:
            self.sound.utterance.pause()

    def ask_interim(self, tasks: asyncio.TaskGroup) -> None:
        """While the user speaks, as often as one is due: skipped, never queued, one at a time. That there are
        no words yet is of use where they would be nobody's turn: over an answer."""
        utterance = self.sound.utterance
        if utterance is None or not self.sound.is_interim_due:
            return
        running = self._tasks.get("interim")
        is_wanted = self._config.current.sends_interims or self.sound.has_room
        if not is_wanted or (running is not None and not running.done()):
            return
        self.sound.wait_for_more()
        self._tasks["interim"] = tasks.create_task(self._interim(utterance), name="interim")

    def say_part(self, turn: int, text: str) -> None:
        """The final transcript of the beginning of a turn that goes on."""
        part = self.parts.take()
        self.sound.tell(part)
        self._transcripts.final(turn, part, Transcription(text, self._said.language))

    def say_final(self, turn: int, text: str | None = None) -> None:
        """The turn's last transcript; None: as it was made, else what counts of it."""
        said, language = self._said, self._said.language
        if text is not None and said.text != text:
            said = Transcription(text, language)
        self.sound.tell(self.sound.utterance)
        self._transcripts.final(turn, self.sound.utterance, said)
        self._said = Transcription("", language)

    async def _interim(self, utterance: Utterance) -> None:
        end = utterance.end
        try:
            said = await utterance.interim()
        except EngineError as error:
            if self._failed is not utterance:
                self._failed = utterance
                self._outbox.put(engine_notice(error))
            return
        is_news = said is not None and (said.text or self._turn() is None) and end > self._known_until
        if said is None or not is_news or utterance is not self.sound.utterance or not self.parts.is_empty:
            return
        if self._is_own(said.text):
            self._post(EchoHeard())
            return
        if said.text:
            self._transcripts.interim(self._turn(), utterance, said)
        self._post(InterimHeard(said.text, end, said.language))

    async def _transcribe(self, utterance: Utterance, revision: int) -> None:
        end = utterance.end
        try:
            said = await utterance.final()
        except EngineError as error:
            self._outbox.put(engine_notice(error))
            self._post(Transcribed(revision, "", failed=True))
            return
        for notice in utterance.notices():
            self._outbox.put(notice)
        if said.fallback is not None and self._told != (utterance, said.fallback.engine):
            self._told = utterance, said.fallback.engine
            self._outbox.put(fallback_notice(said.fallback))
        if said.text and self._is_own(said.text):
            said = Transcription("")
            self._post(EchoHeard())
        self._said = replace(said, language=said.language or self._said.language)
        self._known_until = end
        if utterance is self.sound.utterance and self.parts.is_empty:
            self._transcripts.interim(self._turn(), utterance, said)
        self._post(Transcribed(revision, said.text, language=said.language))

    def _cancel(self, *kinds: str) -> None:
        """All that runs, or these."""
        for kind in kinds or tuple(self._tasks):
            if (task := self._tasks.pop(kind, None)) is not None:
                task.cancel()
