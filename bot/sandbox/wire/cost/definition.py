"""The definition of a query, as it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from bot.sandbox.world.ledger import Charge

from .columns import DIMENSIONS, MEASURES, dimension

CostType = Literal["Usage", "ActualCost", "AmortizedCost"]
Granularity = Literal["none", "daily", "monthly"]

MOST_MEASURES: Final = 2
"""Aggregations [document]."""
MOST_GROUPS: Final = 15
"""Groupings. The document promises two; nine are asked by a tool that many use [github.com/mivano/azure-cost-cli,
AzureCostApiRetriever.cs], and where it ends nothing says.
"""


class DefinitionError(ValueError):
    """A definition the service refuses with 400; the text is the message."""


class Period(Struct):
    """From a time to another, both days included."""

    since: datetime = field(name="from")
    to: datetime


class Aggregation(Struct):
    """A column to add up."""

    name: str
    function: str


class Grouping(Struct):
    """A column to group by."""

    type: str
    name: str


class Comparison(Struct):
    """The column has one of the values."""

    name: str
    operator: str
    values: list[str]


class Filter(Struct, rename={"all_of": "and", "any_of": "or"}):
    """Exactly one of these."""

    all_of: list[Filter] | UnsetType | None = UNSET
    any_of: list[Filter] | UnsetType | None = UNSET
    dimensions: Comparison | UnsetType | None = UNSET
    tags: Comparison | UnsetType | None = UNSET


class Dataset(Struct):
    """What is wanted of the data."""

    granularity: str | None = None
    aggregation: dict[str, Aggregation] | None = None
    grouping: list[Grouping] | None = None
    filter: Filter | None = None
    configuration: dict[str, Any] | None = None
    sorting: list[dict[str, Any]] | None = None
    include: list[str] | None = None


class Definition(Struct, rename="camel"):
    """The whole of it."""

    type: str
    timeframe: str
    dataset: Dataset
    time_period: Period | None = None


class Query(Struct, kw_only=True):
    """A definition, understood: what to add up, by what, over which UTC days, of which charges."""

    type: CostType
    granularity: Granularity
    measures: list[str]
    groups: list[Grouping]
    first: date
    last: date
    wanted: Callable[[Charge], bool]
    tags: bool = False

    @property
    def qpu(self) -> int:
        """What it costs: one unit for each month of data."""
        return max(1, -(-((self.last - self.first).days + 1) // 31))


Test = Callable[[Charge], bool]


def understand(data: bytes, now: datetime, most_groups: int = MOST_GROUPS) -> Query:
    """A query out of a body. Raises `DefinitionError`."""
    try:
        raw = msgspec.json.decode(data)
        if isinstance(raw, dict) and "dataSet" in raw:
            raw["dataset"] = raw.pop("dataSet")
        asked = msgspec.convert(raw, Definition)
    except msgspec.MsgspecError as error:
        missing = "Dataset is invalid or not supplied" if "dataset" in str(error) else str(error)
        raise DefinitionError(f"Invalid query definition, {missing}") from None
    first, last = _days(asked, now)
    dataset = asked.dataset
    measures = [_measure(each) for each in (dataset.aggregation or {}).values()] or ["PreTaxCost"]
    groups = dataset.grouping or []
    if len(measures) > MOST_MEASURES:
        raise DefinitionError("Invalid query definition: Query can have up to 2 aggregation clauses.")
    if len(groups) > most_groups:
        raise DefinitionError(f"Invalid query definition: Query can have up to {most_groups} group by clauses.")
    for group in groups:
        _check_group(group)
    return Query(
        type=_one_of(asked.type, ("Usage", "ActualCost", "AmortizedCost"), "type"),
        granularity=_one_of(dataset.granularity or "None", ("None", "Daily", "Monthly"), "granularity").lower(),
        measures=measures,
        groups=groups,
        first=first,
        last=last,
        wanted=_test(dataset.filter) if dataset.filter else lambda _: True,
        tags="tags" in {name.lower() for name in dataset.include or ()},
    )


def _one_of(given: str, known: tuple[str, ...], what: str) -> Any:
    for name in known:
        if name.lower() == given.lower():
            return name
    raise DefinitionError(f"Invalid query definition: {what} '{given}' is invalid; valid values: {', '.join(known)}.")


def _measure(asked: Aggregation) -> str:
    if asked.function.lower() != "sum":
        raise DefinitionError(f"Invalid aggregation function: '{asked.function}'; valid values: 'Sum'.")
    return str(_one_of(asked.name, tuple(MEASURES), "aggregation column"))


def _check_group(group: Grouping) -> None:
    if group.type.lower() == "tagkey":
        return
    if group.type.lower() != "dimension":
        raise DefinitionError(f"Invalid dataset grouping type: '{group.type}'; valid values: 'Dimension', 'TagKey'.")
    if group.name.lower() not in DIMENSIONS:
        raise DefinitionError(_unknown("grouping", group.name))


def _unknown(what: str, name: str) -> str:
    known = ",".join(f"'{column.name}'" for column in DIMENSIONS.values())
    return f"Invalid dataset {what}: '{name}'; valid values: {known}."


def _test(asked: Filter) -> Test:
    parts = [part for part in msgspec.structs.astuple(asked) if part not in (UNSET, None)]
    if len(parts) != 1:
        raise DefinitionError("Invalid query definition: a filter has exactly one of and, or, dimensions and tags.")
    for name, group, joined in (("and", asked.all_of, all), ("or", asked.any_of, any)):
        if isinstance(group, list):
            if len(group) < 2:
                raise DefinitionError(f"Invalid query definition: '{name}' must have at least 2 items.")
            return _joined([_test(each) for each in group], joined)
    if isinstance(asked.tags, Comparison):
        return _tagged(_compared(asked.tags))
    assert isinstance(asked.dimensions, Comparison)  # noqa: S101  one of the four is there
    return _valued(_compared(asked.dimensions))


def _compared(comparison: Comparison) -> Comparison:
    if comparison.operator.lower() != "in":
        raise DefinitionError(f"Invalid filter operator: '{comparison.operator}'; valid values: 'In'.")
    if not comparison.values:
        raise DefinitionError("Invalid query definition: a comparison needs at least 1 value.")
    return comparison


def _joined(tests: list[Test], how: Callable[..., bool]) -> Test:
    return lambda charge: how(test(charge) for test in tests)


def _tagged(comparison: Comparison) -> Test:
    name, values = comparison.name.lower(), {value.lower() for value in comparison.values}
    return lambda charge: any(key.lower() == name and value.lower() in values for key, value in charge.tags.items())


def _valued(comparison: Comparison) -> Test:
    if comparison.name.lower() not in DIMENSIONS:
        raise DefinitionError(_unknown("filter", comparison.name))
    values = {value.lower() for value in comparison.values}
    return lambda charge: dimension(charge, comparison.name).lower() in values


def _days(asked: Definition, now: datetime) -> tuple[date, date]:
    """The first and the last day; months and weeks (from Monday) are those of UTC."""
    today = now.astimezone(UTC).date()
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    spans = {
        "monthtodate": (month, today),
        "billingmonthtodate": (month, today),
        "thecurrentmonth": (month, today),
        "thelastmonth": (last_month.replace(day=1), last_month),
        "thelastbillingmonth": (last_month.replace(day=1), last_month),
        "weektodate": (today - timedelta(days=today.weekday()), today),
    }
    frame = asked.timeframe.lower()
    if frame in spans:
        return spans[frame]
    if frame != "custom":
        raise DefinitionError(f"Invalid query definition: timeframe '{asked.timeframe}' is invalid.")
    if asked.time_period is None:
        raise DefinitionError("Invalid query definition: timePeriod is required where timeframe is Custom.")
    first, last = (moment.date() for moment in (asked.time_period.since, asked.time_period.to))
    if first > last:
        raise DefinitionError("Invalid query definition: the time period ends before it starts.")
    if (last - first).days > 366:
        raise DefinitionError("The time period for pulling the data cannot exceed 1 year(s).")
    return first, last
