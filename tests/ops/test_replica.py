"""What a copy without the duties does, and what it leaves to the one that has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from bot.ops.replica import Replica, seldom, store_of
from bot.requests.journal import RequestJournal
from storage.port.conversations import ConversationReference
from storage.port.errors import CannotStore
from storage.sqlite.store import SqliteStore

ROOM = Conversation("slack", "C0OPS")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Lease:
    """Takes the place of a lease that the test takes and loses."""

    def __init__(self) -> None:
        self.epoch, self.lost, self.is_sure, self.signs = 0, "", True, 0

    @property
    def held(self) -> bool:
        return bool(self.epoch)

    def sure(self) -> bool:
        return self.held and self.is_sure

    def alive(self) -> None:
        self.signs += 1

    def replicas(self) -> list[Any]:
        return []

    def release(self) -> None:
        self.epoch = 0


class Platform:
    """What is shared of a platform."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.may: Callable[[], bool] = lambda: True

    def stand_by(self, may: Callable[[], bool]) -> None:
        self.may = may

    async def take_over(self) -> None:
        self.did.append("take over")

    async def refresh(self) -> None:
        self.did.append("refresh")


class Heard:
    """Takes the place of the parts that are told of conversations."""

    def __init__(self) -> None:
        self.of: list[object] = []
        self.fails = 0

    async def reached(self, conversation: Conversation, yes: bool) -> None:
        if self.fails:
            self.fails -= 1
            raise CannotStore("full")
        if conversation.id == "C0BROKEN":
            raise ValueError("nobody can do that")
        self.of.append((conversation.id, yes))

    async def moved(self, reference: ConversationReference, old: str) -> None:
        self.of.append((old, reference.id))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "bot.db")
    yield opened
    await opened.close()


async def test_the_duties_are_begun_when_the_lease_is_taken_and_what_others_learned_is_told_then(
    store: SqliteStore,
) -> None:
    begun: list[str] = []
    failing = [CannotStore("full")]

    async def take_up() -> None:
        if failing:
            raise failing.pop()
        begun.append("begun")

    lease, platform, heard = Lease(), Platform(), Heard()
    parts: Any = lease, store, store, [platform, object()], heard
    replica = Replica(*parts, take_up)
    assert platform.may(), "forms are opened by any"
    running = asyncio.create_task(replica.run())
    other: Any = Replica(*parts, take_up)
    await other.reached(ROOM, True)
    await other.reached(Conversation("slack", "C0BROKEN"), True)
    await other.moved(ConversationReference("slack", "C0NEW", b"{}", NOON), "C0OPS")
    await other.reached(ROOM, False)
    assert (begun, heard.of) == ([], [])
    heard.fails = 1  # it is told again
    lease.epoch = 1
    await until(lambda: len(heard.of) == 3)
    assert begun == ["begun"], "tried again where the database failed"
    assert heard.of == [("C0OPS", True), ("C0OPS", "C0NEW"), ("C0OPS", False)], "in their order, without what is broken"
    assert "take over" in platform.did
    assert lease.signs
    await replica.reached(ROOM, True)
    assert heard.of[3:] == [("C0OPS", True)], "who has the duties does it at once"
    assert platform.may()
    lease.is_sure = False
    assert not platform.may(), "but posts nothing where another may have them"
    await until_empty(lambda: store.all_preferences("replica-news"))
    running.cancel()


async def test_what_one_copy_takes_in_another_answers_once_and_as_if_it_had_just_come(store: SqliteStore) -> None:
    """No word that it may be a repeat, and it counts in the person's share."""
    answers: list[tuple[str, bool]] = []
    nothing: Any = None
    front, duties = (RequestJournal(nothing, store, {"slack": nothing}, nothing) for _ in range(2))
    front.working = False

    async def answered(request: CommandRequest, row: object) -> Any:
        answers.append((request.key, row is None))
        await store.finish(request.key, "done")

    duties._answer = answered  # type: ignore[assignment]
    request = _request("k")
    assert await front.accept(request) is None
    assert await front.accept(request) is None
    assert await duties.accept(request) is None, "it is known, whoever is asked again"
    watching = asyncio.create_task(duties.watch())
    await until_empty(store.unfinished)
    watching.cancel()
    assert answers == [("k", True)]
    assert duties.shares._people[request.person.key].used > 0


async def test_what_any_copy_answers_at_once_is_what_the_others_know(store: SqliteStore) -> None:
    """A Home tab that is opened at a copy without the duties shows the alerts of now, and not those of its start."""
    did: list[str] = []

    async def refresh() -> None:
        did.append("read anew")

    dispatcher: Any = mock.Mock(read=mock.AsyncMock(), link_cards=mock.AsyncMock(), form=mock.AsyncMock())
    nothing: Any = None
    copy = RequestJournal(dispatcher, store, {"slack": nothing}, nothing, refresh=refresh)
    for working in (True, False):
        copy.working = working
        await copy.read(_request("k"))
        await copy.link_cards(_request("k"), [])
        await copy.form("job list", _request("k"))
        assert len(did) == (0 if working else 3)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def until_empty(read: Callable[[], Awaitable[list[Any]]]) -> None:
    async with asyncio.timeout(30):
        while await read():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


def _request(key: str) -> CommandRequest:
    return CommandRequest(
        key=key, text="job list", person=Person("slack", "U1"), conversation=ROOM, at=datetime.now(UTC)
    )


async def test_what_forms_are_made_from_is_read_seldom_and_goes_on_where_that_fails() -> None:
    read: list[int] = []

    async def reading() -> None:
        read.append(1)
        raise CannotStore("away")

    now_and_then = seldom(reading)
    await now_and_then()
    await now_and_then()
    assert read == [1]


async def test_what_forms_keep_is_kept_by_any_copy_and_what_commands_keep_by_the_one_with_the_duties() -> None:
    """Once it had the duties it never falls back: what it does then is to be refused where another has them."""
    front: Any = {"copy": "any"}
    duties: Any = {"copy": "the one with the duties"}
    lease = Lease()
    store: Any = store_of(lease, front, duties)
    assert list(store.values()) == ["any"]
    lease.epoch = 2
    assert list(store.values()) == ["the one with the duties"]
    lease.lost = "to another"
    assert list(store.values()) == ["the one with the duties"]
    assert store_of(None, front, duties) is duties
