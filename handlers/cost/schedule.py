"""What the runs of a job schedule came to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from statistics import median
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.money.receipt import COMPARED, ENOUGH
from bot.domain.money.shares import digits_of, rounded_parts
from bot.receipts.reader import MOST_RUNS, ReceiptReader
from bot.receipts.receipt_card import NOTEWORTHY
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, code, muted, text
from cards.card import Button, Card, Column, Mark, Picture, Row, Table, Text, Words
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.formatting import compared, duration, money, plural, short_day
from handlers.shared.common import line, template, titled
from handlers.shared.missing import finding_schedule
from storage.port.runs import JobRun

_COLUMNS = (
    Column("Job", width=3),
    Column("Cost", "right", width=2),
    Column("Ran", "right", width=2),
    Column("Own core-hours", "right", rank=1, width=2),
)


@command("cost schedule", effect="read", examples=["cost schedule nightly", "cost schedule nightly runs:20"])
async def cost_of_schedule(
    ctx: Context, schedule: str, *, runs: int = COMPARED, account: str | None = None
) -> AsyncIterator[Card]:
    """Show what the last runs of a job schedule took and cost, and whether that grows.

    :param schedule: the job schedule's id
    :param runs: how many runs, 20 at most
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reader = ReceiptReader(ctx.store, ctx.accounting)
    most = max(1, min(runs, MOST_RUNS))
    async with finding_schedule(ctx, source, schedule, "cost schedule"):
        found = (await reader.runs(source, schedule, limit=most)).ended
    if missing := sum(run.read is None for run in found):
        yield _card(ctx, source, schedule, found, reading=missing)
        found = await reader.completed(source, found)
    yield _card(ctx, source, schedule, found)


def _card(ctx: Context, source: Account, schedule: str, runs: Sequence[JobRun], *, reading: int = 0) -> Card:
    currencies = {run.currency for run in runs if run.cost is not None and run.currency}
    currency = currencies.pop() if len(currencies) == 1 else ""
    costs = [_cost(run) for run in runs]
    known = [cost for cost in costs if cost is not None]
    digits = digits_of(sum(known), currency) if currency else 0
    shown = iter(rounded_parts(known, digits))
    rounded: list[Decimal | None] = [None if cost is None else next(shown) for cost in costs]
    whole = sum((part for part in rounded if part is not None), Decimal(0))
    failed = sum(run.failed or 0 for run in runs)
    return Card(
        title=titled(
            _finding(runs, currency) if runs else "No run is over",
            f"schedule {schedule}",
            _together(runs, money(whole, currency, digits) if currency and known else "") if runs else None,
            _usually(runs, currency),
        ),
        mark=Mark.CHANGING if reading else Mark.WARNING if failed else Mark.DONE if runs else Mark.IDLE,
        as_of=source.now(),
        blocks=blocks(
            Words(text(muted(f"Reading what {plural(reading, 'run')} took …")), while_live=True) if reading else None,
            _picture(ctx, source, schedule, runs, currency) if currency and known and not reading else None,
            _table(runs, rounded, whole, currency, digits) if runs else Words(text("It has no run that is over yet.")),
            build.actions(
                build.open_menu("Receipt", template(ctx, source, "cost job", "{}"), [run.job for run in runs]),
                Button("Schedule", line(ctx, source, "schedule show", schedule)),
                Button("Jobs", line(ctx, source, "schedule jobs", schedule)),
                Button("Refresh", line(ctx, source, "cost schedule", schedule), how="edit"),
            ),
            build.note(_small(runs, len(currencies) > 0)),
        ),
    )


def _cost(run: JobRun) -> float | None:
    """Its own money and its share of idle, where that is known."""
    return None if run.cost is None else run.cost + (run.idle_cost or 0.0)


def _usually(runs: Sequence[JobRun], currency: str) -> str:
    """``usually $41.30 in 3 h 49 min``: medians, of three runs or more."""
    if len(runs) < ENOUGH:
        return ""
    costs = [cost for run in runs if (cost := _cost(run)) is not None]
    price = f"{money(median(costs), currency)} in " if currency and len(costs) >= ENOUGH else ""
    return f"usually {price}{duration(sorted(run.ended - run.started for run in runs)[len(runs) // 2])}"


def _picture(ctx: Context, source: Account, schedule: str, runs: Sequence[JobRun], currency: str) -> Picture:
    """A bar for each run, the oldest first: its own money and its share of idle."""
    zone = ZoneInfo(ctx.zone)
    days = [run.ended.astimezone(zone) for run in reversed(runs)]
    one_a_day = len({day.date() for day in days}) == len(days)
    shared = any(run.idle_cost is not None for run in runs)
    bars = tuple(
        Bar(
            short_day(day) if one_a_day else f"{short_day(day)} {day:%H:%M}",
            (run.cost, run.idle_cost) if shared else (run.cost,),
        )
        for day, run in zip(days, reversed(runs), strict=True)
    )
    totals = [cost for run in runs if (cost := _cost(run)) is not None]
    chart = BarChart(
        headline=_headline(runs, currency),
        subtitle=f"{schedule}, cost of its last {plural(len(runs), 'run')}, {ctx.zone}",
        series=(BarSeries("own", "busy"), *((BarSeries("share of idle", "idle"),) if shared else ())),
        bars=bars,
        unit=currency,
        level=median(totals) if len(totals) >= ENOUGH else None,
        level_label="usual",
    )
    return Picture(f"runs-{source.name}-{schedule}", alt(chart), chart, f"Runs of schedule {schedule}")


def _together(runs: Sequence[JobRun], price: str) -> str:
    """``10 runs for $413``."""
    return f"{plural(len(runs), 'run')} for {price}" if price else plural(len(runs), "run")


def _finding(runs: Sequence[JobRun], currency: str) -> str:
    """What the last run came to against what is usual: in money, where that is known, else in time."""
    if currency and _cost(runs[0]) is not None:
        return _headline(runs, currency)
    last, others = runs[0].seconds, [run.seconds for run in runs[1:]]
    took = f"The last run took {duration(runs[0].ended - runs[0].started)}"
    if len(others) < ENOUGH or not median(others):
        return took
    return f"{took}, {compared(last, median(others), 'usual', NOTEWORTHY)}"


def _headline(runs: Sequence[JobRun], currency: str) -> str:
    """What the last run cost against what is usual."""
    costs = [_cost(run) for run in runs]
    last, others = costs[0], [cost for cost in costs[1:] if cost is not None]
    if last is None:
        return "The last run's cost is unknown"
    if len(others) < ENOUGH or not median(others):
        return f"The last run cost {money(last, currency)}"
    against = compared(last, median(others), "usual", NOTEWORTHY)
    return f"The last run cost {money(last, currency)}, {against}"


def _table(
    runs: Sequence[JobRun], rounded: Sequence[Decimal | None], whole: Decimal, currency: str, digits: int
) -> Table:
    """The newest run first; with costs of one currency their sum is below them."""
    rows = [_row(run, part, currency, digits) for run, part in zip(runs, rounded, strict=True)]
    found = build.table(_COLUMNS, rows)
    if not currency or all(part is None for part in rounded):
        return found
    last = (text(bold("all")), text(bold(money(whole, currency, digits))), (), ())
    return Table(found.columns, (*found.rows, Row(last)))


def _row(run: JobRun, part: Decimal | None, currency: str, digits: int) -> list[Text]:
    least = "≥ " if run.at_least else ""
    if part is None:
        cost = text(muted("price unknown" if run.core_seconds else "not known"))
    elif currency:
        cost = text(f"{least}{money(part, currency, digits)}", muted(" own") if run.idle_cost is None else None)
    else:
        cost = text(f"{least}{money(_cost(run) or 0.0, run.currency)}" if run.currency else muted("none"))
    hours = run.core_seconds
    return [
        text(code(run.job)),
        cost,
        text(duration(run.ended - run.started)),
        text(f"{least}{hours / 3600:,.1f}") if hours is not None else text(muted("not known")),
    ]


def _small(runs: Sequence[JobRun], several: bool) -> str:
    notes = []
    if any(run.at_least for run in runs):
        notes.append("≥: how long earlier runs of some of its tasks took is not known, or not all of them were read")
    if any(run.cost is not None and run.idle_cost is None for run in runs):
        notes.append("own: without a share of idle, since that time was not sampled")
    if several:
        notes.append("runs were paid in different currencies, which are not added")
    if any(run.cost is not None for run in runs):
        notes.append("list or own prices, no bill")
    joined = "; ".join(notes)
    return joined[:1].upper() + joined[1:]
