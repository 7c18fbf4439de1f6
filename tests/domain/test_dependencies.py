"""Which tasks wait for which: read, told apart, and rolled up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.azure.models import Task
from bot.domain.dependencies import MOST_BOXES, Graph, blocks, graph


def task(name: str, *after: str, state: str = "active", failed: bool = False, **more: Any) -> Task:
    """A task as the service sends it; ``after`` are ids, or ranges like ``3-9``."""
    wire: dict[str, Any] = {"id": name, "state": "completed" if failed else state} | more
    if after:
        ranges = [each.split("-") for each in after if each.replace("-", "").isdigit() and "-" in each]
        wire["dependsOn"] = {
            "taskIds": [each for each in after if each.split("-") not in ranges],
            "taskIdRanges": [{"start": int(start), "end": int(end)} for start, end in ranges],
        }
    if failed or state == "completed":
        wire["executionInfo"] = {"result": "failure" if failed else "success", "exitCode": int(failed)} | more.get(
            "run", {}
        )
    wire.pop("run", None)
    return msgspec.convert(wire, Task)


def labels(found: Graph) -> list[tuple[str, int, int]]:
    return sorted((group.label, group.layer, len(group.ids)) for group in found.groups)


def links(found: Graph) -> set[tuple[str, str]]:
    names = {group.key: group.label for group in found.groups}
    return {(names[link.source], names[link.target]) for link in found.links}


def test_a_chain() -> None:
    found = graph([task("c", "b"), task("b", "a"), task("a", state="completed")])
    assert labels(found) == [("a", 0, 1), ("b", 1, 1), ("c", 2, 1)]
    assert links(found) == {("a", "b"), ("b", "c")}
    assert found.states == {"waiting": 2, "done": 1}


def test_a_diamond_whose_one_side_failed() -> None:
    found = graph([task("a", state="completed"), task("b", "a", failed=True), task("c", "a", state="running"),
                   task("d", "b", "c"), task("e", "d")])  # fmt: skip
    worst = {group.label: group.worst for group in found.groups}
    assert worst == {"a": "done", "b": "failed", "c": "running", "d": "blocked", "e": "blocked"}
    blocking = {(link.source, link.target) for link in found.links if link.blocking}
    keys = {group.label: group.key for group in found.groups}
    assert blocking == {(keys["b"], keys["d"]), (keys["d"], keys["e"])}


def test_what_follows_is_not_drawn() -> None:
    found = graph([task("a"), task("b", "a"), task("c", "a", "b")])
    assert links(found) == {("a", "b"), ("b", "c")}


def test_a_fan_of_500_is_three_boxes_and_its_failures_stand_apart() -> None:
    frames = [task(f"frame-{n:04}", "mesh", state="completed", failed=n in (7, 8)) for n in range(500)]
    found = graph([task("mesh", state="completed"), *frames, task("movie", *[each.id for each in frames])])
    assert labels(found) == [
        ("frame-0000 – frame-0499", 1, 498),
        ("frame-0007 – frame-0008", 1, 2),
        ("mesh", 0, 1),
        ("movie", 2, 1),
    ]
    failed = next(group for group in found.groups if group.worst == "failed")
    assert failed.ids == ["frame-0007", "frame-0008"]
    assert next(group for group in found.groups if group.label == "movie").worst == "blocked"


def test_parallel_chains_are_one_chain() -> None:
    tasks = [task(f"render-{n}") for n in range(300)] + [task(f"encode-{n}", f"render-{n}") for n in range(300)]
    found = graph(tasks)
    assert labels(found) == [("encode-0 – encode-299", 1, 300), ("render-0 – render-299", 0, 300)]
    assert links(found) == {("render-0 – render-299", "encode-0 – encode-299")}


def test_a_long_chain_is_put_together_by_stretches_and_breaks_where_it_failed() -> None:
    found = graph(
        [
            task(f"s-{n}", *([f"s-{n - 1}"] if n else []), state="completed" if n < 700 else "active", failed=n == 700)
            for n in range(1000)
        ]
    )
    assert 3 <= len(found.groups) <= 12
    assert sum(len(group.ids) for group in found.groups) == 1000
    assert [group.ids for group in found.groups if group.worst == "failed"] == [["s-700"]]
    assert {link.blocking for link in found.links} == {True, False}
    assert sorted({group.layer for group in found.groups}) == list(range(found.layers)), "no layer is left empty"


def test_ranges_are_of_numbers_that_are_written_as_such() -> None:
    found = graph([*(task(str(n)) for n in range(1, 6)), task("05"), task("sum", "2-4"), task("all", "1-9")])
    assert {pair for pair in links(found) if pair[1] == "sum"} == {("2", "sum"), ("3", "sum"), ("4", "sum")}
    assert found.missing == ["some of 1 to 9"]
    assert next(group for group in found.groups if "all" in group.ids).worst == "blocked"


def test_the_largest_number_of_a_range_is_one_of_32_bits() -> None:
    last = str(2**31 - 1)
    found = graph([task("sum", f"2147483646-{last}"), task("2147483646"), task(last)])
    assert links(found) == {("2147483646", "sum"), (last, "sum")}
    assert found.missing == []


def test_a_circle_and_what_waits_for_it() -> None:
    found = graph([task("a", "c"), task("b", "a"), task("c", "b"), task("d", "c"), task("me", "me"), task("free")])
    assert sorted(found.circle) == ["a", "b", "c", "me"]
    assert found.states == {"circle": 4, "blocked": 1, "waiting": 1}


def test_a_task_that_waits_for_nothing_that_exists() -> None:
    found = graph([task("a", "ghost")])
    assert (found.missing, found.states) == (["ghost"], {"blocked": 1})


def test_two_thousand_that_wait_for_two_thousand() -> None:
    """By gates; edge by edge there would be four million."""
    tasks = [task(f"a-{n}", state="completed") for n in range(2000)]
    names = [each.id for each in tasks]
    found = graph([*tasks, *(task(f"b-{n}", *names) for n in range(2000))])
    assert labels(found) == [("a-0 – a-1999", 0, 2000), ("b-0 – b-1999", 1, 2000)]
    assert not found.cut


def test_a_tangle_is_cut_and_says_so() -> None:
    found = graph([task(str(n), *([f"0-{n - 1}"] if n else [])) for n in range(800)])
    assert found.cut
    assert len(found.groups) <= MOST_BOXES


def test_no_tasks() -> None:
    assert graph([]).groups == []


SATISFY, BLOCK = {"dependencyAction": "satisfy"}, {"dependencyAction": "block"}


@pytest.mark.parametrize(
    ("code", "conditions", "expected"),
    [
        (1, None, True),
        (1, {"default": SATISFY}, False),
        (1, {"exitCodes": [{"code": 1, "exitOptions": SATISFY}], "default": BLOCK}, False),
        (2, {"exitCodes": [{"code": 1, "exitOptions": SATISFY}]}, True),
        (7, {"exitCodeRanges": [{"start": 5, "end": 9, "exitOptions": SATISFY}]}, False),
        (None, {"preProcessingError": SATISFY}, False),
        (None, {"fileUploadError": SATISFY}, True),
        (0, {"fileUploadError": SATISFY}, False),
        (1, {"default": {"jobAction": "terminate"}}, True),
    ],
)
def test_exit_conditions_say_whether_a_failure_blocks(code: int | None, conditions: Any, expected: bool) -> None:
    more = {"exitConditions": conditions} if conditions else {}
    assert blocks(task("a", failed=True, run={"exitCode": code}, **more)) is expected


def test_a_task_that_ended_well_blocks_nobody() -> None:
    assert not blocks(task("a", state="completed"))


@st.composite
def jobs(draw: st.DrawFn) -> list[Task]:
    count = draw(st.integers(0, 40))
    names = [f"{draw(st.sampled_from('abc'))}-{n}" for n in range(count)]
    return [
        task(
            name,
            *draw(st.lists(st.sampled_from([*names, "ghost"]), max_size=3)),
            state=draw(st.sampled_from(["active", "running", "completed"])),
            failed=draw(st.booleans()),
        )
        for name in names
    ]


@settings(max_examples=settings.default.max_examples * 3 // 4, deadline=None)
@given(jobs())
def test_no_task_is_lost_and_lines_go_forward(tasks: list[Task]) -> None:
    found = graph(tasks)
    assert sorted(name for group in found.groups for name in group.ids) == sorted(each.id for each in tasks)
    layer = {group.key: group.layer for group in found.groups}
    assert all(layer[link.source] < layer[link.target] for link in found.links)
    assert sum(found.states.values()) == len(tasks)
    waits = {name for name, each in ((each.id, each) for each in tasks) if each.state == "active"}
    stuck = {name for group in found.groups for name in group.ids if group.worst in ("blocked", "circle")}
    assert stuck <= waits


def test_layers_follow_dependencies() -> None:
    tasks = [task("a"), task("x"), task("b", "a"), task("c", "b", "x"), task("d", "c", "a")]
    layer = {group.label: group.layer for group in graph(tasks).groups}
    assert [layer[name] for name in "abcd"] == [0, 1, 2, 3]
    assert all(a < b for a, b in pairwise(layer[name] for name in "abcd"))
