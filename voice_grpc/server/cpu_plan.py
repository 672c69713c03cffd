"""How many threads each embedded engine computes in: what is set, else what was measured to be best.

Measured on one and on two cores of an EPYC, with the default models. One thread a call, and the other cores
are left to the other stages: with two, on two cores that had other work, the first sound of Piper came after
276 instead of 175 ms, a sentence was final after 460 instead of 371 ms, and Smart Turn took 60 instead of
65 ms for more CPU time; a window of Silero takes 0.2 ms, which is not worth being shared. The language model
gains where a core is left for it: see `LLM_THREADS`. Machines with more cores are for the operator to measure
(`python -m voice_grpc.bench local`).
"""

from dataclasses import dataclass

from ..engines.llama_cpp.server import LlmThreads
from ..net.cores import usable_cores
from ..settings import Settings

LLM_THREADS = 2
"""At most. Two threads write 34 tokens a second on two quiet cores and 10 beside a busy process, since they
wait for each other; one writes 16 to 24. In a conversation on two cores Whisper is that busy process: there
one thread answered after 0.89 s in the median, two after 0.99 s, where the same questions with a fixed hold
took 1.18 and 1.06 s beside them (one run each)."""

LLM_READING_THREADS = 2
"""At most. A prompt is computed in one go, beside which Whisper has mostly ended: in a spoken conversation
on two cores the first token came after 323 and 341 ms in the median with two threads, and after 611 and 649
with one; the latest answer after 1.32 and 1.66 s, and after 2.17 and 2.61 (four runs of `python -m
voice_grpc.bench local`, interleaved)."""

STT_WORKERS = 2
"""At least: one stays free for a final while an interim runs. They share the weights."""


@dataclass(frozen=True, slots=True)
class CpuPlan:
    """Threads of one call of each engine, all 1 or more."""

    vad: int
    turn: int
    stt: int
    stt_workers: int
    """Calls at once."""
    llm: int
    """Where it writes."""
    llm_reading: int
    tts: int

    @property
    def llm_threads(self) -> LlmThreads:
        return LlmThreads(self.llm, self.llm_reading)


def cpu_plan(settings: Settings, cores: int | None = None) -> CpuPlan:
    """`cores`: None: those that this process may use. 0 in the settings is the default here."""
    cores = usable_cores() if cores is None else cores
    return CpuPlan(
        vad=settings.vad_threads or 1,
        turn=settings.turn_threads or 1,
        stt=settings.stt_threads or 1,
        stt_workers=settings.stt_workers or max(STT_WORKERS, cores // 2),
        llm=settings.llm_threads or max(1, min(LLM_THREADS, cores // 2)),
        llm_reading=settings.llm_threads or max(1, min(LLM_READING_THREADS, cores)),
        tts=settings.tts_threads or 1,
    )
