"""kill -9 in the middle of adding 10,000 tasks, again and again: each is added once, and one message says so."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.settings import AccountSettings
from tests.kills import kills_of
from tests.operations import killed_adder
from tests.operations.killed_adder import Recorder

TASKS = 10_000
KILLS = kills_of("task add")
KILLED_AT = tuple(TASKS * number // KILLS for number in range(KILLS))
"""So many tasks are there when the bot is killed; a few requests more or less are on their way."""


@dataclass
class Azure:
    """The service in this process, which counts what it is asked to add."""

    sandbox: AzureSandbox
    added: Counter[str] = field(default_factory=Counter)
    killed: int = 0

    @property
    def settings(self) -> AccountSettings:
        facts = self.sandbox.world.accounts["tiny"].facts
        return AccountSettings(
            endpoint=self.sandbox.endpoints["tiny"],
            subscription=facts.subscription,
            resource_group=facts.resource_group,
            account="tiny",
            region=facts.location,
            arm_endpoint=self.sandbox.arm_url,
            credential="managed_identity",
            write_credential="managed_identity",
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "IDENTITY_ENDPOINT": self.sandbox.identity_endpoint,
            "IDENTITY_HEADER": self.sandbox.identity_header,
        }


@pytest.fixture(scope="module")
def processes() -> Any:
    """Processes that are forked from one which has imported everything, so that each starts in no time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.operations.killed_adder"])
    return context


@pytest.fixture
async def azure() -> AsyncIterator[Azure]:
    world = build("tiny", seed=7, clock=Clock(datetime(2026, 11, 23, 6, tzinfo=UTC), paused=True))
    made = Azure(AzureSandbox(world))
    runner = world.accounts["tiny"].runner
    add = runner.add

    def counted(job: Any, task_id: str, *args: Any, **more: Any) -> Any:
        task = add(job, task_id, *args, **more)
        made.added[task_id] += 1
        return task

    runner.add = counted  # type: ignore[method-assign]
    await made.sandbox.start()
    yield made
    await made.sandbox.close()


async def test_ten_thousand_tasks_survive_kills(azure: Azure, processes: Any, tmp_path: Path) -> None:
    chance = random.Random(7)
    table = "frame\n" + "".join(f"{n}\n" for n in range(TASKS))
    values = {"job": "job1", "tasks": table, "template": "render --frame {frame}"}
    for many in (*KILLED_AT, TASKS + 1):
        process = processes.Process(target=killed_adder.run, args=(tmp_path, azure.settings, azure.environment, values))
        process.start()
        while process.is_alive() and azure.added.total() < max(many, 1):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        if many <= TASKS:
            await asyncio.sleep(chance.random() * 0.1)
            process.kill()
        await asyncio.to_thread(process.join, 120)
        azure.killed += process.exitcode == -signal.SIGKILL
        values = {}
    assert process.exitcode == 0
    assert azure.killed >= len(KILLED_AT) - 1, "it is killed before it is done, at least all times but one"
    ids = {f"row-{n:05}" for n in range(1, TASKS + 1)}
    assert set(azure.added) == ids
    assert set(azure.added.values()) == {1}, "the service took each task once"
    lines = Recorder(tmp_path).lines()
    assert [line["message"] for line in lines if line["op"] == "post"] == ["m0"], "one message"
    assert {line["message"] for line in lines} == {"m0"}
    assert lines[-1]["title"] == "10,000 tasks were added to job job1"
