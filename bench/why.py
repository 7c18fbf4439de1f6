"""What an answer of ``why`` takes, beside what a person would type: calls, bytes and milliseconds.

    python -m bench.why

The sandbox runs in a process of its own: the demo, and the performance case (100,000 tasks over 50 jobs, 20 pools).
Asked are the account, and each kind of entity several times: median and most. Goals: 9 calls, 1,500 ms.
Beside it stand the commands of Azure's CLI that read the same, one after another: each is a process of its own, and one
has to know which comes next.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from bench.asked import asked
from bot.app import App
from bot.azure.models import Job, JobSchedule, Node, Pool, Task
from bot.ops import logs
from bot.tools.demo import Stage, demo_settings
from cards.command_line import command

EACH, CALLS, MILLISECONDS = 8, 9, 1500.0
BY_HAND = {
    "": ("pool list", "node list of each pool", "job list", "job task-counts show of each job", "job-schedule list"),
    "pool": ("pool show", "node list", "account show", "pool list"),
    "node": ("node show", "node file list", "node file download"),
    "job": (
        "job show",
        "job task-counts show",
        "task list, the active ones",
        "task list, the failed ones",
        "job prep-release-status list",
        "pool show",
        "node list",
        "job list",
        "account show",
    ),
    "task": ("task show", "task file list", "task file download", "node show", "job show"),
    "schedule": ("job-schedule show", "job list of the schedule", "job show", "job task-counts show", "pool show"),
}
"""What reads the same with ``az batch``."""


async def questions(app: App) -> dict[str, list[str]]:
    """What is asked of each kind."""
    source = next(iter(app.accounts))
    pools = [each.id for each in (await source.every(Pool, "/pools", select="id"))[0]][:EACH]
    jobs = [each.id for each in (await source.every(Job, "/jobs", select="id"))[0]][:EACH]
    schedules = [each.id for each in (await source.every(JobSchedule, "/jobschedules", select="id"))[0]][:EACH]
    tasks, nodes = [], []
    for job in jobs:
        first = await anext(source.pages(Task, source.tasks(job), select="id", page_size=1))
        tasks += [(job, each.id) for each in first.items]
    for pool in pools:
        some = await anext(source.pages(Node, source.nodes(pool), select="id,state", page_size=1))
        nodes += [(pool, each.id) for each in some.items]
    return {
        "": ["why"],
        "pool": [command("why pool", each) for each in pools],
        "node": [command("why node", *each) for each in nodes],
        "job": [command("why job", each) for each in jobs],
        "task": [command("why task", *each) for each in tasks],
        "schedule": [command("why schedule", each) for each in schedules],
    }


async def measured(scenario: str, hours: float) -> bool:
    """Every kind, when the accounts have lived for so many hours; False where a goal is missed."""
    well = True
    with tempfile.TemporaryDirectory() as scratch:
        async with Stage.azure_only(scenario=scenario, history=0.0) as stage:
            settings = demo_settings(stage, listen="127.0.0.1:0", database=str(Path(scratch) / "bench.db"))
            app = await App.open(replace(settings, platforms={}))
            try:
                await stage.clock(advance=hours * 3600)
                print(f"{scenario}:")
                for kind, texts in (await questions(app)).items():
                    if not texts:
                        continue
                    await asked(app, texts[0])  # connections and tokens, sizes and quotas of the day
                    answers = [await asked(app, text) for text in texts]
                    calls, took = [each[0] for each in answers], [each[2] for each in answers]
                    well = well and max(calls) <= CALLS and max(took) <= MILLISECONDS
                    print(
                        f"  why {kind or '(what is worst)':15} {len(texts)} asked: calls {median(calls):.0f}, at most "
                        f"{max(calls)} (goal {CALLS}); {median(took):,.0f} ms, at most {max(took):,.0f} (goal "
                        f"{MILLISECONDS:,.0f}); {max(each[1] for each in answers) / 1e3:,.0f} kB at most; by hand "
                        f"{len(BY_HAND[kind])} commands: {'; '.join(BY_HAND[kind])}"
                    )
                    print(f"      such as: {answers[0][3]}")
            finally:
                await app.stop()
    return well


async def main() -> int:
    """1 where a goal is missed."""
    logs.configure("error")
    return int(not all([await measured("demo", 6.0), await measured("performance", 0.0)]))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
