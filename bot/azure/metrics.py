"""Gauges of an account by the hour, from the data plane of Azure Monitor (``metrics:getBatch``).

Monitor has an address for each region, and wants a token of its own audience and the role Monitoring Reader. Of Batch
it keeps gauges of the whole account for 93 days ("Supported metrics for Microsoft.Batch/batchaccounts", Azure Monitor).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from azure.core.exceptions import AzureError as SdkError
from azure.monitor.querymetrics import MetricAggregationType, MetricsQueryResult
from azure.monitor.querymetrics.aio import MetricsClient

from bot.azure.clock import Clock
from bot.azure.credentials import Credentials
from bot.azure.errors import AzureError
from bot.azure.pipeline import DEADLINE, Traffic, late, no_answer, pipeline
from bot.settings import AccountSettings, Cloud

HOUR: Final = timedelta(hours=1)
NAMESPACE: Final = "Microsoft.Batch/batchAccounts"
_DOMAINS: Final[Mapping[Cloud, str]] = MappingProxyType(
    {
        "public": "metrics.monitor.azure.com",
        "usgov": "metrics.monitor.azure.us",
        "china": "metrics.monitor.azure.cn",
    }
)
"""Behind the region in the address, and the audience of tokens: the README of azure-monitor-querymetrics."""


class Gauges(NamedTuple):
    """Averages by metric and the hour that they begin; an hour of which nothing is known is not there."""

    values: Mapping[str, Mapping[datetime, float]]
    at: datetime
    """The service's time."""


class Metrics:
    """Azure Monitor of one account. Connects when it is first asked; close it in the end."""

    def __init__(
        self,
        settings: AccountSettings,
        credentials: Credentials,
        locate: Callable[[], Awaitable[str]],
        *,
        deadline: float = DEADLINE,
        traffic: Traffic | None = None,
    ) -> None:
        """``locate`` finds the account's region, where the settings do not name Monitor's address."""
        self._settings = settings
        self._credentials = credentials
        self._locate = locate
        self._deadline = deadline
        self._traffic = traffic
        self._clock = Clock()
        self._host = ""
        self._client: MetricsClient | None = None

    async def hourly(self, names: Sequence[str], since: datetime, until: datetime) -> Gauges:
        """Averages of each hour in [since, until), both on the hour, 30 days at most. Raises AzureError.

        ``names`` are 20 at most, which is what Monitor answers in one call.
        """
        client = await self._connected()
        try:
            async with asyncio.timeout(self._deadline):
                found = await client.query_resources(
                    resource_ids=[self._resource()],
                    metric_namespace=NAMESPACE,
                    metric_names=list(names),
                    timespan=(since.astimezone(UTC), until.astimezone(UTC)),
                    granularity=HOUR,
                    aggregations=[MetricAggregationType.AVERAGE],
                )
        except TimeoutError:
            raise late(self._host) from None
        except SdkError as error:
            raise no_answer(self._host, error) from error
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise AzureError("UnexpectedAnswer", f"{self._host} answered with something that is no metric") from error
        return Gauges(_values(found, since, until), self._clock.now())

    async def _connected(self) -> MetricsClient:
        if self._client is not None:
            return self._client
        cloud = self._settings.cloud
        audience = f"https://{_DOMAINS[cloud]}"
        base = self._settings.metrics_endpoint or f"https://{await self._locate()}.{_DOMAINS[cloud]}"
        if self._client is None:  # another who asked meanwhile may have connected: nobody would close a second one
            self._host = base.partition("://")[2]
            self._client = MetricsClient(
                base,
                self._credentials.token(self._settings),
                audience=audience,
                **pipeline(base, self._clock, traffic=self._traffic),
            )
        return self._client

    def _resource(self) -> str:
        settings = self._settings
        return (
            f"/subscriptions/{settings.subscription}/resourceGroups/{settings.resource_group}"
            f"/providers/{NAMESPACE}/{settings.batch_name}"
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None


def _values(
    found: Sequence[MetricsQueryResult], since: datetime, until: datetime
) -> Mapping[str, Mapping[datetime, float]]:
    """By metric and hour; the service answers whole hours, and may go beyond what was asked for."""
    values: dict[str, dict[datetime, float]] = {}
    for result in found:
        for metric in result.metrics:
            hours = values.setdefault(metric.name, {})
            for series in metric.timeseries:
                for point in series.data:
                    at = point.timestamp if point.timestamp.tzinfo else point.timestamp.replace(tzinfo=UTC)
                    if point.average is not None and since <= at < until:
                        hours[at.astimezone(UTC)] = float(point.average)
    return values
