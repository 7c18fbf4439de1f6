"""Accounts that the bot's identity sees and the settings do not name, with what to write so that they are watched."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.azure.discovery import Seen, part_of_id
from bot.azure.models import BatchAccountResource
from cards import build
from cards.build import bold, code, muted, text
from cards.card import Block, Code, Column, Text, Words
from cards.formatting import number, plural

_COLUMNS = (
    Column("Not watched", width=2),
    Column("Region", rank=2, width=2),
    Column("Resource group", rank=1, width=2),
    Column("Subscription", rank=3, width=2),
)
_SHOWN, _WRITTEN = 10, 3


def section(seen: Seen) -> Sequence[Block]:
    """What was found, or could not be; nothing where the settings name all that there is."""
    found = seen.accounts
    blocks: list[Block | None] = []
    if found:
        blocks.append(Words(text(bold(f"{plural(len(found), 'account')} not watched"))))
        blocks.append(build.table(_COLUMNS, map(_row, found[:_SHOWN])))
        if len(found) > _SHOWN:
            blocks.append(Words(text(muted(f"and {number(len(found) - _SHOWN)} more"))))
        which = "one" if len(found) <= _WRITTEN else f"one, such as {found[0].name}"
        blocks.append(
            Words(
                text(
                    f"To watch {which}, give the bot's identity the role Azure Batch Account Reader on it, "
                    "add its table to the settings file and start the bot anew:"
                )
            )
        )
        blocks.append(Code("\n\n".join(map(_table, found[:_WRITTEN]))))
    if seen.gaps:
        blocks.append(build.note(" ".join(seen.gaps)))
    return [each for each in blocks if each is not None]


def _row(account: BatchAccountResource) -> list[Text]:
    return [
        text(code(account.name)),
        text(account.location),
        text(part_of_id(account.id, "resourceGroups")),
        text(part_of_id(account.id, "subscriptions")),
    ]


def _table(account: BatchAccountResource) -> str:
    """The account's table of the settings file."""
    key = re.sub(r"[^A-Za-z0-9_-]", "-", account.name)
    endpoint = account.properties.account_endpoint
    return "\n".join(
        (
            f"[accounts.{key}]",
            f'endpoint = "{endpoint if "://" in endpoint else f"https://{endpoint}"}"',
            f'subscription = "{part_of_id(account.id, "subscriptions")}"',
            f'resource_group = "{part_of_id(account.id, "resourceGroups")}"',
        )
    )
