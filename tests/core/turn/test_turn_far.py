"""A voice that is far quieter than the user's: somebody else's, at the other end of the room."""

from dataclasses import replace

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.audio import sample_count
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings

from .turn_script import HEARING, LISTENING, OVER, SPEAKING, THINKING, YIELDING, Talk

NEAR = TurnSettings(
    hold=0.5, interruption=Interruption.YIELD, duck=True, near_field_only=True, assistant_name="Robin"
)
USER, FAR = -20.0, -35.0


def says(talk: Talk, at: float, words: str, db: float | None) -> list[c.Command]:
    """From `at` on for a second; what was done once the words came, 0.6 s after its end."""
    talk.at(at, started(at))
    if db is not None:
        talk.at(at + 0.1, e.LevelHeard(db))
    asked = talk.at(at + 1.0, ended(at + 1.0))
    asked += talk.at(at + 1.404, OVER)
    revision = next(one.revision for one in asked if isinstance(one, c.AskTranscript))
    return asked + talk.at(at + 1.6, e.Transcribed(revision, words, language="en"))


def acquainted(settings: TurnSettings = NEAR, db: float | None = USER) -> Talk:
    """One turn of the user was answered, and the answer is over."""
    talk = Talk(settings)
    says(talk, 0.0, "hello", db)
    talk.at(2.0, e.ReplyAudible(1))
    talk.at(3.0, e.ReplyEnded(1))
    assert talk.state is LISTENING
    talk.log.clear()
    return talk


def answering() -> Talk:
    """The second turn is being answered, audibly."""
    talk = acquainted()
    says(talk, 4.0, "tell me a story", USER)
    talk.at(6.0, e.ReplyAudible(2))
    assert talk.state is SPEAKING
    talk.log.clear()
    return talk


def test_who_is_far_away_is_not_answered() -> None:
    talk = acquainted()
    assert says(talk, 4.0, "pass me the salt", FAR)[-1] == c.DiscardTurn(2, is_far=True)
    assert talk.state is LISTENING


def test_the_user_is_answered_and_so_is_whoever_nobody_is_compared_with() -> None:
    for talk, db in ((acquainted(), USER), (acquainted(db=None), FAR), (acquainted(), None)):
        says(talk, 4.0, "tell me more", db)
        assert talk.state is THINKING


def test_whoever_says_the_assistants_name_is_answered() -> None:
    talk = acquainted()
    says(talk, 4.0, "Robin, what time is it?", FAR)
    assert talk.state is THINKING


def test_it_can_be_switched_off() -> None:
    talk = acquainted(replace(NEAR, near_field_only=False))
    says(talk, 4.0, "pass me the salt", FAR)
    assert talk.state is THINKING


def test_a_turn_that_was_near_once_is_the_users() -> None:
    talk = acquainted()
    talk.at(4.0, started(4.0))
    talk.at(4.1, e.LevelHeard(USER))
    talk.at(5.0, ended(5.0))
    says(talk, 5.2, "and softly so", FAR)
    assert talk.state is THINKING


def test_who_is_far_away_interrupts_nothing() -> None:
    talk = answering()
    talk.at(8.0, started(8.0))
    assert talk.state is YIELDING
    assert talk.at(8.07, e.LevelHeard(FAR)) == [c.Unduck(2), c.Forget()]
    assert talk.state is SPEAKING
    assert talk.at(9.0, ended(9.0)) == [c.Forget()]


def test_who_is_far_away_and_says_the_name_interrupts() -> None:
    talk = answering()
    talk.at(8.0, started(8.0))
    talk.at(8.07, e.LevelHeard(FAR))
    assert talk.at(8.6, e.InterimHeard("hey", sample_count(8.6), "en")) == []
    assert talk.at(9.0, e.InterimHeard("hey Robin", sample_count(9.0), "en"))[0] == c.CancelReply(
        2, e.CancelReason.SPEECH
    )
    assert talk.state is HEARING


def test_the_button_is_the_users_however_soft_the_voice() -> None:
    talk = acquainted()
    talk.at(4.0, started(4.0))
    talk.at(4.1, e.LevelHeard(FAR))
    talk.at(4.2, e.ActivityStarted())
    talk.at(4.9, e.LevelHeard(FAR))
    (asked,) = [one for one in talk.at(5.0, e.ActivityEnded()) if isinstance(one, c.AskTranscript)]
    talk.at(5.2, e.Transcribed(asked.revision, "it is me", language="en"))
    assert talk.state is THINKING
