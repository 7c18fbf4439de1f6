"""How requests leave: the SDK's pipeline with three policies of our own, and the checks around it.

What the SDK does: authentication, signing, retries, connections. What is added: http on loopback only, an answer
within :data:`DEADLINE` seconds, every refusal and failure as :class:`~bot.azure.errors.AzureError` (for writes through
the SDK's methods too, since it is a policy that does it), and continuation links that stay on the account's host.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from math import isfinite
from traceback import walk_tb
from typing import Any

import aiohttp
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

from bot.azure.bounds import BLOCK, BoundedTransport, TooLarge, too_large
from bot.azure.clock import Clock
from bot.azure.decoding import not_understood
from bot.azure.errors import AzureError, refusal
from bot.azure.traced import HEADERS, Traced
from bot.settings import is_loopback

DEADLINE = 20.0
"""Seconds within which a call ends, one way or the other."""
_PATIENCE = 12.0  # seconds of that in which another attempt may still begin

Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, AsyncHttpResponse]

log = structlog.get_logger()


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

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """The seconds that an answer asks to wait; None where it asks for none, or in no form that there is."""
        try:
            wait = super().get_retry_after(response)
        except (ValueError, TypeError, OverflowError):
            return None
        return wait if wait is not None and isfinite(wait) else None

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
            raise no_token(self._host, error).asked(self._host) from None
        except SdkError as error:
            raise no_answer(self._host, error).asked(self._host) from error
        except _NONSENSE as error:  # the SDK takes the form of headers and of tokens for granted
            if _is_ours(error):
                raise
            log.error("azure.answer_not_understood", host=self._host, exc_info=True)
            raise not_understood(self._host, type(error).__name__) from error
        answer = response.http_response
        self._clock.hear(answer.headers.get("Date"))
        if answer.status_code < 300:
            return response
        wait = _wait(response)
        refused = refusal(answer.status_code, answer.content, answer.headers, wait)
        log.info(
            "azure.call_refused",
            method=request.http_request.method,
            host=self._host,
            path=URL(request.http_request.url).path,
            status=refused.status,
            code=refused.code,
            request_id=refused.request_id,
            client_request_id=request.http_request.headers.get(HEADERS[0], ""),
        )
        raise refused.asked(self._host, request.http_request.method, URL(request.http_request.url).path)


_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What the SDK stumbles with over a token that is no object, a field that is not there, a header that is no number."""


def _is_ours(error: Exception) -> bool:
    """Whether code of our own raised it, which is our mistake and not Azure's."""
    names = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    return bool(names) and str(names[-1]).startswith("bot.")


_COST_WAIT = re.compile(r"x-ms-ratelimit-microsoft\.costmanagement-.*retry-after", re.IGNORECASE)

LONGEST_WAIT = 3600.0
"""Seconds: a header that asks for days would silence the bot for days."""


def _wait(response: Response) -> float | None:
    """The seconds that an answer asks to wait; of Cost Management's several headers the largest."""
    found = [Patience().get_retry_after(response)]
    for name, value in response.http_response.headers.items():
        if _COST_WAIT.fullmatch(name) and re.fullmatch(r"\d{1,6}", value.strip()):
            found.append(float(value))
    return max((min(wait, LONGEST_WAIT) for wait in found if wait is not None), default=None)


def pipeline(
    base: str, clock: Clock, signing: Dated | None = None, *, traffic: Traffic | None = None
) -> dict[str, Any]:
    """Our own parts of the SDK's pipeline to an address, and its connections, as keywords of the SDK's clients.

    ``signing`` is given where requests are signed with a key instead of carrying a token; ``traffic`` counts them.
    """
    host = URL(base).host or ""
    here = is_loopback(host)
    calls: list[object] = [Traced(host), *([signing] if signing else [Loopback()] if here else [])]
    return {
        "per_call_policies": calls,
        "redirect_policy": Outcome(host, clock),
        "retry_policy": Patience(),
        "per_retry_policies": [ReadRefusals(), *([Counted(traffic)] if traffic else [])],
        "transport": BoundedTransport(
            connection_timeout=5,
            read_timeout=DEADLINE,
            connection_data_block_size=BLOCK,
            use_env_settings=not here,  # a proxy does not lead to this machine
        ),
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
    if isinstance(cause, TooLarge):
        return too_large(host)
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
