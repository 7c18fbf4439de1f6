"""Values of metrics: a sample a minute, aggregated into points."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from bot.sandbox.world.ledger import Ledger
from bot.sandbox.world.ledger.gauges import CORES, MINUTE, NODES, STATES, WIDTH
from bot.sandbox.world.ledger.past import KEPT, PastPool
from bot.sandbox.world.ledger.use import HOUR

from .definitions import Aggregation, Metric

LATE: Final = (0.25, 0.5, 0.8)
"""What is told of the last three minutes, the newest first: not all of it has come."""

Dimensions = tuple[str, str]
"""Pool and job of an event; empty where nobody asked for them."""


class Point(Struct):
    """What came together in one interval; nothing while ``count`` is zero."""

    total: float = 0.0
    count: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, value: float, times: float = 1) -> None:
        """The same sample so many times."""
        self.total += value * times
        self.count += times
        self.minimum, self.maximum = min(self.minimum, value), max(self.maximum, value)

    def value(self, aggregation: Aggregation) -> float:
        """By one of the five."""
        if aggregation == "average":
            return self.total / self.count
        return float(getattr(self, aggregation))


class Reader:
    """Reads the metrics of one account from its ledger; settle the world before."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._begun = ledger.start.timestamp()
        known = min((part.since.timestamp() for part in ledger.past), default=self._begun)
        self._first = math.ceil(
            max(known, ledger.now - KEPT.total_seconds()) / MINUTE
        )  # the first minute that is known
        self._now = int(ledger.now // MINUTE)  # the minute that is not over yet
        self._rows: dict[int, list[float]] = {}
        self._torn = {
            int(edge.timestamp() // HOUR) for part in ledger.past for edge in (part.since, part.until)
        }  # hours within which a pool of the past came or went

    def levels(self, metric: Metric, starts: list[int], step: int) -> list[Point]:
        """The points that begin at those minutes, each ``step`` minutes long."""
        assert metric.column is not None  # noqa: S101  the caller asks for levels
        points = []
        for start in starts:
            point = Point()
            for value, minutes in self._samples(metric.column, start, start + step):
                point.add(value, minutes)
            points.append(point)
        return points

    def events(
        self, metric: Metric, starts: list[int], step: int, by_pool: bool, by_job: bool
    ) -> dict[Dimensions, list[Point]]:
        """The same of an event, by what was asked for; every sample is one event."""
        found: defaultdict[Dimensions, list[Point]] = defaultdict(lambda: [Point() for _ in starts])
        for index, start in enumerate(starts):
            for minute, pool, job, number in self._events(metric, start, start + step):
                late = self._now - minute
                told = number if late > len(LATE) else int(number * LATE[late - 1])
                if told:
                    found[pool if by_pool else "", job if by_job else ""][index].add(1.0, told)
        return found

    # --- what there is ------------------------------------------------------------------------------------------------

    def _samples(self, column: int, start: int, end: int) -> Iterator[tuple[float, int]]:
        """Values and for how many minutes they stand."""
        now = self._now
        minute, end = max(start, self._first), min(end, now)
        simulated = int(self._begun // MINUTE)
        while minute < end:
            if minute % 60 == 0 and minute + 60 <= min(end, simulated) and minute // 60 not in self._torn:
                yield self._hour(minute // 60)[column], 60
                minute += 60
                continue
            late = now - minute
            yield self._minute(column, minute) * (1.0 if late > len(LATE) else LATE[late - 1]), 1
            minute += 1

    def _minute(self, column: int, minute: int) -> float:
        ledger, start = self._ledger, minute * MINUTE
        value = 0.0
        row = ledger.gauges.minute(minute, ledger.now) if start + MINUTE > self._begun else None
        if row is not None:
            value += row[column] / MINUTE
        if start < self._begun:
            hour = minute // 60
            if hour not in self._torn:
                return value + self._hour(hour)[column]
            for part in ledger.past:
                if share := part.overlap(start, start + MINUTE) / MINUTE:
                    value += _levels(part.at(hour), part.facts.size.vcpus).get(column, 0.0) * share
        return value

    def _hour(self, hour: int) -> list[float]:
        """All levels of an hour of the past, in which no pool came or went."""
        row = self._rows.get(hour)
        if row is None:
            row = self._rows[hour] = [0.0] * WIDTH
            for part in self._ledger.past:
                if part.overlap(hour * HOUR, (hour + 1) * HOUR):
                    for column, value in _levels(part.at(hour), part.facts.size.vcpus).items():
                        row[column] += value
        return row

    def _events(self, metric: Metric, start: int, end: int) -> Iterator[tuple[int, str, str, int]]:
        """Minute, pool, job, how many."""
        start, end = max(start, self._first), min(end, self._now)
        for minute in range(start, end):
            for (event, pool, job), number in self._ledger.gauges.events.get(minute, {}).items():
                if event == metric.event:
                    yield minute, pool, job, number
        end = min(end, math.ceil(self._begun / MINUTE))
        for part in self._ledger.past:
            first, last = int(part.since.timestamp() // MINUTE), math.ceil(part.until.timestamp() / MINUTE)
            yield from _past_events(part, metric, max(start, first), min(end, last))


def _past_events(part: PastPool, metric: Metric, start: int, end: int) -> Iterator[tuple[int, str, str, int]]:
    """Tasks of the past begin and end at an even pace; the jobs that had them are called after pool and day."""
    minute = start
    while minute < end:
        hour, within = divmod(minute, 60)
        until = min(60, within + end - minute)
        minute = hour * 60 + until
        known = part.at(hour)
        if known is None or not known.busy:
            continue
        ran, failed = part.tasks(hour, known)
        many = failed if metric.event == "fail" else ran
        if number := many * until // 60 - many * within // 60:
            yield hour * 60 + within, part.facts.pool, f"{part.facts.pool}-{_day(minute - 1)}", number


def _day(minute: int) -> str:
    return f"{datetime.fromtimestamp(minute * MINUTE, UTC):%Y%m%d}"


def _levels(hour: tuple[int, int, float] | None, vcpus: int) -> dict[int, float]:
    """The levels of one pool in an hour of the past: as many nodes run as could do the work, the rest is idle."""
    if hour is None:
        return {}
    dedicated, spot, busy = hour
    nodes = dedicated + spot
    running = math.ceil(nodes * busy - 1e-9)
    return {
        CORES[True]: dedicated * vcpus,
        CORES[False]: spot * vcpus,
        NODES[True]: dedicated,
        NODES[False]: spot,
        STATES["running"]: running,
        STATES["idle"]: nodes - running,
    }
