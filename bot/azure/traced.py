"""Each call to Azure by the id of whoever caused it: in the log, in what is sent, and as a span.

What somebody asks in a chat has a correlation id of eight digits, under which everything is logged. A call that it
causes carries an id of its own (``client-request-id`` for Batch, ``x-ms-client-request-id`` for Resource Manager, which
both keep) that begins with these eight digits; the log has it beside the id that Azure gave the call. So the way leads
from a click to Azure's own records, and back.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid

import structlog
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from yarl import URL

from bot import tracing

log = structlog.get_logger()

HEADERS = ("client-request-id", "x-ms-client-request-id")
_CORRELATION = re.compile(r"[0-9a-f]{8}")


class Traced(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Stands before the retries, so a call is one whatever it takes. Reads are logged at the level debug."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Send on."""
        call = request.http_request
        if caused := _client_id():
            for name in HEADERS:
                call.headers[name] = caused
        method, begun = call.method, time.monotonic()
        with tracing.span("azure.call", http__request__method=method, server__address=self._host):
            response: PipelineResponse[HttpRequest, AsyncHttpResponse] = await self.next.send(request)
            headers = response.http_response.headers
            theirs = headers.get("request-id") or headers.get("x-ms-request-id") or ""
            status = response.http_response.status_code
            tracing.note(http__response__status_code=status, azure__request_id=theirs, azure__client_request_id=caused)
        (log.debug if method in ("GET", "HEAD") else log.info)(
            "azure.called",
            method=method,
            host=self._host,
            path=URL(call.url).path,
            status=status,
            seconds=round(time.monotonic() - begun, 3),
            request_id=theirs,
            client_request_id=caused,
        )
        return response


def _client_id() -> str:
    """A UUID that begins with the correlation id of whoever caused the call; empty where nobody did."""
    correlation = str(structlog.contextvars.get_contextvars().get("correlation", ""))
    if not _CORRELATION.fullmatch(correlation):
        return ""
    return str(uuid.UUID(hex=correlation + secrets.token_hex(12), version=4))
