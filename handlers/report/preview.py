"""A report as it would be posted now, for the asker alone."""

from __future__ import annotations

from msgspec.structs import replace

from bot.alerting.routing import key_of
from bot.reports.calendar import Kind
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Card
from handlers.report import parts


@command("cost preview", effect="read", examples=["cost preview", "cost preview monthly"])
async def preview(ctx: Context, kind: Kind = "weekly", *, account: str | None = None) -> Card:
    """Show a report of what an account cost as it would be posted now, to you alone.

    It is of the last day, week or month that is over in UTC, wherever it is asked for. Nothing of it is kept.

    :param kind: of the last day, week or month
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    card = await parts.service(ctx).preview(source.name, kind, ctx.zone, key_of(ctx.request.conversation))
    return replace(card, private=True)
