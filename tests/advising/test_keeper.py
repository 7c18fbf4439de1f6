"""Looks at accounts by the hour: when, and what one that fails means for others."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.advising import keeper
from bot.advising.keeper import EVERY, FIRST, AdviceKeeper
from bot.clock import Clock
from bot.monitor.background import Background
from storage.port.errors import StoreError


class Stepping(Clock):
    """A clock whose sleeps pass at once, until it is slept on for the last time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.most:
            raise asyncio.CancelledError


async def test_every_account_is_looked_at_by_the_hour_whatever_becomes_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []

    async def look(source: Any, *_: object) -> Any:
        looked.append(source.name)
        if source.name == "full":
            raise StoreError("the disk is full")
        if source.name == "odd":
            raise ValueError("two currencies")
        return SimpleNamespace(known=(), case=SimpleNamespace(unread=frozenset()))

    monkeypatch.setattr(keeper, "look", look)
    clock = Stepping(3)
    background = Background(clock)
    accounts: Any = [SimpleNamespace(name=name) for name in ("full", "odd", "render")]
    nothing: Any = None
    with pytest.raises(asyncio.CancelledError):
        await AdviceKeeper(accounts, nothing, nothing, nothing, clock, background).run()
    assert clock.slept == [FIRST, EVERY, EVERY]
    assert looked == ["full", "odd", "render"] * 2
    assert {each.account: bool(each.error) for each in background.all()} == {"full": True, "odd": True, "render": False}
