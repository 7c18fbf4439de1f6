"""The way from a click to Azure's own records and back: in the log, in what is sent, and as spans on the wire."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot import tracing
from bot.chat.clear_chat import clear_chat
from bot.chat.request import CommandRequest, Conversation, Person
from bot.ops import telemetry
from bot.sandbox.wire.dataplane import DataPlane
from bot.settings import SettingsError, TelemetrySettings
from tests.handlers.conftest import Scene, scene
from tests.ops.written_log import written_log
from tests.outbox.messages import FakeChat, Room

__all__ = ["scene"]
keys: list[str] = []
"""What the collector was sent as a header."""
SOMEBODY = Person("text", "U0SOMEBODY", name="Somebody Known")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log at its most talkative."""
    with written_log(monkeypatch, "debug") as out:
        yield out


async def test_the_log_leads_from_a_click_to_azures_ids_and_back(
    scene: Scene, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: dict[str, str] = {}
    real = DataPlane.serve

    async def serve(self: DataPlane, request: web.Request, handler: Any, exchange: Any) -> web.Response:
        served[exchange.id] = request.headers.get("client-request-id", "")
        return await real(self, request, handler, exchange)

    monkeypatch.setattr(DataPlane, "serve", serve)
    await scene.ask("pool show no-such-pool")
    await scene.ask("job list")
    rows = [json.loads(line) for line in written.getvalue().splitlines() if line.startswith("{")]
    called = [row for row in rows if row["event"] in ("azure.called", "azure.call_refused")]
    asked = {row["correlation"] for row in called}
    assert len(asked) == 2, "each question has its own"
    batch = [row for row in called if row["request_id"] in served]
    assert {row["event"] for row in batch} == {"azure.called", "azure.call_refused"}
    for row in batch:
        assert served[row["request_id"]] == row["client_request_id"], "Azure has the id that the log has"
        assert row["client_request_id"].startswith(row["correlation"]), "and it leads back to the question"
    assert len({row["client_request_id"] for row in batch}) == len(batch), "each call is one"


async def test_spans_of_a_request_lie_in_one_another_and_say_nothing_of_people(scene: Scene) -> None:
    async with collector() as (url, taken):
        end = telemetry.begin(TelemetrySettings(traces_url=url), {})
        try:
            chat = clear_chat(FakeChat(Room(), "slack"))  # type: ignore[arg-type]
            here = Conversation("slack", "C0SECRETPLACE")
            request = CommandRequest("k", "pool show render-cpu", SOMEBODY, here, datetime.now(UTC))
            async for card in scene.dispatcher.cards(request):
                await chat.post_once(here, card, "k")
            tracing.note(lost=1)
        finally:
            await _in_thread(end)
    spans = {span.name: span for each in taken for span in _spans(each)}
    assert {"request", "handler", "azure.call", "chat.post"} <= set(spans)
    root = spans["request"]
    assert root.parent_span_id == b""
    assert spans["handler"].parent_span_id == root.span_id
    assert spans["azure.call"].trace_id == spans["chat.post"].trace_id == root.trace_id
    told = {name: _attributes(span) for name, span in spans.items()}
    assert told["handler"] == {"batchbot.command": "pool show", "batchbot.effect": "read"}
    call = told["azure.call"]
    assert call["azure.client_request_id"].startswith(told["request"]["batchbot.correlation"])
    assert call["http.response.status_code"] in (200, 404)
    assert told["chat.post"] == {"chat.platform": "slack"}
    everything = b"".join(each.SerializeToString() for each in taken)
    for private in (b"U0SOMEBODY", b"Somebody Known", b"C0SECRETPLACE", b"render-cpu"):
        assert private not in everything


async def test_what_fails_is_marked_and_a_collector_that_is_away_harms_nobody(scene: Scene) -> None:
    async with collector() as (url, taken):
        end = telemetry.begin(TelemetrySettings(traces_url=url), {})
        with pytest.raises(ValueError, match="no"), tracing.span("outer"), tracing.span("inner", one=1):
            raise ValueError("no")
        await _in_thread(end)
    spans = {span.name: span for each in taken for span in _spans(each)}
    assert {name: span.status.message for name, span in spans.items()} == {"outer": "ValueError", "inner": "ValueError"}
    end = telemetry.begin(TelemetrySettings(traces_url=url), {})
    assert not (await scene.ask("pool list")).refused
    tracing.use(None)
    del end  # its thread ends with the process: nobody waits for a collector that is away


async def test_a_header_is_sent_and_a_missing_one_is_said() -> None:
    async with collector() as (url, _):
        chosen = TelemetrySettings(traces_url=url, header_env="OTLP")
        with pytest.raises(SettingsError, match="OTLP is missing"):
            telemetry.begin(chosen, {})
        end = telemetry.begin(chosen, {"OTLP": "x-key=abc=="})
        with tracing.span("one"):
            pass
        await _in_thread(end)
    assert keys == ["abc=="]


def test_nothing_is_imported_where_nothing_is_traced() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import bot.app, bot.cli, sys; print([m for m in sys.modules if 'opentelemetry' in m])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "[]\n"


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[Any]]]:
    """A collector of OTLP on the other side of HTTP, and what it took."""
    taken: list[Any] = []
    keys.clear()

    async def take(request: web.Request) -> web.Response:
        taken.append(ExportTraceServiceRequest.FromString(await request.read()))
        keys.append(request.headers.get("x-key", ""))
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces", taken
    finally:
        await runner.cleanup()


def _spans(taken: Any) -> Iterator[Any]:
    for resource in taken.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def _attributes(span: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


async def _in_thread(end: Any) -> None:
    await asyncio.to_thread(end)
