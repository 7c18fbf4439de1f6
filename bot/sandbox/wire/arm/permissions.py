"""What the caller may do: ``Microsoft.Authorization/permissions``, listed at a subscription, a group or an account.

It only tells; what the other routes allow is not narrowed by it. There is one caller, so a test that wants another
answer grants something else. By the document (Permissions_ListForResource, 2022-04-01) an entry stands for a role that
is assigned at the scope or above it; assignments below do not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from ..errors import ArmRefusal
from ..listener import respond
from .body import CONTENT_TYPE
from .directory import Directory
from .routes import Handlers, Parts

_VERSIONS: Final = ("2015-07-01", "2018-01-01-preview", "2018-07-01", "2022-04-01")


class Grant(Struct, frozen=True, rename="camel"):
    """One role at a scope: a path that begins the scopes where it holds; empty for everywhere."""

    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    data_actions: Sequence[str] = ()
    not_data_actions: Sequence[str] = ()
    scope: str = ""

    def holds_at(self, path: str) -> bool:
        """Whether it is assigned there or above."""
        return f"{path}/".lower().startswith(f"{self.scope.rstrip('/')}/".lower()) or not self.scope


EVERYTHING: Final = Grant(actions=("*",), data_actions=("*",))


class PermissionRoutes:
    """Lists what was granted; ``grants`` may be set at any time, and without ``listed`` nobody may ask."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.grants: list[Grant] = [EVERYTHING]
        self.listed = True
        self.handlers: Handlers = {("GET", "permissions"): self._list}

    def _list(self, request: web.Request, parts: Parts) -> web.Response:
        scope = parts["scope"]
        if request.query["api-version"] not in _VERSIONS:
            raise ArmRefusal(400, "InvalidApiVersionParameter", "The api-version is invalid.")
        self._directory.groups(parts["subscription"])
        if parts["account"]:
            self._directory.account(parts)
        elif parts["group"]:
            self._directory.group(parts)
        if not self.listed:
            raise ArmRefusal(
                403,
                "AuthorizationFailed",
                "The client does not have authorization to perform action 'Microsoft.Authorization/permissions/read' "
                f"over scope '{scope}' or the scope is invalid.",
            )
        told: list[dict[str, Any]] = []
        for grant in self.grants:
            if grant.holds_at(scope):
                entry = msgspec.to_builtins(grant)
                entry.pop("scope")
                told.append(entry)
        return respond({"value": told}, content_type=CONTENT_TYPE)
