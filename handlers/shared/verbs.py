"""Buttons of verbs, and what their workflows share: a verb that the asker may not run is left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job
from bot.domain.job_health import pool_of
from bot.policy.rules import Target
from bot.requests.context import Context
from cards.card import Button, How, Menu, Option
from cards.command_line import join, named
from handlers.shared.common import line

T = TypeVar("T")
_WITHIN = {"task": "job", "node": "pool"}


def runs_on(job: Job) -> tuple[Target, ...]:
    """The pool that a job's tasks run on, for the policy: what starts tasks uses it."""
    return (Target("pool", pool),) if (pool := pool_of(job)) else ()


def may(ctx: Context, source: Account, path: str, target: Target) -> bool:
    """Whether the asker may run a verb on something here, and the bot has an identity that can."""
    known = ctx.registry.commands.get(path)
    if known is None or source.writer is None:
        return False
    asked = replace(known.question(ctx.request), account=source.name, target=target)
    if target.kind in known.mark.uses:  # it makes something like this, under a name that is still to be given
        asked = replace(asked, target=Target(target.kind), uses=(target,), partial=True)
    return ctx.services.policy.decide(asked).allowed


def verb(
    ctx: Context,
    source: Account,
    label: str,
    path: str,
    *names: str,
    how: How = "post",
    style: Literal["default", "primary", "danger"] = "default",
    **options: object,
) -> Button | None:
    """The button of a verb on the entity that ``names`` begin with; None where the asker may not run it."""
    if not may(ctx, source, path, target_of(path, names)):
        return None
    command = line(ctx, source, path, *names, **options)
    return Button(label, command, how=how, style=style)


def more(
    ctx: Context,
    source: Account,
    noun: str,
    names: Sequence[str],
    verbs: Sequence[tuple[str, str]],
    *,
    label: str = "More…",
) -> Menu | None:
    """The menu of the rarer verbs of one entity, which open their forms; None where the asker may run none.

    ``verbs`` are labels with the word of each: ``("Delete…", "delete")``.
    """
    options = tuple(
        Option(text, word) for text, word in verbs if may(ctx, source, f"{noun} {word}", target_of(noun, names))
    )
    if not options:
        return None
    about = join([*map(named, names[:1]), *names[1:], *ctx.naming(source)])
    return Menu(label, f"{noun} {{}} {about}", options, how="form")


def target_of(path: str, names: Sequence[str]) -> Target:
    """What a verb is about, as it is bound: the verbs of tasks are about their job, those of nodes about their pool."""
    noun = path.split(maxsplit=1)[0]
    return Target(_WITHIN.get(noun, noun), names[0] if names else "")


async def unless_gone(read: Callable[[], Awaitable[T]]) -> T | None:
    """What is read; None where it does not exist any more."""
    try:
        return await read()
    except AzureError as error:
        if not error.not_found:
            raise
        return None
