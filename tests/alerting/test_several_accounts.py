"""Where there are several accounts, every card and every button says which one it means, once."""

from __future__ import annotations

import pytest

from bot.alerting.cards import Writer
from bot.alerting.job_progress import JobCardWriter
from bot.alerting.model import Incident
from bot.chat.request import Person
from bot.domain.findings import Entity, Severity, SuggestedAction
from bot.monitor.scene import JobView
from cards.card import Actions, Button, Card, plain
from tests.alerting.alert_room import NOON, kinds

OPS = "slack:C0OPS"


def incident(headline: str = "pool gpu-a has 3 unusable nodes", name: str = "1a2b", **more: object) -> Incident:
    given: dict[str, object] = {
        "id": name,
        "fingerprint": name,
        "kind": "node.unusable",
        "account": "sim-dev",
        "entity": Entity("pool", "gpu-a"),
        "headline": headline,
        "severity": Severity.WARNING,
        "state": "open",
        "since": NOON,
        "opened": NOON,
        "changed": NOON,
        "seen": NOON,
        "actions": (SuggestedAction("Open", "pool show gpu-a"),),
    }
    return Incident(**given | more)  # type: ignore[arg-type]


def commands(card: Card) -> list[str]:
    rows = [block for block in card.blocks if isinstance(block, Actions)]
    return [each.command for row in rows for each in row.items if isinstance(each, Button)]


@pytest.mark.parametrize("several", [True, False])
def test_alerts(several: bool) -> None:
    writer = Writer(kinds()[0], lambda conversation: "UTC", several=several)
    card = writer.incident(incident(), OPS)
    assert plain(card.title).endswith(" · sim-dev") is several
    assert ("pool show gpu-a account:sim-dev" in commands(card)) is several
    assert ("why pool gpu-a account:sim-dev" in commands(card)) is several
    named = plain(writer.incident(incident("sim-dev: dedicated cores at 88 %"), OPS).title)
    assert named.count("sim-dev") == 1, "a headline that begins with it says it"
    digest = writer.digest([incident(), incident(name="3c4d")], OPS)
    assert plain(digest.title).endswith(" · sim-dev") is several
    assert ("alert list account:sim-dev" in commands(digest)) is several


@pytest.mark.parametrize("several", [True, False])
def test_jobs_that_are_watched(several: bool) -> None:
    writer = JobCardWriter(lambda conversation: "UTC", several=several)
    job, mia = JobView("sim", state="active"), Person("slack", "U1", name="Mia")
    card = writer.card("sim-dev", job, {}, OPS, NOON, asker=mia)
    assert plain(card.title).endswith(" · sim-dev") is several
    over = writer.over("sim-dev", job, OPS, NOON, "has completed", mia)
    for each in (card, over):
        assert commands(each)
        assert all(("account:sim-dev" in command) is several for command in commands(each))
