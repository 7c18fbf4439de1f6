"""Times, ages and names in words; text made fit for platforms and terminals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cards import slack
from cards.card import Card, Chip, Column, Fact, Facts, Mark, Progress, Row, Span, Table, Text, Time
from cards.formatting import core_hours
from cards.render_text import Clock, progress, said
from cards.table_fit import columns_of, fit, monospaced
from cards.text_fit import Omitted, clean, clean_line, cut, cut_lines, elide, elide_apart, isolate, units

NOW = datetime(2026, 11, 23, 13, 2, 30, tzinfo=UTC)


def say(at: datetime, zone: str = "Europe/Berlin", now: datetime | None = NOW, form: str = "both") -> str:
    return Clock(Card((), as_of=now, zone=zone)).say(Time(at, form))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(0), "now, 14:02"),
        (timedelta(seconds=12), "12 s ago, 14:02"),
        (timedelta(minutes=14), "14 min ago, 13:48"),
        (timedelta(hours=2), "2 h ago, 12:02"),
        (timedelta(hours=2, minutes=5), "2 h 5 min ago, 11:57"),
        (timedelta(hours=15), "15 h ago, Sun 22 Nov 23:02"),
        (timedelta(days=1), "1 day ago, Sun 22 Nov 14:02"),
        (timedelta(days=3), "3 days ago, Fri 20 Nov 14:02"),
        (timedelta(days=400), "400 days ago, Sun 19 Oct 2025 15:02"),
        (-timedelta(minutes=5), "in 5 min, 14:07"),
        (-timedelta(days=2), "in 2 days, Wed 25 Nov 14:02"),
    ],
)
def test_a_moment_is_told_relative_and_absolute(before: timedelta, words: str) -> None:
    assert say(NOW - before) == words


def test_the_other_forms() -> None:
    at = NOW - timedelta(minutes=14)
    assert say(at, form="age") == "14 min ago"
    assert say(at, form="clock") == "13:48"
    assert say(at, "America/New_York") == "14 min ago, 07:48"
    assert say(at, "Nowhere/Land") == "14 min ago, 12:48"
    assert say(at, now=None) == "Mon 23 Nov 2026 13:48"
    assert say(at, now=None, form="age") == "Mon 23 Nov 2026 13:48"


def test_ages_are_true_over_the_change_of_clocks() -> None:
    """On 25 October 2026 at 03:00 Berlin goes back to 02:00: wall clocks show two hours, three have passed."""
    after = datetime(2026, 10, 25, 3, 0, tzinfo=UTC)
    assert say(after - timedelta(hours=3), now=after) == "3 h ago, 02:00 CEST"
    assert say(after - timedelta(hours=2), now=after) == "2 h ago, 02:00 CET"
    assert say(after - timedelta(hours=4), now=after) == "4 h ago, 01:00"


def test_the_ends_of_the_calendar_can_be_told() -> None:
    for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        for zone in ("America/New_York", "Asia/Tokyo"):
            assert say(at, zone)
            assert say(at, zone, now=at)


def test_as_of_names_the_zone() -> None:
    assert Clock(Card((), as_of=NOW, zone="Europe/Berlin")).as_of() == "as of 14:02 CET"
    assert Clock(Card((), as_of=NOW, zone="America/Sao_Paulo")).as_of() == "as of 10:02 UTC-03"
    assert Clock(Card(())).as_of() == ""


def test_text_is_cleaned() -> None:
    assert clean("a\x1b[31mred\x1b[0m\x00\x07b\r\nc\rd\u202ee\ud800") == "aredb\nc\nde"
    assert clean("👩‍👧 e\u0301 שלום") == "👩‍👧 e\u0301 שלום"
    assert clean_line(" a \n\t b ") == "a b"
    assert isolate("abc") == "abc"
    assert isolate("שלום") == "\u2068שלום\u2069"


def test_cuts_show_and_fit() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert elide("nightly-render-job-12", 15) == "nightly…-job-12"
    assert units(cut("👍🏽" * 9, 8)) <= 8
    assert cut("👍🏽👍🏽", 6) == "👍🏽…"
    assert cut("e\u0301" * 3, 4) == "e\u0301…"
    assert cut("\u2068שלוםשלום\u2069", 6) == "\u2068שלו…\u2069"
    for limit in range(8):
        assert units(cut("abcdefghij", limit)) <= limit
        assert units(elide("👍👍👍👍👍👍", limit)) <= limit


def test_names_that_would_look_alike_stay_apart() -> None:
    names = [f"{'a' * 20}-{number}-{'b' * 20}" for number in range(3)]
    assert elide_apart(names[:1], 20, 64) == ["aaaaaaaaa…bbbbbbbbbb"]
    assert elide_apart(names, 20, 64) == names
    assert elide_apart(["a" * 12 + "-x-" + "b" * 30, "a" * 12 + "-y-" + "b" * 30], 20, 64)[0].startswith(
        "a" * 12 + "-x-"
    )


def test_logs_are_cut_between_lines_at_the_end_that_matters_less() -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    head, lost = cut_lines(log, 70, "head")
    assert head.startswith("line 0\nline 1\n")
    assert head.split("\n")[-1] == f"line {99 - lost}"
    tail, lost = cut_lines(log, 70, "tail")
    assert tail.endswith("line 98\nline 99")
    assert tail.split("\n")[0] == f"line {lost}"
    assert cut_lines("x" * 100, 10, "head") == ("x" * 8 + "…", 1)


def test_columns_go_by_rank_and_are_named() -> None:
    table = Table(
        (Column("Id"), Column("Image", rank=3), Column("State"), Column("Since", rank=2)),
        (Row(tuple((Span(word),) for word in "abcd")),),
    )
    omitted = Omitted()
    assert fit(table, Clock(Card(())), omitted, columns=3, most=20).names == ["Id", "State", "Since"]
    assert omitted.phrases() == ("1 column (Image)",)
    assert fit(table, Clock(Card(())), Omitted(), columns=1, most=20).names == ["Id", "State"]


def test_columns_align_whatever_the_script() -> None:
    table = Table(
        (Column("A"), Column("N", "right")), (Row(((Span("漢字"),), (Span("1"),))), Row(((Span("e\u0301"),), ())))
    )
    lines = monospaced(fit(table, Clock(Card(())), Omitted(), columns=9, most=9))
    assert len({columns_of(line) for line in lines}) == 1
    assert lines == ["A     N", "漢字  1", "e\u0301     –"]


def value(text: Text) -> object:
    """How one fact's value is drawn on Slack."""
    block = slack.render(Card((Span("t"),), (Facts((Fact("L", text),)),))).payload["blocks"][1]  # type: ignore[index]
    return block["fields"][0]["text"] if "fields" in block else block["elements"][0]["elements"][-1]


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        ("plain & <b>", "*L*\nplain &amp; &lt;b&gt;"),
        ("Standard_NC4as_T4_v3", "*L*\nStandard_NC4as_T4_v3"),
        ("2 * 3", "*L*\n`2 * 3`"),
        ("_x_", "*L*\n`_x_`"),
        (":tada:", "*L*\n`:tada:`"),
        ("at 12:30:45", "*L*\nat 12:30:45"),
        ("a `b`", {"type": "text", "text": "  a `b`"}),
    ],
)
def test_nothing_literal_turns_into_markup_on_slack(words: str, drawn: object) -> None:
    assert value((Span(words),)) == drawn


def test_styles_are_used_where_slack_reads_them() -> None:
    assert value((Span("a "), Span("b", "bold"), Span(" "), Span("c*", "code"))) == "*L*\na *b* `c*`"
    assert value((Chip(Mark.RUNNING, "active"),)) == "*L*\n●\u00a0active"
    glued = value((Span("a"), Span("b", "bold")))
    assert glued == "*L*\n`ab`"


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (1602, 2003, "Done  ▓▓▓▓▓▓▓░░░ 80 % · 1,602 / 2,003 tasks"),
        (3, 2, "Done  ▓▓▓▓▓▓▓▓▓▓ 150 % · 3 / 2 tasks"),
        (-1, 0, "Done  ░░░░░░░░░░ – · 0 / 0 tasks"),
        (float("nan"), float("inf"), "Done  ░░░░░░░░░░ – · 0 / 0 tasks"),
        (1.0, 1e-308, "Done  ▓▓▓▓▓▓▓▓▓▓ 100000 % · 1 / 0.0 tasks"),
    ],
)
def test_progress_survives_any_figures(done: float, total: float, words: str) -> None:
    assert said(progress(Progress("Done", done, total, "tasks"))) == words


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0.0, "0 core-hours"),
        (0.001, "under 0.01 core-hours"),
        (0.12, "0.12 core-hours"),
        (0.5, "0.50 core-hours"),
        (3.42, "3.4 core-hours"),
        (58.0, "58 core-hours"),
        (21840.4, "21,840 core-hours"),
    ],
)
def test_core_hours_are_never_none_where_there_are_some(hours: float, words: str) -> None:
    assert core_hours(hours) == words
