"""The Whisper servers with sockets, as subjects of the conformance suite: each protocol with its fake."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

from tests.engines.conformance import Rig, Subject, unhurried
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_live import FakeWhisperLive
from tests.fakes.whisper_realtime import FakeRealtime
from tests.fakes.wyoming import FakeWyoming
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.realtime import RealtimeStt
from voice_grpc.engines.whisper_remote.whisper_live import WhisperLiveStt
from voice_grpc.engines.whisper_remote.wyoming import WyomingStt
from voice_grpc.ports import Stt

KEY = "key-of-the-conformance-suite"

Fake: TypeAlias = FakeWhisperLive | FakeRealtime | FakeWyoming


@asynccontextmanager
async def _open(
    make_fake: Callable[[Script], Fake], make_engine: Callable[..., Stt], trouble: Trouble
) -> AsyncIterator[Rig[Stt]]:
    far = Script()
    async with make_fake(far) as fake:
        waits = unhurried()
        engine = make_engine(parse_address(fake.url, KEY), timeouts=waits)
        try:
            await engine.warm()
            far.always = trouble
            far.calls.clear()
            yield Rig(engine, far, waits=waits)
        finally:
            await engine.close()


def _subject(
    name: str,
    make_fake: Callable[[Script], Fake],
    make_engine: Callable[..., Stt],
    without: frozenset[Trouble] = frozenset(),
) -> Subject[Stt]:
    troubles = frozenset(Trouble) - without - {Trouble.BLOCKED}
    return Subject(name, partial(_open, make_fake, make_engine), troubles)


def _live(far: Script) -> Fake:
    return FakeWhisperLive(far, token=KEY, max_clients=64)


def _realtime(dialect: str, far: Script) -> Fake:
    return FakeRealtime(far, dialect=dialect, token=KEY)


def _wyoming(streams: bool, far: Script) -> Fake:
    return FakeWyoming(far, streams=streams)


UNKNOWN_TO_WYOMING = frozenset({Trouble.DENIED, Trouble.QUOTA})
"""It has no credentials and no limits."""

SUBJECTS: list[Subject[Stt]] = [
    _subject("whisperlive", _live, WhisperLiveStt),
    *(
        _subject(f"realtime-{dialect}", partial(_realtime, dialect), RealtimeStt)
        for dialect in ("vllm", "speaches", "openai")
    ),
    *(
        _subject(
            "wyoming-streams" if streams else "wyoming",
            partial(_wyoming, streams),
            WyomingStt,
            UNKNOWN_TO_WYOMING,
        )
        for streams in (False, True)
    ),
]
