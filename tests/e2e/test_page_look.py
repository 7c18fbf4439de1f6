"""Where people look, on the demo's page: cards below links, the Home tab, shortcuts and the message extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.sandbox.world.scenarios import build
from tests.e2e.test_page import Demo, opened, say
from tests.e2e.test_phone import DESKTOP, PHONE
from tests.skips import need

_ZONES = {"slack": "Europe/Berlin", "teams": "America/Chicago"}
"""Those of the viewer, who looks first."""
_SIDEWAYS = "element => element.scrollWidth - element.clientWidth"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    need("npm")
    running = Demo(tmp_path_factory.mktemp("look"), "--speed", "20")
    yield running
    running.close()


def _link(path: str) -> str:
    """Where the portal has something of the demo's first account."""
    facts = build("demo", seed=1).accounts["render-prod"].facts
    account = f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}/providers"
    return (
        f"https://portal.azure.com/#@studio.example/resource{account}/Microsoft.Batch/batchAccounts/render-prod{path}"
    )


def _pane(page: Page, name: str, width: int) -> Locator:
    page.get_by_role("radio", name=name if width <= 700 else "both", exact=True).check(force=True)
    return page.get_by_test_id(f"{name}-pane")


def _room(pane: Locator, name: str) -> None:
    pane.get_by_role("navigation").get_by_role("button", name=name).click()


@pytest.mark.chromium
@pytest.mark.npm
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_where_people_look(demo: Demo, shots: Path) -> None:
    address = demo.ready(300)
    link = _link("/pools/render-gpu")
    with opened(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        for width, height in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": height})
            for name in ("slack", "teams"):
                pane = _pane(page, name, width)
                expect(pane.get_by_role("textbox").last).to_be_visible(timeout=120_000)
                _room(pane, "batch-ops" if name == "slack" else "Batch Ops")
                question = f"is this one stuck, at {width}?"
                say(pane, f"{question} {link}")
                message = pane.locator("article").filter(has_text=question).last
                card = message.locator(".attachment" if name == "slack" else ".ac-adaptiveCard").first
                expect(card).to_contain_text("Pool render-gpu", timeout=60_000)
                expect(card).to_contain_text(re.compile("core quota used up|CoreQuotaReached"))
                expect(card.get_by_role("button", name="Nodes", exact=True)).to_be_visible()
                assert card.evaluate(_SIDEWAYS) <= 1, (name, width)
                message.evaluate("each => each.scrollIntoView({block: 'start'})")
                page.screenshot(path=shots / f"look-link-{name}-{width}.png")

                time = message.locator("time").first
                said = datetime.fromisoformat(str(time.get_attribute("datetime"))).astimezone(ZoneInfo(_ZONES[name]))
                expect(time).to_have_text(f"{said:%H:%M}")  # by the reader's clock, as the bot tells times

                message.hover()
                message.get_by_role("button", name="Ask about this message").first.click(force=True)
                told = (
                    pane.locator("article.ephemeral").last
                    if name == "slack"
                    else page.get_by_role("dialog", name="About this message")
                )
                expect(told).to_contain_text("Pool render-gpu", timeout=60_000)
                told.evaluate("each => each.scrollIntoView({block: 'start'})")
                page.screenshot(path=shots / f"look-about-{name}-{width}.png")
                if name == "teams":
                    told.get_by_role("button", name="Nodes", exact=True).click()
                    expect(told).to_contain_text("Nodes of render-gpu", timeout=60_000)
                    told.get_by_role("button", name="Close").click()
                    _finds(page, pane, shots, width)
                else:
                    _home(page, pane, shots, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= DESKTOP[0]
        assert errors == []
    assert "Traceback" not in demo.said()


def _home(page: Page, pane: Locator, shots: Path, width: int) -> None:
    """The Home tab, a look around in it, and the shortcut that asks from anywhere."""
    _room(pane, "batchbot")
    pane.get_by_role("tab", name="Messages").click()
    say(pane, "pin pool render-gpu")
    expect(pane.locator("article").last).to_contain_text("pinned", timeout=60_000)
    pane.get_by_role("tab", name="Home").click()
    home = pane.get_by_role("region", name="Home")
    expect(home).to_contain_text("Running tasks", timeout=60_000)
    expect(home).to_contain_text("Pinned")
    page.screenshot(path=shots / f"look-home-{width}.png")
    assert home.evaluate(_SIDEWAYS) <= 1, width
    home.get_by_role("button", name="Pools", exact=True).click()
    expect(home).to_contain_text("◀ Home", timeout=60_000)
    expect(home).to_contain_text("render-gpu")
    page.screenshot(path=shots / f"look-home-pools-{width}.png")
    assert home.evaluate(_SIDEWAYS) <= 1, width
    home.get_by_role("button", name="◀ Home").click()
    expect(home).to_contain_text("Running tasks", timeout=60_000)
    pane.get_by_role("button", name="Ask batchbot").click()
    form = page.get_by_role("dialog")
    expect(form).to_be_visible(timeout=60_000)
    form.get_by_role("textbox").first.fill("pool list")
    page.screenshot(path=shots / f"look-ask-{width}.png")
    form.get_by_role("button", name=re.compile("Run|Ask")).click()
    pane.get_by_role("tab", name="Messages").click()
    expect(pane.locator("article").last).to_contain_text("Pools", timeout=60_000)


def _finds(page: Page, pane: Locator, shots: Path, width: int) -> None:
    """The search of the message extension."""
    pane.get_by_role("button", name="Find in Azure Batch").click()
    box = page.get_by_role("dialog", name="Find in Azure Batch")
    box.get_by_role("textbox", name="Name").fill("render")
    expect(box).to_contain_text("Pool render-gpu", timeout=60_000)
    page.screenshot(path=shots / f"look-find-{width}.png")
    box.get_by_role("button", name=re.compile("Pool render-gpu")).click()
    expect(pane.locator("article .ac-adaptiveCard").last).to_contain_text("Pool render-gpu", timeout=60_000)
