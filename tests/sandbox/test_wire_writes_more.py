"""Files that are deleted, certificates that come and go, extensions of nodes."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from bot.sandbox.entity_parts import VMExtension
from bot.sandbox.entity_specs import JobSpecification
from bot.sandbox.world.certificates import certificate
from bot.sandbox.world.scenarios.parts import on
from tests.sandbox.writable_sandbox import START, Stage, opened

OLDER = "2024-07-01.20.0"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with opened() as stage:
        yield stage


async def test_files_are_deleted_for_task_and_node(stage: Stage) -> None:
    client = stage.client
    stage.account.commands.add_job("job", JobSpecification(pool_info=on("busy")))
    stage.account.commands.add_task("job", "task", "sleep 60")
    stage.wait(120)
    node = (await client.get_task("job", "task")).node_info.node_id
    await client.delete_task_file("job", "task", "stdout.txt")
    with pytest.raises(ResourceNotFoundError, match="FileNotFound"):
        await client.delete_task_file("job", "task", "stdout.txt")
    names = [file.name async for file in client.list_task_files("job", "task", recursive=True)]
    assert "stderr.txt" in names
    assert "stdout.txt" not in names
    on_node = [file.name async for file in client.list_node_files("busy", node, recursive=True)]
    assert "workitems/job/job-1/task/stderr.txt" in on_node
    assert "workitems/job/job-1/task/stdout.txt" not in on_node
    with pytest.raises(HttpResponseError, match="IOError"):
        await client.delete_task_file("job", "task", "wd")
    await client.delete_node_file("busy", node, "workitems/job/job-1/task/wd", recursive=True)
    assert [file.name async for file in client.list_task_files("job", "task", recursive=True)] == ["stderr.txt"]


async def test_a_new_run_writes_deleted_files_again(stage: Stage) -> None:
    stage.account.commands.add_job("job", JobSpecification(pool_info=on("busy")))
    stage.account.commands.add_task("job", "task", "sleep 5; exit 1")
    stage.wait(60)
    await stage.client.delete_task_file("job", "task", "stdout.txt")
    stage.account.commands.reactivate_task("job", "task")
    stage.wait(60)
    assert "stdout.txt" in [file.name async for file in stage.client.list_task_files("job", "task")]


async def test_certificates_come_go_and_stay(stage: Stage) -> None:
    made = certificate("seed", "name", START, kind="Cer")
    where = f"/certificates(thumbprintAlgorithm=sha1,thumbprint={made.id})"
    body = {"thumbprint": made.id, "thumbprintAlgorithm": "sha1", "data": made.body.public_data}
    body |= {"certificateFormat": "CER"}
    answer = await stage.send("POST", "/certificates", body, version=OLDER)
    assert (answer.status, answer.body) == (201, None)
    assert answer.headers["Location"].endswith(f"/certificates(ThumbprintAlgorithm=sha1,Thumbprint={made.id})")
    assert (await stage.send("GET", where, version=OLDER)).body["state"] == "active"
    assert (await stage.send("POST", "/certificates", body, version=OLDER)).code == "CertificateExists"
    cancelled = await stage.send("POST", f"{where}/canceldelete", version=OLDER)
    assert (cancelled.status, cancelled.code) == (409, "CertificateStateActive")
    stage.account.certificates[made.id].used_by = ("busy",)
    assert (await stage.send("DELETE", where, version=OLDER)).status == 202
    assert (await stage.send("POST", f"{where}/canceldelete", version=OLDER)).code == "CertificateBeingDeleted"
    stage.wait(61)
    told = (await stage.send("GET", where, version=OLDER)).body
    assert (told["state"], told["deleteCertificateError"]["code"]) == ("deletefailed", "PoolsReferencingCertificate")
    assert (await stage.send("POST", f"{where}/canceldelete", version=OLDER)).status == 204
    assert (await stage.send("GET", where, version=OLDER)).body["state"] == "active"
    stage.account.certificates[made.id].used_by = ()
    assert (await stage.send("DELETE", where, version=OLDER)).status == 202
    stage.wait(61)
    assert (await stage.send("GET", where, version=OLDER)).code == "CertificateNotFound"
    newest = await stage.send("POST", "/certificates", body)
    assert (newest.status, newest.code) == (404, "ResourceNotFound")


async def test_what_is_no_certificate(stage: Stage) -> None:
    body = {"thumbprint": "00", "thumbprintAlgorithm": "sha1", "data": base64.b64encode(b"x").decode()}
    for change in ({}, {"certificateFormat": "cer"}, {"thumbprintAlgorithm": "md5"}, {"data": "?"}):
        answer = await stage.send("POST", "/certificates", body | change, version=OLDER)
        assert (answer.status, answer.code) == (400, "InvalidPropertyValue")


async def test_extensions_of_a_node(stage: Stage) -> None:
    pool = stage.account.pools["busy"]
    config = pool.body.virtual_machine_configuration
    assert config is not None
    config.extensions = [VMExtension(name="watch", publisher="Contoso", type="Watch", type_handler_version="1.0")]
    node = pool.ordered()[0].id
    [one] = [extension async for extension in stage.client.list_node_extensions("busy", node)]
    assert (one.vm_extension.name, one.provisioning_state) == ("watch", "Succeeded")
    same = await stage.client.get_node_extension("busy", node, "Watch")
    assert same.instance_view.statuses[0].code == "ProvisioningState/succeeded"
    with pytest.raises(ResourceNotFoundError, match="VMExtensionNotFound"):
        await stage.client.get_node_extension("busy", node, "nope")
