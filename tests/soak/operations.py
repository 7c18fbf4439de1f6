"""Somebody resizes pools all the while: every one of these comes to an end, and to Azure once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp

from bot.sandbox.entity_specs import PoolSpecification
from bot.sandbox.world.account import AccountState
from tests.acceptance.environment import Environment

_OFTEN = 0.9
"""How likely it is that somebody resizes a pool between two kills."""
_RESIZED = ("resized-1", "resized-2", "resized-3", "resized-4")
"""Pools that nothing else resizes, in turn: one alone is mostly still resizing when it is asked again."""
_RUNNING = "SELECT workflow || ' ' || id FROM operations WHERE state = 'running'"


class Operators:
    """Who asks. ``resizes`` are those that Azure accepted."""

    def __init__(self) -> None:
        self.resizes = 0
        self._next = itertools.cycle((pool, nodes) for nodes in (1, 0) for pool in _RESIZED)

    def prepared(self, prepare: Callable[[AccountState], None]) -> Callable[[AccountState], None]:
        """The account with pools that can be resized without a thought for anything else."""

        def with_pools(account: AccountState) -> None:
            prepare(account)
            for pool in _RESIZED:
                spec = PoolSpecification(vm_size="Standard_D2s_v3", target_dedicated_nodes=0)
                account.commands.add_pool(pool, spec)

        return with_pools

    def allow(self, stage: Environment) -> None:
        """Give the program an identity that may write, and count the resizes that Azure accepts."""
        [(name, settings)] = stage.program.raw["accounts"].items()
        settings["write_credential"] = "managed_identity"
        plane = stage.azure.accounts[name]
        serve = plane.serve

        async def counted(request: Any, *args: Any) -> Any:
            response = await serve(request, *args)
            if request.method == "POST" and request.path.endswith("/resize") and response.status < 300:
                self.resizes += 1
            return response

        plane.serve = counted  # type: ignore[method-assign]

    async def ask(self, stage: Environment, chance: random.Random) -> None:
        """Somebody resizes a pool, mostly; while the program is down nobody hears it."""
        if chance.random() < _OFTEN:
            pool, nodes = next(self._next)
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                await stage.slack.command("admin", "batch-ops", f"pool resize {pool} {nodes}")

    async def end(self, stage: Environment) -> None:
        """Every operation comes to an end, and no card claims that it goes on."""
        end = stage.time.now() + timedelta(seconds=3600)
        while self.unfinished(stage) and stage.time.now() < end:
            await stage.wait(10)

    def unfinished(self, stage: Environment) -> list[str]:
        """Operations that go on, and cards that say so."""
        cards = stage.rows("SELECT key FROM live_cards")
        return [*(str(row[0]) for row in stage.rows(_RUNNING)), *(f"a card of {row[0]}" for row in cards)]

    def operations(self, stage: Environment) -> int:
        """How many there were."""
        [(many,)] = stage.rows("SELECT count(*) FROM operations")
        return int(many)
