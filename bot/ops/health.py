"""What those who run the bot read: health and readiness as JSON, and metrics in Prometheus' format.

``/health`` answers 200 as long as the program lives, and its body says what does not work; 503 where a restart may
help. ``/readyz`` answers 200 while the program can take requests, else 503. :mod:`bot.ops.probes` says which is which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
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
from bot.domain import knowledge
from bot.monitor.monitor_status import MonitorStatus, Traffic
from bot.ops.probes import Probes
from bot.outbox.destination_queue import DestinationStatus
from bot.webhooks.delivery import Webhooks

_UNAVAILABLE = 503


class Measure(NamedTuple):
    """A metric: a counter (its name gets ``_total``) or a gauge, what it measures, and its labels."""

    kind: type[CounterMetricFamily] | type[GaugeMetricFamily]
    help: str
    labels: tuple[str, ...]

    @property
    def word(self) -> str:
        """What it is in a word."""
        return "counter" if self.kind is CounterMetricFamily else "gauge"


_NOT_LET_IN = frozenset(
    {
        "notoken", "notokencredential", "authenticationfailed", "authorizationfailed", "unauthorized", "forbidden",
        "invalidauthenticationinfo", "invalidauthenticationtoken", "expiredauthenticationtoken", "permissiondenied",
        "linkedauthorizationfailed", "authorizationfailure", "authorizationpermissionmismatch",
    }
)  # fmt: skip
"""Codes with which Azure, or the library that signs in, says that the bot may not come in, in small letters."""
_BY_ACCOUNT, _BY_PLATFORM = ("account",), ("platform",)
_STREAMS = ("tasks", "nodes", "counts")
MEASURES = {
    "batchbot_polls": Measure(CounterMetricFamily, "Polls of an account that were stored.", _BY_ACCOUNT),
    "batchbot_azure_calls": Measure(CounterMetricFamily, "Requests to Azure, retries included.", _BY_ACCOUNT),
    "batchbot_azure_received_bytes": Measure(CounterMetricFamily, "Bytes received from Azure.", _BY_ACCOUNT),
    "batchbot_azure_throttled": Measure(CounterMetricFamily, "Throttled answers from Azure (429, 503).", _BY_ACCOUNT),
    "batchbot_account_blind": Measure(
        GaugeMetricFamily, "1 while an account cannot be read, 0 while it can.", _BY_ACCOUNT
    ),
    "batchbot_account_not_let_in": Measure(
        GaugeMetricFamily, "1 while an account cannot be read because the sign-in or a role is missing.", _BY_ACCOUNT
    ),
    "batchbot_poll_wait_seconds": Measure(
        GaugeMetricFamily, "Seconds between two polls now, longer while backing off.", _BY_ACCOUNT
    ),
    "batchbot_unread_seconds": Measure(
        GaugeMetricFamily,
        "How far behind a stream is that cannot wholly be read: tasks (failed ones), nodes (in trouble), counts (the "
        "last of jobs); on request starts (and ends of tasks), states (of nodes).",
        ("account", "stream"),
    ),
    "batchbot_events": Measure(
        CounterMetricFamily,
        "Diagnostic events of an account by outcome: heard (all of it), told (the first to tell), malformed (records).",
        ("account", "outcome"),
    ),
    "batchbot_events_late_seconds": Measure(
        GaugeMetricFamily, "How long after it was written the newest diagnostic event came.", _BY_ACCOUNT
    ),
    "batchbot_events_unread": Measure(
        GaugeMetricFamily, "1 while the event hub with an account's events cannot be read, 0 while it can.", _BY_ACCOUNT
    ),
    "batchbot_outbox_messages": Measure(
        CounterMetricFamily,
        "Outbox messages by outcome: sent, edited, repeated (perhaps), shortened, refused.",
        ("outcome",),
    ),
    "batchbot_outbox_messages_waiting": Measure(GaugeMetricFamily, "Outbox messages waiting to be sent.", _BY_PLATFORM),
    "batchbot_outbox_late_seconds": Measure(
        GaugeMetricFamily, "For how long the message that waits for longest could have been sent.", _BY_PLATFORM
    ),
    "batchbot_conversations_unreachable": Measure(
        GaugeMetricFamily, "Conversations that cannot be written to.", _BY_PLATFORM
    ),
    "batchbot_webhook_events": Measure(
        CounterMetricFamily,
        "Events of webhooks by outcome: taken, failed (attempts), parked (given up after refusals).",
        ("webhook", "outcome"),
    ),
    "batchbot_webhook_events_waiting": Measure(
        GaugeMetricFamily, "Events that wait for a webhook to take them.", ("webhook",)
    ),
    "batchbot_webhook_parked": Measure(
        GaugeMetricFamily, "1 while a webhook takes nothing and is tried every hour only, else 0.", ("webhook",)
    ),
    "batchbot_background_failing": Measure(
        GaugeMetricFamily,
        "1 while what runs beside the watching fails or is refused, 0 while it works.",
        ("part", "account"),
    ),
    "batchbot_ready": Measure(GaugeMetricFamily, "1 while it can take requests, as /readyz says, else 0.", ()),
    "batchbot_platform_unconnected": Measure(
        GaugeMetricFamily, "1 while a chat platform does not accept the bot, else 0.", _BY_PLATFORM
    ),
    "batchbot_storage_failing": Measure(GaugeMetricFamily, "1 while nothing can be stored, 0 while it can.", ()),
    "batchbot_storage_unreadable_rows": Measure(
        GaugeMetricFamily, "Rows that could not be read and were put aside.", ("table",)
    ),
    "batchbot_unknown_causes": Measure(
        CounterMetricFamily,
        "How often trouble was looked up of which no cause is known: where it showed, and its code.",
        ("where", "code"),
    ),
    "batchbot_account_watched": Measure(
        GaugeMetricFamily, "1 where this replica watches the account, else 0: 1 in all.", _BY_ACCOUNT
    ),
    "batchbot_duties": Measure(
        GaugeMetricFamily, "1 where this replica decides and posts, 0 where it stands by: 1 in all.", ()
    ),
    "batchbot_duties_epoch": Measure(
        GaugeMetricFamily, "How often a replica took the duties, as of when this one did; on PostgreSQL.", ()
    ),
    "batchbot_replica_duties": Measure(
        GaugeMetricFamily, "1 of the replica that has the duties, as this one knows it; on PostgreSQL.", ("replica",)
    ),
    "batchbot_replica_seen_seconds": Measure(
        GaugeMetricFamily,
        "Seconds since a replica's last sign of life, as this one knows it; on PostgreSQL.",
        ("replica",),
    ),
    "batchbot_replica_accounts": Measure(
        GaugeMetricFamily, "Accounts that a replica watches, as this one knows it; on PostgreSQL.", ("replica",)
    ),
    "batchbot_incidents_open": Measure(GaugeMetricFamily, "Open incidents.", ("account", "severity")),
}
"""Everything that is measured beside what Prometheus' client reports of the process."""

Values: TypeAlias = Iterator[tuple[str, tuple[str, ...], float]]


def _unknown() -> Values:
    for (where, code), times in sorted(knowledge.unknown().items()):
        yield "batchbot_unknown_causes", (where, code), times


class Measures(Collector):
    """Reads everything that is measured when somebody asks."""

    def __init__(
        self, monitor_status: MonitorStatus, traffic: Mapping[str, Traffic], alerts: AlertService, webhooks: Webhooks
    ) -> None:
        self.unready: list[str] = []
        self.platforms: dict[str, bool] = {}
        """Why no request should come, and which platforms are connected: asked for before each collection."""
        self._webhooks = webhooks
        self._monitor_status = monitor_status
        self._traffic = traffic
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        """Every metric with its values."""
        families = {name: each.kind(name, each.help, labels=each.labels) for name, each in MEASURES.items()}
        lease = self._monitor_status.lease
        told = [self._stored(), _unknown(), self._replicas(), self._calls()]
        if lease is None or lease.held:  # who stands by knows nothing of what another replica does
            told += [self._watching(), self._delivery(), self._events(), self._beside(), self._incidents()]
        for name, labels, value in chain.from_iterable(told):
            families[name].add_metric([clear(label) for label in labels], value)
        yield from families.values()

    def _watching(self) -> Values:
        for each in self._monitor_status.accounts():
            account = (each.name,)
            yield "batchbot_polls", account, self._monitor_status.polls[each.name]
            yield "batchbot_account_blind", account, float(each.blind is not None)
            refused = each.blind is not None and each.blind.code.lower() in _NOT_LET_IN
            yield "batchbot_account_not_let_in", account, float(refused)
            yield "batchbot_poll_wait_seconds", account, each.wait
            for stream in _STREAMS:
                yield "batchbot_unread_seconds", (each.name, stream), each.behind.get(stream, 0.0)
            if (events := each.events) is not None:
                for outcome in ("heard", "told", "malformed"):
                    yield "batchbot_events", (each.name, outcome), getattr(events, outcome)
                yield "batchbot_events_late_seconds", account, events.late
                yield "batchbot_events_unread", account, float(bool(events.error))

    def _calls(self) -> Values:
        """What this replica asks Azure, whatever for, and what of that it watches."""
        lease = self._monitor_status.lease
        mine = lease.shares.mine() if lease else self._traffic
        for name, traffic in self._traffic.items():
            yield "batchbot_azure_calls", (name,), traffic.calls
            yield "batchbot_azure_received_bytes", (name,), traffic.bytes
            yield "batchbot_azure_throttled", (name,), traffic.throttled
            yield "batchbot_account_watched", (name,), float(name in mine)

    def _delivery(self) -> Values:
        outbox = self._monitor_status.outbox()
        for outcome in outbox.totals.__struct_fields__:
            yield "batchbot_outbox_messages", (outcome,), getattr(outbox.totals, outcome)
        by_platform: dict[str, list[DestinationStatus]] = {}
        for conversation in (*outbox.conversations, *outbox.webhooks):
            by_platform.setdefault(conversation.where.partition(":")[0], []).append(conversation)
        for platform, conversations in sorted(by_platform.items()):
            yield (
                "batchbot_outbox_messages_waiting",
                (platform,),
                sum(conversation.waiting for conversation in conversations),
            )
            late = max(conversation.late for conversation in conversations)
            yield "batchbot_outbox_late_seconds", (platform,), late
            yield (
                "batchbot_conversations_unreachable",
                (platform,),
                sum(conversation.gone_since is not None for conversation in conversations),
            )

    def _events(self) -> Values:
        waiting = {each.where.partition(":")[2]: each.waiting for each in self._monitor_status.outbox().webhooks}
        for name, counts in sorted(self._webhooks.counts.items()):
            for outcome in counts.__struct_fields__:
                yield "batchbot_webhook_events", (name, outcome), getattr(counts, outcome)
            yield "batchbot_webhook_events_waiting", (name,), waiting.get(name, 0)
            yield "batchbot_webhook_parked", (name,), float(name in self._webhooks.parked)

    def _beside(self) -> Values:
        for each in self._monitor_status.background():
            yield "batchbot_background_failing", (each.name, each.account), float(bool(each.error))

    def _stored(self) -> Values:
        yield "batchbot_ready", (), float(not self.unready)
        for platform, connected in sorted(self.platforms.items()):
            yield "batchbot_platform_unconnected", (platform,), float(not connected)
        store = self._monitor_status.store
        yield "batchbot_storage_failing", (), float(bool(store.failing))
        for table, rows in sorted(store.unreadable.items()):
            yield "batchbot_storage_unreadable_rows", (table,), rows

    def _replicas(self) -> Values:
        lease = self._monitor_status.lease
        yield "batchbot_duties", (), float(lease is None or lease.held)
        if lease and lease.held:
            yield "batchbot_duties_epoch", (), lease.epoch
        for each in self._monitor_status.replicas():
            yield "batchbot_replica_duties", (each.name,), float(each.holds)
            yield "batchbot_replica_seen_seconds", (each.name,), each.age
            yield "batchbot_replica_accounts", (each.name,), len(each.watches)

    def _incidents(self) -> Values:
        counted = Counter((incident.account, incident.severity.value) for incident in self._alerts.incidents.open())
        for labels, number in sorted(counted.items()):
            yield "batchbot_incidents_open", labels, number


def routes(
    monitor_status: MonitorStatus,
    traffic: Mapping[str, Traffic],
    alerts: AlertService,
    probes: Probes,
    webhooks: Webhooks,
) -> list[web.RouteDef]:
    """``/health``, ``/readyz`` and ``/metrics``."""
    registry = CollectorRegistry(auto_describe=False)
    measures = Measures(monitor_status, traffic, alerts, webhooks)
    registry.register(measures)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)

    async def health(_: web.Request) -> web.Response:
        status, code, troubles = await _health(monitor_status, probes)
        lease = monitor_status.lease
        duties: dict[str, object] = {}
        if lease:
            duties = {"duties": "here" if lease.held else "another replica", "watches": sorted(lease.shares.mine())}
        return web.json_response({"status": status, "troubles": troubles, **duties}, status=code)

    async def ready(_: web.Request) -> web.Response:
        status, code, reasons = await _ready(probes)
        return web.json_response({"status": status, "reasons": reasons}, status=code)

    async def metrics(_: web.Request) -> web.Response:
        apart = await probes.unconnected()
        measures.unready, measures.platforms = (
            await probes.unready(),
            {each: each not in apart for each in probes.chats},
        )
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/health", health), web.get("/readyz", ready), web.get("/metrics", metrics)]


def bare_routes(monitor_status: MonitorStatus, probes: Probes) -> list[web.RouteDef]:
    """``/health`` and ``/readyz`` for the world, which say whether all is well and not what is not."""

    async def health(_: web.Request) -> web.Response:
        status, code, _troubles = await _health(monitor_status, probes)
        return web.json_response({"status": status}, status=code)

    async def ready(_: web.Request) -> web.Response:
        status, code, _reasons = await _ready(probes)
        return web.json_response({"status": status}, status=code)

    return [web.get("/health", health), web.get("/readyz", ready)]


async def _health(monitor_status: MonitorStatus, probes: Probes) -> tuple[str, int, list[str]]:
    """Its word, its code, and what does not work."""
    dead = await probes.dead()
    troubles = [clear(each) for each in (*dead, *monitor_status.troubles())]
    if dead:
        return "dead", _UNAVAILABLE, troubles
    return ("degraded" if troubles else "ok"), 200, troubles


async def _ready(probes: Probes) -> tuple[str, int, list[str]]:
    """Its word, its code, and why no request should come."""
    reasons = [clear(each) for each in await probes.unready()]
    return ("not ready", _UNAVAILABLE, reasons) if reasons else ("ready", 200, [])
