"""What every store does over its life: opened again, pruned, failing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.port.changes import ChangeSet
from storage.port.core_use import CoreUse
from storage.port.errors import StoreError
from storage.port.incidents import NotificationRow
from storage.port.samples import Sample
from storage.retention import Retention
from storage.sql.connection import SLICE
from tests.storage.black_box_contract import noise, run
from tests.storage.conftest import Opener
from tests.storage.contract import DAY, NOON
from tests.storage.looking import rows
from tests.storage.monitoring_contract import entry, incident, transition


async def test_the_black_box_never_takes_more_than_it_may(where: str, opened: Opener) -> None:
    """The oldest go as the newest come, within the same transaction."""
    store = opened(Retention(black_box_bytes=300_000))
    for minute in range(40):
        await store.keep([run(f"f{minute}", minute, noise(minute))])
    kept = [each.task for each in await store.kept_tasks("render", "nightly")]
    assert 15 <= len(kept) < 40
    assert kept == [f"f{minute}" for minute in reversed(range(40 - len(kept), 40))]
    await store.close()
    assert rows(where, "SELECT sum(length(body)) FROM black_box")[0][0] <= 300_000
    smaller = opened(Retention(black_box_bytes=100_000))
    assert await smaller.prune(NOON) == len(kept) - len(await smaller.kept_tasks("render", "nightly")) > 0
    await smaller.close()


async def test_no_room_for_a_black_box_is_none(opened: Opener) -> None:
    store = opened(Retention(black_box_bytes=0))
    await store.record(ChangeSet(kept_tasks=[run()]))
    await store.keep([run()])
    assert await store.kept_tasks("render", "nightly") == []
    await store.close()


async def test_everything_survives_reopening(opened: Opener) -> None:
    store = opened()
    await store.accept("k", b"body", NOON)
    key = await store.secret("links")
    await store.close()
    store = opened()
    assert [row.body for row in await store.unfinished()] == [b"body"]
    assert await store.secret("links") == key
    await store.close()


async def test_what_is_kept_can_be_chosen(opened: Opener) -> None:
    chosen = Retention(transitions=2 * DAY, transition_counts=3 * DAY, incidents=4 * DAY, entries=5 * DAY)
    store = opened(chosen)
    ages = range(10)
    await store.record(
        ChangeSet(
            transitions=[transition(f"{age}", NOON - age * DAY) for age in ages],
            incidents=[incident(f"{age}", NOON - age * DAY, open=False) for age in ages],
            entries=[entry(f"{age}", NOON - age * DAY) for age in ages],
        )
    )
    for age in ages:
        await store.delivered(f"{age}", 1, "m", "c")
    await store.prune(NOON)
    assert [one.id for one in await store.transitions("render")] == ["0", "1", "2"]
    assert len(await store.transition_counts("render", NOON - 99 * DAY, NOON + DAY)) == 4
    assert [one.id for one in await store.incidents()] == ["0", "1", "2", "3", "4"]
    assert [one.entry.id for one in await store.deliveries([f"{n}" for n in ages])] == ["0", "1", "2", "3", "4", "5"]
    await store.close()


async def test_much_is_pruned_in_slices(opened: Opener) -> None:
    store = opened()
    old, many = NOON - 500 * DAY, 2 * SLICE + 7
    await store.record(
        ChangeSet(
            transitions=[transition(f"{n}", old) for n in range(many)],
            incidents=[incident(f"{n}", old, open=False) for n in range(many)],
            notifications=[NotificationRow(f"{n}", "slack:C1", True, b"") for n in range(many)],
            entries=[entry(f"{n}", old) for n in range(many)],
        )
    )
    for n in range(3):
        await store.attempt_failed(f"{n}", "dead", "too long")
    assert await store.prune(NOON) == 2 * many + 1 + 3
    assert await store.transitions("render") == await store.incidents() == []
    assert await store.notifications([f"{n}" for n in range(many)]) == []
    assert len(await store.undelivered()) == many - 3
    await store.close()


async def test_a_failed_write_leaves_no_trace(opened: Opener) -> None:
    store = opened()
    bad = Sample("a", "p", NOON, 60, CoreUse(float("nan")))
    with pytest.raises(StoreError, match="refuses"):
        await store.add_samples([Sample("a", "q", NOON, 60, CoreUse(1)), bad])
    assert await store.sampled_range("a") is None
    await store.add_samples([Sample("a", "q", NOON, 60, CoreUse(1))])
    assert len(await store.usage("a", "q", NOON - timedelta(hours=1), NOON, 60)) == 1
    await store.close()
