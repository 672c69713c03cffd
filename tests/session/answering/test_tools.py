"""Tools: called once and after the commit, waited for, talked over, cut, and never forgotten.

Speech ends at 1.28, its transcript is asked for at 1.38 and the turn committed at 1.78.
"""

import json
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.engines.scripted import ScriptedAnswer
from voice_grpc.ports import CallRequest
from voice_grpc.store import MemoryStore

from ..harness import CONFIG, Client, Recording, Tools, changed, converse, scripted
from ..microphone import Action, microphone, pause, sound, user
from ..rules import at, check_rules

WEATHER = ToolDeclaration("weather", "Tells the weather.", {"type": "object"})
CLOCK = ToolDeclaration("clock", "Tells the time.", {})
WITH_TOOLS = replace(CONFIG, tools=(WEATHER, CLOCK))
ROME = CallRequest("weather", {"city": "Rome"}, "vendor-1", "c2ln")
SUNNY = '{"sky": "sunny"}'
QUESTION = sound(user(1.28), pause(8.0))
FINAL = ScriptedAnswer("It is sunny in Rome.")


def ask(
    *answers: ScriptedAnswer,
    tools: Tools | None = None,
    actions: list[Action] | None = None,
    config: object = WITH_TOOLS,
    **more: object,
) -> Recording:
    client = Client((), tools=tools or Tools({"weather": (0.3, SUNNY), "clock": (0.3, '{"now": 12}')}))
    recording = converse(
        actions or microphone(QUESTION),
        scripted(answers=answers),
        config,  # type: ignore[arg-type]
        client=client,
        **more,  # type: ignore[arg-type]
    )
    assert not recording.left_over
    return recording


def calls(talk: Recording) -> list[tuple[float, str, str]]:
    return [(when, m.call_id, m.name) for when, m in talk.all(o.ToolCall)]


def steps(messages: tuple[Message, ...]) -> list[list[tuple[str, object]]]:
    """Of the messages of tools: what was called, and what came of it."""
    tools = [m for m in messages if m.role is Role.TOOLS]
    return [[(use.name, json.loads(use.result)) for use in m.uses] for m in tools]


# ---------------------------------------------------------------- as it should be


def test_a_call_is_made_and_its_result_answered_with() -> None:
    talk = ask(ScriptedAnswer("", calls=(ROME,)), FINAL)
    check_rules(talk)
    assert talk.all(o.ToolCall) == [(at(1.78), o.ToolCall(1, "call-1-1", "weather", '{"city": "Rome"}'))]
    assert talk.words(1) == "It is sunny in Rome."
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(2.08)
    first, second = talk.script.llm.prompts
    assert first.tools == second.tools == (WEATHER, CLOCK)
    (use,) = second.messages[-1].uses
    assert (use.vendor_id, use.signature, use.arguments, use.result) == (
        "vendor-1", "c2ln", '{"city": "Rome"}', SUNNY,
    )  # fmt: skip
    assert [m.role for m in talk.messages] == [Role.USER, Role.TOOLS, Role.ASSISTANT]
    assert not talk.notices()


def test_what_is_said_before_a_call_is_heard_at_once_and_told_to_the_model() -> None:
    talk = ask(ScriptedAnswer("Let me look", calls=(ROME,)), FINAL, tools=Tools({"weather": (1.4, SUNNY)}))
    check_rules(talk)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.78)
    assert talk.words(1) == "Let me look It is sunny in Rome."
    said, used = talk.script.llm.prompts[1].messages[-2:]
    assert (said.role, said.text, used.role) == (Role.ASSISTANT, "Let me look", Role.TOOLS)


def test_two_calls_at_once_run_side_by_side_and_go_back_in_their_order() -> None:
    both = (ROME, CallRequest("clock", {}))
    talk = ask(
        ScriptedAnswer("", calls=both), FINAL, tools=Tools({"weather": (0.8, SUNNY), "clock": (0.2, "{}")})
    )
    assert [call[1:] for call in calls(talk)] == [("call-1-1", "weather"), ("call-1-2", "clock")]
    assert steps(talk.messages) == [[("weather", {"sky": "sunny"}), ("clock", {})]]
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(2.58)


def test_after_three_steps_the_model_has_to_answer() -> None:
    again = ScriptedAnswer("", calls=(ROME,))
    talk = ask(again, again, again, FINAL)
    check_rules(talk)
    assert [id for _, id, _ in calls(talk)] == ["call-1-1", "call-1-2", "call-1-3"]
    assert [bool(prompt.tools) for prompt in talk.script.llm.prompts] == [True, True, True, False]
    assert len(talk.script.llm.prompts[-1].messages) == 4
    assert talk.words(1) == "It is sunny in Rome."


def test_a_model_that_goes_on_calling_ends_in_an_apology() -> None:
    talk = ask(ScriptedAnswer("", calls=(ROME,)))
    assert len(calls(talk)) == 3
    assert talk.notices() == [("llm", "ENGINE_ERROR")]
    assert talk.phases(o.TurnPhase.FAILED)


def test_the_tokens_of_all_steps_are_counted() -> None:
    talk = ask(ScriptedAnswer("One two", calls=(ROME,)), FINAL)
    (metrics,) = [m for _, m in talk.all(o.TurnMetrics)]
    assert (metrics.counts["input_tokens"], metrics.counts["output_tokens"]) == (1 + 3, 2 + 5)


def test_without_declarations_the_model_is_told_of_none() -> None:
    talk = ask(FINAL, config=CONFIG)
    assert talk.script.llm.prompts[0].tools == ()


# ---------------------------------------------------------------- slow ones


@pytest.mark.parametrize(("took", "words"), [(1.4, "Sunny."), (1.6, "One moment, please. Sunny.")])
def test_a_tool_over_a_second_and_a_half_is_bridged(took: float, words: str) -> None:
    talk = ask(
        ScriptedAnswer("", calls=(ROME,)), ScriptedAnswer("Sunny."), tools=Tools({"weather": (took, SUNNY)})
    )
    check_rules(talk)
    assert talk.words(1) == words
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.78 + min(took, 1.5))


def test_only_once_a_turn_and_in_the_users_language() -> None:
    config = replace(WITH_TOOLS, languages=("es-ES",))
    slow = Tools({"weather": (3.0, SUNNY)})
    talk = ask(
        ScriptedAnswer("", calls=(ROME,)),
        ScriptedAnswer("", calls=(ROME,)),
        ScriptedAnswer("Sol."),
        tools=slow,
        config=config,
    )
    assert talk.words(1) == "Un momento, por favor. Sol."


@pytest.mark.parametrize("text_only", [False, True])
def test_a_tool_that_takes_long_is_waited_for(text_only: bool) -> None:
    actions: list[Action] = [(1.0, i.TextInput("The weather?", text_only=text_only))]
    talk = ask(
        ScriptedAnswer("", calls=(ROME,)), FINAL, tools=Tools({"weather": (15.0, SUNNY)}), actions=actions
    )
    assert talk.words(1).endswith("It is sunny in Rome.")
    assert talk.words(1).startswith("One moment") is not text_only
    assert not talk.notices()
    assert talk.phases(o.TurnPhase.COMPLETED)


def test_a_tool_that_never_returns_is_given_up_and_the_model_told() -> None:
    talk = ask(ScriptedAnswer("", calls=(ROME,)), FINAL, tools=Tools({}))
    (when, cancelled), *_ = talk.all(o.ToolCallCancelled)
    assert (when, cancelled.call_ids) == (at(21.78), ("call-1-1",))
    (((_, result),),) = steps(talk.script.llm.prompts[1].messages)
    assert "no result within 20 s" in str(result)
    assert talk.phases(o.TurnPhase.COMPLETED)


def test_a_pause_is_not_the_tools_time() -> None:
    """Held for 60 s while a tool is at work: nothing is given up, and nothing is said."""
    actions: list[Action] = [(1.0, i.TextInput("The weather?")), (1.2, i.Pause()), (61.2, i.Resume())]
    talk = ask(
        ScriptedAnswer("", calls=(ROME,)),
        FINAL,
        tools=Tools({"weather": (59.0, SUNNY)}),
        actions=actions,
        ends_at=90.0,
    )
    assert talk.words(1) == "It is sunny in Rome."
    assert not talk.all(o.ToolCallCancelled)


# ---------------------------------------------------------------- before the commit


def test_nothing_is_called_before_the_turn_is_over() -> None:
    """A prepared answer waits for the end of the turn with its call, also while its user draws a breath."""
    speech = sound(user(1.28), pause(0.3), user(1.0), pause(8.0))
    turns = changed(speculation=Speculation.LLM).turns
    config = replace(WITH_TOOLS, turns=turns, sends_interims=False)
    talk = ask(
        ScriptedAnswer("", calls=(ROME,)),
        FINAL,
        actions=microphone(speech),
        config=config,
    )
    assert len(talk.script.llm.prompts) == 2
    assert len(calls(talk)) == 1
    assert calls(talk)[0][0] > talk.when(o.TurnPhase.THINKING, 1) - 1e-6
    assert len(steps(talk.messages)) == 1


# ---------------------------------------------------------------- interrupted


def test_what_came_before_the_interruption_is_kept() -> None:
    answer = ScriptedAnswer("It is sunny in Rome. " * 10)
    speech = sound(user(1.28), pause(2.0), user(1.0), pause(8.0))
    talk = ask(ScriptedAnswer("", calls=(ROME,)), answer, ScriptedAnswer("Fine."), actions=microphone(speech))
    assert talk.phases(o.TurnPhase.INTERRUPTED)
    assert len(calls(talk)) == 1
    assert steps(talk.script.llm.prompts[2].messages) == [[("weather", {"sky": "sunny"})]]
    roles = [m.role for m in talk.messages]
    assert roles == [Role.USER, Role.TOOLS, Role.ASSISTANT, Role.USER, Role.ASSISTANT]


def test_a_call_that_is_cut_is_cancelled_and_its_late_result_remembered() -> None:
    """The filler is spoken from 3.28 on; the user says something over it, the result comes at 6.78."""
    speech = sound(user(1.28), pause(2.4), user(1.0), pause(8.0))
    talk = ask(
        ScriptedAnswer("", calls=(ROME,)),
        ScriptedAnswer("What else?"),
        tools=Tools({"weather": (5.0, SUNNY)}),
        actions=microphone(speech),
    )
    ((_, cancelled),) = talk.all(o.ToolCallCancelled)
    assert cancelled == o.ToolCallCancelled(1, ("call-1-1",))
    (((_, told),),) = steps(talk.script.llm.prompts[1].messages)
    assert "interrupted" in str(told)
    assert steps(talk.messages) == [[("weather", {"sky": "sunny"})]]
    assert not talk.notices()


def test_words_that_are_given_back_take_their_tools_with_them() -> None:
    """Nobody has heard anything yet as the user goes on: one message, and the call is not made again."""
    speech = sound(user(1.28), pause(1.2), user(1.0), pause(8.0))
    talk = ask(
        ScriptedAnswer("", calls=(ROME,), a_token=0.0),
        ScriptedAnswer("", first_token=1.0),
        ScriptedAnswer("Both are sunny."),
        actions=microphone(speech),
    )
    assert [m.role for m in talk.messages] == [Role.USER, Role.TOOLS, Role.ASSISTANT]
    assert [m.turn for m in talk.messages] == [2, 2, 2]
    assert len(calls(talk)) == 1
    last = talk.script.llm.prompts[-1].messages
    assert [m.role for m in last] == [Role.USER, Role.TOOLS]
    assert steps(last) == [[("weather", {"sky": "sunny"})]]


def test_a_stop_button_cancels_the_call() -> None:
    actions: list[Action] = [(1.0, i.TextInput("The weather?")), (2.0, i.Interrupt(0))]
    talk = ask(ScriptedAnswer("", calls=(ROME,)), FINAL, tools=Tools({}), actions=actions)
    ((when, _),) = talk.all(o.ToolCallCancelled)
    assert when == at(2.0)
    assert len(talk.script.llm.prompts) == 1


def test_a_session_that_ends_in_mid_call_remembers_it() -> None:
    store = MemoryStore()
    actions: list[Action] = [(1.0, i.TextInput("The weather?"))]
    ask(
        ScriptedAnswer("", calls=(ROME,)), FINAL, tools=Tools({}), actions=actions, store=store, cancel_at=2.0
    )
    talk = ask(FINAL, actions=[(1.0, i.TextInput("And?"))], store=store)
    (((name, told),),) = steps(talk.script.llm.prompts[0].messages)
    assert name == "weather"
    assert "interrupted" in str(told)


def test_ids_rise_over_streams() -> None:
    store = MemoryStore()
    for turn in (1, 2):
        talk = ask(
            ScriptedAnswer("", calls=(ROME,)),
            FINAL,
            actions=[(1.0, i.TextInput("The weather?"))],
            store=store,
        )
        assert [id for _, id, _ in calls(talk)] == [f"call-{turn}-1"]


# ---------------------------------------------------------------- wrong ones


def test_a_result_that_nobody_waits_for_is_said() -> None:
    actions: list[Action] = [(1.0, i.TextInput("The weather?")), (5.0, i.ToolResult("call-1-1", "{}", 8))]
    actions.append((0.5, i.ToolResult("call-9-9", "{}", 7)))
    talk = ask(ScriptedAnswer("", calls=(ROME,)), FINAL, actions=actions)
    notices = [m for _, m in talk.all(o.Notice)]
    assert [(m.reason, m.field, m.seq) for m in notices] == [
        ("BAD_MESSAGE", "tool_result.call_id", 7),
        ("BAD_MESSAGE", "tool_result.call_id", 8),
    ]
    assert "'call-9-9'" in notices[0].message
    assert steps(talk.messages) == [[("weather", {"sky": "sunny"})]]


def test_a_tool_that_does_not_exist_is_not_called_and_both_sides_are_told() -> None:
    talk = ask(ScriptedAnswer("", calls=(CallRequest("coffee", {}), ROME)), FINAL)
    assert [name for _, _, name in calls(talk)] == ["weather"]
    (((_, told), _),) = steps(talk.messages)
    assert told == {"error": "there is no tool of this name; there are: weather, clock"}
    (notice,) = [m for _, m in talk.all(o.Notice)]
    assert (notice.stage, notice.reason, notice.retryable) == ("llm", "ENGINE_ERROR", True)
    assert notice.message == "the model called 'coffee', which is no tool; declared: weather, clock"


def test_a_tool_that_fails_is_told_to_the_model() -> None:
    broken = Tools({"weather": (0.3, '{"error": "no network"}')})
    talk = ask(ScriptedAnswer("", calls=(ROME,)), ScriptedAnswer("I cannot tell."), tools=broken)
    assert steps(talk.script.llm.prompts[1].messages) == [[("weather", {"error": "no network"})]]
    assert talk.words(1) == "I cannot tell."
