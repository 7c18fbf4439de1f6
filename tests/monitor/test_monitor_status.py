"""How watching and delivery stand: figures by the minute, what is late, throttled, blind; and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Of
from typing import Any, cast

import pytest

from bot.azure.clock import Doubt
from bot.clock import Clock
from bot.monitor.monitor_status import MonitorStatus, jump
from bot.monitor.scene import Blindness, Scene
from bot.outbox.destination_queue import DestinationStatus
from bot.outbox.sender import Totals

BEGAN = datetime(2026, 11, 18, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Still(Clock):
    """A clock that stands still until it is moved."""

    at = BEGAN

    def now(self) -> datetime:
        return self.at


class Post:
    """A delivery as it stands."""

    def __init__(self) -> None:
        self.totals = Totals(sent=3)
        self.places: list[DestinationStatus] = []
        self.silent: dict[str, str] = {}

    def status(self) -> list[DestinationStatus]:
        return self.places

    def down(self) -> dict[str, str]:
        return self.silent


class World:
    """Two accounts that are watched."""

    def __init__(self) -> None:
        self.clock, self.post = Still(), Post()
        self.traffic = {name: Of(calls=0, bytes=0, throttled=0) for name in ("render", "sim")}
        self.timed = Of(doubt=None)
        observers = {"render": Of(wait=30.0, events=None), "sim": Of(wait=120.0, events=None)}
        self.status = MonitorStatus(observers, self.traffic, self.post, self.clock, clocks={"sim": self.timed})

    async def poll(self, at: timedelta, name: str = "render", **more: Any) -> None:
        """A poll so long after the beginning."""
        self.clock.at = now = BEGAN + at
        behind = {stream: now - span for stream, span in more.pop("behind", {}).items()}
        scene = Scene(account=name, at=now, read=frozenset(), pools={}, jobs={}, schedules={}, behind=behind, **more)
        await self.status.after(name, scene, now)


@pytest.fixture
def w() -> World:
    return World()


async def test_what_it_takes_a_minute_is_that_of_the_last_five(w: World) -> None:
    render, sim = w.status.accounts()
    assert (render.name, render.polled, render.calls, sim.wait) == ("render", None, 0.0, 120.0)
    await w.poll(timedelta())
    assert w.status.accounts()[0].calls == 0.0, "one poll is no rate"
    for minute in range(1, 11):
        w.traffic["render"].calls += 10 if minute > 5 else 2
        w.traffic["render"].bytes += 600
        await w.poll(minute * MINUTE)
    render = w.status.accounts()[0]
    assert (render.polled, render.calls, render.received) == (BEGAN + 10 * MINUTE, 10.0, 600.0)
    assert w.status.polls == {"render": 11, "sim": 0}
    w.traffic["render"].calls += 60
    await w.poll(40 * MINUTE)
    assert w.status.accounts()[0].calls == 2.0, "the last two polls, however far apart"


async def test_throttling_lasts_until_five_minutes_went_by_without(w: World) -> None:
    def since() -> datetime | None:
        return w.status.accounts()[0].throttled

    await w.poll(timedelta())
    assert since() is None
    for minute in (1, 4, 9):
        w.traffic["render"].throttled += 1
        await w.poll(minute * MINUTE)
        assert since() == BEGAN + MINUTE
    await w.poll(14 * MINUTE)
    assert since() == BEGAN + MINUTE
    await w.poll(14 * MINUTE + SECOND)
    assert since() is None
    w.traffic["render"].throttled += 1
    await w.poll(15 * MINUTE)
    assert since() == BEGAN + 15 * MINUTE, "it has begun anew"


async def test_another_replica_counts_from_its_own_start(w: World) -> None:
    w.status.lease = cast(Any, Of(shares=()))
    w.traffic["render"].calls, w.traffic["render"].throttled = 5_000, 3
    await w.poll(timedelta())
    assert w.status.accounts()[0].throttled is None, "that was before anybody here heard of it"
    w.traffic["render"].calls += 20
    await w.poll(2 * MINUTE)
    assert w.status.accounts()[0].calls == 10.0
    w.traffic["render"].calls, w.traffic["render"].throttled = 40, 9
    await w.poll(3 * MINUTE)
    assert (w.status.accounts()[0].calls, w.status.accounts()[0].throttled) == (0.0, None)
    w.traffic["render"].calls, w.traffic["render"].throttled = 70, 10
    await w.poll(4 * MINUTE)
    assert (w.status.accounts()[0].calls, w.status.accounts()[0].throttled) == (30.0, BEGAN + 4 * MINUTE)


async def test_what_keeps_it_from_its_work_is_a_line_each(w: World) -> None:
    assert list(w.status.troubles()) == []
    w.clock.at = BEGAN + 150 * SECOND
    assert list(w.status.troubles()) == []
    w.clock.at += SECOND
    assert list(w.status.troubles()) == ["account render was not polled since 12:00 UTC"]
    await w.poll(9 * MINUTE, behind={"tasks": 119 * SECOND, "counts": timedelta(hours=1)})
    assert list(w.status.troubles()) == []
    await w.poll(9 * MINUTE, behind={"tasks": 120 * SECOND, "nodes": 185 * SECOND})
    assert list(w.status.troubles()) == [
        "account render: failed tasks are 2 min late, for want of calls a minute",
        "account render: nodes in trouble are 3 min late, for want of calls a minute",
    ]
    await w.poll(10 * MINUTE, blind=Blindness(BEGAN, "AuthorizationFailure", "in words"))
    w.clock.at = BEGAN + 10 * MINUTE + SECOND  # five times its own two minutes
    w.timed.doubt = Doubt("render.example", timedelta(hours=3), w.clock.at)
    w.post.silent = {"teams": "503", "slack": "timeout"}
    w.post.places = [
        DestinationStatus("slack:C1", gone_since=BEGAN, error="is_archived"),
        DestinationStatus("slack:C2"),
    ]
    w.status.moved.append("a note")
    assert list(w.status.troubles()) == [
        "account render cannot be read: AuthorizationFailure",
        "account sim was not polled since 12:00 UTC",
        "account sim: the service's clock jumped 3 h ahead and is not believed",
        "slack does not answer: timeout",
        "teams does not answer: 503",
        "slack:C1 cannot be written to: is_archived",
        "a note",
    ]
    outbox = w.status.outbox()
    assert (outbox.conversations, outbox.totals.sent) == (tuple(w.post.places), 3)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(minutes=10), "10 min ahead"),
        (timedelta(minutes=-119), "119 min back"),
        (timedelta(hours=2), "2 h ahead"),
        (timedelta(hours=-47, minutes=-59), "47 h back"),
        (timedelta(days=2), "2 days ahead"),
        (timedelta(days=3000), "3000 days ahead"),
        (timedelta(), "0 min back"),
    ],
)
def test_a_jump_in_words(ahead: timedelta, words: str) -> None:
    assert jump(ahead) == words
