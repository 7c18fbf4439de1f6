"""Cost Management's query over real HTTP: pages, columns, waiting, and what is not followed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from unittest import mock

import msgspec
import pytest
from aiohttp import web

from bot.azure.cost import CostLine, CostManagement, read
from bot.azure.cost_limiter import CostLimiter
from bot.azure.credentials import Credentials
from bot.azure.errors import AzureError
from bot.azure.models.cost import CostAnswer
from bot.settings import AccountSettings
from tests.azure.service import Handler, Service, say
from tests.azure.test_cost_limiter import Ticks
from tests.shared import shared

DAY = date(2026, 11, 23)
COLUMNS = [
    {"name": "Cost", "type": "Number"},
    {"name": "UsageQuantity", "type": "Number"},
    {"name": "UsageDate", "type": "Number"},
    {"name": "ResourceId", "type": "String"},
    {"name": "Meter", "type": "String"},
    {"name": "MeterCategory", "type": "String"},
    {"name": "MeterSubcategory", "type": "String"},
    {"name": "UnitOfMeasure", "type": "String"},
    {"name": "Currency", "type": "String"},
]
ROW = [1.5, 7.0, 20261123, "/Subscriptions/S/x", "D4s v3", "Virtual Machines", "Dsv3 Series", "1 Hour", "USD"]


def table(*rows: list[Any], link: str | None = None, columns: list[dict[str, str]] = COLUMNS) -> dict[str, Any]:
    return {"id": "i", "name": "n", "properties": {"nextLink": link, "columns": columns, "rows": list(rows)}}


class Bodies:
    """Answers in turn and keeps the bodies that were sent."""

    def __init__(self, *answers: Handler) -> None:
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.sent.append(json.loads(await request.read()))
        return await self.answers.pop(0)(request)


@pytest.fixture
async def costs(service: Service) -> AsyncIterator[CostManagement]:
    async def token(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_on": "4102444800", "resource": "r", "token_type": "B"})

    runner = web.AppRunner(app := web.Application())
    app.router.add_get("/token", token)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    identity = {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{port}/token", "IDENTITY_HEADER": "h"}
    settings = AccountSettings(
        "https://a.b.batch.azure.com", "s", "g", credential="managed_identity", arm_endpoint=service.url
    )
    with mock.patch.dict("os.environ", identity):
        credentials = Credentials(identity)
        found = CostManagement(settings, credentials)
        yield found
        await found.close()
        await credentials.close()
    await runner.cleanup()


async def asked(costs: CostManagement, clock: Ticks | None = None, tag: str = "") -> list[CostLine]:
    where = {"dimensions": {"name": "ResourceType", "operator": "In", "values": ["microsoft.batch/batchaccounts"]}}
    return await costs.lines("AmortizedCost", DAY, DAY, where, CostLimiter(clock or Ticks()), tag=tag)


async def test_a_question_and_its_answer(service: Service, costs: CostManagement) -> None:
    bodies = Bodies(say(table(ROW)))
    service.answers = [bodies]
    (line,) = await asked(costs)
    assert line == CostLine(
        DAY, "USD", 1.5, 7.0, "/Subscriptions/S/x", "D4s v3", "Virtual Machines", "Dsv3 Series", "1 Hour"
    )
    (body,) = bodies.sent
    assert body["type"] == "AmortizedCost"
    assert body["timePeriod"] == {"from": "2026-11-23T00:00:00Z", "to": "2026-11-23T23:59:59Z"}
    assert [each["name"] for each in body["dataset"]["grouping"]][:2] == ["ResourceId", "Meter"]
    assert service.asked[0].path == "/subscriptions/s/providers/Microsoft.CostManagement/query"
    assert service.asked[0].method == "POST"


async def test_the_next_page_is_asked_for_with_the_same_body(service: Service, costs: CostManagement) -> None:
    link = f"{service.url}/subscriptions/s/providers/Microsoft.CostManagement/query?$skiptoken=2"
    bodies = Bodies(say(table(ROW, link=link)), say(table(ROW)))
    service.answers = [bodies]
    assert len(await asked(costs)) == 2
    assert bodies.sent[0] == bodies.sent[1]
    assert service.asked[1].method == "POST"
    assert service.asked[1].query["$skiptoken"] == "2"


async def test_a_page_at_another_host_is_not_asked_for(service: Service, costs: CostManagement) -> None:
    service.answers = [say(table(ROW, link="https://evil.example/query"))]
    with pytest.raises(AzureError) as caught:
        await asked(costs)
    assert caught.value.code == "ForeignNextLink"
    assert len(service.asked) == 1


async def test_the_longest_of_its_own_headers_is_waited_for(service: Service, costs: CostManagement) -> None:
    busy = say(
        {"error": {"code": "429", "message": "Too many requests."}},
        status=429,
        **{
            "x_ms_ratelimit_microsoft.costmanagement_entity_retry_after": "11",
            "x_ms_ratelimit_microsoft.costmanagement_tenant_retry_after": "35",
            "x_ms_ratelimit_microsoft.costmanagement_client_retry_after": "7",
            "x_ms_ratelimit_remaining_microsoft.costmanagement_tenant_requests": "199",
        },
    )
    service.answers = [busy, say(table(ROW))]
    clock = Ticks()
    limiter = CostLimiter(clock)
    where: dict[str, object] = {}
    with pytest.raises(AzureError) as caught:
        await costs.lines("ActualCost", DAY, DAY, where, limiter)
    assert caught.value.throttled
    assert caught.value.retry_after == 35
    assert len(service.asked) == 1  # it was not sent again by itself
    await costs.lines("ActualCost", DAY, DAY, where, limiter)
    assert clock.at == 35


async def test_where_two_groupings_are_allowed_two_are_asked_for(service: Service, costs: CostManagement) -> None:
    refused = say({"error": {"code": "BadRequest", "message": "Query can have up to 2 group by clauses."}}, status=400)
    few = [COLUMNS[0], COLUMNS[2], COLUMNS[3], COLUMNS[4], COLUMNS[8]]
    unknown = say({"error": {"code": "BadRequest", "message": "Invalid dataset grouping: 'UnitOfMeasure'"}}, status=400)
    bodies = Bodies(unknown, refused, say(table([1.0, 20261123, "r", "m", "EUR"], columns=few)), say(table(ROW)))
    service.answers = [bodies]
    (line,) = await asked(costs)
    assert (line.meter, line.category, line.currency) == ("m", "", "EUR")
    await asked(costs)
    assert [len(body["dataset"]["grouping"]) for body in bodies.sent] == [5, 4, 2, 2]


async def test_tags_are_asked_for_by_their_key(service: Service, costs: CostManagement) -> None:
    columns = [*COLUMNS, {"name": "TagKey", "type": "String"}, {"name": "TagValue", "type": "String"}]
    bodies = Bodies(say(table([*ROW, "poolname", "Gpu"], columns=columns)))
    service.answers = [bodies]
    (line,) = await asked(costs, tag="poolname")
    assert line.tag == "Gpu"
    assert bodies.sent[0]["dataset"]["grouping"][-1] == {"type": "TagKey", "name": "poolname"}


async def test_nothing_is_no_error(service: Service, costs: CostManagement) -> None:
    service.answers = [say(table()), say(b"", status=204)]
    assert await asked(costs) == []
    assert await asked(costs) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 200), ({"error": {"code": "x"}}, 200), ({"properties": {"rows": []}}, 200), (b"", 202), (table(ROW), 206)],
)
async def test_what_is_no_table_is_not_taken_for_no_costs(
    service: Service, costs: CostManagement, body: Any, status: int
) -> None:
    service.answers = [say(body, status=status)]
    with pytest.raises(AzureError) as caught:
        await asked(costs)
    assert caught.value.code == "UnexpectedAnswer"


@pytest.mark.parametrize(("place", "value"), [(0, "NaN"), (0, "inf"), (1, "-Infinity"), (2, 1e300), (2, "soon")])
async def test_numbers_that_are_none_are_refused(
    service: Service, costs: CostManagement, place: int, value: object
) -> None:
    service.answers = [say(table([*ROW[:place], value, *ROW[place + 1 :]]))]
    with pytest.raises(AzureError) as caught:
        await asked(costs)
    assert caught.value.code == "UnexpectedAnswer"


async def test_a_list_that_does_not_end_is_no_bill(service: Service, costs: CostManagement) -> None:
    link = f"{service.url}/subscriptions/s/providers/Microsoft.CostManagement/query?$skiptoken=2"
    service.answers = [say(table(ROW, link=link))]
    with pytest.raises(AzureError) as caught:
        await asked(costs)
    assert "does not end" in caught.value.message
    assert len(service.asked) == 2


async def test_another_refusal_takes_no_column_away(service: Service, costs: CostManagement) -> None:
    words = "The resource group in the filter is not valid."
    bodies = Bodies(say({"error": {"code": "BadRequest", "message": words}}, status=400), say(table(ROW)))
    service.answers = [bodies]
    with pytest.raises(AzureError):
        await asked(costs)
    assert (await asked(costs))[0].unit == "1 Hour"


async def test_other_columns_are_an_unexpected_answer(service: Service, costs: CostManagement) -> None:
    service.answers = [say(table([1.0, "x"], columns=[COLUMNS[0], COLUMNS[3]]))]
    with pytest.raises(AzureError) as caught:
        await asked(costs)
    assert caught.value.code == "UnexpectedAnswer"


def test_columns_are_found_by_name_in_any_order_and_case() -> None:
    columns = [{"name": "currency"}, {"name": "USAGEDATE"}, {"name": "PreTaxCost"}]
    answer = msgspec.convert(table(["usd", 20240229, -3], columns=columns), CostAnswer)
    assert answer.properties
    (line,) = read(answer.properties)
    assert (line.day, line.currency, line.amount, line.resource) == (date(2024, 2, 29), "USD", -3.0, "")


def test_recorded_answers_are_read() -> None:
    found = 0
    with shared("azure/recordings.jsonl").open(encoding="utf-8") as recordings:
        for text in recordings:
            each = json.loads(text)
            if each["route"].startswith("COST") and each["route"].endswith("/query") and each["status"] == 200:
                answer = msgspec.convert(each["response_body"], CostAnswer)
                assert answer.properties
                lines = read(answer.properties)
                assert len(lines) == len(each["response_body"]["properties"]["rows"]) > 30
                assert {line.currency for line in lines} == {"USD"}
                assert all(date(2020, 3, 1) <= line.day <= date(2020, 5, 9) for line in lines)
                found += 1
    assert found
