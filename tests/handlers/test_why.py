"""``why`` over the wire: every flaw alone, and pairs of them, of which the most specific one that explains is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path

import pytest

from bot.domain.knowledge import row
from cards.card import Card, Footer, plain
from cards.text import render
from tests.handlers.why_world import FLAWS, Ground, ground

MOST = 9
"""Calls of an answer."""

OF_POOL = (
    "unusable", "disk full", "package", "image", "offline", "lost", "start task", "quota", "policy", "policy, cut",
    "timed out", "stuck", "formula", "wants none", "to zero",
)  # fmt: skip
OF_JOB = tuple(name for name in FLAWS if name != "behind")
PAIRS = (
    # two that both explain: the most specific is told (node > pool > job > schedule)
    ("unusable", "blocked"),
    ("unusable", "preparation"),
    ("unusable", "slots"),
    ("disk full", "blocked"),
    ("disk full", "preparation"),
    ("package", "slots"),
    ("image", "blocked"),
    ("lost", "slots"),
    ("offline", "blocked"),
    ("start task", "blocked"),
    ("start task", "slots"),
    ("start task", "preparation"),
    ("quota", "blocked"),
    ("quota", "slots"),
    ("policy", "blocked"),
    ("policy, cut", "slots"),
    ("timed out", "blocked"),
    ("stuck", "blocked"),
    ("stuck", "slots"),
    ("formula", "blocked"),
    ("formula", "slots"),
    ("wants none", "blocked"),
    ("to zero", "blocked"),
    ("to zero", "slots"),
    # what stops a job whatever its pool is like is told before what its pool is like
    ("disabled", "unusable"),
    ("disabled", "start task"),
    ("disabled", "quota"),
    ("disabled", "formula"),
    ("disabled", "blob"),
    ("cannot run", "unusable"),
    ("cannot run", "quota"),
    # what explains that tasks wait is told before why others failed
    ("unusable", "blob"),
    ("disk full", "upload"),
    ("quota", "blob"),
    ("policy", "upload"),
    ("formula", "upload"),
    ("stuck", "blob"),
    ("to zero", "blob"),
    ("preparation", "blob"),
    ("slots", "upload"),
    ("retries", "blob"),
    ("blob", "never ends"),
)
"""The first is told, the other is seen as well."""
BEHIND = ("unusable", "disk full", "start task", "quota", "formula", "disabled", "blocked", "preparation", "never ends")
"""What keeps a schedule's last job from its end, and so the schedule from its next."""
SITUATIONS = tuple(
    dict.fromkeys(chain([()], ((name,) for name in FLAWS), PAIRS, ((name, "behind") for name in BEHIND)))
)


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Ground]:
    """All situations, each a place of its own in one account."""
    async with ground(tmp_path, SITUATIONS) as made:
        yield made


def _small(card: Card) -> str:
    return " ".join(plain(block.text) for block in card.blocks if isinstance(block, Footer))


async def test_every_flaw_is_told_with_its_evidence_in_nine_calls(account: Ground) -> None:
    for name in OF_JOB:
        found = account.places[(name,)]
        card = await account.ask(f"why job '{found.job.id}'")
        shown = str(render(card).payload["text"]).replace("\n", " ")
        assert row(FLAWS[name].row).cause in plain(card.title), (name, shown)
        assert "Evidence" in shown, name
        assert len(account.calls) <= MOST, (name, account.calls)
        assert not card.refused, name
    for name in OF_POOL:
        found = account.places[(name,)]
        card = await account.ask(f"why pool {found.pool.id}")
        assert row(FLAWS[name].row).cause in plain(card.title), (name, plain(card.title))
        assert len(account.calls) <= MOST, (name, account.calls)


async def test_of_two_causes_the_most_specific_is_told_and_the_other_was_seen(account: Ground) -> None:
    assert len(PAIRS) >= 40
    for told, seen in PAIRS:
        found = account.places[(told, seen)]
        card = await account.ask(f"why job '{found.job.id}'")
        assert row(FLAWS[told].row).cause in plain(card.title), (told, seen, plain(card.title))
        assert row(FLAWS[seen].row).cause[:30] in _small(card), (told, seen, _small(card))
        assert len(account.calls) <= MOST, (told, seen, account.calls)


async def test_a_schedule_is_held_up_by_what_holds_up_its_last_job(account: Ground) -> None:
    for name in BEHIND:
        found = account.places[(name, "behind")]
        card = await account.ask(f"why schedule {found.schedule.id}")
        assert row(FLAWS[name].row).cause in plain(card.title), (name, plain(card.title))
        assert row("schedule.held_up").cause[:40] in _small(card), (name, _small(card))
        assert len(account.calls) <= MOST, (name, account.calls)
    alone = await account.ask(f"why schedule {account.places['behind',].schedule.id}")
    assert row("schedule.held_up").cause in plain(alone.title)
