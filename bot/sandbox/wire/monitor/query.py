"""What is asked of Azure Monitor, understood and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from bot.sandbox.world.ledger import Ledger

from .definitions import AGGREGATIONS, METRICS, NAMESPACE, Aggregation, Metric
from .series import Dimensions, Point, Reader

GRAINS: Final = {"PT1M": 1, "PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60, "PT6H": 360, "PT12H": 720, "P1D": 1440}
"""Interval -> minutes."""
_FULL: Final = "FULL"
_TOP: Final = 10
_CONDITION = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)


class MetricError(ValueError):
    """A question the service answers with 400; the text is its message."""


class Query(Struct):
    """A question about some metrics of one account. ``filter`` is dimension -> wanted values, "*" for every one."""

    start: datetime
    end: datetime
    interval: str
    metrics: Sequence[Metric]
    aggregations: Sequence[Aggregation]
    filter: Mapping[str, frozenset[str]] | None
    top: int
    order: tuple[Aggregation, bool] | None
    rolled: frozenset[str]

    @classmethod
    def read(cls, given: Mapping[str, str], now: datetime) -> Query:
        """From a query with names in lower case; ``timespan`` or ``starttime`` and ``endtime``. Raises MetricError."""
        namespace = given.get("metricnamespace")
        if namespace is not None and namespace.lower() != NAMESPACE:
            raise MetricError(
                f"Detect invalid value: {namespace} for query parameter: 'metricnamespace', "
                f"the value must be: {NAMESPACE} if presented."
            )
        start, end = _window(given, now)
        interval = given.get("interval") or "PT1M"
        if interval not in GRAINS and interval.upper() != _FULL:
            raise MetricError(
                f"Detected invalid time grain input: {interval}, supported time grains are: {','.join(GRAINS)}"
            )
        return cls(
            start=start,
            end=end,
            interval=interval,
            metrics=[_metric(name) for name in _listed(given.get("metricnames"))] or list(METRICS.values())[:20],
            aggregations=[_aggregation(name) for name in _listed(given.get("aggregation"))] or ["total"],
            filter=_filter(given.get("filter") or given.get("$filter")),
            top=_number(given.get("top")),
            order=_order(given.get("orderby")),
            rolled=frozenset(name.lower() for name in _listed(given.get("rollupby"))),
        )

    @property
    def minutes(self) -> int:
        """How long an interval is."""
        if self.interval.upper() == _FULL:
            return max(1, int((self.end - self.start).total_seconds() // 60))
        return GRAINS[self.interval]

    def starts(self, now: datetime) -> list[int]:
        """The minutes since 1970 at which intervals begin: full ones of the clock, none that is yet to begin."""
        step = self.minutes
        whole = self.interval.upper() == _FULL
        first = int(self.start.timestamp() // 60)
        first = first if whole else first // step * step
        last = int(min(self.end, now).timestamp() // 60)
        return list(range(first, last, step))

    def answer(self, ledger: Ledger, resource: str, now: datetime) -> list[dict[str, Any]]:
        """The ``value`` of the answer: a part for each metric. Raises MetricError."""
        reader, starts = Reader(ledger), self.starts(now)
        return [
            {
                "id": f"{resource}/providers/Microsoft.Insights/metrics/{metric.name}",
                "type": "Microsoft.Insights/metrics",
                "name": {"value": metric.name, "localizedValue": metric.title},
                "displayDescription": metric.description,
                "unit": "Count",
                "timeseries": self._series(reader, metric, starts),
                "errorCode": "Success",
            }
            for metric in self.metrics
        ]

    def _series(self, reader: Reader, metric: Metric, starts: list[int]) -> list[dict[str, Any]]:
        known = {name.lower() for name in metric.dimensions}
        for name in self.filter or ():
            if name not in known:
                raise MetricError(
                    f"Metric: {metric.name} does not support requested dimension combination: {name}, "
                    f"supported ones are: {','.join(metric.dimensions) or '<none>'}"
                )
        if metric.column is not None:
            return [self._element(reader.levels(metric, starts, self.minutes), starts, {})]
        if metric.event is None:
            return []
        return self._split(reader, metric, starts)

    def _split(self, reader: Reader, metric: Metric, starts: list[int]) -> list[dict[str, Any]]:
        """An event by those of its dimensions that the filter names, and that are not rolled up."""
        wanted = self.filter or {}
        found = reader.events(metric, starts, self.minutes, "poolid" in wanted, "jobid" in wanted)
        chosen: dict[Dimensions, list[Point]] = {}
        for (pool, job), points in found.items():
            if not (_fits(wanted.get("poolid"), pool) and _fits(wanted.get("jobid"), job)):
                continue
            key = ("" if "poolid" in self.rolled else pool, "" if "jobid" in self.rolled else job)
            chosen[key] = (
                [_joined(*pair) for pair in zip(chosen[key], points, strict=True)] if key in chosen else points
            )
        if not wanted:
            return [self._element(chosen.get(("", ""), [Point() for _ in starts]), starts, {}, counted=True)]
        ranked = sorted(chosen.items(), key=self._rank)[: self.top]
        shown = [name for name in ("poolid", "jobid") if name in wanted and name not in self.rolled]
        return [
            self._element(points, starts, {name: (pool if name == "poolid" else job) for name in shown}, counted=True)
            for (pool, job), points in ranked
        ]

    def _rank(self, series: tuple[Dimensions, list[Point]]) -> tuple[float, Dimensions]:
        key, points = series
        aggregation, down = self.order or ("total", True)
        size = sum(point.value(aggregation) for point in points if point.count)
        return -size if down else size, key

    def _element(
        self, points: list[Point], starts: list[int], dimensions: dict[str, str], *, counted: bool = False
    ) -> dict[str, Any]:
        """One time series. Events that did not happen are zeros; a level of which nothing is known has no value."""
        data: list[dict[str, Any]] = []
        for start, point in zip(starts, points, strict=True):
            entry: dict[str, Any] = {"timeStamp": zulu(datetime.fromtimestamp(start * 60, UTC))}
            if point.count:
                entry |= {name: point.value(name) for name in self.aggregations}
            elif counted:
                entry |= dict.fromkeys(self.aggregations, 0.0)
            data.append(entry)
        metadata = [
            {"name": {"value": name, "localizedValue": name}, "value": value} for name, value in dimensions.items()
        ]
        return {"metadatavalues": metadata, "data": data}


def zulu(moment: datetime) -> str:
    """As the service writes times: to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _joined(one: Point, other: Point) -> Point:
    return Point(
        one.total + other.total,
        one.count + other.count,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
    )


def _fits(wanted: frozenset[str] | None, value: str) -> bool:
    return wanted is None or "*" in wanted or value.lower() in wanted


def _listed(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _metric(name: str) -> Metric:
    if (metric := METRICS.get(name.lower())) is None:
        names = ",".join(known.name for known in METRICS.values())
        raise MetricError(
            "Failed to find metric configuration for provider: Microsoft.Batch, resource Type: batchaccounts, "
            f"metric: {name}, Valid metrics: {names}"
        )
    return metric


def _aggregation(name: str) -> Aggregation:
    for known in AGGREGATIONS:
        if known == name.lower():
            return known
    raise MetricError(
        f"Detected invalid aggregation type input: {name}, supported types are: Average,Minimum,Maximum,Total,Count"
    )


def _number(text: str | None) -> int:
    if text is None:
        return _TOP
    if not text.isdecimal() or not int(text):
        raise MetricError(f"Detected invalid value: {text} for query parameter: 'top'")
    return int(text)


def _order(text: str | None) -> tuple[Aggregation, bool] | None:
    if not text:
        return None
    name, _, way = text.partition(" ")
    name = "total" if name.lower() == "sum" else name
    if way.strip().lower() not in ("", "asc", "desc"):
        raise MetricError(f"Detected invalid value: {text} for query parameter: 'orderby'")
    return _aggregation(name), way.strip().lower() == "desc"


def _filter(text: str | None) -> Mapping[str, frozenset[str]] | None:
    """``poolId eq 'a' or poolId eq 'b' and jobId eq '*'``: only the same dimension may stand on both sides of an or."""
    if not text:
        return None
    found: dict[str, frozenset[str]] = {}
    for group in re.split(r"\s+and\s+", text.strip(" ()"), flags=re.IGNORECASE):
        conditions = [_CONDITION.fullmatch(part) for part in re.split(r"\s+or\s+", group.strip(" ()"))]
        names = {match[1].lower() for match in conditions if match}
        if None in conditions or len(names) != 1:
            raise MetricError(f"Detected invalid filter: {text}")
        values = frozenset(match[2].lower() for match in conditions if match)
        found[names.pop()] = values
    return found


def _window(given: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """The span; more than a month is cut to the last one (recorded: 2018/2999 is answered for December 2998)."""
    start, end = given.get("starttime"), given.get("endtime")
    if span := given.get("timespan"):
        start, _, end = span.partition("/")
    if end and not start:
        raise MetricError("The query parameter 'starttime' is required where 'endtime' is given")
    until = _time(end) if end else now
    since = _time(start) if start else until - timedelta(hours=1)
    if since >= until:
        raise MetricError(f"Detect invalid timespan input: {start}/{end}, start time should be before end time")
    return max(since, _month_before(until)), until


def _month_before(moment: datetime) -> datetime:
    year, month = (moment.year, moment.month - 1) if moment.month > 1 else (moment.year - 1, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month, day=min(moment.day, 28))


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MetricError(f"Detect invalid timespan input: {text}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
