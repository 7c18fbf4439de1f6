"""All quotas of an account, those of VM families that nothing uses included."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeAlias

from bot.azure import gaps
from bot.azure.models import Pool
from bot.domain.quota import Quota, quotas_of
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, text
from cards.card import Button, Card, Column, Mark, Text, Words
from cards.command_line import command as command_line
from cards.formatting import number, percent, plural
from handlers.account.quotas import MARKS, bars
from handlers.shared import node_counts
from handlers.shared.capacity import SELECT, active_jobs, used_of
from handlers.shared.common import section, titled
from handlers.shared.own_list import OwnList
from handlers.shared.portal import portal

QuotaSort: TypeAlias = Literal["tight", "name", "limit"]
_COLUMNS = (
    Column("VM family", width=3),
    Column("Used", "right", rank=1),
    Column("Limit", "right"),
    Column("Free", "right", rank=2),
    Column("Share", "right", rank=3),
)


@command("account quotas", effect="read", examples=["account quotas", "account quotas sim-dev page:2"])
async def show_quotas(
    ctx: Context, account: str | None = None, *, sort: QuotaSort = "tight", csv: bool = False, page: int = 1
) -> Card:
    """Show all quotas of an account with what is used of them: cores of every VM family, pools, jobs and schedules.

    :param account: the account, by its name in the settings; if left out the default here
    :param sort: in which order VM families are listed
    :param csv: all quotas as a CSV file
    :param page: which page of 20 VM families
    """
    source = ctx.account(account)
    resource, (pools, at), counts, active = await asyncio.gather(
        source.resource(),
        source.every(Pool, "/pools", select=SELECT),
        node_counts.known(source),
        gaps.maybe("active jobs and schedules", active_jobs(source)),
    )
    properties = resource.value.properties
    used = await used_of(source, pools, counts, active)
    quotas = quotas_of(properties, used, families="all")
    families = _LIST.ordered((each for each in quotas if each.kind == "family"), sort)
    again = command_line("account quotas", source.name)
    if csv:
        rows = [*(each for each in quotas if each.kind != "family"), *families]
        return await _LIST.as_file(ctx, _LIST.again(again, sort), rows, at, source.name)
    page = build.within(page, len(families))
    shown = families[(page - 1) * build.PAGE : page * build.PAGE]
    tight = [each for each in quotas if each.level]
    ordered = _LIST.again(again, sort)
    return Card(
        title=titled(
            f"Quotas of {source.name}",
            build.shown(page, len(shown), len(families)) + " VM families" if families else None,
            f"{plural(len(tight), 'quota')} nearly full" if tight else None,
        ),
        mark=Mark.WARNING if tight else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            *bars(each for each in quotas if each.kind != "family"),
            *section("Dedicated cores by VM family", build.table(_COLUMNS, map(_row, shown)) if shown else None),
            None if families else Words(text(_NO_FAMILIES)),
            build.actions(
                *build.pager(ordered, page, len(families)),
                *_LIST.controls(again, sort),
                Button("Account", command_line("account show", source.name)),
                Button("Refresh", f"{ordered} page:{page}" if page > 1 else ordered, how="edit"),
                portal(source),
            ),
            build.note("A VM family that is not listed has none: ask for it in the portal.") if families else None,
        ),
    )


_NO_FAMILIES = "VM families have no quotas of their own here: the dedicated cores of the account as a whole count."


def _order(quota: Quota) -> tuple[float, int, str]:
    """Those nearest their limit first, then the largest; those that may have nothing last."""
    share = quota.used / quota.limit if quota.limit else float(quota.used > 0)
    return -share, -quota.limit, quota.family.lower()


_LIST: OwnList[Quota] = OwnList(
    "Quotas",
    {
        "tight": _order,
        "name": lambda each: each.family.lower(),
        "limit": lambda each: -each.limit,
    },
    {
        "quota": lambda each: each.what,
        "used": lambda each: each.used,
        "limit": lambda each: each.limit,
    },
)


def _row(quota: Quota) -> list[Text]:
    mark = MARKS[quota.level]
    return [
        text(quota.family) if not quota.level else text(chip(mark, quota.family)),
        text(number(quota.used)),
        text(number(quota.limit)),
        text(number(max(0, quota.limit - quota.used))),
        text(percent(quota.used, quota.limit)),
    ]
