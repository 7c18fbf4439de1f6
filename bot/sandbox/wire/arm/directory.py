"""What there is: the subscriptions of the world, their resource groups and the accounts in them.

A subscription is known by the accounts it has or had, a group too; further groups are made by request.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from msgspec import Struct

from bot.sandbox.entities import Account
from bot.sandbox.world import AccountState, World
from bot.sandbox.world.prices import REGIONS

from ..errors import ArmRefusal
from .routes import Parts


class Group(Struct, kw_only=True):
    """A resource group."""

    name: str
    location: str
    tags: dict[str, str] | None = None


class Directory:
    """Finds what a path names. What is not there raises `ArmRefusal`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._groups: dict[str, dict[str, Group]] = {}
        self.coming: set[str] = set()
        """Names of accounts that are being made: nobody else gets them."""

    def _known(self) -> dict[str, dict[str, Group]]:
        """Subscription -> its groups by name in lower case, those of the accounts of this moment among them."""
        for account in self.world.accounts.values():
            facts = account.facts
            groups = self._groups.setdefault(facts.subscription.lower(), {})
            groups.setdefault(facts.resource_group.lower(), Group(name=facts.resource_group, location=facts.location))
        return self._groups

    def subscriptions(self) -> list[str]:
        """Their ids."""
        return sorted(self._known())

    def groups(self, subscription: str) -> dict[str, Group]:
        """The groups of a subscription, by name in lower case. Raises `ArmRefusal` (400, 404)."""
        try:
            uuid.UUID(subscription)
        except ValueError:
            message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
            raise ArmRefusal(400, "InvalidSubscriptionId", message) from None
        groups = self._known().get(subscription.lower())
        if groups is None:
            raise ArmRefusal(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        return groups

    def group(self, parts: Parts) -> Group:
        """The group of a path. Raises `ArmRefusal` (404)."""
        name = parts["group"]
        if (group := self.groups(parts["subscription"]).get(name.lower())) is None:
            raise ArmRefusal(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        return group

    def in_subscription(self, subscription: str) -> Iterator[Account]:
        """The accounts of a subscription."""
        for account in self.world.accounts.values():
            if account.facts.subscription.lower() == subscription.lower():
                yield account.facts

    def in_group(self, parts: Parts) -> list[Account]:
        """The accounts of the path's group. Raises `ArmRefusal` (404)."""
        name = self.group(parts).name.lower()
        return [facts for facts in self.in_subscription(parts["subscription"]) if facts.resource_group.lower() == name]

    def find(self, parts: Parts) -> AccountState | None:
        """The account of a path, if it is there. Raises `ArmRefusal` (404) where its group is not."""
        name = parts["account"].lower()
        for facts in self.in_group(parts):
            if facts.name.lower() == name:
                return self.world.accounts[facts.name]
        return None

    def account(self, parts: Parts) -> AccountState:
        """The account of a path. Raises `ArmRefusal` (404)."""
        if (account := self.find(parts)) is None:
            raise missing("Account", "account")
        return account

    def location(self, given: str) -> str:
        """A region by its name, however spelt. Raises `ArmRefusal` (404)."""
        name = given.replace(" ", "").lower()
        if name not in {*REGIONS, *(account.facts.location.lower() for account in self.world.accounts.values())}:
            raise ArmRefusal(
                404,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for location '{given}' for type 'locations'.",
            )
        return name


def missing(code: str, words: str) -> ArmRefusal:
    """Something below an account is not there, or the account itself."""
    return ArmRefusal(404, f"{code}NotFound", f"The specified {words} does not exist.", target="BatchAccount")
