"""What was typed, filled in or attached is in no byte of the database once it has been worked off."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import msgspec
from sqlite_utils import Database

from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations.confirm import Answer, Asked, Confirmations
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome
from storage.port.uploads import Upload
from storage.sqlite.migrations.m2_operating import what_has_ended_is_forgotten
from storage.sqlite.store import SqliteStore
from tests.operations import test_engine as engine
from tests.operations.durable import NOON
from tests.operations.test_engine import ACT, Stage

TYPED, FILLED_IN, WHY, ATTACHED, GIVEN = "typed-8Hq2", "filled-9Kx3", "reason-7Wz4", "attached-6Vy5", "given-5Ub6"
MARKERS = (TYPED, FILLED_IN, WHY, ATTACHED, GIVEN)
FILE = f"u{'ab' * 12}"


def found_in(path: Path) -> list[str]:
    """The markers that are in the file, or in what SQLite keeps beside it."""
    data = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file())
    return [marker for marker in MARKERS if marker.encode() in data]


async def test_what_was_given_is_forgotten_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    stage = Stage(path)

    async def body(run: Run, asked: engine.Asked) -> Outcome:
        assert (await run.upload(FILE)).decode() == ATTACHED
        await run.once("what is meant", str, lambda: _value(asked.pool))
        return Outcome("It is done")

    stage.body = body
    command = f"work gpu tasks:file:{FILE} --password {TYPED}"
    person, where = Person("slack", "U1"), Conversation("slack", "C1")
    request = CommandRequest("k", command, person, where, NOON, values={"command": FILLED_IN})
    await stage.store.accept("k", msgspec.json.encode(request), NOON, holder="here", until=NOON + timedelta(hours=1))
    await stage.store.put_upload(
        Upload(FILE, "slack:U1", "slack:C1", "tasks.csv", ATTACHED.encode(), NOON + timedelta(hours=1))
    )
    await _confirmed(stage.store, command)
    assert await stage.store.start_change("k", "here", command, NOON)
    operations = stage.instance()
    act = replace(ACT, command=command, typed=command, reason=f"password={WHY}", name="Otto")
    id_ = await operations.begin("work", "render", "gpu", engine.Asked(GIVEN), request="k", act=act)
    row = await stage.row(id_)
    assert TYPED.encode() not in row.act, "a secret is not even kept while it goes on"
    assert WHY.encode() not in row.act
    async for _ in operations.follow(id_):
        pass
    await stage.store.finish("k", "done")
    assert await stage.store.upload(FILE, NOON) is None
    ended = await stage.row(id_)
    assert ended.arguments == b""
    assert b"Otto" in ended.act, "who began it is shown in lists"
    assert not await stage.store.accept("k", b"", NOON), "it is known when it comes again"
    await stage.close()
    assert found_in(path) == []


async def test_what_an_older_version_left_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    store = SqliteStore.open(path)
    await store.accept("k", TYPED.encode(), NOON)
    await store.accept("open", b"goes on", NOON)
    act = msgspec.json.encode(replace(ACT, typed=TYPED, reason=WHY))
    await store.finish("k", "done")
    await store.close()
    db = Database(sqlite3.connect(path))
    db.execute("PRAGMA secure_delete = ON")
    db.execute("UPDATE journal SET body = ?, command = ? WHERE key = 'k'", [TYPED.encode(), TYPED])
    db.execute(
        "INSERT INTO operations VALUES ('o', 'k', 'work', 'render', 'gpu', ?, ?, 1, 'done', 2, 0, x'', '', 0)",
        [GIVEN.encode(), act],
    )
    with db.atomic():
        what_has_ended_is_forgotten(db)
    db.close()
    store = SqliteStore.open(path)
    row = await store.operation("o")
    assert row
    assert (row.arguments, b"slack:U1" in row.act) == (b"", True)
    assert [(each.key, each.body) for each in await store.unfinished()] == [("open", b"goes on")]
    await store.close()
    assert found_in(path) == []


async def _confirmed(store: SqliteStore, command: str) -> None:
    asked = Asked(command, "render", "pool gpu", Preflight(), "digest")
    confirmations, now = Confirmations(store), NOON
    with mock.patch("secrets.token_hex", return_value="1a2b"):
        await confirmations.ask(asked, person="slack:U1", conversation="slack:C1", now=now)
    assert await confirmations.take("1a2b", "k", Answer(), person="slack:U1", conversation="slack:C1", now=_soon(now))


def _soon(now: datetime) -> datetime:
    return now + timedelta(seconds=1)


async def _value(value: str) -> str:
    return value
