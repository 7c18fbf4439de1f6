"""A pool's autoscale: its formula, how the last run came out, and what is to be said of both."""

from __future__ import annotations

from datetime import timedelta

from bot.azure.account import Account
from bot.domain.autoscale.remarks import Linted
from bot.domain.autoscale.results import explained, parsed
from bot.domain.autoscale.suggested import suggested
from bot.domain.knowledge import row
from bot.domain.pool_health import PoolTrouble, autoscale_overdue
from bot.domain.pools import reading
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, facts, muted, text, when
from cards.card import Block, Button, Card, Code, Mark, Words
from cards.formatting import duration, number, plural
from handlers.pool.formulas import (
    Evaluated,
    Scaled,
    evaluated,
    examined,
    given_formula,
    readable,
    remarks,
    said,
    scaled,
    variables,
)
from handlers.shared.common import line, section, titled
from handlers.shared.states import pool_chip
from handlers.shared.verbs import verb

LONGEST_COMMAND = 1_500
"""Characters of a command that a button carries, within what the platforms take."""


@command("pool autoscale", effect="read", examples=["pool autoscale render-cpu"])
async def autoscale(ctx: Context, pool: str, *, account: str | None = None) -> Card:
    """Show a pool's autoscale formula, its last run with every variable explained, and what stands out.

    :param pool: the pool's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    found = await scaled(ctx, source, pool, "pool autoscale")
    return await _scales(ctx, source, found) if found.formula else _fixed(ctx, source, found)


async def _scales(ctx: Context, source: Account, found: Scaled) -> Card:
    pool, linted = found.pool, await examined(found.formula, found.surroundings())
    run = pool.auto_scale_run
    age = found.at - run.timestamp if run and run.timestamp else timedelta(0)
    stale = autoscale_overdue(reading(pool), age.total_seconds())
    wrong = bool(linted.errors or (run and run.error) or stale)
    return Card(
        title=titled(
            f"Autoscale of pool {pool.id}",
            f"every {duration(found.interval)}",
            text(pool_chip(pool.state, pool.allocation_state, PoolTrouble("autoscale") if wrong else None)),
        ),
        mark=Mark.WARNING if wrong else Mark.RUNNING,
        as_of=found.at,
        blocks=blocks(
            *_last_run(found, stale=stale),
            *remarks(linted),
            *section("Formula", Code(found.formula)),
            build.actions(
                Button("What if", line(ctx, source, "pool what-if", pool.id), style="primary"),
                Button("Evaluate now", line(ctx, source, "pool autoscale evaluate", pool.id)),
                verb(ctx, source, "Edit…", "pool autoscale edit", pool.id, how="form"),
                verb(ctx, source, "Disable…", "pool autoscale disable", pool.id, how="form"),
                Button("Pool", line(ctx, source, "pool show", pool.id)),
                Button("Refresh", line(ctx, source, "pool autoscale", pool.id), how="edit"),
            ),
        ),
    )


def _last_run(found: Scaled, *, stale: bool) -> list[Block]:
    """When the formula ran last, and what it gave."""
    pool = found.pool
    run = pool.auto_scale_run
    if run is None or run.timestamp is None:
        return section("Last run", Words(text("The formula has not been evaluated yet.")))
    details = "; ".join(value.value for value in run.error.values if value.value) if run.error else ""
    dead = row("autoscale.dead")
    return section(
        "Last run",
        Words(text(chip(Mark.FAILED, run.error.code), f": {details or run.error.message}")) if run.error else None,
        Words(text(chip(Mark.WARNING, "late"), f": {dead.cause}. ", muted("To do: "), f"{dead.do}."))
        if stale
        else None,
        facts(("When", when(run.timestamp)), ("Nodes now", _nodes(found))),
        variables(explained(parsed(run.results), found.formula)),
    )


def _nodes(found: Scaled) -> str:
    """``3 dedicated and 2 spot``."""
    pool = found.pool
    spot = f" and {number(pool.current_low_priority_nodes)} spot" if pool.current_low_priority_nodes else ""
    return f"{number(pool.current_dedicated_nodes)} dedicated{spot}"


def _fixed(ctx: Context, source: Account, found: Scaled) -> Card:
    """A pool without a formula, with one to begin with."""
    pool = found.pool
    formula = suggestion(found)
    return Card(
        title=titled(f"Pool {pool.id}", "fixed size", plural(_all(found), "node")),
        mark=Mark.IDLE,
        as_of=found.at,
        blocks=blocks(
            Words(
                text(
                    "It does not scale by a formula. This one would follow its tasks, from none up to as many nodes as "
                    "it has now; try it over the pool's own past before you switch it on."
                )
            ),
            Code(formula),
            build.actions(
                Button("What if", line(ctx, source, "pool what-if", pool.id, formula), style="primary"),
                verb(ctx, source, "Enable…", "pool autoscale enable", pool.id, how="form"),
                Button("Pool", line(ctx, source, "pool show", pool.id)),
                Button("Usage", line(ctx, source, "usage", pool=pool.id)),
            ),
        ),
    )


def _all(found: Scaled) -> int:
    return found.pool.current_dedicated_nodes + found.pool.current_low_priority_nodes


def suggestion(found: Scaled) -> str:
    """A formula to begin with: up to as many nodes as the pool has or wants, of the kind that most of them are."""
    pool = found.pool
    dedicated = max(pool.current_dedicated_nodes, pool.target_dedicated_nodes or 0)
    spot = max(pool.current_low_priority_nodes, pool.target_low_priority_nodes or 0)
    return suggested(found.slots, max(dedicated, spot, 1), spot=spot > dedicated)


def use(ctx: Context, source: Account, found: Scaled, formula: str, minutes: int | None) -> Button | None:
    """The button to the form that gives the pool this formula; None for its own, and where the asker may not."""
    if formula == found.formula:
        return None
    enabled = found.pool.enable_auto_scale
    path, label = ("edit", "Use this formula…") if enabled else ("enable", "Enable this formula…")
    names = (found.pool.id, formula)
    button = verb(ctx, source, label, f"pool autoscale {path}", *names, how="form", minutes=minutes)
    return button if button and len(button.command) <= LONGEST_COMMAND else None


@command(
    "pool autoscale lint",
    effect="read",
    examples=["pool autoscale lint render-cpu", "pool autoscale lint $TargetDedicatedNodes = 4;"],
)
async def lint_formula(
    ctx: Context, *formula: str, pool: str | None = None, minutes: int | None = None, account: str | None = None
) -> Card:
    """Check an autoscale formula: every mistake and every risk with its place, why, and what to write instead.

    :param formula: a pool's id for its own formula, or a formula, between three backticks or as it is
    :param pool: the pool that a formula is meant for, so that its slots and prices are known
    :param minutes: the evaluation interval that is meant
    :param account: the account, by its name in the settings
    """
    if len(formula) == 1 and not set(formula[0]) & set("=$;("):
        pool, formula = pool or formula[0], ()
    text_ = given_formula(ctx, formula, "lint")
    if not text_ and pool is None:
        raise CommandError("Which formula? Give a pool, or the formula itself.", ["help pool autoscale lint"])
    source = ctx.account(account)
    interval = None if minutes is None else timedelta(minutes=minutes)
    if pool is None:
        return _linted(ctx, source, None, text_, await examined(text_))
    found = await scaled(ctx, source, pool, "pool autoscale lint")
    if not text_ and not found.formula:
        return _fixed(ctx, source, found)
    used = text_ or found.formula
    return _linted(ctx, source, found, used, await examined(used, found.surroundings(interval)))


def _linted(ctx: Context, source: Account, found: Scaled | None, formula: str, linted: Linted) -> Card:
    errors = bool(linted.errors)
    clean = not any(each.weight != "note" for each in linted.remarks)
    name = f"Formula of pool {found.pool.id}" if found else "Formula"
    buttons: list[Button] = []
    if found and not errors:
        own = formula == found.formula
        given = [] if own else [formula]
        for label, path in (("What if", "pool what-if"), ("Evaluate now", "pool autoscale evaluate")):
            if len(again := line(ctx, source, path, found.pool.id, *given)) <= LONGEST_COMMAND:
                buttons.append(Button(label, again, style="primary" if not buttons else "default"))
        buttons += [each for each in [use(ctx, source, found, formula, None)] if each]
    return Card(
        title=titled(name, said(linted)),
        mark=Mark.FAILED if errors else Mark.DONE if clean else Mark.WARNING,
        as_of=found.at if found else None,
        blocks=blocks(*remarks(linted, 20), *section("Formula", Code(formula)), build.actions(*buttons)),
    )


@command("pool autoscale evaluate", effect="read", examples=["pool autoscale evaluate render-cpu"])
async def evaluate_formula(ctx: Context, pool: str, *formula: str, account: str | None = None) -> Card:
    """Evaluate an autoscale formula now, with every variable explained; nothing is changed.

    Where the pool scales by a formula the service evaluates it, otherwise the bot does by its own samples.

    :param pool: the pool's id
    :param formula: the formula; the pool's own where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    found = await scaled(ctx, source, pool, "pool autoscale evaluate")
    used = given_formula(ctx, formula, pool) or found.formula or suggestion(found)
    linted = await examined(used, found.surroundings())
    result = await evaluated(ctx, source, found, readable(linted, ["help pool autoscale evaluate"]))
    return _evaluated(ctx, source, found, used, result)


def _evaluated(ctx: Context, source: Account, found: Scaled, formula: str, result: Evaluated) -> Card:
    pool = found.pool
    values = {each.name: each.value for each in result.variables}
    wants = _wants(found, values)
    given = [] if formula == found.formula else [formula]
    again = line(ctx, source, "pool what-if", pool.id, *given)
    return Card(
        title=titled(f"Evaluated for pool {pool.id}", "failed" if result.error else wants),
        mark=Mark.FAILED if result.error else Mark.DONE,
        as_of=found.at,
        blocks=blocks(
            Words(text(result.error)) if result.error else None,
            variables(result.variables),
            *section("Formula", Code(formula)) if given else (),
            _own_note(result),
            build.actions(
                Button("What if", again, style="primary") if len(again) <= LONGEST_COMMAND else None,
                Button("Autoscale", line(ctx, source, "pool autoscale", pool.id)),
            ),
        ),
    )


def _wants(found: Scaled, values: dict[str, str]) -> str:
    """``would want 4 dedicated nodes, has 2``."""
    pool = found.pool
    wants = []
    for name, kind, has in (
        ("$TargetDedicatedNodes", "dedicated", pool.current_dedicated_nodes),
        ("$TargetLowPriorityNodes", "spot", pool.current_low_priority_nodes),
    ):
        if name in values and (values[name] != "0" or has):
            wants.append(f"{values[name]} {kind} (now {number(has)})")
    return f"wants {' and '.join(wants)}" if wants else "wants no nodes"


def _own_note(result: Evaluated) -> Block | None:
    """That the bot evaluated it itself, and what it took for granted."""
    if not result.own:
        return build.note("Evaluated by Azure; nothing was changed.")
    assumed = f" {'; '.join(result.notes)[:1].upper()}{'; '.join(result.notes)[1:]}." if result.notes else ""
    return build.note(f"Evaluated by the bot from its own samples, because {result.own}.{assumed}")
