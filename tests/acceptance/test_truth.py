"""What the world did against what was stored and told, on a bad day: no loss, nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bot.chat.fallback import REPEAT
from bot.sandbox.world.account import AccountState
from tests.acceptance.environment import CHANNEL, Environment, empty, environment

BIG = 2_500
"""Failures of one job: several pages."""


@pytest.mark.parametrize("skew", [300.0, -300.0])
async def test_a_bad_day_is_stored_and_told_as_it_was(tmp_path: Path, skew: float) -> None:
    """Clocks five minutes apart, lists 45 s late, pages that break off, throttles, jobs deleted, restarts."""
    async with environment(tmp_path, speed=40, skew=skew, prepare=empty) as stage:
        await stage.begin()
        account, inject = stage.account, stage.account.inject
        account.list_lag.seconds = 45
        for number in range(6):
            job = inject.add_job(f"job-{number}", "pool1", 20, seconds=12, failing=0.3)
            account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")
        for name in ("lost", "left"):
            inject.add_job(name, "pool1", 5, seconds=3e6)
        inject.add_job("big", "pool1", BIG, seconds=3e6)
        faults = stage.azure.faults["tiny"]
        torn = [
            faults.add("error", path="skiptoken", status=500, code="InternalError", skip=1, count=3),
            faults.add("cut", path="skiptoken", after=2000, skip=1, count=2),
        ]
        inject.storm(["big"], ["exit-9", "disk-full"], BIG, 60)
        for name in ("lost", "left"):  # only who knew a job before it went can say that it did
            await stage.until(lambda name=name: _known(stage, name), 900, "the job is known")  # type: ignore[misc]
        [broken] = inject.break_nodes("pool1")
        await stage.wait(100)
        faults.add("throttle", status=429, retry_after=1, count=6)
        faults.add("throttle", status=503, retry_after=1, count=6)
        inject.delete_job("lost", at_once=True)
        inject.delete_job("left")
        await stage.program.restart("kill")
        # The waits between repeated calls are the wall's: a look that is refused six times takes minutes here.
        await stage.until(lambda: _states(stage, broken), 900, "the broken node is seen")
        inject.heal("pool1")
        await stage.until(lambda: _ended(account), 900, "the jobs are over")
        await stage.program.restart("stop")
        await stage.until(lambda: _seen(stage) >= _happened(account), 3600, "all that happened is stored")
        await stage.until(lambda: len(_states(stage, broken)) == 2, 900, "the node is seen to be well")
        await stage.until(lambda: all(fault.struck == fault.count for fault in torn), 900, "pages broke off")
        await stage.until(lambda: _all_told(stage), 3600, "all is told")
        await stage.looked(3)  # long enough for lists that come late to be read twice
        await stage.until(lambda: not stage.undelivered(), 600, "nothing is on its way")
        assert _seen(stage) == _happened(account)
        assert _states(stage, broken)[0] == "unusable"
        assert len(_states(stage, broken)) == 2
        _told_once(stage)


def _ended(account: AccountState) -> bool:
    return all(account.job(f"job-{number}").state == "completed" for number in range(6))


def _known(stage: Environment, job: str) -> bool:
    return bool(stage.rows("SELECT 1 FROM snapshots WHERE entity = 'job' AND id = ?", job))


def _states(stage: Environment, node: str) -> list[str]:
    """What a node became, one after the other."""
    return [after for (after,) in stage.rows("SELECT after FROM transitions WHERE id = ? ORDER BY at", node)]


def _happened(account: AccountState) -> Counter[tuple[str, str, str, str]]:
    """Every task that failed, and every job that ended or was deleted, once each."""
    jobs = [("job", "", f"job-{number}", "completed") for number in range(6)]
    return Counter([*_failed(account), *jobs, *(("job", "", name, "deleted") for name in ("left", "lost"))])


def _seen(stage: Environment) -> Counter[tuple[str, str, str, str]]:
    """The same as it is stored."""
    return Counter(
        stage.rows(
            "SELECT entity, parent, id, after FROM transitions "
            "WHERE (entity = 'task' AND after = 'failed') OR (entity = 'job' AND after IN ('completed', 'deleted'))"
        )
    )


def _failed(account: AccountState) -> list[tuple[str, str, str, str]]:
    """The failed tasks that there are, as their transitions are stored."""
    return [
        ("task", job.id, task.id, "failed")
        for job in account.jobs.values()
        for task in job.tasks.values()
        if task.state == "completed" and task.execution_info.result == "failure"
    ]


def _told_once(stage: Environment) -> None:
    """Every outbox entry is one message, and every job that failed is in one of them."""
    written = [name for (name,) in stage.rows("SELECT id FROM outbox WHERE destination = ?", f"slack:{CHANNEL}")]
    posted = [each["metadata"]["event_payload"]["key"] for each in stage.slack.history_of(CHANNEL) if each["metadata"]]
    assert sorted(posted) == sorted(written)
    written = [
        name
        for (name,) in stage.rows(
            "SELECT id FROM outbox WHERE destination = ? AND message <> ''", f"teams:{stage.room}"
        )
    ]
    # Teams cannot be asked what became of a post that was on its way at the kill: it may be there twice, and says so.
    letters = stage.letters_teams()
    twice = sum(REPEAT in str(stage.teams.message(stage.room, each["id"])) for each in letters)
    said = [(each["id"], each["summary"]) for each in letters]
    assert len(written) <= len(said) <= len(written) + twice, said
    assert twice <= 1
    assert _all_told(stage)


def _all_told(stage: Environment) -> bool:
    """Whether every job that failed, and no other, is in a message of each chat that was posted."""
    jobs = {job for _, job, _, _ in _failed(stage.account)}
    posted = {name for (name,) in stage.rows("SELECT id FROM outbox WHERE message <> ''")}
    for conversation in stage.conversations:
        told = {
            name
            for name, body in stage.rows(
                "SELECT i.name, n.body FROM incidents i JOIN notifications n ON n.incident = i.id "
                "WHERE n.conversation = ? AND i.rule IN ('task.failed', 'job.failed')",
                conversation,
            )
            if json.loads(body)["entry"] in posted
        }
        if told != jobs:
            return False
    return True
