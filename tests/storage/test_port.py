"""What stored things say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import asdict

from storage.port.black_box import KeptFile, KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.runs import JobRun

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def test_a_kept_file_is_found_by_its_whole_name() -> None:
    out, err = KeptFile("stdout.txt", "one"), KeptFile("stderr.txt", "two")
    of_task = KeptTask("render", "nightly", "1", NOON, NOON, files=(out, err))
    of_node = KeptNode("render", "cpu", "tvm-1", NOON, NOON, "unusable", files=(out, err))
    for kept in (of_task, of_node):
        assert kept.file("stdout.txt") == out
        assert kept.file("stderr.txt") == err
        assert kept.file("stderr") is None


def test_two_change_sets_in_one_are_each_kind_after_the_other() -> None:
    one: Any = {name: [f"{name} 1"] for name in asdict(ChangeSet())}
    two: Any = {name: [f"{name} 2", f"{name} 3"] for name in one}
    assert asdict(ChangeSet(**one).joined(ChangeSet(**two))) == {
        name: [f"{name} 1", f"{name} 2", f"{name} 3"] for name in one
    }


@pytest.mark.parametrize(("cost", "idle", "total"), [(2.0, 0.5, 2.5), (None, 0.5, None), (2.0, None, None)])
def test_a_run_lasted_and_cost_so_much(cost: float | None, idle: float | None, total: float | None) -> None:
    end = NOON + timedelta(minutes=90)
    run = JobRun(account="render", job="nightly", pool="cpu", started=NOON, ended=end, cost=cost, idle_cost=idle)
    assert run.seconds == 5400
    assert run.total == total
