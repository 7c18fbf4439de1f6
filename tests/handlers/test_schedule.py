"""When schedules run: in words, and the moments that follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import JobSchedule
from bot.azure.models.job import Schedule
from cards.card import Button, Card, Menu, plain
from cards.text import render
from handlers.schedule.recurrence import every, exactly, in_words, next_runs, when_it_runs
from tests.handlers.conftest import Scene

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def schedule(state: str = "active", next_run: str = "", **plan: str) -> JobSchedule:
    body: dict[str, Any] = {"id": "s", "state": state, "schedule": plan}
    if next_run:
        body["executionInfo"] = {"nextRunTime": next_run}
    return msgspec.convert(body, JobSchedule)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=6), "6 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(weeks=2), "2 weeks"),
        (timedelta(days=8), "8 days"),
        (timedelta(days=1, minutes=5), "1 day 5 minutes"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(seconds=61), "1 minute 1 second"),
        (timedelta(), "0 seconds"),
    ],
)
def test_spans_are_told_whole(span: timedelta, words: str) -> None:
    assert exactly(span) == words


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ("P1D", "every day"),
        ("PT1H", "every hour"),
        ("P7D", "every week"),
        ("PT6H", "every 6 hours"),
        ("PT90M", "every 1 hour 30 minutes"),
        ("", "once"),
        ("P10675199DT2H48M5.4775807S", "once"),
    ],
)
def test_recurrence_in_words(interval: str, words: str) -> None:
    assert every(Schedule(recurrence_interval=interval)) == words
    assert every(None) == "once"


def test_the_whole_plan_in_words_and_in_the_askers_zone() -> None:
    plan = schedule(
        recurrenceInterval="PT6H",
        startWindow="PT30M",
        doNotRunUntil="2026-11-23T05:00:00Z",
        doNotRunAfter="2026-12-24T12:00:00Z",
    ).schedule
    assert plan
    words = Card(title=in_words(plan), as_of=AT, zone="America/Chicago")
    assert render(words).summary == (
        "Every 6 hours, within 30 minutes of the time, not before Sun 22 Nov 23:00 (1 h ago), "
        "not after Thu 24 Dec 06:00 (in 31 days)"
    )


def test_the_next_five_runs_follow_at_the_interval() -> None:
    runs = next_runs(schedule(next_run="2026-11-23T08:00:00Z", recurrenceInterval="PT6H"), AT)
    assert [f"{run:%d %H:%M}" for run in runs] == ["23 08:00", "23 14:00", "23 20:00", "24 02:00", "24 08:00"]


def test_runs_end_where_the_schedule_ends() -> None:
    plan = {"recurrenceInterval": "PT6H", "doNotRunAfter": "2026-11-23T20:00:00Z"}
    assert len(next_runs(schedule(next_run="2026-11-23T08:00:00Z", **plan), AT)) == 2


def test_a_schedule_without_recurrence_runs_once() -> None:
    assert len(next_runs(schedule(next_run="2026-11-23T08:00:00Z"), AT)) == 1
    assert next_runs(schedule(doNotRunUntil="2026-11-23T05:00:00Z"), AT) == []
    assert next_runs(schedule(doNotRunUntil="2026-11-23T07:00:00Z"), AT) == [AT + timedelta(hours=1)]


def test_a_run_that_is_put_off_stays_due() -> None:
    runs = next_runs(schedule(next_run="2026-11-23T05:50:00Z", recurrenceInterval="P1D"), AT)
    assert runs[0] < AT < runs[1]


def test_a_disabled_schedule_tells_what_would_come() -> None:
    disabled = schedule("disabled", "2026-11-20T05:00:00Z", recurrenceInterval="P1D")
    assert next_runs(disabled, AT)[0] == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    words = str(render(Card(title=(), blocks=tuple(when_it_runs(disabled, AT)), as_of=AT)).payload["text"])
    assert "unless it is enabled" in words


@pytest.mark.parametrize("state", ["completed", "terminating", "deleting"])
def test_what_is_over_runs_no_more(state: str) -> None:
    over = schedule(state, "2026-11-24T05:00:00Z", recurrenceInterval="P1D")
    assert next_runs(over, AT) == []
    assert "It will not start another job" in str(
        render(Card(title=(), blocks=tuple(when_it_runs(over, AT)))).payload["text"]
    )


@given(
    state=some.sampled_from(["active", "disabled", "completed", ""]),
    first=some.one_of(some.none(), some.datetimes(timezones=some.just(UTC))),
    until=some.one_of(some.none(), some.datetimes(timezones=some.just(UTC))),
    after=some.one_of(some.none(), some.datetimes(timezones=some.just(UTC))),
    interval=some.sampled_from(["", "PT1M", "P1D", "PT6H", "P999999D", "P3650000D", "-PT5M", "PT0S", "nonsense"]),
)
def test_runs_of_any_plan_are_few_in_order_and_before_the_end(
    state: str, first: datetime | None, until: datetime | None, after: datetime | None, interval: str
) -> None:
    body = JobSchedule(
        state=state,
        schedule=Schedule(do_not_run_until=until, do_not_run_after=after, recurrence_interval=interval),
        execution_info=None if first is None else schedule(next_run=first.isoformat()).execution_info,
    )
    runs = next_runs(body, AT)
    assert len(runs) <= 5
    assert runs == sorted(set(runs))
    assert after is None or all(run < after for run in runs)


async def test_a_schedule_is_reached_from_the_list_and_leads_to_its_jobs(scene: Scene) -> None:
    listed = await scene.ask("schedule list")
    assert "thumbnails" in str(render(listed).payload)
    menu = next(item for item in _items(listed) if isinstance(item, Menu))
    shown = await scene.ask(menu.command.replace("{}", menu.options[0].value))
    buttons = {item.text: item.command for item in _items(shown) if isinstance(item, Button)}
    assert "next run" in plain(shown.title)
    jobs = await scene.ask(buttons["Its jobs"])
    assert plain(jobs.title).startswith("Jobs of schedule")
    last = await scene.ask(buttons["Last job"])
    back = {item.text: item.command for item in _items(last) if isinstance(item, Button)}
    assert (await scene.ask(back["Schedule"])).title == shown.title


async def test_schedules_are_filtered_by_the_one_language(scene: Scene) -> None:
    every_one = str(render(await scene.ask("schedule list")).payload["text"])
    disabled = str(render(await scene.ask("schedule list disabled")).payload["text"])
    assert "legacy-export" in every_one
    assert "legacy-export" in disabled
    assert "thumbnails" in every_one
    assert "thumbnails" not in disabled
    assert "No schedule fits" in str(render(await scene.ask("schedule list name~nowhere")).payload["text"])
    assert (await scene.ask("schedule list colour:red")).refused


async def test_an_unknown_schedule_gets_the_nearest(scene: Scene) -> None:
    for typed in ("schedule show thumbnals", "schedule jobs thumbnals"):
        card = await scene.ask(typed)
        assert card.refused
        meant = typed.replace("thumbnals", "thumbnails")
        assert any(item.command.startswith(meant) for item in _items(card) if isinstance(item, Button))


def _items(card: Card) -> list[object]:
    return [item for block in card.blocks for item in getattr(block, "items", ())]


async def test_a_last_job_that_was_deleted_is_said_to_be(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(account: Account, job: str) -> None:
        raise AzureError("JobNotFound", "The specified job does not exist.", status=404)

    monkeypatch.setattr(Account, "task_counts", gone)
    card = await scene.ask("schedule show thumbnails")
    said = str(render(card).payload["text"])
    assert "which has been deleted" in said
    assert "404" not in said
    assert "Not known" not in said
