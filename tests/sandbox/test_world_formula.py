"""Autoscale formulas: what they mean, and where they are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.world.formula import Formula, FormulaError, Value, text_of

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)  # a Tuesday


class Samples:
    """Twenty samples of one variable, 1 to 20, the newest last, 30 seconds apart."""

    def names(self) -> frozenset[str]:
        return frozenset({"$ActiveTasks"})

    def samples(self, name: str, since: datetime | None, until: datetime | None) -> list[float]:
        rows = [(NOW - timedelta(seconds=30 * age), 20.0 - age) for age in range(20)]
        return [value for at, value in rows if (not since or at >= since) and (not until or at <= until)]

    def expected(self, since: datetime, until: datetime) -> int:
        return max(1, int((until - since) / timedelta(seconds=30)))


def run(text: str) -> dict[str, Value]:
    return Formula(text, Samples(), NOW, {"$TargetDedicatedNodes": 3.0}).run()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3 % 5", 4.0),
        ("2 > 1 && 1 >= 2 || !0", 1.0),
        ("1 ? 2 : 0 ? 3 : 4", 2.0),
        ("-2 - -3", 1.0),
        ("min(4, 2, 8) + max(1, 5)", 7.0),
        ("avg($ActiveTasks.GetSample(2))", 19.5),
        ("max($ActiveTasks.GetSample(2 * TimeInterval_Minute))", 20.0),
        ("min($ActiveTasks.GetSample(TimeInterval_Minute * 2))", 16.0),
        ("$ActiveTasks.GetSamplePercent(20 * TimeInterval_Minute)", 50.0),
        ("$ActiveTasks.Count()", 20.0),
        ("$ActiveTasks.GetSample(1)", [20.0]),
        ("$TargetDedicatedNodes + 1", 4.0),
        ("time().hour", 9.0),
        ("time().weekday", 2.0),
        ('time() > time("2026-11-24T09:00:00")', 1.0),
        ("time() - TimeInterval_Day < time()", 1.0),
        ("ceil(2.1) + floor(2.9) + round(2.5)", 8.0),
        ("$ActiveTasks.GetSample(3)[2]", 18.0),
        ("percentile($ActiveTasks.GetSample(10), 50)", 15.0),
    ],
)
def test_expressions(expression: str, value: Value) -> None:
    assert run(f"x = {expression};")["x"] == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ;", "Line 1, Col 5: Unexpected ';'"),
        ("x = 1 / 0;", "Line 1, Col 7: Division by zero"),
        ("x = 1;\ny = 2 +* 3;", "Line 2, Col 8: Unexpected '*'"),
        ("x = nothing;", "Line 1, Col 5: Variable 'nothing' is not defined"),
        ("x = shout(1);", "Line 1, Col 5: Function 'shout' does not exist"),
        ("x = $ActiveTasks;", "Line 1, Col 1: $ActiveTasks is a series of samples; use GetSample"),
        ("x = 1 y = 2;", "Line 1, Col 7: Expected ';' but found 'y'"),
        ("x = time() + 1;", "Line 1, Col 12: Operator '+' does not take these operands"),
        ("x = #;", "Line 1, Col 5: Unexpected character '#'"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str) -> None:
    with pytest.raises(FormulaError) as error:
        run(text)
    assert str(error.value) == message


def test_too_few_samples_have_a_code_of_their_own() -> None:
    with pytest.raises(FormulaError, match="wanted 90%, received 50%") as error:
        run("x = avg($ActiveTasks.GetSample(20 * TimeInterval_Minute, 90));")
    assert error.value.code == "InsufficientSampleData"


def test_comments_and_line_ends_do_not_matter() -> None:
    assert run("// one\nx = 1; /* two\n lines */ y =\n 2")["y"] == 2.0


def test_values_read_as_the_service_writes_them() -> None:
    told = [text_of(value) for value in (3.0, 2.5, NOW, [1.0, 2.0], "requeue")]
    assert told == ["3", "2.5", "2026-11-24T09:30:00.000Z", "[1,2]", "requeue"]


@given(st.text(alphabet="x$T=;()?:1.+-*/<>!&| \n'\"[],", max_size=40))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    try:
        run(text)
    except FormulaError as error:
        assert str(error).startswith("Line ")
