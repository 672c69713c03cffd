"""The page's playout, sample by sample: its worklet without an audio thread, with time as an argument."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import gateway
from tests.gateway.web.chromium import Page, chromium
from tests.gateway.web.opened import needs_chromium

pytestmark = needs_chromium

WORKLET = Path(gateway.__file__).parent / "web" / "playout-worklet.js"

FADE = 5
"""Samples of the way to silence and back; one sample is a millisecond here."""

RUN = """
(() => {
  const sampleRate = 1000, posted = [];
  let currentTime = 0, Made;
  class AudioWorkletProcessor {
    constructor() { this.port = { postMessage: (message) => posted.push(message) }; }
  }
  const registerProcessor = (_, kind) => { Made = kind; };
  %s
  const player = new Made();
  const steps = {
    audio: (turn, first, count, last, offset) => {
      const samples = Float32Array.from({ length: count }, (_, n) => first + n);
      player.port.onmessage({ data: { do: "audio", turn, last, samples, offset } });
    },
    tell: (what, turn, more) => player.port.onmessage({ data: { do: what, turn, ...more } }),
    take: (count) => {
      const output = new Float32Array(count);
      player.process(null, [[output]]);
      currentTime += count / sampleRate;
      return [...output];
    },
    told: () =>
      posted.splice(0).filter(({ what }) => what).map(({ turn, what, played }) => [turn, what, played]),
    underruns: () => player.answers[0].underruns,
  };
  return %s.map(([what, ...how]) => steps[what](...how) ?? null);
})()
"""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with chromium(tmp_path) as page:
        yield page


async def played(page: Page, *steps: tuple[Any, ...]) -> list[Any]:
    """What came of each step; sample n of an answer is its `first` + n, so that what is heard tells which
    sample it is."""
    source = await page.run(RUN % (WORKLET.read_text(), json.dumps(steps)))
    return list(source)


def started(count: int = 400, taken: int = 100) -> list[tuple[Any, ...]]:
    """Turn 1 with `count` samples, of which so many were played and all was told."""
    return [("audio", 1, 1000, count, True), ("take", taken), ("told",)]


def samples(first: int, end: int) -> list[int]:
    return list(range(first, end))


async def test_it_is_held_after_a_fade_and_goes_on_with_the_very_sample(page: Page) -> None:
    came = await played(
        page, *started(), ("tell", "hold", 1), ("told",), ("take", 20), ("take", 20), ("told",),
        ("tell", "resume", 1, {"position": 100}), ("take", 300), ("told",),
    )  # fmt: skip
    assert came[4] == [[1, "progress", 100]], "what was played is told at once"
    assert came[5][:FADE] == pytest.approx([(1100 + n) * (1 - (n + 1) / FADE) for n in range(FADE)], abs=1)
    assert came[5][FADE:] + came[6] == pytest.approx([0] * (40 - FADE), abs=1)
    assert came[7] == []
    assert came[9][FADE:] == samples(1100 + FADE, 1400)
    assert came[9][0] == pytest.approx(1100 / FADE)
    assert came[10] == [[1, "finished", 400]]


async def test_what_is_heard_again_lowers_no_report(page: Page) -> None:
    came = await played(
        page, *started(taken=300), ("tell", "hold", 1), ("take", 20), ("told",),
        ("tell", "resume", 1, {"position": 220}), ("take", 120), ("told",), ("take", 60), ("told",),
    )  # fmt: skip
    assert came[7][FADE:] == samples(1220 + FADE, 1340)
    assert came[8] == [[1, "progress", 340]]
    assert came[9] == samples(1340, 1400)
    again = await played(
        page, *started(taken=300), ("tell", "hold", 1), ("told",),
        ("tell", "resume", 1, {"position": 150}), ("take", 100), ("told",),
    )  # fmt: skip
    assert again[7] == [[1, "progress", 300]]


async def test_a_second_is_kept_and_what_is_to_come_is_never_left_out(page: Page) -> None:
    long = [("audio", 1, 1000, 3000, True), *[("take", 20)] * 101]
    came = await played(
        page, *long, ("tell", "hold", 1), ("take", 20), ("tell", "resume", 1, {"position": 5}), ("take", 20)
    )
    assert came[-1][FADE:] == samples(1000 + 1020 + FADE, 1000 + 1040)
    came = await played(
        page, *started(), ("tell", "hold", 1), ("tell", "resume", 1, {"position": 350}), ("take", 20)
    )
    assert came[-1][FADE:] == samples(1100 + FADE, 1120)


async def test_what_is_waited_for_while_it_is_held_is_no_underrun(page: Page) -> None:
    came = await played(
        page, ("audio", 1, 1000, 100, False), ("take", 120), ("tell", "hold", 1),
        ("audio", 1, 1100, 100, False), ("take", 500), ("tell", "resume", 1, {"position": 100}), ("take", 50),
        ("underruns",),
    )  # fmt: skip
    assert came[6] == samples(1100, 1150)
    assert came[7] == 0
    came = await played(
        page, ("audio", 1, 1000, 100, False), ("take", 120), ("audio", 1, 1100, 100, False), ("take", 50),
        ("underruns",),
    )  # fmt: skip
    assert came[-1] == 1, "without a hold it is one"


@pytest.mark.parametrize("how", ["clear", "finish"])
async def test_what_is_cut_or_broke_off_holds_nobody_up(how: str, page: Page) -> None:
    came = await played(
        page, *started(taken=300), ("tell", "duck", 1, {"on": True}), ("tell", "hold", 1), ("take", 20),
        ("audio", 2, 5000, 50, True), ("tell", how, 1), ("take", 150),
    )  # fmt: skip
    heard = came[-1]
    at = 0 if how == "clear" else 100
    assert heard[at : at + 50] == samples(5000, 5050)


async def test_it_is_lowered_within_20_ms_and_goes_on_at_full_volume(page: Page) -> None:
    came = await played(
        page, *started(), ("tell", "duck", 1, {"on": True}), ("take", 40), ("tell", "duck", 7, {"on": False}),
        ("take", 20), ("tell", "hold", 1), ("take", 20), ("tell", "resume", 1, {"position": 160}),
        ("take", 40),
        ("tell", "duck", 1, {"on": True}), ("take", 20), ("tell", "duck", 1, {"on": False}), ("take", 60),
    )  # fmt: skip
    ducked = 10 ** (-12 / 20)
    assert all(one > other for one, other in zip(came[4][:19], came[4][1:20], strict=True))
    assert came[4][20:] == pytest.approx([value * ducked for value in samples(1120, 1140)], rel=1e-4)
    assert came[6] == pytest.approx([value * ducked for value in samples(1140, 1160)], rel=1e-4)
    assert came[10][FADE:] == samples(1160 + FADE, 1200)
    assert came[14][20:] == samples(1240, 1280)


async def test_the_next_answer_is_neither_lowered_nor_held(page: Page) -> None:
    came = await played(
        page, *started(taken=380), ("tell", "duck", 1, {"on": True}), ("audio", 2, 5000, 50, True),
        ("take", 70),
        ("tell", "hold", 1), ("tell", "duck", 1, {"on": True}), ("audio", 3, 7000, 50, True), ("take", 50),
    )  # fmt: skip
    assert came[5][20:] == samples(5000, 5050)
    assert came[-1] == samples(7000, 7050)


# ---------------------------------------------------------------- after a line was lost


async def test_sound_that_comes_again_is_heard_once_and_none_is_left_out(page: Page) -> None:
    came = await played(
        page, ("audio", 1, 1000, 200, False, 0), ("take", 150), ("told",),
        ("audio", 1, 1100, 200, True, 100), ("take", 150), ("told",),
    )  # fmt: skip
    assert came[1] + came[4] == samples(1000, 1300)
    assert came[5] == [[1, "finished", 300]]


async def test_sound_that_comes_again_after_it_ran_dry_goes_on_where_the_ear_was(page: Page) -> None:
    came = await played(
        page, ("audio", 1, 1000, 200, False, 0), ("take", 200), ("take", 60), ("told",),
        ("audio", 1, 1150, 150, True, 150), ("take", 100), ("told",),
    )  # fmt: skip
    assert came[5] == samples(1200, 1300)
    assert came[6] == [[1, "finished", 300]]


async def test_an_answer_that_is_joined_in_its_middle_is_counted_from_there(page: Page) -> None:
    came = await played(page, ("audio", 7, 1000, 100, True, 500), ("take", 100), ("told",))
    assert came[1] == samples(1000, 1100)
    assert came[2] == [[7, "started", 500], [7, "finished", 600]]


async def test_sound_that_never_came_is_silence(page: Page) -> None:
    came = await played(
        page, ("audio", 1, 1000, 100, False, 0), ("audio", 1, 1300, 100, True, 300), ("take", 400), ("told",)
    )
    assert came[2] == samples(1000, 1100) + [0] * 200 + samples(1300, 1400)
    assert came[3][-1] == [1, "finished", 400]


async def test_another_conversation_begins_with_nothing(page: Page) -> None:
    came = await played(
        page, *started(taken=400), ("audio", 2, 2000, 100, False), ("tell", "hold", 2), ("told",),
        ("tell", "restart", 0), ("audio", 1, 5000, 100, True), ("take", 100), ("told",),
    )  # fmt: skip
    assert came[8] == samples(5000, 5100)
    assert came[9] == [[1, "started", 0], [1, "finished", 100]]


async def test_it_waits_while_another_line_begins_and_goes_on_with_the_very_sample(page: Page) -> None:
    came = await played(
        page, *started(), ("tell", "stop", 0), ("told",), ("take", 20), ("take", 20),
        ("tell", "goOn", 0), ("take", 300), ("told",),
    )  # fmt: skip
    assert came[4] == [[1, "progress", 100]], "what was played is told at once"
    assert came[5][FADE:] + came[6] == pytest.approx([0] * 35, abs=1e-9)
    assert came[8][FADE:] == samples(1100 + FADE, 1400)
    assert [1, "finished", 400] in came[9]


async def test_what_the_server_held_waits_on_after_another_line_began(page: Page) -> None:
    came = await played(
        page, *started(), ("tell", "hold", 1), ("tell", "stop", 0), ("tell", "goOn", 0), ("take", 20),
        ("take", 20), ("tell", "resume", 1, {"position": 100}), ("take", 300),
    )  # fmt: skip
    assert came[7] == pytest.approx([0] * 20, abs=1e-9)
    assert came[9][FADE:] == samples(1100 + FADE, 1400)
