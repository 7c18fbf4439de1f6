"""What people type for a pool's parts: pairs of names and values, packages, a VM size, an image."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from bot.azure.account import Account
from bot.azure.models import SupportedImage, VmConfiguration, VmSize
from bot.azure.models.price import Prices
from bot.domain.bodies.create import Image
from bot.domain.images import image_key
from bot.requests.command import CommandError
from cards.card import Option
from cards.formatting import money, number, plural
from handlers.shared.capacity import Capacity
from handlers.shared.common import day, full_size, nearest
from handlers.shared.shown_as import resource_id

MOST_OPTIONS = 100
"""Options that a choice can have on every platform (Slack's limit)."""
NONE = "none"
"""The word that takes something away."""
_OWN = "/subscriptions/"
_FIELDS = {"variable": "env"}
"""The parameter that pairs are given with, where it is not called as they are."""
_PART = re.compile(r"[:\s]+")


def pairs(typed: str, what: str) -> dict[str, str]:
    """``a=1,b=2`` by name; an item with a comma in it stands in double quotes. Raises CommandError."""
    found: dict[str, str] = {}
    for item in _items(typed):
        name, is_pair, value = item.partition("=")
        if not is_pair or not name.strip():
            raise CommandError(
                f"“{item[:60]}” is no {what}: write name=value, with commas between them.", at=_FIELDS.get(what, what)
            )
        found[name.strip()] = value.strip()
    return found


def packages(source: Account, typed: str) -> dict[str, str]:
    """``renderer=2.1,tools`` as references to the account's packages, by their resource id as the service wants them.

    A package without a version is the application's default one.
    """
    root = f"{resource_id(source)}/applications/"
    named = (item.partition("=") for item in _items(typed) if item.lower() != NONE)
    return {name if name.startswith("/") else root + name: version.strip() for name, _, version in named}


def _items(typed: str) -> list[str]:
    rows = csv.reader(typed.splitlines(), skipinitialspace=True)
    return [item.strip() for item in chain.from_iterable(rows) if item.strip()]


def vm_size(sizes: Mapping[str, VmSize], typed: str) -> str:
    """The VM size that was meant, in its own spelling. Raises CommandError where the region has none of that name."""
    if not sizes:
        return typed  # Resource Manager cannot be asked: the service decides
    name = typed.lower()
    found = sizes.get(name) or sizes.get(f"standard_{name}")
    if found is None:
        near = nearest(full_size(typed), [size.name for size in sizes.values()])
        hint = f" Near it: {', '.join(near)}." if near else ""
        raise CommandError(f"The region has no VM size “{typed[:60]}”.{hint}", ["size list"], at="size")
    return found.name


def image(images: Sequence[SupportedImage], typed: str, agent: str = "") -> Image:
    """The image that was meant: ``publisher:offer:sku``, words that only one has, or the resource id of an own one.

    Of several the one whose name all others begin with is meant: ``server``, and not ``server-gen1``.

    Raises CommandError where it is none or several.
    """
    if typed.lower().startswith(_OWN):
        if not agent:
            raise CommandError(
                "An image of your own needs its node agent too: agent:'batch.node.ubuntu 22.04'.", at="image"
            )
        return Image(agent, resource_id=typed)
    found = offered_image(images, typed)
    reference = found.image_reference
    if reference is None:
        raise CommandError("The service does not say what that image is.", ["image list"])
    parts = _parts(typed)
    version = parts[3] if key(found) == ":".join(parts[:3]) and len(parts) > 3 else reference.version
    return Image(found.node_agent_sku_id, reference.publisher, reference.offer, reference.sku, version)


def offered_image(images: Sequence[SupportedImage], typed: str) -> SupportedImage:
    """The image of the service that was meant, as :func:`image` reads it. Raises CommandError."""
    parts = _parts(typed)
    exact = [each for each in images if key(each) == ":".join(parts[:3])]
    found = exact or [each for each in images if all(part in key(each) for part in parts)]
    if len(found) > 1:
        found = [each for each in found if verified(each)] or found
        shortest = min(found, key=lambda each: len(key(each)))
        found = [shortest] if all(key(each).startswith(key(shortest)) for each in found) else found
    if len(found) != 1:
        which = "several images" if found else "no image"
        near = [key(each) for each in found[:4]] or nearest(typed, [key(each) for each in images])
        hint = f" Such as {', '.join(near)}." if near else ""
        raise CommandError(f"“{typed[:60]}” is {which} that the service offers.{hint}", ["image list"], at="image")
    return found[0]


def _parts(typed: str) -> list[str]:
    return [part for part in _PART.split(typed.lower()) if part]


def key(offered: SupportedImage) -> str:
    """An image as it is typed: ``canonical:ubuntu-24_04-lts:server``."""
    return ":".join(image_key(offered.image_reference)) if offered.image_reference else ""


def key_of(machine: VmConfiguration | None) -> str:
    """The same of a pool's image; empty for one of its own."""
    return ":".join(image_key(machine.image_reference)) if machine and machine.image_reference else ""


def verified(offered: SupportedImage) -> bool:
    """Whether Microsoft has tried it with the node agent."""
    return offered.verification_type.lower() == "verified"


def size_options(known: Capacity, used: Iterable[str], like: str, now: datetime) -> tuple[tuple[Option, ...], int]:
    """VM sizes with cores, price and room for a choice: those in use first, then the cheapest; how many there are.

    ``like`` is a part of the name that they have.
    """
    mine = {each.lower() for each in used}
    fitting = [
        size
        for size in known.sizes.values()
        if like.lower() in size.name.lower() and not (size.eol and size.eol <= now)
    ]

    def order(size: VmSize) -> tuple[bool, bool, float, str]:
        room = known.room(size.name).nodes
        price = known.prices.hourly(size.name, windows=False, spot=False)
        return size.name.lower() not in mine, room == 0, price.amount if price else 1e9, size.name

    fitting.sort(key=order)
    return tuple(Option(_size_label(known, size), size.name) for size in fitting[:MOST_OPTIONS]), len(fitting)


def _size_label(known: Capacity, size: VmSize) -> str:
    parts = [size.name.removeprefix("Standard_"), f"{plural(size.vcpus, 'core')}, {number(size.memory_gb)} GB"]
    if size.gpus:
        parts[1] += f", {plural(size.gpus, 'GPU')}"
    if price := _price(known.prices, size):
        parts.append(price)
    if (room := known.room(size.name).nodes) is not None:
        parts.append(f"room for {number(room)}" if room else "no room")
    return " · ".join(parts)


def _price(prices: Prices, size: VmSize) -> str:
    found = prices.hourly(size.name, windows=False, spot=False)
    return f"{money(found.amount, prices.currency)}/h" if found else ""


def image_options(images: Sequence[SupportedImage], used: Iterable[str], now: datetime) -> tuple[Option, ...]:
    """Verified images with the end of their support for a choice, those in use first; none that has ended."""
    mine = set(used)
    fitting = [
        each
        for each in images
        if each.image_reference
        and verified(each)
        and not (each.batch_support_end_of_life and each.batch_support_end_of_life <= now)
    ]
    fitting.sort(key=lambda each: (key(each) not in mine, each.os_type.lower() != "linux", key(each)))
    return tuple(Option(_image_label(each), key(each)) for each in fitting[:MOST_OPTIONS])


def _image_label(offered: SupportedImage) -> str:
    reference, end = offered.image_reference, offered.batch_support_end_of_life
    name = f"{reference.offer} {reference.sku}" if reference else ""
    return f"{name} · until {day(end)}" if end else name


def ended(images: Sequence[SupportedImage], wanted: Image) -> datetime | None:
    """When the support of an image ends or has ended, where the service says so."""
    named = f"{wanted.publisher}:{wanted.offer}:{wanted.sku}".lower()
    return next((each.batch_support_end_of_life for each in images if key(each) == named), None)
