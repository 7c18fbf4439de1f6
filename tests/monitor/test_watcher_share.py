"""A replica watches the accounts that are its own, from when they are until they are no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from bot.clock import Clock
from bot.monitor import watcher
from bot.monitor.scene import Scene
from bot.monitor.watcher import Watcher
from storage.port.changes import ChangeSet
from storage.port.errors import StoreHeld

NAMES = ("a", "b", "c", "d")


class _Poll(NamedTuple):
    scene: Scene
    batch: ChangeSet


class _Observer:
    """Counts what is done with it."""

    wait = 60.0

    def __init__(self, name: str, done: Counter[str]) -> None:
        self.name = name
        self._done = done

    async def load(self) -> None:
        self._done[f"load {self.name}"] += 1

    async def listen(self) -> None:
        self._done[f"listen {self.name}"] += 1
        try:
            await asyncio.Event().wait()
        finally:
            self._done[f"listen {self.name}"] -= 1

    async def poll(self) -> _Poll:
        self._done[f"poll {self.name}"] += 1
        return _Poll(_scene(self.name), ChangeSet())

    def stored(self) -> None:
        self._done[f"stored {self.name}"] += 1

    def lost(self) -> None:
        self._done[f"lost {self.name}"] += 1


def _scene(name: str) -> Scene:
    return Scene(account=name, at=datetime.now(UTC), read=frozenset(), pools={}, jobs={}, schedules={})


class _Shares:
    def __init__(self) -> None:
        self.wanted: Collection[str] = ()
        self.held: dict[str, int] = {}
        self.nudges: dict[str, int] = {}

    def want(self, accounts: Collection[str]) -> None:
        self.wanted = tuple(accounts)

    def mine(self) -> Mapping[str, int]:
        return dict(self.held)

    def nudged(self) -> Mapping[str, int]:
        return {name: self.nudges.get(name, 0) for name in self.held}

    def nudge(self, account: str) -> None:
        self.nudges[account] = self.nudges.get(account, 0) + 1


@pytest.fixture
def done() -> Counter[str]:
    return Counter()


@pytest.fixture
async def shares(done: Counter[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Shares]:
    monkeypatch.setattr(watcher, "_GLANCE", 0.01)
    monkeypatch.setattr(watcher, "_AFTER_FAILURE", 60.0)
    made = _Shares()

    async def saw(scene: Scene, batch: ChangeSet) -> None:
        if made.held.get(scene.account) is None or scene.account == "d":
            raise StoreHeld("another replica watches it")

    watching = Watcher([_Observer(name, done) for name in NAMES], saw, Clock())
    running = asyncio.create_task(watching.share(made))
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert made.wanted == (), "it takes none when it has ended"


async def _until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.005)


async def test_accounts_come_and_go(shares: _Shares, done: Counter[str]) -> None:
    await _until(lambda: shares.wanted == NAMES)
    assert not done
    shares.held = {"a": 1, "b": 1}
    await _until(lambda: done["stored a"] and done["stored b"])
    assert done["poll c"] == 0
    shares.held = {"b": 1, "c": 4}
    await _until(lambda: done["stored c"])
    polled = done["poll a"]
    shares.held = {"b": 2, "c": 4}  # it was lost and is back: what was known of it is not true any more
    await _until(lambda: done["load b"] == 2)
    assert (done["load a"], done["load c"], done["poll a"]) == (1, 1, polled)
    assert [done[f"listen {name}"] for name in NAMES] == [0, 1, 1, 0], (
        "who watches it hears its events, and nobody else"
    )


async def test_whoever_is_asked_to_look_soon_does(shares: _Shares, done: Counter[str]) -> None:
    shares.held = {"c": 1}
    shares.nudges = {"c": 7}  # as others had asked before
    await _until(lambda: done["stored c"])
    before = done["poll c"]
    shares.nudge("c")
    await _until(lambda: done["poll c"] > before)


async def test_what_another_replica_watches_is_not_stored(shares: _Shares, done: Counter[str]) -> None:
    shares.held = {"d": 1}
    await _until(lambda: done["lost d"])
    assert done["stored d"] == 0


def test_accounts_are_polled_in_turns() -> None:
    watching = Watcher([_Observer(name, Counter()) for name in NAMES], _nothing, Clock())
    assert [watching._turn(name) for name in NAMES] == [0.25, 0.5, 0.75, 1.0]
    assert Watcher([_Observer("a", Counter())], _nothing, Clock())._turn("a") == 1.0


async def _nothing(scene: Scene, batch: ChangeSet) -> None:
    return None


async def test_first_polls_begin_one_after_the_other() -> None:
    done: Counter[str] = Counter()
    waited: list[float] = []

    class Recorded(Clock):
        async def until(self, event: asyncio.Event, seconds: float) -> bool:
            if not any(done[f"poll {name}"] for name in NAMES):
                waited.append(seconds)
            return await super().until(event, seconds)

    watching = Watcher([_Observer(name, done) for name in NAMES], _nothing, Recorded(speed=100.0))
    running = asyncio.create_task(watching.run())
    await _until(lambda: all(done[f"stored {name}"] for name in NAMES))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert waited[:4] == [0.0, watcher._APART, 2 * watcher._APART, 3 * watcher._APART]
