"""A body is read so far and for so long, and no further."""

from __future__ import annotations

import asyncio

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from bot.chat.body import body_of


async def _served(most: int, seconds: float) -> TestServer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await body_of(request, most, seconds))

    app = web.Application()
    app.add_routes([web.post("/", answer)])
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    return server


async def test_a_whole_body_comes_as_it_was_sent() -> None:
    server = await _served(1000, 10)
    async with ClientSession() as session, session.post(server.make_url("/"), data=b"\xff\x00" * 500) as answer:
        assert await answer.read() == b"\xff\x00" * 500
    await server.close()


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_that() -> None:
    server = await _served(1000, 0.05)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabc")
    assert b" 408 " in await reader.readline()
    writer.close()
    await server.close()


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    server = await _served(1000, 10)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1001\r\n\r\n")
    assert b" 413 " in await reader.readline()
    writer.close()
    await server.close()
