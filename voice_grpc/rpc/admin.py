"""The unary methods: what this server is and has, and the conversations it keeps."""

import asyncio
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from .. import __version__
from ..core.config import MAX_AUDIO_BYTES, MAX_TEXT, RATES_HZ
from ..core.conversation import Message, Role
from ..core.errors import BadField
from ..core.quota import Account
from ..pb import voice_pb2 as pb
from ..ports import Engine, Engines, SavedSession, Voice, members
from ..session.clock import loop_now
from ..session.lines.lifetime import SessionLimits
from ..wire.audio_format import available_encodings
from ..wire.catalog import Catalog
from ..wire.enums import HEARD, ROLES
from ..wire.fields import to_duration
from ..wire.tools import to_struct
from .auth import Scope
from .callers import Caller
from .sessions import SessionRegistry

MAX_PAGE, DEFAULT_PAGE = 200, 50

FEATURES = (
    "barge_in",
    "config_update",
    "pause_resume",
    "persistent_sessions",
    "playback_reports",
    "push_to_talk",
    "resume",
    "say",
    "text",
    "transcribe",
    "synthesize",
)


@dataclass(frozen=True, slots=True)
class AdminMethods:
    """Every method takes the caller first."""

    engines: Engines
    catalog: Catalog
    registry: SessionRegistry
    limits: SessionLimits
    max_message_bytes: int

    async def server_info(self, caller: Caller) -> pb.GetServerInfoResponse:
        engines = self.engines
        stages: tuple[tuple[pb.Stage, Engine], ...] = (
            *((pb.STAGE_VAD, engines.vad), (pb.STAGE_STT, engines.stt)),
            *((pb.STAGE_LLM, engines.llm), (pb.STAGE_TTS, engines.tts)),
        )
        limits = pb.ServerLimits(
            max_message_bytes=self.max_message_bytes,
            max_audio_bytes=MAX_AUDIO_BYTES,
            max_text_characters=MAX_TEXT,
            max_sessions=self.registry.max_sessions,
            turn_deadline=to_duration(self.catalog.turn_deadline),
        )
        if self.limits.idle is not None:
            limits.idle_limit.CopyFrom(to_duration(self.limits.idle))
        if self.limits.max_age is not None:
            limits.max_session_age.CopyFrom(to_duration(self.limits.max_age))
        return pb.GetServerInfoResponse(
            version=__version__,
            engines=[info for stage, engine in stages for info in _infos(stage, engine)],
            input_encodings=available_encodings(),
            output_encodings=available_encodings(),
            sample_rates_hz=RATES_HZ,
            languages=sorted(self.catalog.languages),
            limits=limits,
            features=[*FEATURES, "tools"] if self.engines.llm.calls_tools else FEATURES,
            use=_server_use(self.registry),
            caller=_caller_use(caller.account),
        )

    async def voices(self, caller: Caller, request: pb.ListVoicesRequest) -> pb.ListVoicesResponse:
        prefix = f"{request.language_code}-".lower() if request.language_code else ""
        known = sorted(self.catalog.voices.items())
        voices = (voice for _, voice in known if f"{voice.language}-".lower().startswith(prefix))
        return pb.ListVoicesResponse(voices=[_voice(voice) for voice in voices])

    async def personas(self, caller: Caller) -> pb.ListPersonasResponse:
        return pb.ListPersonasResponse(
            personas=[
                pb.Persona(
                    persona_id=id,
                    name=persona.name,
                    description=persona.description,
                    language_code=persona.language,
                    voice_id=persona.voice,
                )
                for id, persona in sorted(self.catalog.personas.items())
            ]
        )

    async def session(self, caller: Caller, request: pb.GetSessionRequest) -> pb.GetSessionResponse:
        saved = await self.registry.saved(_required(request.session_id), caller.principal.sees)
        return pb.GetSessionResponse(session=self._session(saved))

    async def sessions(self, caller: Caller, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        size = request.page_size or DEFAULT_PAGE
        if size > MAX_PAGE:
            raise BadField("page_size", size, f"1 to {MAX_PAGE}")
        owner = request.owner if request.HasField("owner") else caller.principal.sees
        if owner != caller.owner:
            caller.principal.check(Scope.ADMIN)
        found = await self.registry.store.sessions(owner, size + 1, _place(request.page_token))
        token = _page_token(found[size - 1]) if len(found) > size else ""
        sessions = [self._session(saved) for saved in found[:size]]
        return pb.ListSessionsResponse(sessions=sessions, next_page_token=token)

    async def delete(self, caller: Caller, request: pb.DeleteSessionRequest) -> pb.DeleteSessionResponse:
        await self.registry.delete(_required(request.session_id), caller.principal.sees)
        return pb.DeleteSessionResponse()

    def _session(self, saved: SavedSession) -> pb.Session:
        return pb.Session(
            session_id=saved.id,
            create_time=_timestamp(saved.created_at),
            update_time=_timestamp(saved.updated_at),
            persona_id=saved.persona,
            last_turn=saved.last_turn,
            messages=[_message(message) for message in saved.messages],
            is_live=self.registry.is_live(saved.id),
            owner=saved.owner,
        )


def _server_use(registry: SessionRegistry) -> pb.ServerUse:
    delays = registry.admission.delays(loop_now())
    return pb.ServerUse(
        open_sessions=registry.open_sessions,
        open_streams=registry.open_streams,
        takes_more=registry.has_room,
        delays=[
            pb.LoadDelay(name=each.delay, now=to_duration(each.now), limit=to_duration(each.limit))
            for each in delays
        ],
    )


def _caller_use(account: Account) -> pb.CallerUse:
    uses = account.uses(asyncio.get_running_loop().time())
    limits = [
        pb.LimitUse(
            name=use.name,
            limit=use.limit,
            used=use.used,
            free_after=to_duration(use.wait) if use.wait else None,
        )
        for use in uses
    ]
    return pb.CallerUse(caller=account.name, limits=limits, sound_rate=account.limits.sound_rate)


def _infos(stage: "pb.Stage", engine: Engine) -> list[pb.EngineInfo]:
    """All that do the work of a stage, in the order they are tried."""
    return [
        pb.EngineInfo(
            stage=stage, name=member.engine.name, location=member.engine.location, ready=member.is_ready
        )
        for member in members(engine)
    ]


def _required(session_id: str) -> str:
    if not session_id:
        raise BadField("session_id", session_id, "the id of a session, as SessionStarted gave it")
    return session_id


AFTER_ALL_IDS = "~"
"""Sorts behind every id that a session can have (`wire/config.py`, SESSION_ID)."""


def _page_token(last: SavedSession) -> str:
    return f"{last.updated_at!r} {last.id}"


def _place(token: str) -> tuple[float, str] | None:
    """The session that the page before ended with. A token of earlier versions is its time alone."""
    if not token:
        return None
    time, _, id = token.partition(" ")
    try:
        updated_at = float(time)
    except ValueError:
        updated_at = 0.0
    if not 0.0 < updated_at < float("inf"):
        raise BadField("page_token", token, "next_page_token of the response before")
    return updated_at, id or AFTER_ALL_IDS


def _voice(voice: Voice) -> pb.Voice:
    return pb.Voice(
        voice_id=voice.id,
        language_code=voice.language,
        engine=voice.engine,
        description=voice.description,
        native_sample_rate_hz=voice.sample_rate_hz,
        renders_ssml=voice.renders_ssml,
    )


def _message(message: Message) -> pb.SessionMessage:
    return pb.SessionMessage(
        role=ROLES[Role.ASSISTANT if message.role is Role.SERVER else message.role],
        text=message.text,
        turn=message.turn,
        heard=HEARD[message.heard],
        tool_uses=[
            pb.ToolUse(
                call_id=use.id,
                name=use.name,
                arguments=to_struct(use.arguments),
                result=to_struct(use.result),
            )
            for use in message.uses
        ],
    )


def _timestamp(unix_seconds: float) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromMicroseconds(round(unix_seconds * 1e6))
    return timestamp
