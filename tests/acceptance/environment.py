"""The other side of the wire in this process: Azure, Slack and Teams, all by one fast clock."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.sandbox.server import AzureSandbox
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.sandbox.teams import TeamsStandIn
from bot.sandbox.wire.tokens import Tokens
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.scenarios import build
from bot.sandbox.world.scenarios.tiny import tiny
from tests.acceptance.fast_clock import FastTime
from tests.acceptance.program import Program
from tests.storage.looking import rows

APP_ID = "5b0f3a52-6f0c-4d7c-9d55-0c1f2f5a7b10"
CHANNEL = "C0BATCHOPS"
PAST = timedelta(minutes=10)
"""How much has happened before the program is started: nodes have booted."""
PATIENCE = 240.0
"""Seconds of the wall's that anything may take: a fast clock runs on while a busy machine keeps the program waiting."""


@dataclass
class Environment:
    """Everything around the program, and the program."""

    azure: AzureSandbox
    slack: SlackStandIn
    teams: TeamsStandIn
    program: Program
    time: FastTime
    database: Path
    greetings: set[str] = field(default_factory=set)
    """The messages that greeted the Teams channel, whatever the account looked like just then."""

    @property
    def greeting(self) -> str:
        """How the home card goes on after its mark."""
        return f" {self.account.facts.name} · "

    @property
    def account(self) -> AccountState:
        """The one account."""
        return next(iter(self.azure.world.accounts.values()))

    @property
    def room(self) -> str:
        """The Teams channel that is told."""
        return next(room["id"] for room in self.teams.conversations.values() if room["kind"] == "channel")

    @property
    def conversations(self) -> list[str]:
        """The channels that are told."""
        conversations: list[str] = self.program.raw["alerts"]["channels"]
        return conversations

    async def wait(self, seconds: float) -> None:
        """So many seconds of the fast clock, in which things happen. What the program made of them is waited for."""
        await self.time.sleep(seconds)

    async def until(self, true: Callable[[], object], seconds: float, what: str) -> float:
        """Wait until something is so; the seconds that took, by the fast clock.

        Fails after so many, but not before :data:`PATIENCE` is over: a slow machine is no defect of the program.
        """
        begun, end = self.time.stamp(), time.monotonic() + PATIENCE
        while not true():
            if self.time.stamp() - begun > seconds and time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.program.said()[-3000:]}")
            await asyncio.sleep(0.02)
        return self.time.stamp() - begun

    async def looked(self, times: int = 1) -> None:
        """Wait until the program has looked at the account so often anew, and stored that with what it decided.

        What it would do by mistake it has done by then: a test that nothing happens waits for this.
        """
        for _ in range(times):
            begun = self.azure.world.clock.now().timestamp()
            await self.until(lambda begun=begun: self._last_look() > begun, 600, "another look")  # type: ignore[misc]

    def _last_look(self) -> float:
        """When the last look that is stored began, by the service's clock."""
        [(at,)] = self.rows("SELECT coalesce(max(at), 0) FROM cursors WHERE stream = 'jobs'")
        return float(at) / 1e6

    async def install(self) -> None:
        """Add the app to Teams, as an administrator would; it greets with the home card."""
        for conversation in self.teams.conversations:
            await self.teams.install(conversation)
        await self.until(lambda: self.teams.history_of(self.room, "bot"), 200, "a greeting")
        self.greetings.update(each["id"] for each in self.teams.history_of(self.room, "bot"))

    async def begin(self) -> None:
        """Run the program, add it to Teams, and wait until it has looked at the account."""
        await self.program.start()
        if "teams" in self.program.raw:
            await self.install()
        await self.until(lambda: self.rows("SELECT 1 FROM cursors"), 600, "a first look")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        return rows(self.program.raw["bot"]["database"], sql, *values)

    def undelivered(self) -> int:
        """Outbox entries that are not known to be in their conversation as they should be."""
        [(number,)] = self.rows("SELECT count(*) FROM outbox WHERE sent < version OR state <> 'open'")
        return int(number)

    def told(self, channel: str = CHANNEL) -> list[dict[str, Any]]:
        """What the bot said in the Slack channel by itself, threads left out, oldest first."""
        said = self.slack.history_of(channel)
        return [each for each in said if each["metadata"] and not each["thread"] and not each["deleted"]]

    def told_teams(self) -> list[dict[str, Any]]:
        """The same in the Teams channel, without the home card that greeted a new room."""
        return [each for each in self.letters_teams() if not each["thread"]]

    def letters_teams(self) -> list[dict[str, Any]]:
        """The same with the replies in threads."""
        said = self.teams.history_of(self.room, "bot")
        others = [each for each in said if each["id"] not in self.greetings]
        return [each for each in others if not each["summary"][1:].startswith(self.greeting)]


def _kept_port() -> int:
    """A port that nobody listens on, and that no connection is given while the program is down: they begin at 32768."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def empty(account: AccountState) -> None:
    """Nothing to do."""
    for job in list(account.jobs):
        account.inject.delete_job(job, at_once=True)


def calm(account: AccountState) -> None:
    """Nothing happens by itself: the nodes are busy with tasks that take weeks."""
    empty(account)
    account.inject.add_job("steady", "pool1", 8, seconds=3e6)


@asynccontextmanager
async def environment(
    folder: Path,
    *,
    speed: float = 20.0,
    scenario: str = "tiny",
    seed: int = 1,
    start: datetime | None = None,
    skew: float = 0.0,
    prepare: Callable[[AccountState], None] = calm,
    teams: bool = True,
    tiers: bool = False,
    settings: dict[str, Any] | None = None,
    accounts: int = 1,
) -> AsyncIterator[Environment]:
    """All of it, not yet running the program. ``settings`` are merged over the usual ones, section by section.

    With ``tiers`` Slack counts the calls of each method.

    ``prepare`` is done to each account before it lives through :data:`PAST`; its clock is ``skew`` seconds ahead.
    """
    fast = FastTime.begin(folder / "time", speed, start)
    listen = f"127.0.0.1:{_kept_port()}"
    clock = WorldClock(fast.now() - PAST, source=fast.stamp)
    world = build(scenario, seed, clock)
    for number in range(2, accounts + 1):
        tiny(world, f"tiny{number}")
    for account in world.accounts.values():
        prepare(account)
    clock.advance(PAST + timedelta(seconds=skew))
    world.settle()
    azure = AzureSandbox(world, tokens=Tokens(client_id=APP_ID), seed=seed)
    slack = SlackStandIn(SlackSettings(app_url=f"http://{listen}/slack/events", tiers=tiers), clock=fast.stamp)
    room = TeamsStandIn(
        app_id=APP_ID, verify=azure.tokens.verify, bot_url=f"http://{listen}/api/messages", clock=fast.stamp
    )
    await azure.start()
    await slack.start()
    await room.start()
    try:
        program = Program(
            raw=_settings(azure, slack, room, listen, folder, teams=teams, more=settings or {}),
            environment={
                "IDENTITY_ENDPOINT": azure.identity_endpoint,
                "IDENTITY_HEADER": azure.identity_header,
                "SLACK_BOT_TOKEN": slack.settings.bot_token,
                "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
            },
            time=fast,
            log=folder / "program.log",
        )
        made = Environment(azure, slack, room, program, fast, folder / "batchbot.db")
        try:
            yield made
        finally:
            await made.program.stop()  # which may be another one by now
    finally:
        await room.close()
        await slack.close()
        await azure.close()


def _settings(
    azure: AzureSandbox,
    slack: SlackStandIn,
    room: TeamsStandIn,
    listen: str,
    folder: Path,
    *,
    teams: bool,
    more: dict[str, Any],
) -> dict[str, Any]:
    conversations = [f"slack:{CHANNEL}"]
    raw: dict[str, Any] = {
        "bot": {"listen": listen, "public_url": f"http://{listen}", "database": str(folder / "batchbot.db")},
        "accounts": {
            name: {  # the first one is the default
                "endpoint": azure.endpoints[name],
                "account": name,
                "subscription": account.facts.subscription,
                "resource_group": account.facts.resource_group,
                "region": account.facts.location,
                "arm_endpoint": azure.arm_url,
                "credential": "managed_identity",
            }
            for name, account in azure.world.accounts.items()
        },
        "slack": {"api_url": slack.api_url},
        "watch": {"poll_seconds": 30},
        "alerts": {"channels": conversations},
    }
    raw["bot"]["prices_url"] = ""
    admins = [f"slack:{each['id']}" for each in slack.people if each["role"] == "admin"]
    raw["access"] = {"admins": [*admins, f"teams:{room.people['admin']['aadObjectId']}"]}
    if teams:
        conversations += [f"teams:{each['id']}" for each in room.conversations.values() if each["kind"] == "channel"][
            :1
        ]
        raw["teams"] = {
            "app_id": APP_ID,
            "tenant_id": room.tenant_id,
            "openid_url": room.openid_url,
            "service_hosts": ["127.0.0.1"],
        }
    for section, values in more.items():
        raw.setdefault(section, {}).update(values)
    return raw
