"""Somebody who asks questions and listens, and can say afterwards word for word what was heard.

What they hear is what a loudspeaker would have played: the sound of each answer in its order, at its rate,
from when it came on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from google.protobuf.duration_pb2 import Duration

from tests.chaos import words
from voice_grpc.client import Call
from voice_grpc.client.resumable_stream import LineEvent, Restarted
from voice_grpc.core.audio import RATE_HZ, Samples, silence
from voice_grpc.pb import voice_pb2 as pb

FRAME_S = TICK_S = 0.02
REPORT_S = 0.1
"""Between two reports of what was played, unless the machine is busy."""

HOLD_S = 0.3
QUIET_S = 0.8
"""Silence between an answer and the next question."""

LAST_WORDS = 3
"""Of an answer: once they were heard it is over."""
LATELY_S = 2 * LAST_WORDS * words.VOICE_WORD_S + 2 * words.STOP_S
"""Sound that has them at its end, if they were heard."""

AGAIN, AGAIN_UNREPORTED = 0, 5
"""Words that may come again where something was killed: none but the one that was cut, which counts once; to
a client that reports nothing those of a second, as often as the store learns of what was heard, and one."""

ANSWERED_WITHIN = 60.0
"""Seconds from a question to the last word of its answer, whatever is killed meanwhile."""


def config(session_id: str, *, reports: bool) -> pb.SessionConfig:
    detection = pb.TurnDetection(hold=Duration(nanos=round(HOLD_S * 1e9)))
    capabilities = pb.ClientCapabilities(playback_reports=reports, echo_cancellation=True)
    sound = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=words.VOICE_HZ)
    return pb.SessionConfig(
        session_id=session_id,
        language_codes=["en"],
        greeting="",
        turn_detection=detection,
        capabilities=capabilities,
        output_audio=sound,
    )


@dataclass
class Loudspeaker:
    """Plays what comes, in its order, by the clock; what was thrown away is not played."""

    now: Callable[[], float]
    played: list[Samples] = field(default_factory=list)
    """All that was heard."""
    turn: int = 0
    position: int = 0
    """Samples of `turn` that were heard."""
    total: int = 0
    """The same, of all turns."""
    _waiting: list[Samples] = field(default_factory=list)
    _since: float | None = None
    """Up to when it has played; None: it had nothing to play."""
    _is_held: bool = False

    def take(self, turn: int, offset: int, samples: Samples) -> None:
        if turn != self.turn:
            self.turn, self.position = turn, 0
            self._waiting.clear()
        buffered = self.position + sum(map(len, self._waiting))
        assert offset == buffered, f"turn {turn}: sound at {offset}, {buffered} was next"
        self._waiting.append(samples)
        if self._since is None and not self._is_held:
            self._since = self.now()

    def play(self) -> None:
        """Up to now."""
        if self._since is None:
            return
        due = round((self.now() - self._since) * words.VOICE_HZ)
        self._since += due / words.VOICE_HZ
        while due > 0 and self._waiting:
            samples = self._waiting.pop(0)
            if len(samples) > due:
                self._waiting.insert(0, samples[due:])
                samples = samples[:due]
            self.played.append(samples)
            self.position += len(samples)
            self.total += len(samples)
            due -= len(samples)
        if not self._waiting:
            self._since = None

    def hold(self) -> None:
        """Silence, and what waits is kept."""
        self.play()
        self._is_held, self._since = True, None

    def go_on(self) -> None:
        """Where it was held."""
        if self._is_held and self._waiting:
            self._since = self.now()
        self._is_held = False

    def clear(self, turn: int) -> None:
        """The rest of it is not to be heard."""
        self.play()
        if turn == self.turn:
            self._waiting.clear()
            self._since = None

    @property
    def received(self) -> int:
        """Samples that came and were heard, or will be."""
        return self.total + sum(map(len, self._waiting))

    @property
    def is_playing(self) -> bool:
        return self._since is not None

    @property
    def heard(self) -> tuple[str, ...]:
        return words.heard(np.concatenate(self.played)) if self.played else ()

    @property
    def heard_lately(self) -> tuple[str, ...]:
        """In the last `LATELY_S`: to know when an answer is over."""
        pieces, samples = 0, 0
        while pieces < len(self.played) and samples < LATELY_S * words.VOICE_HZ:
            pieces += 1
            samples += len(self.played[-pieces])
        return words.heard(np.concatenate(self.played[-pieces:])) if pieces else ()


class Person:
    """Asks `questions`, each once the answer to the one before was heard out. `reports`: the client says what
    it played."""

    def __init__(
        self, name: str, questions: list[int], *, reports: bool = True, patience: float = ANSWERED_WITHIN
    ) -> None:
        self.name = name
        self.questions = [words.question(number) for number in questions]
        self.reports = reports
        self.patience = patience
        """As `ANSWERED_WITHIN`."""
        self.speaker = Loudspeaker(lambda: asyncio.get_running_loop().time())
        self.is_speaking = False
        self.line: list[LineEvent] = []
        """What was told of it."""
        self.notices: list[str] = []
        """Reasons of those that were told."""
        self.ranges: list[tuple[int, int]] = []
        """Of the sound of each final transcript."""
        self.asked = self.answered = 0
        """Questions that were begun, and answers that were heard out."""
        self._completed = 0
        """The last turn that the server took to be heard out: who speaks before speaks over the answer, of
        which a client that reports nothing may hear words again."""
        self.has_enough = False
        """Asks no further question."""
        self._said: list[Samples] = []
        """What is still to be said."""
        self._ticked = asyncio.Event()

    @property
    def expected(self) -> tuple[str, ...]:
        """All that was to be heard of what was asked."""
        return tuple(word for asked in self.questions[: self.asked] for word in words.answer(asked))

    @property
    def has_heard_all(self) -> bool:
        """Each word, and none twice that must not be; of two answers that end and begin with the same word
        that one counts once."""
        return self._fault is None

    @property
    def _fault(self) -> int | None:
        again = AGAIN if self.reports else AGAIN_UNREPORTED
        return words.fault(self.speaker.heard, words.as_heard(self.expected), again)

    def assert_heard_all(self) -> None:
        """Says where it went wrong."""
        at, heard, expected = self._fault, self.speaker.heard, words.as_heard(self.expected)
        assert at is None, (
            f"{self.name} of question {self.asked} heard {' '.join(heard[max(0, at - 30) : at])!r}, and then "
            f"{' '.join(heard[at : at + 20])!r}; there was to be heard: {' '.join(expected)!r}; {self.line}"
        )

    @property
    def line_is_same(self) -> bool:
        """It is the conversation that it was."""
        return not any(isinstance(event, Restarted) for event in self.line)

    @property
    def is_waiting(self) -> bool:
        """The question was said, and nothing of its answer is heard."""
        return self.asked > self.answered and not self.is_speaking and not self.speaker.is_playing

    @property
    def is_hearing(self) -> bool:
        """The answer to the last question, somewhere before its end."""
        return self.asked > self.answered and self.speaker.is_playing

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Returns at once where it is so already."""
        while not is_so():
            await self._ticked.wait()

    async def talk(self, target: str) -> None:
        """All of it."""
        sounds = [await asyncio.to_thread(words.spoken, each) for each in self.questions]
        wants = config(self.name, reports=self.reports)
        async with (
            Call.open(target, wants, on_line=self.line.append) as call,
            asyncio.TaskGroup() as tasks,
        ):
            if self.reports:
                call.ear = self
            listening = tasks.create_task(self._listen(call), name=f"{self.name} listens")
            living = [
                tasks.create_task(self._speak(call), name=f"{self.name} speaks"),
                tasks.create_task(self._play(call), name=f"{self.name} plays"),
            ]
            for asked, sound in zip(self.questions, sounds, strict=True):
                if self.has_enough:
                    break
                self._said.append(sound)
                self.asked += 1
                await self._hear_out(words.answer(asked))
                self.answered += 1
                await asyncio.sleep(QUIET_S)
            for task in living:
                task.cancel()
            await call.send(pb.EndSession())
            await listening

    async def _hear_out(self, answer: tuple[str, ...]) -> None:
        try:
            async with asyncio.timeout(self.patience):
                await self.until(lambda: self._is_over(answer))
        except TimeoutError:
            heard = self.speaker.heard
            raise AssertionError(f"{self.name}, question {self.asked}: heard {heard}, not {answer}") from None

    def _is_over(self, answer: tuple[str, ...]) -> bool:
        was_heard = self.speaker.heard_lately[-LAST_WORDS:] == answer[-LAST_WORDS:]
        return was_heard and self._completed >= self.speaker.turn

    async def _speak(self, call: Call) -> None:
        """Frames by the clock: what is to be said, else silence."""
        loop = asyncio.get_running_loop()
        frame, start, sent = round(FRAME_S * RATE_HZ), loop.time(), 0
        left: Samples = silence(0)
        while True:
            if not len(left) and self._said:
                left = self._said.pop(0)
            self.is_speaking = len(left) > 0
            now, left = left[:frame], left[frame:]
            now = np.concatenate((now, np.zeros(frame - len(now), np.int16)))
            await asyncio.sleep(max(0.0, start + sent / RATE_HZ - loop.time()))
            await call.send(pb.AudioInput(data=now.tobytes(), offset_samples=sent))
            sent += frame

    async def _play(self, call: Call) -> None:
        """Plays, and says so."""
        told, due, loop = (0, 0), 0.0, asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            self.speaker.play()
            ticked, self._ticked = self._ticked, asyncio.Event()
            ticked.set()
            position = self.speaker.turn, self.speaker.position
            if self.reports and loop.time() >= due and position[0] and position != told:
                told, due = position, loop.time() + REPORT_S
                await call.send(self._report())

    async def _listen(self, call: Call) -> None:
        async for response in call:
            self.speaker.play()
            match response.WhichOneof("payload"):
                case "audio":
                    samples = np.frombuffer(response.audio.data, "<i2")
                    self.speaker.take(response.turn, response.audio.offset_samples, samples)
                case "interrupted":
                    self.speaker.clear(response.interrupted.turn or response.turn)
                case "turn_event" if response.turn_event.state == pb.TurnEvent.STATE_COMPLETED:
                    self._completed = max(self._completed, response.turn)
                case "transcript" if response.transcript.is_final:
                    said = response.transcript
                    self.ranges.append((said.start_samples, said.end_samples))
                case "notice":
                    self.notices.append(response.notice.reason)

    # ------------------------------------------------------------ as an `ListeningEar`

    async def hold(self) -> pb.PlaybackReport | None:
        self.speaker.hold()
        return self._report() if self.speaker.turn else None

    async def go_on(self) -> None:
        self.speaker.go_on()

    def _report(self) -> pb.PlaybackReport:
        state = pb.PlaybackReport.STATE_PROGRESS
        return pb.PlaybackReport(turn=self.speaker.turn, state=state, played_samples=self.speaker.position)
