"""One address that is asked or written to: an account's data plane, or Resource Manager.

Every call ends within :data:`bot.azure.pipeline.DEADLINE` seconds, and raises
:class:`~bot.azure.errors.AzureError` for whatever is no success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

import aiohttp
from azure.core.exceptions import AzureError as SdkError
from azure.core.rest import AsyncHttpResponse, HttpRequest
from yarl import URL

from bot.azure.answers import Page
from bot.azure.bounds import MOST_BYTES, TooLarge, Trail, read_within, too_large
from bot.azure.clock import Clock
from bot.azure.decoding import decode, decode_rows
from bot.azure.errors import AzureError
from bot.azure.pipeline import DEADLINE, LONGEST_WAIT, Traffic, late, no_answer
from bot.clock import asked_wait

T = TypeVar("T")

_CUT_BODIES = 2  # the SDK does not retry a body that breaks off; this is how often we do


class Answer(NamedTuple):
    """A success: body, the service's time, ETag (may be empty)."""

    body: bytes
    at: datetime
    etag: str


class Written(NamedTuple):
    """What a write was answered: ``body`` may be empty; ``location`` is where a long one is asked about.

    ``location`` can be signed: it is stored, and never logged. ``retry_after`` are the seconds to wait before.
    """

    status: int
    body: bytes
    at: datetime
    etag: str
    request_id: str
    location: str
    retry_after: float | None


class Sender(Protocol):
    """Either of the SDK's clients."""

    def send_request(
        self, request: HttpRequest, *, stream: bool = False, **options: Any
    ) -> Awaitable[AsyncHttpResponse]:
        """Send through the pipeline, with options of its policies."""

    async def close(self) -> None:
        """Close the connections."""


class Plane:
    """One address that is asked: an account's data plane, or Resource Manager."""

    def __init__(
        self,
        client: Sender,
        base: str,
        api_version: str,
        clock: Clock,
        deadline: float = DEADLINE,
        *,
        traffic: Traffic | None = None,
        content_type: str = "application/json",
    ) -> None:
        """``content_type`` is what its writes are: the data plane wants its OData form."""
        self.client = client
        self.content_type = content_type
        self.base = base.rstrip("/")
        self.host = URL(base).host or ""
        self._version = api_version
        self._clock = clock
        self._deadline = deadline
        self._traffic = traffic or Traffic()

    def address(self, path: str, *, version: str = "", **query: str | int) -> str:
        """The whole address of an encoded path, with those query options that are not empty (``filter``: $filter).

        ``version`` is the api-version where it is not the plane's own.
        """
        options = "".join(
            f"&{_OPTIONS.get(name, name)}={quote(str(value), safe='')}" for name, value in query.items() if value
        )
        # What aiohttp would make of it: a shared key signs the path as it stands on the wire.
        return str(URL(f"{self.base}{path}?api-version={version or self._version}{options}"))

    def own(self, link: str) -> str:
        """A continuation link, if it stays here. Raises AzureError ForeignNextLink: a token must not go elsewhere."""
        base = URL(self.base)
        try:
            url = base.join(URL(link))
            # Not by their origins, in which https://host:443 and https://host would differ.
            here = (url.scheme, url.host, url.port, url.user) == (base.scheme, base.host, base.port, None)
        except ValueError:
            here = False
        if not here:
            raise AzureError(
                "ForeignNextLink", f"{self.host} says that its list goes on at another address, which is not followed"
            )
        return str(url)

    async def get(self, url: str) -> Answer:
        """GET an address. Raises AzureError."""
        request = HttpRequest("GET", url, headers={"Accept": "application/json", "Accept-Encoding": "gzip, deflate"})
        try:
            async with asyncio.timeout(self._deadline):
                return await self._got(request)
        except TimeoutError:
            raise late(self.host).asked(self.host) from None

    async def _got(self, request: HttpRequest) -> Answer:
        for left in reversed(range(_CUT_BODIES + 1)):
            response = await self.client.send_request(request, stream=True)
            try:
                body = await self._body(response)
            except AzureError as error:
                if not left or error.code != "NoConnection":
                    raise
            else:
                self._traffic.bytes += len(body)
                return Answer(body, self._clock.at(response.headers.get("Date")), response.headers.get("ETag") or "")
        raise AssertionError("unreachable")

    async def send(
        self, method: str, url: str, body: bytes | None = None, *, if_match: str = "", once: bool = True
    ) -> Written:
        """Send a write, or with ``once`` False what changes nothing and may be sent again. Raises AzureError.

        The SDK would send a write anew after 500, 503 and 504 (azure-core's retry policy), which may do it twice: here
        it is sent once, and whoever asked decides. ``body`` is JSON.
        """
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = self.content_type
        if if_match:
            headers["If-Match"] = if_match
        request = HttpRequest(method, url, headers=headers, content=body)
        options = {"retry_total": 0} if once else {}
        try:
            async with asyncio.timeout(self._deadline):
                response = await self.client.send_request(request, stream=True, **options)
                content = await self._body(response)
        except TimeoutError:
            raise late(self.host).asked(self.host) from None
        self._traffic.bytes += len(content)
        found = response.headers
        return Written(
            response.status_code,
            content,
            self._clock.at(found.get("Date")),
            found.get("ETag") or "",
            found.get("request-id") or found.get("x-ms-request-id") or "",
            found.get("Location") or "",
            asked_wait(found.get("Retry-After"), LONGEST_WAIT),
        )

    async def head(self, url: str) -> tuple[Mapping[str, str], datetime]:
        """The headers of an address without its body, and the service's time. Raises AzureError."""
        try:
            async with asyncio.timeout(self._deadline):
                response = await self.client.send_request(HttpRequest("HEAD", url), stream=True)
        except TimeoutError:
            raise late(self.host).asked(self.host) from None
        return response.headers, self._clock.at(response.headers.get("Date"))

    async def part(self, url: str, start: int, stop: int) -> bytes:
        """Bytes [start, stop) of a file, fewer where it ends before; never more are read. Raises AzureError."""
        headers = {"ocp-range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        try:
            async with asyncio.timeout(self._deadline):
                response = await self.client.send_request(HttpRequest("GET", url, headers=headers), stream=True)
                return await self._body(response, stop - start)
        except TimeoutError:
            raise late(self.host).asked(self.host) from None

    async def _body(self, response: AsyncHttpResponse, most: int = MOST_BYTES) -> bytes:
        try:
            return await read_within(response, most)
        except TooLarge:
            if most != MOST_BYTES:
                raise AzureError(
                    "UnexpectedAnswer", f"{self.host} answered more of a file than was asked for"
                ) from None
            raise too_large(self.host) from None
        except SdkError as error:
            raise no_answer(self.host, error).asked(self.host) from error
        except aiohttp.ClientPayloadError as error:
            raise AzureError("NoConnection", f"{self.host}: {error}: try again") from error

    async def decoded(
        self, kind: type[T], answer: Answer, *, strict: bool = True, exact: bool = False, select: str = ""
    ) -> T:
        """What an answer says: see :func:`bot.azure.decoding.decode`. Raises AzureError UnexpectedAnswer."""
        value: T = await decode(self.host, kind, answer.body, strict=strict, exact=exact, select=select)
        return value

    async def page(self, kind: type[T], url: str, trail: Trail, *, strict: bool = True, select: str = "") -> Page[T]:
        """One page of a list, ``select`` asked of its rows; ``trail`` knows those before it. Raises AzureError."""
        answer = await self.get(url)
        rows = await decode_rows(self.host, kind, answer.body, strict=strict, select=select)
        read = len(rows.items) + len(rows.aside)
        return Page(rows.items, trail.on(self.own(rows.link) if rows.link else None, read), answer.at, rows.aside)

    def trail(self, first: str, most: int | None = None) -> Trail:
        """For the pages of a list that begins at this address; ``most`` are followed, else as many as any list has."""
        return Trail(self.host, first) if most is None else Trail(self.host, first, most)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


_OPTIONS = {"filter": "$filter", "select": "$select", "expand": "$expand"}
