"""The composition root: engines, store and service behind one port; health, reflection, start and drain."""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack

import grpc.aio
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ..codec import opus
from ..core.admission import AdmissionControl
from ..core.errors import BadState, EngineError, VoiceError
from ..core.languages import primary
from ..core.quota import Accounts
from ..core.turn.settings import Speculation
from ..net.addresses import host_port, http_url
from ..net.forwarded import read_network
from ..net.json_web_token import jwt_verifier
from ..net.jwks import KeyUrl
from ..net.tls import tls_files, warn_of_plain_text
from ..net.token_file import token_file
from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import add_VoiceServiceServicer_to_server
from ..ports import Engines, Observer, Recorder, Store, Tts, members
from ..process.reloaded import kept_fresh
from ..process.signals import INTERRUPTED, Signals
from ..rpc.admin import AdminMethods
from ..rpc.auth import Authenticator
from ..rpc.callers import Callers
from ..rpc.health import HealthService
from ..rpc.load_report import LoadReport
from ..rpc.parking import ParkingRules
from ..rpc.returning import Returning
from ..rpc.service import ServiceContext, VoiceService
from ..rpc.sessions import SessionRegistry
from ..rpc.shared_quotas import SharedQuotas
from ..rpc.side_streams import SideStreams
from ..rpc.sound_pace import HeardStreams
from ..rpc.synthesize import SynthesizeMethod
from ..rpc.transcribe import TranscribeMethod
from ..rpc.unreadable import RequestReader
from ..session.context import Shared
from ..session.lines.lifetime import SessionLimits
from ..settings import Settings
from ..settings.command_line import COMMAND_LINE
from ..settings.environment import export_vendor_variables
from ..settings.personas import DEFAULT_ID, Persona, load_personas
from ..settings.redaction import log_without_secrets
from ..telemetry.start import telemetry
from ..telemetry.turn_log import TurnLog
from ..wire.catalog import Catalog
from .caller_limits import caller_limits, calls_at_once, calls_of_one_connection, connections
from .checks.config import OPTION, check_config
from .garbage import collected_seldom
from .recordings import recorder as recorder_of
from .resume_secret import resume_secret
from .startup import build_engines, close_engines, open_store, use_ledger
from .tls import server_credentials

log = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["VoiceService"].full_name
MAX_MESSAGE_BYTES = 262_144

OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 3),
    # A connection on which nobody calls is a descriptor that somebody else lacks. One that says nothing has
    # as long as at the gateway; a channel whose connection was closed makes another at its next call.
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 300_000),
    # Without these a writer gets 70 s of sound into the pipe before it waits.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 65_536),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16_384),
    # One process a port: two would share it in silence.
    ("grpc.so_reuseport", 0),
]

INTERRUPT_GRACE = 1.0
"""Seconds for open turns on Ctrl-C: whoever presses it wants the prompt back."""


def are_own(engines: Engines) -> bool:
    """Whether answers cost nothing but this machine's time: the model and the voice that are asked first."""
    return all(members(engine)[0].engine.is_embedded for engine in (engines.llm, engines.tts))


class Server:
    """`start`, then `make_ready` once the engines are warm, then `drain`."""

    def __init__(self, settings: Settings, observer: Observer | None = None) -> None:
        """`observer`: who looks on; None: the log alone."""
        self._settings = settings
        self._observer = observer or TurnLog(tells_words=settings.log_words)
        self.authenticator = Authenticator(token.get_secret_value() for token in settings.tokens)
        self._callers = Callers(self.authenticator, [read_network(text) for text in settings.proxies])
        self._service = VoiceService(self._callers, self._observer, settings.log_metadata)
        self._health = HealthService()
        self._side_streams = SideStreams(self._callers, f"/{SERVICE}/")
        self._grpc = grpc.aio.server(
            interceptors=[RequestReader(), self._side_streams],
            options=[
                *OPTIONS,
                ("grpc.max_concurrent_streams", calls_of_one_connection(settings)),
                ("grpc.max_allowed_incoming_connections", connections(settings)),
                ("grpc.enable_channelz", int(settings.channelz)),
            ],
            maximum_concurrent_rpcs=calls_at_once(settings),
            compression=None,
        )
        self._registry: SessionRegistry | None = None
        self._report: LoadReport | None = None
        self.port = 0

    async def start(self) -> None:
        """Answers from now on, with "not ready". Raises `BadState` when the port is taken, and `BadField` for
        certificates, tokens and their keys that cannot be used."""
        if (path := self._settings.token_file) is not None:
            option = COMMAND_LINE.option("token_file")
            self.authenticator.file = await asyncio.to_thread(token_file, path, option)
        jwt = await asyncio.to_thread(jwt_verifier, COMMAND_LINE.option, vars(self._settings))
        if jwt is not None and isinstance(jwt.source, KeyUrl):
            await jwt.source.refresh()
        self.authenticator.jwt = jwt
        credentials = await asyncio.to_thread(_credentials, self._settings)
        add_VoiceServiceServicer_to_server(self._service, self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        if self._settings.reflection:
            names = (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), self._grpc)
        if self._settings.channelz:
            channelz.add_channelz_servicer(self._grpc)
        address = host_port(self._settings.host, self._settings.port)
        try:
            if credentials is None:
                self.port = self._grpc.add_insecure_port(address)
            else:
                self.port = self._grpc.add_secure_port(address, credentials)
        except (RuntimeError, UnicodeError):
            accepted = "an address of this machine whose port is free"
            raise BadState("--host and --port", address, accepted) from None
        if credentials is None:
            warn_of_plain_text(self._settings.host, self.port)
        self._health.set("", is_serving=True)
        self._health.set(SERVICE, is_serving=False)
        await self._grpc.start()

    async def make_ready(
        self,
        engines: Engines,
        store: Store,
        personas: dict[str, Persona],
        recorder: Recorder | None = None,
    ) -> None:
        """Ready: serving from now on. Raises `BadState` for a persona that no voice can play."""
        await asyncio.to_thread(opus.library)
        settings = self._settings
        limits = SessionLimits(settings.idle_limit or None, settings.max_age or None, settings.drain_seconds)
        voices = {voice.id: voice for voice in await engines.tts.voices()}
        catalog = Catalog(
            personas,
            voices,
            engines.stt.languages,
            settings.turn_deadline,
            engines.llm.calls_tools,
            Speculation.TTS if are_own(engines) else Speculation.LLM,
        )
        await check_personas(catalog, engines.tts)
        accounts = self._callers.accounts = Accounts(*caller_limits(settings, engines))
        if (ledger := use_ledger(store)) is not None:
            counts_streams = settings.caller_streams > 0  # the default is a share of one server
            self._callers.quotas = SharedQuotas(ledger, accounts, counts_streams=counts_streams)
        admission = AdmissionControl(is_on=settings.admission == "load")
        shared = Shared(engines, limits, observer=self._observer, recorder=recorder)
        returning = Returning(await asyncio.to_thread(resume_secret, settings), settings.resume_window)
        parking = ParkingRules(returning.tokens, settings.max_parked or settings.max_sessions)
        self._registry = SessionRegistry(shared, store, settings.max_sessions, admission, parking)
        self._service.ready = ServiceContext(
            self._registry,
            HeardStreams(),
            catalog,
            AdminMethods(engines, catalog, self._registry, limits, MAX_MESSAGE_BYTES),
            TranscribeMethod(engines, catalog),
            SynthesizeMethod(engines, catalog),
            returning,
        )
        self._registry.load.start()
        self._report = LoadReport(self._registry, self._observer)
        self._report.start()
        self._health.set(SERVICE, is_serving=True)

    @property
    def quotas(self) -> SharedQuotas | None:
        """What it counts together with others, once it is ready; None: nothing."""
        return self._callers.quotas

    async def drain(self, grace: float) -> None:
        """NOT_SERVING, which ends who watches; GoAway on every stream, and the end within `grace` seconds."""
        self._health.end()
        self._side_streams.end()
        if self._registry is not None:
            self._registry.drain(grace)
            await self._registry.wait_empty(grace)
        await self.stop()

    async def stop(self) -> None:
        """At once. Conversations are left in the store."""
        if self._registry is not None:
            self._registry.load.stop()
        if self._report is not None:
            self._report.stop()
        await self._grpc.stop(0.2)
        if self._registry is not None:
            await self._registry.conversations.close()


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """None: it is to serve plain text. Raises `BadField`."""
    given = (settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    files = tls_files(COMMAND_LINE.option, *given)
    return server_credentials(files) if files is not None else None


async def check_personas(catalog: Catalog, tts: Tts) -> None:
    """A persona's voice is one that an engine has, and its language one that some voice speaks.

    Nothing is refused while an engine cannot list its voices: what seems missing may be one of them.
    Raises `BadState` for the first persona that is wrong.
    """
    for persona in catalog.personas.values():
        place = f"personas: persona.{persona.id}"
        wrong = None
        if persona.voice and persona.voice not in catalog.voices:
            wrong = BadState(f"{place}.voice", persona.voice, catalog.listed_voices)
        elif persona.language and primary(persona.language) not in catalog.spoken:
            spoken = f"a BCP 47 tag of a language that a voice speaks: {', '.join(sorted(catalog.spoken))}"
            wrong = BadState(f"{place}.language", persona.language, spoken)
        if wrong is not None and await _lists_all_voices(tts):
            raise wrong


async def _lists_all_voices(tts: Tts) -> bool:
    """False while an engine behind it cannot say which voices it has, or is not loaded and names none."""
    try:
        return all([await member.engine.voices() for member in members(tts)])
    except EngineError:
        return False


async def serve(settings: Settings) -> None:
    """Until a signal: SIGTERM drains, SIGINT drains briefly. Raises `VoiceError` when it cannot begin."""
    signals = Signals()
    personas = load_personas(settings.personas)
    async with AsyncExitStack() as closing:
        seen = telemetry(settings.host, settings.metrics_port, tells_words=settings.log_words)
        watching = await closing.enter_async_context(seen)
        if watching.metrics_port is not None:
            _say(f"metrics on {http_url(settings.host, watching.metrics_port)}/metrics")
        server = Server(settings, watching.observer)
        closing.push_async_callback(server.stop)
        await server.start()
        await closing.enter_async_context(kept_fresh(server.authenticator.file))
        if (jwt := server.authenticator.jwt) is not None:
            await closing.enter_async_context(jwt.source.kept())
        store = await open_store(settings)
        closing.push_async_callback(store.close)
        recorder = await asyncio.to_thread(recorder_of, settings)
        if recorder is not None:
            await closing.enter_async_context(recorder.running())
        starting = build_engines(settings, _say, personas[DEFAULT_ID].instructions)
        engines = await signals.leaving_meanwhile(starting)
        closing.push_async_callback(close_engines, engines)
        await server.make_ready(engines, store, personas, recorder)
        if (quotas := server.quotas) is not None:
            await closing.enter_async_context(quotas.running())
        await closing.enter_async_context(collected_seldom())
        scheme = "https://" if settings.tls_cert else ""  # what a client is to be told
        _say(f"listening on {scheme}{host_port(settings.host, server.port)}")
        is_interrupt = await signals.next() is signal.SIGINT
        log.info("stopping: no new conversations, open ones finish")
        await server.drain(INTERRUPT_GRACE if is_interrupt else settings.drain_seconds)


def command(argv: list[str]) -> int:
    """`voice-grpc serve`."""
    if "-h" in argv or "--help" in argv:
        _say(COMMAND_LINE.help_text())
        return 0
    if OPTION in argv:
        return check_config(argv)
    try:
        settings = COMMAND_LINE.parse(argv)
        export_vendor_variables()
        log_without_secrets(settings.log_level, settings)
        asyncio.run(serve(settings))
    except KeyboardInterrupt:
        return INTERRUPTED  # before the signal handlers were there
    except VoiceError as error:
        return _fail(str(error))
    return 0


def _fail(text: str) -> int:
    print(f"voice-grpc serve: {text}", file=sys.stderr)  # noqa: T201 - one line for the person at the terminal
    return 2


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress for the person, and the address for programs
