"""Formulas as they are pasted, results as the service writes them, and the formula to begin with."""

from __future__ import annotations

import pytest

from bot.domain.autoscale.lint import lint
from bot.domain.autoscale.remarks import Surroundings
from bot.domain.autoscale.results import explained, metrics_of, of_outcome, parsed
from bot.domain.autoscale.suggested import suggested
from bot.domain.autoscale.syntax import read
from bot.domain.autoscale.typed import typed_formula
from bot.requests.grammar import words
from tests.domain.autoscale.samples import run


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("```\nx = 1;\ny = 2;\n```", "x = 1;\ny = 2;"),
        ("```csharp\nx = 1;\n```", "x = 1;"),
        ("```x = 1;```", "x = 1;"),
        ("`x = 1;`", "x = 1;"),
        ('"x = 1;"', "x = 1;"),
        ("“x = 1;”", "x = 1;"),
        ("x = a &lt; 3 &amp;&amp; b &gt;= 2;", "x = a < 3 && b >= 2;"),
        ("x = time(“2026-11-24”);", 'x = time("2026-11-24");'),
        ('x = time(\\"2026-11-24\\");\\ny = 1;', 'x = time("2026-11-24");\ny = 1;'),
        ("x = 3\u00a0– 1;\u200b", "x = 3 - 1;"),
        ("x = a ≤ 3;", "x = a <= 3;"),
    ],
)
def test_what_is_pasted_is_what_was_meant(typed: str, meant: str) -> None:
    assert typed_formula(typed) == meant


@pytest.mark.parametrize(
    ("typed", "split"),
    [
        ('pool x ```\na = "1"; // it\'s\nb = 2;\n``` days:3', ["pool", "x", 'a = "1"; // it\'s\nb = 2;', "days:3"]),
        ("pool x 'a = 1;\nb = 2;'", ["pool", "x", "a = 1;\nb = 2;"]),
        ("pool x\na b", ["pool", "x", "a", "b"]),
    ],
)
def test_a_block_of_code_is_one_word(typed: str, split: list[str]) -> None:
    assert words(typed) == split


def test_results_of_the_service_are_explained_in_the_formulas_order() -> None:
    text = "$curTime = time();\nn = 1 + 2;\nv = $PendingTasks.GetSample(9);\n$TargetDedicatedNodes = n;"
    results = "$TargetDedicatedNodes=3;$NodeDeallocationOption=requeue;$curTime=2016-10-13T19:18:47.805Z;n=3;"
    found = explained(parsed(results + "v=[1,2,3,4,5,6];odd=7"), text)
    assert [(each.name, each.value, each.made) for each in found] == [
        ("$TargetDedicatedNodes", "3", "n"),
        ("$NodeDeallocationOption", "requeue", ""),
        ("$curTime", "2016-10-13T19:18:47.805Z", "time()"),
        ("n", "3", "1 + 2"),
        ("v", "[1, 2, 3, …] (6 values)", "$PendingTasks.GetSample(9)"),
        ("odd", "7", ""),
    ]
    assert found[0].meaning == "dedicated nodes wanted"
    assert found[1].meaning == "when nodes go: their tasks are stopped and start anew elsewhere"
    assert explained(parsed(results), "x = ;")[0].made == ""
    assert parsed(" ;nothing; a = 1 ;") == {"a": "1"}


def test_our_own_outcome_is_told_as_the_services() -> None:
    found = of_outcome(run("a = $ActiveTasks.GetSample(9); $TargetDedicatedNodes = 2.5;"))
    assert found == {"a": "[20, 19, 18, …] (9 values)", "$TargetDedicatedNodes": "2.5"}


def test_the_metrics_of_a_formula() -> None:
    text = "a = $PendingTasks.GetSample(1); b = $CPUPercent.Count() + $PendingTasks.Count();"
    assert metrics_of(read(text)) == ["$PendingTasks", "$CPUPercent"]


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("spot", [False, True])
def test_the_suggested_formula_has_no_fault(slots: int, spot: bool) -> None:
    text = suggested(slots, 20, spot=spot)
    found = lint(text, Surroundings(slots=slots))
    assert found.remarks == ()
    of = found.spot if spot else found.dedicated
    assert of
    assert (of.low, of.high) == (0, 20)
