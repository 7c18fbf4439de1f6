"""Jobs are disabled, enabled, ended, deleted and set as somebody asked; what Azure would refuse is refused before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from unittest import mock

import pytest

from bot.policy.grants import Grants
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import GrantSettings
from bot.requests.dispatcher import Dispatcher
from bot.sandbox.world.refused import Refused
from bot.settings import AccessSettings
from cards.card import Card, Menu, Words, plain
from handlers.job.move import Move
from storage.port.operations import StepRow
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.verbs import Verbs, button, buttons, items, menu, steady, verbs

BUSY = "basalt-sh0135-comp"
"""A job of the demo with tasks that run and tasks that wait."""
FAILING = "texture-bake-1123-0610"
"""One with failed tasks and none left to run."""
OVER = "aurora-sh0102-comp"


@pytest.fixture
async def asker(scene: Scene) -> AsyncIterator[Verbs]:
    async with verbs(scene) as made:
        yield made


def golden(name: str, card: Card, asker: Verbs) -> None:
    check(f"verb-{name}", steady(card, asker.scene))


async def test_a_job_is_disabled_and_enabled_again_by_its_buttons(asker: Verbs) -> None:
    shown = await asker.ask(f"job show {BUSY}")
    golden("job-show", shown, asker)
    disable = button(shown, "Disable…")
    form = await asker.form(disable.command)
    check("verb-job-disable-form", form)
    done = await asker.do(disable.command, values={"job": BUSY, "tasks": "requeue", "account": "render-prod"})
    assert plain(done.title) == f"Job {BUSY} is disabled"
    golden("job-disable", done, asker)
    job = asker.job(BUSY)
    assert (job.state, job.counts[1]) == ("disabled", 0), "no task runs"
    again = await asker.do(button(done, "Enable").command)
    assert plain(again.title) == f"Job {BUSY} is active again"
    assert job.state == "active"
    golden("job-enable", again, asker)
    assert [each[1].rpartition("/")[2].partition("?")[0] for each in asker.sent] == ["disable", "enable"]
    assert all(each[2] for each in asker.sent), "both are guarded by the ETag that was read"


async def test_disabling_is_undone_by_its_button(asker: Verbs) -> None:
    done = await asker.do(f"job disable {BUSY} tasks:requeue")
    back = await asker.do(button(done, "Undo").command)
    assert plain(back.title) == f"Job {BUSY} is active again"


async def test_undo_alone_shows_what_can_be_taken_back(asker: Verbs) -> None:
    nothing = await asker.ask("undo")
    assert plain(nothing.title) == "You have changed nothing of late that can be taken back."
    await asker.do(f"job disable {BUSY} tasks:requeue")
    offered = await asker.ask("undo")
    back = await asker.do(button(offered, f"Undo job disable {BUSY}").command)
    assert plain(back.title) == f"Job {BUSY} is active again"


async def test_operations_are_chosen_by_what_they_did(asker: Verbs) -> None:
    await asker.do(f"job disable {BUSY} tasks:requeue")
    chosen = next(each for each in items(await asker.ask("operation list")) if isinstance(each, Menu))
    assert [each.text for each in chosen.options] == [f"job disable {BUSY} · {chosen.options[0].value}"]


async def test_a_job_says_why_its_tasks_failed(asker: Verbs) -> None:
    shown = await asker.ask(f"job show {FAILING}")
    why = next(plain(block.text) for block in shown.blocks if isinstance(block, Words))
    assert why.startswith("Why: BlobAccessDenied: the storage refused an input file")
    assert button(shown, "Logs").command.startswith(f"log {FAILING} ")


@pytest.mark.parametrize(("tasks", "finished"), [("wait", "success"), ("terminate", "failure")])
async def test_what_becomes_of_running_tasks(asker: Verbs, tasks: str, finished: str) -> None:
    job = asker.job(BUSY)
    running = [task.id for task in job.running]
    assert running
    await asker.do(f"job disable {BUSY} tasks:{tasks}")
    assert job.state == "disabled"
    assert {job.tasks[task].execution_info.result for task in running} == {finished}


@pytest.mark.parametrize(
    ("typed", "said", "fix"),
    [
        (f"job disable {OVER}", "cannot be changed any more: it is completed", "Open job"),
        (f"job enable {BUSY}", "is active already", "Disable it"),
        (f"job priority {BUSY} 0", "has these settings already", "Open job"),
        (f"job priority {BUSY} 1001", "A priority goes from -1000 to 1000", "Help"),
        (f"job set {BUSY}", "What is to change?", f"job set {BUSY} retries:3"),
        (f"job set {BUSY} retries:101", "Retries go from 0 to 100", "Help"),
        (f"job set {BUSY} parallel:0", "At least one task", "Help"),
        (f"job set {BUSY} time:soon", "is not a span of time", "Help"),
        ("job disable basalt-sh0135", "There is no job “basalt-sh0135”", BUSY),
        (f"job terminate {BUSY} reason:{'x' * 201}", "200 characters at most", ""),
    ],
)
async def test_what_cannot_be_is_refused_before_azure_is_asked(asker: Verbs, typed: str, said: str, fix: str) -> None:
    card = await asker.ask(typed)
    assert card.refused
    assert said in plain(card.title)
    assert not fix or fix in [each.text for each in buttons(card)]
    assert not asker.sent


async def test_ending_a_job_asks_and_says_what_ends(asker: Verbs) -> None:
    asked = await asker.ask(f"job terminate {BUSY} reason:'wrong input'")
    assert not asker.sent
    assert "running tasks end" in str(asked)
    done = await asker.do(f"job terminate {BUSY} reason:'wrong input'")
    golden("job-terminate", done, asker)
    job = asker.job(BUSY)
    assert (job.state, job.body.execution_info.terminate_reason) == ("completed", "wrong input")


async def test_deleting_a_job_counts_its_tasks_and_says_that_files_go(asker: Verbs) -> None:
    shown = await asker.ask(f"job show {OVER}")
    assert [option.value for option in menu(shown, "More…").options] == ["clone", "delete"]
    form = await asker.form(f"job delete {OVER}")
    check("verb-job-delete-form", form)
    done = await asker.do(f"job delete {OVER}")
    assert plain(done.title) == f"Job {OVER} is deleted"
    assert OVER not in asker.scene.world.accounts["render-prod"].jobs
    golden("job-delete", done, asker)


async def test_a_priority_is_set_and_taken_back(asker: Verbs) -> None:
    job = asker.job(BUSY)
    form = await asker.form(f"job priority {BUSY}")
    assert {each.name: each.value for each in form.fields}["priority"] == "0", "it is filled from the job"
    done = await asker.do(f"job priority {BUSY} 100")
    golden("job-priority", done, asker)
    assert job.body.priority == 100
    await asker.do(button(done, "Undo").command)
    assert job.body.priority == 0


async def test_limits_are_set_and_all_else_stays(asker: Verbs) -> None:
    job = asker.job(BUSY)
    before = job.body.constraints.max_task_retry_count, job.body.priority, job.body.metadata
    parallel = job.body.max_parallel_tasks
    check("verb-job-set-form", await asker.form(f"job set {BUSY} time:12h"))
    done = await asker.do(f"job set {BUSY} time:12h parallel:3 preemption:yes")
    golden("job-set", done, asker)
    assert job.body.constraints.max_wall_clock_time == "PT12H"
    assert (job.body.max_parallel_tasks, job.body.allow_task_preemption) == (3, True)
    assert (job.body.constraints.max_task_retry_count, job.body.priority, job.body.metadata) == before
    await asker.do(button(done, "Undo").command)
    assert job.body.constraints.max_wall_clock_time.startswith("P10675199D"), "no limit again"
    assert (job.body.max_parallel_tasks, job.body.allow_task_preemption) == (parallel, False)


async def test_a_job_that_ends_with_its_tasks_cannot_be_kept_open(asker: Verbs) -> None:
    form = await asker.form(f"job set {FAILING} done:end")
    assert "It has no task left to run, so it ends at once, for good." in str(form.notes)
    done = await asker.do(f"job set {BUSY} done:end")
    assert "Undo" not in [each.text for each in buttons(done)]
    card = await asker.ask(f"job set {BUSY} done:stay")
    assert "cannot be taken back" in plain(card.title)


async def test_somebody_else_was_quicker(asker: Verbs) -> None:
    """The ETag that was read no longer holds when the change arrives."""
    account = asker.scene.accounts.get("render-prod")
    assert account.writer
    send = account.writer.send

    async def late(*args: object, **more: object) -> object:
        asker.scene.world.accounts["render-prod"].job_lifecycle.set_priority(asker.job(BUSY), 5)
        return await send(*args, **more)  # type: ignore[arg-type]

    account.writer.send = late  # type: ignore[assignment, method-assign]
    card = await asker.do(f"job disable {BUSY} tasks:wait")
    assert card.refused
    assert "Somebody changed it since you looked" in str(card)
    assert asker.job(BUSY).state == "active"


async def test_whoever_may_not_sees_no_button_of_a_verb(scene: Scene) -> None:
    async with verbs(scene, viewers=["text:viewer"]) as asker:
        card = await asker.ask(f"job show {BUSY}")
        assert not {"Disable…", "Reactivate failed…"} & {each.text for each in buttons(card)}
        assert "More…" not in str(card.blocks)
        refused = await asker.ask(f"job disable {BUSY}")
        assert refused.refused
        assert "needs a grant" in str(refused)
    async with verbs(scene, operators=["text:viewer"]) as asker:
        card = await asker.ask(f"job show {BUSY}")
        assert "Disable…" in {each.text for each in buttons(card)}
        values = {option.value for option in menu(card, "More…").options}
        assert "priority" in values
        assert not {"terminate", "delete"} & values, "an operator may not destroy"


async def test_the_schedule_of_a_deleted_job_stays(asker: Verbs) -> None:
    (job,) = asker.jobs(lambda job: job.state == "active" and job.id.startswith("thumbnails:"))
    asked = await asker.ask(f"job delete {job.id}")
    assert "Schedule thumbnails stays, and starts its next job when it is due." in str(asked)


async def test_an_active_job_moves_and_is_active_again(asker: Verbs) -> None:
    job = asker.job(BUSY)
    check("verb-job-move-form", await asker.form(f"job move {BUSY} render-gpu"))
    done = await asker.do(f"job move {BUSY} render-gpu")
    golden("job-move", done, asker)
    assert (job.state, job.body.pool_info.pool_id) == ("active", "render-gpu")
    assert [each[1].rpartition("/")[2] for each in asker.sent] == ["disable", BUSY, "enable"]
    assert all(each[2] for each in asker.sent)
    await asker.do(button(done, "Undo").command)
    assert (job.state, job.body.pool_info.pool_id) == ("active", "comp-day")


async def test_a_disabled_job_moves_and_stays_disabled(asker: Verbs) -> None:
    done = await asker.do("job move aurora-matte-hold render-cpu")
    assert plain(done.title) == "Job aurora-matte-hold has pool render-cpu, and is disabled"
    assert asker.job("aurora-matte-hold").state == "disabled"
    assert len(asker.sent) == 1


async def test_where_the_pool_is_refused_the_job_is_active_again(asker: Verbs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Refused(409, "OperationInvalidForCurrentState", "Not now.")

    monkeypatch.setattr("bot.sandbox.world.job_changes.patch", refuse)
    card = await asker.do(f"job move {BUSY} render-gpu")
    golden("job-move-refused", card, asker)
    assert card.refused
    assert (asker.job(BUSY).state, asker.job(BUSY).body.pool_info.pool_id) == ("active", "comp-day")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (f"job move {BUSY} comp-day", "runs on pool comp-day already"),
        (f"job move {BUSY} rendr-gpu", "There is no pool “rendr-gpu”"),
        (f"job move {OVER} render-gpu", "cannot be changed any more"),
    ],
)
async def test_where_a_job_cannot_move_to(asker: Verbs, typed: str, said: str) -> None:
    card = await asker.ask(typed)
    assert said in plain(card.title)
    assert not asker.sent


@pytest.mark.parametrize("after", range(14))
async def test_a_move_that_is_cut_off_anywhere_is_finished_once(asker: Verbs, after: int) -> None:
    """The store loses the operation after so many of its notes, as when the program is killed; then it goes on."""
    store, notes = asker.scene.store, 0
    note = store.note_steps

    async def cut(holder: str, steps: Sequence[StepRow]) -> bool:
        nonlocal notes
        if notes == after:
            notes += 1
            raise asyncio.CancelledError
        notes += 1
        return await note(holder, steps)

    operations, asked = asker.operations, Move(BUSY, "job show", "job move", "render-gpu")
    with mock.patch.object(store, "note_steps", cut):
        id_ = await operations.begin("job move", "render-prod", BUSY, asked, request="r", act=None)
        await asyncio.gather(*(each.task for each in operations._running.values() if each.task), return_exceptions=True)
    await operations.drain()
    assert await operations.resume() == (1 if notes > after else 0)
    cards = [card async for card in operations.follow(id_)]
    assert not cards[-1].refused, str(cards[-1].blocks)
    job = asker.job(BUSY)
    assert (job.state, job.body.pool_info.pool_id) == ("active", "render-gpu")
    verbs_sent = [each[1].rpartition("/")[2] for each in asker.sent]
    assert verbs_sent == ["disable", BUSY, "enable"], "each was sent once"


@pytest.mark.parametrize("command", [f"job enable {BUSY}", f"task reactivate {FAILING} all"])
async def test_what_starts_tasks_on_a_pool_is_refused_where_the_pool_is_denied(asker: Verbs, command: str) -> None:
    await asker.do(f"job disable {BUSY} tasks:requeue")
    for allowed in (False, True):
        denied = GrantSettings(["text:viewer"], ["*"], entities=["pool:other" if allowed else "pool:*"], deny=True)
        services = asker.scene.dispatcher.services
        policy = Policy(Access(AccessSettings(admins=["text:viewer"])), Grants([denied]))
        asker.scene.dispatcher = Dispatcher(replace(services, policy=policy))
        asker.sent.clear()
        card = await asker.ask(command)
        assert card.refused is not allowed, plain(card.title)
        assert asker.sent == [] or allowed
