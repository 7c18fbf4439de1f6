"""The home card: the truth of an account in one screen, what is worst first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Pool
from bot.domain.entity import fold
from bot.domain.quota import Level
from bot.domain.states import is_active
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, muted, text
from cards.card import Actions, Bullets, Button, Card, Mark, Words
from cards.formatting import number, plural
from handlers.account.quotas import main_bars, quotas_now
from handlers.bot.new import new_menu
from handlers.bot.own_home import own_blocks, pinned
from handlers.bot.worst_first import WorstFirst, worst_first
from handlers.failures.lately import FailedLately, failed_lately
from handlers.job.list import counts_of
from handlers.pool.trouble import in_words, worst
from handlers.shared import node_counts
from handlers.shared.capacity import ACTIVE
from handlers.shared.common import UNKNOWN, line, titled
from handlers.shared.states import pool_chip
from handlers.usage import costs
from handlers.why.worst import account_case

_SHOWN = 4
"""Things that are wrong and named; the rest is counted."""
_COUNTED = 50
"""Active jobs whose tasks are counted: a call each."""
_OWN = 3
"""Buttons of the worst thing, beside those of the whole account."""
_POOL = (
    "id,creationTime,state,stateTransitionTime,allocationState,allocationStateTransitionTime,resizeTimeout,vmSize,"
    "virtualMachineConfiguration,currentDedicatedNodes,currentLowPriorityNodes,targetDedicatedNodes,"
    "targetLowPriorityNodes,resizeErrors,enableAutoScale,autoScaleEvaluationInterval,autoScaleRun"
)
_JOB = "id,state,stateTransitionTime,creationTime,priority,poolInfo,executionInfo,constraints"


@command("home", effect="read", examples=["home"], menu=10)
async def home(ctx: Context, account: str | None = None) -> Card:
    """Show one account at a glance: what is worst first, running tasks, nodes by state, cost and quotas.

    :param account: the account, by its name in the settings; if left out the default here
    """
    source = ctx.account(account)
    (pools, at), counts, schedules_, jobs_ = await asyncio.gather(
        source.every(Pool, "/pools", select=_POOL),
        node_counts.known(source),
        gaps.maybe("active schedules", source.every(JobSchedule, "/jobschedules", filter=ACTIVE)),
        gaps.maybe("active jobs", source.every(Job, "/jobs", select=_JOB, filter=ACTIVE)),
    )
    jobs, schedules = (jobs_ or ([], at))[0], (schedules_ or ([], at))[0]
    active = [job.id for job in jobs if is_active(job.state)]
    counted = await counts_of(source, active[:_COUNTED])
    tasks = [each for each in counted if each]
    running, waiting = sum(each.running for each in tasks), sum(each.active for each in tasks)
    # What was counted of others is at least so many; of none nothing is known.
    least = "" if jobs_ and None not in counted and len(active) <= _COUNTED else "at least "
    uncounted = not jobs_ or (bool(counted) and not tasks)
    entries = node_counts.by_pool(counts)
    pools_wrong = {}
    for pool in pools:
        if found := worst(pool, entries.get(fold(pool.id))):
            mark = pool_chip(pool.state, pool.allocation_state, found).mark
            pools_wrong[pool.id] = Mark.FAILED if mark is Mark.FAILED else Mark.WARNING, in_words(found)
    failed = await failed_lately(ctx, source, dict(zip(active[:_COUNTED], counted, strict=True)), at)
    case = account_case(at, pools, counts, jobs_ and jobs_[0], schedules_ and schedules_[0])
    wrong = worst_first(ctx, source, case, pools_wrong, failed)
    quotas = await quotas_now(source, pools, counts, len(jobs) + len(schedules) if jobs_ and schedules_ else None)
    tight = [each.level for each in quotas if each.level]
    all_read = bool(jobs_) and bool(schedules_) and counts is not None and failed.whole
    others = [name for name in ctx.accounts.names if name != source.name]
    pins, own = await pinned(ctx), await own_blocks(ctx)
    return Card(
        title=titled(
            source.name,
            *_answer(wrong, failed, len(pools_wrong), tight),
            f"{least}{plural(running, 'task')} running" if not uncounted else None,
            None if wrong.rows or tight or not all_read else "all is well",
            source.settings.location,
        ),
        mark=wrong.rows[0].mark if wrong.rows else Mark.WARNING if tight else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            _rows(wrong),
            _first(ctx, source, wrong),
            *own,
            *pins,
            build.facts(
                ("Running tasks", f"{least}{number(running)}" if not uncounted else UNKNOWN),
                ("Waiting tasks", f"{least}{number(waiting)}" if not uncounted else UNKNOWN),
                ("Active jobs", number(len(active)) if jobs_ else UNKNOWN),
                (
                    "Active schedules",
                    number(sum(is_active(each.state) for each in schedules)) if schedules_ else UNKNOWN,
                ),
            ),
            Words(text(bold("Nodes  "), node_counts.in_words(node_counts.by_state(counts)))) if counts else None,
            await costs.line_of(ctx, source, pools, entries, at),
            *main_bars(quotas),
            build.actions(
                Button("Pools", line(ctx, source, "pool list")),
                Button("Jobs", line(ctx, source, "job list")),
                Button("Schedules", line(ctx, source, "schedule list")),
                Button("Usage", line(ctx, source, "usage")),
                Button("Refresh", line(ctx, source, "home"), how="edit"),
                Button("Cost", line(ctx, source, "cost")),
                Button("Topology", line(ctx, source, "topology")),
                Button("Quotas", line(ctx, source, "account quotas")) if quotas else None,
                Button("Help", "help"),
                new_menu(ctx, source),
                build.open_menu("Other account", "home {}", others),
                shown=5,
            ),
        ),
    )


def _answer(wrong: WorstFirst, failed: FailedLately, pools: int, tight: Sequence[Level]) -> list[str]:
    """What is wrong in the title's words, failures first."""
    least = "" if failed.whole else "at least "
    full = tight.count("full")
    said = [
        f"{least}{plural(failed.tasks, 'task')} failed in {plural(len(failed.jobs), 'job')}" if failed.jobs else "",
        plural(wrong.critical, "critical alert") if wrong.critical else "",
        plural(wrong.alerts, "open alert") if wrong.alerts and not wrong.critical else "",
        f"{plural(pools, 'pool')} in trouble" if pools else "",
        f"{plural(full, 'quota')} full" if full else "",
        f"{plural(len(tight) - full, 'quota')} nearly full" if len(tight) > full else "",
    ]
    return [each for each in said if each]


def _rows(wrong: WorstFirst) -> Bullets | None:
    """The worst by name, the rest counted."""
    shown = [each.line for each in wrong.rows[:_SHOWN]]
    more = len(wrong.rows) - _SHOWN
    rest = [text(muted(f"and {number(more)} more"))] if more > 0 else []
    return Bullets((*shown, *rest), dots=False) if shown else None


def _first(ctx: Context, source: Account, wrong: WorstFirst) -> Actions | None:
    """What to do about the worst, then all alerts, and what explains the whole account."""
    if not wrong.rows:
        return None
    made = list(wrong.rows[0].buttons[:_OWN])
    shown = {each.command for each in made}
    others = [
        Button("Open alerts", line(ctx, source, "alert list")) if wrong.alerts > 1 else None,
        Button("What is worst", line(ctx, source, "why")),
    ]
    return build.actions(*made, *(each for each in others if each and each.command not in shown))
