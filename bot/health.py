"""What those who run the bot read: health as JSON, and metrics in Prometheus' format.

``/health`` answers 200 as long as the program works; its body says what does not. Whoever restarts programs by it must
not restart one for an outage of Slack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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

from bot.alerts.desk import Alerts
from bot.watch.standing import Standing, Traffic


class Measures(Collector):
    """Everything that is measured, read when somebody asks."""

    def __init__(self, standing: Standing, traffic: Mapping[str, Traffic], alerts: Alerts) -> None:
        self._standing = standing
        self._traffic = traffic
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        """The metrics, each with its help."""
        yield from self._watching()
        yield from self._delivery()
        open_now = GaugeMetricFamily(
            "batchbot_incidents_open", "Incidents that are open.", labels=["account", "severity"]
        )
        counted: dict[tuple[str, str], int] = {}
        for incident in self._alerts.open():
            key = incident.account, incident.severity.value
            counted[key] = counted.get(key, 0) + 1
        for (account, severity), number in sorted(counted.items()):
            open_now.add_metric([account, severity], number)
        yield open_now

    def _watching(self) -> Iterator[Metric]:
        looks = CounterMetricFamily("batchbot_looks", "Looks at an account that were stored.", labels=["account"])
        calls = CounterMetricFamily("batchbot_azure_calls", "Calls to Azure.", labels=["account"])
        received = CounterMetricFamily("batchbot_azure_received_bytes", "Bytes of Azure's answers.", labels=["account"])
        throttled = CounterMetricFamily(
            "batchbot_azure_throttled", "Answers of Azure that asked for less (429, 503).", labels=["account"]
        )
        blind = GaugeMetricFamily(
            "batchbot_account_blind", "1 while an account cannot be read, 0 while it can.", labels=["account"]
        )
        wait = GaugeMetricFamily(
            "batchbot_look_wait_seconds", "Seconds between two looks now, longer while backing off.", labels=["account"]
        )
        for each in self._standing.accounts():
            traffic = self._traffic[each.name]
            looks.add_metric([each.name], self._standing.looks[each.name])
            calls.add_metric([each.name], traffic.calls)
            received.add_metric([each.name], traffic.bytes)
            throttled.add_metric([each.name], traffic.throttled)
            blind.add_metric([each.name], float(each.blind is not None))
            wait.add_metric([each.name], each.wait)
        yield from (looks, calls, received, throttled, blind, wait)

    def _delivery(self) -> Iterator[Metric]:
        outbox = self._standing.outbox()
        letters = CounterMetricFamily("batchbot_letters", "Messages of the bot's own accord.", labels=["outcome"])
        for outcome in outbox.totals.__struct_fields__:
            letters.add_metric([outcome], getattr(outbox.totals, outcome))
        waiting = GaugeMetricFamily("batchbot_letters_waiting", "Messages on their way.", labels=["platform"])
        gone = GaugeMetricFamily("batchbot_places_gone", "Places that cannot be written to.", labels=["platform"])
        totals: dict[str, list[int]] = {}
        for place in outbox.places:
            platform = totals.setdefault(place.where.partition(":")[0], [0, 0])
            platform[0] += place.waiting
            platform[1] += place.gone_since is not None
        for platform_name, (number, shut) in sorted(totals.items()):
            waiting.add_metric([platform_name], number)
            gone.add_metric([platform_name], shut)
        yield from (letters, waiting, gone)


def routes(standing: Standing, traffic: Mapping[str, Traffic], alerts: Alerts) -> list[web.RouteDef]:
    """``/health`` and ``/metrics``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measures(standing, traffic, alerts))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)

    async def health(_: web.Request) -> web.Response:
        troubles = list(standing.troubles())
        return web.json_response({"status": "degraded" if troubles else "ok", "troubles": troubles})

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/health", health), web.get("/metrics", metrics)]
