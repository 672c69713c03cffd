"""A Wyoming server that transcribes, as `wyoming-faster-whisper` does, with the framing of the `wyoming`
package: `transcribe`, `audio-start`, `audio-chunk` …, `audio-stop`, then the transcript and goodbye.

It may stream (`transcript-start`, `transcript-chunk` …, `transcript-stop`), or end an utterance by itself at
a pause (`--vad-endpointing`), after which it hears nothing more.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event

from tests.fakes.command import parser, run
from tests.fakes.script import HANG, Script, Seen, Trouble
from tests.fakes.spoken import AUDIBLE, Ear, Spoken

FORMAT = {"rate": 16_000, "width": 2, "channels": 1}
MODEL = "faster-whisper-tiny-int8"
FAILING = (Trouble.ERROR_FIRST, Trouble.ERROR_MIDDLE, Trouble.DENIED, Trouble.BLOCKED)
"""Wyoming has one way to say them."""
SOMEBODY = {"name": "Systran", "url": "https://huggingface.co/Systran"}


class Misused(Exception):
    """Told as an `error`."""


class FakeWyoming:
    def __init__(
        self,
        script: Script | None = None,
        *,
        streams: bool = False,
        ends_after: float = 0.0,
        spoken: Spoken = Spoken(),  # noqa: B008 - frozen
        port: int = 0,
    ) -> None:
        """`ends_after`: seconds of silence at which it ends the utterance by itself; 0: never."""
        self.script, self.spoken, self.port = script or Script(), spoken, port
        self.streams, self.ends_after = streams, ends_after
        self.models = [MODEL]
        self.ears: list[Ear] = []
        """One a request."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "FakeWyoming":
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        for task in (tasks := list(self._tasks)):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the server is closed; raised, it would be logged
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await _read(reader)) is not None:
            if event.type == "describe":
                await async_write_event(self._info(), writer)
            elif event.type != "transcribe":
                await async_write_event(Error(f"unexpected {event.type}", "bad-order").event(), writer)
                return
            else:
                with self.script.call(event.data) as seen:
                    exchange = _Exchange(self, reader, writer, seen)
                    await exchange.run()
                return

    def _info(self) -> Event:
        every = {"attribution": SOMEBODY, "installed": True, "description": None, "version": "1"}
        models = [{"name": name, "languages": ["en", "es", "de"], **every} for name in self.models]
        program = {"name": "faster-whisper", "models": models, **every}
        streams = {"supports_transcript_streaming": self.streams, "requires_external_vad": True}
        return Event("info", {"asr": [{**program, **streams}], "tts": [], "wake": []})


class _Exchange:
    """One utterance; the server works on it until it is told or the caller goes away."""

    def __init__(
        self, fake: FakeWyoming, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen
    ) -> None:
        self._fake, self._reader, self._writer, self._seen = fake, reader, writer, seen
        self._trouble = fake.script.next_trouble()
        self._ear = Ear(fake.spoken)
        fake.ears.append(self._ear)
        self._quiet = 0.0
        self._told = 0
        self._has_ended = False

    async def run(self) -> None:
        try:
            await self._expect("audio-start")
            while (event := await self._expect("audio-chunk", "audio-stop")).type == "audio-chunk":
                self._hear(event)
                await self._tell()
            await self._answer()
        except Misused as error:
            await self._complain(str(error), "bad-order")
        except (EOFError, OSError):
            self._seen.end = "gone"

    async def _expect(self, *kinds: str) -> Event:
        event = await _read(self._reader)
        if event is None:
            raise EOFError
        if event.type not in kinds:
            raise Misused(f"{event.type}: expected {' or '.join(kinds)}")
        if event.type != "audio-stop" and {key: event.data.get(key) for key in FORMAT} != FORMAT:
            raise Misused(f"{event.type}: {event.data} instead of {FORMAT}")
        return event

    def _hear(self, event: Event) -> None:
        if not event.payload or len(event.payload) % 2:
            raise Misused("audio-chunk: half a sample, or none")
        if self._has_ended:
            return
        floats = np.frombuffer(event.payload, "<i2").astype(np.float32) / np.float32(32768)
        self._ear.hear(floats)
        is_quiet = float(np.abs(floats).max()) <= AUDIBLE
        self._quiet = self._quiet + len(floats) / FORMAT["rate"] if is_quiet else 0.0

    async def _tell(self) -> None:
        """On the way: what is new, if the server streams; all of it, if it hears the end."""
        if 0 < self._fake.ends_after <= self._quiet and self._ear.ends and not self._has_ended:
            self._has_ended = True
            await self._say(Transcript(self._ear.text(), language="en").event())
        elif self._fake.streams and len(self._ear.ends) > self._told:
            if not self._told:
                await self._say(TranscriptStart(language="en").event())
            fresh = self._ear.text(self._told)
            self._told = len(self._ear.ends)
            await self._part(TranscriptChunk(f" {fresh}").event())

    async def _answer(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(self._transcribe())
            leaving = tasks.create_task(self._leaving(answer))
            answer.add_done_callback(lambda _: leaving.cancel())

    async def _leaving(self, answer: "asyncio.Task[None]") -> None:
        with suppress(OSError):
            await self._reader.read()
        self._seen.end = "gone"
        answer.cancel()

    async def _transcribe(self) -> None:
        if self._trouble is Trouble.STALL_FIRST:
            await asyncio.sleep(HANG)
        await asyncio.sleep(self._seen.first)
        if self._trouble in FAILING:
            return await self._complain("the model failed", "asr-failed")
        if self._trouble is Trouble.QUOTA:
            return await self._complain("too many requests", "busy")
        if self._trouble is Trouble.CUT:
            self._writer.transport.abort()
        if self._trouble is Trouble.STALL_MIDDLE:
            await asyncio.sleep(HANG)
        if not self._has_ended:
            text = "" if self._trouble is Trouble.EMPTY else self._ear.text()
            await self._part(Transcript(text).event())
            if self._fake.streams:
                await self._say(TranscriptStop().event())
        self._seen.end = "done"
        return None

    async def _complain(self, text: str, code: str) -> None:
        self._seen.end = "refused"
        with suppress(OSError):
            await self._say(Error(text, code).event())

    async def _part(self, event: Event) -> None:
        await self._say(event)
        self._seen.parts += 1

    async def _say(self, event: Event) -> None:
        await async_write_event(event, self._writer)


async def _read(reader: asyncio.StreamReader) -> Event | None:
    """None where the caller went away."""
    try:
        return await async_read_event(reader)
    except (OSError, EOFError):
        return None


@asynccontextmanager
async def _open(script: Script, options: argparse.Namespace) -> AsyncIterator[FakeWyoming]:
    async with FakeWyoming(script, streams=options.streams, port=options.port) as fake:
        yield fake


if __name__ == "__main__":
    TITLE = "A Wyoming server that transcribes."
    FLAGS = parser(TITLE)
    FLAGS.add_argument("--streams", action="store_true", help="words on the way")
    run(TITLE, _open, flags=FLAGS)
