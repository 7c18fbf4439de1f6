"""What the identity that asks may do at a scope, as Resource Manager lists it: no write has to be tried.

``GET {scope}/providers/Microsoft.Authorization/permissions`` ("Permissions - List For Resource", Azure RBAC REST API,
2022-04-01). Each entry is of one role that was assigned: what its ``actions`` allow without what its ``notActions``
take away again. The entries add up. Deny assignments are not among them.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.azure.account import Account
from bot.azure.models.base import Wire
from bot.azure.roles import Action, fits

VERSION = "2022-04-01"


class Permission(Wire):
    """One entry: actions by their names, in which ``*`` fits anything."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: Action) -> bool:
        """Whether this entry by itself allows it."""
        if action.data:
            return fits(action.name, self.data_actions) and not fits(action.name, self.not_data_actions)
        return fits(action.name, self.actions) and not fits(action.name, self.not_actions)


async def permissions(account: Account, scope: str) -> list[Permission]:
    """What the identity that reads an account may do at a scope (a resource's id). Raises AzureError."""
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    return await account.every_above(Permission, path, version=VERSION)


def missing(held: Iterable[Permission], wanted: Iterable[Action]) -> list[Action]:
    """Which of the wanted actions nothing allows, in their order."""
    entries = list(held)
    return [action for action in wanted if not any(entry.allows(action) for entry in entries)]
