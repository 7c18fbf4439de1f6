"""Where a store is kept: tests that ask for ``where`` run on both kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storage.opening import open_store
from storage.retention import Retention
from storage.sql.store import SqlStore
from tests.postgresql import database

Opener = Callable[..., SqlStore]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The path of a database that is not there yet, or the URL of an empty one."""
    with ExitStack() as used:
        yield str(tmp_path / "bot.db") if request.param == "sqlite" else used.enter_context(database())


@pytest.fixture
def opened(where: str) -> Opener:
    """Opens it; takes ``retention``."""

    def open_(retention: Retention | None = None) -> SqlStore:
        store, _ = open_store(where, retention=retention)
        return store

    return open_
