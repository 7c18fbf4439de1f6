"""How requests leave: the SDK's pipeline with three policies of our own, and the checks around it.

What the SDK does: authentication, signing, retries, connections. What is added: http on loopback only, an answer
within :data:`DEADLINE` seconds, every refusal and failure as :class:`~bot.azure.errors.AzureError` (for writes through
the SDK's methods too, since it is a policy that does it), and continuation links that stay on the account's host.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote
from weakref import WeakKeyDictionary

import aiohttp
import msgspec
import structlog
from azure.core.exceptions import (
    AzureError as SdkError,
)
from azure.core.exceptions import (
    ClientAuthenticationError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, AsyncRetryPolicy, SansIOHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from yarl import URL

from bot.azure.errors import AzureError, refusal
from bot.settings import is_loopback

DEADLINE = 20.0
"""Seconds within which a call ends, one way or the other."""
_PATIENCE = 12.0  # seconds of that in which another attempt may still begin
_CUT_BODIES = 2  # the SDK does not retry a body that breaks off; this is how often we do

_LONG = 32_768  # bytes of an answer that is decoded in a turn of its own
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

T = TypeVar("T")
Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, AsyncHttpResponse]

log = structlog.get_logger()


class Clock:
    """The service's clock: what its last ``Date`` header said and the time since; before the first, our own."""

    def __init__(self) -> None:
        self._ahead: timedelta | None = None

    def now(self) -> datetime:
        """The service's time, as well as it is known; aware, UTC."""
        if self._ahead is None:
            return datetime.now(UTC)
        return _EPOCH + timedelta(seconds=time.monotonic()) + self._ahead

    def hear(self, date: str | None) -> None:
        """Go by a ``Date`` header; by nonsense do not."""
        if at := _instant(date):
            self._ahead = at - _EPOCH - timedelta(seconds=time.monotonic())

    def at(self, date: str | None) -> datetime:
        """The instant that a ``Date`` header tells, or :meth:`now` when it tells none."""
        return _instant(date) or self.now()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(date: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


class Loopback(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Lets a token travel over http. Installed only where the address is loopback."""

    def on_request(self, request: Request) -> None:
        """Tell the bearer token policy, which forbids http otherwise."""
        request.context.options.setdefault("enforce_https", False)


class Dated(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Dates requests that are signed with a key, before the SDK does it through a deprecated call."""

    def on_request(self, request: Request) -> None:
        """Set the header that the signature covers."""
        request.http_request.headers["ocp-date"] = format_datetime(datetime.now(UTC), usegmt=True)


class Traffic:
    """What was asked at an address, retries included: calls, bytes of the answers, and how often it asked for less."""

    def __init__(self) -> None:
        self.calls = 0
        self.bytes = 0
        self.throttled = 0


class Counted(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Counts calls as they are answered; their bytes are counted where they are read."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self._traffic = traffic

    def on_response(self, request: Request, response: Response) -> None:
        """Count it."""
        self._traffic.calls += 1
        self._traffic.throttled += response.http_response.status_code in (429, 503)


class ReadRefusals(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Reads the body of what is no success, since requests are streamed: a retry would leave the connection open."""

    async def send(self, request: Request) -> Response:
        """Send on, and read refusals."""
        response: Response = await self.next.send(request)
        if response.http_response.status_code >= 300:
            await response.http_response.read()
        return response


class Patience(AsyncRetryPolicy[HttpRequest, AsyncHttpResponse]):
    """The SDK's retries, within bounds that a person waits for.

    A ``Retry-After`` beyond those bounds is not slept through: the refusal is told, with the seconds it named.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        super().__init__(retry_total=3, retry_connect=2, retry_backoff_factor=0.5, retry_backoff_max=4)
        self._patience = patience

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        """Note when to stop trying."""
        return super().configure_retries(options) | {"until": time.monotonic() + self._patience}

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether to try again after this answer."""
        wait = self.get_retry_after(response) or 0.0
        return time.monotonic() + wait < settings["until"] and bool(super().is_retry(settings, response))


class Outcome(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Turns every refusal and failure into an AzureError. Stands where redirects would be followed: none are.

    Sets the clock by every answer.
    """

    def __init__(self, host: str, clock: Clock) -> None:
        super().__init__()
        self._host = host
        self._clock = clock

    async def send(self, request: Request) -> Response:
        """Send on; raise AzureError for whatever is no success."""
        try:
            response: Response = await self.next.send(request)
        except ClientAuthenticationError as error:
            raise no_token(self._host, error) from None
        except SdkError as error:
            raise no_answer(self._host, error) from error
        answer = response.http_response
        self._clock.hear(answer.headers.get("Date"))
        if answer.status_code < 300:
            return response
        wait = AsyncRetryPolicy().get_retry_after(response)
        refused = refusal(answer.status_code, answer.content, answer.headers, wait)
        log.info(
            "azure.call_refused",
            method=request.http_request.method,
            host=self._host,
            path=URL(request.http_request.url).path,
            status=refused.status,
            code=refused.code,
            request_id=refused.request_id,
        )
        raise refused


def pipeline(
    base: str, clock: Clock, signing: Dated | None = None, *, traffic: Traffic | None = None
) -> dict[str, Any]:
    """Our own parts of the SDK's pipeline to an address, and its connections, as keywords of the SDK's clients.

    ``signing`` is given where requests are signed with a key instead of carrying a token; ``traffic`` counts them.
    """
    host = URL(base).host or ""
    here = is_loopback(host)
    calls: list[object] = [signing] if signing else [Loopback()] if here else []
    return {
        "per_call_policies": calls,
        "redirect_policy": Outcome(host, clock),
        "retry_policy": Patience(),
        "per_retry_policies": [ReadRefusals(), *([Counted(traffic)] if traffic else [])],
        "connection_timeout": 5,
        "read_timeout": DEADLINE,
        "use_env_settings": not here,  # a proxy does not lead to this machine
    }


def no_token(host: str, error: ClientAuthenticationError) -> AzureError:
    """No token could be had. Of the identity library's many words only Entra ID's own reason is kept."""
    reason = re.search(r"AADSTS\d+: [^.\r\n]*", str(error))
    return AzureError(
        "NoToken",
        f"no identity is at hand that {host} would accept"
        + (f" ({reason.group()})" if reason else "")
        + ": give the bot a managed identity, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and a secret or certificate",
    )


def no_answer(host: str, error: SdkError) -> AzureError:
    """No answer came, or it broke off."""
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return late(host)
    cause = error.inner_exception
    if isinstance(cause, aiohttp.ClientConnectorError):
        host = cause.host  # it may have been the one that gives tokens
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        why = "no such host: check the address in the settings and the name service"
    elif isinstance(cause, aiohttp.ClientSSLError):
        why = "its certificate is not accepted: check the address and the trusted certificates"
    elif isinstance(cause, aiohttp.ClientConnectorError):
        why = "no connection: check the address in the settings, the network and its firewalls"
    else:
        why = "the connection broke off: try again"
    return AzureError("NoConnection", f"{host}: {why}")


def late(host: str) -> AzureError:
    """No answer in time."""
    return AzureError(
        "Timeout", f"{host} did not answer in time: try again; if it stays so, check the network and its firewalls"
    )


class Answer(NamedTuple):
    """A success: body, the service's time, ETag (may be empty)."""

    body: bytes
    at: datetime
    etag: str


class Sender(Protocol):
    """Either of the SDK's clients."""

    def send_request(self, request: HttpRequest, *, stream: bool = False) -> Awaitable[AsyncHttpResponse]:
        """Send through the pipeline."""

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
    ) -> None:
        self.client = client
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
            raise late(self.host) from None

    async def _got(self, request: HttpRequest) -> Answer:
        for left in reversed(range(_CUT_BODIES + 1)):
            response = await self.client.send_request(request, stream=True)
            try:
                body = await response.read()
            except SdkError as error:
                if not left:
                    raise no_answer(self.host, error) from error
            else:
                self._traffic.bytes += len(body)
                return Answer(body, self._clock.at(response.headers.get("Date")), response.headers.get("ETag") or "")
        raise AssertionError("unreachable")

    async def head(self, url: str) -> tuple[Mapping[str, str], datetime]:
        """The headers of an address without its body, and the service's time. Raises AzureError."""
        try:
            async with asyncio.timeout(self._deadline):
                response = await self.client.send_request(HttpRequest("HEAD", url), stream=True)
        except TimeoutError:
            raise late(self.host) from None
        return response.headers, self._clock.at(response.headers.get("Date"))

    async def part(self, url: str, start: int, stop: int) -> bytes:
        """Bytes [start, stop) of a file, fewer where it ends before; never more are read. Raises AzureError."""
        headers = {"ocp-range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        try:
            async with asyncio.timeout(self._deadline):
                response = await self.client.send_request(HttpRequest("GET", url, headers=headers), stream=True)
                try:
                    return await self._read(response, stop - start)
                except SdkError as error:
                    raise no_answer(self.host, error) from error
                finally:
                    await response.close()
        except TimeoutError:
            raise late(self.host) from None

    async def _read(self, response: AsyncHttpResponse, most: int) -> bytes:
        body = bytearray()
        if int(response.headers.get("Content-Length") or 0) <= most:
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > most:
                    break
            else:
                return bytes(body)
        raise AzureError("UnexpectedAnswer", f"{self.host} answered more of a file than was asked for")

    async def decoded(self, decoder: msgspec.json.Decoder[T], answer: Answer) -> T:
        """What an answer says. Raises AzureError UnexpectedAnswer.

        A long answer takes milliseconds to decode. Several that are there at once are decoded one in each turn of the
        event loop, so that whoever waits to be acknowledged waits for one of them and not for all.
        """
        if len(answer.body) < _LONG:
            return self._decoded(decoder, answer)
        turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with turn:
            value = self._decoded(decoder, answer)
            await asyncio.sleep(0)
        return value

    def _decoded(self, decoder: msgspec.json.Decoder[T], answer: Answer) -> T:
        try:
            return decoder.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AzureError("UnexpectedAnswer", f"{self.host} answered what is not understood: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


_OPTIONS = {"filter": "$filter", "select": "$select", "expand": "$expand"}
