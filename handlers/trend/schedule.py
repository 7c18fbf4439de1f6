"""A job schedule's newest run against the ten before it."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.trends.runs import LAST, RunAgainst, against
from bot.receipts.reader import ReceiptReader
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, muted, text
from cards.card import Button, Card, Column, Footer, Mark, Picture, Text, Time, Words
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.formatting import duration, number, plural, short_day
from handlers.shared.common import line, titled
from handlers.shared.missing import finding_schedule
from storage.port.runs import JobRun

_COLUMNS = (
    Column("Run", width=3),
    Column("Took", "right", width=2),
    Column("Failed", "right", rank=1, width=2),
    Column("Wait p50", "right", rank=3, width=2),
    Column("Run p50", "right", rank=4, width=2),
    Column("Ended", rank=2, width=3),
)


async def schedule_trend(ctx: Context, source: Account, schedule: str) -> Card:
    """The card. Raises Instead where there is no such schedule."""
    async with finding_schedule(ctx, source, schedule, "schedule show"):
        reader = ReceiptReader(ctx.store, ctx.accounting)
        runs = await reader.runs(source, schedule, limit=LAST + 1)
    going, found = runs.going, against(await reader.completed(source, runs.ended))
    buttons = build.actions(
        Button("Open the run", line(ctx, source, "job show", found.newest.job), style="primary") if found else None,
        Button("All its jobs", line(ctx, source, "schedule jobs", schedule)),
        Button("Schedule", line(ctx, source, "schedule show", schedule)),
        Button("Running now", line(ctx, source, "job show", going[0])) if going else None,
        Button("Account", line(ctx, source, "trend")),
        Button("Refresh", line(ctx, source, "trend", schedule=schedule), how="edit"),
    )
    if found is None:
        return Card(
            title=titled(f"Schedule {schedule}", "no run has ended yet"),
            mark=Mark.IDLE,
            as_of=source.now(),
            blocks=blocks(
                Words(text("Its first run goes on." if going else "It has started no job that is still known.")),
                buttons,
            ),
        )
    finding = _finding(found)
    drawn = _chart(found, f"{schedule}: {finding}", source.name, ZoneInfo(ctx.zone))
    return Card(
        title=titled(f"Schedule {schedule}", finding),
        mark=_mark(found),
        as_of=source.now(),
        blocks=blocks(
            Picture(key=f"trend-{schedule}"[:60], alt=alt(drawn), chart=drawn, title=f"Runs of {schedule}"),
            _against(found),
            build.table(_COLUMNS, [_row(run) for run in (found.newest, *found.before)]),
            _unread(found),
            buttons,
        ),
    )


def _finding(found: RunAgainst) -> str:
    """``4 h 12 min, 23 min longer than usual, 16 of 2,003 tasks failed``."""
    newest, longer = found.newest, found.longer
    took = f"{_last(newest.job)} took {duration(timedelta(seconds=round(newest.seconds)))}"
    if longer is not None and abs(longer) >= 1:
        how = "longer" if longer > 0 else "less"
        took += f", {duration(timedelta(seconds=round(abs(longer))))} {how} than usual"
    elif longer is not None:
        took += ", as usual"
    if newest.failed and newest.tasks:
        took += f", {number(newest.failed)} of {number(newest.tasks)} tasks failed"
    return took


def _against(found: RunAgainst) -> Words:
    """What is usual, in a line."""
    if found.usual is None:
        return Words(text(muted(f"Fewer than four runs have ended ({1 + len(found.before)}): nothing is usual yet.")))
    failed = found.usual_failed
    usual = f"The {plural(len(found.before), 'run')} before took {duration(timedelta(seconds=round(found.usual)))}"
    usual += " in the middle"
    if failed is not None:
        usual += f", with {plural(round(failed), 'failed task')}" if failed else ", without a failed task"
    return Words(text(f"{usual}."))


def _mark(found: RunAgainst) -> Mark:
    usual = found.usual_failed or 0
    if found.newest.failed and found.newest.failed > usual:
        return Mark.FAILED
    return Mark.WARNING if found.odd and (found.longer or 0) > 0 else Mark.DONE


def _row(run: JobRun) -> list[Text]:
    failed = (
        text(muted("not counted")) if run.failed is None else text(number(run.failed) if run.failed else muted("–"))
    )
    waited, ran = run.waits.percentile(0.5), run.runtimes.percentile(0.5)
    return [
        text(code(run.job)),
        text(duration(timedelta(seconds=round(run.seconds)))),
        failed,
        _span(waited),
        _span(ran),
        text(Time(run.ended)),
    ]


def _span(seconds: float | None) -> Text:
    if seconds is None:
        return text(muted("–"))
    return text(duration(timedelta(seconds=round(seconds))) if seconds >= 1 else "under 1 s")


def _unread(found: RunAgainst) -> Footer | None:
    missing = sum(run.failed is None for run in (found.newest, *found.before))
    return (
        build.note(f"The tasks of {plural(missing, 'run')} could not be counted: the job is gone.") if missing else None
    )


def _chart(found: RunAgainst, headline: str, account: str, zone: ZoneInfo) -> BarChart:
    """A bar for each run, the oldest first."""
    runs = [*reversed(found.before), found.newest]
    ends = [run.ended.astimezone(zone) for run in runs]
    bars = tuple(Bar(f"{short_day(end)} {end:%H:%M}", (run.seconds,)) for end, run in zip(ends, runs, strict=True))
    usual = median(run.seconds for run in found.before) if found.usual is not None else None
    return BarChart(
        headline,
        f"{account} · how long each run took, by when it ended ({zone.key})",
        (BarSeries("took", "busy"),),
        bars,
        unit="s",
        level=usual,
        level_label="usual",
    )


def _last(job: str) -> str:
    """``job-12`` of ``nightly:job-12``."""
    return job.rpartition(":")[2]
