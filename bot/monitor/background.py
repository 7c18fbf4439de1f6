"""How what runs beside the watching stands: bills, receipts, reports, budgets, advice, network and history.

Each part says here when a round of it went well and when one did not, for the command ``status``, for health and for
metrics. Its log has the same in more words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.errors import AzureError
from bot.clock import Clock
from storage.port.condition import StoreCondition
from storage.port.errors import CannotStore, StoreError

BILL: Final = "bill"
RECEIPTS: Final = "job receipts"
REPORTS: Final = "cost reports"
MONEY: Final = "budgets and unusual costs"
ADVICE: Final = "advice"
NETWORK: Final = "network counters"
HISTORY: Final = "history from Azure Monitor"


class BackgroundStatus(Struct, frozen=True, kw_only=True):
    """How a part stands for an account, which is empty for a part that is of all of them. Times are the bot's clock.

    ``error`` is why its last round failed, in words for people, and ``since`` when the first in a row did; both empty
    while it works. ``last_ok`` is its last round that went well, None before the first. ``refused``: somebody has to
    allow it first, such as a role that is missing; the program itself works.
    """

    name: str
    account: str = ""
    last_ok: datetime | None = None
    error: str = ""
    since: datetime | None = None
    refused: bool = False
    unstored: bool = False
    """It failed because nothing could be stored, as on a full disk."""


class Background:
    """Keeps how every part stands."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._parts: dict[tuple[str, str], BackgroundStatus] = {}
        self.store: StoreCondition | None = None
        """How the store stands, once it is open: when it stores again, a part that could not store only waits."""

    def ok(self, name: str, account: str = "") -> None:
        """A round went well."""
        self._parts[name, account] = BackgroundStatus(name=name, account=account, last_ok=self._clock.now())

    def failed(self, name: str, error: Exception | str, account: str = "", *, refused: bool | None = None) -> None:
        """A round failed; ``error`` is why: words for people, or what was raised.

        ``refused`` is read from an error of Azure where it is not given.
        """
        before = self._parts.get((name, account)) or BackgroundStatus(name=name, account=account)
        if refused is None:
            refused = isinstance(error, AzureError) and error.status in (401, 403)
        self._parts[name, account] = BackgroundStatus(
            name=name,
            account=account,
            last_ok=before.last_ok,
            error=_words(error),
            since=before.since or self._clock.now(),
            refused=refused,
            unstored=isinstance(error, CannotStore),
        )

    def gone(self, name: str, account: str = "") -> None:
        """There is no such part any more."""
        self._parts.pop((name, account), None)

    def all(self) -> list[BackgroundStatus]:
        """Every part that has said anything, by name and account."""
        stores = self.store is not None and not self.store.failing
        found = [self._parts[key] for key in sorted(self._parts)]
        return [replace(each, error="", since=None) if each.unstored and stores else each for each in found]

    def troubles(self) -> list[str]:
        """A line for each part that fails, but for those that wait to be allowed."""
        return [
            f"{each.name}{f' of {each.account}' if each.account else ''}: {each.error}"
            for each in self.all()
            if each.error and not each.refused
        ]


def _words(error: Exception | str) -> str:
    """Why it failed; of what nobody foresaw only that it did, because its own words may say anything."""
    if isinstance(error, str):
        return error
    if isinstance(error, AzureError | StoreError):
        return str(error)
    return "the program failed at it; its log says more"
