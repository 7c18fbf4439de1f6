"""What a database says, past the store, whichever it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase
from storage.url import is_url


def rows(where: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The answer to a question in SQL that both understand."""
    if is_url(where):
        with closing(PostgresDatabase(Address(where))) as db:
            return list(db.execute(sql, values))
    with closing(sqlite3.connect(f"file:{where}?mode=ro", uri=True, timeout=10)) as file:
        return list(file.execute(sql, values))


def tables(where: str) -> set[str]:
    """Names of the tables, but for those of the database itself and of its migrations."""
    if is_url(where):
        with closing(PostgresDatabase(Address(where))) as db:
            found = set(db.table_names())
    else:
        found = {name for (name,) in rows(where, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {each for each in found if "sqlite_" not in each} - {"schema_version", "holding", "replicas", "watching"}
