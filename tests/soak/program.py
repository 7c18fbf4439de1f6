"""The program as it is installed: ``batchbot run --settings FILE`` as a process, by a fast clock."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from tests.acceptance.fast_clock import FastClock, FastTime
from tests.acceptance.program import Program, pace_by


@dataclass
class InstalledProgram(Program):
    """A program that is run by its command line and reads its settings from a file; only its clock is another."""

    settings: Path = Path("batchbot.toml")
    pictures: bool = True
    """Have each start draw its first picture, as it does; no chart is asked for, and it takes a start some seconds."""
    lease: float | None = None
    """Seconds of a lease of the duties, of the wall's; None for as many as it has."""

    def begin(self) -> None:
        """Run it."""
        self.settings.write_text(toml(self.raw), encoding="utf-8")
        self.process = _context().Process(
            target=_command,
            args=(str(self.settings), dict(self.environment), self.time, self.ahead, str(self.log)),
            kwargs={"pictures": self.pictures, "lease": self.lease},
        )
        self.process.start()
        self.starts += 1

    async def stop(self) -> int:
        """In good order, or, where it takes too long, not: whoever runs it waits for all that it forked."""
        process = self.process
        code = await super().stop()
        if process is not None and process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join)
        return code


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.soak.loaded", "tests.soak.program"])
    return context


def _command(
    settings: str,
    environment: dict[str, str],
    fast: FastTime,
    ahead: float,
    log: str,
    *,
    pictures: bool,
    lease: float | None,
) -> None:
    """The child: the command, just as it is typed."""
    with Path(log).open("a", encoding="utf-8") as out:
        os.dup2(out.fileno(), sys.stdout.fileno())
        os.dup2(out.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    from bot import app, cli  # noqa: PLC0415 - in the child only
    from bot.content.drawing import Drawing  # noqa: PLC0415

    if lease is not None:
        from storage.postgresql import holding  # noqa: PLC0415

        vars(holding)["LEASE"] = lease
    vars(app)["Clock"] = partial(FastClock, fast, ahead)
    pace_by(FastClock(fast, ahead))
    if not pictures:
        setattr(Drawing, "start", _nothing)  # noqa: B010 - a class takes no other kind of function by mypy
    sys.argv = ["batchbot", "run", "--settings", settings]
    cli.main()


async def _nothing(_: object) -> None:
    return None


def toml(raw: Mapping[str, Any]) -> str:
    """Settings as the file has them."""
    return "\n".join(_table((), raw)) + "\n"


def _table(path: tuple[str, ...], values: Mapping[str, Any]) -> Iterator[str]:
    if path:
        yield f"[{'.'.join(json.dumps(part) for part in path)}]"
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    yield from (f"{json.dumps(key)} = {json.dumps(value)}" for key, value in plain.items())
    for key, value in values.items():
        if key not in plain:
            yield from _table((*path, key), value)
