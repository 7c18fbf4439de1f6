"""All accounts that the bot serves, over all subscriptions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.discovery import Seen, unnamed
from bot.azure.errors import AzureError
from bot.domain.states import word
from bot.filter import ACCOUNT
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Text
from cards.formatting import number, plural
from handlers.account import unwatched
from handlers.shared import node_counts
from handlers.shared.common import titled
from handlers.shared.filtering import Typed
from handlers.shared.listing import Asked, Listing

_COLUMNS = (
    Column("Account", width=2),
    Column("State", width=2),
    Column("Region", rank=2, width=2),
    Column("Pools", "right", rank=3),
    Column("Nodes", "right", rank=1),
    Column("Allocation", rank=4, width=2),
)


@dataclass(frozen=True)
class AccountRow:
    """An account in the list. Counts are None, and ``refused`` the code, where it does not answer."""

    name: str
    region: str
    state: str
    index: int
    """Where it stands in the settings."""
    pools: int | None = None
    nodes: int | None = None
    bad: int | None = None
    allocation: str = ""
    refused: str = ""


AccountSort = Literal["settings", "name", "region", "nodes", "bad"]
_LIST: Listing[AccountRow] = Listing(
    ACCOUNT,
    "account list",
    "csv account",
    {
        "settings": lambda each: each.index,
        "name": lambda each: each.name.lower(),
        "region": lambda each: (each.region, each.name.lower()),
        "nodes": lambda each: (-(each.nodes or 0), each.name.lower()),
        "bad": lambda each: (not each.refused, -(each.bad or 0), each.name.lower()),
    },
    {
        "account": lambda each: each.name,
        "state": lambda each: each.state,
        "region": lambda each: each.region,
        "pools": lambda each: each.pools,
        "nodes": lambda each: each.nodes,
        "bad nodes": lambda each: each.bad,
        "allocation": lambda each: each.allocation,
    },
)


@command(
    "account list",
    effect="read",
    examples=["account list", "account list bad>0", "account list region:west* sort:nodes"],
    menu=70,
)
async def list_accounts(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: AccountSort = "settings",
    page: int = 1,
) -> Card:
    """List the accounts that this bot manages, across all subscriptions, and those it sees but does not watch.

    :param filter: which ones, such as render* region:westeurope nodes>100 bad>0
    :param sort: in which order
    :param page: which page of 20
    """
    asked = _LIST.asked(ctx, None, filter, sort=sort, page=page)
    whole, seen = await asyncio.gather(_rows(ctx), _unwatched(ctx, asked))
    shown = asked.of(*whole)
    return Card(
        title=titled("Accounts", shown.words, shown.extent),
        mark=Mark.WARNING if any(each.refused for each in shown.fitting) else Mark.RUNNING,
        as_of=shown.at,
        blocks=blocks(
            shown.table(_COLUMNS, _row, "The settings name no account."),
            *unwatched.section(seen),
            build.actions(
                *shown.turning,
                build.open_menu("Open an account", "account show {}", [each.name for each in shown.rows]),
                Button("+ New account", "account create", how="form") if ctx.allows("account create") else None,
                *shown.controls,
            ),
        ),
    )


@command("csv account", effect="read", examples=["csv account"])
async def csv_accounts(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: AccountSort = "settings",
) -> Card:
    """Export accounts as a CSV file, all or those that match a filter.

    :param filter: which ones, as in account list
    :param sort: in which order
    """
    asked = _LIST.asked(ctx, None, filter, sort=sort, whole=True)
    return await asked.as_file(*await _rows(ctx), "this bot")


async def _unwatched(ctx: Context, asked: Asked[AccountRow]) -> Seen:
    """What the settings do not name, beside the whole list: a filter and a page are of those that are watched."""
    whole = asked.page == 1 and not asked.wanted.tokens
    return await unnamed(ctx.accounts) if whole else Seen()


async def _rows(ctx: Context) -> tuple[list[AccountRow], datetime]:
    """Every account, and the time by the clock that is furthest on."""
    accounts = list(ctx.accounts)
    found = await asyncio.gather(*(_read(index, account) for index, account in enumerate(accounts)))
    return found, max((account.now() for account in accounts), default=ctx.now())


async def _read(index: int, account: Account) -> AccountRow:
    """One that does not answer says so instead of spoiling the list."""
    region = account.settings.location
    try:
        counts = (await account.node_counts())[0]
    except AzureError as error:
        gaps.note(f"account {account.name}", gaps.reason(error))
        return AccountRow(account.name, region, error.code, index, refused=error.code)
    try:
        properties = (await account.resource()).value.properties
        state, mode = properties.provisioning_state.lower(), properties.pool_allocation_mode
    except AzureError as error:
        gaps.missed(f"state and mode of account {account.name}", error)
        state, mode = "answers", ""
    nodes = sum(node_counts.by_state(counts).values())
    bad = sum(node_counts.bad(entry) for entry in counts)
    return AccountRow(account.name, region, state, index, len(counts), nodes, bad, mode)


def _row(account: AccountRow) -> list[Text]:
    if account.refused:
        state = chip(Mark.FAILED, account.refused)
    elif account.bad:
        state = chip(Mark.WARNING, plural(account.bad, "bad node"))
    else:
        state = chip(Mark.RUNNING, account.state)
    return [
        text(code(account.name)),
        text(state),
        text(account.region),
        text(number(account.pools) if account.pools is not None else "–"),
        text(number(account.nodes) if account.nodes is not None else "–"),
        text((account.allocation and word(account.allocation)) or ("–" if account.refused else muted("–"))),
    ]
