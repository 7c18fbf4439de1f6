"""The names that completion offers: what is kept, how long, how much, and what Azure is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.azure.answers import Page
from bot.azure.errors import AzureError
from bot.azure.models import Pool
from bot.monitor.names import AT_ONCE, Names, best

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
KINDS = {"/pools": "pools", "/jobs": "jobs", "/jobschedules": "schedules", "/applications": "applications"}


class Batch:
    """An account with lists of names; ``calls`` are the paths and filters asked for, a page each."""

    def __init__(self, name: str = "render", **lists: list[str]) -> None:
        self.name = name
        self.lists: dict[str, list[Any]] = {path: list(lists.get(kind, [])) for path, kind in KINDS.items()}
        self.inside: dict[str, list[str]] = {}
        self.page = 1000
        self.calls: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def pages(self, kind: Any, path: str, *, filter: str = "", select: str = "") -> AsyncIterator[Page[Any]]:  # noqa: A002
        names = self.lists.get(path, self.inside.get(path, []))
        if filter:
            beginning = filter.removeprefix("startswith(id,'").removesuffix("')")
            names = [name for name in names if _id(name).startswith(beginning)]
        for start in range(0, max(1, len(names)), self.page):
            self.calls.append((path, filter))
            if self.gate:
                await self.gate.wait()
            if self.error:
                raise self.error
            part = names[start : start + self.page]
            rows = [each if not isinstance(each, str) else kind(id=each) for each in part]
            more = "next" if start + self.page < len(names) else None
            yield Page(rows, more, NOON)


def _id(row: Any) -> str:
    return row if isinstance(row, str) else str(row.id)


def row(name: str, state: str = "active", age: int = 0) -> Any:
    return SimpleNamespace(id=name, state=state, creation_time=NOON - timedelta(hours=age))


class Time:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


def test_the_same_then_beginnings_then_middles_then_what_is_alike() -> None:
    names = ["sim-gpu-a", "gpu-ab", "gpu-a", "cpu", "render"]
    assert best(names, names, "gpu-a", 10)[:3] == ["gpu-a", "gpu-ab", "sim-gpu-a"]
    assert best(names, names, "GPU-A", 1) == ["gpu-a"]
    assert best(names, names, "rendr", 10) == ["render"]
    assert best(names, names, "sim a", 10)[0] == "sim-gpu-a"
    assert best(names, names, "", 2) == ["sim-gpu-a", "gpu-ab"]
    assert best(names, names, "zzz", 10) == []
    assert best([], [], "a", 10) == []


async def test_active_ones_first_and_the_newest_of_them() -> None:
    batch = Batch()
    batch.lists["/jobs"] = [row("old", age=9), row("done", "Completed", age=0), row("new", age=1)]
    names = Names([batch])
    assert await names.find("job", "", {}, "render") == ["new", "old", "done"]


async def test_what_is_known_is_not_asked_again_until_it_is_old(clock: Time) -> None:
    batch = Batch(jobs=["a"])
    names = Names([batch], 60, clock=clock)
    assert await names.find("job", "", {}, "render") == ["a"]
    assert await names.find("job", "a", {}, "render") == ["a"]
    assert batch.calls == [("/jobs", "")]
    batch.lists["/jobs"] = ["b"]
    clock.now = 121
    assert await names.find("job", "", {}, "render") == ["a"], "what is known is offered while it is read anew"
    await settle(names)
    assert await names.find("job", "", {}, "render") == ["b"]
    assert len(batch.calls) == 2


async def settle(names: Names) -> None:
    while names._reading:
        await asyncio.wait(list(names._reading.values()))
        await asyncio.sleep(0)


async def test_what_the_collector_reads_is_not_read_twice(clock: Time) -> None:
    batch = Batch(pools=["never asked"], jobs=["j"])
    names = Names([batch], 60, clock=clock)
    names.heard("render", "pool", [Pool(id="p", state="active")])
    running = asyncio.create_task(names.run())
    while len(batch.calls) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await settle(names)
    running.cancel()
    assert sorted(path for path, _ in batch.calls) == ["/applications", "/jobs", "/jobschedules"]
    assert await names.find("pool", "", {}, "render") == ["p"]
    await asyncio.gather(running, return_exceptions=True)


async def test_nodes_and_tasks_are_asked_for_a_page_at_a_time(clock: Time) -> None:
    batch = Batch()
    batch.page = 3
    batch.inside["/jobs/nightly%3Aone/tasks"] = [f"frame-{n:04}" for n in range(10)]
    batch.inside["/pools/p/nodes"] = ["tvm-1", "tvm-2"]
    names = Names([batch], clock=clock)
    within = {"job": "nightly:one", "pool": "p"}
    assert await names.find("task", "", within, "render") == ["frame-0000", "frame-0001", "frame-0002"]
    for _ in range(2):
        assert (await names.find("task", "frame-0007", within, "render"))[0] == "frame-0007"
    assert await names.find("node", "2", within, "render") == ["tvm-2"]
    assert batch.calls == [
        ("/jobs/nightly%3Aone/tasks", ""),
        ("/jobs/nightly%3Aone/tasks", "startswith(id,'frame-0007')"),
        ("/pools/p/nodes", ""),
    ], "one page each, and once"
    clock.now = 61
    await names.find("node", "2", within, "render")
    await settle(names)
    assert len(batch.calls) == 4, "after a minute it is read anew"


@pytest.mark.parametrize("within", [{}, {"job": ""}, {"job": "x" * 1000}, {"pool": "p"}])
async def test_a_task_needs_its_job(within: dict[str, str]) -> None:
    batch = Batch()
    assert await Names([batch]).find("task", "a", within, "render") == []
    assert batch.calls == []


@pytest.mark.parametrize("typed", ["o'brien", "a b", "é", "x" * 5000, "\x00", "')or(1 eq 1", "\u202e"])
async def test_nothing_that_is_no_name_reaches_azure(typed: str) -> None:
    batch = Batch()
    batch.page = 1
    batch.inside["/jobs/j/tasks"] = ["a", "b"]
    await Names([batch]).find("task", typed, {"job": "j"}, "render")
    assert batch.calls == [("/jobs/j/tasks", "")]


async def test_memory_is_bounded(clock: Time) -> None:
    batch = Batch(jobs=[f"job-{n:03}" for n in range(500)])
    batch.page = 10
    for n in range(50):
        batch.inside[f"/pools/p{n}/nodes"] = ["n"]
    names = Names([batch], most=100, shelves=5, clock=clock)
    assert len(await names.find("job", "", {}, "render", limit=1000)) == 100
    assert len(batch.calls) == 10, "it is read no further than it is kept"
    found = await names.find("job", "job-444", {}, "render")
    assert found[0] == "job-444", "what is not kept is asked for by its beginning"
    for n in range(50):
        assert await names.find("node", "", {"pool": f"p{n}"}, "render") == ["n"]
    assert len(names._passing) == 5
    names.heard("render", "pool", [Pool(id=str(n)) for n in range(1000)])
    assert len(await names.find("pool", "", {}, "render", limit=5000)) == 100


@pytest.mark.parametrize("error", [AzureError("ServerBusy", "busy", status=503), OSError("no route"), ValueError("?")])
async def test_what_cannot_be_read_is_answered_from_what_is_known(clock: Time, error: Exception) -> None:
    batch = Batch(jobs=["a"])
    names = Names([batch], 60, clock=clock)
    assert await names.find("job", "", {}, "render") == ["a"]
    batch.error = error
    clock.now = 500
    assert await names.find("job", "", {}, "render") == ["a"]
    await settle(names)
    assert await names.find("job", "", {}, "render") == ["a"]
    calls = len(batch.calls)
    assert await names.find("job", "a", {}, "render") == ["a"]
    assert await names.find("schedule", "", {}, "render") == []
    assert await names.find("task", "", {"job": "j"}, "render") == []
    await names.find("task", "x", {"job": "j"}, "render")
    assert len(batch.calls) == calls + 2, "what failed just now is not asked again at once"
    batch.error = None
    clock.now = 506
    batch.lists["/jobs"] = ["b"]
    await names.find("job", "", {}, "render")
    await settle(names)
    assert await names.find("job", "", {}, "render") == ["b"]


async def test_a_slow_azure_holds_nobody_up_and_serves_the_next_keystroke() -> None:
    batch = Batch(jobs=["a"])
    batch.gate = asyncio.Event()
    names = Names([batch])
    asked = [asyncio.create_task(names.find("job", "", {}, "render")) for _ in range(3)]
    async with asyncio.timeout(8):
        assert await asyncio.gather(*asked) == [[], [], []]
    batch.gate.set()
    await settle(names)
    assert await names.find("job", "", {}, "render") == ["a"]
    assert len(batch.calls) == 1, "one read for all who wait"


async def test_reads_at_the_same_time_are_few() -> None:
    batch = Batch()
    batch.gate = asyncio.Event()
    names = Names([batch])
    await asyncio.gather(*(names.find("task", "", {"job": f"j{n}"}, "render") for n in range(AT_ONCE + 5)))
    assert len(batch.calls) == AT_ONCE
    await names.close()
    assert not names._reading


async def test_accounts_and_what_there_is_not() -> None:
    names = Names([Batch("render"), Batch("sim")])
    assert await names.find("account", "", {}, "render") == ["render", "sim"]
    assert await names.find("account", "si", {}, "") == ["sim"]
    assert await names.find("planet", "", {}, "render") == []
    assert await names.find("job", "", {}, "nowhere") == []
