"""A job that fails is one message from its first failure to its end, told in the look that sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.alerting.model import Subscription
from bot.chat.request import Conversation
from bot.domain.findings import Severity
from tests.alerting.alert_room import OPS, card, title, words
from tests.alerting.watched_account import WatchedAccount, watched_account

ROOM = Conversation("teams", "19:ops@thread.tacv2")
ENDS = ("job.completed", "job.failed")


def about(account: WatchedAccount, job: str, where: str = OPS.key) -> list[tuple[str, list[str]]]:
    """Every message about a job in a conversation, with its replies."""
    roots = [entry for entry in account.entries.on_top(where) if f"job {job}" in words(entry)]
    return [(title(entry), [title(each) for each in account.entries.below(entry)]) for entry in roots]


def add(account: WatchedAccount, *, tasks: int, failing: float, seconds: float = 20, name: str = "short") -> None:
    account.stage.state.inject.add_job(name, "pool1", tasks, seconds=seconds, failing=failing)
    account.stage.state.commands.set_on_all_tasks_complete(name, "terminatejob")


def refuse(account: WatchedAccount, path: str) -> Callable[[], None]:
    """Let the account refuse a read; returns what ends that."""
    faults = account.stage.sandbox.faults[account.stage.account.name]
    faults.add("error", path=path)
    return faults.clear


@pytest.mark.parametrize("lag", [0, 45])
@pytest.mark.parametrize(("tasks", "failing", "seconds"), [(8, 0.5, 8), (8, 0.5, 20), (12, 1.0, 20), (30, 1.0, 20)])
async def test_a_failing_job_is_one_message_with_one_reply_at_most(
    tmp_path: Path, lag: int, tasks: int, failing: float, seconds: float
) -> None:
    """Whether it fails and ends in one look or in several, half of it or all, and however late lists are."""
    async with watched_account(tmp_path) as account:
        await account.alerts.subscribe(Subscription(id="s2", conversation=ROOM))
        account.stage.state.list_lag.seconds = lag
        add(account, tasks=tasks, failing=failing, seconds=seconds)
        await account.watch(420)
        for where in (OPS.key, ROOM.key):
            [(said, replies)] = about(account, "short", where)
            failed = account.stage.state.job("short").tasks.values()
            count = sum(each.execution_info.result == "failure" for each in failed)
            assert f"{count} of {tasks} tasks failed" in said
            assert "so far" not in said
            assert said[0] == ("✖" if count == tasks or count >= 10 else "▲")
            assert len(replies) <= 1


async def test_what_becomes_worse_is_said_aloud_in_the_one_reply_that_has_the_history(tmp_path: Path) -> None:
    async with watched_account(tmp_path) as account:
        add(account, tasks=12, failing=1.0)
        await account.watch(420)
        [entry] = [each for each in account.entries.on_top() if "job short" in words(each)]
        [reply] = account.entries.below(entry)
        assert reply.broadcast
        assert title(reply).startswith("✖ job short ended: 12 of 12 tasks failed · over and not mended after ")
        assert "opened: job short: " in words(reply)


async def test_an_end_is_told_though_its_last_counts_are_refused_and_edited_when_they_come(tmp_path: Path) -> None:
    async with watched_account(tmp_path, kinds=ENDS, severity=Severity.INFO) as account:
        add(account, tasks=6, failing=0.0, seconds=40)
        await account.watch(30)
        allow = refuse(account, "/jobs/short/taskcounts")
        account.stage.state.commands.terminate_job("short")
        await account.look()
        assert about(account, "short") == [("▲ job short has failed: 6 of 6 tasks failed so far", [])], "all were ended"
        [entry] = account.entries.on_top()
        assert "before it ended" in words(entry)
        await account.restart()
        await account.look()
        allow()
        await account.look()
        [(said, replies)] = about(account, "short")
        assert said == "✖ job short has failed: 6 of 6 tasks failed"
        assert replies == [f"✖ critical now: {said[2:]}"]
        [entry] = account.entries.on_top()
        assert "before it ended" not in words(entry)


async def test_failures_that_are_learned_of_after_the_end_make_the_same_message_as_bad_as_it_is(tmp_path: Path) -> None:
    async with watched_account(tmp_path, kinds=ENDS, severity=Severity.INFO) as account:
        warned = Conversation("slack", "C0WARN")
        await account.alerts.subscribe(Subscription(id="s2", conversation=warned))
        allow = refuse(account, "/jobs/short/task|/pools/pool1/nodes")  # no counts, no tasks, and no node tells
        add(account, tasks=4, failing=1.0, seconds=8)
        await account.look()
        assert [said for said, _ in about(account, "short")] == [
            f"job short has ended in {title(account.entries.on_top()[0]).partition(' in ')[2]}"
        ]
        assert about(account, "short", warned.key) == [], "no failure is known"
        allow()
        await account.look()
        [(said, replies)] = about(account, "short")
        assert said == "✖ job short has failed: 4 of 4 tasks failed"
        assert replies == ["✖ critical now: job short has failed: 4 of 4 tasks failed"], "an edit makes no sound"
        assert [said for said, _ in about(account, "short", warned.key)] == [said]
        [incident] = [each for each in account.alerts.incidents.incidents() if each.kind in ENDS]
        assert (incident.kind, incident.severity) == ("job.failed", Severity.CRITICAL)
        await account.watch(180)
        assert [len(replies) for _, replies in about(account, "short")] == [1]


async def test_last_counts_that_never_come_leave_the_message_as_it_is(tmp_path: Path) -> None:
    async with watched_account(tmp_path, kinds=ENDS, severity=Severity.INFO) as account:
        add(account, tasks=6, failing=0.0, seconds=3e6)
        await account.watch(60)
        refuse(account, "/jobs/short/taskcounts")
        account.stage.state.commands.terminate_job("short")
        await account.look()
        said = about(account, "short")
        for _ in range(10):
            await account.look(240)
        assert about(account, "short") == said
        assert "short" not in account.stage.observer._state.jobs


async def test_two_hundred_ends_are_told_at_once_in_a_digest(tmp_path: Path) -> None:
    async with watched_account(tmp_path, kinds=ENDS, severity=Severity.INFO) as account:
        names = [account.stage.state.inject.add_job(f"m-{n:03}", "pool1", 1, seconds=3e6).id for n in range(200)]
        await account.watch(60)
        for name in names:
            account.stage.state.commands.terminate_job(name)
        await account.look()
        assert any(card(each).mark and "200 alerts" in title(each) for each in account.entries.on_top())
        assert len(account.entries.on_top()) == 1
