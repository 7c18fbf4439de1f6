"""Azure is changed from the demo's page: one person asks, another one agrees, in each of the chats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, width: int, height: int) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE)
    return page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = opened(browser, 1600, 1000)
    yield page
    page.close()


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


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(400)
@pytest.mark.parametrize("chat", ["slack", "teams"])
def test_an_account_a_pool_and_a_job_are_made_in_forms_on_a_phone(
    demo: Demo, browser: Browser, shots: Path, chat: str
) -> None:
    phone = opened(browser, 390, 844)
    phone.goto(demo.ready())
    make_all(phone, chat, shots)
    phone.close()
    assert "Traceback" not in demo.said()


def make_all(phone: Page, chat: str, shots: Path) -> None:
    """An account, a pool and a job on it, each from the button of its list to the card that says that it is there."""
    pane = phone.get_by_test_id(f"{chat}-pane")
    phone.get_by_role("radio", name=chat, exact=True).check(timeout=120_000)
    name = "/batch"
    if chat == "teams":
        name = "@Batch Bot"
        pane.get_by_role("button", name="Batch Ops / General").click()
    be(phone, "admin")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390

    def form(listed: str, button: str) -> Locator:
        say(pane, f"{name} {listed}")
        card = pane.locator("article").filter(has=phone.get_by_role("button", name=button)).last
        card.evaluate("message => message.scrollIntoView({block: 'start'})")
        phone.screenshot(path=shots / f"phone-{chat}-{'-'.join(listed.split()[:2])}.png")
        card.get_by_role("button", name=button).click()
        return pane.get_by_role("dialog")

    def make(dialog: Locator, foot: str, what: str) -> None:
        if chat == "teams":  # Slack looks at what is filled in by itself
            dialog.get_by_role("button", name="Check").click()
        said = dialog.get_by_text(foot)
        expect(said).to_be_visible()
        said.scroll_into_view_if_needed()
        phone.screenshot(path=shots / f"phone-{chat}-form-{what}.png")
        dialog.get_by_role("button", name="Make", exact=True).click()
        expect(dialog).to_have_count(0)

    def done(words: str, what: str) -> None:
        card = answer(pane, words)
        card.evaluate("message => message.scrollIntoView({block: 'start'})")
        phone.screenshot(path=shots / f"phone-{chat}-made-{what}.png")

    dialog = form("account list", "+ New account")
    field(dialog, "Name").fill(f"made{chat}")
    make(dialog, f"The name made{chat} is free", "account")
    done(f"Batch account made{chat} is there", "account")

    dialog = form("pool list account:render-prod", "+ Pool")
    field(dialog, "Id").fill(f"made-{chat}")
    field(dialog, "VM size").select_option(index=1)
    field(dialog, "Image").select_option(index=1)
    field(dialog, "Dedicated nodes").fill("1")
    make(dialog, "The first node is expected", "pool")
    done(f"Pool made-{chat} has 1 dedicated", "pool")

    dialog = form("job list account:render-prod", "New job…")
    field(dialog, "Id").fill(f"made-{chat}-job")
    if chat == "slack":
        field(dialog, "Pool").fill("made-slack")
        dialog.get_by_role("combobox", name="Found").select_option(label="made-slack")
    else:
        dialog.get_by_placeholder("Type to search").first.press_sequentially("made-te")
        dialog.locator(".ac-choiceSetInput-choice").filter(has_text="made-teams").click()
    make(dialog, f"Job made-{chat}-job is made on pool made-{chat}", "job")
    done(f"Job made-{chat}-job is created", "job")


def field(dialog: Locator, label: str) -> Locator:
    return dialog.get_by_label(re.compile(f"^{re.escape(label)}")).first
