"""Images that pools can be made of, and when Batch ends its support of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import ImageReference, Pool, SupportedImage
from bot.domain.images import image_key, image_name
from bot.filter import IMAGE
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.lacking import names_for
from cards import build
from cards.build import blocks, chip, code, facts, muted, text
from cards.card import Button, Card, Column, Mark, Menu, Option, Text
from cards.formatting import number, plural
from handlers.pool.given import key, key_of, offered_image, verified
from handlers.pool.machine import image_key_of
from handlers.shared.common import UNKNOWN, line, some, template, titled
from handlers.shared.filtering import Typed
from handlers.shared.listing import Listing, forwards
from handlers.shared.states import SOON, support_chip
from handlers.shared.verbs import verb

_COLUMNS = (
    Column("Image", width=4),
    Column("Support", width=3),
    Column("Your pools", "right", rank=1),
    Column("System", rank=3),
    Column("Verified", rank=4),
    Column("Node agent", rank=5, width=3),
)


@dataclass(frozen=True)
class Offered:
    """An image, and how many pools of the account are made of it."""

    image: SupportedImage
    used: int

    @property
    def name(self) -> str:
        """Publisher, offer and SKU."""
        return image_name(self.image.image_reference)


def _by_name(offered: Offered) -> str:
    return offered.name.lower()


ImageSort = Literal["used", "name", "support"]
_LIST: Listing[Offered] = Listing(
    IMAGE,
    "image list",
    "csv image",
    {
        "used": lambda offered: (-offered.used, _by_name(offered)),
        "name": _by_name,
        "support": lambda offered: (forwards(offered.image.batch_support_end_of_life), _by_name(offered)),
    },
    {
        "image": lambda offered: offered.name,
        "system": lambda offered: offered.image.os_type.lower(),
        "supported until": lambda offered: offered.image.batch_support_end_of_life,
        "your pools": lambda offered: offered.used,
        "verified": lambda offered: offered.image.verification_type.lower(),
        "node agent": lambda offered: offered.image.node_agent_sku_id,
    },
)


@command(
    "image list",
    effect="read",
    examples=["image list", "image list os:windows", "image list ubuntu", "image list mine:yes sort:support"],
)
async def list_images(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    os: Literal["linux", "windows"] | None = None,
    mine: Literal["yes", "no"] | None = None,
    sort: ImageSort = "used",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the images that pools can use, those your pools use first, with the end of their support.

    :param filter: which ones, such as ubuntu sku:22* until<2027-06-01 verified pools>1
    :param os: only images with this system
    :param mine: only images that your pools use, or do not use
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, page=page, os=os, mine=mine)
    shown = asked.of(*await _offered(source))
    at = shown.at
    ending = sum(_ends_soon(each, at) for each in shown.fitting)
    return Card(
        title=titled(
            "Images",
            shown.words,
            shown.extent,
            f"{plural(ending, 'image')} of your pools near the end of support" if ending else None,
        ),
        mark=Mark.WARNING if ending else Mark.NEUTRAL,
        as_of=at,
        blocks=blocks(
            shown.table(_COLUMNS, lambda each: _row(each, at), "The service offers no image."),
            build.actions(
                *shown.turning,
                _open_menu(ctx, source, [each.image for each in shown.rows if each.used]),
                Button("Open an image…", line(ctx, source, "image show"), how="form"),
                Button("Used by your pools", line(ctx, source, "image list", "mine:yes"), how="edit")
                if not asked.wanted
                else None,
                Button("Pools", line(ctx, source, "pool list")),
                *shown.controls,
            ),
            build.note("Support may end sooner for a whole system; images of your own are not in this list."),
        ),
    )


@command("csv image", effect="read", examples=["csv image", "csv image os:linux"])
async def csv_images(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: ImageSort = "used",
    account: str | None = None,
) -> Card:
    """Export images as a CSV file, all or those that match a filter.

    :param filter: which ones, as in image list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, whole=True)
    return await asked.as_file(*await _offered(source), source.name)


@command("image show", effect="read", examples=["image show canonical:ubuntu-24_04-lts:server"])
async def show_image(ctx: Context, image: str, *, account: str | None = None) -> Card:
    """Show one image: system, node agent, capabilities, end of support, and the pools that are made of it.

    :param image: the image, as publisher:offer:sku or words that only one has; image list shows them
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    images, listed = await asyncio.gather(source.images(), _pools(source))
    found = offered_image(images, image)
    pools, at = listed or ([], source.now())
    mine = [pool.id for pool in pools if key_of(pool.virtual_machine_configuration) == key(found)]
    agents = dict.fromkeys(each.node_agent_sku_id for each in images if key(each) == key(found))
    reference, end = found.image_reference or ImageReference(), found.batch_support_end_of_life
    chip_ = support_chip(end, at) if end else chip(Mark.RUNNING, "supported")
    return Card(
        title=titled(f"Image {image_name(reference).removesuffix(' latest')}", text(chip_), found.os_type.lower()),
        mark=chip_.mark if mine else Mark.NEUTRAL,
        as_of=at,
        blocks=blocks(
            facts(
                ("Publisher", reference.publisher),
                ("Offer", reference.offer),
                ("SKU", reference.sku),
                ("Version", reference.version),
                ("System", found.os_type.lower()),
                ("Node agent", "\n".join(agents)),
                ("Verified", "yes, with the node agent" if verified(found) else "no"),
                ("Support", text(chip_)),
                ("Capabilities", some(found.capabilities)),
                ("Your pools", (some(mine) or text(muted("none"))) if listed else UNKNOWN),
            ),
            build.actions(
                verb(ctx, source, "+ Pool", "pool create", how="form", image=key(found)),
                build.open_menu("Open a pool", template(ctx, source, "pool show", "{}"), mine),
                Button("All images", line(ctx, source, "image list")),
                Button("Refresh", line(ctx, source, "image show", key(found)), how="edit"),
                Button("JSON", line(ctx, source, "raw image", key(found))),
            ),
        ),
    )


def _open_menu(ctx: Context, source: Account, images: Iterable[SupportedImage]) -> Menu | None:
    """The images that pools use, of a list: the names of all are long, and would leave its table no room."""
    options = _options(images)
    return Menu("Open an image", template(ctx, source, "image show", "{}"), options, asks=True) if options else None


def _options(images: Iterable[SupportedImage]) -> tuple[Option, ...]:
    """Images by offer and SKU, which is what tells them apart."""
    named = {key(each): each.image_reference for each in images if each.image_reference}
    return tuple(Option(f"{each.offer} {each.sku}", name) for name, each in named.items() if each)


@names_for("image show", "raw image")
async def image_names(ctx: Context, given: Mapping[str, str]) -> list[Option]:
    """The verified images that the service offers."""
    return list(_options(filter(verified, await ctx.account(given.get("account")).images())))


async def _pools(source: Account) -> tuple[list[Pool], datetime] | None:
    reading = source.every(Pool, "/pools", select="id,virtualMachineConfiguration")
    return await gaps.maybe("images of your pools", reading)


async def _offered(source: Account) -> tuple[list[Offered], datetime]:
    """All images, and the service's time."""
    images, listed = await asyncio.gather(source.images(), _pools(source))
    pools, at = listed or ([], source.now())
    users = Counter(image_key_of(pool.virtual_machine_configuration) for pool in pools)
    return [Offered(each, users[image_key(each.image_reference)] if each.image_reference else 0) for each in images], at


def _ends_soon(offered: Offered, at: datetime) -> bool:
    end = offered.image.batch_support_end_of_life
    return bool(offered.used and end and end - at <= SOON)


def support(image: SupportedImage, at: datetime) -> Text:
    """Until when an image is supported."""
    end = image.batch_support_end_of_life
    return text(support_chip(end, at) if end else chip(Mark.RUNNING, "supported"))


def _row(offered: Offered, at: datetime) -> list[Text]:
    image, used = offered.image, offered.used
    return [
        text(code(offered.name.removesuffix(" latest"))),
        support(image, at),
        text(number(used)) if used else text(muted("–")),
        text(image.os_type.lower()),
        text("yes" if image.verification_type.lower() == "verified" else muted("no")),
        text(image.node_agent_sku_id),
    ]
