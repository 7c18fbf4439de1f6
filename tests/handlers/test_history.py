"""Histories from the bot's own store: of what is there, and of what Batch has forgotten."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta

import msgspec
import pytest

from bot.content.outgoing import outgoing
from bot.domain.findings import Entity
from cards.card import Attachment, Card
from storage.port.changes import ChangeSet
from storage.port.monitoring import Cursor, Transition
from storage.port.runs import JobRun
from tests.handlers.alert_service import ACCOUNT, AlertBot, alerting, commands, golden, incident, saved, title, words
from tests.handlers.conftest import Scene


@pytest.fixture
async def alert_bot(scene: Scene) -> AlertBot:
    await scene.ask("pool list")  # from now on the service's clock is known
    return await alerting(scene)


def change(
    at: datetime, entity: str, name: str, after: str, *, before: str = "", parent: str = "", **details: object
) -> Transition:
    noted = msgspec.json.encode(details).decode() if details else ""
    return Transition(ACCOUNT, entity, parent, name, before, after, at, noted)


async def seen(alert_bot: AlertBot, *changes: Transition) -> None:
    await alert_bot.scene.store.record(ChangeSet(transitions=list(changes)))


async def a_life(alert_bot: AlertBot) -> None:
    """A job that Batch has forgotten: it ran in a pool, two of its tasks failed, and it was deleted."""
    at = alert_bot.clock.at - timedelta(hours=3)
    minute = timedelta(minutes=1)
    await seen(
        alert_bot,
        change(at, "job", "old:job-7", "active", pool="render-gpu"),
        change(at + 5 * minute, "task", "frame-1", "failed", parent="old:job-7", exitCode=137, code="FailureExitCode",
               pool="render-gpu", node="tvm-1", retries=2),
        change(at + 6 * minute, "task", "frame-2", "failed", parent="old:job-7", exitCode=137, pool="render-gpu"),
        change(at + 7 * minute, "task", "frame-3", "failed", parent="old:job-7", code="BlobNotFound",
               message="https://x.blob.core.windows.net/in/a?sv=2024&sig=c2VjcmV0c2VjcmV0"),
        change(at + 60 * minute, "job", "old:job-7", "completed", before="active", reason="AllTasksCompleted"),
        change(at + 90 * minute, "job", "old:job-7", "deleted", before="completed"),
        change(at, "pool", "render-gpu", "active", vmSize="standard_nc4as_t4_v3", created=True),
        change(at + minute, "allocation", "render-gpu", "resizing", before="steady", targetDedicated=4),
        change(at + 2 * minute, "autoscale", "render-gpu", "failed", code="EvaluationError",
               message="no such variable"),
        change(at + 9 * minute, "node", "tvm-1", "unusable", before="idle", parent="render-gpu"),
        change(at + 9 * minute, "schedule", "old", "completed", before="active"),
    )  # fmt: skip
    await saved(
        alert_bot,
        [
            incident(
                alert_bot, "5e6f7081", "job.failed", Entity("job", "old:job-7"),
                "job old:job-7 has failed: 3 of 90 tasks failed", state="event",
            )
        ],
    )  # fmt: skip


async def test_a_job_that_batch_has_forgotten_still_has_its_history(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    card = await alert_bot.ask("job history old:job-7")
    golden(alert_bot, "history-job", card)
    assert title(card) == "History of job old:job-7 · Batch no longer knows it · 6 changes"
    said = words(outgoing(card))
    assert "active → ✔ completed · because all its tasks were completed" in said
    assert "exit code 137, killed (SIGKILL), usually out of memory" in said
    assert "sig=c2Vj" not in said
    assert "3 of 90 tasks failed" in said
    assert said.index("deleted") < said.index("all its tasks were completed") < said.index("frame-1")
    assert not [each for each in commands(card) if each.startswith("job show")], "there is nothing to open"


async def test_a_pool_that_is_there_tells_its_parts_too(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    card = await alert_bot.ask("pool history render-gpu")
    golden(alert_bot, "history-pool", card)
    assert title(card) == "History of pool render-gpu · 4 changes"
    said = words(card)
    assert "node tvm-1 idle → ✖ unusable" in said
    assert "allocation steady → ◐ resizing · dedicated nodes wanted 4" in said
    assert "autoscale ✖ failed · EvaluationError: no such variable" in said
    assert "pool show render-gpu account:render-prod" in commands(card)


async def test_a_run_of_a_formula_says_what_it_changed(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at - timedelta(hours=1)
    moved = {"resized": True, "targetSpot": 1, "wasDedicated": 0, "wasSpot": 0}
    await seen(
        alert_bot,
        change(at, "autoscale", "render-gpu", "ok", before="ok", targetDedicated=3, **moved),
        change(at + timedelta(minutes=5), "autoscale", "render-gpu", "ok", before="failed", targetDedicated=2),
    )
    said = words(outgoing(await alert_bot.ask("pool history render-gpu")))
    assert "✔ ok · wants 4 nodes, it wanted 0" in said
    assert "ok → ✔ ok" not in said
    assert "failed → ✔ ok · dedicated nodes wanted 2" in said


async def test_tasks_nodes_and_schedules_have_histories(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    task = await alert_bot.ask("task history old:job-7 frame-1")
    assert title(task) == "History of task old:job-7 / frame-1 · Batch no longer knows it · 1 change"
    assert "node tvm-1" in words(task)
    assert "retries 2" in words(task)
    node = await alert_bot.ask("node history render-gpu tvm-1")
    assert "· 1 change" in title(node)
    schedule = await alert_bot.ask("schedule history old")
    assert title(schedule) == "History of schedule old · Batch no longer knows it · 4 changes"
    assert "job old:job-7" in words(schedule), "the jobs it made are told with it"


async def test_what_nobody_knows_is_told_with_what_is_near(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    card = await alert_bot.ask("job history old:job-8")
    assert card.refused
    assert title(card) == "Neither Batch nor the bot knows a job “old:job-8” in render-prod."
    assert "job history old:job-7 account:render-prod" in commands(card)
    other = await alert_bot.ask("task history old:job-7 fram-1")
    assert "task history old:job-7 frame-1 account:render-prod" in commands(other)
    quiet = await alert_bot.ask("pool history render-cpu")
    assert title(quiet) == "History of pool render-cpu · no change recorded"


async def test_without_a_change_it_says_since_when_the_account_is_watched_and_what_to_ask(alert_bot: AlertBot) -> None:
    said = words(await alert_bot.ask("history"))
    assert "has not read this account yet" in said
    assert "job list account:render-prod" in said
    begun = Cursor(ACCOUNT, "baseline", alert_bot.clock.at)
    await alert_bot.scene.store.record(ChangeSet(cursors=[begun]))
    assert "has watched this account since" in words(await alert_bot.ask("history"))
    of_one = words(await alert_bot.ask("pool history render-cpu"))
    assert "pool show render-cpu account:render-prod" in of_one


async def test_an_accounts_history_is_counted_and_told(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    card = await alert_bot.ask("history")
    golden(alert_bot, "history", card)
    assert title(card) == "History of render-prod · 11 changes"
    assert "By day" in words(card)
    by_hour = await alert_bot.ask("history by:hour")
    golden(alert_bot, "history-by-hour", by_hour)
    assert "By hour" in words(by_hour)
    assert "Mon 23 Nov 09:00" in words(by_hour), "a channel goes by its own zone"
    only = await alert_bot.ask("history entity:task")
    assert title(only) == "History of render-prod · task · 3 changes"
    named = await alert_bot.ask("history entity:task:frame-?")
    assert title(named).endswith("3 changes")
    both = await alert_bot.ask("history entity:old*")
    assert title(both).endswith("4 changes")
    assert title(await alert_bot.ask("history entity:node:tvm-2")).endswith("no change recorded")


@pytest.mark.parametrize(
    ("typed", "said", "offered"),
    [
        ("history entity:jobs", "There is no kind “jobs”", "history entity:job account:render-prod"),
        ("history entity:'a b'", "fits no name", "history entity:ab"),
        ('history entity:job:"x\'y"', "fits no name", "history entity:job:xy"),
        ("history by:week", "by", "history by:day"),
    ],
)
async def test_what_cannot_be_is_told_with_what_can(alert_bot: AlertBot, typed: str, said: str, offered: str) -> None:
    card = await alert_bot.ask(typed)
    assert card.refused
    assert said in words(card)
    if offered != "history by:day":
        assert offered in commands(card)


async def test_long_histories_are_turned(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at - timedelta(hours=2)
    tasks = [
        change(at + timedelta(seconds=n), "task", f"t-{n}", "failed", parent="big", exitCode=1) for n in range(1500)
    ]
    await seen(alert_bot, *tasks)
    for what in ("job history big", "history"):
        first = await alert_bot.ask(what)
        assert title(first).endswith("· 20 of 1,000 or more changes")
        assert "t-1499" in words(first)
        assert f"{what} account:render-prod page:2" in commands(first)
        card = await alert_bot.ask(f"{what} page:50")
        assert title(card).endswith("· 981 – 1,000 of 1,500 changes")
        card = await alert_bot.ask(next(each for each in commands(card) if each.endswith("page:51")))
        assert title(card).endswith("· 1,001 – 1,020 of 1,500 changes"), "a thousand is no end"
        assert "t-499" in words(card)
        last = await alert_bot.ask(f"{what} page:999999")
        assert title(last).endswith("· 1,481 – 1,500 of 1,500 changes")
        assert "t-0" in words(last)
        assert not [each for each in commands(last) if each.endswith("page:76")]


async def test_a_history_is_turned_round_and_given_as_a_file(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    for what, number in (("job history old:job-7", 6), ("history", 11), ("history entity:task", 3)):
        said = words(await alert_bot.ask(f"{what} sort:oldest"))
        rows = content(await alert_bot.ask(f"{what} sort:oldest csv"))
        assert len(rows) == number
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        assert rows == content(await alert_bot.ask(f"{what} csv"))[::-1] or len({row[0] for row in rows}) < number
        if what.startswith("job"):
            assert said.index("frame-1") < said.index("all its tasks were completed") < said.index("deleted")
    file = await alert_bot.ask("history csv")
    assert not file.refused
    assert "history account:render-prod" in commands(file)


def content(card: Card) -> list[list[str]]:
    """The rows of an attached CSV without its head."""
    file = next(block for block in card.blocks if isinstance(block, Attachment))
    return list(csv.reader(file.content.decode("utf-8-sig").splitlines()))[1:]


async def test_what_batch_has_forgotten_is_shown_as_the_bot_kept_it(alert_bot: AlertBot) -> None:
    await a_life(alert_bot)
    at = alert_bot.clock.at
    run = JobRun(
        account=ACCOUNT, job="old:job-7", pool="render-gpu", started=at - timedelta(hours=3),
        ended=at - timedelta(hours=2), schedule="old", tasks=90, failed=3, retries=2, core_seconds=36_000.0,
        cost=1.25, idle_cost=0.25, currency="USD",
    )  # fmt: skip
    await alert_bot.scene.store.record(ChangeSet(runs=[run]))
    card = await alert_bot.ask("job show old:job-7")
    golden(alert_bot, "forgotten-job", card)
    assert not card.refused
    assert title(card) == "Job old:job-7 · Batch no longer knows it"
    said = words(outgoing(card))
    for each in ("all its tasks were completed", "$1.25", "$0.25", "3 of 90 tasks failed", "exit code 137"):
        assert each in said
    for each in ("job history old:job-7", "pool show render-gpu", "schedule show old", "job list"):
        assert f"{each} account:render-prod" in commands(card)
    receipt = await alert_bot.ask("cost job old:job-7")
    assert "$1.25" in words(receipt), "what it cost is not forgotten"
    task = await alert_bot.ask("task show old:job-7 frame-1")
    assert title(task) == "Task frame-1 · Batch no longer knows it"
    node = await alert_bot.ask("node show render-gpu tvm-1")
    assert "idle → ✖ unusable" in words(node)
    schedule = await alert_bot.ask("schedule show old")
    assert "schedule history old account:render-prod" in commands(schedule)
    for command in commands(card):
        if "old:job-7" in command:
            assert not (await alert_bot.ask(command)).refused, command


async def test_what_is_asked_of_something_forgotten_leads_to_its_history(alert_bot: AlertBot) -> None:
    """Commands that need the thing itself are refused, with the way to what is known of it."""
    await a_life(alert_bot)
    for typed in ("task list old:job-7", "raw job old:job-7", "csv task old:job-7"):
        card = await alert_bot.ask(typed)
        assert card.refused
        assert "job history old:job-7 account:render-prod" in commands(card), typed
    golden(alert_bot, "forgotten-refused", await alert_bot.ask("task list old:job-7"))
    never = await alert_bot.ask("job show never:seen")
    assert never.refused
    assert title(never) == "There is no job “never:seen” in render-prod."


async def test_only_what_is_odd_in_a_stored_line_is_left_as_it_is(alert_bot: AlertBot) -> None:
    at = alert_bot.clock.at - timedelta(hours=1)
    await alert_bot.scene.store.record(
        ChangeSet(
            transitions=[Transition(ACCOUNT, "job", "", "odd", "", "flying", at, "not json key=AccountKey=abc==")]
        )
    )
    card = await alert_bot.ask("job history odd")
    assert "flying" in words(card)
    assert "went wrong" not in title(card)
