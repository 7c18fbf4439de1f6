"""Who wants receipts: what a conversation asked for, kept as a preference of its own."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from bot.chat.request import Author, Conversation
from bot.domain.entity import fold
from bot.domain.money.receipt import Receipt
from storage.port.decoding import decoded
from storage.port.preferences import PreferenceStore

RECEIPTS = "receipts"
"""Space of the store."""
_NAME = "asked"


class Asked(Struct, frozen=True, kw_only=True):
    """A conversation that wants the receipts of jobs that end.

    ``accounts`` and ``jobs`` are patterns; ``over`` is the least cost of a job, with its share of idle, in the currency
    of its account (None: any).
    """

    conversation: Conversation
    accounts: str = "*"
    jobs: str = "*"
    over: float | None = None
    by: Author | None = None
    at: datetime | None = None

    def concerns(self, account: str, job: str) -> bool:
        """Whether it may want the receipt of a job, whatever that cost."""
        return fnmatchcase(fold(account), fold(self.accounts)) and fnmatchcase(fold(job), fold(self.jobs))

    def wants(self, receipt: Receipt) -> bool:
        """Whether it wants a receipt. One whose cost is unknown is over no amount."""
        if not self.concerns(receipt.account, receipt.job):
            return False
        return self.over is None or (receipt.cost is not None and receipt.cost >= self.over)


async def asked_here(store: PreferenceStore, conversation: Conversation) -> Asked | None:
    """What a conversation asked for. Raises StoreError."""
    kept = await store.preferences(RECEIPTS, conversation.key)
    return next((found for each in kept if (found := decoded(each.value, Asked))), None)


async def asked_anywhere(store: PreferenceStore) -> list[Asked]:
    """What all conversations asked for. Raises StoreError."""
    return [found for _, kept in await store.all_preferences(RECEIPTS) if (found := decoded(kept.value, Asked))]


async def ask(store: PreferenceStore, asked: Asked, now: datetime) -> None:
    """Note what a conversation asks for, in the place of what it asked before. Raises StoreError."""
    await store.put_preference(RECEIPTS, asked.conversation.key, _NAME, msgspec.json.encode(asked), now)


async def ask_no_more(store: PreferenceStore, conversation: Conversation) -> bool:
    """Send no more receipts there; False where none were asked for. Raises StoreError."""
    return await store.delete_preference(RECEIPTS, conversation.key, _NAME)
