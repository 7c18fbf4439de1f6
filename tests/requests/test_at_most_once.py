"""kill -9 at every step of a change: it is never run twice, never lost without a word, and answered once."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.port.audit import AuditEntry
from storage.port.requests import JournalRow
from storage.sqlite.store import SqliteStore
from tests.requests import killed_bot
from tests.requests.killed_bot import KEY, STEPS, lines

Start = Callable[..., int]


@pytest.fixture(scope="module")
def processes() -> Any:
    """Processes that are forked from one which has imported everything, so that each starts in no time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.requests.killed_bot"])
    return context


@pytest.fixture
def start(processes: Any, tmp_path: Path) -> Start:
    """Starts the bot and returns how it ended: 0, or the negative signal that killed it."""

    def started(text: str = "", deadly: str = "", **more: Any) -> int:
        process = processes.Process(target=killed_bot.run, args=(tmp_path, text, deadly, more))
        process.start()
        process.join(60)
        return int(process.exitcode)

    return started


def left(folder: Path) -> tuple[list[JournalRow], list[AuditEntry]]:
    """What the database says afterwards: requests that are not finished, and the audit trail."""

    async def read() -> tuple[list[JournalRow], list[AuditEntry]]:
        store = SqliteStore.open(folder / "bot.db")
        try:
            return await store.unfinished(), await store.audit(datetime.now(UTC) - timedelta(hours=1))
        finally:
            await store.close()

    return asyncio.run(read())


def begun(folder: Path) -> int:
    return sum(line["did"] == "begin" for line in lines(folder, "effects"))


def answers(folder: Path) -> dict[str, str]:
    """The messages as people see them at the end, by id."""
    return {line["message"]: line["title"] for line in lines(folder, "messages")}


INTERRUPTED = "I was interrupted: this may or may not have taken effect."
ENDS = {
    "after received": (1, "x is changed", ["done"]),
    "before started": (1, "x is changed", ["done"]),
    "after started": (0, INTERRUPTED, ["unknown"]),
    "in the run": (1, INTERRUPTED, ["unknown"]),
    "before recorded": (1, INTERRUPTED, ["unknown"]),
    "after recorded": (1, "x is changed", ["done"]),
    "after answered": (1, "x is changed", ["done"]),
    "after done": (1, "x is changed", ["done"]),
}
"""By the step at which the bot died: how often the change was begun in all, its answer, and the audit trail."""


def test_every_step_has_an_end() -> None:
    assert {"before received", *ENDS} == set(STEPS)


@pytest.mark.parametrize("step", ENDS)
@pytest.mark.parametrize("how", ["post", "edit"])
def test_a_change_is_run_at_most_once_and_answered_once(start: Start, tmp_path: Path, step: str, how: str) -> None:
    more = {"how": "edit", "message": "clicked"} if how == "edit" else {}
    assert start("change x", step, **more) == -signal.SIGKILL, "it died where it was to die"
    assert start() == 0
    times, answer, trail = ENDS[step]
    assert begun(tmp_path) == times
    assert list(answers(tmp_path).values()) == [answer], "one message, which says how it ended"
    assert how == "post" or list(answers(tmp_path)) == ["clicked"], "in the message that was clicked"
    unfinished, audit = left(tmp_path)
    assert unfinished == []
    assert [(entry.command, entry.result, entry.request) for entry in audit] == [
        ("change name:x", result, KEY) for result in trail
    ]
    if how == "post":
        assert start() == 0
        assert begun(tmp_path) == times, "and it stays so"
        assert list(answers(tmp_path).values()) == [answer]


def test_what_was_not_acknowledged_is_sent_again_by_the_platform(start: Start, tmp_path: Path) -> None:
    assert start("change x", "before received") == -signal.SIGKILL
    assert start("change x") == 0
    assert start("change x") == 0, "and again, though it was answered"
    assert begun(tmp_path) == 1
    assert list(answers(tmp_path).values()) == ["x is changed"]


@pytest.mark.parametrize("again", ["after started", "in the run", "after answered"])
def test_whoever_picks_it_up_may_die_too(start: Start, tmp_path: Path, again: str) -> None:
    assert start("change x", "before started") == -signal.SIGKILL
    assert start("", again) == -signal.SIGKILL
    assert start() == 0
    assert begun(tmp_path) == ENDS[again][0]
    assert list(answers(tmp_path).values()) == [ENDS[again][1]]


@pytest.mark.parametrize(
    ("step", "answer"), [("in the run", "x was not changed wholly"), ("before recorded", "x was changed")]
)
def test_a_command_that_can_finds_out_how_far_it_came(start: Start, tmp_path: Path, step: str, answer: str) -> None:
    assert start("mend x", step) == -signal.SIGKILL
    assert start() == 0
    assert begun(tmp_path) == 1
    assert list(answers(tmp_path).values()) == [answer]


@pytest.mark.parametrize("step", ["after received", "in the run", "after answered"])
def test_what_only_reads_is_run_again_and_answered_once(start: Start, tmp_path: Path, step: str) -> None:
    assert start("read", step) == -signal.SIGKILL
    assert start() == 0
    assert list(answers(tmp_path).values()) == ["it is read"]


@pytest.mark.parametrize("step", ["after started", "in the run", "after recorded"])
def test_a_change_that_another_command_runs_is_one_too(start: Start, tmp_path: Path, step: str) -> None:
    assert start("other", step) == -signal.SIGKILL
    assert start() == 0
    assert begun(tmp_path) == ENDS[step][0]
    assert list(answers(tmp_path).values()) == [ENDS[step][1].replace("x is", "inner is")]


@pytest.mark.parametrize("step", ["before started", "in the run", "after recorded"])
def test_a_confirmed_change_is_confirmed_once(start: Start, tmp_path: Path, step: str) -> None:
    """The press of the button is what dies: the confirmation is used up by it and by nothing else."""
    assert start("destroy x") == 0
    assert begun(tmp_path) == 0, "it asks first"
    id_ = waiting(tmp_path)
    assert start(f"confirm {id_}", step, key="k2") == -signal.SIGKILL
    assert start() == 0
    assert begun(tmp_path) == ENDS[step][0]
    assert list(answers(tmp_path).values())[1:] == [ENDS[step][1]]
    assert start(f"confirm {id_}", key="k3") == 0
    assert begun(tmp_path) == ENDS[step][0], "nor by a second press"
    assert list(answers(tmp_path).values())[2:] == ["It was already confirmed or dropped."]


def waiting(folder: Path) -> str:
    """The id of the confirmation that is waited for."""
    with sqlite3.connect(folder / "bot.db") as db:
        ((found,),) = db.execute("SELECT id FROM confirmations WHERE used = ''").fetchall()
    return str(found)
