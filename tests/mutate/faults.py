"""Which faults may be put into a file: Cosmic Ray's operators that are no mere noise, and five of our own."""

from __future__ import annotations

import difflib
import random
from ast import literal_eval
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.number_replacer import NumberReplacer
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import ExprStmt, IfStmt, Name
from parso.python.tree import Operator as Sign

CORE = (
    *(f"ReplaceComparisonOperator_{swap}" for swap in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq")),
    *(f"ReplaceComparisonOperator_{swap}" for swap in ("Is_IsNot", "IsNot_Is")),
    *(f"ReplaceBinaryOperator_{swap}" for swap in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul")),
    *(f"ReplaceBinaryOperator_{swap}" for swap in ("Mod_Mul", "BitAnd_Sub")),
    *("ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "AddNot"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ReplaceUnaryOperator_Delete_Not"),
    *("ReplaceUnaryOperator_USub_UAdd", "ZeroIterationForLoop"),
)
"""Cosmic Ray's: boundaries, signs, logic, loops, errors. Left out is what no run can tell apart (``==`` for ``is``),
what a type checker sees (``<<`` for ``+``), and ``|``, which here joins types."""

_TUNING = 20
"""A number from which on one more or less is one part in twenty at most: a length of a text, a span, a cache's limit,
which no reader and no caller could tell from what it was. Where such a number is one side of a comparison (a status, a
platform's limit), one more is another answer."""
_UNSEEN = ("frozen", "kw_only", "slots", "eq", "order", "gc", "strict", "maxsize")
"""Arguments that no run can tell apart: what a type checker sees, what never happens (a ``zip`` of unlike lengths), and
how much a cache keeps."""


class PlainAssignment(Operator):
    """``total += x`` becomes ``total = x``: what was summed up so far is forgotten."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Where it can be put in."""
        if isinstance(node, ExprStmt) and (sign := _augmented(node)):
            yield sign.start_pos, sign.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the fault in it."""
        _augmented(node).value = "="
        return node

    @classmethod
    def examples(cls) -> Iterable[Example]:
        """What it does."""
        return (Example("x += 1", "x = 1"),)


class GuardGone(Operator):
    """``if late: continue`` becomes ``if False: continue``: a guard that holds nothing back."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Where it can be put in."""
        if isinstance(node, IfStmt):
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the fault in it."""
        test = node.children[1]
        node.children[1] = Name("False", test.start_pos, prefix=" ")
        return node

    @classmethod
    def examples(cls) -> Iterable[Example]:
        """What it does."""
        return (Example("if x: y()", "if False: y()"),)


class SmallNumber(NumberReplacer):
    """One more and one less, of numbers that are small enough for that to matter, and of all that are compared.

    Of an index 0 only one more: one less is the last, and the first of one is its last.
    """

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Where it can be put in."""
        places = list(super().mutation_positions(node))
        if places and (abs(literal_eval(node.value)) < _TUNING or node.parent.type == "comparison"):
            yield from places[:1] if _is_first(node) else places


class Membership(Operator):
    """``x in y`` becomes ``x not in y``, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Where it can be put in."""
        if node.type == "comparison" and _word(node) in ("in", "not in"):
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the fault in it."""
        turned = "in" if _word(node) == "not in" else "not in"
        node.children[1] = Name(turned, node.children[1].start_pos, prefix=" ")
        return node

    @classmethod
    def examples(cls) -> Iterable[Example]:
        """What it does."""
        return (Example("x in y", "x not in y"), Example("x not in y", "x in y"))


class OtherException(Operator):
    """``except OSError`` becomes one that never comes. Cosmic Ray's own knows no ``aiohttp.ClientError``, and fails."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Where it can be put in."""
        if node.type == "except_clause":
            for _, name in _exceptions(node):
                yield name.start_pos, name.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the fault in it."""
        above, name = _exceptions(node)[index]
        place = above.children.index(name)
        above.children[place] = Name("SystemError", name.start_pos, prefix=name.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> Iterable[Example]:
        """What it does."""
        return (
            Example("try: x()\nexcept OSError: pass", "try: x()\nexcept SystemError: pass"),
            Example("try: x()\nexcept a.Error as e: pass", "try: x()\nexcept SystemError as e: pass"),
            Example("try: x()\nexcept (A, b.C): pass", "try: x()\nexcept (A, SystemError): pass", occurrence=1),
            Example("try: x()\nexcept A | b.C: pass", "try: x()\nexcept SystemError | b.C: pass"),
        )


_OWN = (PlainAssignment, GuardGone, SmallNumber, Membership, OtherException)
OWN: dict[str, type[Operator]] = {each.__name__: each for each in _OWN}


@dataclass(frozen=True)
class Fault:
    """A fault that may be put into a file; ``line`` is where, ``occurrence`` which of those its operator can make."""

    path: str
    line: int
    operator: str
    occurrence: int

    def put_into(self, code: str) -> str:
        """The code with the fault in it."""
        found: str | None = mutate_code(code, _operator(self.operator), self.occurrence)
        if found is None:
            raise ValueError(f"{self} is not to be found")
        return found


def change(code: str, mutated: str) -> tuple[str, str]:
    """The lines that a fault changes, as they are and as they become, without indents."""
    lines = list(difflib.ndiff(code.splitlines(), mutated.splitlines()))
    return _said(lines, "- "), _said(lines, "+ ")


def sample(root: Path, packages: Iterable[str], number: int, least: int, seed: object) -> list[tuple[str, Fault]]:
    """About so many faults of the files below some folders, each with its folder, in an order of chance.

    A folder's share is that of its places, though ``least`` of them; a place is as likely as any other of its folder,
    and gets one fault.
    """
    places = {package: _places(root, package) for package in packages}
    share = number / max(1, sum(map(len, places.values())))
    chosen = []
    for package, found in places.items():
        many = min(len(found), max(least, round(share * len(found))))
        chance = random.Random(f"{seed} {package}")  # the same ones, whatever other folders are asked for
        chosen += [(package, chance.choice(found[place])) for place in chance.sample(sorted(found), many)]
    random.Random(str(seed)).shuffle(chosen)  # where time runs out, every folder had its share
    return chosen


def _places(root: Path, folder: str) -> dict[tuple[str, int, int], list[Fault]]:
    """The faults of the files below a folder, by file, line and column."""
    places: dict[tuple[str, int, int], list[Fault]] = {}
    for path in sorted((root / folder).rglob("*.py")):
        for column, fault in _of(path.read_text(), str(path.relative_to(root))):
            places.setdefault((fault.path, fault.line, column), []).append(fault)
    return places


def _of(code: str, path: str) -> Iterator[tuple[int, Fault]]:
    """Every fault of a file, with its column."""
    nodes = list(ast_nodes(get_ast(code)))
    for name in (*CORE, *OWN):
        operator = _operator(name)
        positions = [(node, place) for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (node, ((line, column), _)) in enumerate(positions):
            if not _is_unseen(node):
                yield column, Fault(path, line, name, occurrence)


def _is_unseen(node: Any) -> bool:
    """Whether it is such an argument, or stands for how arguments are given, which a type checker sees as well."""
    above = node.parent
    if above is None:
        return False
    if above.type == "parameters":  # the * before those that are only given by name
        return True
    return above.type == "argument" and above.children[0].get_code().strip() in _UNSEEN


def _operator(name: str) -> Operator:
    kind = OWN.get(name) or get_operator(f"core/{name}")
    made: Operator = kind()
    return made


def _exceptions(clause: Any) -> list[tuple[Any, Any]]:
    """What an ``except`` names, each with the node that holds it."""
    named = clause.children[1]
    if named.type == "atom" and named.children[1].type == "testlist_comp":
        named = named.children[1]
    return (
        [(named, each) for each in named.children[::2]]
        if named.type in ("testlist_comp", "expr")
        else [(clause, named)]
    )


def _is_first(number: Any) -> bool:
    """Whether it is the 0 of ``rows[0]``."""
    return number.value == "0" and number.parent.type == "trailer"


def _word(comparison: Any) -> str:
    """The sign of a comparison: ``<``, ``not in``."""
    return " ".join(comparison.children[1].get_code().split())


def _augmented(node: Any) -> Any:
    """The sign of an augmented assignment."""
    return next((each for each in node.children if isinstance(each, Sign) and each.value in ("+=", "-=", "|=")), None)


def _said(lines: list[str], mark: str) -> str:
    return " ⏎ ".join(line[2:].strip() for line in lines if line.startswith(mark))
