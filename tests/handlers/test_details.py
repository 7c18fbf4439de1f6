"""Every field that people want to see stands on the card of every recorded body, on every platform."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.answers import decoder_of
from bot.azure.errors import AzureError
from bot.azure.models import (
    BatchAccountResource,
    Certificate,
    Job,
    JobSchedule,
    Node,
    Pool,
    SupportedImage,
    Task,
    VmSize,
)
from bot.chat.request import CommandRequest, Conversation, Person
from bot.content.outgoing import outgoing
from bot.domain.quota import Used
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.context import Context
from bot.requests.live import LiveAnswers
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AccountSettings
from cards import slack, teams, text
from cards.card import Card, Fold, Link
from handlers.account.show import account_card
from handlers.inventory.certificate import certificate_card
from handlers.job.show import job_card
from handlers.node.show import node_card
from handlers.pool.show import pool_card
from handlers.schedule.show import schedule_card
from handlers.task.show import task_card
from tests.azure.recordings import answered, recordings
from tests.azure.service import KEY
from tests.cards import limits, schemas
from tests.commands import every_command
from tests.golden import check
from tests.handlers import fields, full_bodies
from tests.shared import shared

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
USED = Used()
_BATCH_ACCOUNT = "/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts"


@dataclass(frozen=True)
class Surroundings:
    """A context and an account that nobody asks anything."""

    ctx: Context
    source: Account


@pytest.fixture
def here() -> Surroundings:
    settings = AccountSettings(
        "https://a.westeurope.batch.azure.com", "sub", "group", account="a", credential="shared_key", key_env="KEY"
    )
    accounts = Accounts({"a": settings}, {"KEY": KEY})
    request = CommandRequest("k", "", Person("text", "viewer"), Conversation("text", "here"), AT)
    nothing = cast(Any, None)
    services = Services(every_command(), Policy(Access(AccessSettings())), nothing, AzureReading(accounts))
    ctx = Context(request, services, "UTC", nothing, LiveAnswers())
    return Surroundings(ctx, accounts.get())


Draw = Callable[[Surroundings, Any], Card]


@dataclass(frozen=True)
class Entity:
    """How an entity's body becomes a card, where such bodies are recorded, and what has to be on the card."""

    kind: Any
    draw: Draw
    fields: dict[str, fields.Said]
    routes: tuple[str, ...]
    lists: tuple[str, ...]
    examples: tuple[str, ...]
    parameter: str
    """The name that such a body has in examples of requests."""
    full_bodies: tuple[dict[str, Any], ...]
    """Bodies made to have everything; the first has nearly all."""


ENTITIES = {
    "pool": Entity(
        Pool,
        lambda here, body: pool_card(here.ctx, here.source, body, AT),
        fields.POOL,
        ("DP /pools/{poolId}",),
        ("DP /pools",),
        ("Pool",),
        "pool",
        (full_bodies.POOL, full_bodies.OTHER_POOL),
    ),
    "node": Entity(
        Node,
        lambda here, body: node_card(here.ctx, here.source, "p", body, AT),
        fields.NODE,
        ("DP /pools/{poolId}/nodes/{nodeId}",),
        ("DP /pools/{poolId}/nodes",),
        ("NodeGet", "NodeList"),
        "-",
        (full_bodies.NODE, full_bodies.OTHER_NODE),
    ),
    "job": Entity(
        Job,
        lambda here, body: job_card(here.ctx, here.source, body, AT),
        fields.JOB,
        ("DP /jobs/{jobId}",),
        ("DP /jobs", "DP /jobschedules/{jobScheduleId}/jobs"),
        ("JobGet.", "JobList.", "JobAdd", "JobListFromJobSchedule"),
        "job",
        (full_bodies.JOB, full_bodies.OTHER_JOB, full_bodies.NAMED_POOL),
    ),
    "task": Entity(
        Task,
        lambda here, body: task_card(here.ctx, here.source, "j", body, AT),
        fields.TASK,
        ("DP /jobs/{jobId}/tasks/{taskId}",),
        ("DP /jobs/{jobId}/tasks",),
        ("TaskGet", "TaskList.", "TaskAdd_"),
        "task",
        (full_bodies.TASK,),
    ),
    "schedule": Entity(
        JobSchedule,
        lambda here, body: schedule_card(here.ctx, here.source, body, AT),
        fields.SCHEDULE,
        ("DP /jobschedules/{jobScheduleId}",),
        ("DP /jobschedules",),
        ("JobScheduleGet", "JobScheduleList", "JobScheduleAdd"),
        "jobSchedule",
        (full_bodies.SCHEDULE, full_bodies.OTHER_SCHEDULE),
    ),
    "certificate": Entity(
        Certificate,
        lambda here, body: certificate_card(here.ctx, here.source, body, AT),
        fields.CERTIFICATE,
        ("DP /certificates(thumbprintAlgorithm=,thumbprint=)",),
        ("DP /certificates",),
        ("CertificateGet", "CertificateList"),
        "-",
        (full_bodies.CERTIFICATE,),
    ),
    "account": Entity(
        BatchAccountResource,
        lambda here, body: account_card(here.ctx, here.source, body, USED, [], AT),
        fields.ACCOUNT,
        (f"{_BATCH_ACCOUNT}/{{batchAccounts}}",),
        (_BATCH_ACCOUNT, "/providers/Microsoft.Batch/batchAccounts"),
        ("BatchAccountGet", "PrivateBatchAccountGet", "BatchAccountList"),
        "-",
        (full_bodies.ACCOUNT,),
    ),
}


def bodies(entity: Entity) -> Iterator[dict[str, Any]]:
    """Recorded bodies, those of the official examples, and one made to have everything."""
    for each in answered(*entity.routes):
        yield each["response_body"]
    for each in answered(*entity.lists):
        yield from each["response_body"]["value"]
    plane = "batch-arm-2024-02-01" if entity.kind is BatchAccountResource else "batch-data-plane-2024-07-01.20.0"
    for path in sorted(shared(f"azure/specs/{plane}/examples").glob("*.json")):
        if path.name.startswith(entity.examples):
            yield from _examples(json.loads(path.read_text(encoding="utf-8")), entity)
    yield from entity.full_bodies


def _examples(example: dict[str, Any], entity: Entity) -> Iterator[dict[str, Any]]:
    asked = example["parameters"].get(entity.parameter)
    if isinstance(asked, dict):
        yield asked
    body = example["responses"].get("200", {}).get("body")
    if isinstance(body, dict):
        yield from body.get("value", [body])


def shown(card: Card) -> str:
    """The card as one text, wide enough that nothing is broken into lines."""
    return str(text.render(card, width=100_000).payload["text"])


@pytest.mark.parametrize("name", ENTITIES)
def test_every_field_of_every_body_is_on_its_card(here: Surroundings, name: str) -> None:
    entity = ENTITIES[name]
    seen: set[str] = set()
    number = 0
    for number, body in enumerate(bodies(entity), start=1):  # noqa: B007 - counted
        card = outgoing(entity.draw(here, decoder_of(entity.kind).decode(json.dumps(body))))
        words = shown(card)
        for path, said in entity.fields.items():
            for value in fields.values(body, path):
                expected = said(value, card)
                assert expected in words, f"{path} = {value!r} is not on the card as {expected!r}:\n{words}"
                seen.add(path)
    assert number > 10
    assert set(entity.fields) - seen == set(), "no body has these, so nothing is proved of them"


@pytest.mark.parametrize("name", ENTITIES)
def test_every_recorded_body_fits_into_every_platform(here: Surroundings, name: str) -> None:
    entity = ENTITIES[name]
    for body in bodies(entity):
        card = entity.draw(here, decoder_of(entity.kind).decode(json.dumps(body)))
        drawn = slack.render(card)
        message: Any = drawn.payload
        assert limits.slack_message(message) == []
        assert len(message["blocks"]) <= 50
        assert drawn.omitted == (), f"{card.title}: {drawn.omitted}"
        adaptive: Any = teams.render(card).payload
        assert limits.teams_card(adaptive) == []
        if body in entity.full_bodies:
            assert schemas.faults(schemas.slack_blocks(), message["blocks"]) == []
            assert schemas.faults(schemas.adaptive_card(), adaptive) == []


def unfolded(card: Card) -> Card:
    """The card as it is once somebody asked for all details."""
    return replace(
        card, blocks=tuple(replace(each, opened=True) if isinstance(each, Fold) else each for each in card.blocks)
    )


def test_command_lines_that_are_too_long_are_cut_and_none_is_dropped(here: Surroundings) -> None:
    """A schedule with a pool of its own, a job manager, preparation and release: all of it, or the start of each."""
    body = copy.deepcopy(full_bodies.SCHEDULE)
    spec = body["jobSpecification"]
    tasks = [spec["jobManagerTask"], spec["jobPreparationTask"], spec["jobReleaseTask"]]
    tasks.append(spec["poolInfo"]["autoPoolSpecification"]["pool"]["startTask"])
    check("schedule-whole", ENTITIES["schedule"].draw(here, decoder_of(JobSchedule).decode(json.dumps(body))))
    for number, task in enumerate(tasks):
        task["commandLine"] = f"/bin/bash -c 'run-{number} " + "--with-an-option=value " * 200
    card = unfolded(ENTITIES["schedule"].draw(here, decoder_of(JobSchedule).decode(json.dumps(body))))
    for render in (slack.render, teams.render):
        drawn = render(card)
        shown = json.dumps(drawn.payload)
        for number in range(len(tasks)):
            assert f"run-{number} --with-an-option=value --with-an-option=value" in shown
        assert not any("block" in phrase for phrase in drawn.omitted), drawn.omitted
        assert all("Mounts" in phrase for phrase in drawn.omitted if "fact" in phrase), (
            "what matters least goes, by name"
        )
    assert "4 lines" in slack.render(card).omitted, "what was cut is said"


@pytest.mark.parametrize("name", ENTITIES)
def test_a_body_without_anything_is_a_card_all_the_same(here: Surroundings, name: str) -> None:
    entity = ENTITIES[name]
    card = entity.draw(here, entity.kind())
    for render in (slack.render, teams.render, text.render):
        assert render(card).summary


@pytest.mark.parametrize("name", ENTITIES)
def test_a_field_that_is_dropped_is_noticed(here: Surroundings, name: str) -> None:
    """The proof above can fail: a card of another body does not have this one's names."""
    entity = ENTITIES[name]
    other = entity.draw(here, entity.kind())
    missing = [
        path
        for path, said in entity.fields.items()
        for value in fields.values(entity.full_bodies[0], path)
        if said(value, other) not in shown(other)
    ]
    assert len(missing) > len(entity.fields) // 2


def test_no_signature_and_no_secret_setting_is_on_any_card(here: Surroundings) -> None:
    signed = "https://a.blob.core.windows.net/c/f?sv=2024-01-01&se=2027&sig=8hJ%2Fq3xZ0pAbCdEfGhIjKlMnOpQrStUvWxYz%3D"
    body = {
        "id": "t",
        "commandLine": f"curl {signed}",
        "resourceFiles": [{"httpUrl": signed, "filePath": "f"}, {"storageContainerUrl": signed}],
        "outputFiles": [{"filePattern": "*", "destination": {"container": {"containerUrl": signed}}}],
        "environmentSettings": [
            {"name": "STORAGE_KEY", "value": "hunter2"},
            {"name": "apiToken", "value": "hunter2"},
            {"name": "DB_CONNECTION_STRING", "value": "hunter2"},
            {"name": "KEYBOARD", "value": "qwertz"},
            {"name": "SOURCE", "value": signed},
        ],
        "executionInfo": {"failureInfo": {"code": "c", "message": f"cannot read {signed}"}},
    }
    card = outgoing(unfolded(task_card(here.ctx, here.source, "j", msgspec.convert(body, Task), AT)))
    for render in (slack.render, teams.render, text.render):
        words = msgspec.json.encode(render(card).payload).decode()
        assert "hunter2" not in words
        assert "sig=" not in words
        assert "8hJ" not in words
        assert "qwertz" in words
        assert "https://a.blob.core.windows.net/c/f" in words


def test_the_portal_is_linked_where_it_is_known(here: Surroundings) -> None:
    def links(card: Card) -> list[str]:
        items = [item for block in card.blocks for item in getattr(block, "items", ())]
        return [item.url for item in items if isinstance(item, Link)]

    account = "https://portal.azure.com/#@/resource/subscriptions/sub/resourceGroups/group/providers/Microsoft.Batch/"
    for name, page in (("pool", "pools"), ("job", "jobs"), ("schedule", "jobSchedules"), ("account", "overview")):
        entity = ENTITIES[name]
        assert links(entity.draw(here, entity.kind())) == [f"{account}batchAccounts/a/{page}"]
    whole = ENTITIES["account"].draw(here, decoder_of(BatchAccountResource).decode(json.dumps(full_bodies.ACCOUNT)))
    root = "https://portal.azure.com/#@/resource/subscriptions/s/resourceGroups/g/providers"
    assert links(whole)[1:] == [
        f"{root}/Microsoft.Storage/storageAccounts/files",
        f"{root}/Microsoft.KeyVault/vaults/safe",
    ]


def test_recordings_are_there() -> None:
    assert len(recordings()) > 1000


def test_the_next_run_of_every_active_schedule_is_on_its_card(here: Surroundings) -> None:
    seen = 0
    for body in bodies(ENTITIES["schedule"]):
        upcoming = body.get("executionInfo", {}).get("nextRunTime")
        if upcoming and body.get("state", "").lower() == "active":
            card = ENTITIES["schedule"].draw(here, decoder_of(JobSchedule).decode(json.dumps(body)))
            assert fields.when(upcoming, card) in shown(card)
            seen += 1
    assert seen


def test_a_pool_tells_its_machine_and_the_ends_of_support(here: Surroundings) -> None:
    pool = msgspec.convert(full_bodies.POOL, Pool)
    machine = pool.virtual_machine_configuration
    assert machine
    ends = datetime(2026, 12, 31, tzinfo=UTC)
    size = VmSize("Standard_D4s_v5", "standardDSv5Family", 4, 16.0, 2, True, datetime(2026, 11, 1, tzinfo=UTC))
    image = SupportedImage(image_reference=machine.image_reference, batch_support_end_of_life=ends)
    words = shown(pool_card(here.ctx, here.source, pool, AT, None, {"standard_d4s_v5": size}, [image]))
    assert "4 cores · 16 GB · 2 GPUs" in words
    assert "▲ ends 31 Dec 2026" in words
    assert "✖ ended 1 Nov 2026" in words


@pytest.mark.parametrize(
    ("hours", "dedicated", "said"),
    [
        (1, 9, "The last resize fell short · "),
        (25, 9, "The last resize fell short (over a day ago) · "),
        (1, 12, "The last resize fell short (stale) · "),
        (40, 12, "The last resize fell short (stale: over a day old) · "),
    ],
)
def test_a_resize_error_of_a_pool_that_has_what_it_wants_is_stale(
    here: Surroundings, hours: int, dedicated: int, said: str
) -> None:
    pool = msgspec.structs.replace(
        msgspec.convert(full_bodies.POOL, Pool),
        allocation_state_transition_time=AT - timedelta(hours=hours),
        current_dedicated_nodes=dedicated,
        current_low_priority_nodes=5 if dedicated == 9 else 7,
    )
    assert said in shown(pool_card(here.ctx, here.source, pool, AT))


def test_a_node_in_trouble_tells_the_cause_and_what_to_do(here: Surroundings) -> None:
    words = shown(node_card(here.ctx, here.source, "p", msgspec.convert(full_bodies.NODE, Node), AT))
    assert "DiskFull: No room is left" in words
    assert "Likely: the temporary disk is full" in words
    assert "To do: " in words


def test_a_task_whose_node_is_gone_says_so(here: Surroundings) -> None:
    gone = AzureError("NodeNotFound", "It is not there.", status=404)
    words = shown(task_card(here.ctx, here.source, "j", msgspec.convert(full_bodies.TASK, Task), AT, gone))
    assert "The node is gone, and its files with it" in words
    node = msgspec.convert(full_bodies.NODE, Node)
    words = shown(task_card(here.ctx, here.source, "j", msgspec.convert(full_bodies.TASK, Task), AT, node))
    assert "10.0.0.4" in words
    assert "203.0.113.7:50003 → 22/tcp" in words
