"""Connections that ask nothing end, and are never so many that nobody else is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.ops.connections import Connections, most_connections
from bot.ops.server import WebServer
from bot.tools.demo import free_port

HALF = b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: "
WHOLE = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = 600.0


class Held:
    """A page that answers when it is let."""

    def __init__(self) -> None:
        self.go, self.asked = asyncio.Event(), asyncio.Semaphore(0)

    async def hello(self, request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def slow(self, request: web.Request) -> web.Response:
        self.asked.release()
        await self.go.wait()
        return web.Response(text="at last")


@asynccontextmanager
async def serving(connections: Connections) -> AsyncIterator[tuple[int, Held]]:
    port, held = free_port(), Held()
    routes = [web.get("/hello", held.hello), web.get("/slow", held.slow)]
    server = WebServer(f"127.0.0.1:{port}", routes, connections=connections)
    await server.start()
    try:
        yield port, held
    finally:
        held.go.set()
        await server.close()


async def opened(port: int, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What was answered until the other end closed the connection."""
    said = b""
    try:
        while piece := await reader.read(1 << 16):
            said += piece
    except ConnectionResetError:
        pass
    return said


async def test_half_a_head_and_no_head_at_all_are_not_waited_for() -> None:
    async with serving(Connections(head_seconds=0.2)) as (port, _):
        for said in (HALF, b"", b"G"):
            reader, writer = await opened(port, said)
            assert await asyncio.wait_for(ended(reader), 60) == b""
            writer.close()


async def test_a_head_that_drips_is_not_waited_for_either() -> None:
    async with serving(Connections(head_seconds=0.3)) as (port, _):
        reader, writer = await opened(port, HALF)

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert await asyncio.wait_for(ended(reader), 60) == b""
        dripping.cancel()
        writer.close()


async def test_whoever_asked_once_may_stay_and_is_answered_however_long_it_takes() -> None:
    async with serving(Connections(head_seconds=0.2)) as (port, held):
        reader, writer = await opened(port, WHOLE)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        slow, other = await opened(port, b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await held.asked.acquire()
        await asyncio.sleep(0.6)
        held.go.set()
        assert b"at last" in await ended(slow)
        writer.write(WHOLE)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()
        other.close()


async def test_those_that_ask_nothing_make_room() -> None:
    async with serving(Connections(head_seconds=LONG, most=4)) as (port, _):
        idle = [await opened(port, HALF) for _ in range(40)]
        kept, writer = await opened(port, WHOLE)
        assert (await kept.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        over = await asyncio.wait_for(asyncio.gather(*(ended(reader) for reader, _ in idle[:36])), 60)
        assert over == [b""] * 36
        for _, each in [*idle, (kept, writer)]:
            each.close()


async def test_who_was_answered_and_stays_makes_room_as_well() -> None:
    async with serving(Connections(head_seconds=LONG, most=4)) as (port, _):
        idle = []
        for _ in range(12):
            idle.append(await opened(port, WHOLE))
            assert (await idle[-1][0].readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        for _, writer in idle:
            writer.close()


async def test_requests_under_way_are_not_cut_off_for_new_ones() -> None:
    async with serving(Connections(head_seconds=LONG, most=3)) as (port, held):
        asks = b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        busy = [await opened(port, asks) for _ in range(3)]
        for _ in busy:
            await held.asked.acquire()
        refused, writer = await opened(port, WHOLE)
        assert await asyncio.wait_for(ended(refused), 60) == b""
        held.go.set()
        assert all(b"at last" in answer for answer in await asyncio.gather(*(ended(reader) for reader, _ in busy)))
        reader, again = await opened(port, WHOLE)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        for each in (writer, again, *(each for _, each in busy)):
            each.close()


def test_the_program_keeps_most_of_its_descriptors_for_itself() -> None:
    assert 16 <= most_connections() <= 512
