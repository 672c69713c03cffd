"""Settings in, warm engines out: a chain a stage, one line a stage on the way, and the apology spoken.

All engines are loaded and run once before anybody is let in, and each stage says in one line who does it,
where, and who comes after. Fallbacks are warmed as well: one that has to load its model first would come too
late for the turn that it is to save. Whoever wants their memory back names the engines (`VOICE_LLM=gemini`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..core.audio import Samples
from ..core.conversation import Message, Role
from ..core.errors import EngineEmpty, EngineError, EngineTimeout
from ..core.errors import first as first_of
from ..fallback import LlmChain, Member, SttChain, TtsChain
from ..fallback.chain import FIRST_SECONDS
from ..net.addresses import is_url
from ..net.valkey_address import read_valkey_address
from ..ports import (
    Apology,
    Clause,
    Engine,
    Engines,
    Llm,
    Prompt,
    Speech,
    Store,
    TextEndOfTurn,
    Tts,
    UseLedger,
    Vad,
    VoiceChoice,
)
from ..process.redaction import Redaction
from ..settings import Settings
from ..settings.redaction import secrets_of
from ..store import MemoryStore, Retention, SqliteStore, ValkeyStore, ValkeyUse
from .cpu_plan import cpu_plan
from .echo import warm_echo
from .end_of_turn import acoustic_end, text_end, warmed_after, warmed_meanwhile
from .engine_registry import LLM, STT, TTS, chosen

APOLOGY = "Sorry, something went wrong. Please say that again."

WARM_SECONDS = 20.0
"""For an engine elsewhere, when another one stands by: a server may have to load its model first."""

ANY_VOICE = VoiceChoice()

Say = Callable[[str], None]
Members = Sequence[Member[Any]]


class WarmUp:
    """Which engines got warm, and how long each took."""

    def __init__(self) -> None:
        self._warm_ms: dict[int, float] = {}

    async def warm(self, stages: Mapping[str, Members], vad: Vad) -> None:
        """All side by side but an embedded language model, which comes last and alone: its threads wait for
        each other by spinning, and beside the others both take twice as long. Raises what the VAD raises;
        of the others who fails is left out."""
        alone = [member for member in stages["llm"] if member.engine.is_embedded]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._time(vad), name="warm-vad")
                for stage, members in stages.items():
                    for member in members:
                        if member not in alone:
                            task = self._warm(stage, member, is_alone=len(members) == 1)
                            tasks.create_task(task, name=f"warm-{member.engine.name}")
        except* EngineError as group:
            raise first_of(group) from None
        for member in alone:
            await self._warm("llm", member, is_alone=True)

    def tell(self, stages: Mapping[str, Members], vad: Vad, say: Say) -> None:
        """A line a stage, and one for each engine that is not there.

        Raises `EngineError` for a stage without any.
        """
        say(f"vad  {vad.name}  {vad.location}  warm in {self._warm_ms[id(vad)]:.0f} ms")
        for stage, members in stages.items():
            for member in members:
                if id(member.engine) not in self._warm_ms:
                    engine = member.engine
                    say(f"{stage}  {engine.name}  {engine.location}  NOT THERE: {_failure(member)}")
            warm = [member.engine for member in members if id(member.engine) in self._warm_ms]
            if warm:
                then = "".join(f", then {engine.name}" for engine in warm[1:])
                took = f"warm in {self._warm_ms[id(warm[0])]:.0f} ms"
                say(f"{stage}  {warm[0].name}  {warm[0].location}  {took}{then}")
        for stage, members in stages.items():
            if not any(id(member.engine) in self._warm_ms for member in members):
                raise _nobody(stage, members)

    async def _warm(self, stage: str, member: Member[Any], *, is_alone: bool) -> None:
        is_bounded = not is_alone and not member.engine.is_embedded
        try:
            async with asyncio.timeout(WARM_SECONDS if is_bounded else None) as limit:
                await self._time(member.engine)
        except EngineError as error:
            member.stayed_cold(error, is_told=True)
        except TimeoutError:
            if not limit.expired():
                raise
            late = EngineTimeout(stage, f"{member.engine.name} was not warm within {WARM_SECONDS:g} s")
            member.stayed_cold(late, is_told=True)

    async def _time(self, engine: Engine) -> None:
        now = asyncio.get_running_loop().time
        started = now()
        await engine.warm()
        self._warm_ms[id(engine)] = (now() - started) * 1000


def _failure(member: Member[Any]) -> str:
    """What it failed with, and what the operator should do."""
    advice = f" ({member.last.advice})" if member.last and member.last.advice else ""
    return f"{member.last}{advice}"


def _nobody(stage: str, members: Members) -> EngineError:
    if len(members) == 1:
        return EngineError(stage, f"{stage}: {_failure(members[0])}", retryable=False)
    failures = "; ".join(f"{member.engine.name}: {_failure(member)}" for member in members)
    return EngineError(stage, f"{stage}: no engine works: {failures}", retryable=False)


async def read_beginning(judge: TextEndOfTurn | None, instructions: str) -> None:
    """Who judges the words keeps what conversations begin with, for all of them. One that fails says so when
    it is asked."""
    if judge is not None:
        with suppress(EngineError):
            await judge.read_ahead(Prompt(instructions, (Message(Role.USER, "", 1),)))


HELLO, TOLD = "Hello.", "It was a long day."
"""How conversations begin."""


async def prime(chain: LlmChain, instructions: str) -> None:
    """Have the embedded models read what the first conversation will begin with: the instructions, and what
    they are shown beside them where they are told something, which may be more. Later conversations read it
    themselves as they begin.

    One that fails is left out. Raises its `EngineError` when there is no other.
    """
    for member in chain.members:
        if not member.engine.is_embedded or not member.is_ready:
            continue
        try:
            async with asyncio.TaskGroup() as tasks:
                for said in (HELLO, TOLD):
                    tasks.create_task(_read(member.engine, instructions, said), name="prime")
        except* EngineError as group:
            member.failed(first_of(group), for_good=True)
            if not any(other.is_ready for other in chain.members):
                raise first_of(group) from None


async def _read(llm: Llm, instructions: str, said: str) -> None:
    prompt = Prompt(instructions, (Message(Role.USER, said, 1),), max_tokens=1)
    async with aclosing(llm.stream(prompt)) as items:
        async for _ in items:
            pass


async def apology(tts: Tts) -> Apology:
    """Spoken now, so that it can be said when the voice itself fails."""
    samples, rate_hz = await render(tts, APOLOGY)
    return Apology(APOLOGY, samples, rate_hz)


async def render(tts: Tts, text: str, voice: VoiceChoice = ANY_VOICE) -> tuple[Samples, int]:
    """All the sound of one text, and its rate. Raises `EngineError`."""

    async def clauses() -> AsyncIterator[Clause]:
        yield Clause(0, text)

    async with aclosing(tts.speak(clauses(), voice)) as items:
        sounds = [item async for item in items if isinstance(item, Speech)]
    if not sounds:
        raise EngineEmpty("tts", f"{tts.name} gave no sound")
    rate_hz = sounds[-1].rate_hz
    return np.concatenate([sound.samples for sound in sounds if sound.rate_hz == rate_hz]), rate_hz


FIRST_SHARE = 0.4
"""Share of `turn_deadline` for the first output of an engine when another one stands by."""
RETRY_SHARE = 0.6
"""Share of `turn_deadline` within which an engine that failed is asked once more."""


async def build_engines(settings: Settings, say: Say, instructions: str | None = None) -> Engines:
    """Load and warm all of them; `say` gets one line a stage. `instructions`: of the persona that most
    conversations begin with; see `prime`.

    One that cannot be warmed is said and left out until it is due; a stage of which none is left ends
    the start. Raises `EngineError` and `BadField`; nothing is left behind then.
    """
    vad, stt, llm, tts = await asyncio.to_thread(_chains, settings)
    end = await asyncio.to_thread(acoustic_end, settings)
    stages: dict[str, Members] = {"stt": stt.members, "llm": llm.members, "tts": tts.members}
    for name in settings.placeholders:
        say(f"{name} still holds its placeholder: taken as not set")
    say("loading the models …")
    try:
        warm_end = await warmed_meanwhile(end, _warm(stages, vad, say), say)
        spoken = await apology(tts)
        words = await warmed_after(await asyncio.to_thread(text_end, settings, llm), say)
        if instructions is not None:
            await read_beginning(words, instructions)
            await prime(llm, instructions)
        plan = await asyncio.to_thread(cpu_plan, settings)
        return Engines(vad, stt, llm, tts, spoken, warm_end, words, await warm_echo(say), plan.is_crowded)
    except BaseException:
        await _close([vad, stt, llm, tts, end])
        raise


async def _warm(stages: Mapping[str, Members], vad: Vad, say: Say) -> None:
    warm_up = WarmUp()
    await warm_up.warm(stages, vad)
    warm_up.tell(stages, vad, say)


def _chains(settings: Settings) -> tuple[Vad, SttChain, LlmChain, TtsChain]:
    """Cold. Imports vendors' packages, and reads the disk."""
    from ..engines.silero import SileroVad

    redact = Redaction(secrets_of(settings))
    first = min(FIRST_SECONDS, FIRST_SHARE * settings.turn_deadline)
    retry = RETRY_SHARE * settings.turn_deadline
    return (
        SileroVad(threads=cpu_plan(settings).vad),
        SttChain(chosen("stt", STT, settings), first_seconds=first, retry_seconds=retry, redact=redact),
        LlmChain(chosen("llm", LLM, settings), first_seconds=first, retry_seconds=retry, redact=redact),
        TtsChain(chosen("tts", TTS, settings), first_seconds=first, retry_seconds=retry, redact=redact),
    )


async def open_store(settings: Settings) -> Store:
    """Raises `StoreError`."""
    where, retention = settings.store.get_secret_value(), Retention(settings.retention_days)
    if where == "memory":
        return MemoryStore(retention=retention)
    if is_url(where):
        return await ValkeyStore.open(read_valkey_address(where), retention)
    return await SqliteStore.open(Path(where) if where else None, retention=retention)


def use_ledger(store: Store) -> UseLedger | None:
    """Where the servers that share `store` count together; None: it is no such store."""
    return ValkeyUse(store.client) if isinstance(store, ValkeyStore) else None


async def close_engines(engines: Engines) -> None:
    stages = [engines.vad, engines.stt, engines.llm, engines.tts]
    await _close([*stages, engines.acoustic_end, engines.text_end, engines.echo])


async def _close(closing: Sequence[Engine | None]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for engine in filter(None, closing):
            tasks.create_task(engine.close(), name=f"close-{engine.name}")
