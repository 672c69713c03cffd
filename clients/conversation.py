"""One conversation as the user has it: what comes in is played, shown and reported back.

responses ─▶ receive ─▶ playout ─▶ loudspeaker ─┐
                └─▶ turns, screen ◀─ captions ◀─┴─▶ reports ─▶ call

Whoever waits for something to become true waits on a `Condition`, which is told when it may have.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from voice_grpc.client import (
    BufferEar,
    Call,
    CallFailed,
    JitterBuffer,
    LineEvent,
    Reconnecting,
    Restarted,
    Resumed,
)
from voice_grpc.pb import voice_pb2 as pb

from .audio import OUTPUT_HZ
from .captions import Captions
from .overlaps import Overlaps
from .recording import Recording
from .screen import DIM, YELLOW, Screen
from .turns import State, Turns

REPORT_EVERY = 0.01
"""Seconds from one report of what was played to the next: half a frame."""

Control = pb.PlaybackControl


class Condition:
    """`notify` after every change, `end` when no more will come; `until` waits. One event loop."""

    def __init__(self) -> None:
        self.has_ended = False
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def until(self, condition: Callable[[], bool], within: float | None = None) -> bool:
        """Wait until it holds, and not for a moment only; False when everything ended, or `within` seconds
        were over, first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not condition() and not self.has_ended:
                    held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.append((condition, held))
                    try:
                        await held
                    finally:
                        self._waiting.remove((condition, held))
        return condition()

    def notify(self) -> None:
        for condition, held in self._waiting:
            if not held.done() and (self.has_ended or condition()):
                held.set_result(None)

    def end(self) -> None:
        self.has_ended = True
        self.notify()


class Conversation:
    def __init__(self, call: Call, screen: Screen, recording: Recording | None = None) -> None:
        self.call = call
        self.screen = screen
        self.recording = recording or Recording(time.monotonic())
        self.playout = JitterBuffer(OUTPUT_HZ)
        self.turns = Turns()
        self.failure: CallFailed | None = None
        """Why the call ended, when it did not end well."""
        self.stopped: dict[int, float] = {}
        """Turn that was cut → monotonic seconds at which it was silent here."""
        self._captions = Captions()
        self._overlaps = Overlaps()
        self._metrics: dict[int, pb.TurnMetrics] = {}
        self._changes = Condition()
        call.on_line, call.ear = self.line, BufferEar(self.playout)

    async def receive(self) -> None:
        """Takes in responses until the call ends; never raises for that: see `failure`."""
        try:
            async for response in self.call:
                self.accept(response)
                self._changes.notify()
        except CallFailed as failure:
            self.failure = failure
        finally:
            self._changes.end()

    async def report(self) -> None:
        """Tells the server, and shows, what was played; until cancelled."""
        while True:
            self.screen.words(self._captions.due(*self.playout.position))
            for report in self.playout.due(time.monotonic()):
                if report.state == pb.PlaybackReport.STATE_FINISHED:
                    self.screen.words(self._captions.rest(report.turn))
                    self._show_metrics(report.turn)
                await self.call.send(report)
                self._changes.notify()
            await asyncio.sleep(REPORT_EVERY)

    async def stop(self) -> None:
        """Silence at once, whichever answers play or wait; what the user is saying meanwhile is answered."""
        for turn in self.playout.turns:
            self.flush(turn)
        if turn := await self.call.interrupt():
            self.flush(turn)

    def flush(self, turn: int) -> None:
        """Silence at once, and nothing more of that turn."""
        now = time.monotonic()
        self._captions.drop(turn)
        self.playout.flush(turn)
        self.stopped.setdefault(turn, now)
        self.screen.overlap(self._overlaps.cut(turn, now))

    async def until(self, condition: Callable[[], bool], within: float | None = None) -> bool:
        """Wait until it holds; False when the call ended or `within` seconds were over first."""
        return await self._changes.until(condition, within)

    @property
    def has_ended(self) -> bool:
        """Nothing more will come from the server."""
        return self._changes.has_ended

    @property
    def is_quiet(self) -> bool:
        """Nobody speaks, nothing is being answered and nothing is left to play."""
        return self.turns.is_quiet and self.playout.is_idle

    def accept(self, response: pb.ConverseResponse) -> None:
        """Plays, shows or notes it."""
        self.turns.receive(response)
        match response.WhichOneof("payload"):
            case "audio":
                self._play(response.turn, response.audio)
            case "response_text":
                text = response.response_text
                self._captions.text(response.turn, text.segment_index, text.delta)
            case "transcript":
                words = response.transcript
                (self.screen.said if words.is_final else self.screen.interim)(words.text)
            case "playback_control":
                self._obey(response.turn, response.playback_control)
            case "interrupted":
                self.flush(response.interrupted.turn or response.turn)
                self.screen.cut(response.interrupted, OUTPUT_HZ)
            case "turn_event":
                self._turn(response.turn, response.turn_event.state)
            case "notice":
                self.screen.notice(response.notice)
            case "turn_metrics":
                self._metrics[response.turn] = response.turn_metrics
                if response.turn != self.playout.position[0]:
                    self._show_metrics(response.turn)
            case "go_away" if not self.call.comes_back or response.go_away.reason == "idle":
                why = response.go_away.reason
                self.screen.line(f"       ! the server will end this conversation ({why})")

    def line(self, event: LineEvent) -> None:
        """The line to the server is lost, or back. What is here of the answer plays on until another stream
        begins."""
        match event:
            case Reconnecting(failure):
                self.screen.line(f"       ! the line is lost ({failure}): reconnecting …", YELLOW)
            case Resumed():
                self.screen.line("       ! the line is back: going on", DIM)
            case Restarted():
                self.screen.line("       ! the line is back; the server began a new conversation", YELLOW)
                self.playout.restart()
                self.turns.restart()
                self._captions = Captions()
                self._metrics.clear()
        self._changes.notify()

    def _play(self, turn: int, audio: pb.AudioOutput) -> None:
        self._captions.audio(turn, audio.segment_index, audio.offset_samples)
        samples = np.frombuffer(audio.data, "<i2", len(audio.data) // 2).astype(np.int16)
        self.playout.receive(turn, samples, time.monotonic(), audio.is_last, audio.offset_samples)

    def _turn(self, turn: int, state: State) -> None:
        match state:
            case State.STATE_FAILED | State.STATE_DISCARDED:
                self.playout.finish(turn)
            case State.STATE_COMPLETED if self._captions.is_silent(turn):
                self.screen.words(self._captions.rest(turn))

    def _show_metrics(self, turn: int) -> None:
        """After the last words of the turn, also when they came before."""
        if (metrics := self._metrics.pop(turn, None)) is not None:
            self.screen.metrics(turn, metrics)

    def _obey(self, turn: int, control: Control) -> None:
        now = time.monotonic()
        match control.action:
            case Control.ACTION_FLUSH:
                self.flush(turn)
            case Control.ACTION_DUCK:
                self.playout.duck(turn, True)
                self._overlaps.lowered(turn, now)
            case Control.ACTION_UNDUCK:
                self.playout.duck(turn, False)
                self.screen.overlap(self._overlaps.went_on(turn, now))
            case Control.ACTION_HOLD:
                self.playout.hold(turn, now)
                self.stopped.setdefault(turn, now)
                self._overlaps.held(turn, now)
            case Control.ACTION_RESUME:
                again = self.playout.resume(turn, control.position_samples, now)
                self.stopped.pop(turn, None)
                self.screen.overlap(self._overlaps.went_on(turn, now, again))
