"""kill -9 at every step of an operation: started again it finishes, nothing is done twice, and one message says so."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import AccountState, World
from bot.sandbox.world import Clock as WorldClock
from tests.requests import killed_operations
from tests.requests.killed_operations import SPEED, messages
from tests.sandbox import still_world
from tests.sandbox.writable_sandbox import add_pool

GROUP = "batch-rg"
MOST = 120
"""Steps that no operation of these tests has."""
STRIDE = int(os.environ.get("KILL_STRIDE", "3"))
"""Every which step one is killed at; 1 for all of them, which takes minutes."""


@dataclass
class Stage:
    """A sandbox, what it was asked to change, and bots that are started on it."""

    sandbox: AzureSandbox
    account: AccountState
    folder: Path
    begun: datetime
    writes: list[tuple[str, str]] = field(default_factory=list)

    async def start(self, name: str, text: str = "", deadly: int = -1) -> int:
        """Start the bot called so, and return how it ended: 0, or the negative signal that killed it."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        facts = self.account.facts
        settings = {
            "endpoint": self.sandbox.endpoints[facts.name],
            "subscription": facts.subscription,
            "resource_group": facts.resource_group,
            "account": facts.name,
            "region": facts.location,
            "arm_endpoint": self.sandbox.arm_url,
            "credential": "managed_identity",
            "write_credential": "managed_identity",
        }
        environment = {
            "IDENTITY_ENDPOINT": self.sandbox.identity_endpoint,
            "IDENTITY_HEADER": self.sandbox.identity_header,
        }
        process = _context().Process(
            target=killed_operations.run, args=(folder, settings, environment, text, deadly, self.begun)
        )
        process.start()
        await asyncio.to_thread(process.join, 90)
        return int(process.exitcode if process.exitcode is not None else 99)

    def count(self, method: str, path: str) -> int:
        """How often such a write was accepted."""
        return sum(each == (method, path) for each in self.writes)


def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.requests.killed_operations"])
    return context


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    begun = datetime.now(UTC)
    world = World(seed=5, clock=WorldClock(begun, speed=SPEED))
    account = world.add_account(still_world.account())
    sandbox = AzureSandbox(world)
    await sandbox.start()
    made = Stage(sandbox, account, tmp_path, begun)
    for listener in (sandbox.arm, *sandbox.accounts.values()):
        _watch(listener, made.writes)
    yield made
    await sandbox.close()


def _watch(listener: Any, writes: list[tuple[str, str]]) -> None:
    """Note the writes that it accepts."""
    serve: Callable[..., Any] = listener.serve

    async def watched(request: Any, *args: Any) -> Any:
        response = await serve(request, *args)
        if request.method != "GET" and response.status < 300:
            writes.append((request.method, request.path.rpartition("batchAccounts")[2] or request.path))
        return response

    listener.serve = watched


def audit(folder: Path) -> list[str]:
    """The results of the audit trail, in order."""
    with sqlite3.connect(folder / "bot.db") as db:
        return [str(row[0]) for row in db.execute("SELECT result FROM audit ORDER BY seq")]


def confirmation(folder: Path) -> str:
    """The id of what waits for a yes."""
    with sqlite3.connect(folder / "bot.db") as db:
        [(found,)] = db.execute("SELECT id FROM confirmations WHERE used = ''").fetchall()
    return str(found)


async def killed_at_each_step(
    stage: Stage,
    text: Callable[[str], str],
    prepare: Callable[[str], None],
    after: Callable[[str, list[str]], None],
    first: int = 0,
    *,
    asks: bool = False,
) -> None:
    """Kill one bot after another, each a step later, until one is not killed. ``after`` looks at what came of each."""
    for step in range(first, MOST, STRIDE):
        name = f"n{step:03}"
        prepare(name)
        asked = text(name)
        if asks:  # and what is killed is the press of the button
            assert await stage.start(name, asked) == 0
            asked = f"confirm {confirmation(stage.folder / name)}"
        code = await stage.start(name, asked, step)
        assert code in (0, -signal.SIGKILL), f"step {step} ended with {code}"
        assert code == 0 or await stage.start(name) == 0, f"step {step}: it does not come to an end"
        shown = messages(stage.folder / name)[1 if asks else 0 :]
        assert [line["op"] for line in shown].count("post") == 1, f"step {step}: {shown}"
        assert len({line["message"] for line in shown}) == 1, f"step {step}: one message, edited to its end"
        after(name, [line["title"] for line in shown])
        if code == 0:
            assert step > 10
            return
    raise AssertionError("it has more steps than any operation")


INTERRUPTED = "I was interrupted before anything was done."


@pytest.mark.timeout(600)
async def test_an_account_is_made_once(stage: Stage) -> None:
    stage.account.facts.location = "westeurope"
    doubtful = 0

    def after(name: str, titles: list[str]) -> None:
        nonlocal doubtful
        made = stage.count("PUT", f"/{name}")
        if titles[-1] == INTERRUPTED:  # before the operation was begun: nothing has happened
            doubtful += 1
            assert made == 0
        else:
            assert titles[-1] == f"Batch account {name} is there", titles
            assert made == 1
            assert name in stage.sandbox.world.accounts
            assert audit(stage.folder / name)[-1] == "done"
            assert audit(stage.folder / name).count("done") == 1
            stage.sandbox.world.remove_account(stage.sandbox.world.accounts[name])

    await killed_at_each_step(stage, lambda name: f"account create {name}", lambda name: None, after)
    assert doubtful <= 2


@pytest.mark.timeout(600)
async def test_a_pool_is_resized_once(stage: Stage) -> None:
    def prepare(name: str) -> None:
        stage.account.pools.clear()
        add_pool(stage.account, name, 1)

    def after(name: str, titles: list[str]) -> None:
        asked = stage.count("POST", f"/pools/{name}/resize")
        if titles[-1] == INTERRUPTED:
            assert asked == 0
        else:
            assert asked == 1
            assert titles[-1].startswith(f"Pool {name} has 3 dedicated"), titles
            assert len(stage.account.pools[name].nodes) == 3
            assert audit(stage.folder / name).count("done") == 1

    await killed_at_each_step(stage, lambda name: f"pool resize {name} 3", prepare, after, 1 % STRIDE)


@pytest.mark.timeout(600)
async def test_nodes_are_removed_once(stage: Stage) -> None:
    def prepare(name: str) -> None:
        stage.account.pools.clear()
        add_pool(stage.account, name, 4)

    chosen: dict[str, str] = {}

    def text(name: str) -> str:
        chosen[name] = next(iter(stage.account.pools[name].nodes))
        return f"node remove {name} {chosen[name]}"

    def after(name: str, titles: list[str]) -> None:
        asked = stage.count("POST", f"/pools/{name}/removenodes")
        if titles[-1] == INTERRUPTED:
            assert asked == 0
        else:
            assert asked == 1, titles
            left = stage.account.pools[name].nodes
            assert len(left) == 3
            assert chosen[name] not in left

    await killed_at_each_step(stage, text, prepare, after, 2 % STRIDE, asks=True)
