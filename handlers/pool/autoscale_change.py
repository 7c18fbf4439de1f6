"""Scale a pool by a formula, and change the formula."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.autoscale.lint import LONGEST_INTERVAL, SHORTEST_INTERVAL
from bot.domain.autoscale.remarks import Linted, Remark
from bot.domain.autoscale.results import parsed
from bot.domain.autoscale.typed import typed_formula
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run, Status
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards.build import text
from cards.card import Button, Card, Mark, Words
from cards.formatting import duration, plural
from handlers.pool.formulas import SELECT, Scaled, examined, given_formula, scaled
from handlers.pool.steps import wanted_of
from handlers.shared.capacity import capacity
from handlers.shared.common import line
from handlers.shared.preflight import blocked

_FIRST_RUN = timedelta(minutes=3)
"""How long the first evaluation of a formula is waited for."""
_WARNINGS = 5
"""Of lint's warnings that are shown with a change."""
_BUSY = ("TooManyEnableAutoScaleRequests", "PoolBeingResized")
"""Refusals that pass by themselves: once in 30 seconds and pool at most."""


class Scaling(Struct, frozen=True):
    """What was asked for: a formula (empty stays), an interval in minutes (0 stays, or the service's default).

    The rest are the beginnings of commands: of the one that shows the pool's autoscale, those that take it back, and
    the one that changes the formula.
    """

    pool: str
    formula: str
    minutes: int
    show: str
    disable: str
    edit: str


class Before(Struct, frozen=True):
    """How a pool scales: by a formula (with its interval in minutes), or fixed at its targets."""

    enabled: bool
    formula: str
    minutes: int
    dedicated: int
    spot: int
    etag: str

    @classmethod
    def of(cls, found: Scaled) -> Before:
        """As it is."""
        pool = found.pool
        return cls(
            pool.enable_auto_scale,
            found.formula,
            round(found.interval.total_seconds() / 60),
            *wanted_of(pool),
            pool.etag,
        )

    def __str__(self) -> str:
        if self.enabled:
            return f"by a formula every {self.minutes} min"
        return f"fixed at {self.dedicated} dedicated and {self.spot} spot nodes"


def exact_formula(ctx: Context, words: Sequence[str], after: str) -> str:
    """The formula for a change, which must come to the same when it is confirmed: one word, or words that lost nothing.

    Raises CommandError for what its words alone do not say: texts in quotes, and comments.
    """
    joined = typed_formula(" ".join(words))
    if len(words) > 1 and ("//" in joined or "".join(given_formula(ctx, words, after).split()) != _squeezed(joined)):
        raise CommandError(
            "A formula with comments or texts in quotes stands between three backticks (```), or comes by the form.",
            ["help pool autoscale enable"],
        )
    return joined


def _squeezed(words: str) -> str:
    return "".join(words.split())


async def preflight_enable(
    ctx: Context, pool: str, *formula: str, minutes: int | None = None, account: str | None = None
) -> Preflight:
    """Refuses what Azure would; says what the formula may grow to, and what is risky about it."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    _interval(minutes)
    found = await scaled(ctx, source, pool, "pool autoscale enable")
    given = exact_formula(ctx, formula, pool)
    if found.pool.enable_auto_scale:
        return Preflight(
            f"Pool {found.pool.id} scales by a formula already.",
            fixes=(Fix("Show it", line(ctx, source, "pool autoscale", found.pool.id)),),
        )
    if not given:
        return Preflight("Which formula? Give it between three backticks (```), or use the form.")
    return await _preflight(ctx, source, found, given, minutes)


async def preflight_edit(
    ctx: Context, pool: str, *formula: str, minutes: int | None = None, account: str | None = None
) -> Preflight:
    """The same for a pool that scales by a formula."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    _interval(minutes)
    found = await scaled(ctx, source, pool, "pool autoscale edit")
    given = exact_formula(ctx, formula, pool)
    if not found.pool.enable_auto_scale:
        return Preflight(
            f"Pool {found.pool.id} does not scale by a formula.",
            fixes=(Fix("Show autoscale", line(ctx, source, "pool autoscale", found.pool.id)),),
        )
    if not given and minutes is None:
        return Preflight("What is to change? Give a formula, an interval in minutes, or both.")
    return await _preflight(ctx, source, found, given, minutes)


def _interval(minutes: int | None) -> None:
    """Raises CommandError for an interval that the service refuses."""
    if minutes is None or SHORTEST_INTERVAL <= timedelta(minutes=minutes) <= LONGEST_INTERVAL:
        return
    raise CommandError("The evaluation interval is 5 to 10,080 minutes (168 hours).", ["help pool autoscale enable"])


async def _preflight(ctx: Context, source: Account, found: Scaled, given: str, minutes: int | None) -> Preflight:
    pool, before = found.pool, Before.of(found)
    if pool.state.lower() != "active":
        return Preflight(f"Pool {pool.id} is {pool.state}.")
    if not before.enabled and pool.allocation_state.lower() != "steady":
        return Preflight(
            f"Pool {pool.id} is {pool.allocation_state} now: autoscale can be enabled when it is steady.",
            fixes=(Fix("Stop the resize", line(ctx, source, "pool stop-resize", pool.id)),),
        )
    linted = await examined(
        given or before.formula, found.surroundings(timedelta(minutes=minutes) if minutes else None)
    )
    if linted.errors:
        first = linted.errors[0]
        place = f"{str(first.place).capitalize()}: " if first.place else ""
        return Preflight(f"The formula cannot be taken. {place}{first.what} {first.fix}".strip())
    most = await _most(source, found, linted)
    now = (pool.current_dedicated_nodes, pool.current_low_priority_nodes)
    changes_now = not before.enabled and most != now
    at_once = (f"It decides the size at once; the pool has {plural(sum(now), 'node')} now.",) if changes_now else ()
    warnings = [each for each in linted.remarks if each.weight == "warning"]
    every = f"{minutes} min" if minutes else f"{before.minutes} min"
    differences = [Difference("Scales", str(before), f"by a formula every {every}")]
    if before.enabled:
        differences = [Difference("Evaluated every", f"{before.minutes} min", every)] if minutes else []
        if given and given != before.formula:
            differences.append(Difference("Formula", _head(before.formula), _head(given)))
    cost = found.cost(pool.current_dedicated_nodes, pool.current_low_priority_nodes)
    return Preflight(
        effects=(*at_once, *_growth(most, linted), *map(_warning, warnings[:_WARNINGS])),
        state=f"{before.enabled} {before.minutes} {before.formula} {pool.state}",
        differences=tuple(differences),
        cost_before=cost,
        cost_after=found.cost(*most) if most else None,
        nodes_before=pool.current_dedicated_nodes + pool.current_low_priority_nodes,
        nodes_after=sum(most) if most else None,
        confirm=bool(at_once),
        question=f"Let a formula size pool {pool.id}",
    )


def _warning(each: Remark) -> str:
    """A remark in a line: ``Line 1, column 1: it has no cap. Fix: …``."""
    place = f"{str(each.place).capitalize()}: " if each.place else ""
    return f"{place}{each.what}{f' Fix: {each.fix}' if each.fix else ''}"


def _head(formula: str, most: int = 60) -> str:
    """The beginning of a formula, in one line."""
    words = " ".join(formula.split())
    return words if len(words) <= most else f"{words[: most - 1]}…"


async def _most(source: Account, found: Scaled, linted: Linted) -> tuple[int, int] | None:
    """The most nodes of each kind that the formula may come to: its cap, or what the quota leaves room for.

    None where neither is known. A target that the formula leaves stays as it is.
    """
    pool = found.pool
    caps = []
    known = None
    for bounds, target, has, spot in (
        (linted.dedicated, pool.target_dedicated_nodes, pool.current_dedicated_nodes, False),
        (linted.spot, pool.target_low_priority_nodes, pool.current_low_priority_nodes, True),
    ):
        if bounds is None:
            caps.append(target or 0)
        elif bounds.capped:
            caps.append(max(0, int(bounds.high)))
        else:
            known = known or await capacity(source)
            room = known.room(pool.vm_size, spot=spot).nodes
            if room is None:
                return None
            caps.append(has + room)
    return caps[0], caps[1]


def _growth(most: tuple[int, int] | None, linted: Linted) -> list[str]:
    if most is None:
        return ["It has no cap, and it is not known what the quota leaves room for."]
    capped = all(bounds is None or bounds.capped for bounds in (linted.dedicated, linted.spot))
    kinds = [plural(count, f"{kind} node") for count, kind in zip(most, ("dedicated", "spot"), strict=True) if count]
    grown = " and ".join(kinds) or "no node"
    return [f"It may grow to {grown}{'' if capped else ', which is all that the quota leaves room for'}."]


@command(
    "pool autoscale enable",
    effect="change",
    azure=True,
    check="pool autoscale {pool}",
    preflight=preflight_enable,
    examples=["pool autoscale enable gpu-a ```$TargetDedicatedNodes = min(8, $PendingTasks.GetSample(1));```"],
)
async def enable(
    ctx: Context, pool: str, *formula: str, minutes: int | None = None, account: str | None = None
) -> AsyncIterator[Card]:
    """Let a formula set how many nodes a pool has, from now on.

    :param pool: the pool's id
    :param formula: the formula, between three backticks
    :param minutes: how often it is evaluated, 5 to 10,080; 15 where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _asked(ctx, source, pool, exact_formula(ctx, formula, pool), minutes)
    async for card in ctx.operate("pool autoscale enable", source, pool, asked):
        yield card


@command(
    "pool autoscale edit",
    effect="change",
    azure=True,
    check="pool autoscale {pool}",
    preflight=preflight_edit,
    examples=["pool autoscale edit render-cpu minutes:5"],
)
async def edit(
    ctx: Context, pool: str, *formula: str, minutes: int | None = None, account: str | None = None
) -> AsyncIterator[Card]:
    """Change a pool's autoscale formula, how often it is evaluated, or both.

    :param pool: the pool's id
    :param formula: the formula, between three backticks; as it is where it is left out
    :param minutes: how often it is evaluated, 5 to 10,080; as it is where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _asked(ctx, source, pool, exact_formula(ctx, formula, pool), minutes)
    async for card in ctx.operate("pool autoscale edit", source, pool, asked):
        yield card


def _asked(ctx: Context, source: Account, pool: str, formula: str, minutes: int | None) -> Scaling:
    return Scaling(
        pool,
        formula,
        minutes or 0,
        show=line(ctx, source, "pool autoscale", pool),
        disable=line(ctx, source, "pool autoscale disable", pool),
        edit=line(ctx, source, "pool autoscale edit", pool),
    )


async def now(run: Run, pool: str) -> Scaled:
    """The pool as Azure has it."""
    fetched = await run.account.fetch(Pool, run.account.pool(pool), select=SELECT)
    return Scaled(fetched.value, fetched.at, await run.account.prices())


@workflow("pool autoscale enable", Scaling, "Enabling autoscale of pool {}")
async def enabling(run: Run, asked: Scaling) -> Outcome:
    """Give Azure the formula, and wait for what it comes to first."""
    return await _scale(run, asked)


@workflow("pool autoscale edit", Scaling, "Changing autoscale of pool {}")
async def editing(run: Run, asked: Scaling) -> Outcome:
    """The same: the service has one call for both."""
    return await _scale(run, asked)


async def _scale(run: Run, asked: Scaling) -> Outcome:
    async def read() -> Before:
        return Before.of(await now(run, asked.pool))

    async def clock() -> datetime:
        return run.account.now()

    before = await run.once("before", Before, read)
    begun = await run.once("begun", datetime, clock)
    formula = asked.formula or before.formula
    minutes = asked.minutes or (before.minutes if before.enabled else 0)

    async def send() -> Written:
        return await pools.enable_autoscale(
            run.writer,
            asked.pool,
            formula=asked.formula,
            interval=f"PT{asked.minutes}M" if asked.minutes else "",
            etag=before.etag,
        )

    async def landed() -> bool:
        found = await read()
        return found.enabled and found.formula == formula and minutes in (0, found.minutes)

    async def ran() -> Status:
        last = (await now(run, asked.pool)).pool.auto_scale_run
        if last and last.timestamp and last.timestamp >= begun - timedelta(seconds=2):
            return Status(True)
        return Status(run.account.now() - begun > _FIRST_RUN, "not evaluated yet")

    await run.write("formula", "Give Azure the formula", send, landed=landed, wait_for=_BUSY)
    await run.until("first", "Wait for the first evaluation", ran)
    found = await now(run, asked.pool)
    return _scaled_outcome(asked, before, found)


def _scaled_outcome(asked: Scaling, before: Before, found: Scaled) -> Outcome:
    pool, after = found.pool, Before.of(found)
    last = pool.auto_scale_run
    buttons = (Button("Autoscale", asked.show, style="primary"), Button("Edit", asked.edit, how="form"))
    if before.enabled:
        undo = f"{asked.edit} ```{before.formula}``` minutes:{before.minutes}"
    else:
        undo = f"{asked.disable} {before.dedicated} spot:{before.spot}"
    if last and last.error:
        details = "; ".join(value.value for value in last.error.values if value.value)
        return Outcome(
            f"Pool {pool.id} scales by the formula, but its first evaluation failed",
            (Words(text(f"{last.error.code}: {details or last.error.message}")),),
            buttons,
            undo=undo,
            before=str(before),
            after=str(after),
            mark=Mark.WARNING,
        )
    values = parsed(last.results) if last else {}
    wants = [
        f"{values[name]} {kind}"
        for name, kind in (("$TargetDedicatedNodes", "dedicated"), ("$TargetLowPriorityNodes", "spot"))
        if values.get(name, "0") != "0"
    ]
    wanted = f": it wants {' and '.join(wants)} nodes" if wants else ": it wants no nodes now" if values else ""
    return Outcome(
        f"Pool {pool.id} scales by the formula every {duration(found.interval)}{wanted}",
        (),
        buttons,
        undo=undo,
        before=str(before),
        after=str(after),
    )
