"""The service's clock: which of its times are believed, and what a poll makes of those that jump."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.clock import PERSISTS, TOLERANCE, Clock
from bot.monitor.monitor_status import jump
from bot.monitor.observer import AHEAD, Observer
from tests.monitor.observed_sandbox import Stage, staged

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
JUMPS = [timedelta(days=3000), timedelta(days=-1), timedelta(minutes=10), timedelta(minutes=-10)]


class Host:
    """A host's clocks, moved by hand."""

    def __init__(self, wall: datetime = NOON) -> None:
        self.seconds = 0.0
        self.at = wall

    def elapsed(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return self.at

    def go(self, seconds: float) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)


def heard(clock: Clock, at: datetime) -> None:
    clock.hear(format_datetime(at, usegmt=True))


@pytest.mark.parametrize("off", JUMPS)
@pytest.mark.parametrize("looks", [1, 5])
def test_a_time_that_jumps_for_a_while_is_not_believed(off: timedelta, looks: int) -> None:
    host = Host()
    clock = Clock(host, "sim")
    heard(clock, NOON)
    for _ in range(looks):
        host.go(30)
        heard(clock, host.at + off)
        assert clock.now() == host.at
        assert clock.at(format_datetime(host.at + off, usegmt=True)) == host.at
    assert clock.doubt
    assert abs(clock.doubt.ahead - off) < timedelta(seconds=2)
    host.go(30)
    heard(clock, host.at)
    assert clock.now() == host.at


@pytest.mark.parametrize("off", JUMPS)
def test_a_time_that_stays_so_is_believed_in_the_end(off: timedelta) -> None:
    host = Host()
    clock = Clock(host, "sim")
    heard(clock, NOON)
    for _ in range(int(PERSISTS.total_seconds() / 30) + 2):
        host.go(30)
        heard(clock, host.at + off)
    assert abs(clock.now() - host.at - off) < timedelta(seconds=2)


@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(days=-400)])
def test_a_hosts_clock_that_is_wrong_is_no_reason_for_doubt(wrong: timedelta) -> None:
    host = Host(NOON + wrong)
    clock = Clock(host)
    for _ in range(20):
        heard(clock, host.at - wrong)
        assert clock.now() == host.at - wrong
        host.go(30)
    assert clock.doubt is None


def test_a_laptop_that_slept_believes_at_once() -> None:
    host = Host()
    clock = Clock(host)
    heard(clock, NOON)
    host.at += timedelta(hours=8)  # the seconds stand still while it sleeps
    heard(clock, host.at)
    assert clock.now() == host.at
    assert clock.doubt is None


def test_a_first_time_that_was_wrong_is_mended_by_the_next_right_one() -> None:
    host = Host()
    clock = Clock(host)
    heard(clock, NOON + timedelta(days=3000))
    host.go(30)
    heard(clock, host.at)
    assert clock.now() == host.at


def test_machines_that_differ_a_little_are_all_believed() -> None:
    host = Host()
    clock = Clock(host)
    for second in range(60):
        heard(clock, host.at + (TOLERANCE / 3 if second % 2 else -TOLERANCE / 3))
        host.go(5)
    assert clock.doubt is None


def test_jumps_in_words() -> None:
    told = [jump(each) for each in (timedelta(days=3000), timedelta(days=-1), timedelta(minutes=10))]
    assert told == ["3000 days ahead", "24 h back", "10 min ahead"]


# Over the sandbox


class Watched:
    """The sandbox's account, whose program goes by a host of ours, and whose Date can be off."""

    def __init__(self, stage: Stage, account: Account, host: Host) -> None:
        self.stage = stage
        self.host = host
        self.account = account
        self.off = timedelta()
        stage.sandbox.accounts[stage.account.name].observers.append(self._date)
        stage.account = account
        stage.observer = Observer(account, stage.store, _Wait(host), stage.settings)  # type: ignore[arg-type]

    def _date(self, request: web.Request, response: web.StreamResponse) -> None:
        at = self.stage.sandbox.world.clock.now()
        response.headers["Date"] = format_datetime(at + self.off, usegmt=True)

    async def look(self, times: int = 1, every: float = 30) -> None:
        for _ in range(times):
            self.stage.go(every)
            self.host.go(every)
            await self.stage.look()

    @property
    def cursors(self) -> dict[str, datetime]:
        return {cursor.stream: cursor.at for cursor in self.stage.store._cursors.values()}

    @property
    def now(self) -> datetime:
        return self.stage.sandbox.world.clock.now()


class _Wait:
    def __init__(self, host: Host) -> None:
        self.now, self.elapsed = host.wall, host.elapsed


@asynccontextmanager
async def _watched() -> AsyncIterator[tuple[Stage, Watched]]:
    async with staged() as stage:
        host = Host(stage.sandbox.world.clock.now())
        accounts = Accounts({stage.account.name: stage.account.settings}, {}, host=host)
        try:
            yield stage, Watched(stage, accounts.get(), host)
        finally:
            await accounts.close()


@pytest.mark.parametrize("off", JUMPS)
@pytest.mark.parametrize("looks", [1, 5])
async def test_no_cursor_follows_a_time_that_jumps(off: timedelta, looks: int) -> None:
    async with _watched() as (stage, watched):
        await watched.look(3)
        before = watched.cursors
        watched.off = off
        await watched.look(looks)
        for stream, at in watched.cursors.items():
            assert before[stream] <= at <= watched.now + timedelta(seconds=2), stream
        watched.off = timedelta()
        job = next(iter(stage.state.jobs))
        stage.state.inject.delete_job(job, at_once=True)
        await watched.look(65, every=120)
        assert (job, "deleted") in stage.store.of("job")
        assert not stage.store.doubled


async def test_a_cursor_from_the_future_is_brought_back() -> None:
    async with _watched() as (stage, watched):
        await watched.look(3)
        future = watched.now + timedelta(days=3000)
        for cursor in list(stage.store._cursors.values()):
            stage.store._cursors[cursor.stream] = type(cursor)(cursor.account, cursor.stream, future)
        stage.observer = Observer(watched.account, stage.store, _Wait(watched.host), stage.settings)  # type: ignore[arg-type]
        await stage.observer.load()
        job = next(iter(stage.state.jobs))
        stage.state.inject.delete_job(job, at_once=True)
        await watched.look(int(AHEAD.total_seconds() / 30) + 3)
        assert all(at <= watched.now + timedelta(seconds=2) for at in watched.cursors.values())
        assert job not in stage.observer._state.jobs
