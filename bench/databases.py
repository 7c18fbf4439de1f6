"""SQLite beside PostgreSQL, both waiting for the disk: one look's write, small transactions, samples, the start.

    python -m bench.databases [--rounds 200]

The rounds of both take turns, so that what else the machine does burdens both alike. CPU is that of this process, and
of the server beside it. The server is on this machine, by a socket: over a network each of a transaction's answers
takes its way besides.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.store import sampled
from storage.opening import open_store
from storage.port.changes import ChangeSet
from storage.port.incidents import IncidentRow, NotificationRow
from storage.port.monitoring import Cursor, EntitySnapshot, Transition
from storage.port.outbox import OutboxEntry
from storage.sql.store import SqlStore
from tests.postgresql import Server, programs

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POOLS = 20
_CARD = b'{"text": "' + b"x" * 1000 + b'"}'
_TICKS = os.sysconf("SC_CLK_TCK")


def look(number: int) -> ChangeSet:
    """What a look at a busy account stores: 100 tasks, 20 nodes and a job that changed, and an incident."""
    at = NOON + timedelta(seconds=30 * number)
    tasks = [Transition("render", "task", f"j{number}", f"{n}", "running", "completed", at) for n in range(100)]
    nodes = [Transition("render", "node", "gpu", f"n{n}", "idle", "running", at) for n in range(20)]
    return ChangeSet(
        [*tasks, *nodes, Transition("render", "job", "", f"j{number}", "active", "completed", at)],
        [Cursor("render", stream, at) for stream in ("tasks", "jobs", "nodes", "pools")],
        [EntitySnapshot("render", "node", f"gpu/n{n}", bytes(200)) for n in range(20)],
        [IncidentRow(f"i{number}", "f", "render", "r", "job", "", "j", True, at, at, b"{}")],
        [NotificationRow(f"i{number}", "slack:C1", True, b"{}")],
        [OutboxEntry(f"e{number}", "slack:C1", b"{}", _CARD, 1, at)],
    )


async def _one_look(store: SqlStore, number: int) -> None:
    await store.record(look(number))


async def _one_request(store: SqlStore, number: int) -> None:
    await store.accept(f"k{number}", _CARD, NOON)


async def _one_poll(store: SqlStore, number: int) -> None:
    at = NOON + timedelta(minutes=number)
    await store.add_samples([sampled(f"pool-{pool}", at, number) for pool in range(POOLS)])


PARTS: dict[str, Callable[[SqlStore, int], Awaitable[None]]] = {
    "one look (121 transitions, 20 snapshots, 1 alert)": _one_look,
    "one small transaction": _one_request,
    f"samples of {POOLS} pools with 3 jobs each": _one_poll,
}


def server_cpu(pid: int) -> float:
    """Seconds of a server: its first process with those that ended, and those that run."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own = int(stat.parent.name)
        if own == pid:
            total += sum(map(int, rest[11:15]))
        elif int(rest[1]) == pid:
            total += sum(map(int, rest[11:13]))
    return total / _TICKS


async def measure(server: Server, folder: Path, rounds: int) -> None:
    """Both, in turns."""
    where = {"SQLite": str(folder / "bench.db"), "PostgreSQL": server.url(server.create("made"))}
    stores = {name: open_store(each)[0] for name, each in where.items()}
    postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    for part, work in PARTS.items():
        took: dict[str, list[float]] = {name: [] for name in stores}
        worked, beside = dict.fromkeys(stores, 0.0), dict.fromkeys(stores, 0.0)
        for number in range(rounds):
            for name, store in stores.items():
                other = server_cpu(postmaster)
                begun, cpu = time.perf_counter(), time.process_time()
                await work(store, number)
                took[name].append((time.perf_counter() - begun) * 1e3)
                worked[name] += (time.process_time() - cpu) / rounds * 1e3
                beside[name] += (server_cpu(postmaster) - other) / rounds * 1e3
        print(part)
        for name, each in took.items():
            middle = statistics.median(each)
            print(
                f"  {name:10} {middle:7.2f} ms median, {max(each):7.1f} ms longest, {1e3 / middle:6.0f} a second; "
                f"CPU {worked[name]:5.2f} ms"
                + (f" and {beside[name]:.1f} ms of the server" if name != "SQLite" else "")
            )
    for store in stores.values():
        await store.close()
    print("start on what was written")
    for name, each in where.items():
        starts = []
        for _ in range(5):
            begun = time.perf_counter()
            store, let_go = await asyncio.to_thread(open_store, each, hold=0)
            starts.append((time.perf_counter() - begun) * 1e3)
            await store.close()
            await asyncio.to_thread(let_go)
        print(f"  {name:10} {statistics.median(starts):7.1f} ms")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    found = programs()
    if found is None:
        print("no PostgreSQL server is installed: left out")
        return
    server = Server(found, durable=True)
    try:
        with tempfile.TemporaryDirectory(prefix="batchbot-bench-") as folder:
            asyncio.run(measure(server, Path(folder), rounds))
    finally:
        server.end()


if __name__ == "__main__":
    main()
