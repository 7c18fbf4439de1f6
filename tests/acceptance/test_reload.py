"""The settings file is read again while the program runs as a process: at SIGHUP, and when it has changed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.tools.demo import free_port
from tests.doctor.installation import OPS, Installation, installation
from tests.vaults import vault
from tests.webhooks.receivers import KEY, OLD_KEY, receiver

pytestmark = pytest.mark.slow
DEV = "C0BATCHDEV"
PATIENCE = 240.0


class Running:
    """The program, its log, and what people see of it."""

    def __init__(self, here: Installation, process: asyncio.subprocess.Process, log: Path, url: str) -> None:
        self.here, self.process, self.url = here, process, url
        self._log = log

    def logged(self, event: str) -> list[dict[str, object]]:
        lines = self._log.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.startswith("{")]
        return [row for row in rows if row["event"] == event]

    async def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert self.process.returncode is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < end, f"{what}\n{self._log.read_text(encoding='utf-8')[-4000:]}"
            await asyncio.sleep(0.05)

    def write(self) -> None:
        """The settings as they are to be now, put in place at once as an editor or Kubernetes does."""
        fresh = self.here.file.with_suffix(".new")
        fresh.write_text(self.here.text(), encoding="utf-8")
        fresh.replace(self.here.file)

    async def read_again(self) -> None:
        """By a SIGHUP."""
        before = len(self.logged("settings.reloaded")) + len(self.logged("settings.mistake"))
        self.write()
        self.process.send_signal(signal.SIGHUP)
        told = ("settings.reloaded", "settings.mistake")
        await self.until(lambda: sum(len(self.logged(each)) for each in told) > before, "it is read")

    async def ask(self, words: str) -> str:
        """What the bot answers a viewer."""
        before = len(self.here.slack.history_of(OPS, user="bot"))
        await self.here.slack.command("viewer", "batch-ops", words)
        await self.until(lambda: len(self.here.slack.history_of(OPS, user="bot")) > before, words)
        return "\n".join(each["text"] for each in self.here.slack.history_of(OPS, user="bot")[before:])

    async def health(self) -> str:
        async with ClientSession() as session, session.get(f"{self.url}/health") as answer:
            return await answer.text()


@asynccontextmanager
async def running(here: Installation, folder: Path, port: int) -> AsyncIterator[Running]:
    log = folder / "program.log"
    here.file.write_text(here.text(), encoding="utf-8")
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "--settings", str(here.file),
            env={**os.environ, **here.environment}, stdout=out, stderr=out,
        )  # fmt: skip
    made = Running(here, process, log, f"http://127.0.0.1:{port}")
    try:
        await made.until(lambda: made.logged("app.started"), "it starts")
        yield made
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def test_what_can_be_swapped_is_and_what_cannot_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    async with (
        receiver() as there,
        installation(tmp_path, monkeypatch, app_url=f"http://127.0.0.1:{port}/slack/events") as here,
    ):
        del here.raw["teams"]
        mounted = tmp_path / "key"
        mounted.write_text(OLD_KEY)
        here.environment["PAGER_KEY_FILE"] = str(mounted)
        here.raw["bot"] |= {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}", "reload": "signal"}
        here.raw["bot"] |= {"operators": f"slack:{DEV}"}
        here.raw["access"] = {"everyone": "none"}
        here.raw["watch"] = {"poll_seconds": 5}
        async with running(here, tmp_path, port) as bot:
            assert "needs the role viewer" in await bot.ask("pool list")
            # Permissions, webhooks and the level of the log hold at once; an address to listen at does not.
            here.raw["access"] = {"everyone": "viewer"}
            mounted.write_text(KEY)
            here.raw["[webhooks]"] = {"name": "pager", "url": there.url, "secret_env": "PAGER_KEY", "severity": "info"}
            here.raw["bot"]["health_listen"] = f"127.0.0.1:{free_port()}"
            here.account["region"] = "uksouth"
            await bot.read_again()
            assert "Pools in tiny" in await bot.ask("pool list")
            [told] = bot.logged("settings.reloaded")
            assert told["changed"] == ["access", "webhooks"]
            wants = ["accounts.tiny.region", "bot.health_listen"]
            assert sorted(told["needs_restart"]) == wants  # type: ignore[call-overload]
            assert "needs a restart: accounts.tiny.region, bot.health_listen" in await bot.health()
            await bot.until(lambda: "after a restart only" in _said(here), "whoever runs it is told")
            here.azure.world.accounts["tiny"].inject.break_nodes("pool1")
            await bot.until(lambda: there.taken, "the new webhook is told, by its new key")
            # A file with mistakes changes nothing, and each is told.
            del here.raw["bot"]["health_listen"]
            here.account["region"] = here.facts.location
            here.raw["access"] = {"everyone": "nobody", "wievers": []}
            await bot.read_again()
            assert len(bot.logged("settings.mistake")) == 2
            assert "Pools in tiny" in await bot.ask("pool list")
            assert "did you mean viewers?" in await bot.health()
            await bot.until(lambda: "The settings file has mistakes" in _said(here), "whoever runs it is told")
            here.raw["access"] = {"everyone": "none"}
            del here.raw["[webhooks]"]
            await bot.read_again()
            assert "needs the role viewer" in await bot.ask("pool list")
            health = await bot.health()
            assert "restart" not in health
            assert "mistake" not in health
            assert KEY not in bot._log.read_text()


async def test_secrets_of_a_key_vault_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All secrets are there and nowhere else; what is renewed holds at once, or it is said that it wants a restart."""
    port = free_port()
    async with (
        receiver() as there,
        installation(tmp_path, monkeypatch, app_url=f"http://127.0.0.1:{port}/slack/events") as here,
        vault(tmp_path, here.azure.tokens) as (kept, environment),
    ):
        del here.raw["teams"]
        token = here.environment["SLACK_BOT_TOKEN"]
        kept.put("slack-bot-token", token)
        kept.put("slack-signing-secret", signing := here.environment["SLACK_SIGNING_SECRET"])
        kept.put("pager", OLD_KEY)
        here.environment = environment
        here.raw["key_vault"] = {"url": kept.url, "credential": "managed_identity"}
        here.raw["key_vault.secrets"] = {
            "SLACK_BOT_TOKEN": "slack-bot-token",
            "SLACK_SIGNING_SECRET": "slack-signing-secret",
            "PAGER_KEY": "pager",
        }
        here.raw["bot"] |= {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}", "reload": "signal"}
        here.raw["access"] = {"everyone": "viewer"}
        here.raw["watch"] = {"poll_seconds": 5}
        here.raw["[webhooks]"] = {"name": "pager", "url": there.url, "secret_env": "PAGER_KEY", "severity": "info"}
        async with running(here, tmp_path, port) as bot:
            assert "Pools in tiny" in await bot.ask("pool list")
            kept.put("pager", KEY)
            await bot.read_again()
            [told] = bot.logged("settings.reloaded")
            assert (told["changed"], told["needs_restart"]) == ([], [])
            here.azure.world.accounts["tiny"].inject.break_nodes("pool1")
            await bot.until(lambda: there.taken, "the webhook is told, by its new key")
            # What a connection was begun with is said to want a restart, until it has had one.
            kept.put("slack-bot-token", f"{token}-renewed")
            for _ in range(2):
                await bot.read_again()
                assert bot.logged("settings.reloaded")[-1]["needs_restart"] == ["key_vault.secrets.SLACK_BOT_TOKEN"]
            assert "needs a restart: key_vault.secrets.SLACK_BOT_TOKEN" in await bot.health()
            # A vault that gives nothing changes nothing.
            kept.access = "firewall"
            await bot.read_again()
            assert "does not let this machine in" in await bot.health()
            assert "Pools in tiny" in await bot.ask("pool list")
            log = bot._log.read_text()
            assert not any(each in log for each in (token, signing, KEY, OLD_KEY))


async def test_the_file_is_read_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    async with installation(tmp_path, monkeypatch, app_url=f"http://127.0.0.1:{port}/slack/events") as here:
        del here.raw["teams"]
        here.raw["bot"] |= {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}"}
        here.raw["access"] = {"everyone": "none"}
        here.raw["watch"] = {"poll_seconds": 5}
        async with running(here, tmp_path, port) as bot:
            here.raw["access"] = {"everyone": "viewer"}
            here.raw["alerts"] = {"channels": [f"slack:{OPS}", f"slack:{DEV}"]}
            bot.write()
            await bot.until(lambda: bot.logged("settings.reloaded"), "it is read")
            assert "Pools in tiny" in await bot.ask("pool list")
            here.azure.world.accounts["tiny"].inject.break_nodes("pool1")
            await bot.until(lambda: "pool1" in _said(here), "the channel that was added is told")
            assert [each["changed"] for each in bot.logged("settings.reloaded")] == [["access", "alerts"]]


def _said(here: Installation) -> str:
    return json.dumps(here.slack.history_of(DEV, user="bot"))
