"""Who hears whether a turn is over: when there is one, and a start that neither fails nor waits for it."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from tests.cloud import clear, clouds, settings
from tests.model_files.index import serving
from tests.server.test_startup import CLOUD_ONLY, built
from tests.session.harness import virtual
from voice_grpc.core.audio import silence
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.scripted import ScriptedEndOfTurn
from voice_grpc.model_files.cache import is_here
from voice_grpc.model_files.catalog import MODELS, SHIPPED, cache_directory
from voice_grpc.server import end_of_turn, engine_registry
from voice_grpc.server.end_of_turn import END_OF_TURN_SECONDS, acoustic_end, warmed_meanwhile

needs_model = pytest.mark.skipif(
    not is_here(MODELS["smart-turn"], cache_directory()),
    reason="the model is not here (voice-grpc models pull smart-turn)",
)


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clear(monkeypatch)


# ---------------------------------------------------------------- who

CLOUD = {"VOICE_STT": "server", "VOICE_LLM": "gemini", "VOICE_TTS": "google"}


@pytest.mark.parametrize(
    ("named", "stages", "is_fetched", "expected"),
    [
        ("", {}, False, "smart-turn v3.2"),
        ("", {**CLOUD, "VOICE_STT": "server,local"}, False, "smart-turn v3.2"),
        ("", {**CLOUD, "VOICE_TTS": "local"}, False, "smart-turn v3.2"),
        ("", CLOUD, False, None),
        ("", {**CLOUD, "VOICE_TTS": "espeak"}, False, None),
        ("", CLOUD, True, "smart-turn v3.2"),
        ("smart-turn", CLOUD, False, "smart-turn v3.2"),
        ("smart-turn", {}, True, "smart-turn v3.2"),
        ("<a path>", CLOUD, False, None),
        ("<a path>", {}, False, "smart-turn v3.2"),
        ("off", {}, True, None),
        (" OFF\n", {}, True, None),
        ("/models/mine.onnx", CLOUD, False, "smart-turn mine"),
        ("off.onnx", {}, False, "smart-turn off"),
    ],
)
def test_it_is_there_with_an_embedded_engine_or_where_its_file_is(
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    stages: dict[str, str],
    is_fetched: bool,
    expected: str | None,
) -> None:
    monkeypatch.setattr(engine_registry, "_has", lambda *modules: True)
    monkeypatch.setattr(end_of_turn, "is_here", lambda model, cache: is_fetched)
    end = acoustic_end(settings(monkeypatch, {**stages, "TURN_MODEL": named}))
    assert (end.name if end is not None else None) == expected


def test_the_base_install_fetches_nothing_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine_registry, "_has", lambda *modules: False)
    monkeypatch.setenv("VOICE_GRPC_CACHE", str(tmp_path))
    assert acoustic_end(settings(monkeypatch, {"TURN_MODEL": ""})) is None


def test_without_a_place_for_models_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise EngineError("session", "there is no home directory")

    monkeypatch.setattr(end_of_turn, "cache_directory", nowhere)
    assert acoustic_end(settings(monkeypatch, {**CLOUD, "TURN_MODEL": ""})) is None


async def test_the_home_directory_may_be_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    given = settings(monkeypatch, {"TURN_MODEL": "~/models/turn.onnx"})
    end = await asyncio.to_thread(acoustic_end, given)
    assert end is not None
    with pytest.raises(EngineMissing, match=f"no file {tmp_path}/models/turn.onnx"):
        await end.warm()


# ---------------------------------------------------------------- warm beside the stages


class SlowEndOfTurn(ScriptedEndOfTurn):
    """Takes `seconds` to get warm, and fails then if it is to."""

    def __init__(self, seconds: float, error: Exception | None = None) -> None:
        super().__init__(0.5)
        self._seconds, self._failure = seconds, error
        self.ended = ""

    async def warm(self) -> None:
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        self.ended += " closed"


@pytest.mark.parametrize(
    ("seconds", "stages_seconds", "took"),
    [(1.0, 3.0, 3.0), (3.0, 1.0, 3.0), (END_OF_TURN_SECONDS + 0.5, 1.0, END_OF_TURN_SECONDS + 0.5)],
)
def test_it_gets_warm_beside_the_stages(seconds: float, stages_seconds: float, took: float) -> None:
    async def story() -> float:
        end, said = SlowEndOfTurn(seconds), list[str]()
        assert await warmed_meanwhile(end, asyncio.sleep(stages_seconds), said.append) is end
        assert said == [f"turn  verdicts  scripted  warm in {seconds * 1000:.0f} ms"]
        assert end.ended == ""
        return asyncio.get_running_loop().time()

    assert virtual(story()) == pytest.approx(took)


def test_one_that_comes_too_late_is_left_out() -> None:
    async def story() -> float:
        end, said = SlowEndOfTurn(600.0), list[str]()
        assert await warmed_meanwhile(end, asyncio.sleep(2.0), said.append) is None
        assert said == [
            "turn  verdicts  scripted  NOT THERE: verdicts was not warm within 10 s of all else "
            "(its model may be here at the next start)"
        ]
        assert end.ended == "cancelled closed"
        return asyncio.get_running_loop().time()

    assert virtual(story()) == pytest.approx(2.0 + END_OF_TURN_SECONDS)


def test_one_that_fails_is_said_and_left_out() -> None:
    async def story() -> None:
        end, said = SlowEndOfTurn(1.0, EngineError("turn", "no model", advice="fetch it")), list[str]()
        assert await warmed_meanwhile(end, asyncio.sleep(2.0), said.append) is None
        assert said == ["turn  verdicts  scripted  NOT THERE: no model (fetch it)"]
        assert end.ended == " closed"

    virtual(story())


@pytest.mark.parametrize("error", [EngineError("vad", "no detector"), ValueError("a bug")])
def test_what_the_stages_raise_ends_it_too(error: Exception) -> None:
    async def fail() -> None:
        await asyncio.sleep(1.0)
        raise error

    async def story() -> None:
        end = SlowEndOfTurn(600.0)
        with pytest.raises(type(error)) as raised:
            await warmed_meanwhile(end, fail(), lambda line: None)
        assert raised.value is error
        assert end.ended == "cancelled"

    virtual(story())


def test_without_one_nothing_is_said() -> None:
    async def story() -> None:
        said: list[str] = []
        assert await warmed_meanwhile(None, asyncio.sleep(1.0), said.append) is None
        assert said == []

    virtual(story())


# ---------------------------------------------------------------- a whole start


NO_WORDS = {"LOCAL_LLM_MODEL": "/nowhere/words.gguf"}
"""No model of this machine says whether the words are finished."""


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("/nowhere/turn.onnx", "smart-turn turn  in process  NOT THERE: no file /nowhere/turn.onnx"),
        (str(SHIPPED / "silero_vad_v6.onnx"), "NOT THERE: .*silero_vad_v6.onnx is no Smart Turn v3"),
        (str(SHIPPED / "catalog.toml"), "NOT THERE: cannot load .*catalog.toml"),
    ],
)
async def test_a_file_that_is_none_does_not_end_a_start(
    monkeypatch: pytest.MonkeyPatch, named: str, told: str
) -> None:
    async with clouds() as cloud:
        given = settings(monkeypatch, {**cloud.variables, "TURN_MODEL": named, **NO_WORDS}, **CLOUD_ONLY)
        async with built(given) as (engines, said):
            assert engines.acoustic_end is None
            (line,) = [each for each in said if each.startswith("turn")]
            assert re.search(told, line), line


async def test_a_model_that_cannot_be_fetched_does_not_end_a_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICE_GRPC_CACHE", str(tmp_path))
    with serving() as index:
        for name, value in index.environment().items():
            monkeypatch.setenv(name, value)
        async with clouds() as cloud:
            given = settings(
                monkeypatch, {**cloud.variables, "TURN_MODEL": "smart-turn", **NO_WORDS}, **CLOUD_ONLY
            )
            async with built(given) as (engines, said):
                assert engines.acoustic_end is None
                (line,) = [each for each in said if each.startswith("turn")]
                assert "NOT THERE: smart-turn: pip could not fetch pipecat-ai==1.14.0" in line


@needs_model
async def test_a_start_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        given = settings(
            monkeypatch, {**cloud.variables, "TURN_MODEL": "smart-turn", **NO_WORDS}, **CLOUD_ONLY
        )
        async with built(given) as (engines, said):
            assert [each for each in said if each.startswith("turn  smart-turn v3.2  in process  warm in ")]
            end = engines.acoustic_end
            assert end is not None
            judged = await end.probability(np.concatenate([silence(1.0), silence(0.2)]))
            assert judged is not None
            assert 0.0 <= judged <= 1.0
        with pytest.raises(EngineError, match="closed"):
            await end.probability(silence(1.0))
