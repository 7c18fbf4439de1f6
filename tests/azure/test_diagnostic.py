"""Diagnostic events, decoded: each kind with the fields that its page of "Batch Analytics" names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.models.diagnostic import Diagnostic, PoolEvent, TaskEvent, decode

ACCOUNT = "/subscriptions/1111/resourceGroups/render/providers/Microsoft.Batch/batchAccounts/Farm"
NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
AT, BEGAN, ENDED = "2026-03-01T12:00:01.1234560Z", "2026-03-01T11:58:00.5Z", "2026-03-01T12:00:00.25Z"

TASK = {
    "jobId": "Night",
    "id": "frame-7",
    "taskType": "User",
    "systemTaskVersion": 220192842,
    "requiredSlots": 1,
    "nodeInfo": {"poolId": "gpu", "nodeId": "tvm-1_1-20260301t110000z"},
    "multiInstanceSettings": {"numberOfInstances": 1},
    "constraints": {"maxTaskRetryCount": 2},
}
RUN = {"startTime": BEGAN, "endTime": ENDED, "exitCode": 9, "retryCount": 2, "requeueCount": 1}
ERROR = {"category": "UserError", "code": "FailureExitCode", "message": "It exited with a code.", "details": []}
SIZES = {
    "id": "gpu",
    "nodeDeallocationOption": "Invalid",
    "currentDedicatedNodes": 3,
    "targetDedicatedNodes": 5,
    "currentLowPriorityNodes": 1,
    "targetLowPriorityNodes": 2,
    "enableAutoScale": False,
    "isAutoPool": False,
}
RECORDS: dict[str, dict[str, Any]] = {
    "TaskStartEvent": {**TASK, "executionInfo": {"retryCount": 1}},
    "TaskCompleteEvent": {**TASK, "executionInfo": {**RUN, "result": "Failure", "schedulingError": ERROR}},
    "TaskFailEvent": {**TASK, "executionInfo": RUN},
    "TaskScheduleFailEvent": {**TASK, "nodeInfo": {"poolId": "gpu", "nodeId": " "}, "schedulingError": ERROR},
    "PoolCreateEvent": {"id": "gpu", "vmSize": "Standard_F1s", "targetDedicatedNodes": 5, "isAutoPool": False},
    "PoolDeleteStartEvent": {"id": "gpu"},
    "PoolDeleteCompleteEvent": {"id": "gpu", "startTime": BEGAN, "endTime": ENDED},
    "PoolResizeStartEvent": SIZES,
    "PoolResizeCompleteEvent": {
        **SIZES,
        "startTime": BEGAN,
        "endTime": ENDED,
        "resultCode": "AllocationTimedOut",
        "resultMessage": "Not in time.",
    },
    "PoolAutoScaleEvent": {
        "id": "gpu",
        "timestamp": ENDED,
        "formula": "$TargetDedicated=;",
        "results": "$TargetDedicatedNodes=0",
        "error": {"code": "AutoScalingFormulaEvaluationError", "message": "It ends too early.", "values": []},
    },
}


def record(operation: str, properties: object, **more: object) -> dict[str, object]:
    said = {"time": AT, "resourceId": ACCOUNT.upper(), "category": "ServiceLog", "operationName": operation}
    return {**said, "operationVersion": "2017-09-01", "properties": properties, **more}


def one(operation: str, properties: object, **more: object) -> Diagnostic:
    found = decode(json.dumps({"records": [record(operation, properties, **more)]}).encode(), ACCOUNT, NOW)
    assert not found.malformed
    [event] = found.events
    return event


def task(operation: str) -> TaskEvent:
    event = one(operation, RECORDS[operation])
    assert isinstance(event.of, TaskEvent)
    return event.of


def pool(operation: str) -> PoolEvent:
    event = one(operation, RECORDS[operation])
    assert isinstance(event.of, PoolEvent)
    return event.of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")


@pytest.mark.parametrize("operation", RECORDS)
def test_every_documented_kind_is_read_also_where_it_is_written_as_text(operation: str) -> None:
    event = one(operation, RECORDS[operation])
    assert (event.kind, event.at) == (operation.lower(), at(AT))
    assert one(operation, json.dumps(RECORDS[operation])) == event


def test_tasks_say_what_their_pages_name() -> None:
    begun, over, failed = task("TaskStartEvent"), task("TaskCompleteEvent"), task("TaskFailEvent")
    for each in (begun, over, failed):
        assert (each.job_id, each.id, each.constraints.max_task_retry_count) == ("Night", "frame-7", 2)
        assert (each.node_info.pool_id, each.node_info.node_id) == ("gpu", "tvm-1_1-20260301t110000z")
    assert begun.execution_info.retry_count == 1
    for each in (over, failed):
        run = each.execution_info
        assert (run.start_time, run.end_time, run.exit_code) == (at(BEGAN), at(ENDED), 9)
        assert (run.retry_count, run.requeue_count) == (2, 1)
    assert (over.execution_info.result, failed.execution_info.result) == ("Failure", "")
    assert over.execution_info.scheduling_error.code == "FailureExitCode"
    assert task("TaskScheduleFailEvent").scheduling_error.message == "It exited with a code."


def test_pools_say_what_their_pages_name() -> None:
    assert pool("PoolCreateEvent").vm_size == "Standard_F1s"
    gone = pool("PoolDeleteCompleteEvent")
    assert (gone.name, gone.start_time, gone.end_time) == ("gpu", at(BEGAN), at(ENDED))
    sized = pool("PoolResizeCompleteEvent")
    assert (sized.current_dedicated_nodes, sized.target_low_priority_nodes) == (3, 2)
    assert (sized.end_time, sized.result_code) == (at(ENDED), "AllocationTimedOut")
    scaled = pool("PoolAutoScaleEvent")
    assert (scaled.timestamp, scaled.error.code) == (at(ENDED), "AutoScalingFormulaEvaluationError")
    older = one("PoolDeleteStartEvent", {"poolId": "gpu"}).of
    assert isinstance(older, PoolEvent) and older.name == "gpu"


def test_what_is_of_others_is_no_event_and_no_fault() -> None:
    others = [
        record("TaskFailEvent", RECORDS["TaskFailEvent"], resourceId=ACCOUNT + "2"),
        record("TaskFailEvent", RECORDS["TaskFailEvent"], category="AuditLog"),
        record("SomethingNewEvent", {"id": 1}),
        {"time": "yesterday", "count": 3, "metricName": "CoreCount"},
    ]
    found = decode(json.dumps({"records": others}).encode(), ACCOUNT, NOW)
    assert (found.events, found.others, found.malformed) == ((), 4, 0)


def test_a_record_without_a_time_is_of_when_the_hub_took_it_and_null_is_as_good_as_missing() -> None:
    said = {**RECORDS["TaskCompleteEvent"], "nodeInfo": None, "executionInfo": {**RUN, "exitCode": None}}
    event = one("TaskCompleteEvent", said, time=None)
    assert event.at == NOW
    assert isinstance(event.of, TaskEvent) and event.of.execution_info.exit_code is None


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"[]", b'{"records": 3}', b"[" * 100_000, json.dumps({"records": [1]}).encode()]
    + [
        json.dumps({"records": [record(kind, said)]}).encode()
        for kind, said in [
            ("TaskFailEvent", {}),
            ("TaskFailEvent", "{"),
            ("TaskFailEvent", 3),
            ("PoolCreateEvent", {"vmSize": "x"}),
            ("TaskFailEvent", {**TASK, "executionInfo": {"endTime": "2026-03-01T12:00:00"}}),
            ("TaskFailEvent", {**TASK, "executionInfo": {"exitCode": "nine"}}),
        ]
    ],
)
def test_what_is_malformed_is_counted_and_hides_nothing_else(body: bytes) -> None:
    assert decode(body, ACCOUNT, NOW).malformed == 1
    if body.startswith(b'{"records": ['):
        good = json.dumps(record("TaskFailEvent", RECORDS["TaskFailEvent"])).encode()
        both = body.removesuffix(b"]}") + b", " + good + b"]}"
        assert (len(decode(both, ACCOUNT, NOW).events), decode(both, ACCOUNT, NOW).malformed) == (1, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TASK, *RUN, *SIZES]), inner),
    max_leaves=8,
)


@given(st.sampled_from(list(RECORDS)), JSON, st.dictionaries(st.sampled_from(["time", "resourceId", "category"]), JSON))
def test_nothing_stops_it(operation: str, properties: object, more: dict[str, object]) -> None:
    found = decode(json.dumps({"records": [record(operation, properties, **more)]}).encode(), ACCOUNT, NOW)
    assert len(found.events) + found.others + found.malformed == 1
