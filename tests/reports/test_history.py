"""What counts as a known change: sizes that somebody gave, never those of a formula."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.reports import history as module
from bot.reports.history import history, resized
from storage.port.changes import ChangeSet
from storage.port.monitoring import Transition
from tests.reports.ledgered import ACCOUNT, MONDAY, composer, ledgered

HOUR = timedelta(hours=1)


def steady(pool: str, hours: int, target: int, before: str = "resizing", after: str = "steady") -> Transition:
    details = msgspec.json.encode({"targetDedicated": target, "targetSpot": 0}).decode()
    return Transition(ACCOUNT, "allocation", "", pool, before, after, MONDAY - hours * HOUR, details)


def test_a_size_that_somebody_gave_is_a_change_and_a_formulas_is_not() -> None:
    given = [steady("cpu-b", 30, 4), steady("cpu-b", 20, 4), steady("cpu-b", 10, 8)]
    scaled = [steady("GPU-a", n, n) for n in range(5)]
    first = [steady("new", 3, 2, before="")]
    assert resized([*given, *scaled, *first], {"gpu-a"}) == [given[0], given[2]]
    assert resized([], set()) == []


async def test_a_change_of_yesterday_is_not_why_the_last_week_was_another_one(tmp_path: Path) -> None:
    store = await ledgered(tmp_path)
    made = composer(store).accounting
    for pool in ("gpu-a", "sim-old"):
        await store.record(ChangeSet(transitions=[steady(pool, 30, 2, "steady", "resizing"), steady(pool, 29, 4)]))
    past = await history(made, store, ACCOUNT, MONDAY)
    assert len(past.changes) == 2
    assert past.changed() == "pool sim-old has had nodes since 17 Nov"
    await store.record(ChangeSet(transitions=[steady("sim-old", 24 * 6, 8)]))
    assert (await history(made, store, ACCOUNT, MONDAY)).changed() == "pool sim-old was resized on 17 Nov"
    await store.close()


async def test_an_autoscaled_pool_is_no_known_change_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 3)
    store = await ledgered(tmp_path)
    formula = Transition(ACCOUNT, "autoscale", "", "gpu-a", "ok", "ok", MONDAY - HOUR)
    ups = [steady("gpu-a", n, n) for n in range(1, 10)] + [steady("cpu-b", 12, 4, "steady", "resizing")]
    mine = steady("cpu-b", 11, 8)
    await store.record(ChangeSet(transitions=[formula, *ups, mine]))
    past = await history(composer(store).accounting, store, ACCOUNT, MONDAY)
    assert past.changes == (mine,)
    await store.close()
