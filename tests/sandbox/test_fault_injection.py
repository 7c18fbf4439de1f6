"""Fault injection over HTTP, as tests and the demo ask for it, seen by a real client."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError

from bot.sandbox.entity_parts import StartTask
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, Schedule
from bot.sandbox.server import AzureSandbox, run, skewed
from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios.parts import add_account, on

from .world_check import Watch

START = datetime(2026, 11, 24, tzinfo=UTC)


class Stage:
    """A served account of one pool and one schedule, its clock's handle, and a Batch client that does not retry."""

    def __init__(self, sandbox: AzureSandbox, client: BatchClient, http: ClientSession) -> None:
        self.sandbox = sandbox
        self.client = client
        self.http = http
        self.watch = Watch(sandbox.world)

    async def post(self, body: object, route: str = "inject") -> tuple[int, Any]:
        async with self.http.post(f"/_sandbox/{route}", json=body) as answer:
            return answer.status, await answer.json()

    async def play(self, kind: str, **fields: object) -> Any:
        status, told = await self.post({"kind": kind, **fields})
        assert (status, told.get("kind")) == (200, kind), told
        self.watch.look()
        return told

    async def wait(self, seconds: float) -> None:
        assert (await self.post({"advance": seconds}, "clock"))[0] == 200
        self.watch.look()

    async def nodes(self) -> Counter[object]:
        return Counter([node.state async for node in self.client.list_nodes("pool")])


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    world = World(7, Clock(START, paused=True))
    account = add_account(world, "acc", "westeurope", dedicated=60, spot=40, families={"standardDSv3Family": 60})
    spec = PoolSpecification(
        vm_size="Standard_D4s_v3",
        target_dedicated_nodes=4,
        target_low_priority_nodes=3,
        start_task=StartTask(command_line="setup"),
    )
    account.allocator.add("pool", spec, since=START - timedelta(days=1))
    sandbox = AzureSandbox(world)
    await sandbox.start()
    url, key = sandbox.endpoints["acc"], AzureNamedKeyCredential("acc", account.facts.keys[0])
    async with BatchClient(url, key, retry_total=0) as client, ClientSession(url) as http:
        yield Stage(sandbox, client, http)
    await sandbox.close()


async def test_a_storm_of_a_hundred_causes(stage: Stage) -> None:
    causes = [f"exit-{code}" for code in range(1, 99)] + ["disk-full", "blob-not-found"]
    told = await stage.play("storm", jobs=["a", "b"], causes=causes, number=2000, seconds=60, pool="pool")
    assert told == {"kind": "storm", "now": "2026-11-24T00:00:00Z", "failing": {"a": 1000, "b": 1000}, "number": 2000}
    await stage.wait(60)
    seen: Counter[object] = Counter()
    for job in ("a", "b"):
        counts = (await stage.client.get_job_task_counts(job)).task_counts
        assert (counts.active, counts.running, counts.succeeded, counts.failed) == (0, 0, 0, 1000)
        async for task in stage.client.list_tasks(job, filter="executionInfo/result eq 'failure'"):
            info = task.execution_info
            assert info
            assert info.failure_info
            seen[info.exit_code or info.failure_info.code] += 1
    assert seen == dict.fromkeys([*range(1, 99), "DiskFull", "BlobNotFound"], 20)


async def test_waves_and_breakdowns_of_nodes(stage: Stage) -> None:
    taken = (await stage.play("preempt", pool="pool", number=2))["nodes"]
    broken = (await stage.play("break", pool="pool", number=2))["nodes"]
    failed = (await stage.play("startTaskFails", pool="pool"))["nodes"]
    assert len({*taken, *broken, *failed}) == 5
    assert await stage.nodes() == {"preempted": 2, "unusable": 2, "starttaskfailed": 1, "idle": 2}
    assert set((await stage.play("heal", pool="pool"))["nodes"]) == {*broken, *failed}
    await stage.wait(4 * 3600)
    assert await stage.nodes() == {"idle": 7}


async def test_a_flapping_node(stage: Stage) -> None:
    [node] = (await stage.play("flap", pool="pool", times=3, every=10))["nodes"]
    states = []
    for _ in range(7):
        states.append((await stage.client.get_node("pool", node)).state)
        await stage.wait(5)
    assert states == ["unusable", "idle"] * 3 + ["idle"]
    named = (await stage.play("flap", pool="pool", node=node))["nodes"]
    assert named == [node]


async def test_resizes_that_stick_and_fail(stage: Stage) -> None:
    told = await stage.play("stuckResize", pool="pool", dedicated=6)
    assert (told["allocationState"], told["stuck"], told["targetDedicatedNodes"]) == ("resizing", True, 6)
    await stage.wait(86_400)
    assert (await stage.client.get_pool("pool")).allocation_state == "resizing"
    await stage.play("unstick", pool="pool")
    await stage.wait(3600)
    assert (await stage.client.get_pool("pool")).allocation_state == "steady"
    await stage.play("failResize", pool="pool", code="AllocationFailed", message="No machines", lowPriority=9)
    pool = await stage.client.get_pool("pool")
    assert [(error.code, error.message) for error in pool.resize_errors or ()] == [("AllocationFailed", "No machines")]
    assert (pool.current_dedicated_nodes, pool.current_low_priority_nodes, pool.target_low_priority_nodes) == (6, 3, 9)


async def test_autoscale_that_errs_or_sleeps(stage: Stage) -> None:
    status, told = await stage.post({"kind": "autoscale", "pool": "pool", "error": True})
    assert (status, told["code"], told["Reason"]) == (
        409,
        "OperationInvalidForCurrentState",
        "the pool has no autoscale",
    )
    stage.sandbox.world.accounts["acc"].commands.set_autoscale("pool", "$TargetDedicatedNodes = 3;", "PT5M")
    await stage.play("autoscale", pool="pool", error=True)
    await stage.wait(300)
    run = (await stage.client.get_pool("pool")).auto_scale_run
    assert run
    assert run.error
    assert run.error.code == "AutoScalingFormulaEvaluationError"
    await stage.play("autoscale", pool="pool", stale=True)
    await stage.wait(3600)
    later = (await stage.client.get_pool("pool")).auto_scale_run
    assert later
    assert later.timestamp == run.timestamp
    await stage.play("autoscale", pool="pool")
    await stage.wait(300)
    later = (await stage.client.get_pool("pool")).auto_scale_run
    assert later
    assert (later.error, later.timestamp) == (None, START + timedelta(minutes=70))


async def test_jobs_from_outside(stage: Stage) -> None:
    told = await stage.play("addJob", job="job", pool="pool", tasks=50, seconds=30, failing=0.3, cause="exit-42")
    assert (told["job"], told["tasks"]) == ("job", 50)
    await stage.play("addTask", job="job", task="last", seconds=5, cause="disk-full")
    await stage.play("stuckJob", job="job")
    await stage.wait(86_400)
    counts = (await stage.client.get_job_task_counts("job")).task_counts
    assert (counts.active, counts.running, counts.completed) == (44, 7, 0)
    assert (await stage.play("unstick", job="job"))["job"] == "job"
    await stage.wait(900)
    codes = Counter([task.execution_info.exit_code async for task in stage.client.list_tasks("job")])  # type: ignore[union-attr]
    assert set(codes) == {0, 42, None}
    assert codes[None] == 1
    told = await stage.play("terminateJob", job="job", reason="enough")
    assert told["state"] == "terminating"
    await stage.wait(60)
    info = (await stage.client.get_job("job")).execution_info
    assert info
    assert info.termination_reason == "enough"


async def test_a_barren_schedule(stage: Stage) -> None:
    stage.sandbox.world.accounts["acc"].commands.add_schedule(
        "hourly",
        Schedule(recurrence_interval="PT1H", do_not_run_until=START + timedelta(minutes=10)),
        JobSpecification(pool_info=on("pool")),
    )
    told = await stage.play("blockedSchedule", schedule="hourly")
    assert told["nextRunTime"] == "2026-11-24T00:10:00Z"
    await stage.wait(1800)
    info = (await stage.client.get_job_schedule("hourly")).execution_info
    assert info
    assert (info.next_run_time, info.recent_job) == (START + timedelta(minutes=10), None)
    await stage.play("blockedSchedule", schedule="hourly", blocked=False)
    await stage.wait(90)
    assert [job.id async for job in stage.client.list_jobs()] == ["hourly:job-1"]


async def test_deletions(stage: Stage) -> None:
    await stage.play("addJob", job="slow", pool="pool")
    await stage.play("addJob", job="fast", pool="pool")
    assert (await stage.play("delete", job="slow"))["gone"] is False
    await stage.play("delete", job="fast", atOnce=True)
    assert [(job.id, job.state) async for job in stage.client.list_jobs()] == [("slow", "deleting")]
    await stage.play("delete", pool="pool")
    assert await stage.nodes() == {"leavingpool": 7}
    await stage.play("delete", pool="pool", atOnce=True)
    assert [pool.id async for pool in stage.client.list_pools()] == []


async def test_lists_lag_and_single_things_do_not(stage: Stage) -> None:
    await stage.play("lag", seconds=45)
    await stage.play("addJob", job="job", pool="pool", tasks=5, seconds=600)
    await stage.wait(60)
    assert len([task async for task in stage.client.list_tasks("job", filter="state eq 'running'")]) == 5
    since = stage.sandbox.world.time
    await stage.play("storm", job="job", causes=["exit-1"], number=5)
    await stage.play("terminateJob", job="job")
    broken = (await stage.play("break", pool="pool"))["nodes"][0]
    news = f"stateTransitionTime ge DateTime'{since:%Y-%m-%dT%H:%M:%SZ}'"

    async def listed() -> tuple[int, int, int, int]:
        return (
            len([task async for task in stage.client.list_tasks("job", filter=news)]),
            len([job async for job in stage.client.list_jobs(filter=news)]),
            len([node async for node in stage.client.list_nodes("pool", filter=news)]),
            (await stage.client.get_job_task_counts("job")).task_counts.failed,
        )

    assert await listed() == (0, 0, 0, 0)
    assert (await stage.client.get_node("pool", broken)).state == "unusable"
    assert (await stage.client.get_job("job")).state == "terminating"
    [counts] = [counts async for counts in stage.client.list_pool_node_counts()]
    assert counts.dedicated
    assert counts.low_priority
    assert counts.dedicated.unusable + counts.low_priority.unusable == 0
    await stage.wait(44)
    assert await listed() == (0, 0, 0, 0)
    await stage.wait(10)
    assert await listed() == (5, 1, 5, 5)  # four of the nodes are idle again
    await stage.play("lag", seconds=0)


async def test_a_clock_that_is_ahead(stage: Stage) -> None:
    assert (await stage.play("skew", seconds=300))["now"] == "2026-11-24T00:05:00Z"
    async with stage.http.get("/pools?api-version=2025-06-01") as answer:
        assert answer.headers["Date"] == "Tue, 24 Nov 2026 00:05:00 GMT"
    status, told = await stage.post({"kind": "skew", "seconds": -300})
    assert (status, "start the sandbox with --skew" in told["error"]) == (400, True)


@pytest.mark.parametrize("module", [["bot", "sandbox"], ["bot.sandbox"]])
def test_a_clock_that_is_behind_from_the_start(module: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", *module, "--scenario", "tiny", "--skew=-3600"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        told = {}
        while "IDENTITY_HEADER" not in told:
            name, found, value = running.stdout.readline().strip().partition("=")
            assert found, name
            told[name] = value
        with urllib.request.urlopen(f"{told['ARM_ENDPOINT']}/_sandbox/clock", timeout=10) as answer:
            now = msgspec.json.decode(answer.read(), type=dict[str, Any])["now"]
        running.terminate()
    behind = datetime.now(UTC) - datetime.fromisoformat(now)
    assert timedelta(minutes=59) < behind < timedelta(minutes=65)


async def test_a_skew_beyond_reason() -> None:
    for wrong in (1e12, float("nan")):
        with pytest.raises(ValueError, match="the clock may be off by"):
            skewed(wrong)
    with pytest.raises(ValueError, match="the clock may be off by"):
        await run(0, "tiny", 1, 1.0, skew=float("inf"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "rain"}, "Invalid value 'rain'"),
        ({"job": "j"}, "missing required field `kind`"),
        ([], "Expected `object`"),
        ({"kind": "preempt"}, "missing required field `pool`"),
        ({"kind": "preempt", "pool": "pool", "number": 0}, "Expected `int` >= 1"),
        ({"kind": "preempt", "pool": "pool", "nodes": 3}, "unknown field `nodes`"),
        ({"kind": "storm", "causes": ["exit-1"], "number": 3}, "either `job` or `jobs`"),
        ({"kind": "storm", "job": "j", "causes": [], "number": 3}, "length >= 1"),
        ({"kind": "storm", "job": "j", "causes": ["rain"], "number": 3}, "rain is no cause of failure"),
        ({"kind": "unstick", "job": "j", "pool": "p"}, "either a `pool` or a `job`"),
        ({"kind": "delete"}, "delete one of"),
        ({"kind": "delete", "job": "j", "pool": "p"}, "delete one of"),
        ({"kind": "autoscale", "pool": "p", "error": True, "stale": True}, "either `error` or `stale`"),
        ({"kind": "lag", "seconds": -1}, "Expected `float` >= 0"),
        ({"kind": "lag", "seconds": 100_000}, "a lag is between 0 and 86400"),
        ({"kind": "skew", "seconds": 1e12}, "Expected `float` <= 86400"),
        ({"kind": "flap", "pool": "pool", "every": 0}, "Expected `float` > 0"),
    ],
)
async def test_nonsense_is_refused_in_words(stage: Stage, body: object, words: str) -> None:
    status, told = await stage.post(body)
    assert (status, words in told["error"]) == (400, True), told


async def test_what_is_not_json(stage: Stage) -> None:
    async with stage.http.post("/_sandbox/inject", data=b"{storm") as answer:
        assert (answer.status, bool((await answer.json())["error"])) == (400, True)


async def test_what_is_not_there(stage: Stage) -> None:
    for body, code in (
        ({"kind": "break", "pool": "nope"}, "PoolNotFound"),
        ({"kind": "flap", "pool": "pool", "node": "nope"}, "NodeNotFound"),
        ({"kind": "stuckJob", "job": "nope"}, "JobNotFound"),
        ({"kind": "blockedSchedule", "schedule": "nope"}, "JobScheduleNotFound"),
    ):
        status, told = await stage.post(body)
        assert (status, told["code"]) == (404, code)
        assert told["error"]


async def test_pages_that_fail_half_way(stage: Stage) -> None:
    await stage.play("addJob", job="job", pool="pool", tasks=50)
    fault = {"kind": "error", "path": r"^/jobs/job/tasks\?.*skiptoken", "skip": 1, "count": 1, "status": 503}
    assert (await stage.post(fault, "faults"))[0] == 201
    ids: list[str] = []
    pages = stage.client.list_tasks("job", max_results=20).by_page()
    with pytest.raises(HttpResponseError) as failure:
        async for page in pages:
            ids += [task.id async for task in page]
    assert failure.value.status_code == 503
    assert len(ids) == 40
    again = [task.id async for task in stage.client.list_tasks("job", max_results=20)]
    assert len(again) == 50
    assert ids == again[:40]
    assert [fault.struck for fault in stage.sandbox.faults["acc"].all] == [1]


async def test_the_date_of_an_answer_is_the_services(stage: Stage) -> None:
    async with stage.http.get("/pools?api-version=2025-06-01") as answer:
        assert parsedate_to_datetime(answer.headers["Date"]) == START
