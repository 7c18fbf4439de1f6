"""docs/alerts.md tells every kind, and tells it as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.alerting.rules import AlertRule
from tests.alerting.rules.scenes import KINDS

PAGE = (Path(__file__).resolve().parents[3] / "docs/alerts.md").read_text(encoding="utf-8")
ROWS = {
    name: [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if (name := "".join(re.findall(r"^\| `([a-z]+\.[a-z_]+)`", line)))
}


def test_the_page_tells_every_kind_once_below_its_entity() -> None:
    told = re.findall(r"^\| `([a-z]+\.[a-z_]+)`", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(KINDS)
    headings = re.split(r"^## (\w+)s$", PAGE, flags=re.MULTILINE)[1:]
    for heading, body in zip(headings[::2], headings[1::2], strict=True):
        below = re.findall(r"^\| `([a-z]+)\.[a-z_]+`", body, re.MULTILINE)
        assert set(below) <= {heading.lower()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_page_tells_a_kind_as_it_is(kind: AlertRule) -> None:
    first, says, opens, over, severity, explains, can = ROWS[kind.name]
    assert says == kind.says
    assert ("*on request*" in first) is kind.quiet
    assert kind.severity.value in severity
    inhibited = ("*",) if explains == "everything" else tuple(re.findall(r"`([a-z_.]+)`", explains))
    assert inhibited == kind.inhibits
    assert all((opens, over, can))
