"""What the embedded language model knows, how soon it says it, and how long it talks.

    python -m voice_grpc.bench.answers [--model NAME ...] [--show]

Twenty questions with answers that can be checked, each in a conversation of its own, with the instructions of
the default persona; then the same twenty as one conversation, where every prompt carries the turns before it.
"""

import argparse
import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ..core.conversation import Message, Role
from ..core.text.duration import spoken_seconds
from ..core.text.normalization import speakable
from ..engines.llama_cpp.llm import DEFAULT_MODEL, LocalLlm
from ..model_files.catalog import MODELS
from ..ports import Prompt, TextDelta, Usage
from ..settings.personas import load_personas

_INSTRUCTIONS = load_personas()["default"].instructions


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    accepted: str
    """A regular expression that a right answer contains, whatever the case."""


QUESTIONS = (
    Question("What is the capital of Spain?", r"\bmadrid\b"),
    Question("How many months are in a year?", r"\btwelve\b|\b12\b"),
    Question("What is nine plus six?", r"\bfifteen\b|\b15\b"),
    Question("Which animal gives us wool?", r"\bsheep\b|\blambs?\b"),
    Question("What color do you get when you mix red and white?", r"\bpink\b"),
    Question("Who painted the Mona Lisa?", r"\b(leonardo|da vinci)\b"),
    Question("What is the opposite of big?", r"\b(small|little|tiny)\b"),
    Question("How many wheels does a bicycle have?", r"\btwo\b|\b2\b"),
    Question("Which planet do we live on?", r"\bearth\b"),
    Question("What is ten minus four?", r"\bsix\b|\b6\b"),
    Question("Which month comes after April?", r"^(?!.*april comes after).*\bmay\b"),
    Question("How do you say thank you in Spanish?", r"\bgracias\b"),
    Question("What is the largest ocean on Earth?", r"\bpacific\b"),
    Question("Name a fruit that is yellow.", r"\b(bananas?|lemons?|pineapples?|mango(es)?)\b"),
    Question("What is frozen water called?", r"\bice\b"),
    Question("In which country is the Eiffel Tower?", r"\bfrance\b"),
    Question("How many legs does a dog have?", r"\bfour\b|\b4\b"),
    Question("What is three times five?", r"\bfifteen\b|\b15\b"),
    Question("Who wrote Hamlet?", r"\bshakespeare\b"),
    Question("What is your name?", r"\brobin\b"),
)


@dataclass(slots=True)
class AnswerFigures:
    """Of one model."""

    model: str
    right: int = 0
    right_in_conversation: int = 0
    first_token: list[float] = field(default_factory=list)
    """Seconds, of the turns of the conversation: the prefix is hot, the history grows."""
    decoding: list[float] = field(default_factory=list)
    """Tokens a second after the first one, of answers of five tokens or more."""
    speech: list[float] = field(default_factory=list)
    """Seconds that each answer takes to say."""


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    first_token: float
    seconds: float
    tokens: int


def is_right(question: Question, answer: str) -> bool:
    return re.search(question.accepted, answer, re.IGNORECASE) is not None


async def measure(model: str | Path, *, show: bool = False) -> AnswerFigures:
    """Raises `EngineError`. `model`: a name of the catalog, or the path of a GGUF."""
    llm = LocalLlm(model)
    figures = AnswerFigures(llm.name)
    await llm.warm()
    try:
        await _ask(llm, (Message(Role.USER, "Hello.", 1),))
        for question in QUESTIONS:
            answer = await _ask(llm, (Message(Role.USER, question.text, 1),))
            figures.right += is_right(question, answer.text)
            figures.speech.append(spoken_seconds(speakable(answer.text)))
            if show:
                verdict = "right" if is_right(question, answer.text) else "WRONG"
                print(f"  {verdict}  {question.text} ▸ {answer.text}", flush=True)
        await _converse(llm, figures)
    finally:
        await llm.close()
    return figures


async def _converse(llm: LocalLlm, figures: AnswerFigures) -> None:
    history: tuple[Message, ...] = ()
    for turn, question in enumerate(QUESTIONS, 1):
        history = (*history, Message(Role.USER, question.text, turn))
        answer = await _ask(llm, history)
        history = (*history, Message(Role.ASSISTANT, answer.text, turn))
        figures.right_in_conversation += is_right(question, answer.text)
        figures.first_token.append(answer.first_token)
        if answer.tokens >= 5:
            figures.decoding.append((answer.tokens - 1) / (answer.seconds - answer.first_token))


async def _ask(llm: LocalLlm, messages: tuple[Message, ...]) -> _Answer:
    clock = asyncio.get_running_loop().time
    begun, first, text, tokens = clock(), 0.0, "", 0
    prompt = Prompt(_INSTRUCTIONS, messages, "en")
    async with aclosing(llm.stream(prompt)) as items:
        async for item in items:
            match item:
                case TextDelta():
                    first = first or clock() - begun
                    text += item.text
                case Usage():
                    tokens = item.output_tokens
    return _Answer(text.strip(), first, clock() - begun, tokens)


HEADER = (
    "| model | right of 20, each alone | in one conversation | first token, median ms | tokens/s "
    "| seconds of speech, median / longest |\n|---|---|---|---|---|---|"
)


def report(figures: AnswerFigures) -> str:
    columns = (
        figures.model,
        f"{figures.right}",
        f"{figures.right_in_conversation}",
        f"{1000 * median(figures.first_token):.0f}",
        f"{median(figures.decoding):.0f}" if figures.decoding else "",
        f"{median(figures.speech):.1f} / {max(figures.speech):.1f}",
    )
    return "| " + " | ".join(columns) + " |"


def main(argv: Sequence[str] | None = None) -> list[AnswerFigures]:
    """The figures of each model, in the order in which they were asked for."""
    parser = argparse.ArgumentParser(prog="python -m voice_grpc.bench.answers", description=__doc__)
    parser.add_argument(
        "--model", nargs="+", default=[DEFAULT_MODEL], help="names of the catalog, or paths of GGUF files"
    )
    parser.add_argument("--show", action="store_true", help="also print the answers")
    given = parser.parse_args(argv)
    models = [model if model in MODELS else Path(model).expanduser() for model in given.model]
    found = [asyncio.run(measure(model, show=given.show)) for model in models]
    print("\n".join((HEADER, *map(report, found))), flush=True)
    return found


if __name__ == "__main__":
    main()
