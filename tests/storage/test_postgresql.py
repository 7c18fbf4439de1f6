"""The whole contract on PostgreSQL, who holds it, and what becomes of a connection that is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import psycopg
import pytest

from storage.opening import open_replica, open_store
from storage.port.errors import CannotStore, StoreError, StoreHeld
from storage.port.preferences import Preference
from storage.port.store import Store
from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.holding import Holding
from storage.postgresql.migrations import known, migrate, pending
from storage.postgresql.store import PostgresStore
from storage.sqlite.store import SqliteStore
from tests.postgresql import Server, database, server
from tests.storage.contract import NOON
from tests.storage.looking import rows, tables
from tests.storage.whole_contract import WholeContract

HOLDS = """
import sys, time
from storage.postgresql.address import Address
from storage.postgresql.holding import Holding
held = Holding.take(Address(sys.argv[1]), 0, lease=float(sys.argv[2]))
print("held", flush=True)
time.sleep(600)
"""


class TestPostgres(WholeContract):
    @pytest.fixture
    def fresh(self) -> Iterator[Callable[[], Store]]:
        with ExitStack() as used:
            yield lambda: PostgresStore.open(Address(used.enter_context(database())))


@pytest.fixture
def url() -> Iterator[str]:
    with database() as found:
        yield found


@pytest.fixture
def away() -> Iterator[Server]:
    """The server, which may be stopped: it runs again for the next test."""
    yield (found := server())
    if not found.runs():
        found.start()


def test_a_second_one_is_told_who_holds_it(url: str) -> None:
    first = Holding.take(Address(url), 0)
    with pytest.raises(StoreHeld, match=rf"another batchbot holds it \(process {os.getpid()} on .*, since 20"):
        Holding.take(Address(url), 0)
    first.release()
    second = Holding.take(Address(url), 0)
    assert second.epoch == first.epoch + 1
    second.release()


def test_a_killed_program_holds_nothing_once_its_lease_is_over(url: str) -> None:
    command = [sys.executable, "-c", HOLDS, url, "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StoreHeld, match=f"process {first.pid} on"):
            Holding.take(Address(url), 0)
        first.send_signal(signal.SIGKILL)
        first.wait()
    Holding.take(Address(url), 60).release()


async def test_whoever_was_thought_dead_stores_nothing_any_more(url: str) -> None:
    """Its machine stood still for longer than its lease, and another took over meanwhile."""
    first = Holding.take(Address(url), 0, lease=1.0)
    store = PostgresStore.open(Address(url), holding=first)
    assert await store.accept("before", b"", NOON)
    second = _taken_over(url)
    with pytest.raises(StoreHeld, match="another batchbot has taken over"):
        await store.accept("after", b"", NOON)
    assert [row.key for row in await store.unfinished()] == ["before"], "it may still read"
    lost = threading.Event()
    while not store.condition.lost:
        lost.wait(0.01)
    assert f"process {os.getpid()} on" in store.condition.lost
    await store.close()
    first.release()
    other = PostgresStore.open(Address(url), holding=second)
    assert await other.accept("after", b"", NOON)
    await other.close()
    second.release()


async def test_of_several_replicas_one_has_the_duties_and_stores_what_belongs_to_them(url: str) -> None:
    replicas = [open_replica(url, patience=0, version=f"1.{number}") for number in range(3)]
    first, *others = replicas
    assert first.lease
    assert first.lease.held
    assert first.lease.sure()
    for each in replicas:
        assert await each.front.accept(str(id(each)), b"", NOON), "any takes in"
    for each in others:
        assert each.lease
        assert not each.lease.held
        with pytest.raises(StoreHeld, match="this replica does not have the duties"):
            await each.duties.finish("k", "done")
        assert len(await each.duties.unfinished()) == 3, "it may read"
    await first.taken()
    await first.duties.finish(str(id(first)), "done")
    assert [row.key for row in await others[0].front.unfinished()] == sorted(str(id(each)) for each in others)
    first.let_go()
    await _until(lambda: any(each.lease and each.lease.held for each in others))
    with pytest.raises(StoreHeld, match="another batchbot has taken over"):
        await first.duties.finish("k", "done")
    [second] = [each for each in others if each.lease and each.lease.held]
    assert second.lease
    await _until(
        lambda: second.lease is not None and [each.holds for each in second.lease.replicas() if each.mine] == [True]
    )
    assert sorted(each.version for each in second.lease.replicas()) == ["1.1", "1.2"], "who ends is off the list"
    assert second.lease.epoch == 2
    for each in others:
        each.let_go()
    for each in replicas:
        await each.duties.close()
        await each.front.close()


async def test_who_cannot_renew_is_sure_no_more_before_another_can_take_over(url: str, away: Server) -> None:
    first = Holding.stand_by(Address(url), "1", lease=1.0)
    assert first.sure()
    away.stop()
    await _until(lambda: not first.sure())
    assert first.held, "nobody is known to have taken over: there was no way to"
    away.start()
    await _until(first.sure)
    assert first.epoch == 1
    first.release()
    assert not first.sure()


async def test_a_program_that_hangs_loses_the_duties_though_its_threads_go_on(url: str) -> None:
    first = Holding.stand_by(Address(url), "1", lease=0.5)
    second = Holding.stand_by(Address(url), "1", lease=0.5)
    await asyncio.sleep(1.5)  # three leases: one that never said that it lives need not
    assert (first.epoch, second.epoch) == (1, 0)
    first.alive()
    await _until(lambda: second.held)
    assert not first.sure()
    first.alive()
    await _until(lambda: first.lost)
    second.release()
    first.release()


async def test_the_duties_change_hands_between_two_transactions_and_never_within_one(url: str) -> None:
    """Whoever takes over reads all that the one before stored."""
    first = Holding.take(Address(url), 0, lease=0.6)
    first._over.set()  # it renews no more, as a process that stands still
    db = PostgresDatabase(Address(url), fence=first.fence)
    with db.atomic():
        second = Holding.stand_by(Address(url), "1", lease=0.6)
        db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", ["last", b""])
        await asyncio.sleep(1.5)  # longer than the lease of the first
        assert not second.held
    await _until(lambda: second.held)
    assert rows(url, "SELECT name FROM meta") == [("last",)]
    with pytest.raises(StoreHeld), db.atomic():
        pass
    db.close()
    second.release()
    first.release()


async def _until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.02)


async def test_a_server_that_was_away_is_found_again(url: str, away: Server) -> None:
    store, let_go = open_store(url, hold=0)
    await store.put_preference("n", "o", "before", b"{}", NOON)
    away.stop()
    with pytest.raises(CannotStore, match=r"it goes on by itself when (the server|it) answers again"):
        await store.put_preference("n", "o", "lost", b"{}", NOON)
    assert store.condition.failing
    away.start()
    while store.condition.failing:
        with suppress(CannotStore):
            await store.put_preference("n", "o", "after", b"{}", NOON)
    assert [each.name for each in await store.preferences("n", "o")] == ["after", "before"]
    await store.close()
    let_go()


async def test_a_connection_that_was_cut_is_not_noticed(url: str) -> None:
    store = PostgresStore.open(Address(url))
    for change in (True, False):
        _cut(url)
        if change:
            await store.put_preference("n", "o", "a", b"{}", NOON)
        assert await store.preferences("n", "o") == [Preference("a", b"{}", NOON)]
    await store.close()


async def test_a_transaction_that_was_cut_is_not_there(url: str) -> None:
    store = PostgresStore.open(Address(url))

    def work() -> None:
        with store._db.atomic():
            store._db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", ["a", b""])
            _cut(url)
            store._db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", ["b", b""])

    with pytest.raises(CannotStore, match="goes on by itself"):
        await store._run(work)
    assert rows(url, "SELECT name FROM meta") == []
    assert await store.accept("k", b"", NOON)
    await store.close()


def test_the_tables_are_those_of_sqlite(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Names, and columns in their order; what is kept has one more to be told apart where SQLite has its rowid."""
    path = str(tmp_path_factory.mktemp("sqlite") / "bot.db")
    SqliteStore.open(path)
    assert tables(url) == tables(path)
    with closing(PostgresDatabase(Address(url))) as db:
        for table in sorted(tables(url)):
            there = [name for (name,) in rows(path, "SELECT name FROM pragma_table_info(?)", table)]
            assert [name for name in db.columns(table) if name != "rowid"] == there, table


async def test_texts_hold_every_character_but_none(url: str) -> None:
    store = PostgresStore.open(Address(url))
    for name in ("a\0b", "😀 ü", "100% :of ?", "it's"):
        await store.put_preference("n", "o", name, b"\0", NOON)
    assert {each.name for each in await store.preferences("n", "o")} == {"a�b", "😀 ü", "100% :of ?", "it's"}
    await store.close()


async def test_no_line_of_the_audit_trail_can_be_changed(url: str) -> None:
    for sql in ("UPDATE audit SET result = ''", "DELETE FROM audit", "TRUNCATE audit"):
        with psycopg.connect(url) as db:
            db.execute("INSERT INTO audit SELECT 1, 0, '', '', '', '', '', '', '', '', '', '', '', ''")
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                db.execute(sql)  # type: ignore[call-overload]
            db.rollback()


def test_a_migration_is_made_once_by_whoever_comes_first() -> None:
    with database(empty=True) as url:
        done: list[int] = []

        def work() -> None:
            with closing(PostgresDatabase(Address(url), patience=60)) as db:
                done.extend(each.number for each in migrate(db))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sorted(done) == [each.number for each in known()]


@pytest.mark.parametrize(("ahead", "refused"), [(1, False), (2, True)])
async def test_one_newer_version_may_have_been_there(ahead: int, refused: bool) -> None:
    with database(empty=True) as url:
        await PostgresStore.open(Address(url)).close()
        number = known()[-1].number + ahead
        with psycopg.connect(url) as db:
            db.execute("INSERT INTO schema_version (number, name) VALUES (%s, 'time_travel')", [number])
        if refused:
            with pytest.raises(StoreError, match=rf"a newer batchbot wrote it \(migration {number}, this version"):
                PostgresStore.open(Address(url))
            return
        await PostgresStore.open(Address(url)).close()
        with closing(PostgresDatabase(Address(url))) as other:
            assert pending(other) == []


def test_the_password_is_asked_for_and_never_told(url: str) -> None:
    address = Address(url.replace("batchbot@", "batchbot:hunter2@"), lambda: "secret1")
    assert address.parameters()["password"] == "secret1"
    assert "hunter2" not in f"{address} {address!r}"
    for wrong in ("postgresql://u:hunter2%zz@h/n", "postgresql://u:hunter2@h/n?nothing=1"):
        with pytest.raises(StoreError, match="URL cannot be read") as told:
            Address(wrong)
        assert "hunter2" not in str(told.value)
    nowhere = Address("postgresql://u@/n?host=/nowhere/at/all", lambda: "hunter2")
    with pytest.raises(CannotStore, match=r"postgresql://u@/nowhere/at/all/n: ") as away:
        PostgresStore.open(nowhere)
    assert "hunter2" not in str(away.value)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (("batchbot@", "nobody@"), "it does not let the bot in: check the user"),
        (("/t", "/none"), "there is no such database: create it"),
    ],
)
def test_what_keeps_it_out_is_told(url: str, change: tuple[str, str], advice: str) -> None:
    head, _, tail = url.partition("?")
    with pytest.raises(StoreError, match=advice) as told:
        PostgresStore.open(Address(f"{head.replace(*change)}?{tail}"))
    assert not isinstance(told.value, CannotStore)


def _taken_over(url: str) -> Holding:
    """Hold it as soon as the lease of its holder has run out, which that one would renew were it not standing still."""
    while True:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("UPDATE holding SET until = now()")
        with suppress(StoreHeld):
            return Holding.take(Address(url), 0)


def _cut(url: str) -> None:
    """End every other connection, as a server does that changes its machine."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
