"""What is called like what somebody types: the likest first, and nobody else waits while it is looked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from bot.requests import finder


@dataclass
class List:
    """A list of names as the monitor keeps it."""

    account: str
    kind: str
    names: list[str]
    places: dict[str, int] = field(default_factory=dict)

    @property
    def folded(self) -> list[str]:
        return [each.casefold() for each in self.names]


async def _found(lists: list[List], typed: str, most: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name, said in (("may_see", True), ("may_be_guest", False)):
        monkeypatch.setattr(finder, name, mock.Mock(return_value=said))
    services: Any = mock.Mock()
    services.reading.names.gathered = mock.AsyncMock()
    services.reading.names.every.return_value = lists
    services.reading.accounts.names = sorted({each.account for each in lists})
    request = CommandRequest("k", "", Person("teams", "o"), Conversation("teams", "19:a"), datetime.now(UTC))
    return [each.title for each in await finder.matches(services, request, typed, most)]


async def test_the_likest_first_and_of_one_kind_as_the_lists_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [
        List("render", "pool", ["gpu-b", "GPU", "gpu-a", "a-gpu"]),
        List("render", "job", ["gpu-job", "nightly"]),
        List("render", "application", ["gpu-tool"]),
    ]
    first, *beginning, last = await _found(lists, " gpu ", 10, monkeypatch)
    assert (first, last) == ("Pool GPU", "Pool a-gpu")
    assert beginning == ["Pool gpu-b", "Job gpu-job", "Pool gpu-a"]
    assert await _found(lists, "a gpu", 10, monkeypatch) == ["Pool gpu-a", "Pool a-gpu"]
    assert await _found(lists, "gpu", 2, monkeypatch) == ["Pool GPU", "Pool gpu-b"]
    assert await _found(lists, "render", 2, monkeypatch) == ["Account render"]
    assert await _found(lists, "nowhere", 2, monkeypatch) == []


async def test_everything_else_goes_on_between_two_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked with each key, of up to 20,000 names in each list: all at once took a second in ten accounts."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    try:
        await _found([List(f"account-{n}", "job", ["a", "b"]) for n in range(20)], "a", 5, monkeypatch)
        assert turns >= 20
    finally:
        beside.cancel()
