"""What the handlers share: commands for buttons, titles, sections, and the small phrases of Batch."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import FailureInfo, NameValue, SupportedImage, UserIdentity, VmSize
from bot.content.clear_values import clear_named
from bot.domain.states import word
from bot.requests.context import Context
from bot.requests.used import lately
from cards.build import bold, fold, text
from cards.card import Block, Fold, Heading, Piece, Text, Time
from cards.command_line import join, join_template
from cards.formatting import duration

NEAREST = 4
ALIKE = 65
"""Of 100: so much a name has to be like what was typed to be offered for it. A wrong offer costs more than none."""
_PART = 3
"""Letters from which on a part of a name says which is meant."""
UNKNOWN = "?"
"""What stands where a value could not be read; the card says why."""


def line(ctx: Context, account: Account, *tokens: str, **options: object) -> str:
    """A command for a button: names are quoted, unset options left out, the account named where there are several.

    ``line(ctx, account, "task list", "my job", state="active")`` → ``task list 'my job' state:active``; an option that
    is True is a flag and stands by its name alone.
    """
    return join(_tokens(ctx, account, tokens, options))


def template(ctx: Context, account: Account, *tokens: str, **options: object) -> str:
    """A menu's command, with ``{}`` for the chosen value."""
    return join_template(_tokens(ctx, account, tokens, options))


def _tokens(ctx: Context, account: Account, tokens: Sequence[str], options: Mapping[str, object]) -> list[str]:
    path, *names = tokens
    set_ = [
        name if value is True else f"{name}:{value}"
        for name, value in options.items()
        if value is not None and value is not False and value != ""
    ]
    return [*path.split(), *ctx.registry.naming(path, names), *set_, *ctx.naming(account)]


def titled(*parts: object) -> Text:
    """A title: the first part stands out, the rest follows after middle dots."""
    first, *rest = [part for part in parts if part]
    pieces: list[object] = [bold(first) if isinstance(first, str) else first]
    for part in rest:
        pieces += [" · ", part]
    return text(*pieces)  # type: ignore[arg-type]


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that may have been meant by ``name``, best first, of equals those that were used last.

    None where nothing is like it.
    """
    scored = [(likeness, each) for each in dict.fromkeys(known) if (likeness := _likeness(name, each)) >= ALIKE]
    best = heapq.nsmallest(NEAREST, scored, key=lambda found: (-found[0], lately(found[1]), found[1]))
    return [each for _, each in best]


def full_size(typed: str) -> str:
    """The name of a VM size with the beginning that people leave out, to be held against names."""
    return typed if typed.lower().startswith("standard_") else f"Standard_{typed}"


def _likeness(typed: str, known: str) -> float:
    """From 0 to 100: letters in their order, or words in any; what was typed in part is like the whole."""
    one, other = default_process(typed), default_process(known)
    likeness = max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other))
    short, long = sorted((one, other), key=len)
    if len(short) >= _PART and short in long:
        return max(likeness, ALIKE + (100 - ALIKE) * len(short) / len(long))
    return likeness


async def sizes_of(account: Account) -> dict[str, VmSize]:
    """VM sizes by lower-case name; none where Resource Manager cannot be asked, since a card goes without them."""
    try:
        return await account.vm_sizes()
    except AzureError as error:
        gaps.missed("VM sizes", error)
        return {}


async def images_of(account: Account) -> list[SupportedImage]:
    """The images that the service supports; none where it does not say, since a card goes without them."""
    return await gaps.maybe("supported images", account.images()) or []


def section(name: str, *parts: Block | None) -> list[Block]:
    """A heading and what stands below it; nothing when nothing does."""
    kept = [part for part in parts if part is not None]
    return [Heading(name), *kept] if kept else []


def folded(
    ctx: Context, account: Account, whole: int, blocks: Sequence[Block | None], path: str, *names: str
) -> Fold | None:
    """What of an entity's card only who asks for it sees; ``whole`` is 1 where somebody did, else 0.

    ``path`` and ``names`` are the card's command.
    """
    other = line(ctx, account, path, *names, whole=None if whole else 1)
    return fold("All details", blocks, other, opened=bool(whole))


def run_time(start: datetime | None, end: datetime | None) -> str:
    """How long something ran, in words; empty where it never started."""
    return duration(end - start) if start and end and end >= start else ""


def day(moment: datetime) -> str:
    """A day that is the same wherever it is read, such as the end of support: ``1 Apr 2027``."""
    return f"{moment.day} {moment:%b %Y}"


def failure(info: FailureInfo | None) -> Text:
    """A failure as the service reports it: whose fault, code, message."""
    if info is None:
        return ()
    whose = "Azure's fault" if info.category.lower() == "servererror" else ""
    return text(bold(info.code), f" ({whose})" if whose else "", f": {info.message}" if info.message else "")


def since(state: str | Piece, moment: datetime | None) -> Text:
    """A state and since when: ``● active · 3 days ago, Fri 20 Nov 08:00``; nothing where there is no state."""
    if not state:
        return ()
    return text(state, *((" · ", Time(moment)) if moment else ()))


def identity(user: UserIdentity | None) -> str:
    """Whom a task runs as, in words."""
    if user is None:
        return ""
    if user.username:
        return user.username
    if user.auto_user:
        return f"automatic {word(user.auto_user.elevation_level or 'nonadmin')} user ({user.auto_user.scope or 'pool'})"
    return ""


def named(values: Iterable[NameValue]) -> str:
    """``name=value``, a line each; values whose name says that they are secret are not shown."""
    return "\n".join(f"{each.name}={clear_named(each.name, each.value)}" for each in values)


def some(lines: Sequence[str], most: int = 8) -> str:
    """A line each, the rest counted."""
    rest = len(lines) - most
    return "\n".join([*lines[:most], *([f"and {rest:,} more"] if rest > 0 else [])])


def tail(resource: str) -> str:
    """The last part of a resource's id, which is its name."""
    return resource.rstrip("/").rsplit("/", 1)[-1]
