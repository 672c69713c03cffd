"""Tools over the wire: declarations checked, a call and its result, and what GetSession tells of them."""

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedLlm
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import CallRequest

from ..serving import OK, ConverseCall, scripted, serving


def struct(**values: Any) -> Struct:
    made = Struct()
    made.update(values)
    return made


SCHEMA = struct(type="object", properties={"days": {"type": "integer", "minimum": 1, "maximum": 2.5}})
WEATHER = pb.ToolDeclaration(name="weather", description="Tells the weather.", parameters=SCHEMA)


def calling(*answers: ScriptedAnswer) -> Script:
    ask = ScriptedAnswer("", calls=(CallRequest("weather", {"city": "Rome", "days": 2}),))
    return Script(llm=ScriptedLlm([ask, *(answers or (ScriptedAnswer("It is sunny."),))]))


async def called(talk: ConverseCall) -> pb.ToolCall:
    return (await talk.next("tool_call")).tool_call


async def test_a_call_its_result_and_the_memory_of_both() -> None:
    script = calling()
    async with serving(script) as served, served.talk() as talk:
        started = await talk.config(session_id="s", tools=[WEATHER])
        assert started.effective_config.tools == [WEATHER]
        await talk.text("The weather?")
        call = await called(talk)
        assert (call.name, call.arguments) == ("weather", struct(city="Rome", days=2))
        result = pb.ToolResult(call_id=call.call_id, result=struct(sky="sunny", degrees=21))
        await talk.send(pb.ConverseRequest(tool_result=result))
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        assert talk.words(1) == "It is sunny."
        await talk.half_close()
        assert await talk.ended() == OK
        (declared,) = script.llm.prompts[0].tools
        assert declared.parameters["properties"] == {
            "days": {"type": "integer", "minimum": 1, "maximum": 2.5}
        }
        assert type(declared.parameters["properties"]["days"]["minimum"]) is int
        (use,) = script.llm.prompts[1].messages[-1].uses
        assert use.result == '{"degrees": 21, "sky": "sunny"}'
        saved = (await served.stub.GetSession(pb.GetSessionRequest(session_id="s"))).session
        roles = [message.role for message in saved.messages]
        role = pb.SessionMessage.Role
        assert roles == [role.ROLE_USER, role.ROLE_TOOLS, role.ROLE_ASSISTANT]
        (told,) = saved.messages[1].tool_uses
        assert (told.call_id, told.name, told.arguments, told.result) == (
            call.call_id, "weather", call.arguments, result.result,
        )  # fmt: skip


async def test_an_error_is_a_result_too() -> None:
    script = calling()
    async with serving(script) as served, served.talk() as talk:
        await talk.config(tools=[WEATHER])
        await talk.text("The weather?", text_only=True)
        call = await called(talk)
        await talk.send(
            pb.ConverseRequest(tool_result=pb.ToolResult(call_id=call.call_id, error="no network"))
        )
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        (use,) = script.llm.prompts[1].messages[-1].uses
        assert use.result == '{"error": "no network"}'


async def test_tools_may_be_declared_in_mid_session() -> None:
    async with serving(calling()) as served, served.talk() as talk:
        await talk.config()
        update = pb.ConfigUpdate(config=pb.SessionConfig(tools=[WEATHER]))
        await talk.send(pb.ConverseRequest(config_update=update))
        assert (await talk.next("config_applied")).config_applied.effective_config.tools == [WEATHER]
        await talk.text("The weather?")
        await called(talk)


def many(count: int) -> list[pb.ToolDeclaration]:
    return [pb.ToolDeclaration(name=f"tool{n}") for n in range(count)]


BAD = {
    "a name": ("config.tools[0].name", [pb.ToolDeclaration(name="what now?")], "'what now?'"),
    "no name": ("config.tools[0].name", [pb.ToolDeclaration()], "''"),
    "twice": ("config.tools[1].name", [WEATHER, WEATHER], "'weather'"),
    "too many": ("config.tools", many(33), "33 tools"),
    "a description": (
        "config.tools[0].description",
        [pb.ToolDeclaration(name="x", description="y" * 2_001)],
        "2001 characters",
    ),
    "a schema": (
        "config.tools[0].parameters",
        [pb.ToolDeclaration(name="x", parameters=struct(type="string"))],
        "'string'",
    ),
    "no number": (
        "config.tools[0].parameters",
        [pb.ToolDeclaration(name="x", parameters=struct(type="object", maximum=float("nan")))],
        "no NaN",
    ),
    "a long schema": (
        "config.tools[0].parameters",
        [pb.ToolDeclaration(name="x", parameters=struct(type="object", title="y" * 66_000))],
        "at most 65536",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_wrong_declaration_names_itself(case: str) -> None:
    field, tools, said = BAD[case]
    async with serving() as served, served.talk() as talk:
        await talk.send(pb.ConverseRequest(config=pb.SessionConfig(tools=tools)))
        how = await talk.ended()
        assert list(how.fields) == [field]
        assert said in how.message


async def test_as_many_as_are_accepted() -> None:
    async with serving() as served, served.talk() as talk:
        started = await talk.config(tools=many(32))
        assert len(started.effective_config.tools) == 32


WRONG = {
    "nothing": (pb.ToolResult(call_id="call-1-1"), "tool_result"),
    "too long": (pb.ToolResult(call_id="call-1-1", error="y" * 8_001), "tool_result.error"),
    "too much": (pb.ToolResult(call_id="call-1-1", result=struct(x="y" * 66_000)), "tool_result.result"),
    "no number": (pb.ToolResult(call_id="call-1-1", result=struct(x=float("inf"))), "tool_result.result"),
    "nobody's": (pb.ToolResult(call_id="mine", error="lost"), "tool_result.call_id"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_result_is_skipped_and_the_call_stays_open(case: str) -> None:
    result, field = WRONG[case]
    async with serving(calling()) as served, served.talk() as talk:
        await talk.config(tools=[WEATHER])
        await talk.text("The weather?")
        call = await called(talk)
        await talk.send(pb.ConverseRequest(seq=9, tool_result=result))
        notice = await talk.notice("BAD_MESSAGE")
        assert (notice.field, notice.request_seq) == (field, 9)
        right = pb.ToolResult(call_id=call.call_id, result=struct(sky="sunny"))
        await talk.send(pb.ConverseRequest(tool_result=right))
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED


async def test_a_model_that_calls_nothing_is_said() -> None:
    script = scripted()
    script.llm.calls_tools = False
    async with serving(script) as served, served.talk() as talk:
        await talk.config(tools=[WEATHER])
        notice = await talk.notice("NOT_AVAILABLE")
        assert (notice.stage, notice.field, notice.request_seq) == (pb.STAGE_LLM, "config.tools", 1)
        await talk.text("The weather?", text_only=True)
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        assert script.llm.prompts[0].tools == ()
        info = await served.stub.GetServerInfo(pb.GetServerInfoRequest())
        assert "tools" not in info.features
    async with serving() as served:
        assert "tools" in (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).features
