"""What is attached or pasted is fetched once, kept for whoever brought it, and given to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.chat.port import AttachedFile, FetchError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.requests.command import CommandError
from bot.requests.uploads import MOST_BYTES, Uploads, is_reference
from storage.sqlite.store import SqliteStore

ASKED = CommandRequest("k", "task add n", Person("slack", "U1"), Conversation("slack", "C1"), datetime.now(UTC))


class Platform:
    """A chat platform with one file."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        self.asked.append((reference, most))
        if reference != "F1":
            raise FetchError("It is gone.")
        return AttachedFile("tasks.csv", b"a,b")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


async def test_a_file_of_a_form(store: SqliteStore) -> None:
    platform = Platform()
    uploads = Uploads(store, platform.fetch)
    asked = replace(ASKED, values={"tasks": "file:F1", "job": "n"})
    taken = await uploads.taken_in(asked, ["tasks"])
    assert is_reference(taken.values["tasks"])
    assert taken.values["job"] == "n"
    kept = await uploads.read(taken, taken.values["tasks"])
    assert (kept.name, kept.body) == ("tasks.csv", b"a,b")
    assert platform.asked == [("F1", MOST_BYTES)]
    assert await uploads.taken_in(taken, ["tasks"]) == taken, "what is taken in stays"
    assert await uploads.taken_in(asked, ["tasks"]) == taken, "the same after a crash"


async def test_a_file_of_a_message(store: SqliteStore) -> None:
    uploads = Uploads(store, Platform().fetch)
    taken = await uploads.taken_in(replace(ASKED, files=("F1",)), ["tasks"])
    assert taken.files == ()
    command, _, reference = taken.text.partition(" tasks:")
    assert (command, is_reference(reference)) == ("task add n", True)
    assert await uploads.taken_in(replace(ASKED, files=("F1",)), []) == replace(ASKED, files=("F1",))


async def test_pasted_text_keeps_its_lines(store: SqliteStore) -> None:
    uploads = Uploads(store)
    taken = await uploads.taken_in(replace(ASKED, values={"tasks": "frame\n1\nä\ud800"}), ["tasks"])
    assert (await uploads.read(taken, taken.values["tasks"])).body == "frame\n1\nä?".encode()


@pytest.mark.parametrize(
    ("values", "files", "said"),
    [
        ({"tasks": "file:F2"}, (), "It is gone."),
        ({"tasks": "file:F1,file:F2"}, (), "One file at a time"),
        ({}, ("F1", "F1"), "One file at a time"),
    ],
)
async def test_what_cannot_be_had(
    store: SqliteStore, values: dict[str, str], files: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        await Uploads(store, Platform().fetch).taken_in(replace(ASKED, values=values, files=files), ["tasks"])


async def test_nobody_else_gets_it(store: SqliteStore) -> None:
    uploads = Uploads(store)
    reference = await uploads.keep(ASKED, "tasks", "", b"x")
    for other in (
        replace(ASKED, person=Person("slack", "U2")),
        replace(ASKED, conversation=Conversation("slack", "C2")),
        replace(ASKED, person=Person("teams", "U1")),
    ):
        with pytest.raises(CommandError, match="attached by somebody else, or elsewhere"):
            await uploads.read(other, reference)
    with pytest.raises(CommandError, match="not kept any more"):
        await uploads.read(ASKED, "file:u" + "0" * 24)
    with pytest.raises(CommandError, match="Nothing can be attached here"):
        await uploads.taken_in(replace(ASKED, values={"tasks": "file:F1"}), ["tasks"])
    with pytest.raises(CommandError, match="is empty"):
        await uploads.keep(ASKED, "tasks", "tasks.csv", b"")
