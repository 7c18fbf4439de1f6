"""Jobs, pools and tasks as they are read, for tests of why a job or a schedule does not do its work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.azure.models import Counts, Execution, FailureInfo, Job, NameValue, NodeCounts, Pool, PoolNodeCounts, Task
from bot.azure.models.job import JobExecution, PoolInfo
from bot.domain import knowledge
from bot.domain.diagnosis.job_case import JobCase
from bot.domain.diagnosis.model import Clue
from bot.domain.diagnosis.pools import PoolCase

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SINCE = NOW - 3 * HOUR
STEADY: dict[str, Any] = {
    "id": "cpu", "state": "active", "creation_time": NOW - 3 * DAY, "allocation_state": "steady",
    "allocation_state_transition_time": SINCE, "resize_timeout": "PT15M",
    "current_dedicated_nodes": 2, "target_dedicated_nodes": 2,
}  # fmt: skip


def pool(idle: int = 0, running: int = 2, unusable: int = 0, **more: Any) -> PoolCase:
    """A steady pool of two nodes, as many in each state."""
    counts = NodeCounts(idle=idle, running=running, unusable=unusable, total=idle + running + unusable)
    return PoolCase(pool=Pool(**STEADY | more), at=NOW, counts=PoolNodeCounts(pool_id="cpu", dedicated=counts))


def job(state: str = "active", *, error: FailureInfo | None = None, reason: str = "", **more: Any) -> Job:
    """A job of pool cpu, made three hours ago; one that is over ended a minute ago."""
    ended = NOW - MINUTE if state == "completed" else None
    run = JobExecution(SINCE, ended, "cpu", error, reason)
    known = {"creation_time": SINCE, "state_transition_time": SINCE, "pool_info": PoolInfo("cpu")}
    return Job(**{"id": "render", "state": state, "execution_info": run} | known | more)


def task(name: str, state: str = "active", at: datetime = SINCE, run: Execution | None = None, **more: Any) -> Task:
    """A task that has been in its state since then."""
    return Task(id=name, state=state, creation_time=at, state_transition_time=at, execution_info=run, **more)


def failed(name: str, exit_code: int | None = None, code: str = "FailureExitCode", at: datetime = SINCE) -> Task:
    """A task that failed then."""
    info = FailureInfo(category="UserError", code=code, message="in words")
    run = Execution(start_time=at - HOUR, end_time=at, exit_code=exit_code, result="failure", failure_info=info)
    return task(name, "completed", at, run)


def retried(name: str, times: int, exit_code: int = 3) -> Task:
    """A task that runs again, after so many failures, the last ten minutes ago."""
    last = NOW - 10 * MINUTE
    run = Execution(start_time=last, exit_code=exit_code, result="failure", retry_count=times, last_retry_time=last)
    return task(name, "running", last, run)


def case(found: Job | None = None, counts: Counts | None = None, **more: Any) -> JobCase:
    """A job as it was read; of an active one whose tasks all wait, where nothing else is given."""
    given = {"job": found or job(), "counts": counts, "pool": pool(idle=2, running=0), "at": NOW}
    return JobCase(**given | more)


def said(clue: Clue) -> str:
    """A clue as it is told: its row, how sure, whether it is no harm; what the table does not say; what shows it."""
    first = f"{clue.id} {clue.sure}{'' if clue.harm else ', no harm'}"
    own = [clue.cause] if clue.id not in KNOWN or clue.cause != KNOWN[clue.id] else []
    return " | ".join([first, *own, *(each.words for each in clue.evidence)])


KNOWN = {each.id: each.cause for each in knowledge.rows()}
WAITING = Counts(active=3)
ERROR = FailureInfo("UserError", "PoolNotFound", "in words", (NameValue(name="Pool", value="cpu"),))
