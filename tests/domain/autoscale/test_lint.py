"""What is said of formulas: each rule where it holds and where it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.autoscale.lint import lint
from bot.domain.autoscale.remarks import Surroundings
from bot.domain.autoscale.syntax import LONGEST, FormulaError, read
from bot.domain.price import HourlyCost
from tests.golden import check_text

GOOD = """\
percent = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);
tasks = percent < 70 ? max(0, $PendingTasks.GetSample(1)) :
    max($PendingTasks.GetSample(1), avg($PendingTasks.GetSample(5 * TimeInterval_Minute)));
$TargetDedicatedNodes = min(20, ceil(tasks / 4));
$NodeDeallocationOption = taskcompletion;
"""
PRICE = HourlyCost(0.5, 0.1, "USD", datetime(2026, 11, 29, tzinfo=UTC))


def rules(text: str, around: Surroundings | None = None) -> list[str]:
    return [each.rule for each in lint(text, around).remarks]


def test_a_good_formula_has_no_remark() -> None:
    assert rules(GOOD, Surroundings(slots=4, a_node=PRICE, interval=timedelta(minutes=5))) == []
    found = lint(GOOD)
    assert found.dedicated
    assert (found.dedicated.low, found.dedicated.high, found.spot) == (0, 20, None)


_ASK = "tasks = $PendingTasks.GetSample(5 * TimeInterval_Minute, 50);"
_TAIL = "$NodeDeallocationOption = taskcompletion;"


PLACES: list[tuple[str, str, str]] = [
    ("syntax", ";", "x = ;"),
    ("unknown name", "$Pending,", f"$TargetDedicatedNodes = min($Pending, 3); {_TAIL}"),
    ("unknown name", "minn", f"$TargetDedicatedNodes = minn(2, 3); {_TAIL}"),
    ("unknown name", "$PendingTasks.Get(", f"$TargetDedicatedNodes = min($PendingTasks.Get(1), 3); {_TAIL}"),
    ("unknown name", "time().hours", f"$TargetDedicatedNodes = time().hours > 3 ? 1 : 0; {_TAIL}"),
    ("no target", "", "x = 1; $NodeDeallocationOption = requeue;"),
    ("read only", "$PendingTasks = 1", f"$PendingTasks = 1; $TargetDedicatedNodes = 0; {_TAIL}"),
    ("deallocation", "\"never", "$TargetDedicatedNodes = 0; $NodeDeallocationOption = \"never\";"),
    ("no cap", "$TargetDedicatedNodes", f"{_ASK} $TargetDedicatedNodes = max(tasks); {_TAIL}"),
    ("never none", "$TargetDedicatedNodes", f"{_ASK} $TargetDedicatedNodes = max(1, min(9, avg(tasks))); {_TAIL}"),
    ("never none", "$TargetLowPriorityNodes", f"$TargetLowPriorityNodes = time().hour > 8 ? 20 : 10; {_TAIL}"),
    ("no deallocation option", "", f"{_ASK} $TargetDedicatedNodes = min(3, max(tasks));"),
    ("one sample", "$PendingTasks.GetSample(1)",
     f"$TargetDedicatedNodes = min(3, $PendingTasks.GetSample(1)); {_TAIL}"),
    ("too recent", "$PendingTasks.GetSample(30",
     f"$TargetDedicatedNodes = min(3, max($PendingTasks.GetSample(30 * TimeInterval_Second, 1))); {_TAIL}"),
    ("too recent", "$PendingTasks.GetSample(s",
     f"s = 45 * TimeInterval_Second; $TargetDedicatedNodes = max($PendingTasks.GetSample(s, s, 9)); {_TAIL}"),
    ("no guard", "$PendingTasks.GetSample(9",
     f"$TargetDedicatedNodes = min(3, avg($PendingTasks.GetSample(9 * TimeInterval_Minute))); {_TAIL}"),
    ("alias", "$TargetDedicated =", f"$TargetDedicated = 0; {_TAIL}"),
    ("fraction of a percentage", "cpu > 0.7",
     f"cpu = avg($CPUPercent.GetSample(9 * TimeInterval_Minute, 9)); $TargetDedicatedNodes = cpu > 0.7; {_TAIL}"),
    ("cpu", "$CPUPercent",
     f"cpu = avg($CPUPercent.GetSample(9 * TimeInterval_Minute, 9)); $TargetDedicatedNodes = cpu > 70; {_TAIL}"),
    ("active tasks", "$ActiveTasks",
     f"$TargetDedicatedNodes = min(3, $ActiveTasks.GetSample(4)); {_TAIL}"),
    ("retired", "$SampleNodeCount", f"$TargetDedicatedNodes = min(3, $SampleNodeCount.GetSample(4)); {_TAIL}"),
    ("operator", "% 2", f"$TargetDedicatedNodes = 3 % 2; {_TAIL}"),
    ("chance", "rand()", f"$TargetDedicatedNodes = rand(); {_TAIL}"),
    ("no effect", "1 + 2", f"1 + 2; $TargetDedicatedNodes = 0; {_TAIL}"),
]  # fmt: skip
"""A rule, where it finds something, and a formula."""


@pytest.mark.parametrize(("rule", "there", "text"), PLACES)
def test_each_rule_finds_its_place(rule: str, there: str, text: str) -> None:
    found = [each for each in lint(text).remarks if each.rule == rule]
    assert found, [each.rule for each in lint(text).remarks]
    assert found[0].what
    place = found[0].place
    assert (place is None) is (there == "")
    assert place is None or text[place.column - 1 :].startswith(there)


def test_the_sizes_of_formulas_and_intervals() -> None:
    assert rules(GOOD + "//" + "x" * 8192) == ["too long"]
    assert "too many statements" in rules("x = 1;" * 97 + GOOD)
    assert "too many statements" not in rules("x = 1;" * 96 + GOOD)
    for minutes, wrong in ((4, True), (5, False), (168 * 60, False), (168 * 60 + 1, True)):
        assert (rules(GOOD, Surroundings(interval=timedelta(minutes=minutes))) == ["interval"]) is wrong


def test_a_cap_is_priced() -> None:
    around = Surroundings(a_node=PRICE)
    assert rules(GOOD.replace("20", "200"), around) == []
    [found] = lint(GOOD.replace("20", "201"), around).remarks
    assert found.what == "The cap of 201 dedicated nodes is 100 USD an hour."
    spot = GOOD.replace("$TargetDedicatedNodes", "$TargetLowPriorityNodes").replace("20", "201")
    assert rules(spot, around) == []


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (GOOD, False),
        (GOOD.replace("tasks / 4", "tasks / $TaskSlotsPerNode"), False),
        (GOOD.replace("tasks / 4", "tasks"), True),
        ("per = 4;" + GOOD.replace("tasks / 4", "tasks / per"), False),
        (GOOD.replace("tasks / 4", "tasks / 8"), True),
    ],
)
def test_slots_of_a_node_are_thought_of(text: str, warned: bool) -> None:
    assert ("slots" in rules(text, Surroundings(slots=4))) is warned
    assert "slots" not in rules(text, Surroundings(slots=1))


def test_every_remark_but_a_plain_mistake_says_what_to_write() -> None:
    text = "$TargetDedicated = $ActiveTasks.GetSample(1) + $CPUPercent.GetSample(1) > 0.5;"
    for each in lint(text, Surroundings(slots=4, a_node=PRICE)).remarks:
        assert each.why, each.rule
        assert each.fix, each.rule


def test_a_formula_longer_than_the_service_takes_is_not_read() -> None:
    """Reading 100 kB takes seconds; what is wrong with its length is all that is said."""
    found = lint("$TargetDedicatedNodes = 1;" + " " * LONGEST)
    assert [each.rule for each in found.remarks] == ["too long"]
    assert found.formula is None
    with pytest.raises(FormulaError, match="the service takes 8,192"):
        read("x = 1;" * LONGEST)


@pytest.mark.parametrize("rest", ["$TargetDedicatedNodes = a;", "b = a - a; $TargetDedicatedNodes = ceil(b);"])
def test_bounds_beyond_every_number_are_none(rest: str) -> None:
    found = lint(f"a = 2; {'a = a * a; ' * 90}{rest}")
    assert "no cap" in [each.rule for each in found.remarks]
    assert not any(len(each.what) > 200 for each in found.remarks)


def test_what_each_remark_says() -> None:
    texts = [
        *(text for _, _, text in PLACES),
        f"$TargetDedicatedNodes = 1; {_TAIL}",
        f"$TargetDedicatedNodes = 2; {_TAIL}",
    ]
    said = []
    for text in dict.fromkeys(texts):
        said.append(text)
        for each in lint(text).remarks:
            where = f" at {each.place.line}:{each.place.column}" if each.place else ""
            said += [f"  {each.weight}, {each.rule}{where}: {' '.join(filter(None, (each.what, each.why, each.fix)))}"]
    check_text("autoscale-remarks", "\n".join(said) + "\n")
