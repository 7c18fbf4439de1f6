"""VM sizes of the account's region, and how many nodes of each its quotas leave room for."""

from __future__ import annotations

import asyncio
from datetime import datetime
from math import inf
from typing import Literal

from bot.azure.errors import AzureError
from bot.azure.models import AccountProperties, Pool, VmSize
from bot.azure.prices import Prices
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Table, Text, Time, Words
from cards.phrases import number, plural
from handlers.account import Used, used_by
from handlers.common import line, titled
from handlers.costs import hourly
from handlers.states import support_chip

_COLUMNS = (
    Column("Size", width=3),
    Column("Cores", "right", width=2),
    Column("Memory", "right", rank=2),
    Column("Room for", width=2),
    Column("An hour", rank=1, width=3),
    Column("Family", rank=4, width=3),
    Column("Support", rank=3, width=2),
)
Sort = Literal["name", "cores", "memory", "price", "room"]


@command("size list", examples=["size list", "size list nc", "size list gpu:yes", "size list cores:16 sort:price"])
async def list_sizes(
    ctx: Context,
    name: str = "",
    *,
    cores: int | None = None,
    gpu: Literal["yes", "no"] | None = None,
    mine: Literal["yes"] | None = None,
    sort: Sort = "name",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the VM sizes of the account's region: cores, memory, price, and the nodes that its quotas leave room for.

    :param name: only sizes whose name or family contains this
    :param cores: only sizes with this many cores
    :param gpu: only sizes with or without GPUs
    :param mine: only sizes that your pools use
    :param sort: by what they are sorted
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    sizes, prices, (pools, at) = await asyncio.gather(
        source.vm_sizes(),
        source.prices(),
        source.every(Pool, "/pools", select="id,vmSize,currentDedicatedNodes,currentLowPriorityNodes"),
    )
    try:
        properties: AccountProperties | None = (await source.resource()).value.properties
        refused = ""
    except AzureError as error:
        properties, refused = None, f"Quotas are not to be had: {error.message}"
    used = used_by(pools, sizes, jobs=0, schedules=0)
    ours = {pool.vm_size.lower() for pool in pools}
    found = [
        size
        for size in sizes.values()
        if name.lower() in f"{size.name} {size.family}".lower()
        and cores in (None, size.vcpus)
        and (gpu is None or (size.gpus > 0) is (gpu == "yes"))
        and (mine is None or size.name.lower() in ours)
    ]
    left = {size.name: room(size, properties, used) for size in found}
    priced = {size.name: prices.hourly(size.name, windows=False, spot=False) for size in found}
    keys = {
        "name": lambda size: (size.name.lower().split("_")[1:], size.vcpus),
        "cores": lambda size: (size.vcpus, size.memory_gb),
        "memory": lambda size: (size.memory_gb, size.vcpus),
        "price": lambda size: (price.amount if (price := priced[size.name]) else inf, size.name.lower()),
        "room": lambda size: (-(left[size.name] or 0), size.vcpus),
    }
    found.sort(key=keys[sort])
    page = build.within(page, len(found))
    rows = found[(page - 1) * build.PAGE : page * build.PAGE]
    options = {"cores": cores, "gpu": gpu, "mine": mine, "sort": None if sort == "name" else sort}
    again = line(ctx, source, "size list", *([name] if name else []), **options)
    back, on = build.pager(again, page, len(found))
    return Card(
        title=titled(
            f"VM sizes in {source.settings.location}",
            f"“{name}”" if name else None,
            plural(cores, "core") if cores is not None else None,
            {"yes": "with GPUs", "no": "without GPUs", None: None}[gpu],
            "used by your pools" if mine else None,
            build.shown(page, len(rows), len(found)),
        ),
        mark=Mark.NEUTRAL,
        as_of=at,
        blocks=blocks(
            Words(text(chip(Mark.WARNING, refused))) if refused else None,
            _table(rows, left, prices, at) if rows else Words(text("No VM size fits.")),
            build.actions(
                back,
                on,
                Button("Used by your pools", line(ctx, source, "size list", mine="yes"), how="edit")
                if not mine
                else Button("All sizes", line(ctx, source, "size list"), how="edit"),
                Button("Quotas", f"account show {source.name}"),
                Button("Filter…", again, how="form"),
                Button("Refresh", f"{again} page:{page}", how="edit"),
            ),
            build.note(
                "Room is for dedicated nodes, by the quotas of family and account, less what pools have now.",
                *_about(prices, sort),
            ),
        ),
    )


def room(size: VmSize, properties: AccountProperties | None, used: Used) -> int | None:
    """How many dedicated nodes of a size the quotas leave room for; None where no quota is known."""
    if properties is None or properties.dedicated_core_quota is None or not size.vcpus:
        return None
    left = properties.dedicated_core_quota - used.dedicated
    if properties.dedicated_core_quota_per_vm_family_enforced:
        quotas = {each.name.lower(): each.core_quota for each in properties.dedicated_core_quota_per_vm_family or ()}
        family = size.family.lower()
        left = min(left, quotas.get(family, 0) - used.families.get(family, 0))
    return max(0, left) // size.vcpus


def _about(prices: Prices, sort: Sort) -> tuple[str | Time, ...]:
    """What the prices are, since they are not the only ones there might be."""
    if prices:
        return (f" Prices are list prices of a node with Linux, in {prices.currency}, read ", Time(prices.as_of), ".")
    return (" Prices are not known.",) if sort == "price" else ()


def _table(sizes: list[VmSize], left: dict[str, int | None], prices: Prices, at: datetime) -> Table:
    """The sizes; without the columns that have nothing to tell."""
    empty = {"" if prices else "An hour", "" if any(size.eol for size in sizes) else "Support"}
    places = [place for place, column in enumerate(_COLUMNS) if column.name not in empty]
    rows = [_row(size, left[size.name], prices, at) for size in sizes]
    return build.table([_COLUMNS[place] for place in places], [[row[place] for place in places] for row in rows])


def _row(size: VmSize, left: int | None, prices: Prices, at: datetime) -> list[Text]:
    return [
        text(code(size.name.removeprefix("Standard_"))),
        text(number(size.vcpus), f" + {plural(size.gpus, 'GPU')}" if size.gpus else ""),
        text(f"{number(size.memory_gb)} GB"),
        _room(left),
        text(hourly(prices, size.name) or muted("–")),
        text(size.family),
        _support(size, at),
    ]


def _room(left: int | None) -> Text:
    if left is None:
        return text(muted("–"))
    return text(plural(left, "node")) if left else text(chip(Mark.STOPPED, "no room"))


def _support(size: VmSize, at: datetime) -> Text:
    return text(support_chip(size.eol, at) if size.eol else muted("–"))
