"""The table of variants: what is fixed holds, what is left to the server, and who has which evidence."""

import pytest

from voice_grpc.bench.turns.variants import (
    ACOUSTIC,
    BOTH,
    EVIDENCE_TAKEN,
    HOLDS,
    TEXT,
    VARIANTS,
    chosen_variants,
    engines_without,
)
from voice_grpc.engines.scripted import Script, ScriptedEndOfTurn
from voice_grpc.pb import voice_pb2 as pb


def test_fixed_holds_come_first_and_patience_has_none() -> None:
    assert [variant.hold for variant in VARIANTS[: len(HOLDS)]] == pytest.approx(HOLDS)
    assert all(variant.hold is None for variant in VARIANTS[len(HOLDS) :])


def test_names_are_distinct_and_every_variant_has_a_server() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    assert {variant.without for variant in VARIANTS} <= set(EVIDENCE_TAKEN)


def test_patience_loses_each_kind_of_evidence_and_both() -> None:
    taken = [variant.without for variant in chosen_variants(["patience", "patience "])]
    assert taken == [frozenset(), frozenset({TEXT}), frozenset({ACOUSTIC}), BOTH]


@pytest.mark.parametrize("taken", EVIDENCE_TAKEN)
def test_what_is_taken_away_is_gone_and_nothing_else(taken: frozenset[str]) -> None:
    script = Script(acoustic_end=ScriptedEndOfTurn(0.5), text_end=ScriptedEndOfTurn(0.5))
    left = engines_without(script.engines, taken)
    assert (left.text_end is None) is (TEXT in taken)
    assert (left.acoustic_end is None) is (ACOUSTIC in taken)
    assert (left.vad, left.stt, left.llm, left.tts) == (script.vad, script.stt, script.llm, script.tts)


def test_variants_are_chosen_by_how_their_names_begin() -> None:
    assert [v.name for v in chosen_variants(["patience"])] == ["patience"]
    assert [v.name for v in chosen_variants(["hold 0.3", "patience without"])] == [
        "hold 0.3 s",
        "patience without text",
        "patience without sound",
    ]
    assert chosen_variants([]) == VARIANTS


def test_a_variant_that_nobody_knows_is_told() -> None:
    with pytest.raises(ValueError, match="no variant 'hold 9'; there are: hold 0.2 s, "):
        chosen_variants(["hold", "hold 9"])


def test_a_stopwatch_begins_nothing_and_is_not_on_the_curve() -> None:
    (stopwatch,) = chosen_variants(["stopwatch"])
    assert stopwatch.detection.speculation == pb.TurnDetection.SPECULATION_OFF
    assert stopwatch.detection.hold.ToMilliseconds() == 500
    assert stopwatch.hold is None
