"""Two programs on one database: the second is turned away or waits, and nothing is told twice."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.lifetime import HELD
from bot.tools.demo import free_port
from tests.acceptance.environment import CHANNEL, Environment, environment
from tests.acceptance.program import Program

HOUR = {"bot": {"database_wait_seconds": 3600}}


async def test_a_second_one_ends_and_says_who_holds_it(tmp_path: Path) -> None:
    async with environment(tmp_path, teams=False, settings={"bot": {"database_wait_seconds": 1}}) as stage:
        await stage.begin()
        first = stage.program.process
        assert first
        code, said = await batchbot_run(stage, tmp_path)
        assert code == HELD == 75
        assert f"another batchbot holds it (process {first.pid} on " in said
        assert "Traceback" not in said
        assert first.is_alive()
        stage.account.inject.break_nodes("pool1")
        await stage.until(stage.told, 120, "the first goes on")
        await stage.looked(3)
        assert _alerts(stage) == 1


async def test_one_that_waits_takes_over_from_one_that_is_killed(tmp_path: Path) -> None:
    async with environment(tmp_path, teams=False, settings=HOUR) as stage:
        await stage.begin()
        second = replace(_elsewhere(stage.program), log=tmp_path / "second.log", process=None, starts=0)
        second.begin()
        await stage.until(lambda: "storage.held_by_another" in second.said(), 1200, "the second waits")
        first = stage.program.process
        assert first
        assert f"process {first.pid} on" in second.said()
        stage.account.inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and not stage.undelivered(), 200, "the first tells it")
        assert "app.started" not in second.said()
        await stage.program.kill()
        stage.program = second
        await second.listening()
        await stage.looked(3)
        assert _alerts(stage) == 1
        stage.account.inject.add_job("storm", "pool1", 40, seconds=3e6)
        await stage.looked(2)
        stage.account.inject.storm(["storm"], ["exit-1"], 40, 5)
        await stage.until(lambda: any("storm" in each["text"] for each in stage.told()), 600, "the second tells more")
        await stage.until(lambda: not stage.undelivered(), 200, "it is known to be told")
        assert await second.stop() == 0


def _elsewhere(program: Program) -> Program:
    """The same with a port of its own, as in another container: the port alone would turn a second one away."""
    bot = {**program.raw["bot"], "listen": f"127.0.0.1:{free_port()}"}
    return replace(program, raw={**program.raw, "bot": bot})


def _alerts(stage: Environment) -> int:
    """Messages about the nodes, in the channel that is told."""
    return len([each for each in stage.told(CHANNEL) if "pool1" in each["text"]])


async def batchbot_run(stage: Environment, folder: Path) -> tuple[int, str]:
    """The command as an operator gives it: its exit code, and all that it said."""
    file = folder / "batchbot.toml"
    file.write_text("\n".join(_toml(_elsewhere(stage.program).raw)), encoding="utf-8")
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--settings", str(file)),
        env={**os.environ, **stage.program.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    assert running.returncode is not None
    return running.returncode, said.decode()


def _toml(table: Mapping[str, Any], path: str = "") -> list[str]:
    """The lines of a settings file. Texts, numbers and lists of them are written in it as in JSON."""
    own = [f"{name} = {json.dumps(value)}" for name, value in table.items() if not isinstance(value, Mapping)]
    lines = [*([f"[{path}]"] if path else []), *own]
    for name, value in table.items():
        if isinstance(value, Mapping):
            lines += _toml(value, f"{path}.{json.dumps(name)}" if path else json.dumps(name))
    return lines
