"""Pools as resources of Resource Manager: both ways, held against the schema and the documents of both planes."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from bot.domain.bodies.arm import ENUMERATIONS, RENAMED, Resource, from_arm, to_arm
from bot.domain.bodies.arm_template import arm_template, literal
from bot.domain.bodies.bicep import bicep, text
from bot.domain.bodies.clone import clone
from bot.domain.bodies.fields import FREE_FORM
from bot.domain.bodies.hidden import Hidden
from bot.domain.bodies.pasted import pasted
from bot.domain.bodies.path import with_value
from bot.domain.bodies.write_only import missing, supplied
from tests.azure.recordings import answered
from tests.domain.bodies.bicep_reader import read
from tests.domain.bodies.documents import ADD, MODELS, against_the_document, fields_of, recorded, unknown_fields
from tests.domain.bodies.pools import POOLS
from tests.shared import shared

ACCOUNT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Batch/batchAccounts/render"
EXPRESSION = "https://schema.management.azure.com/schemas/common/definitions.json#/definitions/expression"
QUICK = settings(
    suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=settings.default.max_examples // 4
)


@cache
def schema() -> dict[str, Any]:
    """The template schema; the alternative that a value is an expression is taken out, so that values are judged."""
    words = shared("azure/specs/batch-arm-2025-06-01/arm-schema-Microsoft.Batch.json").read_text()
    read: dict[str, Any] = json.loads(words, object_hook=_without_expressions)
    return read


def _without_expressions(held: dict[str, Any]) -> dict[str, Any]:
    if "oneOf" in held:
        rest = [each for each in held["oneOf"] if each.get("$ref") != EXPRESSION]
        held = {**held, "oneOf": rest}
    if (
        held.get("type") == "object"
        and "properties" in held
        and "additionalProperties" not in held
        and held["properties"]
    ):
        held = {**held, "additionalProperties": False}
    return held


def complaints(definition: str, body: Any) -> list[str]:
    whole = {"$ref": f"#/definitions/{definition}", "definitions": schema()["definitions"]}
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft4Validator(whole).iter_errors(body)]


@QUICK
@given(POOLS)
def test_any_pool_is_a_resource_and_comes_back_as_it_was(body: dict[str, Any]) -> None:
    assert not list(unknown_fields(MODELS["pool"][1], {name: body[name] for name in body if name != "identity"}))
    resource = to_arm(body, ACCOUNT)
    assert complaints("PoolProperties", resource.properties) == []
    assert not resource.identity or complaints("BatchPoolIdentity", resource.identity) == []
    back, left = from_arm({"name": resource.name, "properties": resource.properties, "identity": resource.identity})
    assert (back, left) == (_without_nulls(body), ())


@QUICK
@given(POOLS)
def test_bicep_and_template_say_what_the_resource_says(body: dict[str, Any]) -> None:
    resource = to_arm(body, ACCOUNT)
    made = read(bicep(resource, "render"))
    assert made["params"] == {"accountName": "render"}
    pool = made["resources"]["pool"]
    assert pool["type"] == "Microsoft.Batch/batchAccounts/pools@2025-06-01"
    assert pool["body"]["properties"] == resource.properties
    assert pool["body"].get("identity", {}) == resource.identity
    assert made["resources"]["account"]["body"] == {"name": "<accountName>"}
    template = json.dumps(arm_template(resource, "render"))
    assert pasted(template).clone.body == clone("pool", body).body


def test_every_recorded_pool_is_a_resource_and_comes_back() -> None:
    tried = 0
    for entity in recorded("pool"):
        body = clone("pool", entity).body
        resource = to_arm(body, ACCOUNT)
        if body.get("virtualMachineConfiguration"):
            whole = supplied(body, {need.place: "x" for need in missing(body) if need.required})
            assert complaints("PoolProperties", to_arm(whole, ACCOUNT).properties) == []
            tried += 1
        back, left = from_arm({"name": resource.name, "properties": resource.properties})
        assert left == ()
        expected = json.dumps(body).lower()
        for name in re.findall(r'"applicationid": "([^/"]+)"', expected):
            expected = expected.replace(f'"{name}"', f'"{ACCOUNT.lower()}/applications/{name}"')
        wanted = json.loads(expected)
        if not wanted.get("enableautoscale"):
            wanted.pop("enableautoscale", None)
        assert json.loads(json.dumps(back).lower()) == wanted
    assert tried > 50


def test_every_recorded_resource_is_a_create_body() -> None:
    seen = 0
    prefix = "/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/{batchAccounts}/pools"
    for recording in answered(prefix, f"{prefix}/{{pools}}"):
        answer = recording["response_body"]
        for resource in answer.get("value", [answer]):
            made = pasted(json.dumps(resource), "pool")
            assert not against_the_document(ADD["pool"], made.clone.body)
            assert not list(unknown_fields(MODELS["pool"][1], made.clone.body))
            assert made.clone.body["id"] == resource["name"]
            seen += 1
    assert seen > 10


def test_every_enumeration_of_the_schema_is_known() -> None:
    """By field and Resource Manager's values; how the data plane spells them, the library says."""
    ours = {(RENAMED.get(key, key[1]), tuple(sorted(values))) for key, values in ENUMERATIONS.items()}
    theirs = set()
    for name in _reached("PoolProperties", set()) | {"BatchPoolIdentity"}:
        for field, said in schema()["definitions"][name].get("properties", {}).items():
            inner = said.get("oneOf", [said])[0]
            items = inner.get("items", inner)
            values = items.get("oneOf", [items])[0].get("enum")
            if values and field not in {"interNodeCommunication", "nodeDeallocationOption"}:
                theirs.add((field, tuple(sorted(values))))
    assert ours == theirs


def test_every_renamed_field_is_one_of_the_data_plane() -> None:
    machine = fields_of("VirtualMachineConfiguration")
    assert "nodeAgentSKUId" in machine
    assert "virtualMachineImageId" in fields_of("BatchVmImageReference")
    assert "dynamicVNetAssignmentScope" in fields_of("NetworkConfiguration")
    assert {"username"} <= set(fields_of("UserIdentity")) & set(fields_of("CifsMountConfiguration"))
    assert len(RENAMED) == 6


def test_what_resource_manager_alone_has_is_said() -> None:
    body, left = from_arm(
        {
            "name": "render/gpu",
            "tags": {"team": "films"},
            "properties": {
                "vmSize": "standard_d4s_v5",
                "provisioningState": "Succeeded",
                "allocationState": "Steady",
                "currentDedicatedNodes": 3,
                "targetNodeCommunicationMode": "Simplified",
                "certificates": [{"id": "x"}],
                "deploymentConfiguration": {"cloudServiceConfiguration": {"osFamily": "5"}},
                "scaleSettings": {
                    "fixedScale": {"targetDedicatedNodes": 3, "nodeDeallocationOption": "TaskCompletion"}
                },
            },
        }
    )
    assert body == {"id": "gpu", "vmSize": "standard_d4s_v5", "targetDedicatedNodes": 3}
    assert {each.place: each.why for each in left} == {
        "deploymentConfiguration.cloudServiceConfiguration": "cloud service pools are retired: choose an image",
        "properties.certificates": "certificates are retired",
        "properties.scaleSettings.fixedScale.nodeDeallocationOption": "it is chosen each time a pool is resized",
        "properties.targetNodeCommunicationMode": "every pool uses simplified communication",
        "tags": "tags of a pool are set through Resource Manager",
    }


def test_applications_are_named_by_their_resource_id() -> None:
    body = {"id": "a", "applicationPackageReferences": [{"applicationId": "ffmpeg", "version": "4"}]}
    assert to_arm(body, ACCOUNT).properties["applicationPackages"] == [
        {"id": f"{ACCOUNT}/applications/ffmpeg", "version": "4"}
    ]


def test_hidden_values_are_secure_parameters() -> None:
    body: dict[str, Any] = {"id": "a", "vmSize": "x", "userAccounts": [{"name": "ann"}, {"name": "bob"}]}
    for position in (0, 1):
        path = ("userAccounts", position, "password")
        body = with_value(body, path, Hidden(path, "the password of it's user"))
    path = ("virtualMachineConfiguration", "extensions", 0, "protectedSettings")
    body["virtualMachineConfiguration"] = {"extensions": [{"name": "e"}]}
    body = with_value(body, path, Hidden(path, "the protected settings"))
    resource = to_arm(body, ACCOUNT)
    words = bicep(resource, "render")
    assert (
        "@secure()\n@description('userAccounts[0].password: the password of it\\'s user')\n"
        "param userAccounts0Password string\n"
    ) in words
    assert "param virtualMachineConfigurationExtensions0ProtectedSettings object\n" in words
    made = read(words)["resources"]["pool"]["body"]["properties"]
    assert made["userAccounts"][1] == {"name": "bob", "password": "<userAccounts1Password>"}
    template = arm_template(resource, "render")
    assert template["parameters"]["userAccounts0Password"]["type"] == "securestring"
    assert template["parameters"]["virtualMachineConfigurationExtensions0ProtectedSettings"]["type"] == "secureObject"
    assert (
        template["resources"][0]["properties"]["userAccounts"][0]["password"] == "[parameters('userAccounts0Password')]"
    )
    again = pasted(json.dumps(template))
    assert [need.place for need in again.clone.needs if need.required] == [
        "userAccounts[0].password",
        "userAccounts[1].password",
    ]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("it's", r"'it\'s'"),
        ("a\\b", r"'a\\b'"),
        ("cost ${x} $y", r"'cost \${x} $y'"),
        ("a\tb\r", r"'a\tb\r'"),
        ("\x00", r"'\u{0}'"),
        ("", "''"),
        ("a = 1;\nb = '${x}';\n", "'''\na = 1;\nb = '${x}';\n'''"),
        ("\n", "'''\n\n'''"),
        ("ends\nwith'", r"'ends\nwith\''"),
        ("has\n'''", r"'has\n\'\'\''"),
    ],
)
def test_text_is_escaped_as_the_language_wants(words: str, written: str) -> None:
    assert text(words) == written
    assert read(f"param a string = {text(words)}\n")["params"]["a"] == words


@given(st.text())
def test_any_text_is_read_back(words: str) -> None:
    words = words.encode("utf-8", "ignore").decode()
    assert read(f"param a string = {text(words)}\n")["params"]["a"] == words


@pytest.mark.parametrize(
    ("words", "written"),
    [("[x]", "[[x]"), ("[ -f a ] && b", "[ -f a ] && b"), ("[[x]", "[[[x]"), ("x]", "x]"), ("", "")],
)
def test_what_looks_like_an_expression_gets_a_second_bracket(words: str, written: str) -> None:
    assert literal(words) == written


def _without_nulls(value: Any) -> Any:
    """What no plane keeps: a field that is null, but for an extension's own."""
    if isinstance(value, dict):
        return {
            name: held if name in FREE_FORM else _without_nulls(held)
            for name, held in value.items()
            if held is not None
        }
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _reached(name: str, seen: set[str]) -> set[str]:
    if name not in seen:
        seen.add(name)
        for inner in re.findall(r'"#/definitions/(\w+)"', json.dumps(schema()["definitions"][name])):
            _reached(inner, seen)
    return seen


def test_bicep_has_an_identity_where_the_pool_has_one() -> None:
    own = {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/s/id": {}}}
    for resource in (Resource("a", {"vmSize": "x"}, {}), Resource("a", {"vmSize": "x"}, own)):
        body = read(bicep(resource, "render"))["resources"]["pool"]["body"]
        assert ("identity" in body, body.get("identity", {})) == (bool(resource.identity), resource.identity)
