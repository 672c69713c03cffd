"""What the page looks like: in no size and no theme is anything cut off, covered, too small or too faint."""

import json
from pathlib import Path

from tests.gateway.web.chromium import Page
from tests.gateway.web.opened import (
    SCREENSHOTS,
    STATE,
    is_seen,
    needs_chromium,
    opened,
    start,
    write,
)  # fmt: skip
from tests.gateway.web.test_log import MEASURED, fill
from tests.serving import LONG, scripted

pytestmark = needs_chromium

SIZES = {"desk": (1280, 800), "phone": (390, 844), "small": (320, 568)}
ON_ITS_SIDE = (568, 320)

MEASURES = """
(() => {
  const seen = (e) => e.checkVisibility() && e.getClientRects().length && !e.closest('.unseen');
  const front = document.querySelector('dialog[open]') ?? document.body;
  const controls = [...front.querySelectorAll('button, input, select')].filter(seen);
  const place = (e) => (e.matches('input[type=checkbox]') ? e.closest('label') : e).getBoundingClientRect();
  const name = (e) => e.id || e.className || e.tagName;
  const small = controls.filter((e) => place(e).height < 44 || place(e).width < 44).map(name);
  const isScrolled = (e) => e.closest('.log, dialog');
  const depth = Math.max(innerHeight, document.documentElement.scrollHeight);
  const fixed = controls.filter((e) => !isScrolled(e));
  const cut = fixed.filter((e) => {
    const { left, top, right, bottom } = place(e);
    return left < 0 || top < 0 || right > innerWidth || bottom > depth;
  }).map(name);
  const texts = document.querySelectorAll('#state, h1, .health, #log, #alert, #countdown');
  const boxes = [...fixed, ...[...texts].filter(seen)];
  const isBefore = (a, b) => a.right - 1 <= b.left || a.bottom - 1 <= b.top;
  const meets = (a, b) => !isBefore(a, b) && !isBefore(b, a);
  const covered = [];
  for (const [n, one] of boxes.entries()) for (const other of boxes.slice(n + 1)) {
    if (meets(...[one, other].map((e) => e.getBoundingClientRect()))) covered.push([name(one), name(other)]);
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  return { small, cut, covered: front === document.body ? covered : [], sideways: scrollWidth - clientWidth };
})()
"""
FINE = {"small": [], "cut": [], "covered": [], "sideways": 0}

CONTRASTS = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const read = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = read(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const seen = (e) => e.checkVisibility() && e.getClientRects().length && !e.closest('.unseen, :disabled');
  const name = (e) => e.id || e.className || e.tagName;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const below = (least, elements, style, behind = (e) => e) => elements
    .map((e) => [name(e), ratio(read(style(e)), ground(behind(e)))]).filter(([, found]) => found < least);
  const isText = (node) => node.nodeType === 3 && node.data.trim();
  const hasText = (e) => [...e.childNodes].some(isText) || e.matches('input, select');
  const texts = all('body *').filter((e) => !e.closest('svg') && hasText(e));
  const edged = all('input:not([type=checkbox]), select, .quiet');
  const bars = [];
  for (const bar of document.querySelectorAll('.bar')) {
    const pieces = [...bar.children];
    bars.push(...below(3, pieces, (e) => getComputedStyle(e).backgroundColor, () => bar));
    const colors = pieces.map((e) => read(getComputedStyle(e).backgroundColor));
    colors.slice(1).forEach((color, n) => {
      if (ratio(color, colors[n]) < 1.6) bars.push([pieces[n + 1].className, 'like the one before']);
    });
  }
  return [
    ...below(4.5, texts, (e) => getComputedStyle(e).color),
    ...below(4.5, all('input'), (e) => getComputedStyle(e, '::placeholder').color),
    ...below(3, edged, (e) => getComputedStyle(e).borderTopColor, (e) => e.parentElement),
    ...below(3, all('button svg, .orb svg'), (e) => getComputedStyle(e).color),
    ...bars,
  ];
})()
"""
"""What is too faint, with its ratio (WCAG 2.2, 1.4.3 and 1.4.11)."""


async def assert_fine(page: Page, name: str) -> None:
    for theme in ("light", "dark"):
        await page.prefer(theme)
        for size, (width, height) in SIZES.items():
            await page.resize(width, height, is_phone=size != "desk")
            await page.prefer(theme)
            assert await page.run(MEASURES) == FINE, (name, size, theme)
            await page.screenshot(SCREENSHOTS / f"{name}-{size}-{theme}.png")
        assert await page.run(CONTRASTS) == [], (name, theme)


async def test_before_a_conversation_and_in_the_settings(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.until("document.getElementById('health-text').innerText === 'Ready'")
        await assert_fine(page, "start")
        await page.click("#settings-button")
        await assert_fine(page, "settings")


async def test_what_is_too_faint_or_too_small_is_found(tmp_path: Path) -> None:
    """By the measures of the other tests."""
    async with opened(tmp_path) as (_, page):
        await fill(page, 1)
        await page.prefer("light")
        assert await page.run(CONTRASTS) == []
        css = "document.documentElement.style.setProperty('%s', '%s')"
        for name, color in (("--soft", "#999"), ("--edge", "#ccc"), ("--stt", "#7f87a0"), ("--net", "#ccc")):
            await page.run(css % (name, color))
            assert await page.run(CONTRASTS) != [], name
            await page.run(css % (name, ""))
        await page.run("document.querySelector('footer').style.marginTop = '-4rem'")
        await page.run("document.getElementById('settings-button').style.minHeight = 0")
        found = await page.run(MEASURES)
        assert found["small"]
        assert found["covered"]


async def test_in_a_conversation(tmp_path: Path) -> None:
    async with opened(tmp_path, scripted(LONG)) as (_, page):
        await start(page)
        await assert_fine(page, "listening")
        await page.click("#mute")
        await assert_fine(page, "muted")
        await write(page, "Tell me a story.")
        await page.until(f"{STATE} === 'speaking'")
        await page.run("talk.view.heard('And what was its name', false)")
        await assert_fine(page, "speaking")
        await page.click("#stop")
        await page.until("document.querySelector('.mark')")
        await fill(page, 3)
        stages = {**MEASURED, "endOfTurnDelay": "0.3s", "voiceToVoice": "1.3s", "mouthToEar": "1.6s"}
        await page.run(f"talk.view.measured('2', {json.dumps(stages)})")
        await page.run("[...document.querySelectorAll('.took')].at(-1).click()")
        await assert_fine(page, "answered")


async def test_push_to_talk(tmp_path: Path) -> None:
    async with opened(tmp_path, remembered={"push": "on"}) as (_, page):
        await start(page, "ready")
        await assert_fine(page, "ready")
        await page.key("keyDown", " ")
        await page.until(f"{STATE} === 'hearing'")
        await assert_fine(page, "held")


async def test_with_trouble(tmp_path: Path) -> None:
    async with opened(tmp_path, browser={"is_allowed": False}) as (here, page):
        await start(page, "no-microphone")
        await fill(page, 4)
        await assert_fine(page, "no-microphone")
        await here.served.server.stop()
        await page.until(f"{STATE} === 'waiting'")
        await page.run("document.getElementById('countdown').textContent = 'Trying again in 30 s'")
        await assert_fine(page, "waiting")


async def test_a_token_is_asked_for(tmp_path: Path) -> None:
    async with opened(tmp_path, tokens=["right"]) as (_, page):
        await page.until("document.activeElement.id === 'token'")
        await assert_fine(page, "token")


async def test_on_its_side_the_page_scrolls_to_what_there_is_no_room_for(tmp_path: Path) -> None:
    """And no further."""
    async with opened(tmp_path, tokens=["right"]) as (_, page):
        await page.resize(*ON_ITS_SIDE, is_phone=True)
        await page.until("document.activeElement.id === 'token'")
        await fill(page, 20)
        last = "document.getElementById('typing').getBoundingClientRect().bottom + scrollY"
        assert await page.run(f"document.documentElement.scrollHeight - ({last})") < 40
        assert (await page.run(MEASURES))["sideways"] == 0
        assert await page.run("document.getElementById('log').clientHeight") >= 40
        await page.screenshot(SCREENSHOTS / "on-its-side.png")


async def test_nothing_moves_for_whoever_wants_no_motion(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.prefer(motion="reduce")
        await start(page)
        await page.until("Number(document.getElementById('orb').style.getPropertyValue('--level')) >= 0")
        assert await page.run("document.getAnimations().length") == 0
        assert await page.run("getComputedStyle(document.querySelector('.halo')).transform") == "none"
        assert await is_seen(page, ".halo")


async def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as (here, page):
        await start(page)
        names = await page.run("performance.getEntriesByType('resource').map((each) => each.name)")
        assert names
        assert [name for name in names if not name.startswith((here.url, "data:"))] == []
        assert not page.complaints, "the content security policy has nothing to object"
