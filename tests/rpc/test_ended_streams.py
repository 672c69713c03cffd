"""Streams that the server ends: opened elsewhere, drained, too old, idle. Each is told why."""

import asyncio
from contextlib import suppress

import grpc
import grpc.aio

from voice_grpc.pb import voice_pb2 as pb

from ..serving import LONG, OK, assert_told, scripted, serving

State = pb.TurnEvent
Code = grpc.StatusCode

# ---------------------------------------------------------------- open elsewhere


async def test_a_session_opened_elsewhere_goes_on_there_with_the_cut_answer() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as old, served.talk() as new:
        await old.config(session_id="mine")
        await old.text("Tell me a lot.")
        await old.until(lambda: len(old.chunks(1)) > 20, "some sound")
        started = await new.config(session_id="mine")
        how = await old.ended()
        assert_told(how, Code.ABORTED, "SUPERSEDED")
        assert how.message == "superseded"
        assert (started.resumed, started.last_turn) == (True, 1)
        await new.text("And?")
        await new.next("audio")
        heard = served.script.llm.prompts[1].messages
        assert [message.text for message in heard[::2]] == ["Tell me a lot.", "And?"]
        assert LONG.startswith(heard[1].text)
        assert 0 < len(heard[1].text) < len(LONG) / 2


async def test_a_stream_that_is_ended_as_it_begins_is_told_so() -> None:
    """Deleted while its first message may be on its way: a status comes, whatever became of the message."""
    async with serving() as served:
        for _ in range(30):
            async with served.talk() as talk, asyncio.TaskGroup() as tasks:
                config = pb.SessionConfig(session_id="mine")
                tasks.create_task(talk.send(pb.ConverseRequest(config=config)))
                while not talk.arms:
                    with suppress(grpc.aio.AioRpcError):
                        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="mine"))
                        break
                await talk.half_close()
                assert (await talk.ended()).code in (Code.ABORTED, Code.OK)


async def test_an_unknown_resume_token_starts_anew() -> None:
    async with serving() as served, served.talk() as talk:
        started = await talk.config(resume_token="long gone")
        assert not started.resumed
        notice = await talk.notice("BAD_MESSAGE")
        assert notice.field == "config.resume_token"
        assert notice.message == "config.resume_token: it is none of ours; a new conversation begins"


# ---------------------------------------------------------------- drain, age, idle


async def test_drain_says_go_away_finishes_the_answer_and_ends_unavailable() -> None:
    async with serving() as served, served.talk() as talk, asyncio.TaskGroup() as tasks:
        await talk.config()
        await talk.text("Hello.")
        await talk.next("audio")
        tasks.create_task(served.server.drain(60.0), name="drain")
        go_away = (await talk.next("go_away")).go_away
        assert (go_away.reason, go_away.time_left.ToTimedelta().total_seconds()) == ("drain", 60.0)
        how = await talk.ended()
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert how.retry_after == 0.0  # elsewhere; who comes to a server that drains is told of 5 s
        assert talk.terminals(1) == [State.STATE_COMPLETED]
        assert talk.chunks(1)[-1].is_last


async def test_a_draining_server_takes_no_new_conversation() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as talk, asyncio.TaskGroup() as tasks:
        await talk.config()
        await talk.text("Hello.")
        await talk.next("audio")
        tasks.create_task(served.server.drain(60.0), name="drain")
        await talk.next("go_away")
        async with served.talk() as late:
            await late.send(pb.ConverseRequest(config=pb.SessionConfig()))
            assert_told(await late.ended(), Code.UNAVAILABLE, "DRAINING")
        talk.cancel()


async def test_a_stream_of_the_maximum_age_is_told_and_ended() -> None:
    async with serving(scripted(LONG), max_age=0.2, drain_seconds=0.3) as served, served.talk() as talk:
        await talk.config()
        await talk.text("Hello.")
        assert (await talk.next("go_away")).go_away.reason == "max_age"
        how = await talk.ended()
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert "maximum age" in how.message


async def test_an_idle_stream_ends_well() -> None:
    async with serving(idle_limit=0.1, drain_seconds=0.1) as served, served.talk() as talk:
        await talk.config()
        assert (await talk.next("go_away")).go_away.reason == "idle"
        assert await talk.ended() == OK
        assert talk.said[-1].session_ended.reason == pb.SessionEnded.REASON_IDLE


async def test_whoever_speaks_up_after_the_warning_stays() -> None:
    async with serving(idle_limit=0.3, drain_seconds=60.0) as served, served.talk() as talk:
        await talk.config()
        await talk.next("go_away")
        await talk.text("I am here.", text_only=True)
        assert await talk.over(1) == State.STATE_COMPLETED
        await talk.half_close()
        assert await talk.ended() == OK
        assert talk.said[-1].session_ended.reason == pb.SessionEnded.REASON_HALF_CLOSE
