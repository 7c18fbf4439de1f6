"""Azure Monitor in the sandbox, asked with Microsoft's own client, and held against the ledger and the document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, web
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.monitor.definitions import METRICS
from bot.sandbox.wire.monitor.query import MetricError, Query
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT
from bot.sandbox.world import AccountState
from tests.sandbox.conformance import complaints
from tests.sandbox.money_sandbox import START, Credential, Unsecured, money_sandbox, resource_id
from tests.shared import shared

aio = pytest.importorskip("azure.monitor.querymetrics.aio")

NAMESPACE = "Microsoft.Batch/batchAccounts"
DOCUMENT = "monitor-metrics-batch-2024-02-01/metricBatch.json"
NOW = START + timedelta(hours=3)
HOUR = timedelta(hours=1)


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    async with money_sandbox() as sandbox:
        yield sandbox


async def ask(
    sandbox: AzureSandbox, *names: str, account: str = "render-prod", resource: str = "", **query: Any
) -> Any:
    """One answer for each metric of an account."""
    ids = [query.pop("resource_id", None) or resource_id(sandbox.world.accounts[account])]
    async with aio.MetricsClient(
        sandbox.metrics_url, Credential(sandbox, resource), per_call_policies=[Unsecured()], retry_total=0
    ) as client:
        found = await client.query_resources(
            resource_ids=ids, metric_namespace=NAMESPACE, metric_names=list(names), **query
        )
    return found[0].metrics


def account_of(sandbox: AzureSandbox, name: str = "render-prod") -> AccountState:
    return sandbox.world.accounts[name]


def test_it_is_announced(sandbox: AzureSandbox) -> None:
    assert f"METRICS_ENDPOINT={sandbox.metrics_url}" in sandbox.announce()


@pytest.mark.parametrize("name", ["render-prod", "sim-dev"])
async def test_core_hours_are_those_of_the_ledger(sandbox: AzureSandbox, name: str) -> None:
    hours = NOW.replace(minute=0, second=0) - timedelta(hours=1)
    ledger = account_of(sandbox, name).ledger
    for days in (0, 30, 60):
        end = hours - timedelta(days=days)
        since = end - timedelta(days=29)
        cores, spot = await ask(
            sandbox, "CoreCount", "LowPriorityCoreCount",
            account=name, timespan=(since, end), granularity=HOUR, aggregations=["Average"],
        )  # fmt: skip
        use = ledger.core_seconds(None, since, end)
        for metric, truth in ((cores, use.dedicated.cores), (spot, use.spot.cores)):
            data = metric.timeseries[0].data
            assert len(data) == 29 * 24
            assert sum(point.average * 3600 for point in data) == pytest.approx(truth, rel=1e-6)


async def test_running_nodes_are_at_least_what_was_busy(sandbox: AzureSandbox) -> None:
    account = account_of(sandbox, "sim-dev")
    end = NOW.replace(minute=0, second=0)
    (running,) = await ask(
        sandbox, "RunningNodeCount", account="sim-dev",
        timespan=(end - timedelta(days=20), end), granularity=timedelta(days=1), aggregations=["Average"],
    )  # fmt: skip
    for point in running.timeseries[0].data[1:-1]:
        use = account.ledger.core_seconds(None, point.timestamp, point.timestamp + timedelta(days=1))
        assert point.average * 86_400 >= use.total.busy / use.total.cores * use.total.nodes * 0.5


async def test_total_of_a_level_is_no_core_hours(sandbox: AzureSandbox) -> None:
    end = NOW.replace(minute=0, second=0) - timedelta(hours=5)
    every = ["Average", "Minimum", "Maximum", "Total", "Count"]
    (cores,) = await ask(sandbox, "CoreCount", timespan=(end - HOUR, end), granularity=HOUR, aggregations=every)
    (point,) = cores.timeseries[0].data
    assert point.count == 60 and point.total == pytest.approx(60 * point.average)
    assert point.minimum <= point.average <= point.maximum
    (unasked,) = await ask(sandbox, "CoreCount", timespan=(end - HOUR, end), granularity=HOUR)
    assert unasked.timeseries[0].data[0].total == pytest.approx(point.total)
    assert unasked.timeseries[0].data[0].average is None


async def test_the_last_three_minutes_are_low_and_the_running_one_is_not_told(sandbox: AzureSandbox) -> None:
    span = (NOW - timedelta(minutes=20), NOW)
    (cores,) = await ask(sandbox, "CoreCount", account="sim-dev", timespan=span, aggregations=["Average"])
    data = cores.timeseries[0].data
    assert data[-1].timestamp == NOW.replace(second=0) - timedelta(minutes=1)
    last = [point.average for point in data]
    assert last[-1] < last[-2] < last[-3] < last[-4] * 0.9
    assert min(last[:-3]) > last[-3]


async def test_tasks_add_up_over_pools_and_jobs(sandbox: AzureSandbox) -> None:
    start = START.replace(second=0) + timedelta(minutes=1)
    span = {"timespan": (start, start + timedelta(hours=2)), "granularity": timedelta(minutes=5)}
    account = account_of(sandbox)
    started, failed = await ask(sandbox, "TaskStartEvent", "TaskFailEvent", aggregations=["Total"], **span)
    whole = sum(point.total for point in started.timeseries[0].data)
    assert whole > 100 > sum(point.total for point in failed.timeseries[0].data) > 0
    (split,) = await ask(
        sandbox, "TaskStartEvent", filter="poolId eq '*' and jobId eq '*'", max_results=1000,
        aggregations=["Total"], **span,
    )  # fmt: skip
    parts = [sum(point.total for point in series.data) for series in split.timeseries]
    assert sum(parts) == whole and parts == sorted(parts, reverse=True)
    assert {series.metadata_values["poolid"] for series in split.timeseries} <= account.pools.keys()
    (top,) = await ask(sandbox, "TaskStartEvent", filter="jobId eq '*'", max_results=2, aggregations=["Total"], **span)
    assert len(top.timeseries) == 2
    (one,) = await ask(
        sandbox, "TaskStartEvent", filter="poolId eq 'render-cpu' or poolId eq 'comp-day' and jobId eq '*'",
        roll_up_by="poolId,jobId", aggregations=["Total"], **span,
    )  # fmt: skip
    assert len(one.timeseries) == 1
    wanted = [sum(parts[i] for i, s in enumerate(split.timeseries) if s.metadata_values["poolid"] == p)
              for p in ("render-cpu", "comp-day")]  # fmt: skip
    assert sum(point.total for point in one.timeseries[0].data) == sum(wanted)


async def test_the_past_has_tasks_too(sandbox: AzureSandbox) -> None:
    end = START - timedelta(days=39)
    (done,) = await ask(
        sandbox, "TaskCompleteEvent", timespan=(end - timedelta(days=1), end), granularity=HOUR,
        filter="poolId eq '*'", aggregations=["Total"],
    )  # fmt: skip
    pools = {series.metadata_values["poolid"] for series in done.timeseries}
    assert {"encode-spot", "render-cpu", "render-cpu-v1"} & pools == {"encode-spot", "render-cpu"}
    assert sum(point.total for series in done.timeseries for point in series.data) > 100


async def test_more_than_a_month_is_cut_to_the_last_and_older_than_93_days_is_gone(sandbox: AzureSandbox) -> None:
    end = NOW.replace(minute=0, second=0)
    (cores,) = await ask(
        sandbox, "CoreCount", timespan=(end - timedelta(days=90), end), granularity=HOUR, aggregations=["Average"]
    )
    data = cores.timeseries[0].data
    assert data[0].timestamp == end.replace(month=10) and len(data) == 31 * 24
    (old,) = await ask(
        sandbox, "CoreCount", timespan=(end - timedelta(days=105), end - timedelta(days=80)), granularity=HOUR,
        aggregations=["Average"],
    )  # fmt: skip
    known = [point.timestamp for point in old.timeseries[0].data if point.average is not None]
    assert NOW - timedelta(days=93) <= known[0] <= NOW - timedelta(days=90) + timedelta(hours=2)
    assert old.timeseries[0].data[0].average is None


async def test_full_is_one_point(sandbox: AzureSandbox) -> None:
    account = account_of(sandbox)
    params = {
        "api-version": "2024-02-01", "metricnamespace": NAMESPACE, "metricnames": "CoreCount", "interval": "FULL",
        "starttime": "2026-11-20T10:00:00.000Z", "endtime": "2026-11-20T14:00:00.000Z", "aggregation": "average",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue('https://metrics.monitor.azure.com')}"}
    url = f"{sandbox.metrics_url}/subscriptions/{account.facts.subscription}/metrics:getBatch"
    body = {"resourceids": [resource_id(account)]}
    async with ClientSession(headers=headers) as session, session.post(url, params=params, json=body) as answer:
        (value,) = (await answer.json())["values"]
    assert (value["interval"], value["starttime"]) == ("PT4H", "2026-11-20T10:00:00.000Z")
    assert len(value["value"][0]["timeseries"][0]["data"]) == 1
    assert value["namespace"] == "microsoft.batch/batchaccounts" and value["resourceregion"] == "northcentralus"


async def test_answers_conform_to_the_document(sandbox: AzureSandbox) -> None:
    shared(f"azure/specs/{DOCUMENT}")
    seen = []

    def witness(request: web.Request, response: web.Response) -> None:
        assert isinstance(response.body, bytes)
        seen.append(complaints(DOCUMENT, request.method, request.path, response.status, response.body))

    sandbox.monitor.observers.append(witness)
    await ask(sandbox, "CoreCount", "TaskStartEvent", "PoolCreateEvent", timespan=HOUR)
    await ask(sandbox, "TaskStartEvent", timespan=HOUR, filter="poolId eq '*'")
    with pytest.raises(HttpResponseError):
        await ask(sandbox, "Cores")
    assert seen == [[], [], []]


async def test_what_is_wrong_is_refused(sandbox: AzureSandbox) -> None:
    with pytest.raises(HttpResponseError, match=r"Failed to find metric configuration.*metric: Cores, Valid") as error:
        await ask(sandbox, "Cores")
    assert error.value.status_code == 400
    for resource in (BATCH, MANAGEMENT):
        with pytest.raises(ClientAuthenticationError):
            await ask(sandbox, "CoreCount", resource=resource)
    with pytest.raises(ResourceNotFoundError):
        await ask(sandbox, "CoreCount", resource_id=resource_id(account_of(sandbox)) + "x")
    sandbox.monitor.permitted = False
    with pytest.raises(HttpResponseError, match=r"Microsoft\.Insights/metrics/read") as error:
        await ask(sandbox, "CoreCount")
    assert error.value.status_code == 403


@pytest.mark.parametrize(
    "given",
    [
        {"interval": "PT7M"},
        {"aggregation": "median"},
        {"metricnames": "CoreCount,Nothing"},
        {"metricnamespace": "Microsoft.Storage/storageAccounts"},
        {"timespan": "2026-11-20T00:00:00Z/2026-11-19T00:00:00Z"},
        {"timespan": "yesterday"},
        {"endtime": "2026-11-20T00:00:00Z"},
        {"filter": "poolId eq 'a' or jobId eq 'b'"},
        {"filter": "poolId gt 'a'"},
        {"orderby": "total sideways"},
        {"top": "none"},
    ],
)
def test_bad_questions_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(MetricError):
        Query.read(given, NOW)


async def test_resource_manager_tells_the_same(sandbox: AzureSandbox) -> None:
    account = account_of(sandbox)
    url = f"{sandbox.arm_url}{resource_id(account)}/providers/Microsoft.Insights/metrics"
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    params = {"api-version": "2018-01-01", "metricnames": "CoreCount", "interval": "PT1M", "aggregation": "Average",
              "timespan": "2026-11-25T07:10:33Z/2026-11-25T08:10:33Z"}  # fmt: skip
    async with ClientSession(headers=headers) as session:
        async with session.get(url, params=params) as answer:
            body = await answer.json()
        async with session.get(url, params={**params, "metricnames": "Cores"}) as answer:
            refused = answer.status, await answer.json()
        async with session.get(f"{url.removesuffix('s')}Definitions", params={"api-version": "2018-01-01"}) as answer:
            definitions = (await answer.json())["value"]
    assert (body["cost"], body["interval"], body["timespan"]) == (59, "PT1M", params["timespan"])  # as recorded
    data = body["value"][0]["timeseries"][0]["data"]
    assert (len(data), data[0]["timeStamp"], data[-1]["timeStamp"]) == (
        *(60, "2026-11-25T07:10:00Z", "2026-11-25T08:09:00Z"),
    )
    (cores,) = await ask(
        sandbox, "CoreCount", timespan=(datetime(2026, 11, 25, 7, 10, tzinfo=UTC), HOUR), aggregations=["Average"]
    )
    assert [point["average"] for point in data] == [point.average for point in cores.timeseries[0].data]
    assert refused[0] == 400 and refused[1]["code"] == "BadRequest"  # not wrapped
    assert [each["name"]["value"] for each in definitions] == [metric.name for metric in METRICS.values()]
