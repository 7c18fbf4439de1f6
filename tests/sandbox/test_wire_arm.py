"""Resource Manager's refusals and pages, and the managed identity endpoint beside it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import BATCH, BOT_FRAMEWORK, MANAGEMENT, MANAGEMENT_CLASSIC, RESOURCES
from tests.sandbox import still_world

PROVIDER = f"/subscriptions/{still_world.SUBSCRIPTION}/providers/Microsoft.Batch"
GROUP = f"/subscriptions/{still_world.SUBSCRIPTION}/resourceGroups/batch-rg"
VERSION = {"api-version": "2025-06-01"}


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def arm(sandbox: AzureSandbox) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    async with ClientSession(sandbox.arm_url, headers=headers) as session:
        yield session


async def test_an_account_with_its_quotas(sandbox: AzureSandbox, arm: ClientSession) -> None:
    path = f"{GROUP.upper()}/PROVIDERS/microsoft.batch/BatchAccounts/RENDER"
    async with arm.get(path.replace("SUBSCRIPTIONS", "subscriptions"), params=VERSION) as answer:
        body = await answer.json()
    told = body["properties"]
    assert body["id"] == f"{GROUP}/providers/Microsoft.Batch/batchAccounts/render"
    assert f"http://{told['accountEndpoint']}" == sandbox.endpoints["render"]
    assert (told["dedicatedCoreQuota"], told["lowPriorityCoreQuota"], told["poolQuota"]) == (500, 200, 100)
    assert told["dedicatedCoreQuotaPerVMFamily"] == [{"name": "standardDSv3Family", "coreQuota": 100}]
    assert told["activeJobAndJobScheduleQuota"] == 300
    assert answer.headers["ETag"].startswith('"0x')
    assert "x-ms-request-id" in answer.headers


async def test_an_account_with_machines_of_its_own_has_no_core_quota_and_no_keys(arm: ClientSession) -> None:
    async with arm.get(f"{PROVIDER}/batchAccounts", params=VERSION) as answer:
        own = (await answer.json())["value"][1]
    assert own["tags"] == {"team": "a"}
    assert not own["properties"].keys() & {"dedicatedCoreQuota", "lowPriorityCoreQuota"}
    assert own["properties"]["allowedAuthenticationModes"] == ["AAD", "TaskAuthenticationToken"]
    assert own["properties"]["keyVaultReference"]["url"] == "https://kvown.vault.azure.net/"


async def test_vm_sizes_come_in_pages_and_by_family(sandbox: AzureSandbox, arm: ClientSession) -> None:
    path = f"{PROVIDER}/locations/West Europe/virtualMachineSkus"
    names = []
    async with arm.get(path, params=VERSION | {"maxresults": "30"}) as answer:
        body = await answer.json()
    while True:
        assert len(body["value"]) <= 30
        names += [size["name"] for size in body["value"]]
        if "nextLink" not in body:
            break
        async with arm.get(body["nextLink"].removeprefix(sandbox.arm_url)) as answer:
            body = await answer.json()
    assert len(names) == len(set(names)) > 60
    family = "familyName eq 'standardHCSFamily'"
    async with arm.get(path, params=VERSION | {"$filter": family}) as answer:
        assert [size["name"] for size in (await answer.json())["value"]] == ["Standard_HC44rs"]
    for query in ({"$filter": "name eq 'x'"}, {"maxresults": "0"}, {"$skiptoken": "x"}):
        async with arm.get(path, params=VERSION | query) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "InvalidQueryParameterValue")


@pytest.mark.parametrize(
    ("method", "path", "version", "status", "code"),
    [
        ("GET", f"{PROVIDER}/batchAccounts", "", 400, "MissingApiVersionParameter"),
        ("GET", f"{PROVIDER}/batchAccounts", "2019-08-01", 400, "NoRegisteredProviderFound"),
        ("GET", "/subscriptions/x/providers/Microsoft.Batch/batchAccounts", "2025-06-01", 400, "InvalidSubscriptionId"),
        (
            "GET",
            "/subscriptions/7d1f6b1c-0000-4000-8000-00000000000f/providers/Microsoft.Batch/batchAccounts",
            "2025-06-01",
            404,
            "SubscriptionNotFound",
        ),
        ("GET", f"{PROVIDER}/locations/atlantis/quotas", "2025-06-01", 404, "NoRegisteredProviderFound"),
        ("GET", f"{PROVIDER}/nonsense", "2025-06-01", 404, "InvalidResourceType"),
        ("POST", f"{PROVIDER}/batchAccounts", "2025-06-01", 405, "MethodNotAllowed"),
    ],
)
async def test_refusals(arm: ClientSession, method: str, path: str, version: str, status: int, code: str) -> None:
    async with arm.request(method, path, params={"api-version": version} if version else {}) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (status, code)


async def test_names_that_a_new_account_may_have(arm: ClientSession) -> None:
    path = f"{PROVIDER}/locations/westeurope/checkNameAvailability"
    for name, told in [
        ("render", {"nameAvailable": False, "reason": "AlreadyExists"}),
        ("rendering", {"nameAvailable": True}),
        ("no", {"nameAvailable": False, "reason": "Invalid"}),
        ("Upper-case", {"nameAvailable": False, "reason": "Invalid"}),
    ]:
        wanted = {"name": name, "type": "Microsoft.Batch/batchAccounts"}
        async with arm.post(path, params=VERSION, json=wanted) as answer:
            body = await answer.json()
        assert answer.status == 200
        assert {key: value for key, value in body.items() if key != "message"} == told
        assert ("message" in body) != body["nameAvailable"]
    async with arm.post(path, params=VERSION, data=b"{") as answer:
        assert answer.status == 400
    async with arm.get(path, params=VERSION) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_the_door_of_resource_manager(sandbox: AzureSandbox, arm: ClientSession) -> None:
    issue = sandbox.tokens.issue
    for header, status, code in [
        (f"Bearer {issue(MANAGEMENT_CLASSIC)}", 200, ""),
        (f"Bearer {issue(BATCH)}", 401, "InvalidAuthenticationTokenAudience"),
        (f"Bearer {issue(MANAGEMENT, lifetime=-400)}", 401, "ExpiredAuthenticationToken"),
        ("Bearer garbage", 401, "InvalidAuthenticationToken"),
        ("SharedKey x:y", 401, "AuthenticationFailedInvalidHeader"),
        ("", 401, "AuthenticationFailed"),
    ]:
        async with arm.get(f"{PROVIDER}/batchAccounts", params=VERSION, headers={"Authorization": header}) as answer:
            body = await answer.json()
            assert (answer.status, body.get("error", {}).get("code", "")) == (status, code)
            assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_managed_identity_tokens(sandbox: AzureSandbox) -> None:
    proof = {"X-IDENTITY-HEADER": sandbox.identity_header}
    async with ClientSession() as session:
        for resource in [*RESOURCES, BOT_FRAMEWORK + "/"]:
            query = {"api-version": "2019-08-01", "resource": resource}
            async with session.get(sandbox.identity_endpoint, params=query, headers=proof) as answer:
                body = await answer.json()
            claims = sandbox.tokens.verify(body["access_token"], resource)
            assert (claims["aud"], body["resource"], body["token_type"]) == (resource, resource, "Bearer")
            assert int(body["expires_on"]) > time.time() + 3600
        good = {"api-version": "2019-08-01", "resource": BATCH}
        for query, headers, status in [
            (good, {}, 401),
            (good, {"X-IDENTITY-HEADER": "wrong"}, 401),
            (good | {"api-version": "2017-09-01"}, proof, 400),
            (good | {"resource": "https://elsewhere"}, proof, 400),
            (good | {"client_id": "somebody"}, proof, 400),
            (good | {"client_id": sandbox.tokens.client_id}, proof, 200),
        ]:
            async with session.get(sandbox.identity_endpoint, params=query, headers=headers) as answer:
                assert answer.status == status
                assert (await answer.json()).get("statusCode", 200) == status


async def test_the_published_keys(sandbox: AzureSandbox) -> None:
    async with ClientSession() as session:
        async with session.get(f"{sandbox.arm_url}/.well-known/openid-configuration") as answer:
            found = await answer.json()
        async with session.get(found["jwks_uri"]) as answer:
            assert await answer.json() == sandbox.tokens.jwks()
