"""Azure is changed from the demo's page: one person asks, another one agrees, in each of the chats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.test_page import FLAGS, PATIENCE, Demo, answer, both, say
from tests.skips import need

DEAR = 'pool resize {} 12 account:render-prod --reason "frames are late"'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """An account that lives twenty times as fast: a resize takes seconds."""
    need("npm")
    running = Demo(tmp_path_factory.mktemp("operate"), "--speed", "20")
    yield running
    running.close()


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def be(page: Page, role: str) -> None:
    page.get_by_role("radio", name=role, exact=True).check()


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(400)
def test_what_is_dear_is_asked_for_by_one_person_and_agreed_to_by_another(demo: Demo, page: Page, shots: Path) -> None:
    page.goto(demo.ready())
    slack, teams = both(page)
    for pane, name, pool in ((slack, "/batch", "aurora-layout"), (teams, "@Batch Bot", "aurora-previs")):
        be(page, "viewer")
        say(pane, f"{name} pool delete {pool} account:render-prod")
        expect(answer(pane, "pool delete").last).to_contain_text(re.compile("grant|may"))

        be(page, "operator")
        say(pane, f"{name} {DEAR.format(pool)}")
        answer(pane, f"Resize pool {pool} to 12 dedicated").get_by_role("button", name="Yes, do it").click()
        asked = answer(pane, "Who may approve")
        for words in ("frames are late", f"pool {pool}", "$2.42/h", "expires"):
            expect(asked).to_contain_text(words)
        asked.get_by_role("button", name="Approve", exact=True).click()
        answer(pane, "none of those who may decide")

        be(page, "second admin")
        asked = answer(pane, "Who may approve")
        asked.evaluate("message => message.scrollIntoView({block: 'start'})")
        page.screenshot(path=shots / f"operate-approval-{pool}.png")
        asked.get_by_role("button", name="Approve", exact=True).click()
        done = answer(pane, f"Pool {pool} has 12 dedicated")
        expect(done.get_by_role("button", name=re.compile("^Undo"))).to_be_visible()
        done.evaluate("message => message.scrollIntoView({block: 'start'})")
        page.screenshot(path=shots / f"operate-done-{pool}.png")
        expect(pane.get_by_role("button", name="Approve", exact=True)).to_have_count(0)

    be(page, "admin")
    say(slack, "/batch audit verify")
    answer(slack, "whole")
    assert "Traceback" not in demo.said()
