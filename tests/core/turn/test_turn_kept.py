"""What is kept of one turn: so many characters of words and, of the button's, so many parts. What goes beyond
is told once."""

from itertools import pairwise

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.core.turn.state import MAX_MESSAGE, MAX_SPLITS, State, joined

from .turn_script import (
    AWAITING,
    END,
    ENDING,
    HEARING,
    LISTENING,
    OVER,
    SPEAKING,
    START,
    THINKING,
    Talk,
    prepare,
    say,
    talk_in,
    typed,
)

LIMIT = e.TurnLimitReached()
LONG = "word " * 1_599 + "last"
"""Characters: 7,999, of which a message holds two and a space."""


def texts_of(talk: Talk) -> list[str]:
    """All that was let out or kept as a message."""
    commands = [command for _, command in talk.log]
    return [x.message for x in commands if isinstance(x, c.CommitReply | c.KeepPart)] + [
        x.text for x in commands if isinstance(x, c.PrepareReply)
    ]


def told(talk: Talk) -> list[c.LeaveOut]:
    return [command for _, command in talk.log if isinstance(command, c.LeaveOut)]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("state", [HEARING, ENDING, AWAITING])
def test_typed_words_that_an_open_turn_has_no_room_for_are_not_taken(state: State | str) -> None:
    talk = talk_in(state)
    now = 1.5 if state is not ENDING else 1.01
    for seq in range(500):
        talk.at(now, e.TextReceived(LONG, seq=seq + 1))
    # What is said beside them is not full before it is known; "hello" is no more than six characters.
    assert told(talk) == [c.LeaveOut(1, 3)]
    assert 2 * len(LONG) < len(talk.taker.words) <= MAX_MESSAGE


@pytest.mark.parametrize("lengths", [[8_000, 7_999], [5_000, 5_000, 5_000, 997], [1] * 8_000])
def test_a_message_is_full_at_its_bound_and_not_before(lengths: list[int]) -> None:
    talk = Talk()
    talk.at(0.0, started())
    for length in lengths:
        assert talk.at(0.5, typed("x" * length)) == []
    assert len(talk.taker.words) in (MAX_MESSAGE, MAX_MESSAGE - 1)
    assert talk.at(0.5, typed("xx")) == [c.LeaveOut(1, 0)]
    assert talk.at(0.5, typed("xx")) == []


def test_what_waits_for_its_answer_is_not_asked_anew_for_words_that_are_not_taken() -> None:
    """200 texts of 8,000 characters before the answer is heard: two go into it, and it is begun twice."""
    talk = Talk()
    for seq in range(200):
        talk.at(seq * 0.003, e.TextReceived(LONG, seq=seq + 1))
    prepared = [command.text for _, command in talk.log if isinstance(command, c.PrepareReply)]
    assert [len(text) for text in prepared] == [len(LONG), 2 * len(LONG) + 1]
    assert told(talk) == [c.LeaveOut(2, 3)]
    assert (talk.state, talk.taker.turn) == (THINKING, 2)


def test_one_character_a_text_takes_no_more_than_the_bound_to_join() -> None:
    """Joining is bounded by what is kept, and not by what comes."""
    talk = Talk()
    for n in range(20_000):
        talk.at(n * 0.001, typed("x"))
    lengths = [len(text) for text in texts_of(talk)]
    assert max(lengths) <= MAX_MESSAGE
    assert len(told(talk)) == 1


def test_the_next_turn_has_room_again_and_is_told_again() -> None:
    talk = Talk()
    for turn in (1, 2):
        talk.at(turn * 10.0, started(turn * 10.0))
        for _ in range(4):
            talk.at(turn * 10.0 + 1, typed(LONG))
        talk.at(turn * 10.0 + 2, END)
        talk.at(turn * 10.0 + 2.1, e.Transcribed(turn, ""))
        assert told(talk)[-1].turn == turn
        talk.at(turn * 10.0 + 3, e.ReplyAudible(turn))
        talk.at(turn * 10.0 + 4, e.ReplyEnded(turn))
    assert len(told(talk)) == 2


def test_what_is_spoken_beyond_is_left_out_at_the_end_of_a_word() -> None:
    talk = Talk()
    talk.at(0.0, started())
    talk.at(0.1, typed(LONG))
    talk.at(1.0, ended(1.0))
    words = " ".join(f"number{n}" for n in range(1_000))
    talk.at(1.1, e.Transcribed(1, words))
    commands = talk.at(1.404, OVER)
    assert c.LeaveOut(1) in commands
    (commit,) = [command for command in commands if isinstance(command, c.CommitReply)]
    assert MAX_MESSAGE - 20 < len(commit.message) <= MAX_MESSAGE
    assert f"{LONG} {words} ".startswith(f"{commit.message} ")
    # The transcript is told whole.
    assert commit.spoken == words


def test_a_text_without_spaces_is_cut_all_the_same() -> None:
    assert joined("去" * 20_000) == "去" * MAX_MESSAGE
    assert joined("a", "去" * 20_000) == f"a {'去' * (MAX_MESSAGE - 2)}"


def test_parts_beyond_are_told_once_and_their_words_left_out() -> None:
    talk = Talk()
    talk.at(0.0, started())
    for n in range(1, 6):
        talk.at(n * 60.0, LIMIT)
        talk.at(n * 60.0 + 1, e.PartTranscribed(LONG))
    assert told(talk) == [c.LeaveOut(1)]
    parts = [command for _, command in talk.log if isinstance(command, c.KeepPart)]
    assert [len(part.message) for part in parts[:2]] == [len(LONG), 2 * len(LONG) + 1]
    assert max(len(part.message) for part in parts) <= MAX_MESSAGE
    assert [part.spoken for part in parts] == [LONG] * 5
    assert all(later.message.startswith(before.message) for before, later in pairwise(parts))


def test_words_that_are_given_back_count() -> None:
    """Spoken in turn 1, whose answer nobody heard; what is typed in turn 2 has what they left."""
    talk = talk_in(LISTENING)
    talk.at(0.0, typed(LONG))
    talk.at(0.5, START)
    assert talk.taker.words == LONG
    assert talk.at(0.6, typed(LONG)) == []
    assert talk.at(0.7, typed(LONG)) == [c.LeaveOut(2, 0)]


def test_what_is_to_be_said_verbatim_is_no_word_of_the_user() -> None:
    talk = talk_in(HEARING)
    talk.at(0.5, typed(LONG))
    talk.at(0.5, typed(LONG))
    assert talk.at(0.6, say(LONG)) == []
    assert talk.taker.waiting == 1


# ---------------------------------------------------------------- the button


def held(splits: int) -> Talk:
    """The button is pressed since 0 s, and the turn was split so often."""
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, START)
    for n in range(1, splits + 1):
        assert talk.at(n * 60.0, LIMIT) == [c.SplitUtterance()]
        assert talk.at(n * 60.0 + 1, e.PartTranscribed(f"part{n}")) == [
            c.KeepPart(1, " ".join(f"part{k}" for k in range(1, n + 1)), f"part{n}")
        ]
    return talk


def test_a_button_that_is_never_let_go_of_ends_with_its_tenth_part() -> None:
    talk = held(MAX_SPLITS)
    assert talk.at(660.0, LIMIT) == [c.GiveUpButton(1), c.AskTranscript(1)]
    assert talk.state is THINKING
    words = " ".join(f"part{n}" for n in range(1, MAX_SPLITS + 1))
    assert talk.at(661.0, e.Transcribed(1, "the end")) == [
        prepare(1, 1, f"{words} the end"),
        c.CommitReply(1, 1, f"{words} the end", "the end"),
    ]
    # END comes after all, and is one of nothing.
    assert talk.at(662.0, END) == []


def test_the_next_press_is_counted_anew() -> None:
    talk = held(MAX_SPLITS)
    talk.at(660.0, END)
    talk.at(660.1, e.Transcribed(1, "so much"))
    talk.at(661.0, START)
    assert talk.taker.turn == 2
    assert talk.at(721.0, LIMIT) == [c.SplitUtterance()]


def test_who_speaks_without_a_button_is_split_and_not_ended() -> None:
    talk = Talk()
    talk.at(0.0, started())
    for n in range(1, 3 * MAX_SPLITS):
        assert talk.at(n * 60.0, LIMIT) == [c.SplitUtterance()]
        talk.at(n * 60.0 + 1, e.PartTranscribed("and on"))
    assert talk.state is HEARING


def test_a_part_in_which_nothing_was_said_is_one_too() -> None:
    talk = Talk()
    talk.at(0.0, START)
    talk.at(60.0, LIMIT)
    assert talk.at(61.0, e.PartTranscribed("")) == [c.KeepPart(1, "", "")]


@pytest.mark.parametrize("state", [LISTENING, THINKING, SPEAKING])
def test_what_is_said_over_an_answer_for_so_long_is_let_go_of(state: State) -> None:
    """As at its end: it is no turn."""
    talk = talk_in(state)
    assert talk.at(90.0, LIMIT) == [c.Forget()]
    assert talk.state is state
    assert talk_in(AWAITING).at(1.45, LIMIT) == []
