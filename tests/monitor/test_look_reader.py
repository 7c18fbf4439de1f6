"""Whoever has the duties decides on each look once, in its order, whatever fails in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bot.azure.models.price import NO_PRICES
from bot.clock import Clock
from bot.monitor import look_reader
from bot.monitor.look_reader import LookReader
from bot.monitor.scene import Scene
from bot.monitor.stored_looks import Figures, look_of
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.looks import Look
from storage.port.monitoring import Transition
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _seen(account: str, name: str, calls: int = 0) -> ChangeSet:
    scene = Scene(account=account, at=NOON, read=frozenset({"jobs"}), pools={}, jobs={}, schedules={})
    found = Transition(account, "job", "", name, "active", "completed", NOON)
    return ChangeSet(transitions=[found], looks=[look_of(scene, Figures(calls=calls))])


async def _until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


async def test_an_account_that_takes_long_keeps_no_other_one_waiting(tmp_path: Path) -> None:
    """As where what follows a look asks an Azure that does not answer."""
    store = SqliteStore.open(tmp_path / "t.db")
    told: list[str] = []
    answers = asyncio.Event()

    async def saw(scene: Scene, found: ChangeSet, done: ChangeSet) -> None:
        await store.record(done)
        told.extend(each.id for each in found.transitions)

    async def asks(account: str, scene: Scene, now: datetime) -> None:
        if account == "a":
            await answers.wait()

    async def prices() -> Any:
        return NO_PRICES

    source = SimpleNamespace(prices=prices)
    reader = LookReader({"a": source, "b": source}, store, saw, Clock(), {}, [asks])
    for account, name in (("a", "one"), ("a", "two"), ("b", "three")):
        await store.record(_seen(account, name))
    running = asyncio.create_task(reader.run())
    await _until(lambda: len(told) == 2)
    await store.record(_seen("b", "four"))
    reader.heard()
    await _until(lambda: len(told) == 3)
    assert told == ["one", "three", "four"]
    answers.set()
    await _until(lambda: len(told) == 4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await store.looks(["a", "b"]) == []
    await store.close()


async def test_each_look_is_decided_on_once_and_in_order(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(look_reader, "_AFTER_FAILURE", 0.01)
    store = SqliteStore.open(tmp_path / "t.db")
    told: list[str] = []
    after: list[str] = []
    failing = [StoreError("the disk is full"), RuntimeError("a defect"), None]

    async def saw(scene: Scene, found: ChangeSet, done: ChangeSet) -> None:
        if scene.account == "a" and failing and (error := failing.pop(0)):
            raise error
        await store.record(done)
        told.extend(f"{scene.account} {each.id}" for each in found.transitions)
        assert [each.id for each in scene.news] == [each.id for each in found.transitions]

    async def followed(account: str, scene: Scene, now: datetime) -> None:
        after.append(account)
        raise RuntimeError("what follows does not keep the next one from being decided on")

    async def prices() -> Any:
        return NO_PRICES

    source = SimpleNamespace(prices=prices)
    figures = {"a": Figures(), "b": Figures()}
    reader = LookReader({"a": source, "b": source}, store, saw, Clock(), figures, [followed])
    for account, name in (("a", "one"), ("b", "two"), ("gone", "elsewhere"), ("a", "three")):
        await store.record(_seen(account, name, calls=len(name)))
    await store.record(ChangeSet(looks=[Look("b", b"of another version")]))
    running = asyncio.create_task(reader.run())
    await _until(lambda: len(told) == 3)
    assert [each for each in told if each.startswith("a")] == ["a one", "a three"], "in their order, whatever failed"
    assert told[0] == "b two", "another account does not wait for one that fails"
    await store.record(_seen("b", "four"))
    reader.heard()
    await _until(lambda: len(told) == 4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sorted(after) == ["a", "a", "b", "b"]
    assert figures["a"].calls == len("three")
    assert [each.account for each in await store.looks(["a", "b", "gone"])] == ["gone"], "that is for who knows it"
    await store.close()
