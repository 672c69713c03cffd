"""The picture, where matplotlib is, and what is said where it is not."""

import sys
from pathlib import Path

import pytest

from voice_grpc.bench.servers import CpuSeconds
from voice_grpc.bench.turns.curve import PauseFate, PlayedCase, VariantFigures, summed_up
from voice_grpc.bench.turns.plot import NoMatplotlib, draw, require_matplotlib
from voice_grpc.bench.turns.variants import VARIANTS, TurnVariant


def figures(variant: TurnVariant, delay: float, fate: PauseFate) -> VariantFigures:
    def played(is_whole: bool, pauses: tuple[tuple[str, PauseFate], ...]) -> PlayedCase:
        return PlayedCase(
            "case", variant.name, is_whole, delay, False, pauses, {}, CpuSeconds(0.1, 0.0), 3.0, 0.0
        )

    return summed_up(variant, [played(True, ()), played(False, (("1.0 s", fate),))])


ALL = [figures(variant, 0.5, PauseFate.ANSWERED) for variant in VARIANTS]


@pytest.mark.parametrize(
    "found",
    [ALL, ALL[:5], ALL[5:], ALL[:1], [], [summed_up(VARIANTS[0], [])]],
    ids=["all", "holds", "patience", "one", "none", "a row without figures"],
)
def test_a_png_is_written_whatever_was_measured(found: list[VariantFigures], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (the extra `bench`)")
    path = tmp_path / "new" / "curve.png"
    draw(found, path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_another_curve_is_another_picture_and_the_same_one_the_same(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (the extra `bench`)")
    other = [figures(VARIANTS[0], 0.9, PauseFate.WAITED), *ALL[1:]]
    for name, found in (("a", ALL), ("b", ALL), ("c", other)):
        draw(found, tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_without_matplotlib_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for attempt in (require_matplotlib, lambda: draw(ALL, tmp_path / "curve.png")):
        with pytest.raises(NoMatplotlib, match=r"pip install 'voice-grpc\[bench\]'"):
            attempt()
    assert not (tmp_path / "curve.png").exists()
