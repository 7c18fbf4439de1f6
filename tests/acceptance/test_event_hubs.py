"""Diagnostic events of an event hub: the whole program reads them with Azure's client, over AMQP from Qpid Proton."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.sandbox.world.account import AccountState
from tests.acceptance.environment import Environment, calm, environment
from tests.hubs import EventHub, hub
from tests.vaults import certificates

HOST = "batchbot-test.servicebus.windows.net"
_FAILED = "SELECT id, details FROM transitions WHERE entity = 'task' AND after = 'failed' AND parent = ?"


@asynccontextmanager
async def listening(
    folder: Path, prepare: Callable[[AccountState], None] = calm, **more: Any
) -> AsyncIterator[tuple[Environment, EventHub]]:
    """The program with a hub into which its account's events come."""
    authority, tls = certificates(folder, HOST)
    async with environment(folder, prepare=prepare, **more) as stage:
        made = EventHub("diagnostics", stage.azure.tokens)
        stage.account.diagnostics.sink = lambda body: made.deliver(body, stage.azure.world.time)
        async with hub(made, tls) as port:
            [account] = stage.program.raw["accounts"].values()
            account["events"] = {"namespace": HOST, "hub": made.name, "endpoint": f"sb://127.0.0.1:{port}"}
            stage.program.environment = {**stage.program.environment, "REQUESTS_CA_BUNDLE": str(authority)}
            yield stage, made


def failures(stage: Environment, job: str) -> list[tuple[Any, ...]]:
    return stage.rows(
        "SELECT id, details FROM transitions WHERE entity = 'task' AND parent = ? AND after = 'failed'", job
    )


async def test_a_failure_that_no_list_showed_is_told_by_its_event(tmp_path: Path) -> None:
    def prepare(account: AccountState) -> None:
        calm(account)
        account.inject.add_job("night", "pool1", 4, seconds=3e6)

    async with listening(tmp_path, prepare) as (stage, made):
        await stage.begin()
        await stage.until(lambda: made.served, 600, "it reads")
        await stage.looked()
        inject = stage.account.inject
        inject.storm(["night"], ["exit-9"], 1)
        job = stage.account.job("night")
        [task] = [each for each in job.tasks.values() if each.state == "completed"]
        stage.account.runner.delete(job, task)
        await stage.until(lambda: failures(stage, "night"), 900, "its failure is noted")
        [(name, details)] = failures(stage, "night")
        assert name == task.id and '"source":"event"' in details and '"exitCode":9' in details
