"""What is wrong with a formula, and what is risky: each with its place, why it matters, and what to write instead.

The rules are those of the service's page on autoscale and of what its own examples get wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

from bot.domain.autoscale import functions, vocabulary
from bot.domain.autoscale.bounds import Bounds, bounds
from bot.domain.autoscale.evaluate import constant, unknown
from bot.domain.autoscale.syntax import (
    LONGEST,
    MOST_STATEMENTS,
    Binary,
    Call,
    Expression,
    Formula,
    FormulaError,
    Member,
    Method,
    Name,
    Place,
    Statement,
    parts,
    place_of,
    read,
)
from bot.domain.autoscale.values import Value
from bot.domain.price import HourlyCost

Weight: TypeAlias = Literal["error", "warning", "note"]

SHORTEST_INTERVAL, LONGEST_INTERVAL = timedelta(minutes=5), timedelta(hours=168)
"""Between which an evaluation interval lies, by the service."""

COSTLY = 100.0
"""From how much an hour, in the currency of the prices, a cap stands out."""


class Remark(Struct, frozen=True):
    """One thing about a formula. ``what`` and ``why`` are sentences, ``fix`` says what to write."""

    weight: Weight
    rule: str
    place: Place | None
    what: str
    why: str = ""
    fix: str = ""


class Surroundings(Struct, frozen=True):
    """What is known of the pool: its task slots a node, what one node of each kind costs, the evaluation interval."""

    slots: int | None = None
    a_node: HourlyCost | None = None
    interval: timedelta | None = None


class Linted(Struct, frozen=True):
    """Every remark, errors first; the formula where it could be read; bounds of its targets as far as it sets them."""

    remarks: tuple[Remark, ...]
    formula: Formula | None = None
    dedicated: Bounds | None = None
    spot: Bounds | None = None

    @property
    def errors(self) -> tuple[Remark, ...]:
        """What the service would refuse, or fail on."""
        return tuple(each for each in self.remarks if each.weight == "error")


class _Seen(Struct):
    """A formula while it is gone through: values that never change and bounds, as they are known at a statement."""

    formula: Formula
    around: Surroundings
    constants: dict[str, Value] = field(default_factory=dict)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    of_cpu: set[str] = field(default_factory=set)
    """Variables that were made of ``$CPUPercent``."""

    def place(self, at: int) -> Place:
        return place_of(self.formula.text, at)


def lint(text: str, around: Surroundings | None = None) -> Linted:
    """Every remark on a formula. Never raises."""
    around = around or Surroundings()
    remarks = [*_sizes(text), *_interval(around)]
    try:
        formula = read(text)
    except FormulaError as error:
        return Linted((*remarks, Remark("error", "syntax", place_of(text, error.at), error.message)))
    if len(formula.statements) > MOST_STATEMENTS:
        remarks.append(
            Remark(
                "error",
                "too many statements",
                _place(formula, formula.statements[MOST_STATEMENTS]),
                f"The formula has {len(formula.statements)} statements; the service takes {MOST_STATEMENTS}.",
                fix="Put several steps into one statement.",
            )
        )
    seen = _Seen(formula, around)
    for statement in formula.statements:
        remarks += _of_statement(seen, statement)
    for check in _WHOLE:
        remarks += check(seen)
    order: list[Weight] = ["error", "warning", "note"]
    nowhere = Place(0, 0)
    remarks.sort(key=lambda each: (order.index(each.weight), each.place or nowhere))
    return Linted(tuple(remarks), formula, _target(seen, vocabulary.DEDICATED), _target(seen, vocabulary.SPOT))


def _target(seen: _Seen, name: str) -> Bounds | None:
    return next((found for each in _spellings(name) if (found := seen.bounds.get(each))), None)


def _spellings(name: str) -> tuple[str, ...]:
    return name, *(short for short, full in vocabulary.ALIASES.items() if full == name)


def _place(formula: Formula, statement: Statement) -> Place:
    return place_of(formula.text, statement.at)


def _sizes(text: str) -> Iterator[Remark]:
    size = len(text.encode())
    if size > LONGEST:
        yield Remark(
            "error",
            "too long",
            None,
            f"The formula has {size:,} bytes; the service takes {LONGEST:,}.",
            fix="Leave out comments, or shorten the names of variables.",
        )


def _interval(around: Surroundings) -> Iterator[Remark]:
    if around.interval is not None and not SHORTEST_INTERVAL <= around.interval <= LONGEST_INTERVAL:
        yield Remark(
            "error",
            "interval",
            None,
            "The evaluation interval lies outside 5 minutes to 168 hours.",
            fix="Take 5 to 15 minutes where work comes and goes.",
        )


# --- one statement ----------------------------------------------------------------------------------------------------


def _of_statement(seen: _Seen, statement: Statement) -> Iterator[Remark]:
    """Remarks on a statement; what it sets is known to the next ones."""
    for node in parts(statement.value):
        yield from _names(seen, node)
        yield from _sample_windows(seen, node)
        yield from _fractions_of_cpu(seen, node)
    name = statement.target
    if not name:
        if not (isinstance(statement.value, Call) and statement.value.name == "stop"):
            yield Remark("warning", "no effect", seen.place(statement.at), "This statement sets nothing.")
        return
    if name in vocabulary.METRICS or name in vocabulary.PLAIN:
        what = f"{name} can only be read."
        yield Remark("error", "read only", seen.place(statement.at), what, fix="Take another name.")
    if name in vocabulary.ALIASES:
        full = vocabulary.ALIASES[name]
        why = f"It is the old name of {full}; where both are set the full name counts."
        yield Remark("note", "alias", seen.place(statement.at), f"{name} is an alias.", why, f"Write {full}.")
    seen.bounds[name] = bounds(statement.value, seen.bounds)
    value = constant(statement.value, seen.constants)
    if value is None:
        seen.constants.pop(name, None)
    else:
        seen.constants[name] = value
    if any(_is_cpu(seen, part) for part in parts(statement.value)):
        seen.of_cpu.add(name)
    if name == vocabulary.DEALLOCATION and value is not None and value not in vocabulary.OPTIONS:
        what = f"{name} is one of {', '.join(vocabulary.OPTIONS)}."
        yield Remark("error", "deallocation", seen.place(statement.value.at), what)


def _names(seen: _Seen, node: Expression) -> Iterator[Remark]:
    """Variables, functions, methods and members that there are not, and those that are no longer."""
    error: FormulaError | None = None
    match node:
        case Name() if node.name not in vocabulary.KNOWN and node.name not in seen.bounds:
            error = unknown(node.name, [*vocabulary.KNOWN, *seen.bounds], "variable", node.at)
        case Name() if node.name in vocabulary.RETIRED:
            yield Remark(
                "warning",
                "retired",
                seen.place(node.at),
                f"{node.name} was retired by the service in March 2024.",
                "It may have no samples, and then every evaluation fails.",
                "Scale by tasks instead.",
            )
        case Call() if node.name not in functions.FUNCTIONS:
            error = unknown(node.name, functions.FUNCTIONS, "function", node.at)
        case Method() if node.name.lower() not in {each.lower() for each in vocabulary.METHODS}:
            error = unknown(node.name, vocabulary.METHODS, "method", node.at)
        case Member() if node.name not in vocabulary.MEMBERS:
            error = unknown(node.name, vocabulary.MEMBERS, "part of a moment called", node.at)
        case Binary() if node.operator == "%":
            what = "“%” is not among the operators that the service documents."
            yield Remark("warning", "operator", seen.place(node.sign), what, fix="Write it with floor().")
        case Call() if node.name == "rand":
            what = "rand() makes the targets a matter of chance."
            yield Remark("warning", "chance", seen.place(node.at), what, "No two evaluations agree.")
    if error:
        yield Remark("error", "unknown name", seen.place(error.at), error.message)


def _sample_windows(seen: _Seen, node: Expression) -> Iterator[Remark]:
    """Windows that lie where there are no samples yet."""
    if not isinstance(node, Method) or node.name not in ("GetSample", "GetSamplePercent"):
        return
    spans = [constant(each, seen.constants) for each in node.arguments[:2]]
    known = [each for each in spans if isinstance(each, timedelta)]
    if known and len(known) == sum(not isinstance(each, float) for each in spans) and max(known) <= vocabulary.DELAY:
        yield Remark(
            "warning",
            "too recent",
            seen.place(node.at),
            f"{seen.formula.source(node)} asks for the last minute only.",
            "A sample is there about a minute after it was taken, so there may be none, and the evaluation fails.",
            "Reach back further, for instance 5 * TimeInterval_Minute.",
        )


def _is_cpu(seen: _Seen, node: Expression) -> bool:
    return isinstance(node, Name) and (node.name == "$CPUPercent" or node.name in seen.of_cpu)


def _fractions_of_cpu(seen: _Seen, node: Expression) -> Iterator[Remark]:
    """A per cent that is compared with a fraction, as the service's own example does."""
    if not isinstance(node, Binary) or node.operator not in ("<", "<=", ">", ">="):
        return
    for one, other in ((node.left, node.right), (node.right, node.left)):
        value = constant(other, seen.constants)
        if isinstance(value, float) and 0 < value <= 1 and any(_is_cpu(seen, part) for part in parts(one)):
            yield Remark(
                "warning",
                "fraction of a percentage",
                seen.place(node.at),
                f"$CPUPercent is compared with {value:g}; it goes from 0 to 100.",
                f"{value:g} means {value:g}% here, which nearly any load is above; the service's own example has it.",
                f"Write {value * 100:g}.",
            )


# --- the whole formula ------------------------------------------------------------------------------------------------


def _sets_targets(seen: _Seen) -> Iterator[Remark]:
    targets = seen.formula.targets()
    if not any(each in targets for name in (vocabulary.DEDICATED, vocabulary.SPOT) for each in _spellings(name)):
        yield Remark(
            "error",
            "no target",
            None,
            f"The formula sets neither {vocabulary.DEDICATED} nor {vocabulary.SPOT}.",
            "It would scale nothing.",
            f"End it with {vocabulary.DEDICATED} = …;",
        )


def _caps(seen: _Seen) -> Iterator[Remark]:
    """Targets without a cap, with a costly one, and those that never come down to none."""
    targets = seen.formula.targets()
    for name in (vocabulary.DEDICATED, vocabulary.SPOT):
        used = next((each for each in _spellings(name) if each in targets), None)
        found = _target(seen, name)
        if used is None or found is None:
            continue
        place = _place(seen.formula, targets[used])
        if math.isinf(found.high):
            yield Remark(
                "warning",
                "no cap",
                place,
                f"{used} has no cap.",
                "Many tasks at once, or one mistake, and it grows until the quota stops it.",
                f"{used} = min(20, …);",
            )
        elif costly := _costly(seen.around.a_node, int(found.high), spot=name == vocabulary.SPOT):
            yield Remark("warning", "costly cap", place, *costly)
        if found.low >= 1:
            least = math.floor(found.low)
            yield Remark(
                "warning",
                "never none",
                place,
                f"{used} never falls below {least}.",
                f"{least} node{'s' if least > 1 else ''} cost{'' if least > 1 else 's'} money around the clock, "
                "even where no task waits.",
                "If that is not meant, let it come down to 0 where nothing is pending.",
            )


def _costly(a_node: HourlyCost | None, most: int, *, spot: bool) -> tuple[str, str, str] | None:
    if a_node is None:
        return None
    an_hour = most * (a_node.spot if spot else a_node.dedicated)
    if an_hour <= COSTLY:
        return None
    return (
        f"The cap of {most:,} {'spot' if spot else 'dedicated'} nodes is {an_hour:,.0f} {a_node.currency} an hour.",
        "That is what it may cost by list prices, by mistake too.",
        "Lower the cap, or make sure that it is meant.",
    )


def _deallocation(seen: _Seen) -> Iterator[Remark]:
    if vocabulary.DEALLOCATION not in seen.formula.targets():
        yield Remark(
            "warning",
            "no deallocation option",
            None,
            f"{vocabulary.DEALLOCATION} is not set.",
            "Then it is requeue: when nodes go, their running tasks are stopped and start anew, and lose their work.",
            f"{vocabulary.DEALLOCATION} = taskcompletion;",
        )


def _samples(seen: _Seen) -> Iterator[Remark]:
    """Formulas that go by one sample alone, and windows that nobody checked for samples."""
    found = [
        (part, part.of.name)
        for statement in seen.formula.statements
        for part in parts(statement.value)
        if isinstance(part, Method) and isinstance(part.of, Name)
    ]
    samples = [(node, metric) for node, metric in found if node.name == "GetSample" and node.arguments]
    single = [constant(node.arguments[0], seen.constants) == 1.0 for node, _ in samples]
    if samples and all(single):
        yield Remark(
            "warning",
            "one sample",
            seen.place(samples[0][0].at),
            "The formula goes by GetSample(1) alone.",
            "That is the last sample however old it is, and one moment says little.",
            "Take the greater of it and of an average: max($PendingTasks.GetSample(1), "
            "avg($PendingTasks.GetSample(5 * TimeInterval_Minute))).",
        )
    checked = {metric for node, metric in found if node.name == "GetSamplePercent"}
    for node, metric in samples:
        first, *rest = (constant(each, seen.constants) for each in node.arguments)
        if isinstance(first, float) or any(isinstance(each, float) for each in rest) or metric in checked:
            continue
        checked.add(metric)  # once for each metric
        yield Remark(
            "warning",
            "no guard",
            seen.place(node.at),
            f"Nothing checks whether {metric} has enough samples.",
            "In a new pool or after a gap the evaluation fails, and an average of few samples says little.",
            f"{metric}.GetSamplePercent(…) < 70 ? … : …, or a per cent as GetSample's last argument.",
        )


def _metrics(seen: _Seen) -> Iterator[Remark]:
    """What the metrics that it uses do not say."""
    first: dict[str, int] = {}
    for statement in seen.formula.statements:
        for part in parts(statement.value):
            if isinstance(part, Name):
                first.setdefault(part.name, part.at)
    if "$CPUPercent" in first:
        yield Remark(
            "warning",
            "cpu",
            seen.place(first["$CPUPercent"]),
            "The formula goes by $CPUPercent.",
            "A pool without nodes, or with idle ones, uses none whatever waits: it never grows from 0.",
            "Go by $PendingTasks, or by it as well.",
        )
    slots = seen.around.slots
    tasks = next((name for name in ("$PendingTasks", "$ActiveTasks", "$RunningTasks") if name in first), None)
    if slots and slots > 1 and tasks and vocabulary.SLOTS not in first and not _divides(seen, float(slots)):
        yield Remark(
            "warning",
            "slots",
            seen.place(first[tasks]),
            f"The formula counts a node for each task, and a node takes {slots} tasks.",
            f"It asks for up to {slots} times the nodes that the tasks need.",
            f"Divide the tasks by {slots}, or by {vocabulary.SLOTS}.",
        )
    if "$ActiveTasks" in first:
        yield Remark(
            "note",
            "active tasks",
            seen.place(first["$ActiveTasks"]),
            "$ActiveTasks counts waiting tasks whose dependencies are met; a multi-instance task counts by instances.",
            "Running tasks are not in it: as tasks start it falls, and nodes go.",
            "$PendingTasks counts both.",
        )


def _divides(seen: _Seen, slots: float) -> bool:
    """Whether something is divided by, or multiplied with, the slots of a node."""
    return any(
        isinstance(part, Binary)
        and part.operator in ("/", "*")
        and slots in (constant(part.right, seen.constants), constant(part.left, seen.constants))
        for statement in seen.formula.statements
        for part in parts(statement.value)
    )


_WHOLE: Final[tuple[Callable[[_Seen], Iterator[Remark]], ...]] = (
    _sets_targets,
    _caps,
    _deallocation,
    _samples,
    _metrics,
)
