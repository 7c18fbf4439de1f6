"""Files too large for the chat: the card with the link, and what the link gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

import bot.content.relay
import bot.sandbox.wire.files as wire
import handlers.file.get
from bot.azure.files import Remote
from bot.content.links import Signer
from bot.content.relay import Relay
from bot.sandbox.world.content import Bytes
from bot.sandbox.world.files import File, find
from cards.card import Actions, Card, Link, plain
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still
from tests.handlers.test_files import buttons, code, finished, words

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def relay(scene: Scene, clock: Clock) -> Relay:
    """With it the scene's commands make links."""
    made = Relay(Signer(scene.store, b"x" * 32), scene.accounts, "https://bot.example.com/", 2048 * 10**6, clock)
    scene.reading(relay=made)
    return made


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.add_routes(relay.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat that takes a thousand bytes, and a relay whose pieces are as small."""
    monkeypatch.setattr(handlers.file.get, "MOST_BYTES", 1000)
    monkeypatch.setattr(bot.content.relay, "PIECE", 1000)
    monkeypatch.setattr(bot.content.relay, "_TEXT_PIECE", 997)


def written(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Standard output is this."""

    def found(files: list[File], path: str, *, windows: bool) -> File:
        file = find(files, path, windows=windows)
        if file.id != "stdout.txt":
            return file
        return File(file.id, file.created, file.modified, Bytes(data))

    monkeypatch.setattr(wire, "find", found)


def link(card: Card) -> str:
    """Path and query of the card's link."""
    items = (item for block in card.blocks if isinstance(block, Actions) for item in block.items)
    url = next(item.url for item in items if isinstance(item, Link))
    assert url.startswith("https://bot.example.com/nodefiles/")
    return URL(url).raw_path_qs


async def test_the_cards_of_large_files(
    scene: Scene, relay: Relay, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, task = finished(scene)
    text = await scene.ask(f"file get {job} {task} stdout.txt")
    assert not text.refused
    assert "hidden on the way" in "".join(plain(block.text) for block in text.blocks if hasattr(block, "text"))
    check("command-file-get-large", still(text, scene))
    written(monkeypatch, bytes(range(256)) * 8)
    binary = await scene.ask(f"file get {job} {task} stdout.txt")
    check("command-file-get-large-binary", still(binary, scene))
    assert "Its end" not in buttons(binary)
    relay.most = 1500
    card = await scene.ask(f"file get {job} {task} stdout.txt")
    assert card.refused
    assert "up to 2 kB: bot.relay_mb" in words(card)
    assert f"az batch task file download --job-id {job}" in code(card)
    scene.reading(relay=None)
    assert "bot.public_url" in words(await scene.ask(f"file get {job} {task} stdout.txt"))


async def test_a_binary_file_comes_whole_and_by_ranges(
    scene: Scene, client: TestClient[Any, Any], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 20 + b"&sig=notlookedat"
    written(monkeypatch, data)
    job, task = finished(scene)
    path = link(await scene.ask(f"file get {job} {task} stdout.txt"))
    answer = await client.get(path)
    assert (answer.status, await answer.read()) == (200, data)
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Content-Disposition"] == "attachment; filename=\"stdout.txt\"; filename*=UTF-8''stdout.txt"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    head = await client.head(path)
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(data)), b"")
    for asked, start, stop in (("bytes=10-2999", 10, 3000), ("bytes=4000-", 4000, len(data)), ("bytes=-7", -7, None)):
        part = await client.get(path, headers={"Range": asked})
        assert (part.status, await part.read()) == (206, data[start:stop])
    assert part.headers["Content-Range"] == f"bytes {len(data) - 7}-{len(data) - 1}/{len(data)}"
    for asked in ("bytes=999999-", "bytes=9-1", "lines=1-2"):
        refused = await client.get(path, headers={"Range": asked})
        assert (refused.status, refused.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    conditional = await client.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert conditional.status == 200


KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx3Vv9Zq1c2Q4f7\n" * 30 + "-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
async def test_text_comes_without_its_secrets(
    scene: Scene, client: TestClient[Any, Any], small: None, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    lines = [f"{n:04} frame done, password=hunter{n}xyz and more, größer\n" for n in range(80)]
    text = "".join([*lines[:40], KEY, *lines[40:]]) + "no line end, token: abcd1234efgh5678"
    mark = {"utf-8": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[encoding]
    data = mark + text.encode(encoding)
    written(monkeypatch, data)
    job, task = finished(scene)
    path = link(await scene.ask(f"file get {job} {task} stdout.txt"))
    answer = await client.get(path)
    got = await answer.read()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == f"text/plain; charset={encoding[:6].removesuffix('-')}"
    assert got.startswith(mark)
    found = got[len(mark) :].decode(encoding)
    assert "hunter" not in found and "MIIE" not in found and "abcd1234" not in found
    assert found.count("frame done, password=… and more, größer\n") == 80
    assert found.endswith("no line end, token: …")
    assert (await client.head(path)).status == 200


async def test_bytes_that_are_no_text_come_through_a_text_unchanged(
    scene: Scene, client: TestClient[Any, Any], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "Rapport de l'encodage : séquence vérifiée\n".encode("latin-1") * 60 + b"cut \xe2\x82"
    written(monkeypatch, data)
    job, task = finished(scene)
    answer = await client.get(link(await scene.ask(f"file get {job} {task} stdout.txt")))
    assert await answer.read() == data


async def test_a_link_ends_with_its_hour_its_signature_and_its_node(
    scene: Scene, client: TestClient[Any, Any], relay: Relay, clock: Clock, small: None
) -> None:
    job, task = finished(scene)
    path = link(await scene.ask(f"file get {job} {task} stdout.txt"))
    assert (await client.get(path.replace("sig=", "sig=0"))).status == 403
    other = URL(await relay.link(Remote("render-prod", "task", job, task, "stderr.txt"))).path
    assert (await client.get(f"{other}?{path.partition('?')[2]}")).status == 403, "a signature is of one file"
    clock.now = START + timedelta(minutes=59)
    assert (await client.get(path)).status == 200
    clock.now = START + timedelta(minutes=61)
    assert (await client.get(path)).status == 410
    clock.now = START
    missing = await relay.link(Remote("render-prod", "task", job, task, "nothing.txt"))
    answer = await client.get(URL(missing).raw_path_qs)
    assert (answer.status, await answer.text()) == (404, "The file is not there any more.")
    foreign = await relay.link(Remote("elsewhere", "task", job, task, "stdout.txt"))
    assert (await client.get(URL(foreign).raw_path_qs)).status == 404
    account = scene.world.accounts["render-prod"]
    gone = account.jobs[job].tasks[task]
    del account.pools[gone.pool_id].nodes[gone.node_id]
    answer = await client.get(path)
    assert (answer.status, await answer.text()) == (410, "The task or its node is gone, and the file with it.")


async def test_what_breaks_on_the_way_does_not_look_whole(
    scene: Scene, client: TestClient[Any, Any], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(monkeypatch, b"a line of text\n" * 300)
    job, task = finished(scene)
    path = link(await scene.ask(f"file get {job} {task} stdout.txt"))
    read = bot.content.relay.Files.read

    async def cut_short(files: Any, name: str, start: int, stop: int) -> bytes:
        return (await read(files, name, start, stop))[: 0 if start > 2000 else None]

    monkeypatch.setattr(bot.content.relay.Files, "read", cut_short)
    answer = await client.get(path)
    assert answer.status == 200
    with pytest.raises(ClientError):
        await answer.read()


async def test_a_service_that_is_busy_is_told_as_such(
    scene: Scene, client: TestClient[Any, Any], relay: Relay, small: None
) -> None:
    job, task = finished(scene)
    path = link(await scene.ask(f"file get {job} {task} stdout.txt"))
    scene.sandbox.faults["render-prod"].add("throttle", path=r"/files/", status=429, retry_after=60, count=1)
    answer = await client.get(path)
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    relay.most = 10
    assert (await client.get(path)).status == 410
    for _ in range(bot.content.relay.AT_ONCE):
        await relay._places.acquire()
    answer = await client.get(path)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
