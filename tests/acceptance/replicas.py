"""Several copies of the program as processes on one PostgreSQL, and what spreads what comes from outside over them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.tools.demo import free_port
from tests.acceptance.environment import Environment
from tests.acceptance.program import Program
from tests.acceptance.versions import PreviousProgram
from tests.soak.program import InstalledProgram
from tests.storage.looking import rows

_HOP = frozenset({"connection", "host", "content-length", "transfer-encoding"})


class Balancer:
    """Passes each request on to one copy: to each in turn, or to the one that the test names."""

    def __init__(self, listen: str) -> None:
        self.ports: dict[str, int] = {}
        """By the copies' names."""
        self.only = ""
        """The one that gets all of it; empty for each in turn, past those that do not answer."""
        self.passed: list[str] = []
        """Who got each request."""
        self._host, _, self._port = listen.rpartition(":")
        self._next = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=50 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=20))
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, int(self._port)).start()

    async def close(self) -> None:
        """Listen no more."""
        if self._session:
            await self._session.close()
        if self._runner:
            await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        assert self._session
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        names = [self.only] if self.only else self._in_turn()
        for name in names:
            url = f"http://127.0.0.1:{self.ports[name]}{request.path_qs}"
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.request(
                    request.method, url, data=body, headers=headers, allow_redirects=False
                ) as answer:
                    said = await answer.read()
                    kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP}
                    self.passed.append(name)
                    return web.Response(status=answer.status, body=said, headers=kept)
        return web.Response(status=503)

    def _in_turn(self) -> list[str]:
        names = list(self.ports)
        self._next = (self._next + 1) % max(1, len(names))
        return names[self._next :] + names[: self._next]


@dataclass
class ReplicaSet(Program):
    """Copies of one installation, each with a port of its own behind the balancer. All write one log."""

    copies: dict[str, InstalledProgram] = field(default_factory=dict)
    balancer: Balancer | None = None
    folder: Path = Path()
    lease: float | None = None
    between: str = ""
    """The database as the copies know it."""
    _begun: set[int] = field(default_factory=set)
    _read: int = 0

    @classmethod
    def of(
        cls,
        stage: Environment,
        folder: Path,
        number: int,
        *,
        between: str = "",
        lease: float | None = None,
        pictures: bool = False,
    ) -> ReplicaSet:
        """So many of the stage's program, none of which runs; they are the stage's program from now on.

        ``between`` is the database as they know it, where that is by way of something in between.
        """
        bare = stage.program
        made = cls(bare.raw, bare.environment, bare.time, bare.log, folder=folder, lease=lease)
        made.between = between or bare.raw["bot"]["database"]
        made.balancer = Balancer(bare.raw["bot"]["listen"])
        for _ in range(number):
            made.add(pictures=pictures)
        stage.program = made
        return made

    def add(self, *, pictures: bool = False, tree: Path | None = None) -> str:
        """One more; its name. ``tree`` has the packages of another version, which it is then."""
        assert self.balancer
        name, port = f"copy-{len(self.copies) + 1}", free_port()
        own = {"listen": f"127.0.0.1:{port}", "database": self.between}
        raw = {**self.raw, "bot": {**self.raw["bot"], **own}}
        settings = self.folder / f"{name}.toml"
        one = raw, self.environment, self.time, self.log
        self.copies[name] = (
            PreviousProgram(*one, settings=settings, lease=self.lease, tree=tree)
            if tree
            else InstalledProgram(*one, settings=settings, pictures=pictures, lease=self.lease)
        )
        self.balancer.ports[name] = port
        return name

    def begin(self) -> None:
        """Run those that do not run."""
        for each in self.copies.values():
            if each.process is None:
                each.begin()

    async def start(self) -> None:
        """Run all, and wait until they answer."""
        if self.balancer:
            await self.balancer.start()
        self.begin()
        await self.listening()

    async def listening(self) -> None:
        """Wait until all that run answer."""
        await asyncio.gather(*(each.listening() for each in self.copies.values() if each.process))

    def holder(self) -> str:
        """The name of the copy that took the duties last, late as it may be to renew them; empty where it is gone."""
        found = rows(self.raw["bot"]["database"], "SELECT holder FROM holding")
        pid = re.match(r"process (\d+) on ", found[0][0]) if found else None
        return next((name for name, each in self.copies.items() if pid and _pid(each) == int(pid[1])), "")

    def others(self) -> list[str]:
        """The names of those that run and do not have the duties."""
        holder = self.holder()
        return [name for name, each in self.copies.items() if each.process and name != holder]

    def ready(self, after: int = 0) -> bool:
        """Whether one that runs has begun the duties, in a later lease than this one."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            said = log.read()
        self._read += said.rfind(b"\n") + 1
        begun = (line for line in said.splitlines() if b"replica.has_the_duties" in line)
        self._begun.update(int(found[1]) for line in begun if (found := re.search(rb"epoch\W+(\d+)", line)))
        epoch = self.epoch()
        return epoch > after and epoch in self._begun and bool(self.holder())

    def watcher(self, account: str) -> str:
        """The name of the replica that watches an account, as the database says; empty where none does."""
        found = rows(
            self.raw["bot"]["database"],
            "SELECT name FROM replicas JOIN watching ON watching.replica = replicas.id "
            "WHERE account = ? AND until IS NOT NULL",
            account,
        )
        pid = re.match(r"process (\d+) on ", found[0][0]) if found else None
        return next((name for name, each in self.copies.items() if pid and _pid(each) == int(pid[1])), "")

    def epoch_of(self, account: str) -> int:
        """How often an account was taken."""
        found = rows(self.raw["bot"]["database"], "SELECT epoch FROM watching WHERE account = ?", account)
        return int(found[0][0]) if found else 0

    def epoch(self) -> int:
        """How often the duties were taken."""
        [(epoch,)] = rows(self.raw["bot"]["database"], "SELECT epoch FROM holding")
        return int(epoch)

    def send(self, name: str, what: signal.Signals) -> None:
        """A signal for one."""
        os.kill(_pid(self.copies[name]), what)

    async def kill_one(self, name: str) -> None:
        """As a machine that loses its power."""
        await self.copies[name].kill()

    async def kill(self) -> None:
        """All of them at once."""
        await asyncio.gather(*(each.kill() for each in self.copies.values()))

    async def stop(self) -> int:
        """All in good order; the worst exit code."""
        codes = await asyncio.gather(*(each.stop() for each in self.copies.values()))
        if self.balancer:
            await self.balancer.close()
        return max((abs(code) for code in codes), default=0)


def _pid(copy: Program) -> int:
    return copy.process.pid or 0 if copy.process else 0
