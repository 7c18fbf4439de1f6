"""Clones and edits against a living account: what is sent is taken, and only what was meant is changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Pool, Task
from bot.azure.paths import Paths
from bot.domain.bodies.clone import clone
from bot.domain.bodies.edit import REMOVE, Edit, patch_for, restoring, with_named
from bot.domain.bodies.fields import FIELDS, Noun
from bot.domain.bodies.limits import problems
from tests.handlers.conftest import Scene
from tests.handlers.operated import operated

JOB = "texture-bake-1123-0610"
PATHS: dict[Noun, Any] = {"pool": Paths.pool, "job": Paths.job, "schedule": Paths.schedule}
LISTS = {"pool": "/pools", "job": "/jobs", "schedule": "/jobschedules"}
KINDS: dict[Noun, Any] = {"pool": Pool, "job": Job, "schedule": JobSchedule}


async def got(source: Account, path: str, kind: Any = Pool) -> dict[str, Any]:
    """The service's own JSON."""
    answer: dict[str, Any] = msgspec.json.decode((await source.fetch(kind, path)).raw)
    return answer


async def send(source: Account, path: str, edit: Edit, etag: str) -> None:
    await source.writer.send(edit.method, path + edit.suffix, edit.body, if_match=etag if edit.guarded else "")


def writable(noun: Noun, body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in FIELDS[noun].create and name != "id"}


@pytest.mark.parametrize("noun", ["pool", "job", "schedule"])
async def test_a_clone_of_everything_there_is_is_taken_and_is_the_same(scene: Scene, noun: Noun) -> None:
    async with operated(scene):
        source = scene.accounts.get()
        every, _ = await source.every(KINDS[noun], LISTS[noun], select="id")
        assert len(every) > 1
        for number, each in enumerate(every[:12]):
            original = await got(source, PATHS[noun](each.id), KINDS[noun])
            made = clone(noun, original, f"again-{noun}-{number}")
            assert problems(noun, made.body) == []
            await source.writer.send("POST", LISTS[noun], made.body)
            back = await got(source, PATHS[noun](made.body["id"]), KINDS[noun])
            assert clone(noun, back, "x").body == clone(noun, original, "x").body


async def test_a_clone_of_a_task_is_taken(scene: Scene) -> None:
    async with operated(scene):
        source = scene.accounts.get()
        tasks, _ = await source.every(Task, Paths.tasks(JOB), select="id")
        original = await got(source, Paths.task(JOB, tasks[0].id), Task)
        await source.writer.send("POST", Paths.tasks(JOB), clone("task", original, "again").body)
        back = await got(source, Paths.task(JOB, "again"), Task)
        assert clone("task", back, "x").body == clone("task", original, "x").body
        edit = patch_for("task", back, {"constraints.maxTaskRetryCount": 7})
        await send(source, Paths.task(JOB, "again"), edit, back["eTag"])
        after = await got(source, Paths.task(JOB, "again"), Task)
        assert after["constraints"] == {**back["constraints"], "maxTaskRetryCount": 7}


@pytest.mark.parametrize(
    ("noun", "name", "changes"),
    [
        ("pool", "render-cpu", {"startTask.commandLine": "hostname"}),
        ("pool", "render-cpu", {"metadata": with_named([], {"team": "films"})}),
        ("pool", "render-cpu", {"startTask": REMOVE}),
        ("job", JOB, {"priority": 5, "constraints.maxWallClockTime": "P5D"}),
        ("schedule", "", {"schedule.recurrenceInterval": "P3D", "jobSpecification.priority": 9}),
    ],
)
async def test_an_edit_changes_what_was_meant_and_can_be_taken_back(
    scene: Scene, noun: Noun, name: str, changes: dict[str, Any]
) -> None:
    async with operated(scene):
        source = scene.accounts.get()
        name = name or (await source.every(JobSchedule, "/jobschedules", select="id"))[0][0].id
        path = PATHS[noun](name)
        before = await got(source, path, KINDS[noun])
        edit = patch_for(noun, before, changes)
        await send(source, path, edit, before["eTag"])
        after = await got(source, path, KINDS[noun])
        touched = {place.partition(".")[0] for place in changes}
        assert {
            field
            for field in FIELDS[noun].create
            if writable(noun, before).get(field) != writable(noun, after).get(field)
        } == touched
        back = restoring(noun, before, after)
        assert back is not None
        await send(source, path, back, after["eTag"])
        assert writable(noun, await got(source, path, KINDS[noun])) == writable(noun, before)
