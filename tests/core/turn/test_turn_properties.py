"""What must be true of the turn machine whatever happens: `world.py` carries its commands out and looks.

A run is a string of bytes, two for each step: what happens, and how much time passes before.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from math import nan

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.audio import WINDOW, sample_count, seconds
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import Speculation, TurnSettings
from voice_grpc.core.turn.state import TIMER_SLACK, State
from voice_grpc.core.turn.taker import TurnTaker

from .world import ANSWERING, TIMED, UNFINISHED, Ledger, World

IS_THOROUGH = "1" in (os.environ.get("REQUIRE_ALL"), os.environ.get("CI")) or os.environ.get("CI") == "true"
STEPS = 100
"""Of a run, at least; each is one event or more."""
RUNS = 1_100 if IS_THOROUGH else 120
"""Hypothesis tries so many."""
EVENTS = 100_000 if IS_THOROUGH else 10_000

BYTES = st.binary(min_size=2 * STEPS + 1, max_size=6 * STEPS)
EXPLORE = settings(
    max_examples=RUNS, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


MODES = tuple(Interruption)


def settings_of(byte: int) -> TurnSettings:
    return TurnSettings(
        hold=None if byte & 16 else 0.5,
        interruption=MODES[byte & 1 | byte >> 6 & 2],
        speculation=Speculation(byte >> 2 & 3),
        speculation_tries=byte >> 5 & 3,
        duck=byte & 2 == 0,
    )


# ---------------------------------------------------------------- what can happen


def nothing(world: World) -> None:
    """Time passes."""


def speak(world: World) -> None:
    if world.is_speaking:
        return
    world.is_speaking, world.faded = True, None
    world.utter()
    world.receive(started(world.now))


def go_on(world: World) -> None:
    """Another word without a silence before it; once the button was given up it is said to nobody."""
    if world.is_speaking and not world.is_awaiting:
        world.faded = None
        world.utter()


def fade(world: World) -> None:
    if world.is_speaking and world.faded is None:
        world.faded = world.faded_last = max(sample_count(world.now), world.faded_last + WINDOW)
        world.receive(e.SpeechFaded(world.faded))


def fall_silent(world: World) -> None:
    """Where the voice faded, if it did."""
    if world.is_speaking:
        world.is_speaking = False
        event = ended(world.now)
        position = max(event.position, world.faded_last + WINDOW) if world.faded is None else world.faded
        silence = max(0.0, world.now - seconds(position))
        world.receive(replace(event, position=position, silence=silence))


def spelled(words: list[str], now: float) -> str:
    """Recognisers differ in what is no word."""
    text = " ".join(words)
    return f"{text.capitalize()}." if text and int(now * 64) % 2 else text


def hear_interim(world: World) -> None:
    if world.sound:
        world.receive(e.InterimHeard(spelled(world.sound, world.now), sample_count(world.now)))


def score_words(probability: float | None) -> Callable[[World], None]:
    def score(world: World) -> None:
        asked = world.scoring.pop("words", None)
        if isinstance(asked, c.ScoreWords):
            world.receive(e.WordsScored(asked.text, probability))

    return score


def score_sound(probability: float | None) -> Callable[[World], None]:
    def score(world: World) -> None:
        asked = world.scoring.pop("sound", None)
        if isinstance(asked, c.ScoreSound):
            world.receive(e.SoundScored(asked.revision, probability))

    return score


def reach_limit(world: World) -> None:
    if world.sound:
        world.receive(e.TurnLimitReached())


def transcribe_part(world: World, *, failed: bool = False) -> None:
    if world.parts:
        words, _ = world.parts[0]
        world.receive(e.PartTranscribed("" if failed else spelled(words, world.now)))
    elif world.dead_parts:
        world.dead_parts -= 1
        unchanged(world, e.PartTranscribed("dead"))


def fail_part(world: World) -> None:
    transcribe_part(world, failed=True)


def refuse(world: World) -> None:
    unchanged(world, e.SpeculationRefused())


def transcribe(world: World, *, newest: bool = True, failed: bool = False) -> None:
    if world.asked:
        revision = max(world.asked) if newest else min(world.asked)
        words = world.asked.pop(revision)
        world.receive(e.Transcribed(revision, "" if failed else spelled(words, world.now), failed))


def fail(world: World) -> None:
    transcribe(world, failed=True)


def transcribe_late(world: World) -> None:
    transcribe(world, newest=False)


def hear_echo(world: World) -> None:
    """The words are the answer's own."""
    if world.sound:
        world.receive(e.EchoHeard())


def take_for_noise(world: World) -> None:
    revision = world.newest[0]
    if world.asked.pop(revision, None) is not None:
        world.sound, world.interim = None if world.sound is None else [], []
        world.receive(e.Transcribed(revision, ""))


def time_out(world: World) -> None:
    """On time, or late."""
    if world.taker.deadline is not None:
        world.now = max(world.now, world.taker.deadline)
        world.receive(e.PatienceOver())


def time_out_early(world: World) -> None:
    if world.taker.deadline is None or world.now < world.taker.deadline - TIMER_SLACK:
        unchanged(world, e.PatienceOver())


def become_audible(world: World) -> None:
    if world.ledger.reply is not None and world.is_alive_now and not world.is_audible:
        world.receive(e.ReplyAudible(world.ledger.reply.number))
        world.is_audible = True


def hint(world: World) -> None:
    if not world.is_speaking:
        world.receive(e.SpeechHinted(sample_count(world.now), 0.032))


def dismiss(world: World) -> None:
    if not world.is_speaking:
        world.receive(e.SpeechDismissed())


def tell_rest(world: World) -> None:
    if world.ledger.cut:
        world.receive(e.AnswerCut(world.ledger.cut, "and the rest"))


def end_reply(world: World) -> None:
    if world.ledger.reply is not None and world.is_alive_now:
        world.receive(e.ReplyEnded(world.ledger.reply.number))


def unchanged(world: World, event: e.Event) -> None:
    taker = world.taker
    before = (taker.state, taker.deadline, taker.turn, taker.words, taker.waiting)
    assert world.receive(event) == []
    assert (taker.state, taker.deadline, taker.turn, taker.words, taker.waiting) == before


def say_dead_things(world: World) -> None:
    for number in range(max(0, world.ledger.last_number - 2), world.ledger.last_number + 2):
        if not world.is_alive(number):
            unchanged(world, e.ReplyAudible(number))
            unchanged(world, e.ReplyEnded(number))


def press(world: World) -> None:
    world.is_held = True
    world.receive(e.ActivityStarted())
    world.faded = None
    world.utter()


def let_go(world: World) -> None:
    fall_silent(world)
    world.is_held = False
    world.receive(e.ActivityEnded())


def cancel(world: World) -> None:
    world.is_held = False
    world.receive(e.ActivityCancelled())


def typing(text: e.TextReceived) -> Callable[[World], None]:
    def type_it(world: World) -> None:
        word = world.new_word()
        if not text.verbatim:
            world.ledger.words.add(word)
        world.receive(replace(text, text=word))

    return type_it


def stop(world: World) -> None:
    world.receive(e.StopRequested())


HAPPENINGS: list[Callable[[World], None]] = [
    nothing,
    *[speak, fall_silent, transcribe, time_out, become_audible] * 4,
    *[end_reply, speak, fall_silent] * 2,
    *[hear_echo, take_for_noise, go_on, fade, hear_interim] * 3,
    *[hint, dismiss, tell_rest] * 2,
    *[score_words(0.9), score_words(0.05)] * 4,
    *[score_words(None), score_words(UNFINISHED), score_words(nan)],
    *[score_sound(0.9), score_sound(0.1), score_sound(None)],
    *[reach_limit, transcribe_part, transcribe_part, fail_part, refuse],
    *[fail, transcribe_late, time_out_early, say_dead_things, press, let_go, cancel, stop],
    typing(e.TextReceived("")),
    typing(e.TextReceived("", text_only=True)),
    typing(e.TextReceived("", interrupts=False)),
    typing(e.TextReceived("", verbatim=True)),
    typing(e.TextReceived("", verbatim=True, interrupts=False)),
    typing(e.TextReceived("", verbatim=True, interrupts=False, interruptible=False)),
]


def come_to_rest(world: World) -> None:
    """Whatever happened: once the user is silent and the rest keeps time, everything is answered."""
    let_go(world)
    for _ in range(4 * world.taker.waiting + 8):
        while world.parts:
            transcribe_part(world)
        transcribe(world)
        time_out(world)
        become_audible(world)
        end_reply(world)
    assert world.taker.state is State.LISTENING
    assert world.taker.waiting == 0
    assert world.taker.words == ""


def live(data: bytes) -> int:
    """Returns how many events there were."""
    world = World(settings_of(data[0]))
    for what, wait in zip(data[1::2], data[2::2], strict=False):
        world.now += wait / 64
        HAPPENINGS[what % len(HAPPENINGS)](world)
    come_to_rest(world)
    return world.count


def test_what_must_be_true_whatever_happens() -> None:
    counted = 0

    @EXPLORE
    @given(BYTES)
    def explore(data: bytes) -> None:
        nonlocal counted
        counted += live(data)

    explore()
    assert counted >= EVENTS


# ---------------------------------------------------------------- what cannot happen, and does


def wild_event(what: int, number: int) -> e.Event:
    near = number % 8
    events: list[e.Event] = [
        started(speech=number / 100),
        ended(silence=number / 100),
        e.Transcribed(near, f"w{number}"),
        e.Transcribed(near, "", failed=True),
        e.PatienceOver(),
        e.ReplyAudible(near),
        e.ReplyEnded(near),
        e.ActivityStarted(),
        e.ActivityEnded(),
        e.ActivityCancelled(),
        e.TextReceived("t", bool(number & 1), bool(number & 2), bool(number & 4), bool(number & 8)),
        e.StopRequested(),
        e.SpeechFaded(number),
        e.InterimHeard(f"w{number}", number),
        e.EchoHeard(),
        e.WordsScored(f"w{number}", number / 200),
        e.SoundScored(near, number / 200),
        e.TurnLimitReached(),
        e.PartTranscribed(f"p{number}" if number & 1 else ""),
        *[e.SpeculationRefused()] * (number > 250),
    ]
    return events[what % len(events)]


def rave(data: bytes) -> int:
    """Any event at any time. Returns how many there were."""
    settings = settings_of(data[0])
    taker, now, ledger = TurnTaker(lambda: settings), 0.0, Ledger()
    for what, number in zip(data[1::2], data[2::2], strict=False):
        now += number / 100
        turn, state = taker.turn, taker.state
        event = wild_event(what, number)
        if isinstance(event, e.ReplyEnded) and ledger.committed is not None and state in ANSWERING:
            ledger.reply = None if ledger.committed.number == event.number else ledger.reply
        ledger.carry_out(taker.receive(event, now))
        assert turn <= taker.turn <= turn + 1
        assert (taker.deadline is not None) == (taker.state in TIMED)
        if data[0] & 128:
            settings = settings_of(number)
    return len(data) // 2


def test_no_event_is_too_strange() -> None:
    counted = 0

    @EXPLORE
    @given(BYTES)
    def explore(data: bytes) -> None:
        nonlocal counted
        counted += rave(data)

    explore()
    assert counted >= EVENTS
