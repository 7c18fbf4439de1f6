"""The language of autoscale formulas: a reader and an evaluator.

A formula is `name = expression` statements, each ended by a semicolon. Values are numbers, vectors of numbers, moments,
spans of time and words (the deallocation options). `FormulaError` says, as the service does, where and what.
"""

from __future__ import annotations

import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

Value = float | str | datetime | timedelta | list[float]

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<number>\d+(?:\.\d+)?)|(?P<text>"[^"\n]*")|(?P<name>\$?[A-Za-z_]\w*)"""
    r"""|(?P<op>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:;=(),.\[\]])""",
    re.DOTALL,
)
_UNITS = {
    "TimeInterval_Zero": 0.0,
    "TimeInterval_100ns": 1e-7,
    "TimeInterval_Microsecond": 1e-6,
    "TimeInterval_Millisecond": 1e-3,
    "TimeInterval_Second": 1.0,
    "TimeInterval_Minute": 60.0,
    "TimeInterval_Hour": 3600.0,
    "TimeInterval_Day": 86_400.0,
    "TimeInterval_Week": 604_800.0,
    "TimeInterval_Year": 31_536_000.0,
}
_WORDS = frozenset({"requeue", "terminate", "taskcompletion", "retaineddata"})


class FormulaError(Exception):
    """The formula cannot be read or evaluated; `code` as the service names it."""

    def __init__(self, message: str, code: str = "AutoScalingFormulaEvaluationError") -> None:
        super().__init__(message)
        self.code = code


class Metrics(Protocol):
    """The samples a formula may ask for."""

    def names(self) -> frozenset[str]:
        """The sampled variables."""

    def samples(self, name: str, since: datetime | None, until: datetime | None) -> list[float]:
        """Samples of a variable in a span, newest first."""

    def expected(self, since: datetime, until: datetime) -> int:
        """How many samples a full span has."""


class _Token:
    __slots__ = ("at", "kind", "text")

    def __init__(self, kind: str, text: str, at: int) -> None:
        self.kind, self.text, self.at = kind, text, at


class _Series:
    """A sampled variable, of which a formula must ask for samples."""

    def __init__(self, name: str) -> None:
        self.name = name


class Formula:
    """One evaluation of one formula at one moment."""

    def __init__(self, text: str, metrics: Metrics, now: datetime, known: Mapping[str, Value]) -> None:
        self._text = text
        self._metrics = metrics
        self._now = now
        self._tokens = self._read()
        self._next = 0
        self.values: dict[str, Value] = dict(known)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _where(self, at: int) -> str:
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        return f"Line {line}, Col {column}"

    def _fail(self, token: _Token, what: str, code: str = "AutoScalingFormulaEvaluationError") -> FormulaError:
        return FormulaError(f"{self._where(token.at)}: {what}", code)

    def _read(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise FormulaError(f"{self._where(at)}: Unexpected character '{self._text[at]}'")
            if match.lastgroup and match.lastgroup != "space":
                tokens.append(_Token(match.lastgroup, match[0], at))
            at = match.end()
        tokens.append(_Token("end", "end of formula", at))
        return tokens

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> _Token | None:
        token = self._here
        if token.kind == "op" and token.text in texts:
            self._next += 1
            return token
        return None

    def _need(self, text: str) -> _Token:
        token = self._take(text)
        if token is None:
            raise self._fail(self._here, f"Expected '{text}' but found '{self._here.text}'")
        return token

    # --- evaluating ---------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Value]:
        """Every variable the formula set, and those it was given."""
        while self._here.kind != "end":
            if self._take(";"):
                continue
            name = self._here
            if name.kind != "name":
                raise self._fail(name, f"Expected a variable but found '{name.text}'")
            self._next += 1
            self._need("=")
            value = self._ternary()
            if isinstance(value, _Series):
                raise self._fail(name, f"{value.name} is a series of samples; use GetSample")
            self.values[name.text] = value
            if self._here.kind != "end":
                self._need(";")
        return self.values

    def _ternary(self) -> Value | _Series:
        condition = self._binary(0)
        if (mark := self._take("?")) is None:
            return condition
        yes = self._ternary()
        self._need(":")
        no = self._ternary()
        return yes if self._number(condition, mark) else no

    _LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))

    def _binary(self, level: int) -> Value | _Series:
        if level == len(self._LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (op := self._take(*self._LEVELS[level])) is not None:
            left = self._apply(op, left, self._binary(level + 1))
        return left

    def _apply(self, op: _Token, left: Value | _Series, right: Value | _Series) -> Value:
        if isinstance(left, datetime | timedelta) or isinstance(right, datetime | timedelta):
            return self._apply_time(op, left, right)
        if isinstance(left, str) and isinstance(right, str) and op.text in ("==", "!="):
            return float((left == right) is (op.text == "=="))
        a, b = self._number(left, op), self._number(right, op)
        if op.text in ("/", "%") and b == 0:
            raise self._fail(op, "Division by zero")
        return _ARITHMETIC[op.text](a, b)

    def _apply_time(self, op: _Token, left: Value | _Series, right: Value | _Series) -> Value:
        try:
            match op.text:
                case "+" | "-" | "*" | "/":
                    result: Value = _TIME[op.text](left, right)
                case _:
                    result = _ARITHMETIC[op.text](_seconds(left), _seconds(right))
        except (TypeError, ZeroDivisionError, KeyError):
            raise self._fail(op, f"Operator '{op.text}' does not take these operands") from None
        return result

    def _number(self, value: Value | _Series, token: _Token) -> float:
        if isinstance(value, float):
            return value
        if isinstance(value, list) and len(value) == 1:
            return value[0]
        raise self._fail(token, "Expected a number")

    def _unary(self) -> Value | _Series:
        if op := self._take("-"):
            value = self._unary()
            return -value if isinstance(value, timedelta) else -self._number(value, op)
        if op := self._take("!"):
            return float(not self._number(self._unary(), op))
        return self._postfix(self._primary())

    def _postfix(self, value: Value | _Series) -> Value | _Series:
        while True:
            if self._take("."):
                name = self._here
                self._next += 1
                value = self._method(value, name) if self._take("(") else self._part(value, name)
            elif mark := self._take("["):
                index = self._number(self._ternary(), mark)
                self._need("]")
                if not isinstance(value, list) or not 0 <= index < len(value):
                    raise self._fail(mark, "Index out of range")
                value = value[int(index)]
            else:
                return value

    def _primary(self) -> Value | _Series:
        token = self._here
        self._next += 1
        match token.kind:
            case "number":
                return float(token.text)
            case "text":
                return token.text[1:-1]
            case "name":
                if self._take("("):
                    return self._call(token)
                return self._variable(token)
        if token.text == "(":
            value = self._ternary()
            self._need(")")
            return value
        raise self._fail(token, f"Unexpected '{token.text}'")

    def _variable(self, token: _Token) -> Value | _Series:
        name = token.text
        if name in self.values:
            return self.values[name]
        if name in self._metrics.names():
            return _Series(name)
        if name in _UNITS:
            return timedelta(seconds=_UNITS[name])
        if name in _WORDS:
            return name
        raise self._fail(token, f"Variable '{name}' is not defined")

    def _arguments(self) -> list[Value | _Series]:
        found: list[Value | _Series] = []
        if self._take(")"):
            return found
        while True:
            found.append(self._ternary())
            if self._take(")"):
                return found
            self._need(",")

    def _part(self, value: Value | _Series, name: _Token) -> Value:
        if isinstance(value, datetime) and name.text in ("year", "month", "day", "hour", "minute", "second"):
            return float(getattr(value, name.text))
        if isinstance(value, datetime) and name.text == "weekday":
            return float((value.weekday() + 1) % 7)  # Sunday is 0
        raise self._fail(name, f"There is no '{name.text}' of this value")

    # --- samples ------------------------------------------------------------------------------------------------------

    def _method(self, value: Value | _Series, name: _Token) -> Value:
        arguments = self._arguments()
        if not isinstance(value, _Series):
            raise self._fail(name, f"Method '{name.text}' does not exist")
        match name.text.lower():
            case "getsample":
                return self._get_sample(value.name, arguments, name)
            case "getsamplepercent":
                return self._percent(value.name, *self._span(arguments, name))
            case "getsampleperiod":
                return timedelta(seconds=30)
            case "count":
                return float(len(self._metrics.samples(value.name, None, None)))
        raise self._fail(name, f"Method '{name.text}' does not exist")

    def _span(self, arguments: list[Value | _Series], token: _Token) -> tuple[datetime, datetime]:
        """The span that one or two moments or distances from now name."""
        ends = []
        for each in arguments[:2]:
            if isinstance(each, timedelta):
                ends.append(self._now - each)
            elif isinstance(each, datetime):
                ends.append(each)
        if not ends:
            raise self._fail(token, "Expected a time interval")
        return (min(ends), max(ends)) if len(ends) == 2 else (ends[0], self._now)

    def _percent(self, name: str, since: datetime, until: datetime) -> float:
        wanted = self._metrics.expected(since, until)
        return min(100.0, 100.0 * len(self._metrics.samples(name, since, until)) / wanted) if wanted else 0.0

    def _get_sample(self, name: str, arguments: list[Value | _Series], token: _Token) -> Value:
        if not arguments:
            raise self._fail(token, "GetSample needs a number of samples or a time interval")
        if isinstance(arguments[0], float):
            found = self._metrics.samples(name, None, None)[: int(arguments[0])]
            wanted, received = 1.0, float(bool(found)) * 100
        else:
            limits = [each for each in arguments if isinstance(each, float)]
            since, until = self._span(arguments, token)
            found = self._metrics.samples(name, since, until)
            wanted, received = (limits[-1] if limits else 1.0), self._percent(name, since, until)
        if not found or received < wanted:
            raise self._fail(
                token,
                f"Insufficient data from data set: {name} wanted {wanted:g}%, received {received:g}%",
                "InsufficientSampleData",
            )
        return found

    # --- functions ----------------------------------------------------------------------------------------------------

    def _call(self, token: _Token) -> Value:
        arguments = self._arguments()
        name = token.text
        if name == "time":
            if not arguments:
                return self._now
            try:
                return datetime.fromisoformat(str(arguments[0])).replace(tzinfo=self._now.tzinfo)
            except ValueError:
                raise self._fail(token, "Expected a time") from None
        numbers: list[float] = []
        for each in arguments:
            numbers += each if isinstance(each, list) else [self._number(each, token)]
        function = _FUNCTIONS.get(name)
        if function is None:
            raise self._fail(token, f"Function '{name}' does not exist")
        try:
            return function(numbers)
        except (ValueError, IndexError, ZeroDivisionError, statistics.StatisticsError):
            raise self._fail(token, f"Function '{name}' does not take these arguments") from None


def _percentile(numbers: list[float]) -> float:
    *sample, wanted = numbers
    sample.sort()
    return sample[max(0, math.ceil(wanted / 100 * len(sample)) - 1)]


def _round(numbers: list[float]) -> float:
    """Halves go away from zero."""
    return math.copysign(math.floor(abs(numbers[0]) + 0.5), numbers[0])


def _element(numbers: list[float]) -> float:
    *vector, index = numbers
    if index < 0:
        raise IndexError(index)
    return vector[int(index)]


def _seconds(value: Value | _Series) -> float:
    """A moment or a span as a number, to compare it with another of its kind."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(value)


_TIME: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    **_TIME,
    "%": math.fmod,
    "||": lambda a, b: float(bool(a) or bool(b)),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
}
_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "avg": statistics.fmean,
    "ceil": lambda numbers: float(math.ceil(numbers[0])),
    "floor": lambda numbers: float(math.floor(numbers[0])),
    "len": lambda numbers: float(len(numbers)),
    "ln": lambda numbers: math.log(numbers[0]),
    "lg": lambda numbers: math.log2(numbers[0]),
    "max": max,
    "min": min,
    "norm": lambda numbers: math.hypot(*numbers),
    "percentile": _percentile,
    "range": lambda numbers: max(numbers) - min(numbers),
    "round": _round,
    "std": statistics.stdev,
    "sum": math.fsum,
    "val": _element,
}


def text_of(value: Value) -> str:
    """A value as the results of a run tell it."""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(f"{number:.10g}" for number in value) + "]"
    return value
