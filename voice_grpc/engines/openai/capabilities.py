"""What a server takes, as far as its own refusals have told: it is learned once, then kept.

There is no way to ask a compatible server what it takes. Each here asks first for what is best for a
voice, and gives up what it refuses. Seen in these servers' own words:

    chat_template_kwargs   taken by vLLM, SGLang and llama.cpp, ignored by Ollama; OpenAI, Azure and Groq
                           answer 400, Mistral 422
    reasoning_effort       `none` switches thinking off in Ollama and in OpenAI's models since GPT-5.1 (which
                           from GPT-5.6 on take tools only so); GPT-5 wants `minimal`, gpt-oss `low`, GPT-4
                           refuses it altogether, vLLM before 0.16 knows low, medium and high
    max_tokens             OpenAI's reasoning models want `max_completion_tokens`
    temperature            only the default with OpenAI's reasoning models
    stream_options         unknown to servers of 2023
    system                 refused by the templates of Gemma 2 and of the first Mistral
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..prompt_history import HISTORY_CHARACTERS
from .errors import Refusal

_LEAST_HISTORY = 1_500
"""Characters of earlier turns that are sent to a model with however little room."""
ROOM = 1024
"""Tokens beyond the limit of an answer for a model that thinks: its thoughts count against the limit."""

_EFFORTS = ("none", "minimal", "low")


@dataclass(frozen=True, slots=True)
class Capabilities:
    base: int = 0
    """Place in `OpenAiAddress.bases` of the one to ask."""
    limit: str = "max_tokens"
    effort: str = _EFFORTS[0]
    """Value of `reasoning_effort`; empty: it is left out."""
    switches_template: bool = True
    counts_usage: bool = True
    sets_temperature: bool = True
    takes_tools: bool = True
    takes_system: bool = True
    room: int = 0
    history: int = HISTORY_CHARACTERS
    begins_inside: bool = False
    """The model's answers begin with thoughts whose opening tag the template wrote."""


def learned(
    known: Capabilities, refusal: Refusal, body: Mapping[str, Any], *, bases: int
) -> Capabilities | None:
    """Fewer capabilities, to ask again at once. None: the refusal is not about them."""
    if refusal.status in (404, 405) and not refusal.is_of_model and known.base + 1 < bases:
        return replace(known, base=known.base + 1)
    if refusal.status in (401, 402, 403, 408, 429, 503, 504):
        return None
    said = f"{refusal.code} {refusal}"
    for place in (refusal.about, said):
        for lesson in (lesson for pattern, lesson in _LESSONS if pattern.search(place)):
            better = lesson(known, said, body)
            if better is not None and better != known:
                return better
    return None


def plainest(known: Capabilities) -> Capabilities:
    """What every server takes that takes anything; for one that says no more than that it will not."""
    return replace(known, effort="", switches_template=False, counts_usage=False)


def _with_template(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities:
    return replace(known, switches_template=False)


def _with_effort(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities | None:
    """The least of those that it names; `low` when it only says that this value is wrong; else nothing."""
    if not known.effort:
        return None
    more = _EFFORTS[_EFFORTS.index(known.effort) + 1 :]
    named = [effort for effort in more if re.search(rf"['\"`]{effort}['\"`]", said)]
    if not named and _IS_VALUE.search(said) and not _IS_UNKNOWN.search(said):
        named = [effort for effort in more if effort == "low"]
    effort = named[0] if named else ""
    return replace(known, effort=effort, room=ROOM if effort else known.room)


def _with_limit(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities:
    return replace(known, limit="max_completion_tokens")


def _with_room(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities:
    return replace(known, room=ROOM)


def _without_usage(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities:
    return replace(known, counts_usage=False)


def _without_temperature(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities | None:
    return replace(known, sets_temperature=False) if "temperature" in body else None


def _without_tools(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities | None:
    return replace(known, takes_tools=False) if "tools" in body else None


def _without_system(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities:
    return replace(known, takes_system=False)


def _with_less_history(known: Capabilities, said: str, body: Mapping[str, Any]) -> Capabilities:
    return replace(known, history=max(_LEAST_HISTORY, known.history // 2))


_IS_VALUE = re.compile(
    r"unsupported value|invalid .{0,20}value|input should be|must be|one of", re.IGNORECASE
)
_IS_UNKNOWN = re.compile(
    r"unrecognized|unknown|unexpected|extra|not permitted|does not support|parameter", re.IGNORECASE
)

_Lesson = Callable[[Capabilities, str, Mapping[str, Any]], Capabilities | None]


def _when(pattern: str, lesson: _Lesson) -> tuple[re.Pattern[str], _Lesson]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL), lesson


_LESSONS = (
    _when(
        r"context.?(length|size|window)|maximum context|exceed_context|prompt is too long", _with_less_history
    ),
    _when(r"could not finish the message", _with_room),
    _when(r"max_completion_tokens", _with_limit),
    _when(
        r"not support tool|tools? (choice|param)[^.]{0,40}requires?|auto-tool-choice|support tool use"
        r"|(tools?|function calling|tool use) (is|are) not (supported|enabled)",
        _without_tools,
    ),
    _when(r"chat_?template|enable_?thinking", _with_template),
    _when(r"reasoning.?effort|reasoning|\bthink", _with_effort),
    _when(r"stream_?options|include_?usage", _without_usage),
    _when(r"temperature", _without_temperature),
    _when(r"system.{0,12}role|role.{0,30}system", _without_system),
)
