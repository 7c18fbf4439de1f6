"""What a command needs and was not given: the names that there are, each to choose.

Pools, jobs and what else is completed in forms come from the same names (:mod:`bot.monitor.names`). What else a command
takes the name of, its handler module offers, beside the command:

    @names_for("alert show", "alert ack")
    async def open_alerts(ctx: Context, given: Mapping[str, str]) -> list[Option]: ...

A choice of a command that only reads is its answer; of others it opens the form, filled in, so that nothing is changed
by a slip in a menu.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import structlog

from bot.requests import binding, forms
from bot.requests.command import NAMED, Command, CommandError, Parameter
from bot.requests.grammar import words
from bot.requests.registry import LIVE_NAMES
from cards.build import blocks, bold, text
from cards.card import Actions, Button, Card, Mark, Menu, Option, Words
from cards.command_line import join, join_template
from cards.formatting import number, with_article

if TYPE_CHECKING:
    from bot.requests.context import Context

log = structlog.get_logger()

MOST = 36
"""Names that are offered at once; a form completes all of them."""
_IN_TIME = 2.0
"""Seconds after which the form is offered alone."""

Offering: TypeAlias = Callable[["Context", Mapping[str, str]], Awaitable[list[Option]]]
"""Names to choose from, the likeliest first; what else was typed is given by the parameter's name."""
O = TypeVar("O", bound=Offering)  # noqa: E741


def names_for(*paths: str) -> Callable[[O], O]:
    """Mark an async function as what offers the names that these commands need."""

    def marked(offering: O) -> O:
        setattr(offering, LIVE_NAMES, paths)
        return offering

    return marked


async def card(ctx: Context, error: CommandError) -> Card | None:
    """The names of what is lacking; None where none are known, or the asker may not run the command."""
    if not error.forms:
        return None
    tokens = words(error.forms[0])
    known = ctx.registry.command(tokens)
    given = forms.filled_in(known, tokens[len(known.path.split()) :])
    parameter = next((each for each in known.parameters if each.name == error.lacks), None)
    question = binding.draft(known, given, ctx.request)
    if parameter is None or parameter.name in given or not ctx.services.policy.decide(question).allowed:
        return None
    options = await _options(ctx, known, parameter, given)
    if not options:
        return None
    shown = options[:MOST]
    positions = [each for each in known.parameters if each.positional and not each.many]
    before = [given[each.name] for each in positions[: positions.index(parameter)]] if parameter in positions else []
    options_given = [
        each.name if each.kind == "flag" else f"{each.name}:{given[each.name]}"
        for each in known.parameters
        if not each.positional and each.name in given
    ]
    chosen = "{}" if parameter.positional else f"{parameter.name}:{{}}"
    template = join_template([
        *known.path.split(), *ctx.registry.naming(known.path, before), chosen, *options_given
    ])  # fmt: skip
    after = [each for each in known.parameters if each.required and each.name not in {*given, parameter.name}]
    reads = known.effect == "read" and all(each.names or each.name in NAMED for each in after)
    menu = Menu(parameter.name.capitalize(), template, tuple(shown), how="post" if reads else "form", asks=True)
    more = f" {number(MOST)} of many are here; the form completes all of them." if len(options) > MOST else ""
    return Card(
        title=text(bold(f"Which {parameter.name}?")),
        mark=Mark.NEUTRAL,
        blocks=blocks(
            Words(text(f"“{known.path}” needs {with_article(parameter.name)}.{more}")),
            Actions((menu, Button("Fill in…", join(tokens), how="form"), Button("Help", f"help {known.path}"))),
        ),
        refused=True,
    )


async def _options(ctx: Context, known: Command, parameter: Parameter, given: Mapping[str, str]) -> list[Option]:
    """Never raises, and never late: without names the form is offered."""
    offering = ctx.registry.live_names.get(known.path)
    names = ctx.services.reading.names
    try:
        async with asyncio.timeout(_IN_TIME):
            if parameter.names and names:
                account = ctx.account(given.get("account")).name
                found = await names.find(parameter.names, "", given, account)
                return [Option(name, name) for name in found]
            if offering:
                return await offering(ctx, given)
    except CommandError:
        return []
    except TimeoutError:
        log.info("lacking.late", command=known.path)
    except Exception:
        log.exception("lacking.failed", command=known.path)
    return []
