"""What those who run the bot read: health as JSON, and metrics in Prometheus' format.

``/health`` answers 200 as long as the program works; its body says what does not. Whoever restarts programs by it must
not restart one for an outage of Slack. Where nothing can be stored, as on a full disk, it answers 503.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.alerting.service import AlertService
from bot.content.clear_text import clear
from bot.monitor.monitor_status import MonitorStatus, Traffic
from bot.outbox.destination_queue import DestinationStatus


class Measure(NamedTuple):
    """A metric: a counter (its name gets ``_total``) or a gauge, what it measures, and its labels."""

    kind: type[CounterMetricFamily] | type[GaugeMetricFamily]
    help: str
    labels: tuple[str, ...]

    @property
    def word(self) -> str:
        """What it is in a word."""
        return "counter" if self.kind is CounterMetricFamily else "gauge"


_BY_ACCOUNT, _BY_PLATFORM = ("account",), ("platform",)
MEASURES = {
    "batchbot_polls": Measure(CounterMetricFamily, "Polls of an account that were stored.", _BY_ACCOUNT),
    "batchbot_azure_calls": Measure(CounterMetricFamily, "Requests to Azure, retries included.", _BY_ACCOUNT),
    "batchbot_azure_received_bytes": Measure(CounterMetricFamily, "Bytes received from Azure.", _BY_ACCOUNT),
    "batchbot_azure_throttled": Measure(CounterMetricFamily, "Throttled answers from Azure (429, 503).", _BY_ACCOUNT),
    "batchbot_account_blind": Measure(
        GaugeMetricFamily, "1 while an account cannot be read, 0 while it can.", _BY_ACCOUNT
    ),
    "batchbot_poll_wait_seconds": Measure(
        GaugeMetricFamily, "Seconds between two polls now, longer while backing off.", _BY_ACCOUNT
    ),
    "batchbot_outbox_messages": Measure(
        CounterMetricFamily,
        "Outbox messages by outcome: sent, edited, repeated (perhaps), shortened, refused.",
        ("outcome",),
    ),
    "batchbot_outbox_messages_waiting": Measure(GaugeMetricFamily, "Outbox messages waiting to be sent.", _BY_PLATFORM),
    "batchbot_conversations_unreachable": Measure(
        GaugeMetricFamily, "Conversations that cannot be written to.", _BY_PLATFORM
    ),
    "batchbot_background_failing": Measure(
        GaugeMetricFamily,
        "1 while what runs beside the watching fails or is refused, 0 while it works.",
        ("part", "account"),
    ),
    "batchbot_storage_failing": Measure(GaugeMetricFamily, "1 while nothing can be stored, 0 while it can.", ()),
    "batchbot_storage_unreadable_rows": Measure(
        GaugeMetricFamily, "Rows that could not be read and were put aside.", ("table",)
    ),
    "batchbot_incidents_open": Measure(GaugeMetricFamily, "Open incidents.", ("account", "severity")),
}
"""Everything that is measured beside what Prometheus' client reports of the process."""

Values: TypeAlias = Iterator[tuple[str, tuple[str, ...], float]]


class Measures(Collector):
    """Reads everything that is measured when somebody asks."""

    def __init__(self, monitor_status: MonitorStatus, traffic: Mapping[str, Traffic], alerts: AlertService) -> None:
        self._monitor_status = monitor_status
        self._traffic = traffic
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        """Every metric with its values."""
        families = {name: each.kind(name, each.help, labels=each.labels) for name, each in MEASURES.items()}
        told = (self._watching(), self._delivery(), self._beside(), self._stored(), self._incidents())
        for name, labels, value in chain.from_iterable(told):
            families[name].add_metric([clear(label) for label in labels], value)
        yield from families.values()

    def _watching(self) -> Values:
        for each in self._monitor_status.accounts():
            traffic, account = self._traffic[each.name], (each.name,)
            yield "batchbot_polls", account, self._monitor_status.polls[each.name]
            yield "batchbot_azure_calls", account, traffic.calls
            yield "batchbot_azure_received_bytes", account, traffic.bytes
            yield "batchbot_azure_throttled", account, traffic.throttled
            yield "batchbot_account_blind", account, float(each.blind is not None)
            yield "batchbot_poll_wait_seconds", account, each.wait

    def _delivery(self) -> Values:
        outbox = self._monitor_status.outbox()
        for outcome in outbox.totals.__struct_fields__:
            yield "batchbot_outbox_messages", (outcome,), getattr(outbox.totals, outcome)
        by_platform: dict[str, list[DestinationStatus]] = {}
        for conversation in outbox.conversations:
            by_platform.setdefault(conversation.where.partition(":")[0], []).append(conversation)
        for platform, conversations in sorted(by_platform.items()):
            yield (
                "batchbot_outbox_messages_waiting",
                (platform,),
                sum(conversation.waiting for conversation in conversations),
            )
            yield (
                "batchbot_conversations_unreachable",
                (platform,),
                sum(conversation.gone_since is not None for conversation in conversations),
            )

    def _beside(self) -> Values:
        for each in self._monitor_status.background():
            yield "batchbot_background_failing", (each.name, each.account), float(bool(each.error))

    def _stored(self) -> Values:
        store = self._monitor_status.store
        yield "batchbot_storage_failing", (), float(bool(store.failing))
        for table, rows in sorted(store.unreadable.items()):
            yield "batchbot_storage_unreadable_rows", (table,), rows

    def _incidents(self) -> Values:
        counted = Counter((incident.account, incident.severity.value) for incident in self._alerts.incidents.open())
        for labels, number in sorted(counted.items()):
            yield "batchbot_incidents_open", labels, number


def routes(monitor_status: MonitorStatus, traffic: Mapping[str, Traffic], alerts: AlertService) -> list[web.RouteDef]:
    """``/health`` and ``/metrics``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measures(monitor_status, traffic, alerts))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)

    async def details(_: web.Request) -> web.Response:
        troubles = [clear(each) for each in monitor_status.troubles()]
        return web.json_response({"status": _status(troubles), "troubles": troubles}, status=_code(monitor_status))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/health", details), web.get("/metrics", metrics)]


def bare_routes(monitor_status: MonitorStatus) -> list[web.RouteDef]:
    """``/health`` for the world, which says whether all is well and not what is not."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": _status(list(monitor_status.troubles()))}, status=_code(monitor_status))

    return [web.get("/health", health)]


def _code(monitor_status: MonitorStatus) -> int:
    """503 while nothing can be stored: no request is taken for sure then, and no alert is told."""
    return 503 if monitor_status.store.failing else 200


def _status(troubles: Sequence[object]) -> str:
    return "degraded" if troubles else "ok"
