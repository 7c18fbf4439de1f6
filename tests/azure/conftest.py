"""A loopback service and an account that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.settings import AccountSettings
from tests.azure.service import KEY, Service, serving


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A service that answers what the test tells it to."""
    service = Service()
    async with serving(service.answer) as service.url:
        yield service


@pytest.fixture
async def account(service: Service) -> AsyncIterator[Account]:
    """An account of that service, reached with a key."""
    settings = AccountSettings(service.url, "sub", "group", account="render", credential="shared_key", key_env="KEY")
    accounts = Accounts({"render": settings}, {"KEY": KEY})
    yield accounts.get()
    await accounts.close()
