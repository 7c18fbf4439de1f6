"""What the autoscale commands share: the pool they are about, its past, and how remarks and results are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.answers import decoder_of
from bot.azure.errors import AzureError
from bot.azure.models import Pool, duration
from bot.azure.models.pool import AutoScaleRun
from bot.azure.models.price import Prices
from bot.azure.writes import pools
from bot.domain.autoscale.evaluate import PoolNow, evaluate
from bot.domain.autoscale.history import History, history
from bot.domain.autoscale.lint import lint
from bot.domain.autoscale.remarks import Linted, Remark, Surroundings
from bot.domain.autoscale.results import Explained, explained, metrics_of, of_outcome, parsed
from bot.domain.autoscale.rows import UNSEEN, Rows, rows_of
from bot.domain.autoscale.syntax import Formula, FormulaError, place_of
from bot.domain.autoscale.typed import typed_formula
from bot.domain.autoscale.what_if import INTERVAL, WhatIf, what_if
from bot.domain.licence import pays_windows
from bot.domain.price import HourlyCost, per_hour
from bot.requests.command import CommandError
from bot.requests.context import Context
from cards.build import bold, chip, code, muted, text
from cards.card import Block, Bullets, Mark, Text
from handlers.shared.boot_time import boot_time
from handlers.shared.common import section
from handlers.shared.missing import finding_pool

SELECT = (
    "id,eTag,state,allocationState,allocationStateTransitionTime,vmSize,virtualMachineConfiguration,"
    "currentDedicatedNodes,currentLowPriorityNodes,targetDedicatedNodes,targetLowPriorityNodes,enableAutoScale,"
    "autoScaleFormula,autoScaleEvaluationInterval,autoScaleRun,taskSlotsPerNode"
)
_RECENT = timedelta(hours=2)
"""How much of the past our own evaluation of a moment sees."""


class Scaled(Struct, frozen=True):
    """A pool with what a formula is judged by: its prices, and the service's time when it was read."""

    pool: Pool
    at: datetime
    prices: Prices

    @property
    def slots(self) -> int:
        """Task slots of a node."""
        return max(1, self.pool.task_slots_per_node)

    @property
    def formula(self) -> str:
        """Its own formula; empty where its size is fixed."""
        return self.pool.auto_scale_formula.strip() if self.pool.enable_auto_scale else ""

    @property
    def interval(self) -> timedelta:
        """How often its formula is evaluated, or would be by default."""
        return duration(self.pool.auto_scale_evaluation_interval) or INTERVAL

    def a_node(self) -> HourlyCost | None:
        """What a node of each kind costs an hour; None where either price is unknown."""
        return self.cost(1, 1)

    def cost(self, dedicated: int, spot: int) -> HourlyCost | None:
        """What so many nodes cost an hour."""
        windows = pays_windows(self.pool.virtual_machine_configuration)
        return per_hour(self.prices, self.pool.vm_size, windows=windows, dedicated=dedicated, spot=spot)

    def surroundings(self, interval: timedelta | None = None) -> Surroundings:
        """What lint knows of it."""
        return Surroundings(self.slots, self.a_node(), interval or self.interval)


async def scaled(ctx: Context, source: Account, pool: str, wanted: str) -> Scaled:
    """The pool; ``wanted`` is the command's path. Raises Instead where there is none of that name."""
    async with finding_pool(ctx, source, pool, wanted):
        found, prices = await asyncio.gather(source.fetch(Pool, source.pool(pool), select=SELECT), source.prices())
    return Scaled(found.value, found.at, prices)


def given_formula(ctx: Context, words: Sequence[str], after: str = "") -> str:
    """The formula that was typed; empty where there is none.

    A block of code and what stands in quotes are one word, taken as it is. Several words are found in the text as
    it was typed, behind ``after``, because the words alone have lost quotes and line ends.
    """
    if not words:
        return ""
    if len(words) == 1:
        return typed_formula(words[0])
    raw = ctx.request.text
    begin = raw.find(after) + len(after) if after else 0
    at = raw.find(words[0], max(0, begin))
    if at < 0 or ctx.request.values:
        return typed_formula(" ".join(words))
    kept = raw[at:].rstrip()
    while (last := kept.rsplit(maxsplit=1)) and len(last) == 2 and last[1].startswith(_OPTIONS):
        kept = last[0]
    return typed_formula(kept)


_OPTIONS = ("days:", "account:", "interval:", "pool:", "minutes:", "--")


async def past_of(ctx: Context, source: Account, found: Scaled, days: int) -> History | None:
    """The pool's past of so many days; None where the bot has no samples of it."""
    until = found.at + timedelta(minutes=1)
    samples = await ctx.store.samples(source.name, found.pool.id, until - timedelta(days=days), until)
    return await asyncio.to_thread(history, samples, found.slots)


async def examined(formula: str, around: Surroundings | None = None) -> Linted:
    """Every remark on a formula; a long one is read beside the event loop, which takes a tenth of a second."""
    return lint(formula, around) if len(formula) <= _SHORT else await asyncio.to_thread(lint, formula, around)


_SHORT = 2_000
"""Characters of a formula that is read at once."""


async def tried(source: Account, found: Scaled, formula: Formula, past: History, interval: timedelta) -> WhatIf:
    """The formula over the past, beside the event loop: a week takes most of a second.

    New nodes take as long as those that there are took to boot, of the pool's VM size first.
    """
    pools, _ = await source.every(Pool, "/pools", select="id,vmSize,currentDedicatedNodes,currentLowPriorityNodes")
    boot = await boot_time(source, pools, found.pool.vm_size)
    return await asyncio.to_thread(what_if, formula, past, found.slots, interval=interval, boot=boot)


class Evaluated(Struct, frozen=True):
    """How a formula came out now: ``run`` as the service reports it, ``notes`` what was taken for granted.

    ``own`` is why the bot evaluated it by itself; empty where the service did. ``place`` and ``error`` are of our own.
    """

    variables: tuple[Explained, ...] = ()
    error: str = ""
    own: str = ""
    notes: tuple[str, ...] = ()
    at: datetime | None = None


async def evaluated(ctx: Context, source: Account, found: Scaled, formula: Formula) -> Evaluated:
    """The formula now: by the service where the pool scales by one, else by ourselves over the bot's own samples."""
    why = f"pool {found.pool.id} has a fixed size, and the service evaluates formulas only where autoscale is on"
    if found.pool.enable_auto_scale:
        if source.writer is None:
            why = f"the bot has no identity that may write to {source.name}, which the service asks for to evaluate"
        else:
            try:
                written = await pools.evaluate_autoscale(source.writer, found.pool.id, formula.text)
            except AzureError as error:
                if error.status != 403:
                    raise
                why = f"the service does not let the bot evaluate formulas in {source.name} ({error.code})"
            else:
                return _of_run(decoder_of(AutoScaleRun).decode(written.body), formula.text)
    until = found.at + timedelta(minutes=1)
    samples = await ctx.store.samples(source.name, found.pool.id, until - _RECENT, until)
    return await _own(found, formula, why, await asyncio.to_thread(rows_of, samples, found.slots, found.at))


def _of_run(run: AutoScaleRun, formula: str) -> Evaluated:
    if run.error:
        details = "; ".join(value.value for value in run.error.values if value.value)
        return Evaluated(error=f"{run.error.code}: {details or run.error.message}", at=run.timestamp)
    return Evaluated(tuple(explained(parsed(run.results), formula)), at=run.timestamp)


async def _own(found: Scaled, formula: Formula, why: str, rows: Rows) -> Evaluated:
    pool = found.pool
    now = PoolNow(
        float(pool.target_dedicated_nodes or 0), float(pool.target_low_priority_nodes or 0), float(found.slots)
    )
    notes = tuple(words for name, words in UNSEEN.items() if name in metrics_of(formula))
    try:
        outcome = await asyncio.to_thread(evaluate, formula, rows, found.at, now)
    except FormulaError as error:
        place = place_of(formula.text, error.at)
        return Evaluated(error=f"{str(place).capitalize()}: {error.message}", own=why, notes=notes, at=found.at)
    return Evaluated(tuple(explained(of_outcome(outcome), formula.text)), own=why, notes=notes, at=found.at)


def variables(rows: Sequence[Explained]) -> Bullets | None:
    """Every variable with its value and what it means, or how the formula makes it."""
    return (
        Bullets(tuple(text(code(each.name), " = ", bold(each.value), _made(each)) for each in rows)) if rows else None
    )


def _made(each: Explained) -> Text:
    return text(f" · {each.meaning}" if each.meaning else None, *((" · ", code(_cut(each.made))) if each.made else ()))


def _cut(source: str, most: int = 90) -> str:
    return source if len(source) <= most else f"{source[: most - 1]}…"


_MARKS = {"error": Mark.FAILED, "warning": Mark.WARNING, "note": Mark.NEUTRAL}


def remarks(linted: Linted, most: int = 12) -> list[Block]:
    """What lint found, each with place, why and what to write."""
    found = linted.remarks
    if not found:
        return []
    heading = "What is wrong" if linted.errors else "What stands out"
    rest = len(found) - most
    more = [text(muted(f"and {rest} more"))] if rest > 0 else []
    return section(heading, Bullets((*map(remark, found[:most]), *more)))


def remark(each: Remark) -> Text:
    """``▲ line 4: it has no cap. Why. Write: …``."""
    place = f"{str(each.place).capitalize()}: " if each.place else ""
    mark = _MARKS[each.weight]
    return text(
        chip(mark, each.weight),
        f" {place}",
        bold(each.what),
        f" {each.why}" if each.why else None,
        text("  ", muted("Fix: "), each.fix) if each.fix else None,
    )


def said(linted: Linted) -> str:
    """``no remarks``, ``1 error, 2 warnings``."""
    counts = {weight: sum(each.weight == weight for each in linted.remarks) for weight in ("error", "warning", "note")}
    parts = [f"{count} {weight}{'s' if count > 1 else ''}" for weight, count in counts.items() if count]
    return ", ".join(parts) or "nothing to object to"


def readable(linted: Linted, again: Sequence[str] = ()) -> Formula:
    """The formula. Raises CommandError with the place where it cannot be read."""
    if linted.formula is None:
        first = linted.errors[0]
        place = f"{str(first.place).capitalize()}: " if first.place else ""
        raise CommandError(f"The formula cannot be read. {place}{first.what}", list(again))
    return linted.formula
