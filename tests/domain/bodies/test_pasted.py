"""Bodies that people paste: what is recognised, and what is said where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.body_secrets import clear_body
from bot.domain.bodies.az import az
from bot.domain.bodies.clone import clone
from bot.domain.bodies.fields import NOUNS, Noun
from bot.domain.bodies.limits import problems
from bot.domain.bodies.pasted import NotABody, pasted
from bot.domain.bodies.shapes import ARM_OBJECTS, LISTS_OF_OBJECTS, LISTS_OF_TEXT, OBJECTS, TEXT
from tests.domain.bodies.documents import recorded

POOL = {"id": "gpu", "vmSize": "standard_d4s_v5"}
RESOURCE = {
    "type": "Microsoft.Batch/batchAccounts/pools",
    "apiVersion": "2024-07-01",
    "name": "render/gpu",
    "properties": {"vmSize": "standard_d4s_v5"},
}


@pytest.mark.parametrize("noun", NOUNS)
def test_every_recorded_answer_is_recognised(noun: Noun) -> None:
    for entity in recorded(noun):
        if "commandLine" in entity or noun != "task":
            made = pasted(json.dumps(entity))
            assert made.noun == noun
            assert made.clone == clone(noun, entity)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(POOL),
        "\ufeff" + json.dumps(POOL),
        f"```json\n{json.dumps(POOL, indent=2)}\n```",
        json.dumps([POOL]),
        json.dumps({"value": [POOL], "odata.metadata": "x"}),
        json.dumps(RESOURCE),
        json.dumps({"name": "gpu", "properties": {"vmSize": "standard_d4s_v5", "provisioningState": "Succeeded"}}),
        json.dumps({"$schema": "x", "resources": [{"type": "Microsoft.Storage/storageAccounts"}, RESOURCE]}),
        json.dumps({"languageVersion": "2.0", "resources": {"storage": {"type": "x"}, "pool": RESOURCE}}),
        json.dumps(
            {
                "resources": [
                    {
                        "type": "Microsoft.Batch/batchAccounts",
                        "properties": {},
                        "resources": [{"type": "pools", "name": "gpu", "properties": RESOURCE["properties"]}],
                    }
                ]
            }
        ),
        json.dumps(
            {
                "parameters": {"size": {"type": "string", "defaultValue": "standard_d4s_v5"}},
                "variables": {"pool": "gpu"},
                "resources": [
                    RESOURCE | {"name": "[variables('pool')]", "properties": {"vmSize": "[parameters('size')]"}}
                ],
            }
        ),
        json.dumps({"resources": [RESOURCE | {"name": "[concat(parameters('account'), '/gpu')]"}]}),
        json.dumps({"resources": [RESOURCE | {"name": "[format('{0}/{1}', parameters('account'), 'gpu')]"}]}),
    ],
)
def test_a_pool_is_read_from_every_form_it_comes_in(text: str) -> None:
    made = pasted(text, "pool")
    assert (made.noun, made.clone.body, made.hidden) == ("pool", POOL, ())


def test_what_az_prints_is_read() -> None:
    """Its spellings, its durations, and null for all that is not set."""
    printed = {
        "allocationState": "steady",
        "applicationPackageReferences": None,
        "eTag": "0x8",
        "id": "gpu",
        "networkConfiguration": {
            "dynamicVnetAssignmentScope": "none",
            "endpointConfiguration": {"inboundNatPools": [{"name": "ssh"}]},
            "publicIpAddressConfiguration": None,
        },
        "resizeTimeout": "0:15:00",
        "virtualMachineConfiguration": {
            "nodeAgentSkuId": "batch.node.ubuntu 22.04",
            "osDisk": {"diskSizeGb": 50, "ephemeralOsDiskSettings": {"placement": "cachedisk"}},
            "extensions": [{"name": "e", "settings": {"diskSizeGb": None}}],
        },
        "vmSize": "standard_d4s_v5",
    }
    assert pasted(json.dumps(printed)).clone.body == {
        "id": "gpu",
        "networkConfiguration": {
            "dynamicVNetAssignmentScope": "none",
            "endpointConfiguration": {"inboundNATPools": [{"name": "ssh"}]},
        },
        "resizeTimeout": "P0DT0H15M0S",
        "virtualMachineConfiguration": {
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
            "osDisk": {"diskSizeGB": 50, "ephemeralOSDiskSettings": {"placement": "cachedisk"}},
            "extensions": [{"name": "e", "settings": {"diskSizeGb": None}}],
        },
        "vmSize": "standard_d4s_v5",
    }
    job = {"id": "j", "poolInfo": {"poolId": "p"}, "constraints": {"maxWallClockTime": "7 days, 1:02:03"}}
    assert pasted(json.dumps(job)).clone.body["constraints"] == {"maxWallClockTime": "P7DT1H2M3S"}


def test_values_that_were_hidden_are_left_out_and_named() -> None:
    body = POOL | {
        "displayName": "Frames 1 … 9",
        "metadata": [{"name": "note", "value": "see …"}],
        "userAccounts": [{"name": "ann", "password": "…"}],
        "startTask": {
            "commandLine": "run --password …",
            "resourceFiles": [{"filePath": "a", "httpUrl": "https://x/a?…"}],
        },
    }
    made = pasted(json.dumps(body))
    assert made.hidden == ("userAccounts[0].password", "startTask.commandLine", "startTask.resourceFiles[0].httpUrl")
    assert [need.place for need in made.clone.needs] == ["userAccounts[0].password"]
    assert {name for name, value in made.clone.body.items() if "…" in str(value)} == {"displayName", "metadata"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is nothing in it"),
        ("```\n\n```", "There is nothing in it"),
        ("resource pool 'x'", "begins with neither { nor [. Bicep can be built to JSON with “az bicep build”"),
        ('{"id": "a",\n  "vmSize" "b"}', "This is not valid JSON (line 2, column 12): expecting ':' delimiter, near"),
        ('{“id”: "a"}', "curly quotes, which a chat makes of plain ones. Attach it as a file."),
        ('{"id": "a"', "This is not valid JSON (line 1"),
        ('{"id": NaN}', "NaN is not a number in JSON"),
        ('{"id": "a", "id": "b"}', "The field 'id' stands twice"),
        ("[" * 100_000, "nested deeper than any body"),
        ("[1]", "This JSON is no object"),
        ("[{}, {}]", "This is a list of 2: one is wanted."),
        ("{}", "at its top there is nothing, and none of jobSpecification, poolInfo, vmSize, commandLine"),
        ('{"a": 1, "b": 2}', "at its top there is 'a', 'b', and none of"),
        ('{"id": "j", "poolInfo": {}}', "This is a job, and a pool is wanted."),
        ('{"resources": []}', "has no resource of type Microsoft.Batch/batchAccounts/pools"),
        (json.dumps({"resources": [RESOURCE, RESOURCE]}), "has 2 pools: keep one"),
        (
            '{"type": "Microsoft.Batch/batchAccounts", "properties": {}}',
            "is of type Microsoft.Batch/batchAccounts; only",
        ),
        (
            json.dumps({"resources": [RESOURCE | {"properties": {"vmSize": "[parameters('size')]"}}]}),
            "At properties.vmSize stands the expression [parameters('size')]: write its value in its place.",
        ),
        (
            json.dumps({"resources": [RESOURCE | {"identity": {"userAssignedIdentities": {"[x()]": {}}}}]}),
            "At identity.userAssignedIdentities stands the expression [x()]",
        ),
        (
            '{"vmSize": "a", "userAccounts": {"name": "x"}}',
            "At userAccounts: a list of objects belongs there: [{ … }].",
        ),
        ('{"vmSize": "a", "startTask": "x"}', "At startTask: an object belongs there: { … }."),
        ('{"vmSize": 4}', "At vmSize: text belongs there, in quotes."),
        ('{"commandLine": "x", "dependsOn": {"taskIds": [1]}}', "At dependsOn.taskIds: a list of text belongs there"),
        ('{"properties": {"scaleSettings": []}}', "At properties.scaleSettings: an object belongs there"),
        ('"' + "x" * (1 << 20) + '"', "are more than a body can have"),
        (
            "{\n" + " " * 30 + '"vmSize": "a", "displayName" "of the pool that renders frames"}',
            '(line 2, column 60): expecting \':\' delimiter, near “"a", "displayName" "of the pool that ren”.',
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(NotABody) as error:
        pasted(text, "pool")
    assert said in str(error.value)


FIELD_NAMES = sorted(
    OBJECTS | ARM_OBJECTS | LISTS_OF_OBJECTS | LISTS_OF_TEXT | TEXT | {"resources", "type", "value", "enableAutoScale"}
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELD_NAMES), inner, max_size=5),
    max_leaves=20,
)


@given(JSON.map(json.dumps) | st.text())
def test_anything_pasted_is_a_body_or_is_refused_in_words(text: str) -> None:
    try:
        made = pasted(text)
    except NotABody as error:
        assert str(error)
    else:
        assert all(map(str, problems(made.noun, made.clone.body)))
        assert clear_body(made.clone.body)


@given(st.sampled_from(NOUNS), st.dictionaries(st.sampled_from(FIELD_NAMES), JSON, max_size=9))
def test_anything_in_a_body_is_judged_without_a_fall(noun: Noun, body: dict[str, Any]) -> None:
    assert all(map(str, problems(noun, body)))


def test_command_lines_are_quoted_for_a_shell() -> None:
    account: dict[str, Any] = {"account": "render", "resource_group": "films; rm"}
    assert az("pool", "pool-gpu.json", **account) == (
        "az batch account login --name render --resource-group 'films; rm'\n"
        "az batch pool create --json-file pool-gpu.json"
    )
    assert az("schedule", "s.json", **account).endswith("\naz batch job-schedule create --json-file s.json")
    assert az("task", "t.json", **account, job="n:job-1").endswith(
        "\naz batch task create --job-id n:job-1 --json-file t.json"
    )
