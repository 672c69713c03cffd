"""The cloud configuration without a cloud: our adapters for a Whisper server, Gemini and Google Cloud TTS,
against the fakes of this checkout, which take as long as users of these services measured.

Fakes, server and load are a process each.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ..client import connect
from ..pb import voice_pb2 as pb
from .cloud_oracle import ANSWER, QUESTIONS, MeasuredTurn, chunks_to_first_clause, drawn, turns
from .load import UserNotes, converse
from .overhead import MAX_LATENESS
from .servers import NotStarted, started

CYCLE_SECONDS = 4.8
"""A question and its answer, of the slowest draws too; a multiple of 160 ms (`load.py`)."""
BETWEEN_SECONDS = 0.008
"""Two tokens of a Flash model, at some 125 a second."""
LLM_PROFILES = ("llm-gemini-3.5-flash-lite", "llm-gemini-2.5-flash")
STT_PROFILES = ("stt-deepgram", "stt-google")

_ROOT = Path(__file__).resolve().parents[2]
_KEY = "fake-gemini-key"
_FOREIGN = ("VOICE_", "WHISPER_", "GEMINI_", "GOOGLE_", "OPENAI_")
"""Variables of whoever runs this that would change what is measured; proxies as well."""
_QUOTA = str(10**6)


class NoCheckout(Exception):
    """The fakes are part of the tests, and not of what is installed."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """Names of rows of the table in `tests/fakes/latency.py`."""

    stt: str = STT_PROFILES[0]
    llm: str = LLM_PROFILES[0]
    tts: str = "tts-cartesia"
    """The 0.2 s that users of streaming Chirp 3 HD voices report."""


@dataclass(frozen=True, slots=True)
class CloudResult:
    profiles: Profiles
    sessions: int
    turns: list[MeasuredTurn]
    lateness_p99: float
    """How late the generator of the load was, in seconds."""


@contextmanager
def _cloud(profiles: Profiles, folder: Path) -> Iterator[str]:
    """The server's port; the journals of the fakes are in `folder`."""
    if not (_ROOT / "tests" / "fakes" / "gemini.py").is_file():
        raise NoCheckout(f"no tests/fakes in {_ROOT}: the cloud part runs in a checkout of the project alone")

    def flags(stage: str, profile: str) -> list[str]:
        return ["--profile", profile, "--seed", "1", "--journal", str(folder / stage)]

    between = ("--between", str(1000 * BETWEEN_SECONDS))
    voice = ("--chirp3-a-minute", _QUOTA, "--streams-at-once", _QUOTA)
    with ExitStack() as stack:

        def address(module: str, *flags: str, env: dict[str, str] | None = None) -> str:
            try:
                return stack.enter_context(started(module, *flags, env=env, directory=_ROOT))[0]
            except NotStarted as error:
                raise NoCheckout(f"{error}, and install the project with [dev]") from error

        whisper, gemini, google = (
            address(f"tests.fakes.{name}", *given)
            for name, given in (
                ("whisper_http", [*flags("stt", profiles.stt), "--hear", "|".join(QUESTIONS)]),
                ("gemini", [*flags("llm", profiles.llm), "--text", ANSWER, "--key", _KEY, *between]),
                ("google_tts", [*flags("tts", profiles.tts), *voice]),
            )
        )
        env = _own_variables() | {
            "WHISPER_SERVER_URL": whisper,
            "GEMINI_API_KEY": _KEY,
            "GOOGLE_GEMINI_BASE_URL": gemini,
            "GEMINI_MODEL": profiles.llm.removeprefix("llm-"),
            "GOOGLE_TTS_ENDPOINT": google,
            "VOICE_STT": "server",
            "VOICE_LLM": "gemini",
            "VOICE_TTS": "google",
        }
        yield address("voice_grpc.bench.servers", "cloud", env=env)


def _own_variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and not name.lower().endswith("_proxy")
    }


async def measure(sessions: int, seconds: float, profiles: Profiles = Profiles()) -> CloudResult:  # noqa: B008 - frozen
    """Raises `NoCheckout`."""
    with tempfile.TemporaryDirectory() as folder:
        journals = [Path(folder) / stage for stage in ("stt", "llm", "tts")]
        with _cloud(profiles, Path(folder)) as port:
            notes = await _load(f"127.0.0.1:{port}", sessions, seconds)
        draws = drawn(*(journal.read_text().splitlines() for journal in journals))
    clause_seconds = chunks_to_first_clause(ANSWER.replace("{asked}", QUESTIONS[0])) * BETWEEN_SECONDS
    found = chain.from_iterable(turns(user, draws, CYCLE_SECONDS, clause_seconds) for user in notes)
    lateness = np.concatenate([user.lateness for user in notes])
    return CloudResult(profiles, sessions, list(found), float(np.percentile(lateness, 99)))


async def _load(target: str, sessions: int, seconds: float) -> list[UserNotes]:
    channel = connect(target)
    config = pb.SessionConfig()
    config.capabilities.echo_cancellation = True  # each asks in words of the answer before
    try:
        async with asyncio.TaskGroup() as tasks:
            users = [
                tasks.create_task(
                    converse(channel, seconds, n, CYCLE_SECONDS, config=config), name=f"user-{n}"
                )
                for n in range(sessions)
            ]
    finally:
        await channel.close()
    return [user.result() for user in users]


HEADER = (
    "| stage | measured P50 ms | P95 | profile P50 | P95 | ours P50 | P95 | P99 |\n"
    "|---|---|---|---|---|---|---|---|"
)

_STAGES = {
    "end_of_turn": "end of turn",
    "stt": "STT final",
    "llm": "LLM first token",
    "tts": "TTS first audible",
    "at_server": "voice-to-voice, at the server",
}


def report(result: CloudResult) -> str:
    answered = [turn for turn in result.turns if turn.oracle is not None]
    lost = len(result.turns) - len(answered)
    late = "" if result.lateness_p99 <= MAX_LATENESS else " (generator late: not to be quoted)"
    profiles = f"{result.profiles.stt}, {result.profiles.llm}, {result.profiles.tts}"
    title = (
        f"{profiles}: {result.sessions} sessions, {len(result.turns)} turns, {lost} unanswered, "
        f"generator late P99 {1000 * result.lateness_p99:.1f} ms{late}"
    )
    rows = [
        _row(name, _of(answered, stage, is_oracle=False), _of(answered, stage, is_oracle=True))
        for stage, name in _STAGES.items()
    ]
    measured = np.array([turn.measured.voice_to_voice for turn in result.turns])
    overhead = np.array([turn.overhead for turn in result.turns])
    wanted = _of(answered, "voice_to_voice", is_oracle=True)
    rows.append(_row("**voice-to-voice**, at the user", measured, wanted, overhead))
    return "\n".join([title, "", HEADER, *rows])


def _of(answered: list[MeasuredTurn], stage: str, *, is_oracle: bool) -> np.ndarray:
    return np.array([getattr(turn.oracle if is_oracle else turn.measured, stage) for turn in answered])


def _row(name: str, measured: np.ndarray, drawn: np.ndarray, ours: np.ndarray | None = None) -> str:
    over = measured - drawn if ours is None else ours
    cells = [
        *_percentiles(measured, (50, 95), places=0),
        *_percentiles(drawn, (50, 95), places=0),
        *_percentiles(over, (50, 95, 99), places=1),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _percentiles(seconds: np.ndarray, percents: tuple[int, ...], *, places: int) -> list[str]:
    """Milliseconds as text; what is not known is left out."""
    known = seconds[~np.isnan(seconds)]
    if not len(known):
        return ["–"] * len(percents)
    return [f"{1000 * value:.{places}f}" for value in np.percentile(known, percents)]
