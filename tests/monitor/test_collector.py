from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.azure.errors import AzureError
from bot.azure.models import NameValue, Node, NodeCounts, PoolNodeCounts, VmSize
from bot.azure.models.watched import MachineState, PoolState
from bot.monitor.collector import Collector
from bot.monitor.reading import Reading
from bot.monitor.scene import JobView, PoolView, Scene
from storage.port.core_use import CoreUse
from storage.port.errors import StoreError
from storage.port.samples import JobCores, PoolEra, Sample, Work

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


class Batch:
    """An account with one list of pools; ``calls`` are the paths asked for."""

    def __init__(
        self, name: str = "render", pools: tuple[PoolState, ...] = (), counts: tuple[PoolNodeCounts, ...] = ()
    ) -> None:
        self.name = name
        self.pools, self.counts = pools, counts
        self.nodes: dict[str, list[Node]] = {}
        self.at = NOON
        self.calls: list[str] = []
        self.error: Exception | None = None

    async def node_counts(self) -> tuple[list[PoolNodeCounts], datetime]:
        self.calls.append("/nodecounts")
        if self.error:
            raise self.error
        return list(self.counts), self.at

    async def every(self, kind: type, path: str, **_: str) -> tuple[list[Any], datetime]:
        self.calls.append(path)
        return (list(self.pools) if kind is PoolState else self.nodes[path]), self.at

    async def vm_sizes(self) -> dict[str, VmSize]:
        return {"standard_d4s_v3": VmSize("Standard_D4s_v3", "", 4, 16.0, 0, True, None)}


class Memory:
    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.eras: list[PoolEra] = []
        self.broken = False
        self._news = asyncio.Condition()

    async def add_samples(self, samples: list[Sample]) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        async with self._news:
            self.samples += samples
            self._news.notify_all()

    async def hold(self, account: str, number: int) -> None:
        """Wait for so many samples of an account."""
        async with self._news:
            await self._news.wait_for(lambda: sum(sample.account == account for sample in self.samples) >= number)

    async def add_pool_eras(self, account: str, eras: list[PoolEra]) -> None:
        self.eras += eras

    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None:
        moments = [sample.at for sample in self.samples if sample.account == account]
        return (min(moments), max(moments)) if moments else None


def pool(name: str = "a", slots: int = 1, size: str = "STANDARD_D4S_V3") -> PoolState:
    return PoolState(id=name, vm_size=size, task_slots_per_node=slots)


def counts(name: str = "a", **states: int) -> PoolNodeCounts:
    return PoolNodeCounts(pool_id=name, dedicated=NodeCounts(**states, total=sum(states.values())))


async def test_one_task_a_node_needs_no_node_list() -> None:
    spot = NodeCounts(running=1, preempted=5, total=6)
    dedicated = NodeCounts(running=2, idle=1, total=3)
    batch = Batch(pools=(pool(),), counts=(PoolNodeCounts(pool_id="a", dedicated=dedicated, low_priority=spot),))
    [sample] = await Collector([batch], Memory()).sample(batch)
    dedicated_use, spot_use = CoreUse(8.0, unknown=4.0), CoreUse(4.0)
    assert sample == Sample("render", "a", NOON, 60.0, dedicated_use, spot_use, nodes=4, spot_nodes=1)
    assert batch.calls == ["/nodecounts", "/pools"]


async def test_all_that_has_a_machine_counts() -> None:
    states = {"idle": 1, "unusable": 1, "start_task_failed": 1, "creating": 1, "leaving_pool": 1, "deallocating": 1}
    batch = Batch(pools=(pool(),), counts=(counts(**states, preempted=7, deallocated=7),))
    [sample] = await Collector([batch], Memory()).sample(batch)
    assert (sample.nodes, sample.total, sample.busy) == (6, 24.0, 0.0)
    assert sample.dedicated == CoreUse(starting=4.0, broken=8.0, leaving=8.0, unknown=4.0)


async def test_task_slots_share_a_node() -> None:
    batch = Batch(pools=(pool("a b", slots=4),), counts=(counts("a b", running=3, idle=1),))
    batch.nodes["/pools/a%20b/nodes"] = [
        Node(id=str(n), state="running", running_task_slots_count=taken) for n, taken in enumerate((1, 4, 6))
    ]
    [sample] = await Collector([batch], Memory()).sample(batch)
    assert (sample.busy, sample.total) == (4 * (0.25 + 1 + 1), 16.0)


async def test_in_samples_from_looks_the_share_of_slots_is_good_for_another_one_while_as_many_nodes_run() -> None:
    batch = Batch()
    collector = Collector([batch], Memory())
    for minutes, slots, busy in ((0, 1, 2.0), (1, 2, 2.0), (2, 2, (2.0 + 4.0) / 2)):
        batch.nodes["/pools/a/nodes"] = [Node(id="n", state="running", running_task_slots_count=slots)]
        reading = Reading([pool(slots=2)], [counts(running=1)], NOON + timedelta(minutes=minutes))
        [sample] = await collector.sample(batch, reading)
        assert sample.busy == busy, minutes
    assert batch.calls == ["/pools/a/nodes"] * 2


def scene(at: datetime, *read: str) -> Scene:
    view = PoolView("a", vm_size="standard_d4s_v3", counts=(NodeCounts(running=1, idle=1, total=2), NodeCounts()))
    areas: Any = frozenset(read or ("pools", "nodes"))
    return Scene(account="render", at=at, read=areas, pools={"a": view}, jobs={}, schedules={})


async def test_tasks_of_a_pool_are_those_of_its_jobs_as_a_look_counted_them() -> None:
    jobs = {
        "one": JobView("one", state="active", pool="A", active=5, running=2, succeeded=10, failed=1),
        "two": JobView("two", state="active", pool="a", running=1),  # not counted yet
        "off": JobView("off", state="disabled", pool="a", active=70, succeeded=4),
        "other": JobView("other", state="active", pool="b", active=9),
    }
    reading = Reading.of(msgspec.structs.replace(scene(NOON), jobs=jobs))
    [sample] = await Collector([], Memory()).sample(Batch(), reading)
    assert sample.work == Work(waiting=5, running=3, succeeded=14, failed=1)
    assert sample.dedicated == CoreUse(4.0, waiting=4.0)
    assert sample.jobs == (JobCores("one", 4.0 * 2 / 3), JobCores("two", 4.0 / 3))


async def test_while_an_active_job_is_not_counted_nobody_knows_whether_tasks_wait() -> None:
    for jobs, use in (
        ({"new": JobView("new", state="active", pool="a")}, CoreUse(4.0, unknown=4.0)),
        ({"off": JobView("off", state="disabled", pool="a", active=9)}, CoreUse(4.0, unused=4.0)),
        ({}, CoreUse(4.0, unused=4.0)),
    ):
        reading = Reading.of(msgspec.structs.replace(scene(NOON), jobs=jobs))
        [sample] = await Collector([], Memory()).sample(Batch(), reading)
        assert sample.dedicated == use


async def test_cores_are_the_mean_of_the_time_that_a_sample_stands_for() -> None:
    store = Memory()
    collector = Collector([], store)

    async def read(minute: int, **states: PoolNodeCounts) -> list[Sample]:
        at = NOON + timedelta(minutes=minute)
        reading = Reading.of_lists([pool(name) for name in states], list(states.values()), at, {})
        before = len(store.samples)
        await collector.collect(Batch(), reading)
        return store.samples[before:]

    [first] = await read(0, a=counts("a", running=2))
    assert first.dedicated == CoreUse(8.0), "what was before the first is not known"
    grown, new = await read(1, a=counts("a", running=3, idle=1), b=counts("b", creating=4))
    assert (grown.dedicated, grown.nodes) == (CoreUse(10.0, unknown=2.0), 4)
    assert (new.dedicated, new.nodes) == (CoreUse(starting=8.0), 4)
    store.broken = True
    with pytest.raises(StoreError):
        await read(2, a=counts("a", running=9), b=counts("b"))
    store.broken = False
    [same, gone] = await read(3, a=counts("a", running=3, idle=1))
    assert (same.dedicated, same.seconds) == (CoreUse(12.0, unknown=4.0), 120)
    assert (gone.pool, gone.dedicated, gone.nodes) == ("b", CoreUse(starting=8.0), 0)
    [last, none] = await read(4)
    assert (last.pool, last.dedicated.busy, none) == ("a", 6.0, Sample("render", "", NOON + timedelta(minutes=4), 60.0))
    [late] = await read(30, a=counts("a", running=1))
    assert (late.dedicated, late.seconds) == (CoreUse(4.0), 300), "a silence is a gap, not a line"


async def test_jobs_share_cores_by_the_slots_that_their_tasks_take() -> None:
    jobs = {
        "wide": JobView("wide", state="active", pool="a", active=0, running=1, running_slots=3),
        "thin": JobView("thin", state="active", pool="a", active=0, running=1, running_slots=1),
    }
    reading = Reading.of(msgspec.structs.replace(scene(NOON), jobs=jobs))
    [sample] = await Collector([], Memory()).sample(Batch(), reading)
    assert sample.jobs == (JobCores("wide", 3.0), JobCores("thin", 1.0))


async def test_a_pool_is_noted_when_it_is_not_what_it_was() -> None:
    store = Memory()
    collector = Collector([], store)
    tags = [NameValue("team", "blue")]
    for minute, size, windows in ((0, "standard_d4s_v3", False), (1, "standard_d4s_v3", False), (2, "b", True)):
        machine = MachineState(node_agent_sku_id="batch.node.windows amd64" if windows else "batch.node.ubuntu 22.04")
        state = msgspec.structs.replace(
            pool(),
            metadata=tuple(tags),
            virtual_machine_configuration=machine,
            vm_size="Standard_D8s_v3" if windows else size,
        )
        at = NOON + timedelta(minutes=minute)
        await collector.collect(Batch(), Reading.of_lists([state], [counts(idle=1)], at, {}))
    assert [(era.since, era.cores, era.windows) for era in store.eras] == [
        (NOON, 4, False),
        (NOON + timedelta(minutes=2), 8, True),
    ]
    assert store.eras[0].tags["team"] == "blue"


async def test_the_tasks_of_the_last_poll_are_good_for_samples_between_polls() -> None:
    jobs = {"one": JobView("one", state="active", pool="a", active=0, running=1)}
    batch = Batch(pools=(pool(),), counts=(counts(running=1, idle=1),))
    collector = Collector([batch], Memory())
    await collector.after("render", msgspec.structs.replace(scene(NOON), jobs=jobs), NOON)
    for minutes, use in ((4, CoreUse(4.0, unused=4.0)), (6, CoreUse(4.0, unused=2.0, unknown=2.0))):
        batch.at = NOON + timedelta(minutes=minutes)
        [sample] = await collector.sample(batch)
        assert sample.dedicated == use
        assert sample.jobs == (JobCores("one", 4.0 if minutes == 4 else 2.0),)


async def test_what_a_look_has_read_is_not_read_again() -> None:
    batch, store = Batch(), Memory()
    heard: list[list[str]] = []
    collector = Collector([batch], store, heard=lambda _, __, pools: heard.append([each.id for each in pools]))
    for seconds in (0, 30, 58, 90, 120):
        at = NOON + timedelta(seconds=seconds)
        await collector.after("render", scene(at), at)
    assert [(each.at - NOON).total_seconds() for each in store.samples] == [0, 58, 120]
    assert store.samples[0] == Sample(
        "render", "a", NOON, 60.0, CoreUse(4.0, unused=4.0), nodes=2, work=Work(0, 0, 0, 0)
    )
    assert (batch.calls, heard) == ([], [["a"]] * 3)


async def test_a_sample_that_cannot_be_taken_from_a_look_troubles_nobody() -> None:
    batch, store = Batch(), Memory()
    collector = Collector([batch], store)
    store.broken = True
    await collector.after("render", scene(NOON), NOON)
    store.broken = False
    await collector.after("render", scene(NOON + timedelta(seconds=30)), NOON)
    assert [(each.at - NOON).total_seconds() for each in store.samples] == [30]


async def test_a_look_that_did_not_read_pools_and_counts_gives_no_sample() -> None:
    store = Memory()
    await Collector([Batch()], store).after("render", scene(NOON, "pools", "jobs"), NOON)
    assert store.samples == []


async def test_nodes_are_not_listed_while_none_runs() -> None:
    batch = Batch(pools=(pool(slots=4),), counts=(counts(idle=3),))
    [sample] = await Collector([batch], Memory()).sample(batch)
    assert (sample.busy, sample.total) == (0.0, 12.0)
    assert batch.calls == ["/nodecounts", "/pools"]


async def test_a_size_nobody_knows_is_left_out() -> None:
    batch = Batch(pools=(pool("a", size="Standard_D3_v2"), pool("b"), pool("c", size="Standard_F8s_v2")))
    collector = Collector([batch], Memory())
    assert [sample.pool for sample in await collector.sample(batch)] == ["b", "c"]
    assert collector.read_from_names("render") == {"Standard_F8s_v2"}


async def test_no_pool_at_all_is_told_too() -> None:
    batch = Batch()
    assert await Collector([batch], Memory()).sample(batch) == [Sample("render", "", NOON, 60.0)]


async def test_a_sample_stands_for_the_time_since_the_last() -> None:
    batch, store = Batch(pools=(pool(),)), Memory()
    for minutes in (0, 1, 3, 60):
        batch.at = NOON + timedelta(minutes=minutes)
        await Collector([batch], store).collect(batch)  # a new one each time, as after a restart
    assert [sample.seconds for sample in store.samples] == [60, 60, 120, 300]


async def test_a_clock_that_stands_still_gives_no_sample() -> None:
    batch = Batch(pools=(pool(),))
    collector = Collector([batch], Memory())
    await collector.sample(batch)
    assert await collector.sample(batch) == []


async def test_what_was_not_stored_is_made_up_for() -> None:
    batch, store = Batch(pools=(pool(),)), Memory()
    collector = Collector([batch], store)
    await collector.collect(batch)
    batch.at, store.broken = NOON + timedelta(minutes=1), True
    with pytest.raises(StoreError):
        await collector.collect(batch)
    batch.at, store.broken = NOON + timedelta(minutes=2), False
    await collector.collect(batch)
    assert [sample.seconds for sample in store.samples] == [60, 120]


@pytest.mark.parametrize("error", [AzureError("ServerBusy", "later", status=503), RuntimeError("a defect")])
async def test_a_failing_account_does_not_stop_the_others(error: Exception) -> None:
    class Ticking(Batch):
        async def node_counts(self) -> tuple[list[PoolNodeCounts], datetime]:
            self.at += timedelta(minutes=1)
            return await super().node_counts()

    good, bad, store = Ticking("good", (pool(),)), Ticking("bad", (pool(),)), Memory()
    bad.error = error
    task = asyncio.create_task(Collector([bad, good], store, period=0.001).run())
    await store.hold("good", 20)
    bad.error = None
    await store.hold("bad", 1)
    assert len(bad.calls) < len(good.calls), "it backs off"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
