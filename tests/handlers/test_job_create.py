"""Jobs are made from a few answers, a template, JSON or another job; what Azure would refuse is refused before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from cards.card import Card, plain
from handlers.job.create import of_schedule
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.verbs import Verbs, attached, button, buttons, steady, verbs

LIKE = "basalt-sh0135-comp"


@pytest.fixture
async def asker(scene: Scene) -> AsyncIterator[Verbs]:
    async with verbs(scene) as made:
        yield made


def golden(name: str, card: Card, asker: Verbs) -> None:
    check(f"verb-{name}", steady(card, asker.scene))


async def test_a_job_from_a_few_answers(asker: Verbs) -> None:
    check("verb-job-create-form", await asker.form("job create nightly-1124 pool:render-gpu done:end"))
    done = await asker.do("job create nightly-1124 pool:render-gpu priority:100 time:12h retries:3 name:'The night'")
    golden("job-create", done, asker)
    body = asker.job("nightly-1124").body
    assert (body.pool_info.pool_id, body.priority, body.display_name) == ("render-gpu", 100, "The night")
    assert (body.constraints.max_wall_clock_time, body.constraints.max_task_retry_count) == ("PT12H", 3)
    assert asker.sent == [("POST", "/jobs", "")], "a create takes no If-Match"
    await asker.do(button(done, "Undo").command)
    assert "nightly-1124" not in asker.scene.world.accounts["render-prod"].jobs


async def test_a_clone_has_all_but_the_tasks(asker: Verbs) -> None:
    form = await asker.form(f"job clone {LIKE}")
    check("verb-job-clone-form", form)
    assert {each.name: each.value for each in form.fields}["new"] == f"{LIKE}-2"
    done = await asker.do(f"job clone {LIKE} pool:render-gpu")
    golden("job-clone", done, asker)
    old, new = asker.job(LIKE).body, asker.job(f"{LIKE}-2").body
    assert new.pool_info.pool_id == "render-gpu"
    for name in (
        "max_parallel_tasks",
        "constraints",
        "on_all_tasks_complete",
        "common_environment_settings",
        "metadata",
    ):
        assert getattr(new, name) == getattr(old, name), name
    again = await asker.do(f"job clone {LIKE}")
    assert plain(again.title) == f"Job {LIKE}-3 is created like {LIKE}"


async def test_a_job_of_a_schedule_is_cloned_under_a_name_that_a_job_may_have(asker: Verbs) -> None:
    done = await asker.do("job clone dailies:job-1")
    assert plain(done.title) == "Job dailies-job-2 is created like dailies:job-1"


async def test_a_job_from_json_and_what_is_given_beside_it(asker: Verbs) -> None:
    body = {
        "id": "other",
        "priority": 5,
        "poolInfo": {"poolId": "render-cpu"},
        "commonEnvironmentSettings": [{"name": "API_KEY", "value": "very-secret-value"}],
        "state": "active",
    }
    values = {"job": "from-json", "json": json.dumps(body), "priority": "7"}
    done = await asker.do("job create", values=values)
    assert plain(done.title) == "Job from-json is created"
    made = asker.job("from-json").body
    assert made.priority == 7
    assert made.common_environment_settings
    assert made.common_environment_settings[0].value == "very-secret-value"
    assert "very-secret-value" not in str(await asker.scene.store.operations())
    assert "very-secret-value" not in str(done)


async def test_shown_instead_of_made(asker: Verbs) -> None:
    shown = await asker.ask("job create nightly-1124 pool:render-gpu priority:100 as:json")
    body = json.loads(attached(shown).content)
    assert body == {"id": "nightly-1124", "poolInfo": {"poolId": "render-gpu"}, "priority": 100}
    assert not asker.sent
    az = await asker.ask("job create nightly-1124 pool:render-gpu as:az")
    assert "az batch job create" in str(az)


async def test_a_job_from_a_template(asker: Verbs) -> None:
    saved = await asker.ask(f"template save comp from:job/{LIKE} priority={{priority:0}}")
    assert not saved.refused
    done = await asker.do("job create comp-1 template:comp values:'priority=12'")
    assert plain(done.title) == "Job comp-1 is created"
    assert asker.job("comp-1").body.priority == 12


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("job create nightly-1124", "Which pool is it to run on?"),
        (f"job create {LIKE.upper()} pool:render-gpu", f"There is a job {LIKE} already"),
        ("job create dailies pool:render-gpu", "a job and a schedule cannot share an id"),
        ("job create 'a b' pool:render-gpu", "1 to 64 letters, digits"),
        ("job create nightly pool:rendr-gpu", "There is no pool “rendr-gpu”"),
        ("job create nightly pool:render-gpu priority:2000", "A priority goes from -1000 to 1000"),
        ("job create nightly pool:render-gpu time:soon", "is not a span of time"),
        ("job create nightly template:nothing", "There is no template “nothing” here"),
        ("job create nightly template:a json:b", "Give either a template or JSON"),
        ("job clone nowhere", "There is no job “nowhere”"),
        (f"job clone {LIKE} dailies", "cannot share an id"),
    ],
)
async def test_what_cannot_be_made_is_refused_before_azure_is_asked(asker: Verbs, typed: str, said: str) -> None:
    card = await asker.ask(typed)
    assert card.refused
    assert said in plain(card.title)
    assert not asker.sent


async def test_json_that_is_no_job(asker: Verbs) -> None:
    for content, said in (
        ("{}", "That is no job"),
        ('{"vmSize": "x"}', "a job is wanted"),
        ('{"poolInfo": {"poolId": "render-gpu"}, "onTaskFailure": "…"}', "are hidden"),
        ('{"poolInfo": {"poolId": "render-gpu"}, "jobReleaseTask": {"commandLine": "x"}}', "needs a preparation task"),
    ):
        card = await asker.ask("job create", values={"job": "nightly", "json": content})
        assert card.refused
        assert said in plain(card.title), plain(card.title)


async def test_the_quota_of_jobs_and_schedules_is_looked_at_before(asker: Verbs) -> None:
    account = asker.scene.world.accounts["render-prod"]
    account.facts.job_quota = account.active_jobs + account.active_schedules
    card = await asker.ask("job create nightly pool:render-gpu")
    golden("job-create-quota", card, asker)
    assert card.refused
    assert "Oldest active jobs" in [each.text for each in buttons(card)]
    assert not asker.sent


async def test_an_empty_job_that_ends_by_itself_is_warned_of(asker: Verbs) -> None:
    form = await asker.form("job create nightly pool:render-gpu done:end")
    assert "add tasks soon, or it is over before they come" in str(form.notes)


def test_a_pool_for_a_schedule_is_one_for_the_job() -> None:
    pool = {"poolLifetimeOption": "jobschedule", "keepAlive": False, "pool": {"vmSize": "standard_d2s_v3"}}
    body = {
        "id": "nightly",
        "schedule": {},
        "jobSpecification": {"priority": 3, "poolInfo": {"autoPoolSpecification": pool}},
        "state": "active",
    }
    made = of_schedule(body, "nightly-now-1").body
    assert made["poolInfo"]["autoPoolSpecification"] == {**pool, "poolLifetimeOption": "job"}
    assert (made["id"], made["priority"]) == ("nightly-now-1", 3)
