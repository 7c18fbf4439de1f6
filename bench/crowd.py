"""What the people of an account do all day: they start jobs, end them, and add tasks that fail, at moments of chance.

It is done through the sandbox's own API, and what it came to is asked of the sandbox afterwards, which knows when each
thing happened.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import aiohttp
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.rest import HttpRequest

_VERSION = "2024-07-01.20.0"
_WAITING = "queue"
FARM = "farm"
_TEAMS = 20


class Event(NamedTuple):
    """A thing that happened: ``what`` is ``start``, ``end`` or ``failure``, of these the ``number``th of the job."""

    what: str
    job: str
    at: datetime
    number: int = 1


class Crowd:
    """The people. ``pool`` has room for tasks; ``own`` is for an account whose jobs are left alone."""

    def __init__(self, told: dict[str, str], seed: int, *, pool: str = FARM, own: bool = False) -> None:
        self._told = told
        self._chance = random.Random(seed)
        self._pool = pool
        self._own = own
        self._client = BatchClient(told["ENDPOINT"], AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"]))
        self._plans: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = count(1)
        self._running: list[str] = []
        self._waiting: list[str] = []
        self._idle: list[str] = []
        self._failing: set[str] = set()

    async def __aenter__(self) -> Crowd:
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._http.close()

    # --- the sandbox --------------------------------------------------------------------------------------------------

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        headers = {"Content-Type": "application/json; odata=minimalmetadata"}
        request = HttpRequest(method, f"{path}?api-version={_VERSION}", headers=headers, json=body or {})
        answer = await self._client.send_request(request)
        answer.raise_for_status()

    async def meet(self) -> None:
        """Learn which jobs there are, and what they do."""
        if self._own:
            for _ in range(5):
                await self._start(self._pool, self._idle)
            return
        async for job in self._client.list_jobs(filter="state eq 'active'", select=["id", "executionInfo"]):
            counts = (await self._client.get_job_task_counts(job.id)).task_counts
            if job.execution_info and job.execution_info.pool_id == _WAITING:
                if not counts.running:  # the one that holds the nodes stays
                    self._waiting.append(job.id)
            elif counts.running:
                self._running.append(job.id)
            else:
                self._idle.append(job.id)
        self._failing.update(self._running)

    async def what_happened(self, since: datetime, until: datetime) -> list[Event]:
        """What the sandbox says that happened between two moments."""
        found = []
        async for job in self._client.list_jobs(select=["id", "creationTime", "executionInfo"]):
            ended = job.execution_info.end_time if job.execution_info else None
            found += [Event("start", job.id, job.creation_time)] if job.creation_time else []
            found += [Event("end", job.id, ended)] if ended else []
        for name in self._failing:
            ends = []
            with suppress(ResourceNotFoundError):  # it was deleted since
                async for task in self._client.list_tasks(
                    name, filter="executionInfo/result eq 'failure'", select=["id", "executionInfo"]
                ):
                    info = task.execution_info
                    if info and info.end_time and not (info.failure_info and info.failure_info.code == "TaskEnded"):
                        ends.append(info.end_time)
            found += [Event("failure", name, at, number) for number, at in enumerate(sorted(ends), start=1)]
        return [each for each in found if since <= each.at < until]

    # --- what people do -----------------------------------------------------------------------------------------------

    def plan(self, at: datetime, seconds: float, each: int) -> None:
        """For the time from ``at`` on: so many jobs end and others start, so many fail in each way."""
        for _ in range(each):
            for act in (self._replace, self._fail_one):
                self._later(at + timedelta(seconds=self._chance.uniform(0, seconds)), act)
        act = self._chance.choice([self._fail_several, self._fail_running])
        self._later(at + timedelta(seconds=self._chance.uniform(0, seconds)), act)

    def plan_ends(self, at: datetime, number: int) -> None:
        """So many jobs end together."""
        self._later(at, lambda: self._end_many(number))

    def next_due(self) -> datetime | None:
        """When somebody does something."""
        return self._plans[0][0] if self._plans else None

    async def act(self, now: datetime) -> None:
        """Do all that is to be done by now."""
        while self._plans and self._plans[0][0] <= now:
            await heapq.heappop(self._plans)[2]()

    def _later(self, at: datetime, act: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._plans, (at, next(self._numbers), act))

    async def _start(self, pool: str, kind: list[str], tasks: Iterable[str] = ()) -> None:
        number = next(self._numbers)
        name = f"team-{number % _TEAMS + 1:02}-n{number:05}"
        priority = 1000 if self._own else 0
        await self._send("POST", "/jobs", {"id": name, "priority": priority, "poolInfo": {"poolId": pool}})
        for place, command in enumerate(tasks):
            await self._send("POST", f"/jobs/{name}/tasks", {"id": f"task-{place}", "commandLine": command})
        kind.append(name)

    async def _replace(self) -> None:
        """A job ends, and another one of its kind starts."""
        kinds = [kind for kind in (self._running, self._waiting, self._idle) if kind]
        kind = self._chance.choices(kinds, weights=[len(each) for each in kinds])[0]
        victim = kind.pop(self._chance.randrange(len(kind)))
        if kind is self._running:
            await self._start(self._pool, kind, [f"sleep {self._chance.randint(600, 1200)}" for _ in range(4)])
            self._failing.add(kind[-1])
        elif kind is self._waiting:
            await self._start(_WAITING, kind, ["sleep 60"] * 3)
        else:
            await self._start(self._pool, kind)
        if kind is self._idle and self._chance.random() < 1 / 3:  # its last task fails, and it ends with it
            await self._add(victim, "last", self._chance.randint(1, 6))
            await self._send("PATCH", f"/jobs/{victim}", {"onAllTasksComplete": "terminatejob"})
        else:
            await self._end(victim)

    async def _end(self, name: str) -> None:
        await self._send("POST", f"/jobs/{name}/terminate", {"terminateReason": "UserTerminate"})

    async def _end_many(self, number: int) -> None:
        jobs = [*self._idle, *self._waiting, *self._running]
        self._chance.shuffle(jobs)
        for name in jobs[:number]:
            await self._end(name)
            for kind in (self._idle, self._waiting, self._running):
                if name in kind:
                    kind.remove(name)

    async def _add(self, name: str, task: str, seconds: int) -> None:
        self._failing.add(name)
        body = {"id": task, "commandLine": f"sleep {seconds}; exit {self._chance.randint(1, 3)}"}
        await self._send("POST", f"/jobs/{name}/tasks", body)

    async def _fail_one(self) -> None:
        """A short task of a job that ran nothing fails."""
        if self._idle:
            await self._add(self._chance.choice(self._idle), f"x{next(self._numbers)}", self._chance.randint(1, 8))
        else:
            await self._fail_running()

    async def _fail_several(self) -> None:
        """Several tasks of a job that ran nothing fail one after the other."""
        if self._idle:
            name = self._chance.choice(self._idle)
            for _ in range(3):
                await self._add(name, f"x{next(self._numbers)}", self._chance.randint(1, 15))
        else:
            await self._fail_running()

    async def _fail_running(self) -> None:
        """A task that runs fails."""
        jobs = self._running or self._idle
        if not self._running:
            await self._add(self._chance.choice(jobs), f"x{next(self._numbers)}", self._chance.randint(1, 8))
            return
        wish = {"kind": "storm", "job": self._chance.choice(jobs), "causes": ["exit-1"], "number": 1, "seconds": 0}
        async with self._http.post(f"{self._told['ENDPOINT']}/_sandbox/inject", json=wish) as answer:
            answer.raise_for_status()
