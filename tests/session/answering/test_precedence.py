"""What is only prepared in one session yields to what was promised in another, where the machine is the same.

Anna's question is spoken and ends at 1.28; an answer to it is prepared from 1.38 on and let out at 2.28. Ben
types his, and is answered at once.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.errors import EngineError, Superseded
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedEndOfTurn, ScriptedLlm
from voice_grpc.ports import LlmItem, Prompt
from voice_grpc.session.answering.precedence import Precedence
from voice_grpc.session.lines.lifetime import SessionLimits
from voice_grpc.store import MemoryStore

from ..harness import CONFIG, Client, Recording, SessionRun, changed, scripted, virtual
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at, check_rules

ANSWER = "It is Paris."
LONG = "It is Paris, as far as I know. It lies on the Seine. It is large. It is old."
SPOKEN = microphone(sound(user(1.28), pause(6.0)))
PREPARED = 1.28 + 0.1
"""The soft end; the scripts take no time."""
LET_OUT = 1.28 + 1.0
QUIET = replace(CONFIG, sends_interims=False)
PATIENT = changed(QUIET, hold=None, min_hold=1.0, max_hold=1.0, speculation=Speculation.TTS)


@dataclass
class Asked:
    """When the model was asked, and when it was left."""

    begun: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)


class NotedLlm(ScriptedLlm):
    """Notes the times; embedded unless it says otherwise."""

    is_embedded = True

    def __init__(self, *answers: ScriptedAnswer) -> None:
        super().__init__(answers)
        self.asked = Asked()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        now = asyncio.get_running_loop().time
        self.asked.begun.append(now())
        try:
            async with aclosing(super().stream(prompt)) as items:
                async for item in items:
                    yield item
        finally:
            self.asked.left.append(now())


def typed(when: float, *, text_only: bool = False) -> list[Action]:
    return [(when, i.TextInput("And now?", text_only=text_only))]


@dataclass
class Person:
    """A session: what its user does, and how its model answers."""

    actions: list[Action]
    answer: ScriptedAnswer
    is_embedded: bool = True
    ends_with: tuple[float, Superseded, float] | None = None
    asked: Asked = field(default_factory=Asked)

    def run(self, precedence: Precedence, name: str) -> SessionRun:
        llm = NotedLlm(self.answer)
        llm.is_embedded, llm.asked = self.is_embedded, self.asked
        base: Script = scripted(["What is the capital of France?"])
        talk = replace(base, llm=llm, text_end=ScriptedEndOfTurn(0.9))
        config = replace(PATIENT, session_id=name)
        return SessionRun(talk, talk.engines, config, MemoryStore(), SessionLimits(idle=None), precedence)

    def client(self) -> Client:
        return Client(script(self.actions, [(30.0, None)]))


def together(*people: Person) -> list[Recording]:
    """All of them at once, on one machine."""

    async def talk() -> list[Recording]:
        precedence = Precedence()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(
                    person.run(precedence, f"talk-{n}").hold(person.client(), None, person.ends_with)
                )
                for n, person in enumerate(people)
            ]
        return [task.result() for task in running]

    found = virtual(talk())
    for recording in found:
        if recording.error is None:
            check_rules(recording)
    return found


def wasted(talk: Recording) -> float:
    (_, metrics) = talk.only(o.TurnMetrics)
    return metrics.counts["wasted_replies"]


def test_alone_an_answer_is_prepared_at_once() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    together(anna)
    assert anna.asked.begun == [at(PREPARED)]


@pytest.mark.parametrize("text_only", [False, True])
def test_it_is_prepared_once_what_was_promised_to_another_is_made(text_only: bool) -> None:
    """Ben's answer is let out at 1.0, and its first words come 0.7 s later."""
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    ben = Person(typed(1.0, text_only=text_only), ScriptedAnswer(ANSWER, first_token=0.7))
    talk, other = together(anna, ben)
    assert ben.asked.begun == [at(1.0)]
    assert anna.asked.begun == [at(1.7)]
    assert other.when(o.TurnPhase.SPEAKING, 1) == at(1.7)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(LET_OUT), "nothing was lost by it"
    assert wasted(talk) == 0


def test_what_waits_begins_when_it_is_let_out_itself() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    ben = Person(typed(1.0), ScriptedAnswer(ANSWER, first_token=4.0))
    talk, _ = together(anna, ben)
    assert anna.asked.begun == [at(LET_OUT)]
    assert wasted(talk) == 0, "what never began was not wasted"


def test_what_is_being_written_is_dropped_and_begun_anew() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER, first_token=0.4))
    ben = Person(typed(1.5), ScriptedAnswer(ANSWER, first_token=0.2))
    talk, _ = together(anna, ben)
    assert talk.notices() == []
    assert anna.asked.begun == [at(PREPARED), at(1.7)]
    assert anna.asked.left[0] == at(1.5)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(LET_OUT)
    assert wasted(talk) == 1
    assert talk.words(1) == ANSWER


def test_what_was_dropped_is_begun_when_it_is_let_out() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(LONG))
    ben = Person(typed(2.0), ScriptedAnswer(ANSWER, first_token=3.0))
    talk, _ = together(anna, ben)
    assert anna.asked.begun == [at(PREPARED), at(LET_OUT)]
    assert anna.asked.left[0] == at(2.0), "its first clauses stood, but the model was still at it"
    assert (talk.words(1), wasted(talk)) == (LONG, 1)


def test_what_is_written_is_kept() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    ben = Person(typed(2.0), ScriptedAnswer(ANSWER, first_token=3.0))
    talk, _ = together(anna, ben)
    assert anna.asked.begun == [at(PREPARED)]
    assert wasted(talk) == 0


def test_being_dropped_is_no_try() -> None:
    """Three tries a turn: four answers of others between leave the fourth of one's own."""
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER, first_token=0.5))
    others = [Person(typed(1.4 + 0.2 * n), ScriptedAnswer(ANSWER, first_token=0.1)) for n in range(4)]
    talk, *_ = together(anna, *others)
    assert anna.asked.begun == [at(PREPARED), *[at(1.5 + 0.2 * n) for n in range(4)]]
    assert wasted(talk) == 4
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.5 + 0.6 + 0.5)


def test_what_others_prepare_holds_nobody_back() -> None:
    people = [Person(SPOKEN, ScriptedAnswer(ANSWER, first_token=0.1)) for _ in range(4)]
    together(*people)
    assert [person.asked.begun for person in people] == [[at(PREPARED)]] * 4


def test_what_was_promised_is_never_held_back() -> None:
    people = [Person(typed(1.0 + 0.1 * n), ScriptedAnswer(ANSWER, first_token=1.0)) for n in range(4)]
    together(*people)
    assert [person.asked.begun for person in people] == [[at(1.0 + 0.1 * n)] for n in range(4)]


def test_a_model_elsewhere_is_not_held_back() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(LONG), is_embedded=False)
    ben = Person(typed(1.0), ScriptedAnswer(ANSWER, first_token=4.0), is_embedded=False)
    carl = Person(typed(2.0), ScriptedAnswer(ANSWER, first_token=4.0), is_embedded=False)
    talk, *_ = together(anna, ben, carl)
    assert anna.asked.begun == [at(PREPARED)]
    assert wasted(talk) == 0


def test_whoever_leaves_holds_nobody_back() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    gone = (1.6, Superseded("another stream"), 0.0)
    ben = Person(typed(1.0), ScriptedAnswer(ANSWER, first_token=9.0), ends_with=gone)
    together(anna, ben)
    assert anna.asked.begun == [at(1.6)]


def test_an_answer_that_is_stopped_holds_nobody_back() -> None:
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    ben = Person([*typed(1.0), (1.6, i.Interrupt(0))], ScriptedAnswer(ANSWER, first_token=9.0))
    together(anna, ben)
    assert anna.asked.begun == [at(1.6)]


def test_an_answer_that_fails_holds_nobody_back() -> None:
    """It is apologised for, and the apology was made long ago."""
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    ben = Person(typed(1.0), ScriptedAnswer("", first_token=0.6, error=EngineError("llm", "down")))
    _, other = together(anna, ben)
    assert other.notices() == [("llm", "ENGINE_ERROR")]
    assert anna.asked.begun == [at(1.6)]


def test_a_conversation_that_is_held_holds_nobody_back() -> None:
    """What was promised in it is made, whenever it is heard."""
    anna = Person(SPOKEN, ScriptedAnswer(ANSWER))
    ben = Person([*typed(1.0), (1.1, i.Pause())], ScriptedAnswer(ANSWER, first_token=0.6))
    together(anna, ben)
    assert anna.asked.begun == [at(1.6)]
