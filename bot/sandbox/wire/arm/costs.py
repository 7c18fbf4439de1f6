"""Cost Management's query under Resource Manager: scopes, permission, quota, pages."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal

from aiohttp import web

from bot.sandbox.world import AccountState
from bot.sandbox.world.ledger.past import KEPT

from ..cost.definition import MOST_GROUPS, DefinitionError, Query, understand
from ..cost.rows import Told, columns, rows
from ..cost.throttle import Throttle
from ..errors import ArmRefusal
from ..listener import respond
from ..tokens import Tokens
from .body import CONTENT_TYPE
from .directory import Directory
from .routes import Handlers, Parts

Access = Literal["allowed", "no role", "no cost role", "disabled"]
"""``no role``: 403, as Resource Manager says it. ``no cost role``: 401 RBACAccessDenied, as Cost Management answers a
reader [github.com/Azure/azqr/issues/277]. ``disabled``: 400 AccountCostDisabled, nobody but the billing account's
owner may see money [github.com/Azure/azqr/issues/581].
"""

_GROUP = re.compile(r"/*subscriptions/(?P<subscription>[^/]+)(/resourceGroups/(?P<group>[^/]+))?", re.IGNORECASE)
_ABOVE = re.compile(r"/*providers/Microsoft\.(Management/managementGroups|Billing/billingAccounts)/.+", re.IGNORECASE)


class CostRoutes:
    """Answers from the bills of the accounts in a scope.

    ``page`` is how many rows come at once, ``groups`` how many groupings one may ask for.
    """

    def __init__(self, directory: Directory, tokens: Tokens, address: Callable[[], str]) -> None:
        self._directory = directory
        self._tokens = tokens
        self._address = address
        self.access: Access = "allowed"
        self.throttle = Throttle()
        self.page = 1000
        self.groups = MOST_GROUPS
        self.handlers: Handlers = {("POST", "cost query"): self._query}

    async def _query(self, request: web.Request, parts: Parts) -> web.Response:
        scope = parts["scope"]
        accounts = self._accounts(scope)
        self._check_access(scope)
        now = self._directory.world.time
        try:
            query = understand(await request.read(), now, self.groups)
        except DefinitionError as error:
            raise _bad(str(error)) from None
        start, size = self._place(request)
        if (waits := self.throttle.admit(query.qpu, scope)) is not None:
            raise ArmRefusal(429, "429", "Too many requests. Please retry.", headers=waits)
        if not any(_ever(account) for account in accounts):
            return web.Response(status=204, headers=self.throttle.headers(query.qpu))
        found = rows(query, self._told(accounts, scope, query))
        name = str(uuid.uuid4())
        more = start + size < len(found)
        body = {
            "id": f"{scope.lstrip('/')}/providers/Microsoft.CostManagement/query/{name}",
            "name": name,
            "type": "Microsoft.CostManagement/query",
            "location": None,
            "sku": None,
            "eTag": None,
            "properties": {
                "nextLink": self._next(request, start + size) if more else None,
                "columns": columns(query),
                "rows": found[start : start + size],
            },
        }
        return respond(body, content_type=CONTENT_TYPE, headers=self.throttle.headers(query.qpu))

    def _accounts(self, scope: str) -> list[AccountState]:
        """Those whose bills the scope has. Raises `ArmRefusal` (400, 404)."""
        world = self._directory.world
        if _ABOVE.fullmatch(scope):
            return list(world.accounts.values())
        if (match := _GROUP.fullmatch(scope)) is None:
            raise _bad(f"The scope '{scope}' is invalid.")
        groups = self._directory.groups(match["subscription"])
        if match["group"] and match["group"].lower() not in groups:
            raise ArmRefusal(404, "ResourceGroupNotFound", f"Resource group '{match['group']}' could not be found.")
        return [world.accounts[facts.name] for facts in self._directory.in_subscription(match["subscription"])]

    def _check_access(self, scope: str) -> None:
        if self.access == "no role":
            raise ArmRefusal(
                403,
                "AuthorizationFailed",
                f"The client '{self._tokens.client_id}' with object id '{self._tokens.principal_id}' does not have "
                f"authorization to perform action 'Microsoft.CostManagement/query/action' over scope '{scope}' or the "
                "scope is invalid. If access was recently granted, please refresh your credentials.",
            )
        if self.access == "no cost role":
            message = f"The client does not have authorization to perform action. Request ID: {uuid.uuid4()}"
            raise ArmRefusal(401, "RBACAccessDenied", message)
        if self.access == "disabled":
            raise ArmRefusal(
                400,
                "AccountCostDisabled",
                "Access to cost data has been disabled for account admins. Please query for usage (Quantity dimension) "
                f"and contact the billing account admin for access to costs. (Request ID: {uuid.uuid4()})",
            )

    def _told(self, accounts: list[AccountState], scope: str, query: Query) -> Iterator[Told]:
        match = _GROUP.fullmatch(scope)
        group = match["group"].lower() if match and match["group"] else None
        for account in accounts:
            billing, now = account.ledger.billing, account.world.time
            first = max(query.first, (account.ledger.start - KEPT).date())
            for days in range((min(query.last, now.date()) - first).days + 1):
                for charge in billing.told(first + timedelta(days=days), now):
                    if group in (None, charge.group):
                        yield Told(charge, billing.currency)

    # --- pages --------------------------------------------------------------------------------------------------------

    def _place(self, request: web.Request) -> tuple[int, int]:
        """The first row and how many. Raises `ArmRefusal` (400)."""
        given, top = request.query.get("$skiptoken"), request.query.get("$top", "")
        size = min(int(top), 5000) if top.isdecimal() and int(top) else self.page
        if given is None:
            return 0, size
        try:
            return int(base64.b64decode(given, validate=True)), size
        except (binascii.Error, ValueError):
            raise _bad("The skip token is invalid.") from None

    def _next(self, request: web.Request, start: int) -> str:
        token = base64.b64encode(str(start).encode()).decode()
        return f"{self._address()}{request.rel_url.update_query({'$skiptoken': token})}"


def _ever(account: AccountState) -> bool:
    """Whether the account has cost anything since it is there."""
    return bool(account.ledger.past or any(book.keys() for book in account.ledger.books))


def _bad(message: str) -> ArmRefusal:
    return ArmRefusal(400, "BadRequest", f"{message} (Request ID: {uuid.uuid4()})")
