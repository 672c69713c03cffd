"""What a local model is shown: a transcript to continue, or chat messages; and how it is sampled.

Two rules hold for both. What is common to all sessions comes first and a conversation only grows at
its end, so that the model finds what it has already computed. When the history outgrows the model,
whole blocks go at once, so that the beginning stays the same for many turns afterwards.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...core.conversation import Heard, Message, Role
from ...core.tools import ToolDeclaration
from ...ports import Prompt
from ..prompt_history import CUT_OFF, first_kept, language_name

_CHARACTERS_PER_TOKEN = 3
"""English takes 4 to 5 with Gemma's vocabulary; what takes fewer than 3 is caught by llama.cpp."""

_LEAST_ROOM = 200
"""Characters of history that are shown whatever else takes the room."""

_INSTRUCTIONS_LIMIT = 1500
"""Characters of a persona that a model of this size is shown: it follows the first lines at best."""

_ANSWER_TOKENS = 96
"""The longest transcript answer: about 30 s of speech. A base model that wanders does not stop by itself."""

_EXAMPLES = (
    """\
User: Hi, my name is Tavish.
Assistant: Nice to meet you, Tavish.
User: Why are flamingos pink?
Assistant: The shrimp that flamingos eat make their feathers pink.
User: What did I just ask you?
Assistant: You asked me why flamingos are pink.
User: What is my name?
Assistant: Your name is Tavish.
""",
    """\
User: What is the capital of Bhutan?
Assistant: The capital of Bhutan is Thimphu.
User: And of Fiji?
Assistant: The capital of Fiji is Suva.
User: What did I just ask?
Assistant: You asked me about the capital of Fiji.
""",
    """\
User: My name is Odalys and I live in Hobart.
Assistant: Nice to meet you, Odalys. Hobart is a beautiful city.
User: Who painted the Night Watch?
Assistant: Rembrandt painted the Night Watch.
User: Where do I live?
Assistant: You live in Hobart.
User: And what is my name?
Assistant: Your name is Odalys.
""",
    """\
User: I have a parrot called Quincy.
Assistant: Quincy is a lovely name for a parrot.
User: How many strings does a harp have?
Assistant: A concert harp has forty-seven strings.
User: What is my parrot called?
Assistant: Your parrot is called Quincy.
""",
    """\
User: Where can I see a glacier?
Assistant: High up in the Alps, or on the coast of Greenland.
User: Are glaciers old?
Assistant: Yes, some of their ice is thousands of years old.
User: What was my first question?
Assistant: You asked me where you can see a glacier.
""",
    """\
User: I bought an old boat today.
Assistant: That sounds like fun. I hope that you will sail it often.
User: Can you help me find a name for it?
Assistant: Of course. How about Silver Heron?
""",
)
"""They teach a base model the form, and to copy names and questions from what was said before. It copies
the lines themselves as well: so names and facts in them are rare, and what comes out like one is drawn again
without them (`EXAMPLE_LINES`)."""

EXAMPLE_LINES = tuple(
    line.removeprefix("Assistant: ")
    for lines in _EXAMPLES
    for line in lines.splitlines()
    if line.startswith("Assistant: ")
)

_HEAD = (
    "The following are spoken conversations between a user and a friendly, helpful voice assistant. "
    "The assistant knows many facts, remembers what the user said, and answers in one or two short "
    "sentences.\n\n"
)

_COMMON = _HEAD + "".join(f"Conversation {i}:\n{lines}\n" for i, lines in enumerate(_EXAMPLES, 1))

_DEFAULT_INSTRUCTIONS = (
    "You are a friendly voice assistant who knows many facts. The user talks to you. Answer every question "
    "of the user correctly in one short, complete sentence. Plain words only: no lists, no code, no markdown."
)

_LOOP = re.compile(r"(.{3,40}?)\1{3}\Z")

_SPEAKERS = {Role.USER: "User", Role.ASSISTANT: "Assistant"}

_OF_CHAT = {"messages", "chat_template_kwargs"}
"""Fields of a request that only one with messages has."""

_STOPS = ["\n", "User:", "Assistant:"]

_STEADY = {"temperature": 0.0, "repeat_penalty": 1.0}
"""Measured on 12 dialogues that ask for a name or a question said before: 10 right with these, 4 to 9
at a temperature of 0.3 to 0.5, 5 to 7 with a repeat penalty of 1.1, which forbids the very names that
should be repeated. Qwen 0.5B answers 31 to 34 of 40 questions at 0 and 28 to 32 at 0.3, with five sets of
instructions. Never DRY: llama.cpp prepares it anew from the whole vocabulary for every answer."""

TOLD = {"stream": True, "return_progress": True, "cache_prompt": True}
"""Of a request: it is told how far its prompt is read, after each batch, and each token."""

_BOLD = {"temperature": 0.8, "min_p": 0.1, "repeat_penalty": 1.1}
"""For the second attempt, when the first gave no words."""


def transcript_request(prompt: Prompt, tokens: int, attempt: int) -> dict[str, Any]:
    """For a base model. `tokens`: the context that prompt and answer share."""
    answer = min(prompt.max_tokens, _ANSWER_TOKENS)
    head, number = (_HEAD, 1) if attempt else (_COMMON, len(_EXAMPLES) + 1)
    start = head + _instructions(prompt) + f"\n\nConversation {number}:\n"
    room = (tokens - answer) * _CHARACTERS_PER_TOKEN - len(start)
    lines = "".join(
        f"{_SPEAKERS[m.role]}: {_said(m)}\n" for m in recent(without_tools(prompt).messages, room)
    )
    return {
        **_sampling(_STEADY, prompt, attempt),
        "prompt": f"{start}{lines}Assistant:",
        "n_predict": answer,
        "stop": _STOPS,
    }


def chat_request(prompt: Prompt, tokens: int, attempt: int) -> dict[str, Any]:
    """For a model with a chat template."""
    request = {
        **_sampling(_STEADY, prompt, attempt),
        "messages": chat_messages(prompt, tokens),
        "n_predict": prompt.max_tokens,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
    }
    if prompt.tools:
        request["tools"] = [_declaration(tool) for tool in prompt.tools]
    return request


def chat_messages(prompt: Prompt, tokens: int) -> list[dict[str, Any]]:
    """The instructions and the conversation; some templates refuse two turns of one speaker in a row."""
    instructions = _instructions(prompt)
    room = (tokens - prompt.max_tokens) * _CHARACTERS_PER_TOKEN - len(instructions) - _declared(prompt)
    messages: list[dict[str, Any]] = [{"role": "system", "content": instructions}]
    for message in recent(prompt.messages, room):
        if message.role is Role.TOOLS:
            messages += _steps(message)
        elif messages[-1]["role"] == message.role.value:
            messages[-1]["content"] += "\n" + _said(message)
        else:
            messages.append({"role": message.role.value, "content": _said(message)})
    return messages


def _steps(message: Message) -> list[dict[str, Any]]:
    """What was called, and what came of it."""
    calls = [
        {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": use.arguments}}
        for use in message.uses
    ]
    results = [{"role": "tool", "tool_call_id": use.id, "content": use.result} for use in message.uses]
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *results] if calls else []


def _declaration(tool: ToolDeclaration) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}} | dict(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _declared(prompt: Prompt) -> int:
    """Characters that the declarations take in the prompt."""
    return len(json.dumps([_declaration(tool) for tool in prompt.tools])) if prompt.tools else 0


@dataclass(frozen=True, slots=True)
class ChatLayout:
    """How a chat template marks the messages, so that a turn can be left open as no template can."""

    before: str
    """With `{role}` in it."""
    after: str
    start: str = ""

    def open(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Up to the last word of the last of `messages`."""
        marked = [self.before.format(role=message["role"]) + message["content"] for message in messages]
        return self.start + self.after.join(marked)


LAYOUTS = {
    "<|im_start|>": ChatLayout("<|im_start|>{role}\n", "<|im_end|>\n"),
    "<start_of_turn>": ChatLayout("<start_of_turn>{role}\n", "<end_of_turn>\n", "<bos>"),
    "<|start_header_id|>": ChatLayout(
        "<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>", "<|begin_of_text|>"
    ),
}
"""By a marker that stands in the template: ChatML, Gemma, Llama 3."""


def layout_of(template: str) -> ChatLayout | None:
    """None: a family that is not known, or no template."""
    return next((layout for marker, layout in LAYOUTS.items() if marker in template), None)


@dataclass(frozen=True, slots=True)
class OpenTurn:
    text: str
    """What the model is shown up to the user's last word."""
    has_examples: bool
    """Of whole sentences, before it."""


def open_text(prompt: Prompt, tokens: int, layout: ChatLayout | None) -> str:
    """As the requests show it, up to the user's last word. `layout`: None: a transcript."""
    if layout is not None:
        return layout.open(chat_request(prompt, tokens, 0)["messages"])
    shown = str(transcript_request(prompt, tokens, 0)["prompt"])
    return shown.removesuffix("Assistant:").rstrip("\n")


def opened_answer(
    prompt: Prompt, request: dict[str, Any], layout: ChatLayout | None
) -> dict[str, Any] | None:
    """The `request` of `prompt` as a text whose end is where the answer begins, so that it can be given what
    was written of it already. None where only the file's own template knows how tools are marked, or messages
    at all."""
    if "messages" not in request:
        return request
    has_tools = prompt.tools or any(message.role is Role.TOOLS for message in prompt.messages)
    if layout is None or has_tools:
        return None
    opened = {key: value for key, value in request.items() if key not in _OF_CHAT}
    return {**opened, "prompt": layout.open([*request["messages"], {"role": "assistant", "content": ""}])}


def recent(messages: Sequence[Message], room: int) -> Sequence[Message]:
    """The newest messages that fit into `room` characters (`prompt_history.first_kept`); the last one
    always, cut if need be."""
    room = max(room, _LEAST_ROOM)
    kept = messages[first_kept([_length(message) for message in messages], room) :]
    if len(kept) == 1 and len(kept[0].text) > room:
        return [replace(kept[0], text=kept[0].text[-room:])]
    return kept


def without_tools(prompt: Prompt) -> Prompt:
    """For a model that has no place for them, nor for what they returned to another one."""
    messages = tuple(message for message in prompt.messages if message.role is not Role.TOOLS)
    return replace(prompt, messages=messages, tools=())


def is_loop(tail: str) -> bool:
    """Whether the last words come for the fourth time in a row, as in "very, very, very, very,"."""
    return _LOOP.search(tail) is not None


def _length(message: Message) -> int:
    used = sum(len(use.arguments) + len(use.result) + len(use.name) for use in message.uses)
    return len(message.text) + used + len("Assistant: \n")


def _said(message: Message) -> str:
    """What was heard of `message`, on one line. The mark of an answer that the user cut off stands at its
    last word, as in print: a base model has no rule that tells it what a mark by itself means."""
    text = " ".join(message.text.split())
    return text if message.heard is Heard.WHOLE else f"{text}{CUT_OFF}"


def _instructions(prompt: Prompt) -> str:
    text = " ".join(prompt.instructions.split())[:_INSTRUCTIONS_LIMIT] or _DEFAULT_INSTRUCTIONS
    language = language_name(prompt.language)
    return f"{text} Answer in {language}." if language else text


def _sampling(steady: dict[str, float], prompt: Prompt, attempt: int) -> dict[str, Any]:
    chosen: dict[str, Any] = dict(_BOLD if attempt else steady)
    if prompt.temperature is not None and not attempt:
        chosen["temperature"] = prompt.temperature
    return {**chosen, **TOLD}
