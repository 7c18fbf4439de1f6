"""What every store has to do for live cards and posted messages. A test class per implementation inherits this and
provides ``fresh``.
"""

from __future__ import annotations

from msgspec.structs import replace

from storage.port.live import LiveCard
from storage.port.store import Store
from storage.retention import Retention
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
        assert [each.over for each in await store.live_cards()] == [False, False]
        last = replace(first, card=b"last", at=NOON + 2 * MINUTE, over=True)
        await store.put_live(last)
        assert await store.live_cards() == [second, last]
        await store.delete_live("b")
        await store.delete_live("nothing")
        assert await store.live_cards() == [last]

    async def test_a_slot_becomes_one_message_for_a_while(self, store: Store) -> None:
        assert await store.message("a") is None
        await store.put_message("a", "19:here", "1700", NOON)
        await store.put_message("a", "19:there", "1800", NOON + MINUTE)
        assert await store.message("a") == ("19:here", "1700"), "it stays what it became first"
        await store.put_message("b", "19:here", "1701", NOON + MINUTE)
        await store.prune(NOON + Retention().messages + MINUTE)
        assert (await store.message("a"), await store.message("b")) == (None, ("19:here", "1701"))
