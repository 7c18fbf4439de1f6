"""The program's evaluator and the sandbox's, which share no code, hold each other to one meaning of formulas."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.autoscale.evaluate import PoolNow
from bot.domain.autoscale.syntax import FormulaError
from bot.sandbox.world import formula as other
from tests.domain.autoscale.samples import NOW, PERIOD, Rows, run

_METRICS = ("$ActiveTasks", "$RunningTasks", "$PendingTasks", "$CPUPercent")


class Shared:
    """The same samples as the sandbox's engine asks for them."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def names(self) -> frozenset[str]:
        return frozenset(self.rows.series)

    def samples(self, name: str, since: datetime | None, until: datetime | None) -> list[float]:
        if since is None or until is None:
            return self.rows.newest(name, len(self.rows.series[name]))
        return self.rows.between(name, since, until)

    def expected(self, since: datetime, until: datetime) -> int:
        return max(1, int((until - since) / PERIOD))


@cache
def _numbers(variables: tuple[str, ...], depth: int) -> st.SearchStrategy[str]:
    """An expression whose value is a number. Made once for all formulas: to make it takes longer than to draw."""
    simple = [
        st.integers(0, 50).map(str),
        st.decimals(0, 9, places=2).map(str),
        st.sampled_from(["time().hour", "time().weekday", "time().minute", "$TargetDedicatedNodes"]),
        _vectors().map(lambda vector: f"avg({vector})"),
        st.sampled_from(_METRICS).map(lambda name: f"{name}.Count()"),
        st.tuples(st.sampled_from(_METRICS), st.integers(1, 12)).map(
            lambda given: f"{given[0]}.GetSamplePercent({given[1]} * TimeInterval_Minute)"
        ),
        *([st.sampled_from(variables)] if variables else []),
    ]
    if depth <= 0:
        return st.one_of(simple)
    deeper = _numbers(variables, depth - 1)
    operators = st.sampled_from(["+", "-", "*", "/", "<", "<=", "==", "!=", ">", ">=", "&&", "||"])
    functions = st.sampled_from(["min", "max", "sum", "avg", "len", "range", "norm", "std"])
    lists = st.lists(st.one_of(deeper, _vectors()), min_size=1, max_size=3)
    return st.one_of(
        *simple,
        st.tuples(deeper, operators, deeper).map(" ".join),
        st.tuples(deeper, operators, deeper).map(lambda given: f"({' '.join(given)})"),
        deeper.map(lambda given: f"-({given})"),
        deeper.map(lambda given: f"!({given})"),
        st.tuples(deeper, deeper, deeper).map(lambda given: "({} ? {} : {})".format(*given)),
        st.tuples(functions, lists).map(lambda given: f"{given[0]}({', '.join(given[1])})"),
        st.tuples(st.sampled_from(["ceil", "floor", "round"]), deeper).map(lambda given: "{}({})".format(*given)),
        st.tuples(_vectors(), st.integers(1, 100)).map(lambda given: "percentile({}, {})".format(*given)),
        st.tuples(_vectors(), st.integers(0, 3)).map(lambda given: "val({}, {})".format(*given)),
        _times(),
    )


@cache
def _vectors() -> st.SearchStrategy[str]:
    """An expression whose value is a vector of samples."""
    spans = st.tuples(st.sampled_from(_METRICS), st.integers(1, 6), st.integers(7, 12))
    return st.one_of(
        st.tuples(st.sampled_from(_METRICS), st.integers(2, 15)).map(lambda given: "{}.GetSample({})".format(*given)),
        spans.map(lambda given: "{}.GetSample({} * TimeInterval_Minute)".format(*given)),
        spans.map(lambda given: "{}.GetSample({} * TimeInterval_Minute, {} * TimeInterval_Minute)".format(*given)),
        spans.map(lambda given: "{}.GetSample({} * TimeInterval_Minute, 40)".format(*given)),
    )


@cache
def _times() -> st.SearchStrategy[str]:
    """A comparison of spans or of moments."""
    units = st.sampled_from(["TimeInterval_Second", "TimeInterval_Minute", "TimeInterval_Hour", "TimeInterval_Week"])
    spans = st.tuples(st.integers(-5, 5), units).map(lambda given: "({} * {})".format(*given))
    moments = st.one_of(st.just("time()"), spans.map(lambda span: f"(time() + {span})"))
    signs = st.sampled_from(["<", "<=", "==", "!=", ">", ">="])
    return st.one_of(
        st.tuples(spans, signs, spans).map(lambda given: f"({' '.join(given)})"),
        st.tuples(moments, signs, moments).map(lambda given: f"({' '.join(given)})"),
        moments.map(lambda moment: f"({moment} - time() < 2 * TimeInterval_Hour)"),
    )


@st.composite
def formulas(draw: st.DrawFn) -> str:
    """A few statements, each of which may use the variables set before it."""
    variables: list[str] = []
    statements = []
    for name in ("a", "$b", "c_1", "$TargetDedicatedNodes", "$TargetLowPriorityNodes"):
        statements.append(f"{name} = {draw(_numbers(tuple(variables), 2))};")
        variables.append(name)
    statements.append(f"$NodeDeallocationOption = {draw(st.sampled_from(['requeue', 'taskcompletion']))};")
    return draw(st.sampled_from(["\n", " ", " // so\n"])).join(statements)


series = st.fixed_dictionaries(
    {name: st.lists(st.integers(0, 40).map(float), min_size=0, max_size=30) for name in _METRICS}
)


@settings(max_examples=settings.default.max_examples * 3 // 2, deadline=None)
@given(formulas(), series)
def test_both_engines_find_the_same(text: str, samples: dict[str, list[float]]) -> None:
    rows = Rows(samples)
    known: dict[str, other.Value] = {"$TargetDedicatedNodes": 3.0, "$TargetLowPriorityNodes": 0.0}
    try:
        ours = run(text, rows, PoolNow(3.0, 0.0)).values
    except FormulaError as error:
        with pytest.raises(other.FormulaError) as theirs:
            other.Formula(text, Shared(rows), NOW, known).run()
        assert "Unexpected" not in str(theirs.value), error.message
        return
    try:
        found = other.Formula(text, Shared(rows), NOW, known).run()
    except other.FormulaError:
        assert "?" in text  # it evaluates both branches of a condition, of which one may have no value
        return
    assert ours == {name: found[name] for name in ours}
