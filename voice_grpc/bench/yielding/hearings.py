"""`python -m voice_grpc.bench.yielding.hearings`: what Whisper makes of short words over an answer, and what
they are then taken for.

Many voices say each word; nothing is played and nobody is called, so that hundreds of them take minutes. The
words go through the same detector, gate and verdict as in a conversation.
"""

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.audio import WINDOW, Samples, rms, sample_count, seconds, to_float, to_pcm16
from ...core.transcript.belief import VoiceTrack, unsaid
from ...core.transcript.text import without
from ...core.turn.endpointing import Endpointer, EndpointSettings
from ...core.turn.interruption import Overlap, OverlapVerdict, verdict
from ...engines.silero import SileroVad
from ...engines.whisper.stt import WhisperStt
from ...ports import Stt, SttOptions, Vad
from ..turns.material import FLOOR
from ..turns.speakers import Renderer, Speaker
from .material import LISTENING, ORDERS, TAKING, OverlapKind

BEFORE, AFTER = 0.3, 0.4
"""Seconds of silence around a voice: an utterance is kept from 0.3 s before its onset on."""
VOICES = (
    "en-us",
    "en-us+f2",
    "en-us+f4",
    "en-us+m3",
    "en-us+m7",
    "en-gb",
    "en-gb-scotland+f1",
    "en-gb-x-rp+m1",
)
RATES, PITCHES = (0.85, 1.0, 1.2), (0.88, 1.0, 1.16)
MORE_LISTENING = (
    "Yes.",
    "Aha.",
    "Got it.",
    "Of course.",
    "Yeah, yeah.",
    "Oh, really?",
    "That's true.",
    "Exactly.",
)
MORE_ORDERS = (
    "No.",
    "Two.",
    "Anna.",
    "Rome?",
    "Next.",
    "Louder.",
    "Not that one.",
    "Who?",
    "And then?",
    "Be quiet.",
)


@dataclass(frozen=True, slots=True)
class HeardWords:
    said: str
    speaker: str
    kind: OverlapKind
    voiced: float
    """Seconds, as the detector has them."""
    written: str
    doubt: float | None
    """Of the recogniser, as `TranscriptSegment` has it; None: it wrote nothing."""
    found: OverlapVerdict | None

    @property
    def is_right(self) -> bool:
        return (self.found is OverlapVerdict.INTERRUPTION) == self.kind.is_meant


def voices() -> Iterator[Speaker]:
    for rate in RATES:
        yield from (Speaker(f"joe {rate} {pitch}", rate=rate, pitch=pitch) for pitch in PITCHES)
        yield from (Speaker(f"{voice} {rate}", voice, rate=rate) for voice in VOICES)


async def heard(
    kind: OverlapKind, said: str, speaker: str, samples: Samples, stt: Stt, vad: Vad
) -> HeardWords:
    """By a recogniser for English, to the end that the detector hears."""
    floor = np.random.default_rng(1).normal(0, FLOOR, len(samples) + sample_count(BEFORE + AFTER))
    floor[sample_count(BEFORE) :][: len(samples)] += to_float(samples)
    sound = to_pcm16(floor.astype(np.float32))
    endpointer, detector = Endpointer(EndpointSettings), vad.open()
    stream = stt.open(SttOptions(languages=("en",)))
    probabilities: list[float] = []
    onset = last = 0
    for at in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = sound[at : at + WINDOW]
        probabilities.append(await detector.probability(to_float(window)))
        endpointer.feed(probabilities[-1], at + WINDOW, rms(window))
        if endpointer.is_speech:
            onset, last = onset or at - WINDOW, at + WINDOW
        stream.feed(window)
    track = VoiceTrack(seconds(len(sound)), tuple(probabilities))
    told = await stream.final()
    await stream.close()
    doubt = max((each.doubt for each in told.segments if each.doubt is not None), default=None)
    text = without(told.text, unsaid(told.text, told.segments, track))
    overlap = Overlap(seconds(last - onset), is_over=True, words=text, are_final=True, language="en")
    return HeardWords(said, speaker, kind, overlap.voiced, text, doubt, verdict(overlap))


def plan(count: int) -> list[tuple[OverlapKind, str, Speaker]]:
    """`count` of all that everybody can say, drawn; the same every time."""
    texts = {
        OverlapKind.LISTENING: (*LISTENING, *MORE_LISTENING),
        OverlapKind.ORDER: (*ORDERS, *MORE_ORDERS),
        OverlapKind.TAKING: TAKING,
    }
    said = [(kind, text, voice) for kind, of in texts.items() for text in of for voice in voices()]
    return random.Random(1).sample(said, min(count, len(said)))


async def measure(count: int) -> AsyncIterator[HeardWords]:
    """Each as soon as it is known. Raises `EngineMissing`."""
    renderer, stt, vad = Renderer(), WhisperStt(workers=1), SileroVad()
    await stt.warm()
    await vad.warm()
    try:
        for kind, text, speaker in plan(count):
            yield await heard(kind, text, speaker.name, renderer.say(text, speaker), stt, vad)
    finally:
        await stt.close()
        await vad.close()


def report(found: Sequence[HeardWords]) -> str:
    lines = []
    for kind in (OverlapKind.LISTENING, OverlapKind.ORDER, OverlapKind.TAKING):
        ours = [each for each in found if each.kind is kind]
        lines.append(f"{kind.value}: {sum(each.is_right for each in ours)} of {len(ours)}")
        wrong = Counter((each.said, each.written) for each in ours if not each.is_right)
        lines += [
            f"  {count} x {said!r} was written {written!r}" for (said, written), count in wrong.most_common()
        ]
    return "\n".join(lines)


async def _main(count: int) -> None:
    found = []
    async for each in measure(count):
        found.append(each)
        print("right" if each.is_right else "WRONG", each, flush=True)
    print(report(found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="voices and words, drawn (%(default)s)")
    asyncio.run(_main(parser.parse_args().count))


if __name__ == "__main__":
    main()
