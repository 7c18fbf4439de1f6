"""What the forms around alerts share: recent alerts, and a check that says what is wrong instead of failing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.alerting.model import Incident
from bot.alerting.service import AlertService
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.grammar import words
from cards.card import Field, Option

_MOST = 500
TO = Field(
    "to",
    "To",
    "choice",
    hint="A direct message needs no role.",
    options=(Option("This conversation", "here"), Option("Me, in a direct message", "me")),
    refresh=True,
)
"""Whom a subscription is for."""


async def recent(ctx: Context, alerts: AlertService, span: timedelta) -> list[Incident]:
    """The alerts of every account that began within the last ``span``, whether they are over or not."""
    since = alerts.now() - span
    found = {each.id: each for each in alerts.incidents.open()}
    for account in ctx.accounts.names:
        found |= {each.id: each for each in await alerts.past(account, since, _MOST)}
    return [each for each in found.values() if each.opened >= since]


def attempt(check: Callable[[], object]) -> str:
    """What is wrong with what a check reads, in one sentence and with the nearest that is right; empty if nothing."""
    try:
        check()
    except CommandError as error:
        near = words(error.nearest[0])[-1].rpartition(":")[2] if error.nearest else ""
        return f"{error.message} Did you mean {near}?" if near and near not in error.message else error.message
    return ""
