from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.models import FailureInfo
from bot.azure.models.task import Run
from bot.domain.causes import LONGEST, cause_of, never_ran, normalised


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("frame 12 of 200: out of memory", "frame 7 of 200: out of memory", "frame <n> of <n>: out of memory"),
        ("cannot open /mnt/in/a.exr", "cannot open /mnt/in/sub/b.exr", "cannot open <path>"),
        (r"cannot open C:\in\a.exr", r"cannot open D:\out\b.exr", "cannot open <path>"),
        ('File "./lib/x.py", line 3', 'File "../y.py", line 14', 'File "<path>", line <n>'),
        ("thread 0x7ffee3c0 lost", "thread 0x55d0aa10 lost", "thread <n> lost"),
        ("no blob https://a.net/x?y=1", "no blob https://b.net/", "no blob <url>"),
        ("10.0.0.4:8080 refused", "10.0.12.5:80 refused", "<address> refused"),
        ("at 2026-11-18T12:00:00Z lost", "at 2026-11-19 13:01:02.5 lost", "at <time> lost"),
        ("3f2b1c9a-1111-2222-3333-444455556666 ?", "00000000-aaaa-bbbb-cccc-dddddddddddd ?", "<id> ?"),
        ("commit deadbeef01", "commit 0123abcdef", "commit <id>"),
        ("frame-0012 failed", "frame-0013 failed", "frame-<n> failed"),
        ("gpu0 lost", "gpu15 lost", "gpu<n> lost"),
        ("too   many\tspaces", " too many spaces ", "too many spaces"),
    ],
)
def test_what_differs_is_folded(one: str, other: str, same: str) -> None:
    assert normalised(one) == normalised(other) == same


@pytest.mark.parametrize(
    "text", ["error 0x80070005", "exit -1073741819", "[Errno 28] full", "HTTP 404", "404 Not Found", "utf-8 text"]
)
def test_numbers_that_say_what_went_wrong_stay(text: str) -> None:
    assert normalised(text) == text


@pytest.mark.parametrize("text", ["defaced facade", "No space left on device", "either/or", "read and write", ""])
def test_words_stay(text: str) -> None:
    assert normalised(text) in (text, text.replace("/or", "<path>"))


@given(st.text(max_size=2000))
def test_it_is_short_and_folding_it_again_changes_nothing_much(text: str) -> None:
    once = normalised(text)
    assert len(once) <= LONGEST
    assert "\n" not in once


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_make_no_difference(one: int, other: int) -> None:
    assert normalised(f"part {one}: failed after {other} s") == normalised("part 1: failed after 2 s")


@pytest.mark.parametrize(
    ("exit_code", "code", "message", "cause"),
    [
        (137, "FailureExitCode", "The task exited with an exit code representing a failure", "exit code 137"),
        (3, "", "", "exit code 3"),
        (None, "DiskFull", "There is not enough disk space", "DiskFull: There is not enough disk space"),
        (1, "TaskEnded", "Task Was Ended by User Request", "TaskEnded: Task Was Ended by User Request"),
        (None, "BlobNotFound", "no blob https://a/b", "BlobNotFound: no blob <url>"),
        (None, "DiskFull", "", "DiskFull"),
        (None, "", "", "unknown"),
    ],
)
def test_the_cause_of_a_task(exit_code: int | None, code: str, message: str, cause: str) -> None:
    assert cause_of(exit_code, code, message) == cause


def test_a_task_that_could_not_be_started_never_ran() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert never_ran(None)
    assert never_ran(Run())
    assert never_ran(Run(start_time=at, failure_info=FailureInfo("UserError", "BlobNotFound", "")))
    assert not never_ran(Run(start_time=at)), "it runs"
    assert not never_ran(Run(start_time=at, failure_info=FailureInfo("UserError", "TaskEnded", "")))
    assert not never_ran(Run(start_time=at, exit_code=1, failure_info=FailureInfo("UserError", "FailureExitCode", "")))
