"""One real small call of each configured engine, side by side, and what came of it."""

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
from ..ports import Clause, Engine, Llm, Prompt, Speech, Stt, SttOptions, TextDelta, Tts, Voice, VoiceChoice
from ..server.engine_registry import STAGES, asked_for, made
from ..server.startup import IN_PROCESS
from ..settings import Settings

# ----------------------------------------------------------------
# one engine under examination: warmed, given one real small call, and what came of it


SENTENCE = "Good morning. Today the weather is fine."
"""Said by the first voice that works, and given to the recognisers."""

WARM_SECONDS, LOAD_SECONDS, CALL_SECONDS, CLOSE_SECONDS = 10.0, 20.0, 4.0, 2.0

_HELLO = (Message(Role.USER, "Say good morning.", 1),)
_PROMPT = Prompt("Answer in one short sentence.", _HELLO, language="en", max_tokens=32)


@dataclass(frozen=True, slots=True)
class CheckResult:
    stage: str
    engine: str
    """As the settings name it."""
    model: str = ""
    where: str = ""
    is_reachable: bool | None = None
    """None: nothing was asked."""
    works: bool = False
    warm_ms: float | None = None
    """To load it, or to connect and make the first call."""
    latency_ms: float | None = None
    """Of a call when it is warm, to its first output; of a recogniser to its last."""
    voice: str = ""
    result: str = ""
    """What was written, or heard."""
    error: str = ""
    fix: str = ""


@dataclass(slots=True)
class EngineCheck:
    """An engine under examination."""

    engine: Engine
    finding: CheckResult
    is_stuck: bool = False
    """It computes in a thread that nobody can stop."""
    speech: tuple[Samples, int] | None = None
    """Of a voice: the sentence, and its rate."""

    @property
    def is_elsewhere(self) -> bool:
        return self.engine.location != IN_PROCESS

    async def go_through(self, what: Callable[[], Awaitable[None]], seconds: float) -> bool:
        """Whether it went well; what went wrong is noted, also what nobody thought of."""
        try:
            async with asyncio.timeout(seconds):
                await what()
        except TimeoutError:
            self.is_stuck = not self.is_elsewhere
            self._note(EngineTimeout(self.finding.stage, f"not done within {seconds:g} s"))
        except EngineError as error:
            self._note(error)
        except Exception as error:  # noqa: BLE001 - a doctor reports, whatever a patient does
            self._note(EngineError(self.finding.stage, f"a bug: {type(error).__name__}: {error}"))
        else:
            return True
        return False

    def _note(self, error: EngineError) -> None:
        reached = None if isinstance(error, EngineMissing) else _is_reached(error)
        found = replace(self.finding, model=self.engine.name, where=self.engine.location)
        self.finding = replace(found, is_reachable=reached, works=False, error=str(error), fix=error.advice)


def _is_reached(error: EngineError) -> bool:
    return not isinstance(error, EngineTimeout | EngineUnreachable)


async def warm_and_call(patient: EngineCheck) -> bool:
    """Whether it got warm. Recognisers are called later, with something to hear."""
    now = asyncio.get_running_loop().time
    started = now()
    seconds = WARM_SECONDS if patient.is_elsewhere else LOAD_SECONDS
    if not await patient.go_through(patient.engine.warm, seconds):
        return False
    engine: Any = patient.engine
    patient.finding = replace(
        patient.finding,
        model=engine.name,
        where=engine.location,
        is_reachable=True,
        works=patient.finding.stage == "vad",
        warm_ms=_ms(now() - started),
    )
    if patient.finding.stage == "llm":
        await patient.go_through(lambda: _write(patient, engine), CALL_SECONDS)
    elif patient.finding.stage == "tts":
        await patient.go_through(lambda: _speak(patient, engine), CALL_SECONDS)
    return True


async def _write(patient: EngineCheck, llm: Llm) -> None:
    started = asyncio.get_running_loop().time()
    first, text = None, ""
    async with aclosing(llm.stream(_PROMPT)) as items:
        async for item in items:
            if isinstance(item, TextDelta):
                first = first or asyncio.get_running_loop().time() - started
                text += item.text
    if first is None:
        raise EngineEmpty("llm", f"{llm.name} gave no words")
    patient.finding = replace(patient.finding, works=True, latency_ms=_ms(first), result=text.strip())


async def _speak(patient: EngineCheck, tts: Tts) -> None:
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
    patient.speech = np.concatenate([sound.samples for sound in sounds]), sounds[-1].rate_hz
    voice = _voice(tts.name, await tts.voices())
    patient.finding = replace(patient.finding, works=True, latency_ms=_ms(first), voice=voice)


async def listen(patient: EngineCheck, speech: Samples | None) -> None:
    if speech is None:
        found = replace(patient.finding, works=True, result="(no voice works: nothing was said to it)")
        patient.finding = found
        return
    stt: Any = patient.engine
    await patient.go_through(lambda: _hear(patient, stt, speech), CALL_SECONDS)


async def _hear(patient: EngineCheck, stt: Stt, speech: Samples) -> None:
    stream = stt.open(SttOptions(("en",)))
    try:
        for start in range(0, len(speech), RATE_HZ // 50):
            stream.feed(speech[start : start + RATE_HZ // 50])
        started = asyncio.get_running_loop().time()
        heard = await stream.final()
        took = asyncio.get_running_loop().time() - started
    finally:
        with suppress(EngineError):
            await stream.close()
    if not heard.text:
        raise EngineEmpty("stt", f"nothing was heard in {SENTENCE!r}", advice="is its model the right one?")
    patient.finding = replace(patient.finding, works=True, latency_ms=_ms(took), result=heard.text)


async def close(patient: EngineCheck) -> None:
    """However it takes it."""
    with suppress(EngineError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await patient.engine.close()


def _voice(engine: str, voices: Sequence[Voice]) -> str:
    """Which one speaks English unless another is asked for, and of how many."""
    english = [voice for voice in voices if voice.language.lower().startswith("en")]
    named = [voice for voice in voices if voice.id in engine]
    chosen = next(iter([*named, *english, *voices]), None)
    languages = len({voice.language.split("-")[0] for voice in voices})
    of = f", 1 of {len(voices)} in {languages} languages" if len(voices) > 1 else ""
    return f"{chosen.id}{of}" if chosen is not None else ""


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


@dataclass(slots=True)
class Report:
    findings: list[CheckResult] = field(default_factory=list)
    is_stuck: bool = False

    @property
    def is_well(self) -> bool:
        """Every stage has an engine that works, and nothing that is configured is broken."""
        working = {finding.stage for finding in self.findings if finding.works}
        return working >= {"vad", *STAGES} and all(finding.works for finding in self.findings)


async def examine(settings: Settings) -> Report:
    """Ends in well under half a minute. Raises `BadField` for an engine that there is not."""
    patients, missing = await asyncio.to_thread(_admit, settings)
    try:
        await _examine(patients)
    finally:
        await _close(patients)
    order = ["vad", *STAGES]
    findings = [patient.finding for patient in patients] + missing
    findings.sort(key=lambda finding: order.index(finding.stage))
    return Report(findings, any(patient.is_stuck for patient in patients))


def _admit(settings: Settings) -> tuple[list[EngineCheck], list[CheckResult]]:
    from ..engines.silero import SileroVad

    patients, missing = [EngineCheck(SileroVad(), CheckResult("vad", "local"))], list[CheckResult]()
    for stage, known in STAGES.items():
        names = asked_for(stage, settings)
        if not names:
            ways = "; or ".join(candidate.lacks(settings) for candidate in known.values())
            missing.append(CheckResult(stage, "none", error="no engine", fix=ways))
        for name in names:
            if lacks := known[name].lacks(settings):
                missing.append(CheckResult(stage, name, error="not configured", fix=lacks))
                continue
            try:
                engines = made(stage, known[name], settings)
                patients += [EngineCheck(engine, CheckResult(stage, name)) for engine in engines]
            except EngineError as error:
                missing.append(CheckResult(stage, name, error=str(error), fix=error.advice))
    return patients, missing


async def _examine(patients: list[EngineCheck]) -> None:
    """What computes here in threads that spin comes last; all else side by side."""
    alone = [p for p in patients if p.finding.stage == "llm" and not p.is_elsewhere]
    async with asyncio.TaskGroup() as tasks:
        warmed = {
            id(p): tasks.create_task(warm_and_call(p), name=f"check-{p.finding.engine}")
            for p in patients
            if p not in alone
        }
    spoken = sorted((p for p in patients if p.speech is not None), key=lambda p: p.is_elsewhere)
    speech = _resampled(*spoken[0].speech) if spoken and spoken[0].speech else None
    async with asyncio.TaskGroup() as tasks:
        for patient in patients:
            if patient.finding.stage == "stt" and warmed[id(patient)].result():
                tasks.create_task(listen(patient, speech), name=f"listen-{patient.finding.engine}")
    for patient in alone:
        await warm_and_call(patient)


def _resampled(samples: Samples, rate_hz: int) -> Samples:
    resampler = Resampler(rate_hz, RATE_HZ)
    silence = np.zeros(RATE_HZ // 2, np.int16)
    return np.concatenate([silence, resampler.feed(samples), resampler.flush(), silence])


async def _close(patients: list[EngineCheck]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for patient in patients:
            tasks.create_task(close(patient), name=f"close-{patient.finding.engine}")
