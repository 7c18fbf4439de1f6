"""The cards that are used most, at the widths of a phone and of a desktop, in both chats: what is in sight."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_page import Demo, opened, say
from tests.skips import need

PHONE, DESKTOP = (390, 844), (1400, 900)
LISTS = ("pool list", "node list render-gpu", "job list", "schedule list")
"""Lists, with their rows' names, states and trouble."""
CARDS = ("pool show render-gpu", "account show", "home", "status", "why", "failures")
"""Cards whose answer and first button are in sight."""
OTHERS = ("alert list", "usage 24h", "cost", "topology")
"""What is longer than a screen by its nature; no word of it is cut off."""
SAID: dict[str, tuple[str, ...]] = {
    "home": ("tasks? failed in \\d+ jobs?", "cores at 100|pool render-gpu", "Running tasks"),
    "why": ("worst in render-prod", "To do:"),
    "failures": ("\\d+ failures? in render-prod", "×\\d+"),
    "pool show render-gpu": ("render-gpu", "core quota used up|quota"),
    "account show": ("render-prod",),
    "status": ("accounts?",),
    "alert list": ("open alerts?",),
    "usage 24h": ("busy of [\\d,.]+ core-hours",),
    "cost": ("Burning", "/h now: "),
    "topology": ("in trouble",),
}
"""What of a card is in sight on a phone without scrolling, as regular expressions: each within one line of it."""
PICTURES = ("usage 24h", "topology")
"""Cards that begin with a picture, which is drawn, wholly within the card's width, and begins on the first screen."""
SCREEN = 844
"""Pixels within which a card on a phone has its first button."""

_SEEN = """card => {
  const edge = card.querySelector('.slack_blocks_to_jsx__table') ?? card.querySelector('.ac-adaptiveCard');
  const right = edge.getBoundingClientRect().right + 1;
  const rows = card.querySelector('.slack_blocks_to_jsx__table')
    ? [...card.querySelectorAll('tr')].map((row) => [...row.children].slice(0, 2))
    : [...card.querySelectorAll('.ac-columnSet')].filter((row) => !row.querySelector('select'))
        .map((row) => [...row.children].filter((each) => each.textContent.trim()));
  return rows.map((cells) => cells.map((cell) => {
    const inner = cell.firstElementChild ?? cell;
    const line = parseFloat(getComputedStyle(inner).lineHeight) || 20;
    const range = document.createRange();
    range.selectNodeContents(cell);
    const box = range.getBoundingClientRect();
    return {text: cell.innerText.trim(), inside: box.right <= right, lines: Math.round(box.height / line)};
  }));
}"""
"""Each row's cells that have to be in sight: their words, whether they end within the card, and on how many lines."""
_CUT = """card => [...card.querySelectorAll('.ac-adaptiveCard, .blocks > *')]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)"""
_BELOW = """(card, wanted) => {
  const top = card.getBoundingClientRect().top, found = [];
  const says = (each) => new RegExp(wanted.replaceAll(' ', '\\\\s')).test(each.innerText ?? '');
  for (const each of [...card.querySelectorAll('*')].filter(says)) {
    if ([...each.children].some(says)) continue;
    const box = each.getBoundingClientRect();
    if (box.height > 0) found.push(box.top - top);
  }
  return found.length ? Math.min(...found) : -1;
}"""
"""How far below the card's beginning the innermost element begins that says so; -1 where none does."""
_DRAWN = """card => {
  const top = card.getBoundingClientRect().top, right = card.getBoundingClientRect().right + 1;
  return [...card.querySelectorAll('img')].filter((each) => each.naturalWidth > 200).map((each) => {
    const box = each.getBoundingClientRect();
    return {width: each.naturalWidth, height: each.naturalHeight, begins: box.top - top, inside: box.right <= right};
  });
}"""
"""The pictures of a card: their own size, where they begin, and whether they end within it."""
_FIRST = """card => {
  const button = card.querySelector('.actions button, .actions select, .ac-pushButton');
  return button ? button.getBoundingClientRect().bottom - card.getBoundingClientRect().top : 0;
}"""
"""How far below the card's beginning its first button ends."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    need("npm")
    running = Demo(tmp_path_factory.mktemp("phone"), "--speed", "20")
    yield running
    running.close()


def answered(pane: Locator, words: str, *, slack: bool) -> Locator:
    """What is answered to a command, once it is whole; asked again where a busy machine let Slack's 3 seconds pass."""
    for _ in range(3):
        before = pane.locator("article").count()
        say(pane, f"/batch {words}" if slack else words)
        found = pane.locator("article").nth(before + (0 if slack else 1))
        expect(found).to_be_visible(timeout=60_000)
        expect(found).to_contain_text(re.compile("as of|operation_timeout"), timeout=60_000)
        if "operation_timeout" not in found.inner_text():
            return found
    raise AssertionError(f"{words} was not acknowledged within 3 seconds, three times")


def pane_of(page: Page, name: str, width: int) -> Locator:
    if width <= 700:
        page.get_by_role("radio", name=name, exact=True).check(force=True)
    pane = page.get_by_test_id(f"{name}-pane")
    expect(pane.get_by_role("textbox", name=re.compile("^(Message|Start a post) "))).to_be_visible(timeout=120_000)
    room = "batchbot" if name == "slack" else "Batch Bot"  # alone with the bot: no alerts come in between
    pane.get_by_role("navigation").get_by_role("button", name=room).click()
    return pane


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_in_sight(demo: Demo, shots: Path) -> None:
    address = demo.ready(300)
    with opened(viewport={"width": PHONE[0], "height": PHONE[1]}) as page:
        errors: list[str] = []
        hidden: list[object] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        for width, height in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": height})
            page.get_by_role("radio", name="slack" if width <= 700 else "both", exact=True).check(force=True)
            for name in ("slack", "teams"):
                pane = pane_of(page, name, width)
                for words in (*LISTS, *CARDS, *OTHERS):
                    card = answered(pane, words, slack=name == "slack")
                    if words in PICTURES:
                        expect(card.locator("img[alt]").last).to_have_js_property(
                            "complete", value=True, timeout=60_000
                        )
                    card.evaluate("message => message.scrollIntoView({block: 'start'})")
                    page.screenshot(
                        path=shots / f"sight-{width}-{name}-{words.split(' render')[0].replace(' ', '-')}.png"
                    )
                    where = f"{words} at {width} in {name}"
                    if words in LISTS:
                        _list_is_in_sight(card, where)
                    hidden += out_of_sight(card, words, where, slack=name == "slack")
                    assert name == "slack" or card.evaluate(_CUT) == [], where
                    assert card.evaluate(_FIRST) <= SCREEN or words not in CARDS, where
                _details_unfold(pane, slack=name == "slack")
        assert page.evaluate("document.documentElement.scrollWidth") <= DESKTOP[0]
        assert errors == []
        assert hidden == []
    assert "Traceback" not in demo.said()


def out_of_sight(card: Locator, words: str, where: str, *, slack: bool) -> list[object]:
    """What the card is for that is not on the first screen of a phone, and so not on that of a desktop."""
    found: list[object] = []
    for wanted in SAID.get(words, ()):
        begins = card.evaluate(_BELOW, wanted)
        if not 0 <= begins <= SCREEN:
            found.append((where, wanted, begins))
    if words in PICTURES:
        drawn: list[dict[str, Any]] = card.evaluate(_DRAWN)
        if not drawn or not all(each["inside"] and each["begins"] < SCREEN / 2 for each in drawn):
            found.append((where, drawn))
        elif not slack and max(drawn[0]["width"], drawn[0]["height"]) > 1024:
            found.append((where, "larger than Teams takes", drawn))
    return found


def _list_is_in_sight(card: Locator, where: str) -> None:
    rows: list[list[dict[str, Any]]] = card.evaluate(_SEEN)
    assert len(rows) > 2, where
    for cells in rows[1:]:
        assert len(cells) >= 2, (where, cells)
        for cell in cells:
            assert cell["inside"], (where, cell)
        assert cells[0]["lines"] <= 2, (where, cells[0])
    if where.startswith("pool list"):
        expect(card).to_contain_text("core quota used up")
        expect(card).to_contain_text("resize failed")


def _details_unfold(pane: Locator, *, slack: bool) -> None:
    card = answered(pane, "pool show render-gpu", slack=slack)
    hidden = card.get_by_text("Resize timeout", exact=True)
    assert hidden.count() == 0 or not hidden.first.is_visible()
    card.get_by_role("button", name="All details", exact=True).click()
    expect(card.get_by_text("Resize timeout", exact=True)).to_be_visible(timeout=60_000)
    card.get_by_role("button", name="Less", exact=True).click()
    expect(card.get_by_role("button", name="All details", exact=True)).to_be_visible(timeout=60_000)


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_files_open_and_pictures_are_drawn_on_slack(demo: Demo) -> None:
    address = demo.ready(300)
    with opened(viewport={"width": PHONE[0], "height": PHONE[1]}) as page:
        page.goto(address)
        pane = pane_of(page, "slack", PHONE[0])
        say(pane, "/batch csv pool")
        link = pane.locator("a.file").last
        expect(link).to_be_visible(timeout=60_000)
        with page.expect_download() as saved:
            link.click()
        assert Path(saved.value.path()).read_text(encoding="utf-8-sig").startswith("pool,state")
        say(pane, "/batch usage 24h")
        picture = pane.locator("img[alt*='Chart of busy and all cores']").last
        expect(picture).to_have_js_property("complete", value=True, timeout=60_000)
        assert picture.evaluate("image => image.naturalWidth") > 0
