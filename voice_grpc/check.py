"""One real small call of each configured engine, side by side, and what came of it."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from .core.audio import RATE_HZ, Samples
from .core.errors import EngineError
from .patient import Finding, Patient, close, listen, warm_and_call
from .roster import STAGES, asked_for, made
from .settings import Settings
from .transcode import Resampler


@dataclass(slots=True)
class Examination:
    findings: list[Finding] = field(default_factory=list)
    is_stuck: bool = False

    @property
    def is_well(self) -> bool:
        """Every stage has an engine that works, and nothing that is configured is broken."""
        working = {finding.stage for finding in self.findings if finding.works}
        return working >= {"vad", *STAGES} and all(finding.works for finding in self.findings)


async def examine(settings: Settings) -> Examination:
    """Ends in well under half a minute. Raises `BadField` for an engine that there is not."""
    patients, missing = await asyncio.to_thread(_admit, settings)
    try:
        await _examine(patients)
    finally:
        await _close(patients)
    order = ["vad", *STAGES]
    findings = [patient.finding for patient in patients] + missing
    findings.sort(key=lambda finding: order.index(finding.stage))
    return Examination(findings, any(patient.is_stuck for patient in patients))


def _admit(settings: Settings) -> tuple[list[Patient], list[Finding]]:
    from .engines.vad_silero import SileroVad

    patients, missing = [Patient(SileroVad(), Finding("vad", "local"))], list[Finding]()
    for stage, known in STAGES.items():
        names = asked_for(stage, settings)
        if not names:
            ways = "; or ".join(candidate.lacks(settings) for candidate in known.values())
            missing.append(Finding(stage, "none", error="no engine", fix=ways))
        for name in names:
            if lacks := known[name].lacks(settings):
                missing.append(Finding(stage, name, error="not configured", fix=lacks))
                continue
            try:
                engines = made(stage, known[name], settings)
                patients += [Patient(engine, Finding(stage, name)) for engine in engines]
            except EngineError as error:
                missing.append(Finding(stage, name, error=str(error), fix=error.advice))
    return patients, missing


async def _examine(patients: list[Patient]) -> None:
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


async def _close(patients: list[Patient]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for patient in patients:
            tasks.create_task(close(patient), name=f"close-{patient.finding.engine}")
