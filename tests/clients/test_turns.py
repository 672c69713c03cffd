"""What is known of the turns after the responses that came."""

from clients.turns import Turns
from voice_grpc.pb import voice_pb2 as pb

State = pb.TurnEvent.State


def after(*responses: pb.ConverseResponse) -> Turns:
    turns = Turns()
    for response in responses:
        turns.receive(response)
    return turns


def moved(turn: int, state: pb.TurnEvent.State) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, turn_event=pb.TurnEvent(state=state))


def said(turn: int, text: str, is_final: bool = True) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, transcript=pb.Transcript(text=text, is_final=is_final))


def test_nothing_is_quiet() -> None:
    assert after().is_quiet
    assert after().last == 0


def test_the_user_who_speaks_is_not_quiet_until_it_is_decided() -> None:
    assert not after(moved(0, State.STATE_USER_SPEAKING)).is_quiet
    assert after(moved(1, State.STATE_USER_SPEAKING), said(1, ""), moved(1, State.STATE_DISCARDED)).is_quiet
    assert not after(moved(1, State.STATE_USER_SPEAKING), said(1, "hi")).is_quiet


def test_a_turn_from_the_question_to_the_end() -> None:
    answer = pb.ConverseResponse(turn=1, response_text=pb.ResponseText(delta="Hello "))
    metrics = pb.ConverseResponse(turn=1, turn_metrics=pb.TurnMetrics(output_tokens=3))
    turns = after(
        said(1, "hel", is_final=False), said(1, "hello"), moved(1, State.STATE_THINKING), answer, answer
    )
    assert not turns.is_quiet
    assert turns.since(0)[0].transcript == "hello"
    turns.receive(moved(1, State.STATE_COMPLETED))
    turns.receive(metrics)
    (turn,) = turns.since(0)
    assert turns.is_quiet
    assert (turn.answer, turn.state) == ("Hello Hello ", State.STATE_COMPLETED)
    assert turn.metrics is not None
    assert turns.since(1) == []


def test_words_without_a_number_belong_to_the_next_turn() -> None:
    turns = after(said(0, "one"), said(0, "two"), moved(3, State.STATE_THINKING))
    assert turns.since(0)[0].transcript == "one two"


def test_an_interruption_keeps_what_was_heard() -> None:
    cut = pb.Interrupted(turn=1, heard_text="Hel")
    turns = after(moved(1, State.STATE_THINKING), pb.ConverseResponse(turn=1, interrupted=cut))
    turns.receive(moved(1, State.STATE_INTERRUPTED))
    turns.receive(moved(1, State.STATE_SPEAKING))
    assert turns.since(0)[0].cut == cut
    assert turns.since(0)[0].has_ended


def test_an_answer_whose_server_went_away_goes_on_in_the_next_turn() -> None:
    lost = pb.Interrupted(turn=1, reason=pb.Interrupted.REASON_SERVER_LOST)
    told = (pb.ConverseResponse(turn=1, interrupted=lost), moved(1, State.STATE_INTERRUPTED))
    turns = after(*told)
    assert not turns.is_quiet
    turns.receive(moved(2, State.STATE_THINKING))
    turns.receive(moved(2, State.STATE_COMPLETED))
    assert turns.is_quiet
    anew = after(*told)
    anew.restart()
    assert anew.is_quiet


def test_a_turn_that_came_to_nothing_does_not_count() -> None:
    turns = after(moved(1, State.STATE_THINKING), moved(1, State.STATE_DISCARDED))
    assert turns.is_quiet
    assert turns.since(0) == []
    assert turns.last == 1


def test_a_turn_is_answered_once_its_answer_begins() -> None:
    turns = after(said(1, "hello"), moved(1, State.STATE_THINKING))
    assert not turns.since(0)[0].is_answered
    turns.receive(moved(1, State.STATE_SPEAKING))
    assert turns.since(0)[0].is_answered


def test_another_conversation_counts_on_and_what_it_does_not_answer_has_failed() -> None:
    turns = after(
        moved(1, State.STATE_THINKING), moved(1, State.STATE_COMPLETED), moved(2, State.STATE_THINKING)
    )
    turns.restart()
    assert turns.is_quiet
    assert [turn.state for turn in turns.since(0)] == [State.STATE_COMPLETED, State.STATE_FAILED]
    turns.receive(moved(1, State.STATE_THINKING))
    assert [turn.number for turn in turns.since(2)] == [3]
    turns.receive(pb.ConverseResponse(turn=1, interrupted=pb.Interrupted(turn=1, heard_text="Hel")))
    assert turns.since(2)[0].cut is not None
