"""How little each family of Gemini models can be told to think: what is thought is silence.

Sources: ai.google.dev/gemini-api/docs/generate-content/thinking ("thinking levels", "thinking budgets"),
whats-new-gemini-3.7 ("minimal is not supported and returns an error"), read in November 2026.
"""

import re
from dataclasses import dataclass

from google.genai import types


@dataclass(frozen=True, slots=True)
class Thinking:
    config: types.ThinkingConfig | None
    """None: nothing is said about it, and the model does as it likes."""
    room: int
    """Tokens added to the limit of an answer: thoughts count against it, and can use up all of it."""
    is_signed: bool = False
    """The model refuses calls of this turn that come back without a thought signature."""


def thinking(model: str) -> tuple[Thinking, ...]:
    """What to ask for, the least thinking first; the next one when the model refuses it, the last is nothing.

    `model`: as the operator wrote it, also with `models/` or a resource name before it.
    """
    name = model.rsplit("/", 1)[-1].lower()
    family = re.match(r"gemini-(?:(\d+)(?:\.(\d+))?-)?(.*)", name)
    if family is None:
        return (Thinking(None, 0 if name.startswith("gemma") else _UNKNOWN_ROOM),)
    major, minor, kind = int(family[1] or 0), int(family[2] or 0), family[3]
    if family[1] and major < 2 or (major, minor) == (2, 0):
        return (Thinking(None, 0),)
    if (major, minor) == (2, 5):
        return _with_budget(kind)
    if major < 3 and not kind.endswith("latest"):
        return (Thinking(None, _UNKNOWN_ROOM),)
    return _with_level(major, minor, kind)


_UNKNOWN_ROOM = 2048
_ROOM = {types.ThinkingLevel.MINIMAL: 256, types.ThinkingLevel.LOW: 1024}
"""A level is an allowance, not a limit: `minimal` may still think a little on what looks hard to it."""
_LEAST_PRO_BUDGET = 128
"""Tokens; 2.5 Pro takes no less, and Flash takes 0."""
_LAST_MINIMAL_FLASH = (3, 6)
"""Flash models after it refuse `minimal`; Flash-Lite takes it in all versions, Pro in none."""


def _with_budget(kind: str) -> tuple[Thinking, ...]:
    budget = _LEAST_PRO_BUDGET if kind.startswith("pro") else 0
    config = types.ThinkingConfig(thinking_budget=budget)
    return Thinking(config, budget), Thinking(None, _UNKNOWN_ROOM)


def _with_level(major: int, minor: int, kind: str) -> tuple[Thinking, ...]:
    is_old_flash = kind.startswith("flash") and (3, 0) <= (major, minor) <= _LAST_MINIMAL_FLASH
    takes_minimal = kind.startswith("flash-lite") or is_old_flash
    levels = [types.ThinkingLevel.LOW]
    if takes_minimal:
        levels.insert(0, types.ThinkingLevel.MINIMAL)
    asked = [Thinking(types.ThinkingConfig(thinking_level=level), _ROOM[level], True) for level in levels]
    return *asked, Thinking(None, _UNKNOWN_ROOM, True)
