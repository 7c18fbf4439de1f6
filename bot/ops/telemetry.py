"""Traces by OpenTelemetry, where the settings name a collector; its libraries are imported then alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from bot import tracing
from bot.content.clear_text import clear
from bot.secrets import secret
from bot.settings import SettingsError, TelemetrySettings
from bot.tracing import Span, Value

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer as OtelTracer

_MISSING = "telemetry.traces_url: its libraries are not installed: pip install 'batchbot[telemetry]'"


def begin(settings: TelemetrySettings, environment: Mapping[str, str]) -> Callable[[], None]:
    """Send spans to the collector of the settings from now on, if they name one; returns what ends that.

    Raises SettingsError where the libraries or the headers are missing.
    """
    if not settings.traces_url:
        return _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415
    except ImportError:
        raise SettingsError([_MISSING]) from None
    headers = {}
    if settings.header_env:
        name, _, value = secret(settings.header_env, environment).reveal().partition("=")
        headers = {name.strip(): value.strip()}
    provider = TracerProvider(
        resource=Resource.create({"service.name": "batchbot", "service.version": version("batchbot")}),
        sampler=ParentBased(TraceIdRatioBased(settings.share / 100)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.traces_url, headers=headers, timeout=10)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracing.use(Tracer(provider))

    def end() -> None:
        tracing.use(None)
        provider.shutdown()

    return end


def _nothing() -> None:
    return None


class _Span:
    """Implements :class:`bot.tracing.Span`. Texts are cleared as everything that leaves is."""

    def __init__(self, span: OtelSpan) -> None:
        self.span = span

    def note(self, attributes: dict[str, Value]) -> None:
        """Say more of it."""
        self.span.set_attributes({name: _cleared(value) for name, value in attributes.items() if value != ""})

    def failed(self, kind: str) -> None:
        """It did not end well."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        self.span.set_status(StatusCode.ERROR, clear(kind))

    def end(self) -> None:
        """It is over."""
        self.span.end()


class Tracer:
    """Implements :class:`bot.tracing.Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer: OtelTracer = provider.get_tracer("batchbot", version("batchbot"))

    def begin(self, name: str, within: Span | None, attributes: dict[str, Value]) -> Span:
        """A span begins."""
        from opentelemetry.context import Context  # noqa: PLC0415
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415

        context = Context()
        if isinstance(within, _Span):
            context = set_span_in_context(within.span, context)
        begun = _Span(self._tracer.start_span(name, context=context))
        begun.note(attributes)
        return begun


def _cleared(value: Value) -> Value:
    return clear(value) if isinstance(value, str) else value
