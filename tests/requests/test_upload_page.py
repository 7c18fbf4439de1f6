"""The page for uploads: one signed link, one use, whatever is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from bot.chat.request import CommandRequest, Conversation, Person
from bot.content.links import Signer
from bot.requests import upload_page
from bot.requests.upload_page import LASTS, UploadPage
from bot.requests.uploads import Uploads
from storage.sqlite.store import SqliteStore

ASKED = CommandRequest(
    "slack:1", "task upload", Person("slack", "U1", "Vera"), Conversation("slack", "C1", name="ops"), datetime.now(UTC)
)
COMMAND = "task add 'night <ly>' tasks:"


class Clock:
    now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Journal:
    """Takes each request once."""

    def __init__(self) -> None:
        self.taken: list[CommandRequest] = []

    async def accept(self, request: CommandRequest) -> object:
        if any(request.key == each.key for each in self.taken):
            return None
        self.taken.append(request)
        return request


class Harness:
    """The page, its store, the journal behind it and a browser before it."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.journal, self.clock = store, Journal(), Clock()
        self.page = UploadPage(store, Signer(store), "https://bot.example/", self.journal.accept, self.clock)
        self.client: TestClient[web.Request, web.Application]

    async def link(self, request: CommandRequest = ASKED) -> str:
        address, until = await self.page.link(request, COMMAND)
        assert until - self.clock.now <= LASTS
        assert address.startswith("https://bot.example/upload/")
        return URL(address).raw_path_qs

    async def send(self, link: str, content: bytes = b"", name: str = "tasks.csv", text: str = "") -> tuple[int, str]:
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("file", content, filename=name, content_type="text/csv")
        form.add_field("text", text)
        async with self.client.post(link, data=form) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    store = SqliteStore.open(tmp_path / "bot.db")
    made = Harness(store)
    app = web.Application(client_max_size=1024)
    app.add_routes(made.page.routes())
    async with TestClient(TestServer(app)) as client:
        made.client = client
        yield made
    await store.close()


async def test_what_is_uploaded_becomes_the_command_of_whoever_asked(harness: Harness) -> None:
    link = await harness.link()
    async with harness.client.get(link) as answer:
        shown = await answer.text()
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert "task add &#x27;night &lt;ly&gt;&#x27; tasks:…" in shown
    assert "Asked by Vera in ops" in shown
    assert "<script" not in shown
    content = b"frame\n" + b"1\n" * 5000  # more than the application reads of other requests
    status, told = await harness.send(link, content)
    assert (status, "✔ tasks.csv (10 kB) was taken." in told) == (200, True)
    (request,) = harness.journal.taken
    assert (request.person, request.conversation, request.how) == (ASKED.person, ASKED.conversation, "post")
    assert request.text.startswith(COMMAND + "file:u")
    kept = await Uploads(harness.store).read(request, request.text.removeprefix(COMMAND))
    assert (kept.name, kept.body) == ("tasks.csv", content)


async def test_it_takes_the_place_of_the_card_whose_button_was_pressed(harness: Harness) -> None:
    link = await harness.link(CommandRequest("k", "", ASKED.person, ASKED.conversation, ASKED.at, message="17.1"))
    await harness.send(link, b"x")
    assert [(each.how, each.message) for each in harness.journal.taken] == [("edit", "17.1")]


async def test_pasted_text_will_do(harness: Harness) -> None:
    status, told = await harness.send(await harness.link(), text='[{"id": "ä"}]')
    assert (status, "What you pasted" in told) == (200, True)
    assert len(harness.journal.taken) == 1


async def test_a_link_is_used_once(harness: Harness) -> None:
    link = await harness.link()
    answers = await asyncio.gather(*(harness.send(link, f"a{n}".encode()) for n in range(8)))
    assert sorted(status for status, _ in answers) == [200] + [409] * 7
    assert len(harness.journal.taken) == 1
    assert (await harness.send(link, b"b"))[0] == 409
    async with harness.client.get(link) as answer:
        assert (answer.status, "uploaded by this link already" in await answer.text()) == (409, True)


async def test_what_a_crash_left_between_store_and_journal_goes_on(harness: Harness) -> None:
    link = await harness.link()
    accept, harness.page._accept = harness.page._accept, _dies
    with pytest.raises(AssertionError):
        assert (await harness.send(link, b"first"))[0] != 500
    harness.page._accept = accept
    assert (await harness.send(link, b"second"))[0] == 409, "the first one is kept"
    (request,) = harness.journal.taken
    assert (await Uploads(harness.store).read(request, request.text.removeprefix(COMMAND))).body == b"first"


async def _dies(request: CommandRequest) -> object:
    raise RuntimeError("killed")


async def test_refusals_say_what_to_do(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    link = await harness.link()
    monkeypatch.setattr(upload_page, "MOST_BYTES", 10)
    for content, status, said in (
        (b"", 400, "Choose a file that is not empty"),
        (b" \n", 400, "Choose a file that is not empty"),
        (b"x" * 11, 413, "larger than 10 bytes"),
    ):
        assert (await harness.send(link, content))[0] == status
        assert said in (await harness.send(link, content))[1]
    async with harness.client.post(link, json={}) as answer:
        assert answer.status == 415
    assert not harness.journal.taken
    assert (await harness.send(link, b"fine"))[0] == 200, "the link is still good"


async def test_links_of_somebody_else_and_of_yesterday(harness: Harness) -> None:
    link = await harness.link()
    for forged in (link.replace("sig=", "sig=0"), link.replace("exp=", "exp=9"), link.partition("?")[0]):
        assert (await harness.send(forged, b"x"))[0] == 403
    harness.clock.now += LASTS + timedelta(seconds=1)
    status, told = await harness.send(link, b"x")
    assert (status, "press the button in the chat again" in told) == (410, True)
    assert not harness.journal.taken
