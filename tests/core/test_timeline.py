from itertools import pairwise

import pytest

from voice_grpc.core.timeline import Mark, Timeline

LATENCIES = {
    "end_of_turn_delay": (Mark.SPEECH_END, Mark.COMMIT),
    "stt_final_delay": (Mark.SPEECH_END, Mark.STT_FINAL),
    "llm_first_token": (Mark.LLM_REQUEST, Mark.LLM_FIRST_TOKEN),
    "tts_first_audio": (Mark.TTS_REQUEST, Mark.TTS_FIRST_AUDIO),
    "voice_to_voice": (Mark.SPEECH_END, Mark.FIRST_FRAME_OUT),
    "mouth_to_ear": (Mark.SPEECH_END, Mark.FIRST_PLAYED),
}


def test_between_any_two_marks() -> None:
    timeline = Timeline()
    for place, mark in enumerate(Mark):
        timeline.mark(mark, 100.0 + place * 0.25)
    assert [timeline.between(a, b) for a, b in pairwise(Mark)] == [0.25] * (len(Mark) - 1)
    assert timeline.between(Mark.STT_FINAL, Mark.COMMIT) == -0.25


def test_the_first_report_counts() -> None:
    timeline = Timeline()
    timeline.mark(Mark.COMMIT, 5.0)
    timeline.mark(Mark.COMMIT, 4.0)
    assert timeline.at(Mark.COMMIT) == 5.0


@pytest.mark.parametrize("latency", LATENCIES)
def test_a_latency_needs_both_its_marks_and_no_other(latency: str) -> None:
    timeline = Timeline()
    assert getattr(timeline, latency) is None
    start, end = LATENCIES[latency]
    for mark in Mark:
        if mark is not end:
            timeline.mark(mark, 0.0 if mark is start else 99.0)
    assert getattr(timeline, latency) is None
    timeline.mark(end, 0.5)
    assert getattr(timeline, latency) == 0.5
