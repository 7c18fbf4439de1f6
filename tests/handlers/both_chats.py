"""The program's commands in a Slack and a Teams of their own, over real HTTP: what people see there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from azure.core.credentials import AccessToken

from bot.chat.clear_chat import clear_chat
from bot.chat.slack.adapter import Slack
from bot.chat.slack.settings import SlackSettings
from bot.chat.teams.adapter import Teams
from bot.chat.teams.settings import TeamsSettings
from bot.requests.journal import RequestJournal
from bot.sandbox.slack import SlackSettings as Workspace
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.teams import TeamsStandIn
from bot.sandbox.wire.tokens import BOT_FRAMEWORK, Tokens
from bot.secrets import Secret
from tests.chat.teams_service import APP, Credential
from tests.chat.teams_service import Pictures as TeamsPictures
from tests.chat.test_slack import Pictures as SlackPictures
from tests.handlers.conftest import Scene


class _Identity(Credential):
    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.tokens = tokens

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self.tokens.issue(scopes[0].removesuffix("/.default"), appid=APP), int(time.time()) + 3600)


class Chats:
    """Both platforms with the program behind them. The bot is in all channels."""

    def __init__(self, scene: Scene, slack: SlackStandIn, teams: TeamsStandIn, journal: RequestJournal) -> None:
        self.scene, self.slack, self.teams, self.journal = scene, slack, teams, journal

    def permitted(self) -> None:
        """Go by what the scene permits from now on."""
        self.journal.dispatcher = self.scene.dispatcher

    async def quiet(self) -> None:
        """Until nothing is under way: what was told, what is worked on, what is answered."""
        await self.slack.settle()
        async with asyncio.timeout(20):
            while self.journal._work or self.background():  # noqa: ASYNC110 - two parts, neither tells
                await asyncio.sleep(0.02)

    def background(self) -> int:
        """What the Slack adapter does that nobody waits for."""
        return len(self.adapter._following._background)

    adapter: Slack

    def said(self, channel: str = "batch-ops", viewer: str | None = None) -> list[dict[str, Any]]:
        """What the bot said in a channel of Slack."""
        return [each for each in self.slack.messages(channel, viewer=viewer) if each.get("bot_id")]


@asynccontextmanager
async def chats(scene: Scene) -> AsyncIterator[Chats]:
    """Both, until it is left."""
    workspace = SlackStandIn(Workspace(file_processing=(0.01, 0.02), post_burst=0, tiers=False))
    tokens = Tokens()
    teams_side = TeamsStandIn(app_id=APP, verify=tokens.verify)
    await workspace.start()
    await teams_side.start()
    slack = Slack(
        SlackSettings(mode="http", api_url=workspace.api_url),
        scene.store,
        SlackPictures(),  # type: ignore[arg-type]
        bot_token=Secret(workspace.settings.bot_token),
        signing_secret=Secret(workspace.settings.signing_secret),
    )
    teams = Teams(
        TeamsSettings(
            app_id=APP,
            tenant_id=teams_side.tenant_id,
            service_hosts=["127.0.0.1"],
            file_hosts=["127.0.0.1"],
            openid_url=teams_side.openid_url,
            scope=f"{BOT_FRAMEWORK}/.default",
        ),
        scene.store,
        TeamsPictures(),  # type: ignore[arg-type]
        credential=_Identity(tokens),  # type: ignore[arg-type]
    )
    platforms = {"slack": clear_chat(slack), "teams": clear_chat(teams)}
    journal = RequestJournal(scene.dispatcher, scene.store, platforms)
    app = web.Application()
    app.add_routes([*slack.routes(), *teams.routes()])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    workspace.app_url, teams_side.bot_url = f"{address}/slack/events", f"{address}/api/messages"
    for platform in platforms.values():
        await platform.start(journal)
    made = Chats(scene, workspace, teams_side, journal)
    made.adapter = slack
    try:
        yield made
        assert teams_side.refused == []
    finally:
        await journal.drain(1)
        for platform in platforms.values():
            await platform.stop()
        await runner.cleanup()
        await workspace.close()
        await teams_side.close()
