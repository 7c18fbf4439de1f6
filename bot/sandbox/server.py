"""Azure in one process: a data-plane listener for each account, one Resource Manager, and a world that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.sandbox.world import AccountState, Clock, World
from bot.sandbox.world.scenarios import SCENARIOS, build

from .wire.arm import ResourceManager
from .wire.control import add_control
from .wire.cost.control import add_cost_control
from .wire.dataplane import DataPlane
from .wire.fault_injection import add_fault_injection
from .wire.faults import Faults
from .wire.listener import loopback
from .wire.monitor import Monitor
from .wire.odata import warm
from .wire.tokens import Tokens

HISTORY: Final = timedelta(days=1)
"""How much has happened when `run` opens a world."""

_MOST_SKEW: Final = 10 * 365 * 86_400.0


class AzureSandbox:
    """Serves a world.

    After `start` the addresses are known: ``endpoints`` (account name -> data-plane URL), ``arm_url``,
    ``identity_endpoint`` and ``identity_header``. ``faults`` holds each listener's faults by account name, and those
    of Resource Manager by "arm", those of Azure Monitor by "monitor".
    """

    def __init__(self, world: World, *, tokens: Tokens | None = None, seed: int = 0) -> None:
        self.world = world
        self.tokens = tokens or Tokens()
        self.arm = ResourceManager(world, self.tokens, Faults(seed), accounts_changed=self._follow_accounts)
        self.monitor = Monitor(world, self.tokens, Faults(seed + 1_000_000))
        self.accounts: dict[str, DataPlane] = {}
        self._seed = seed
        self._pulse: asyncio.Task[None] | None = None
        self._host = ""
        self._following = asyncio.Lock()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen: Resource Manager on any free port, the accounts on ``port``, ``port`` + 1, … (0: any free ones).

        Control routes are there where only this machine can reach them. Raises OSError where a port is taken; nothing
        is left open then.
        """
        warm()
        try:
            self._host = host
            for number, account in enumerate(self.world.accounts.values()):
                await self._serve(account, port + number if port else 0)
            if loopback(host):
                for listener in (self.arm, self.monitor):
                    add_control(listener, self.world.clock, self.world.settle)
                add_cost_control(self.arm, self.monitor, self.world.accounts)
            await self.arm.start(host)
            await self.monitor.start(host)
        except OSError:
            await self.close()
            raise
        self._pulse = asyncio.create_task(self.world.run(), name="sandbox world")

    async def _serve(self, account: AccountState, port: int) -> None:
        """Open the data plane of an account."""
        plane = DataPlane(account, self.tokens, Faults(self._seed + len(self.accounts) + 1))
        if loopback(self._host):
            add_control(plane, self.world.clock, self.world.settle)
            add_fault_injection(plane)
        await plane.start(self._host, port)
        self.accounts[account.facts.name] = plane

    async def _follow_accounts(self) -> None:
        """Open the data planes of accounts that were made since, on any free port, and close those of deleted ones."""
        if self.accounts.keys() == self.world.accounts.keys():
            return
        async with self._following:
            for name in self.accounts.keys() - self.world.accounts.keys():
                await self.accounts.pop(name).close()
            for name in self.world.accounts.keys() - self.accounts.keys():
                await self._serve(self.world.accounts[name], 0)

    async def close(self) -> None:
        """Stop the world and let go of every port."""
        if self._pulse is not None:
            self._pulse.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pulse
            self._pulse = None
        for plane in self.accounts.values():
            await plane.close()
        await self.monitor.close()
        await self.arm.close()

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Account name -> where its data plane answers."""
        return {name: plane.url for name, plane in self.accounts.items()}

    @property
    def arm_url(self) -> str:
        """Where Resource Manager answers."""
        return self.arm.url

    @property
    def prices_url(self) -> str:
        """Where the Retail Prices API answers."""
        return self.arm.prices_url

    @property
    def metrics_url(self) -> str:
        """Where Azure Monitor answers, for every region."""
        return self.monitor.url

    @property
    def identity_endpoint(self) -> str:
        """What IDENTITY_ENDPOINT would be."""
        return self.arm.identity_endpoint

    @property
    def identity_header(self) -> str:
        """What IDENTITY_HEADER would be."""
        return self.arm.identity_header

    @property
    def faults(self) -> Mapping[str, Faults]:
        """Account name -> its faults; "arm" -> those of Resource Manager; "monitor" -> those of Azure Monitor."""
        planes = {name: plane.faults for name, plane in self.accounts.items()}
        return {**planes, "arm": self.arm.faults, "monitor": self.monitor.faults}

    def announce(self) -> list[str]:
        """``NAME=value`` lines that a client needs; the first account's names are bare, the others' end in _2, _3, …"""
        lines = []
        for number, (name, plane) in enumerate(self.accounts.items(), start=1):
            facts = self.world.accounts[name].facts
            tail = "" if number == 1 else f"_{number}"
            values = {
                "ACCOUNT": name,
                "ENDPOINT": plane.url,
                "KEY": facts.keys[0],
                "SUBSCRIPTION": facts.subscription,
                "RESOURCE_GROUP": facts.resource_group,
                "LOCATION": facts.location,
            }
            lines += [f"{key}{tail}={value}" for key, value in values.items()]
        return [
            *lines,
            f"ARM_ENDPOINT={self.arm_url}",
            f"METRICS_ENDPOINT={self.metrics_url}",
            f"PRICES_URL={self.prices_url}",
            f"IDENTITY_ENDPOINT={self.identity_endpoint}",
            f"IDENTITY_HEADER={self.identity_header}",
        ]


async def run(port: int, scenario: str, seed: int, speed: float, skew: float = 0.0) -> None:
    """Serve a scenario until SIGINT or SIGTERM, after saying on standard output where everything is.

    The world has a day behind it when it opens, and its clock is ``skew`` seconds ahead of this machine's (behind it
    where that is negative). Raises OSError where a port is taken and ValueError where there is no such scenario.
    """
    if scenario not in SCENARIOS:
        raise ValueError(f"there is no scenario {scenario}; there are {', '.join(SCENARIOS)}")
    clock = Clock(datetime.now(UTC) - HISTORY + skewed(skew), speed=speed)
    world = build(scenario, seed, clock)
    clock.advance(HISTORY)
    world.settle()
    sandbox = AzureSandbox(world, seed=seed)
    stop = stop_on_signals()
    await sandbox.start(port=port)
    try:
        sys.stdout.write("\n".join(sandbox.announce()) + "\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await sandbox.close()


def skewed(seconds: float) -> timedelta:
    """How far the service's clock stands from this machine's. Raises ValueError beyond ten years."""
    if not abs(seconds) <= _MOST_SKEW:
        raise ValueError(f"the clock may be off by {_MOST_SKEW:.0f} seconds, not by {seconds:g}")
    return timedelta(seconds=seconds)


def stop_on_signals() -> asyncio.Event:
    """An event that is set when somebody asks this process to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # On Windows Ctrl-C arrives as KeyboardInterrupt, which ends the loop by itself.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop
