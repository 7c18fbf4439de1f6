from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from bot.chat.port import Pictures
from bot.content.drawing import Drawing
from bot.content.links import Gallery, Links, NoAddressError
from cards.card import Attachment
from storage.port.files import SharedFile
from storage.sqlite.store import SqliteStore

PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"
START = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "bot.db")
    yield store
    await store.close()


@pytest.fixture
def links(store: SqliteStore, clock: Clock) -> Links:
    return Links(store, "https://bot.example/", days=30, clock=clock)


@pytest.fixture
async def client(links: Links) -> AsyncIterator[TestClient]:
    app = web.Application()
    app.add_routes(links.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


def path(link: str) -> str:
    return URL(link).raw_path_qs


async def test_a_link_gives_the_picture(links: Links, client: TestClient) -> None:
    link = await links.link(PNG)
    assert link.startswith("https://bot.example/pictures/")
    answer = await client.get(path(link))
    assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PNG)
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head = await client.head(path(link))
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(PNG)), b"")
    again = await client.get(path(link), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


async def test_the_same_picture_has_the_same_link(links: Links) -> None:
    assert await links.link(PNG) == await links.link(PNG)
    assert await links.link(PNG) != await links.link(PNG + b"!")


async def test_a_link_outlives_a_restart_and_not_its_time(
    links: Links, client: TestClient, store: SqliteStore, clock: Clock
) -> None:
    link = await Links(store, "https://bot.example", days=30, clock=clock).link(PNG)
    clock.now = START + timedelta(days=30)
    assert (await client.get(path(link))).status == 200
    clock.now = START + timedelta(days=30, hours=1)
    assert (await client.get(path(link))).status == 410


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.update_query(sig="0" * 64),
        lambda url: url.update_query(exp=str(int(url.query["exp"]) + 86400)),
        lambda url: url.without_query_params("sig"),
        lambda url: url.without_query_params("exp"),
        lambda url: url.update_query(exp="soon", sig="ünsigned"),
        lambda url: url.with_path(f"/pictures/{'0' * 40}.png", keep_query=True),
    ],
)
async def test_what_we_did_not_sign_is_refused(links: Links, client: TestClient, change) -> None:
    url = change(URL(await links.link(PNG)))
    assert (await client.get(url.raw_path_qs)).status == 403


async def test_unknown_pictures(links: Links, client: TestClient, store: SqliteStore, clock: Clock) -> None:
    link = await links.link(PNG)
    await store.prune(START + timedelta(days=60))
    assert (await client.get(path(link))).status == 404
    assert (await client.get("/pictures/..%2Fbot.db.png")).status == 404


async def test_another_secret_signs_otherwise(store: SqliteStore, clock: Clock) -> None:
    given = Links(store, "https://bot.example", secret=b"k" * 32, clock=clock)
    assert await given.link(PNG) != await Links(store, "https://bot.example", clock=clock).link(PNG)


async def test_without_a_public_address_there_is_no_link(store: SqliteStore) -> None:
    gallery: Pictures = Gallery(Drawing(), Links(store, ""))
    with pytest.raises(NoAddressError, match=r"bot\.public_url"):
        await gallery.link(PNG)
    with pytest.raises(NoAddressError, match=r"bot\.public_url"):
        await gallery.file_link(Attachment("tasks.csv", b"a", "text/csv"))


async def test_a_file_is_saved_and_never_shown_as_a_page(store: SqliteStore, links: Links, client: TestClient) -> None:
    gallery = Gallery(Drawing(), links)
    link = await gallery.file_link(Attachment('tä"sks\r\n.html', b"<script>", "text/html; charset=utf-8"))
    answer = await client.get(path(link))
    assert (answer.status, await answer.read()) == (200, b"<script>")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"t__sks__.html\"; filename*=UTF-8''t%C3%A4%22sks%0D%0A.html"
    )
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert (await client.get(URL(link).update_query(sig="0").raw_path_qs)).status == 403


async def test_a_file_expires_after_a_week(links: Links, client: TestClient, clock: Clock) -> None:
    link = await links.file_link(SharedFile(b"a,b", "text/csv", "tasks.csv"))
    clock.now = START + timedelta(days=7)
    assert (await client.get(path(link))).status == 200
    clock.now = START + timedelta(days=7, hours=1)
    assert (await client.get(path(link))).status == 410


async def test_what_is_no_media_type_is_served_as_bytes(links: Links, client: TestClient) -> None:
    link = await links.file_link(SharedFile(b"x", "text/html\r\nX-Evil: 1", ""))
    answer = await client.get(path(link))
    assert answer.content_type == "application/octet-stream"
    assert 'filename="file"' in answer.headers["Content-Disposition"]


async def test_the_same_bytes_under_another_name_are_another_file(links: Links) -> None:
    assert await links.file_link(SharedFile(b"x", "text/csv", "a")) != await links.file_link(
        SharedFile(b"x", "text/csv", "b")
    )
