"""Slack's rules for an app, kept by adapter, dispatcher and journal together: soon, once, seldom, and never deaf."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.azure.accounts import Accounts
from bot.chat.port import Chat
from bot.chat.request import CommandRequest
from bot.chat.slack.adapter import Slack
from bot.chat.slack.settings import SlackSettings
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.command import Mark
from bot.requests.context import Context
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.sandbox.slack import SlackSettings as Workspace
from bot.sandbox.slack import SlackStandIn
from bot.secrets import Secret
from bot.settings import AccessSettings
from cards.build import blocks, bold, text
from cards.card import Actions, Button, Card
from storage.sqlite.store import SqliteStore

_BUTTONS = Actions((Button("Again", "work name:again", how="edit"), Button("Fill in", "work", how="form")))


class Kitchen:
    """A command that takes as long as a test wants."""

    def __init__(self) -> None:
        self.orders: list[CommandRequest] = []
        self.open = asyncio.Event()
        self.open.set()

    def registry(self) -> Registry:
        """Knows the one command, ``work``."""

        async def work(ctx: Context, *, name: str = "somebody") -> Card:
            """Work for somebody.

            :param name: for whom
            """
            self.orders.append(ctx.request)
            await self.open.wait()
            title = text(bold(f"answer {len(self.orders)} to {name}"))
            return Card(title=title, as_of=datetime.now(UTC), blocks=blocks(_BUTTONS))

        registry = Registry()
        registry.add(work, Mark("work", "viewer", (), 0))
        return registry


class Bench:
    """The adapter with a real dispatcher and journal before the strict stand-in."""

    def __init__(self, slack: Slack, workspace: SlackStandIn, kitchen: Kitchen, store: SqliteStore) -> None:
        self.slack, self.workspace, self.kitchen, self.store = slack, workspace, kitchen, store

    def said(self, channel: str = "batch-ops") -> list[dict[str, Any]]:
        """The bot's messages, the ones only some people see included."""
        return [each for each in self.workspace.messages(channel) if each.get("bot_id")]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110 - the stand-in tells nobody what a test waits for
                await asyncio.sleep(0.01)

    def outcomes(self) -> list[str]:
        return [each["outcome"] for each in self.workspace.deliveries]

    def element(self, label: str, channel: str = "batch-ops") -> tuple[str, str, str]:
        """What a click needs to name: message, action, block."""
        message = self.said(channel)[-1]
        (block,) = (block for block in message["blocks"] if block["type"] == "actions")
        button = next(each for each in block["elements"] if each["text"]["text"] == label)
        return message["ts"], button["action_id"], block["block_id"]


@asynccontextmanager
async def at_work(mode: str, folder: Path, *, deaf_seconds: float = 600.0, **settings: Any) -> AsyncIterator[Bench]:
    # What is to be late here says so; a busy machine is no defect.
    quick = {"post_burst": 0, "tiers": False, "time_scale": 0.0, "acknowledge_within": 60.0, **settings}
    workspace = SlackStandIn(Workspace(socket_mode=mode == "socket", **quick))
    await workspace.start()
    store, kitchen = SqliteStore.open(folder / "bot.db"), Kitchen()
    slack = Slack(
        SlackSettings(mode=mode, api_url=workspace.api_url),  # type: ignore[arg-type]
        store,
        None,  # type: ignore[arg-type] # no card here has a picture
        bot_token=Secret(workspace.settings.bot_token),
        signing_secret=Secret(workspace.settings.signing_secret),
        app_token=Secret(workspace.settings.app_token),
        deaf_seconds=deaf_seconds,
    )
    chats: dict[str, Chat] = {"slack": slack}
    accounts = Accounts({}, {})
    policy = Policy(Access(AccessSettings()))
    dispatcher = Dispatcher(Services(kitchen.registry(), policy, store, AzureReading(accounts)))
    intake = RequestJournal(dispatcher, store, chats)
    app = web.Application()
    app.add_routes(slack.routes())
    runner = web.AppRunner(app)  # which, unlike aiohttp's TestServer, works on when Slack hangs up
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        await slack.start(intake)
        yield Bench(slack, workspace, kitchen, store)
    finally:
        kitchen.open.set()
        await workspace.settle()
        await runner.cleanup()
        await intake.drain(10)
        await slack.stop()
        await workspace.close()
        await accounts.close()
        await store.close()


both = pytest.mark.parametrize("mode", ["http", "socket"])


@both
async def test_everything_is_acknowledged_while_commands_take_long(mode: str, tmp_path: Path) -> None:
    async with at_work(mode, tmp_path) as bench:
        await bench.workspace.command("viewer", "batch-ops", "work name:first")
        await bench.until(bench.said)
        bench.kitchen.open.clear()
        acknowledged = [
            await bench.workspace.command("viewer", "batch-ops", "work name:slow"),
            await bench.workspace.click("viewer", "batch-ops", *bench.element("Again")),
            await bench.workspace.click("viewer", "batch-ops", *bench.element("Fill in")),
        ]
        await bench.until(lambda: bench.workspace.views("viewer"))
        (view,) = bench.workspace.views("viewer")
        acknowledged.append(await bench.workspace.submit_view("viewer", view["id"], {}))
        await bench.workspace.say("viewer", "batch-ops", "@batchbot work")
        await bench.workspace.settle()
        assert all(each.ok for each in acknowledged)
        assert set(bench.outcomes()) == {"ok"}
        await bench.until(lambda: len(bench.kitchen.orders) == 6)  # the form is tried before it is taken
        assert len(bench.said()) == 1
        bench.kitchen.open.set()
        await bench.until(lambda: len(bench.said()) == 4)
        assert bench.said()[0]["edits"] == 1


@both
async def test_a_retry_of_what_was_taken_in_is_not_worked_again(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first acknowledgement comes too late although the journal has the request: Slack sends the event again."""
    accept, slow = SqliteStore.accept, [1.0]

    async def late(self: SqliteStore, key: str, body: bytes, at: datetime, **held: Any) -> bool:
        new = await accept(self, key, body, at, **held)
        await asyncio.sleep(slow.pop() if slow else 0)
        return new

    monkeypatch.setattr(SqliteStore, "accept", late)
    async with at_work(mode, tmp_path, acknowledge_within=0.5) as bench:
        await bench.workspace.say("viewer", "batch-ops", "@batchbot work")
        await bench.workspace.settle()
        assert bench.outcomes() == ["operation_timeout", "ok"]
        assert len({each["payload"]["event_id"] for each in bench.workspace.deliveries}) == 1
        await bench.until(bench.said)
    assert len(bench.kitchen.orders) == 1
    assert len(bench.said()) == 1


async def test_a_reply_address_is_used_sparingly(tmp_path: Path) -> None:
    """Five uses is what Slack allows; an answer takes one, however it goes."""
    async with at_work("http", tmp_path) as bench:
        await bench.workspace.command("viewer", "random", "work")
        await bench.until(lambda: bench.said("random"))
        bench.workspace.faults.errors["chat.update"] = ["channel_not_found"] * 7
        for edits in range(1, 8):
            await bench.workspace.click("viewer", "random", *bench.element("Again", "random"))
            await bench.until(lambda: bench.said("random")[0]["edits"] == edits)  # noqa: B023
        addresses = bench.workspace._core.replies.issued.values()
        assert [address.uses for address in addresses] == [1] * 8
        assert len(bench.said("random")) == 1


@pytest.mark.slow
async def test_a_socket_that_slack_renews_goes_on_being_answered(tmp_path: Path) -> None:
    async with at_work("socket", tmp_path) as bench:
        for number, reason in enumerate(("warning", "refresh_requested"), 1):
            sockets = bench.workspace._core.sockets
            before = list(sockets.connections)
            await bench.workspace.refresh_sockets(reason)
            await bench.until(lambda: sockets.connections and not any(each in sockets.connections for each in before))  # noqa: B023
            assert (await bench.workspace.command("viewer", "batch-ops", "work")).ok
            await bench.until(lambda: len(bench.said()) == number)  # noqa: B023


async def test_a_deaf_socket_is_noticed_and_replaced_however_often_that_is_refused(tmp_path: Path) -> None:
    async with at_work("socket", tmp_path, deaf_seconds=0.3, acknowledge_within=0.2) as bench:
        sockets = bench.workspace._core.sockets
        (old,) = sockets.connections
        with capture_logs() as logs:
            bench.workspace.faults.deaf = True
            bench.workspace.faults.errors["apps.connections.open"] = ["internal_error"]
            assert not (await bench.workspace.command("viewer", "batch-ops", "work name:lost")).ok
            await bench.until(lambda: sockets.connections and old not in sockets.connections)
            bench.workspace.faults.deaf = False
            assert (await bench.workspace.command("viewer", "batch-ops", "work")).ok
            await bench.until(bench.said)
        told = [line["event"] for line in logs if re.match(r"slack\.(socket_silent|reconnect)", line["event"])]
        assert told[:3] == ["slack.socket_silent", "slack.reconnect_failed", "slack.socket_silent"]
        assert [request.text for request in bench.kitchen.orders] == ["work"]
