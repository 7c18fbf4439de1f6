"""The usage picture is moved on the demo's page, by links, pickers, pan and zoom, in each of the chats; and trends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_page import Demo, both, opened, say
from tests.skips import need

ACCOUNT = "account:render-prod"
TITLE = re.compile(r"busy of [\d,.]+ core-hours|No cores allocated|Nothing was sampled")
DRAWN = 60_000
"""Milliseconds for a picture: the first one takes seconds on a busy machine."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """An account that lives twenty times as fast, so that there are hours of samples."""
    need("npm")
    running = Demo(tmp_path_factory.mktemp("usage"), "--speed", "20")
    yield running
    running.close()


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    with opened(viewport={"width": 1600, "height": 1100}, timezone_id="UTC") as page:
        yield page


def shown(pane: Locator, words: str | re.Pattern[str]) -> Locator:
    """The one usage card, once it says so and its picture is there."""
    card = pane.locator("article").filter(has_text=TITLE).last
    expect(card).to_contain_text(words, timeout=DRAWN)
    expect(card.locator("img[alt*='Chart of busy and all cores']")).to_be_visible(timeout=DRAWN)
    return card


def picture(card: Locator) -> str:
    """What the picture says to those who cannot see it."""
    return card.locator("img[alt*='Chart of busy and all cores']").get_attribute("alt") or ""


def shot(card: Locator, path: Path) -> None:
    card.evaluate("message => message.scrollIntoView({block: 'start'})")
    card.page.screenshot(path=path)


def press(card: Locator, name: str) -> str:
    """Press a button that redraws the card; returns what the picture said before."""
    before = picture(card)
    card.get_by_role("button", name=name, exact=True).click()
    return before


def other(card: Locator, before: str) -> None:
    """The picture has become another one."""
    expect(card.locator(f'img[alt="{before}"]')).to_have_count(0, timeout=DRAWN)
    expect(card.locator("img[alt*='Chart of busy and all cores']")).to_be_visible(timeout=DRAWN)


def choose(pane: Locator, since: datetime, until: datetime, path: Path) -> None:
    """Fill in the two pickers of the form that is open, and send it."""
    form = pane.get_by_role("dialog", name="Usage")
    for label, at in (("From", since), ("To", until)):
        day = form.get_by_label(re.compile(f"^{label}")).first
        if day.get_attribute("type") == "datetime-local":  # in the browser's zone
            day.fill(f"{at:%Y-%m-%dT%H:%M}")
        else:  # in the zone that stands beside it
            clock = form.get_by_label(re.compile(f"^{label}, time of day"))
            zone = re.search(rf"{label}, time of day \((.+?)\)", form.inner_text())
            assert zone
            local = at.astimezone(ZoneInfo(zone[1]))
            day.fill(f"{local:%Y-%m-%d}")
            clock.fill(f"{local:%H:%M}")
    form.page.screenshot(path=path)
    form.get_by_role("button", name="Show", exact=True).click()
    expect(form).to_have_count(0)


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(500)
def test_one_message_is_redrawn_by_links_pan_zoom_and_pickers(demo: Demo, page: Page, shots: Path) -> None:
    page.goto(demo.ready())
    for pane, name, chat in zip(both(page), ("/batch", "@Batch Bot"), ("slack", "teams"), strict=True):
        say(pane, f"{name} usage 1h {ACCOUNT}")
        card = shown(pane, "the last hour")
        count = pane.locator("article").filter(has_text=TITLE).count()
        shot(card, shots / f"usage-1-hour-{chat}.png")

        before = press(card, "24 h")
        other(card, before)
        card = shown(pane, "the last 24 hours")
        shot(card, shots / f"usage-2-day-{chat}.png")

        for number, (button, words) in enumerate(
            (
                ("+ Zoom in", "12 h from"),
                ("◀ Earlier", "12 h from"),
                ("Later ▶", "12 h from"),
                ("− Zoom out", "1 d from"),
            ),
            start=3,
        ):
            before = press(card, button)
            other(card, before)
            card = shown(pane, words)
            shot(card, shots / f"usage-{number}-{button.strip('◀▶+− ').replace(' ', '-').lower()}-{chat}.png")

        card.get_by_role("button", name="From – to…").click()
        at = datetime.now(UTC).replace(minute=0) - timedelta(hours=5)
        choose(pane, at, at + timedelta(hours=3), shots / f"usage-7-form-{chat}.png")
        card = shown(pane, "3 h from")
        shot(card, shots / f"usage-8-chosen-{chat}.png")
        assert pane.locator("article").filter(has_text=TITLE).count() == count  # one message all the while
    assert "Traceback" not in demo.said()


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(500)
def test_of_two_people_the_one_who_clicks_last_is_seen(demo: Demo, page: Page) -> None:
    page.goto(demo.ready())
    for pane, name in zip(both(page), ("/batch", "@Batch Bot"), strict=True):
        say(pane, f"{name} usage 1h {ACCOUNT}")
        card = shown(pane, "the last hour")
        for who, button in (("viewer", "90 d"), ("operator", "30 d"), ("viewer", "7 d"), ("operator", "24 h")):
            page.get_by_role("radio", name=who, exact=True).check()
            # The next one clicks when this click has arrived, drawn or not: requests may overtake each other.
            with page.expect_response(lambda answer: answer.url.endswith(("/click", "/press"))):
                card.get_by_role("button", name=button, exact=True).click()
        shown(pane, "the last 24 hours")
        page.wait_for_timeout(4_000)  # for whatever was clicked before and is drawn late
        expect(shown(pane, "the last 24 hours")).not_to_contain_text("the last 90 days")
    page.get_by_role("radio", name="viewer", exact=True).check()


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(500)
def test_cards_of_usage_and_trend_on_a_phone(demo: Demo, page: Page, shots: Path) -> None:
    page.goto(demo.ready())
    for pane, name, chat in zip(both(page), ("/batch", "@Batch Bot"), ("slack", "teams"), strict=True):
        for command, words in (
            ("usage 24h", TITLE),
            ("trend 24h", re.compile("tasks ended|No task ended")),
            ("trend schedule:thumbnails", "Schedule thumbnails"),
        ):
            say(pane, f"{name} {command} {ACCOUNT}")
            card = pane.locator("article").filter(has_text=words).last
            young = card.get_by_text("No picture yet")  # a trend of three hours has one, and two may be known
            expect(card.locator("img").last.or_(young)).to_be_visible(timeout=DRAWN)
            shot(card, shots / f"wide-{command.split(':')[0].replace(' ', '-')}-{chat}.png")
            page.set_viewport_size({"width": 390, "height": 1600})
            page.get_by_role("radio", name=re.compile(f"^{chat}$", re.I)).check()
            card.evaluate("message => message.scrollIntoView({block: 'start'})")
            page.screenshot(path=shots / f"phone-{command.split(':')[0].replace(' ', '-')}-{chat}.png")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            page.get_by_role("radio", name=re.compile("^both$", re.I)).check()
            page.set_viewport_size({"width": 1600, "height": 1100})
    assert "Traceback" not in demo.said()
