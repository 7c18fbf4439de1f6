"""Cost Management in the sandbox, asked with Microsoft's own client, and held against the ledger and the document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, web
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.cost.definition import DefinitionError, understand
from bot.sandbox.wire.cost.throttle import PREFIX, Throttle
from bot.sandbox.wire.tokens import MANAGEMENT
from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios.parts import add_account
from tests.sandbox.conformance import complaints
from tests.sandbox.money_sandbox import START, Credential, Unsecured, money_sandbox
from tests.shared import shared

aio = pytest.importorskip("azure.mgmt.costmanagement.aio")

DOCUMENT = "cost-query-2023-11-01/costmanagement.json"
FIRST, LAST = date(2026, 9, 20), date(2026, 10, 20)


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    async with money_sandbox() as sandbox:
        sandbox.arm.costs.throttle.on = False
        yield sandbox


def definition(
    *groups: str,
    type_: str = "ActualCost",
    granularity: str = "Daily",
    first: date = FIRST,
    last: date = LAST,
    measures: tuple[str, ...] = ("PreTaxCost",),
    **dataset: Any,
) -> dict[str, Any]:
    """What is asked; groups are dimensions, or tags behind a #."""
    grouping = [
        {"type": "TagKey", "name": name[1:]} if name.startswith("#") else {"type": "Dimension", "name": name}
        for name in groups
    ]
    return {
        "type": type_,
        "timeframe": "Custom",
        "timePeriod": {"from": f"{first}T00:00:00Z", "to": f"{last}T00:00:00Z"},
        "dataset": {
            "granularity": granularity,
            "aggregation": {f"total{name}": {"name": name, "function": "Sum"} for name in measures},
            **({"grouping": grouping} if grouping else {}),
            **dataset,
        },
    }


def scope_of(sandbox: AzureSandbox, account: str = "render-prod", group: str = "") -> str:
    facts = sandbox.world.accounts[account].facts
    return f"/subscriptions/{facts.subscription}" + (f"/resourceGroups/{group}" if group else "")


async def usage(sandbox: AzureSandbox, body: dict[str, Any], scope: str = "") -> Any:
    async with aio.CostManagementClient(
        Credential(sandbox), base_url=sandbox.arm_url, per_call_policies=[Unsecured()], retry_total=0,
        credential_scopes=[f"{MANAGEMENT}.default"],
    ) as client:  # fmt: skip
        return await client.query.usage(scope or scope_of(sandbox), body)


async def ask(sandbox: AzureSandbox, *groups: str, scope: str = "", **options: Any) -> list[dict[str, Any]]:
    """The rows of an answer, by names."""
    answer = await usage(sandbox, definition(*groups, **options), scope)
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


def truth(sandbox: AzureSandbox, account: str = "render-prod", kind: str = "actual") -> float:
    ledger, days = sandbox.world.accounts[account].ledger, range((LAST - FIRST).days + 1)
    dropped = "UnusedReservation" if kind == "actual" else "Purchase"
    return sum(
        getattr(charge, kind)
        for number in days
        for charge in ledger.bill(FIRST + timedelta(days=number))
        if charge.charge_type != dropped
    )


@pytest.mark.parametrize("account", ["render-prod", "sim-dev"])
async def test_the_bill_is_the_ledgers(sandbox: AzureSandbox, account: str) -> None:
    scope = scope_of(sandbox, account)
    for kind in ("Actual", "Amortized"):
        options = {"scope": scope, "type_": f"{kind}Cost"}
        rows = await ask(sandbox, "ResourceId", "Meter", **options)
        assert sum(row["PreTaxCost"] for row in rows) == pytest.approx(truth(sandbox, account, kind.lower()))
        for groups, granularity in (((), "None"), (("MeterCategory",), "Monthly"), (("ResourceType",), "Daily")):
            same = await ask(sandbox, *groups, granularity=granularity, **options)
            assert sum(row["PreTaxCost"] for row in same) == pytest.approx(sum(row["PreTaxCost"] for row in rows))
        assert all(row["ResourceId"] == row["ResourceId"].lower() for row in rows)


async def test_shapes_of_rows(sandbox: AzureSandbox) -> None:
    answer = await usage(sandbox, definition("ResourceId", "Meter", measures=("PreTaxCost", "UsageQuantity")))
    assert [(column.name, column.type) for column in answer.columns] == [
        ("PreTaxCost", "Number"), ("UsageQuantity", "Number"), ("UsageDate", "Number"), ("ResourceId", "String"),
        ("Meter", "String"), ("Currency", "String"),
    ]  # fmt: skip
    days = {row[2] for row in answer.rows}
    assert min(days) == 20260920 and max(days) == 20261020 and len(days) == 31
    (row, other) = await ask(sandbox, granularity="Monthly")
    assert (row["BillingMonth"], other["BillingMonth"]) == ("2026-09-01T00:00:00", "2026-10-01T00:00:00")
    assert list((await ask(sandbox, granularity="None"))[0]) == ["PreTaxCost", "Currency"]


async def test_pools_lie_below_the_account_and_have_no_tags(sandbox: AzureSandbox) -> None:
    rows = await ask(sandbox, "ResourceId", "#poolname", type_="AmortizedCost", granularity="None")
    account = f"{scope_of(sandbox)}/resourcegroups/render-prod-rg/providers/microsoft.batch/batchaccounts/render-prod"
    pools = {row["ResourceId"].removeprefix(f"{account.lower()}/pools/") for row in rows}
    assert {"encode-spot", "render-cpu-v1"} <= pools
    assert {(row["TagKey"], row["TagValue"]) for row in rows} == {("poolname", "")}


async def test_scale_sets_of_a_users_subscription_are_told_by_tags(sandbox: AzureSandbox) -> None:
    sandbox.world.accounts["sim-dev"].facts.pool_allocation_mode = "UserSubscription"
    scope = scope_of(sandbox, "sim-dev")
    by_pool = {
        row["TagValue"]: row["PreTaxCost"] for row in await ask(sandbox, "#poolname", scope=scope, granularity="None")
    }
    assert {"montecarlo", "gpu-trial"} <= by_pool.keys()
    only = {"tags": {"name": "poolname", "operator": "In", "values": ["gpu-trial"]}}
    (row,) = await ask(sandbox, scope=scope, granularity="None", filter=only)
    assert row["PreTaxCost"] == pytest.approx(by_pool["gpu-trial"])
    group = await ask(sandbox, scope=scope_of(sandbox, "sim-dev", "sim-dev-rg"), granularity="None")
    assert sum(each["PreTaxCost"] for each in group) == pytest.approx(by_pool[""])  # storage alone is in the group


async def test_a_reservation_is_bought_once_and_spread(sandbox: AzureSandbox) -> None:
    bought = sandbox.world.accounts["render-prod"].ledger.start - timedelta(days=40)
    options = {"granularity": "None", "first": FIRST, "last": LAST}
    actual = {
        (row["ChargeType"], row["PricingModel"]): row
        for row in await ask(sandbox, "ChargeType", "PricingModel", **options)
    }
    spread = {
        (row["ChargeType"], row["PricingModel"]): row
        for row in await ask(sandbox, "ChargeType", "PricingModel", type_="AmortizedCost", **options)
    }
    assert FIRST <= bought.date() <= LAST
    assert actual["Purchase", "Reservation"]["PreTaxCost"] > 1000
    assert actual["Usage", "Reservation"]["PreTaxCost"] == 0 < spread["Usage", "Reservation"]["PreTaxCost"]
    assert ("Purchase", "Reservation") not in spread
    refund = await ask(sandbox, "ChargeType", granularity="None", first=date(2026, 11, 1), last=date(2026, 11, 20))
    assert min(row["PreTaxCost"] for row in refund) == -25


async def test_prices_are_found_by_the_bills_meters(sandbox: AzureSandbox) -> None:
    day = date(2026, 11, 20)
    rows = await ask(
        sandbox, "MeterId", "Meter", measures=("PreTaxCost", "UsageQuantity"), first=day, last=day,
        filter={"dimensions": {"name": "PricingModel", "operator": "In", "values": ["OnDemand", "Spot"]}},
    )  # fmt: skip
    found = 0
    async with ClientSession() as session:
        for row in rows:
            async with session.get(sandbox.prices_url, params={"$filter": f"meterId eq '{row['MeterId']}'"}) as answer:
                items = [item for item in (await answer.json())["Items"] if item["type"] == "Consumption"]
            for item in items[-1:]:
                found += 1
                assert item["meterName"] == row["Meter"]
                valid = [one for one in items if one["effectiveStartDate"] <= f"{day}T00:00:00Z"]
                assert row["PreTaxCost"] / row["UsageQuantity"] == pytest.approx(valid[-1]["retailPrice"])
    assert found >= 4


async def test_filters(sandbox: AzureSandbox) -> None:
    def within(name: str, *values: str) -> dict[str, Any]:
        return {"dimensions": {"name": name, "operator": "In", "values": list(values)}}

    async def total(**options: Any) -> float:
        rows = await ask(sandbox, granularity="None", type_="AmortizedCost", **options)
        return float(sum(row["PreTaxCost"] for row in rows))

    parts = {
        row["MeterCategory"]: row["PreTaxCost"]
        for row in await ask(sandbox, "MeterCategory", granularity="None", type_="AmortizedCost")
    }
    assert await total(filter=within("MeterCategory", "virtual machines")) == pytest.approx(parts["Virtual Machines"])
    either = {"or": [within("MeterCategory", "Storage"), within("MeterCategory", "Bandwidth")]}
    assert await total(filter=either) == pytest.approx(parts["Storage"] + parts["Bandwidth"])
    both = {"and": [either, within("ServiceName", "Bandwidth")]}
    assert await total(filter=both) == pytest.approx(parts["Bandwidth"])
    assert await total() == pytest.approx(sum(parts.values()))
    assert await ask(sandbox, filter=within("Meter", "none of these")) == []


async def test_next_link_is_posted_with_the_same_body(sandbox: AzureSandbox) -> None:
    sandbox.arm.costs.page = 100
    body = definition("ResourceId", "Meter")
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    url = f"{sandbox.arm_url}{scope_of(sandbox)}/providers/Microsoft.CostManagement/query?api-version=2023-11-01"
    rows: list[Any] = []
    pages = 0
    async with ClientSession(headers=headers) as session:
        while url:
            async with session.post(url, json=body) as answer:
                properties = (await answer.json())["properties"]
            rows += properties["rows"]
            pages, url = pages + 1, properties["nextLink"]
    sandbox.arm.costs.page = 100_000
    assert pages > 3 and rows == (await usage(sandbox, body)).rows


async def test_young_days_move_and_a_correction_is_told(sandbox: AzureSandbox) -> None:
    day = date(2026, 11, 25)
    options = {"granularity": "None", "scope": scope_of(sandbox, "sim-dev"), "first": day, "last": day}

    async def told() -> float:
        return float(sum(row["PreTaxCost"] for row in await ask(sandbox, **options)))

    before = await told()
    sandbox.world.clock.advance(timedelta(hours=30))
    after = await told()
    assert before < after
    async with ClientSession() as session:
        correct = {"account": "sim-dev", "correct": {"day": f"{day}", "factor": 1.05}}
        async with session.post(f"{sandbox.arm_url}/_sandbox/cost", json=correct) as answer:
            assert answer.status == 200
    assert await told() == pytest.approx(after * 1.05)
    assert await ask(sandbox, first=date(2026, 12, 5), last=date(2026, 12, 9)) == []


async def test_permission_is_refused_in_three_ways(sandbox: AzureSandbox) -> None:
    costs = sandbox.arm.costs
    costs.access = "no role"
    with pytest.raises(HttpResponseError, match=r"Microsoft\.CostManagement/query/action") as refused:
        await ask(sandbox)
    assert refused.value.status_code == 403
    costs.access = "no cost role"
    with pytest.raises(ClientAuthenticationError, match="RBACAccessDenied"):
        await ask(sandbox)
    costs.access = "disabled"
    with pytest.raises(HttpResponseError, match="AccountCostDisabled"):
        await ask(sandbox)


async def test_the_quota_is_told_by_headers_of_its_own(sandbox: AzureSandbox) -> None:
    costs = sandbox.arm.costs
    costs.throttle.on = True
    for _ in range(12):
        await ask(sandbox, granularity="None")
    with pytest.raises(HttpResponseError, match="Too many requests") as refused:
        await ask(sandbox, granularity="None")
    headers = refused.value.response.headers
    assert refused.value.status_code == 429 and "Retry-After" not in headers
    assert 1 <= int(headers[f"{PREFIX}-qpu-retry-after"]) <= 10


async def test_nothing_at_all_is_no_content() -> None:
    world = World(1, Clock(START, paused=True))
    add_account(world, "empty", "eastus", dedicated=1, spot=1, families={})
    sandbox = AzureSandbox(world)
    await sandbox.start()
    try:
        assert await usage(sandbox, definition(), scope_of(sandbox, "empty")) is None
        with pytest.raises(ResourceNotFoundError):
            await usage(sandbox, definition(), "/subscriptions/11111111-2222-3333-4444-555555555555")
    finally:
        await sandbox.close()


async def test_answers_conform_to_the_document(sandbox: AzureSandbox) -> None:
    shared(f"azure/specs/{DOCUMENT}")
    seen = []

    def witness(request: web.Request, response: web.Response) -> None:
        body = response.body if isinstance(response.body, bytes) else b""
        path = request.path.replace(scope_of(sandbox), "/scope")
        # The document knows neither null nor location and sku; the service answers all of them (recorded).
        wrong = complaints(DOCUMENT, request.method, path, response.status, body.replace(b":null", b':""'))
        seen.extend(wrong)

    sandbox.arm.observers.append(witness)
    await ask(sandbox, "ResourceId", "Meter")
    await ask(sandbox, granularity="Monthly")
    with pytest.raises(HttpResponseError):
        await ask(sandbox, "Weather")
    assert seen == []


def test_the_recorded_question_is_understood() -> None:
    body = b"""{"type": "ActualCost", "timeframe": "Custom", "timePeriod": {"from": "2020-03-01T00:00:00.000Z",
    "to": "2020-05-09T00:00:00.000Z"}, "dataset": {"granularity": "Daily", "aggregation":
    {"totalCost": {"name": "PreTaxCost", "function": "Sum"}}}}"""
    query = understand(body, START)
    assert (query.first, query.last, query.qpu) == (date(2020, 3, 1), date(2020, 5, 9), 3)


@pytest.mark.parametrize(
    ("timeframe", "first", "last"),
    [
        ("MonthToDate", date(2026, 11, 1), date(2026, 11, 26)),
        ("TheLastMonth", date(2026, 10, 1), date(2026, 10, 31)),
        ("WeekToDate", date(2026, 11, 23), date(2026, 11, 26)),
    ],
)
def test_timeframes(timeframe: str, first: date, last: date) -> None:
    query = understand(f'{{"type":"Usage","timeframe":"{timeframe}","dataset":{{}}}}'.encode(), START)
    assert (query.first, query.last) == (first, last)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[",
        b'{"type":"Usage","timeframe":"Custom","dataset":{}}',
        b'{"type":"Guess","timeframe":"MonthToDate","dataset":{}}',
        b'{"type":"Usage","timeframe":"Someday","dataset":{}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"granularity":"Hourly"}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"grouping":[{"type":"Dimension","name":"Weather"}]}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"grouping":[{"type":"Dimension","name":"UnitOfMeasure"}]}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"aggregation":{"a":{"name":"Cost","function":"Max"}}}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"filter":{}}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"filter":{"and":[]}}}',
        b'{"type":"Usage","timeframe":"MonthToDate","dataset":{"filter":{"tags":{"name":"a","operator":"Eq","values":["b"]}}}}',
    ],
)
def test_bad_definitions_are_refused(body: bytes) -> None:
    with pytest.raises(DefinitionError):
        understand(body, START)


async def test_many_groups_are_taken_and_as_few_as_one_likes(sandbox: AzureSandbox) -> None:
    names = ("ResourceId", "ResourceType", "ResourceLocation", "ChargeType", "ServiceName", "MeterSubCategory", "Meter")
    rows = await ask(sandbox, *names, granularity="None")
    assert sum(row["PreTaxCost"] for row in rows) == pytest.approx(truth(sandbox))
    sandbox.arm.costs.groups = 2
    with pytest.raises(HttpResponseError, match="up to 2 group by"):
        await ask(sandbox, *names)


async def test_tags_may_be_included(sandbox: AzureSandbox) -> None:
    sandbox.world.accounts["sim-dev"].facts.pool_allocation_mode = "UserSubscription"
    rows = await ask(sandbox, "ResourceId", granularity="None", scope=scope_of(sandbox, "sim-dev"), include=["Tags"])
    assert list(rows[0]) == ["PreTaxCost", "ResourceId", "Tags", "Currency"]
    assert ['"batchaccountname":"sim-dev"', '"poolname":"cfd"'] in [row["Tags"] for row in rows]


def test_the_throttle_counts_units_in_three_windows() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    assert throttle.admit(10, "a") is None
    assert throttle.admit(3, "a") == {f"{PREFIX}-qpu-retry-after": "10"}
    now[0] = 4.0
    assert throttle.admit(2, "b") is None
    now[0] = 10.0
    assert throttle.admit(10, "a") is None
    minutes = [throttle.admit(1, "a") for now[0] in range(20, 60)]
    assert minutes.count(None) == 38 and minutes[-1] == {f"{PREFIX}-qpu-retry-after": "1"}
    throttle.forget()
    throttle.per_scope = 2
    assert [throttle.admit(1, scope) is None for scope in ("a", "A", "a", "b")] == [True, True, False, True]
    throttle.refuse(2, 7)
    assert throttle.admit(1, "c") == throttle.admit(1, "c") == {f"{PREFIX}-qpu-retry-after": "7"}
    assert throttle.admit(1, "c") is None


async def test_switches_over_http(sandbox: AzureSandbox) -> None:
    url = f"{sandbox.arm_url}/_sandbox/cost"
    async with ClientSession() as session:
        asked = {"access": "no role", "metrics": False, "perScope": 4, "throttle": {"count": 2}, "currency": "EUR"}
        async with session.post(url, json=asked) as answer:
            state = await answer.json()
        assert state["currencies"] == {"render-prod": "EUR", "sim-dev": "EUR"} and not state["metrics"]
        async with session.get(url) as answer:
            assert await answer.json() == state
        for wrong in ({"access": "maybe"}, {"currency": "XXX"}, {"account": "nobody", "currency": "EUR"}, {"a": 1}):
            async with session.post(url, json=wrong) as answer:
                assert answer.status == 400
    sandbox.arm.costs.access = "allowed"
    sandbox.arm.costs.throttle.forget()
    assert {row["Currency"] for row in await ask(sandbox)} == {"EUR"}


def test_midnight_is_utc() -> None:
    body = b"""{"type": "Usage", "timeframe": "MonthToDate", "dataset": {}}"""
    assert understand(body, datetime(2026, 12, 1, 1, tzinfo=UTC)).first == date(2026, 12, 1)
