"""The cases of storage: what is wrong with a row keeps nobody from opening the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from storage.sqlite.store import SqliteStore
from tests.cases import Case, cases
from tests.storage.test_soundness import insert, opened, row_of


@pytest.mark.parametrize("case", cases("storage"))
async def test_a_row(case: Case, tmp_path: Path) -> None:
    path, wrong = tmp_path / "bot.db", case.input
    await opened(path)
    value = wrong["value"].encode() if isinstance(wrong["value"], str) else wrong["value"]
    with sqlite3.connect(path) as db:
        insert(db, wrong["table"], {**row_of(db, wrong["table"], 0), wrong["column"]: value})
    store = SqliteStore.open(path, held=True)
    assert "\n".join(store.condition.troubles()) == case.right["told"]
    await store.close()
    with sqlite3.connect(path) as db:
        (rows,) = db.execute(f"SELECT COUNT(*) FROM {wrong['table']}").fetchone()
    assert bool(rows) is case.right["stays"]
