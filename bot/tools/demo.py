"""The demo: a sandbox in a process of its own, and the same program that runs in production pointed at it.

Only endpoints and secrets differ from a real set-up: Azure, Slack and Teams are reached over real HTTP through the
real clients.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.app import App
from bot.ops.signals import until_stopped
from bot.settings_file import Settings, check
from bot.tools.lived import LivedPast

_START_SECONDS = 60.0
POLL_SECONDS = 10
"""Between two polls in the demo: nobody waits for half a minute there."""
_DEAR = 2.0
"""Dollars an hour from which somebody else has to agree in the demo: low, so that it can be tried."""
_STOP_SECONDS = 10.0
_NEARLY = 0.9
"""The share of the first budget of the demo that is spent when it begins."""
_LEAST_DAYS = 5
"""So many days' cost are in it at least: at the beginning of a month next to nothing is spent."""
_AMPLE = 62
"""Days' cost of all of its account that are in the second one, which is of some pools alone."""
_SOME_POOLS = "render-*"
_COARSE = 3
"""Minutes between two samples of the distant past."""
_FINE = 120
"""Minutes of the past that are sampled once a minute."""


class StageError(Exception):
    """The sandbox did not come up; the message has its last words."""


class Stage:
    """The other side of the wire as a child process: Azure, and for the demo Slack, Teams and the page.

    ``printed`` is what it wrote (``NAME=value`` lines), ``environment`` the variables that secrets are read from.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self.printed: dict[str, str] = {}

    @classmethod
    def azure_only(cls, *, scenario: str = "demo", seed: int = 1, speed: float = 1.0, history: float = 1.0) -> Stage:
        """Azure alone, its clock standing ``history`` hours in the past."""
        return cls("--scenario", scenario, "--seed", str(seed), "--speed", str(speed), "--history", str(history))

    @property
    def environment(self) -> dict[str, str]:
        """Secrets and the managed identity's address, as a real machine would have them."""
        names = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN")
        return {name: self.printed[name] for name in names if name in self.printed}

    @property
    def pid(self) -> int:
        """The sandbox's process id, 0 before it runs."""
        return self._process.pid if self._process else 0

    async def __aenter__(self) -> Stage:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.sandbox",
            *self._arguments,
            stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.PIPE,  # its end shows the child that this process is gone, however it went
            start_new_session=True,  # Ctrl-C is for this process, which then ends the child in good order
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._listen(self._process)
        except TimeoutError:
            await self.__aexit__(None, None, None)
            raise StageError(f"the sandbox did not come up within {_START_SECONDS:.0f} s") from None
        os.environ.update(self.environment)  # azure-identity reads the managed identity's address from here
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise StageError("the sandbox has no output")
        while line := (await process.stdout.readline()).decode().strip():
            name, found, value = line.partition("=")
            if found:
                self.printed[name] = value
            if name == "READY":
                return
        raise StageError(f"the sandbox ended with code {await process.wait()}; its last words stand above")

    async def clock(self, **wish: float | bool) -> None:
        """Move or set the sandbox's clock."""
        url = f"{self.printed['ARM_ENDPOINT']}/_sandbox/clock"
        async with aiohttp.ClientSession() as session, session.post(url, json=wish) as answer:
            answer.raise_for_status()

    async def live_through(self, app: App, hours: float, report: Callable[[float], None] | None = None) -> None:
        """Let the accounts live through their past, looked at and sampled by the program's own parts.

        Once a minute in the last two hours; every three minutes before, which no chart of a day can show.
        """
        past = LivedPast(app, _COARSE * 60)
        minutes = int(hours * 60)
        steps = [_COARSE] * max(0, (minutes - _FINE) // _COARSE)
        steps += [1] * (minutes - sum(steps))
        url = f"{self.printed['ARM_ENDPOINT']}/_sandbox/clock"
        async with aiohttp.ClientSession() as session:
            for number, step in enumerate(steps):
                await past.look()
                async with session.post(url, json={"advance": step * 60}) as answer:
                    answer.raise_for_status()
                if report and number % 100 == 0:
                    report(number / len(steps))
        await self.clock(pause=False)


def demo_settings(stage: Stage, *, listen: str, database: str, poll: int = 30, sdk: str = "botbuilder") -> Settings:
    """The settings that point the program at a stage that is up; checked like any others.

    ``poll`` is seconds between two polls of an account, ``sdk`` the library that speaks to Teams.
    """
    return check(demo_file(stage, listen=listen, database=database, poll=poll, sdk=sdk))


def demo_file(stage: Stage, *, listen: str, database: str, poll: int = 30, sdk: str = "botbuilder") -> dict[str, Any]:
    """The same as the settings file would have them."""
    printed = stage.printed
    raw: dict[str, Any] = {
        "bot": {
            "listen": listen,
            "public_url": f"http://{listen}",
            "database": database,
            "zone": "UTC",
            "prices_url": printed["PRICES_URL"],
        },
        "accounts": {},
        "watch": {"poll_seconds": poll, "believe_clock": True},
        "access": {"everyone": "viewer", "operators": ["text:operator"], "admins": ["text:admin", "text:you"]},
    }
    for suffix in itertools.chain([""], (f"_{number}" for number in itertools.count(2))):
        if f"ACCOUNT{suffix}" not in printed:
            break
        raw["accounts"][printed[f"ACCOUNT{suffix}"]] = {
            "endpoint": printed[f"ENDPOINT{suffix}"],
            "account": printed[f"ACCOUNT{suffix}"],
            "subscription": printed[f"SUBSCRIPTION{suffix}"],
            "resource_group": printed[f"RESOURCE_GROUP{suffix}"],
            "region": printed[f"LOCATION{suffix}"],
            "arm_endpoint": printed["ARM_ENDPOINT"],
            "metrics_endpoint": printed.get("METRICS_ENDPOINT", ""),
            "credential": "managed_identity",
            "write_credential": "managed_identity",
        }
    if "SLACK_API_URL" in printed:
        raw["slack"] = {"api_url": printed["SLACK_API_URL"]}
    if "TEAMS_APP_ID" in printed:
        raw["teams"] = {
            "app_id": printed["TEAMS_APP_ID"],
            "tenant_id": printed["TEAMS_TENANT_ID"],
            "sdk": sdk,
            "targeted_messages": sdk == "agents",
            "openid_url": printed["TEAMS_OPENID_URL"],
            "graph_url": printed["TEAMS_GRAPH_URL"],
            "service_hosts": [urlsplit(printed["TEAMS_SERVICE_URL"]).hostname],
            "file_hosts": [urlsplit(printed["TEAMS_SERVICE_URL"]).hostname],
        }
    raw["alerts"] = {"channels": [conversation for conversation in printed.get("OPS", "").split(",") if conversation]}
    for role, key in (("operators", "OPERATORS"), ("admins", "ADMINS")):
        raw["access"][role] += [person for person in printed.get(key, "").split(",") if person]
    raw["budgets"] = _budgets(printed)
    if printed.get("ADMINS"):
        raw |= _guard_rails(printed, raw["alerts"]["channels"][0])
    return raw


def _budgets(printed: Mapping[str, str]) -> list[dict[str, Any]]:
    """One budget that is nearly used up, and one that is fine, whatever day of the month it is."""
    account, spent, daily = printed["ACCOUNT"], float(printed["SPENT"]), float(printed["DAILY"])
    if not daily:
        return []
    return [
        {"name": "month", "account": account, "amount": _rounded(max(spent / _NEARLY, _LEAST_DAYS * daily))},
        {"name": "rendering", "account": account, "pools": _SOME_POOLS, "amount": _rounded(_AMPLE * daily)},
    ]


def _rounded(amount: float) -> float:
    """To ten dollars, as somebody would write it."""
    return max(10.0, round(amount, -1))


def _guard_rails(printed: Mapping[str, str], channel: str) -> dict[str, Any]:
    """What a company would set: one person on both platforms is one, and what is dear needs a second one."""
    return {
        "people": [
            {"name": name, "ids": ids.split(",")}
            for name, _, ids in (person.partition("=") for person in printed["PEOPLE"].split(";"))
        ],
        "approvals": [{"name": "dear", "price_per_hour": _DEAR, "approvers": ["admins"], "expires_minutes": 60}],
        "break_glass": {"people": printed["ADMINS"].split(","), "conversation": channel},
    }


async def run_demo(
    *, port: int, speed: float, seed: int, scenario: str, history: float, sdk: str = "botbuilder"
) -> None:
    """Run the whole demo until it is stopped; ``sdk`` is the library that speaks to Teams.

    Raises StageError where it cannot come up, SettingsError where the library is not installed.
    """
    _need(port)
    listen = f"127.0.0.1:{free_port()}"
    arguments = ["--scenario", scenario, "--seed", str(seed), "--speed", str(speed), "--history", str(history)]
    with tempfile.TemporaryDirectory(prefix="batchbot-") as scratch:
        async with Stage(*arguments, "--bot", f"http://{listen}", "--page", str(port)) as stage:
            database = str(Path(scratch) / "demo.db")
            settings = demo_settings(stage, listen=listen, database=database, poll=POLL_SECONDS, sdk=sdk)
            app = await App.open(settings)
            try:
                await stage.live_through(app, history, report=progress)
                await app.start()
                print(f"ready {stage.printed['PAGE_URL']}", flush=True)
                await until_stopped()
            finally:
                await app.stop()


def _need(port: int) -> None:
    """The page's port has to be free; to be said before a minute of set-up."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StageError(
                f"port {port} cannot be used ({error.strerror}): choose another, PORT=9000 make demo"
            ) from None


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def progress(share: float) -> None:
    """Say how far the past has been lived through."""
    print(f"the account lives through its past day: {share:.0%}", file=sys.stderr, flush=True)
