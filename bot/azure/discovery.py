"""Batch accounts that the bot's identities see in their subscriptions, whether or not the settings name them.

Two kinds of lists of Resource Manager, with the identity that reads: the subscriptions it has any role in, and the
Batch accounts of each. The second wants ``Microsoft.Batch/batchAccounts/read`` on the subscription. Nothing of what is
found is asked any further: an account that the settings do not name is not watched, and nothing in it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from urllib.parse import quote

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.gaps import reason
from bot.azure.models import BatchAccountResource
from bot.azure.models.resource import Subscription

SUBSCRIPTIONS_VERSION = "2022-12-01"
MOST = 50
"""Subscriptions that are looked into."""
_AT_ONCE = 8
_ROLE = "Azure Batch Account Reader"


class Seen(Struct, frozen=True):
    """What was found: accounts by name, and what could not be seen, a sentence each that says what to do."""

    accounts: tuple[BatchAccountResource, ...] = ()
    gaps: tuple[str, ...] = ()


def part_of_id(resource: str, kind: str) -> str:
    """What stands behind a word in a resource's id: ``render`` behind ``resourceGroups``; empty without the word."""
    parts = resource.split("/")
    places = [place for place, part in enumerate(parts[:-1]) if part.lower() == kind.lower()]
    return parts[places[0] + 1] if places else ""


async def unnamed(accounts: Iterable[Account]) -> Seen:
    """Accounts in the subscriptions of the bot's identities that the settings do not name. Never raises."""
    named = list(accounts)
    known = {each.resource_id.lower() for each in named}
    identities = {
        (each.settings.cloud, each.settings.arm_endpoint, each.settings.credential, each.settings.client_id): each
        for each in named
        if each.arm is not None  # a shared key is of one account, and sees no other
    }
    looks = await asyncio.gather(*map(_seen_by, identities.values()))
    found = {one.id.lower(): one for look in looks for one in look.accounts if one.id.lower() not in known}
    return Seen(
        tuple(sorted(found.values(), key=lambda one: (one.name.lower(), one.id.lower()))),
        tuple(dict.fromkeys(gap for look in looks for gap in look.gaps)),
    )


async def _seen_by(account: Account) -> Seen:
    """What the identity that reads an account sees."""
    try:
        subscriptions = await account.every_above(Subscription, "/subscriptions", version=SUBSCRIPTIONS_VERSION)
    except AzureError as error:
        return Seen((), (f"not known: subscriptions that the bot's identity sees: {reason(error)}.",))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def within(subscription: Subscription) -> Seen:
        async with turns:
            return await _in(account, subscription)

    looks = await asyncio.gather(*map(within, subscriptions[:MOST]))
    gaps = [gap for look in looks for gap in look.gaps]
    if len(subscriptions) > MOST:
        gaps.append(f"Only {MOST} of {len(subscriptions)} subscriptions were looked into.")
    return Seen(tuple(one for look in looks for one in look.accounts), tuple(gaps))


async def _in(account: Account, subscription: Subscription) -> Seen:
    path = f"/subscriptions/{quote(subscription.subscription_id, safe='')}/providers/Microsoft.Batch/batchAccounts"
    what = f"subscription {subscription.display_name or subscription.subscription_id}"
    try:
        return Seen(tuple(await account.every_above(BatchAccountResource, path)))
    except AzureError as error:
        if error.status == 403:
            return Seen((), (f"not known: accounts of {what}: the bot's identity lacks the role {_ROLE} on it.",))
        if error.code.lower() in ("missingsubscriptionregistration", "subscriptionnotregistered"):
            return Seen()  # where Batch was never used, there are no accounts
        return Seen((), (f"not known: accounts of {what}: {reason(error)}.",))
