"""What became of a node that is not there any more, and which alerts are about a cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.diagnosis.gone import GoneNode, of_gone
from bot.domain.diagnosis.model import Evidence, clue, on_its_way
from bot.domain.diagnosis.told import alerts_of
from bot.domain.entity import Entity
from storage.port.black_box import KeptNode
from storage.port.monitoring import Transition
from tests.domain.diagnosis.jobs import said

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NODE = Entity("node", "tvm-1", "cpu")
US = Evidence("node delete cpu tvm-1, asked of me by", NOW, person="slack:U1")
RESIZED = Evidence("pool resize cpu 2, asked of me by", NOW)
LEFT = "it left its pool, and what made it leave was not seen"


def ago(hours: int) -> datetime:
    return NOW - timedelta(hours=hours)


def seen(*states: str) -> list[Transition]:
    """The states in which it was seen, the newest first and an hour apart."""
    return [Transition("a", "node", "cpu", "tvm-1", "", state, ago(n)) for n, state in enumerate(states, 1)]


def box(state: str, **more: Any) -> KeptNode:
    """What was kept of it when it was in that state, nine hours ago."""
    return KeptNode("a", "cpu", "tvm-1", ago(9), ago(8), state, **more)


@pytest.mark.parametrize(
    ("case", "told", "since"),
    [
        ({}, f"node.left certain, no harm | {LEFT}", None),
        ({"seen": seen("gone")}, f"node.left certain, no harm | {LEFT}", ago(1)),
        ({"seen": seen("gone", "offline")}, f"node.left certain, no harm | {LEFT} | last seen offline", ago(1)),
        ({"seen": seen("offline")}, f"node.left certain, no harm | {LEFT} | last seen offline", ago(1)),
        ({"seen": seen("gone", "unusable", "offline")},
         "node.left_in_trouble certain, no harm | it left its pool after it was seen as unusable; "
         "nobody asked the bot to remove it | last seen unusable", ago(1)),
        ({"seen": seen("gone", "starttaskfailed")},
         "node.left_in_trouble certain, no harm | it left its pool after it was seen as start task failed; "
         "nobody asked the bot to remove it | last seen start task failed", ago(1)),
        ({"box": box("unknown")},
         "node.left_in_trouble certain, no harm | it left its pool after it was seen as unknown; "
         "nobody asked the bot to remove it | last seen unknown", ago(9)),
        ({"seen": seen("gone", "preempted")}, "node.preempted likely, no harm | last seen preempted", ago(2)),
        ({"seen": seen("gone", "unusable"), "removed": US},
         "node.removed certain, no harm | it was removed from its pool | node delete cpu tvm-1, asked of me by "
         "| last seen unusable", ago(1)),
        ({"seen": seen("gone", "preempted"), "removed": US},
         "node.removed certain, no harm | it was removed from its pool | node delete cpu tvm-1, asked of me by "
         "| last seen preempted", ago(1)),
        ({"seen": seen("gone", "unusable"), "pool_gone": True, "shrunk": RESIZED},
         "node.pool_gone certain, no harm | its pool was deleted, and its nodes with it | last seen unusable", ago(1)),
        ({"seen": seen("gone", "unusable"), "shrunk": RESIZED},
         "node.shrunk certain, no harm | its pool became smaller | pool resize cpu 2, asked of me by "
         "| last seen unusable", ago(1)),
    ],
)  # fmt: skip
def test_what_became_of_a_node(case: dict[str, Any], told: str, since: datetime | None) -> None:
    found = of_gone(GoneNode(node=NODE, at=NOW, **case))
    assert (said(found), found.since) == (told, since)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (box("offline"), []),
        (box("offline", errors=(("DiskFull", "in words"), ("Other", ""))), ["DiskFull: in words", "Other"]),
        (box("offline", start_exit=0), ["its start task failed: exit code 0"]),
        (box("offline", start_exit=3, start_code="FailureExitCode"), ["its start task failed: exit code 3"]),
        (box("offline", start_code="BlobNotFound"), ["its start task failed: BlobNotFound"]),
    ],
)
def test_what_was_wrong_with_it_is_told_as_it_was_kept(kept: KeptNode, told: list[str]) -> None:
    found = of_gone(GoneNode(node=NODE, at=NOW, box=kept))
    assert [each.words for each in found.evidence] == ["last seen offline", *told]
    assert {each.at for each in found.evidence} == {ago(9)}


@pytest.mark.parametrize(
    ("id_", "kind", "alerts"),
    [
        ("node.offline", "node", ("pool.down", "node.offline")),
        ("node.lost_contact", "node", ("pool.down", "node.unknown")),
        ("node.disk_full", "node", ("pool.down", "node.unusable")),
        ("node.preempted", "node", ()),
        ("start_task.exit_code", "node", ("pool.down", "pool.start_task_failing", "node.start_task_failed")),
        ("exit.usage", "node", ("pool.down", "pool.start_task_failing", "node.start_task_failed")),
        ("exit.usage", "task", ("task.failed", "job.failure_rate", "task.retries_exhausted")),
        ("line.memory", "task", ("task.failed", "job.failure_rate", "task.retries_exhausted")),
        ("ours.licence", "job", ("task.failed", "job.failure_rate", "task.retries_exhausted")),
        ("ours.licence", "node", ("pool.down", "pool.start_task_failing", "node.start_task_failed")),
        ("task.exit_code", "task", ("task.failed", "job.failure_rate", "task.retries_exhausted")),
        ("task.retried_endlessly", "job", ("task.retrying",)),
        ("pool.quota.cores", "pool", ("pool.resize_failed",)),
        ("pool.resize.too_long", "pool", ("pool.resize_stuck",)),
        ("provider.locked", "pool", ("pool.resize_failed",)),
        ("autoscale.formula_fails", "pool", ("pool.autoscale_failed",)),
        ("autoscale.dead", "pool", ("pool.autoscale_stale",)),
        ("autoscale.wants_none", "pool", ()),
        ("schedule.over", "schedule", ("schedule.barren",)),
        ("unknown.task", "task", ("task.failed", "job.failure_rate", "task.retries_exhausted")),
        ("unknown.node", "node", ("pool.down", "node.unusable")),
        ("unknown.resize", "pool", ("pool.resize_failed",)),
        ("unknown.autoscale", "pool", ("pool.autoscale_failed",)),
    ],
)
def test_which_alerts_are_about_a_cause(id_: str, kind: str, alerts: tuple[str, ...]) -> None:
    assert alerts_of(on_its_way(id_, Entity(kind, "x"), "in words")) == alerts  # type: ignore[arg-type]


def test_a_clue_is_no_surer_than_its_row_may_claim() -> None:
    pool = Entity("pool", "cpu")
    found = [clue(each, pool, sure=sure).sure for each in ("pool.no_reason", "pool.idle") for sure in _SURE]
    assert found == ["guess", "guess", "guess", "certain", "likely", "guess"]


_SURE: tuple[Any, ...] = ("certain", "likely", "guess")
