"""What is believed by the evidence: how sure the recogniser was, and the voice that was heard.

The figures of the cases are those of the embedded Whisper on real sounds.
"""

import pytest

from voice_grpc.core.audio import WINDOW, seconds
from voice_grpc.core.transcript.belief import TranscriptSegment, VoiceTrack, unsaid
from voice_grpc.core.transcript.text import without


def track(voiced: float, clearness: float = 0.9, silence: float = 0.4) -> VoiceTrack:
    windows = [0.05] * round(silence / seconds(WINDOW)) + [clearness] * round(voiced / seconds(WINDOW))
    return VoiceTrack(seconds(len(windows) * WINDOW), windows)


def believed(
    text: str,
    voice: VoiceTrack,
    sure: tuple[float, float] | None = None,
    prompt: str = "",
) -> str:
    """`sure`: mean log probability, and that of no speech; None: the recogniser does not tell."""
    segments = [TranscriptSegment(text, 0.0, voice.seconds, *sure)] if sure else []
    return without(text, unsaid(text, segments, voice, prompt))


@pytest.mark.parametrize(
    ("text", "voiced", "clearness", "sure"),
    [
        ("Thank you.", 0.48, 0.88, (-0.73, 0.01)),
        ("Thank you.", 0.70, 0.89, (-0.79, 0.12)),
        ("Thank you.", 0.45, 0.82, (-0.70, 0.03)),
        ("Thank you.", 0.48, 0.88, None),
        ("Thank you very much.", 1.25, 0.93, (-0.51, 0.04)),
        ("Thanks for watching!", 1.28, 0.92, (-0.58, 0.16)),
        ("Yes.", 0.45, 0.93, (-0.90, 0.19)),
        ("No.", 0.29, 0.83, (-0.74, 0.11)),
        ("Two.", 0.26, 0.78, (-0.85, 0.33)),
        ("Anna", 0.35, 0.68, (-0.78, 0.18)),
        ("Two.", 0.38, 0.78, (-0.93, 0.32)),
        ("Okay.", 0.42, 0.77, (-0.80, 0.17)),
        ("Bye.", 0.26, 0.88, (-0.79, 0.11)),
        ("Bye.", 0.26, 0.88, None),
        ("You.", 0.22, 0.84, (-0.81, 0.30)),
        ("Ask not.", 0.83, 0.58, (-0.81, 0.18)),
        ("5, 5", 0.74, 0.91, (-0.74, 0.36)),
        ("Four Queen of Cloves.", 4.16, 0.75, (-0.87, 0.14)),
        ("And so, my fellow American.", 3.65, 0.70, (-0.82, 0.21)),
    ],
)
def test_what_was_said_counts(
    text: str, voiced: float, clearness: float, sure: tuple[float, float] | None
) -> None:
    assert believed(text, track(voiced, clearness), sure) == text


@pytest.mark.parametrize(
    ("text", "voiced", "clearness", "sure"),
    [
        ("Thank you very much.", 1.22, 0.83, (-1.12, 0.41)),
        ("Thank you very much.", 3.0, 0.75, None),
        ("Thank you.", 0.6, 0.5, None),
        ("Thank you. Thank you.", 4.5, 0.8, None),
        ("ご視聴ありがとうございました", 6.0, 0.8, None),
        ("Vielen Dank.", 3.0, 0.8, None),
        ("Bye.", 2.5, 0.8, (-0.9, 0.2)),
        ("So", 1.73, 0.85, (-0.85, 0.29)),
        ("I don't see it.", 0.26, 0.49, (-0.85, 0.26)),
        ("Oh", 0.48, 0.61, (-0.73, 0.31)),
        ("Great work.", 0.35, 0.69, (-0.8, 0.35)),
        ("I'm all behind it", 0.7, 0.78, (-0.78, 0.35)),
        ("I'll see you in the next video.", 1.22, 0.83, (-0.97, 0.41)),
        ("I don't know why this is happening.", 3.33, 0.88, (-1.15, 0.42)),
        ("5 minutes to 8 last days in the morning.", 2.30, 0.93, (-1.21, 0.36)),
        ("This doesn't have a sort of a coolness.", 2.4, 0.8, (-0.81, 0.31)),
        (
            "I agree with you, I agree with you, I agree with you, I agree with you.",
            3.26,
            0.92,
            (-0.79, 0.39),
        ),
        ("You", 0.9, 0.8, (-1.5, 0.9)),
    ],
)
def test_what_was_made_up_does_not(
    text: str, voiced: float, clearness: float, sure: tuple[float, float] | None
) -> None:
    assert believed(text, track(voiced, clearness), sure) == ""


def test_segments_are_judged_one_by_one() -> None:
    voice = track(2.0, silence=0.0)
    told = [
        TranscriptSegment("Hi there.", 0.0, 1.0, -0.3, 0.1),
        TranscriptSegment("Thanks for watching!", 1.0, 2.0, -1.5, 0.9),
    ]
    assert (
        without("Hi there. Thanks for watching!", unsaid("Hi there. Thanks for watching!", told, voice))
        == "Hi there."
    )
    assert without("Something else", unsaid("Something else", told, voice)) == ""


def test_segments_are_heard_where_they_are() -> None:
    voice = VoiceTrack(4.0, [0.9] * 62 + [0.45] * 63)
    told = [TranscriptSegment("Turn left.", 0.0, 1.9), TranscriptSegment("Thank you.", 2.4, 4.0)]
    text = "Turn left. Thank you."
    assert without(text, unsaid(text, told, voice)) == "Turn left."


PROMPT = "I am calling the pizza order line about an order for Siobhan Kowalczyk."


@pytest.mark.parametrize(
    ("text", "voiced", "sure"),
    [
        ("I am calling the pizza order line about an order.", 2.4, (-0.75, 0.39)),
        ("The pizza order line. The pizza order line.", 6.0, (-0.6, 0.3)),
        ("The pizza order line. The pizza order line.", 6.0, None),
        ("about an order for", 4.0, None),
    ],
)
def test_an_echo_of_the_prompt_needs_support(
    text: str, voiced: float, sure: tuple[float, float] | None
) -> None:
    assert believed(text, track(voiced), sure, PROMPT) == ""


@pytest.mark.parametrize(
    ("text", "voiced", "sure"),
    [
        ("Siobhan.", 0.5, (-0.8, 0.2)),
        ("Siobhan Kowalczyk", 0.9, (-0.9, 0.2)),
        ("Siobhan Kowalczyk", 0.9, None),
        ("I am calling the pizza order line about an order.", 2.4, (-0.3, 0.1)),
        ("I am calling the pizza order line about an order.", 2.4, None),
        ("Is this the pizza order line?", 2.0, (-0.7, 0.2)),
    ],
)
def test_words_of_the_prompt_count_when_they_are_heard(
    text: str, voiced: float, sure: tuple[float, float] | None
) -> None:
    assert believed(text, track(voiced), sure, PROMPT) == text


def test_without_a_detector_what_is_not_known_counts_for_the_words() -> None:
    assert believed("Thank you.", VoiceTrack(3.0)) == "Thank you."
    assert believed("Thank you.", VoiceTrack(3.0), (-1.3, 0.6)) == ""
