"""A store is copied into another kind and back: whole and proven, or not at all."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.copying import Copied, copy
from storage.opening import open_store
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError, StoreHeld
from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase
from storage.sqlite.store import SqliteStore
from storage.upkeep import backup, migrate
from tests.postgresql import database
from tests.storage.black_box_contract import noise, run
from tests.storage.contract import NOON, line, sample
from tests.storage.looking import rows, tables
from tests.storage.monitoring_contract import transition
from tests.storage.test_moving import filled


@pytest.fixture
def url() -> Iterator[str]:
    with database() as found:
        yield found


async def _lived(path: str) -> None:
    """A file with rows in most tables, with every kind of value."""
    store = SqliteStore.open(path)
    await filled(store, "slack", "C1")
    await filled(store, "teams", "19:ü@thread")
    await store.add_samples([sample(NOON + timedelta(minutes=n), n / 7, pool=pool) for n in range(50) for pool in "ab"])
    await store.record(ChangeSet(transitions=[transition(f"{n}", NOON + timedelta(seconds=n)) for n in range(300)]))
    await store.keep([run(f"frame-{n}", n, noise(n, 500)) for n in range(5)])
    for _ in range(3):
        await store.append_audit(line("done"))
    await store.secret("links")
    await store.close()


async def test_there_and_back_again(tmp_path: Path, url: str) -> None:
    first, last = str(tmp_path / "first.db"), str(tmp_path / "last.db")
    await _lived(first)
    told: list[Copied] = []
    there = copy(first, url, said=told.append)
    assert told == there
    assert {each.table for each in there} == tables(first)
    assert sum(bool(each.rows) for each in there) > 20
    assert copy(url, last) == there
    for table in tables(first):
        assert sorted(rows(first, f"SELECT * FROM {table}"), key=repr) == sorted(
            rows(last, f"SELECT * FROM {table}"), key=repr
        ), table
    store, let_go = open_store(url, hold=0)  # it goes on from there, with numbers that nobody has
    assert await store.record(ChangeSet(transitions=[transition("new", NOON)])) == 1
    await store.append_audit(line("done"))
    assert [each.seq for each in await store.audit_rows()] == [1, 2, 3, 4]
    assert await store.audit_head() == await store.audit_noted()
    await store.close()
    let_go()


async def test_what_is_there_already_stays(tmp_path: Path, url: str) -> None:
    path = str(tmp_path / "bot.db")
    await _lived(path)
    store, _ = open_store(url)
    await store.accept("k", b"mine", NOON)
    await store.close()
    with pytest.raises(StoreError, match=r"it is not empty \(journal\): name an empty database"):
        copy(path, url)
    with pytest.raises(StoreError, match="one and the same"):
        copy(path, path)
    with pytest.raises(StoreError, match="there is no such file"):
        copy(str(tmp_path / "none.db"), url)
    assert [body for (body,) in rows(url, "SELECT body FROM journal")] == [b"mine"]
    assert rows(url, "SELECT * FROM audit") == []


async def test_a_copy_that_is_another_is_none(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "bot.db")
    await _lived(path)
    load = PostgresDatabase.load

    def loses(self: PostgresDatabase, table: str, columns: list[str], found: Iterator[tuple[object, ...]]) -> None:
        load(self, table, columns, [*found][: -1 if table == "samples" else None])

    monkeypatch.setattr(PostgresDatabase, "load", loses)
    with pytest.raises(StoreError, match=r"samples is another one after the copy \(150 rows, then 149\): nothing was"):
        copy(path, url)
    assert [each for each in tables(url) if rows(url, f"SELECT 1 FROM {each} LIMIT 1")] == []


async def test_nothing_is_copied_while_a_bot_runs(tmp_path: Path, url: str) -> None:
    path = str(tmp_path / "bot.db")
    await _lived(path)
    for held in (path, url):
        store, let_go = open_store(held, hold=0)
        with pytest.raises(StoreHeld, match="another batchbot holds it"):
            copy(path, url)
        await store.close()
        let_go()
    assert copy(path, url)


async def test_a_backup_is_made_while_the_bot_runs(tmp_path: Path) -> None:
    path, file = str(tmp_path / "bot.db"), tmp_path / "copy.db"
    store, let_go = open_store(path, hold=0)
    await store.accept("k", b"body", NOON)
    assert "bytes, checked" in backup(path, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(StoreError, match="it is there already"):
        backup(path, file)
    with pytest.raises(StoreError, match="cannot be copied"):
        backup(str(tmp_path / "none.db"), tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
    await store.close()
    let_go()
    kept = SqliteStore.open(file)
    assert [each.body for each in await kept.unfinished()] == [b"body"]
    await kept.close()


def test_postgresql_is_backed_up_by_its_own_command() -> None:
    with pytest.raises(StoreError, match="PostgreSQL makes its own backups: ") as told:
        backup("postgresql://bot:hunter2@db:5433/batchbot?sslmode=verify-full", Path("x.dump"))
    assert str(told.value).endswith(
        "pg_dump --format=custom --file=x.dump 'postgresql://bot@db:5433/batchbot?sslmode=verify-full'"
    )
    assert Address("postgresql://b@/n?host=/run/pg").url() == "postgresql://b@/n?host=/run/pg"


def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    with database(empty=True) as url:
        for where in (str(tmp_path / "bot.db"), url):
            planned = migrate(where, plan=True)
            assert planned
            assert migrate(where, plan=True) == planned == migrate(where)
            assert migrate(where, plan=True) == migrate(where) == []
