"""The whole contract on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from storage.port.store import Store
from storage.postgresql.address import Address
from storage.postgresql.store import PostgresStore
from tests.postgresql import database
from tests.storage.whole_contract import WholeContract


class TestPostgres(WholeContract):
    @pytest.fixture
    def fresh(self) -> Iterator[Callable[[], Store]]:
        with ExitStack() as used:
            yield lambda: PostgresStore.open(Address(used.enter_context(database())))
