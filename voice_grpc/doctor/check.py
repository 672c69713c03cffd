"""One real small call of each configured engine, side by side, and what came of it.

`EngineCheck` is one engine under examination: warmed, given its call, and closed however it takes it.
`examine` runs all of them, those who listen last, with a sentence that the first voice that works has said.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..codec.transcode import Resampler
from ..core.audio import RATE_HZ, Samples
from ..core.conversation import Message, Role
from ..core.errors import EngineEmpty, EngineError, EngineMissing, EngineTimeout, EngineUnreachable
from ..core.languages import primary
from ..ports import Clause, Engine, Llm, Prompt, Speech, Stt, SttOptions, TextDelta, Tts, Voice, VoiceChoice
from ..server.checks.engines import configured
from ..server.checks.result import CheckResult
from ..server.cpu_plan import cpu_plan
from ..server.engine_registry import STAGES
from ..settings import Settings

SENTENCE = "Good morning. Today the weather is fine."
"""Said by the first voice that works, and given to those who listen."""

WARM_SECONDS, LOAD_SECONDS, CALL_SECONDS, CLOSE_SECONDS = 10.0, 20.0, 4.0, 2.0

_HELLO = (Message(Role.USER, "Say good morning.", 1),)
_PROMPT = Prompt("Answer in one short sentence.", _HELLO, language="en", max_tokens=32)


@dataclass(slots=True)
class EngineCheck:
    """One engine under examination."""

    engine: Engine
    result: CheckResult
    is_stuck: bool = False
    """It computes in a thread that nobody can stop."""
    speech: tuple[Samples, int] | None = None
    """The sentence as a voice said it, and its rate in Hz."""

    async def attempt(self, what: Callable[[], Awaitable[None]], seconds: float) -> bool:
        """Whether it went well; what went wrong is noted, also what nobody thought of."""
        try:
            async with asyncio.timeout(seconds):
                await what()
        except TimeoutError:
            self.is_stuck = self.engine.is_embedded
            self._note(EngineTimeout(self.result.stage, f"not done within {seconds:g} s"))
        except EngineError as error:
            self._note(error)
        except Exception as error:  # noqa: BLE001 - a report is made, whatever an engine does
            self._note(EngineError(self.result.stage, f"a bug: {type(error).__name__}: {error}"))
        else:
            return True
        return False

    def _note(self, error: EngineError) -> None:
        reached = None if isinstance(error, EngineMissing) else _is_reached(error)
        result = replace(self.result, model=self.engine.name, where=self.engine.location)
        self.result = replace(result, is_reachable=reached, works=False, error=str(error), fix=error.advice)


def _is_reached(error: EngineError) -> bool:
    return not isinstance(error, EngineTimeout | EngineUnreachable)


async def warm_and_call(check: EngineCheck) -> bool:
    """Whether it got warm. Those who listen are called later, with something to hear."""
    now = asyncio.get_running_loop().time
    started = now()
    seconds = LOAD_SECONDS if check.engine.is_embedded else WARM_SECONDS
    if not await check.attempt(check.engine.warm, seconds):
        return False
    engine: Any = check.engine
    check.result = replace(
        check.result,
        model=engine.name,
        where=engine.location,
        is_reachable=True,
        works=check.result.stage in ("vad", "echo"),
        warm_ms=_ms(now() - started),
    )
    if check.result.stage == "llm":
        await check.attempt(lambda: _write(check, engine), CALL_SECONDS)
    elif check.result.stage == "tts":
        await check.attempt(lambda: _speak(check, engine), CALL_SECONDS)
    return True


async def _write(check: EngineCheck, llm: Llm) -> None:
    started = asyncio.get_running_loop().time()
    first, text = None, ""
    async with aclosing(llm.stream(_PROMPT)) as items:
        async for item in items:
            if isinstance(item, TextDelta):
                first = first or asyncio.get_running_loop().time() - started
                text += item.text
    if first is None:
        raise EngineEmpty("llm", f"{llm.name} gave no words")
    check.result = replace(check.result, works=True, latency_ms=_ms(first), result=text.strip())


async def _speak(check: EngineCheck, tts: Tts) -> None:
    async def clauses() -> AsyncIterator[Clause]:
        yield Clause(0, SENTENCE)

    started = asyncio.get_running_loop().time()
    first, sounds = None, list[Speech]()
    async with aclosing(tts.speak(clauses(), VoiceChoice())) as items:
        async for item in items:
            if isinstance(item, Speech):
                first = first or asyncio.get_running_loop().time() - started
                sounds.append(item)
    if first is None:
        raise EngineEmpty("tts", f"{tts.name} gave no sound")
    check.speech = np.concatenate([sound.samples for sound in sounds]), sounds[-1].rate_hz
    voice = _voice(tts.name, await tts.voices())
    check.result = replace(check.result, works=True, latency_ms=_ms(first), voice=voice)


async def listen(check: EngineCheck, speech: Samples | None) -> None:
    if speech is None:
        text = "(no voice works: nothing was said to it)"
        check.result = replace(check.result, works=True, result=text)
        return
    engine: Any = check.engine
    hear = _judge if check.result.stage == "turn" else _hear
    await check.attempt(lambda: hear(check, engine, speech), CALL_SECONDS)


async def _hear(check: EngineCheck, stt: Stt, speech: Samples) -> None:
    stream = stt.open(SttOptions(("en",)))
    try:
        for start in range(0, len(speech), RATE_HZ // 50):
            stream.feed(speech[start : start + RATE_HZ // 50])
        started = asyncio.get_running_loop().time()
        transcription = await stream.final()
        took = asyncio.get_running_loop().time() - started
    finally:
        with suppress(EngineError):
            await stream.close()
    if not transcription.text:
        raise EngineEmpty("stt", f"nothing was heard in {SENTENCE!r}", advice="is its model the right one?")
    check.result = replace(check.result, works=True, latency_ms=_ms(took), result=transcription.text)


async def _judge(check: EngineCheck, end: Any, speech: Samples) -> None:
    started = asyncio.get_running_loop().time()
    probability = await end.probability(speech)
    took = asyncio.get_running_loop().time() - started
    result = f"the turn is over: {probability:.0%}"
    check.result = replace(check.result, works=True, latency_ms=_ms(took), result=result)


async def close(check: EngineCheck) -> None:
    """However it takes it."""
    with suppress(EngineError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await check.engine.close()


def _voice(engine: str, voices: Sequence[Voice]) -> str:
    """Which one speaks English unless another is asked for, and of how many."""
    english = [voice for voice in voices if voice.language.lower().startswith("en")]
    named = [voice for voice in voices if voice.id in engine]
    chosen = next(iter([*named, *english, *voices]), None)
    languages = len({primary(voice.language) for voice in voices})
    of = f", 1 of {len(voices)} in {languages} languages" if len(voices) > 1 else ""
    return f"{chosen.id}{of}" if chosen is not None else ""


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


@dataclass(slots=True)
class Report:
    results: list[CheckResult] = field(default_factory=list)
    is_stuck: bool = False
    """A check left a thread behind that nobody can stop."""

    @property
    def is_well(self) -> bool:
        """Every stage has an engine that works, and nothing that is configured is broken."""
        working = {result.stage for result in self.results if result.works}
        return working >= {"vad", *STAGES} and all(result.works for result in self.results)


async def examine(settings: Settings) -> Report:
    """Checks all engines that the settings ask for; ends in well under half a minute."""
    checks, unchecked = await asyncio.to_thread(_checks, settings)
    try:
        await _examine(checks)
    finally:
        await _close(checks)
    order = ["vad", "echo", *STAGES, "turn"]
    results = [check.result for check in checks] + unchecked
    results.sort(key=lambda result: order.index(result.stage))
    return Report(results, any(check.is_stuck for check in checks))


def _checks(settings: Settings) -> tuple[list[EngineCheck], list[CheckResult]]:
    """One for each engine that is configured; and what is said of those that cannot be made."""
    from ..engines.silero import SileroVad
    from ..engines.webrtc_audio import WebRtcEchoCanceller

    vad, echo = SileroVad(threads=cpu_plan(settings).vad), WebRtcEchoCanceller()
    checks = [EngineCheck(vad, CheckResult("vad", "local")), EngineCheck(echo, CheckResult("echo", "local"))]
    engines, unchecked = configured(settings)
    checks += [EngineCheck(each.engine, CheckResult(each.stage, each.name)) for each in engines]
    return checks, unchecked


async def _examine(checks: list[EngineCheck]) -> None:
    """What computes here in threads that spin comes last; all else side by side."""
    alone = [check for check in checks if check.result.stage == "llm" and check.engine.is_embedded]
    async with asyncio.TaskGroup() as tasks:
        warmed = {
            id(check): tasks.create_task(warm_and_call(check), name=f"check-{check.result.engine}")
            for check in checks
            if check not in alone
        }
    spoken = [check for check in checks if check.speech is not None]
    spoken.sort(key=lambda check: not check.engine.is_embedded)
    speech = _resampled(*spoken[0].speech) if spoken and spoken[0].speech else None
    async with asyncio.TaskGroup() as tasks:
        for check in checks:
            if check.result.stage in ("stt", "turn") and warmed[id(check)].result():
                tasks.create_task(listen(check, speech), name=f"listen-{check.result.engine}")
    for check in alone:
        await warm_and_call(check)


def _resampled(samples: Samples, rate_hz: int) -> Samples:
    resampler = Resampler(rate_hz, RATE_HZ)
    silence = np.zeros(RATE_HZ // 2, np.int16)
    return np.concatenate([silence, resampler.feed(samples), resampler.flush(), silence])


async def _close(checks: list[EngineCheck]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for check in checks:
            tasks.create_task(close(check), name=f"close-{check.result.engine}")
