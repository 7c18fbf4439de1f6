"""The figures of a period beside those of the one before, and the picture of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.trends.facts import (
    Outcomes,
    Preemptions,
    Series,
    SizeBoots,
    boots_by_size,
    job_outcomes,
    preemptions,
    run_times,
    task_outcomes,
    waits,
)
from bot.domain.trends.period import Period
from cards import build
from cards.build import muted, text
from cards.card import Column, Table, Text
from cards.charts.trend import Tone, TrendChart, TrendSeries, shows_before
from cards.formatting import change, duration, number, plural, share
from handlers.trend.gather import Gathered

Subject: TypeAlias = Literal["tasks", "jobs", "queue", "runtime", "boot", "preempted"]
NAMES: Final[dict[Subject, str]] = {
    "tasks": "Tasks",
    "jobs": "Jobs",
    "queue": "Queue wait",
    "runtime": "Run time of tasks",
    "boot": "Boot time",
    "preempted": "Preempted nodes",
}
_SIZES = 4
"""VM sizes that a picture shows, and the table."""
_PERCENTILES = ("p50", "p90", "p99")
_TONES: tuple[Tone, ...] = ("busy", "other", "bad", "good")


class Half(Struct, frozen=True):
    """What one period came to. ``whole`` says that all of it was watched: only with such a one is anything compared."""

    jobs: Outcomes
    tasks: Outcomes
    waits: list[Series]
    runs: list[Series]
    boots: list[SizeBoots]
    preempted: Preemptions
    whole: bool = True


_UNKNOWN = Series((), None)
_NOTHING = Half(
    Outcomes(_UNKNOWN, _UNKNOWN),
    Outcomes(_UNKNOWN, _UNKNOWN),
    [_UNKNOWN] * 3,
    [_UNKNOWN] * 3,
    [],
    Preemptions(_UNKNOWN, _UNKNOWN, 0.0),
)


def half(gathered: Gathered, period: Period) -> Half:
    """What a period came to."""
    jobs, watched = gathered.jobs, gathered.watched
    return Half(
        job_outcomes(jobs, period, watched),
        task_outcomes(jobs, period, watched),
        waits(jobs, period),
        run_times(jobs, period),
        boots_by_size(gathered.boots, period),
        preemptions(gathered.counts, gathered.usage, period, watched),
        watched is not None and watched <= period.since,
    )


def table(now: Half, before: Half, *, pool: bool) -> Table:
    """A row for each figure: this period, the one before, and the change, where all of the one before was watched.

    Of a pool no preemptions are counted.
    """
    rows = [
        *_outcomes("Jobs ended", "with failed tasks", now.jobs, before.jobs),
        *_outcomes("Tasks ended", "failed", now.tasks, before.tasks),
        *_times("Queue wait", now.waits, before.waits),
        *_times("Run time of tasks", now.runs, before.runs),
    ]
    was = {each.vm_size: each for each in before.boots}
    for each in now.boots[:_SIZES]:
        earlier = was.get(each.vm_size)
        middle = earlier.middle.whole if earlier else None
        rows.append(
            _row(f"Boot p50, {each.vm_size}", _length(each.middle.whole), _length(middle), each.middle.whole, middle)
        )
    if not pool:
        lost, then = now.preempted.nodes.whole, before.preempted.nodes.whole
        rows.append(_row("Preempted nodes", _count(lost), _count(then), lost, then))
        rate, past = now.preempted.rate.whole, before.preempted.rate.whole
        if rate is not None or past is not None:
            rows.append(_row("for 1,000 spot core-hours", _count(rate), _count(past), rate, past))
    if not before.whole:
        rows = [[*row[:3], text(muted("–"))] for row in rows]
    columns = [Column("Figure", width=3), Column("Now", "right", width=2)]
    if all(row[2] == text(muted("–")) for row in rows):  # nothing is known of the period before
        return build.table(columns, [row[:2] for row in rows])
    columns += [Column("Before", "right", rank=2, width=2), Column("Change", "right", rank=1, width=2)]
    return build.table(columns, rows)


def _outcomes(all_of_them: str, bad: str, now: Outcomes, before: Outcomes) -> list[list[Text]]:
    ended, was = _ended(now), _ended(before)
    lost, past = now.bad.whole, before.bad.whole
    return [
        _row(all_of_them, _count(ended), _count(was), ended, was),
        _row(bad, _share(lost, now.share_bad), _share(past, before.share_bad), now.share_bad, before.share_bad),
    ]


def _ended(outcomes: Outcomes) -> float | None:
    known = [each.whole for each in (outcomes.good, outcomes.bad) if each.whole is not None]
    return sum(known) if known else None


def _times(name: str, now: Sequence[Series], before: Sequence[Series]) -> list[list[Text]]:
    return [
        _row(f"{name} {words}", _length(this.whole), _length(that.whole), this.whole, that.whole)
        for words, this, that in zip(_PERCENTILES, now, before, strict=True)
    ]


def _row(name: str, shown: str, earlier: str, now: float | None, before: float | None) -> list[Text]:
    return [text(name), text(shown), text(muted(earlier)), text(change(now, before) or muted("–"))]


def _count(value: float | None) -> str:
    return "–" if value is None else number(round(value, 1))


def _share(value: float | None, failed: float | None) -> str:
    if value is None:
        return "–"
    return f"{number(value)} ({share(failed, 1)})" if failed else number(value)


def _length(seconds: float | None) -> str:
    """``45 s``, ``7 min``: of spans, which are known to a twentieth, not more than that."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return "under 1 s"
    rounded = round(seconds) if seconds < 90 else 60 * round(seconds / 60)
    return duration(timedelta(seconds=rounded))


def headline(subject: Subject, now: Half, before: Half) -> str:
    """The finding in a line: the one number, and how it stands to the period before, where that was watched."""
    if not before.whole:
        before = _NOTHING
    match subject:
        case "tasks":
            return _ended_headline("task", now.tasks, before.tasks)
        case "jobs":
            return _ended_headline("job", now.jobs, before.jobs)
        case "queue":
            return _times_headline("waited", now.waits, before.waits)
        case "runtime":
            return _times_headline("ran", now.runs, before.runs)
        case "boot":
            return _boot_headline(now, before)
        case "preempted":
            return _preempted_headline(now.preempted.nodes, before.preempted.nodes)


def _ended_headline(what: str, now: Outcomes, before: Outcomes) -> str:
    ended = _ended(now)
    if not ended:
        return f"No {what} ended"
    bad = f"{share(now.share_bad, 1)} failed" if now.share_bad else "none failed"
    return _with(f"{plural(int(ended), what)} ended, {bad}", ended, _ended(before))


def _times_headline(did: str, now: Sequence[Series], before: Sequence[Series]) -> str:
    middle = now[0].whole
    if middle is None:
        return "No times of tasks are known"
    return _with(f"Half of the tasks {did} {_length(middle)} at most", middle, before[0].whole)


def _boot_headline(now: Half, before: Half) -> str:
    if not now.boots:
        return "No boot was seen"
    size = now.boots[0]
    was = next((each.middle.whole for each in before.boots if each.vm_size == size.vm_size), None)
    return _with(f"{size.vm_size} boots in {_length(size.middle.whole)}", size.middle.whole, was)


def _preempted_headline(now: Series, before: Series) -> str:
    if now.whole is None:
        return "Preemptions are not known"
    return _with(f"{plural(int(now.whole), 'node')} preempted", now.whole, before.whole)


def _with(words: str, now: float | None, before: float | None) -> str:
    how = change(now, before)
    if not how or how == "new":
        return words
    return f"{words}, {how} as before" if how.endswith("the same") else f"{words}, {how} against before"


def chart(subject: Subject, now: Half, before: Half, period: Period, title: str, where: str, zone: str) -> TrendChart:
    """The picture of one figure."""
    series = _series(subject, now, before)
    timed = subject in ("queue", "runtime", "boot")
    step = int(period.step.total_seconds())
    drawn = TrendChart(title, where, series, period.since, step, zone, "s" if timed else "", bars=not timed)
    if not shows_before(drawn):
        return drawn
    mark, known = "pale" if timed else "line", "just as long" if before.whole else "as far as it is known"
    return replace(drawn, subtitle=f"{where} · {mark}: the time before, {known}")


def _series(subject: Subject, now: Half, before: Half) -> tuple[TrendSeries, ...]:
    match subject:
        case "tasks":
            return _outcome_series(("succeeded", "failed"), now.tasks, before.tasks)
        case "jobs":
            return _outcome_series(("without failures", "with failed tasks"), now.jobs, before.jobs)
        case "queue":
            return _time_series(now.waits, before.waits)
        case "runtime":
            return _time_series(now.runs, before.runs)
        case "boot":
            was = {each.vm_size: each.middle.values for each in before.boots}
            return tuple(
                TrendSeries(each.vm_size, tone, each.middle.values, was.get(each.vm_size, ()))
                for each, tone in zip(now.boots[:_SIZES], _TONES, strict=False)
            )
        case "preempted":
            lost, past = now.preempted.nodes, before.preempted.nodes
            return (TrendSeries("preempted", "bad", lost.values, past.values),)


def _outcome_series(names: tuple[str, str], now: Outcomes, before: Outcomes) -> tuple[TrendSeries, ...]:
    return (
        TrendSeries(names[0], "good", now.good.values, before.good.values),
        TrendSeries(names[1], "bad", now.bad.values, before.bad.values),
    )


def _time_series(now: Sequence[Series], before: Sequence[Series]) -> tuple[TrendSeries, ...]:
    """A line for each percentile."""
    return tuple(
        TrendSeries(name, tone, this.values, that.values)
        for name, tone, this, that in zip(_PERCENTILES, _TONES[:3], now, before, strict=True)
    )
