"""The structs take in every recorded answer, lose nothing of it, and do not drift from the SDK's own models."""

from __future__ import annotations

import ast
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import azure.batch.models._models
import azure.mgmt.batch.models._models
import msgspec
import pytest

from bot.azure.answers import Listing, decoder_of
from bot.azure.models import (
    Application,
    ApplicationResource,
    BatchAccountResource,
    Certificate,
    Job,
    JobSchedule,
    Node,
    PackageResource,
    Pool,
    PoolNodeCounts,
    PreparationStatus,
    RemoteLogin,
    Subtask,
    SupportedImage,
    SupportedSku,
    Task,
    TaskCountsResult,
    VmSize,
    Wire,
    duration,
    select_of,
)
from tests.azure.recordings import answered, body
from tests.shared import shared

_ACCOUNT = "/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts"
LISTS: dict[str, Any] = {
    "DP /pools": Pool,
    "DP /pools/{poolId}/nodes": Node,
    "DP /jobs": Job,
    "DP /jobschedules/{jobScheduleId}/jobs": Job,
    "DP /jobs/{jobId}/tasks": Task,
    "DP /jobschedules": JobSchedule,
    "DP /nodecounts": PoolNodeCounts,
    "DP /applications": Application,
    "DP /certificates": Certificate,
    "DP /supportedimages": SupportedImage,
    "DP /jobs/{jobId}/tasks/{taskId}/subtasksinfo": Subtask,
    "DP /jobs/{jobId}/jobpreparationandreleasetaskstatus": PreparationStatus,
    "/providers/Microsoft.Batch/batchAccounts": BatchAccountResource,
    _ACCOUNT: BatchAccountResource,
}
ENTITIES: dict[str, Any] = {
    "DP /pools/{poolId}": Pool,
    "DP /pools/{poolId}/nodes/{nodeId}": Node,
    "DP /jobs/{jobId}": Job,
    "DP /jobs/{jobId}/tasks/{taskId}": Task,
    "DP /jobschedules/{jobScheduleId}": JobSchedule,
    "DP /jobs/{jobId}/taskcounts": TaskCountsResult,
    "DP /applications/{applicationId}": Application,
    "DP /certificates(thumbprintAlgorithm=,thumbprint=)": Certificate,
    "DP /pools/{poolId}/nodes/{nodeId}/remoteloginsettings": RemoteLogin,
    _ACCOUNT + "/{batchAccounts}": BatchAccountResource,
}
GONE = {
    # What older versions of the service sent and 2025-06-01 does not. Nothing of DOMAIN.md's fields is among it.
    "applicationLicenses",
    "blobSource",
    "certificateReferences",
    "cloudServiceConfiguration",
    "coreQuota",
    "currentDedicated",
    "currentNodeCommunicationMode",
    "maxTasksPerNode",
    "resizeError",
    "resourceTags",
    "runElevated",
    "targetDedicated",
    "targetNodeCommunicationMode",
    "validationStatus",
}
GONE_HERE: dict[Any, set[str]] = {
    Task: {".executionInfo.schedulingError"},  # failureInfo today; a job's is kept
    TaskCountsResult: {".active", ".running", ".completed", ".succeeded", ".failed"},  # before task slots were counted
}


def lost(sent: Any, kept: Any, path: str = "") -> set[str]:
    """Paths of what stands in ``sent`` and not in ``kept``: both are decoded JSON, ``kept`` without defaults."""
    if isinstance(sent, dict):
        found: set[str] = set()
        for key, value in sent.items():
            if key.startswith("odata.") or _is_default(value):
                continue
            if not isinstance(kept, dict) or key not in kept:
                found.add(f"{path}.{key}")
            else:
                found |= lost(value, kept[key], f"{path}.{key}")
        return found
    if isinstance(sent, list):
        return {each for one, other in zip(sent, kept, strict=True) for each in lost(one, other, f"{path}[]")}
    return set() if _same(sent, kept) else {f"{path}={sent!r} became {kept!r}"}


def _is_default(value: Any) -> bool:
    """Empty things; a struct may leave them out when it is written."""
    return value is None or value in ("", [], {}) or (isinstance(value, dict) and all(map(_is_default, value.values())))


def _same(sent: Any, kept: Any) -> bool:
    if sent == kept:
        return True
    try:  # instants: seven digits of a second on the wire, six here
        return abs(datetime.fromisoformat(sent) - datetime.fromisoformat(kept)) <= timedelta(microseconds=1)
    except (TypeError, ValueError):
        return False


def full(value: Any) -> Any:
    """A struct as JSON with every field, defaults included."""
    if isinstance(value, Wire):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        return {wire: full(getattr(value, name)) for name, wire in names}
    if isinstance(value, tuple):
        return [full(each) for each in value]
    if isinstance(value, dict):
        return {key: full(each) for key, each in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def _check(sent: dict[str, Any], kind: type, value: Any) -> None:
    missing = lost(sent, full(value)) - GONE_HERE.get(kind, set())
    assert not {path for path in missing if not set(path.replace("[]", "").split(".")) & GONE}, kind


@pytest.mark.parametrize("route", LISTS)
def test_recorded_lists_are_kept_whole(route: str) -> None:
    kind = LISTS[route]
    seen = list(answered(route))
    assert seen
    for each in seen:
        listing = decoder_of(Listing[kind]).decode(body(each))  # type: ignore[valid-type]
        sent = json.loads(body(each))
        assert listing.batch_next == sent.get("odata.nextLink")
        assert len(listing.value) == len(sent["value"])
        for one, value in zip(sent["value"], listing.value, strict=True):
            _check(one, kind, value)


@pytest.mark.parametrize("route", ENTITIES)
def test_recorded_entities_are_kept_whole(route: str) -> None:
    kind = ENTITIES[route]
    seen = list(answered(route))
    assert seen
    for each in seen:
        _check(json.loads(body(each)), kind, decoder_of(kind).decode(body(each)))


def test_the_comparison_sees_what_is_lost() -> None:
    assert lost({"id": "a", "news": 1, "sub": {"x": 2}}, {"id": "a", "sub": {}}) == {".news", ".sub.x"}
    assert lost({"id": "a"}, {"id": "b"}) == {".id='a' became 'b'"}


def _sdk(module: Any) -> dict[str, dict[str, set[str]]]:
    """The SDK's models: class -> wire name -> classes that the field may hold."""
    classes: dict[str, dict[str, set[str]]] = {}
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = classes.setdefault(node.name, {})
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                keywords = each.value.keywords if isinstance(each.value, ast.Call) else []
                named = [word.value.value for word in keywords if word.arg == "name"]  # type: ignore[attr-defined]
                wire = named[0] if named else each.target.id
                fields[wire] = set(re.findall(r"_models\.(\w+)", ast.unparse(each.annotation)))
    return classes


def _structs_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        return [annotation]
    return [found for each in get_args(annotation) for found in _structs_in(each)]


LEFT_OUT = {
    # Secrets have no field.
    *("password", "accountKey", "sasKey", "sshPrivateKey", "protectedSettings"),
    # ARM: who made the resource and when, which the service does not fill.
    "systemData",
    # A signed address.
    "storageUrl",
    # Of private endpoint connections.
    *("etag", "tags"),
}


@pytest.mark.parametrize(
    ("module", "kind", "model"),
    [
        (azure.batch.models._models, Pool, "BatchPool"),
        (azure.batch.models._models, Node, "BatchNode"),
        (azure.batch.models._models, Job, "BatchJob"),
        (azure.batch.models._models, Task, "BatchTask"),
        (azure.batch.models._models, JobSchedule, "BatchJobSchedule"),
        (azure.batch.models._models, PoolNodeCounts, "BatchPoolNodeCounts"),
        (azure.batch.models._models, TaskCountsResult, "BatchTaskCountsResult"),
        (azure.batch.models._models, Application, "BatchApplication"),
        (azure.batch.models._models, SupportedImage, "BatchSupportedImage"),
        (azure.batch.models._models, Subtask, "BatchSubtask"),
        (azure.batch.models._models, PreparationStatus, "BatchJobPreparationAndReleaseTaskStatus"),
        (azure.batch.models._models, RemoteLogin, "BatchNodeRemoteLoginSettings"),
        (azure.mgmt.batch.models._models, ApplicationResource, "Application"),
        (azure.mgmt.batch.models._models, PackageResource, "ApplicationPackage"),
        (azure.mgmt.batch.models._models, SupportedSku, "SupportedSku"),
        (azure.mgmt.batch.models._models, BatchAccountResource, "BatchAccount"),
    ],
)
def test_the_structs_have_the_fields_of_the_sdk(module: Any, kind: Any, model: str) -> None:
    sdk = _sdk(module)
    todo, seen = [(kind, model)], set()
    while todo:
        struct, name = todo.pop()
        if (struct, name) in seen:
            continue
        seen.add((struct, name))
        ours = {each.encode_name: each.type for each in msgspec.structs.fields(struct)}
        theirs = sdk[name]
        assert set(theirs) - set(ours) <= LEFT_OUT, (struct, name)
        for wire, annotation in ours.items():
            classes = [each for each in theirs.get(wire, ()) if each in sdk]
            todo += [(inner, classes[0]) for inner in _structs_in(annotation) if classes]
    assert seen


def test_select_names_what_the_struct_holds() -> None:
    class Row(Wire):
        id: str = ""
        etag: str = ""
        state_transition_time: datetime | None = None

    assert select_of(Row) == "id,eTag,stateTransitionTime"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT15M", timedelta(minutes=15)),
        ("P7D", timedelta(days=7)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("PT0.0000001S", timedelta()),
        ("P2W", timedelta(weeks=2)),
        ("-PT1H", timedelta(hours=-1)),
        ("P10675199DT2H48M5.4775807S", None),
        ("P99999999999999D", None),
        ("", None),
        ("P", None),
        ("PT", None),
        ("15 minutes", None),
    ],
)
def test_durations(text: str, span: timedelta | None) -> None:
    assert duration(text) == span


def test_seven_digits_of_a_second() -> None:
    task = decoder_of(Task).decode(b'{"creationTime": "2019-03-04T18:40:03.4154539Z"}')
    assert task.creation_time == datetime(2019, 3, 4, 18, 40, 3, 415454, tzinfo=UTC)


def test_unknown_fields_are_passed_over() -> None:
    assert decoder_of(Job).decode(b'{"brandNew": {"x": [1]}, "id": "a"}').id == "a"


def test_vm_sizes_read_capabilities() -> None:
    with shared("azure/specs/batch-arm-2024-02-01/examples/LocationListVirtualMachineSkus.json").open() as file:
        skus = json.load(file)["responses"]["200"]["body"]["value"]
    sizes = {sku.name: VmSize.of(sku) for sku in msgspec.convert(skus, list[SupportedSku])}
    assert sizes["Standard_D1_v2"] == VmSize("Standard_D1_v2", "standardDFamily", 1, 0.75, 0, False, None, 20.0)


def test_odd_capabilities_are_zero() -> None:
    sku = decoder_of(SupportedSku).decode(b'{"name": "x", "capabilities": [{"name": "vCPUs", "value": "many"}]}')
    assert VmSize.of(sku) == VmSize("x", "", 0, 0.0, 0, False, None)
