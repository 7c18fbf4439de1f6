"""The database of a soak with several copies of the program."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bouncer import bouncer
from tests.postgresql import database, programs

POOL = 12
"""Connections of PgBouncer to the server: fewer than the copies have to it."""


@asynccontextmanager
async def several(number: int) -> AsyncIterator[tuple[dict[str, Any], str]]:
    """Settings that name a PostgreSQL, and its URL by way of a PgBouncer; nothing where one program is to run."""
    if not number:
        yield {}, ""
        return
    with database() as url, bouncer(url, POOL) as between:
        yield {"bot": {"database": url}}, between


def dump(url: str, folder: Path) -> None:
    """Keep the database, for ``pg_restore``."""
    found = [
        each
        for there in (programs(), *Path("/usr/lib/postgresql").glob("*/bin"))
        if there
        for each in [there / "pg_dump"]
    ]
    program = next((each for each in found if each.exists()), None)
    if program:
        subprocess.run([str(program), "--format=custom", f"--file={folder / 'batchbot.dump'}", url], check=False)
