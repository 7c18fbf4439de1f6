"""Add tasks to a job: one that is typed, or up to ten thousand that are attached, pasted or uploaded."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job
from bot.domain.task_input.model import MOST_TASKS, TaskInput, problem_lines
from bot.domain.task_input.read import one_task
from bot.operations.preflight import Fix, Preflight
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.uploads import is_reference
from cards import build
from cards.build import blocks, code, text
from cards.card import Bullets, Button, Card, Field, Mark, Note, Words
from cards.form_values import FILE
from cards.formatting import number, plural
from handlers.shared.common import line, titled
from handlers.shared.missing import finding_job
from handlers.shared.preflight import blocked
from handlers.shared.verbs import runs_on
from handlers.task import new_tasks
from handlers.task.adding import AddTasks, One, constraints_of

_SELECT = "id,state,usesTaskDependencies,poolInfo,executionInfo,onAllTasksComplete,maxParallelTasks"
_SHOWN_AGAIN = 2_000
"""Characters that a form on every platform can show again after a check; more would be cut off."""
_SHOWN_FIRST = 10
"""Of more tasks than that it is shown what was read of them before they are added."""
_OVER = ("completed", "terminating", "deleting")


async def preflight(
    ctx: Context,
    job: str,
    *,
    tasks: str | None = None,
    template: str | None = None,
    id_: str | None = None,
    command: str | None = None,
    slots: int | None = None,
    retries: int | None = None,
    skip: bool = False,
    account: str | None = None,
) -> Preflight:
    """Reads what was given, holds it against the job, and shows the first three tasks and the last."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found_job = await _job(ctx, source, job)
    if problem := _ended(ctx, source, found_job):
        return problem
    name, found = await _given(ctx, source, found_job, tasks, template or "", _one(job, id_, command, slots, retries))
    again = await _again(ctx, source, job, tasks, template, found)
    exist = await new_tasks.taken(source, found_job.id, found.tasks)
    if exist and not skip:
        return Preflight(
            f"Job {found_job.id} has {plural(len(exist), 'task')} of these ids already: {new_tasks.some_ids(exist)}.",
            fixes=(Fix(f"Add the other {number(len(found.tasks) - len(exist))}", again),)
            if len(exist) < len(found.tasks) and again
            else (Fix("Tasks", line(ctx, source, "task list", job)),),
        )
    try:
        expected = await new_tasks.estimate(source, found_job, found)
    except AzureError as error:
        if not error.not_found:
            raise
        return Preflight(f"The pool of job {found_job.id} does not exist, so its tasks would wait for ever.")
    effects = [*new_tasks.preview(found, name), *expected]
    if exist is None:
        effects.append("The job has so many tasks that the new ids were not held against theirs.")
    elif exist:
        effects.append(f"{plural(len(exist), 'task is', 'tasks are')} there already and left as they are.")
    if found_job.on_all_tasks_complete.lower() == "terminatejob":
        effects.append("The job ends by itself when all its tasks are complete, which may be before all are added.")
    return Preflight(
        effects=tuple(effects),
        state=f"{found_job.state} {new_tasks.digest(found)}",
        confirm=len(found.tasks) > _SHOWN_FIRST,
        question=f"Add {plural(len(found.tasks), 'task')}{f' from {name}' if name else ''} to job {found_job.id}",
        uses=runs_on(found_job),
    )


@command(
    "task add",
    effect="change",
    azure=True,
    changes_with=("tasks", "command"),
    check="task list {job}",
    preflight=preflight,
    examples=[
        "task add nightly",
        'task add nightly id:frame-0001 command:"render --frame 1"',
        'task add nightly template:"render --frame {frame}"',
    ],
)
async def add(
    ctx: Context,
    job: str,
    *,
    tasks: str | None = None,
    template: str | None = None,
    id_: str | None = None,
    command: str | None = None,
    slots: int | None = None,
    retries: int | None = None,
    skip: bool = False,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Add one task to a job, or up to 10,000 from JSON or CSV.

    JSON is an array of tasks, one object a line, the body of the service's own request, or what az takes with
    --json-file. CSV (or TSV) has a first line with the names of its columns: id, commandLine, displayName,
    requiredSlots, maxTaskRetryCount, maxWallClockTime, retentionTime, dependsOn, env:NAME; or any names, which a
    template makes commands of. You see the first three and the last before anything is added.

    :param job: the job's id
    :param tasks: JSON or CSV, attached or pasted
    :param template: for CSV, the command with the names of columns in braces, such as render --frame {frame}
    :param id_: of a single task, its id
    :param command: of a single task, its command line
    :param slots: of a single task, the slots of a node that it takes
    :param retries: of a single task, how often it is tried again; -1 without end
    :param skip: leave out tasks that the job has already
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    single = _one(job, id_, command, slots, retries)
    if tasks is None and single is None:
        found = await _job(ctx, source, job)
        yield _ways(ctx, source, found, template)
        return
    reference = await _reference(ctx, tasks) if tasks else ""
    asked = AddTasks(
        job,
        reference.partition(":")[2],
        template or "",
        single,
        skip,
        line(ctx, source, "job show", job),
        line(ctx, source, "task list", job),
        line(ctx, source, "task add", job, tasks=reference, template=template, skip=True) if reference else "",
    )
    async for card in ctx.operate("task add", source, job, asked):
        yield card


def gathered(values: Values) -> Values:
    """The command's parameters: what was pasted stands for what was attached."""
    rest = {name: value for name, value in values.items() if name != "paste"}
    return rest | ({"tasks": values["paste"]} if values.get("paste") and not values.get("tasks") else {})


@form_of(
    "task add",
    Field("job", "Job", "name", names="job", refresh=True),
    Field("paste", "JSON or CSV, pasted", lines=True, hint=f"Up to {number(MOST_TASKS)} tasks.", refresh=True),
    Field("tasks", "Or a file of it", "file", hint="One file.", refresh=True, most=1, pasted_in="paste"),
    Field(
        "template",
        "Command, for CSV",
        hint="With the names of columns in braces: render --frame {frame}. Not needed with a column commandLine.",
        refresh=True,
    ),
    Field("id", "A single task's id", more=True),
    Field("command", "Its command line", more=True),
    Field("slots", "Slots that it takes", "number", default="1", least=1, more=True),
    Field("retries", "Retries", "number", default="the job's", least=-1, more=True),
    gather=gathered,
    without=("skip",),
)
async def add_form(ctx: Context, values: Values) -> FormChanges:
    """Shows what was pasted as it will be added; a file is read when the form is sent."""
    given = gathered(values)
    job, tasks = given.get("job"), given.get("tasks", "")
    notes: list[Note] = []
    errors: dict[str, str] = {}
    found_job = None
    if job:
        source = ctx.account(given.get("account"))
        found_job = await _job(ctx, source, job)
        if problem := _ended(ctx, source, found_job):
            errors["job"] = problem.refused
    kept: dict[str, str] = {}
    pasted: bytes | str = "" if tasks.startswith(FILE) else tasks
    if is_reference(tasks):
        pasted = (await ctx.uploads.read(ctx.request, tasks)).body
        if len(pasted) <= _SHOWN_AGAIN and not values.get("paste"):
            kept = {"paste": pasted.decode(errors="replace"), "tasks": ""}
    if pasted:
        found = await new_tasks.read(pasted, given.get("template", ""), found_job)
        at = "tasks" if values.get("tasks") and not kept else "paste"
        if found.problems:
            errors[at] = " ".join(problem_lines(found.problems, 3))
        else:
            notes += [Note(text(each)) for each in new_tasks.preview(found)]
        if not is_reference(tasks) and len(tasks) > _SHOWN_AGAIN:
            kept = {"paste": "", "tasks": await _reference(ctx, tasks)}
            notes.append(Note(text("What you pasted is kept: the field has a reference to it.")))
    else:
        notes.append(Note(text("You see the first three tasks and the last before anything is added.")))
    return FormChanges(values=kept, errors=errors, notes=tuple(notes), submit="Preview" if tasks else "")


async def _job(ctx: Context, source: Account, job: str) -> Job:
    async with finding_job(ctx, source, job, "task add"):
        return (await source.fetch(Job, source.job(job), select=_SELECT)).value
    raise AssertionError("it is found, or the answer says that it is not")


def _ended(ctx: Context, source: Account, job: Job) -> Preflight | None:
    """The refusal where the job takes no tasks any more."""
    if job.state.lower() not in _OVER:
        return None
    return Preflight(
        f"Job {job.id} is {job.state.lower()}: it takes no tasks any more.",
        fixes=(Fix("Open job", line(ctx, source, "job show", job.id)),),
    )


async def _given(
    ctx: Context, source: Account, job: Job, tasks: str | None, template: str, single: One | None
) -> tuple[str, TaskInput]:
    """What was given, read, and the name of the file. Raises Instead for what is wrong with it, and CommandError."""
    if tasks and single:
        raise CommandError("Give either a single task or a list of them.", ["help task add"])
    if single:
        found = one_task(
            single.id, single.command, requiredSlots=single.slots, constraints=constraints_of(single.retries)
        )
        name = "The task"
    else:
        reference = await _reference(ctx, tasks or "")
        upload = await ctx.uploads.read(ctx.request, reference)
        name, found = upload.name, await new_tasks.read(upload.body, template, job)
    again = "" if single else line(ctx, source, "task add", job.id, tasks=reference, template=template)
    new_tasks.refuse_problems(found, name, again)
    return ("" if single else name), found


async def _reference(ctx: Context, tasks: str) -> str:
    """The reference to what was given; what was typed into the command itself is kept first."""
    return tasks if is_reference(tasks) else await ctx.uploads.keep(ctx.request, "tasks", "", tasks.encode())


async def _again(
    ctx: Context, source: Account, job: str, tasks: str | None, template: str | None, found: TaskInput
) -> str:
    """The same without the tasks that are there; empty for a single one."""
    if not tasks or len(found.tasks) < 2:
        return ""
    reference = await _reference(ctx, tasks)
    return line(ctx, source, "task add", job, tasks=reference, template=template, skip=True)


def _one(job: str, id_: str | None, command: str | None, slots: int | None, retries: int | None) -> One | None:
    """The single task that was typed. Raises CommandError where half of it is missing."""
    if command is None:
        if id_ is not None:
            raise CommandError("What is the task to run? Give its command line too.", ["help task add"])
        return None
    if id_ is None:
        raise CommandError("The task needs an id: add id:NAME.", ["help task add"])
    return One(id_, command, slots, retries)


def _ways(ctx: Context, source: Account, job: Job, template: str | None) -> Card:
    """How tasks can be given here."""
    again = line(ctx, source, "task add", job.id, template=template)
    upload = line(ctx, source, "task upload", job.id, template=template) if ctx.upload_page else ""
    personal = ctx.request.conversation.kind == "personal"
    place = "to a message to me here" if personal else "to a message in our personal chat"
    words = code(f"{ctx.bot_name} {again}" if ctx.request.conversation.platform == "text" else again)
    return Card(
        title=titled(f"Add tasks to job {job.id}"),
        mark=Mark.NEUTRAL,
        blocks=blocks(
            Words(text(f"JSON or CSV, up to {number(MOST_TASKS)} tasks. You see them before anything is added.")),
            Bullets(
                (
                    text("Fill in the form: attach the file there, or paste it."),
                    text(f"Or attach the file {place}, with the words ", words),
                    *([text("Or upload it on a page of mine, by a link for you alone.")] if upload else []),
                )
            ),
            build.actions(
                Button("Attach or paste…", again, how="form", style="primary"),
                Button("Upload page", upload) if upload else None,
                Button("Open job", line(ctx, source, "job show", job.id)),
            ),
        ),
    )
