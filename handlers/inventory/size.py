"""VM sizes of the account's region, and how many nodes of each its quotas leave room for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Literal

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import AccountProperties, Pool, VmSize
from bot.azure.models.price import Prices
from bot.domain.headroom import headroom
from bot.filter import SIZE
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Table, Text, Time, Words
from cards.command_line import command as command_line
from cards.formatting import number, plural
from handlers.shared import node_counts
from handlers.shared.capacity import SELECT, used_of
from handlers.shared.common import line, template, titled
from handlers.shared.filtering import Typed
from handlers.shared.listing import Listing, Shown
from handlers.shared.portal import portal
from handlers.shared.states import support_chip
from handlers.usage.costs import hourly

_COLUMNS = (
    Column("Size", width=3),
    Column("Cores", "right", width=2),
    Column("Memory", "right", rank=2),
    Column("Room for", width=2),
    Column("An hour", rank=1, width=3),
    Column("Family", rank=2, width=3),
    Column("Support", width=2, beneath=True),
)


@dataclass(frozen=True)
class Sized:
    """A VM size of the region as this account may have it.

    ``room`` is how many dedicated nodes of it the quotas leave room for and ``price`` what a node with Linux costs an
    hour, each None where it is not known; ``mine`` says that pools are made of it.
    """

    size: VmSize
    room: int | None
    mine: bool
    price: float | None


def _by_name(sized: Sized) -> tuple[list[str], int]:
    """Series by series, small ones first."""
    return sized.size.name.lower().split("_")[1:], sized.size.vcpus


SizeSort = Literal["name", "cores", "memory", "price", "room"]
_LIST: Listing[Sized] = Listing(
    SIZE,
    "size list",
    "csv size",
    {
        "name": _by_name,
        "cores": lambda sized: (sized.size.vcpus, sized.size.memory_gb),
        "memory": lambda sized: (sized.size.memory_gb, sized.size.vcpus),
        "price": lambda sized: (inf if sized.price is None else sized.price, sized.size.name.lower()),
        "room": lambda sized: (-(sized.room or 0), sized.size.vcpus),
    },
    {
        "size": lambda sized: sized.size.name,
        "family": lambda sized: sized.size.family,
        "cores": lambda sized: sized.size.vcpus,
        "memory in GB": lambda sized: sized.size.memory_gb,
        "GPUs": lambda sized: sized.size.gpus,
        "price an hour": lambda sized: sized.price,
        "room for nodes": lambda sized: sized.room,
        "your pools": lambda sized: "yes" if sized.mine else "no",
        "supported until": lambda sized: sized.size.eol,
    },
)


@command(
    "size list",
    effect="read",
    examples=["size list", "size list nc", "size list gpu:yes room>0", "size list cores:16,32 price<2 sort:price"],
)
async def list_sizes(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    gpu: Literal["yes", "no"] | None = None,
    mine: Literal["yes", "no"] | None = None,
    sort: SizeSort = "name",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the VM sizes of the account's region: cores, memory, price, and how many nodes the quotas allow.

    :param filter: which ones, such as nc cores:16 memory>=64 price<2 room>0 family~dsv5
    :param gpu: only sizes with or without GPUs
    :param mine: only sizes that your pools use, or do not use
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, page=page, gpu=gpu, mine=mine)
    sizes, prices, refused, at = await _sized(source)
    shown = asked.of(sizes, at)
    return Card(
        title=titled(f"VM sizes in {source.settings.location}", shown.words, shown.extent),
        mark=Mark.NEUTRAL,
        as_of=at,
        blocks=blocks(
            Words(text(chip(Mark.WARNING, refused))) if refused else None,
            _table(shown, prices),
            build.actions(
                *shown.turning,
                Button("Used by your pools", line(ctx, source, "size list", "mine:yes"), how="edit")
                if not asked.wanted
                else None,
                Button("Quotas", command_line("account show", source.name)),
                build.open_menu(
                    "JSON of a size",
                    template(ctx, source, "raw size", "{}"),
                    [each.size.name for each in shown.rows],
                ),
                *shown.controls,
                portal(source, "quotas"),
            ),
            build.note(
                "Room is for dedicated nodes, by the quotas of family and account, less what pools have now.",
                *_about(prices, sort),
            ),
        ),
    )


@command("csv size", effect="read", examples=["csv size", "csv size mine:yes"])
async def csv_sizes(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: SizeSort = "name",
    account: str | None = None,
) -> Card:
    """Export VM sizes as a CSV file, all or those that match a filter.

    :param filter: which ones, as in size list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, whole=True)
    sizes, _, _, at = await _sized(source)
    return await asked.as_file(sizes, at, source.settings.location)


async def _sized(source: Account) -> tuple[list[Sized], Prices, str, datetime]:
    """Every size, the prices, why quotas can never be read, and the service's time."""
    sizes, prices, counts, listed = await asyncio.gather(
        source.vm_sizes(),
        source.prices(),
        node_counts.known(source),
        gaps.maybe("pools, and so what of the quotas is left", source.every(Pool, "/pools", select=SELECT)),
    )
    pools, at = listed or ([], source.now())
    try:
        properties: AccountProperties | None = (await source.resource()).value.properties
        refused = ""
    except AzureError as error:
        why = gaps.missed("quotas", error)
        properties, refused = None, why and f"Quotas cannot be read: {why}"
    if listed is None:
        properties = None  # nobody knows what is used of them
    used = await used_of(source, pools, counts, 0)
    ours = {pool.vm_size.lower() for pool in pools}
    found = []
    for name, size in sizes.items():
        price = prices.hourly(size.name, windows=False, spot=False)
        found.append(
            Sized(
                size, headroom(size, properties, used, spot=False).nodes, name in ours, price.amount if price else None
            )
        )
    return found, prices, refused, at


def _about(prices: Prices, sort: SizeSort) -> tuple[str | Time, ...]:
    """What the prices are, since they are not the only ones there might be."""
    if prices:
        return (f" Prices are list prices of a node with Linux, in {prices.currency}, read ", Time(prices.as_of), ".")
    return (" Prices are not known.",) if sort == "price" else ()


def _table(shown: Shown[Sized], prices: Prices) -> Table | Words:
    """The sizes; without the columns that have nothing to show."""
    empty = {"" if prices else "An hour", "" if any(each.size.eol for each in shown.rows) else "Support"}
    indexes = [index for index, column in enumerate(_COLUMNS) if column.name not in empty]

    def cells(sized: Sized) -> list[Text]:
        row = _row(sized, prices, shown.at)
        return [row[index] for index in indexes]

    return shown.table([_COLUMNS[index] for index in indexes], cells, "The region has no VM size.")


def _row(sized: Sized, prices: Prices, at: datetime) -> list[Text]:
    size = sized.size
    return [
        text(code(size.name.removeprefix("Standard_"))),
        text(number(size.vcpus), f" + {plural(size.gpus, 'GPU')}" if size.gpus else ""),
        text(f"{number(size.memory_gb)} GB"),
        _room(sized.room),
        text(hourly(prices, size.name) or muted("–")),
        text(size.family),
        _support(size, at),
    ]


def _room(left: int | None) -> Text:
    if left is None:
        return text(muted("–"))
    return text(plural(left, "node")) if left else text(chip(Mark.STOPPED, "no room"))


def _support(size: VmSize, at: datetime) -> Text:
    return text(support_chip(size.eol, at)) if size.eol else ()
