"""Usage: busy and all cores over a window, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, facts, text
from cards.card import Button, Card, Facts, Footer, Mark, Picture, Words
from cards.charts.alt import alt
from cards.charts.figures import most_idle
from cards.charts.usage import UsageChart, UsagePoint
from cards.formatting import number, percent
from handlers.shared.common import line, titled
from storage.port.samples import Bucket

Window = Literal["1h", "24h", "7d", "30d"]
_WINDOWS: dict[str, tuple[timedelta, int, str]] = {
    "1h": (timedelta(hours=1), 60, "the last hour"),
    "24h": (timedelta(hours=24), 300, "the last 24 hours"),
    "7d": (timedelta(days=7), 1800, "the last 7 days"),
    "30d": (timedelta(days=30), 21600, "the last 30 days"),
}
_STRIP_BUCKETS = 240
_WORTH_A_NOTE = 0.1
_STEPS = (60, 300, 1800, 21600, 86400)


@command("usage", effect="read", examples=["usage", "usage 7d", "usage 24h pool:gpu-a"], menu=60)
async def usage(ctx: Context, window: Window = "24h", *, pool: str | None = None, account: str | None = None) -> Card:
    """Draw busy and all cores over a time window; the gap between them is idle.

    :param window: how far back
    :param pool: only this pool
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    span, step, words = _WINDOWS[window]
    buttons = build.actions(
        *(
            Button(_label(each), line(ctx, source, "usage", each, pool=pool), how="edit", current=each == window)
            for each in _WINDOWS
        ),
        Button("Pools", line(ctx, source, "pool list")),
    )
    kept = await ctx.store.sampled_range(source.name)
    where = f"pool {pool}" if pool else "all pools"
    if kept is None:
        return Card(
            title=titled(f"Usage of {source.name}", "no samples yet"),
            mark=Mark.IDLE,
            blocks=blocks(
                Words(text("The bot samples cores once a minute, from now on. Come back in a few minutes.")), buttons
            ),
        )
    first, last = kept
    until = _ceiling(last, step)
    since = until - span
    buckets = await ctx.store.usage(source.name, pool, since, until, step)
    if pool and not buckets:
        return build.refusal(
            f"There are no samples of pool “{pool}” in {words}.",
            "It may not exist, or had no nodes.",
            [Button("All pools", line(ctx, source, "usage", window)), Button("Pools", line(ctx, source, "pool list"))],
        )
    busy = sum(bucket.busy for bucket in buckets) / 3600
    total = sum(bucket.total for bucket in buckets) / 3600
    headline = f"{percent(busy, total)} busy of {number(round(total))} core-hours" if total else "No cores allocated"
    zone = ZoneInfo(ctx.zone)
    points = _points(buckets, since, until, step)
    note, note_at = _note(points, step, total, zone)
    chart = UsageChart(
        headline=headline,
        subtitle=f"{source.name} · {where} · {_days(since, until, zone)}",
        points=points,
        step=step,
        since=since,
        until=until,
        zone=ctx.zone,
        note=note,
        note_at=note_at,
        strip=await _strip(ctx, source.name, pool, first, until),
    )
    return Card(
        title=titled(headline, source.name, where, words),
        mark=Mark.RUNNING if total else Mark.IDLE,
        as_of=last,
        blocks=blocks(
            Picture(key=f"usage-{source.name}-{window}", alt=alt(chart), chart=chart, title=f"Usage of {source.name}"),
            _figures(buckets, busy, total),
            _gap(buckets, span),
            buttons,
        ),
    )


def _note(points: tuple[UsagePoint, ...], step: int, total: float, zone: ZoneInfo) -> tuple[str, datetime | None]:
    """The stretch that idled most, where it is a tenth of all core-hours or more."""
    idle = most_idle(points, step)
    if idle is None or idle.core_hours < _WORTH_A_NOTE * total:
        return "", None
    begin, end = idle.since.astimezone(zone), idle.until.astimezone(zone)
    shown = f"{begin:%a %H:%M} – {end:%H:%M}" if begin.date() == end.date() else f"{begin:%a %H:%M} – {end:%a %H:%M}"
    return f"{shown}\n{percent(idle.share, 1)} idle", begin + (end - begin) / 2


def _figures(buckets: Sequence[Bucket], busy: float, total: float) -> Facts | None:
    latest = buckets[-1] if buckets else None
    peak = max(buckets, key=lambda bucket: bucket.total / bucket.seconds, default=None)
    return facts(
        ("Busy now", _cores(latest) if latest else None),
        ("Busy core-hours", f"{number(round(busy))} of {number(round(total))}"),
        ("Idle core-hours", f"{number(round(total - busy))} ({percent(total - busy, total)})" if total else None),
        ("Most cores", number(round(peak.total / peak.seconds)) if peak else None),
    )


def _cores(bucket: Bucket) -> str:
    busy, total = bucket.busy / bucket.seconds, bucket.total / bucket.seconds
    return f"{number(round(busy, 1))} of {number(round(total))} cores"


def _gap(buckets: Sequence[Bucket], span: timedelta) -> Footer | None:
    """How much of the window was sampled, where it was not all of it."""
    seen = sum(bucket.seconds for bucket in buckets)
    whole = span.total_seconds()
    return (
        build.note(f"{percent(seen, whole)} of this window was sampled; the rest is unknown.")
        if (seen < whole * 0.98)
        else None
    )


def _points(buckets: Sequence[Bucket], since: datetime, until: datetime, step: int) -> tuple[UsagePoint, ...]:
    """Every bucket of the window, with empty ones where nothing was sampled."""
    known = {bucket.start: bucket for bucket in buckets}
    points = []
    start = since
    while start < until:
        bucket = known.get(start)
        if bucket and bucket.seconds > 0:
            points.append(
                UsagePoint(
                    start,
                    bucket.busy / bucket.seconds,
                    bucket.total / bucket.seconds,
                    min(1.0, bucket.seconds / step),
                )
            )
        else:
            points.append(UsagePoint(start, 0.0, 0.0, 0.0))
        start += timedelta(seconds=step)
    return tuple(points)


async def _strip(
    ctx: Context, account: str, pool: str | None, first: datetime, until: datetime
) -> tuple[UsagePoint, ...]:
    """All that is kept, coarse enough for a strip."""
    span = (until - first).total_seconds()
    step = next((step for step in _STEPS if span / step <= _STRIP_BUCKETS), _STEPS[-1])
    since = _ceiling(first, step) - timedelta(seconds=step)
    buckets = await ctx.store.usage(account, pool, since, _ceiling(until, step), step)
    return _points(buckets, since, _ceiling(until, step), step)


def _ceiling(moment: datetime, step: int) -> datetime:
    """The end of the bucket that a moment lies in."""
    start = moment.timestamp() // step * step
    return datetime.fromtimestamp(start + step, tz=moment.tzinfo)


def _label(window: str) -> str:
    return {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}[window]


def _days(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    begin, end = since.astimezone(zone), until.astimezone(zone)
    if end - begin <= timedelta(hours=36):
        day = "" if begin.date() == end.date() else f"{end:%a %d %b} "
        return f"{begin:%a %d %b %H:%M} – {day}{end:%H:%M} {end:%Z}"
    return f"{begin:%d %b} – {end:%d %b %Y}, {zone.key}"
