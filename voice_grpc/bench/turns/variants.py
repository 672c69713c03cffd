"""What is compared: fixed holds, and patience with each kind of evidence taken away.

A variant is how the session detects turns, and which engines its server goes without. What lives here:
the table. A variant more is a line more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...pb import voice_pb2 as pb
from ...ports import Engines

HOLDS = (0.2, 0.3, 0.5, 0.7, 1.0)
"""Seconds of silence after which a turn is over whatever was said."""

TEXT, ACOUSTIC = "text", "acoustic"
"""Evidence that an engine gives: by the words (`Engines.text_end`), by the sound (`Engines.acoustic_end`)."""
BOTH = frozenset({TEXT, ACOUSTIC})


@dataclass(frozen=True, slots=True)
class TurnVariant:
    name: str
    detection: pb.TurnDetection
    without: frozenset[str] = frozenset()
    """Evidence that its server has no engine for."""

    @property
    def hold(self) -> float | None:
        """Seconds of one on the curve of fixed holds; None where the server decides how long to wait, or
        begins nothing meanwhile."""
        is_prepared = self.detection.speculation != pb.TurnDetection.SPECULATION_OFF
        is_on_curve = is_prepared and self.detection.HasField("hold")
        return self.detection.hold.ToTimedelta().total_seconds() if is_on_curve else None


def _fixed(hold: float) -> TurnVariant:
    """An engine that is not asked takes nothing, and one that is asked in vain would."""
    detection = pb.TurnDetection()
    detection.hold.FromMilliseconds(round(1000 * hold))
    return TurnVariant(f"hold {hold:.1f} s", detection, BOTH)


def _stopwatch() -> TurnVariant:
    """As most voice backends take turns: nothing is begun before the silence is over."""
    plain = _fixed(0.5)
    plain.detection.speculation = pb.TurnDetection.SPECULATION_OFF
    return replace(plain, name="stopwatch of 0.5 s")


VARIANTS = (
    *(_fixed(hold) for hold in HOLDS),
    TurnVariant("patience", pb.TurnDetection()),
    TurnVariant("patience without text", pb.TurnDetection(), frozenset({TEXT})),
    TurnVariant("patience without sound", pb.TurnDetection(), frozenset({ACOUSTIC})),
    TurnVariant("patience by words alone", pb.TurnDetection(), BOTH),
    _stopwatch(),
)

EVIDENCE_TAKEN = (frozenset[str](), frozenset({TEXT}), frozenset({ACOUSTIC}), BOTH)
"""What the servers go without, one each."""


def engines_without(engines: Engines, taken: frozenset[str]) -> Engines:
    return replace(
        engines,
        text_end=None if TEXT in taken else engines.text_end,
        acoustic_end=None if ACOUSTIC in taken else engines.acoustic_end,
    )


def chosen_variants(names: Iterable[str]) -> tuple[TurnVariant, ...]:
    """For each of `names` the one that is called so, else those whose names begin with it; without names all.
    Raises `ValueError` for a name of nobody."""
    found: set[str] = set()
    for name in names:
        called = {variant.name for variant in VARIANTS if variant.name == name}
        called = called or {variant.name for variant in VARIANTS if variant.name.startswith(name)}
        if not called:
            raise ValueError(f"no variant {name!r}; there are: {', '.join(v.name for v in VARIANTS)}")
        found |= called
    return tuple(variant for variant in VARIANTS if not found or variant.name in found)
