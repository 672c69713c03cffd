"""The table of what goes wrong and what the caller gets, row by row, over a real server."""

import asyncio
from contextlib import suppress
from typing import TypeAlias

import grpc
import grpc.aio
import pytest

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import (
    Hearing,
    Script,
    ScriptedAnswer,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    Voicing,
)
from voice_grpc.pb import voice_pb2 as pb

from ..serving import LOCAL, OK, WITHIN, Served, assert_told, ended, scripted, serving, stub_of

State = pb.TurnEvent
Code = grpc.StatusCode
Stream: TypeAlias = "grpc.aio.StreamStreamCall[pb.ConverseRequest, pb.ConverseResponse]"


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


# ---------------------------------------------------------------- an engine fails: one turn


def failing_llm(said: str, message: str) -> ScriptedLlm:
    """It fails once, after `said`."""
    return ScriptedLlm([ScriptedAnswer(said, error=EngineError("llm", message)), ScriptedAnswer("Fine.")])


BLOCKED = EngineError("llm", "blocked", retryable=False)
FAILURES = {
    "stt": (
        Script(stt=ScriptedStt([Hearing("", error=EngineError("stt", "no ears")), Hearing("hello")])),
        (pb.STAGE_STT, "ENGINE_ERROR", "no ears"),
    ),
    "llm before a word": (
        Script(llm=failing_llm("", "no idea")),
        (pb.STAGE_LLM, "ENGINE_ERROR", "no idea"),
    ),
    "llm in mid-answer": (
        Script(llm=failing_llm("So. ", "lost it")),
        (pb.STAGE_LLM, "ENGINE_ERROR", "lost it"),
    ),
    "llm says nothing": (
        Script(llm=ScriptedLlm([ScriptedAnswer(""), ScriptedAnswer("Fine.")])),
        (pb.STAGE_LLM, "ENGINE_EMPTY", "no words"),
    ),
    "a safety block": (
        Script(llm=ScriptedLlm([ScriptedAnswer("", error=BLOCKED), ScriptedAnswer("Fine.")])),
        (pb.STAGE_LLM, "ENGINE_ERROR", "blocked"),
    ),
    "tts": (
        Script(tts=ScriptedTts(Voicing(error_at=0))),
        (pb.STAGE_TTS, "ENGINE_ERROR", "the voice broke"),
    ),
    "tts gives no sound": (
        Script(tts=ScriptedTts(Voicing(is_silent=True))),
        (pb.STAGE_TTS, "ENGINE_EMPTY", "no sound"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_an_engine_that_fails_costs_one_turn(name: str) -> None:
    """A Notice, an apology that is heard and read, FAILED; then the next turn."""
    script, (stage, reason, message) = FAILURES[name]
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        await talk.speak()
        assert await talk.over(1) == State.STATE_FAILED
        notice = await talk.notice(reason)
        assert (notice.stage, message in notice.message) == (stage, True)
        assert notice.retryable == (name != "a safety block")
        assert sum(chunk.duration_samples for chunk in talk.chunks(1)) >= 0.95 * 24_000
        assert talk.chunks(1)[-1].is_last
        assert talk.words(1).endswith("Sorry, please say that again.")
        if name.startswith("tts"):
            script.tts.voicing = Voicing()
        await talk.speak()
        assert await talk.over(2) == State.STATE_COMPLETED


async def test_a_stuck_engine_is_apologised_for_within_the_turn_deadline() -> None:
    """The shortest deadline a server can have, 3 s, so that this test is no longer than it must be."""
    script = scripted(ScriptedAnswer("", hangs=True))
    async with serving(script, turn_deadline=3.0) as served, served.talk() as talk:
        await talk.config()
        await talk.text("Hello?")
        thinking = await talk.state(State.STATE_THINKING)
        notice = await talk.notice("TURN_DEADLINE")
        audible = await talk.next("audio")
        assert (audible.server_time_us - thinking.server_time_us) / 1e6 < 3.0
        assert (notice.stage, notice.retryable) == (pb.STAGE_LLM, True)
        assert await talk.over(1) == State.STATE_FAILED
        assert script.llm.open == 0


# ---------------------------------------------------------------- skipped: a Notice with its seq


async def test_a_bad_message_is_skipped_with_a_notice_that_names_it() -> None:
    bad = {
        "audio.data": pb.ConverseRequest(seq=21, audio=pb.AudioInput(data=bytes(641))),
        "text.text": pb.ConverseRequest(seq=22, text=pb.TextInput(text=" ")),
        "playback.turn": pb.ConverseRequest(
            seq=23, playback=pb.PlaybackReport(turn=99, state=pb.PlaybackReport.STATE_FINISHED)
        ),
        "interrupt.turn": pb.ConverseRequest(seq=24, interrupt=pb.Interrupt(turn=99)),
    }
    async with serving() as served, served.talk() as talk:
        await talk.config()
        for request in bad.values():
            await talk.send(request)
        await talk.until(lambda: len(talk.notices) == len(bad), "all notices")
        for (field, request), notice in zip(bad.items(), talk.notices, strict=True):
            assert (notice.field, notice.request_seq, notice.stage) == (field, request.seq, pb.STAGE_PROTOCOL)
            assert notice.reason == "BAD_MESSAGE"
            assert "accepted:" in notice.message
        await talk.text("And now?")
        assert await talk.over(1) == State.STATE_COMPLETED


async def test_an_unnumbered_message_is_counted() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=b"1")))
        assert (await talk.notice("BAD_MESSAGE")).request_seq == 2


# ---------------------------------------------------------------- refused: INVALID_ARGUMENT


async def test_a_wrong_format_names_its_field() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.send(
            pb.ConverseRequest(config=pb.SessionConfig(input_audio=pb.AudioFormat(encoding=99)))  # type: ignore[arg-type]
        )
        how = await talk.ended()
        assert_told(how, Code.INVALID_ARGUMENT, "BAD_FIELD")
        assert list(how.fields) == ["config.input_audio.encoding"]
        assert "PCM_S16LE" in how.message
        assert how.retry_after is None


async def test_an_oversized_chunk_names_its_field() -> None:
    async with serving() as served:
        async with served.talk() as talk:
            await talk.config()
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=bytes(65_538))))
            how = await talk.ended()
            assert_told(how, Code.INVALID_ARGUMENT, "BAD_FIELD")
            assert list(how.fields) == ["audio.data"]
            assert "65536" in how.message
        await served.assert_serves()


# ---------------------------------------------------------------- credentials


ODD_TOKENS = ["wrong", "", " ", "one,two", "one two", "o" * 10_000, "=", "'; --", "../one"]


@pytest.mark.parametrize(
    "metadata",
    [(), *(bearer(token) for token in ODD_TOKENS)]
    + [(("authorization", value),) for value in ("Basic one", "Bearer", "one", "")],
)
async def test_without_good_credentials_nothing_else_is_looked_at(
    metadata: tuple[tuple[str, str], ...],
) -> None:
    """Not the request, and not whether the server is ready."""
    async with serving(tokens="one,two", is_open=False) as served:
        async with served.talk(metadata) as talk:
            assert_told(await talk.ended(), Code.UNAUTHENTICATED, "UNAUTHENTICATED")
            assert talk.said == []
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await served.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata)
        assert refused.value.code() is Code.UNAUTHENTICATED
        assert "one" not in (refused.value.details() or "").replace("none", "")


async def test_each_token_is_let_in() -> None:
    async with serving(tokens="one, two") as served:
        for token in ("one", "two"):
            await served.assert_serves(bearer(token))


async def test_somebody_elses_session_is_refused_saved_or_live() -> None:
    async with serving(tokens="one,two") as served:
        async with served.talk(bearer("one")) as mine:
            await mine.config(session_id="mine")
            await mine.text("Remember me.", text_only=True)
            await mine.over(1)
            await assert_is_not_theirs(served)
            await mine.half_close()
            assert await mine.ended() == OK
        await assert_is_not_theirs(served)
        await served.stub.GetSession(pb.GetSessionRequest(session_id="mine"), metadata=bearer("one"))


async def assert_is_not_theirs(served: Served) -> None:
    async with served.talk(bearer("two")) as theirs:
        await theirs.send(pb.ConverseRequest(config=pb.SessionConfig(session_id="mine")))
        assert_told(await theirs.ended(), Code.PERMISSION_DENIED, "FORBIDDEN")
    stub = served.stub
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetSession(pb.GetSessionRequest(session_id="mine"), metadata=bearer("two"))
    assert refused.value.code() is Code.PERMISSION_DENIED
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.DeleteSession(pb.DeleteSessionRequest(session_id="mine"), metadata=bearer("two"))
    assert refused.value.code() is Code.PERMISSION_DENIED


# ---------------------------------------------------------------- full, slow


async def test_a_full_server_says_when_to_come_again() -> None:
    async with serving(max_sessions=1) as served, served.talk() as first:
        await first.config(session_id="one")
        async with served.talk() as second:
            await second.send(pb.ConverseRequest(config=pb.SessionConfig()))
            how = await second.ended()
            assert_told(how, Code.RESOURCE_EXHAUSTED, "SERVER_FULL")
            assert how.comes_again_by_chance
        async with served.talk() as again:  # the same session needs no room of its own
            await again.config(session_id="one")
        assert_told(await first.ended(), Code.ABORTED, "SUPERSEDED")
        # Speech to text alone takes a place too.
        async with served.talk() as third:
            await third.config(session_id="two")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await transcribed(served)
            assert refused.value.code() is Code.RESOURCE_EXHAUSTED
    async with serving(max_sessions=1) as served:
        for _ in range(3):
            await served.assert_serves()


async def test_a_client_that_never_reads_is_ended_and_nobody_else_notices() -> None:
    """Its window is small, and it asks for more pongs than fit into that and the server's own queue.

    The status comes behind what fills the window, so it is told when it reads at last.
    """
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384), *LOCAL)
    async with serving() as served, grpc.aio.insecure_channel(served.target, options) as channel:
        deaf = stub_of(channel).Converse()
        await deaf.write(pb.ConverseRequest(config=pb.SessionConfig(session_id="deaf")))
        async with served.talk() as other, asyncio.TaskGroup() as tasks:
            await other.config()
            tasks.create_task(flood(deaf), name="flood")
            await other.text("Is all well?", text_only=True)
            assert await other.over(1) == State.STATE_COMPLETED
            async with asyncio.timeout(WITHIN):
                await has_ended(served, "deaf")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await drained(deaf)
        how = ended(error.value)
        assert_told(how, Code.RESOURCE_EXHAUSTED, "SLOW_CLIENT")
        assert how.comes_again_by_chance
        await served.assert_serves()


async def transcribed(served: Served) -> None:
    call = served.stub.Transcribe()
    await call.write(pb.TranscribeRequest(config=pb.TranscribeConfig()))
    await call.read()


async def has_ended(served: Served, session_id: str) -> None:
    """A session that never had a turn is first saved when it ends."""
    while True:
        with suppress(grpc.aio.AioRpcError):
            request = pb.GetSessionRequest(session_id=session_id)
            if not (await served.stub.GetSession(request)).session.is_live:
                return


async def flood(call: Stream) -> None:
    """More pongs than fit into the window and the queue; no more pings than fit on their way.

    grpc.aio makes INTERNAL of a status that finds a write of the caller still waiting.
    """
    for id in range(2_500):
        await call.write(pb.ConverseRequest(client_time_us=2**62, ping=pb.Ping(id=2**63 + id)))


async def drained(call: Stream) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


# ---------------------------------------------------------------- ours


async def test_a_bug_costs_one_call_and_says_no_more_than_that(caplog: pytest.LogCaptureFixture) -> None:
    script = scripted()
    script.llm._answers = None  # type: ignore[assignment] # noqa: SLF001 - a bug, made by hand
    async with serving(script) as served:
        async with served.talk() as talk:
            id = (await talk.config()).session_id
            await talk.text("Hello.")
            how = await talk.ended()
            assert_told(how, Code.INTERNAL, "BUG")
            assert "NoneType" not in how.message
        assert id in caplog.text
        async with served.talk() as talk:
            await talk.config()


async def test_before_the_models_are_warm_a_call_is_told_so() -> None:
    async with serving(is_open=False) as served:
        async with served.talk() as talk:
            how = await talk.ended()
            assert_told(how, Code.UNAVAILABLE, "NOT_READY")
            assert "loading" in how.message
            assert how.comes_again_by_chance
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub_of(served.channel).ListVoices(pb.ListVoicesRequest())
        assert refused.value.code() is Code.UNAVAILABLE
