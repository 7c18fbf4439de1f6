"""What stands below a usage picture: figures, the pool that idles most, what is wanted next, and small print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.core_usage import idlest, last_at_most
from bot.domain.core_use import IDLE_WORDS, WHOLE
from bot.domain.entity import fold
from bot.domain.timeline import Kept, Window
from bot.requests.context import Context
from cards import build
from cards.build import bold, facts, text
from cards.card import Actions, Button, Facts, Footer, Text, Time, Words
from cards.charts.figures import most_idle
from cards.charts.usage import Peaks, UsagePoint
from cards.formatting import duration, file_size, money, number, percent, short_day
from handlers.shared.common import line
from handlers.usage import gap as gaps
from handlers.usage import window as windows
from handlers.usage.gap import Gap
from handlers.usage.subject import Asked as Subject
from handlers.usage.subject import Use
from storage.port.network import NetworkUse
from storage.port.samples import Bucket

_WORTH_A_NOTE = 0.1
_MINUTE = 60
_GIB = 1 << 30


def note(points: tuple[UsagePoint, ...], step: int, total: float, zone: ZoneInfo) -> tuple[str, datetime | None]:
    """The stretch that idled most, where it is a tenth of all core-hours or more."""
    idle = most_idle(points, step)
    if idle is None or idle.core_hours < _WORTH_A_NOTE * total:
        return "", None
    begin, end = idle.since.astimezone(zone), idle.until.astimezone(zone)
    shown = f"{begin:%a %H:%M} – {end:%H:%M}" if begin.date() == end.date() else f"{begin:%a %H:%M} – {end:%a %H:%M}"
    return f"{shown}\n{percent(idle.share, 1)} idle", begin + (end - begin) / 2


def figures(
    use: Use, found: Gap, network: NetworkUse | None, window: Window, peaks: Peaks | None = None
) -> Facts | None:
    """Busy cores and all cores: on average, at the end, at most; and dedicated and spot apart."""
    sampled = [bucket for bucket in use.own if bucket.seconds > 0]
    if not sampled:
        return None
    dedicated, spot = gaps.kinds(found.hours)
    return facts(
        ("Busy cores", _levels([b.busy / b.seconds for b in sampled], sampled, window.step, _two(peaks, busy=True))),
        ("All cores", _levels([b.total / b.seconds for b in sampled], sampled, window.step, _two(peaks, busy=False))),
        ("Dedicated", dedicated),
        ("Spot", spot),
        ("In and out", _traffic(network, window)),
    )


def _traffic(network: NetworkUse | None, window: Window) -> Text:
    """``1,204 GB in, 87 GB out, as of 05:40`` and where it is from; nothing where nobody counts it."""
    if network is None:
        return ()
    into, out = (file_size(round(gib * _GIB)) for gib in (network.read, network.written))
    counted = text(", counted from ", Time(network.since, "clock")) if network.since > window.since else ()
    return text(f"{into} in, {out} out · {network.source}", counted, ", as of ", Time(network.as_of, "clock"))


def _two(peaks: Peaks | None, *, busy: bool) -> tuple[float, float, int] | None:
    """What was last, what was most, and of how many seconds both are the mean."""
    if peaks is None:
        return None
    return (peaks.last.busy, peaks.busy, peaks.step) if busy else (peaks.last.total, peaks.total, peaks.step)


def _levels(
    cores: Sequence[float], buckets: Sequence[Bucket], step: int, finest: tuple[float, float, int] | None
) -> str:
    """``12.4 on average · 12 at the end · 22 at most (mean of 6 h)``: a peak is the greatest mean of a bucket.

    ``finest`` are what was last and most in the finest buckets, with their length: they are the same by every zoom.
    """
    weight = sum(bucket.seconds for bucket in buckets)
    mean = sum(each * bucket.seconds for each, bucket in zip(cores, buckets, strict=True)) / weight
    end, peak, length = finest or (cores[-1], max(cores), step)
    span = f" (mean of {duration(timedelta(seconds=length))})" if length > _MINUTE else ""
    average, last, most = (number(round(each, 1)) for each in (mean, end, peak))
    return f"{average} on average · {last} at the end · {most} at most{span}"


def most_idle_pool(use: Use, found: Gap) -> Words | None:
    """The pool to which most of the gap belongs."""
    worst = idlest(use.pools, use.idle_money)
    idle = found.total - found.lines[0].hours if found.lines else 0.0
    cost = use.idle_money.get(fold(worst.pool), 0.0) if worst else 0.0
    if worst is None or (worst.use.idle < _WORTH_A_NOTE * idle and not cost):
        return None
    reason = max(worst.use.reasons().items(), key=lambda item: item[1])[0]
    (hours,), _ = gaps.hours_in_words([worst.use.idle])
    # The share is of what stands first: of all idle money, or of all idle core-hours.
    share = (
        f"{percent(cost, sum(use.idle_money.values()))} of the money"
        if cost
        else f"{percent(worst.use.idle, idle)} of the gap"
    )
    dear = f"{money(cost, use.spend.currency)} for " if cost else ""
    return Words(
        text(
            "Most idle: ",
            bold(worst.pool),
            f", {dear}{hours} idle core-hours ({share}), mostly {IDLE_WORDS[reason]}.",
        )
    )


def of_job(use: Use) -> Footer | None:
    """Why a job has idle cores."""
    return build.note(
        f"Idle cores of {', '.join(use.names)} are shared out among the jobs there, by what each kept busy at the time."
    )


def next_steps(
    ctx: Context,
    source: Account,
    subject: Subject,
    use: Use,
    asked: windows.Asked,
) -> Actions | None:
    """What is likely wanted next: the pool that idles most, its details, cost, trend."""
    worst = None if subject.options else idlest(use.pools, use.idle_money)
    trend = asked.preset if asked.preset in ("24h", "7d", "30d", "90d") else None
    pool = subject.pool

    def same(**options: object) -> str:
        """The same window of something else."""
        if asked.preset:
            return line(ctx, source, "usage", asked.preset, **options)
        return line(ctx, source, "usage", **options, **windows.moments(asked.window.since, asked.window.until))

    return build.actions(
        Button(f"Most idle: {worst.pool}", same(pool=worst.pool), style="primary") if worst else None,
        Button("Pool", line(ctx, source, "pool show", pool)) if pool else None,
        Button("Job", line(ctx, source, "job show", subject.job)) if subject.job else None,
        Button("Cost", line(ctx, source, "cost")),
        Button("Trend", line(ctx, source, "trend", *([trend] if trend else []), pool=pool)),
        Button("All pools", same()) if subject.options else None,
        Button("Pools", line(ctx, source, "pool list")),
        Button("CSV", same(**subject.options, csv=True)),
    )


def sampled(buckets: Sequence[Bucket], window: Window, kept: Kept) -> Footer | None:
    """How much of the window was sampled, where it was not all of it; what is yet to come does not count."""
    seen = sum(bucket.seconds for bucket in buckets)
    whole = (min(window.until, kept.last) - window.since).total_seconds()
    return (
        build.note(f"{percent(seen, whole)} of this window was sampled; the rest is unknown.")
        if whole > 0 and seen < whole * WHOLE
        else None
    )


def from_monitor(buckets: Sequence[Bucket], step: int, watched: datetime | None, zone: ZoneInfo) -> Footer | None:
    """Which part of the window comes from Azure Monitor: up to when the bot began to watch, if its last bucket is both.

    ``watched`` is when that was, None where it never did.
    """
    last = last_at_most(buckets)
    if last is None:
        return None
    end = last + timedelta(seconds=step)
    until = (watched if watched and last < watched < end else end).astimezone(zone)
    return build.note(
        f"Up to {short_day(until)} {until:%H:%M} the figures are from Azure Monitor: busy is at most what is shown, "
        "and of that time neither the pool nor the reason is known."
    )
