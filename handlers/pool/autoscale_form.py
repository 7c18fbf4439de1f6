"""The forms of autoscale: the formula is checked and tried over the pool's own past while it is written."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.azure.account import Account
from bot.domain.autoscale.remarks import Linted
from bot.domain.autoscale.typed import typed_formula
from bot.operations.preflight import Preflight
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import bold, text
from cards.card import Field, Mark, Note
from cards.command_line import join
from cards.formatting import duration
from handlers.pool.autoscale import suggestion
from handlers.pool.autoscale_change import preflight_edit, preflight_enable
from handlers.pool.autoscale_disable import preflight_disable
from handlers.pool.formulas import Scaled, examined, past_of, readable, scaled, tried
from handlers.pool.what_if import compared, costs, sampled
from handlers.shared.preflight import form_notes, notes

_DAYS = 3
"""Of the past that a form tries a formula over, so that it answers at once."""


def gathered(values: Values) -> Values:
    """The formula as one word, with its lines and quotes."""
    formula = typed_formula(values.get("formula", ""))
    return {**values, "formula": join([formula]) if formula else ""}


_POOL = Field("pool", "Pool", "name", names="pool", refresh=True)
_FORMULA = Field(
    "formula",
    "Formula",
    lines=True,
    refresh=True,
    hint="Sets $TargetDedicatedNodes, $TargetLowPriorityNodes or both; statements end with a semicolon.",
)
_MINUTES = Field("minutes", "Minutes between evaluations", "number", refresh=True, least=5, most=10_080)


@form_of("pool autoscale enable", _POOL, _FORMULA, _MINUTES, gather=gathered)
async def enable_form(ctx: Context, values: Values) -> FormChanges:
    """Begins with a formula that follows the pool's tasks; says what is wrong with it and what it would have done."""
    return await _checked(ctx, values, "pool autoscale enable", "Enable")


@form_of("pool autoscale edit", _POOL, _FORMULA, _MINUTES, gather=gathered)
async def edit_form(ctx: Context, values: Values) -> FormChanges:
    """Begins with the pool's own formula."""
    return await _checked(ctx, values, "pool autoscale edit", "Save")


async def _checked(ctx: Context, values: Values, path: str, submit: str) -> FormChanges:
    pool, account = values.get("pool"), values.get("account")
    if not pool:
        return FormChanges(submit=submit)
    source = ctx.account(account)
    found = await scaled(ctx, source, pool, path)
    formula = typed_formula(values.get("formula", ""))
    minutes = _whole(values.get("minutes"))
    every = round(found.interval.total_seconds() / 60)
    begin = {"formula": found.formula or suggestion(found), "minutes": str(every)}
    changes = FormChanges(prefill=begin, defaults={"minutes": str(every)}, submit=submit)
    if not formula:
        return changes
    interval = timedelta(minutes=minutes) if minutes else found.interval
    linted = await examined(formula, found.surroundings(interval))
    preflight = preflight_edit if path.endswith("edit") else preflight_enable
    checked, history = await asyncio.gather(
        preflight(ctx, pool, formula, minutes=minutes, account=account),
        _would_have(ctx, source, found, linted, interval),
    )
    return FormChanges(
        prefill=begin,
        values={"formula": formula} if formula != values.get("formula", "") else {},
        errors=_errors(linted, checked),
        defaults={"minutes": str(every)},
        notes=(*history, *(notes(checked) if not linted.errors else ())),
        submit=submit,
    )


def _whole(typed: str | None) -> int | None:
    return int(typed) if typed and typed.isdigit() and 5 <= int(typed) <= 10_080 else None


def _errors(linted: Linted, checked: Preflight) -> dict[str, str]:
    if linted.errors:
        first = linted.errors[0]
        place = f"{str(first.place).capitalize()}: " if first.place else ""
        return {"formula": f"{place}{first.what}"}
    return {"pool": checked.refused} if checked.refused else {}


async def _would_have(
    ctx: Context, source: Account, found: Scaled, linted: Linted, interval: timedelta
) -> tuple[Note, ...]:
    """What it would have done over the last days; nothing where it cannot be tried."""
    past = await past_of(ctx, source, found, _DAYS) if linted.formula and not linted.errors else None
    if past is None:
        return ()
    result = await tried(source, found, readable(linted), past, interval)
    if result.failed == result.evaluations:
        return (Note(text("Every evaluation would have failed over the pool's own past."), Mark.WARNING),)
    words = compared(result, *costs(found, result))
    if sampled(result) < timedelta(days=_DAYS) / 2:
        return (Note(text("By ", duration(sampled(result)), " of samples: ", bold(words), "."), Mark.WARNING),)
    window = duration(result.history.until - result.history.since)
    return (Note(text("Over the last ", window, ": ", bold(words), ".")),)


@form_of(
    "pool autoscale disable",
    _POOL,
    Field("dedicated", "Dedicated nodes", "number", refresh=True, least=0),
    Field("spot", "Spot nodes", "number", refresh=True, least=0),
)
async def disable_form(ctx: Context, values: Values) -> FormChanges:
    """Filled with the size that the formula left; says what it costs and whether it fits."""
    pool, account = values.get("pool"), values.get("account")
    if not pool:
        return FormChanges(submit="Disable")
    found = await scaled(ctx, ctx.account(account), pool, "pool autoscale disable")
    has = {
        "dedicated": str(found.pool.target_dedicated_nodes or 0),
        "spot": str(found.pool.target_low_priority_nodes or 0),
    }
    dedicated, spot = (int(values[name]) if values.get(name, "").isdigit() else None for name in ("dedicated", "spot"))
    checked = await preflight_disable(ctx, pool, dedicated, spot=spot, account=account)
    changes = form_notes(checked, "dedicated")
    return FormChanges(prefill=has, defaults=has, errors=changes.errors, notes=changes.notes, submit="Disable")
