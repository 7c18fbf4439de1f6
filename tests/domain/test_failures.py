"""Causes of failed tasks, split by what their programs printed."""

from __future__ import annotations

from bot.domain.failures import Example, by_line, split_by_output, usual
from bot.domain.findings import CauseCount

TALLY = CauseCount("exit code 1", 9)


def example(task: str, line: str = "", file: str = "stderr.txt") -> Example:
    return Example(task, line, file if line else "")


def test_what_printed_nothing_stays_as_it_is() -> None:
    assert split_by_output(TALLY, []) == [TALLY]
    assert split_by_output(TALLY, [example("a"), example("b")]) == [TALLY]


def test_one_line_is_said_of_all_of_them() -> None:
    found = split_by_output(TALLY, [example("a"), example("b", "no frame 12"), example("c", "no frame 13")])
    assert found == [CauseCount("exit code 1", 9, "b", "no frame 12", "stderr.txt")]


def test_different_lines_are_split_apart_and_what_was_not_examined_stays_plain() -> None:
    examples = [example("a", "no frame 12"), example("b", "disk full"), example("c", "no frame 13"), example("d")]
    rest, frames, disk = split_by_output(TALLY, examples)
    assert (rest.cause, rest.count) == ("exit code 1", 6)
    assert (frames.count, frames.example, frames.said) == (2, "a", "no frame 12")
    assert (disk.cause, disk.count, disk.example) == ("exit code 1: disk full", 1, "b")
    whole = split_by_output(CauseCount("exit code 1", 3), examples)
    assert [each.count for each in whole] == [2, 1], "every one was examined"


def test_several_jobs_are_split_where_they_printed_different_things() -> None:
    said = [
        CauseCount("exit code 1", 5, "a", "no frame 12", "stderr.txt"),
        CauseCount("exit code 1", 4, "b", "disk full", "stderr.txt"),
        CauseCount("exit code 1", 3, "c"),
        CauseCount("exit code 2", 2, "d", "usage", "stderr.txt"),
    ]
    assert [(each.cause.partition(":")[0], ":" in each.cause) for each in by_line(said)] == [
        ("exit code 1", True),
        ("exit code 1", True),
        ("exit code 1", False),
        ("exit code 2", False),
    ]
    assert by_line(said[:1] + said[2:]) == said[:1] + said[2:], "one line is all that is known of it"


def test_what_a_cause_usually_means() -> None:
    assert "SIGKILL" in usual("exit code 137")
    assert usual("exit code 137: no frame") == ""
    assert usual("BlobNotFound") == usual("BlobNotFound: in words") != ""
    assert usual("BlobNotFound2") == usual("in words") == ""
