"""Values that the service never answers: which a body lacks, and how they are supplied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.domain.bodies.path import NoSuchPlace, spelled
from bot.domain.bodies.write_only import FIELD_NAMES, given, missing, supplied, without_empty
from tests.shared import shared

POOL: dict[str, Any] = {
    "id": "p",
    "userAccounts": [{"name": "ann", "linuxUserConfiguration": {"uid": 5}}],
    "virtualMachineConfiguration": {
        "containerConfiguration": {
            "containerRegistries": [
                {"registryServer": "films.azurecr.io", "username": "films"},
                {"registryServer": "open.io"},
                {"registryServer": "id.io", "username": "x", "identityReference": {"resourceId": "/i"}},
            ]
        },
        "extensions": [{"name": "gpu", "protectedSettings": {}}],
    },
    "startTask": {
        "commandLine": "x",
        "containerSettings": {"imageName": "i", "registry": {"registryServer": "r.io", "username": "u"}},
    },
    "mountConfiguration": [
        {"azureBlobFileSystemConfiguration": {"accountName": "blobs"}},
        {"azureBlobFileSystemConfiguration": {"accountName": "mine", "identityReference": {"resourceId": "/i"}}},
        {"azureBlobFileSystemConfiguration": {"accountName": "signed", "sasKey": "sig"}},
        {"azureFileShareConfiguration": {"accountName": "files"}},
        {"cifsMountConfiguration": {"source": "//nas/x", "username": "u", "password": ""}},
        {"nfsMountConfiguration": {"source": "nas"}},
    ],
}


def test_what_a_body_lacks_is_listed_with_its_place_and_whose_it_is() -> None:
    assert {need.place: (need.what, need.required) for need in missing(POOL)} == {
        "userAccounts[0].password": ("the password of user ann", True),
        "userAccounts[0].linuxUserConfiguration.sshPrivateKey": ("the SSH private key of user ann", False),
        "virtualMachineConfiguration.containerConfiguration.containerRegistries[0].password": (
            "the password of films.azurecr.io",
            True,
        ),
        "virtualMachineConfiguration.extensions[0].protectedSettings": (
            "the protected settings of extension gpu",
            False,
        ),
        "startTask.containerSettings.registry.password": ("the password of r.io", True),
        "mountConfiguration[0].azureBlobFileSystemConfiguration.accountKey": ("the key of storage account blobs", True),
        "mountConfiguration[3].azureFileShareConfiguration.accountKey": ("the key of storage account files", True),
        "mountConfiguration[4].cifsMountConfiguration.password": ("the password of share //nas/x", True),
    }


def test_it_is_found_wherever_a_pool_is_specified() -> None:
    job = {"id": "j", "poolInfo": {"autoPoolSpecification": {"pool": POOL}}}
    schedule = {"id": "s", "jobSpecification": job}
    assert len(missing(schedule)) == len(missing(job)) == len(missing(POOL))
    assert missing(schedule)[0].place.startswith("jobSpecification.poolInfo.autoPoolSpecification.pool.userAccounts")


def test_nothing_is_sent_empty() -> None:
    sent = json.dumps(without_empty(POOL))
    assert '"password": ""' not in sent
    assert "protectedSettings" not in sent
    assert '"sasKey": "sig"' in sent


def test_what_is_supplied_is_asked_for_no_more() -> None:
    values = {need.place: "s3cret" for need in missing(POOL)}
    whole = supplied(POOL, values)
    assert missing(whole) == []
    assert {spelled(path) for path in given(whole)} - set(values) == {
        "mountConfiguration[2].azureBlobFileSystemConfiguration.sasKey"
    }
    assert given(POOL) == [("mountConfiguration", 2, "azureBlobFileSystemConfiguration", "sasKey")]


def test_a_signature_does_instead_of_a_key() -> None:
    place = "mountConfiguration[0].azureBlobFileSystemConfiguration"
    whole = supplied(POOL, {f"{place}.sasKey": "sig"})
    assert f"{place}.accountKey" not in {need.place for need in missing(whole)}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [("userAccounts[0].name", "x", "Nothing is asked for"), ("userAccounts[0].password", "", "is empty")],
)
def test_nothing_else_and_nothing_empty_is_taken(place: str, value: str, said: str) -> None:
    with pytest.raises(NoSuchPlace, match=said):
        supplied(POOL, {place: value})


def test_every_field_that_resource_manager_marks_as_secret_is_known() -> None:
    document = json.loads(shared("azure/specs/batch-arm-2024-02-01/BatchManagement.json").read_bytes())
    assert set(_secret(document["definitions"], "PoolProperties", set())) == FIELD_NAMES


def _secret(definitions: dict[str, Any], name: str, seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    for field, schema in definitions[name].get("properties", {}).items():
        if schema.get("x-ms-secret"):
            yield field
        for reference in (schema, schema.get("items", {})):
            if "$ref" in reference:
                yield from _secret(definitions, reference["$ref"].rpartition("/")[2], seen)
