"""Speech to text alone: the listening side of a session, without anybody to answer.

When an utterance is over is decided by `core/dictation.py`; here its commands are carried out.
"""

import asyncio
from collections.abc import AsyncIterator

from ..core import commands as c
from ..core import requests as i
from ..core.config import LiveConfig, SessionConfig
from ..core.dictation import UtteranceTaker
from ..core.errors import EngineTimeout
from ..core.events import Event, PatienceOver
from ..ports import Claim, Engines, Urgency
from .clock import TICK, loop_now
from .event_queue import MAX_EVENTS
from .hearing.audio_queue import AudioQueue
from .hearing.listener import Listener
from .hearing.transcriber import Transcriber
from .hearing.utterance import TurnSound
from .reader import AudioReceiver, one_error, received
from .telling.call_reports import DictationReports, WatchedCall
from .telling.notices import dictation_notice, engine_notice
from .telling.outbox import Outbox, Send


class Dictation:
    def __init__(
        self, engines: Engines, config: SessionConfig, caller: str = "", call: WatchedCall | None = None
    ) -> None:
        """`caller`: for whom engines work here; empty: nobody in particular. `call`: as whom observers know
        it; None: nobody looks on."""
        live, self._call = LiveConfig(config), call or WatchedCall()
        self._reports = DictationReports(self._call, engines.stt)
        self._outbox = Outbox(observer=self._call.observer)
        self._events: asyncio.Queue[Event] = asyncio.Queue(MAX_EVENTS)
        post = self._events.put_nowait
        self._audio = AudioQueue()
        self._receiver = AudioReceiver(config.input, self._audio, self._outbox, loop_now)
        sound = TurnSound(engines.stt, live, Claim.of(caller, Urgency.PART))
        self._transcriber = Transcriber(sound, live, post, self._outbox, lambda: 0)
        self._listener = Listener(engines.vad, self._audio, self._transcriber, live, post, self._outbox)
        self._taker = UtteranceTaker(lambda: live.current.turns)
        self._has_ended = False
        """The caller has nothing more to say."""
        self._limit = config.turns.turn_limit
        self._is_split_told = False
        """That the utterance is told in parts."""

    @property
    def heard_seconds(self) -> float:
        """Of sound that came in, so far."""
        return self._receiver.heard_seconds

    async def run(self, requests: AsyncIterator[i.ConverseRequest], send: Send) -> None:
        """Until the caller has nothing more to say. Raises the `VoiceError` that ended it, if one did."""
        try:
            with one_error():
                await self._dictate(requests, send)
        finally:
            self._call.work.audio = self.heard_seconds
            await self._transcriber.close()

    async def _dictate(self, requests: AsyncIterator[i.ConverseRequest], send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._outbox.deliver(send), name="write")
            helpers = [
                tasks.create_task(self._read(requests), name="read"),
                tasks.create_task(self._listener.run(tasks, self._is_held), name="listen"),
            ]
            while not self._is_done:
                event = await self._next_event()
                self._reports.happened(event)
                for command in self._taker.receive(event, loop_now()):
                    seconds = self._transcriber.sound.seconds
                    self._carry_out(command, tasks)
                    self._reports.decided(command, seconds)
            for helper in helpers:
                helper.cancel()
            await self._transcriber.close()
            self._outbox.close()
            await writing

    async def _read(self, requests: AsyncIterator[i.ConverseRequest]) -> None:
        """Nobody talks with us: a recording that is sent as fast as can be waits, and loses nothing."""
        async for request in received(requests):
            match request:
                case i.AudioInput():
                    self._receiver.receive(request)
                case i.AudioInputEnd():
                    self._audio.close()
            await self._audio.has_room()
            await self._transcriber.parts.wait_for_room()
        self._has_ended = True
        self._audio.close()

    def _is_held(self) -> bool:
        """Nothing comes in because nothing is read."""
        return not self._transcriber.parts.has_room

    @property
    def _is_done(self) -> bool:
        is_at_rest = self._taker.is_at_rest and self._events.empty()
        return self._has_ended and self._listener.is_drained and is_at_rest

    async def _next_event(self) -> Event:
        due = self._taker.deadline
        try:
            async with asyncio.timeout(None if due is None else max(TICK, due - loop_now())):
                return await self._events.get()
        except TimeoutError:
            return PatienceOver()

    def _carry_out(self, command: c.Command, tasks: asyncio.TaskGroup) -> None:
        match command:
            case c.AskTranscript(revision):
                self._transcriber.ask(revision, tasks)
            case c.GiveUpTranscript(seconds):
                error = EngineTimeout("stt", f"no transcript within {seconds:g} s")
                self._outbox.put(engine_notice(error))
            case c.SplitUtterance():
                self._transcriber.split(tasks)
            case c.KeepPart(spoken=spoken):
                self._transcriber.say_part(0, spoken)
                self._say_split()
            case c.FinishUtterance():
                self._transcriber.say_final(0)
                self._listener.end_utterance(tasks)
                self._is_split_told = False

    def _say_split(self) -> None:
        """Once an utterance: a recording may be hours of one."""
        if not self._is_split_told:
            self._is_split_told = True
            self._outbox.put(dictation_notice(self._limit))
