"""`voice-grpc talk` when its line is lost: it says so, goes on by itself, and can be stopped meanwhile."""

import asyncio
import io

from clients.conversation import Condition, Conversation
from clients.screen import Screen
from voice_grpc.client import Call
from voice_grpc.pb import voice_pb2 as pb

from .cut_line import cut_line
from .program import start
from .reciting import STARTED, reciting
from .resuming_server import resuming


async def test_an_answer_goes_on_and_the_screen_says_why_it_waited() -> None:
    async with resuming() as server, cut_line(server.target) as cut:
        talk = await start("talk", "--target", cut.target, "--text", "say 1", "--text", "goodbye")
        session = await server.until_begun()
        await session.until(lambda: session.answer is not None and session.answer.played > 6_000)
        cut.reset()
        ended = await talk.ended()
        assert session.answer is not None
        assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("reconnecting …") == 1
    assert ended.out.count("the line is back: going on") == 1
    said = ended.out.partition("   you ▸ goodbye")[0]
    spoken = [line.removeprefix("answer ▸ ") for line in said.splitlines() if line.startswith("answer ▸ ")]
    assert " ".join(" ".join(spoken).split()) == "You said say 1."
    assert "answer ▸ You said goodbye." in ended.out
    finished = [
        each.playback for each in session.acted if each.playback.state == pb.PlaybackReport.STATE_FINISHED
    ]
    assert [(each.turn, each.played_samples) for each in finished] == [(1, 24_000)]
    assert [each.text.text for each in session.acted if each.HasField("text")] == ["say 1", "goodbye"]


async def test_ctrl_c_ends_it_at_once_while_it_reconnects() -> None:
    async with resuming() as server, cut_line(server.target) as cut:
        talk = await start("talk", "--target", cut.target, "--text", "say 30")
        session = await server.until_begun()
        await session.until(lambda: session.answer is not None and session.answer.played > 0)
        cut.cut()
        await talk.until("reconnecting …")
        talk.interrupt()
        ended = await talk.ended(within=5)
    assert (ended.code, ended.err) == (130, "")


async def test_a_server_that_lost_the_conversation_is_asked_anew() -> None:
    async with resuming() as server, cut_line(server.target) as cut:
        talk = await start("talk", "--target", cut.target, "--text", "say 1", "--text", "hello again")
        session = await server.until_begun()
        await session.until(lambda: session.answer is not None and session.answer.played > 4_800)
        server.sessions.by_id.clear()
        cut.reset()
        ended = await talk.ended()
        acted = server.sessions.only.acted
    assert (ended.code, ended.err) == (1, "voice-grpc talk: say 1: it could not be answered\n")
    assert "the server began a new conversation" in ended.out
    assert [each.text.text for each in acted if each.HasField("text")] == ["say 1", "hello again"]
    assert "answer ▸ You said hello again." in ended.out


async def test_what_holds_for_a_moment_is_waited_for_again() -> None:
    changes, is_quiet = Condition(), False
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(changes.until(lambda: is_quiet))
        await asyncio.sleep(0)
        is_quiet = True
        changes.notify()
        is_quiet = False  # before it could look
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        is_quiet = True
        changes.notify()
        assert await waiting
    assert not await changes.until(lambda: False, 0.0)


async def test_what_a_lost_server_leaves_is_told_as_the_rest() -> None:
    lost = pb.Interrupted(turn=1, reason=pb.Interrupted.REASON_SERVER_LOST, heard_text="It is")
    line = pb.ConverseResponse(turn=1, interrupted=lost)
    async with reciting(STARTED, line) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        out = io.StringIO()
        conversation = Conversation(call, Screen(out))
        conversation.accept(await anext(call))
    assert "its server went away, another one says the rest" in out.getvalue()
