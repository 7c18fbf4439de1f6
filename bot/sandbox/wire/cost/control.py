"""Switches for money, beside the control routes of Resource Manager's listener.

GET  /_sandbox/cost     what is switched how
POST /_sandbox/cost     {"access": "no role"} and/or {"metrics": false}, {"quota": false}, {"perScope": 4},
                        {"groups": 2}, {"throttle": {"count": 3, "seconds": 20}},
                        {"correct": {"day": "2026-11-20", "factor": 1.1}},
                        {"credit": {"day": "2026-11-20", "dollars": 25}}, {"currency": "EUR"}, {"account": name}
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from bot.sandbox.world import AccountState
from bot.sandbox.world.ledger import Correction

from ..arm import ResourceManager
from ..arm.costs import Access
from ..control import JSON
from ..listener import CONTROL, respond
from ..monitor import Monitor


class Refusals(Struct, forbid_unknown_fields=True):
    """The next so many queries are refused, and told to wait so long."""

    count: int = 1
    seconds: float = 30.0


class Corrected(Struct, forbid_unknown_fields=True):
    """What a day, or a pool on it, is times as much as told."""

    day: date
    factor: float
    pool: str = ""


class Credited(Struct, forbid_unknown_fields=True):
    """What was given back on a day."""

    day: date
    dollars: float


class CostChange(Struct, forbid_unknown_fields=True, rename="camel"):
    """What a POST may ask for. The last four are of the ``account``; where it is not named, of all."""

    access: Access | UnsetType = UNSET
    metrics: bool | UnsetType = UNSET
    quota: bool | UnsetType = UNSET
    per_scope: int | UnsetType | None = UNSET
    groups: int | UnsetType = UNSET
    throttle: Refusals | UnsetType = UNSET
    account: str = ""
    correct: Corrected | UnsetType = UNSET
    credit: Credited | UnsetType = UNSET
    currency: str | UnsetType = UNSET


def add_cost_control(arm: ResourceManager, monitor: Monitor, accounts: Mapping[str, AccountState]) -> None:
    """Add the routes. ``accounts`` are the world's, by name."""
    costs = arm.costs

    def state() -> dict[str, Any]:
        currencies = {name: account.ledger.billing.currency for name, account in accounts.items()}
        return {
            "access": costs.access,
            "metrics": monitor.permitted,
            "quota": costs.throttle.on,
            "perScope": costs.throttle.per_scope,
            "groups": costs.groups,
            "currencies": currencies,
        }

    async def show(_: web.Request) -> web.Response:
        return respond(state(), content_type=JSON)

    async def change(request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=CostChange)
            chosen = [accounts[asked.account]] if asked.account else list(accounts.values())
            for account in chosen:
                _change_bill(account, asked)
        except KeyError:
            return respond({"error": f"there is no account {asked.account}"}, status=400, content_type=JSON)
        except (ValueError, msgspec.MsgspecError) as error:
            return respond({"error": str(error)}, status=400, content_type=JSON)
        if asked.access is not UNSET:
            costs.access = asked.access
        if asked.metrics is not UNSET:
            monitor.permitted = asked.metrics
        if asked.quota is not UNSET:
            costs.throttle.on = asked.quota
        if asked.per_scope is not UNSET:
            costs.throttle.per_scope = asked.per_scope
        if asked.groups is not UNSET:
            costs.groups = asked.groups
        if asked.throttle is not UNSET:
            costs.throttle.refuse(asked.throttle.count, asked.throttle.seconds)
        return respond(state(), content_type=JSON)

    arm.app.router.add_get(f"{CONTROL}cost", show)
    arm.app.router.add_post(f"{CONTROL}cost", change)


def _change_bill(account: AccountState, asked: CostChange) -> None:
    billing = account.ledger.billing
    if asked.currency is not UNSET:
        billing.currency = asked.currency
    if asked.correct is not UNSET:
        billing.correct(Correction(day=asked.correct.day, factor=asked.correct.factor, pool=asked.correct.pool))
    if asked.credit is not UNSET:
        billing.credit(asked.credit.day, asked.credit.dollars)
