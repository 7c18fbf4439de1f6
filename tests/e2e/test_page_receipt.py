"""The receipt of a job on the demo's page: posted by itself when the job ends, and asked for; in each chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.e2e.test_page import Demo, both, opened, say
from tests.skips import need

ACCOUNT = "account:render-prod"
POSTED, WHOLE, RUNS = re.compile(r"thumbnails:job-\d+ done in"), "tasks that succeeded", "The last run cost"
SLOW = 240_000
WIDE, NARROW = ViewportSize(width=1400, height=1000), ViewportSize(width=390, height=2600)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """An account that lives thirty times as fast: a job that runs every hour ends within two or three minutes."""
    need("npm")
    running = Demo(tmp_path_factory.mktemp("receipt"), "--speed", "30")
    yield running
    running.close()


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    with opened(viewport=WIDE) as page:
        yield page


def answer(pane: Locator, words: str | re.Pattern[str]) -> Locator:
    """The last message with these words, however busy the machine is with an account that lives so fast."""
    found = pane.locator("article").filter(has_text=words).last
    expect(found).to_be_visible(timeout=SLOW)
    return found


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(600)
def test_receipts_are_posted_and_asked_for_in_both_chats(demo: Demo, page: Page, shots: Path) -> None:
    page.goto(demo.ready())
    page.get_by_role("radio", name="operator", exact=True).check()
    panes = dict(zip(("/batch", "@Batch Bot"), both(page), strict=True))
    expect(page.get_by_text("is not installed here")).to_have_count(0, timeout=SLOW)
    for name, pane in panes.items():
        say(pane, f'{name} cost receipts on job:"thumbnails:*" {ACCOUNT}')
        answer(pane, "Receipts")
    for name, pane in panes.items():
        posted = answer(pane, POSTED)
        expect(posted).to_contain_text("19 tasks")
        expect(posted).to_contain_text("spot saved")
        job = re.search(r"thumbnails:job-\d+", posted.inner_text())
        assert job
        say(pane, f"{name} cost job {job[0]} {ACCOUNT}")
        expect(answer(pane, WHOLE)).to_contain_text(re.compile(r"all\s*\$[\d.,]+"))
        say(pane, f"{name} cost schedule thumbnails {ACCOUNT}")
        expect(answer(pane, RUNS)).to_contain_text(re.compile(r"\d+ runs? for \$"))
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        for chat, pane in zip(("slack", "teams"), panes.values(), strict=True):
            for what, words in (("posted", "Where it went"), ("asked", WHOLE), ("runs", RUNS)):
                message = pane.locator("article").filter(has_text=words).last
                message.screenshot(path=shots / f"receipt-{what}-{chat}-{size['width']}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
