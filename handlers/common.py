"""What the handlers share: commands for buttons, titles, sections, and the small phrases of Batch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rapidfuzz import fuzz, process

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import FailureInfo, NameValue, UserIdentity, VmSize
from bot.commands import join
from bot.context import Context
from cards.build import bold, text
from cards.card import Block, Heading, Text
from cards.phrases import duration

NEAREST = 4


def line(ctx: Context, account: Account, *tokens: str, **options: object) -> str:
    """A command for a button: names are quoted, unset options left out, the account named unless it is the default.

    ``line(ctx, account, "task list", "my job", state="active")`` → ``task list 'my job' state:active``.
    """
    path, *names = tokens
    words = [*path.split(), *names]
    words += [f"{name}:{value}" for name, value in options.items() if value not in (None, "", False)]
    if account.name != ctx.account(None).name:
        words.append(f"account:{account.name}")
    return join(words)


def template(ctx: Context, account: Account, *tokens: str) -> str:
    """A menu's command, with ``{}`` for the chosen value."""
    return line(ctx, account, *tokens).replace("'{}'", "{}")


def titled(*parts: object) -> Text:
    """A title: the first part stands out, the rest follows after middle dots."""
    first, *rest = [part for part in parts if part]
    pieces: list[object] = [bold(first) if isinstance(first, str) else first]
    for part in rest:
        pieces += [" · ", part]
    return text(*pieces)  # type: ignore[arg-type]


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names most like ``name``, best first."""
    found = process.extract(name, list(known), scorer=fuzz.WRatio, limit=NEAREST, score_cutoff=50)
    return [best for best, _, _ in found]


async def sizes_of(account: Account) -> dict[str, VmSize]:
    """VM sizes by lower-case name; none where Resource Manager cannot be asked, since a card goes without them."""
    try:
        return await account.vm_sizes()
    except AzureError:
        return {}


def section(name: str, *parts: Block | None) -> list[Block]:
    """A heading and what stands below it; nothing when nothing does."""
    kept = [part for part in parts if part is not None]
    return [Heading(name), *kept] if kept else []


def run_time(start: datetime | None, end: datetime | None) -> str:
    """How long something ran, in words; empty where it never started."""
    return duration(end - start) if start and end and end >= start else ""


def failure(info: FailureInfo | None) -> Text:
    """A failure as the service tells it: whose fault, code, message."""
    if info is None:
        return ()
    whose = "Azure's fault" if info.category.lower() == "servererror" else ""
    return text(bold(info.code), f" ({whose})" if whose else "", f": {info.message}" if info.message else "")


def identity(user: UserIdentity | None) -> str:
    """Whom a task runs as, in words."""
    if user is None:
        return ""
    if user.username:
        return user.username
    if user.auto_user:
        return f"automatic {user.auto_user.elevation_level or 'non-admin'} user ({user.auto_user.scope or 'pool'})"
    return ""


def named(values: Iterable[NameValue]) -> str:
    """``name=value`` pairs."""
    return ", ".join(f"{each.name}={each.value}" for each in values)
