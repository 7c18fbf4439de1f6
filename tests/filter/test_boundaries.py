"""Where a filter begins and ends: a second, a day, a whole number more or less."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.azure.models import Job, Task
from bot.azure.models.task import Execution
from bot.filter import JOB, TASK, parse
from bot.filter.values import Moment, amount, decimal, integer, span, spelled
from bot.requests.command import CommandError

AT = datetime(2026, 11, 23, 13, 37, 42, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOST = 2_147_483_647
"""The largest whole number that the service takes: 32 bits with a sign."""


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0x7fffffff", 2_147_483_647),
        ("0x80000000", -2_147_483_648),
        ("0xC0000005", -1_073_741_819),
        ("0xFFFFFFFF", -1),
        ("+5", 5),
        ("-5", -5),
        ("999999999999999999", 999_999_999_999_999_999),
        ("9999999999999999999", None),
        ("0x100000000", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_whole_numbers(typed: str, number: int | None) -> None:
    assert integer(typed) == number


@pytest.mark.parametrize("op", ["eq", "gt", "lt", "ge", "le"])
def test_numbers_of_more_than_32_bits_are_not_sent_to_the_service(op: str) -> None:
    sign = {"eq": ":", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}[op]
    for number in (MOST, -MOST):
        assert parse([f"exit{sign}{number}"], TASK).odata(AT) == f"executionInfo/exitCode {op} {number}"
    for number in (MOST + 1, -MOST - 2, 10**15):
        found = parse([f"exit{sign}{number}"], TASK)
        assert (found.odata(AT), found.exact) == ("", False)


def test_what_the_service_is_not_asked_is_decided_here() -> None:
    def task(code: int) -> Task:
        return Task(id="t", state="completed", execution_info=Execution(exit_code=code))

    found = parse([f"exit>{MOST + 1}"], TASK)
    assert [found.matches(task(code), AT) for code in (MOST + 1, MOST + 2)] == [False, True]
    found = parse([f"exit>={MOST + 1}"], TASK)
    assert [found.matches(task(code), AT) for code in (MOST, MOST + 1)] == [False, True]


def made(at: datetime) -> Job:
    return Job(id="j", state="active", creation_time=at, state_transition_time=at)


DAY = datetime(2026, 11, 20, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("typed", "fits"),
    [  # one second before the day, its first, its last, the first of the next
        ("created:2026-11-20", (False, True, True, False)),
        ("created!=2026-11-20", (True, False, False, True)),
        ("created>2026-11-20", (False, False, False, True)),
        ("created>=2026-11-20", (False, True, True, True)),
        ("created<2026-11-20", (True, False, False, False)),
        ("created<=2026-11-20", (True, True, True, False)),
        ("-created>2026-11-20", (True, True, True, False)),
        ("since:2026-11-20", (False, True, True, True)),
    ],
)
def test_a_day_begins_with_its_first_second_and_ends_before_the_next(typed: str, fits: tuple[bool, ...]) -> None:
    found = parse([typed], JOB)
    moments = (DAY - SECOND, DAY, NEXT - SECOND, NEXT)
    assert tuple(found.matches(made(each), AT) for each in moments) == fits


@pytest.mark.parametrize(
    ("typed", "odata"),
    [
        ("created:2026-11-20",
         "(creationTime ge DateTime'2026-11-20T00:00:00Z' and creationTime lt DateTime'2026-11-21T00:00:00Z')"),
        ("created!=2026-11-20",
         "(creationTime lt DateTime'2026-11-20T00:00:00Z' or creationTime ge DateTime'2026-11-21T00:00:00Z')"),
        ("created>2026-11-20", "creationTime ge DateTime'2026-11-21T00:00:00Z'"),
        ("created>=2026-11-20", "creationTime ge DateTime'2026-11-20T00:00:00Z'"),
        ("created<2026-11-20", "creationTime lt DateTime'2026-11-20T00:00:00Z'"),
        ("created<=2026-11-20", "creationTime lt DateTime'2026-11-21T00:00:00Z'"),
        ("-created<=2026-11-20", "creationTime ge DateTime'2026-11-21T00:00:00Z'"),
    ],
)  # fmt: skip
def test_the_service_is_asked_for_the_same_days(typed: str, odata: str) -> None:
    found = parse([typed], JOB)
    assert (found.odata(AT), found.exact) == (odata, True)


@pytest.mark.parametrize(
    ("typed", "fits"),
    [  # in its state for a second less than five minutes, for five, for a second more
        ("age>5m", (False, False, True)),
        ("age>=5m", (False, True, True)),
        ("age<5m", (True, False, False)),
        ("age<=5m", (True, True, False)),
    ],
)
def test_how_old_is_told_to_the_second(typed: str, fits: tuple[bool, ...]) -> None:
    found = parse([typed], JOB)
    since = AT - timedelta(minutes=5)
    assert tuple(found.matches(made(each), AT) for each in (since + SECOND, since, since - SECOND)) == fits


@pytest.mark.parametrize(
    ("typed", "fits"),
    [("ran>5m", (False, False, True)), ("ran>=5m", (False, True, True)), ("ran<5m", (True, False, False)),
     ("ran<=5m", (True, True, False))],
)  # fmt: skip
@pytest.mark.parametrize("over", [True, False])
def test_how_long_it_ran_is_told_to_the_second_also_while_it_runs(
    typed: str, fits: tuple[bool, ...], over: bool
) -> None:
    def task(seconds: float) -> Task:
        start = AT - timedelta(hours=over, seconds=seconds)
        run = Execution(start_time=start, end_time=start + timedelta(seconds=seconds) if over else None)
        return Task(id="t", state="completed" if over else "running", execution_info=run)

    found = parse([typed], TASK)
    assert tuple(found.matches(task(seconds), AT) for seconds in (299, 300, 301)) == fits


@pytest.mark.parametrize(
    ("typed", "zone", "start", "seconds"),
    [
        ("14:00", "UTC", "2026-11-22T14:00:00Z", 60),  # still to come today, so it was yesterday
        ("13:37", "UTC", "2026-11-23T13:37:00Z", 60),
        ("13:37:42", "UTC", "2026-11-23T13:37:42Z", 1),
        ("13:37:43", "UTC", "2026-11-22T13:37:43Z", 1),
        ("2026-11-20T10:00", "America/Chicago", "2026-11-20T16:00:00Z", 60),
        ("2026-11-20T10:00Z", "America/Chicago", "2026-11-20T10:00:00Z", 60),
        ("2026-11-20 10:00+05:30", "UTC", "2026-11-20T04:30:00Z", 60),
        ("2026-11-20T10:00:05-0200", "UTC", "2026-11-20T12:00:05Z", 1),
        ("today", "America/Chicago", "2026-11-23T06:00:00Z", 86_400),
        ("yesterday", "America/Chicago", "2026-11-22T06:00:00Z", 86_400),
        ("2026-11-01", "America/Chicago", "2026-11-01T05:00:00Z", 90_000),  # clocks are turned back
    ],
)
def test_from_when_to_when_a_moment_lasts(typed: str, zone: str, start: str, seconds: int) -> None:
    moment = Moment.read(typed)
    assert moment is not None
    begin, end = moment.span_at(AT, zone)
    assert (begin, end - begin) == (datetime.fromisoformat(start), timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("ago", "start"),
    [("9m59s", "2026-11-23T13:27:43Z"), ("10m", "2026-11-23T13:27:00Z"), ("2h", "2026-11-23T11:37:00Z")],
)
def test_so_long_ago_is_counted_from_the_minute_and_shortly_ago_from_the_second(ago: str, start: str) -> None:
    moment = Moment.read(ago)
    assert moment is not None
    assert moment.span_at(AT, "UTC")[0] == datetime.fromisoformat(start)


@pytest.mark.parametrize(
    "typed",
    ["1999-12-31", "2100-01-01", "2026-02-30", "2026-11-20T25:00", "2026-11-20T10:60", "2026-11-20T10:00+15:01",
     "10:00Z", "10:00 tomorrow", "2026-11-20x", "3651d"],
)  # fmt: skip
def test_what_is_no_moment(typed: str) -> None:
    assert Moment.read(typed) is None


def test_the_first_and_the_last_that_are_one() -> None:
    assert Moment.read("2000-01-01") == Moment(day=date(2000, 1, 1))
    assert Moment.read("2099-12-31") == Moment(day=date(2099, 12, 31))
    assert Moment.read("2026-11-20T10:00+15:00") == Moment(
        day=date(2026, 11, 20), clock=time(10), offset=timedelta(hours=15)
    )
    assert Moment.read("3650d") == Moment(ago=timedelta(days=3650))


@pytest.mark.parametrize(
    ("typed", "seconds", "written"),
    [
        ("90s", 90, "1m30s"),
        ("1.5h", 5400, "1h30m"),
        ("1d12h", 129_600, "1d12h"),
        ("2 weeks", 1_209_600, "2w"),
        ("30d", 2_592_000, "30d"),
        ("0s", 0, "0s"),
        ("1h 2min 3sec", 3723, "1h2m3s"),
    ],
)
def test_spans_of_time(typed: str, seconds: int, written: str) -> None:
    assert span(typed) == timedelta(seconds=seconds)
    assert spelled(timedelta(seconds=seconds)) == written


@pytest.mark.parametrize("typed", ["", "5", "h", "5x", "5m x", "3650d1s", "-5m"])
def test_what_is_no_span(typed: str) -> None:
    assert span(typed) is None


@pytest.mark.parametrize(
    ("typed", "count"),
    [("1500", 1500), ("20MB", 20_000_000), ("1.5 GB", 1_500_000_000), ("1kb", 1000), ("2tb", 2 * 10**12),
     ("3 bytes", 3),
     ("x", None), ("-1", None), ("1.2345k", None)],
)  # fmt: skip
def test_amounts_of_bytes(typed: str, count: int | None) -> None:
    assert amount(typed) == count


@pytest.mark.parametrize(
    ("typed", "number"), [("16", 16.0), ("0.35", 0.35), ("-1", None), ("1.23456", None), ("", None)]
)
def test_decimals(typed: str, number: float | None) -> None:
    assert decimal(typed) == number


@pytest.mark.parametrize(
    ("typed", "fits"),
    [  # of what is called Frame-2, frame-3 and frame-4
        ("id>frame-3", (False, False, True)),
        ("id>=Frame-3", (False, True, True)),
        ("id<frame-3", (True, False, False)),
        ("id<=frame-3", (True, True, False)),
        ("id:frame-3", (False, True, False)),
        ("id:FRAME-?", (True, True, True)),
        ("id!=frame-3", (True, False, True)),
        ("id~E-3", (False, True, False)),
        ("-id~e-3", (True, False, True)),
    ],
)
def test_text_is_compared_without_case(typed: str, fits: tuple[bool, ...]) -> None:
    found = parse([typed], TASK)
    assert tuple(found.matches(Task(id=name, state="active"), AT) for name in ("Frame-2", "frame-3", "frame-4")) == fits


def test_what_the_service_would_leave_out_with_its_denial_is_not_sent() -> None:
    """A row without the property fits what is denied: the service would not give it."""
    for typed in ("-exit>3", "-exit>=3", "-exit:3", "-started<2026-11-23"):
        assert (parse([typed], TASK).odata(AT), parse([typed], TASK).exact) == ("", False), typed


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("not -failed>0", "failed>0"),
        ("not failed>0", "-failed>0"),
        ("NOT !failed > 0", "failed>0"),
        ("not a-", "-name~a-"),
        ("--state active", "state:active"),
        ("--failed=3 and --name x", "failed:3 name:x"),
        ("failed >= 3 and state: active", "failed>=3 state:active"),
    ],
)
def test_what_is_typed_with_blanks_or_as_options_is_the_same(typed: str, same: str) -> None:
    assert parse(typed.split(), JOB) == parse(same.split(), JOB)


@pytest.mark.parametrize("typed", ["state", "since>=2026-11-20", "stat:active", "exit"])
def test_what_is_wrong_with_a_filter_is_settled_by_its_own_words(typed: str) -> None:
    """No other command is guessed, then: what was meant is known."""
    with pytest.raises(CommandError) as raised:
        parse([typed], TASK)
    assert raised.value.settled
    assert raised.value.nearest


@pytest.mark.parametrize(
    ("typed", "odata", "exact"),
    [
        ("id:f*", "startswith(id,'f')", True),
        ("id:f*1", "startswith(id,'f')", False),
        ("id:f?", "startswith(id,'f')", False),
        ("id:f?*", "startswith(id,'f')", False),
        ("id:f**", "startswith(id,'f')", True),
        ("id:*1", "", False),
        ("id:?1", "", False),
        ("id:*", "", True),
        ("id:?*", "", False),
    ],
)
def test_the_service_knows_beginnings_and_what_comes_after_is_decided_here(typed: str, odata: str, exact: bool) -> None:
    found = parse([typed], TASK)
    assert (found.odata(AT), found.exact) == (odata, exact)
