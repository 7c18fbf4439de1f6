"""Who asked for reports: conversations, each with its account, calendar and conditions."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from bot.chat.request import Author, Conversation
from bot.reports.calendar import Cadence, Kind
from cards.formatting import money, number
from storage.port.decoding import decoded
from storage.port.store import Store

SUBSCRIPTIONS = "report"
"""The space of preferences."""
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class ReportSubscription(Struct, frozen=True, kw_only=True):
    """A report that a conversation asked for; a personal conversation is a direct message.

    It is posted only where the period cost ``least`` or more, and where it cost ``rose`` (a share: 0.1 is 10 %) more
    than the one before; None asks for nothing.
    """

    id: str
    conversation: Conversation
    account: str
    cadence: Cadence
    least: float | None = None
    rose: float | None = None
    by: Author | None = None
    at: datetime

    @property
    def report(self) -> str:
        """Which report it is, wherever it goes: a conversation has each once."""
        return report_of(self.cadence.kind, self.account)

    def describe(self, currency: str = "") -> str:
        """``weekly report of render-prod, Mondays at 09:00 Europe/Berlin, if it rose by 10 % or more``."""
        cadence = self.cadence
        day = {"daily": "every day", "weekly": f"{_DAYS[cadence.weekday]}s", "monthly": "on the 2nd"}[cadence.kind]
        clock = f"{cadence.minutes // 60:02}:{cadence.minutes % 60:02}"
        least = money(self.least, currency) if self.least and currency else number(self.least or 0)
        rules = [
            f"it cost {least} or more" if self.least is not None else "",
            f"it rose by {number(round(self.rose * 100, 1))} % or more" if self.rose is not None else "",
        ]
        only = " and ".join(filter(None, rules))
        return (
            f"{cadence.kind} report of {self.account}, {day} at {clock} {cadence.zone}{', if ' + only if only else ''}"
        )


def report_of(kind: Kind, account: str) -> str:
    """A report by its kind and account."""
    return f"{kind}:{account}"


async def subscriptions(store: Store, conversation: str | None = None) -> list[ReportSubscription]:
    """Those of a conversation (its key), or all of them; by conversation and report. May raise StoreError."""
    kept = (
        [each for _, each in await store.all_preferences(SUBSCRIPTIONS)]
        if conversation is None
        else await store.preferences(SUBSCRIPTIONS, conversation)
    )
    return [found for each in kept if (found := decoded(each.value, ReportSubscription))]


async def subscribe(store: Store, made: ReportSubscription) -> None:
    """Keep one, in place of the one that the conversation had of the same report. May raise StoreError."""
    await store.put_preference(SUBSCRIPTIONS, made.conversation.key, made.report, msgspec.json.encode(made), made.at)


async def unsubscribe(store: Store, made: ReportSubscription) -> bool:
    """Forget one; False where it was gone. May raise StoreError."""
    return await store.delete_preference(SUBSCRIPTIONS, made.conversation.key, made.report)
