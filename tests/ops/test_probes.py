"""What a restart may mend, and what keeps requests away: the two are asked apart."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.ops.probes import Probes
from storage.port.condition import StoreCondition
from storage.port.errors import StoreError
from storage.port.preferences import Preference
from tests.chat.test_slack import _harness
from tests.chat.test_teams_stand_in import Meeting
from tests.ops.test_health import Stage
from tests.ops.test_health import stage as stage  # noqa: PLC0414 - a fixture


class Store:
    """Answers, breaks or keeps silent."""

    def __init__(self) -> None:
        self.error: StoreError | None = None
        self.silent = False
        self.asked = 0

    async def preferences(self, namespace: str, owner: str) -> list[Preference]:
        self.asked += 1
        if self.silent:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return []


class Chat:
    def __init__(self, why: str = "") -> None:
        self.why = why

    async def unconnected(self) -> str:
        return self.why


async def _ends() -> None:
    """A part that is done by itself, such as prices that were read once."""


async def _breaks() -> None:
    raise RuntimeError("what nobody thought of")


async def test_it_is_not_ready_before_its_start_and_after_its_end_has_begun() -> None:
    probes = Probes(Store(), {"slack": Chat()})
    assert (await probes.dead(), await probes.unready()) == ([], ["it is still starting"])
    probes.started([])
    assert await probes.unready() == []
    probes.stopping()
    assert (await probes.dead(), await probes.unready()) == ([], ["it is being stopped"])


async def test_a_part_that_broke_down_wants_a_restart_and_one_that_is_done_does_not() -> None:
    probes = Probes(Store(), {})
    done = asyncio.create_task(_ends(), name="prices at hand")
    cancelled = asyncio.create_task(asyncio.sleep(3600), name="watcher")
    cancelled.cancel()
    broken = asyncio.create_task(_breaks(), name="outbox")
    with capture_logs() as logged:
        probes.started([done, cancelled, broken])
        await asyncio.wait([done, cancelled, broken])
        await asyncio.sleep(0)
    assert await probes.dead() == ["what runs all the time has broken down: outbox"]
    assert await probes.unready() == await probes.dead()
    assert [each["part"] for each in logged] == ["outbox"]


async def test_a_store_that_answers_nothing_or_nonsense_wants_a_restart() -> None:
    store = Store()
    probes = Probes(store, {}, patience=0.01)
    probes.started([])
    store.error = StoreError("bot.db: it is damaged")
    assert await probes.dead() == ["the database does not answer: bot.db: it is damaged"]
    silent = Store()
    silent.silent = True
    probes = Probes(silent, {}, patience=0.01)
    probes.started([])
    for _ in range(3):
        assert await probes.unready() == ["the database has not answered for 0 s"]
    assert silent.asked == 1, "who asks all the time must not queue up questions behind one that waits"


async def test_questions_one_after_the_other_are_one_question_to_the_store() -> None:
    store = Store()
    probes = Probes(store, {})
    await asyncio.gather(*(probes.dead() for _ in range(50)))
    for _ in range(50):
        await probes.dead()
    assert store.asked == 1


async def test_a_full_disk_is_no_reason_to_restart() -> None:
    probes = Probes(Store(), {})
    probes.started([])
    probes.condition = StoreCondition(failing="bot.db: the disk is full")
    assert (await probes.dead(), await probes.unready()) == ([], ["nothing can be stored: bot.db: the disk is full"])


async def test_one_platform_of_two_is_enough_to_take_requests() -> None:
    slack, teams = Chat("Slack refuses the bot"), Chat()
    probes = Probes(Store(), {"slack": slack, "teams": teams})
    probes.started([])
    assert await probes.unready() == []
    teams.why = "it has not begun to receive"
    assert await probes.unready() == [
        "slack is not connected: Slack refuses the bot",
        "teams is not connected: it has not begun to receive",
    ]
    assert await probes.dead() == []


async def test_both_say_so_over_http(stage: Stage) -> None:
    assert '"not ready", "reasons": ["it is still starting"]' in await stage.get("/readyz", 503)
    broken = asyncio.create_task(_breaks(), name="outbox")
    await asyncio.wait([broken])
    stage.probes.started([])
    assert await stage.get("/readyz") == '{"status": "ready", "reasons": []}'
    stage.post.out = {"slack": "503"}
    assert '"degraded"' in await stage.get("/health"), "an outage of Slack restarts nothing"
    assert '"ready"' in await stage.get("/readyz"), "and what is asked meanwhile is kept"
    stage.probes.started([broken])
    assert '"dead", "troubles": ["what runs all the time has broken down: outbox"' in await stage.get("/health", 503)
    assert "outbox" in await stage.get("/readyz", 503)


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_slack_is_connected_once_it_has_said_who_the_bot_is(mode: str) -> None:
    async for harness in _harness(mode, out=True):
        probes = Probes(Store(), {"slack": harness.slack})
        probes.started([])
        assert await probes.unready() == ["slack is not connected: Slack has not said yet who the bot is"]
        harness.workspace.faults.outage = False
        while await probes.unready():  # noqa: ASYNC110 - nothing tells of it but the question itself
            await asyncio.sleep(0.01)
        harness.slack._installation.refused = True
        assert await probes.unready() == [
            "slack is not connected: Slack refuses the bot: install the app, or renew its token"
        ]
        assert await probes.dead() == []


async def test_a_socket_that_is_closed_is_no_connection() -> None:
    async for harness in _harness("socket"):
        assert await harness.slack.unconnected() == ""
        assert harness.slack._socket
        await harness.slack._socket.client.disconnect()
        assert await harness.slack.unconnected() == "its socket is not open"


async def test_teams_is_connected_while_it_may_call() -> None:
    meeting = Meeting()
    await meeting.start()
    assert await meeting.teams.unconnected() == ""
    await meeting.teams.stop()
    assert await meeting.teams.unconnected() == "it has not begun to receive"
    await meeting.close()
