"""Reads over the wire: paging, windows, clock, authentication, and what happens when all is not well."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import socket
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey
from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import (
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from structlog.testing import capture_logs

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.clock import Clock
from bot.azure.credentials import CLOUDS, Credentials
from bot.azure.errors import AzureError
from bot.azure.metrics import Metrics
from bot.azure.models import Pool, Task
from bot.azure.pipeline import Loopback, no_answer, no_token, pipeline
from bot.azure.traced import Traced
from bot.settings import AccountSettings, SettingsError
from tests.azure.service import KEY, NONE_OF_ANY, TOKEN, Service, cut, error, identity, rows, say, serving

TASKS = Account.tasks("j")


async def ids(account: Account, offset: int, limit: int) -> tuple[list[str], bool]:
    """A window of tasks."""
    window = await account.window(Task, TASKS, offset=offset, limit=limit)
    assert window.offset == offset
    return [task.id for task in window.items], window.more


def expected(first: int, last: int) -> list[str]:
    return [f"t{number}" for number in range(first, last)]


# Lists


async def test_pages_follow_links_to_the_end(service: Service, account: Account) -> None:
    service.answers = [rows(25)]
    pages = [page async for page in account.pages(Task, TASKS, page_size=10)]
    assert [len(page.items) for page in pages] == [10, 10, 5]
    assert [page.next is None for page in pages] == [False, False, True]


async def test_every_gathers_all_and_tells_the_time_of_the_first_page(service: Service, account: Account) -> None:
    service.answers = [
        say({"value": [{"id": "a"}], "odata.nextLink": service.url + "/next"}, Date="Sun, 01 Nov 2026 10:00:00 GMT"),
        say({"value": [{"id": "b"}]}, Date="Sun, 01 Nov 2026 10:00:09 GMT"),
    ]
    items, at = await account.every(Task, TASKS)
    assert [item.id for item in items] == ["a", "b"]
    assert at == datetime(2026, 11, 1, 10, 0, 0, tzinfo=UTC)


async def test_filter_select_and_expand_are_encoded(service: Service, account: Account) -> None:
    service.answers = [say({"value": []})]
    await account.every(Pool, "/pools", filter="state eq 'active' and id ge 'a+b&c'", select="id,state", expand="stats")
    assert dict(service.asked[0].query) == {
        "api-version": "2025-06-01",
        "maxresults": "1000",
        "$filter": "state eq 'active' and id ge 'a+b&c'",
        "$select": "id,state",
        "$expand": "stats",
    }


async def test_node_counts_come_ten_pools_a_page(service: Service, account: Account) -> None:
    service.answers = [
        say(
            {
                "value": [
                    {"poolId": "p", "dedicated": {**NONE_OF_ANY, "idle": 3, "total": 3}, "lowPriority": NONE_OF_ANY}
                ]
            }
        )
    ]
    counts, _ = await account.node_counts()
    assert (counts[0].dedicated.idle, counts[0].low_priority.total) == (3, 0)
    assert service.paths == ["/nodecounts?maxresults=10"]


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/pools?$skiptoken=1",
        "http://localhost/pools",
        "//elsewhere.example/pools",
        "http://user@127.0.0.1:{port}/pools",
        "https://127.0.0.1:{port}/pools",
        "http://127.0.0.1:99999/pools",
        "ftp:x",
    ],
)
async def test_links_to_other_hosts_are_not_followed(service: Service, account: Account, link: str) -> None:
    port = service.url.rpartition(":")[2]
    service.answers = [say({"value": [], "odata.nextLink": link.format(port=port)})]
    with pytest.raises(AzureError) as caught:
        await account.every(Pool, "/pools")
    assert caught.value.code == "ForeignNextLink"
    assert len(service.asked) == 1


async def test_a_relative_link_is_followed(service: Service, account: Account) -> None:
    service.answers = [say({"value": [], "odata.nextLink": "/pools?x={y}"}), say({"value": [{"id": "p"}]})]
    items, _ = await account.every(Pool, "/pools")
    assert items[0].id == "p"
    assert service.asked[1].query["x"] == "{y}"


# Windows


async def test_turning_pages_costs_one_call_each(service: Service, account: Account) -> None:
    service.answers = [rows(50)]
    assert await ids(account, 0, 20) == (expected(0, 20), True)
    assert await ids(account, 20, 20) == (expected(20, 40), True)
    assert await ids(account, 40, 20) == (expected(40, 50), False)
    assert await ids(account, 20, 20) == (expected(20, 40), True)
    assert len(service.asked) == 4
    assert {request.query["maxresults"] for request in service.asked} == {"20"}


async def test_a_jump_costs_one_call_and_so_does_what_follows(service: Service, account: Account) -> None:
    service.answers = [rows(900)]
    assert await ids(account, 500, 20) == (expected(500, 520), True)
    assert await ids(account, 520, 20) == (expected(520, 540), True)
    assert await ids(account, 540, 20) == (expected(540, 560), True)
    assert len(service.asked) == 3


async def test_a_window_reads_no_further_than_the_server_allows_and_the_window_needs(
    service: Service, account: Account
) -> None:
    service.answers = [rows(5000)]
    window = await account.window(Task, TASKS, offset=1990, limit=20)
    assert [task.id for task in window.items] == expected(1990, 2010)
    assert [request.query["maxresults"] for request in service.asked] == ["1000"] * 3


async def test_short_and_empty_pages_are_gone_through(service: Service, account: Account) -> None:
    service.answers = [rows(30, size=7)]
    assert await ids(account, 0, 10) == (expected(0, 10), True)
    assert await ids(account, 10, 10) == (expected(10, 20), True)
    assert await ids(account, 20, 10) == (expected(20, 30), False)
    service.answers = [
        say({"value": [], "odata.nextLink": service.url + "/more"}),
        say({"value": [{"id": "t0"}]}),
    ]
    assert await ids(account, 0, 10) == (["t0"], False)


async def test_a_window_behind_the_end_is_empty(service: Service, account: Account) -> None:
    service.answers = [rows(5)]
    assert await ids(account, 20, 10) == ([], False)
    service.answers = [rows(0)]
    assert await ids(account, 0, 10) == ([], False)


async def test_lists_that_differ_in_filter_do_not_share_links(service: Service, account: Account) -> None:
    service.answers = [rows(50)]
    await account.window(Task, TASKS, offset=0, limit=10, filter="state eq 'active'")
    await account.window(Task, TASKS, offset=10, limit=10)
    assert "$skiptoken" not in service.asked[1].query


@pytest.mark.parametrize("status", [400, 410])
async def test_a_link_that_the_service_forgot_restarts_the_list(
    service: Service, account: Account, status: int
) -> None:
    service.answers = [rows(50)]
    await ids(account, 0, 20)
    service.answers = [say(error("InvalidQueryParameterValue"), status), rows(50)]
    assert await ids(account, 20, 20) == (expected(20, 40), True)
    assert len(service.asked) == 3


async def test_a_list_that_is_refused_from_the_beginning_is_refused(service: Service, account: Account) -> None:
    service.answers = [say(error("InvalidQueryParameterValue"), 400)]
    with pytest.raises(AzureError, match="InvalidQueryParameterValue"):
        await ids(account, 20, 20)
    assert len(service.asked) == 1


# One entity


async def test_fetch_gives_value_json_etag_and_time(service: Service, account: Account) -> None:
    sent = b'{"id": "p", "news": 1}'
    service.answers = [say(sent, ETag='"0x8D"', Date="Sun, 01 Nov 2026 10:00:00 GMT")]
    fetched = await account.fetch(Pool, Account.pool("p"), expand="stats")
    assert fetched.value.id == "p"
    assert fetched.raw == sent
    assert fetched.etag == '"0x8D"'
    assert fetched.at == datetime(2026, 11, 1, 10, 0, 0, tzinfo=UTC)
    assert service.paths == ["/pools/p?$expand=stats"]


async def test_task_counts(service: Service, account: Account) -> None:
    counted = {"active": 0, "running": 2, "completed": 0, "succeeded": 0, "failed": 0}
    service.answers = [say({"taskCounts": counted, "taskSlotCounts": {"running": 8}})]
    counts = (await account.task_counts("nightly:job-1")).value
    assert (counts.task_counts.running, counts.task_slot_counts.running) == (2, 8)
    assert service.asked[0].path == "/jobs/nightly:job-1/taskcounts"


async def test_a_job_without_tasks_is_counted(service: Service, account: Account) -> None:
    """All counts are zero, which is no empty answer; one without counts is none."""
    none = dict.fromkeys(("active", "running", "completed", "succeeded", "failed"), 0)
    service.answers = [say({"taskCounts": none, "taskSlotCounts": none}), say({})]
    counts = (await account.task_counts("empty")).value.task_counts
    assert (counts.active, counts.running, counts.completed) == (0, 0, 0)
    with pytest.raises(AzureError):
        await account.task_counts("empty")


async def test_statistics_may_write_counts_as_text(service: Service, account: Account) -> None:
    service.answers = [say({"id": "p", "stats": {"resourceStats": {"diskReadIOps": "9007199254740993"}}})]
    stats = (await account.fetch(Pool, Account.pool("p"), expand="stats")).value.stats
    assert stats
    assert stats.resource_stats
    assert stats.resource_stats.disk_read_iops == 9007199254740993


async def test_compressed_answers_are_read(service: Service, account: Account) -> None:
    service.answers = [say(gzip.compress(b'{"id": "p"}'), Content_Encoding="gzip")]
    assert (await account.fetch(Pool, Account.pool("p"))).value.id == "p"


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        (Account.pool("a/b"), "/pools/a%2Fb"),
        (Account.nodes("p"), "/pools/p/nodes"),
        (Account.node("p", "tvm 1"), "/pools/p/nodes/tvm%201"),
        (Account.job("s:job-1"), "/jobs/s%3Ajob-1"),
        (Account.tasks("j?x"), "/jobs/j%3Fx/tasks"),
        (Account.task("j", "ü"), "/jobs/j/tasks/%C3%BC"),
        (Account.schedule("s"), "/jobschedules/s"),
        (Account.schedule_jobs("s"), "/jobschedules/s/jobs"),
    ],
)
def test_paths_are_encoded(path: str, encoded: str) -> None:
    assert path == encoded


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(AzureError, match="InvalidName"):
        Account.pool(name)


# Clock


async def test_now_is_the_services_clock(service: Service, account: Account) -> None:
    assert abs(account.now() - datetime.now(UTC)) < timedelta(minutes=1)
    service.answers = [say({"id": "p"}, Date="Fri, 01 Jan 2027 00:00:00 GMT")]
    await account.fetch(Pool, Account.pool("p"))
    first = account.now()
    assert timedelta() <= first - datetime(2027, 1, 1, tzinfo=UTC) < timedelta(minutes=1)
    await asyncio.sleep(0.01)
    assert account.now() > first


async def test_a_refusal_tells_the_time_too_and_nonsense_does_not(service: Service, account: Account) -> None:
    service.answers = [say(error("PoolNotFound"), 404, Date="Fri, 01 Jan 2027 00:00:00 GMT")]
    with pytest.raises(AzureError):
        await account.fetch(Pool, Account.pool("p"))
    assert account.now().year == 2027
    service.answers = [say({"id": "p"}, Date="soon")]
    assert (await account.fetch(Pool, Account.pool("p"))).at.year == 2027


# Refusals and failures


async def test_a_refusal_has_its_words(service: Service, account: Account) -> None:
    service.answers = [say(error("PoolNotFound", "The specified pool does not exist.", Reason="gone"), 404)]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, Account.pool("p"))
    refused = caught.value
    assert (refused.code, refused.status, refused.not_found) == ("PoolNotFound", 404, True)
    assert refused.message == "The specified pool does not exist."
    assert refused.values == {"Reason": "gone"}
    assert refused.request_id == "0-1-2"
    assert len(service.asked) == 1


@pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequests"), (503, "ServerBusy"), (500, "InternalError")])
async def test_what_passes_is_tried_again(service: Service, account: Account, status: int, code: str) -> None:
    service.answers = [say(error(code), status, Retry_After="0"), say({"id": "p"})]
    assert (await account.fetch(Pool, Account.pool("p"))).value.id == "p"
    assert len(service.asked) == 2


async def test_a_long_retry_after_is_told_not_slept(service: Service, account: Account) -> None:
    service.answers = [say(error("TooManyRequests"), 429, Retry_After="3600")]
    with pytest.raises(AzureError) as caught:
        await asyncio.wait_for(account.fetch(Pool, Account.pool("p")), 30)
    assert caught.value.retry_after == 3600
    assert caught.value.throttled
    assert len(service.asked) == 1


async def test_what_does_not_pass_ends(service: Service, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "sleep", _no_sleep)
    service.answers = [say(b"", 502)]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, Account.pool("p"))
    assert (caught.value.code, caught.value.status) == ("BadGateway", 502)
    assert 2 <= len(service.asked) <= 5


async def _no_sleep(*_: object, **__: object) -> None:
    return None


async def test_a_body_that_breaks_off_is_read_again(service: Service, account: Account) -> None:
    service.answers = [cut, say({"id": "p"})]
    assert (await account.fetch(Pool, Account.pool("p"))).value.id == "p"


async def test_a_body_that_always_breaks_off_is_told(service: Service, account: Account) -> None:
    service.answers = [cut]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, Account.pool("p"))
    assert (caught.value.code, caught.value.status) == ("NoConnection", 0)
    assert "127.0.0.1" in caught.value.message
    assert len(service.asked) == 3


async def test_a_slow_service_is_told(service: Service) -> None:
    settings = AccountSettings(service.url, "sub", "group", account="a", credential="shared_key", key_env="KEY")
    account = Account("a", settings, Credentials({"KEY": KEY}), deadline=0.2)

    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.6)
        return web.Response()

    service.answers = [slow]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, Account.pool("p"))
    assert (caught.value.code, caught.value.status) == ("Timeout", 0)
    await account.close()


async def test_nobody_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(asyncio, "sleep", _no_sleep)
    settings = AccountSettings(
        f"http://127.0.0.1:{port}", "sub", "group", account="a", credential="shared_key", key_env="KEY"
    )
    accounts = Accounts({"a": settings}, {"KEY": KEY})
    with pytest.raises(AzureError) as caught:
        await accounts.get("a").fetch(Pool, Account.pool("p"))
    assert (caught.value.code, caught.value.status) == ("NoConnection", 0)
    assert "check the address" in caught.value.message
    await accounts.close()


@pytest.mark.parametrize("garbage", [b"<html>no</html>", b"", b"[]", b'{"id": 7}', b'{"id": "\xff"}', b'{"id": "p"'])
async def test_garbage_is_told(service: Service, account: Account, garbage: bytes) -> None:
    service.answers = [say(garbage)]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, Account.pool("p"))
    assert caught.value.code == "UnexpectedAnswer"


def _key(host: str) -> ConnectionKey:
    return ConnectionKey(host, 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ServiceRequestTimeoutError("x"), "Timeout", "a.example did not answer in time"),
        (ServiceResponseTimeoutError("x"), "Timeout", "a.example did not answer in time"),
        (
            ServiceRequestError("x", error=aiohttp.ClientConnectorDNSError(_key("login.example"), OSError(1, "x"))),
            "NoConnection",
            "login.example: no such host",
        ),
        (
            ServiceRequestError("x", error=aiohttp.ClientConnectorSSLError(_key("a.example"), OSError(1, "x"))),
            "NoConnection",
            "a.example: its certificate is not accepted",
        ),
        (
            ServiceRequestError("x", error=aiohttp.ClientConnectorError(_key("a.example"), OSError(1, "x"))),
            "NoConnection",
            "a.example: no connection",
        ),
        (
            ServiceResponseError("x", error=aiohttp.ServerDisconnectedError()),
            "NoConnection",
            "a.example: the connection",
        ),
    ],
)
def test_failures_say_where_and_what_to_check(error: SdkError, code: str, words: str) -> None:
    told = no_answer("a.example", error)
    assert (told.code, told.status) == (code, 0)
    assert told.message.startswith(words)


def test_the_reason_of_entra_id_is_kept_and_nothing_else() -> None:
    error = ClientAuthenticationError(
        "DefaultAzureCredential failed…\nAADSTS7000215: Invalid client secret provided. Ensure … 'abc'\r\nTrace ID: 1"
    )
    told = no_token("a.example", error)
    assert "(AADSTS7000215: Invalid client secret provided)" in told.message
    assert "abc" not in told.message


async def test_the_log_has_the_request_id(service: Service, account: Account) -> None:
    service.answers = [say(error("PoolNotFound"), 404)]
    with capture_logs() as lines, pytest.raises(AzureError):
        await account.fetch(Pool, Account.pool("p"))
    assert [(line["code"], line["request_id"], line["path"]) for line in lines] == [
        ("PoolNotFound", "0-1-2", "/pools/p")
    ]


async def test_redirects_are_not_followed(service: Service, account: Account) -> None:
    service.answers = [say(b"", 307, Location=service.url + "/elsewhere")]
    with pytest.raises(AzureError) as caught:
        await account.fetch(Pool, Account.pool("p"))
    assert caught.value.status == 307
    assert len(service.asked) == 1


async def test_writes_through_the_sdk_raise_the_same_errors(service: Service, account: Account) -> None:
    service.answers = [say(error("PoolBeingResized"), 409)]
    with pytest.raises(AzureError, match="PoolBeingResized"):
        await account.batch.disable_pool_auto_scale("p")


# Who asks


def _signature(request: web.Request) -> str:
    """What the service computes over a GET, from the published scheme."""
    lines = ["GET", *[""] * 11, f"ocp-date:{request.headers['ocp-date']}", f"/render{request.raw_path.split('?')[0]}"]
    lines += [f"{key}:{value}" for key, value in sorted(parse_qsl(request.query_string))]
    return b64encode(hmac.new(b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256).digest()).decode()


async def test_a_key_signs_every_request(service: Service, account: Account) -> None:
    link = service.url + "/jobs/s:job-1/tasks?api-version=2025-06-01&$skiptoken=WATV2:zv9/4^a==:1$1"
    service.answers = [say({"value": [], "odata.nextLink": link}), say({"value": []})]
    await account.every(Task, Account.tasks("s:job-1"), filter="id ge 'a b'")
    assert len(service.asked) == 2
    for request in service.asked:
        assert request.headers["Authorization"] == f"SharedKey render:{_signature(request)}"


@pytest.fixture
async def managed(service: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Account]:
    """An account reached with a managed identity, both planes on the same service."""
    environment = {"IDENTITY_HEADER": "header-secret"}
    async with serving(identity(environment)) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", url + "/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", environment["IDENTITY_HEADER"])
        settings = AccountSettings(
            service.url,
            "sub",
            "my group",
            account="render",
            region="eastus",
            credential="managed_identity",
            arm_endpoint=service.url + "/",
        )
        accounts = Accounts({"render": settings})
        yield accounts.get()
        await accounts.close()


async def test_two_who_ask_for_metrics_at_once_share_their_connections() -> None:
    """One that is in nobody's hands is never closed."""
    settings = AccountSettings("https://a.westeurope.batch.azure.com", "sub", "group", credential="managed_identity")
    found = asyncio.Event()

    async def locate() -> str:
        await found.wait()
        return "westeurope"

    credentials = Credentials({})
    metrics = Metrics(settings, credentials, locate)
    asking = [asyncio.create_task(metrics._connected()) for _ in range(2)]
    await asyncio.sleep(0)
    found.set()
    one, other = await asyncio.gather(*asking)
    assert one is other
    await metrics.close()
    await credentials.close()


async def test_a_managed_identity_gets_a_token_for_each_plane(service: Service, managed: Account) -> None:
    service.answers = [say({"value": []}), say({"name": "render", "properties": {"poolQuota": 100}})]
    await managed.every(Pool, "/pools")
    assert (await managed.resource()).value.properties.pool_quota == 100
    batch, arm = (request.headers["Authorization"] for request in service.asked)
    assert batch == f"Bearer {TOKEN}:https://batch.core.windows.net/"
    assert arm == f"Bearer {TOKEN}:https://management.azure.com"
    assert service.asked[1].path == (
        "/subscriptions/sub/resourceGroups/my group/providers/Microsoft.Batch/batchAccounts/render"
    )


async def test_vm_sizes_are_asked_once(service: Service, managed: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def sku(name: str, cores: str) -> dict[str, object]:
        return {"name": name, "familyName": "f", "capabilities": [{"name": "vCPUs", "value": cores}]}

    service.answers = [
        say({"value": [sku("Standard_A", "2")], "nextLink": service.url + "/next"}),
        say({"value": [sku("Standard_B", "4")]}),
    ]
    sizes, again = await asyncio.gather(managed.vm_sizes(), managed.vm_sizes())
    assert {name: size.vcpus for name, size in sizes.items()} == {"standard_a": 2, "standard_b": 4}
    assert again == sizes
    assert len(service.asked) == 2
    assert service.asked[0].path.endswith("/locations/eastus/virtualMachineSkus")

    # A day later they are asked again, and kept when that fails.
    monkeypatch.setattr("bot.azure.daily._DAY", 0.0)
    service.answers = [say({"error": {"code": "AuthorizationFailed", "message": "No."}}, 403)]
    assert await managed.vm_sizes() == sizes
    assert len(service.asked) == 3


async def test_resource_manager_errors_have_their_words(service: Service, managed: Account) -> None:
    service.answers = [
        say(
            {
                "error": {
                    "code": "ResourceNotFound",
                    "message": "Not there.",
                    "details": [{"code": "a", "message": "b"}],
                }
            },
            404,
        )
    ]
    with pytest.raises(AzureError) as caught:
        await managed.resource()
    assert (caught.value.code, caught.value.message, caught.value.values) == (
        "ResourceNotFound",
        "Not there.",
        {"a": "b"},
    )


async def test_a_foreign_link_of_resource_manager_is_not_followed(service: Service, managed: Account) -> None:
    service.answers = [say({"value": [], "nextLink": "https://elsewhere.example/next"})]
    with pytest.raises(AzureError, match="ForeignNextLink"):
        await managed.vm_sizes()


async def test_no_token_is_told_in_plain_words(
    service: Service, managed: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "another")
    settings = managed.settings
    accounts = Accounts({"render": settings})
    with pytest.raises(AzureError) as caught:
        await accounts.get().every(Pool, "/pools")
    assert caught.value.code == "NoToken"
    assert "identity" in caught.value.message
    assert not service.asked
    await accounts.close()


@pytest.mark.parametrize("strange", ["soon", "", None, -1.5, [1], {"at": 1}, "9" * 400, "nan", "1e400", "٣x", True])
async def test_a_strange_end_of_a_token_is_azures_fault(
    service: Service, monkeypatch: pytest.MonkeyPatch, strange: object
) -> None:
    """It goes on, or says whose fault it is; it never ends in an error of another kind."""
    environment = {"IDENTITY_HEADER": "header-secret"}
    service.answers = [say({"value": []})]
    async with serving(identity(environment, expires_on=strange)) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", url + "/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", environment["IDENTITY_HEADER"])
        settings = AccountSettings(service.url, "sub", "group", account="render", credential="managed_identity")
        accounts = Accounts({"render": settings})
        try:
            await accounts.get().every(Pool, "/pools")
            assert strange in (True, -1.5, "9" * 400), "these are moments, if odd ones"
        except AzureError as error:
            assert error.code in ("UnexpectedAnswer", "NoToken"), error
            assert TOKEN not in str(error)
            assert not service.asked
        finally:
            await accounts.close()


async def test_a_key_opens_no_resource_manager(account: Account) -> None:
    with pytest.raises(AzureError, match="NoTokenCredential"):
        await account.resource()
    with pytest.raises(AzureError, match="NoTokenCredential"):
        await account.vm_sizes()


async def test_a_key_that_is_none_is_refused_at_once() -> None:
    settings = AccountSettings("https://a.b.batch.azure.com", "s", "g", credential="shared_key", key_env="KEY")
    for environment in ({}, {"KEY": "not a key!"}):
        with pytest.raises(SettingsError, match="KEY"):
            Accounts({"a": settings}, environment)


async def test_secrets_are_in_no_text(
    service: Service, account: Account, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    signed = f"The MAC signature found in the HTTP request '{'A' * 43}=' is not the same"
    service.answers = [say(error("AuthenticationFailed", "No.", AuthenticationErrorDetail=signed), 401)]
    with pytest.raises(AzureError) as caught:
        await account.every(Pool, "/pools")
    assert caught.value.values == {"AuthenticationErrorDetail": signed.replace("A" * 43 + "=", "…")}
    texts = [repr(account), repr(account.settings), str(caught.value), repr(caught.value), caplog.text]
    texts += [repr(account.batch), *capsys.readouterr()]
    signature = service.asked[0].headers["Authorization"].rpartition(":")[2]
    for text in texts:
        assert KEY not in text
        assert signature not in text


# Several accounts and clouds


async def test_accounts_by_name() -> None:
    one = AccountSettings("https://one.westus.batch.azure.com", "s", "g")
    two = AccountSettings("https://two.westus.batch.azure.com", "s", "g", cloud="usgov")
    accounts = Accounts({"one": one, "two": two})
    assert accounts.names == ["one", "two"]
    assert accounts.get() is accounts.get("one")
    assert [account.name for account in accounts] == ["one", "two"]
    with pytest.raises(KeyError):
        accounts.get("three")
    await accounts.close()


async def test_accounts_with_the_same_identity_share_it() -> None:
    settings = AccountSettings("https://one.westus.batch.azure.com", "s", "g")
    other = AccountSettings("https://one.westus.batch.azure.com", "s", "g", client_id="x")
    credentials = Credentials({})
    assert credentials.token(settings) is credentials.token(settings)
    assert credentials.token(settings) is not credentials.token(other)
    await credentials.close()


def test_clouds() -> None:
    assert {cloud: (facts.arm, facts.batch_scope) for cloud, facts in CLOUDS.items()} == {
        "public": ("https://management.azure.com/", "https://batch.core.windows.net//.default"),
        "usgov": ("https://management.usgovcloudapi.net/", "https://batch.core.usgovcloudapi.net//.default"),
        "china": ("https://management.chinacloudapi.cn/", "https://batch.chinacloudapi.cn//.default"),
    }


def test_http_is_let_through_on_loopback_only() -> None:
    def policies(endpoint: str) -> list[type]:
        return [type(each) for each in pipeline(endpoint, Clock())["per_call_policies"] if not isinstance(each, Traced)]

    assert policies("http://127.0.0.1:1") == [Loopback]
    assert policies("https://a.b.batch.azure.com") == []


async def test_a_mistake_of_our_own_policies_is_not_taken_for_azures(service: Service, account: Account) -> None:
    service.answers = [say({"value": []})]
    account.traffic.calls = "none"  # type: ignore[assignment]  # so that counting a call fails
    with pytest.raises(TypeError):
        await account.every(Pool, "/pools")
