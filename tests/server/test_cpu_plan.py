"""Threads by plan: what is set counts, and the rest is chosen by the cores."""

import pytest

from voice_grpc.server.cpu_plan import CpuPlan, cpu_plan
from voice_grpc.server.engine_registry import LLM, STT, TTS
from voice_grpc.settings import Settings


def settings(**given: int) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize(
    ("cores", "llm", "workers"),
    [(1, 1, 2), (2, 2, 2), (4, 2, 2), (8, 2, 4), (64, 2, 32)],
)
def test_the_default_is_chosen_by_the_cores(cores: int, llm: int, workers: int) -> None:
    found = cpu_plan(settings(), cores)
    assert found == CpuPlan(1, 1, 1, workers, llm, 1, cores)


@pytest.mark.parametrize(("cores", "is_crowded"), [(1, True), (2, True), (3, False), (64, False)])
def test_a_recogniser_and_a_model_that_want_more_cores_than_there_are(cores: int, is_crowded: bool) -> None:
    assert cpu_plan(settings(), cores).is_crowded is is_crowded
    assert cpu_plan(settings(stt_threads=64), cores).is_crowded


def test_what_is_set_counts() -> None:
    given = {"vad_threads": 2, "turn_threads": 3, "stt_threads": 4, "stt_workers": 1}
    found = cpu_plan(settings(**given, llm_threads=6, tts_threads=7), 2)
    assert found == CpuPlan(2, 3, 4, 1, 6, 7, 2)


def test_the_engines_are_made_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("faster_whisper", "xllamacpp", "piper"):
        pytest.importorskip(module)
    made: dict[str, dict[str, object]] = {}

    def noted(name: str) -> type:
        class Noted:
            def __init__(self, *args: object, **given: object) -> None:
                made[name] = given

        return Noted

    monkeypatch.setattr("voice_grpc.engines.whisper.stt.WhisperStt", noted("stt"))
    monkeypatch.setattr("voice_grpc.engines.llama_cpp.llm.LocalLlm", noted("llm"))
    monkeypatch.setattr("voice_grpc.engines.piper.tts.PiperTts", noted("tts"))
    given = settings(stt_threads=2, stt_workers=3, llm_threads=4, tts_threads=5)
    for known in (STT, LLM, TTS):
        known["local"].make(given)
    assert made == {
        "stt": {"threads": 2, "workers": 3},
        "llm": {"threads": 4},
        "tts": {"threads": 5},
    }
