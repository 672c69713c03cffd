"""Every call of an engine says how urgent it is at that moment.

The user speaks until 1.28; an answer is prepared from 1.38 on, and let out at 2.28.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from voice_grpc.core import requests as i
from voice_grpc.core.audio import Samples
from voice_grpc.core.config import AudioFormat
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedEndOfTurn, ScriptedLlm, ScriptedTts
from voice_grpc.ports import NOBODY, Claim, Clause, LlmItem, Prompt, Speech, Urgency, VoiceChoice
from voice_grpc.session.answering.reply import FAR_AHEAD_SECONDS
from voice_grpc.session.answering.synthesis import Synthesis

from .harness import CONFIG, changed, converse, dictate, scripted, virtual
from .microphone import microphone, pause, sound, user
from .rules import at

SPOKEN = microphone(sound(user(1.28), pause(4.0)))
PREPARED, LET_OUT = 1.28 + 0.1, 1.28 + 1.0
PATIENT = changed(CONFIG, hold=None, min_hold=1.0, max_hold=1.0, speculation=Speculation.TTS)
CLAUSE = "This is a sentence of a story."
LONG = " ".join([CLAUSE] * 8)

Seen = list[tuple[float, Urgency]]
"""When it was, and how urgent."""


def note(seen: Seen, claim: Claim) -> None:
    seen.append((asyncio.get_running_loop().time(), claim.urgency))


class NotedLlm(ScriptedLlm):
    """Notes how urgent an answer is with each word."""

    is_embedded = True

    def __init__(self, answer: ScriptedAnswer) -> None:
        super().__init__([answer])
        self.seen: Seen = []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        async with aclosing(super().stream(prompt)) as items:
            async for item in items:
                note(self.seen, prompt.claim)
                yield item


class NotedTts(ScriptedTts):
    """Notes how urgent an answer is before each sound; a sound takes it 0.1 s."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Seen = []

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async with aclosing(super().speak(clauses, voice)) as sounds:
            async for speech in sounds:
                await asyncio.sleep(0.1)
                note(self.seen, voice.claim)
                yield speech


class NotedEnd(ScriptedEndOfTurn):
    """Notes how urgent each question is."""

    def __init__(self, probability: float) -> None:
        super().__init__(probability)
        self.seen: Seen = []

    async def probability(self, heard: Samples | Prompt, claim: Claim = NOBODY) -> float:
        note(self.seen, heard.claim if isinstance(heard, Prompt) else claim)
        return await super().probability(heard)


def talk_of(answer: ScriptedAnswer) -> tuple[Script, NotedLlm, NotedTts]:
    llm, tts = NotedLlm(answer), NotedTts()
    talk = replace(scripted(["What is the capital of France?"]), llm=llm, tts=tts)
    return replace(talk, acoustic_end=NotedEnd(0.9), text_end=NotedEnd(0.05)), llm, tts


def test_an_answer_is_prepared_until_it_is_let_out_and_committed_then() -> None:
    talk, llm, tts = talk_of(ScriptedAnswer("It is Paris, as far as I know.", a_token=0.2))
    converse(SPOKEN, talk, PATIENT)
    assert llm.seen[0] == (at(PREPARED), Urgency.PREPARED)
    assert [urgency for _, urgency in llm.seen] == [
        Urgency.PREPARED if when < LET_OUT else Urgency.COMMITTED for when, _ in llm.seen
    ]
    assert {urgency for _, urgency in llm.seen} == {Urgency.PREPARED, Urgency.COMMITTED}
    assert tts.seen[-1][1] is Urgency.COMMITTED


def test_what_is_far_ahead_of_the_ear_is_no_more_urgent_than_what_is_prepared() -> None:
    """Each clause is 1.8 s of sound and made in 0.1 s."""
    talk, _, tts = talk_of(ScriptedAnswer(LONG))
    converse([(1.0, i.TextInput("Tell me a story."))], talk, PATIENT)
    assert [urgency for _, urgency in tts.seen[:2]] == [Urgency.COMMITTED] * 2
    assert tts.seen[3][1] is Urgency.PREPARED
    assert 1.8 < FAR_AHEAD_SECONDS < 2 * 1.8


def test_what_is_asked_in_a_silence_is_as_urgent_as_a_transcript() -> None:
    talk, *_ = talk_of(ScriptedAnswer("It is Paris."))
    converse(SPOKEN, talk, changed(CONFIG, hold=None))
    for judge in (talk.acoustic_end, talk.text_end):
        assert isinstance(judge, NotedEnd)
        assert {urgency for _, urgency in judge.seen} == {Urgency.FINAL}
    assert {options.claim.urgency for options in talk.stt.opened} == {Urgency.FINAL}


def test_dictation_is_a_part() -> None:
    talk = scripted(["What is the capital of France?"])
    dictate([*SPOKEN, (5.0, None)], talk)
    assert {options.claim.urgency for options in talk.stt.opened} == {Urgency.PART}


def test_synthesis_is_a_part_for_its_caller() -> None:
    tts = ScriptedTts()

    async def made() -> list[int]:
        synthesis = Synthesis(tts, CLAUSE, VoiceChoice(rate=1.5), AudioFormat(), "anna")
        return [len(packet.data) async for packet in synthesis.packets()]

    assert np.sum(virtual(made())) > 0
    (choice,) = tts.choices
    assert (choice.claim.caller, choice.claim.urgency, choice.rate) == ("anna", Urgency.PART, 1.5)
