"""The program as its settings build it."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from pathlib import Path

from aiohttp import ClientSession

from bot.app import App
from bot.settings_file import check
from bot.tools.demo import free_port
from storage.port.changes import ChangeSet
from tests.storage.contract import NOON
from tests.storage.monitoring_contract import incident, transition

ACCOUNT = {"endpoint": "https://render.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}


async def test_what_is_kept_is_set(tmp_path: Path) -> None:
    raw = {
        "bot": {"database": str(tmp_path / "bot.db")},
        "accounts": {"render": ACCOUNT},
        "keep": {"transitions_days": 2, "incidents_days": 3, "counts_days": 4},
    }
    app = await App.open(check(raw, {}), {})
    ages = [NOON - timedelta(days=days) for days in range(9)]
    await app.store.record(
        ChangeSet(
            transitions=[transition("j", at) for at in ages],
            incidents=[incident(f"{at:%d}", at, open=False) for at in ages],
        )
    )
    await app.store.prune(NOON)
    assert len(await app.store.transitions("render")) == 3
    assert len(await app.store.incidents()) == 4
    assert len(await app.store.transition_counts("render", ages[-1], NOON + timedelta(days=1))) == 5
    await app.stop()


async def test_what_operators_read_has_an_address_of_its_own_where_that_is_set(tmp_path: Path) -> None:
    world, inside = free_port(), free_port()
    raw = {
        "bot": {
            "database": str(tmp_path / "bot.db"),
            "listen": f"127.0.0.1:{world}",
            "health_listen": f"127.0.0.1:{inside}",
        },
        "accounts": {"render": ACCOUNT},
    }
    app = await App.open(check(raw, {}), {})
    for server in app.servers:
        await server.start()
    async with ClientSession() as session:
        found = {}
        for port, path in product((world, inside), ("/health", "/metrics", f"/pictures/{'0' * 40}.png")):
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                found[port, path.split("/")[1]] = answer.status, "troubles" in await answer.text()
    for server in app.servers:
        await server.close()
    await app.stop()
    assert found == {
        (world, "health"): (200, False),
        (world, "metrics"): (404, False),
        (world, "pictures"): (403, False),
        (inside, "health"): (200, True),
        (inside, "metrics"): (200, False),
        (inside, "pictures"): (404, False),
    }
