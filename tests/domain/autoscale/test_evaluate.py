"""Formulas: what they mean, by the documentation, and what is said of those that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.autoscale.evaluate import PoolNow
from bot.domain.autoscale.syntax import FormulaError, place_of, read
from bot.domain.autoscale.values import Value, shown
from tests.domain.autoscale.samples import NOW, Rows, run


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3 % 5", 4.0),
        ("10 - 2 - 3", 5.0),
        (".5 + 1.25", 1.75),
        ("2 > 1 && 1 >= 2 || !0", 1.0),
        ("1 ? 2 : 0 ? 3 : 4", 2.0),
        ("0 ? 1 / 0 : 4", 4.0),
        ("-2 - -3", 1.0),
        ('"b" > "a"', 1.0),
        ("requeue", "requeue"),
        ("$ActiveTasks.GetSample(3)", (20.0, 19.0, 18.0)),
        ("$ActiveTasks.GetSample(3) * 2 + 1", (41.0, 39.0, 37.0)),
        ("10 - $ActiveTasks.GetSample(2)", (-10.0, -9.0)),
        ("$ActiveTasks.GetSample(2) - $ActiveTasks.GetSample(2)", (0.0, 0.0)),
        ("$ActiveTasks.GetSample(1) > 19", 1.0),
        ("-$ActiveTasks.GetSample(2)", (-20.0, -19.0)),
        ("min(4, 2, 8) + max(1, 5)", 7.0),
        ("avg($ActiveTasks.GetSample(2), 3)", 14.0),
        ("len($ActiveTasks.GetSample(2), 3)", 3.0),
        ("max($ActiveTasks.GetSample(2 * TimeInterval_Minute))", 20.0),
        ("min($ActiveTasks.GetSample(TimeInterval_Minute * 2))", 17.0),
        ("$ActiveTasks.GetSample(1 * TimeInterval_Minute, 2 * TimeInterval_Minute)", (18.0, 17.0)),
        ("$ActiveTasks.GetSample(2 * TimeInterval_Minute, 1 * TimeInterval_Minute)", (18.0, 17.0)),
        ("$ActiveTasks.GetSample(time() - TimeInterval_Minute, time(), 50)", (20.0, 19.0)),
        ("$ActiveTasks.GetSamplePercent(20 * TimeInterval_Minute)", 50.0),
        ("$ActiveTasks.GetSamplePercent(2 * TimeInterval_Minute, 4 * TimeInterval_Minute)", 100.0),
        ("$ActiveTasks.GetSamplePeriod()", timedelta(seconds=30)),
        ("$ActiveTasks.HistoryBeginTime()", NOW - timedelta(seconds=570)),
        ("$ActiveTasks.Count()", 20.0),
        ("$ActiveTasks.GetSample(3)[2]", 18.0),
        ("val($ActiveTasks.GetSample(3), 1)", 19.0),
        ("percentile($ActiveTasks.GetSample(10), 50)", 15.0),
        ("$TargetDedicatedNodes + 1", 4.0),
        ("$TargetDedicated + $TaskSlotsPerNode", 7.0),
        ("time().hour + time().minute", 39.0),
        ("time().weekday", 2.0),
        ('time("2026-11-29").weekday', 0.0),
        ('time("Tue, 24 Nov 2026 09:00:00 GMT").minute', 0.0),
        ('time("2026-11-24T10:00:00+01:00") == time("2026-11-24T09:00:00Z")', 1.0),
        ('time() - time("2026-11-24T09:00:00") > 29 * TimeInterval_Minute', 1.0),
        ("(time() + (-6 * TimeInterval_Hour)).hour", 3.0),
        ("TimeInterval_Day / 2 == 12 * TimeInterval_Hour", 1.0),
        ("-TimeInterval_Hour < TimeInterval_Zero", 1.0),
        ("ceil(2.1) + floor(2.9) + round(2.5)", 8.0),
        ("round(-2.5)", -3.0),
        ("ceil(vec(1.2, 3))", (2.0, 3.0)),
        ("lg(8) + ln(1) + log(100)", 5.0),
        ("norm(3, 4)", 5.0),
        ("range(3, 9, 4)", 6.0),
        ("std(1, 2, 3)", 1.0),
        ("rand() < 1", 1.0),
        # spans and moments, with every sign that they take
        ("TimeInterval_Hour + TimeInterval_Minute", timedelta(minutes=61)),
        ("TimeInterval_Hour - TimeInterval_Minute", timedelta(minutes=59)),
        ("TimeInterval_Hour * 3", timedelta(hours=3)),
        ("3 * TimeInterval_Hour", timedelta(hours=3)),
        ("TimeInterval_Hour / 4", timedelta(minutes=15)),
        ("-TimeInterval_Hour", timedelta(hours=-1)),
        ("time() + TimeInterval_Hour", NOW + timedelta(hours=1)),
        ("time() - TimeInterval_Hour", NOW - timedelta(hours=1)),
        ("TimeInterval_Hour + time()", NOW + timedelta(hours=1)),
        ("(time() + TimeInterval_Hour) - time()", timedelta(hours=1)),
        ('time("")', NOW),
        # every comparison, of what is less, equal and more
        ("vec(1 < 2, 2 < 2, 3 < 2)", (1.0, 0.0, 0.0)),
        ("vec(1 <= 2, 2 <= 2, 3 <= 2)", (1.0, 1.0, 0.0)),
        ("vec(1 > 2, 2 > 2, 3 > 2)", (0.0, 0.0, 1.0)),
        ("vec(1 >= 2, 2 >= 2, 3 >= 2)", (0.0, 1.0, 1.0)),
        ("vec(1 == 2, 2 == 2)", (0.0, 1.0)),
        ("vec(1 != 2, 2 != 2)", (1.0, 0.0)),
        ("vec(1 && 0, 1 && 2, 0 || 0, 0 || 3)", (0.0, 1.0, 0.0, 1.0)),
        ("vec(!0, !2)", (1.0, 0.0)),
        # ranks and elements, the first and the last
        ("vec(percentile(vec(4, 1, 3, 2), 0), percentile(vec(4, 1, 3, 2), 100))", (1.0, 4.0)),
        ("vec(percentile(vec(4, 1, 3, 2), 25), percentile(vec(4, 1, 3, 2), 26))", (1.0, 2.0)),
        ("vec(val(vec(7, 8), 0), val(vec(7, 8), 1))", (7.0, 8.0)),
        ("vec(7, 8)[0]", 7.0),
        ("vec(round(0.5), round(0.4), round(-0.5), round(1.5))", (1.0, 0.0, -1.0, 2.0)),
        ("vec(-7 % 3, 7 % 3)", (-1.0, 1.0)),
        ("sum(1, vec(2, 3))", 6.0),
    ],
)
def test_expressions(expression: str, value: Value) -> None:
    assert run(f"x = {expression};").values["x"] == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("x = ;", "line 1, column 5", "A value is expected here, not “;”."),
        ("x = 1;\ny = 2 +* 3;", "line 2, column 8", "A value is expected here, not “*”."),
        ("x = 1 y = 2;", "line 1, column 7", "A semicolon or an operator is missing before “y”."),
        ("x = 1 = 2;", "line 1, column 7", "“=” sets a variable and stands once in a statement; “==” compares."),
        ("x = (1;", "line 1, column 7", "A “)” is missing before “;”."),
        ("x = 1);", "line 1, column 6", "This “)” closes nothing."),
        ("x = max(1", "line 1, column 10", "The formula ends in the middle of a statement: a “)” is missing."),
        ("x = 1 ? 2;", "line 1, column 10", "“condition ? one : other” needs its “:” before “;”."),
        ("x = #;", "line 1, column 5", "“#” means nothing in a formula."),
        ("x = 1 & 2;", "line 1, column 7", "“&” alone is no operator; “&&” is."),
        ("x = 'a';", "line 1, column 5", "Texts stand in double quotes."),
        ('x = "a;', "line 1, column 5", "A quote is opened and not closed in the same line."),
        ("x = 1; /* y", "line 1, column 8", "A comment is opened and not closed: “*/” is missing."),
        ("x = 1 / 0;", "line 1, column 7", "This divides by zero."),
        ("x = nothing;", "line 1, column 5", "There is no variable “nothing”."),
        ("x = $PendingTask;", "line 1, column 5", "There is no variable “$PendingTask”. Did you mean $PendingTasks?"),
        ("x = shout(1);", "line 1, column 5", "There is no function “shout”."),
        ("x = avrg(1);", "line 1, column 5", "There is no function “avrg”. Did you mean avg?"),
        ("x = $ActiveTasks.GetSamples(1);", "line 1, column 5",
         "There is no method “GetSamples”. Did you mean GetSample?"),
        ("x = $ActiveTasks;", "line 1, column 5",
         "$ActiveTasks is a series of samples: ask for some, such as $ActiveTasks.GetSample(1)."),
        ("x = $CPUPercent.GetSample(1);", "line 1, column 5", "There are no samples of $CPUPercent."),
        ("x = time() + 1;", "line 1, column 12", "“+” cannot be combined with a moment and a number."),
        ("x = time() < 1;", "line 1, column 12", "A moment cannot be compared with a number."),
        ("x = 5; y = x.hour;", "line 1, column 12", "There is no “hour” of a number."),
        ("x = $ActiveTasks.GetSample(2)[2];", "line 1, column 31", "There is no element 2 of 2; the first is 0."),
        ("x = $ActiveTasks.GetSample(2) + $ActiveTasks.GetSample(3);", "line 1, column 31",
         "Vectors of 2 and 3 values do not go together."),
        ("x = $ActiveTasks.GetSample(2) > 3;", "line 1, column 31", "A number is needed here, not a vector."),
        ("x = std(1);", "line 1, column 5", "std() cannot be taken of 1."),
        ('x = time("soon");', "line 1, column 5", "time() cannot be taken of soon."),
        ("x = avg($ActiveTasks.GetSample(20 * TimeInterval_Minute, 90));", "line 1, column 9",
         "There are too few samples of $ActiveTasks: 90% are needed, 50% are there."),
        ("$ActiveTasks = 1;", "line 1, column 1", "$ActiveTasks can only be read."),
        ("x = 1;\n$TargetDedicatedNodes = time();", "line 2, column 1",
         "$TargetDedicatedNodes has to be a number, not 2026-11-24 09:30 UTC."),
        ("x = 1 - TimeInterval_Hour;", "line 1, column 7", "“-” cannot be combined with a number and a span of time."),
        ("x = 1 / TimeInterval_Hour;", "line 1, column 7", "“/” cannot be combined with a number and a span of time."),
        ("x = TimeInterval_Hour - time();", "line 1, column 23",
         "“-” cannot be combined with a span of time and a moment."),
        ("x = time() + time();", "line 1, column 12", "“+” cannot be combined with a moment and a moment."),
        ("x = TimeInterval_Hour * TimeInterval_Hour;", "line 1, column 23",
         "“*” cannot be combined with a span of time and a span of time."),
        ("x = TimeInterval_Hour / 0;", "line 1, column 23", "This divides by zero."),
        ("x = requeue + 1;", "line 1, column 13", "“+” cannot be combined with a text and a number."),
        ("x = val(vec(7, 8), 2);", "line 1, column 5", "val() cannot be taken of [7, 8], 2."),
        ("x = vec(7, 8)[-1];", "line 1, column 15", "There is no element -1 of 2; the first is 0."),
        ("x = time()[0];", "line 1, column 5", "Only a vector has elements, not a moment."),
        ("x = val(3);", "line 1, column 5", "“val” takes a vector and a number."),
        ("x = time(3);", "line 1, column 5", "“time” takes a text, not a number."),
        ("x = avg();", "line 1, column 5", "avg() cannot be taken of nothing."),
        ("x = requeue.GetSample(1);", "line 1, column 5",
         "Only sampled variables have GetSample(), not a text."),
        ("x = $ActiveTasks.GetSample();", "line 1, column 5",
         "GetSample needs a number of samples or a span of time."),
        ("x = $ActiveTasks.GetSamplePercent(3);", "line 1, column 5",
         "GetSamplePercent needs a span of time, such as 5 * TimeInterval_Minute."),
        ("x = $ActiveTasks.GetSample(0);", "line 1, column 5",
         "There are too few samples of $ActiveTasks: 1% are needed, 0% are there."),
        ("$NodeDeallocationOption = 3;", "line 1, column 1",
         "$NodeDeallocationOption is one of requeue, terminate, taskcompletion, retaineddata."),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(text: str, place: str, message: str) -> None:
    with pytest.raises(FormulaError) as error:
        run(text)
    assert (str(place_of(text, error.value.at)), error.value.message) == (place, message)


def test_what_is_nested_too_deep_is_refused_and_not_fallen_over() -> None:
    for text in ("x = " + "-" * 4000 + "1;", "x = " + "1+" * 4000 + "1;", "x = " + "max(" * 500 + "1" + ")" * 500):
        with pytest.raises(FormulaError, match="levels deep"):
            read(text)
    assert run("x = " + "(" * 2000 + "1" + ")" * 2000).values["x"] == 1.0


def test_targets_are_whole_numbers_and_never_below_none() -> None:
    assert run("$TargetDedicatedNodes = 3.9; $TargetLowPriorityNodes = -2;").dedicated == 3
    assert run("$TargetDedicatedNodes = 3.9; $TargetLowPriorityNodes = -2;").spot == 0
    left = run("x = 1;")
    assert (left.dedicated, left.spot, left.deallocation) == (None, None, "requeue")


def test_the_full_name_counts_where_its_alias_is_set_too() -> None:
    for text in (
        "$TargetDedicated = 2; $TargetDedicatedNodes = 5;",
        "$TargetDedicatedNodes = 5; $TargetDedicated = 2;",
    ):
        assert run(text).dedicated == 5
    assert run("$TargetLowPriority = 2;").spot == 2


def test_stop_ends_the_evaluation() -> None:
    found = run("$TargetDedicatedNodes = 2; stop(); $TargetDedicatedNodes = 9;")
    assert (found.dedicated, found.stopped) == (2, True)


_DOCUMENTED = {
    "pending tasks": (
        """startingNumberOfVMs = 1;
maxNumberofVMs = 25;
pendingTaskSamplePercent = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
pendingTaskSamples = pendingTaskSamplePercent < 70 ? startingNumberOfVMs : avg($PendingTasks.GetSample(180 *
TimeInterval_Second));
$TargetDedicatedNodes=min(maxNumberofVMs, pendingTaskSamples);
$NodeDeallocationOption = taskcompletion;""",
        (12, None, "taskcompletion"),
    ),
    "preempted nodes": (
        """maxNumberofVMs = 25;
$TargetDedicatedNodes = min(maxNumberofVMs, $PreemptedNodeCount.GetSample(180 * TimeInterval_Second));
$TargetLowPriorityNodes = min(maxNumberofVMs , maxNumberofVMs - $TargetDedicatedNodes);
$NodeDeallocationOption = taskcompletion;""",
        (2, 23, "taskcompletion"),
    ),
    "by CPU": (
        """$totalDedicatedNodes =
    (min($CPUPercent.GetSample(TimeInterval_Minute * 10)) > 0.7) ?
    ($CurrentDedicatedNodes * 1.1) : $CurrentDedicatedNodes;
$totalDedicatedNodes =
    (avg($CPUPercent.GetSample(TimeInterval_Minute * 60)) < 0.2) ?
    ($CurrentDedicatedNodes * 0.9) : $totalDedicatedNodes;
$TargetDedicatedNodes = min(400, $totalDedicatedNodes)""",
        (11, None, "requeue"),
    ),
    "by the time of day": (
        """$curTime = time();
$workHours = $curTime.hour >= 8 && $curTime.hour < 18;
$isWeekday = $curTime.weekday >= 1 && $curTime.weekday <= 5;
$isWorkingWeekdayHour = $workHours && $isWeekday;
$TargetDedicatedNodes = $isWorkingWeekdayHour ? 20:10;
$NodeDeallocationOption = taskcompletion;""",
        (20, None, "taskcompletion"),
    ),
    "by tasks": (
        """// Get pending tasks for the past 15 minutes.
$samples = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 15);
$tasks = $samples < 70 ? max(0,$PendingTasks.GetSample(1)) : max( $PendingTasks.GetSample(1),
    avg($PendingTasks.GetSample(TimeInterval_Minute * 15)));
$targetVMs = $tasks > 0? $tasks:max(0, $TargetDedicatedNodes/2);
$TargetDedicatedNodes = max(0, min($targetVMs, 20));
$NodeDeallocationOption = taskcompletion;""",
        (12, None, "taskcompletion"),
    ),
    "parallel tasks": (
        """$samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15);
$tasks = $samples < 70 ? max(0,$ActiveTasks.GetSample(1)) : max( $ActiveTasks.GetSample(1),avg($ActiveTasks.GetSample(
TimeInterval_Minute * 15)));
$cores = $TargetDedicatedNodes * 4;
$extraVMs = (($tasks - $cores) + 3) / 4;
$targetVMs = ($TargetDedicatedNodes + $extraVMs);
$TargetDedicatedNodes = max(0,min($targetVMs,3));
$NodeDeallocationOption = taskcompletion;""",
        (2, None, "taskcompletion"),
    ),
    "initial size": (
        """$TargetDedicatedNodes = 4;
lifespan         = time() - time("Tue, 24 Nov 2026 09:25:00 GMT");
span             = TimeInterval_Minute * 60;
startup          = TimeInterval_Minute * 10;
ratio            = 50;
$TargetDedicatedNodes = (lifespan > startup ? (max($RunningTasks.GetSample(span, ratio),
    $ActiveTasks.GetSample(span, ratio)) == 0 ? 0 : $TargetDedicatedNodes) : 4);""",
        (4, None, "requeue"),
    ),
}


@pytest.mark.parametrize("name", _DOCUMENTED)
def test_the_documents_examples(name: str) -> None:
    text, wanted = _DOCUMENTED[name]
    series = {
        "$PendingTasks": [12.0] * 40, "$ActiveTasks": [8.0] * 40, "$RunningTasks": [4.0] * 40,
        "$PreemptedNodeCount": [4.0, 3.0, 2.0], "$CPUPercent": [80.0] * 40, "$CurrentDedicatedNodes": [10.0],
    }  # fmt: skip
    found = run(text, Rows(series), PoolNow(1.0, 0.0, 4.0))
    assert (found.dedicated, found.spot, found.deallocation) == wanted


def test_the_documents_example_of_missing_samples() -> None:
    """Of ten minutes the last is not there yet: 18 of 20 samples."""
    rows = Rows({"$CPUPercent": [50.0] * 40}, late=timedelta(minutes=1))
    assert run("x = len($CPUPercent.GetSample(TimeInterval_Minute * 10, 80));", rows).values["x"] == 18.0
    with pytest.raises(FormulaError, match="95% are needed, 90% are there") as error:
        run("x = len($CPUPercent.GetSample(TimeInterval_Minute * 10, 95));", rows)
    assert error.value.code == "InsufficientSampleData"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.0, "3"),
        (2.123456, "2.1235"),
        ((1.0, 2.0), "[1, 2]"),
        ((1.0, 2.0, 3.0), "[1, 2, 3]"),
        ((1.0, 2.0, 3.0, 4.0), "[1, 2, 3, …] (4 values)"),
        (tuple(map(float, range(20))), "[0, 1, 2, …] (20 values)"),
        (datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "2026-11-24 09:30 UTC"),
        (timedelta(minutes=15), "15 min"),
        ("requeue", "requeue"),
    ],
)
def test_values_in_words(value: Value, words: str) -> None:
    assert shown(value) == words


NINES = "9" * 308


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"a = 2; {'a = a * a; ' * 90}$TargetDedicatedNodes = a;", "too large a number"),
        (f"$TargetDedicatedNodes = 0 - {NINES} - {NINES};", "too large a number"),
        (f"$TargetDedicatedNodes = norm({NINES}, {NINES}, {NINES}, {NINES});", "too large a number"),
        (f"x = {NINES}9999;", "too large a number"),
        ("$TargetDedicatedNodes = 3000000000;", "no pool has so many nodes"),
        (f"$TargetDedicatedNodes = {NINES};", "no pool has so many nodes"),
        ("x = 1 % 0;", "divides by zero"),
        ("x = time() - TimeInterval_Year * 99999;", "too long a time"),
        ("x = $ActiveTasks.GetSample(TimeInterval_Year * 99999);", "too long a time"),
        (f"a = vec(1, 2); {'a = vec(a, a); ' * 60}", "25,000 elements at most"),
        (f"a = $ActiveTasks.GetSample(20); {'a = vec(a, a); ' * 10}x = a{' + a' * 99};", "too many values"),
    ],
)
def test_what_grows_beyond_every_bound_is_said_and_not_calculated(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        run(text)


@given(st.text(alphabet="x$T=;()?:1.+-*/<>!&| \n'\"[],%max", max_size=60))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    try:
        run(text)
    except FormulaError as error:
        assert error.message.endswith((".", "?"))
        assert 0 <= error.at <= len(text)


def test_a_target_is_read_by_either_of_its_names() -> None:
    """What was set last by the full name; by the alias where only that was set; what the pool has before."""
    alias, full = "$TargetDedicated", "$TargetDedicatedNodes"
    for text, value in (
        (f"{alias} = 2; x = {full};", 2.0),
        (f"{full} = 5; x = {alias};", 5.0),
        (f"{full} = 5; {alias} = 2; x = {full};", 5.0),
        (f"x = {full}; {full} = 5;", 3.0),
    ):
        assert run(text).values["x"] == value, text


def test_a_sign_of_what_is_no_number_is_said_with_its_place() -> None:
    for text, words in (("x = -requeue;", "not a text"), ("x = !vec(1, 2);", "not a vector")):
        with pytest.raises(FormulaError, match=words) as error:
            run(text)
        assert error.value.at == 4
