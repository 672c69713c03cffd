"""What a session keeps is bounded, and each bound is told with its number: words, sound, parts, changes of
the settings, results of tools, and the conversation."""

import json
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.conversation import MAX_CHARACTERS, Message, Role
from voice_grpc.core.tools import MAX_RESULTS, ToolDeclaration
from voice_grpc.core.turn_state import MAX_MESSAGE, MAX_SPLITS
from voice_grpc.engines.scripted import HANG, Hearing, ScriptedAnswer, ScriptedStt
from voice_grpc.ports import CallRequest, SavedSession, SttOptions, SttStream, Transcription
from voice_grpc.session.notices import MAX_TRANSCRIPT
from voice_grpc.session.reader import MAX_UPDATES
from voice_grpc.session.transcriber import PART_LEAST_SECONDS, PARTS_AHEAD
from voice_grpc.session.utterance import PART_SECONDS, Utterance
from voice_grpc.store import MemoryStore

from .harness import CONFIG, ID, Client, Recording, Tools, changed, converse, dictate, scripted, virtual
from .microphone import Action, microphone, pause, script, sound, user
from .rules import at, check_rules

TEXT = "word " * 1_599 + "last"
"""7,999 characters: a typed text is 8,000 at most."""
START, END = i.UserActivity(i.ActivityKind.START), i.UserActivity(i.ActivityKind.END)
SHORT = changed(turn_limit=5.0)
HELD = replace(SHORT, is_manual=True)


def notices(talk: Recording, reason: str) -> list[o.Notice]:
    return [m for _, m in talk.all(o.Notice) if m.reason == reason]


def longest_prompt(talk: Recording) -> int:
    return max(len(m.text) for prompt in talk.script.llm.prompts for m in prompt.messages)


class KeepingStt(ScriptedStt):
    """Knows how much sound is with it that nobody closed."""

    def __init__(self, hearings: Iterable[Hearing]) -> None:
        super().__init__(list(hearings))
        self.kept = self.most = self.longest = 0
        """Samples: now, ever at once, ever of one utterance."""

    def open(self, options: SttOptions) -> SttStream:  # type: ignore[override]
        stream, stt = super().open(options), self

        class Keeping:
            length = 0

            def feed(self, samples: Samples) -> None:
                self.length += len(samples)
                stt.kept += len(samples)
                stt.most, stt.longest = max(stt.most, stt.kept), max(stt.longest, self.length)
                stream.feed(samples)

            async def interim(self) -> Transcription | None:
                return await stream.interim()

            async def final(self) -> Transcription:
                return await stream.final()

            async def close(self) -> None:
                stt.kept -= self.length
                self.length = 0
                await stream.close()

        return Keeping()


# ---------------------------------------------------------------- words


def test_500_texts_of_8_000_characters_in_an_open_turn() -> None:
    texts: list[Action] = [(1.0, i.TextInput(TEXT, seq=n)) for n in range(1, 501)]
    talk = converse(script([(0.5, START)], texts, [(2.0, END)]), config=replace(CONFIG, is_manual=True))
    check_rules(talk)
    assert MAX_MESSAGE - len(TEXT) < longest_prompt(talk) <= MAX_MESSAGE
    assert talk.messages[0].text == f"{TEXT} {TEXT}"
    (notice,) = [m for m in notices(talk, "TOO_MANY") if m.field == "text.text"]
    assert (notice.seq, notice.turn, notice.retryable) == (3, 1, True)
    assert f"at most {MAX_MESSAGE} characters" in notice.message


def test_200_texts_of_8_000_characters_before_an_answer_is_heard() -> None:
    texts: list[Action] = [(1.0 + n * 0.003, i.TextInput(TEXT, seq=n)) for n in range(1, 201)]
    talk = converse(texts, scripted(answers=[ScriptedAnswer("Hello.", first_token=2.0)]))
    check_rules(talk)
    asked = [len(m.text) for prompt in talk.script.llm.prompts for m in prompt.messages]
    assert asked == [len(TEXT), 2 * len(TEXT) + 1]
    assert [(m.seq, m.turn) for m in notices(talk, "TOO_MANY")] == [(3, 2)]
    assert talk.words(2) == "Hello."


def test_what_is_spoken_beyond_is_told_and_left_out_of_the_message() -> None:
    ears = microphone(sound(user(1.28), pause(2.0)))
    texts: list[Action] = [(0.5, i.TextInput(TEXT)), (0.6, i.TextInput(TEXT[:-6]))]
    talk = converse(script(ears, texts), scripted(["hello there"]))
    check_rules(talk)
    assert talk.finals() == [(1, "hello there")]
    assert talk.messages[0].text == f"{TEXT} {TEXT[:-6]} hello"
    assert longest_prompt(talk) <= MAX_MESSAGE
    (notice,) = notices(talk, "TURN_LIMIT")
    assert (notice.stage, notice.turn) == ("turn", 1)
    assert f"at most {MAX_MESSAGE} characters" in notice.message


def test_a_recogniser_that_goes_astray_is_cut_and_told_once() -> None:
    """Words without end in each pass, which nobody can say in five seconds."""
    ears = microphone(sound(user(5.12), pause(2.0)))
    talk = converse(ears, scripted([" ".join(f"w{n}" for n in range(200_000))]))
    check_rules(talk)
    assert talk.finals() == [(1, "")]
    (notice,) = notices(talk, "TOO_MANY")
    assert (notice.stage, str(MAX_TRANSCRIPT) in notice.message) == ("stt", True)


@pytest.mark.parametrize("final", [True, False])
def test_what_is_kept_of_a_pass_is_bounded(final: bool) -> None:
    """Of a quarter of an hour, in which so many words can be said; an interim is kept until the next."""
    letters = Random(1)
    said = " ".join("".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(5_000))
    stt = scripted([said if final else f"{said} {said}"]).stt

    async def heard() -> tuple[Transcription | None, list[o.Notice]]:
        utterance = Utterance(stt, SttOptions(), 0)
        for _ in range(10):
            utterance.feed(user(90.0), None)
        text = await utterance.final() if final else await utterance.interim()
        return text, [*utterance.notices(), *utterance.notices()]

    text, told = virtual(heard())
    assert text is not None
    assert MAX_TRANSCRIPT - 10 < len(text.text) <= MAX_TRANSCRIPT
    assert said.startswith(text.text)
    assert len(told) == 1


# ---------------------------------------------------------------- the button, and sound


def held(seconds: float, stt: KeepingStt, *more: Action) -> Recording:
    ears = microphone(user(seconds))
    return converse(
        script([(0.0, START)], ears, more), replace(scripted(), stt=stt), HELD, ends_at=seconds + 20.0
    )


def test_a_turn_of_the_button_is_split_like_others() -> None:
    stt = KeepingStt([Hearing("once upon"), Hearing("a time"), Hearing("there was")])
    talk = held(12.0, stt, (12.1, END))
    check_rules(talk)
    assert talk.finals() == [(1, "once upon"), (1, "a time"), (1, "there was")]
    assert talk.history[0] == ("user", "once upon a time there was")
    assert [m.message.split(" of ")[0] for m in notices(talk, "TURN_LIMIT")] == ["5 s", "5 s"]
    finals = [m for _, m in talk.all(o.Transcript) if m.is_final]
    assert [(m.segment, round(m.start / RATE_HZ)) for m in finals] == [(0, 0), (1, 5), (2, 10)]
    assert stt.longest <= 5.1 * RATE_HZ
    assert stt.kept == 0


def test_a_button_whose_end_never_comes_is_ended_by_the_server() -> None:
    """An hour of sound: eleven parts of it are heard, and no more of it kept than of one."""
    stt = KeepingStt([Hearing(f"part{n}") for n in range(1, 12)])
    talk = held(200.0, stt)
    check_rules(talk)
    longest = 5.0 * (MAX_SPLITS + 1)
    assert talk.when(o.TurnPhase.THINKING, 1) <= longest + 0.5
    assert talk.history[0] == ("user", " ".join(f"part{n}" for n in range(1, 12)))
    assert talk.phases(o.TurnPhase.COMPLETED)[0][1] == 1
    *splits, last = notices(talk, "TURN_LIMIT")
    assert len(splits) == MAX_SPLITS
    assert last.field == "activity"
    assert f"{MAX_SPLITS + 1} times 5 s" in last.message
    assert stt.most <= 2 * 5.1 * RATE_HZ
    assert stt.kept == 0
    assert len(stt.opened) == MAX_SPLITS + 1


def test_a_recogniser_that_hangs_keeps_the_sound_of_few_parts() -> None:
    """Each is given up, and what is heard by then is all that is kept."""
    stt = KeepingStt([Hearing("", HANG)])
    ears = microphone(user(200.0))
    talk = converse(ears, replace(scripted(), stt=stt), SHORT, ends_at=210.0)
    timeouts = notices(talk, "ENGINE_TIMEOUT")
    assert f"within {PART_LEAST_SECONDS:g} s" in timeouts[0].message
    assert stt.most <= (PART_LEAST_SECONDS + 4 * 5.0 * 1.25) * RATE_HZ
    assert stt.kept == 0
    assert not talk.left_over


def test_parts_are_told_in_their_order_whatever_they_take() -> None:
    stt = KeepingStt([Hearing("one", 8.0), Hearing("two", 0.1), Hearing("three", 0.1)])
    talk = held(12.0, stt, (12.1, END))
    check_rules(talk)
    assert talk.finals() == [(1, "one"), (1, "two"), (1, "three")]
    finals = [m for _, m in talk.all(o.Transcript) if m.is_final]
    assert [round(m.start / RATE_HZ) for m in finals] == [0, 5, 10]


def test_a_session_that_ends_does_not_wait_for_a_part() -> None:
    stt = KeepingStt([Hearing("", HANG)])
    talk = converse(
        script([(0.0, START)], microphone(user(8.0))),
        replace(scripted(), stt=stt),
        HELD,
        cancel_at=8.0,
        ends_at=None,
    )
    assert talk.ended_at == at(8.0)
    assert not talk.left_over
    assert stt.kept == 0


def test_interims_go_on_after_a_part_of_silence() -> None:
    stt = KeepingStt([Hearing("")] + [Hearing("one two three four")] * 3)
    ears = microphone(sound(pause(6.4), user(2.4)))
    talk = converse(script([(0.0, START)], ears, [(9.0, END)]), replace(scripted(), stt=stt), HELD)
    check_rules(talk)
    assert [m.segment for _, m in talk.all(o.Transcript) if not m.is_final][-1] == 1
    assert talk.finals() == [(1, ""), (1, "one two three four")]


def test_sound_over_an_answer_that_may_not_be_interrupted_is_let_go_of() -> None:
    stt = KeepingStt([Hearing("hello")])
    story: list[Action] = [(0.1, i.Say("One thing after another. " * 30, interruptible=False))]
    talk = converse(
        script(story, microphone(user(40.0), start=1.0)), replace(scripted(), stt=stt), SHORT, ends_at=60.0
    )
    assert talk.when(o.TurnPhase.COMPLETED, 1) > 40.0
    assert stt.most <= 5.0 * 1.25 * RATE_HZ + RATE_HZ
    assert stt.kept == 0


# ---------------------------------------------------------------- changes of the settings


def test_more_changes_than_may_wait_are_refused_one_by_one() -> None:
    updates: list[Action] = [
        (1.0, i.ConfigUpdate(changed(hold=0.1 + n / 1_000), seq=n)) for n in range(1, 101)
    ]
    talk = converse([(0.5, i.Pause()), *updates, (2.0, i.Resume())], ends_at=5.0)
    applied = [m.seq for _, m in talk.all(o.ConfigApplied)]
    refused = notices(talk, "TOO_MANY")
    # One is in the hand of whoever applies it.
    assert applied == list(range(1, MAX_UPDATES + 2))
    assert [m.seq for m in refused] == list(range(MAX_UPDATES + 2, 101))
    assert {m.field for m in refused} == {"config_update"}
    assert f"{MAX_UPDATES} wait" in refused[0].message


# ---------------------------------------------------------------- tools

WEATHER = ToolDeclaration("weather", "Tells the weather.", {"type": "object"})


def weather(result_length: int, calls: int) -> Recording:
    """So many calls in one step, and one more in the next."""
    result = json.dumps({"sky": "x" * (result_length - len('{"sky": ""}'))})
    ask = CallRequest("weather", {})
    answers = [
        ScriptedAnswer("", calls=(ask,) * calls),
        ScriptedAnswer("", calls=(ask,)),
        ScriptedAnswer("Fine."),
    ]
    return converse(
        [(1.0, i.TextInput("The weather?")), (5.0, i.TextInput("Again?"))],
        scripted(answers=[*answers, *answers]),
        replace(CONFIG, tools=(WEATHER,)),
        client=Client((), tools=Tools({"weather": (0.1, result)})),
    )


def test_results_of_a_turn_that_are_too_long_together() -> None:
    talk = weather(MAX_RESULTS // 2, 3)
    check_rules(talk)
    assert talk.words(1) == talk.words(2) == "Fine."
    results = [[use.result for m in talk.messages if m.turn == turn for use in m.uses] for turn in (1, 2)]
    for taken in results:
        assert [len(result) == MAX_RESULTS // 2 for result in taken] == [True, True, False, False]
        assert "too long" in json.loads(taken[2])["error"]
        assert sum(map(len, taken)) <= MAX_RESULTS + 300
    refused = notices(talk, "TOO_MANY")
    assert [(m.turn, m.field, m.seq) for m in refused] == [
        (turn, "tool_result.result", 70) for turn in (1, 1, 2, 2)
    ]
    assert f"at most {MAX_RESULTS}" in refused[0].message


def test_results_that_fit_are_taken_to_the_last_character() -> None:
    talk = weather(MAX_RESULTS // 4, 3)
    assert not notices(talk, "TOO_MANY")
    taken = [len(use.result) for m in talk.messages if m.turn == 1 for use in m.uses]
    assert taken == [MAX_RESULTS // 4] * 4


# ---------------------------------------------------------------- the conversation


def remembered(count: int) -> MemoryStore:
    messages = tuple(
        Message(Role.USER if n % 2 else Role.ASSISTANT, "x" * 5_000, (n + 1) // 2)
        for n in range(1, count + 1)
    )
    store = MemoryStore()
    store._sessions[ID] = SavedSession(  # noqa: SLF001 - what an earlier run left
        ID, "", 1.0, 1.0, count // 2, "default", "", messages
    )
    return store


def test_a_long_conversation_forgets_its_oldest_turns_and_says_so_once() -> None:
    store = remembered(80)
    actions: list[Action] = [(1.0 + 4.0 * n, i.TextInput(TEXT)) for n in range(12)]
    talk = converse(actions, store=store)
    check_rules(talk)
    assert sum(len(m.text) for m in talk.messages) <= MAX_CHARACTERS
    assert talk.messages[0].role is Role.USER
    assert talk.messages[0].turn > 1
    assert talk.messages[-2].text == TEXT
    (notice,) = notices(talk, "TOO_MANY")
    assert (notice.stage, f"{MAX_CHARACTERS} characters" in notice.message) == ("session", True)


def test_one_that_fits_is_kept_whole() -> None:
    talk = converse([(1.0, i.TextInput("hi"))], store=remembered(78))
    assert len(talk.messages) == 80
    assert not notices(talk, "TOO_MANY")


# ---------------------------------------------------------------- speech to text alone


def finals(talk: Recording) -> list[o.Transcript]:
    return [m for _, m in talk.all(o.Transcript) if m.is_final]


def test_a_long_utterance_is_told_in_parts() -> None:
    stt = KeepingStt([Hearing("one"), Hearing("two", 3.0), Hearing("three"), Hearing("four")])
    ears = microphone(sound(user(16.0), pause(2.0)))
    talk = dictate(script(ears, [(25.0, None)]), replace(scripted(), stt=stt), SHORT)
    assert talk.error is None
    assert [(m.segment, m.text) for m in finals(talk)] == [(0, "one"), (1, "two"), (2, "three")]
    assert [round(m.start / RATE_HZ, 1) for m in finals(talk)] == [0.0, 6.3, 12.5]
    (notice,) = notices(talk, "TURN_LIMIT")
    assert "5 s of speech in one utterance" in notice.message
    assert stt.kept == 0
    assert not talk.left_over


def test_a_recording_without_a_pause_is_read_no_faster_than_it_is_transcribed() -> None:
    """An hour as fast as it can be sent, and two seconds for each part of five: few are ever in memory."""
    stt = KeepingStt([Hearing("and on", 2.0)])
    hour = user(60.0)
    burst: list[Action] = [(0.0, action) for n in range(10) for _, action in microphone(hour)]
    talk = dictate([*burst, (0.0, None)], replace(scripted(), stt=stt), SHORT)
    assert talk.error is None
    assert stt.most <= (PARTS_AHEAD + 1) * 1.25 * 5.0 * RATE_HZ + 4.0 * RATE_HZ
    told = finals(talk)
    assert all(m.text == "and on" for m in told)
    # Nothing is left out between them.
    assert [m.start for m in told[1:]] == [m.end for m in told[:-1]]
    assert (told[0].start, told[-1].end) == (0, 600 * RATE_HZ)
    assert len(notices(talk, "TURN_LIMIT")) == 1
    assert stt.kept == 0


def test_a_part_that_hangs_costs_its_own_words_alone() -> None:
    stt = KeepingStt([Hearing("", HANG), Hearing("two"), Hearing("three")])
    ears = microphone(sound(user(12.8), pause(2.0)))
    talk = dictate(script(ears, [(14.0, None)]), replace(scripted(), stt=stt), SHORT)
    assert talk.error is None
    assert [m.text for m in finals(talk)] == ["", "two", "three"]
    assert len(notices(talk, "ENGINE_TIMEOUT")) == 1
    assert not talk.left_over


def test_parts_of_a_pause_and_parts_of_a_limit_are_two_things() -> None:
    """A turn is kept in pieces for the recogniser's sake as before; a limit beyond them splits it."""
    stt = KeepingStt([Hearing(f"w{n}") for n in range(9)])
    ears = microphone(sound(*[user(PART_SECONDS + 1.04), pause(0.32)] * 2, user(1.28), pause(2.0)))
    talk = converse(ears, replace(scripted(), stt=stt), ends_at=60.0)
    check_rules(talk)
    assert talk.finals() == [(1, "w0 w1 w2")]
    assert np.isclose(stt.longest / RATE_HZ, PART_SECONDS + 1.04 + 0.3, atol=0.5)
