"""What the demo's user says, in which voice and when; and how it went, with the table of it.

It is measured in the recording, as a listener with a stopwatch would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voice_grpc.client import NO_ACCESS, Access, failures
from voice_grpc.pb import voice_pb2 as pb

from .audio import INPUT_HZ, OUTPUT_HZ, Samples, audible_span, raised
from .conversation import Conversation
from .recording import Recording
from .screen import BOLD, DIM, milliseconds
from .scripted_user import ANSWER_WITHIN, VirtualMicrophone, all_said, answered
from .turns import State, Turn

if TYPE_CHECKING:
    from voice_grpc.pb.voice_pb2_grpc import VoiceServiceAsyncStub

PITCH = 1.12
"""Two semitones up: a smaller person, and still the vowels that Whisper knows."""

SYNTHESIZE_WITHIN = 20.0

BEARS = 1.5
"""Seconds of an answer that the user listens to before speaking over it."""

FIRST = "My name is Anna. What is the capital of France?"
LONG = ("What are the months of the year?", "What are the planets of the solar system?")
"""Asked until one is answered at length: the second only when the answer to the first was too short."""
OVER_IT = "What is the capital of Italy?"
"""In one breath: a pause after the first word would make it two attempts to interrupt."""
LAST = "What is my name?"
LAST_OF_STRANGER = "And the capital of Spain?"
"""When the first question is the caller's own recording, in which nobody is called Anna."""


@dataclass(frozen=True, slots=True)
class Said:
    """A clip and when it was begun."""

    clip: Samples
    begins: float

    @property
    def onset(self) -> float:
        return self.begins + audible_span(self.clip, INPUT_HZ)[0] / INPUT_HZ

    @property
    def end(self) -> float:
        """Behind the last voiced sample."""
        return self.begins + audible_span(self.clip, INPUT_HZ)[1] / INPUT_HZ


def answer_delay(recording: Recording, said: Said) -> float | None:
    """From the end of what was said to the first audible sample of an answer; None: there is none."""
    heard = recording.answer.samples()[round(said.end * OUTPUT_HZ) :]
    first, last = audible_span(heard, OUTPUT_HZ)
    return first / OUTPUT_HZ if last else None


async def spoken(
    stub: "VoiceServiceAsyncStub", words: str, pitch: float = PITCH, access: Access = NO_ACCESS
) -> Samples:
    """`words` in the server's own voice, raised until it is clearly somebody else's: at `INPUT_HZ`, without
    the silence around them. Raises `CallFailed`.

    Spoken slower by as much as raising it will shorten it.
    """
    pcm = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=OUTPUT_HZ, channels=1)
    voice = pb.VoiceConfig(speaking_rate=1 / pitch)
    request = pb.SynthesizeRequest(text=words, voice=voice, output_audio=pcm)
    data = bytearray()
    with failures():
        async for response in stub.Synthesize(request, timeout=SYNTHESIZE_WITHIN, metadata=access.metadata):
            data += response.audio.data
    clip = raised(np.frombuffer(bytes(data), "<i2").astype(np.int16), OUTPUT_HZ, pitch)
    first, last = audible_span(clip, INPUT_HZ)
    return clip[first:last]


@dataclass(frozen=True, slots=True)
class Outcome:
    said: Said
    turn: Turn | None
    fault: str = ""
    delay: float | None = None
    """From the end of what was said to the first audible sample of the answer."""
    silence: float | None = None
    """From the onset of what was said over an answer until nothing of that answer was played any more."""


class Script:
    def __init__(
        self,
        conversation: Conversation,
        microphone: VirtualMicrophone,
        clips: Mapping[str, Samples],
        last: str,
    ) -> None:
        """`clips`: what can be said, by its words. `last`: which of them is said last."""
        self.outcomes: list[Outcome] = []
        self._conversation = conversation
        self._microphone = microphone
        self._clips = clips
        self._last = last

    async def play(self) -> None:
        """The whole of it; stops at the first question that nobody answers."""
        if await self._ask(FIRST) and await self._be_interrupted():
            await self._ask(self._last)

    @property
    def faults(self) -> list[str]:
        failure = self._conversation.failure
        ended = [f"the conversation broke off: {failure}"] if failure else []
        return [outcome.fault for outcome in self.outcomes if outcome.fault] + ended

    async def _ask(self, words: str, over: Turn | None = None) -> bool:
        """Say it, hear the answer to its end; False when there was none."""
        before = over.number if over else self._conversation.turns.last
        said = self._say(words)
        await all_said(self._conversation, self._microphone)
        fault = await answered(self._conversation, before, words)
        turn = next(reversed(self._conversation.turns.since(before)), None)
        recording = self._conversation.recording
        if over is not None and over.state != State.STATE_INTERRUPTED:
            fault = fault or f"{words}: it was said over an answer, and the answer went on"
        stopped = self._conversation.stopped.get(over.number) if over else None
        silence = None if stopped is None else stopped - recording.start - said.onset
        self._note(Outcome(said, turn, fault, answer_delay(recording, said), silence))
        return turn is not None and turn.is_answered and not self._conversation.has_ended

    async def _be_interrupted(self) -> bool:
        """Ask for something long and speak over the answer."""
        for words in LONG:
            before = self._conversation.turns.last
            said = self._say(words)
            if not await self._hears_answer(before):
                self._note(Outcome(said, None, f"{words}: no answer within {ANSWER_WITHIN:g} s"))
                return False
            turn = self._conversation.turns.since(before)[-1]
            await self._conversation.until(lambda: self._conversation.has_ended, BEARS)
            if not turn.has_ended:
                delay = answer_delay(self._conversation.recording, said)
                self.outcomes.append(Outcome(said, turn, delay=delay))
                return await self._ask(OVER_IT, over=turn)
            await answered(self._conversation, before, words)
            self._note(Outcome(said, turn, delay=answer_delay(self._conversation.recording, said)))
        self._conversation.screen.line("       ! no answer was long enough to be spoken over")
        self.outcomes.append(Outcome(said, None, "no answer was long enough to be spoken over"))
        return False

    async def _hears_answer(self, before: int) -> bool:
        conversation = self._conversation

        def is_heard() -> bool:
            turn, played = conversation.playout.position
            return turn > before and played > 0

        await conversation.until(lambda: self._microphone.is_silent, 60)
        return await conversation.until(is_heard, ANSWER_WITHIN)

    def _say(self, words: str) -> Said:
        clip = self._clips[words]
        return Said(clip, self._microphone.say(clip))

    def _note(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        screen = self._conversation.screen
        if outcome.silence is not None:
            told = f"the answer was silent {outcome.silence * 1000:.0f} ms after the user began"
            screen.line(f"       ✂ {told}")
        if outcome.delay is not None:
            screen.line(f"       ⏱ heard {outcome.delay * 1000:.0f} ms after the last word", DIM)
        if outcome.fault:
            screen.line(f"       ✗ {outcome.fault}", BOLD)


_COLUMNS = ("turn", "heard", "v2v", "end", "stt", "llm", "tts", "cut", "heard as ▸ answer")
_METRICS = ("voice_to_voice", "end_of_turn_delay", "stt_final_delay", "llm_first_token", "tts_first_audio")

LEGEND = (
    "ms · heard: from the last word to the first sound of the answer at the ear, from the recording · "
    "v2v: the same as the server sees it · end: until the turn was over · stt, llm, tts: each stage · "
    "cut: from the user's onset to silence"
)


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """A line a turn; figures in ms, a dash where there is none."""
    return [_row(_COLUMNS), *(_row(_cells(outcome)) for outcome in outcomes)]


def _row(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>6}" for cell in cells[:-1]) + "  " + cells[-1]


def _cells(outcome: Outcome) -> list[str]:
    if (turn := outcome.turn) is None:
        return ["–"] * (len(_COLUMNS) - 1) + [outcome.fault]
    at_ear = "–" if outcome.delay is None else f"{outcome.delay * 1000:.0f}"
    metrics = turn.metrics or pb.TurnMetrics()
    stages = [
        str(milliseconds(getattr(metrics, name))) if metrics.HasField(name) else "–" for name in _METRICS
    ]
    cut = "–" if outcome.silence is None else f"{outcome.silence * 1000:.0f}"
    answer = f"{turn.cut.heard_text.strip()} ✂" if turn.cut else turn.answer.strip()
    return [str(turn.number), at_ear, *stages, cut, f"{turn.transcript} ▸ {answer}"]
