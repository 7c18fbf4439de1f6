"""All accounts that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bot.azure.account import Account
from bot.azure.clock import Host
from bot.azure.credentials import Credentials
from bot.azure.event_hub import EventHub
from bot.azure.prices import Retail
from bot.secrets import ENVIRONMENT
from bot.settings import AccountSettings


class Accounts:
    """All accounts of the settings, by name; the first one is the default."""

    def __init__(
        self,
        settings: Mapping[str, AccountSettings],
        environment: Mapping[str, str] = ENVIRONMENT,
        *,
        retail: Retail | None = None,
        host: Host | None = None,
    ) -> None:
        """Connect nothing yet. Raises SettingsError where an account key is missing or no key.

        By the clocks of the ``host`` those of the service are judged; without it they are believed whatever they say.

        ``retail`` reads prices, and is closed with the accounts; without it none are known.
        """
        self._environment = environment
        self._credentials = Credentials(environment)
        self._retail = retail
        self._accounts = {
            name: Account(name, each, self._credentials, retail=retail, host=host) for name, each in settings.items()
        }

    @property
    def names(self) -> list[str]:
        """Names in the order of the settings."""
        return list(self._accounts)

    def get(self, name: str | None = None) -> Account:
        """The account of that name; the default one without. Raises KeyError."""
        return self._accounts[name or next(iter(self._accounts))]

    def event_hub(self, name: str) -> EventHub | None:
        """The hub that has the diagnostic events of the account of that name; None where the settings name none."""
        settings = self.get(name).settings
        if settings.events is None:
            return None
        return EventHub(settings.events, self._credentials.token(settings), self._environment)

    def now(self) -> datetime:
        """The time for what is of no single account: the latest that a service has told; ours before any answered."""
        return max((each.now() for each in self if each.heard), default=datetime.now(UTC))

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def __len__(self) -> int:
        return len(self._accounts)

    async def warm(self) -> None:
        """Have prices at hand before the first card wants them; they take a while to read. Never raises."""
        await asyncio.gather(*(account.prices() for account in self))

    async def close(self) -> None:
        """Close every account and credential."""
        for account in self:
            await account.close()
        if self._retail:
            await self._retail.close()
        await self._credentials.close()
