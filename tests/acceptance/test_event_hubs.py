"""Diagnostic events of an event hub: the whole program reads them with Azure's client, over AMQP from Qpid Proton."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

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


def of(said: list[dict[str, Any]], job: str) -> list[dict[str, Any]]:
    return [each for each in said if job in str(each)]


async def heard(stage: Environment, made: EventHub) -> None:
    """Wait until all that the hub has is drawn."""
    await stage.until(lambda: _positions(stage) >= made.newest() > 0, 900, "what the hub has is heard")
    await stage.looked(2)


def _positions(stage: Environment) -> float:
    """Until when every partition was heard, by the hub's clock."""
    found = [at / 1e6 for (at,) in stage.rows("SELECT at FROM cursors WHERE stream LIKE 'events %'")]
    return max(found, default=0.0)


async def metric(stage: Environment, name: str) -> float:
    url = f"http://{stage.program.raw['bot']['listen']}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        [line] = [each for each in (await answer.text()).splitlines() if each.startswith(name)]
    return float(line.rpartition(" ")[2])


def busy(account: AccountState) -> None:
    """A job whose tasks take weeks; events come within a minute."""
    calm(account)
    account.inject.add_job("night", "pool1", 4, seconds=3e6)
    account.diagnostics.late = (20.0, 60.0)


def vanish(stage: Environment, job: str) -> str:
    """A task fails and is deleted before anybody looked."""
    stage.account.inject.storm([job], ["exit-9"], 1)
    [task] = [each for each in stage.account.job(job).tasks.values() if each.state == "completed"]
    stage.account.runner.delete(stage.account.job(job), task)
    return task.id


async def test_what_lists_and_events_tell_is_told_once_on_both_chats(tmp_path: Path) -> None:
    async with listening(tmp_path, busy) as (stage, made):
        stage.account.diagnostics.twice = 1.0
        await stage.begin()
        await stage.until(lambda: made.served, 600, "it reads")
        stage.account.inject.storm(["night"], ["exit-9"], 3)
        await stage.until(lambda: of(stage.told(), "night") and of(stage.told_teams(), "night"), 300, "both are told")
        await stage.until(lambda: made.number() >= 12, 300, "its events are sent, twice")
        await heard(stage, made)
        assert await metric(stage, 'batchbot_events_total{account="tiny",outcome="heard"}') >= 12
        assert await metric(stage, 'batchbot_events_total{account="tiny",outcome="told"}') == 0
        told = failures(stage, "night")
        assert len(told) == 3 and not any("source" in details for _, details in told)
        for said in (stage.told(), stage.told_teams()):
            assert len(of(said, "night")) == 1, "one message of it, which was edited"


async def test_a_lost_connection_and_a_kill_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path, busy) as (stage, made):
        stage.account.diagnostics.twice = 0.5
        await stage.begin()
        await stage.until(lambda: made.served, 600, "it reads")
        await stage.looked()
        made.away = True
        first = vanish(stage, "night")
        await stage.until(lambda: made.number() >= 2, 300, "its events are sent")
        while not await metric(stage, "batchbot_events_unread"):
            await stage.looked()
        assert not failures(stage, "night")
        made.away = False
        await stage.until(lambda: failures(stage, "night"), 900, "what was sent meanwhile is heard")
        assert await metric(stage, "batchbot_events_unread") == 0
        await stage.until(lambda: of(stage.told(), "night") and of(stage.told_teams(), "night"), 300, "both are told")

        await stage.program.kill()
        known, second = made.number(), vanish(stage, "night")
        await stage.wait(90)
        stage.azure.world.settle()
        assert made.number() >= known + 2
        await stage.program.start()
        await stage.until(lambda: len(failures(stage, "night")) == 2, 900, "what was sent meanwhile is heard")
        await heard(stage, made)
        assert sorted(name for name, _ in failures(stage, "night")) == sorted([first, second])


async def test_a_failure_that_no_list_showed_is_told_by_its_event(tmp_path: Path) -> None:
    async with listening(tmp_path, busy) as (stage, made):
        await stage.begin()
        await stage.until(lambda: made.served, 600, "it reads")
        await stage.looked()
        gone = vanish(stage, "night")
        await stage.until(lambda: failures(stage, "night"), 900, "its failure is noted")
        [(name, details)] = failures(stage, "night")
        assert name == gone and '"source":"event"' in details and '"exitCode":9' in details
