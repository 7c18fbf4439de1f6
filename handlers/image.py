"""Images that pools can be made of, and when Batch ends its support of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.azure.models import Pool, SupportedImage
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Text, Words
from cards.phrases import number, plural
from handlers.common import line, titled
from handlers.pool_machine import image_key, image_key_of, image_name
from handlers.states import SOON, support_chip

_COLUMNS = (
    Column("Image", width=4),
    Column("Support", width=3),
    Column("Your pools", "right", rank=1),
    Column("System", rank=3),
    Column("Verified", rank=4),
    Column("Node agent", rank=5, width=3),
)


@command("image list", examples=["image list", "image list os:windows", "image list ubuntu", "image list mine:yes"])
async def list_images(
    ctx: Context,
    name: str = "",
    *,
    os: Literal["linux", "windows"] | None = None,
    mine: Literal["yes"] | None = None,
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the images that pools can be made of, the ones your pools use first, with the end of their support.

    :param name: only images whose publisher, offer or SKU contains this
    :param os: only images with this system
    :param mine: only images that your pools use
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    images = await source.images()
    pools, at = await source.every(Pool, "/pools", select="id,virtualMachineConfiguration")
    users: dict[tuple[str, str, str], int] = {}
    for pool in pools:
        if key := image_key_of(pool.virtual_machine_configuration):
            users[key] = users.get(key, 0) + 1

    def used(image: SupportedImage) -> int:
        return users.get(image_key(image.image_reference), 0) if image.image_reference else 0

    found = [
        image
        for image in images
        if os in (None, image.os_type.lower())
        and name.lower() in image_name(image.image_reference).lower()
        and (mine is None or used(image))
    ]
    found.sort(key=lambda image: (-used(image), image_name(image.image_reference)))
    ending = sum(bool(used(image) and (end := image.batch_support_end_of_life) and end - at <= SOON) for image in found)
    page = build.within(page, len(found))
    rows = found[(page - 1) * build.PAGE : page * build.PAGE]
    again = line(ctx, source, "image list", *([name] if name else []), os=os, mine=mine)
    back, on = build.pager(again, page, len(found))
    return Card(
        title=titled(
            "Images",
            os,
            f"“{name}”" if name else None,
            "used by your pools" if mine else None,
            build.shown(page, len(rows), len(found)),
            f"{plural(ending, 'image')} of your pools near the end of support" if ending else None,
        ),
        mark=Mark.WARNING if ending else Mark.NEUTRAL,
        as_of=at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(image, used(image), at) for image in rows])
            if rows
            else Words(text("No supported image fits.")),
            build.actions(
                back,
                on,
                Button("Used by your pools", line(ctx, source, "image list", mine="yes"), how="edit")
                if not mine
                else Button("All images", line(ctx, source, "image list"), how="edit"),
                Button("Pools", line(ctx, source, "pool list")),
                Button("Filter…", again, how="form"),
                Button("Refresh", f"{again} page:{page}", how="edit"),
            ),
            build.note("Support may end sooner for a whole system; images of your own are not in this list."),
        ),
    )


def support(image: SupportedImage, at: datetime) -> Text:
    """Until when an image is supported."""
    end = image.batch_support_end_of_life
    return text(support_chip(end, at) if end else chip(Mark.RUNNING, "supported"))


def _row(image: SupportedImage, used: int, at: datetime) -> list[Text]:
    return [
        text(code(image_name(image.image_reference).removesuffix(" latest"))),
        support(image, at),
        text(number(used)) if used else text(muted("–")),
        text(image.os_type.lower()),
        text("yes" if image.verification_type.lower() == "verified" else muted("no")),
        text(image.node_agent_sku_id),
    ]
