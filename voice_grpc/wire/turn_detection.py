"""TurnDetection on the wire ⇄ the settings of a turn and of its end points: every field checked, every
default filled in, and told back whole."""

from dataclasses import replace

from ..core.config import SessionConfig
from ..core.errors import BadField
from ..core.turn.endpointing import EndpointSettings
from ..core.turn.interruption import Interruption
from ..core.turn.patience import LONGEST, SHORTEST, Profile
from ..core.turn.settings import Speculation, TurnSettings
from ..pb import voice_pb2 as pb
from . import fields
from .enums import INTERRUPTIONS, PROFILES, SPECULATIONS, inverse
from .fields import to_duration

HOUR = 3600.0
PROBABLE = (0.05, 0.95)
"""What a threshold of the detector may be."""


def turn_detection(
    config: SessionConfig,
    given: pb.TurnDetection,
    speculation: Speculation = Speculation.STT,
    profile: Profile = Profile.CONVERSATION,
) -> SessionConfig:
    """`speculation` and `profile`: where the caller asks for none. Raises `BadField`."""
    path = "config.turn_detection"
    default, turns = EndpointSettings(), TurnSettings()
    hold, least, most = (_held(given, name) for name in ("hold", "min_hold", "max_hold"))
    if least is not None and most is not None and most < least:
        raise BadField(f"{path}.max_hold", f"{most:g} s", f"no less than min_hold, {least:g} s")
    idle = fields.duration(given, "idle_timeout", path, (1.0, HOUR), 0.0)
    return replace(
        config,
        is_manual=given.mode == pb.TurnDetection.MODE_MANUAL,
        endpoint=EndpointSettings(
            threshold=fields.number(given, "threshold", path, PROBABLE, default.threshold),
            threshold_thinking=_threshold(given, "threshold_thinking"),
            threshold_speaking=_threshold(given, "threshold_speaking"),
            min_speech=fields.duration(given, "min_speech", path, (0.03, 1.0), default.min_speech),
        ),
        turns=replace(
            config.turns,
            hold=hold,
            profile=inverse(PROFILES).get(given.profile, profile),
            min_hold=least,
            max_hold=most,
            speculation=inverse(SPECULATIONS).get(given.speculation, speculation),
            speculation_tries=int(fields.number(given, "speculation_tries", path, (0, 10), 3)),
            turn_limit=fields.duration(given, "turn_limit", path, (5.0, 600.0), turns.turn_limit),
            interrupt_after=fields.duration(
                given, "interrupt_after", path, (0.06, 3.0), turns.interrupt_after
            ),
            interruption=inverse(INTERRUPTIONS).get(given.interruption, Interruption.YIELD),
            min_words=int(fields.number(given, "min_words", path, (1, 10), turns.min_words)),
            duck=given.duck if given.HasField("duck") else True,
            near_field_only=given.near_field_only if given.HasField("near_field_only") else True,
        ),
        prefix_padding=fields.duration(given, "prefix_padding", path, (0.0, 1.0), 0.3),
        idle_timeout=idle or None,
    )


def _threshold(given: pb.TurnDetection, name: str) -> float | None:
    """None: the one that holds otherwise."""
    if not given.HasField(name):
        return None
    return fields.number(given, name, "config.turn_detection", PROBABLE, 0.0)


def _held(given: pb.TurnDetection, name: str) -> float | None:
    """None: the caller leaves it to the server."""
    if not given.HasField(name):
        return None
    return fields.duration(given, name, "config.turn_detection", (SHORTEST, LONGEST), 0.0)


def turn_detection_message(config: SessionConfig) -> pb.TurnDetection:
    """What of `config` it says."""
    turns, endpoint = config.turns, config.endpoint
    message = pb.TurnDetection(
        mode=pb.TurnDetection.MODE_MANUAL if config.is_manual else pb.TurnDetection.MODE_SERVER_VAD,
        interruption=INTERRUPTIONS[turns.interruption],
        min_words=turns.min_words,
        threshold=endpoint.threshold,
        threshold_thinking=endpoint.threshold_thinking,
        threshold_speaking=endpoint.threshold_speaking,
        min_speech=to_duration(endpoint.min_speech),
        profile=PROFILES[turns.profile],
        speculation=SPECULATIONS[turns.speculation],
        speculation_tries=turns.speculation_tries,
        turn_limit=to_duration(turns.turn_limit),
        interrupt_after=to_duration(turns.interrupt_after),
        prefix_padding=to_duration(config.prefix_padding),
        duck=turns.duck,
        near_field_only=turns.near_field_only,
    )
    for name in ("hold", "min_hold", "max_hold"):
        if (seconds := getattr(turns, name)) is not None:
            getattr(message, name).CopyFrom(to_duration(seconds))
    if config.idle_timeout is not None:
        message.idle_timeout.CopyFrom(to_duration(config.idle_timeout))
    return message
