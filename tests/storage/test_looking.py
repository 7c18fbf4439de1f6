"""A look at a database from outside: what it says of one, and of what is none."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlite_utils import Database

from storage.looking import damage_of, look_at
from storage.opening import open_store
from storage.port.conversations import ConversationReference
from storage.port.errors import StoreError
from storage.sqlite.migrations import migrations
from tests.postgresql import database, server
from tests.storage.contract import NOON


async def test_what_is_told_of_a_store(where: str) -> None:
    store, let_go = open_store(where, hold=1.0)
    for name, there in (("C2", False), ("C1", True)):
        await store.put_conversation(ConversationReference("slack", name, b"{}", NOON, there))
    for namespace, owner in (("alerts", "slack:C2"), ("alerts", "slack:C1"), ("reports", "slack:C1"), ("pins", "u")):
        for name in ("one", "two"):
            await store.put_preference(namespace, owner, name, b"x", NOON)
    held = look_at(where, ["alerts", "reports"])
    await store.close()
    let_go()
    assert held
    assert str(os.getpid()) in held.holder
    found = look_at(where, ["alerts", "reports"])
    assert found
    assert found.holder == ""
    assert [(each.platform, each.id, each.body, each.reachable) for each in found.conversations] == [
        ("slack", "C1", b"{}", True),
        ("slack", "C2", b"{}", False),
    ]
    assert found.channels == ("slack:C1", "slack:C2")
    assert (found.pending, found.newer, found.forbidden, found.open) == (0, (), "", "")
    assert found.migrations > 0
    assert found.bytes > 10_000
    pinned = look_at(where, ["pins"])
    assert pinned
    assert pinned.channels == ("u",)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert look_at(str(tmp_path / "bot.db"), ["alerts"]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_tables_has_every_migration_before_it(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    file.touch()
    found = look_at(str(file), ["alerts"])
    assert found
    assert (found.migrations, found.pending, found.bytes) == (
        0,
        len(list(migrations.pending(Database(memory=True)))),
        0,
    )
    assert (found.conversations, found.channels, found.holder) == ((), (), "")
    with database(empty=True) as url:
        empty, made = look_at(url, ["alerts"]), len(list(Path("storage/postgresql/migrations").glob("*.sql")))
    assert empty
    assert (empty.migrations, empty.pending) == (0, made)
    assert (empty.conversations, empty.channels, empty.holder) == ((), (), "")


def test_a_user_who_may_not_make_tables_is_told_of() -> None:
    with database() as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
            db.execute(
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
            )
        found = look_at(url.replace("batchbot@", "reader@"), ["alerts"])
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM reader; DROP ROLE reader")
    assert found
    assert found.forbidden == "make and change tables in the schema public"
    assert str(server().folder) in url


def test_damage_is_found_and_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "some.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE words (word TEXT)")
        db.executemany("INSERT INTO words VALUES (?)", [(f"word {n}",) for n in range(100_000)])
        db.commit()
        assert damage_of(file, 600) == ""
        db.execute("INSERT INTO words VALUES (NULL)")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE words (word TEXT NOT NULL)'")
        db.commit()
    assert damage_of(file, 600) == "NULL value in words.word"
    assert damage_of(file, -1) == "", "the last row is not come to"


def test_what_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    file.write_bytes(b"no database at all, though it is long enough to be one" * 100)
    with pytest.raises(StoreError, match=r"bot\.db: file is not a database"):
        damage_of(file, 600)
    with pytest.raises(StoreError, match=r"bot\.db: file is not a database"):
        look_at(str(file), ["alerts"])
