"""``$filter``: the grammar the service publishes, checked against an allow-list and compiled once a request.

A filter over a hundred thousand tasks has to answer in milliseconds, so it becomes one generated list comprehension
(`Scan`) instead of a tree that is walked for every task. Nothing of the request reaches the generated text: property
names come out of the allow-list and literals are passed by reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache, lru_cache
from itertools import count
from typing import Any, Final, NamedTuple

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

MAX_DEPTH: Final = 32
"""Parentheses inside parentheses; deeper filters are refused instead of growing Python's own parser stack."""

EQUALITY: Final = frozenset({"eq", "ne"})
ORDER: Final = EQUALITY | {"gt", "ge", "lt", "le"}
PREFIX: Final = ORDER | {"startswith"}

_PYTHON: Final = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}

Scan = Callable[[Sequence[Any]], list[Any]]
"""Takes entities, gives those that match, in their order."""


class Kind(Enum):
    """What a property holds, and so which literal it may be compared with."""

    TEXT = "a string"
    TIME = "a DateTime"
    INTEGER = "an integer"
    BOOLEAN = "a boolean"


class Column(NamedTuple):
    """One property that a list may be filtered by.

    ``attributes`` lead from the entity to the value; any of them may be None on the way. ``values``, where not empty,
    are the lower-case members of the enumeration; other literals are refused. Text is compared without case, as the
    service does with ids, states and VM sizes, unless it is to be ``exact``.
    """

    attributes: tuple[str, ...]
    operators: frozenset[str]
    kind: Kind
    values: frozenset[str] = frozenset()
    exact: bool = False


Table = Mapping[str, Column]
"""The allow-list of one list: property path -> column."""


class FilterError(ValueError):
    """A filter the service would answer with 400; the text is the ``Reason``."""


def compile_filter(text: str, table: Table) -> Scan:
    """The filter as a function over a sequence of entities. Raises `FilterError`."""
    tree = _parse(text)
    constants: dict[str, Any] = {}
    condition = _Writer(table, constants).write(tree)
    source = f"lambda rows: [e for e in rows if {condition}]"
    scan: Scan = eval(compile(source, "<$filter>", "eval"), constants)  # noqa: S307  see the module's text
    return scan


def warm() -> None:
    """Builds the parser now (some 40 ms), and not while the first filter waits."""
    _grammar()


@lru_cache(maxsize=256)
def _parse(text: str) -> Tree[Token]:
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise FilterError(f"The expression is nested deeper than {MAX_DEPTH} levels")
    try:
        return _grammar().parse(text)
    except UnexpectedInput as error:
        if getattr(error, "token", None) == Token("$END", ""):
            raise FilterError("Syntax error: the expression is incomplete") from None
        raise FilterError(f"Syntax error at position {error.pos_in_stream} of the expression") from None


@cache
def _grammar() -> Lark:
    return Lark.open("filter.lark", rel_to=__file__, parser="lalr", lexer="contextual")


class _Writer:
    """Writes the Python condition of one filter; ``constants`` collects the literals it refers to."""

    def __init__(self, table: Table, constants: dict[str, Any]) -> None:
        self._table = table
        self._constants = constants
        self._names = count()

    def write(self, tree: Tree[Token]) -> str:
        if tree.data in {"any_of", "all_of"}:
            joint = " or " if tree.data == "any_of" else " and "
            return f"({joint.join(self.write(child) for child in _trees(tree))})"
        tokens = [child for child in tree.children if isinstance(child, Token)]
        if tree.data == "prefix":
            path, text = tokens
            column = self._column(path, "startswith")
            constant = self._constant(_literal(text, path, column))
            return self._reach(column, f"{{}}.lower().startswith({constant})", absent=False)
        path, operator, literal = tokens
        name = operator.lower()
        column = self._column(path, name)
        value = _literal(literal, path, column)
        fold = ".lower()" if column.kind is Kind.TEXT and not column.exact else ""
        return self._reach(column, f"{{}}{fold} {_PYTHON[name]} {self._constant(value)}", absent=name == "ne")

    def _column(self, path: str, operator: str) -> Column:
        column = self._table.get(str(path))
        if column is None:
            raise FilterError(f"The property {path} cannot be used in a filter here")
        if operator not in column.operators:
            raise FilterError(f"The operator {operator} is not supported for the property {path}")
        return column

    def _constant(self, value: Any) -> str:
        name = f"c{next(self._names)}"
        self._constants[name] = value
        return name

    def _reach(self, column: Column, test: str, *, absent: bool) -> str:
        """``test`` on the value, or ``absent`` where there is none: what is absent differs from every literal."""
        owner, steps = "e", []
        for attribute in column.attributes:
            name = f"v{next(self._names)}"
            steps.append(f"({name} := {owner}.{attribute})")
            owner = name
        if absent:
            return "(" + " or ".join([*(f"{step} is None" for step in steps), test.format(owner)]) + ")"
        return "(" + " and ".join([*(f"{step} is not None" for step in steps), test.format(owner)]) + ")"


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _literal(token: Token, path: str, column: Column) -> Any:
    """The literal as the value the column holds. Raises `FilterError`."""
    kind = {"TEXT": Kind.TEXT, "TIME": Kind.TIME, "INTEGER": Kind.INTEGER, "BOOLEAN": Kind.BOOLEAN}[token.type]
    if kind is not column.kind:
        raise FilterError(f"The property {path} is compared with {kind.value}, but it is {column.kind.value}")
    if kind is Kind.TIME:
        return _time(token[len("datetime'") : -1])
    if kind is Kind.INTEGER:
        return int(token)
    if kind is Kind.BOOLEAN:
        return token.lower() == "true"
    text = token[1:-1].replace("''", "'")
    if column.exact:
        return text
    text = text.lower()
    if column.values and text not in column.values:
        raise FilterError(f"The value {text} is not valid for the property {path}")
    return text


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(f"{text} is not a valid DateTime") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def page_size(text: str | None, *, most: int) -> int:
    """``maxresults`` as a number from 1 to ``most`` (also what an absent one means). Raises ValueError."""
    if text is None:
        return most
    size = int(text) if text.isascii() and text.strip().lstrip("-").isdigit() else math.nan
    if not 1 <= size <= most:
        raise ValueError(text)
    return int(size)
