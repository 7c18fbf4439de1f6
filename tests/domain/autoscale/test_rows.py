"""The bot's own samples as a formula asks for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.autoscale.rows import Rows, rows_of
from storage.port.core_use import CoreUse
from storage.port.samples import Sample, Work

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def sample(ago: int, waiting: int | None = 0, **more: object) -> Sample:
    """A pool of five nodes of two cores, of which half are busy, so many seconds ago."""
    work = None if waiting is None else Work(waiting, 2, 30, 4)
    known = {"nodes": 5, "spot_nodes": 2, "dedicated": CoreUse(3, unused=3), "spot": CoreUse(2, unused=2)}
    return Sample("render", "cpu", NOW - ago * SECOND, 30.0, work=work, **known | more)  # type: ignore[arg-type]


def rows(*samples: Sample, slots: int = 1) -> Rows:
    return rows_of(samples, slots, NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$ActiveTasks", 7.0),
        ("$RunningTasks", 2.0),
        ("$PendingTasks", 9.0),
        ("$SucceededTasks", 30.0),
        ("$FailedTasks", 4.0),
        ("$CurrentDedicatedNodes", 3.0),
        ("$CurrentLowPriorityNodes", 2.0),
        ("$PreemptedNodeCount", 0.0),
        ("$UsableNodeCount", 5.0),
        ("$SampleNodeCount", 5.0),
        ("$CPUPercent", 50.0),
    ],
)
def test_each_variable_is_what_the_bot_counted(name: str, value: float) -> None:
    given = rows(sample(120), sample(90, 7))
    assert given.known(name)
    assert given.newest(name, 9) == [value]


def test_what_was_not_counted_is_none_of_it() -> None:
    unknown = rows(sample(120), sample(90, None), slots=2)
    found = {name: unknown.newest(name, 1) for name in ("$ActiveTasks", "$SucceededTasks", "$FailedTasks")}
    assert found == {"$ActiveTasks": [0.0], "$SucceededTasks": [0.0], "$FailedTasks": [0.0]}
    assert unknown.newest("$RunningTasks", 1) == [5.0], "half of ten slots"
    empty = rows(sample(120), sample(90, nodes=0, dedicated=CoreUse(), spot=CoreUse()))
    assert empty.newest("$CPUPercent", 1) == [0.0]
    assert not unknown.known("$NetworkInBytes")


def test_a_sample_stands_for_the_time_since_the_one_before() -> None:
    """A row each 30 seconds; those of the last minute have not arrived yet; a gap is no guess."""
    given = rows(sample(300), sample(210, 1), sample(90, 2), sample(30, 3))
    assert given.newest("$ActiveTasks", 99) == [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]
    assert given.newest("$ActiveTasks", 2) == [3.0, 2.0]
    assert given.count("$ActiveTasks") == 8
    assert given.began("$ActiveTasks") == NOW - 270 * SECOND
    assert given.between("$ActiveTasks", NOW - 240 * SECOND, NOW - 180 * SECOND) == [2.0, 1.0]
    assert given.between("$ActiveTasks", NOW - 120 * SECOND, NOW) == [3.0, 2.0]
    gap = rows(sample(7200), sample(90, 1))
    assert gap.newest("$ActiveTasks", 99) == [1.0]
    assert rows(sample(110), sample(100, 1)).count("$ActiveTasks") == 1, "closer ones count each"


def test_nothing_has_arrived_yet() -> None:
    young = rows(sample(40), sample(10, 1))
    assert (young.count("$ActiveTasks"), young.began("$ActiveTasks"), young.newest("$ActiveTasks", 3)) == (0, None, [])
