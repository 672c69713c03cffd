"""How many threads each embedded engine computes in: what is set, else what was measured to be best.

Measured on one and on two cores of an EPYC, with the default models. One thread a call, and the other cores
are left to the other stages: with two, on two cores that had other work, the first sound of Piper came after
276 instead of 175 ms, a sentence was final after 460 instead of 371 ms, and Smart Turn took 60 instead of
65 ms for more CPU time; a window of Silero takes 0.2 ms, which is not worth being shared. The language model
gains where a core is left for it: see `LLM_THREADS`. Machines with more cores are for the operator to measure
(`python -m voice_grpc.bench local`).
"""

from dataclasses import dataclass

from ..process.cores import usable_cores
from ..settings import Settings

LLM_THREADS = 2
"""At most. Two threads write 34 tokens a second on two quiet cores and 10 beside a busy process, since they
wait for each other; one writes 16 to 24. In a conversation Whisper has mostly ended by then: ten sentences on
two cores of a Xeon were answered after 1.08 and 1.11 s in the median with two threads, P90 1.53 and 1.66 s,
and after 1.15 and 1.27 s, P90 2.44 and 1.93 s, with one that wrote and two that read the prompt (four runs,
interleaved); of two who talked at once after 1.89 and 2.20 s. With one for the prompt too the first token of
an answer came after 611 and 649 instead of 323 and 341 ms on an EPYC."""

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
    tts: int
    cores: int
    """That there are for all of them."""

    @property
    def is_crowded(self) -> bool:
        """A recogniser and a language model at work want more than there are. Side by side on two cores a
        transcript took 490 instead of 140 ms and a token 75 instead of 20, since the threads of the model
        wait for each other."""
        return self.stt + self.llm > self.cores


def cpu_plan(settings: Settings, cores: int | None = None) -> CpuPlan:
    """`cores`: None: those that this process may use. 0 in the settings is the default here."""
    cores = usable_cores() if cores is None else cores
    return CpuPlan(
        vad=settings.vad_threads or 1,
        turn=settings.turn_threads or 1,
        stt=settings.stt_threads or 1,
        stt_workers=settings.stt_workers or max(STT_WORKERS, cores // 2),
        llm=settings.llm_threads or min(LLM_THREADS, cores),
        tts=settings.tts_threads or 1,
        cores=cores,
    )
