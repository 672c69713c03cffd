"""The picture of the curve: delay of finished sentences against the share of pauses that were answered.

Fixed holds are a line, since whoever sets one moves along it; what decides for itself is a point. What is
lower and further to the left is better.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .curve import VariantFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (8.0, 4.8)
DOTS_PER_INCH = 130
MARKS = "osD^vP*X"


class NoMatplotlib(Exception):
    def __init__(self) -> None:
        super().__init__("no picture without matplotlib: pip install 'voice-grpc[bench]'")


def require_matplotlib() -> None:
    """Raises `NoMatplotlib`; to be asked before what takes minutes."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise NoMatplotlib from error


def draw(figures: Sequence[VariantFigures], path: Path) -> None:
    """Writes a PNG. Raises `NoMatplotlib`, and `OSError` when it cannot be written."""
    require_matplotlib()
    from matplotlib.figure import Figure

    picture = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = picture.subplots()
    known = [each for each in figures if each.answered is not None and each.median is not None]
    holds = sorted((each for each in known if each.hold is not None), key=lambda each: each.hold or 0.0)
    _draw_holds(axes, holds)
    for mark, each in zip(MARKS * len(known), (each for each in known if each.hold is None), strict=False):
        _draw_point(axes, each, mark)
    axes.set_xlabel("end of the sentence → first audible sample (ms): median, thin: to P95")
    axes.set_ylabel("pauses that were answered (%)")
    axes.set_xlim(left=0)
    axes.set_ylim(-3, 103)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, format="png", metadata={"Software": None})


def _point(figures: VariantFigures) -> tuple[float, float, float]:
    """Median and P95 in ms, and percent of pauses."""
    median, p95, share = figures.median or 0.0, figures.p95 or 0.0, figures.answered or 0.0
    return 1000 * median, 1000 * p95, 100 * share


def _draw_holds(axes: "Axes", holds: Sequence[VariantFigures]) -> None:
    if not holds:
        return
    medians, p95s, shares = zip(*(_point(each) for each in holds), strict=True)
    axes.plot(medians, shares, color="0.35", marker=".", label="fixed hold, median")
    axes.plot(p95s, shares, color="0.35", linestyle=":", linewidth=1, label="fixed hold, P95")
    for each, x, y in zip(holds, medians, shares, strict=True):
        axes.annotate(f"{each.hold:g} s", (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8)


def _draw_point(axes: "Axes", figures: VariantFigures, mark: str) -> None:
    median, p95, share = _point(figures)
    (drawn,) = axes.plot([median], [share], mark, markersize=8, label=figures.name)
    axes.plot([median, p95], [share, share], color=drawn.get_color(), linewidth=1, alpha=0.7)
