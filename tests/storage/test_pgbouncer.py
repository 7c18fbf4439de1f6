"""A PgBouncer that gives out connections by the transaction stands in between, and nothing is missed."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from storage.opening import open_store
from storage.port.changes import ChangeSet
from storage.port.errors import StoreHeld
from tests.postgresql import database, server
from tests.skips import need
from tests.storage.contract import NOON, line, sample
from tests.storage.monitoring_contract import entry, transition

_FILE = """
[databases]
* = host={folder} user=batchbot
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_reset_query =
"""


@pytest.fixture
def between() -> Iterator[str]:
    """The URL of an empty database by way of a PgBouncer."""
    need("pgbouncer")
    with database() as url, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        file = server().folder / f"pgbouncer-{port}.ini"  # whose user reads it
        file.write_text(_FILE.format(folder=server().folder, port=port))
        with subprocess.Popen([str(shutil.which("pgbouncer")), "-q", str(file)], **server().user) as bouncer:
            try:
                _wait(port)
                yield f"postgresql://batchbot@127.0.0.1:{port}/{url.partition('@/')[2].partition('?')[0]}"
            finally:
                bouncer.terminate()


async def test_several_programs_by_way_of_one_bouncer(between: str) -> None:
    holder, let_go = open_store(between, hold=0)
    with pytest.raises(StoreHeld, match="another batchbot holds it"):
        open_store(between, hold=0)
    others = [open_store(between)[0] for _ in range(4)]  # more than there are connections to the server
    stores = [holder, *others]
    for minute in range(3):
        await asyncio.gather(*(each.append_audit(line(f"{minute}")) for each in stores))
        await asyncio.gather(*(each.accept(f"{minute}-{n}", b"{}", NOON) for n, each in enumerate(stores)))
        await holder.record(ChangeSet([transition(f"{minute}-{n}", NOON) for n in range(50)], entries=[entry("e")]))
        await holder.add_samples([sample(NOON, pool=f"p{minute}-{n}") for n in range(20)])
    assert [row.seq for row in await others[0].audit_rows()] == list(range(1, 16))
    assert await others[1].audit_head() == await others[2].audit_noted()
    assert len(await others[3].unfinished()) == 15
    assert len(await others[0].transitions("render")) == 150
    for each in stores:
        await each.close()
    let_go()


def _wait(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
