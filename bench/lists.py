"""Finding the failed tasks of a large job: our list with a filter beside the SDK's own list, in one run.

    python -m bench.lists

The sandbox runs in a process of its own: the performance case (100,000 tasks over 50 jobs), then the long one (100,000
tasks of one job). Ours is the command ``task list JOB failed>0`` up to its first card; the SDK's is ``list_tasks`` of
the same job, sorted out by hand, which is what a script does. Told are requests, bytes of the bodies and milliseconds.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from msgspec.structs import replace

from bench.asked import asked
from bot.app import App
from bot.ops import logs
from bot.tools.demo import Stage, demo_settings

ROUNDS = 5
SCENARIOS = {"performance": 3, "long": 1}
"""With how often the SDK lists all tasks."""


async def theirs(told: dict[str, str], job: str) -> tuple[int, int, float, str]:
    """The same of the SDK's list."""
    seen = [0, 0]

    def heard(response: Any) -> None:
        seen[0] += 1
        seen[1] += len(response.http_response.content)

    async with BatchClient(told["ENDPOINT"], AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"])) as client:
        begun = time.perf_counter()
        failed = 0
        async for task in client.list_tasks(job, raw_response_hook=heard):
            if task.execution_info and str(task.execution_info.result).lower().endswith("failure"):
                failed += 1
        took = (time.perf_counter() - begun) * 1e3
    return seen[0], seen[1], took, f"{failed} failed"


async def most_tasks(told: dict[str, str]) -> str:
    """The job with most tasks."""
    async with BatchClient(told["ENDPOINT"], AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"])) as client:
        sizes = {}
        async for job in client.list_jobs(select=["id"]):
            counts = (await client.get_job_task_counts(job.id)).task_counts
            sizes[job.id] = (counts.active + counts.running + counts.completed) * bool(counts.failed)
    return max(sizes, key=lambda job: sizes[job])


def _median(seen: list[tuple[int, int, float, str]]) -> tuple[int, int, float, str]:
    return sorted(seen, key=lambda one: one[2])[len(seen) // 2]


async def measured(scenario: str, rounds: int) -> None:
    """Both, several times: the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        async with Stage.azure_only(scenario=scenario, history=0.0) as stage:
            job = await most_tasks(stage.printed)
            settings = demo_settings(stage, listen="127.0.0.1:0", database=str(Path(scratch) / "bench.db"))
            app = await App.open(replace(settings, platforms={}))
            try:
                await asked(app, f"task list {job} failed>0")  # connections and tokens
                mine = _median([await asked(app, f"task list {job} failed>0") for _ in range(ROUNDS)])
                sdk = _median([await theirs(stage.printed, job) for _ in range(rounds)])
            finally:
                await app.stop()
    print(f"{scenario}: failed tasks of {job}: {mine[3]} (the SDK's list has {sdk[3]})")
    for name, (calls, size, took, _) in (("batchbot", mine), ("azure-batch aio", sdk)):
        print(f"  {name:16} {calls:4} requests  {size / 1e3:9,.1f} kB  {took:8,.0f} ms")
    fewer, smaller, faster = sdk[0] / mine[0], sdk[1] / mine[1], sdk[2] / mine[2]
    print(
        f"  {fewer:.0f}x fewer requests, {smaller:.0f}x fewer bytes, {faster:.0f}x faster; goal: first card in 1,000 ms"
    )


async def main() -> None:
    """Every scenario."""
    logs.configure("error")
    for scenario, rounds in SCENARIOS.items():
        await measured(scenario, rounds)


if __name__ == "__main__":
    asyncio.run(main())
