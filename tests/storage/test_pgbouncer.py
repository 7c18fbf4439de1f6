"""A PgBouncer that gives out connections by the transaction stands in between, and nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from storage.opening import open_store
from storage.port.changes import ChangeSet
from storage.port.errors import StoreHeld
from tests.bouncer import bouncer
from tests.postgresql import database
from tests.storage.contract import NOON, line, sample
from tests.storage.monitoring_contract import entry, transition


@pytest.fixture
def between() -> Iterator[str]:
    """The URL of an empty database by way of a PgBouncer."""
    with database() as url, bouncer(url) as found:
        yield found


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
