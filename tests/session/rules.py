"""The rules of the contract that hold for whatever a session says, by their number there."""

from itertools import pairwise

import pytest

from voice_grpc.core import responses as o

from .harness import MICROSECOND, Recording

TERMINAL = {o.TurnPhase.COMPLETED, o.TurnPhase.INTERRUPTED, o.TurnPhase.FAILED, o.TurnPhase.DISCARDED}


def check_rules(recording: Recording, lead: float = 0.2, rate_hz: int = 24_000) -> None:
    """2 to 7, of a session that was not cut off in the middle; 7 by the clock."""
    said = [message for _, message in recording.said]
    assert isinstance(said[0], o.SessionStarted), "1: nothing before SessionStarted"
    turns = sorted({m.turn for m in said if isinstance(m, o.TurnEvent) and m.turn})
    begun = [m.turn for m in said if isinstance(m, o.TurnEvent) and m.turn]
    firsts = [turn for place, turn in enumerate(begun) if turn not in begun[:place]]
    assert firsts == turns, f"2: turns begin in the order {firsts}"
    for turn in turns:
        check_order(said, turn, is_ended=recording.error is None)
        check_cut(said, turn)
        check_chunks(said, turn)
        check_lead(recording, turn, lead, rate_hz)
    check_transcripts(said)


def _of_turn(said: list[o.ConverseResponse], turn: int) -> list[o.ConverseResponse]:
    return [m for m in said if getattr(m, "turn", None) == turn]


def check_order(said: list[o.ConverseResponse], turn: int, *, is_ended: bool) -> None:
    """3. A turn that begins with speech may be discarded before anybody thinks about it."""
    mine = _of_turn(said, turn)
    events = [m.phase for m in mine if isinstance(m, o.TurnEvent)]
    ends = [phase for phase in events if phase in TERMINAL]
    assert len(ends) == 1 or (not is_ended and not ends), f"3: turn {turn}: {events}"
    expected = [o.TurnPhase.USER_SPEAKING, o.TurnPhase.THINKING, o.TurnPhase.SPEAKING, *ends]
    assert events == [phase for phase in expected if phase in events], f"3: turn {turn}: {events}"
    if o.TurnPhase.THINKING not in events:
        assert not ends or ends == [o.TurnPhase.DISCARDED], f"3: turn {turn}: {events}"
        return
    kinds = [m.phase if isinstance(m, o.TurnEvent) else type(m) for m in mine]
    media = [place for place, kind in enumerate(kinds) if kind in (o.ResponseText, o.AudioOutput)]
    if media:
        assert kinds.index(o.TurnPhase.SPEAKING) < media[0], f"3: turn {turn} sounds before SPEAKING"
    if ends:
        end = kinds.index(ends[0])
        assert all(place < end for place in media), f"3: turn {turn} sounds after its end"
        assert end > kinds.index(o.TurnPhase.THINKING)
        assert all(place > end for place, kind in enumerate(kinds) if kind is o.TurnMetrics)
    assert kinds.count(o.TurnMetrics) <= 1


def check_cut(said: list[o.ConverseResponse], turn: int) -> None:
    """4."""
    mine = _of_turn(said, turn)
    cuts = [place for place, m in enumerate(mine) if _cuts(m)]
    if cuts:
        assert not [m for m in mine[cuts[0] :] if isinstance(m, o.AudioOutput | o.ResponseText)], (
            f"4: turn {turn}"
        )


def _cuts(message: o.ConverseResponse) -> bool:
    is_flush = isinstance(message, o.PlaybackControl) and message.action is o.PlaybackAction.FLUSH
    return is_flush or isinstance(message, o.Interrupted)


def check_transcripts(said: list[o.ConverseResponse]) -> None:
    """5."""
    transcripts = [m for m in said if isinstance(m, o.Transcript)]
    assert [m.segment for m in transcripts] == sorted(m.segment for m in transcripts)
    for before, after in pairwise(transcripts):
        if before.segment == after.segment:
            assert not before.is_final, "5: a final is never revised"
            assert after.revision > before.revision
        else:
            assert before.is_final, "5: a segment ends with a final"
    finals = [m.turn for m in transcripts if m.is_final and m.turn]
    spoken = [m.turn for m in said if isinstance(m, o.TurnEvent) and m.phase is o.TurnPhase.USER_SPEAKING]
    assert list(dict.fromkeys(finals)) == spoken, (
        "5: each user turn ends with a final, a long one with several"
    )


def check_chunks(said: list[o.ConverseResponse], turn: int) -> None:
    """6."""
    chunks = [m for m in said if isinstance(m, o.AudioOutput) and m.turn == turn]
    assert [m.index for m in chunks] == list(range(len(chunks))), f"6: turn {turn}"
    offset = 0
    for chunk in chunks:
        assert chunk.offset == offset, f"6: turn {turn}, chunk {chunk.index}"
        offset += chunk.duration
    is_whole = any(
        isinstance(m, o.TurnEvent)
        and m.turn == turn
        and m.phase in (o.TurnPhase.COMPLETED, o.TurnPhase.FAILED)
        for m in said
    )
    if chunks and is_whole:
        assert [m.is_last for m in chunks] == [False] * (len(chunks) - 1) + [True], f"6: turn {turn}"
    assert sum(m.is_last for m in chunks) <= 1


def check_lead(recording: Recording, turn: int, lead: float, rate_hz: int) -> None:
    """7, for a client that plays whatever it has at once."""
    plays_until = 0.0
    for at, chunk in recording.audio(turn):
        plays_until = max(plays_until, at) + chunk.duration / rate_hz
        assert plays_until - at <= lead + 3 * MICROSECOND, f"7: turn {turn}, chunk {chunk.index}"


def at(seconds: float) -> object:
    """Equal to the microsecond."""
    return pytest.approx(seconds, abs=2 * MICROSECOND)
