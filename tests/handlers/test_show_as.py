"""Show as: what would make another one like an entity, as a file, without secrets."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.azure.models import JobSchedule, Pool, Task
from bot.domain.bodies.arm import to_arm
from bot.domain.bodies.clone import clone
from bot.domain.bodies.pasted import pasted
from cards.card import Attachment, Button, Card, Code, plain
from handlers.shared.shown_as import resource_id, shown_as
from tests.domain.bodies.bicep_reader import read
from tests.golden import check
from tests.handlers.conftest import START, Scene
from tests.handlers.test_cards import _items, still

COMMANDS = {
    "show-as-pool": "show-as pool render-gpu",
    "show-as-pool-arm": "show-as pool render-gpu format:arm",
    "show-as-pool-az": "show-as pool render-gpu format:az",
    "show-as-pool-json": "show-as pool render-gpu format:json",
    "show-as-job-bicep": "show-as job texture-bake-1123-0610 format:bicep",
}
SECRET = "hunter2hunter2"
POOL: dict[str, Any] = {
    "id": "gpu-a",
    "vmSize": "standard_nc6s_v3",
    "enableAutoScale": True,
    "autoScaleFormula": "cap = 4;\n$TargetDedicatedNodes = min(cap, $PendingTasks.GetSample(1));",
    "targetDedicatedNodes": 3,
    "identity": {
        "type": "UserAssigned",
        "userAssignedIdentities": [{"resourceId": "/subscriptions/s/i", "clientId": "c"}],
    },
    "userAccounts": [{"name": "ann", "linuxUserConfiguration": {"uid": 1001}}],
    "startTask": {
        "commandLine": f"/bin/bash -c 'curl -u ci:{SECRET} https://films.example/setup.sh'",
        "environmentSettings": [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "MODE", "value": "final"}],
        "resourceFiles": [{"filePath": "a", "httpUrl": f"https://films.blob.core.windows.net/a?sig={SECRET}{SECRET}"}],
    },
    "certificateReferences": [{"thumbprint": "0A", "thumbprintAlgorithm": "sha1"}],
}


def file_of(card: Card) -> Attachment:
    return next(block for block in card.blocks if isinstance(block, Attachment))


@pytest.mark.parametrize("name", COMMANDS)
async def test_the_card_of_each_format(scene: Scene, name: str) -> None:
    card = await scene.ask(COMMANDS[name])
    assert card.refused is (name == "show-as-job-bicep")
    check(name, still(card, scene))


async def test_every_format_of_every_noun_makes_the_same_body(scene: Scene) -> None:
    """By the buttons of the first card, read back as what is pasted."""
    for line in ("pool render-gpu", "pool render-cpu"):
        first = await scene.ask(f"show-as {line}")
        pool = read(file_of(first).content.decode())["resources"]["pool"]["body"]
        bodies = [pasted(json.dumps({"name": pool["name"], "properties": pool["properties"]}))]
        others = [item.command for item in _items(first) if isinstance(item, Button) and "show-as" in item.command]
        bodies += [pasted(file_of(await scene.ask(other)).content.decode()) for other in others]
        assert len(bodies) == 4
        resources = [to_arm(body.clone.body, resource_id(scene.accounts.get())) for body in bodies]
        assert resources == [resources[0]] * 4


async def test_jobs_tasks_and_schedules_are_files_that_are_read_back(scene: Scene) -> None:
    account, job = scene.accounts.get(), "texture-bake-1123-0610"
    tasks, _ = await account.every(Task, account.tasks(job), select="id")
    schedules, _ = await account.every(JobSchedule, "/jobschedules", select="id")
    for noun, names, line in (
        ("job", job, f"az batch job create --json-file job-{job}.json"),
        ("task", f"{job} {tasks[0].id}", f"az batch task create --job-id {job} --json-file task-{tasks[0].id}.json"),
        ("schedule", schedules[0].id, f"job-schedule create --json-file schedule-{schedules[0].id}.json"),
    ):
        card = await scene.ask(f"show-as {noun} {names} format:az")
        assert pasted(file_of(card).content.decode()).noun == noun
        assert line in next(block.text for block in card.blocks if isinstance(block, Code))


async def test_an_unknown_pool_is_answered_with_the_nearest(scene: Scene) -> None:
    card = await scene.ask("show-as pool rendr-gpu")
    assert card.refused
    assert any(isinstance(item, Button) and item.command.startswith("show-as pool render-gpu") for item in _items(card))


@pytest.mark.parametrize("how", ["json", "az", "bicep", "arm"])
async def test_no_secret_is_in_a_file_and_each_is_named(scene: Scene, how: Any) -> None:
    source = next(iter(scene.accounts))
    card = shown_as("pool", clone("pool", POOL, identity=True), how, source, at=START)
    assert SECRET not in msgspec.json.encode(card).decode()
    check(f"show-as-secrets-{how}", replace(still(card, scene), as_of=START))
    content = file_of(card).content.decode()
    assert SECRET not in content
    assert "final" in content
    if how == "bicep":
        pool = read(content)["resources"]["pool"]["body"]
        assert pool["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/s/i": {}}}
        assert pool["properties"]["scaleSettings"]["autoScale"]["formula"] == POOL["autoScaleFormula"]
        assert pool["properties"]["userAccounts"][0]["password"] == "<userAccounts0Password>"
    else:
        again = pasted(content)
        assert set(again.hidden) == {
            "startTask.commandLine",
            "startTask.environmentSettings[0].value",
            "startTask.resourceFiles[0].httpUrl",
            "userAccounts[0].password",
        }
        assert "enableAutoScale" in again.clone.body


async def test_what_is_shown_of_a_pool_is_what_the_service_answered(scene: Scene) -> None:
    source = next(iter(scene.accounts))
    fetched = await source.fetch(Pool, source.pool("render-gpu"))
    card = await scene.ask("show-as pool render-gpu format:json")
    assert json.loads(file_of(card).content) == clone("pool", json.loads(fetched.raw)).body
    assert "as JSON" in plain(card.title)
