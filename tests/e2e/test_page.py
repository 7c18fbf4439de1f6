"""The whole demo as a newcomer meets it: one command, one page, Chromium at the keys."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.skips import need

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000
"""Milliseconds: the machine may be busy with other tests."""

expect.set_options(timeout=PATIENCE)

LOOKS = (
    ("home", "Active schedules"),
    ("job list failed>0", "Jobs in"),
    ("node map", re.compile(r"Nodes of \d+ pools")),
    ("topology", "Topology of render-prod"),
)
"""What is asked in both chats, and what the answer has to say."""

QUOTA = "pool render-gpu has "
FULL = "render-prod: Standard NCASv3_T4 Family cores at 100 %"
"""Two alerts that the demo's account has from the beginning, a message each."""
BROKEN = "pool win-build has 1 unusable node of 3"
"""One of the many of its other account, which come in one message."""
ALERTS = (("status", "2 accounts watched"), ("alert list", "open alerts"), ("alert subscriptions", "Posted here by"))
"""What is asked in both chats about alerts, and what the answer has to say."""


class Demo:
    """``batchbot demo`` as a process of its own; ``mark`` stands in the environment of all its processes."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.mark = uuid.uuid4().hex
        self.log = folder / "demo.log"
        self._out = self.log.open("wb")
        command = [sys.executable, "-m", "bot", "demo", "--port", str(_free_port()), "--history", "1", *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "BATCHBOT_MARK": self.mark, **environment},
        )

    def ready(self, seconds: float = 100) -> str:
        """The page's address."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := re.search(r"^ready (http://127\.0\.0\.1:\d+)$", self.said(), re.MULTILINE):
                return found[1]
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s:\n{self.said()}")

    def said(self) -> str:
        """Everything the demo printed."""
        return self.log.read_text()

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def left(self, seconds: float = 10) -> list[str]:
        """Processes of this demo that still run after a while (helpers end a moment after the one they served)."""
        end = time.monotonic() + seconds
        while (found := self.processes()) and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def processes(self) -> list[str]:
        """Command lines of the processes that run."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"BATCHBOT_MARK={self.mark}".encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One for all that is done on the page; the last test ends it as people do."""
    need("npm")
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.close()


@contextlib.contextmanager
def opened(**options: Any) -> Iterator[Page]:
    """A page of a browser of its own; ``options`` are those of ``Browser.new_page``."""
    need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(**options)
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    with opened(viewport={"width": 1600, "height": 1000}) as page:
        yield page


def say(pane: Locator, words: str) -> None:
    box = pane.get_by_role("textbox", name=re.compile("^(Message|Start a post) "))
    box.fill(words)
    box.press("Enter")


def answer(pane: Locator, words: str | re.Pattern[str]) -> Locator:
    """The last message with these words."""
    found = pane.locator("article").filter(has_text=words).last
    expect(found).to_be_visible()
    return found


def both(page: Page) -> tuple[Locator, Locator]:
    """The panes, when the chats are there; the Teams channel is chosen, where alerts come."""
    slack, teams = page.get_by_test_id("slack-pane"), page.get_by_test_id("teams-pane")
    expect(slack.get_by_role("textbox", name="Message #batch-ops")).to_be_visible(timeout=120_000)
    teams.get_by_role("button", name="Batch Ops / General").click()
    return slack, teams


def alert(pane: Locator, headline: str) -> Locator:
    """The message of an alert; what else mentions it came later."""
    return pane.locator("article").filter(has_text=headline).first


def gathered(message: Locator) -> bool:
    """Whether it is of several alerts, as where more than three come at once: what fails depends on the hour."""
    return message.get_by_role("button", name="Acknowledge all").count() > 0


def card_of(pane: Locator, headline: str, *, slack: bool) -> Locator:
    """Where an alert has its buttons: its message, or what a message of several opens."""
    message = alert(pane, headline)
    if not gathered(message):
        return message
    one = message.get_by_role("combobox", name="Open one")
    one.select_option(label=next(each for each in one.locator("option").all_inner_texts() if each.startswith(headline)))
    if not slack:
        message.get_by_title("Open one", exact=True).click()
    return answer(pane, "What happened").filter(has_text=headline)


def choose_kind(form: Locator, kind: str, *, slack: bool) -> None:
    """Choose one of the kinds of alerts: a list on Slack, boxes to tick in Teams."""
    if slack:
        kinds = form.get_by_role("group", name=re.compile("^Kinds")).get_by_role("combobox")
        kinds.select_option(json.dumps(kind))  # values are carried as JSON
    else:
        form.get_by_role("checkbox", name=re.compile(f"^{re.escape(kind)}")).check()


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(400)
def test_alerts_come_by_themselves_and_are_taken_care_of(demo: Demo, page: Page, shots: Path) -> None:
    page.goto(demo.ready())
    slack, teams = both(page)
    for pane in (slack, teams):
        for headline, words in ((QUOTA, "open, warning"), (FULL, "open, critical"), (BROKEN, "in one message")):
            expect(alert(pane, headline)).to_be_visible(timeout=60_000)
            expect(alert(pane, headline)).to_contain_text(re.compile(f"{words}|in one message"))
        alert(pane, BROKEN).evaluate("message => message.scrollIntoView({block: 'start'})")
    page.screenshot(path=shots / "alert-1-told.png")

    # whoever takes care of it is named in both chats, and so is until when nobody wants to hear of it
    card_of(slack, QUOTA, slack=True).get_by_role("button", name="Acknowledge", exact=True).click()
    for pane, edited in ((slack, "(edited)"), (teams, "Edited")):
        expect(alert(pane, QUOTA)).to_contain_text(
            re.compile(r"acknowledged by viewer|1 of \d acknowledged", re.IGNORECASE)
        )
        expect(alert(pane, QUOTA)).to_contain_text(edited)
        expect(alert(pane, QUOTA).get_by_role("button", name="Acknowledge", exact=True)).to_have_count(0)
    with page.expect_response(re.compile("teams/messages")):  # what is there is drawn anew, as that person sees it
        page.get_by_role("radio", name="operator", exact=True).check()  # as a critical one needs
    full = card_of(teams, FULL, slack=False)
    full.get_by_role("combobox", name="Snooze").select_option(label="2 hours")
    full.get_by_title("Snooze", exact=True).click()
    answer(teams, re.compile("snoozed until", re.IGNORECASE))
    page.get_by_role("radio", name="viewer", exact=True).check()
    for pane in (slack, teams):
        expect(alert(pane, FULL)).to_contain_text(re.compile("snoozed until|in one message"))
        alert(pane, QUOTA).evaluate("message => message.scrollIntoView({block: 'start'})")
    page.screenshot(path=shots / "alert-2-acknowledged.png")

    # all of them, one of them, and how the bot is
    for number, (command, first) in enumerate(ALERTS, start=3):
        for pane, name in ((slack, "/batch"), (teams, "@Batch Bot")):
            say(pane, f"{name} {command}")
            answer(pane, first).evaluate("message => message.scrollIntoView({block: 'start'})")
        page.screenshot(path=shots / f"alert-{number}-{command.replace(' ', '-')}.png")
    expect(answer(slack, "Past alerts")).to_contain_text("Batch Ops in Teams")
    expect(answer(teams, "Past alerts")).to_contain_text("#batch-ops, here")
    for pane in (slack, teams):
        listed = answer(pane, "Past alerts")
        listed.get_by_role("combobox", name="Open an alert").select_option(label=f"{QUOTA}8 of the 12 nodes it wants")
        if pane is teams:
            listed.get_by_title("Open an alert", exact=True).click()
        expect(answer(pane, "What happened")).to_contain_text("acknowledged by viewer", ignore_case=True)
        answer(pane, "What happened").evaluate("message => message.scrollIntoView({block: 'start'})")
    page.screenshot(path=shots / "alert-6-show.png")

    # a subscription by its form
    page.get_by_role("radio", name="operator", exact=True).check()
    for pane, name in ((slack, "slack"), (teams, "teams")):
        answer(pane, "Posted here by the settings").get_by_role("button", name="Subscribe…").click()
        form = pane.get_by_role("dialog", name="Alert subscribe")
        choose_kind(form, "job.failed", slack=pane is slack)
        page.screenshot(path=shots / f"alert-7-form-{name}.png")
        form.get_by_role("button", name="Subscribe", exact=True).click()
        expect(form).to_have_count(0)
        answer(pane, "from now on")
    page.screenshot(path=shots / "alert-8-subscribed.png")

    # a job's living card
    say(slack, "/batch job list state:active")
    menu = answer(slack, "Jobs in").get_by_role("combobox", name="Open a job")
    job = next(each for each in menu.locator("option").all_inner_texts() if each.startswith("thumbnails:"))
    for pane, name in ((slack, "/batch"), (teams, "@Batch Bot")):
        say(pane, f"{name} job watch {job}")
        answer(pane, "is watched here")
    for pane, edited in ((slack, "(edited)"), (teams, "Edited")):
        living = answer(pane, "watched for")
        expect(living).to_contain_text(f"job {job}")
        expect(living).to_contain_text(edited, timeout=60_000)
        living.evaluate("message => message.scrollIntoView({block: 'start'})")
    page.screenshot(path=shots / "alert-9-watch.png")
    for pane, name in ((slack, "/batch"), (teams, "@Batch Bot")):
        answer(pane, "watched for").get_by_role("button", name="Stop watching").click()
        expect(answer(pane, "watched for").get_by_role("button", name="Stop watching")).to_have_count(0)
        say(pane, f"{name} job history {job}")
        answer(pane, f"History of job {job}")
    page.screenshot(path=shots / "alert-10-history.png")
    assert "Traceback" not in demo.said()


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(400)
def test_a_newcomer_talks_to_the_bot_in_both_panes(demo: Demo, page: Page, shots: Path) -> None:
    errors: list[str] = []
    strangers: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    address = demo.ready()
    page.on("request", lambda request: strangers.append(request.url) if address[7:] not in request.url else None)
    page.goto(address)
    slack, teams = page.get_by_test_id("slack-pane"), page.get_by_test_id("teams-pane")
    expect(slack.get_by_role("textbox", name="Message #batch-ops")).to_be_visible(timeout=120_000)
    expect(teams.get_by_role("textbox", name="Message Batch Bot")).to_be_visible()
    answer(teams, "Three things to try")  # the greeting after the installation

    # a list; its next page comes into the same message
    say(slack, "/batch pool list")
    say(teams, "pool list")
    for pane, edited in ((slack, "(edited)"), (teams, "Edited")):
        pools = answer(pane, "Pools in")
        expect(pools).to_contain_text("20 of ")
        count = pane.locator("article").filter(has_text="Pools in").count()  # alerts may come in between
        pools.get_by_role("button", name="Next ▶").click()
        expect(answer(pane, "◀ Previous")).to_contain_text("21 – ")
        expect(answer(pane, "◀ Previous")).to_contain_text(edited)
        assert pane.locator("article").filter(has_text="Pools in").count() == count
    page.screenshot(path=shots / "page-1-pools.png")

    # one pool of it
    for pane in (slack, teams):
        answer(pane, "Pools in").get_by_role("button", name="◀ Previous").click()
        expect(answer(pane, "Pools in")).to_contain_text("20 of ")
        pools = answer(pane, "Pools in")
        pools.get_by_role("combobox", name="Open a pool").select_option(label="render-gpu")
        if pane is teams:
            pools.get_by_title("Open a pool", exact=True).click()
        expect(answer(pane, "All details")).to_contain_text("render-gpu")
    page.screenshot(path=shots / "page-2-pool.png")

    # a picture, and another window of it
    say(slack, "/batch usage 24h")
    say(teams, "usage 24h")
    for pane in (slack, teams):
        picture = answer(pane, "the last 24 hours").get_by_role("img", name=re.compile("core"))
        before = _drawn(picture)
        answer(pane, "the last 24 hours").get_by_role("button", name="1 h", exact=True).click()
        later = answer(pane, "the last hour").get_by_role("img", name=re.compile("core"))
        expect(later).not_to_have_attribute("src", before)
        _drawn(later)
    page.screenshot(path=shots / "page-3-usage.png")
    answer(slack, "the last hour").get_by_role("button", name="Enlarge the picture").click()
    page.get_by_role("dialog", name="Picture").get_by_role("button", name="Close").click()

    # a form
    for pane in (slack, teams):
        answer(pane, "Pools in").get_by_role("button", name="Filter…").click()
        form = pane.get_by_role("dialog", name="Pool list")
        form.get_by_role("combobox", name=re.compile("^State")).select_option(label="steady")
        page.screenshot(path=shots / f"page-4-form-{'slack' if pane is slack else 'teams'}.png")
        form.get_by_role("button", name="Run").click()
        expect(form).to_have_count(0)
        answer(pane, re.compile(r"Pools in.*steady"))

    # an account at a glance, a long list, a failed task, the nodes as a map, and how all hangs together
    for number, (command, first) in enumerate(LOOKS, start=1):
        say(slack, f"/batch {command}")
        say(teams, command)
        for pane in (slack, teams):
            shown = answer(pane, first)
            if command in ("node map", "topology"):
                _drawn(shown.get_by_role("img", name=re.compile("Heat map|Picture of")))
            shown.evaluate("message => message.scrollIntoView({block: 'start'})")
        page.screenshot(path=shots / f"look-{number}-{command.split()[0]}.png")
    for pane in (slack, teams):  # from the list of jobs to the first failed task of the first of them
        for card, menu in (("Jobs in", "Open a job"), ("Tasks of", "Open a task")):
            listed = answer(pane, card)
            listed.get_by_role("combobox", name=menu).select_option(index=1)
            if pane is teams:
                listed.get_by_title(menu, exact=True).click()
            if card == "Jobs in":
                answer(pane, "All details").get_by_role("button", name="Failed tasks").click()
        answer(pane, "Error message")
    page.screenshot(path=shots / "look-6-task.png")

    # somebody else, somewhere else, with a mistake
    page.get_by_role("radio", name="admin", exact=True).check()
    say(slack, "/batch help task list")
    answer(slack, "yours is admin")
    teams.get_by_role("button", name="Batch Ops / General").click()
    say(teams, "@Batch Bot help task list")
    answer(teams, "yours is admin")
    say(slack, "@batchbot poool list")
    answer(slack, "Understood as pool list")
    page.set_viewport_size({"width": 1000, "height": 800})
    page.screenshot(path=shots / "page-5-narrow.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000

    # a mistake that Slack itself tells
    say(slack, "/nothing")
    expect(page.get_by_role("status").filter(has_text="no_such_command")).to_be_visible()
    assert [each for each in errors if "409" not in each] == []
    assert [each for each in strangers if not each.startswith("data:")] == []
    assert demo.interrupt() in (0, 130)
    assert demo.left() == []
    assert "Traceback" not in demo.said()


def test_without_npm_the_demo_still_comes_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    demo = Demo(tmp_path, PATH=str(empty), XDG_CACHE_HOME=str(tmp_path / "cache"))
    try:
        with urllib.request.urlopen(demo.ready(), timeout=10) as page:
            told = page.read().decode()
        assert "npm is not installed" in told
        assert "batchbot chat --demo" in told
        assert len(demo.processes()) >= 2
        assert demo.interrupt() in (0, 130)
        assert demo.left() == []
        assert "Traceback" not in demo.said()
    finally:
        demo.close()


def _drawn(picture: Locator) -> str:
    """The address of a picture that has arrived."""
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("image => image.naturalWidth") > 0
    return picture.get_attribute("src") or ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
