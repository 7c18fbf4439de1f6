"""compose.yaml does what it says: its processes, started without containers in its order, against real HTTP.

What is mapped, and so is not tried, stands in :mod:`tests.deploy.composed`; what the kernel keeps a container from
(``read_only``, ``cap_drop``, limits) is not tried either.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import psycopg
import pytest

from bot.tools.demo import free_port
from tests.acceptance.environment import CHANNEL, environment
from tests.deploy.composed import BotService, DatabaseService, Running, compose, in_order
from tests.postgresql import programs
from tests.skips import lacking
from tests.soak.program import toml

pytestmark = pytest.mark.slow
PASSWORD = "correct/horse+battery=9%40"
ANSWERED = 60.0
"""Seconds in which a command is answered on a busy machine."""


@pytest.fixture
def of_the_server() -> Iterator[Path]:
    """A folder that another user reaches, in memory where that can be."""
    there = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="batchbot-pg-", dir=there if there.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


async def test_what_the_file_says_runs(tmp_path: Path, of_the_server: Path) -> None:
    server = programs()
    if server is None:
        lacking("postgresql", "no PostgreSQL server is installed")
    services = compose()
    assert in_order(services) == ["database", "batchbot"]
    assert services["batchbot"]["depends_on"] == {"database": {"condition": "service_healthy"}}

    async with AsyncExitStack() as stack:
        around = await stack.enter_async_context(environment(tmp_path, speed=1.0, teams=False))
        port = int(around.program.raw["bot"]["listen"].rpartition(":")[2])  # which Slack calls
        database = DatabaseService(
            services["database"], {"DATABASE_PASSWORD": PASSWORD}, free_port(), of_the_server, server
        )
        bot = BotService(services["batchbot"], port, database.port, tmp_path / "compose")
        bot.folder.mkdir()
        secrets = {"DATABASE_PASSWORD": PASSWORD, **around.program.environment}
        bot.install(secrets, around.program.raw, toml)

        user = await asyncio.to_thread(database.prepare)
        first = await database.start(user, first=True)
        stack.push_async_callback(_ended, first)
        await _listens_on_its_socket(database, first)
        assert not await first.healthy(), "nobody is let to a server that will end at once"
        await database.create()
        assert await first.stop() == 0

        lasting = await database.start(user)
        stack.push_async_callback(_ended, lasting)
        await lasting.until_healthy()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await psycopg.AsyncConnection.connect(f"{database.network} password=another")

        replicas = [await bot.start() for _ in range(bot.replicas)]
        for each in replicas:
            stack.push_async_callback(_ended, each)
            await each.until_healthy()
        assert len(replicas) == 1, "one address is published, which two would not share"
        assert await _duties(port) == 1, replicas[0].said()

        said = len(around.slack.history_of(CHANNEL))
        assert (await around.slack.command("viewer", CHANNEL, "pool list")).ok
        async with asyncio.timeout(ANSWERED):
            while len(around.slack.history_of(CHANNEL)) == said:  # noqa: ASYNC110 - the program is another process
                await asyncio.sleep(0.1)
        assert "Pools in tiny · 1 · 3 nodes" in around.slack.history_of(CHANNEL)[-1]["text"]

        assert [await each.stop() for each in replicas] == [0], replicas[0].said()
        assert not await replicas[0].healthy(), "the check sees that it is gone"
        assert PASSWORD not in replicas[0].log.read_text(encoding="utf-8")
        assert not list((bot.folder / "root/data").iterdir()), "nothing is written but to /tmp"
        assert await lasting.stop() == 0, lasting.said()


async def _ended(running: Running) -> None:
    """Whatever failed before."""
    if running.process.returncode is None:
        await running.stop()


async def _listens_on_its_socket(database: DatabaseService, running: Running) -> None:
    async with asyncio.timeout(ANSWERED):
        while not await database.takes():
            assert running.process.returncode is None, running.said()
            await asyncio.sleep(0.05)


async def _duties(port: int) -> float:
    """How many say that they have the duties."""
    async with asyncio.timeout(ANSWERED), aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                found = re.search(r"^batchbot_duties (\S+)$", await answer.text(), re.MULTILINE)
            if found and float(found[1]):
                return float(found[1])
            await asyncio.sleep(0.2)
