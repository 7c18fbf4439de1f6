"""Failures that are the same stand together, with what they have in common, and what can be done."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bot.domain.entity import schedule_of
from bot.monitor.account_state import JobRecord
from bot.monitor.scene import JobView
from bot.sandbox.entity_parts import ApplicationPackageReference
from bot.sandbox.entity_specs import TaskSpecification
from bot.sandbox.world.behaviour import BLOB_NOT_FOUND, DISK_FULL, exited
from cards.card import Bullets, Card, Footer, Picture, Words, plain
from cards.charts.draw import draw
from handlers.failures import answer, logs, tasks
from handlers.failures.card import SHOWN
from storage.port.black_box import KeptFile, KeptTask
from storage.port.changes import ChangeSet
from storage.port.monitoring import EntitySnapshot, Transition
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.failing import a_job, farm, ran
from tests.handlers.test_cards import still
from tests.handlers.verbs import button, buttons, verbs

JOB = "nightly"


def nightly(scene: Scene) -> dict[str, list[str]]:
    """A job of 1,506 tasks: 198 out of memory on two spot nodes since a while, 12 without input, 6 of a program."""
    pool = farm(scene, "farm", 8, 2)
    job = a_job(scene, JOB, pool)
    nodes = pool.ordered()
    spot = [node for node in nodes if node.id.endswith("_p")]
    own = [node for node in nodes if node.id.endswith("_d")]
    assert (len(own), len(spot)) == (8, 2)
    ran(scene, job, nodes, 1290, ago=18_000, every=10)
    return {
        "memory": ran(scene, job, spot, 198, exited(137), first=1400, ago=5_400, every=20),
        "input": ran(scene, job, nodes, 12, BLOB_NOT_FOUND, first=2000, ago=13_000, every=900),
        "program": ran(scene, job, own, 6, exited(42), first=3000, ago=4_000, every=60),
        "nodes": [node.id for node in spot],
    }


def words(card: Card) -> str:
    """All that a card says in sentences."""
    return "\n".join(plain(block.text) for block in card.blocks if isinstance(block, Words | Footer))


def picture(card: Card) -> Picture | None:
    return next((block for block in card.blocks if isinstance(block, Picture)), None)


async def test_failures_of_a_job_a_pool_and_the_account(scene: Scene) -> None:
    nightly(scene)
    for name, asked in (
        ("job", f"failures job {JOB}"),
        ("pool", "failures pool FARM"),
        ("account", "failures 7d"),
        ("none", "failures pool render-cpu 1h"),
        ("unknown-job", "failures job nightl"),
    ):
        card = await scene.ask(asked)
        check(f"failures-{name}", still(card, scene))
        assert card.refused is name.startswith("unknown")
    card = await scene.ask(f"failures job {JOB}")
    assert plain(card.title) == "216 of 1,506 tasks of job nightly failed · 4 causes"
    assert "all on 2 nodes (30 % of all tasks) · all on spot nodes (30 % of all tasks) · all since 04:30" in words(card)
    drawn = picture(card)
    assert drawn
    assert draw(drawn.chart)[:4] == b"\x89PNG"
    asked = buttons(await scene.ask(f"why job {JOB}"))
    assert asked[0].command.startswith(f"failures job {JOB}"), "of many failures all of them are shown first"
    assert plain((await scene.ask("failures account 7d")).title) == plain((await scene.ask("failures 7d")).title)
    for wrong in ("failures pool farm yesterday", "failures 999d"):
        refused = await scene.ask(wrong)
        assert refused.refused
        assert "is not a window" in plain(refused.title) + words(refused)
        path = wrong.rpartition(" ")[0]
        assert {each.command for each in buttons(refused)} >= {f"{path} 24h", f"{path} 7d"}, "offers of its own"


async def test_of_many_causes_only_those_shown_are_compared_and_off_the_event_loop(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thousand failures of seven hundred causes took half a minute, in which nothing else was answered."""
    job = a_job(scene, "odd", (pool := farm(scene, "farm", 2, 0)))
    for code in range(3, 12):
        ran(scene, job, pool.ordered(), 3, exited(code), first=10 * code)
    compared: list[bool] = []
    plainly = answer.in_common

    def in_common(*args: object, **options: object) -> object:
        compared.append(threading.current_thread() is threading.main_thread())
        return plainly(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(answer, "in_common", in_common)
    assert "15 causes" in plain((await scene.ask("failures job odd")).title)
    assert compared == [False] * SHOWN


async def test_what_is_read_is_bounded_and_said(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    nightly(scene)
    monkeypatch.setattr(tasks, "PAGE", 50)
    monkeypatch.setattr(tasks, "MOST", 100)
    card = await scene.ask(f"failures job {JOB}")
    assert plain(card.title).startswith("216 of 1,506 tasks of job nightly failed")
    assert "of 216 failed, 100 read" in words(card)
    assert "all since" not in words(card), "nobody knows which were left out"
    card = await scene.ask("failures pool farm")
    assert plain(card.title).startswith("At least 100 failures in pool farm")
    assert "of more than 100 failed, 100 read" in words(card)
    assert "before" not in words(card)
    monkeypatch.setattr(answer, "JOBS", 1)
    monkeypatch.setattr("handlers.failures.windows.JOBS", 1)
    part = await scene.ask("failures 7d")
    assert "jobs, 1 read" in words(part)
    assert "has failed in what was read" in plain(part.title), "nobody knows what failed in the others"


async def test_a_new_package_is_named(scene: Scene) -> None:
    pool = farm(scene, "farm", 10, 0)
    job, nodes = a_job(scene, JOB, pool), pool.ordered()

    def with_(version: str) -> TaskSpecification:
        return TaskSpecification(
            application_package_references=[ApplicationPackageReference(application_id="renderer", version=version)]
        )

    ran(scene, job, nodes, 100, ago=9_000, every=10, spec=with_("2.0"))
    ran(scene, job, nodes, 30, exited(1), first=500, ago=3_000, every=10, spec=with_("2.1"))
    card = await scene.ask(f"failures job {JOB}")
    assert "all with package renderer 2.1 (23 % of all tasks)" in words(card)
    assert "all since" in words(card) or "unread" in words(card)


async def test_the_window_before_and_what_is_new(scene: Scene) -> None:
    pool = farm(scene, "farm", 4, 0)
    job, nodes = a_job(scene, JOB, pool), pool.ordered()
    ran(scene, job, nodes, 10, exited(137), ago=30 * 3600)
    ran(scene, job, nodes, 25, exited(137), first=100, ago=7200)
    ran(scene, job, nodes, 5, DISK_FULL, first=200, ago=7200)
    card = await scene.ask("failures pool farm 24h")
    assert "10 in the 24 hours before: 3 times." in words(card)
    assert "10 of that exit code in the 24 hours before" in words(card)
    assert "new: none in the 24 hours before" in words(card)
    assert plain(card.title).startswith("30 failures in pool farm · last 24 hours")


async def test_a_schedules_last_run_against_those_before(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    account = scene.world.accounts["render-prod"]
    runs = Counter(schedule_of(job) for job in account.jobs if schedule_of(job))
    name = max(runs, key=runs.__getitem__)
    many = max(int(job.rpartition("-")[2]) for job in account.jobs if schedule_of(job) == name)
    none = await scene.ask(f"failures schedule {name}")
    assert plain(none.title).startswith(f"No task of job {name}:job-{many} has failed")
    assert words(none).startswith("None failed in the ")
    nodes = farm(scene, "farm", 4, 0).ordered()
    before, last = (account.jobs[f"{name}:job-{number}"] for number in (many - 1, many))
    monkeypatch.setattr(account.job_lifecycle, "refuse_gone", lambda job: None)  # they are over
    ran(scene, before, nodes, 7, exited(137), named="more-{:03}")
    ran(scene, last, nodes, 21, exited(137), named="more-{:03}")
    ran(scene, last, nodes, 2, DISK_FULL, named="full-{:03}")
    card = await scene.ask(f"failures schedule {name}")
    check("failures-schedule", still(card, scene))
    assert "Failed in the 5 runs before, newest first: 7, 0, 0, 0, 0." in words(card)
    assert "7 of that exit code in the run before" in words(card)
    assert "new: none in the run before" in words(card)
    assert words(await scene.ask(f"failures job {name}:job-{many}")) == words(card)
    lately = await scene.ask(f"failures schedule {name} 7d")
    assert f"schedule {name}" in plain(lately.title)


async def test_what_was_kept_is_told_where_the_logs_are_gone(scene: Scene) -> None:
    nightly(scene)
    account = scene.world.accounts["render-prod"]
    failed = account.jobs[JOB].tasks["frame-1400"].execution_info
    assert failed.end_time
    kept = KeptTask(
        "render-prod",
        JOB,
        "frame-1400",
        failed.end_time,
        datetime.now(UTC),
        exit_code=137,
        line="terminate called: texture cache is 31 GB",
        line_in="stderr.txt",
        files=(KeptFile("stderr.txt", "loading\nterminate called: texture cache is 31 GB\n"),),
    )
    earlier = KeptTask(
        "render-prod", JOB, "frame-1401", failed.end_time - timedelta(days=1), datetime.now(UTC), line="of another run"
    )
    await scene.store.keep([kept, earlier])
    scene.world.accounts["render-prod"].commands.remove_nodes(
        "farm", [node.id for node in account.pools["farm"].ordered()]
    )
    scene.advance(minutes=30)
    card = await scene.ask(f"failures job {JOB}")
    printed = next(block for block in card.blocks if isinstance(block, Bullets))
    assert [plain(each) for each in printed.items] == ["loading", "terminate called: texture cache is 31 GB"]
    assert "of another run" not in str(card)


async def test_exactly_these_run_again_and_these_nodes_take_no_more(scene: Scene) -> None:
    made = nightly(scene)
    async with verbs(scene) as asker:
        card = await asker.ask(f"failures job {JOB}")
        split = [each for each in buttons(card) if each.text.startswith("Reactivate")]
        assert [each.text for each in split] == ["Reactivate 198", "Reactivate 12", "Reactivate 4", "Reactivate 2"]
        four, two = split[2].command, split[3].command
        assert four == next(
            each.command for each in buttons(await asker.ask(f"failures job {JOB}")) if each.text == "Reactivate 4"
        ), "the same tasks have the same word"
        asked = await asker.ask(four)
        assert plain(asked.title).startswith("Run 4 tasks of job nightly again")
        assert "4 tasks start anew: " in words(asked) + str(asked.blocks)
        await asker.do(four)
        sent = {each[1].split("/")[4] for each in asker.sent}
        assert len(sent) == 4
        assert sent < set(made["program"])
        await asker.do(two)
        assert {each[1].split("/")[4] for each in asker.sent} == set(made["program"])
        await asker.do(split[0].command)
        assert {each[1].split("/")[4] for each in asker.sent} == {*made["program"], *made["memory"]}
        again = await asker.ask(four)
        assert again.refused, "they have not failed any more"
        refused = await asker.ask(f"task reactivate texture-bake-1123-0610 {four.split()[3]}")
        assert "Those tasks were chosen of job nightly" in plain(refused.title)
        refused = await asker.ask(f"task reactivate {JOB} picked:{'0' * 24}")
        assert "is no longer known" in plain(refused.title)
        off = button(card, "Disable 2 nodes")
        await asker.do(off.command.replace("'", ""))
        account = scene.world.accounts["render-prod"]
        states = {node.id: node.body.scheduling_state for node in account.pools["farm"].ordered()}
        assert {node for node, state in states.items() if state == "disabled"} == set(made["nodes"])


async def test_whoever_may_not_is_offered_nothing(scene: Scene) -> None:
    nightly(scene)
    async with verbs(scene, viewers=["text:viewer"]) as asker:
        shown = [each.text for each in buttons(await asker.ask(f"failures job {JOB}"))]
    assert "Logs" in shown
    assert not [each for each in shown if each.startswith(("Reactivate", "Disable"))]


async def test_logs_that_cannot_be_read_in_time_are_left_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    nightly(scene)
    monkeypatch.setattr(logs, "PATIENCE", 0.0)
    card = await scene.ask(f"failures job {JOB}")
    assert plain(card.title) == "216 of 1,506 tasks of job nightly failed · 3 causes"
    assert "told apart by the logs of 0 of 204 tasks with an exit code" in words(card)
    assert isinstance(card.blocks[0], Words)


async def test_of_many_jobs_those_that_are_known_to_have_failures_are_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The jobs that ended last are not those that failed."""
    pool = farm(scene, "farm", 2, 0)
    for name, count in (("aa-oldest", 7), ("bb-older", 3)):
        ran(scene, a_job(scene, name, pool), pool.ordered(), count, exited(42), ago=5_000)
    scene.advance(seconds=1)
    for each in range(3):
        a_job(scene, f"zz-new-{each}", pool)
    monkeypatch.setattr(answer, "JOBS", 2)
    monkeypatch.setattr("handlers.failures.windows.JOBS", 2)
    unknown = await scene.ask("failures pool farm")
    assert "No task of pool farm has failed in what was read" in plain(unknown.title)
    at = scene.world.time - timedelta(minutes=60)
    seen = [Transition("render-prod", "task", "bb-older", f"t{each}", "", "failed", at) for each in range(3)]
    view = JobView("AA-Oldest", failed=7, failed_at=at)
    body = msgspec.msgpack.encode(JobRecord(view))
    await scene.store.record(
        ChangeSet(transitions=seen, snapshots=[EntitySnapshot("render-prod", "job", "AA-Oldest", body)])
    )
    card = await scene.ask("failures pool farm")
    assert "10 failures in pool farm" in plain(card.title)
    assert "of 5 jobs, 2 read, those with most known failures first" in words(card)
