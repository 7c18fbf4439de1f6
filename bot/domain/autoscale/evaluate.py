"""The value of a formula at one moment, as the service would find it."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct, field
from rapidfuzz import process

from bot.domain.autoscale import functions, values, vocabulary
from bot.domain.autoscale.functions import Vector
from bot.domain.autoscale.metrics import Metrics, NoSamples
from bot.domain.autoscale.syntax import (
    Binary,
    Call,
    Conditional,
    Expression,
    Formula,
    FormulaError,
    Index,
    Member,
    Method,
    Name,
    Node,
    Number,
    String,
    Unary,
    parts,
)
from bot.domain.autoscale.values import Unsuited, Value

_MOST_VALUES = 500_000
"""Elements of vectors that an evaluation makes: some twenty times a week's samples, in a fraction of a second."""


class PoolNow(Struct, frozen=True):
    """What a formula knows of its pool besides samples."""

    dedicated: float = 0.0
    spot: float = 0.0
    slots: float = 1.0


class Outcome(Struct):
    """What came out: every variable that was set, in order, and the targets (None: the formula leaves them)."""

    values: dict[str, Value] = field(default_factory=dict)
    dedicated: int | None = None
    spot: int | None = None
    deallocation: str = "requeue"
    stopped: bool = False


def evaluate(
    formula: Formula, metrics: Metrics, now: datetime, pool: PoolNow, chance: random.Random | None = None
) -> Outcome:
    """The outcome of a formula at a moment. Raises FormulaError with the place and the service's code."""
    return _Evaluation(formula, metrics, now, pool, chance).run()


class _Metric(str):
    """A sampled variable, of which a formula asks for samples."""

    __slots__ = ()


class _Stopped(Exception):
    """The formula called ``stop()``."""


class _Evaluation:
    def __init__(
        self, formula: Formula, metrics: Metrics, now: datetime, pool: PoolNow, chance: random.Random | None
    ) -> None:
        self._formula = formula
        self._metrics = metrics
        self._now = now
        self._chance = chance or random.Random()  # noqa: S311 - the language's rand(), not a secret
        self._known: dict[str, Value] = {
            vocabulary.DEDICATED: pool.dedicated,
            vocabulary.SPOT: pool.spot,
            vocabulary.DEALLOCATION: "requeue",
            vocabulary.SLOTS: pool.slots,
        }
        self._set: dict[str, Value] = {}
        self._made = 0

    def run(self) -> Outcome:
        outcome = Outcome(self._set)
        try:
            for statement in self._formula.statements:
                value = self._value(statement.value)
                if statement.target:
                    self._assign(statement.target, value, statement.at)
        except _Stopped:
            outcome.stopped = True
        outcome.dedicated = self._target(vocabulary.DEDICATED)
        outcome.spot = self._target(vocabulary.SPOT)
        option = self._set.get(vocabulary.DEALLOCATION, "requeue")
        if option not in vocabulary.OPTIONS:
            at = self._formula.targets()[vocabulary.DEALLOCATION].at
            known = ", ".join(vocabulary.OPTIONS)
            raise FormulaError(f"{vocabulary.DEALLOCATION} is one of {known}.", at)
        outcome.deallocation = str(option)
        return outcome

    def alone(self, node: Expression, known: Mapping[str, Value]) -> Value | None:
        """The value of an expression by what is known, and by nothing of a pool; None where it has none."""
        self._known, self._set = {}, dict(known)
        try:
            return self._value(node)
        except (FormulaError, _Stopped):
            return None

    def _assign(self, name: str, value: Value, at: int) -> None:
        if name in vocabulary.METRICS or name in vocabulary.PLAIN:
            raise FormulaError(f"{name} can only be read.", at)
        full = vocabulary.ALIASES.get(name, name)
        self._set[name] = value
        if full == name or full not in self._set:  # where both are set, the full name counts
            self._known[full] = value

    def _target(self, name: str) -> int | None:
        """The whole number of nodes that a target is; less than none is none."""
        alias = next(short for short, full in vocabulary.ALIASES.items() if full == name)
        used = name if name in self._set else alias
        if used not in self._set:
            return None
        at = self._formula.targets()[used].at
        try:
            wanted = max(0, int(values.number(self._set[used])))
        except Unsuited:
            raise FormulaError(f"{used} has to be a number, not {values.shown(self._set[used])}.", at) from None
        if wanted > vocabulary.MOST_NODES:
            raise FormulaError(f"{used} comes to {values.shown(self._set[used])}: no pool has so many nodes.", at)
        return wanted

    def _value(self, node: Expression) -> Value:
        """A value; a bare metric is one only where the documentation uses it so."""
        try:
            found = self._any(node)
        except OverflowError:
            raise FormulaError("This is too large a number, or too long a time.", node.at) from None
        if isinstance(found, tuple):
            self._made += len(found)
            if self._made > _MOST_VALUES:
                raise FormulaError("The formula calculates with too many values.", node.at)
        if not isinstance(found, _Metric):
            return found
        if found not in vocabulary.NODE_COUNTS:
            raise FormulaError(f"{found} is a series of samples: ask for some, such as {found}.GetSample(1).", node.at)
        return self._samples(found, self._metrics.newest(found, 1), 1.0, 100.0, node)[0]

    def _any(self, node: Expression) -> Value:  # noqa: PLR0911 - one a kind
        match node:
            case Number():
                return self._finite(node.value, node.at)
            case String():
                return node.value
            case Name():
                return self._name(node)
            case Unary():
                return self._unary(node)
            case Binary():
                left, right = self._value(node.left), self._value(node.right)
                try:
                    return values.applied(node.operator, left, right)
                except Unsuited as error:
                    raise _wrong(error, node.sign) from None
                except ZeroDivisionError:
                    raise FormulaError("This divides by zero.", node.sign) from None
            case Conditional():
                # Only the branch that is taken: a guard by GetSamplePercent would guard nothing otherwise.
                return self._value(node.then if self._number(node.condition) else node.otherwise)
            case Call():
                return self._call(node)
            case Method():
                return self._method(node)
            case Member():
                return self._member(node)
            case Index():
                return self._index(node)

    def _finite(self, value: Value, at: int) -> Value:
        try:
            return values.finite(value)
        except Unsuited as error:
            raise _wrong(error, at) from None

    def _number(self, node: Expression) -> float:
        try:
            return values.number(self._value(node))
        except Unsuited as error:
            raise _wrong(error, node.at) from None

    def _name(self, node: Name) -> Value:
        name = node.name
        full = vocabulary.ALIASES.get(name, name)
        if name in self._set:
            return self._set[name]
        if full in self._known:
            return self._known[full]
        if name in vocabulary.METRICS:
            if not self._metrics.known(name):
                raise FormulaError(f"There are no samples of {name}.", node.at, "InsufficientSampleData")
            return _Metric(name)
        if name in vocabulary.UNITS:
            return vocabulary.UNITS[name]
        if name in vocabulary.OPTIONS:
            return name
        raise unknown(name, [*vocabulary.KNOWN, *self._set], "variable", node.at)

    def _unary(self, node: Unary) -> Value:
        value = self._value(node.operand)
        if node.operator == "!":
            return float(not self._number_of(value, node))
        match value:
            case timedelta():
                return -value
            case tuple():
                return tuple(-each for each in value)
        return -self._number_of(value, node)

    def _number_of(self, value: Value, node: Node) -> float:
        try:
            return values.number(value)
        except Unsuited as error:
            raise _wrong(error, node.at) from None

    def _member(self, node: Member) -> float:
        value = self._value(node.of)
        if not isinstance(value, datetime) or node.name not in vocabulary.MEMBERS:
            raise FormulaError(f"There is no “{node.name}” of {values.kind(value)}.", node.at)
        if node.name == "weekday":
            return float(value.isoweekday() % 7)  # 1 is Monday, 0 Sunday
        return float(getattr(value, node.name))

    def _index(self, node: Index) -> float:
        value, index = self._value(node.of), self._number(node.index)
        if not isinstance(value, tuple):
            raise FormulaError(f"Only a vector has elements, not {values.kind(value)}.", node.at)
        if not 0 <= index < len(value):
            raise FormulaError(f"There is no element {index:g} of {len(value)}; the first is 0.", node.index.at)
        return value[int(index)]

    # --- functions ----------------------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Value:
        if node.name not in functions.FUNCTIONS:
            raise unknown(node.name, functions.FUNCTIONS, "function", node.at)
        given = [self._value(each) for each in node.arguments]
        if node.name == "stop":
            raise _Stopped
        try:
            return values.finite(self._called(node.name, given))
        except Unsuited as error:
            raise _wrong(error, node.at) from None
        except (ValueError, IndexError, ZeroDivisionError, OverflowError, statistics.StatisticsError):
            arguments = ", ".join(map(values.shown, given)) or "nothing"
            raise FormulaError(f"{node.name}() cannot be taken of {arguments}.", node.at) from None

    def _called(self, name: str, given: list[Value]) -> Value:
        if function := functions.OF_VECTORS.get(name):
            return function(values.flattened(given))
        if single := functions.OF_EACH.get(name):
            if len(given) == 1 and isinstance(given[0], float):
                return single(given[0])
            return tuple(map(single, values.flattened(given)))
        if paired := functions.WITH_A_NUMBER.get(name):
            if len(given) < 2:
                raise Unsuited(f"“{name}” takes a vector and a number")
            return paired(values.flattened(given[:-1]), values.number(given[-1]))
        if name == "time":
            return self._moment(given)
        return self._chance.random() if name == "rand" else values.flattened(given)

    def _moment(self, given: list[Value]) -> datetime:
        """Now, or the moment that a text names (W3C-DTF or RFC 1123)."""
        if not given or given == [""]:
            return self._now
        if not isinstance(given[0], str):
            raise Unsuited(f"“time” takes a text, not {values.kind(given[0])}")
        try:
            found = datetime.fromisoformat(given[0])
        except ValueError:
            found = parsedate_to_datetime(given[0])
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

    # --- samples ------------------------------------------------------------------------------------------------------

    def _method(self, node: Method) -> Value:
        metric = self._any(node.of)
        name = next((each for each in vocabulary.METHODS if each.lower() == node.name.lower()), "")
        if not isinstance(metric, _Metric):
            raise FormulaError(f"Only sampled variables have {node.name}(), not {values.kind(metric)}.", node.at)
        given = [self._value(each) for each in node.arguments]
        match name:
            case "GetSample":
                return self._get_sample(metric, given, node)
            case "GetSamplePercent":
                return self._percent(metric, *self._span(given, node))
            case "GetSamplePeriod":
                return vocabulary.PERIOD
            case "Count":
                return float(self._metrics.count(metric))
            case "HistoryBeginTime":
                began = self._metrics.began(metric)
                if began is None:
                    raise FormulaError(f"There are no samples of {metric} yet.", node.at, "InsufficientSampleData")
                return began
        raise unknown(node.name, vocabulary.METHODS, "method", node.at)

    def _get_sample(self, metric: _Metric, given: list[Value], node: Method) -> Vector:
        if not given:
            raise FormulaError("GetSample needs a number of samples or a span of time.", node.at)
        if isinstance(given[0], float | tuple):
            wanted = int(self._number_of(given[0], node))
            found = self._metrics.newest(metric, wanted) if wanted > 0 else ()
            return self._samples(metric, found, 1.0, 100.0, node)
        *_, last = given
        least = self._number_of(last, node) if isinstance(last, float | tuple) else 1.0
        since, until = self._span(given, node)
        found = self._metrics.between(metric, since, until)
        return self._samples(metric, found, least, self._percent(metric, since, until), node)

    def _samples(self, metric: str, found: Sequence[float], least: float, there: float, node: Node) -> Vector:
        if not found or there < least:
            there = there if found else 0.0
            raise FormulaError(
                f"There are too few samples of {metric}: {least:g}% are needed, {there:.3g}% are there.",
                node.at,
                "InsufficientSampleData",
            )
        return tuple(found)

    def _percent(self, metric: _Metric, since: datetime, until: datetime) -> float:
        expected = max(1, int((until - since) / vocabulary.PERIOD))
        return min(100.0, 100.0 * len(self._metrics.between(metric, since, until)) / expected)

    def _span(self, given: list[Value], node: Method) -> tuple[datetime, datetime]:
        """The span between two moments or distances from now, in either order; one of them begins it, now ends it."""
        ends: list[datetime] = []
        for each in given[:2]:
            match each:
                case datetime():
                    ends.append(each)
                case timedelta():
                    ends.append(self._now - each)
        if not ends:
            raise FormulaError(f"{node.name} needs a span of time, such as 5 * TimeInterval_Minute.", node.at)
        return (min(ends), max(ends)) if len(ends) == 2 else (ends[0], self._now)


def unknown(name: str, known: Sequence[str] | frozenset[str], what: str, at: int) -> FormulaError:
    """That there is no such variable, function or method, and the most similar one."""
    near = process.extractOne(name, sorted(known), score_cutoff=70)
    hint = f" Did you mean {near[0]}?" if near else ""
    return FormulaError(f"There is no {what} “{name}”.{hint}", at)


def _wrong(error: Unsuited, at: int) -> FormulaError:
    words = str(error)
    return FormulaError(f"{words[0].upper()}{words[1:]}.", at)


def constant(node: Expression, known: Mapping[str, Value]) -> Value | None:
    """The value of an expression that needs neither samples nor the pool; ``known`` are variables whose value is."""
    if any(isinstance(part, Call) and part.name in ("rand", "time") for part in parts(node)):
        return None
    evaluation = _Evaluation(Formula("", ()), NoSamples(), datetime.min.replace(tzinfo=UTC), PoolNow(), None)
    return evaluation.alone(node, known)
