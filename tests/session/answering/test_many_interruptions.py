"""Somebody who interrupts every answer, two hundred times: each is answered, and nothing stays of it but what
was said."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedLlm
from voice_grpc.ports import LlmItem, Prompt
from voice_grpc.session.answering.generation import Generation
from voice_grpc.session.answering.playout import Playout
from voice_grpc.session.answering.reply import Reply
from voice_grpc.session.hearing.utterance import Utterance

from ..harness import CONFIG, Client, Loudspeaker, Recording, converse, scripted
from ..microphone import GRID, Action, pause, sound, user
from ..rules import check_rules

TIMES = 200
EARLY = 20
"""Of them, after which there is as much of everything as there will ever be."""
A_TURN = 2.4
"""Seconds: 0.96 of a question, 0.5 of silence, and 0.94 of the answer."""

UNDER_WAY = 2
"""Of each kind that may be there at one look and not at the other. A leak of one a turn is 180 of them."""

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
KEPT = (Reply, Generation, Playout, Utterance, asyncio.Task)


class Census(ScriptedLlm):
    """Counts what there is when it is asked for the answers of these numbers, from 1 on. What the script
    itself remembers of what was asked is no part of it."""

    def __init__(self, script: Script, *numbers: int) -> None:
        super().__init__([ScriptedAnswer(STORY)])
        self._script = script
        self.counts: list[Counter[str]] = []
        self._numbers, self._asked = numbers, 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        self._asked += 1
        for remembered in (self.prompts, self._script.tts.choices, self._script.tts.spoken):
            remembered.clear()
        if self._asked in self._numbers:
            gc.collect()
            found = (type(each) for each in gc.get_objects() if isinstance(each, KEPT))
            self.counts.append(Counter(kind.__name__ for kind in found))
        async for item in super().stream(prompt):
            yield item


def in_pieces(heard: Samples) -> list[Action]:
    """Eight minutes in frames of 20 ms are most of the work."""
    size = round(GRID * RATE_HZ)
    pieces = [heard[at : at + size] for at in range(0, len(heard), size)]
    return [((n + 1) * GRID, i.AudioInput(piece.tobytes(), seq=n + 1)) for n, piece in enumerate(pieces)]


def interrupting(*, obeys: bool, client: Client | None = None) -> tuple[Recording, Census]:
    remembering = scripted()
    llm = Census(remembering, EARLY, TIMES)
    engines = replace(remembering, llm=llm)
    ears = sound(*[np.concatenate((user(0.96), pause(A_TURN - 0.96)))] * TIMES, pause(1.0))
    turns = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
    config = replace(CONFIG, turns=turns, has_playback_control=obeys, has_playback_reports=obeys)
    talk = converse(in_pieces(ears), engines, config, client=client, ends_at=TIMES * A_TURN + 10.0)
    return talk, llm


@pytest.mark.parametrize("obeys", [False, True], ids=["plain", "obeying"])
def test_two_hundred_interruptions_leave_nothing(obeys: bool) -> None:
    gc.collect()  # what other tests left is not collected in the midst of this one
    client = Client((), loudspeaker=Loudspeaker()) if obeys else None
    talk, llm = interrupting(obeys=obeys, client=client)
    check_rules(talk)
    assert talk.error is None
    assert not talk.left_over
    assert llm.open == 0
    assert len(talk.all(o.Interrupted)) == TIMES - 1
    assert [turn for _, turn, _ in talk.phases(o.TurnPhase.SPEAKING)] == list(range(1, TIMES + 1))
    assert talk.phases(o.TurnPhase.COMPLETED)[-1][1] == TIMES
    assert len(talk.messages) == 2 * TIMES
    early, late = llm.counts
    grown = {kind: late[kind] - early[kind] for kind in late if late[kind] > early[kind] + UNDER_WAY}
    assert not grown, f"{late} after {TIMES}, {early} after {EARLY}"
