"""What can be done about a cluster: look at a log, run exactly these again, take nodes out of use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.azure.account import Account
from bot.domain.clusters.common import Common
from bot.domain.clusters.grouping import printed_by_program
from bot.domain.clusters.model import Cluster
from bot.domain.signature import is_over
from bot.policy.rules import Target
from bot.requests.context import Context
from cards.card import Button
from cards.formatting import number, plural
from handlers.shared.common import line
from handlers.shared.verbs import may, verb
from handlers.task.picked import pick

_OPEN = frozenset({"active", "disabled", "disabling", "enabling"})
"""States of a job whose tasks can run again."""


async def cluster_buttons(
    ctx: Context, source: Account, cluster: Cluster, states: Mapping[str, str], common: Sequence[Common]
) -> list[Button]:
    """The log of its example first; ``states`` are those of the jobs by their ids."""
    example = cluster.example
    found: list[Button | None] = [
        Button("Logs", line(ctx, source, "log", example.job, example.task, cluster.said.file or "stderr.txt"))
        if printed_by_program(example)
        else Button("Task", line(ctx, source, "task show", example.job, example.task))
    ]
    found.append(await _again(ctx, source, cluster, states))
    found += [_off(ctx, source, each) for each in common if each.what == "node" and each.pool]
    return [each for each in found if each]


async def _again(ctx: Context, source: Account, cluster: Cluster, states: Mapping[str, str]) -> Button | None:
    """Reactivates its tasks, of the job that has most of them: one change is about one job.

    What failed of a signature that has ended would fail again: a task keeps the addresses that it was added with.
    """
    failed = cluster.example
    if is_over(source.now(), failed.message, *(value for _, value in failed.details)):
        return None
    jobs = Counter(task.job for task in cluster.tasks if states.get(task.job) in _OPEN)
    if not jobs:
        return None
    job = min(jobs, key=lambda each: (-jobs[each], each))
    if not may(ctx, source, "task reactivate", Target("job", job)):
        return None
    word = await pick(ctx.store, source, job, [task.task for task in cluster.tasks if task.job == job])
    where = f" of {job}" if len({task.job for task in cluster.tasks}) > 1 else ""
    return verb(ctx, source, f"Reactivate {number(jobs[job])}{where}", "task reactivate", job, word)


def _off(ctx: Context, source: Account, common: Common) -> Button | None:
    label = f"Disable {plural(len(common.values), 'node')}"
    return verb(ctx, source, label, "node disable-scheduling", common.pool, *common.values, how="form")
