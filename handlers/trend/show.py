"""Trends: how jobs, tasks, waits, boots and preemptions went, beside the period before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.entity import fold
from bot.domain.timeline import PRESET_LABELS, PRESET_WORDS
from bot.domain.trends.period import Period, period_of
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, muted, text
from cards.card import Block, Button, Card, Mark, Menu, Option, Picture, Time, Words
from cards.charts.alt import alt
from cards.formatting import plural, short_day
from handlers.shared.common import line, nearest, template, titled
from handlers.trend.figures import NAMES, Half, Subject, chart, half, headline, table
from handlers.trend.gather import Gathered, gather, narrowed
from handlers.trend.schedule import schedule_trend

Window = Literal["24h", "7d", "30d", "90d"]
_WINDOWS: tuple[Window, ...] = get_args(Window)
_SHORT = timedelta(days=2)
"""Where less than that is known, a day is shown unless more is asked for: of a week most would be empty."""
_DRAWN = 3
"""Points that a picture has at least."""


@command(
    "trend",
    effect="read",
    examples=["trend", "trend 30d of:queue", "trend 7d of:boot pool:gpu-a", "trend schedule:nightly"],
)
async def trend(
    ctx: Context,
    window: Window | None = None,
    *,
    of: Subject = "tasks",
    pool: str | None = None,
    schedule: str | None = None,
    account: str | None = None,
) -> Card:
    """Show how jobs, tasks, waits, boots and preemptions went, beside the period before; or a schedule's runs.

    :param window: how far back, 7d if left out; the period before is as long
    :param of: what the picture shows; the table has everything
    :param pool: only jobs and nodes of this pool
    :param schedule: the newest run of this job schedule against its last ten
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    if schedule:
        return await schedule_trend(ctx, source, schedule)
    if pool and of == "preempted":
        of = "tasks"
    zone = ZoneInfo(ctx.zone)
    chosen: Window = window or "7d"
    period = period_of(chosen, source.now(), zone)
    gathered = await gather(ctx, source, period, pool)
    if window is None and gathered.first and gathered.at - gathered.first < _SHORT:
        chosen = "24h"
        period = period_of(chosen, source.now(), zone)
        gathered = await narrowed(ctx, source, gathered, period, pool)
    now, before = half(gathered, period), half(gathered, period.before)
    where = f"pool {pool}" if pool else None
    finding = headline(of, now, before)
    title = " · ".join(filter(None, [source.name, where, PRESET_WORDS[chosen].removeprefix("the ")]))
    nothing = not gathered.jobs and not gathered.boots and not now.preempted.nodes.whole
    if pool and nothing:
        await _seen(ctx, source, pool, chosen)
    return Card(
        title=titled(finding, source.name, where, PRESET_WORDS[chosen].removeprefix("the ")),
        mark=Mark.IDLE if nothing else _mark(of, now, before),
        as_of=gathered.at,
        blocks=blocks(
            _nothing(gathered) if nothing else _picture(of, title, period, finding, (now, before), ctx.zone),
            None if nothing else table(now, before, pool=bool(pool)),
            _small_print(gathered, period, now, zone),
            build.actions(
                *(
                    Button(
                        PRESET_LABELS[each],
                        line(ctx, source, "trend", each, of=_other(of), pool=pool),
                        how="edit",
                        current=each == chosen,
                    )
                    for each in _WINDOWS
                ),
                Menu(
                    "Show",
                    template(ctx, source, "trend", chosen, of="{}", pool=pool),
                    tuple(
                        Option(NAMES[each], each) for each in get_args(Subject) if not (pool and each == "preempted")
                    ),
                    how="edit",
                ),
                _schedules(ctx, source, gathered),
                Button("Usage", line(ctx, source, "usage", chosen, pool=pool)),
                Button("Failed jobs", line(ctx, source, "job list", "failed>0", pool=pool)),
            ),
        ),
    )


async def _seen(ctx: Context, source: Account, pool: str, window: str) -> None:
    """Raises CommandError with the nearest pools where none of that name was ever seen."""
    known = sorted({era.pool for era in await ctx.store.pool_eras(source.name)})
    if fold(pool) not in map(fold, known):
        near = nearest(pool, known) or known[:4]
        raise CommandError(
            f"No pool “{pool[:60]}” was seen while the bot has watched.",
            [line(ctx, source, "trend", window, pool=each) for each in near] or [line(ctx, source, "trend", window)],
            at="pool",
        )


def _other(of: Subject) -> Subject | None:
    """The subject where it has to be said."""
    return None if of == "tasks" else of


def _mark(of: Subject, now: Half, before: Half) -> Mark:
    """A warning where more of it failed than before."""
    this, that = (now.jobs, before.jobs) if of == "jobs" else (now.tasks, before.tasks)
    worse = of in ("tasks", "jobs") and (this.share_bad or 0) > 1.25 * (that.share_bad or 0)
    return Mark.WARNING if worse and (this.bad.whole or 0) > 1 else Mark.NEUTRAL


def _picture(of: Subject, where: str, period: Period, finding: str, halves: tuple[Half, Half], zone: str) -> Block:
    """The picture, or a word where there is nothing in it."""
    drawn = chart(of, *halves, period, finding, where, zone)
    known = {at for series in drawn.series for at, value in enumerate(series.values) if value is not None}
    if not known:
        return Words(text(muted(f"There is nothing to draw for {NAMES[of].lower()}.")))
    if len(known) < _DRAWN:
        few = f"{plural(len(known), 'point')} of {period.count}"
        return Words(text(muted(f"No picture yet: of {NAMES[of].lower()} only {few} would be in it.")))
    key = f"trend-{of}-{period.span.days}-{period.until:%d%H}"
    return Picture(key=key, alt=alt(drawn), chart=drawn, title=f"{NAMES[of]}: {where}")


def _nothing(gathered: Gathered) -> Words:
    since = gathered.watched
    return Words(
        text(
            "No job has ended in this time, or in the time before",
            *((", and the bot has watched since ", Time(since, "clock")) if since else ()),
            ". Trends are made of jobs that have ended.",
        )
    )


def _small_print(gathered: Gathered, period: Period, now: Half, zone: ZoneInfo) -> Block | None:
    """How it is counted, and what is missing."""
    pieces = ["Tasks are counted when their job ends; waits are from a task's creation to the start of its last run."]
    if now.tasks.uncounted:
        many = now.tasks.uncounted
        pieces.append(f"The tasks of {many:,} job{'s' if many > 1 else ''} were not counted.")
    return build.note(" ".join([*pieces, *gathered.notes, *_kept_since(gathered.watched, period, zone)]))


def _kept_since(watched: datetime | None, period: Period, zone: ZoneInfo) -> list[str]:
    """Since when jobs that end are kept, where that is within the period, and from when on it will be whole."""
    if watched is None:
        return ["The results of jobs are kept from now on, also after Batch has forgotten the jobs."]
    if watched <= period.before.since:
        return []
    begun, whole, before = (
        watched.astimezone(zone) + times * period.span for times in range(3)
    )  # calendar days of that zone
    kept = f"The results of jobs have been kept since {short_day(begun)} {begun:%H:%M}"
    if watched <= period.since:
        return [f"{kept}. The period before is whole from {short_day(before)} on."]
    return [f"{kept}. This period is whole from {short_day(whole)} on, the one before it from {short_day(before)} on."]


def _schedules(ctx: Context, source: Account, gathered: Gathered) -> Menu | None:
    names = sorted({job.schedule for job in gathered.jobs if job.schedule})
    if not names:
        return None
    command = line(ctx, source, "trend") + " schedule:{}"
    return Menu("Runs of a schedule", command, tuple(Option(name, name) for name in names), asks=True)
