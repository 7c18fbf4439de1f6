"""What an account has beside pools and jobs: applications, certificates, images, sizes, parts of tasks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.azure.answers import Listing, decoder_of
from bot.azure.errors import AzureError
from bot.azure.models import (
    AccountProperties,
    Application,
    ApplicationResource,
    FamilyQuota,
    PackageResource,
    PreparationStatus,
    Subtask,
    SupportedImage,
    VmSize,
)
from bot.domain.headroom import headroom
from bot.domain.quota import Used
from cards import slack, teams, text
from cards.card import Attachment, Button, Card, Menu, Table, plain
from handlers.inventory.application import Known, application_card
from handlers.inventory.image import support
from handlers.job.preparation import preparations_card, preparations_of
from handlers.task.subtasks import subtasks_card, subtasks_of
from tests.azure.recordings import answered, body
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still
from tests.handlers.test_details import AT, Surroundings, here
from tests.shared import shared

__all__ = ["here"]
EXAMPLES = "azure/specs/batch-data-plane-2024-07-01.20.0/examples"
COMMANDS = {
    "schedule-list": "schedule list",
    "schedule-show": "schedule show thumbnails",
    "schedule-show-disabled": "schedule show legacy-export",
    "schedule-jobs": "schedule jobs thumbnails",
    "application-list": "application list",
    "application-show": "application show renderer",
    "certificate-list": "certificate list",
    "image-list": "image list",
    "image-list-mine": "image list mine:yes",
    "size-list": "size list nc",
    "size-list-mine": "size list mine:yes sort:room",
    "account-show-other": "account show sim-dev",
}


def words(card: Card) -> str:
    return str(text.render(card, width=10_000).payload["text"])


def fits(card: Card) -> None:
    assert slack.render(card).omitted == ()
    assert teams.render(card).summary


def table(card: Card) -> list[list[str]]:
    found = next(block for block in card.blocks if isinstance(block, Table))
    return [[plain(cell) for cell in row.cells] for row in found.rows]


def items(card: Card) -> list[Any]:
    return [item for block in card.blocks for item in getattr(block, "items", ())]


@pytest.mark.parametrize("name", COMMANDS)
async def test_the_card_of_each_command(scene: Scene, name: str) -> None:
    card = await scene.ask(COMMANDS[name])
    assert not card.refused
    fits(card)
    check(f"command-{name}", still(card, scene))


async def test_the_parts_of_a_task_are_reached_by_clicking(scene: Scene) -> None:
    jobs = await scene.ask("job list wing* account:sim-dev")
    menu = next(item for item in items(jobs) if isinstance(item, Menu) and item.label.startswith("Open"))
    job = menu.options[-1].value
    tasks = await scene.ask(f"task list {job} account:sim-dev")
    task = next(item for item in items(tasks) if isinstance(item, Menu) and item.label.startswith("Open")).options[0]
    shown = await scene.ask(f"task show {job} {task.value} account:sim-dev")
    button = next(item for item in items(shown) if isinstance(item, Button) and item.text == "Subtasks")
    card = await scene.ask(button.command)
    fits(card)
    check("command-subtask-list", still(card, scene))
    raw = await scene.ask(next(item.command for item in items(card) if getattr(item, "text", "") == "JSON"))
    assert len(await raw_of(raw)) == len(table(card))
    check("command-raw-subtask", still(raw, scene))


async def test_the_preparation_of_a_job_is_reached_by_clicking(scene: Scene) -> None:
    jobs = await scene.ask("job list calibrate* account:sim-dev")
    menu = next(item for item in items(jobs) if isinstance(item, Menu) and item.label.startswith("Open"))
    job = await scene.ask(menu.command.replace("{}", menu.options[0].value))
    button = next(item for item in items(job) if isinstance(item, Button) and item.text == "Preparation")
    card = await scene.ask(button.command)
    assert "failed on 1" in plain(card.title)
    fits(card)
    check("command-preparation-list", still(card, scene))
    raw = await scene.ask(next(item.command for item in items(card) if getattr(item, "text", "") == "JSON"))
    assert len(await raw_of(raw)) == len(table(card))
    check("command-raw-preparation", still(raw, scene))


async def test_a_job_without_preparation_says_so(scene: Scene) -> None:
    jobs = await scene.ask("job list build* account:sim-dev")
    menu = next(item for item in items(jobs) if isinstance(item, Menu) and item.label.startswith("Open"))
    card = await scene.ask(f"preparation list {menu.options[0].value} account:sim-dev")
    assert not card.refused
    assert "neither a preparation task nor a release task" in words(card)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("application show rendrer", "application show renderer"),
        ("preparation list thumbnails:job-99", "preparation list thumbnails:job-"),
        ("subtask list nowhere x", "job list"),
        ("certificate show 00", "certificate list"),
    ],
)
async def test_unknown_names_get_the_nearest(scene: Scene, typed: str, offered: str) -> None:
    card = await scene.ask(typed)
    assert card.refused
    assert any(item.command.startswith(offered) for item in items(card) if isinstance(item, Button))


async def test_a_certificate_and_why_it_stays(scene: Scene) -> None:
    listed = await scene.ask("certificate list")
    assert [row[3] for row in table(listed)] == ["✖ delete failed", "◐ deleting", "● active"]
    menu = next(item for item in items(listed) if isinstance(item, Menu))
    card = await scene.ask(menu.command.replace("{}", menu.options[0].value))
    assert "PoolsReferencingCertificate" in words(card)
    check("command-certificate-show", still(card, scene))


async def test_certificates_that_are_no_longer_offered(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(_: Any) -> Any:
        raise AzureError("CertificateAPIRetired", "Certificates are gone.", status=400)

    monkeypatch.setattr("bot.azure.account.Account.certificates", gone)
    card = await scene.ask("certificate list")
    assert card.refused
    assert "no longer offered" in plain(card.title)
    assert "Key Vault" in words(card)


async def test_a_lack_of_rights_is_not_taken_for_retirement(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def denied(_: Any) -> Any:
        raise AzureError("AuthorizationPermissionMismatch", "Not you.", status=403)

    monkeypatch.setattr("bot.azure.account.Account.certificates", denied)
    card = await scene.ask("certificate list")
    assert "AuthorizationPermissionMismatch" in plain(card.title)


async def test_applications_without_resource_manager(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def denied(*_: Any) -> Any:
        raise AzureError("NoTokenCredential", "a key is no token")

    monkeypatch.setattr("bot.azure.account.Account.managed", denied)
    monkeypatch.setattr("bot.azure.account.Account.every_managed", denied)
    monkeypatch.setattr("bot.azure.account.Account.resource", denied)
    for typed, shown in (
        ("application list", "4.1"),
        ("application show renderer", "4.1"),
        ("account show", "idle"),
        ("size list", "VM sizes in"),
    ):
        card = await scene.ask(typed)
        assert not card.refused
        assert shown in words(card)
        assert words(card).count("cannot be read: a key is no token") == 1
        assert "not known" not in words(card)


async def test_what_resource_manager_does_not_tell_now_is_said_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any) -> Any:
        raise AzureError("ServerBusy", "Busy.", status=503)

    for name in ("managed", "every_managed", "resource"):
        monkeypatch.setattr(f"bot.azure.account.Account.{name}", busy)
    for typed in ("application list", "application show renderer", "account show", "size list"):
        told = words(await scene.ask(typed))
        assert told.count("503, Azure is busy") == 1, typed
        assert "not to be had" not in told, typed


async def test_an_application_that_waits_to_be_activated_is_found(scene: Scene) -> None:
    card = await scene.ask("application show colour-transforms")
    assert not card.refused
    assert "not activated" in plain(card.title)


@pytest.mark.parametrize("kind", ["account", "pool", "job", "schedule"])
async def test_what_cannot_be_made_here_yet_says_how_it_is_made(scene: Scene, kind: str) -> None:
    card = await scene.ask(f"new {kind}")
    assert card.refused
    assert "not allowed here" in plain(card.title)
    assert "az batch" in words(card)
    check(f"command-new-{kind}", still(card, scene))


async def test_the_home_card_offers_to_make_things(scene: Scene) -> None:
    home = await scene.ask("home sim-dev")
    menu = next(item for item in items(home) if isinstance(item, Menu) and item.label == "+ New")
    assert [option.value for option in menu.options] == ["pool", "job", "schedule", "account"]
    card = await scene.ask(menu.command.replace("{}", "pool"))
    assert "--name sim-dev" in words(card)


def test_recorded_and_official_statuses_are_cards(here: Surroundings) -> None:
    seen = 0
    for kind, route, example, draw in (
        (Subtask, "DP /jobs/{jobId}/tasks/{taskId}/subtasksinfo", "TaskListSubtasks",
         lambda found: subtasks_card(here.source, subtasks_of(here.ctx, here.source, "j", "t"), found, AT)),
        (PreparationStatus, "DP /jobs/{jobId}/jobpreparationandreleasetaskstatus",
         "JobListPreparationAndReleaseTaskStatus",
         lambda found: preparations_card(here.source, preparations_of(here.ctx, here.source, "j"), found, AT)),
    ):  # fmt: skip
        decoder = decoder_of(Listing[kind])  # type: ignore[valid-type]
        official = json.loads(shared(f"{EXAMPLES}/{example}.json").read_text(encoding="utf-8"))
        answers = [body(each) for each in answered(route)]
        answers.append(json.dumps(official["responses"]["200"]["body"]).encode())
        for each in answers:
            card = draw(decoder.decode(each).value)
            fits(card)
            for sent in json.loads(each)["value"]:
                node = sent.get("nodeId") or sent.get("nodeInfo", {}).get("nodeId", "")
                assert node in words(card)
                seen += 1
    assert seen > 3


def test_failed_parts_come_first_with_their_reason(here: Surroundings) -> None:
    found = msgspec.convert(
        [
            {"id": 1, "state": "completed", "exitCode": 0, "result": "success"},
            {"id": 2, "state": "running", "startTime": "2026-11-23T05:00:00Z"},
            {"id": 3, "state": "completed", "exitCode": 139, "result": "failure",
             "failureInfo": {"code": "FailureExitCode", "message": "It ended with 139"}},
        ],
        list[Subtask],
    )  # fmt: skip
    card = subtasks_card(here.source, subtasks_of(here.ctx, here.source, "j", "t"), found, AT)
    assert [row[0] for row in table(card)] == ["3", "1", "2"]
    assert "segmentation fault" in words(card)
    assert "1 h" in words(card)


def test_nodes_whose_preparation_failed_come_first(here: Surroundings) -> None:
    def status(node: str, **run: Any) -> dict[str, Any]:
        return {"poolId": "p", "nodeId": node, "jobPreparationTaskExecutionInfo": {"state": "completed", **run}}

    found = msgspec.convert(
        [status("a", exitCode=0, result="success"), status("b", exitCode=1, result="failure"), {"nodeId": "c"}],
        list[PreparationStatus],
    )
    card = preparations_card(here.source, preparations_of(here.ctx, here.source, "j"), found, AT)
    assert "ready on 1 of 3 nodes" in plain(card.title)
    assert [row[0] for row in table(card)] == ["b", "c", "a"]


def test_recorded_applications_are_cards(here: Surroundings) -> None:
    base = "/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/{batchAccounts}/applications/{applications}"
    seen = 0
    for each in answered("DP /applications/{applicationId}"):
        found = decoder_of(Application).decode(body(each))
        card = application_card(here.ctx, here.source, Known(found.id, found), [], AT)
        assert all(part in words(card) for part in (found.id, found.display_name, *found.versions))
        seen += 1
    for each in answered(base):
        resource = decoder_of(ApplicationResource).decode(body(each))
        card = application_card(here.ctx, here.source, Known(resource.name, None, resource), [], AT)
        assert resource.properties.display_name in words(card)
        assert resource.properties.default_version in words(card)
        seen += 1
    for each in answered(f"{base}/versions/{{versions}}"):
        package = decoder_of(PackageResource).decode(body(each))
        card = application_card(here.ctx, here.source, Known("x"), [package], AT)
        assert package.name in words(card)
        assert package.properties.state.lower() in words(card)
        assert package.properties.format in words(card)
        seen += 1
    assert seen > 30


def test_recorded_images_tell_the_end_of_their_support() -> None:
    ends = 0
    for each in answered("DP /supportedimages"):
        listing = decoder_of(Listing[SupportedImage]).decode(body(each))
        for image in listing.value:
            told = plain(support(image, AT))
            end = image.batch_support_end_of_life
            assert (str(end.year) in told) if end else told == "● supported"
            ends += end is not None
    assert ends


@pytest.mark.parametrize(("days", "told"), [(-1, "✖ ended"), (30, "▲ ends"), (400, "● ends")])
def test_images_near_the_end_of_support_stand_out(days: int, told: str) -> None:
    image = SupportedImage(batch_support_end_of_life=AT + timedelta(days=days))
    assert plain(support(image, AT)).startswith(told)


SIZE = VmSize("Standard_D4s_v5", "standardDSv5Family", 4, 16.0, 0, True, None)
QUOTAS = AccountProperties(
    dedicated_core_quota=100,
    dedicated_core_quota_per_vm_family_enforced=True,
    dedicated_core_quota_per_vm_family=(FamilyQuota("standardDSv5Family", 40),),
)


@pytest.mark.parametrize(
    ("quotas", "used", "nodes"),
    [
        (QUOTAS, Used(), 10),
        (QUOTAS, Used(30, families={"standarddsv5family": 30}), 2),
        (QUOTAS, Used(96), 1),
        (QUOTAS, Used(200), 0),
        (AccountProperties(dedicated_core_quota=100), Used(), 25),
        (AccountProperties(), Used(), None),
        (None, Used(), None),
    ],
)
def test_the_room_that_quotas_leave(quotas: AccountProperties | None, used: Used, nodes: int | None) -> None:
    assert headroom(SIZE, quotas, used, spot=False).nodes == nodes


def test_a_family_without_a_quota_has_no_room() -> None:
    assert headroom(replace_family(SIZE, "other"), QUOTAS, Used(), spot=False).nodes == 0


def replace_family(size: VmSize, family: str) -> VmSize:
    return msgspec.structs.replace(size, family=family)


async def raw_of(card: Card) -> Any:
    """The JSON that is attached."""
    file = next(block for block in card.blocks if isinstance(block, Attachment))
    return json.loads(file.content)


async def test_an_image_is_shown_with_the_pools_that_are_made_of_it(scene: Scene) -> None:
    listed = await scene.ask("image list mine:yes")
    menu = next(item for item in items(listed) if isinstance(item, Menu) and item.label == "Open an image")
    card = await scene.ask(menu.command.replace("{}", menu.options[0].value))
    fits(card)
    check("command-image-show", still(card, scene))
    assert plain(card.title).startswith("Image ")
    assert any(isinstance(item, Menu) and item.label == "Open a pool" for item in items(card))
    again = await scene.ask(f"image show '{menu.options[0].value.replace(':', ' ')}'")
    assert plain(again.title) == plain(card.title), "words do as well"
    raw = await scene.ask(next(item.command for item in items(card) if getattr(item, "text", "") == "JSON"))
    (sent, *_) = await raw_of(raw)
    assert ":".join(sent["imageReference"][each] for each in ("publisher", "offer", "sku")) == menu.options[0].value
    nothing = await scene.ask("image show beos")
    assert nothing.refused
    assert "no image that the service offers" in plain(nothing.title)


@pytest.mark.parametrize(
    ("listed", "label", "says"),
    [
        ("application show renderer", "JSON", "renderer"),
        ("certificate show {}", "JSON", "thumbprint"),
        ("raw size d4s_v3", None, "capabilities"),
    ],
)
async def test_the_json_of_what_an_account_has(scene: Scene, listed: str, label: str | None, says: str) -> None:
    if "{}" in listed:
        menu = next(item for item in items(await scene.ask("certificate list")) if isinstance(item, Menu))
        listed = listed.format(menu.options[0].value)
    card = await scene.ask(listed)
    if label:
        card = await scene.ask(next(item.command for item in items(card) if getattr(item, "text", "") == label))
    assert not card.refused
    fits(card)
    assert says in json.dumps(await raw_of(card))
    for item in items(card):
        if isinstance(item, Button):
            assert not (await scene.ask(item.command)).refused, item.command
    check(f"command-raw-{listed.split()[0 if label else 1]}", still(card, scene))


@pytest.mark.parametrize(
    ("typed", "said", "offered"),
    [
        ("raw size d4s_v33", "no VM size", "raw size Standard_D4s_v3"),
        ("raw application nothing", "", ""),
        ("raw image beos", "no image", "image list"),
        ("raw certificate 00", "", ""),
        ("raw preparation nothing:job-1", "no job", "job list"),
        ("raw subtask nothing:job-1 a", "no job", "job list"),
    ],
)
async def test_the_json_of_nothing_is_refused_in_words(scene: Scene, typed: str, said: str, offered: str) -> None:
    card = await scene.ask(typed)
    assert card.refused
    assert said in plain(card.title)
    assert "went wrong inside" not in plain(card.title)
    if offered:
        assert any(item.command.startswith(offered) for item in items(card) if isinstance(item, Button))
