"""What is wrong with, or risky in, one statement of a formula."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain.autoscale import functions, vocabulary
from bot.domain.autoscale.bounds import bounds
from bot.domain.autoscale.evaluate import constant, unknown
from bot.domain.autoscale.remarks import Remark, Seen
from bot.domain.autoscale.syntax import (
    Binary,
    Call,
    Expression,
    FormulaError,
    Member,
    Method,
    Name,
    Statement,
    parts,
)


def of_statement(seen: Seen, statement: Statement) -> Iterator[Remark]:
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


def _names(seen: Seen, node: Expression) -> Iterator[Remark]:
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


def _sample_windows(seen: Seen, node: Expression) -> Iterator[Remark]:
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


def _is_cpu(seen: Seen, node: Expression) -> bool:
    return isinstance(node, Name) and (node.name == "$CPUPercent" or node.name in seen.of_cpu)


def _fractions_of_cpu(seen: Seen, node: Expression) -> Iterator[Remark]:
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
                f"{value:g} means {value:g} % here, which nearly any load is above; the service's own example has it.",
                f"Write {value * 100:g}.",
            )
