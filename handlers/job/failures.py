"""Why tasks of a job failed, in a line: the causes that alerts tell apart, with how often each struck."""

from __future__ import annotations

from msgspec import Struct

from bot.alerting.rules.common import ranked
from bot.alerting.rules.failures import in_words
from bot.azure.account import Account
from bot.azure.models import Task, TaskRow
from bot.azure.models.task import FAILED_TASKS
from bot.domain.causes import cause_of_run, grouped
from bot.domain.findings import CauseCount
from bot.domain.retries import Retried, Retrying, retrying

_READ = 200
"""Failed tasks that are read: a request, however many there are."""


class Failures(Struct, frozen=True):
    """The causes of the failed tasks that were ``read``, the greatest first; ``example`` is a task of the greatest."""

    causes: tuple[CauseCount, ...] = ()
    read: int = 0

    @property
    def words(self) -> str:
        """``exit code 137 ×9 · DiskFull ×2; most often killed …``."""
        return in_words(self.causes)

    @property
    def example(self) -> str:
        """A task that failed for the greatest cause; empty where none failed."""
        return self.causes[0].example if self.causes else ""


NONE = Failures()
_UNFINISHED = "state ne 'completed'"


async def retrying_of(source: Account, job: str) -> Retrying:
    """The tasks of a job that fail and are run again, of a thousand that are not over; in one request."""
    pages = source.pages(TaskRow, source.tasks(job), filter=_UNFINISHED, select="id,state,executionInfo")
    page = await anext(pages)
    runs = [(task.id, task.execution_info) for task in page.items if task.execution_info]
    return retrying(Retried(name, run.retry_count, run.last_retry_time) for name, run in runs)


async def failures_of(source: Account, job: str) -> Failures:
    """Read some of a job's failed tasks, in one request."""
    pages = source.pages(Task, source.tasks(job), filter=FAILED_TASKS, select="id,executionInfo", page_size=_READ)
    page = await anext(pages)
    groups = grouped(page.items, lambda task: cause_of_run(task.execution_info))
    return Failures(ranked(CauseCount(cause, len(them), them[0].id) for cause, them in groups.items()), len(page.items))
