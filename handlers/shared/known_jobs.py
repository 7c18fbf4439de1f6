"""What watching knows of jobs, which a list could only learn with a call for each."""

from __future__ import annotations

from collections.abc import Mapping

from bot.azure.account import Account
from bot.domain.entity import fold
from bot.domain.job_health import trouble
from bot.domain.retries import Retrying, retrying
from bot.monitor.last_seen import last_seen
from bot.monitor.scene import JobView
from bot.requests.context import Context


async def known_jobs(ctx: Context, source: Account) -> Mapping[str, JobView]:
    """The jobs that go on or ended lately as they were seen last, by their folded ids; none where nothing watches."""
    state = await last_seen(ctx.store, source.name)
    return {fold(name): view for name, view in state.jobs.items()}


def again_of(view: JobView | None) -> Retrying:
    """The tasks of a job that fail and are run again, as they were seen last."""
    return retrying(view.retried.values()) if view else Retrying()


def known_trouble(view: JobView | None) -> float:
    """How bad a job stands as it was seen last; 0 for one that nobody saw."""
    if view is None:
        return 0.0
    ended = view.succeeded + view.failed
    return trouble(view.failed, ended, cannot_run=view.scheduling_error is not None, endless=again_of(view).endless)
