"""Health tells what does not work; metrics are what Prometheus takes in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families

from bot.azure.errors import AzureError
from bot.azure.pipeline import Traffic
from bot.domain.knowledge import find
from bot.monitor.background import BILL, MONEY, NETWORK, Background
from bot.monitor.intake import PATIENCE, IntakeStatus
from bot.monitor.monitor_status import MonitorStatus
from bot.monitor.scene import Blindness
from bot.ops import health
from bot.ops.probes import Probes
from bot.ops.server import WebServer
from bot.outbox.destination_queue import DestinationStatus
from bot.outbox.sender import Totals
from bot.tools.demo import free_port
from bot.webhooks.delivery import Webhooks
from storage.port.condition import StoreCondition
from storage.port.errors import CannotStore
from tests.alerting.alert_room import NOON, Room, StillClock, finding, room, scene


class Observers:
    wait = 30.0
    events: IntakeStatus | None = None


class Post:
    def __init__(self) -> None:
        self.totals = Totals(sent=3, repeated=1)
        self.conversations: list[DestinationStatus] = []
        self.out: dict[str, str] = {}

    def status(self) -> list[DestinationStatus]:
        return self.conversations

    def down(self) -> dict[str, str]:
        return self.out


class Stage:
    def __init__(self, ops: Room) -> None:
        self.ops = ops
        self.post, self.traffic = Post(), {"render": Traffic()}
        self.background = Background(ops.clock)
        self.observer = Observers()
        self.monitor_status = MonitorStatus(
            {"render": self.observer}, self.traffic, self.post, ops.clock, background=self.background
        )
        self.probes = Probes(ops.store, {})
        self.webhooks = Webhooks(ops.clock, self.background)
        self.url = ""

    async def get(self, path: str, status: int = 200) -> str:
        async with ClientSession() as session, session.get(self.url + path) as answer:
            assert answer.status == status
            return await answer.text()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with room(tmp_path) as ops:
        made = Stage(ops)
        app = web.Application()
        app.add_routes(health.routes(made.monitor_status, made.traffic, ops.alerts, made.probes, made.webhooks))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
        await runner.cleanup()


async def test_all_is_well(stage: Stage) -> None:
    await stage.monitor_status.after("render", scene(NOON), NOON)
    assert await stage.get("/health") == '{"status": "ok", "troubles": []}'


async def test_what_does_not_work_is_said(stage: Stage) -> None:
    blind = scene(NOON)
    blind.blind = Blindness(NOON, "NoConnection", "no way")
    await stage.monitor_status.after("render", blind, NOON)
    stage.post.conversations = [
        DestinationStatus("slack:C1", 2, 0, NOON, "not_in_channel"),
        DestinationStatus("slack:C2"),
    ]
    stage.post.out = {"teams": "503"}
    said = await stage.get("/health")
    assert '"degraded"' in said
    assert "account render cannot be read: NoConnection" in said
    assert "slack:C1 cannot be written to: not_in_channel" in said
    assert "teams does not answer: 503" in said
    assert "C2" not in said


async def test_how_far_behind_a_stream_is_is_said(stage: Stage) -> None:
    late = scene(NOON)
    late.behind = {"tasks": NOON - timedelta(seconds=90), "counts": NOON - timedelta(hours=1)}
    await stage.monitor_status.after("render", late, NOON)
    metrics = await stage.get("/metrics")
    assert 'batchbot_unread_seconds{account="render",stream="tasks"} 90.0' in metrics
    assert 'batchbot_unread_seconds{account="render",stream="nodes"} 0.0' in metrics
    assert "late" not in await stage.get("/health"), "a minute and a half is caught up with"
    late.behind = {"tasks": NOON - timedelta(seconds=600)}
    await stage.monitor_status.after("render", late, NOON)
    assert "account render: failed tasks are 10 min late, for want of calls a minute" in await stage.get("/health")


async def test_what_runs_beside_the_watching_is_said(stage: Stage) -> None:
    await stage.monitor_status.after("render", scene(NOON), NOON)
    stage.background.ok(MONEY, "render")
    stage.background.failed(NETWORK, AzureError("Forbidden", "no role", status=403), "render")
    assert '"ok"' in await stage.get("/health")  # somebody has to allow it; the program works
    stage.background.failed(BILL, "Cost Management is asked too often", "render")
    stage.background.failed(MONEY, RuntimeError("a secret"), "render")
    said = await stage.get("/health")
    assert "bill of render: Cost Management is asked too often" in said
    assert "budgets and unusual costs of render: the program failed at it" in said
    assert '"degraded"' in said
    assert "a secret" not in said
    metrics = await stage.get("/metrics")
    assert 'batchbot_background_failing{account="render",part="bill"} 1.0' in metrics
    stage.background.ok(BILL, "render")
    stage.background.ok(MONEY, "render")
    assert '"ok"' in await stage.get("/health")
    assert 'batchbot_background_failing{account="render",part="bill"} 0.0' in await stage.get("/metrics")


async def test_a_part_that_could_not_store_is_no_trouble_once_there_is_room(stage: Stage) -> None:
    condition = StoreCondition(failing="bot.db: the disk is full: make room, and it goes on by itself")
    stage.monitor_status.store = stage.background.store = stage.probes.condition = condition
    stage.background.failed(BILL, CannotStore(condition.failing), "render")
    stage.background.failed(NETWORK, "no answer", "render")
    assert (await stage.get("/health")).count("the disk is full") == 2
    assert 'batchbot_background_failing{account="render",part="bill"} 1.0' in await stage.get("/metrics")
    condition.failing = ""
    said = await stage.get("/health")
    assert "the disk is full" not in said
    assert "no answer" in said, "what has another reason is still one"
    metrics = await stage.get("/metrics")
    assert 'batchbot_background_failing{account="render",part="bill"} 0.0' in metrics
    assert 'batchbot_background_failing{account="render",part="network counters"} 1.0' in metrics


def test_since_is_the_first_failure_of_a_row() -> None:
    clock = StillClock(NOON)
    background = Background(clock)
    background.ok(BILL)
    for _ in range(2):
        clock.at += timedelta(minutes=5)
        background.failed(BILL, "no answer")
    [found] = background.all()
    assert (found.last_ok, found.since) == (NOON, NOON + timedelta(minutes=5))


async def test_an_account_that_is_not_looked_at_any_more_is_said(stage: Stage) -> None:
    await stage.monitor_status.after("render", scene(NOON), NOON)
    stage.ops.clock.at = NOON + timedelta(minutes=10)
    assert "account render was not polled since 12:00 UTC" in await stage.get("/health")


async def test_figures_per_minute_are_those_of_the_last_minutes(stage: Stage) -> None:
    traffic = stage.traffic["render"]
    for minute in range(21):
        traffic.calls += 40 if minute > 10 else 4
        traffic.bytes += 1000
        await stage.monitor_status.after("render", scene(NOON), NOON + timedelta(minutes=minute))
    [account] = stage.monitor_status.accounts()
    assert account.calls == 40
    assert account.received == 1000


async def test_throttling_is_said_until_it_is_over_for_a_while(stage: Stage) -> None:
    traffic = stage.traffic["render"]
    for minute, count in enumerate([0, 3, 5, 5, 5, 5]):
        traffic.throttled = count
        stage.ops.clock.at = NOON + timedelta(minutes=minute)
        await stage.monitor_status.after("render", scene(NOON), stage.ops.clock.at)
    assert stage.monitor_status.accounts()[0].throttled == NOON + timedelta(minutes=1)
    stage.ops.clock.at = NOON + timedelta(minutes=9)
    assert stage.monitor_status.accounts()[0].throttled is None


async def test_how_the_intake_of_events_stands_is_said(stage: Stage) -> None:
    await stage.monitor_status.after("render", scene(NOON), NOON)
    assert "events_unread{" not in await stage.get("/metrics")
    stage.observer.events = IntakeStatus(heard=9, told=2, malformed=1, last=NOON, late=140.5, open=True)
    said = await stage.get("/metrics")
    for outcome, number in (("heard", 9), ("told", 2), ("malformed", 1)):
        assert f'batchbot_events_total{{account="render",outcome="{outcome}"}} {number}.0' in said
    assert 'batchbot_events_late_seconds{account="render"} 140.5' in said
    assert 'batchbot_events_unread{account="render"} 0.0' in said
    stage.observer.events = IntakeStatus(error="Unauthorized: no role", since=NOON, times=3)
    stage.ops.clock.at = NOON + timedelta(seconds=60)
    assert 'batchbot_events_unread{account="render"} 1.0' in await stage.get("/metrics")
    assert not [each for each in stage.monitor_status.troubles() if "diagnostic" in each], "it may pass"
    stage.ops.clock.at = NOON + PATIENCE
    assert "account render: its diagnostic events cannot be read: Unauthorized" in stage.monitor_status.troubles()


async def test_metrics_are_what_prometheus_reads(stage: Stage) -> None:
    stage.ops.found["node.unusable"] = [finding("a"), finding("b")]
    await stage.ops.look()
    await stage.monitor_status.after("render", scene(NOON), NOON)
    stage.traffic["render"].calls = 7
    assert find("node", code="SolarFlare") is None
    stage.post.conversations = [DestinationStatus("slack:C1", 2, 0, NOON, "not_in_channel")]
    families = {each.name: each for each in text_string_to_metric_families(await stage.get("/metrics"))}
    values = {
        sample.name: (sample.labels, sample.value)
        for name, family in families.items()
        if name.startswith("batchbot")
        for sample in family.samples
    }
    assert values["batchbot_azure_calls_total"] == ({"account": "render"}, 7.0)
    assert values["batchbot_incidents_open"] == ({"account": "render", "severity": "warning"}, 2.0)
    assert values["batchbot_outbox_messages_waiting"] == ({"platform": "slack"}, 2.0)
    assert values["batchbot_conversations_unreachable"] == ({"platform": "slack"}, 1.0)
    unknown = {(each.labels["where"], each.labels["code"]) for each in families["batchbot_unknown_causes"].samples}
    assert ("node", "solarflare") in unknown
    assert all(families[name].documentation for name in families if name.startswith("batchbot"))


async def test_the_world_learns_no_details(stage: Stage) -> None:
    blind = scene(NOON)
    blind.blind = Blindness(NOON, "NoConnection", "no way")
    await stage.monitor_status.after("render", blind, NOON)
    server = WebServer(f"127.0.0.1:{(port := free_port())}", health.bare_routes(stage.monitor_status, stage.probes))
    await server.start()
    async with ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/health") as answer:
            assert await answer.json() == {"status": "degraded"}
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"status": "not ready"})
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 404
    await server.close()


async def test_a_fault_of_ours_is_answered_without_a_word_of_it() -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("the secret inside")

    server = WebServer(f"127.0.0.1:{(port := free_port())}", [web.get("/", broken)])
    await server.start()
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
        assert (answer.status, await answer.text()) == (500, "")
        assert answer.headers["Server"] == "batchbot"
    await server.close()
