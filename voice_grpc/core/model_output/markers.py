"""The marks of chat templates: what each of them means, and where one begins in a text that is still coming.

Two kinds are told apart by their shape. Between bars (`<|im_end|>`, `<｜end▁of▁sentence｜>`) any word is a
mark: text never looks like that. All others are spelt out here: `<b>` and `a < b` are text. The templates
are those of the models' `tokenizer_config.json` on Hugging Face.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto


class MarkerKind(Enum):
    NOTHING = auto()
    """It vanishes."""
    END_OF_ANSWER = auto()
    TURN = auto()
    """The word for whose turn it is follows as text."""
    OTHERS_TURN = auto()
    """It is the user's turn, the system's or a tool's: a model that goes on speaks for them."""
    THOUGHT = auto()
    END_OF_THOUGHT = auto()
    CALL = auto()
    HEADER = auto()
    """Harmony: role, channel and recipient follow as text, up to `MESSAGE`."""
    MESSAGE = auto()
    END_OF_MESSAGE = auto()
    """Harmony: another message may follow. Elsewhere it ends the answer (Phi)."""


@dataclass(frozen=True, slots=True)
class Marker:
    kind: MarkerKind
    text: str
    """As the model wrote it."""
    family: str = ""
    """Of a thought: what opens one is closed by a mark of the same family."""


# ---------------------------------------------------------------- thoughts

_TAGGED_THOUGHTS = {
    "think": ("think", "thinking", "thought", "thoughts"),
    "reasoning": ("reasoning", "reason"),
    "reflection": ("reflection",),
    "scratchpad": ("scratchpad",),
    "monologue": ("inner_monologue", "internal_monologue", "inner_thoughts"),
    "analysis": ("analysis",),
    "seed": ("seed:think", "seed:cot_budget_reflect"),
    "longcat": ("longcat_think",),
    "minimax": ("mm:think",),
    "antthinking": ("antthinking", "ant_thinking"),
}
"""Families whose marks are tags: `<name>` and `</name>`, by their names."""

_SPELT_THOUGHTS = {
    "mistral": ("[THINK]", "[/THINK]"),
    "kimi": ("◁think▷", "◁/think▷"),
    "gemma": ("<|channel>", "<channel|>"),
    "medgemma": ("<unused94>", "<unused95>"),
}
"""Families with marks of their own."""

_BARS = "bars"
"""The family of all thoughts between bars: `<|START_THINKING|>`, `<|begin_of_thought|>`, `<|think|>`."""
_WORD = r"(?:think|thinking|thought|thoughts|reasoning|reflection)"
_THOUGHT_NAME = re.compile(rf"(?:begin|start)_?(?:of_?)?{_WORD}|{_WORD}(?:_?(?:begin|start))?")
_END_OF_THOUGHT_NAME = re.compile(rf"end_?(?:of_?)?{_WORD}|/{_WORD}|{_WORD}_?end")

# ---------------------------------------------------------------- everything else between bars

_NAMES: tuple[tuple[re.Pattern[str], MarkerKind], ...] = (
    (_END_OF_THOUGHT_NAME, MarkerKind.END_OF_THOUGHT),
    (_THOUGHT_NAME, MarkerKind.THOUGHT),
    (
        re.compile(
            r"im_end|eo[stmd](?:_id|_token)?|return|call|stop|end_?response|end_?text"
            r"|end_?of_?(?:text|turn|sentence|message|utterance|dialog(?:ue)?|document|prompt|response|answer)"
            r"(?:_token)?"
        ),
        MarkerKind.END_OF_ANSWER,
    ),
    (re.compile(r"end"), MarkerKind.END_OF_MESSAGE),
    (re.compile(r"im_start|start_header_id|start_of_role|start_of_turn"), MarkerKind.TURN),
    (
        re.compile(r"(?:user|human|system|developer|observation|environment|ipython|tool_?response|tool)(?:_token)?"),
        MarkerKind.OTHERS_TURN,
    ),
    (re.compile(r"start|channel"), MarkerKind.HEADER),
    (re.compile(r"message"), MarkerKind.MESSAGE),
    (
        re.compile(
            r"(?:tool|function)_?calls?(?:_?section)?(?:_?(?:begin|start))?|python_tag|start_?action"
            r"|action_?start|plugin"
        ),
        MarkerKind.CALL,
    ),
)  # fmt: skip
"""By the name between the bars, in lower case and with `_` for `▁`; what is none of them means nothing."""

# ---------------------------------------------------------------- what is spelt out

_TAGS = {
    MarkerKind.NOTHING: (
        *("<s>", "<unk>", "<pad>", "<bos>", "<bos_token>", "<mask>", "<cls>", "<sep>", "<<sys>>"),
        *("<</sys>>", "<answer>", "</answer>", "<final_answer>", "</final_answer>", "<response>"),
        *("</response>", "<output>", "</output>", "</tool_call>", "</tool_calls>", "</function_call>"),
        *("</function_calls>", "</function>", "</tools>", "<tool_call|>", "<end_function_call>"),
        *("</invoke>", "</tool_code>"),
    ),
    MarkerKind.END_OF_ANSWER: (
        *("</s>", "<eos>", "<eos_token>", "<eot>", "<eod>", "<eoa>", "<end_of_turn>", "<end_of_text>"),
        *("<end_of_sentence>", "<end_of_utterance>", "<endoftext>", "<turn|>"),
    ),
    MarkerKind.TURN: ("<start_of_turn>", "<|turn>"),
    MarkerKind.OTHERS_TURN: ("<|tool_response>", "<tool_response>", "<start_function_response>"),
    MarkerKind.CALL: (
        *("<tool_call>", "<tool_calls>", "<toolcall>", "<tool-call>", "<tool_use>", "<tool_code>", "<tools>"),
        *("<function_call>", "<function_calls>", "<functioncall>", "<function=", "<function name="),
        *("<invoke name=", "<minimax:tool_call>", "<seed:tool_call>", "<longcat_tool_call>"),
        *("<start_function_call>", "<|tool_call>"),
    ),
}  # fmt: skip
"""In any case of letters."""

_BRACKETS = {
    MarkerKind.NOTHING: (
        *("[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"),
        *("[BOS]", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    ),
    MarkerKind.END_OF_ANSWER: ("[EOS]",),
    MarkerKind.OTHERS_TURN: ("[INST]", "[TOOL_RESULTS]"),
    MarkerKind.CALL: ("[TOOL_CALLS]",),
}
"""In capitals only: `[see below]` is text, and so is `[inst]`."""


def _spelt() -> dict[str, Marker]:
    """Every mark that is spelt out, by its text as `_key` has it."""
    found: dict[str, Marker] = {}
    for table in (_TAGS, _BRACKETS):
        for kind, texts in table.items():
            found |= {text: Marker(kind, text) for text in texts}
    opened = [
        (family, f"<{name}>", f"</{name}>") for family, names in _TAGGED_THOUGHTS.items() for name in names
    ]
    opened += [(family, *marks) for family, marks in _SPELT_THOUGHTS.items()]
    for family, begin, end in opened:
        found[begin] = Marker(MarkerKind.THOUGHT, begin, family)
        found[end] = Marker(MarkerKind.END_OF_THOUGHT, end, family)
    return found


_SPELT = _spelt()

_BETWEEN_BARS = r"<[|｜]((?:[\w▁/.:-]{1,48}?)|\")[|｜]>"
_ANY = re.compile(
    _BETWEEN_BARS
    + "|"
    + "|".join(
        f"(?i:{re.escape(text)})" if text[0] == "<" else re.escape(text)
        for text in sorted(_SPELT, key=len, reverse=True)
    )
)
_BARS_COMING = re.compile(r"<[|｜](?:[\w▁/.:-]{0,48}|\")[|｜]?\Z")
_FIRSTS = re.compile(r"[<\[◁]")
_LONGEST = 64
"""Characters of a mark at most."""


def _key(text: str) -> str:
    return text.lower() if text[0] == "<" else text


def _meaning(found: re.Match[str]) -> Marker:
    text, name = found[0], found[1]
    if name is None:
        spelt = _SPELT[_key(text)]
        return Marker(spelt.kind, text, spelt.family)
    plain = name.lower().replace("▁", "_")
    kind = next((kind for pattern, kind in _NAMES if pattern.fullmatch(plain)), MarkerKind.NOTHING)
    is_thought = kind in (MarkerKind.THOUGHT, MarkerKind.END_OF_THOUGHT)
    return Marker(kind, text, _BARS if is_thought else "")


def next_marker(text: str) -> tuple[int, Marker] | None:
    """Where the first mark in `text` begins, and which it is; None: there is none that is whole."""
    found = _ANY.search(text)
    return None if found is None else (found.start(), _meaning(found))


def coming_marker(text: str) -> int:
    """Where in `text`, which holds no whole mark, one begins that may be going on; its length: nowhere."""
    for first in _FIRSTS.finditer(text, max(0, len(text) - _LONGEST)):
        tail = text[first.start() :]
        if _BARS_COMING.match(tail) or any(mark.startswith(_key(tail)) for mark in _SPELT):
            return first.start()
    return len(text)


def is_cut_off(tail: str) -> bool:
    """Whether `tail`, with which an answer ends, is a mark between bars of which the rest never came."""
    return bool(re.match(r"<[|｜][\w▁/]", tail)) and coming_marker(tail) == 0


def without_markers(text: str) -> str:
    """A value without what can be nothing but a mark: those between bars, and what ends an answer at its
    end. Tags such as `<s>` may belong to it."""
    text = re.sub(_BETWEEN_BARS, "", text)
    ends = "|".join(re.escape(each) for each in (*_TAGS[MarkerKind.END_OF_ANSWER], "</tool_call>"))
    return re.sub(rf"(?:\s*(?:{ends}))+\s*\Z", "", text, flags=re.IGNORECASE)


def split_at_markers(text: str) -> list[str]:
    """What stands between the marks of `text`, where there is anything."""
    parts, start = [], 0
    for found in _ANY.finditer(text):
        parts.append(text[start : found.start()])
        start = found.end()
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]
