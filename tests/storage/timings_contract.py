"""What every store has to do for how long nodes took to boot. A test class inherits this beside the other contracts."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from storage.port.changes import ChangeSet
from storage.port.store import Store
from storage.port.timings import NodeBoot
from storage.retention import Retention
from tests.storage.contract import DAY, MINUTE, NOON


def boot(node: str, at: datetime = NOON, *, pool: str = "gpu", seconds: float = 200) -> NodeBoot:
    """A boot of a spot node."""
    return NodeBoot("render", pool, node, "Standard_NC6", True, at, seconds)


class TimingsContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_a_boot_is_kept_as_it_was_first_seen(self, store: Store) -> None:
        first, other = boot("tvm-1"), boot("tvm-2", NOON + MINUTE, pool="cpu")
        await store.record(ChangeSet(boots=[other, first]))
        await store.record(ChangeSet(boots=[replace(first, seconds=90_000)]))
        everything = NOON - DAY, NOON + DAY
        assert await store.node_boots("render", *everything) == [first, other]
        assert await store.node_boots("render", *everything, pool="CPU") == [other]
        assert await store.node_boots("render", NOON, NOON + MINUTE) == [first]

    async def test_boots_are_kept_for_more_than_a_year(self, store: Store) -> None:
        kept = Retention().timings
        await store.record(ChangeSet(boots=[boot("tvm", NOON - kept + at * MINUTE) for at in (-1, 1)]))
        assert await store.prune(NOON) == 1
        assert len(await store.node_boots("render", NOON - 2 * kept, NOON)) == 1
