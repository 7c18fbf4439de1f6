"""Tasks from a file, as people bring them: in a form of Slack, a personal chat of Teams, and on the upload page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.e2e.test_page import FLAGS, PATIENCE, Demo, answer, both, say
from tests.skips import need

TEMPLATE = "./thumbnail.sh --frame {frame} --size {size}"


def table(name: str, rows: int) -> str:
    return "id,frame,size\n" + "".join(f"{name}-{n},{n},256\n" for n in range(1, rows + 1))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    need("npm")
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


def confirmed(pane: Locator, rows: int, name: str) -> None:
    """What is asked shows the tasks; yes adds them, and the same message says so."""
    asked = answer(pane, re.compile(rf"{rows} tasks of {name}"))
    expect(asked).to_contain_text("--frame 3 --size 256")
    expect(asked).to_contain_text(f"--frame {rows} --size 256")
    asked.get_by_role("button", name=re.compile("^(Yes|Confirm)")).click()
    answer(pane, f"{rows} tasks were added to job")


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.timeout(400)
def test_tasks_from_a_file_in_each_chat(demo: Demo, browser: Browser, shots: Path, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(demo.ready())
    slack, teams = both(page)
    page.get_by_role("radio", name="operator", exact=True).check()
    say(slack, "/batch job list state:active")
    menu = answer(slack, "Jobs in render-prod").get_by_role("combobox", name="Open a job")
    expect(menu).to_be_visible()
    jobs = menu.locator("option").all_inner_texts()
    job = next((each for each in jobs if each.startswith("thumbnails:")), jobs[-1])  # its newest may have just ended

    # Slack: a form that takes a file
    file = tmp_path / "slack.csv"
    file.write_text(table("slack", 40))
    say(slack, f"/batch task add {job} template:'{TEMPLATE}'")
    answer(slack, "Add tasks to job").get_by_role("button", name="Attach or paste…").click()
    form = slack.get_by_role("dialog", name="Add tasks")
    form.get_by_label("Or a file of it").set_input_files(file)
    page.screenshot(path=shots / "tasks-1-slack-form.png")
    form.get_by_role("button", name=re.compile("^(Run|Preview|Add)")).click()
    expect(form).to_have_count(0)
    answer(slack, "40 tasks of slack.csv").scroll_into_view_if_needed()
    page.screenshot(path=shots / "tasks-2-slack-asked.png")
    confirmed(slack, 40, "slack.csv")

    # Teams, alone with the bot: a file beside the words
    file = tmp_path / "teams.csv"
    file.write_text(table("teams", 30))
    teams.get_by_role("button", name="Batch Bot").first.click()
    teams.get_by_label("Attach a file").set_input_files(file)
    say(teams, f"task add {job} template:'{TEMPLATE}'")
    answer(teams, "30 tasks of teams.csv").scroll_into_view_if_needed()
    page.screenshot(path=shots / "tasks-3-teams-asked.png")
    confirmed(teams, 30, "teams.csv")

    # Teams, in a channel: a page of the bot's, on a phone
    teams.get_by_role("button", name="Batch Ops / General").click()
    say(teams, f"@Batch Bot task add {job} template:'{TEMPLATE}'")
    answer(teams, "Add tasks to job").get_by_role("button", name="Upload page").click()
    teams.get_by_role("button", name="Batch Bot").first.click()
    with page.expect_popup() as opened:
        answer(teams, "Upload tasks for job").get_by_role("link", name="Open the page").click()
    address = opened.value.url
    opened.value.close()
    _upload(browser, address, tmp_path, shots)
    teams.get_by_role("button", name="Batch Ops / General").click()
    answer(teams, "20 tasks of phone.csv").scroll_into_view_if_needed()
    page.screenshot(path=shots / "tasks-6-teams-channel.png")
    confirmed(teams, 20, "phone.csv")
    assert "Traceback" not in demo.said()


def _upload(browser: Browser, address: str, folder: Path, shots: Path) -> None:
    """Upload on a phone; the second time is told that it was used."""
    file = folder / "phone.csv"
    file.write_text(table("phone", 20))
    phone: Page = browser.new_page(viewport={"width": 390, "height": 844})
    phone.set_default_timeout(PATIENCE)
    errors: list[str] = []
    phone.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    phone.goto(address)
    expect(phone.get_by_role("heading", name="Upload tasks")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.screenshot(path=shots / "tasks-4-page.png")
    phone.get_by_role("button", name="Upload").click()
    expect(phone.get_by_text("Choose a file that is not empty")).to_be_visible()
    phone.get_by_label(re.compile("^JSON or CSV")).set_input_files(file)
    phone.get_by_role("button", name="Upload").click()
    expect(phone.get_by_text("phone.csv (")).to_be_visible()
    phone.screenshot(path=shots / "tasks-5-page-taken.png")
    phone.goto(address)
    expect(phone.get_by_text("uploaded by this link already")).to_be_visible()
    assert [each for each in errors if "status of 4" not in each] == []
    phone.close()
