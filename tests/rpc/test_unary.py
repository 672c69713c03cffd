"""The unary methods and what stands beside them: health, reflection, channelz."""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress

import grpc
import grpc.aio
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from voice_grpc.core.errors import BadState
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedLlm
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import SavedSession
from voice_grpc.server.server import Server
from voice_grpc.settings import Settings
from voice_grpc.settings.personas import Persona
from voice_grpc.store import MemoryStore, SqliteStore

from ..serving import LONG, OK, WITHIN, Ended, Served, ended, scripted, serving

Code = grpc.StatusCode
SERVICE = "voice.v1.VoiceService"
Health = health_pb2.HealthCheckResponse


async def refusal(call: Awaitable[object]) -> Ended:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return ended(error.value)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


# ---------------------------------------------------------------- what it is and has


async def test_server_info_tells_what_it_is_runs_on_and_limits() -> None:
    async with serving(max_sessions=3, turn_deadline=5.0, idle_limit=60.0, max_age=3600.0) as served:
        info = await served.stub.GetServerInfo(pb.GetServerInfoRequest())
    assert info.version
    assert [(e.stage, e.location, e.ready) for e in info.engines] == [
        (stage, "scripted", True) for stage in (pb.STAGE_VAD, pb.STAGE_STT, pb.STAGE_LLM, pb.STAGE_TTS)
    ]
    assert list(info.input_encodings) == list(info.output_encodings) == [1, 2, 3, 4, 5, 6]
    assert list(info.sample_rates_hz) == [8_000, 16_000, 24_000, 48_000]
    assert list(info.languages) == ["de", "en", "es", "fr"]
    limits = info.limits
    assert (limits.max_message_bytes, limits.max_audio_bytes) == (262_144, 65_536)
    assert (limits.max_text_characters, limits.max_sessions) == (8_000, 3)
    told = (limits.turn_deadline, limits.idle_limit, limits.max_session_age)
    assert [duration.ToTimedelta().total_seconds() for duration in told] == [5, 60, 3600]
    assert {"barge_in", "playback_reports", "push_to_talk"} <= set(info.features)


async def test_limits_that_are_off_are_left_out() -> None:
    async with serving(idle_limit=0, max_age=0) as served:
        limits = (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).limits
    assert not limits.HasField("idle_limit")
    assert not limits.HasField("max_session_age")


@pytest.mark.parametrize(
    ("language", "ids"), [("", ["hum", "tone"]), ("en", ["tone"]), ("ES-es", ["hum"]), ("xx", [])]
)
async def test_voices_by_language(language: str, ids: list[str]) -> None:
    async with serving() as served:
        voices = (await served.stub.ListVoices(pb.ListVoicesRequest(language_code=language))).voices
    assert [voice.voice_id for voice in voices] == ids
    assert all((v.engine, v.native_sample_rate_hz) == ("scripted", 24_000) for v in voices)


async def test_a_language_prefix_ends_at_its_tag() -> None:
    async with serving() as served:
        voices = (await served.stub.ListVoices(pb.ListVoicesRequest(language_code="e"))).voices
    assert not voices


async def test_personas_are_listed() -> None:
    async with serving() as served:
        personas = (await served.stub.ListPersonas(pb.ListPersonasRequest())).personas
    assert [p.persona_id for p in personas] == ["default", "interviewer", "tutor"]
    assert all(p.name and p.description for p in personas)


# ---------------------------------------------------------------- conversations


async def remember(served: Served, id: str, words: str = "Hello.", token: str = "") -> None:
    async with served.talk(bearer(token) if token else ()) as talk:
        await talk.config(session_id=id, persona_id="tutor", greeting="")
        await talk.text(words, text_only=True)
        await talk.over(1)
        await talk.half_close()
        assert await talk.ended() == OK


async def test_a_session_is_told_as_it_was_heard() -> None:
    async with serving() as served:
        await remember(served, "one")
        session = (await served.stub.GetSession(pb.GetSessionRequest(session_id="one"))).session
    assert (session.session_id, session.persona_id, session.last_turn, session.is_live) == (
        "one", "tutor", 1, False
    )  # fmt: skip
    assert 0 < session.create_time.ToMicroseconds() <= session.update_time.ToMicroseconds()
    user, assistant = session.messages
    assert (user.role, user.text, user.turn) == (pb.SessionMessage.ROLE_USER, "Hello.", 1)
    assert (assistant.role, assistant.text) == (pb.SessionMessage.ROLE_ASSISTANT, "Sure thing.")
    assert assistant.heard == pb.SessionMessage.HEARD_WHOLE


async def test_an_apology_is_told_as_the_answer_that_was_heard() -> None:
    async with serving(scripted("")) as served:
        await remember(served, "one")
        session = (await served.stub.GetSession(pb.GetSessionRequest(session_id="one"))).session
    roles = [message.role for message in session.messages]
    assert roles == [pb.SessionMessage.ROLE_USER, pb.SessionMessage.ROLE_ASSISTANT]
    assert session.messages[1].text.startswith("Sorry")


@pytest.mark.parametrize("reports", [False, True])
async def test_of_an_interrupted_answer_what_was_heard_and_how_it_is_known(reports: bool) -> None:
    """Reported: 0.5 s of 60 ms a character, so the first words and no more."""
    async with serving(scripted(LONG)) as served, served.talk() as talk:
        await talk.config(session_id="one", capabilities=pb.ClientCapabilities(playback_reports=reports))
        await talk.text("Tell me a lot.")
        await talk.until(lambda: len(talk.chunks(1)) > 4, "some sound")
        if reports:
            playing = pb.PlaybackReport.STATE_PROGRESS
            report = pb.PlaybackReport(turn=1, state=playing, played_samples=12_000)
            await talk.send(pb.ConverseRequest(playback=report))
        await talk.until(lambda: len(talk.chunks(1)) > 14, "more sound")
        await talk.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
        cut = (await talk.next("interrupted")).interrupted
        if reports:
            cleared = pb.PlaybackReport(turn=1, state=pb.PlaybackReport.STATE_CLEARED, played_samples=12_000)
            await talk.send(pb.ConverseRequest(playback=cleared))
        await talk.half_close()
        assert await talk.ended() == OK
        session = (await served.stub.GetSession(pb.GetSessionRequest(session_id="one"))).session
    heard = session.messages[1]
    assert LONG.startswith(heard.text)
    if reports:
        assert cut.source == pb.Interrupted.SOURCE_CLIENT_REPORTED
        assert (heard.heard, heard.text) == (pb.SessionMessage.HEARD_CLIENT_REPORTED, "This is")
    else:
        assert cut.source == pb.Interrupted.SOURCE_SERVER_ESTIMATED
        assert heard.heard == pb.SessionMessage.HEARD_SERVER_ESTIMATED
        assert heard.text == cut.heard_text


async def test_sessions_come_in_pages_the_last_used_first() -> None:
    async with serving() as served:
        for n in range(5):
            await remember(served, f"s{n}")
        found, token, pages = [], "", 0
        while pages == 0 or token:
            request = pb.ListSessionsRequest(page_size=2, page_token=token)
            page = await served.stub.ListSessions(request)
            found += [session.session_id for session in page.sessions]
            assert not any(session.messages for session in page.sessions)
            token, pages = page.next_page_token, pages + 1
    assert found == ["s4", "s3", "s2", "s1", "s0"]
    assert pages == 3


async def test_sessions_saved_in_one_microsecond_are_all_listed() -> None:
    async with serving() as served:
        for n in range(3):
            await served.store.save(SavedSession(f"s{n}", "", 1.0, 2.0, 0, "default", "", ()), 1)
        found, token = [], ""
        for _ in range(3):
            request = pb.ListSessionsRequest(page_size=1, page_token=token)
            page = await served.stub.ListSessions(request)
            found += [session.session_id for session in page.sessions]
            token = page.next_page_token
    assert (found, token) == (["s0", "s1", "s2"], "")


async def test_a_page_token_of_an_earlier_version_is_taken() -> None:
    """It was a time alone."""
    async with serving() as served:
        for n in range(3):
            await served.store.save(SavedSession(f"s{n}", "", 1.0, 2.0 + n, 0, "default", "", ()), 1)
        page = await served.stub.ListSessions(pb.ListSessionsRequest(page_token="4.0"))
    assert [session.session_id for session in page.sessions] == ["s1", "s0"]


@pytest.mark.parametrize(("size", "ok"), [(0, True), (1, True), (200, True), (201, False)])
async def test_page_sizes(size: int, ok: bool) -> None:
    async with serving() as served:
        call = served.stub.ListSessions(pb.ListSessionsRequest(page_size=size))
        if ok:
            assert not (await call).sessions
        else:
            how = await refusal(call)
            assert (how.code, list(how.fields)) == (Code.INVALID_ARGUMENT, ["page_size"])


@pytest.mark.parametrize("token", ["x", "nan", "inf", "1e999", "-1", " s1", "x s1"])
async def test_a_page_token_that_was_never_given(token: str) -> None:
    async with serving() as served:
        how = await refusal(served.stub.ListSessions(pb.ListSessionsRequest(page_token=token)))
    assert (how.code, list(how.fields)) == (Code.INVALID_ARGUMENT, ["page_token"])


async def test_everybody_sees_their_own_sessions_only() -> None:
    async with serving(tokens="one,two") as served:
        await remember(served, "mine", token="one")
        await remember(served, "theirs", token="two")
        for token, id in (("one", "mine"), ("two", "theirs")):
            page = await served.stub.ListSessions(pb.ListSessionsRequest(), metadata=bearer(token))
            assert [session.session_id for session in page.sessions] == [id]


async def test_a_deleted_session_is_gone() -> None:
    async with serving() as served:
        await remember(served, "one")
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="one"))
        for call in (
            served.stub.GetSession(pb.GetSessionRequest(session_id="one")),
            served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="one")),
        ):
            how = await refusal(call)
            assert (how.code, how.reason, how.message) == (Code.NOT_FOUND, "NOT_FOUND", "no session 'one'")


async def test_deleting_a_live_session_ends_its_stream_and_erases_it() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as talk:
        await talk.config(session_id="one")
        await talk.text("Remember this.")
        await talk.next("audio")
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="one"))
        how = await talk.ended()
        assert (how.code, how.message) == (Code.ABORTED, "the session was deleted")
        how = await refusal(served.stub.GetSession(pb.GetSessionRequest(session_id="one")))
        assert how.code is Code.NOT_FOUND
        async with served.talk() as new:
            started = await new.config(session_id="one")
            assert (started.resumed, started.last_turn) == (False, 0)


async def test_what_is_deleted_does_not_come_back_with_a_stream_that_opens_meanwhile() -> None:
    async with serving() as served:
        for _ in range(10):
            await remember(served, "one", "Remember this.")
            async with served.talk() as talk, asyncio.TaskGroup() as tasks:
                deletion = served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="one"))
                tasks.create_task(talk.send(pb.ConverseRequest(config=pb.SessionConfig(session_id="one"))))
                await deletion
                await talk.half_close()
                await talk.ended()
            request = pb.GetSessionRequest(session_id="one")
            with suppress(grpc.aio.AioRpcError):
                assert not (await served.stub.GetSession(request)).session.messages


async def test_a_session_id_must_be_given() -> None:
    async with serving() as served:
        for call in (
            served.stub.GetSession(pb.GetSessionRequest()),
            served.stub.DeleteSession(pb.DeleteSessionRequest()),
        ):
            how = await refusal(call)
            assert (how.code, list(how.fields)) == (Code.INVALID_ARGUMENT, ["session_id"])


async def test_a_live_session_is_said_to_be_live() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config(session_id="one")
        await talk.text("Hello.", text_only=True)
        await talk.over(1)
        page = await served.stub.ListSessions(pb.ListSessionsRequest())
        assert [(s.session_id, s.is_live) for s in page.sessions] == [("one", True)]


async def test_conversations_outlive_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("state") / "sessions.db"
    script = Script(llm=ScriptedLlm([ScriptedAnswer("Nice to meet you, Ada.")]))
    for turn in (1, 2):
        store = await SqliteStore.open(path)
        async with serving(script, store=store) as served, served.talk() as talk:
            started = await talk.config(session_id="one")
            assert (started.resumed, started.last_turn) == (turn > 1, turn - 1)
            await talk.text("I am Ada." if turn == 1 else "Who am I?", text_only=True)
            await talk.over(turn)
            await talk.half_close()
            assert await talk.ended() == OK
        await store.close()
    texts = [message.text for message in script.llm.prompts[1].messages]
    assert texts == ["I am Ada.", "Nice to meet you, Ada.", "Who am I?"]


async def test_the_log_tells_no_labels_of_a_conversation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They may say who the caller is."""
    caplog.set_level(logging.DEBUG)
    async with serving() as served, served.talk() as talk:
        await talk.config(session_id="one", metadata={"patient": "Ada Lovelace"})
        await talk.half_close()
        assert await talk.ended() == OK
    assert "session one: begins" in caplog.messages
    assert "patient" not in caplog.text
    assert "Lovelace" not in caplog.text


# ---------------------------------------------------------------- health


async def test_health_is_alive_at_once_and_ready_when_the_models_are() -> None:
    async with serving(is_open=False) as served:
        health = health_pb2_grpc.HealthStub(served.channel)

        async def check(service: str) -> int:
            return int((await health.Check(health_pb2.HealthCheckRequest(service=service))).status)

        assert (await check(""), await check(SERVICE)) == (Health.SERVING, Health.NOT_SERVING)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        async with asyncio.timeout(WITHIN):
            assert (await watch.read()).status == Health.NOT_SERVING
            await served.make_ready()
            assert (await watch.read()).status == Health.SERVING
            assert (await check(""), await check(SERVICE)) == (Health.SERVING, Health.SERVING)
            async with served.talk() as talk, asyncio.TaskGroup() as tasks:
                await talk.config()
                await talk.text("Hello.")
                await talk.next("audio")
                tasks.create_task(served.server.drain(5.0), name="drain")
                assert (await watch.read()).status == Health.NOT_SERVING
                watch.cancel()
        unknown = await refusal(health.Check(health_pb2.HealthCheckRequest(service="other")))
        assert unknown.code in (Code.NOT_FOUND, Code.UNAVAILABLE)


async def test_before_it_is_ready_every_method_says_so() -> None:
    async with serving(is_open=False) as served:
        stub = served.stub
        for call in (
            stub.GetServerInfo(pb.GetServerInfoRequest()),
            stub.ListVoices(pb.ListVoicesRequest()),
            stub.ListPersonas(pb.ListPersonasRequest()),
            stub.GetSession(pb.GetSessionRequest(session_id="x")),
            stub.ListSessions(pb.ListSessionsRequest()),
            stub.DeleteSession(pb.DeleteSessionRequest(session_id="x")),
        ):
            how = await refusal(call)
            assert (how.code, how.reason) == (Code.UNAVAILABLE, "NOT_READY")
            assert how.comes_again_by_chance
            assert how.message == "the models are still loading; try again in some seconds"
        for stream in (stub.Synthesize(pb.SynthesizeRequest(text="x")), stub.Transcribe()):
            assert await stream.code() is Code.UNAVAILABLE
        await served.make_ready()
        await served.assert_serves()


# ---------------------------------------------------------------- reflection, channelz


async def has_reflection(served: Served) -> bool:
    call: grpc.aio.StreamStreamCall[bytes, bytes] = served.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    )()
    await call.done_writing()
    return await call.code() is not Code.UNIMPLEMENTED


async def servers_by_channelz(served: Served) -> int | None:
    stub = channelz_pb2_grpc.ChannelzStub(served.channel)
    try:
        async with asyncio.timeout(WITHIN):
            return len((await stub.GetServers(channelz_pb2.GetServersRequest(start_server_id=0))).server)
    except grpc.aio.AioRpcError as error:
        if error.code() is Code.UNIMPLEMENTED:
            return None
        raise


@pytest.mark.parametrize("is_on", [True, False])
async def test_reflection_and_channelz_can_be_switched(is_on: bool) -> None:
    async with serving(reflection=is_on, channelz=is_on) as served:
        assert await has_reflection(served) == is_on
        assert bool(await servers_by_channelz(served)) == is_on


async def test_reflection_is_on_and_channelz_off_by_default() -> None:
    async with serving() as served:
        assert await has_reflection(served)
        assert await servers_by_channelz(served) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"voice": "nobody"}, "persona.default.voice: got 'nobody', accepted: one of hum, tone"),
        (
            {"language": "fr-CA"},
            "persona.default.language: got 'fr-CA', accepted: a BCP 47 tag of a language that a voice "
            "speaks: en, es",
        ),
    ],
)
async def test_a_persona_that_no_voice_can_play_ends_the_start(wrong: dict[str, str], said: str) -> None:
    mumbler = Persona("default", "Mumbler", "Mumble.", **wrong)  # type: ignore[arg-type]
    server = Server(Settings(port=0, _env_file=None))  # type: ignore[call-arg]
    await server.start()
    try:
        with pytest.raises(BadState, match=said):
            await server.make_ready(Script().engines, MemoryStore(), {"default": mumbler})
    finally:
        await server.stop()
