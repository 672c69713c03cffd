"""Converse messages ⇄ what the session takes and says: every arm, every default, there and back."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.config import AudioFormat, Encoding, SessionConfig
from voice_grpc.core.conversation import Heard, Role
from voice_grpc.core.errors import BadField, Reason
from voice_grpc.core.events import CancelReason
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.patience import Profile
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import Voice
from voice_grpc.settings.personas import Persona, load_personas
from voice_grpc.wire import enums, fields
from voice_grpc.wire import requests as wire_in
from voice_grpc.wire import responses as wire_out
from voice_grpc.wire.catalog import Catalog
from voice_grpc.wire.config import (
    UPDATABLE,
    config_message,
    session_config,
    session_notices,
    with_changes,
)
from voice_grpc.wire.fields import to_duration

SPANISH = Persona("spanish", "Ana", "Habla.", voice="hum", greeting="¡Hola!", language="es")
CATALOG = Catalog(
    {**load_personas(), "spanish": SPANISH},
    {"tone": Voice("tone", "en-US", "scripted"), "hum": Voice("hum", "es_ES", "scripted")},
    frozenset({"de", "en", "es"}),
    turn_deadline=5.0,
)
CONFIG = session_config(pb.SessionConfig(session_id="x"), CATALOG)


def inbound(request: pb.ConverseRequest) -> i.ConverseRequest | None:
    return wire_in.inbound(request, 7, CONFIG, CATALOG)


# ---------------------------------------------------------------- from the wire

ARMS: dict[str, tuple[Message, i.ConverseRequest | None]] = {
    "audio": (pb.AudioInput(data=b"12", offset_samples=0), i.AudioInput(b"12", 0, 7)),
    "audio_end": (pb.AudioInputEnd(), i.AudioInputEnd()),
    "text": (pb.TextInput(text=" hi "), i.TextInput("hi", True, False, 7)),
    "activity": (pb.UserActivity(kind=pb.UserActivity.KIND_CANCEL), i.UserActivity(i.ActivityKind.CANCEL)),
    "interrupt": (pb.Interrupt(turn=3), i.Interrupt(3, 7)),
    "pause": (pb.Pause(), i.Pause()),
    "resume": (pb.Resume(), i.Resume()),
    "playback": (
        pb.PlaybackReport(turn=2, state=pb.PlaybackReport.STATE_CLEARED, played_samples=9),
        i.PlaybackReport(2, i.PlaybackState.CLEARED, 9, 7),
    ),
    "say": (pb.Say(text="Well.", interruptible=False), i.Say("Well.", False, 7)),
    "ping": (pb.Ping(id=4), i.Ping(4, 11)),
    "end_session": (pb.EndSession(), i.EndSession()),
    "config_update": (pb.ConfigUpdate(update_mask=FieldMask(paths=["send"])), i.ConfigUpdate(CONFIG, 7)),
    "tool_result": (pb.ToolResult(call_id="x", error="lost"), i.ToolResult("x", '{"error": "lost"}', 7)),
}


def request(arm: str, payload: Message) -> pb.ConverseRequest:
    made = pb.ConverseRequest(client_time_us=11)
    getattr(made, arm).SetInParent()
    getattr(made, arm).CopyFrom(payload)
    return made


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_is_taken(arm: str) -> None:
    payload, expected = ARMS[arm]
    assert inbound(request(arm, payload)) == expected


def test_no_arm_of_the_contract_is_forgotten() -> None:
    arms = {arm.name for arm in pb.ConverseRequest.DESCRIPTOR.oneofs_by_name["payload"].fields}
    assert arms == {*ARMS, "config"}


@pytest.mark.parametrize(
    ("arm", "payload"),
    [
        ("audio", pb.AudioInput(offset_samples=5)),
        ("activity", pb.UserActivity()),
        ("playback", pb.PlaybackReport(turn=1)),
    ],
)
def test_what_says_nothing_is_ignored(arm: str, payload: Message) -> None:
    assert inbound(request(arm, payload)) is None
    assert inbound(pb.ConverseRequest(seq=1)) is None


def test_a_text_says_whether_it_interrupts() -> None:
    assert inbound(request("text", pb.TextInput(text="x"))) == i.TextInput("x", True, False, 7)
    for interrupt in (True, False):
        message = pb.TextInput(text="x", interrupt=interrupt)
        assert inbound(request("text", message)) == i.TextInput("x", interrupt, False, 7)


@pytest.mark.parametrize(("size", "is_taken"), [(65_536, True), (65_537, False)])
def test_the_size_of_a_chunk(size: int, is_taken: bool) -> None:
    message = request("audio", pb.AudioInput(data=bytes(size)))
    if is_taken:
        assert inbound(message) is not None
    else:
        with pytest.raises(BadField, match=r"audio\.data: got '65537 bytes'"):
            inbound(message)


# ---------------------------------------------------------------- config


def test_defaults_are_those_of_the_contract() -> None:
    config = session_config(pb.SessionConfig(), CATALOG)
    assert len(config.session_id) >= 24
    assert config.session_id != session_config(pb.SessionConfig(), CATALOG).session_id
    assert config.input == AudioFormat(Encoding.PCM_S16LE, 16_000, 1)
    assert config.output == AudioFormat(Encoding.PCM_S16LE, 24_000, 1)
    assert (config.persona, config.languages, config.voice) == ("default", ("en",), "")
    assert (config.endpoint.threshold, config.endpoint.min_speech) == (0.5, 0.06)
    assert (config.turns.hold, config.turns.interrupt_after) == (None, 0.25)
    assert (config.turns.profile, config.turns.speculation) == (Profile.CONVERSATION, Speculation.LLM)
    assert (config.prefix_padding, config.idle_timeout, config.playout_lead) == (0.3, None, 0.2)
    assert (config.temperature, config.max_tokens) == (None, 256)
    assert (config.sends_interims, config.sends_words, config.sends_metrics) == (True, False, True)
    assert config.turns.turn_deadline == 5.0


def test_what_is_asked_for_is_had_and_told_back() -> None:
    """And what is told back, sent as a config, is the same config."""
    asked = pb.SessionConfig(
        session_id="a.b_c-d:1",
        input_audio=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_MULAW, sample_rate_hz=8_000, channels=2),
        output_audio=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_ALAW, sample_rate_hz=48_000, channels=1),
        language_codes=["de-AT", "en"],
        persona_id="tutor",
        instructions="Be brief.",
        voice=pb.VoiceConfig(voice_id="hum", speaking_rate=1.5),
        turn_detection=pb.TurnDetection(
            mode=pb.TurnDetection.MODE_MANUAL,
            interruption=pb.TurnDetection.INTERRUPTION_DISABLED,
            threshold=0.25,
            min_speech=Duration(nanos=500_000_000),
            hold=Duration(seconds=1),
            profile=pb.TurnDetection.PROFILE_QUICK,
            min_hold=Duration(nanos=300_000_000),
            max_hold=Duration(seconds=2),
            speculation=pb.TurnDetection.SPECULATION_STT,
            speculation_tries=2,
            turn_limit=Duration(seconds=30),
            interrupt_after=Duration(seconds=2),
            prefix_padding=Duration(),
            idle_timeout=Duration(seconds=30),
            duck=False,
            min_words=3,
            near_field_only=False,
            threshold_thinking=0.5,
            threshold_speaking=0.75,
        ),
        transcription=pb.TranscriptionConfig(prompt="Ada"),
        generation=pb.GenerationConfig(temperature=0.0, max_output_tokens=9),
        capabilities=pb.ClientCapabilities(
            echo_cancellation=True, playback_reports=True, half_duplex=True, playback_control=True
        ),
        max_playout_lead=Duration(nanos=400_000_000),
        send=pb.OutputSelection(interim_transcripts=False, words=True, metrics=False),
        greeting="Hi.",
    )
    config = session_config(asked, CATALOG)
    assert config_message(config) == asked
    assert session_config(config_message(config), CATALOG) == config


def test_a_client_that_sends_its_settings_back_pins_no_hold() -> None:
    config = session_config(pb.SessionConfig(), CATALOG)
    told = config_message(config).turn_detection
    assert not any(told.HasField(name) for name in ("hold", "min_hold", "max_hold"))
    assert session_config(config_message(config), CATALOG).turns == config.turns


@pytest.mark.parametrize("persona", ["default", "tutor", "spanish"])
def test_the_settings_in_force_are_a_config_that_says_the_same(persona: str) -> None:
    config = session_config(pb.SessionConfig(persona_id=persona), CATALOG)
    assert session_config(config_message(config), CATALOG) == config


def test_a_persona_brings_its_own_and_the_caller_may_change_it() -> None:
    config = session_config(pb.SessionConfig(persona_id="spanish"), CATALOG)
    told = (config.instructions, config.voice, config.languages, config.greeting)
    assert told == ("Habla.", "hum", ("es",), "¡Hola!")
    asked = pb.SessionConfig(persona_id="spanish", instructions="Be brief.", greeting="")
    config = session_config(asked, CATALOG)
    assert (config.instructions, config.greeting, config.voice) == ("Be brief.", "", "hum")


def test_a_language_that_no_voice_speaks_is_said() -> None:
    message = pb.SessionConfig(language_codes=["de-DE"])
    (notice,) = session_notices(session_config(message, CATALOG), 3, CATALOG)
    assert (notice.reason, notice.field, notice.seq) == ("VOICE_LANGUAGE", "config.language_codes", 3)
    assert notice.message == "no voice speaks 'de-DE'; voices speak: en, es"


class CountedVoices(dict[str, Voice]):
    """Counts how often all of it is gone through."""

    walks = 0

    def values(self) -> Any:
        self.walks += 1
        return super().values()

    def __iter__(self) -> Any:
        self.walks += 1
        return super().__iter__()


def test_a_thousand_voices_are_gone_through_once_and_not_by_each_session() -> None:
    voices = CountedVoices({f"v{n}": Voice(f"v{n}", "en-US", "scripted") for n in range(1_000)})
    catalog = Catalog(load_personas(), voices, frozenset({"de", "en"}))
    walks = voices.walks
    for _ in range(3):
        message = pb.SessionConfig(language_codes=["de-DE"], voice=pb.VoiceConfig(voice_id="v7"))
        config = session_config(message, catalog)
        assert [notice.reason for notice in session_notices(config, 1, catalog)] == ["VOICE_LANGUAGE"]
    assert voices.walks == walks


# ---------------------------------------------------------------- updates


def changed(paths: list[str], **given: Any) -> SessionConfig:
    return with_changes(CONFIG, pb.SessionConfig(**given), paths, CATALOG)


def test_an_update_changes_what_its_mask_names_and_nothing_else() -> None:
    voice = pb.VoiceConfig(voice_id="hum")
    config = changed(["voice"], voice=voice, instructions="ignored")
    assert config == dataclasses.replace(CONFIG, voice="hum")


def test_a_masked_field_that_is_left_out_goes_back_to_its_default() -> None:
    config = changed(["instructions"], instructions="Be brief.")
    assert config.instructions == "Be brief."
    back = with_changes(config, pb.SessionConfig(), ["instructions"], CATALOG)
    assert back.instructions == CATALOG.personas["default"].instructions


def test_an_update_without_a_mask_changes_what_is_set() -> None:
    update = pb.ConfigUpdate(config=pb.SessionConfig(max_playout_lead=Duration(nanos=300_000_000)))
    taken = inbound(request("config_update", update))
    assert taken == i.ConfigUpdate(dataclasses.replace(CONFIG, playout_lead=0.3), 7)


def test_the_rest_cannot_be_changed() -> None:
    names = {field.name for field in pb.SessionConfig.DESCRIPTOR.fields}
    for name in names - set(UPDATABLE):
        with pytest.raises(BadField, match=r"config_update\.update_mask"):
            changed([name])


def test_an_update_keeps_the_turn_deadline_of_the_server() -> None:
    config = changed(["turn_detection"], turn_detection=pb.TurnDetection(hold=Duration(seconds=1)))
    assert (config.turns.hold, config.turns.turn_deadline) == (1.0, 5.0)


# ---------------------------------------------------------------- to the wire


SAID: list[tuple[o.ConverseResponse, str]] = [
    (o.AudioOutput(2, b"ab", 3, 480, 1, 1, True), "audio"),
    (o.SessionStarted(CONFIG, True, 4, 12), "session_started"),
    (o.ConfigApplied(CONFIG, 9), "config_applied"),
    (o.Transcript(2, 0, 1, "hi", True, 0, 16_000), "transcript"),
    (o.ResponseText(2, 0, "Hi."), "response_text"),
    (o.PlaybackControl(2, o.PlaybackAction.FLUSH), "playback_control"),
    (o.ToolCall(2, "call-2-1", "weather", '{"city": "Rome", "days": 2}'), "tool_call"),
    (o.ToolCallCancelled(2, ("call-2-1",)), "tool_call_cancelled"),
    (o.Notice("llm", "ENGINE_ERROR", "lost", True, 5, "x", 2), "notice"),
    (o.TurnMetrics(2, {"voice_to_voice": 0.5}, {"input_tokens": 3}), "turn_metrics"),
    (o.Pong(1, 2), "pong"),
    (o.GoAway(1.5, "drain"), "go_away"),
    *((o.TurnEvent(2, phase, "why"), "turn_event") for phase in o.TurnPhase),
    *((o.SpeechEvent(speaking, 16_000, 0.5), "speech_event") for speaking in o.SpeechKind),
    *(
        (o.Interrupted(2, reason, 480, "So", False), "interrupted")
        for reason in CancelReason
        if reason is not CancelReason.DEADLINE
    ),
    *((o.PlaybackControl(2, action), "playback_control") for action in o.PlaybackAction),
    *((o.SessionEnded(reason), "session_ended") for reason in o.EndReason),
    (o.ResumeUpdate("token", 1_800_000_000.25, 12), "resume_update"),
]


@pytest.mark.parametrize(("message", "arm"), SAID, ids=[str(n) for n in range(len(SAID))])
def test_everything_that_is_said_has_its_arm(message: o.ConverseResponse, arm: str) -> None:
    response = wire_out.outbound(message, 8_000)
    assert response.WhichOneof("payload") == arm
    assert response.turn == getattr(message, "turn", 0)
    assert pb.ConverseResponse.FromString(response.SerializeToString()) == response


def test_nothing_that_is_said_is_forgotten() -> None:
    assert {type(message) for message, _ in SAID} == set(get_args(o.ConverseResponse))
    arms = {arm.name for arm in pb.ConverseResponse.DESCRIPTOR.oneofs_by_name["payload"].fields}
    assert {arm for _, arm in SAID} == arms


def test_no_enum_value_goes_out_unspecified() -> None:
    for message, arm in SAID:
        payload = getattr(wire_out.outbound(message, 16_000), arm)
        for field in payload.DESCRIPTOR.fields:
            if field.enum_type is not None:
                assert getattr(payload, field.name) != 0, (arm, field.name)


def test_positions_are_told_at_the_input_rate() -> None:
    words = (o.WordInfo("hi", 8_000, 12_000),)
    said = o.Transcript(1, 0, 1, "hi", True, 4_000, 16_000, words=words)
    for rate_hz, times in ((8_000, (2_000, 8_000, 4_000, 6_000)), (48_000, (12_000, 48_000, 24_000, 36_000))):
        told = wire_out.transcript(said, rate_hz)
        assert (told.start_samples, told.end_samples) == times[:2]
        assert (told.words[0].start_samples, told.words[0].end_samples) == times[2:]


def test_metrics_that_do_not_apply_are_left_out() -> None:
    told = wire_out.outbound(SAID[9][0], 16_000).turn_metrics
    assert told.voice_to_voice == Duration(nanos=500_000_000)
    assert not told.HasField("interrupt_stop")
    assert told.input_tokens == 3


@pytest.mark.parametrize("seconds", [0.0, 0.2, 1.0, 3600.0, 1e-6])
def test_durations_are_right_to_the_microsecond(seconds: float) -> None:
    duration = to_duration(seconds)
    assert duration.ToTimedelta().total_seconds() == seconds


# ---------------------------------------------------------------- enumerations


TABLES: list[tuple[Mapping[Any, int], Iterable[Any], Any, set[str]]] = [
    (enums.ENCODINGS, Encoding, pb.AudioEncoding, set()),
    (enums.ACTIVITY_KINDS, i.ActivityKind, pb.UserActivity.Kind, set()),
    (enums.PLAYBACK_STATES, i.PlaybackState, pb.PlaybackReport.State, set()),
    (enums.SPEECH_KINDS, o.SpeechKind, pb.SpeechEvent.Kind, set()),
    (enums.TURN_STATES, o.TurnPhase, pb.TurnEvent.State, set()),
    (enums.PLAYBACK_ACTIONS, o.PlaybackAction, pb.PlaybackControl.Action, set()),
    (enums.INTERRUPTIONS, Interruption, pb.TurnDetection.Interruption, set()),
    (enums.CANCEL_REASONS, set(CancelReason) - {CancelReason.DEADLINE}, pb.Interrupted.Reason, set()),
    (enums.END_REASONS, o.EndReason, pb.SessionEnded.Reason, set()),
    (enums.PROFILES, Profile, pb.TurnDetection.Profile, set()),
    (enums.SPECULATIONS, Speculation, pb.TurnDetection.Speculation, set()),
    (enums.STAGES, enums.STAGES, pb.Stage, set()),
    (enums.ROLES, set(Role) - {Role.SERVER}, pb.SessionMessage.Role, set()),
    (enums.HEARD, Heard, pb.SessionMessage.Heard, set()),
]
"""The table, all of ours, the proto's, and what of it is never sent yet."""


@pytest.mark.parametrize(("table", "ours", "theirs", "later"), TABLES)
def test_an_enumeration_has_every_value_of_the_contract_once(
    table: Mapping[Any, int], ours: Iterable[Any], theirs: Any, later: set[str]
) -> None:
    assert set(table) == set(ours)
    unspecified = {name for name, value in theirs.items() if value == 0}
    assert sorted(theirs.Name(value) for value in table.values()) == sorted(
        set(theirs.keys()) - unspecified - later
    )
    for one, value in table.items():
        assert enums.inverse(table)[value] == one


CONTRACT = (Path(__file__).parents[2] / "protos/voice/v1/voice.proto").read_text(encoding="utf-8")


def test_the_contract_lists_every_reason() -> None:
    assert [reason for reason in Reason if not re.search(rf"\b{reason}\b", CONTRACT)] == []


def test_the_contract_lists_what_an_update_may_name() -> None:
    listed = CONTRACT.split("// Which fields of `config` count:")[1].split("Empty:")[0]
    assert re.findall(r"`(\w+)`", listed) == list(UPDATABLE)


# ---------------------------------------------------------------- fields


@pytest.mark.parametrize("tag", ["en", "EN", "en-US", "de-Latn-AT"])
def test_languages_that_are_known(tag: str) -> None:
    assert fields.language(tag, "x", {"en", "de"}) == tag


@pytest.mark.parametrize("tag", ["", "e", "en_US", "en-", "-en", "fr", "en US", "en\n", "en-a", "en-a-tag"])
def test_languages_that_are_not(tag: str) -> None:
    with pytest.raises(BadField, match="BCP 47"):
        fields.language(tag, "x", {"en", "de"})


def test_a_long_value_is_not_shown_whole() -> None:
    with pytest.raises(BadField) as error:
        fields.one_of("x" * 10_000, "x", (), "nothing")
    assert len(str(error.value)) < 200
