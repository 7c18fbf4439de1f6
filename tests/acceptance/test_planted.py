"""A secret in every text that Azure answers leaves by no way: no message, file, row, line of the log, or metric."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from bot.requests.command import Command
from bot.sandbox.world.account import AccountState
from bot.settings_file import check
from bot.tools import console
from tests.acceptance.environment import CHANNEL, Environment, environment
from tests.acceptance.planted import SEED, Planter
from tests.commands import every_command

JOB, FAILED = "night", "task-01"
_NAMES = {"pool": "pool1", "job": JOB, "task": FAILED, "file": "stderr.txt", "schedule": "daily", "kind": "pool"}
_SLOW = frozenset({"cost export", "audit export"})


def busy(account: AccountState) -> None:
    """Failures of every kind that are told."""
    for job in list(account.jobs):
        account.inject.delete_job(job, at_once=True)
    account.inject.add_job(JOB, "pool1", 12, seconds=3e6)


def commands(node: str) -> Iterator[str]:
    """Every command that reads, about what there is; and some that change something."""
    for known in every_command().commands.values():
        if known.effect == "read" and known.path not in _SLOW:
            yield said(known, node)
    yield from ("pool resize pool1 dedicated:4", f"job disable {JOB}", f"job enable {JOB}", "alert mute pool1 for:1h")
    yield from ("home account:nowhere", "pool show nowhere", f"task show {JOB} nowhere", "log nowhere nowhere")


def said(known: Command, node: str) -> str:
    """A command with names for what it needs."""
    named = {**_NAMES, "node": node}
    words = [named.get(each.name, "x") for each in known.parameters if each.required]
    return " ".join([known.path, *words])


async def asked(stage: Environment, texts: list[str], *, teams: bool = True) -> None:
    """Ask everything on the platforms, and wait until it is answered."""
    for number, text in enumerate(texts):
        await stage.slack.command("admin", CHANNEL, text)
        if teams:
            await stage.teams.say("admin", stage.room, f"@Batch Bot {text}")
        if number % 8 == 7:
            await answered(stage)
    await answered(stage)


async def answered(stage: Environment) -> None:
    open_ = "SELECT 1 FROM journal WHERE state IN ('received', 'started')"
    await stage.until(lambda: not stage.rows(open_), 900, "all is answered")


def stored(stage: Environment) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    for (table,) in stage.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for row in stage.rows(f'SELECT * FROM "{table}"'):
            yield (
                table,
                " ".join(each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in row),
            )


def shown(stage: Environment) -> Iterator[tuple[str, str]]:
    """What is on both platforms, as it was sent: messages of everybody, edits, files."""
    for channel in stage.slack.channels:
        for message in stage.slack.messages(channel["id"]):
            yield "slack", json.dumps(message, ensure_ascii=False)
    for file in stage.slack._core.files._files.values():
        yield "slack file", f"{file.name} {file.title} {file.alt} {(file.data or b'').decode(errors='replace')}"
    for write in stage.teams.writes:
        yield "teams", json.dumps(write, ensure_ascii=False, default=str)
    for conversation in stage.teams.conversations:
        for message in stage.teams.history_of(conversation, "admin"):
            yield "teams", json.dumps(message, ensure_ascii=False, default=str)


async def served(stage: Environment) -> Iterator[tuple[str, str]]:
    """What the bot's own address answers."""
    found = []
    async with aiohttp.ClientSession() as session:
        for path in ("/health", "/metrics"):
            async with session.get(f"http://{stage.program.raw['bot']['listen']}{path}") as answer:
                found.append((path, await answer.text()))
    return iter(found)


async def leaks(stage: Environment) -> list[str]:
    """Where a secret, or some of one, is."""
    everything = [*shown(stage), *stored(stage), *await served(stage), ("log", stage.program.said())]
    assert {where for where, _ in everything} >= {"slack", "teams", "outbox", "incidents", "transitions", "log"}
    seed = SEED.lower()
    return [
        f"{where}: …{text[max(0, at - 200) : at + 60]}…"
        for where, text in everything
        if (at := text.lower().find(seed)) >= 0
    ]


@pytest.mark.timeout(900)
async def test_no_secret_of_any_answer_leaves(tmp_path: Path) -> None:
    async with environment(tmp_path, speed=20, prepare=busy) as stage:
        planter = Planter()
        for listener in (*stage.azure.accounts.values(), stage.azure.arm):
            listener.observers.append(planter)
        await stage.begin()
        inject = stage.account.inject
        inject.storm([JOB], ["exit-9", "disk-full"], 6, 10)
        [node] = inject.break_nodes("pool1")
        inject.fail_resize("pool1", "AllocationFailed", "There are no machines", 3, 1)
        await stage.until(lambda: len(stage.told()) > 2 and len(stage.told_teams()) > 2, 900, "alerts on both")
        texts = list(commands(node))
        await asked(stage, texts)
        for listener in (*stage.azure.accounts.values(), stage.azure.arm):
            listener.faults.add("error", path=r"^(?!.*token)", status=403, code="AuthorizationFailure")
        await asked(stage, texts)
        unreachable = "SELECT 1 FROM incidents WHERE rule = 'account.unreachable'"
        await stage.until(lambda: stage.rows(unreachable), 900, "that the account cannot be read")
        await stage.until(lambda: not stage.undelivered(), 300, "all is told")
        found = await leaks(stage)
        assert not found, "\n".join(found)
        assert not stage.teams.refused
        for field in ("message", "value", "commandLine", "displayName", "code", "error", "file"):
            assert planter.planted[field], f"nothing was planted in {field}"
        raw, environ = stage.program.raw, stage.program.environment
        await stage.program.stop()
        with pytest.MonkeyPatch.context() as patched:
            for name, value in environ.items():
                patched.setenv(name, value)
            for listener in (*stage.azure.accounts.values(), stage.azure.arm):
                listener.faults.clear()
            for words in (["pool", "show", "pool1"], ["task", "show", JOB, FAILED], ["raw", "pool", "pool1"]):
                for platform in ("text", "slack", "teams"):
                    text, _ = await console.answer(
                        check(raw, environ), words, user="admin", platform=platform, folder=tmp_path / "files"
                    )
                    assert SEED not in text
        for file in (tmp_path / "files").iterdir():
            assert SEED.encode() not in file.read_bytes(), file.name
