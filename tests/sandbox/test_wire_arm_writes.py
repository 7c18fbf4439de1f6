"""Writes over Resource Manager with the real client: accounts that come and go, keys, pools, applications."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.batch import models
from azure.mgmt.batch.aio import BatchManagementClient

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import MANAGEMENT
from bot.sandbox.world import Clock, World
from bot.sandbox.world.certificates import certificate
from tests.sandbox import still_world
from tests.sandbox.conformance import conformance
from tests.sandbox.test_conformance import AllowHttp
from tests.sandbox.writable_sandbox import MACHINES, START, add_pool
from tests.shared import ROOT

GROUP = "batch-rg"
HOME = f"/subscriptions/{still_world.SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Batch/batchAccounts"
VERSION = "2024-07-01"


class Credential:
    """A token of the sandbox."""

    def __init__(self, sandbox: AzureSandbox) -> None:
        self._sandbox = sandbox

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._sandbox.tokens.issue(MANAGEMENT), 2**33)

    async def close(self) -> None: ...


@dataclass
class Place:
    """A sandbox with one account, the client of Resource Manager, and a plain one."""

    sandbox: AzureSandbox
    client: BatchManagementClient
    session: ClientSession

    def wait(self, seconds: float) -> None:
        self.sandbox.world.clock.advance(timedelta(seconds=seconds))
        self.sandbox.world.settle()

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        where = path if "api-version=" in path else f"{path}?api-version={VERSION}"
        async with self.session.request(method, where, json=body, headers=named) as answer:
            told = await answer.json() if await answer.read() else None
            return answer.status, answer.headers, told


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    world = World(seed=3, clock=Clock(START, paused=True))
    account = world.add_account(still_world.account(auto_storage_account_id="/subscriptions/s/storageAccounts/files"))
    add_pool(account, "busy", 2)
    sandbox = AzureSandbox(world)
    await sandbox.start()
    client = BatchManagementClient(
        Credential(sandbox),
        still_world.SUBSCRIPTION,
        base_url=sandbox.arm_url,
        per_call_policies=[AllowHttp()],
        polling_interval=0,
    )
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    held = conformance(sandbox) if (ROOT / "azure/specs").exists() else nullcontext()
    try:
        with held:
            async with client, ClientSession(sandbox.arm_url, headers=headers) as session:
                yield Place(sandbox, client, session)
    finally:
        await sandbox.close()


# --- accounts ---------------------------------------------------------------------------------------------------------


async def test_an_account_is_made_as_recorded(place: Place) -> None:
    body = {"location": "East US", "tags": {"team": "night"}}
    status, headers, told = await place.send("PUT", f"{HOME}/fresh", body)
    assert (status, told) == (202, None)
    location = headers["Location"]
    assert f"{HOME}/fresh/operationResults/" in location
    assert len(location) > 1800
    assert "Retry-After" not in headers
    assert headers["x-ms-ratelimit-remaining-subscription-writes"] == "799"
    path = location.removeprefix(place.sandbox.arm_url)
    status, headers, told = await place.send("GET", path)
    assert (status, told) == (202, None)
    assert headers["Location"] != location, "the signature changes"
    assert (await place.send("GET", f"{HOME}/fresh"))[0] == 404
    place.wait(45)
    status, headers, told = await place.send("GET", path)
    assert (status, told["name"], told["location"], told["tags"]) == (200, "fresh", "eastus", {"team": "night"})
    assert told["properties"]["accountEndpoint"] == place.sandbox.endpoints["fresh"].removeprefix("http://")
    assert headers["ETag"]
    again, _, told = await place.send("PUT", f"{HOME}/FRESH", {"location": "eastus", "tags": {}})
    assert (again, "tags" in told) == (200, False), "making it again changes it"


async def test_the_client_makes_uses_and_deletes_an_account(place: Place) -> None:
    wanted = models.BatchAccountCreateParameters(location="westeurope")
    poller = await place.client.batch_account.begin_create(GROUP, "fresh", wanted)
    place.wait(45)
    account = await poller.result()
    assert account.provisioning_state == "Succeeded"
    assert account.pool_quota == 100
    keys = await place.client.batch_account.get_keys(GROUP, "fresh")
    endpoint = place.sandbox.endpoints["fresh"]
    async with BatchClient(endpoint, AzureNamedKeyCredential("fresh", keys.primary)) as batch:
        assert [pool async for pool in batch.list_pools()] == []
    deletion = await place.client.batch_account.begin_delete(GROUP, "fresh")
    assert (await place.client.batch_account.get(GROUP, "fresh")).provisioning_state == "Deleting"
    place.wait(45)
    await deletion.result()
    with pytest.raises(ResourceNotFoundError, match="AccountNotFound"):
        await place.client.batch_account.get(GROUP, "fresh")
    assert "fresh" not in place.sandbox.endpoints
    assert (await place.send("DELETE", f"{HOME}/fresh"))[0] == 204


async def test_the_quota_is_told_in_the_poll(place: Place) -> None:
    for number in range(3):
        status, headers, _ = await place.send("PUT", f"{HOME}/fresh{number}", {"location": "westeurope"})
        assert status == 202
    place.wait(45)
    path = headers["Location"].removeprefix(place.sandbox.arm_url)
    refused = [name for name in ("fresh0", "fresh1", "fresh2") if (await place.send("GET", f"{HOME}/{name}"))[0] == 404]
    assert len(refused) == 1
    status, _, told = await place.send("GET", path)
    if refused == ["fresh2"]:
        assert (status, told["error"]["code"]) == (409, "SubscriptionQuotaExceeded")
        assert told["error"]["message"].startswith("The regional Batch account quota for the specified subscription")


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("no", {"location": "eastus"}, 400, "InvalidAccountName"),
        ("fresh", {"location": "atlantis"}, 400, "LocationNotAvailableForResourceType"),
        ("fresh", {}, 400, "InvalidRequestBody"),
        (
            "fresh",
            {"location": "eastus", "properties": {"poolAllocationMode": "UserSubscription"}},
            400,
            "InvalidRequestBody",
        ),
        (
            "fresh",
            {"location": "eastus", "properties": {"keyVaultReference": {"id": "abc", "url": "https://abc.com"}}},
            400,
            "LinkedInvalidPropertyId",
        ),
    ],
)
async def test_what_an_account_may_not_be(place: Place, name: str, body: Any, status: int, code: str) -> None:
    answered, _, told = await place.send("PUT", f"{HOME}/{name}", body)
    assert (answered, told["error"]["code"]) == (status, code)


async def test_a_name_is_taken_everywhere(place: Place) -> None:
    groups = f"/subscriptions/{still_world.SUBSCRIPTION}/resourceGroups"
    assert (await place.send("PUT", f"{groups}/other", {"location": "eastus"}))[0] == 201
    other = HOME.replace(GROUP, "other")
    status, _, told = await place.send("PUT", f"{other}/render", {"location": "eastus"})
    assert (status, told["error"]["code"]) == (409, "AccountAlreadyExists")
    assert (await place.send("PUT", f"{other}/fresh", {"location": "eastus"}))[0] == 202
    place.wait(45)
    listed = [account.name async for account in place.client.batch_account.list_by_resource_group("other")]
    assert listed == ["fresh"]


async def test_an_account_is_changed(place: Place) -> None:
    storage = models.AutoStorageBaseProperties(storage_account_id="/subscriptions/s/x/storageAccounts/other")
    changed = await place.client.batch_account.update(
        GROUP,
        "render",
        models.BatchAccountUpdateParameters(tags={"a": "b"}, auto_storage=storage, public_network_access="Disabled"),
    )
    assert (changed.tags, changed.public_network_access) == ({"a": "b"}, "Disabled")
    assert changed.auto_storage.storage_account_id.endswith("/other")
    await place.client.batch_account.synchronize_auto_storage_keys(GROUP, "render")
    seen = await place.client.batch_account.get(GROUP, "render")
    assert seen.auto_storage.last_key_sync == START


async def test_a_new_key_shuts_out_the_old_one(place: Place) -> None:
    endpoint = place.sandbox.endpoints["render"]
    old = await place.client.batch_account.get_keys(GROUP, "render")
    assert (old.account_name, old.primary, old.secondary) == ("render", still_world.KEY, still_world.SECOND_KEY)
    new = await place.client.batch_account.regenerate_key(
        GROUP, "render", models.BatchAccountRegenerateKeyParameters(key_name="Primary")
    )
    assert (new.primary != still_world.KEY, new.secondary) == (True, still_world.SECOND_KEY)
    for key, ok in ((still_world.KEY, False), (new.primary, True), (still_world.SECOND_KEY, True)):
        async with BatchClient(endpoint, AzureNamedKeyCredential("render", key)) as batch:
            if ok:
                assert (await batch.get_pool("busy")).id == "busy"
            else:
                with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
                    await batch.get_pool("busy")
    status, _, told = await place.send("POST", f"{HOME}/render/regenerateKeys", {"keyName": "third"})
    assert (status, told["error"]["code"]) == (400, "InvalidRequestBody")
    modes = {"properties": {"allowedAuthenticationModes": ["AAD"]}}
    assert (await place.send("PATCH", f"{HOME}/render", modes))[0] == 200
    assert (await place.send("POST", f"{HOME}/render/listKeys"))[0] == 403
    async with BatchClient(endpoint, AzureNamedKeyCredential("render", new.primary)) as batch:
        with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
            await batch.get_pool("busy")


# --- reads on the way -------------------------------------------------------------------------------------------------


async def test_subscriptions_groups_and_operations(place: Place) -> None:
    status, _, told = await place.send("GET", "/subscriptions?api-version=2022-12-01")
    assert (status, [one["subscriptionId"] for one in told["value"]]) == (200, [still_world.SUBSCRIPTION])
    assert (await place.send("GET", f"/subscriptions/{still_world.SUBSCRIPTION}"))[2]["state"] == "Enabled"
    groups = f"/subscriptions/{still_world.SUBSCRIPTION}/resourcegroups"
    assert [one["name"] for one in (await place.send("GET", groups))[2]["value"]] == [GROUP]
    assert (await place.send("GET", f"{groups}/nope"))[2]["error"]["code"] == "ResourceGroupNotFound"
    names = [operation.name async for operation in place.client.operations.list()]
    assert "Microsoft.Batch/batchAccounts/regeneratekeys/action" in names
    actions = [operation async for operation in place.client.operations.list() if operation.is_data_action]
    assert {operation.display.resource for operation in actions} == {"Jobs", "Job Schedules"}


async def test_network_reads(place: Place) -> None:
    links = [link async for link in place.client.private_link_resource.list_by_batch_account(GROUP, "render")]
    assert [link.name for link in links] == ["batchAccount", "nodeManagement"]
    one = await place.client.private_link_resource.get(GROUP, "render", "batchaccount")
    assert one.required_zone_names == ["privatelink.batch.azure.com"]
    with pytest.raises(ResourceNotFoundError):
        await place.client.private_link_resource.get(GROUP, "render", "nope")
    client = place.client
    assert [c async for c in client.private_endpoint_connection.list_by_batch_account(GROUP, "render")] == []
    outbound = [
        category
        async for category in client.batch_account.list_outbound_network_dependencies_endpoints(GROUP, "render")
    ]
    assert [category.category for category in outbound][:2] == ["Azure Batch", "Azure Storage"]
    assert outbound[1].endpoints[0].domain_name == "files.blob.core.windows.net"
    assert outbound[0].endpoints[0].endpoint_details[0].port == 443


# --- pools ------------------------------------------------------------------------------------------------------------


def pool(**properties: Any) -> dict[str, Any]:
    machines = {"imageReference": MACHINES["imageReference"], "nodeAgentSkuId": MACHINES["nodeAgentSKUId"]}
    deployment = {"virtualMachineConfiguration": machines}
    return {"properties": {"vmSize": "STANDARD_D2S_V3", "deploymentConfiguration": deployment, **properties}}


async def test_a_pool_is_made_scaled_and_deleted(place: Place) -> None:
    scale = {
        "fixedScale": {"targetDedicatedNodes": 2, "resizeTimeout": "PT8M", "nodeDeallocationOption": "TaskCompletion"}
    }
    start = {"commandLine": "/bin/true", "userIdentity": {"autoUser": {"scope": "Pool", "elevationLevel": "Admin"}}}
    nat = {
        "name": "ssh",
        "protocol": "TCP",
        "backendPort": 5000,
        "frontendPortRangeStart": 15000,
        "frontendPortRangeEnd": 15100,
    }
    network = {"endpointConfiguration": {"inboundNatPools": [nat]}}
    body = pool(scaleSettings=scale, startTask=start, networkConfiguration=network, interNodeCommunication="Enabled")
    status, headers, told = await place.send("PUT", f"{HOME}/render/pools/made", body)
    properties = told["properties"]
    assert (status, headers["ETag"]) == (200, told["etag"])
    assert (properties["allocationState"], properties["vmSize"]) == ("Resizing", "STANDARD_D2S_V3")
    assert properties["scaleSettings"]["fixedScale"]["resizeTimeout"] == "PT8M"
    assert properties["interNodeCommunication"] == "Enabled"
    assert properties["networkConfiguration"]["endpointConfiguration"]["inboundNatPools"][0]["backendPort"] == 5000
    live = place.sandbox.world.accounts["render"].pools["made"]
    assert live.body.start_task is not None and live.body.start_task.user_identity is not None
    assert live.body.virtual_machine_configuration is not None
    assert live.body.virtual_machine_configuration.node_agent_sku_id == "batch.node.ubuntu 22.04"
    place.wait(600)
    client = place.client.pool
    target = models.ScaleSettings(fixed_scale=models.FixedScaleSettings(target_dedicated_nodes=3))
    seen = await client.update(GROUP, "render", "made", models.Pool(scale_settings=target))
    assert (seen.allocation_state, seen.scale_settings.fixed_scale.target_dedicated_nodes) == ("Resizing", 3)
    seen = await client.stop_resize(GROUP, "render", "made")
    assert seen.allocation_state == "Stopping"
    place.wait(60)
    formula = models.ScaleSettings(auto_scale=models.AutoScaleSettings(formula="$TargetDedicatedNodes=1"))
    seen = await client.update(GROUP, "render", "made", models.Pool(scale_settings=formula))
    assert seen.auto_scale_run.results.startswith("$TargetDedicatedNodes=1")
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState") as caught:
        await client.stop_resize(GROUP, "render", "made")
    assert "AutoScale resize cannot be stopped" in str(caught.value.error)
    seen = await client.disable_auto_scale(GROUP, "render", "made")
    assert seen.scale_settings.auto_scale is None
    status, _, told = await place.send("PATCH", f"{HOME}/render/pools/made", {"properties": {"startTask": {}}})
    assert (status, "startTask" in told["properties"]) == (200, False)
    poller = await client.begin_delete(GROUP, "render", "made")
    assert (await client.get(GROUP, "render", "made")).provisioning_state == "Deleting"
    place.wait(600)
    await poller.result()
    assert (await place.send("DELETE", f"{HOME}/render/pools/made"))[0] == 204


async def test_a_pool_that_is_sent_again_changes_nothing_else(place: Place) -> None:
    status, _, told = await place.send(
        "PUT",
        f"{HOME}/render/pools/busy",
        {"properties": {"vmSize": "Standard_D2s_v3", "metadata": [{"name": "a", "value": "b"}]}},
    )
    assert (status, told["properties"]["metadata"]) == (200, [{"name": "a", "value": "b"}])
    for condition, expected in (({"If_Match": '"0x1"'}, 412), ({"If_None_Match": "*"}, 412), ({"If_Match": "*"}, 200)):
        status, _, told = await place.send("PUT", f"{HOME}/render/pools/busy", {"properties": {}}, **condition)
        assert status == expected


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"vmSize": "nope"}, 400, "InvalidPropertyValue"),
        ({"deploymentConfiguration": {}}, 400, "MissingRequiredProperty"),
        ({"scaleSettings": {"autoScale": {"formula": "$X ="}}}, 200, ""),
        ({"applicationPackages": [{"id": "/x/applications/nope"}]}, 409, "InvalidApplicationPackageReferences"),
        ({"scaleSettings": {"fixedScale": {"resizeTimeout": "PT1M"}}}, 400, "InvalidPropertyValue"),
    ],
)
async def test_what_a_pool_may_not_be(place: Place, change: dict[str, Any], status: int, code: str) -> None:
    answered, _, told = await place.send("PUT", f"{HOME}/render/pools/made", pool(**change))
    assert answered == status
    if code:
        error = told["error"]
        assert (error["code"], error["target"]) == (code, "BatchAccount")
        assert error["details"]


# --- applications and certificates ------------------------------------------------------------------------------------


async def test_an_application_and_its_packages(place: Place) -> None:
    applications, packages = place.client.application, place.client.application_package
    made = await applications.create(
        GROUP, "render", "tool", models.Application(allow_updates=True, display_name="Tool")
    )
    assert (made.name, made.display_name, made.default_version) == ("tool", "Tool", None)
    package = await packages.create(GROUP, "render", "tool", "1.0")
    assert (package.state, package.storage_url_expiry) == ("Pending", START + timedelta(hours=4))
    zipped = models.ActivateApplicationPackageParameters(format="zip")
    with pytest.raises(HttpResponseError, match="ApplicationPackageBlobNotFound"):
        await packages.activate(GROUP, "render", "tool", "1.0", zipped)
    upload = {"kind": "uploadPackage", "application": "tool", "version": "1.0"}
    async with (
        ClientSession(place.sandbox.endpoints["render"]) as plain,
        plain.post("/_sandbox/inject", json=upload) as ok,
    ):
        assert ok.status == 200
    package = await packages.activate(GROUP, "render", "tool", "1.0", zipped)
    assert (package.state, package.last_activation_time) == ("Active", START)
    with pytest.raises(ResourceNotFoundError, match="ApplicationPackageNotFound"):
        await applications.update(GROUP, "render", "tool", models.Application(default_version="9"))
    changed = await applications.update(GROUP, "render", "tool", models.Application(default_version="1.0"))
    assert (changed.default_version, changed.display_name) == ("1.0", "Tool")
    with pytest.raises(HttpResponseError, match="ApplicationPackagesNotEmpty"):
        await applications.delete(GROUP, "render", "tool")
    await packages.delete(GROUP, "render", "tool", "1.0")
    await applications.delete(GROUP, "render", "tool")
    assert (await place.send("DELETE", f"{HOME}/render/applications/tool"))[0] == 204
    assert (await place.send("DELETE", f"{HOME}/render/applications/tool/versions/1.0"))[0] == 204


async def test_a_failed_deletion_of_a_certificate_is_called_off(place: Place) -> None:
    account = place.sandbox.world.accounts["render"]
    live = certificate("seed", "name", START, state="deletefailed", used_by=("busy",))
    account.certificates[live.id] = live
    where = f"{HOME}/render/certificates/sha1-{live.id}"
    status, _, told = await place.send("POST", f"{where}/cancelDelete")
    assert (status, told["properties"]["provisioningState"]) == (200, "Succeeded")
    status, _, told = await place.send("POST", f"{where}/cancelDelete")
    assert (status, told["error"]["code"]) == (409, "CertificateStateActive")
    live.used_by = ()
    status, headers, _ = await place.send("DELETE", where)
    assert (status, headers["Retry-After"]) == (202, "15")
    path = headers["Location"].removeprefix(place.sandbox.arm_url)
    assert (await place.send("GET", path))[0] == 202
    place.wait(61)
    assert (await place.send("GET", path))[0] == 200
    assert (await place.send("DELETE", where))[0] == 204
