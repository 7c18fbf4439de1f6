"""Schedules are made, edited, disabled, ended, deleted and run as somebody asked; nothing that they have is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.bodies.fields import Body
from cards.card import Attachment, Card, plain
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.verbs import Verbs, attached, button, buttons, menu, steady, verbs

NAME = "dailies"
LIKE = "basalt-sh0135-comp"


@pytest.fixture
async def asker(scene: Scene) -> AsyncIterator[Verbs]:
    async with verbs(scene) as made:
        yield made


def golden(name: str, card: Card, asker: Verbs) -> None:
    check(f"verb-{name}", steady(card, asker.scene))


async def body_of(asker: Verbs, schedule: str) -> Body:
    """The schedule as the service answers it, without what it writes itself."""
    card = await asker.ask(f"raw schedule {schedule}")
    found: dict[str, Any] = json.loads(next(each for each in card.blocks if isinstance(each, Attachment)).content)
    return {name: found[name] for name in ("schedule", "jobSpecification", "metadata", "displayName") if name in found}


async def test_a_schedule_like_a_job_with_its_next_five_runs(asker: Verbs) -> None:
    typed = f"schedule create nightly every:1d start:2026-12-01T22:00 like:{LIKE} priority:7"
    form = await asker.form(typed)
    check("verb-schedule-create-form", form)
    assert "Tue 1 Dec 22:00, Wed 2 Dec 22:00, Thu 3 Dec 22:00, Fri 4 Dec 22:00, Sat 5 Dec 22:00 CST" in str(form.notes)
    done = await asker.do(typed)
    golden("schedule-create", done, asker)
    made, like = asker.schedule("nightly").body, asker.job(LIKE).body
    assert made.schedule.recurrence_interval == "P1D"
    assert made.schedule.do_not_run_until
    assert made.schedule.do_not_run_until.isoformat() == "2026-12-02T04:00:00+00:00", "in the asker's zone"
    specification = made.job_specification
    assert (specification.priority, specification.max_parallel_tasks) == (7, like.max_parallel_tasks)
    assert specification.pool_info.pool_id == like.pool_info.pool_id
    assert asker.sent == [("POST", "/jobschedules", "")]


async def test_a_schedule_of_jobs_on_a_pool_and_shown_instead(asker: Verbs) -> None:
    shown = await asker.ask("schedule create thumbs every:30m window:10m pool:encode-spot done:end as:json")
    assert json.loads(attached(shown).content) == {
        "id": "thumbs",
        "schedule": {"recurrenceInterval": "PT1800S", "startWindow": "PT600S"},
        "jobSpecification": {"poolInfo": {"poolId": "encode-spot"}, "onAllTasksComplete": "terminatejob"},
    }
    assert not asker.sent
    asked = await asker.form("schedule create thumbs every:30m pool:encode-spot")
    assert "no job manager task, so each starts without tasks" in str(asked.notes)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("schedule create nightly every:1d", "What are its jobs to be like?"),
        ("schedule create nightly pool:render-gpu every:30s", "is not a span for every"),
        ("schedule create nightly pool:render-gpu start:soon", "is not a moment for start"),
        (f"schedule create {LIKE} pool:render-gpu", f"There is a job {LIKE} already"),
        ("schedule create DAILIES pool:render-gpu", "There is a schedule dailies"),
        ("schedule create nightly pool:rendr-gpu", "There is no pool “rendr-gpu”"),
        ("schedule create nightly like:nowhere", "There is no job “nowhere”"),
        ("schedule enable dailies", "is active already"),
        ("schedule disable legacy-export", "is disabled already"),
        ("schedule set dailies", "What is to change?"),
        ("schedule set dailies priority:2000", "A priority goes from"),
        ("schedule run nowhere", "There is no job schedule “nowhere”"),
        ("schedule restore dailies operation:0123456789ab", "Nothing is kept of schedule dailies"),
    ],
)
async def test_what_cannot_be_is_refused_before_azure_is_asked(asker: Verbs, typed: str, said: str) -> None:
    card = await asker.ask(typed)
    assert card.refused
    assert said in plain(card.title)
    assert not asker.sent


async def test_disabled_and_enabled_by_the_buttons_of_its_card(asker: Verbs) -> None:
    shown = await asker.ask(f"schedule show {NAME}")
    golden("schedule-show", shown, asker)
    done = await asker.do(button(shown, "Disable").command)
    golden("schedule-disable", done, asker)
    assert asker.schedule(NAME).state == "disabled"
    again = await asker.do(button(done, "Undo").command)
    assert plain(again.title) == f"Schedule {NAME} is active again"
    assert asker.schedule(NAME).state == "active"
    assert all(each[2] for each in asker.sent), "both are guarded by the ETag"


async def test_editing_keeps_what_the_form_does_not_know(asker: Verbs) -> None:
    before = await body_of(asker, NAME)
    form = await asker.form(f"schedule set {NAME} every:12h")
    check("verb-schedule-set-form", form)
    done = await asker.do(f"schedule set {NAME} every:12h priority:9 retries:2 end:2027-01-01T00:00Z")
    golden("schedule-set", done, asker)
    after = await body_of(asker, NAME)
    assert after["schedule"] == {
        **before["schedule"], "recurrenceInterval": "PT12H", "doNotRunAfter": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    specification = before["jobSpecification"]
    constraints = {**specification.get("constraints", {}), "maxTaskRetryCount": 2}
    assert after["jobSpecification"] == {**specification, "priority": 9, "constraints": constraints}
    assert {name: after.get(name) for name in ("metadata", "displayName")} == {
        name: before.get(name) for name in ("metadata", "displayName")
    }
    await asker.do(button(done, "Undo").command)
    assert await body_of(asker, NAME) == before


async def test_its_jobs_are_given_another_pool(asker: Verbs) -> None:
    done = await asker.do(f"schedule set {NAME} pool:render-gpu")
    assert plain(done.title) == f"Schedule {NAME} is changed: pool render-gpu"
    assert (await body_of(asker, NAME))["jobSpecification"]["poolInfo"] == {"poolId": "render-gpu"}
    await asker.do(button(done, "Undo").command)
    assert (await body_of(asker, NAME))["jobSpecification"]["poolInfo"] == {"poolId": "render-cpu"}


async def test_run_now_makes_a_job_and_says_what_it_is(asker: Verbs) -> None:
    form = await asker.form(f"schedule run {NAME}")
    check("verb-schedule-run-form", form)
    assert "Azure has no such operation" in str(form.notes)
    done = await asker.do(f"schedule run {NAME}")
    golden("schedule-run", done, asker)
    job, spec = asker.job(f"{NAME}-now-1").body, asker.schedule(NAME).body.job_specification
    assert job.pool_info.pool_id == spec.pool_info.pool_id
    assert job.job_manager_task == spec.job_manager_task
    again = await asker.do(f"schedule run {NAME}")
    assert plain(again.title) == f"Job {NAME}-now-2 is created from schedule {NAME}"


async def test_deleting_counts_jobs_and_tasks_and_can_be_taken_back(asker: Verbs) -> None:
    account = asker.scene.world.accounts["render-prod"]
    jobs = [job for job in account.jobs if job.startswith("thumbnails:")]
    before = await body_of(asker, "thumbnails")
    shown = await asker.ask("schedule show thumbnails")
    assert [option.value for option in menu(shown, "More…").options] == ["set", "terminate", "delete"]
    form = await asker.form("schedule delete thumbnails")
    check("verb-schedule-delete-form", form)
    assert f"{len(jobs)} jobs go with it" in str(form.notes)
    done = await asker.do("schedule delete thumbnails")
    golden("schedule-delete", done, asker)
    assert "thumbnails" not in account.schedules
    assert not [job for job in account.jobs if job.startswith("thumbnails:")]
    back = await asker.do(button(done, "Undo").command)
    assert plain(back.title) == "Schedule thumbnails is created"
    assert await body_of(asker, "thumbnails") == before


async def test_a_schedule_with_secrets_is_deleted_and_not_kept(asker: Verbs) -> None:
    body = {
        "id": "secret",
        "schedule": {"recurrenceInterval": "P1D", "doNotRunUntil": "2030-01-01T00:00:00Z"},
        "jobSpecification": {
            "poolInfo": {"poolId": "render-cpu"},
            "commonEnvironmentSettings": [{"name": "API_KEY", "value": "very-secret-value"}],
        },
    }
    made = await asker.do("schedule create", values={"schedule": "secret", "json": json.dumps(body)})
    assert plain(made.title) == "Schedule secret is created"
    done = await asker.do("schedule delete secret")
    assert "Undo" not in [each.text for each in buttons(done)]
    assert "hold secrets, which are not stored" in str(done)
    for row in await asker.scene.store.operations():
        assert b"very-secret-value" not in row.arguments
        steps = await asker.scene.store.operation_steps(row.id)
        assert not [step for step in steps if b"very-secret-value" in step.result]


async def test_ending_a_schedule_ends_its_job(asker: Verbs) -> None:
    (active,) = asker.jobs(lambda job: job.id.startswith("thumbnails:") and job.state == "active")
    form = await asker.form("schedule terminate thumbnails")
    assert f"Its job {active.id} ends with it" in str(form.notes)
    done = await asker.do("schedule terminate thumbnails")
    golden("schedule-terminate", done, asker)
    assert asker.schedule("thumbnails").state == "completed"
    assert asker.job(active.id).state == "completed"
    refused = await asker.ask("schedule enable thumbnails")
    assert "cannot be changed any more: it is completed, for good" in plain(refused.title)


async def test_somebody_else_was_quicker(asker: Verbs) -> None:
    account = asker.scene.accounts.get("render-prod")
    assert account.writer
    send = account.writer.send
    live = asker.schedule(NAME)

    async def late(*args: object, **more: object) -> object:
        live.body.etag = "0x1"
        return await send(*args, **more)  # type: ignore[arg-type]

    account.writer.send = late  # type: ignore[assignment, method-assign]
    card = await asker.do(f"schedule set {NAME} every:12h")
    assert card.refused
    assert "Somebody changed it since you looked" in str(card)
    assert live.body.schedule.recurrence_interval != "PT12H"
