"""A look that is stored by one replica and read by another shows that one what it shows the one that took it."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from bot.azure.models.price import NO_PRICES
from bot.monitor.observer import Poll
from bot.monitor.scene import MoneyView, Scene
from bot.monitor.stored_looks import Figures, Mirror, look_of
from storage.port.changes import ChangeSet
from storage.port.looks import StoredLook
from storage.sqlite.store import SqliteStore
from tests.monitor.observed_sandbox import Stage, staged


async def _stored(store: SqliteStore, poll: Poll, figures: Figures) -> StoredLook:
    """The look as it comes out of the store, in which nothing waits then."""
    await store.record(replace(poll.batch, looks=[look_of(poll.scene, figures)]))
    [look] = await store.looks([poll.scene.account])
    await store.record(ChangeSet(decided=[look.seq]))
    assert await store.looks([poll.scene.account]) == []
    return look


def _shown(scene: Scene) -> Scene:
    """What rules see of it, but for prices, which each replica reads itself."""
    return replace(scene, prices=NO_PRICES, _folded={})


@pytest.mark.parametrize(("scenario", "looks"), [("tiny", 20), ("demo", 40)])
async def test_a_scene_is_the_same_on_the_other_side(tmp_path: object, scenario: str, looks: int) -> None:
    """While jobs come and go, nodes break, and the one that decides begins anew in the middle."""
    store = SqliteStore.open(f"{tmp_path}/looks.db")
    async with staged(scenario) as stage:
        mirror, seen = Mirror(stage.account.name), 0
        for number in range(looks):
            if number == looks // 2:
                _trouble(stage)
                mirror = Mirror(stage.account.name)
                mirror.restore(await store.cursors(stage.account.name), await store.snapshots(stage.account.name))
            poll = await stage.look(seconds=60)
            figures = Figures(calls=poll.calls, bytes=1, throttled=2, wait=30.0)
            made = mirror.scene(await _stored(store, poll, figures), NO_PRICES, None)
            assert made
            assert made[1] == figures
            assert _shown(made[0]) == _shown(poll.scene)
            seen += len(poll.scene.news) + len(poll.scene.ended)
        assert seen >= 2
        assert stage.observer.effort.polls == looks
    await store.close()


def _trouble(stage: Stage) -> None:
    pool = next(iter(stage.state.pools))
    stage.state.inject.break_nodes(pool)
    stage.state.inject.add_job("short", pool, 4, seconds=30)


async def test_an_account_that_cannot_be_read_is_seen_so(tmp_path: object) -> None:
    store = SqliteStore.open(f"{tmp_path}/looks.db")
    async with staged() as stage:
        name = stage.account.name
        mirror = Mirror(name)
        made = mirror.scene(await _stored(store, await stage.look(), Figures()), NO_PRICES, MoneyView("USD"))
        assert made
        assert made[0].money == MoneyView("USD")
        assert "money" in made[0].read
        await stage.sandbox.close()
        blind = await stage.look()
        made = mirror.scene(await _stored(store, blind, Figures()), NO_PRICES, MoneyView("USD"))
        assert made
        assert made[0].blind == blind.scene.blind is not None
        assert made[0].read == frozenset()
        assert made[0].pools.keys() == {"pool1"}, "what was known stays known"
    await store.close()


def test_what_another_version_stored_is_left_alone() -> None:
    mirror = Mirror("a")
    for body in (b"", b"\xff", msgspec.msgpack.encode({"at": "never"})):
        assert mirror.scene(StoredLook(1, "a", body), NO_PRICES, None) is None
