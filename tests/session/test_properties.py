"""Whatever the user does and whatever the engines do, the rules of the contract hold.

Random scripts: sound, the button, typed words, stop, pause, reports, settings, against engines that
are slow, fail or hang.
"""

from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.errors import EngineError
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.engines.scripted import HANG, Hearing, ScriptedAnswer, Voicing

from .harness import CONFIG, Client, changed, converse, scripted
from .microphone import Action, microphone, pause, sound, user
from .rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
LAST_ACTION, END = 12.0, 60.0

stretches = st.tuples(st.floats(0.02, 2.0), st.booleans()).map(
    lambda stretch: user(stretch[0]) if stretch[1] else pause(stretch[0])
)
delays = st.sampled_from([0.0, 0.0, 0.05, 0.3, 0.6, 2.0])
hearings = st.one_of(
    st.builds(Hearing, st.sampled_from(["yes", "tell me a story", ""]), delays),
    st.builds(lambda: Hearing("", error=EngineError("stt", "no"))),
    st.builds(lambda: Hearing("", HANG)),
)
answers = st.one_of(
    st.builds(ScriptedAnswer, st.sampled_from(["Yes.", STORY, STORY]), delays, st.sampled_from([0.0, 0.05])),
    st.builds(
        lambda text: ScriptedAnswer(text, error=EngineError("llm", "no")), st.sampled_from(["", "Well. And"])
    ),
    st.builds(lambda text: ScriptedAnswer(text, hangs=True), st.sampled_from(["", "Well. And"])),
)
voicings = st.builds(
    Voicing, delays, st.sampled_from([None, None, 0, 1]), st.sampled_from([None, None, None, 1])
)
messages = st.one_of(
    st.builds(lambda press: i.UserActivity(press), st.sampled_from(list(i.ActivityKind))),
    st.builds(i.Say, st.just("Your taxi is here."), st.booleans()),
    st.just(i.Interrupt(0)),
    st.just(i.AudioInputEnd()),
    st.builds(
        i.PlaybackReport, st.integers(0, 5), st.sampled_from(list(i.PlaybackState)), st.integers(0, 10**6)
    ),
    st.builds(lambda hold: i.ConfigUpdate(changed(hold=hold)), st.floats(0.1, 2.0)),
    st.just(i.Ping(1)),
)
times = st.floats(0.0, LAST_ACTION).map(lambda at: round(at, 2))
typed = st.lists(st.tuples(times, st.booleans(), st.booleans()), max_size=5)
configs = st.builds(
    lambda manual, half, greeting, interruption: replace(
        CONFIG,
        is_manual=manual,
        is_half_duplex=half,
        greeting=greeting,
        turns=replace(CONFIG.turns, interruption=interruption, duck=True),
    ),
    st.sampled_from([False, False, True]),
    st.sampled_from([False, False, True]),
    st.sampled_from(["", "Good day."]),
    st.sampled_from(Interruption),
)
scripts = st.fixed_dictionaries(
    {
        "heard": st.lists(stretches, max_size=8),
        "acts": st.lists(st.tuples(times, messages), max_size=6),
        "typed": typed,
        "hearings": st.lists(hearings, min_size=1, max_size=4),
        "answers": st.lists(answers, min_size=1, max_size=4),
        "voicing": voicings,
        "config": configs,
        "paused": st.one_of(st.none(), st.tuples(times, st.floats(0.0, 3.0))),
        "send_seconds": st.sampled_from([0.0, 0.0, 0.0, 0.01]),
    }
)


WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Making a failing talk smaller takes minutes, and the talks are small."""


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=WITHOUT_SHRINKING
)
@given(scripts)
def test_the_rules_hold(script: dict) -> None:  # type: ignore[type-arg]
    actions: list[Action] = list(microphone(sound(pause(0.02), *script["heard"], pause(1.0))))
    actions += script["acts"]
    texts = [f"typed{n}" for n in range(len(script["typed"]))]
    for text, (at, interrupts, text_only) in zip(texts, script["typed"], strict=True):
        actions.append((at, i.TextInput(text, interrupts, text_only)))
    lead = 100.0 if script["send_seconds"] else 0.2
    if script["paused"] is not None:
        start, seconds = script["paused"]
        actions += [(start, i.Pause()), (start + seconds, i.Resume())]
        lead += seconds
    engines = scripted(script["hearings"], script["answers"], script["voicing"])
    client = Client((), send_seconds=script["send_seconds"])
    talk = converse(actions, engines, script["config"], client=client, ends_at=END)

    assert talk.error is None
    assert not talk.left_over
    assert engines.llm.open == 0
    reports = any(isinstance(message, i.PlaybackReport) for _, message in script["acts"])
    check_rules(talk, lead=100.0 if reports else lead)
    said = " ".join(text for role, text in talk.history if role == "user").split()
    assert sorted(word for word in said if word.startswith("typed")) == texts
    assert talk.said[-1][1] == o.SessionEnded(o.EndReason.HALF_CLOSE)
    assert talk.ended_at < END + 60.0
