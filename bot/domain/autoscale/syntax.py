"""Formulas as trees, and the reader that makes them.

A place is an offset into the formula's text; :func:`place_of` makes line and column of it, as the service counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from lark import Lark, Token, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.visitors import Transformer_NonRecursive
from msgspec import Struct

LONGEST = 8192
"""Bytes that a formula may have, by the service's documentation (8 KB)."""
MOST_STATEMENTS = 100
"""Statements that a formula may have, by the same."""
_DEEPEST = 200  # what is nested deeper is no formula that somebody means, and would overflow the stack


class Place(Struct, frozen=True, order=True):
    """Where in a formula, both from 1, as the service counts in its messages ("Line 1, Col 5")."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class FormulaError(Exception):
    """A formula cannot be read or evaluated: ``message`` is a sentence, ``at`` the offset, ``code`` the service's."""

    def __init__(self, message: str, at: int, code: str = "AutoScalingFormulaEvaluationError") -> None:
        super().__init__(message)
        self.message, self.at, self.code = message, at, code


class Node(Struct, frozen=True):
    """A part of a formula: text[at:end]; ``depth`` is how many levels it has."""

    at: int
    end: int
    depth: int


class Number(Node, frozen=True):
    """A number as it is written."""

    value: float


class String(Node, frozen=True):
    """A quoted text."""

    value: str


class Name(Node, frozen=True):
    """A variable, a unit of time or a deallocation option."""

    name: str


class Unary(Node, frozen=True):
    """``-`` or ``!``."""

    operator: str
    operand: Expression


class Binary(Node, frozen=True):
    """An operator between two operands; ``sign`` is the offset of the operator."""

    operator: str
    left: Expression
    right: Expression
    sign: int


class Conditional(Node, frozen=True):
    """``condition ? then : otherwise``."""

    condition: Expression
    then: Expression
    otherwise: Expression


class Call(Node, frozen=True):
    """A function: ``max(a, b)``."""

    name: str
    arguments: tuple[Expression, ...]


class Method(Node, frozen=True):
    """A method of what stands before the dot: ``$PendingTasks.GetSample(1)``."""

    of: Expression
    name: str
    arguments: tuple[Expression, ...]


class Member(Node, frozen=True):
    """A part of a moment: ``now.hour``."""

    of: Expression
    name: str


class Index(Node, frozen=True):
    """An element of a vector."""

    of: Expression
    index: Expression


Expression: TypeAlias = Number | String | Name | Unary | Binary | Conditional | Call | Method | Member | Index


class Statement(Struct, frozen=True):
    """``target = value``; without a target only ``stop()`` makes sense. ``at`` is where it begins."""

    at: int
    target: str
    value: Expression


class Formula(Struct, frozen=True):
    """A formula that was read."""

    text: str
    statements: tuple[Statement, ...]

    def source(self, node: Node) -> str:
        """What was written, in one line."""
        return " ".join(self.text[node.at : node.end].split())

    def targets(self) -> dict[str, Statement]:
        """The statement that sets each variable last, in the order in which they are first set."""
        return {each.target: each for each in self.statements if each.target}


def place_of(text: str, at: int) -> Place:
    """Line and column of an offset."""
    return Place(text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)


def read(text: str) -> Formula:
    """A formula as a tree. Raises FormulaError, unread where it is longer than the service takes."""
    if (size := len(text.encode())) > LONGEST:
        raise FormulaError(f"The formula has {size:,} bytes; the service takes {LONGEST:,}.", 0, _SYNTAX)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _unexpected(text, error) from None
    try:
        formula: Formula = _Tree(text).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return formula


def parts(node: Expression) -> Iterator[Expression]:
    """A part and every part below it."""
    yield node
    for child in children(node):
        yield from parts(child)


def children(node: Expression) -> tuple[Expression, ...]:  # noqa: PLR0911 - one a kind
    """The parts that a part is made of."""
    match node:
        case Unary():
            return (node.operand,)
        case Binary():
            return node.left, node.right
        case Conditional():
            return node.condition, node.then, node.otherwise
        case Call():
            return node.arguments
        case Method():
            return node.of, *node.arguments
        case Member():
            return (node.of,)
        case Index():
            return node.of, node.index
    return ()


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("formula.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _unexpected(text: str, error: UnexpectedInput) -> FormulaError:  # noqa: PLR0911 - one a mistake
    """What is wrong where the reader came to a stop, in plain words."""
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        return FormulaError(_strange(text, at), at, _SYNTAX)
    if not isinstance(error, UnexpectedToken) or error.token.type == "$END":
        missing = "a “)” is missing" if "RPAR" in _expected(error) else "something is missing"
        return FormulaError(f"The formula ends in the middle of a statement: {missing}.", len(text.rstrip()), _SYNTAX)
    at, found = error.token.start_pos or 0, str(error.token)
    expected = _expected(error)
    if found == "/" and text.startswith("/*", at):
        return FormulaError("A comment is opened and not closed: “*/” is missing.", at, _SYNTAX)
    if "SEMICOLON" in expected and "NAME" not in expected:
        if found == "=":
            return FormulaError("“=” sets a variable and stands once in a statement; “==” compares.", at, _SYNTAX)
        if found == ")":
            return FormulaError("This “)” closes nothing.", at, _SYNTAX)
        return FormulaError(f"A semicolon or an operator is missing before “{found}”.", at, _SYNTAX)
    if "RPAR" in expected and "NAME" not in expected:
        return FormulaError(f"A “)” is missing before “{found}”.", at, _SYNTAX)
    if "COLON" in expected and "NAME" not in expected:
        return FormulaError(f"“condition ? one : other” needs its “:” before “{found}”.", at, _SYNTAX)
    return FormulaError(f"A value is expected here, not “{found}”.", at, _SYNTAX)


def _expected(error: UnexpectedInput) -> set[str]:
    """The kinds of tokens that could have come."""
    return set(error.accepts or error.expected) if isinstance(error, UnexpectedToken) else set()


_SYNTAX = "AutoScalingFormulaSyntaxError"


def _strange(text: str, at: int) -> str:
    match text[at]:
        case '"':
            return "A quote is opened and not closed in the same line."
        case "'":
            return "Texts stand in double quotes."
        case "&" | "|" as sign:
            return f"“{sign}” alone is no operator; “{sign * 2}” is."
    return f"“{text[at]}” means nothing in a formula."


class _Tree(Transformer_NonRecursive[Token, Any]):
    """Makes the tree; not recursive, so that no formula can be too deep for it before it is refused."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, statements: list[Statement]) -> Formula:
        return Formula(self._text, tuple(statements))

    def assignment(self, items: list[Any]) -> Statement:
        return Statement(items[0].start_pos, str(items[0]), items[1])

    def bare(self, items: list[Any]) -> Statement:
        return Statement(items[0].at, "", items[0])

    def arguments(self, items: list[Any]) -> tuple[Expression, ...]:
        return tuple(items)

    @v_args(meta=True)
    def number(self, meta: Any, items: list[Any]) -> Number:
        return Number(meta.start_pos, meta.end_pos, 1, float(items[0]))

    @v_args(meta=True)
    def string(self, meta: Any, items: list[Any]) -> String:
        return String(meta.start_pos, meta.end_pos, 1, str(items[0])[1:-1])

    @v_args(meta=True)
    def name(self, meta: Any, items: list[Any]) -> Name:
        return Name(meta.start_pos, meta.end_pos, 1, str(items[0]))

    @v_args(meta=True)
    def unary(self, meta: Any, items: list[Any]) -> Unary:
        return Unary(meta.start_pos, meta.end_pos, _deep(meta, items[1]), str(items[0]), items[1])

    @v_args(meta=True)
    def binary(self, meta: Any, items: list[Any]) -> Binary:
        left, sign, right = items
        depth = _deep(meta, left, right)
        return Binary(meta.start_pos, meta.end_pos, depth, str(sign), left, right, sign.start_pos)

    @v_args(meta=True)
    def conditional(self, meta: Any, items: list[Any]) -> Conditional:
        return Conditional(meta.start_pos, meta.end_pos, _deep(meta, *items), *items)

    @v_args(meta=True)
    def call(self, meta: Any, items: list[Any]) -> Call:
        given = items[1] if len(items) > 1 else ()
        return Call(meta.start_pos, meta.end_pos, _deep(meta, *given), str(items[0]), given)

    @v_args(meta=True)
    def method(self, meta: Any, items: list[Any]) -> Method:
        given = items[2] if len(items) > 2 else ()
        depth = _deep(meta, items[0], *given)
        return Method(meta.start_pos, meta.end_pos, depth, items[0], str(items[1]), given)

    @v_args(meta=True)
    def member(self, meta: Any, items: list[Any]) -> Member:
        return Member(meta.start_pos, meta.end_pos, _deep(meta, items[0]), items[0], str(items[1]))

    @v_args(meta=True)
    def index(self, meta: Any, items: list[Any]) -> Index:
        return Index(meta.start_pos, meta.end_pos, _deep(meta, *items), *items)


def _deep(meta: Any, *below: Expression) -> int:
    """How many levels a part has. Raises FormulaError for too many."""
    depth = 1 + max((each.depth for each in below), default=0)
    if depth > _DEEPEST:
        raise FormulaError(f"This is nested more than {_DEEPEST} levels deep.", meta.start_pos, _SYNTAX)
    return depth
