"""What every store has to do for live cards. A test class per implementation inherits this and provides ``fresh``."""

from __future__ import annotations

from msgspec.structs import replace

from storage.port.live import LiveCard
from storage.port.store import Store
from tests.storage.contract import MINUTE, NOON


class LiveContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_a_live_card_is_noted_until_it_is_over(self, store: Store) -> None:
        assert await store.live_cards() == []
        second = LiveCard("b", b"request", "17.5", b"card", NOON + MINUTE)
        first = LiveCard("a", b"request", "17.4", b"card", NOON)
        await store.put_live(second)
        await store.put_live(first)
        assert await store.live_cards() == [first, second]
        last = replace(first, card=b"last", at=NOON + 2 * MINUTE, over=True)
        await store.put_live(last)
        assert await store.live_cards() == [second, last]
        await store.delete_live("b")
        await store.delete_live("nothing")
        assert await store.live_cards() == [last]
