"""What the evidence says of sentences: as much of each as was said before its pause, and what that makes."""

import numpy as np
import pytest

from voice_grpc.bench.turns.evidence import TAKEN, JudgedSentence, holds, judged, table
from voice_grpc.bench.turns.material import cut, whole
from voice_grpc.core.audio import RATE_HZ, seconds
from voice_grpc.core.text.endings import TextEnding
from voice_grpc.core.turn.patience import BOUNDS, Evidence, Profile, hold
from voice_grpc.engines.scripted import Hearing, Script, ScriptedEndOfTurn, ScriptedStt, tone

HUM = tone(0.3, 200.0, RATE_HZ)


async def test_a_sentence_is_judged_up_to_its_pause() -> None:
    cases = [whole("all", np.concatenate((HUM, HUM))), cut("half", np.concatenate((HUM, HUM)), len(HUM), 0.8)]
    hearings = [Hearing("turn it off"), Hearing("turn the"), Hearing("")]
    sound = ScriptedEndOfTurn(0.9, 0.1)
    script = Script(ScriptedStt(hearings), text_end=ScriptedEndOfTurn(0.7), acoustic_end=sound)
    first, second = await judged(script.engines, "Be kind.", [*cases, cases[0]])
    assert (first.name, first.is_whole, first.words) == ("all", True, "turn it off")
    assert (second.name, second.is_whole, second.words) == ("half", False, "turn the")
    assert (first.evidence.ending, second.evidence.ending) == (TextEnding.CLOSED, TextEnding.OPEN)
    assert first.evidence.text_end == second.evidence.text_end == 0.7
    assert (first.evidence.acoustic_end, second.evidence.acoustic_end) == (0.9, 0.1)
    lead_and_silence = 0.3 + 0.2
    heard = [seconds(len(each)) for each in sound.asked if isinstance(each, np.ndarray)]
    assert heard == pytest.approx([lead_and_silence + 0.6, lead_and_silence + 0.3], abs=0.01)


async def test_engines_that_are_not_there_are_not_asked() -> None:
    script = Script(ScriptedStt([Hearing("turn it off")]))
    (judgement,) = await judged(script.engines, "", [whole("all", HUM)])
    assert judgement.evidence == Evidence(TextEnding.CLOSED, word_count=3)


def test_the_table_says_what_each_kind_of_evidence_is_worth() -> None:
    sure = Evidence(TextEnding.CLOSED, word_count=6, text_end=0.9, acoustic_end=0.9)
    unsure = Evidence(TextEnding.CLOSED, word_count=6, text_end=0.001, acoustic_end=0.001)
    found = [JudgedSentence("a", True, "", sure), JudgedSentence("b", False, "", unsure)]
    bounds = BOUNDS[Profile.CONVERSATION]
    assert holds(found, frozenset()) == [hold(sure, bounds), hold(unsure, bounds)]
    alone = hold(Evidence(TextEnding.CLOSED, word_count=6), bounds)
    assert holds(found, TAKEN["the words alone"]) == [alone, alone]
    rows = table(found).splitlines()
    assert rows[0] == "| by | 1 whole: held for P50 / P90 ms | 1 broken off: not held for 1 s |"
    shown = round(1000 * hold(sure, bounds))
    assert rows[2] == f"| all evidence | {shown} / {shown} | 0 |"
    assert rows[5].endswith("| 1 |")


def test_nothing_whole_is_no_figure() -> None:
    assert "| all evidence | – | 0 |" in table([])
