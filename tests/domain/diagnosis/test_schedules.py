"""Why a schedule makes no job, and what is worst in an account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.azure.models import Counts, Job, JobSchedule
from bot.azure.models.job import JobScheduleExecution, PoolInfo, RecentJob, Schedule
from bot.domain.diagnosis.accounts import AccountCase, worst
from bot.domain.diagnosis.job_case import Working
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Evidence
from bot.domain.diagnosis.schedules import ScheduleCase, of_schedule
from tests.domain.diagnosis.jobs import ERROR, HOUR, MINUTE, NOW, SINCE, case, failed, job, pool, said

US = Evidence("schedule disable nightly, asked of me by", SINCE, person="slack:U1")
HOURLY = Schedule(recurrence_interval="PT1H")


def schedule(
    state: str = "active", plan: Schedule | None = HOURLY, due: datetime | None = None, recent: str = "nightly:job-7"
) -> JobSchedule:
    """A schedule whose next job is due then."""
    run = JobScheduleExecution(next_run_time=due, recent_job=RecentJob(recent) if recent else None)
    return JobSchedule(
        id="nightly", state=state, state_transition_time=SINCE, schedule=plan, execution_info=run, creation_time=SINCE
    )


def last(state: str = "active", age: datetime = SINCE) -> Job:
    """The job that it started last."""
    return job(state, id="nightly:job-7", creation_time=age)


def read(found: JobSchedule, **more: Any) -> ScheduleCase:
    """The schedule as it was read."""
    return ScheduleCase(schedule=found, at=NOW, **more)


TROUBLE = of_job(case(job(error=ERROR), Counts(active=1)))
ASIDE = of_job(case(counts=Counts(running=1, failed=1, completed=40), failures=[failed("a", 3)]))
TURN = of_job(case(counts=Counts(active=3), pool=pool(), free=0, working=[Working("b", 2)]))
EMPTY = of_job(case(job(creation_time=NOW - MINUTE), Counts()))
LATE = NOW - 7 * MINUTE
"""Later than a tenth of an hour."""


@pytest.mark.parametrize(
    ("found", "told", "also"),
    [
        (read(schedule(due=NOW + HOUR)), [], []),
        (read(schedule("disabled"), ended=US, explained=TROUBLE),
         ["schedule.disabled certain | state disabled | schedule disable nightly, asked of me by"], ["unknown.job"]),
        (read(schedule("completed")), ["schedule.over certain | state completed"], []),
        (read(schedule("completed", Schedule(do_not_run_after=LATE)), ended=US),
         ["schedule.over certain | state completed | it was not to run after this | it is not recurring "
          "| schedule disable nightly, asked of me by"], []),
        (read(schedule("terminating"), explained=ASIDE),
         ["schedule.ending certain, no harm | the schedule is terminating | state terminating"], ["task.exit_code"]),
        # late: nothing holds it up, its last job does, or that one should have been followed already
        (read(schedule(due=LATE)), ["schedule.window_missed likely | the next job was due"], []),
        (read(schedule(due=NOW - 6 * MINUTE)), [], []),
        (read(schedule(plan=Schedule(recurrence_interval="PT1H", start_window="PT5M"), due=LATE)),
         ["schedule.window_missed likely | the next job was due | its startWindow is PT5M"], []),
        (read(schedule(due=LATE), last=last("completed")),
         ["schedule.window_missed likely | the next job was due"], []),
        (read(schedule(due=LATE), last=last(), explained=TROUBLE),
         ["unknown.job guess | PoolNotFound, which the bot does not know | PoolNotFound: in words; Pool: cpu",
          "schedule.held_up certain | the next job was due | its last job nightly:job-7 is active"], []),
        (read(schedule(due=NOW + HOUR), last=last(age=NOW - HOUR - 6 * MINUTE)),
         ["schedule.held_up certain | the next job was due | its last job nightly:job-7 is active"], []),
        (read(schedule(due=NOW + HOUR), last=last(age=NOW - HOUR - 5 * MINUTE)), [], []),
        (read(schedule(due=NOW + HOUR), last=last("completed")), [], []),
        (read(schedule(plan=None), last=last()), [], []),
        # in time: what its last job suffers from, or that it is not to run yet
        (read(schedule(due=NOW + HOUR), explained=TROUBLE),
         ["unknown.job guess | PoolNotFound, which the bot does not know | PoolNotFound: in words; Pool: cpu"], []),
        (read(schedule(due=NOW + HOUR), explained=ASIDE), [], ["task.exit_code"]),
        (read(schedule(due=NOW + HOUR), explained=EMPTY), [], []),
        # of a job whose tasks wait their turn, too: the schedule cannot be said to do its work
        (read(schedule(due=NOW + HOUR), explained=TURN, waits=True),
         ["job.others_first certain, no harm | other jobs hold every slot of its pool "
          "| they hold the nodes: b (2 tasks, priority 0) | its own priority is ? | 3 tasks waiting, 0 running"], []),
        (read(schedule(due=NOW + HOUR), explained=TURN), [], []),
        (read(schedule(plan=Schedule(do_not_run_until=NOW + MINUTE))),
         ["schedule.not_yet certain, no harm | the schedule is not to run yet | it is not to run until this"], []),
        (read(schedule(plan=Schedule(do_not_run_until=NOW))), [], []),
        (read(schedule(plan=Schedule(do_not_run_until=NOW + MINUTE)), explained=TROUBLE),
         ["unknown.job guess | PoolNotFound, which the bot does not know | PoolNotFound: in words; Pool: cpu"],
         ["schedule.not_yet"]),
    ],
)  # fmt: skip
def test_why_a_schedule_makes_no_job(found: ScheduleCase, told: list[str], also: list[str]) -> None:
    explained = of_schedule(found)
    assert [said(each) for each in explained.clues] == told
    assert [each.id for each in explained.also] == also


def test_since_when_and_what_steps_are_about() -> None:
    began = NOW - HOUR - 6 * MINUTE
    open_ = last(age=began)
    for found, since, names in (
        (read(schedule("disabled")), SINCE, {"schedule": "nightly", "job": "nightly:job-7"}),
        (read(schedule("completed", recent="")), SINCE, {"schedule": "nightly"}),
        (read(schedule(due=LATE)), LATE, {"schedule": "nightly", "job": "nightly:job-7"}),
        (read(schedule(due=NOW), last=open_), began + HOUR, {"schedule": "nightly", "job": "nightly:job-7"}),
    ):
        [clue] = of_schedule(found).clues
        assert (clue.since, dict(clue.names)) == (since, names)


def test_the_worst_of_an_account_comes_first_and_what_somebody_wants_is_none_of_it() -> None:
    going = pool(2, 0, id="going", state="deleting", state_transition_time=LATE)
    pools = [
        pool(2, 0, unusable=1, id="some"),
        pool(2, 0, id="short", target_dedicated_nodes=3),
        pool(2, 0),
        pool(1, 0, unusable=2, id="most"),
        pool(0, 0, unusable=2, id="down"),
        going,
    ]
    jobs = [
        job("disabled", id="off"),
        job(id="well"),
        job(id="cannot", error=ERROR),
        job(id="alone", pool_info=None, execution_info=None),
        job("completed", id="over"),
        job(id="gone", execution_info=None, pool_info=PoolInfo("Gone")),
        job(id="there", execution_info=None, pool_info=PoolInfo("CPU")),
    ]
    of_its_job = read(schedule(due=NOW + HOUR), explained=TROUBLE)
    schedules = [read(schedule("disabled")), read(schedule("completed")), read(schedule(due=LATE)), of_its_job]
    found = worst(AccountCase(at=NOW, pools=pools, jobs=jobs, schedules=schedules))
    assert [(f"{each.about.kind} {each.about.id}", each.clue.id, round(each.weight, 2)) for each in found] == [
        ("pool down", "node.unusable_silent", 5.0),
        ("job cannot", "unknown.job", 4.0),
        ("job gone", "job.pool_gone", 4.0),
        ("pool short", "pool.no_reason", 3.0),
        ("pool most", "node.unusable_silent", 2.67),
        ("schedule nightly", "schedule.window_missed", 2.5),
        ("pool some", "node.unusable_silent", 2.33),
    ]


def test_a_run_that_an_alert_saw_missed_is_told_though_the_service_tells_of_the_next_one_only() -> None:
    found = of_schedule(read(schedule(due=NOW + HOUR), missed=LATE, last=last("completed")))
    assert [(each.id, each.since) for each in found.clues] == [("schedule.window_missed", LATE)]
