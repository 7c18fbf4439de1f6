"""Usage: busy cores under all cores over a window, as a picture, and the gap between them by reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain import timeline
from bot.domain.core_usage import core_hours
from bot.domain.core_use import WHOLE
from bot.domain.timeline import Kept, Window
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, text
from cards.card import Button, Card, Mark, Picture, Words
from cards.charts.alt import alt
from cards.charts.usage import UsageChart, UsagePoint
from cards.formatting import day_words, duration, moment_words, short_day
from handlers.shared.common import line, titled
from handlers.usage import as_csv, parts
from handlers.usage import gap as gaps
from handlers.usage import subject as subjects
from handlers.usage import window as windows
from handlers.usage.gap import Gap
from handlers.usage.subject import Asked as Subject
from handlers.usage.subject import Use
from storage.port.samples import Bucket


@command(
    "usage",
    effect="read",
    examples=[
        "usage",
        "usage 7d",
        "usage 24h pool:gpu-a",
        "usage job:nightly:job-12",
        "usage 30d tag:team=render",
        "usage from:yesterday to:now",
        "usage from:2026-11-23T08:00 to:2026-11-23T18:00",
    ],
    menu=60,
)
async def usage(
    ctx: Context,
    window: str | None = None,
    *,
    pool: str | None = None,
    job: str | None = None,
    size: str | None = None,
    tag: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Draw busy and all cores over a time window; the gap between them is idle, by reason and in money.

    :param window: how far back, such as 24h, 7d or 14d; 24h where nothing is said
    :param pool: only this pool
    :param job: only what this job kept busy, in the pools where it ran
    :param size: only pools of this VM size
    :param tag: only pools with this metadata, such as team=render
    :param from_: from when on, such as 2026-11-23T08:00, yesterday, or 3d for three days ago
    :param to: up to when
    :param csv: as a file, with the figures of each bucket
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    subject = Subject(pool, job, size, tag)
    subjects.one_of(ctx, source, subject)

    def again(preset: str | None = None, **moments: str) -> str:
        tokens = ("usage", preset) if preset else ("usage",)
        return line(ctx, source, *tokens, **subject.options, **moments)

    kept = await subjects.kept(ctx, source, subject)
    if kept is None:
        return _no_samples(ctx, source, again)
    if job and not (window or from_ or to):
        from_, to = await _run_of(ctx, source, job, kept)
    asked = windows.asked(window, from_, to, kept, ctx.zone, again)
    belongs = await subjects.belonging(ctx, source, subject)
    shown = asked.window
    use = await subjects.use(ctx, source, subject, belongs, shown)
    if (pool and not use.own) or (job and not use.pools):
        return _nothing_of(ctx, source, subject, asked.words(ZoneInfo(ctx.zone)), window or "24h")
    zone = ZoneInfo(ctx.zone)
    found = gaps.gap(core_hours(use.own), use.spend, shared=bool(job))
    since = await subjects.watched_from(ctx, source) if found.hours.at_most else None
    covered = f" since {since.astimezone(zone):%d %b %H:%M}" if since else ""
    headline = _headline(use, found, covered)
    if csv:
        return _as_file(ctx, source, subject, asked, use, headline)
    points = _points(use.own, shown)
    note, note_at = parts.note(points, shown.step, found.total, zone)
    strip = timeline.strip_of(shown, kept)
    peaks = await subjects.peaks(ctx, source, subject, belongs, shown, kept)
    chart = UsageChart(
        headline=headline,
        subtitle=f"{source.name} · {subject.words} · {_known(shown, kept)}{_days(shown, zone)}",
        points=points,
        step=shown.step,
        since=shown.since,
        until=shown.until,
        zone=ctx.zone,
        note=note,
        note_at=note_at,
        idle=gaps.idle_money(found),
        peaks=peaks,
        strip=_points(await subjects.strip(ctx, source, subject, belongs, strip), strip),
    )
    words = f"{alt(chart)} {gaps.in_words(found)}".strip()
    priced = f"Cost{covered}"
    key = f"usage-{source.name}-{asked.preset or timeline.written(shown.since)}"
    return Card(
        title=titled(headline, source.name, subject.words, f"{_known(shown, kept)}{asked.words(zone)}"),
        mark=Mark.RUNNING if found.total else Mark.IDLE,
        as_of=kept.last + subjects.INSTANT,
        blocks=blocks(
            Picture(key=key, alt=words, chart=chart, title=f"Usage of {source.name}"),
            windows.presets(asked, again),
            windows.slider(asked, kept, again),
            parts.figures(use, found, await subjects.network(ctx, source, subject, shown), shown, peaks),
            gaps.table(found, priced) if found.total else None,
            parts.of_job(use) if job else None,
            parts.most_idle_pool(use, found) if not subject.options else None,
            parts.next_steps(ctx, source, subject, use, asked),
            *(build.note(each) for each in windows.notes(asked, kept, ctx.zone)),
            parts.sampled(use.own, shown, kept),
            parts.from_monitor(use.own, shown.step, since, zone),
            gaps.price_note(found, covered),
        ),
    )


def _as_file(ctx: Context, source: Account, subject: Subject, asked: windows.Asked, use: Use, headline: str) -> Card:
    zone = ZoneInfo(ctx.zone)
    begin = asked.window.since.astimezone(zone)
    about = "-".join(["usage", source.name, *subject.options.values(), f"{begin:%Y%m%d-%H%M}"])
    title = f"Core-hours of {subject.words}, {asked.words(zone)}"
    shown = windows.moments(asked.window.since, asked.window.until)
    return Card(
        title=titled(headline, source.name, subject.words, asked.words(zone)),
        blocks=blocks(
            as_csv.csv(about, title, use.own, asked.window),
            build.actions(Button("Picture", line(ctx, source, "usage", **subject.options, **shown))),
        ),
    )


async def _run_of(ctx: Context, source: Account, job: str, kept: Kept) -> tuple[str | None, str | None]:
    """From when to when a job kept cores busy, as moments are typed; nothing where it never did."""
    whole = timeline.strip_of(Window(kept.first, kept.last, kept.finest), kept)
    rows = await ctx.store.usage_by_job(source.name, whole.since, whole.until, whole.step, job)
    if not rows:
        return None, None
    ends = max(row.start for row in rows) + timedelta(seconds=whole.step)
    return timeline.written(min(row.start for row in rows)), timeline.written(min(ends, whole.until))


def _headline(use: Use, found: Gap, covered: str) -> str:
    """``58 % busy of 21,840 core-hours, idle $123 since 29 Nov 03:30`` where money is known of a part alone."""
    if not found.total:
        return "No cores allocated" if any(bucket.seconds for bucket in use.own) else "Nothing was sampled"
    if found.total < gaps.TOLD:
        return "Next to no cores allocated"
    _, total = gaps.hours_in_words([line.hours for line in found.lines])
    most = "at most " if found.hours.at_most else ""
    idle = gaps.idle_money(found)
    busy = gaps.shares(found)[0]
    words = f"{most}{busy} busy of {total} core-hours{f', idle {idle}{covered}' if idle else ''}"
    return words[0].upper() + words[1:]


def _no_samples(ctx: Context, source: Account, again: windows.Again) -> Card:
    return Card(
        title=titled(f"Usage of {source.name}", "no samples yet"),
        mark=Mark.IDLE,
        blocks=blocks(
            Words(text("The bot samples cores once a minute, from now on. Come back in a few minutes.")),
            build.actions(
                *(Button(words, again(each), how="edit") for each, words in timeline.PRESET_LABELS.items()),
                Button("Pools", line(ctx, source, "pool list")),
            ),
        ),
    )


def _nothing_of(ctx: Context, source: Account, subject: Subject, words: str, preset: str) -> Card:
    name, value = next(iter(subject.options.items()))
    why = "It may not exist, or had no nodes." if name == "pool" else "It may not exist, or ran no task in that time."
    return build.refusal(
        f"There are no samples of {name} “{value}” in {words}.",
        why,
        [
            Button("All pools", line(ctx, source, "usage", preset)),
            Button("90 days", line(ctx, source, "usage", "90d", **subject.options)),
            Button(f"{name.capitalize()}s", line(ctx, source, f"{name} list")),
        ],
    )


def _points(buckets: Sequence[Bucket], window: Window) -> tuple[UsagePoint, ...]:
    """Every bucket of the window, empty ones where nothing was sampled."""
    known = {bucket.start: bucket for bucket in buckets}
    points = []
    start = window.since
    while start < window.until:
        bucket = known.get(start)
        if bucket and bucket.seconds > 0:
            points.append(
                UsagePoint(
                    start,
                    bucket.busy / bucket.seconds,
                    bucket.total / bucket.seconds,
                    min(1.0, bucket.seconds / window.step),
                    bucket.spot.busy / bucket.seconds,
                    bucket.spot.total / bucket.seconds,
                    bucket.at_most,
                )
            )
        else:
            points.append(UsagePoint(start, 0.0, 0.0, 0.0))
        start += timedelta(seconds=window.step)
    return tuple(points)


def _known(window: Window, kept: Kept) -> str:
    """``27 h known of `` where much less of a window is kept than it is long; else nothing."""
    known = min(window.until, kept.last + subjects.INSTANT) - max(window.since, kept.first)
    return f"{duration(known)} known of " if known < window.span * WHOLE - timedelta(seconds=2 * window.step) else ""


def _days(window: Window, zone: ZoneInfo) -> str:
    begin, end = window.since.astimezone(zone), window.until.astimezone(zone)
    if window.span <= timedelta(hours=36):
        day = "" if begin.date() == end.date() else f"{day_words(end)} "
        return f"{moment_words(begin)} – {day}{end:%H:%M} {end:%Z}"
    return f"{short_day(begin)} – {short_day(end)} {end:%Y}, {zone.key}"
