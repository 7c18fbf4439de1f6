"""Tasks are ended, deleted and run again: those that were meant, each once, and what is refused is listed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.world.refused import Refused
from cards.card import Card, plain
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.verbs import Verbs, attached, button, buttons, menu, steady, verbs

BUSY = "basalt-sh0135-comp"
FAILING = "texture-bake-1123-0610"
OVER = "aurora-sh0102-comp"


@pytest.fixture
async def asker(scene: Scene) -> AsyncIterator[Verbs]:
    async with verbs(scene) as made:
        yield made


def golden(name: str, card: Card, asker: Verbs) -> None:
    check(f"verb-{name}", steady(card, asker.scene))


def ids(asker: Verbs, job: str, state: str, result: str = "") -> list[str]:
    tasks = asker.job(job).tasks.values()
    return sorted(
        task.id for task in tasks if task.state == state and (not result or task.execution_info.result == result)
    )


async def test_one_failed_task_runs_again_by_its_button(asker: Verbs) -> None:
    task = ids(asker, FAILING, "completed", "failure")[0]
    shown = await asker.ask(f"task show {FAILING} {task}")
    again = button(shown, "Reactivate…")
    form = await asker.form(again.command)
    check("verb-task-reactivate-form", form)
    values = {each.name: each.value for each in form.fields if each.value}
    done = await asker.do("task reactivate", values=values)
    assert plain(done.title) == f"Task {task} of job {FAILING} was reactivated"
    assert asker.job(FAILING).tasks[task].state != "completed"
    (sent,) = asker.sent
    assert sent[:2] == ("POST", f"/jobs/{FAILING}/tasks/{task}/reactivate")
    assert sent[2], "guarded by the ETag that was read"
    refused = await asker.ask(f"task reactivate {FAILING} {task}")
    assert plain(refused.title).startswith(f"Task {task} of job {FAILING} has not failed")


async def test_all_of_one_failure_run_again(asker: Verbs) -> None:
    meant = [
        task.id
        for task in asker.job(FAILING).tasks.values()
        if (info := task.execution_info.failure_info) and info.code == "BlobAccessDenied"
    ]
    assert len(meant) > 1
    form = await asker.form(f"job reactivate-failed {FAILING} error:BlobAccessDenied")
    assert f"{len(meant)} tasks start anew: " in str(form.notes)
    assert "exit codes, failure information and output are gone" in str(form.notes)
    done = await asker.do(f"job reactivate-failed {FAILING} error:BlobAccessDenied")
    golden("job-reactivate-failed", done, asker)
    assert {each[1].split("/")[4] for each in asker.sent} == set(meant)


async def test_tasks_end_on_a_filter_and_those_that_are_over_are_left(asker: Verbs) -> None:
    done = ids(asker, BUSY, "completed")
    waiting, running = ids(asker, BUSY, "active"), ids(asker, BUSY, "running")
    form = await asker.form(f"task terminate {BUSY} all")
    check("verb-task-terminate-form", form)
    card = await asker.do(f"task terminate {BUSY} all")
    golden("task-terminate", card, asker)
    assert len(asker.sent) == len(waiting) + len(running)
    assert not {each[1].split("/")[4] for each in asker.sent} & set(done)
    assert ids(asker, BUSY, "completed", "failure") == sorted(waiting + running)


async def test_a_name_means_that_task_and_no_other(asker: Verbs) -> None:
    """In a filter a word means every id that holds it; here it must not."""
    first = ids(asker, BUSY, "active")[0]
    short = first[:-1]
    card = await asker.ask(f"task delete {BUSY} {short}")
    assert plain(card.title) == f"There is no task “{short}” in job {BUSY}."
    done = await asker.do(f"task delete {BUSY} {first} {ids(asker, BUSY, 'active')[1]}")
    assert plain(done.title) == f"2 tasks of job {BUSY} were deleted"


async def test_deleting_many_says_what_goes_and_asks(asker: Verbs) -> None:
    listed = await asker.ask(f"task list {FAILING} state:failed")
    golden("task-list", listed, asker)
    more = menu(listed, "More…")
    command = more.command.replace("{}", "delete")
    meant = ids(asker, FAILING, "completed", "failure")
    check("verb-task-delete-form", await asker.form(command))
    asked = await asker.ask(command)
    golden("task-delete-question", asked, asker)
    assert not asker.sent
    done = await asker.do(command)
    golden("task-delete", done, asker)
    assert not set(meant) & set(asker.job(FAILING).tasks)
    assert len(asker.sent) == len(meant)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (f"task delete {BUSY}", "Which tasks?"),
        (f"task delete {BUSY} state:failed", "No task of job basalt-sh0135-comp fits “state:failed”."),
        (f"task terminate {OVER} id:*", "16 tasks fit, and none of them can be: each is over already."),
        (f"task reactivate {OVER} all", "is completed, for good: its tasks cannot run again."),
        (f"task delete {BUSY} stat:failed", "stat"),
        ("task terminate nowhere id:*", "There is no job “nowhere”"),
    ],
)
async def test_what_cannot_be_is_refused_before_azure_is_asked(asker: Verbs, typed: str, said: str) -> None:
    card = await asker.ask(typed)
    assert card.refused
    assert said in plain(card.title)
    assert not asker.sent


async def test_what_azure_refuses_for_some_is_listed_and_in_a_file(
    asker: Verbs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks that somebody else has changed since they were looked for."""
    job, lifecycle = asker.job(FAILING), asker.scene.world.accounts["render-prod"].runner
    meant = ids(asker, FAILING, "completed", "failure")
    refused = set(meant[:12])
    delete = lifecycle.delete

    def some(job: object, task: object) -> None:
        if getattr(task, "id", "") in refused:
            raise Refused(409, "OperationInvalidForCurrentState", "The task is not in a state for that.")
        delete(job, task)  # type: ignore[arg-type]

    monkeypatch.setattr(lifecycle, "delete", some)
    card = await asker.do(f"task delete {FAILING} state:failed")
    golden("task-delete-refused", card, asker)
    assert plain(card.title) == f"{len(meant) - 12} of {len(meant)} tasks of job {FAILING} were deleted"
    rows = attached(card).content.decode("utf-8-sig").splitlines()
    assert rows[0] == "task,code,message"
    assert [row.split(",")[0] for row in rows[1:]] == sorted(refused)
    assert set(job.tasks) & set(meant) == refused


async def test_a_task_that_ended_meanwhile_counts_as_ended(asker: Verbs) -> None:
    task = ids(asker, BUSY, "active")[0]
    account = asker.scene.accounts.get("render-prod")
    assert account.writer
    send = account.writer.send
    runner = asker.scene.world.accounts["render-prod"].runner

    async def late(*args: object, **more: object) -> object:
        job = asker.job(BUSY)
        if job.tasks[task].state != "completed":
            runner.terminate(job, job.tasks[task])
        return await send(*args, **more)  # type: ignore[arg-type]

    account.writer.send = late  # type: ignore[assignment, method-assign]
    card = await asker.do(f"task terminate {BUSY} {task}")
    assert plain(card.title) == f"Task {task} of job {BUSY} was ended"
    assert not card.refused


async def test_the_set_is_fixed_when_it_begins(asker: Verbs) -> None:
    """Tasks that come to fit the filter while it goes on are not touched."""
    meant = ids(asker, FAILING, "completed", "failure")
    card = await asker.do(f"task delete {FAILING} state:failed")
    assert sorted(path.rsplit("/", 1)[-1] for _, path, _ in asker.sent) == sorted(meant)
    assert not card.refused


async def test_what_somebody_may_not_is_no_button(scene: Scene) -> None:
    async with verbs(scene, operators=["text:viewer"]) as asker:
        card = await asker.ask(f"task list {FAILING} state:failed")
        assert [option.value for option in menu(card, "More…").options] == ["reactivate"]
        assert "Reactivate failed…" in {each.text for each in buttons(card)}
