"""The card of a receipt: what is posted when a job is over, and what `cost job` answers, which says more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from msgspec import Struct

from bot.domain.core_use import IDLE_WORDS, WHOLE
from bot.domain.job_health import FEW
from bot.domain.money.receipt import ENOUGH, Part, Receipt, Usual
from bot.domain.money.shares import digits_of, rounded_parts
from bot.domain.states import word
from cards.build import actions, blocks, bold, muted, note, table, text
from cards.card import Button, Card, Column, Mark, Row, Table, Text, Words
from cards.formatting import compared, core_hours, duration, money, number, percent, plural, spark
from storage.port.core_use import IDLE_REASONS

Command = Callable[..., str]
"""A command's line from its words, naming the account where there are several."""

_MINUTE = timedelta(minutes=1)
NOTEWORTHY = 10
"""Percent more or less than usual that are worth a word."""
_WORDS: dict[Part, str] = {
    "own": "its tasks, by samples",
    "useful": "tasks that succeeded",
    "failed": "tasks that failed",
    "lost": "runs made again",
    **{reason: f"idle: {words}" for reason, words in IDLE_WORDS.items()},
}
_GOING = "tasks that are done, or run"
_COLUMNS = (
    Column("What", width=4),
    Column("Cost", "right", width=2),
    Column("Core-hours", "right", rank=1, width=2),
)


def receipt_card(receipt: Receipt, command: Command, *, zone: str, several: bool = False, whole: bool = False) -> Card:
    """The receipt in a conversation's zone; ``several`` says that there are more accounts than its own.

    ``whole`` also shows what became of its core-hours, line by line.
    """
    return Card(
        title=_title(receipt, several),
        mark=mark_of(receipt),
        as_of=receipt.as_of,
        zone=zone,
        blocks=blocks(
            Words(_tasks(receipt)),
            Words(line) if (line := _against(receipt.usual, receipt)) else None,
            _table(receipt) if whole else None,
            actions(
                Button("Where it went", command("cost job", receipt.job), style="primary") if not whole else None,
                Button("Refresh", command("cost job", receipt.job), how="edit") if whole else None,
                Button("Failed tasks", command("task list", receipt.job, state="failed")) if receipt.failed else None,
                Button("Runs", command("cost schedule", receipt.schedule)) if receipt.schedule else None,
                Button("Open", command("job show", receipt.job)),
                Button("Pool", command("cost pool", receipt.pool)) if whole and receipt.pool else None,
            ),
            note(*_small(receipt)),
        ),
    )


def mark_of(receipt: Receipt) -> Mark:
    """Done, with more than a few failures, or still going on."""
    many = receipt.failed * FEW > (receipt.all_tasks or 0)
    if receipt.ended is None:
        return Mark.WARNING if many else Mark.RUNNING
    return Mark.FAILED if many else Mark.DONE


def cost_words(receipt: Receipt) -> str:
    """``$48.20, of it $9.10 idle share``, ``at least $39.10``, ``price unknown``: the one number, and what it lacks."""
    hours, currency = receipt.own.core_hours.total, currency_of(receipt)
    if receipt.unknown:
        return "cost unknown"
    if receipt.own_cost is None or (not currency and hours):
        return f"price unknown, {core_hours(hours)}"
    if not currency:
        return "no core-hours"
    lines = shown_lines(receipt)
    digits = _digits(receipt)
    nothing = Decimal(0)
    whole = money(sum((line.money for line in lines), nothing), currency, digits)
    idle = sum((line.money for line in lines if line.what in IDLE_REASONS), nothing)
    least = "at least " if receipt.at_least else ""
    if receipt.idle_cost is None:
        return f"{least}{whole} of its own"
    return f"{least}{whole}" + (f", of it {money(idle, currency, digits)} idle share" if idle else "")


def currency_of(receipt: Receipt) -> str:
    """What it is paid in; empty where no price is known."""
    return receipt.own.currency or (receipt.idle_share.currency if receipt.idle_share else "")


class ShownLine(Struct, frozen=True):
    """A part of a receipt, rounded so that the parts that are shown sum to the total that is shown."""

    what: Part
    core_hours: Decimal
    money: Decimal
    priced: bool


def shown_lines(receipt: Receipt) -> list[ShownLine]:
    """What became of it, line by line, without lines of nothing."""
    lines = [line for line in receipt.parts() if line.core_hours > 0 or line.money > 0]
    hours = rounded_parts([line.core_hours for line in lines], 1)
    amounts = rounded_parts([line.money for line in lines], _digits(receipt))
    return [
        ShownLine(line.what, part, amount, bool(line.money) or not line.core_hours)
        for line, part, amount in zip(lines, hours, amounts, strict=True)
    ]


def _digits(receipt: Receipt) -> int:
    """The decimals of its money, the same wherever it stands."""
    return digits_of(sum(line.money for line in receipt.parts()), currency_of(receipt))


def _title(receipt: Receipt, several: bool) -> Text:
    span = duration(receipt.runtime)
    if receipt.ended is None:
        ran = f"{word(receipt.state)} for {span}, so far"
    else:
        ran = f"done in {span}{_longer(receipt.longer)}"
    where = f" · {receipt.account}" if several else ""
    return text(bold(receipt.job), f" {ran} · {cost_words(receipt)}", where)


def _longer(more: timedelta | None) -> str:
    """``, 23 min longer than usual``; nothing where nothing is usual."""
    if more is None:
        return ""
    if not more:
        return ", as usual"
    whole = round(more / _MINUTE) * _MINUTE if abs(more) > 2 * _MINUTE else more
    return f", {duration(whole)} {'longer' if more > timedelta() else 'shorter'} than usual"


def _tasks(receipt: Receipt) -> Text:
    """``2,003 tasks, 16 failed, 212 retries (6.1 core-hours lost) · queue 11 min, boot 7 min · spot saved $61``."""
    tasks = receipt.tasks
    counted = ["tasks not counted" if receipt.all_tasks is None else plural(receipt.all_tasks, "task")]
    if receipt.failed:
        counted.append(f"{number(receipt.failed)} failed")
    again = tasks.retries + tasks.requeues
    if again:
        made = plural(tasks.retries, "retry", "retries") if tasks.retries else ""
        put = f"{number(tasks.requeues)} requeued" if tasks.requeues else ""
        counted.append(f"{', '.join(filter(None, (made, put)))} ({_lost(receipt)})")
    waited = []
    if tasks.queue is not None:
        waited.append(f"queue {'at most ' if tasks.began_at_most else ''}{duration(tasks.queue)}")
    if receipt.boot:
        waited.append(f"boot {duration(receipt.boot)}")
    return text(" · ".join(filter(None, (", ".join(counted), ", ".join(waited), _spot(receipt)))))


def _lost(receipt: Receipt) -> str:
    """``6.1 core-hours, $1.20 lost``, ``at least …``, ``what was lost is not known``."""
    lost, cost = receipt.tasks.lost.core_hours.total, receipt.lost_cost
    unknown = receipt.tasks.unknown_runs
    if unknown and not lost:
        return "how much was lost is not known yet" if receipt.ended is None else "how much was lost is not known"
    price = f", {_amount(cost, receipt.own.currency)}" if cost and receipt.own.currency else ""
    return f"{'at least ' if unknown else ''}{core_hours(lost)}{price} lost"


def _spot(receipt: Receipt) -> str:
    if not receipt.own.spot_hours.total:
        return ""
    saved = receipt.spot_saved
    if saved is None:
        return "what spot saved is not known"
    if saved < 0:
        return f"spot cost {_amount(-saved, receipt.own.currency)} more than it saved"
    return f"spot saved {_amount(saved, receipt.own.currency)}"


def _amount(value: float, currency: str) -> str:
    """Money of its own, with the decimals of its currency below 100."""
    return money(value, currency, digits_of(value, currency))


def _against(usual: Usual | None, receipt: Receipt) -> Text:
    """``cost against the last 10 runs ▁▂▂▃▂▂▂▃▂▅ usually $41.30``: by cost where all have one, else by time."""
    if usual is None or len(usual.runs) < ENOUGH or receipt.ended is None:
        return ()
    costs = [run.total for run in usual.runs]
    now = receipt.cost if receipt.idle_cost is not None else None
    known = [cost for cost in costs if cost is not None]
    by_cost = usual.cost is not None and now is not None and len(known) == len(costs)
    values = (
        [*known, now or 0.0] if by_cost else [*(run.seconds for run in usual.runs), receipt.runtime.total_seconds()]
    )
    which = "cost" if by_cost else "runtime"
    usually = [_amount(usual.cost, usual.currency) if usual.cost is not None else ""]
    usually.append(duration(usual.span) if usual.span is not None else "")
    said = " and ".join(filter(None, usually))
    return text(
        f"{which} against the last {number(len(usual.runs))} runs  ",
        spark(values),
        bold(f"  {more}") if (more := _dearer(receipt)) else None,
        muted(f"  usually {said}"),
    )


def _dearer(receipt: Receipt) -> str:
    """``97 % more than usual``; nothing where that is not known."""
    usual = receipt.usual
    if usual is None or not usual.cost or receipt.cost is None or receipt.idle_cost is None:
        return ""
    if usual.currency != currency_of(receipt):
        return ""
    return compared(receipt.cost, usual.cost, "usual", NOTEWORTHY)


def _table(receipt: Receipt) -> Table | None:
    """Line by line what became of it; the lines sum to the total below them."""
    lines, currency = shown_lines(receipt), currency_of(receipt)
    if not lines:
        return None
    nothing = Decimal(0)
    hours, whole = sum((x.core_hours for x in lines), nothing), sum((x.money for x in lines), nothing)
    digits = _digits(receipt)
    rows = [
        [
            _GOING if line.what == "useful" and receipt.ended is None else _WORDS[line.what],
            money(line.money, currency, digits) if line.priced else "price unknown",
            f"{line.core_hours:,}",
        ]
        for line in lines
    ]
    found = table(_COLUMNS, rows)
    paid = money(whole, currency, digits) if all(line.priced for line in lines) else "price unknown"
    cells = ("all", paid, f"{hours:,}")
    last = Row(tuple(text(bold(cell)) if cell else () for cell in cells))
    return Table(found.columns, (*found.rows, last))


def _small(receipt: Receipt) -> list[str]:
    """What the figures are by, and what they lack."""
    notes = []
    if receipt.by_samples:
        notes.append("own core-hours by samples of the pool, since not all of its tasks could be read")
    elif receipt.counted is None:
        notes.append("its tasks could not be read")
    elif not receipt.read_all:
        notes.append(
            f"{number(receipt.tasks.tasks)} of {plural(receipt.counted, 'task')} were read: what they took is the least"
        )
    if receipt.tasks.unknown_runs:
        later = ", their statistics come about half an hour after the end" if receipt.ended else ""
        notes.append(
            f"how long the earlier runs of {plural(receipt.tasks.unknown_runs, 'task')} took is not known{later}"
        )
    if receipt.tasks.unplaced and not receipt.by_samples:
        notes.append("some tasks ran on nodes of which nobody knows the size")
    if receipt.own.unpriced:
        notes.append(f"{core_hours(receipt.own.unpriced)} have no known price")
    if receipt.idle_share is None:
        notes.append("its share of idle is not known: that time was not sampled")
    elif receipt.seen < WHOLE:
        notes.append(f"its share of idle is of {percent(receipt.seen, 1)} of the time, which was sampled")
    elif receipt.idle_cost:
        notes.append("its share of idle is of the half hours in which it ran")
    if receipt.own.currency:
        notes.append("list or own prices, no bill")
    joined = "; ".join(notes)
    return [joined[:1].upper() + joined[1:]] if joined else []
