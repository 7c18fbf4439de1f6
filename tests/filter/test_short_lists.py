"""Fields of lists that are sifted here: what each reads, and what it says of a row that has nothing there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Of
from typing import Any

import pytest

from bot.azure.models import FailureInfo, OwnTaskRun, PreparationStatus, Subtask
from bot.filter import JOB, POOL, TASK, Entity, parse
from bot.filter.fields import Field, Kind
from bot.filter.inventory_fields import APPLICATION, CERTIFICATE, FILE, IMAGE, PREPARATION, SIZE, SUBTASK
from bot.filter.parse import conditional

AT = datetime(2026, 11, 23, 13, 37, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAILED = FailureInfo(category="UserError", code="FailureExitCode")


def run(state: str = "completed", result: str = "success", **more: Any) -> OwnTaskRun:
    return OwnTaskRun(state=state, result=result, **more)


def prepared(first: OwnTaskRun | None, last: OwnTaskRun | None = None) -> PreparationStatus:
    return PreparationStatus(
        "cpu", "tvm-1", job_preparation_task_execution_info=first, job_release_task_execution_info=last
    )


WELL = Subtask(id=1, state="Completed", result="Success", exit_code=0, start_time=AT - 2 * HOUR, end_time=AT - HOUR)
BAD = Subtask(id=2, state="completed", result="Failure", exit_code=3, failure_info=FAILED)
RUNS = Subtask(id=3, state="running", start_time=AT - HOUR)
FIRST = prepared(run(exit_code=0, retry_count=1, start_time=AT - 2 * HOUR, end_time=AT - HOUR))
BROKEN = prepared(run(result="Failure", exit_code=1, failure_info=FAILED))
LAST = prepared(run(), run(result="failure", failure_info=FAILED))
NONE = prepared(None)
USED = Of(used=1, image=Of(verification_type="Verified"))
SPARE = Of(used=0, image=Of(verification_type="unverified"))
GPU, PLAIN = Of(size=Of(gpus=1), room=None), Of(size=Of(gpus=0), room=4)


@pytest.mark.parametrize(
    ("entity", "typed", "rows", "fits"),
    [
        (SUBTASK, "failed", [WELL, BAD, RUNS], [BAD]),
        (SUBTASK, "-failed", [WELL, BAD, RUNS], [WELL, RUNS]),
        (SUBTASK, "state:succeeded", [WELL, BAD, RUNS], [WELL]),
        (SUBTASK, "state:failed", [WELL, BAD, RUNS], [BAD]),
        (SUBTASK, "state:completed", [WELL, BAD, RUNS], [WELL, BAD]),
        (SUBTASK, "error:*", [WELL, BAD, RUNS], [BAD]),
        (SUBTASK, "exit:0", [WELL, BAD, RUNS], [WELL]),
        (SUBTASK, "ran>90min", [WELL, BAD, RUNS], []),
        (SUBTASK, "ran>=1h", [WELL, BAD, RUNS], [WELL, RUNS]),
        (PREPARATION, "failed", [FIRST, BROKEN, LAST, NONE], [BROKEN, LAST]),
        (PREPARATION, "error:FailureExitCode", [FIRST, BROKEN, LAST, NONE], [BROKEN, LAST]),
        (PREPARATION, "state:succeeded", [FIRST, BROKEN, LAST, NONE], [FIRST, LAST]),
        (PREPARATION, "release:failed", [FIRST, BROKEN, LAST, NONE], [LAST]),
        (PREPARATION, "exit:1", [FIRST, BROKEN, LAST, NONE], [BROKEN]),
        (PREPARATION, "retries:0", [FIRST, BROKEN, LAST, NONE], [BROKEN, LAST, NONE]),
        (PREPARATION, "ran>=1h", [FIRST, BROKEN, LAST, NONE], [FIRST]),
        (IMAGE, "mine", [USED, SPARE], [USED]),
        (IMAGE, "verified", [USED, SPARE], [USED]),
        (SIZE, "gpu", [GPU, PLAIN], [GPU]),
        (SIZE, "room>=4", [GPU, PLAIN], [PLAIN]),
        (SIZE, "-room>=4", [GPU, PLAIN], [GPU]),
    ],
)
def test_a_condition_fits_some_rows(entity: Entity, typed: str, rows: list[Any], fits: list[Any]) -> None:
    found = parse([typed], entity)
    assert [row for row in rows if found.matches(row, AT)] == fits


def test_names_are_searched_for_where_they_are() -> None:
    row = Of(id="blender", display_name="", versions=("4.2",), default="", pools=("gpu-a",))
    for typed, fits in (("blend*", True), ("version:4.2", True), ("default:4.2", False), ("pool:gpu-a", True)):
        assert parse([typed], APPLICATION).matches(row, AT) is fits, typed
    file = Of(name="stdout.txt", size=None, properties=None, is_directory=False)
    for typed, fits in (("std*", True), ("size>0", False), ("written:1h", False), ("-directory", True)):
        assert parse([typed], FILE).matches(file, AT) is fits, typed


@pytest.mark.parametrize(
    ("typed", "plainly"),
    [
        ("size>1MB", True),
        ("-size>1MB", True),
        ("*.png", True),
        ("frame?", True),
        ("-x", True),
        ("!x", True),
        ("stdout.txt", False),
        ("a>b", False),
        ("./*.png", False),
        ("", False),
    ],
)
def test_a_word_is_plainly_a_condition_or_may_be_a_name(typed: str, plainly: bool) -> None:
    assert conditional(typed, FILE) is plainly


def test_an_entity_says_what_it_is_and_finds_its_fields() -> None:
    assert (IMAGE.one, JOB.one, FILE.names[:2]) == ("an image", "a job", ("name", "size"))
    assert CERTIFICATE.find("THUMB-print") is CERTIFICATE.find("thumbprint") is not None
    assert IMAGE.find("nothing") is None
    with pytest.raises(ValueError, match="two fields of a thing are called a"):
        Entity(
            "thing",
            "things",
            (Field("a", Kind.TEXT, lambda row: ()), Field("b", Kind.TEXT, lambda row: (), "", ("a",))),
        )


def test_a_list_that_the_service_does_not_filter_leaves_it_to_the_client() -> None:
    sent, kept = (parse(["id:frame-1"], each).odata(AT) for each in (TASK, TASK.client_side("task of a list", "id")))
    assert (sent, kept) == ("id eq 'frame-1'", "")


@pytest.mark.parametrize(
    ("entity", "typed", "counted"),
    [
        *((POOL, f"{name}>0", True) for name in ("bad", "running", "idle", "unusable", "preempted")),
        *((POOL, f"{name}>0", False) for name in ("nodes", "target")),
        *((JOB, f"{name}>0", True) for name in ("failed", "succeeded", "running", "waiting", "done")),
        (JOB, "id:a", False),
    ],
)
def test_what_has_to_be_counted_beside_the_list(entity: Entity, typed: str, counted: bool) -> None:
    assert parse([typed], entity).counted is counted
    assert parse(["id:a", typed], entity).counted is counted
