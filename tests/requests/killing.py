"""Bots in processes of their own that are killed with -9 at chosen steps, on a sandbox that lives on and takes note."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import signal
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bot.sandbox.server import AzureSandbox
from bot.sandbox.world.account import AccountState
from tests.requests import killed_operations
from tests.requests.killed_operations import messages

INTERRUPTED = "I was interrupted before anything was done."
_AT_ONCE = 3
"""Bots that live at a time: each waits for Azure more than it works."""


class Write(NamedTuple):
    """One that the sandbox was sent: its method, its path below the account, the id in its body, and the answer."""

    method: str
    path: str
    id: str
    status: int


class Ended(NamedTuple):
    """What came of a bot: its name, and the titles that its message had, one after the other."""

    name: str
    titles: list[str]

    @property
    def begun(self) -> bool:
        """Whether it came so far that the operation was begun."""
        return self.titles[-1] != INTERRUPTED


@dataclass
class Stage:
    """A sandbox, what it was asked to change, and bots that are started on it."""

    sandbox: AzureSandbox
    account: AccountState
    folder: Path
    begun: killed_operations.Begun
    writes: list[Write] = field(default_factory=list)
    killed: int = 0

    def __post_init__(self) -> None:
        for listener in (self.sandbox.arm, *self.sandbox.accounts.values()):
            _watch(listener, self.writes)

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
        # In this thread alone: where two ask at once how a process ended, one of them is told nothing.
        async with asyncio.timeout(90):
            while process.is_alive():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        ended = int(process.exitcode)
        self.killed += ended == -signal.SIGKILL
        return ended

    def sent(self, method: str, path: str, id_: str = "") -> int:
        """How many such writes came."""
        return sum((each.method, each.path) == (method, path) and id_ in ("", each.id) for each in self.writes)


def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.requests.killed_operations"])
    return context


def _watch(listener: Any, writes: list[Write]) -> None:
    """Note the writes that it is sent."""
    serve: Callable[..., Any] = listener.serve

    async def watched(request: Any, *args: Any) -> Any:
        response = await serve(request, *args)
        if request.method != "GET":
            body = await request.read() if "json" in request.content_type else b""
            path = request.path.rpartition("batchAccounts")[2] or request.path
            writes.append(Write(request.method, path, _id_in(body), response.status))
        return response

    listener.serve = watched


def _id_in(body: bytes) -> str:
    told = json.loads(body) if body else None
    return str(told.get("id", "")) if isinstance(told, dict) else ""


def audit(folder: Path) -> list[str]:
    """The results of the audit trail, in order."""
    with sqlite3.connect(folder / "bot.db") as db:
        return [str(row[0]) for row in db.execute("SELECT result FROM audit ORDER BY seq")]


def _yes(folder: Path) -> str:
    """The command that confirms what waits for it."""
    with sqlite3.connect(folder / "bot.db") as db:
        [(found, name)] = db.execute("SELECT id, name FROM confirmations WHERE used = ''").fetchall()
    return f"confirm {found} {name}".strip()


def deaths(kills: int, steps: int, chance: random.Random) -> list[tuple[int, ...]]:
    """Where bots die, ``kills`` times in all: first once at each of so many steps, or at as many as there are kills.

    What is more than steps are bots that die twice, the second time while they go on with what they had begun.
    """
    once: list[tuple[int, ...]] = [(number * steps // min(kills, steps),) for number in range(min(kills, steps))]
    twice = ((chance.randrange(steps), chance.randrange(steps)) for _ in range((kills - len(once)) // 2))
    return [*once, *twice]


async def killed_at(
    stage: Stage,
    kills: int,
    text: Callable[[str], str],
    prepare: Callable[[str], None],
    *,
    asks: bool = False,
) -> list[Ended]:
    """Kill bots that were asked the same, each with a target of its own, all over the steps that one has that lives.

    What each is told to do comes to an end, in one message; what that was is returned, first of the one that lived.
    With ``asks`` it asks back, and what is killed is the press of its button.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def lived(name: str, dies: Sequence[int]) -> Ended:
        async with gate:
            prepare(name)
            asked = text(name)
            if asks:
                assert await stage.start(name, asked) == 0
                asked = _yes(stage.folder / name)
            for step in dies:
                code = await stage.start(name, asked, step)
                assert code in (0, -signal.SIGKILL), f"{name} ended with {code}"
                asked = ""
            code = await stage.start(name, asked)
            assert code == 0, f"{name} ended with {code}: {killed_operations.trouble_of(stage.folder / name)}"
        shown = messages(stage.folder / name)
        assert [line["op"] for line in shown].count("post") == 1, f"{name}: {shown}"
        assert len({line["message"] for line in shown}) == 1, f"{name}: one message, edited to its end"
        return Ended(name, [line["title"] for line in shown])

    whole = await lived("whole", ())
    assert whole.begun, whole
    steps = killed_operations.steps_of(stage.folder / "whole")
    plan = deaths(kills, steps, random.Random(kills))
    names = ["n" + "-".join(f"{step:03}" for step in dies) + f"-{number}" for number, dies in enumerate(plan)]
    ended = await asyncio.gather(*map(lived, names, plan))
    # How often Azure was asked differs a little: one may be over before its step comes, and in a second life most are.
    assert stage.killed >= kills * 0.6
    return [whole, *ended]
