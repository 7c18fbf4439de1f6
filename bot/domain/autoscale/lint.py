"""What is wrong with a formula, and what is risky: each with its place, why it matters, and what to write instead.

The rules are those of the service's page on autoscale and of what its own examples get wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from bot.domain.autoscale import vocabulary
from bot.domain.autoscale.bounds import Bounds
from bot.domain.autoscale.evaluate import constant
from bot.domain.autoscale.lint_statement import of_statement
from bot.domain.autoscale.remarks import Linted, Remark, Seen, Surroundings, Weight
from bot.domain.autoscale.syntax import (
    LONGEST,
    MOST_STATEMENTS,
    Binary,
    Formula,
    FormulaError,
    Method,
    Name,
    Place,
    Statement,
    parts,
    place_of,
    read,
)
from bot.domain.price import HourlyCost

SHORTEST_INTERVAL, LONGEST_INTERVAL = timedelta(minutes=5), timedelta(hours=168)
"""Between which an evaluation interval lies, by the service."""

COSTLY = 100.0
"""From how much an hour, in the currency of the prices, a cap stands out."""


def lint(text: str, around: Surroundings | None = None) -> Linted:
    """Every remark on a formula. Never raises."""
    around = around or Surroundings()
    if too_long := tuple(_sizes(text)):
        return Linted(too_long)  # reading much more than the service takes would take long
    remarks = [*_interval(around)]
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
    seen = Seen(formula, around)
    for statement in formula.statements:
        remarks += of_statement(seen, statement)
    for check in _WHOLE:
        remarks += check(seen)
    order: list[Weight] = ["error", "warning", "note"]
    nowhere = Place(0, 0)
    remarks.sort(key=lambda each: (order.index(each.weight), each.place or nowhere))
    return Linted(tuple(remarks), formula, _target(seen, vocabulary.DEDICATED), _target(seen, vocabulary.SPOT))


def _target(seen: Seen, name: str) -> Bounds | None:
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


def _sets_targets(seen: Seen) -> Iterator[Remark]:
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


def _caps(seen: Seen) -> Iterator[Remark]:
    """Targets without a cap, with a costly one, and those that never come down to none."""
    targets = seen.formula.targets()
    for name in (vocabulary.DEDICATED, vocabulary.SPOT):
        used = next((each for each in _spellings(name) if each in targets), None)
        found = _target(seen, name)
        if used is None or found is None:
            continue
        place = _place(seen.formula, targets[used])
        if not found.capped:
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
        if 1 <= found.low <= vocabulary.MOST_NODES:
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


def _deallocation(seen: Seen) -> Iterator[Remark]:
    if vocabulary.DEALLOCATION not in seen.formula.targets():
        yield Remark(
            "warning",
            "no deallocation option",
            None,
            f"{vocabulary.DEALLOCATION} is not set.",
            "Then it is requeue: when nodes go, their running tasks are stopped and start anew, and lose their work.",
            f"{vocabulary.DEALLOCATION} = taskcompletion;",
        )


def _samples(seen: Seen) -> Iterator[Remark]:
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


def _metrics(seen: Seen) -> Iterator[Remark]:
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


def _divides(seen: Seen, slots: float) -> bool:
    """Whether something is divided by, or multiplied with, the slots of a node."""
    return any(
        isinstance(part, Binary)
        and part.operator in ("/", "*")
        and slots in (constant(part.right, seen.constants), constant(part.left, seen.constants))
        for statement in seen.formula.statements
        for part in parts(statement.value)
    )


_WHOLE: Final[tuple[Callable[[Seen], Iterator[Remark]], ...]] = (
    _sets_targets,
    _caps,
    _deallocation,
    _samples,
    _metrics,
)
