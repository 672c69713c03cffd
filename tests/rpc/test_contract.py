"""The ten rules of the contract, by number, over a real server in real time.

1  config first, and once; nothing is sent before SessionStarted
2  turns are numbered by the server, rising; every message of an answer carries its turn
3  THINKING, then words and sound, then exactly one terminal event, then perhaps metrics
4  after FLUSH or Interrupted nothing of that turn follows; a later report corrects the memory
5  finals are never revised; interims rise; each user turn ends with a final, even an empty one
6  chunk index and offset are contiguous from 0; `is_last` once
7  sound runs at most `max_playout_lead` ahead of what was played
8  empty and unknown payloads are ignored; unknown enum values count as UNSPECIFIED
9  half-close finishes the answer and ends well; cancel stops now
10 control leaves ahead of queued sound

Those about sound, 6, 7 and 10, are in `test_contract_audio.py`.
"""

import grpc
import numpy as np
import pytest

from voice_grpc.core.audio import silence
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt, tone
from voice_grpc.pb import voice_pb2 as pb

from ..serving import LONG, OK, RATE_HZ, ConverseCall, Served, answered, scripted, serving

State = pb.TurnEvent


# ---------------------------------------------------------------- 1


@pytest.mark.parametrize(
    "first",
    [
        pb.ConverseRequest(audio=pb.AudioInput(data=bytes(640))),
        pb.ConverseRequest(text=pb.TextInput(text="hello")),
        pb.ConverseRequest(ping=pb.Ping(id=1)),
    ],
    ids=lambda request: request.WhichOneof("payload"),
)
async def test_rule_1_first_request_is_config(first: pb.ConverseRequest) -> None:
    async with serving() as served:
        async with served.talk() as talk:
            await talk.send(first)
            how = await talk.ended()
        assert how.code is grpc.StatusCode.INVALID_ARGUMENT
        assert list(how.fields) == [first.WhichOneof("payload")]
        assert "config, as the first request" in how.message
        assert talk.said == []
        await served.assert_serves()


async def test_rule_1_second_config_is_refused() -> None:
    async with serving() as served:
        async with served.talk() as talk:
            await talk.config()
            await talk.send(pb.ConverseRequest(config=pb.SessionConfig()))
            how = await talk.ended()
        assert how.code is grpc.StatusCode.INVALID_ARGUMENT
        assert list(how.fields) == ["config"]
        assert "config_update" in how.message
        await served.assert_serves()


async def test_rule_1_a_stream_without_any_request_is_told_so() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.half_close()
        assert (await talk.ended()).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_rule_1_nothing_is_sent_before_session_started() -> None:
    config = pb.SessionConfig(
        greeting="Welcome.", tools=[pb.ToolDeclaration(name="x")], resume_token="gone", language_codes=["de"]
    )
    async with serving() as served, served.talk() as talk:
        await talk.send(pb.ConverseRequest(config=config))
        await talk.text("Hello.")
        await talk.next("audio")
        assert talk.arms[0] == "session_started"
        assert talk.arms.count("session_started") == 1


# ---------------------------------------------------------------- 2


async def test_rule_2_turns_rise_whoever_makes_them() -> None:
    async with serving(scripted("Sure.")) as served, served.talk() as talk:
        await talk.config(greeting="Hey.")
        await talk.over(1)
        await talk.text("Hello.")
        await talk.over(2)
        await talk.send(pb.ConverseRequest(say=pb.Say(text="By the way.")))
        await talk.over(3)
        await talk.speak()
        await talk.over(4)
        numbered = [r.turn for r in talk.said if r.turn]
        assert numbered == sorted(numbered)
        for turn in range(1, 5):
            arms = {r.WhichOneof("payload") for r in talk.of(turn)}
            assert {"audio", "response_text", "turn_event"} <= arms


async def test_rule_2_turns_rise_across_streams() -> None:
    async with serving() as served:
        async with served.talk() as talk:
            id = (await talk.config()).session_id
            last = await answered(talk)
            await talk.half_close()
            assert await talk.ended() == OK
        async with served.talk() as talk:
            started = await talk.config(session_id=id)
            assert (started.resumed, started.last_turn) == (True, last)
            assert await answered(talk) == last + 1


async def test_rule_2_seq_and_time_rise() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await answered(talk)
        assert [r.seq for r in talk.said] == list(range(1, len(talk.said) + 1))
        times = [r.server_time_us for r in talk.said]
        assert times == sorted(times)
        assert times[0] > 0


# ---------------------------------------------------------------- 3


async def test_rule_3_order_of_an_answered_turn() -> None:
    async with serving(scripted("One. And two.")) as served, served.talk() as talk:
        await talk.config()
        turn = await answered(talk)
        await talk.next("turn_metrics")
        arms = [
            State.State.Name(r.turn_event.state) if r.WhichOneof("payload") == "turn_event" else
            str(r.WhichOneof("payload"))
            for r in talk.of(turn)
        ]  # fmt: skip
        assert arms[0] == "STATE_THINKING"
        assert arms[-2:] == ["STATE_COMPLETED", "turn_metrics"]
        assert set(arms[1:-2]) == {"STATE_SPEAKING", "audio", "response_text"}
        assert arms.count("STATE_SPEAKING") == 1
        assert talk.words(turn) == "One. And two."
        assert [r.response_text.is_final for r in talk.of(turn) if r.HasField("response_text")][-1]


async def test_rule_3_one_terminal_event_for_every_kind_of_end() -> None:
    hearings = [Hearing("hello"), Hearing("")]
    script = Script(ScriptedStt(hearings), ScriptedLlm([ScriptedAnswer(LONG), ScriptedAnswer("Fine.")]))
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        await talk.speak()
        await talk.next("audio")
        await talk.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
        assert await talk.over(1) == State.STATE_INTERRUPTED
        await talk.speak()
        assert await talk.over(2) == State.STATE_DISCARDED
        assert await answered(talk) == 3
        await talk.half_close()
        assert await talk.ended() == OK
        ends = {turn: talk.terminals(turn) for turn in (1, 2, 3)}
        assert ends == {1: [State.STATE_INTERRUPTED], 2: [State.STATE_DISCARDED], 3: [State.STATE_COMPLETED]}


# ---------------------------------------------------------------- 4


async def interrupted(talk: ConverseCall) -> pb.Interrupted:
    """A long answer, stopped once something of it was sent."""
    await talk.text("Tell me a lot.")
    await talk.next("audio")
    await talk.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
    return (await talk.next("interrupted")).interrupted


async def test_rule_4_nothing_of_the_turn_follows() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as talk:
        await talk.config()
        cut = await interrupted(talk)
        await talk.half_close()
        assert await talk.ended() == OK
        arms = [(r.turn, r.WhichOneof("payload")) for r in talk.said]
        after = arms[arms.index((cut.turn, "interrupted")) + 1 :]
        assert (cut.turn, "playback_control") in after
        assert not {(cut.turn, "audio"), (cut.turn, "response_text")} & set(after)
        assert not any(chunk.is_last for chunk in talk.chunks(cut.turn))
        assert cut.reason == pb.Interrupted.REASON_REQUEST
        assert LONG.startswith(cut.heard_text)


async def test_rule_4_a_later_report_corrects_the_memory() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as talk:
        id = (await talk.config()).session_id
        cut = await interrupted(talk)
        assert cut.source == pb.Interrupted.SOURCE_SERVER_ESTIMATED
        report = pb.PlaybackReport(turn=cut.turn, state=pb.PlaybackReport.STATE_CLEARED, played_samples=0)
        await talk.send(pb.ConverseRequest(playback=report))
        await talk.half_close()
        assert await talk.ended() == OK
        session = (await served.stub.GetSession(pb.GetSessionRequest(session_id=id))).session
        assert [message.role for message in session.messages] == [pb.SessionMessage.ROLE_USER]


# ---------------------------------------------------------------- 5


async def test_rule_5_transcripts() -> None:
    hearings = [Hearing("hello there my friend"), Hearing("")]
    script = Script(ScriptedStt(hearings), ScriptedLlm([ScriptedAnswer("Sure.")]))
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        await talk.speak(1.6)
        await talk.over(1)
        await talk.speak()
        assert await talk.over(2) == State.STATE_DISCARDED
        spoken, empty = ([t for t in talk.transcripts() if t.segment == segment] for segment in (0, 1))
        assert [t.is_final for t in spoken] == [False] * (len(spoken) - 1) + [True]
        assert len(spoken) > 1
        assert [t.revision for t in spoken] == list(range(1, len(spoken) + 1))
        assert spoken[-1].text == "hello there my friend"
        assert (spoken[-1].stability, spoken[-1].language_code) == (1.0, "en")
        stable = [t.stable_characters for t in spoken]
        assert stable == sorted(stable)
        assert 0 == stable[0] < stable[-2] < stable[-1] == len("hello there my friend")
        assert [t.text for t in empty if t.is_final] == [""]
        final = next(r for r in talk.said if r.transcript.is_final and r.transcript.segment == 1)
        assert final.turn == 2


async def test_rule_5_interims_can_be_left_out() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config(send=pb.OutputSelection(interim_transcripts=False, metrics=False))
        await talk.speak(1.6)
        await talk.over(1)
        await talk.half_close()
        assert await talk.ended() == OK
        assert [t.is_final for t in talk.transcripts()] == [True]
        assert "turn_metrics" not in talk.arms


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
async def test_rule_5_positions_are_told_at_the_input_rate(rate_hz: int) -> None:
    format = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=rate_hz)
    async with serving() as served, served.talk() as talk:
        await talk.config(input_audio=format)
        await talk.audio(np.concatenate([silence(1.0, rate_hz), tone(0.5, rate_hz=rate_hz)]))
        await talk.send(pb.ConverseRequest(audio_end=pb.AudioInputEnd()))
        await talk.over(1)
        started = next(r.speech_event for r in talk.said if r.HasField("speech_event"))
        assert started.kind == pb.SpeechEvent.KIND_STARTED
        assert 0.95 <= started.position_samples / rate_hz < 1.2
        final = talk.transcripts()[-1]
        assert 0.5 < final.start_samples / rate_hz <= 1.0
        assert 1.4 < final.end_samples / rate_hz < 1.6


# ---------------------------------------------------------------- 8


async def test_rule_8_empty_and_unknown_payloads_are_ignored() -> None:
    unknown_arm = pb.ConverseRequest.FromString(b"\xa2\x06\x02\x08\x01")  # field 100, a message
    unknown_kind = pb.ConverseRequest.FromString(
        pb.ConverseRequest(activity=pb.UserActivity(kind=99)).SerializeToString()  # type: ignore[arg-type]
    )
    unknown_state = pb.PlaybackReport(turn=1, state=99)  # type: ignore[arg-type]
    async with serving() as served, served.talk() as talk:
        await talk.send(pb.ConverseRequest(seq=1))
        await talk.send(unknown_arm)
        detection = pb.TurnDetection(mode=99, interruption=99)  # type: ignore[arg-type]
        started = await talk.config(turn_detection=detection)
        assert started.effective_config.turn_detection.mode == pb.TurnDetection.MODE_SERVER_VAD
        assert started.effective_config.turn_detection.interruption == pb.TurnDetection.INTERRUPTION_YIELD
        for request in (pb.ConverseRequest(), unknown_arm, unknown_kind):
            await talk.send(request)
        await talk.send(pb.ConverseRequest(playback=unknown_state))
        await answered(talk)
        assert talk.notices == []


# ---------------------------------------------------------------- 9


async def test_rule_9_half_close_finishes_the_answer() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await talk.text("Hello.")
        await talk.half_close()
        assert await talk.ended() == OK
        assert talk.terminals(1) == [State.STATE_COMPLETED]
        assert talk.chunks(1)[-1].is_last
        assert talk.said[-1].session_ended.reason == pb.SessionEnded.REASON_HALF_CLOSE


async def test_rule_9_half_close_answers_what_was_just_said() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await talk.audio(tone(0.5, rate_hz=RATE_HZ))
        await talk.half_close()
        assert await talk.ended() == OK
        assert talk.terminals(1) == [State.STATE_COMPLETED]
        assert talk.transcripts()[-1].text == "hello there"


async def test_rule_9_end_session_finishes_too_and_says_why() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await talk.text("Hello.")
        await talk.send(pb.ConverseRequest(end_session=pb.EndSession()))
        assert await talk.ended() == OK
        assert talk.terminals(1) == [State.STATE_COMPLETED]
        assert talk.said[-1].session_ended.reason == pb.SessionEnded.REASON_CLIENT


async def test_rule_9_cancel_stops_now() -> None:
    script = scripted(ScriptedAnswer(LONG, a_token=0.01))
    async with serving(script) as served:
        async with served.talk() as talk:
            id = (await talk.config()).session_id
            await talk.text("Tell me a lot.")
            await talk.next("audio")
            talk.cancel()
        await gone(served, id)
        assert (script.llm.open, script.llm.cancelled) == (0, 1)
        session = (await served.stub.GetSession(pb.GetSessionRequest(session_id=id))).session
        assert session.messages[0].text == "Tell me a lot."
        assert all(len(message.text) < len(LONG) / 2 for message in session.messages)


async def gone(served: Served, session_id: str) -> None:
    """Until its old stream has saved its last words: another one on the session waits for just that."""
    async with served.talk() as talk:
        await talk.config(session_id=session_id)
        await talk.half_close()
        assert await talk.ended() == OK
