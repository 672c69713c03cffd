"""What nobody hears is not made: sound, and text that is given to a voice or written by a model."""

from collections.abc import AsyncGenerator

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.errors import SlowClient
from voice_grpc.engines.scripted import SECONDS_A_CHARACTER, Script, ScriptedAnswer, ScriptedLlm, ScriptedTts
from voice_grpc.ports import LlmItem, Prompt

from ..harness import Client, Recording, converse
from ..microphone import Action
from ..rules import check_rules
from .eager_voice import PIECE, EagerVoice, WholeClauses

SENTENCE = "She told it to everybody who came by, and everybody came by again."
LONG = " ".join([SENTENCE] * 115)
"""7,704 characters, nearly eight minutes."""
CLAUSE = (len(SENTENCE) + 1) * SECONDS_A_CHARACTER
"""Seconds of the longest clause."""
SLACK = 0.25
"""Seconds of sound that have left and not been played, and a piece that a voice keeps ready."""
AHEAD = {
    WholeClauses: 5.0 + CLAUSE + SLACK,
    EagerVoice: 8.0 + 2 * PIECE + SLACK,
}
"""Seconds of sound beyond the ear that each may have made."""

VOICES = pytest.mark.parametrize("kind", [WholeClauses, EagerVoice])


class Writer(ScriptedLlm):
    """Counts the words that were taken."""

    def __init__(self, text: str) -> None:
        super().__init__([ScriptedAnswer(text)])
        self.written = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        async for item in super().stream(prompt):
            self.written += 1
            yield item


def said(
    voice: ScriptedTts,
    *more: Action,
    text: str = LONG,
    ends_at: float | None = 600.0,
    client: Client | None = None,
) -> Recording:
    return converse([(1.0, i.Say(text)), *more], Script(tts=voice), client=client, ends_at=ends_at)


@VOICES
def test_a_long_say_is_made_as_it_is_heard(kind: type[WholeClauses] | type[EagerVoice]) -> None:
    voice = kind()
    talk = said(voice)
    check_rules(talk)
    sound, text = voice.account.furthest_ahead(talk)
    assert sound <= AHEAD[kind]
    assert text <= 10.0 + CLAUSE
    assert talk.words(1) == LONG
    assert talk.only(o.TurnMetrics)[1].counts["underruns"] == 0


@VOICES
def test_of_what_was_interrupted_hardly_more_was_made_than_heard(
    kind: type[WholeClauses] | type[EagerVoice],
) -> None:
    voice = kind()
    said(voice, (3.0, i.Interrupt(0)))
    assert voice.account.seconds(600.0) <= 2.0 + AHEAD[kind]
    assert voice.account.characters(600.0) * SECONDS_A_CHARACTER <= 2.0 + 10.0 + CLAUSE


@VOICES
def test_a_model_writes_as_its_words_are_heard(kind: type[WholeClauses] | type[EagerVoice]) -> None:
    voice, model = kind(), Writer(LONG)
    talk = converse(
        [(1.0, i.TextInput("a story")), (6.0, i.Interrupt(0))], Script(llm=model, tts=voice), ends_at=600.0
    )
    heard = talk.only(o.Interrupted)[1].played / 24_000
    assert heard == pytest.approx(5.0, abs=1.0)
    words = heard / SECONDS_A_CHARACTER * len(LONG.split()) / len(LONG)
    ahead = (10.0 / CLAUSE + 3) * len(SENTENCE.split())
    assert model.written <= words + ahead
    assert len(model.prompts) == 1


@VOICES
def test_an_answer_of_a_model_is_heard_whole_and_never_runs_dry(
    kind: type[WholeClauses] | type[EagerVoice],
) -> None:
    voice, text = kind(), " ".join([SENTENCE] * 20)
    model = ScriptedLlm([ScriptedAnswer(text, a_token=0.02)])
    talk = converse([(1.0, i.TextInput("a story"))], Script(llm=model, tts=voice), ends_at=300.0)
    check_rules(talk)
    assert talk.words(1) == text
    assert talk.only(o.TurnMetrics)[1].counts["underruns"] == 0
    assert voice.account.furthest_ahead(talk)[0] <= AHEAD[kind]


@VOICES
@pytest.mark.parametrize("paused_at", [1.3, 4.0])
def test_while_it_is_paused_nothing_is_made(
    kind: type[WholeClauses] | type[EagerVoice], paused_at: float
) -> None:
    voice, model = kind(), Writer(LONG)
    actions: list[Action] = [(1.0, i.TextInput("a story")), (paused_at, i.Pause()), (500.0, i.Resume())]
    talk = converse([*actions, (510.0, i.Interrupt(0))], Script(llm=model, tts=voice), ends_at=600.0)
    account = voice.account
    assert talk.words(1)
    # What was begun when it was paused is made.
    assert account.seconds(499.0) - account.seconds(paused_at) <= CLAUSE
    assert account.characters(499.0) == account.characters(paused_at)
    assert account.characters(510.0) > account.characters(499.0)


@VOICES
def test_of_what_is_not_read_nothing_more_is_made(kind: type[WholeClauses] | type[EagerVoice]) -> None:
    voice = kind()
    talk = said(voice, client=Client((), stops_reading_at=3.0), ends_at=None)
    assert isinstance(talk.error, SlowClient)
    assert voice.account.seconds(600.0) <= 2.0 + AHEAD[kind]


def test_a_voice_that_hangs_is_given_no_more() -> None:
    voice = EagerVoice(hangs=True)
    said(voice, ends_at=30.0)
    assert voice.account.characters(600.0) * SECONDS_A_CHARACTER <= 10.0 + CLAUSE


def test_a_clause_of_which_nothing_sounds_holds_nothing_up() -> None:
    voice = EagerVoice(says_nothing_of="Hush")
    text = f"{SENTENCE} Hush. {SENTENCE} Hush. {SENTENCE}"
    talk = said(voice, text=text, ends_at=60.0)
    check_rules(talk)
    assert [text for _, text in voice.account.given].count("Hush.") == 2
    assert talk.words(1) == text
    assert talk.only(o.TurnMetrics)[1].counts["underruns"] == 0


def test_a_clause_in_one_long_piece_is_all_that_is_ahead() -> None:
    """An endless word of a minute, and as long again."""
    voice, word = WholeClauses(), "a" * 1_000
    talk = said(voice, text=f"{word} {SENTENCE} {word}", ends_at=300.0)
    piece = max(seconds for _, seconds in voice.account.made)
    assert voice.account.furthest_ahead(talk)[0] <= 5.0 + piece + SLACK
    assert talk.only(o.TurnMetrics)[1].counts["underruns"] == 0


def test_a_long_clause_in_pieces_is_taken_as_it_is_heard() -> None:
    voice = EagerVoice()
    talk = said(voice, text=f"{'a' * 600} {SENTENCE}", ends_at=300.0)
    assert voice.account.furthest_ahead(talk)[0] <= AHEAD[EagerVoice]
    assert talk.only(o.TurnMetrics)[1].counts["underruns"] == 0


@VOICES
def test_what_is_written_in_a_pause_waits(kind: type[WholeClauses] | type[EagerVoice]) -> None:
    voice, model = kind(), ScriptedLlm([ScriptedAnswer(LONG, a_token=0.3)])
    actions: list[Action] = [(1.0, i.TextInput("a story")), (6.0, i.Pause()), (500.0, i.EndSession())]
    converse(actions, Script(llm=model, tts=voice), ends_at=600.0)
    assert voice.account.characters(499.0) == voice.account.characters(6.0) > 0
