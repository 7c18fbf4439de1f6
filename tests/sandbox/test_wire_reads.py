"""What the data plane says about pages, filters, conditions, versions and doors, seen with a plain HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from yarl import URL

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.auth import sign, string_to_sign
from bot.sandbox.wire.listener import http_date
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT
from tests.sandbox import still_world

VERSION = "2025-06-01"


class Plane:
    """One account's data plane, asked with a token."""

    def __init__(self, sandbox: AzureSandbox, session: ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.account = sandbox.world.accounts["render"]
        self.url = sandbox.endpoints["render"]
        self.bearer = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}

    async def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: dict[str, str] | None = None,
        version: str = VERSION,
        **query: str,
    ) -> tuple[ClientResponse, Any]:
        asked = {name.replace("_", "$"): value for name, value in query.items()} | {"api-version": version}
        url = URL(self.url + path).with_query(asked)
        return await self.ask_url(method, url, headers)

    async def ask_url(
        self, method: str, url: URL | str, headers: dict[str, str] | None = None
    ) -> tuple[ClientResponse, Any]:
        async with self.session.request(method, url, headers=self.bearer | (headers or {})) as answer:
            return answer, (await answer.json(content_type=None) if await answer.read() else None)

    async def refused(self, path: str, **query: str) -> tuple[int, str, dict[str, str]]:
        answer, body = await self.ask(path, **query)
        return answer.status, body["code"], {one["key"]: one["value"] for one in body.get("values", [])}


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start()
    async with ClientSession() as session:
        yield Plane(sandbox, session)
    await sandbox.close()


async def test_headers_of_an_answer(plane: Plane) -> None:
    asked = {"client-request-id": "9c4d50ee-2d56-4cd3-8152-34347dc9f2b0", "return-client-request-id": "true"}
    answer, body = await plane.ask("/pools/linux", headers=asked)
    pool = plane.account.pools["linux"].body
    assert answer.headers["Content-Type"] == "application/json;odata=minimalmetadata"
    assert answer.headers["Date"] == http_date(still_world.NOW)
    assert (answer.headers["ETag"], answer.headers["Last-Modified"]) == (pool.etag, http_date(pool.last_modified))
    assert answer.headers["client-request-id"] == asked["client-request-id"]
    assert answer.headers["DataServiceVersion"] == "3.0"
    assert body["odata.metadata"] == f"{plane.url}/$metadata#pools/@Element"
    other, _ = await plane.ask("/pools/linux")
    assert "client-request-id" not in other.headers
    assert other.headers["request-id"] != answer.headers["request-id"]
    assert body["url"] == f"{plane.url}/pools/linux"


async def test_a_refusal_is_signed_with_its_request_id_and_the_simulated_time(plane: Plane) -> None:
    answer, body = await plane.ask("/pools/nope")
    request_id = answer.headers["request-id"]
    assert answer.status == 404
    assert body == {
        "odata.metadata": f"{plane.url}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element",
        "code": "PoolNotFound",
        "message": {
            "lang": "en-US",
            "value": f"The specified pool does not exist.\nRequestId:{request_id}\nTime:2026-11-02T12:00:00.0000000Z",
        },
    }


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/pools/nope", "PoolNotFound"),
        ("/pools/nope/nodes/x", "PoolNotFound"),
        ("/pools/linux/nodes/nope", "NodeNotFound"),
        ("/jobs/nope/tasks", "JobNotFound"),
        ("/jobs/nope/taskcounts", "JobNotFound"),
        ("/jobs/night/tasks/nope", "TaskNotFound"),
        ("/jobschedules/nope/jobs", "JobScheduleNotFound"),
        ("/certificates", "ResourceNotFound"),
        ("/", "ResourceNotFound"),
    ],
)
async def test_what_does_not_exist(plane: Plane, path: str, code: str) -> None:
    assert await plane.refused(path) == (404, code, {})


async def test_ids_are_found_in_any_case_and_keep_their_own(plane: Plane) -> None:
    for path, own in [
        ("/pools/LINUX", "linux"),
        ("/jobs/empty", "Empty"),
        ("/jobs/NIGHT/tasks/TASK-000001", "task-000001"),
    ]:
        _, body = await plane.ask(path)
        assert body["id"] == own
    _, body = await plane.ask("/jobs/hourly%3Ajob-1")
    assert body["id"] == "hourly:job-1"


async def test_verbs_the_sandbox_does_not_serve(plane: Plane) -> None:
    answer, body = await plane.ask("/pools/linux/nodes", "PUT")
    assert (answer.status, body["code"], answer.headers["Allow"]) == (405, "UnsupportedHttpVerb", "GET")


async def test_existence(plane: Plane) -> None:
    for path, status in [("/pools/linux", 200), ("/pools/nope", 404), ("/jobschedules/hourly", 200)]:
        answer, body = await plane.ask(path, "HEAD")
        assert (answer.status, body) == (status, None)
        assert "Content-Type" not in answer.headers
        assert ("ETag" in answer.headers) == (status == 200)


async def pages(plane: Plane, path: str, **query: str) -> list[list[str]]:
    answer, body = await plane.ask(path, **query)
    found = [[one["id"] for one in body["value"]]]
    while link := body.get("odata.nextLink"):
        answer, body = await plane.ask_url("GET", link)
        assert answer.status == 200
        found.append([one["id"] for one in body["value"]])
    return found


async def test_pages_follow_each_other(plane: Plane) -> None:
    every = [f"task-{number:06d}" for number in range(40)]
    found = await pages(plane, "/jobs/night/tasks", maxresults="15")
    assert [len(page) for page in found] == [15, 15, 10]
    assert list(chain.from_iterable(found)) == every
    failed = await pages(
        plane, "/jobs/night/tasks", maxresults="2", _filter="executionInfo/result eq 'failure'", _select="id"
    )
    assert failed == [every[0:5:4], every[8:13:4], [every[16]]]


async def test_a_page_goes_on_after_its_last_thing_even_when_that_is_gone(plane: Plane) -> None:
    job = plane.account.jobs["night"]
    _, body = await plane.ask("/jobs/night/tasks", maxresults="10")
    del job.tasks["task-000009"], job.tasks["task-000010"]
    still_world.task(job, 500)
    job.reordered()
    _, rest = await plane.ask_url("GET", body["odata.nextLink"])
    assert rest["value"][0]["id"] == "task-000011"


async def test_an_exact_page_has_no_next_one(plane: Plane) -> None:
    _, body = await plane.ask("/jobs/night/tasks", maxresults="40")
    assert len(body["value"]) == 40
    assert "odata.nextLink" not in body


async def test_node_counts_come_ten_a_page(plane: Plane) -> None:
    _, body = await plane.ask("/nodecounts")
    assert len(body["value"]) == 10
    linux = body["value"][0]
    assert (linux["poolId"], linux["dedicated"]["total"], linux["lowPriority"]["preempted"]) == ("linux", 5, 1)
    _, rest = await plane.ask_url("GET", body["odata.nextLink"])
    assert len(rest["value"]) == 3
    _, one = await plane.ask("/nodecounts", _filter="poolId eq 'linux'")
    assert [counts["poolId"] for counts in one["value"]] == ["linux"]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("/pools", "id eq 'pool-03'", ["pool-03"]),
        ("/pools", "startswith(id,'l') and vmSize eq 'STANDARD_D4S_V3'", ["linux"]),
        ("/pools", "allocationState eq 'resizing' or enableAutoScale eq true", []),
        ("/jobs", "state eq 'disabled'", ["Empty"]),
        ("/jobs", "executionInfo/poolId eq 'linux' and state ne 'active'", ["Empty", "hourly:job-1"]),
        ("/jobschedules", "schedule/doNotRunUntil lt DateTime'2026-11-02T00:00:00Z'", ["hourly"]),
        ("/jobschedules/hourly/jobs", "state eq 'completed'", ["hourly:job-1"]),
        ("/jobs/night/tasks", "stateTransitionTime gt DateTime'2026-11-02T11:59:58Z'", ["task-000000", "task-000001"]),
        ("/jobs/night/tasks", "state eq 'completed' and executionInfo/exitCode eq 137 and id gt 'task-00001'",
         ["task-000012", "task-000016"]),
    ],
)  # fmt: skip
async def test_filters_reach_the_living_things(plane: Plane, path: str, text: str, found: list[str]) -> None:
    _, body = await plane.ask(path, _filter=text)
    assert [one["id"] for one in body["value"]] == found


async def test_filters_reach_nodes(plane: Plane) -> None:
    _, body = await plane.ask("/pools/linux/nodes", _filter="state eq 'unusable' or startTaskInfo/result eq 'failure'")
    assert {node["state"] for node in body["value"]} == {"unusable", "starttaskfailed"}


@pytest.mark.parametrize(
    ("path", "query", "code", "name"),
    [
        ("/pools", {"_filter": "displayName eq 'x'"}, "InvalidQueryParameterValue", "$filter"),
        ("/pools", {"_filter": "allocationState ne 'steady'"}, "InvalidQueryParameterValue", "$filter"),
        ("/pools/linux/nodes", {"_filter": "state eq 'sleepy'"}, "InvalidQueryParameterValue", "$filter"),
        ("/jobschedules/hourly/jobs", {"_filter": "id eq 'x'"}, "InvalidQueryParameterValue", "$filter"),
        ("/jobs/night/tasks", {"_filter": ""}, "InvalidQueryParameterValue", "$filter"),
        ("/pools", {"_select": "id,nope"}, "InvalidQueryParameterValue", "$select"),
        ("/pools", {"_select": "executionInfo/startTime"}, "InvalidQueryParameterValue", "$select"),
        ("/pools", {"_expand": "nodes"}, "InvalidQueryParameterValue", "$expand"),
        ("/pools", {"_skiptoken": "SBX1:"}, "InvalidQueryParameterValue", "$skiptoken"),
        ("/pools", {"_skiptoken": "elsewhere:YQ"}, "InvalidQueryParameterValue", "$skiptoken"),
        ("/pools", {"maxresults": "0"}, "InvalidQueryParameterValue", "maxresults"),
        ("/pools", {"maxresults": "-5"}, "InvalidQueryParameterValue", "maxresults"),
        ("/nodecounts", {"maxresults": "-1"}, "InvalidQueryParameterValue", "maxresults"),
        ("/pools", {"maxresults": "1001"}, "OutOfRangeQueryParameterValue", "maxresults"),
        ("/pools", {"maxresults": "many"}, "OutOfRangeQueryParameterValue", "maxresults"),
        ("/nodecounts", {"maxresults": "11"}, "OutOfRangeQueryParameterValue", "maxresults"),
        ("/pools", {"version": "2016-01-01"}, "InvalidQueryParameterValue", "api-version"),
    ],
)
async def test_refused_queries(plane: Plane, path: str, query: dict[str, str], code: str, name: str) -> None:
    status, found, values = await plane.refused(path, **query)
    assert (status, found, values["QueryParameterName"]) == (400, code, name)
    assert values["QueryParameterValue"] == next(iter(query.values()))
    assert values.get("Reason") or values["MaximumAllowed"]


async def test_a_query_without_version(plane: Plane) -> None:
    answer, body = await plane.ask_url("GET", f"{plane.url}/pools")
    assert (answer.status, body["code"]) == (400, "MissingRequiredQueryParameter")
    assert body["values"] == [{"key": "QueryParameterName", "value": "api-version"}]


async def test_select_and_expand(plane: Plane) -> None:
    _, body = await plane.ask("/pools/linux", _select="id, state,displayName")
    assert body == {"odata.metadata": f"{plane.url}/$metadata#pools/@Element", "id": "linux", "state": "active"}
    _, plain = await plane.ask("/pools/linux")
    _, full = await plane.ask("/pools/linux", _expand="stats")
    assert "stats" not in plain
    assert full["stats"]["startTime"] == "2026-11-02T12:00:00Z"
    _, body = await plane.ask("/pools", _select="id,stats", _expand="stats", maxresults="1")
    assert body["value"][0].keys() == {"id", "stats"}


async def test_versions_know_different_properties(plane: Plane) -> None:
    old, middle, new = "2024-02-01.19.0", "2024-07-01.20.0", "2025-06-01"
    pools = {version: (await plane.ask("/pools/linux", version=version))[1] for version in (old, middle, new)}
    assert [pools[v].get("targetNodeCommunicationMode") for v in (old, middle, new)] == [
        "simplified",
        "simplified",
        None,
    ]
    assert [pools[v].get("certificateReferences") for v in (old, middle, new)] == [[], [], None]
    counts = {version: (await plane.ask("/nodecounts", version=version))[1] for version in (old, middle, new)}
    assert ["deallocated" in counts[v]["value"][0]["dedicated"] for v in (old, middle, new)] == [False, True, True]
    answer, _ = await plane.ask("/pools", _select="targetNodeCommunicationMode", version=new)
    assert answer.status == 400


async def test_conditions(plane: Plane) -> None:
    pool = plane.account.pools["linux"].body
    before, at = http_date(pool.last_modified - timedelta(seconds=1)), http_date(pool.last_modified)
    for headers, status in [
        ({"If-None-Match": pool.etag}, 304),
        ({"If-None-Match": f'"{pool.etag}"'}, 304),
        ({"If-None-Match": "other"}, 200),
        ({"If-None-Match": "*"}, 304),
        ({"If-Match": pool.etag}, 200),
        ({"If-Match": "other"}, 412),
        ({"If-Modified-Since": at}, 304),
        ({"If-Modified-Since": before}, 200),
        ({"If-Unmodified-Since": at}, 200),
        ({"If-Unmodified-Since": before}, 412),
        ({"If-None-Match": "other", "If-Modified-Since": at}, 200),
        ({"If-Match": pool.etag, "If-Unmodified-Since": before}, 200),
        ({"If-Match": pool.etag, "If-None-Match": "other"}, 400),
        ({"If-Modified-Since": "yesterday"}, 400),
    ]:
        answer, body = await plane.ask("/pools/linux", headers=headers)
        assert answer.status == status, headers
        if status == 304:
            assert (body, answer.headers["ETag"]) == (None, pool.etag)
    _, body = await plane.ask("/pools/linux", headers={"If-Match": "other"})
    assert body["code"] == "ConditionNotMet"


# --- the door ---------------------------------------------------------------------------------------------------------


async def knock(plane: Plane, headers: dict[str, str], path: str = "/pools/linux") -> tuple[int, str, str]:
    url = f"{plane.url}{path}?api-version={VERSION}"
    async with plane.session.get(url, headers=headers) as answer:
        body = await answer.json(content_type=None)
        detail = {one["key"]: one["value"] for one in body.get("values", [])}.get("AuthenticationErrorDetail", "")
        assert (answer.status == 401) == ("WWW-Authenticate" in answer.headers)
        return answer.status, body.get("code", ""), detail


def signed(key: str, moment: datetime, account: str = "render", *, name: str = "ocp-date") -> dict[str, str]:
    headers = {name: http_date(moment)}
    text = string_to_sign("GET", f"/pools/linux?api-version={VERSION}", headers, account)
    return {**headers, "Authorization": f"SharedKey {account}:{sign(key, text)}"}


async def test_shared_keys(plane: Plane) -> None:
    now = datetime.now(UTC)
    for headers in (
        signed(still_world.KEY, now),
        signed(still_world.SECOND_KEY, now),
        signed(still_world.KEY, now, name="date"),
    ):
        assert (await knock(plane, headers))[0] == 200
    assert (await knock(plane, signed(still_world.KEY, now - timedelta(minutes=14))))[0] == 200
    for headers, said in [
        (signed("d3Jvbmc=", now), "MAC signature"),
        (signed(still_world.KEY, now - timedelta(minutes=16)), "date header too old"),
        (signed(still_world.KEY, now + timedelta(minutes=16)), "date header too old"),
        (signed(still_world.KEY, now, "other"), "not the account"),
        ({"Authorization": "SharedKey render:AAAA"}, "date header is missing"),
        ({**signed(still_world.KEY, now), "If-Match": "*"}, "MAC signature"),
        ({**signed(still_world.KEY, now), "ocp-range": "bytes=0-1"}, "MAC signature"),
        ({"ocp-date": http_date(now), "Authorization": "SharedKey render:not base64"}, "MAC signature"),
    ]:
        status, code, detail = await knock(plane, headers)
        assert (status, code) == (403, "AuthenticationFailed")
        assert said in detail
    assert (await knock(plane, signed(still_world.KEY, now), "/jobs"))[0] == 403
    assert (await knock(plane, {"Authorization": "SharedKey garbage"}))[:2] == (400, "InvalidAuthenticationInfo")
    assert (await knock(plane, {"Authorization": "Basic eDp5"}))[:2] == (400, "InvalidAuthenticationInfo")


def test_the_string_to_sign_is_the_documented_one() -> None:
    headers = {"ocp-date": "Tue, 29 Jul 2014 21:49:13 GMT", "accept": "*/*"}
    text = string_to_sign("get", "/jobs?timeOut=20&api-version=2014-01-01.1.0", headers, "myaccount")
    date = "ocp-date:Tue, 29 Jul 2014 21:49:13 GMT"
    assert text == "GET" + "\n" * 12 + f"{date}\n/myaccount/jobs\napi-version:2014-01-01.1.0\ntimeout:20"


async def test_bearer_tokens(plane: Plane) -> None:
    tokens = plane.sandbox.tokens
    assert (await knock(plane, {"Authorization": f"bearer {tokens.issue(BATCH)}"}))[0] == 200
    for headers, said in [
        ({}, "missing"),
        ({"Authorization": "Bearer garbage"}, "malformed"),
        ({"Authorization": f"Bearer {tokens.issue(MANAGEMENT)}"}, "audience"),
        ({"Authorization": f"Bearer {tokens.issue(BATCH, lifetime=-400)}"}, "expired"),
        ({"Authorization": f"Bearer {tokens.issue(BATCH)[:-4]}AAAA"}, "signature"),
    ]:
        status, code, detail = await knock(plane, headers)
        assert (status, code) == (401, "AuthenticationFailed")
        assert said in detail
