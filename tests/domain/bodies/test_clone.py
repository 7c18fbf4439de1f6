"""Clones: every recorded entity becomes a body that the service would take."""

from __future__ import annotations

import json

import pytest

from bot.domain.bodies.clone import clone
from bot.domain.bodies.edit import patch_for
from bot.domain.bodies.fields import FIELDS, NOUNS, Noun
from bot.domain.bodies.write_only import supplied
from tests.domain.bodies.documents import (
    ADD,
    CHANGE,
    ENTITY,
    MODELS,
    against_the_document,
    documented,
    fields_of,
    recorded,
    unknown_fields,
)

GONE = {"certificateReferences", "targetNodeCommunicationMode", "resourceTags", "authenticationTokenSettings"}
"""Fields of the document of 2024 that the version in use no longer has."""


@pytest.mark.parametrize("noun", NOUNS)
def test_every_field_that_the_documents_know_is_in_one_table(noun: Noun) -> None:
    fields = FIELDS[noun]
    assert not fields.create & fields.answered
    assert fields.editable <= fields.create
    assert documented(ADD[noun]) - GONE == fields.create
    assert documented(ENTITY[noun]) - GONE - fields.create <= fields.answered
    assert documented(CHANGE[noun]) - GONE == fields.editable


@pytest.mark.parametrize("noun", NOUNS)
def test_every_field_that_the_client_library_knows_is_in_one_table(noun: Noun) -> None:
    answered, created, changed = MODELS[noun]
    fields = FIELDS[noun]
    assert set(fields_of(created)) == fields.create
    assert set(fields_of(answered)) - fields.create <= fields.answered
    if changed:
        assert set(fields_of(changed)) == fields.editable


@pytest.mark.parametrize("noun", NOUNS)
def test_what_remains_of_every_recorded_body_is_a_create_parameter(noun: Noun) -> None:
    bodies = recorded(noun)
    assert len(bodies) > 5
    for answered in bodies:
        before = json.dumps(answered)
        made = clone(noun, answered, "another")
        assert json.dumps(answered) == before
        assert made.body["id"] == "another"
        assert not list(unknown_fields(MODELS[noun][1], made.body)), made.body
        assert not against_the_document(ADD[noun], made.body), made.body


@pytest.mark.parametrize("noun", NOUNS)
def test_a_clone_of_a_clone_is_the_same(noun: Noun) -> None:
    for answered in recorded(noun):
        made = clone(noun, answered)
        again = clone(noun, made.body)
        assert (again.body, again.left_out) == (made.body, ())


def test_what_cannot_be_taken_over_is_said() -> None:
    answered = {
        "id": "gpu",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": "/x", "clientId": "c"}]},
        "certificateReferences": [{"thumbprint": "0A", "thumbprintAlgorithm": "sha1"}],
        "virtualMachineConfiguration": {"imageReference": {"offer": "o", "exactVersion": "1"}, "nodeAgentSKUId": "a"},
    }
    made = clone("pool", answered)
    assert made.body == {
        "id": "gpu",
        "virtualMachineConfiguration": {"imageReference": {"offer": "o"}, "nodeAgentSKUId": "a"},
    }
    assert [(each.place, each.why) for each in made.left_out] == [
        ("certificateReferences", "certificates are retired"),
        ("identity", "only Resource Manager gives a pool a managed identity: use Bicep or ARM JSON"),
    ]
    assert "identity" in clone("pool", answered, identity=True).body


def test_a_pool_that_scales_itself_is_cloned_without_its_counts_of_now() -> None:
    scaled = {"id": "a", "enableAutoScale": True, "autoScaleFormula": "$TargetDedicatedNodes=1;"}
    answered = scaled | {"targetDedicatedNodes": 4, "targetLowPriorityNodes": 0, "resizeTimeout": "PT15M"}
    assert clone("pool", answered).body == scaled
    job = {"id": "j", "poolInfo": {"autoPoolSpecification": {"pool": answered}}}
    assert clone("job", job).body["poolInfo"]["autoPoolSpecification"]["pool"] == scaled
    fixed = {"id": "a", "enableAutoScale": False, "targetDedicatedNodes": 4}
    assert clone("pool", fixed).body == fixed


def test_older_shapes_become_todays() -> None:
    answered = {
        "id": "old",
        "maxTasksPerNode": 4,
        "targetDedicated": 2,
        "startTask": {
            "commandLine": "x",
            "runElevated": True,
            "resourceFiles": [{"blobSource": "https://a/b", "filePath": "b"}],
        },
        "virtualMachineConfiguration": {
            "dataDisks": [{"lun": 0, "diskSizeGB": 5, "storageAccountType": "premium_lrs"}],
            "extensions": [{"name": "e", "settings": {"maxTasksPerNode": 1, "none": None}}],
        },
    }
    assert clone("pool", answered).body == {
        "id": "old",
        "taskSlotsPerNode": 4,
        "targetDedicatedNodes": 2,
        "startTask": {
            "commandLine": "x",
            "userIdentity": {"autoUser": {"scope": "task", "elevationLevel": "admin"}},
            "resourceFiles": [{"httpUrl": "https://a/b", "filePath": "b"}],
        },
        "virtualMachineConfiguration": {
            "dataDisks": [{"lun": 0, "diskSizeGB": 5, "managedDisk": {"storageAccountType": "premium_lrs"}}],
            "extensions": [{"name": "e", "settings": {"maxTasksPerNode": 1, "none": None}}],
        },
    }


def test_only_a_job_manager_keeps_its_authentication_token() -> None:
    token = {"authenticationTokenSettings": {"access": ["job"]}}
    assert clone("job", {"id": "j", "jobManagerTask": token}).body["jobManagerTask"] == token
    assert clone("task", {"id": "t", **token}).left_out[0].place == "authenticationTokenSettings"


def test_a_clone_with_users_is_sent_once_their_passwords_are_given() -> None:
    made = clone("pool", {"id": "p", "userAccounts": [{"name": "ann"}, {"name": "bob", "password": ""}]})
    assert made.body["userAccounts"] == [{"name": "ann"}, {"name": "bob"}]
    assert [(need.place, need.what, need.required) for need in made.needs] == [
        ("userAccounts[0].password", "the password of user ann", True),
        ("userAccounts[1].password", "the password of user bob", True),
    ]
    whole = supplied(made.body, {"userAccounts[0].password": "a", "userAccounts[1].password": "b"})
    assert whole["userAccounts"][1] == {"name": "bob", "password": "b"}
    assert clone("pool", whole).needs == ()
    edit = patch_for("pool", made.body, {"userAccounts[0].elevationLevel": "admin"})
    assert [need.place for need in edit.needs] == ["userAccounts[0].password", "userAccounts[1].password"]
