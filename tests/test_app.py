"""The program as its settings build it."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.app import App
from bot.chat.request import CommandRequest, Conversation, Person
from bot.settings_file import check
from bot.tools.demo import free_port
from cards import text
from cards.card import Card
from storage.port.changes import ChangeSet
from storage.port.errors import CannotStore
from storage.sql.soundness import DAYS, ENCODED, MOMENTS
from tests.storage.contract import NOON
from tests.storage.monitoring_contract import incident, transition
from tests.storage.test_soundness import insert, row_of
from tests.thorough import some

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


STATES = ("going on", "no such state", "")
"""What the columns of that name hold: what is picked up at a start, and what there is not."""


@pytest.mark.parametrize(
    ("shape", "state"),
    some(
        [(shape, STATES[0]) for shape in (b"{}", b"[]", b"null", b'"\xff"', b'{"id": 7}')]
        + [(b'{"state": "no such state", "kind": 7}', state) for state in STATES],
        3,
    ),
)
async def test_no_row_of_any_table_keeps_the_program_from_starting(tmp_path: Path, shape: bytes, state: str) -> None:
    """Encoded values of another shape, states that there are not, and in each table a row that cannot be read at all.

    Every other text in these rows is nonsense too.
    """
    path = tmp_path / "bot.db"
    raw = {
        "bot": {"database": str(path), "listen": f"127.0.0.1:{free_port()}", "prices_url": ""},
        "accounts": {"render": {**ACCOUNT, "endpoint": "https://127.0.0.1:9"}},
    }
    await (await App.open(check(raw, {}), {})).stop()
    fill(path, shape, state)
    app = await App.open(check(raw, {}), {}, hold=True)
    await app.start()
    troubles = app.monitor_status.troubles()
    card = await app.dispatcher.card(
        CommandRequest("k", "status", Person("text", "me"), Conversation("text", "here"), NOON)
    )
    await app.stop()
    aside = [each for each in troubles if "put aside" in each]
    assert len(aside) == len(MOMENTS.keys() | ENCODED.keys() | DAYS.keys())
    assert any("unreadable row" in each for each in aside)
    shown = text.render(card).payload["text"]
    assert "journal was put aside" in str(shown)


_GOING_ON = {"journal": "received", "outbox": "claimed", "approvals": "approved", "operation_steps": "sent"}


def fill(path: Path, shape: bytes, state: str) -> None:
    """Into every table a row whose encoded columns are of a shape, and one that nobody can read."""
    with sqlite3.connect(path) as db:
        for number, table in enumerate(sorted(MOMENTS.keys() | ENCODED.keys() | DAYS.keys())):
            row = row_of(db, table, 2 * number)
            kinds = {name: kind for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})")}
            odd = {name: shape if kinds[name] == "BLOB" else shape.decode("latin-1") for name in ENCODED.get(table, ())}
            if "state" in kinds:
                odd["state"] = state if state != STATES[0] else _GOING_ON.get(table, "running")
            insert(db, table, {**row, **odd})
            column, value = next(
                (columns[table][0], wrong)
                for columns, wrong in ((MOMENTS, -1), (DAYS, "soon"), (ENCODED, b"[1"))
                if table in columns
            )
            insert(db, table, {**row_of(db, table, 2 * number + 1), column: value})


async def test_health_and_answers_say_that_the_disk_is_full(tmp_path: Path) -> None:
    port = free_port()
    raw = {
        "bot": {"database": str(tmp_path / "bot.db"), "listen": f"127.0.0.1:{port}"},
        "accounts": {"render": ACCOUNT},
    }
    app = await App.open(check(raw, {}), {})
    for server in app.servers:
        await server.start()
    shown: list[Card] = []

    async def answer(request: CommandRequest, card: Card, **_: object) -> str:
        shown.append(card)
        return ""

    app.delivery.answer = answer  # type: ignore[assignment,method-assign]
    app.delivery.with_zone = as_it_is  # type: ignore[method-assign]
    store: Any = app.store
    await store._run(lambda: store._db.execute("PRAGMA max_page_count = 1").fetchall())
    with suppress(CannotStore):
        for number in range(300):
            await app.store.accept(f"{number}", b'"' + b"x" * 4000 + b'"', NOON)
    me, here = Person("text", "me"), Conversation("text", "here")
    for key, typed in (("a", "help"), ("b", "save mine jobs job list")):
        task = await app.journal.accept(CommandRequest(key, typed, me, here, NOON))
        assert task is not None
        await task
    app.probes.started([])
    async with ClientSession() as session:
        for path, status in (("health", 200), ("readyz", 503)):  # to start it anew would make no room
            async with session.get(f"http://127.0.0.1:{port}/{path}") as got:
                assert got.status == status
                assert "the disk is full" in await got.text()
    read, change = (str(text.render(card).payload["text"]) for card in shown)
    assert "this was not noted" in read
    assert not shown[0].refused
    assert "This was not done." in change
    await store._run(lambda: store._db.execute("PRAGMA max_page_count = 1000000").fetchall())
    assert await app.store.accept("space", b"{}", NOON)
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as got:
        assert got.status == 200
    for server in app.servers:
        await server.close()
    await app.stop()


async def test_on_a_full_disk_it_ends_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    raw = {"bot": {"database": str(path), "listen": f"127.0.0.1:{free_port()}"}, "accounts": {"render": ACCOUNT}}
    app = await App.open(check(raw, {}), {}, hold=True)
    store: Any = app.store
    for number in range(2):
        await app.store.accept(f"held{number}", b'"' + b"x" * 4000 + b'"', NOON)
    await app.store.claim_requests(app.journal._holder, NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    await store._run(lambda: store._db.execute("PRAGMA query_only = 1").fetchall())
    with pytest.raises(CannotStore):
        await app.store.accept("one more", b"{}", NOON)
    await app.stop()
    await (await App.open(check(raw, {}), {}, hold=True)).stop()  # and it lets the database go


async def as_it_is(request: CommandRequest) -> CommandRequest:
    """Nobody's zone is asked for."""
    return request


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
        for port, path in product((world, inside), ("/health", "/readyz", "/metrics", f"/pictures/{'0' * 40}.png")):
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                said = await answer.text()
                found[port, path.split("/")[1]] = answer.status, "troubles" in said or "reasons" in said
    for server in app.servers:
        await server.close()
    await app.stop()
    assert found == {
        (world, "health"): (200, False),
        (world, "readyz"): (503, False),  # nothing of it has started here but its servers
        (world, "metrics"): (404, False),
        (world, "pictures"): (403, False),
        (inside, "health"): (200, True),
        (inside, "readyz"): (503, True),
        (inside, "metrics"): (200, False),
        (inside, "pictures"): (404, False),
    }
