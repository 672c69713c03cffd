"""The Whisper servers with sockets, as subjects of the conformance suite: each protocol with its fake."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

from tests.engines.conformance import DEADLINE, Rig, Subject
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_live import FakeWhisperLive
from tests.fakes.whisper_realtime import FakeRealtime
from tests.fakes.wyoming import FakeWyoming
from voice_grpc.engines.patience import Patience
from voice_grpc.engines.whisper_address import Address, parse_address
from voice_grpc.engines.whisper_live import WhisperLiveStt
from voice_grpc.engines.whisper_realtime import RealtimeStt
from voice_grpc.engines.whisper_wyoming import WyomingStt
from voice_grpc.ports import Stt

PATIENCE = Patience(connect=DEADLINE, first=DEADLINE, between=DEADLINE)
KEY = "key-of-the-conformance-suite"

Fake: TypeAlias = FakeWhisperLive | FakeRealtime | FakeWyoming


@asynccontextmanager
async def _open(
    make_fake: Callable[[Script], Fake], make_engine: Callable[[Address], Stt], trouble: Trouble
) -> AsyncIterator[Rig[Stt]]:
    far = Script()
    async with make_fake(far) as fake:
        engine = make_engine(parse_address(fake.url, KEY))
        try:
            await engine.warm()
            far.always = trouble
            far.calls.clear()
            yield Rig(engine, far)
        finally:
            await engine.close()


def _subject(
    name: str,
    make_fake: Callable[[Script], Fake],
    make_engine: Callable[[Address], Stt],
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
    _subject("whisperlive", _live, partial(WhisperLiveStt, patience=PATIENCE)),
    *(
        _subject(f"realtime-{dialect}", partial(_realtime, dialect), partial(RealtimeStt, patience=PATIENCE))
        for dialect in ("vllm", "speaches", "openai")
    ),
    *(
        _subject(
            "wyoming-streams" if streams else "wyoming",
            partial(_wyoming, streams),
            partial(WyomingStt, patience=PATIENCE),
            UNKNOWN_TO_WYOMING,
        )
        for streams in (False, True)
    ),
]
