"""A PgBouncer that gives out connections by the transaction, in front of the tests' PostgreSQL."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgresql import Server, server
from tests.skips import need

_FILE = """
[databases]
* = host={folder} user=batchbot
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
server_reset_query =
server_login_retry = 1
"""


@contextmanager
def bouncer(url: str, pool: int = 3, of: Server | None = None) -> Iterator[str]:
    """The URL of a database, ``of`` the tests' server, by way of a PgBouncer with so many connections.

    Skips without one.
    """
    need("pgbouncer")
    there = of or server()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = there.folder / f"pgbouncer-{port}.ini"  # whose user reads it
    file.write_text(_FILE.format(folder=there.folder, port=port, pool=pool))
    with subprocess.Popen([str(shutil.which("pgbouncer")), "-q", str(file)], **there.user) as running:
        try:
            _wait(port)
            yield f"postgresql://batchbot@127.0.0.1:{port}/{url.partition('@/')[2].partition('?')[0]}"
        finally:
            running.terminate()


def _wait(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
