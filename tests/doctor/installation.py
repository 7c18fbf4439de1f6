"""An installation on the other side of the wire: Azure, Slack and Teams as stand-ins, and the file that names them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from bot.chat.request import Conversation
from bot.doctor.command import doctor
from bot.sandbox.server import AzureSandbox
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.sandbox.teams import TeamsStandIn
from bot.sandbox.wire.arm.permissions import Grant
from bot.sandbox.wire.tokens import Tokens
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from storage.port.conversations import ConversationReference
from storage.sqlite.store import SqliteStore

APP = "5b0f3a52-6f0c-4d7c-9d55-0c1f2f5a7b10"
OPS = "C0BATCHOPS"
BATCH = "Microsoft.Batch"
READER = Grant(actions=(f"{BATCH}/*/read",), data_actions=(f"{BATCH}/*/read",))
COST = Grant(actions=("Microsoft.CostManagement/*/read",))
METRICS = Grant(actions=("*/read",))
CONTRIBUTOR = Grant(
    actions=tuple(f"{BATCH}/batchAccounts/{each}/*" for each in ("pools", "applications", "certificates")),
    data_actions=tuple(f"{BATCH}/batchAccounts/{each}/*" for each in ("jobs", "jobSchedules")),
)


class Installation:
    """A settings file, what it names, and the doctor."""

    def __init__(self, folder: Path, azure: AzureSandbox, slack: SlackStandIn, teams: TeamsStandIn) -> None:
        self.azure, self.slack, self.teams = azure, slack, teams
        self.file = folder / "batchbot.toml"
        self.database = folder / "data" / "batchbot.db"
        self.database.parent.mkdir()
        [(self.name, endpoint)] = azure.endpoints.items()
        self.facts = azure.world.accounts[self.name].facts
        self.environment = {
            "SLACK_BOT_TOKEN": slack.settings.bot_token,
            "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
            "SLACK_APP_TOKEN": slack.settings.app_token,
        }
        self.raw: dict[str, dict[str, Any]] = {
            "bot": {"database": str(self.database), "prices_url": azure.prices_url, "public_url": "http://127.0.0.1:9"},
            f"accounts.{self.name}": {
                "endpoint": endpoint,
                "account": self.name,
                "subscription": self.facts.subscription,
                "resource_group": self.facts.resource_group,
                "region": self.facts.location,
                "arm_endpoint": azure.arm_url,
                "metrics_endpoint": azure.metrics_url,
                "credential": "managed_identity",
            },
            "slack": {"api_url": slack.api_url},
            "teams": {
                "app_id": APP,
                "tenant_id": teams.tenant_id,
                "openid_url": teams.openid_url,
                "graph_url": teams.graph_url,
                "service_hosts": ["127.0.0.1"],
            },
            "alerts": {"channels": [f"slack:{OPS}"]},
        }

    @property
    def account(self) -> dict[str, Any]:
        """The account's table of the settings."""
        return self.raw[f"accounts.{self.name}"]

    def text(self) -> str:
        """What is to stand in the file."""
        return "".join(map(_table, self.raw, self.raw.values()))

    async def doctor(self, **how: bool) -> tuple[str, int]:
        """What it says, and its exit code."""
        self.file.write_text(self.text(), encoding="utf-8")
        return await doctor(self.file, self.environment, **how)

    async def findings(self, **how: bool) -> tuple[Mapping[str, Mapping[str, str]], int]:
        """The same by what was looked at."""
        text, code = await self.doctor(json=True, **how)
        told = msgspec.json.decode(text)
        assert told["exit"] == code
        return {each["what"]: each for each in told["findings"]}, code

    async def knows(self, room: str, **changed: Any) -> None:
        """The database of a bot that was in a Teams conversation, and in which a Slack channel is subscribed."""
        store = SqliteStore.open(self.database)
        place = Conversation("teams", room, name="Batch Ops", service_url=self.teams.service_url)
        place = msgspec.structs.replace(place, **changed)
        await store.put_conversation(
            ConversationReference("teams", room, msgspec.json.encode(place), datetime.now(UTC))
        )
        await store.close()


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, "", ""])


@asynccontextmanager
async def installation(
    folder: Path, monkeypatch: Any, *, skew: timedelta = timedelta(0), **slack: Any
) -> AsyncIterator[Installation]:
    """All of it. The one identity may read everything and the bill, and change nothing; Azure's clock is ahead."""
    world = build("tiny", seed=1, clock=Clock(datetime.now(UTC) + skew))
    world.settle()
    azure = AzureSandbox(world, tokens=Tokens(client_id=APP), seed=1)
    azure.arm.permissions.grants = [READER, COST, METRICS]
    room = SlackStandIn(SlackSettings(tiers=False, **slack))
    teams = TeamsStandIn(app_id=APP, tenant_id=azure.tokens.tenant, verify=azure.tokens.verify)
    started = [azure, room, teams]
    await asyncio.gather(*(each.start() for each in started))
    monkeypatch.setenv("IDENTITY_ENDPOINT", azure.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", azure.identity_header)
    try:
        yield Installation(folder, azure, room, teams)
    finally:
        for each in started:
            await each.close()


@asynccontextmanager
async def answering(**paths: tuple[int, str]) -> AsyncIterator[str]:
    """Something that answers at an address: ``health=(200, "…")``; everything else is 404."""

    async def answer(request: web.Request) -> web.Response:
        status, text = paths.get(request.path.strip("/").replace("/", "_"), (404, "not here"))
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
