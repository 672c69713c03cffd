"""What a local model is shown: a transcript to continue, or chat messages; and how it is sampled.

Two rules hold for both. What is common to all sessions comes first and a conversation only grows at
its end, so that the model finds what it has already computed. When the history outgrows the model,
whole blocks go at once, so that the beginning stays the same for many turns afterwards.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...core.conversation import Heard, Message, Role
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
User: Hi, my name is Tom.
Assistant: Nice to meet you, Tom.
User: Why is the sea salty?
Assistant: Rivers wash salt out of the rocks and carry it into the sea.
User: What did I just ask you?
Assistant: You asked me why the sea is salty.
User: What is my name?
Assistant: Your name is Tom.
""",
    """\
User: What is the capital of Italy?
Assistant: The capital of Italy is Rome.
User: And of Japan?
Assistant: The capital of Japan is Tokyo.
User: What did I just ask?
Assistant: You asked me about the capital of Japan.
""",
    """\
User: My name is Julia and I live in Oslo.
Assistant: Nice to meet you, Julia. Oslo is a beautiful city.
User: Who painted the Mona Lisa?
Assistant: Leonardo da Vinci painted the Mona Lisa.
User: Where do I live?
Assistant: You live in Oslo.
User: And what is my name?
Assistant: Your name is Julia.
""",
    """\
User: Good evening.
Assistant: Good evening! How can I help you?
User: I have a cat called Luna.
Assistant: Luna is a lovely name for a cat.
User: How many hours are in a day?
Assistant: There are twenty-four hours in a day.
User: What is my cat called?
Assistant: Your cat is called Luna.
""",
    """\
User: Where can I see the stars?
Assistant: Far away from the city, on a clear night.
User: Are they far away?
Assistant: Yes, the nearest one is about four light years away.
User: What was my first question?
Assistant: You asked me where you can see the stars.
""",
    """\
User: Hello.
Assistant: Hello! How can I help you today?
User: I'm tired today.
Assistant: I'm sorry to hear that. Try to get some rest.
User: Can you help me cook something?
Assistant: Of course. How about pasta with tomatoes and garlic?
""",
)
"""They teach a base model the form, and to copy names and questions from what was said before."""

_HEAD = (
    "The following are spoken conversations between a user and a friendly, helpful voice assistant. "
    "The assistant knows many facts, remembers what the user said, and answers in one or two short "
    "sentences.\n\n"
)

_COMMON = _HEAD + "".join(f"Conversation {i}:\n{lines}\n" for i, lines in enumerate(_EXAMPLES, 1))

_DEFAULT_INSTRUCTIONS = "You are a friendly voice assistant. Answer in one or two short spoken sentences."

_LOOP = re.compile(r"(.{3,40}?)\1{3}\Z")

_SPEAKERS = {Role.USER: "User", Role.ASSISTANT: "Assistant"}

_STOPS = ["\n", "User:", "Assistant:"]

_STEADY = {"temperature": 0.0, "repeat_penalty": 1.0}
"""Measured on 12 dialogues that ask for a name or a question said before: 10 right with these, 4 to 9
at a temperature of 0.3 to 0.5, 5 to 7 with a repeat penalty of 1.1, which forbids the very names that
should be repeated. Never DRY: llama.cpp prepares it anew from the whole vocabulary for every answer."""

_BOLD = {"temperature": 0.8, "min_p": 0.1, "repeat_penalty": 1.1}
"""For the second attempt, when the first gave no words."""


def transcript_request(prompt: Prompt, tokens: int, attempt: int) -> dict[str, Any]:
    """For a base model. `tokens`: the context that prompt and answer share."""
    answer = min(prompt.max_tokens, _ANSWER_TOKENS)
    start = _COMMON + _instructions(prompt) + f"\n\nConversation {len(_EXAMPLES) + 1}:\n"
    room = (tokens - answer) * _CHARACTERS_PER_TOKEN - len(start)
    lines = "".join(f"{_SPEAKERS[m.role]}: {_said(m)}\n" for m in recent(_spoken(prompt), room))
    return {
        **_sampling(_STEADY, prompt, attempt),
        "prompt": f"{start}{lines}Assistant:",
        "n_predict": answer,
        "stop": _STOPS,
    }


def chat_request(prompt: Prompt, tokens: int, attempt: int) -> dict[str, Any]:
    """For a model with a chat template; some templates refuse two turns of one speaker in a row."""
    instructions = _instructions(prompt)
    room = (tokens - prompt.max_tokens) * _CHARACTERS_PER_TOKEN - len(instructions)
    messages = [{"role": "system", "content": instructions}]
    for message in recent(_spoken(prompt), room):
        if messages[-1]["role"] == message.role.value:
            messages[-1]["content"] += "\n" + _said(message)
        else:
            messages.append({"role": message.role.value, "content": _said(message)})
    return {
        **_sampling({"temperature": 0.5}, prompt, attempt),
        "messages": messages,
        "max_tokens": prompt.max_tokens,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
    }


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
    b"<|im_start|>": ChatLayout("<|im_start|>{role}\n", "<|im_end|>\n"),
    b"<start_of_turn>": ChatLayout("<start_of_turn>{role}\n", "<end_of_turn>\n", "<bos>"),
    b"<|start_header_id|>": ChatLayout(
        "<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>", "<|begin_of_text|>"
    ),
}
"""By a marker that stands in the template: ChatML, Gemma, Llama 3."""


def open_chat(prompt: Prompt, tokens: int, layout: ChatLayout) -> str:
    """As `chat_request` shows it, up to the user's last word."""
    return layout.open(chat_request(prompt, tokens, 0)["messages"])


def recent(messages: Sequence[Message], room: int) -> Sequence[Message]:
    """The newest messages that fit into `room` characters (`prompt_history.first_kept`); the last one
    always, cut if need be."""
    room = max(room, _LEAST_ROOM)
    kept = messages[first_kept([_length(message) for message in messages], room) :]
    if len(kept) == 1 and len(kept[0].text) > room:
        return [replace(kept[0], text=kept[0].text[-room:])]
    return kept


def _spoken(prompt: Prompt) -> Sequence[Message]:
    """A model of this size has no use for what tools returned to a greater one."""
    return [message for message in prompt.messages if message.role is not Role.TOOLS]


def is_loop(tail: str) -> bool:
    """Whether the last words come for the fourth time in a row, as in "very, very, very, very,"."""
    return _LOOP.search(tail) is not None


def _length(message: Message) -> int:
    return len(message.text) + len("Assistant: \n")


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
    return {**chosen, "stream": True, "cache_prompt": True, "return_progress": True}
