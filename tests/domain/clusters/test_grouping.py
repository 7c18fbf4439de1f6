"""Failures that are the same are one cluster, in whatever order they were read, on whichever replica."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.clusters.grouping import clusters
from bot.domain.clusters.model import Failed, Said, TaskKey
from bot.domain.clusters.samples import EXAMPLES, first_read, next_read

AT = datetime(2026, 11, 28, 13, 40, tzinfo=UTC)
LINES = (
    "OSError: [Errno 28] No space left on device: '/mnt/{}'",
    "OSError: [Errno 13] Permission denied: '/mnt/{}'",
    "frame {} of 900: no licence",
    "",
)


def failed(number: int, exit_code: int | None = 1, code: str = "FailureExitCode", message: str = "") -> Failed:
    return Failed(
        job="nightly",
        task=f"frame-{number:04}",
        ended=AT + timedelta(seconds=number),
        code=code,
        exit_code=exit_code,
        message=message,
    )


def said(task: Failed, which: int) -> Said:
    return Said(LINES[which].format(task.task), "stderr.txt") if LINES[which] else Said()


def told(found: list) -> list[tuple]:
    return [(each.key, each.count, each.line, each.example.task, each.unread) for each in found]


def test_what_printed_the_same_counts_whole_though_few_logs_were_read() -> None:
    tasks = [failed(number) for number in range(198)]
    (found,) = clusters(tasks, {task.key: said(task, 0) for task in tasks[:3]})
    assert (found.count, found.read, found.line) == (198, 3, "OSError: [Errno 28] No space left on device: '<path>'")
    assert found.said.line == "OSError: [Errno 28] No space left on device: '/mnt/frame-0000'"
    assert (found.first, found.last) == (AT, AT + timedelta(seconds=197))


def test_what_printed_different_things_is_told_apart_as_far_as_logs_were_read() -> None:
    tasks = [failed(number) for number in range(20)]
    known = {task.key: said(task, place % 2) for place, task in enumerate(tasks[:5])}
    found = clusters(tasks, known)
    assert [(each.count, each.unread, each.line[:17]) for each in found] == [
        (15, True, ""),
        (3, False, "OSError: [Errno 2"),
        (2, False, "OSError: [Errno 1"),
    ]
    assert sum(each.count for each in found) == len(tasks)


def test_codes_and_exit_codes_are_apart_without_any_log() -> None:
    tasks = [
        failed(1, 137),
        failed(2, 139),
        failed(3, None, "BlobNotFound", "no blob https://a/1"),
        failed(4, None, "BlobNotFound", "no blob https://b/2"),
        failed(5, -1073741510, "TaskEnded", "ran longer than its maximum wall clock time"),
        failed(6, None, "TaskEnded", "Task Was Ended by User Request"),
    ]
    assert sorted(each.count for each in clusters(tasks, {})) == [1, 1, 1, 1, 2]


FAILURES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([1, 137, None]),
        st.sampled_from(["FailureExitCode", "DiskFull"]),
        st.booleans(),
    ),
    max_size=30,
)


@given(FAILURES, st.randoms(use_true_random=False))
def test_the_order_in_which_tasks_were_read_makes_no_difference(kinds: list, random) -> None:
    tasks = [failed(place, exit_code, code) for place, (_, exit_code, code, _) in enumerate(kinds)]
    known = {task.key: said(task, which) for task, (which, _, _, read) in zip(tasks, kinds, strict=True) if read}
    once = clusters(tasks, known)
    random.shuffle(tasks)
    assert told(clusters(tasks, dict(reversed(known.items())))) == told(once)
    assert sum(each.count for each in once) == len(tasks)
    assert len({each.key for each in once}) == len([each for each in once if not each.unread]) or any(
        each.unread for each in once
    )


def test_the_key_is_the_same_in_another_process() -> None:
    """Python's own hashes differ from process to process."""
    tasks = [failed(1), failed(2, None, "DiskFull", "no space")]
    keys = [each.key for each in clusters(tasks, {tasks[0].key: said(tasks[0], 0)})]
    program = (
        "from tests.domain.clusters.test_grouping import *\n"
        "tasks = [failed(2, None, 'DiskFull', 'no space'), failed(1)]\n"
        "print(*[each.key for each in clusters(tasks, {tasks[1].key: said(tasks[1], 0)})])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert sorted(ran.stdout.split()) == sorted(keys)


def test_whose_logs_are_read() -> None:
    tasks = [*(failed(number) for number in range(100)), failed(200, 137), failed(201, None, "DiskFull")]
    first = first_read(tasks, {}, 10)
    assert [task.task for task in first] == ["frame-0000", "frame-0200", "frame-0099", "frame-0050"]
    assert first_read(tasks, {}, 2) == first[:2]
    assert first_read(tasks, {first[0].key: Said()}, 10)[0].task == "frame-0099"
    alike = {task.key: said(task, 0) for task in first}
    assert next_read(tasks, alike, 10) == []
    mixed: dict[TaskKey, Said] = {**alike, first[2].key: said(first[2], 1)}
    more = next_read(tasks, mixed, 10)
    assert len(more) == 10
    assert not {task.key for task in more} & set(mixed)
    nothing = {task.key: Said() for task in first}
    assert len(next_read(tasks, nothing, 10)) == EXAMPLES
