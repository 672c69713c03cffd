"""What decides how a lost line comes back: functions of messages and times, without a network."""

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from voice_grpc.client import CallFailed, FailureDetails, ReconnectSettings, Resumption, is_lost_line
from voice_grpc.client.departure import LAST_MOMENT, Departure
from voice_grpc.client.received_sound import ReceivedSound
from voice_grpc.client.retries import LEAST_WINDOW, STEADY_SECONDS, Retries, may_pass
from voice_grpc.client.unconsumed import MAX_OTHERS, SOUND_BYTES, SOUND_SECONDS, Unconsumed
from voice_grpc.pb import voice_pb2 as pb

Code = grpc.StatusCode
State = pb.TurnEvent.State
WALL = 1_700_000_000.0


def failed(code: grpc.StatusCode, reason: str = "", retry_after: float | None = None) -> CallFailed:
    return CallFailed(code, "it failed", FailureDetails(reason, retry_after=retry_after))


AWAY = failed(Code.UNAVAILABLE)

# ---------------------------------------------------------------- retries


@pytest.mark.parametrize(
    ("failure", "is_lost"),
    [
        (AWAY, True),
        (failed(Code.UNAVAILABLE, "DRAINING"), True),
        (failed(Code.INTERNAL), True),
        (failed(Code.INTERNAL, "BUG"), False),
        (failed(Code.UNKNOWN), True),
        (failed(Code.CANCELLED), True),
        (failed(Code.ABORTED, "SUPERSEDED"), False),
        (failed(Code.RESOURCE_EXHAUSTED, "SLOW_CLIENT"), True),
        (failed(Code.RESOURCE_EXHAUSTED), False),
        (failed(Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT"), False),
        (failed(Code.INVALID_ARGUMENT, "BAD_FIELD"), False),
        (failed(Code.UNAUTHENTICATED), False),
        (failed(Code.UNIMPLEMENTED), False),
    ],
)
def test_what_a_lost_line_is(failure: CallFailed, is_lost: bool) -> None:
    assert is_lost_line(failure) is is_lost


def test_an_attempt_may_find_a_full_server_or_none_in_time() -> None:
    assert may_pass(failed(Code.RESOURCE_EXHAUSTED, "SERVER_FULL"))
    assert may_pass(failed(Code.DEADLINE_EXCEEDED))
    assert not may_pass(failed(Code.ABORTED, "SUPERSEDED"))


def test_waits_double_up_to_a_bound_and_are_drawn_from_all_below_it() -> None:
    most = Retries(ReconnectSettings(within=1e9), draw=lambda: 1.0)
    most.lost(0)
    assert [most.next_wait(AWAY, 0) for _ in range(7)] == [0.25, 0.5, 1, 2, 4, 8, 8]
    least = Retries(ReconnectSettings(within=1e9), draw=lambda: 0.0)
    least.lost(0)
    assert [least.next_wait(AWAY, 0) for _ in range(3)] == [0, 0, 0]


def test_what_the_server_asks_for_comes_before_the_jitter() -> None:
    retries = Retries(draw=lambda: 0.5)
    retries.lost(0)
    assert retries.next_wait(failed(Code.RESOURCE_EXHAUSTED, "SERVER_FULL", 3.0), 0) == 3.125
    assert retries.next_wait(failed(Code.UNAVAILABLE, "DRAINING", 500.0), 0) is None


def test_it_is_given_up_in_time_with_one_last_attempt_at_the_end() -> None:
    retries = Retries(ReconnectSettings(within=10), draw=lambda: 1.0)
    retries.lost(100)
    assert retries.next_wait(AWAY, 109.9) == pytest.approx(0.1)
    assert retries.next_wait(AWAY, 110) is None


def test_a_token_that_expires_first_is_the_bound_but_for_clocks_that_differ() -> None:
    retries = Retries(draw=lambda: 0.0)
    retries.lost(0, window=30)
    assert retries.next_wait(AWAY, 29) == 0
    assert retries.next_wait(AWAY, 30) is None
    retries = Retries(draw=lambda: 0.0)
    retries.lost(0, window=-3600)
    assert retries.next_wait(AWAY, LEAST_WINDOW - 1) == 0


def test_a_line_that_does_not_hold_is_the_same_outage() -> None:
    retries = Retries(ReconnectSettings(within=10), draw=lambda: 1.0)
    retries.lost(0)
    assert retries.next_wait(AWAY, 0) == 0.25
    retries.begun(1)
    retries.lost(1 + STEADY_SECONDS / 2)
    assert retries.next_wait(AWAY, 4) == 0.5
    assert retries.next_wait(AWAY, 10) is None
    retries.begun(20)
    retries.lost(20 + STEADY_SECONDS)
    assert retries.next_wait(AWAY, 25) == 0.25


# ---------------------------------------------------------------- what is kept


def audio(seq: int, size: int = 640) -> pb.ConverseRequest:
    return pb.ConverseRequest(seq=seq, audio=pb.AudioInput(data=bytes(size)))


def text(seq: int) -> pb.ConverseRequest:
    return pb.ConverseRequest(seq=seq, text=pb.TextInput(text=f"{seq}"))


def report(seq: int, state: "pb.PlaybackReport.State") -> pb.ConverseRequest:
    return pb.ConverseRequest(seq=seq, playback=pb.PlaybackReport(turn=1, state=state))


def numbers(kept: Unconsumed, after: int = 0) -> list[int]:
    return [request.seq for request in kept.after(after)]


def test_what_is_kept_comes_back_in_order_until_it_is_consumed() -> None:
    kept = Unconsumed()
    for request in (audio(1), text(2), audio(3), text(4), audio(5)):
        kept.add(request, 0)
    assert numbers(kept) == [1, 2, 3, 4, 5]
    assert numbers(kept, after=3) == [4, 5]
    kept.consumed(2)
    assert numbers(kept) == [3, 4, 5]
    assert [request.seq for request in kept.take()] == [3, 4, 5]
    assert numbers(kept) == []


def test_of_sound_the_last_ten_seconds_are_kept_and_of_words_all() -> None:
    kept = Unconsumed()
    kept.add(text(1), 0)
    for n in range(1000):
        kept.add(audio(n + 2), n * 0.02)
    seqs = numbers(kept)
    assert seqs[0] == 1
    assert len(seqs) - 1 == round(SOUND_SECONDS / 0.02) + 1
    assert seqs[-1] == 1001


def test_what_is_kept_is_bounded_in_bytes_and_in_number() -> None:
    kept = Unconsumed()
    for n in range(200):
        kept.add(audio(n + 1, size=65_000), 0)
    assert 0 < sum(request.ByteSize() for request in kept.after(0)) <= SOUND_BYTES
    for n in range(MAX_OTHERS + 10):
        kept.add(text(n + 1000), 0)
    assert len([request for request in kept.after(0) if request.HasField("text")]) == MAX_OTHERS


def test_what_means_nothing_later_is_not_kept() -> None:
    kept = Unconsumed()
    kept.add(pb.ConverseRequest(seq=1, ping=pb.Ping(id=1)), 0)
    kept.add(report(2, pb.PlaybackReport.STATE_PROGRESS), 0)
    kept.add(report(3, pb.PlaybackReport.STATE_FINISHED), 0)
    assert numbers(kept) == [3]


# ---------------------------------------------------------------- the answer's sound


def sound(turn: int, offset: int, count: int, *, is_last: bool = False) -> pb.ConverseResponse:
    samples = b"".join((offset + n).to_bytes(2, "little") for n in range(count))
    place = pb.AudioOutput(data=samples, offset_samples=offset, duration_samples=count, is_last=is_last)
    return pb.ConverseResponse(turn=turn, audio=place)


def received(into: ReceivedSound, *pieces: pb.ConverseResponse) -> list[tuple[int, int, int]]:
    """Offset, samples and first sample of what is new."""
    new = [each.audio for each in map(into.receive, pieces) if each is not None]
    return [
        (each.offset_samples, each.duration_samples, int.from_bytes(each.data[:2], "little")) for each in new
    ]


def test_sound_that_comes_again_is_cut_off_to_the_sample() -> None:
    into = ReceivedSound(pb.AudioFormat())
    assert received(into, sound(1, 0, 480), sound(1, 480, 480)) == [(0, 480, 0), (480, 480, 480)]
    again = (sound(1, 100, 480), sound(1, 580, 480), sound(1, 1060, 480))
    assert received(into, *again) == [(960, 100, 960), (1060, 480, 1060)]


def test_the_end_of_an_answer_is_told_although_its_sound_is_here() -> None:
    into = ReceivedSound(pb.AudioFormat())
    received(into, sound(1, 0, 480))
    again = into.receive(sound(1, 0, 480, is_last=True))
    assert again is not None
    assert (again.audio.is_last, again.audio.data, again.audio.offset_samples) == (True, b"", 480)


def test_stereo_floats_are_cut_in_whole_frames() -> None:
    float32 = pb.AUDIO_ENCODING_PCM_F32LE
    into = ReceivedSound(pb.AudioFormat(encoding=float32, channels=2))
    piece = pb.AudioOutput(data=bytes(range(80)), duration_samples=10)
    into.receive(pb.ConverseResponse(turn=1, audio=piece))
    piece.offset_samples = 4
    new = into.receive(pb.ConverseResponse(turn=1, audio=piece))
    assert new is not None
    assert (new.audio.offset_samples, new.audio.duration_samples) == (10, 4)
    assert new.audio.data == bytes(range(48, 80))


def test_packets_are_left_whole() -> None:
    into = ReceivedSound(pb.AudioFormat(encoding=pb.AUDIO_ENCODING_OPUS_PACKET))
    received(into, sound(1, 0, 480))
    assert into.receive(sound(1, 0, 480)) is None
    half = into.receive(sound(1, 240, 480))
    assert half is not None
    assert (half.audio.offset_samples, len(half.audio.data)) == (240, 960)


def test_an_answer_that_begins_in_its_middle_was_heard_up_to_there() -> None:
    into = ReceivedSound(pb.AudioFormat())
    assert received(into, sound(3, 9_600, 480)) == [(9_600, 480, 9_600)]
    assert (into.turn, into.played) == (3, 9_600)
    into.report(pb.PlaybackReport(turn=3, played_samples=9_800))
    into.report(pb.PlaybackReport(turn=2, played_samples=99_000))
    assert into.played == 9_800


# ---------------------------------------------------------------- leaving


def go_away(reason: str, seconds: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(go_away=pb.GoAway(reason=reason, time_left=Duration(seconds=seconds)))


def state(state: "pb.TurnEvent.State") -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=1, turn_event=pb.TurnEvent(state=state))


def voice(kind: "pb.SpeechEvent.Kind") -> pb.ConverseResponse:
    return pb.ConverseResponse(speech_event=pb.SpeechEvent(kind=kind))


def test_it_leaves_when_nobody_speaks() -> None:
    departure = Departure()
    assert not departure.is_due(0)
    departure.receive(go_away("drain", 60), 0)
    assert departure.is_due(0)
    for busy in (State.STATE_USER_SPEAKING, State.STATE_THINKING, State.STATE_SPEAKING):
        departure.receive(state(busy), 1)
        assert not departure.is_due(1)
    departure.receive(state(State.STATE_COMPLETED), 2)
    assert departure.is_due(2)
    departure.receive(voice(pb.SpeechEvent.KIND_STARTED), 3)
    assert not departure.is_due(3)
    departure.receive(voice(pb.SpeechEvent.KIND_STOPPED), 4)
    assert departure.is_due(4)


def test_it_leaves_at_the_last_moment_whoever_speaks() -> None:
    departure = Departure()
    departure.receive(state(State.STATE_SPEAKING), 0)
    departure.receive(go_away("max_age", 60), 0)
    assert not departure.is_due(59 - LAST_MOMENT)
    assert departure.is_due(60 - LAST_MOMENT)


def test_an_attempt_that_came_to_nothing_is_not_repeated_at_once() -> None:
    departure = Departure()
    departure.receive(go_away("drain", 60), 0)
    departure.put_off(5)
    assert not departure.is_due(5.5)
    assert departure.is_due(6)


def test_idle_is_no_reason_to_leave() -> None:
    departure = Departure()
    departure.receive(go_away("idle", 60), 0)
    assert not departure.is_due(60)


# ---------------------------------------------------------------- all of it


def update(token: str, consumed: int = 0, expires: float = WALL + 120) -> pb.ConverseResponse:
    stamp = Timestamp()
    stamp.FromNanoseconds(round(expires * 1e9))
    told = pb.ResumeUpdate(resume_token=token, expire_time=stamp, last_consumed_seq=consumed)
    return pb.ConverseResponse(seq=2, resume_update=told)


def begun(config: pb.SessionConfig | None = None) -> Resumption:
    resumption = Resumption(config or pb.SessionConfig(persona_id="default"))
    resumption.opening()
    resumption.begun(pb.SessionStarted(session_id="one"), 0)
    return resumption


def test_the_next_stream_says_what_the_server_is_to_know() -> None:
    resumption = begun()
    assert not resumption.is_possible
    resumption.receive(update("first"), 0, WALL)
    resumption.receive(pb.ConverseResponse(seq=3, turn=4, transcript=pb.Transcript()), 0, WALL)
    resumption.receive(sound(4, 0, 4_800), 0, WALL)
    resumption.receive(update("second"), 0, WALL)
    progress = pb.PlaybackReport.STATE_PROGRESS
    playing = pb.PlaybackReport(turn=4, state=progress, played_samples=2_400)
    assert resumption.number(pb.ConverseRequest(playback=playing), 0).seq == 2
    assert resumption.lost(AWAY, 1)
    again = resumption.opening_again()
    assert again.seq == 3
    assert again.config == pb.SessionConfig(
        persona_id="default",
        session_id="one",
        resume_token="second",
        resume_turn=4,
        resume_played_samples=2_400,
        last_received_seq=3,
    )


def test_a_client_that_reports_nothing_does_not_say_how_much_was_played() -> None:
    resumption = begun()
    resumption.receive(update("token"), 0, WALL)
    resumption.receive(sound(1, 0, 480), 0, WALL)
    assert not resumption.opening_again().config.HasField("resume_played_samples")


def test_an_ear_is_believed_of_the_answer_that_it_speaks_of_alone() -> None:
    resumption = begun()
    resumption.receive(update("token"), 0, WALL)
    resumption.receive(sound(1, 0, 480), 0, WALL)
    heard = pb.PlaybackReport(turn=1, played_samples=240)
    assert resumption.opening_again(heard).config.resume_played_samples == 240
    resumption.receive(sound(2, 0, 480), 0, WALL)
    config = resumption.opening_again().config
    assert config.resume_turn == 2
    assert not config.HasField("resume_played_samples")


def test_of_what_never_came_every_client_says_that_it_was_not_played() -> None:
    resumption = begun()
    resumption.receive(update("token"), 0, WALL)
    config = resumption.opening_again().config
    assert config.HasField("resume_played_samples")
    assert (config.resume_turn, config.resume_played_samples) == (0, 0)


def test_what_is_told_on_each_stream_hides_nothing_that_is_told_again() -> None:
    resumption = begun()
    later = pb.ConverseResponse(seq=9, session_started=pb.SessionStarted())
    assert resumption.receive(later, 0, WALL) is not None
    told = pb.ConverseResponse(seq=5, transcript=pb.Transcript(text="hello"))
    assert resumption.receive(told, 0, WALL) is not None
    assert resumption.receive(told, 0, WALL) is None


def test_numbers_of_the_client_s_own_are_kept() -> None:
    """A client that comes back begins with its next number, and sends again what has lower ones."""
    resumption = Resumption(pb.SessionConfig(resume_token="token"))
    assert resumption.opening(seq=7).seq == 7
    resumption.begun(pb.SessionStarted(resumed=True, last_consumed_seq=4), 0)
    given = [text(5), text(6), text(8), text(0)]
    assert [resumption.number(each, 0).seq for each in given] == [5, 6, 8, 9]


def test_who_does_not_number_the_config_numbers_nothing() -> None:
    assert [begun().number(each, 0).seq for each in (text(0), text(20))] == [2, 2]


def test_who_comes_with_a_token_and_no_numbers_goes_on_where_the_server_is() -> None:
    resumption = Resumption(pb.SessionConfig(resume_token="token"))
    assert resumption.opening().seq == 0
    resumption.begun(pb.SessionStarted(resumed=True, last_consumed_seq=41), 0)
    assert resumption.number(text(0), 0).seq == 42


def test_a_conversation_that_begins_anew_is_sent_what_means_something_there() -> None:
    resumption = begun()
    resumption.receive(update("token", consumed=1), 0, WALL)
    finished = pb.PlaybackReport.STATE_FINISHED
    placed = pb.AudioInput(data=b"\0\0", offset_samples=32_000)
    for payload in (
        pb.ConverseRequest(text=pb.TextInput(text="hello")),
        pb.ConverseRequest(playback=pb.PlaybackReport(turn=1, state=finished)),
        pb.ConverseRequest(audio=placed),
        pb.ConverseRequest(tool_result=pb.ToolResult(call_id="one")),
    ):
        resumption.number(payload, 0)
    opening = resumption.opening_again()
    again = resumption.restarted(pb.SessionStarted(session_id="two"), 0)
    assert [each.WhichOneof("payload") for each in again] == ["text", "audio"]
    assert [each.seq for each in again] == [opening.seq + 1, opening.seq + 2]
    assert again[1].audio.offset_samples == 0
    placed.offset_samples = 32_320
    assert resumption.number(pb.ConverseRequest(audio=placed), 0).audio.offset_samples == 320
    assert resumption.opening_again().config.session_id == "two"


def test_consent_to_be_recorded_that_was_withdrawn_is_not_given_again() -> None:
    held = Resumption(pb.SessionConfig(recording=True))
    assert held.opening().config.recording
    held.begun(pb.SessionStarted(session_id="s"), 0.0)
    other = pb.ConfigUpdate(update_mask=FieldMask(paths=["voice"]))
    held.number(pb.ConverseRequest(config_update=other), 1.0)
    assert held.opening_again().config.recording
    withdrawn = pb.ConfigUpdate(update_mask=FieldMask(paths=["voice", "recording"]))
    held.number(pb.ConverseRequest(config_update=withdrawn), 2.0)
    assert not held.opening_again().config.recording


def test_what_was_changed_on_the_way_is_asked_for_again() -> None:
    """A server that goes on in place of another one has the config alone."""
    held = Resumption(pb.SessionConfig(session_id="mine", metadata={"shop": "7"}, recording=True))
    held.opening()
    held.number(
        pb.ConverseRequest(config_update=pb.ConfigUpdate(config=pb.SessionConfig(persona_id="tutor"))), 1.0
    )
    assert not held.opening_again().config.persona_id, "nobody said that it is in force"
    in_force = pb.SessionConfig(session_id="mine", persona_id="tutor", language_codes=["en"])
    applied = pb.ConfigApplied(request_seq=2, effective_config=in_force)
    assert held.receive(pb.ConverseResponse(seq=5, config_applied=applied), 2.0, WALL) is not None
    again = held.opening_again().config
    assert (again.persona_id, list(again.language_codes), again.session_id) == ("tutor", ["en"], "mine")
    assert (dict(again.metadata), again.recording, again.last_received_seq) == ({"shop": "7"}, True, 5)
