"""Create bodies from what forms ask, and what the service would refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.bodies import create
from bot.domain.bodies.clone import clone
from bot.domain.bodies.create import Container, Image
from bot.domain.bodies.fields import Noun
from bot.domain.bodies.limits import problems
from bot.domain.bodies.shapes import FLAGS, LISTS_OF_OBJECTS, LISTS_OF_TEXT, NUMBERS, OBJECTS, TEXT
from tests.domain.bodies.documents import ADD, MODELS, against_the_document, kinds, recorded, unknown_fields

UBUNTU = Image("batch.node.ubuntu 22.04", "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "latest")
MACHINE = {
    "imageReference": {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"},
    "nodeAgentSKUId": "batch.node.ubuntu 22.04",
}
FULL_POOL = create.pool(
    "gpu-a",
    "standard_nc6s_v3",
    Image("batch.node.windows amd64", resource_id="/subscriptions/s/images/i"),
    dedicated=2,
    spot=8,
    resize_timeout=timedelta(minutes=20),
    display_name="GPU",
    slots=4,
    inter_node=True,
    fill="pack",
    start_task=create.start_task(
        "install.sh", elevated=True, retries=2, wait=False, files={"a.sh": "https://x/a.sh"}, environment={"A": "1"}
    ),
    packages={"/subscriptions/s/applications/ffmpeg": "4", "/subscriptions/s/applications/blender": ""},
    subnet="/subscriptions/s/subnets/n",
    container_images=["films.azurecr.io/render:4"],
    metadata={"team": "films"},
)
FULL_JOB = create.job(
    "nightly",
    "gpu-a",
    display_name="Nightly",
    priority=100,
    max_wall_clock=timedelta(hours=8),
    max_retries=3,
    max_parallel_tasks=50,
    preemption=True,
    dependencies=True,
    when_done="terminatejob",
    when_failed="performexitoptionsjobaction",
    manager=create.task("manager", "plan.sh"),
    preparation=create.task("prepare", "prepare.sh"),
    release={"commandLine": "clean.sh"},
    environment={"A": "1"},
    metadata={"team": "films"},
)
FULL_TASK = create.task(
    "frame-1",
    "render 1",
    display_name="Frame 1",
    elevated=True,
    slots=2,
    max_wall_clock=timedelta(hours=1),
    retention=timedelta(days=1),
    max_retries=0,
    files={"scene.blend": "https://x/scene.blend"},
    environment={"A": ""},
    packages={"ffmpeg": "4"},
    container=Container("render:4", "--gpus all"),
    depends_on=["frame-0"],
)
FULL_SCHEDULE = create.schedule(
    "hourly",
    FULL_JOB,
    display_name="Hourly",
    recurrence=timedelta(hours=1),
    not_before=datetime(2026, 12, 1, tzinfo=UTC),
    not_after=datetime(2027, 1, 1, tzinfo=UTC),
    start_window=timedelta(minutes=10),
    metadata={"team": "films"},
)
EXAMPLES: list[tuple[Noun, dict[str, Any]]] = [
    ("pool", create.pool("p", "standard_d4s_v5", UBUNTU)),
    ("pool", create.pool("p", "standard_d4s_v5", UBUNTU, formula="$TargetDedicatedNodes=1;", dedicated=4)),
    ("pool", FULL_POOL),
    ("job", create.job("j", "p")),
    ("job", FULL_JOB),
    ("task", create.task("t", "hostname")),
    ("task", FULL_TASK),
    ("schedule", create.schedule("s", create.job("j", "p"), recurrence=timedelta(days=1))),
    ("schedule", create.schedule("s", create.job("j", "p"))),
    ("schedule", FULL_SCHEDULE),
]


@pytest.mark.parametrize(("noun", "body"), EXAMPLES)
def test_what_is_made_is_a_create_parameter(noun: Noun, body: dict[str, Any]) -> None:
    assert not against_the_document(ADD[noun], body)
    assert not list(unknown_fields(MODELS[noun][1], body))
    assert problems(noun, body) == []


def test_defaults_of_the_service_are_left_out() -> None:
    assert create.pool("p", "standard_d4s_v5", UBUNTU, resize_timeout=timedelta(minutes=15)) == {
        "id": "p",
        "vmSize": "standard_d4s_v5",
        "virtualMachineConfiguration": MACHINE,
    }
    assert create.job("j", "p") == {"id": "j", "poolInfo": {"poolId": "p"}}
    assert create.task("t", "x", retention=timedelta(days=7)) == {"id": "t", "commandLine": "x"}
    assert create.schedule("s", {"id": "j", "poolInfo": {"poolId": "p"}}) == {
        "id": "s",
        "schedule": {},
        "jobSpecification": {"poolInfo": {"poolId": "p"}},
    }


def test_a_pool_that_scales_itself_has_no_counts() -> None:
    made = create.pool("p", "a", UBUNTU, formula="x", dedicated=4, spot=1, interval=timedelta(minutes=5))
    assert made["enableAutoScale"] is True
    assert made["autoScaleEvaluationInterval"] == "PT300S"
    assert not any(name.startswith("target") for name in made)


def test_what_is_asked_for_arrives() -> None:
    assert FULL_TASK == {
        "id": "frame-1",
        "displayName": "Frame 1",
        "commandLine": "render 1",
        "userIdentity": {"autoUser": {"scope": "task", "elevationLevel": "admin"}},
        "requiredSlots": 2,
        "constraints": {"maxWallClockTime": "PT3600S", "retentionTime": "P1D", "maxTaskRetryCount": 0},
        "resourceFiles": [{"filePath": "scene.blend", "httpUrl": "https://x/scene.blend"}],
        "environmentSettings": [{"name": "A", "value": ""}],
        "applicationPackageReferences": [{"applicationId": "ffmpeg", "version": "4"}],
        "containerSettings": {"imageName": "render:4", "containerRunOptions": "--gpus all"},
        "dependsOn": {"taskIds": ["frame-0"]},
    }
    assert FULL_SCHEDULE["schedule"] == {
        "doNotRunUntil": "2026-12-01T00:00:00Z",
        "doNotRunAfter": "2027-01-01T00:00:00Z",
        "startWindow": "PT600S",
        "recurrenceInterval": "PT3600S",
    }
    assert create.job_of(FULL_SCHEDULE, "once") == FULL_JOB | {"id": "once"}


@pytest.mark.parametrize(
    ("noun", "change", "place", "words"),
    [
        ("pool", {"id": "a b"}, "id", "1 to 64 letters"),
        ("pool", {"id": "a" * 65}, "id", "1 to 64 letters"),
        ("pool", {"state": "active"}, "state", "only the service writes it"),
        ("pool", {"vmsize": "x"}, "vmsize", "a pool has no such field"),
        ("pool", {"displayName": "x" * 1025}, "displayName", "1,025 are more than 1,024 characters"),
        ("pool", {"vmSize": ""}, "vmSize", "needs a VM size"),
        ("pool", {"virtualMachineConfiguration": None}, "virtualMachineConfiguration", "needs an image"),
        ("pool", {"enableAutoScale": True}, "autoScaleFormula", "needs a formula"),
        ("pool", {"autoScaleFormula": "x"}, "enableAutoScale", "to be enabled"),
        ("pool", {"enableAutoScale": True, "autoScaleFormula": "x"}, "targetDedicatedNodes", "takes no counts"),
        ("pool", {"targetLowPriorityNodes": -1}, "targetLowPriorityNodes", "at least 0"),
        ("pool", {"targetLowPriorityNodes": "many"}, "targetLowPriorityNodes", "“many” is not a whole number"),
        ("pool", {"resizeTimeout": "PT4M59S"}, "resizeTimeout", "at least PT300S"),
        ("pool", {"resizeTimeout": "soon"}, "resizeTimeout", "write it like PT15M"),
        ("pool", {"taskSlotsPerNode": 257}, "taskSlotsPerNode", "257 is not 1 to 256"),
        ("pool", {"applicationPackageReferences": [{}] * 11}, "applicationPackageReferences", "11 are more than 10"),
        ("pool", {"userAccounts": [{}] * 6}, "userAccounts", "6 are more than 5"),
        ("pool", {"startTask": {}}, "startTask.commandLine", "needs a command"),
        ("job", {"poolInfo": {}}, "poolInfo", "a job needs a pool"),
        ("job", {"poolInfo": {"poolId": "a", "autoPoolSpecification": {"x": 1}}}, "poolInfo", "not both"),
        ("job", {"priority": 1001}, "priority", "1,001 is not -1,000 to 1,000"),
        ("job", {"maxParallelTasks": 0}, "maxParallelTasks", "at least 1"),
        ("job", {"jobPreparationTask": None}, "jobReleaseTask", "needs a preparation task"),
        ("job", {"constraints": {"maxTaskRetryCount": 101}}, "constraints.maxTaskRetryCount", "-1 to 100"),
        ("task", {"commandLine": ""}, "commandLine", "a task needs a command"),
        ("task", {"dependsOn": {"taskIds": ["x" * 64] * 1001}}, "dependsOn.taskIds", "64,000"),
        ("schedule", {"schedule": {"recurrenceInterval": "PT30S"}}, "schedule.recurrenceInterval", "at least PT60S"),
        ("schedule", {"jobSpecification": {"poolInfo": {}}}, "jobSpecification.poolInfo", "a job needs a pool"),
    ],
)
def test_what_the_service_would_refuse_is_said_with_its_place(
    noun: Noun, change: dict[str, Any], place: str, words: str
) -> None:
    good = {"pool": FULL_POOL, "job": FULL_JOB, "task": FULL_TASK, "schedule": FULL_SCHEDULE}[noun]
    found = {problem.place: problem.words for problem in problems(noun, {**good, **change})}
    assert words in found[place]
    assert str(problems(noun, {**good, **change})[0]).count(": ") >= 1


def test_a_pool_made_for_a_job_is_judged_as_a_pool() -> None:
    job = {"id": "j", "poolInfo": {"autoPoolSpecification": {"pool": {"vmSize": "x"}}}}
    assert str(problems("job", job)[0]) == (
        "poolInfo.autoPoolSpecification.pool.virtualMachineConfiguration: a pool needs an image"
    )


@pytest.mark.parametrize("noun", ["task", "job"])
def test_what_the_service_has_taken_is_never_called_a_problem(noun: Noun) -> None:
    for answered in recorded(noun):
        made = clone(noun, answered, "again")
        if not made.left_out:
            assert problems(noun, made.body) == []


def test_every_field_that_holds_others_is_in_the_table_of_its_kind() -> None:
    assert all(len(each) == 1 for each in kinds().values())
    free = {"settings", "protectedSettings"}
    for kind, table in (
        ("object", OBJECTS),
        ("objects", LISTS_OF_OBJECTS),
        ("texts", LISTS_OF_TEXT),
        ("number", NUMBERS),
        ("flag", FLAGS),
    ):
        assert {name for name, each in kinds().items() if each == {kind}} - free == table - {"applicationPackages"}
    assert TEXT - {"formula", "name"} <= {name for name, each in kinds().items() if each == {"value"}}
