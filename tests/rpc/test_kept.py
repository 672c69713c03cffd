"""What is kept for a caller is bounded, over a real server: words, tools, changes of settings, statuses."""

from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct

from voice_grpc.core import errors as e
from voice_grpc.core.conversation import MAX_CHARACTERS, MAX_MESSAGES, Conversation, Message, Role
from voice_grpc.core.errors import SHOWN, shown
from voice_grpc.core.tools import MAX_RESULTS
from voice_grpc.core.turn.state import MAX_MESSAGE
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt, tone
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import CallRequest, SavedSession
from voice_grpc.rpc.status import MAX_STATUS, status_of
from voice_grpc.store import MemoryStore
from voice_grpc.wire.tools import MAX_DEPTH, MAX_JSON

from ..serving import RATE_HZ, ConverseCall, ended, scripted, serving
from .test_transcribe_synthesize import audio, config, transcribed

Code = grpc.StatusCode
TEXT = "word " * 1_599 + "last"
SOFT_LIMIT = 8_192
"""Bytes of the metadata that gRPC's clients read for sure; each entry counts 32 beside its own (RFC 9113,
6.5.2)."""


def metadata_size(metadata: Any) -> int:
    return sum(len(key) + len(value) + 32 for key, value in metadata or ())


# ---------------------------------------------------------------- words


async def test_texts_in_a_turn_that_is_not_over() -> None:
    script = scripted()
    async with serving(script) as served, served.talk() as talk:
        await talk.config(turn_detection=pb.TurnDetection(mode=pb.TurnDetection.MODE_MANUAL))
        await talk.send(pb.ConverseRequest(activity=pb.UserActivity(kind=pb.UserActivity.KIND_START)))
        for n in range(100):
            await talk.send(pb.ConverseRequest(seq=10 + n, text=pb.TextInput(text=TEXT)))
        await talk.send(pb.ConverseRequest(activity=pb.UserActivity(kind=pb.UserActivity.KIND_END)))
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        (question,) = script.llm.prompts[0].messages
        assert question.text == f"{TEXT} {TEXT}"
        assert len(question.text) <= MAX_MESSAGE
        (notice,) = [n for n in talk.notices if n.reason == "TOO_MANY"]
        assert (notice.field, notice.request_seq, notice.retryable) == ("text.text", 12, True)
        assert str(MAX_MESSAGE) in notice.message


async def test_a_long_utterance_is_transcribed_in_parts() -> None:
    script = Script(stt=ScriptedStt([Hearing("one"), Hearing("two"), Hearing("three")]))
    limit = pb.TurnDetection(turn_limit=Duration(seconds=5))
    async with serving(script) as served:
        sound = audio(tone(14.0, rate_hz=RATE_HZ))
        said, wrong = await transcribed(served, config(turn_detection=limit), *sound)
    assert wrong is None
    finals = [r.transcript for r in said if r.transcript.is_final]
    assert [(t.segment, t.text) for t in finals] == [(0, "one"), (1, "two"), (2, "three")]
    assert [r.notice.reason for r in said if r.HasField("notice")] == ["TURN_LIMIT"]


# ---------------------------------------------------------------- tools


def nested(levels: int, *, in_lists: bool = False) -> Struct:
    """A schema of so many objects, or objects and lists, in one another."""
    value: Any = {}
    for n in range(levels - 2):
        value = [value] if in_lists and n % 2 else {"x": value}
    made = Struct()
    made.update({"type": "object", "properties": value})
    return made


def weighing(characters: int) -> Struct:
    made = Struct()
    made.update({"type": "object", "title": "y" * (characters - len('{"title": "", "type": "object"}'))})
    return made


async def refused(tools: list[pb.ToolDeclaration]) -> tuple[str, str]:
    """The field that is named, and what is said of it."""
    async with serving() as served, served.talk() as talk:
        await talk.send(pb.ConverseRequest(config=pb.SessionConfig(tools=tools)))
        how = await talk.ended()
        assert how.code is Code.INVALID_ARGUMENT
        ((field, said),) = how.fields.items()
        return field, said


async def test_schemas_of_a_session_weigh_so_much_in_all() -> None:
    half = weighing(MAX_JSON // 2)
    fitting = [pb.ToolDeclaration(name=name, parameters=half) for name in ("weather", "clock")]
    async with serving() as served, served.talk() as talk:
        started = await talk.config(tools=fitting)
        assert list(started.effective_config.tools) == fitting
    third = pb.ToolDeclaration(name="radio", parameters=weighing(100))
    field, said = await refused([*fitting, third])
    assert field == "config.tools[2].parameters"
    assert "radio: 65636 characters as JSON, with the schemas before it" in said
    assert f"at most {MAX_JSON} in all" in said


@pytest.mark.parametrize("in_lists", [False, True])
async def test_a_schema_is_so_deep_and_comes_back(in_lists: bool) -> None:
    deep = pb.ToolDeclaration(name="deep", parameters=nested(MAX_DEPTH, in_lists=in_lists))
    async with serving() as served, served.talk() as talk:
        started = await talk.config(tools=[deep])
        assert list(started.effective_config.tools) == [deep]
        await talk.send(
            pb.ConverseRequest(config_update=pb.ConfigUpdate(config=pb.SessionConfig(tools=[deep])))
        )
        applied = await talk.next("config_applied")
        assert list(applied.config_applied.effective_config.tools) == [deep]
    deeper = pb.ToolDeclaration(name="deeper", parameters=nested(MAX_DEPTH + 1, in_lists=in_lists))
    field, said = await refused([deep, deeper])
    assert field == "config.tools[1].parameters"
    assert "deeper: 25 levels" in said
    assert f"at most {MAX_DEPTH}" in said


def calling(*calls: int) -> Script:
    """So many calls in each step, and then an answer."""
    ask = CallRequest("weather", {})
    steps = [ScriptedAnswer("", calls=(ask,) * count) for count in calls]
    return Script(llm=ScriptedLlm([*steps, ScriptedAnswer("It is sunny.")]))


WEATHER = pb.ToolDeclaration(name="weather")


async def calls(talk: ConverseCall, count: int) -> list[pb.ToolCall]:
    def found() -> list[pb.ToolCall]:
        return [r.tool_call for r in talk.said if r.WhichOneof("payload") == "tool_call"]

    await talk.until(lambda: len(found()) == count, "calls")
    return found()


async def test_results_of_a_turn_are_so_long_in_all() -> None:
    script = calling(3)
    async with serving(script) as served, served.talk() as talk:
        await talk.config(tools=[WEATHER])
        await talk.text("The weather?", text_only=True)
        for n, call in enumerate(await calls(talk, 3)):
            result = pb.ToolResult(call_id=call.call_id, result=weighing(MAX_RESULTS // 2))
            await talk.send(pb.ConverseRequest(seq=10 + n, tool_result=result))
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        notice = await talk.notice("TOO_MANY")
        assert (notice.field, notice.request_seq) == ("tool_result.result", 12)
        assert f"at most {MAX_RESULTS}" in notice.message
        uses = script.llm.prompts[1].messages[-1].uses
        assert [len(use.result) for use in uses[:2]] == [MAX_RESULTS // 2] * 2
        assert "too long" in uses[2].result


async def test_a_result_is_so_deep_and_is_told_again() -> None:
    async with serving(calling(1)) as served, served.talk() as talk:
        await talk.config(tools=[WEATHER], session_id="deep")
        await talk.text("The weather?", text_only=True)
        (call,) = await calls(talk, 1)
        for depth in (MAX_DEPTH + 1, MAX_DEPTH):
            result = pb.ToolResult(call_id=call.call_id, result=nested(depth))
            await talk.send(pb.ConverseRequest(tool_result=result))
        notice = await talk.notice("BAD_MESSAGE")
        assert (notice.field, "25 levels" in notice.message) == ("tool_result.result", True)
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        saved = (await served.stub.GetSession(pb.GetSessionRequest(session_id="deep"))).session
        assert saved.messages[1].tool_uses[0].result == nested(MAX_DEPTH)


# ---------------------------------------------------------------- changes of the settings


async def test_changes_that_wait_are_changes_of_one_another() -> None:
    """While the conversation is held; each names one field, and the last of a field counts."""
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await talk.send(pb.ConverseRequest(pause=pb.Pause()))
        changes: list[tuple[str, pb.SessionConfig]] = [
            ("instructions", pb.SessionConfig(instructions="Be brief.")),
            ("generation", pb.SessionConfig(generation=pb.GenerationConfig(max_output_tokens=7))),
            ("voice", pb.SessionConfig(voice=pb.VoiceConfig(speaking_rate=1.5))),
            ("instructions", pb.SessionConfig(instructions="Be long.")),
        ]
        for seq, (path, changed) in enumerate(changes, start=10):
            update = pb.ConfigUpdate(config=changed, update_mask=FieldMask(paths=[path]))
            await talk.send(pb.ConverseRequest(seq=seq, config_update=update))
        await talk.send(pb.ConverseRequest(resume=pb.Resume()))

        def applied() -> list[pb.ConfigApplied]:
            return [r.config_applied for r in talk.said if r.WhichOneof("payload") == "config_applied"]

        await talk.until(lambda: len(applied()) == len(changes), "all changes")
        assert [message.request_seq for message in applied()] == [10, 11, 12, 13]
        last = applied()[-1].effective_config
        assert (last.instructions, last.generation.max_output_tokens, last.voice.speaking_rate) == (
            "Be long.", 7, 1.5,
        )  # fmt: skip


# ---------------------------------------------------------------- the conversation


async def test_the_longest_conversation_is_told_in_one_message() -> None:
    """Of characters that take four bytes each, to a client that was told nothing of its size."""
    length = MAX_CHARACTERS // MAX_MESSAGES
    messages = tuple(
        Message(Role.USER if n % 2 else Role.ASSISTANT, "🎙" * length, (n + 1) // 2)
        for n in range(1, MAX_MESSAGES + 1)
    )
    assert not Conversation(messages).has_forgotten
    store = MemoryStore()
    await store.save(SavedSession("long", "", 1.0, 1.0, MAX_MESSAGES // 2, "default", "", messages), 1)
    async with serving(store=store) as served:
        told = (await served.stub.GetSession(pb.GetSessionRequest(session_id="long"))).session
        assert sum(len(message.text) for message in told.messages) == MAX_CHARACTERS
        assert told.ByteSize() < 4 * 2**20


# ---------------------------------------------------------------- statuses


@pytest.mark.parametrize("id", ["x" * 8_000, "é" * 8_000, "🎙" * 8_000, "\x00" * 8_000, "'\"\n" * 2_000])
async def test_a_status_about_a_long_id_reaches_the_client(id: str) -> None:
    async with serving() as served:
        for call in (
            served.stub.GetSession(pb.GetSessionRequest(session_id=id)),
            served.stub.DeleteSession(pb.DeleteSessionRequest(session_id=id)),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await call
            how = ended(failed.value)
            assert (how.code, how.reason) == (Code.NOT_FOUND, "NOT_FOUND")
            assert how.message == f"no session {shown(id)}"
            assert metadata_size(failed.value.trailing_metadata()) < SOFT_LIMIT


async def test_a_status_about_a_long_value_reaches_the_client() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.send(pb.ConverseRequest(config=pb.SessionConfig(persona_id="🎙" * 20_000)))
        how = await talk.ended()
        assert (how.code, how.reason) == (Code.INVALID_ARGUMENT, "BAD_FIELD")
        assert list(how.fields) == ["config.persona_id"]
        assert metadata_size(await talk.call.trailing_metadata()) < SOFT_LIMIT


@pytest.mark.parametrize(
    "error",
    [
        e.EngineError("llm", "ü" * 20_000),
        e.BadField("x" * 20_000, "y" * 20_000, "🎙" * 20_000),
        e.NotFound("\ud800" * 20_000),
        e.CallerLimit("c" * 20_000, "l" * 20_000, 7),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_status_is_larger_than_its_bound(error: e.VoiceError) -> None:
    status = status_of(error)
    assert len(status.details.encode()) <= MAX_STATUS
    assert status.details.endswith("...")
    escaped = 3 * len(status.details.encode())
    assert escaped + metadata_size(status.trailing_metadata) < SOFT_LIMIT


@pytest.mark.parametrize("value", ["x" * 79, "x" * 10_000, b"\x00" * 10_000, "é\n" * 5_000, [1] * 10_000, 7])
def test_a_value_is_shown_by_its_beginning(value: object) -> None:
    written = shown(value)
    assert len(written) <= SHOWN
    assert written == repr(value) or (written.endswith("...") and repr(value).startswith(written[:-3]))
    for error in (e.BadField("f", value, "a"), e.PersonaError("p", "f", value, "a")):
        assert f"got {written}, accepted" in str(error)
