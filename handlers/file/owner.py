"""Whose files: a task's or a node's. Commands about them, how their owner stands, what to say when there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.files import Files
from bot.azure.models import Node, Pool, Task, duration
from bot.domain.causes import never_ran
from bot.filter import FILE, conditional
from bot.requests.context import Context
from cards.build import code, refusal, text
from cards.card import Button, Card, Chip, Mark, Text
from cards.command_line import join
from cards.formatting import duration as spoken
from handlers.shared.common import line, nearest, template
from handlers.shared.missing import no_job, no_node, no_pool, no_task
from handlers.shared.states import node_chip, task_chip

_COMMANDS = {
    "task": {"show": "task show", "list": "file list", "get": "file get", "log": "log", "history": "task history"},
    "node": {
        "show": "node show",
        "list": "nodefile list",
        "get": "nodefile get",
        "log": "nodelog",
        "history": "node history",
    },
}
LOST = {
    "filenotfound": "the file is gone",
    "tasknotfound": "the task was deleted",
    "jobnotfound": "the job was deleted",
    "nodenotfound": "the node is gone with its files",
    "poolnotfound": "the pool is gone with its nodes and their files",
    "taskfilescleanedup": "the files were cleaned up",
    "taskfilesunavailable": "the node is gone with its files",
}
"""What became of files, by the code of the service that says that they are not there."""
UPLOAD = "Files live no longer than their node: let the task upload what matters to storage (outputFiles)."
KEEP = "To keep files longer, let the task upload them to storage (outputFiles), or lengthen its retentionTime."


TOP = "."
"""The folder in which all others are."""


def spelled(folder: str) -> str:
    """The name of a folder as a command carries it: never taken for a condition of the filter behind it."""
    return f"{TOP}/{folder}" if conditional(folder, FILE) else folder


@dataclass(frozen=True)
class FilesState:
    """The state of the owner of the files: ``waiting`` before it has any, ``over`` when nothing more is written.

    ``ended`` is when a task did.
    """

    state: Chip
    words: str = ""
    waiting: bool = False
    over: bool = False
    ended: datetime | None = None


@dataclass(frozen=True)
class Home:
    """A task (of a job) or a node (of a pool), by their names."""

    ctx: Context
    source: Account
    kind: Literal["task", "node"]
    outer: str
    name: str

    @cached_property
    def files(self) -> Files:
        """Its files."""
        paths = {"task": self.source.task, "node": self.source.node}
        return self.source.files(paths[self.kind](self.outer, self.name), self._on_windows)

    async def _on_windows(self) -> bool:
        """Whether its node runs Windows, by the pool. Raises AzureError."""
        pool = self.outer
        if self.kind == "task":
            path = self.source.task(self.outer, self.name)
            placed = (await self.source.fetch(Task, path, select="id,nodeInfo")).value.node_info
            if placed is None:
                return False
            pool = placed.pool_id
        found = (await self.source.fetch(Pool, self.source.pool(pool), select="id,virtualMachineConfiguration")).value
        machine = found.virtual_machine_configuration
        return machine is not None and "windows" in machine.node_agent_sku_id.lower()

    @property
    def label(self) -> Text:
        """What it is called in a title."""
        return text(f"{self.kind} ", code(self.name))

    def command(self, verb: Literal["show", "list", "get", "log", "history"], *names: str, **options: object) -> str:
        """A command about it, for a button."""
        return line(self.ctx, self.source, _COMMANDS[self.kind][verb], self.outer, self.name, *names, **options)

    def template(self, verb: Literal["list", "get", "log"]) -> str:
        """A menu's command, with ``{}`` for the file."""
        return template(self.ctx, self.source, _COMMANDS[self.kind][verb], self.outer, self.name, "{}")

    def download(self, file: str) -> str:
        """The lines of Azure's own command line that fetch a file."""
        settings = self.source.settings
        target = file.rpartition("/")[2] or "file"
        ids = (
            ("--job-id", self.outer, "--task-id", self.name)
            if self.kind == "task"
            else ("--pool-id", self.outer, "--node-id", self.name)
        )
        login = ("az", "batch", "account", "login", "-g", settings.resource_group, "-n", settings.batch_name)
        fetch = ("az", "batch", self.kind, "file", "download", *ids, "--file-path", file, "--destination", target)
        return f"{join(login)}\n{join(fetch)}"

    async def state(self) -> FilesState:
        """How it stands now. Raises AzureError."""
        if self.kind == "node":
            found = (await self.source.fetch(Node, self.source.node(self.outer, self.name), select="id,state")).value
            return FilesState(node_chip(found.state))
        return _state_of(await self.task())

    async def state_if_known(self) -> FilesState:
        """The same beside a file that is there all the same: unknown, and told, where it cannot be read."""
        found = await gaps.maybe(f"state of {self.kind} {self.name}", self.state())
        return found or FilesState(Chip(Mark.NEUTRAL, "state unknown"))

    async def task(self) -> Task:
        """The task, as far as its files depend on it. Raises AzureError."""
        select = "id,state,executionInfo,nodeInfo,constraints"
        return (await self.source.fetch(Task, self.source.task(self.outer, self.name), select=select)).value


def _state_of(task: Task) -> FilesState:
    run, state = task.execution_info, task.state.lower()
    failed = run is not None and run.result.lower() == "failure"
    over = state == "completed"
    exit_code = run.exit_code if run else None
    words = f"the task completed with exit code {exit_code}" if exit_code is not None else "the task completed"
    return FilesState(
        task_chip(task.state, failed=failed),
        words if over else "",
        waiting=state in ("active", "preparing"),
        over=over,
        ended=run.end_time if run else None,
    )


def passing(error: AzureError) -> bool:
    """Whether it may go by itself: the service is busy, or no answer came."""
    return error.throttled or error.status >= 500 or (error.status == 0 and error.code in ("NoConnection", "Timeout"))


def gone(error: AzureError) -> str:
    """In words what became of a file that could be read before."""
    return LOST.get(error.code.lower(), error.message.rstrip("."))


async def unavailable(home: Home, error: AzureError, file: str = "") -> Card:
    """Why there is no such file, and what to do. Raises what is no such answer."""
    ctx, source = home.ctx, home.source
    if error.status not in (404, 409):
        raise error
    match home.kind, error.code.lower():
        case _, "jobnotfound":
            card = await no_job(ctx, source, home.outer, "task list")
        case _, "tasknotfound":
            card = await no_task(ctx, source, home.outer, home.name)
        case "node", "poolnotfound":
            card = await no_pool(ctx, source, home.outer, "node list")
        case "node", "nodenotfound":
            card = await no_node(ctx, source, home.outer, home.name)
        case _, "filenotfound":
            card = await _no_file(home, file)
        case _, "isdirectory":
            button = Button("Open it", home.command("list", spelled(file)))
            card = refusal(f"“{file}” is a folder.", "What is in it can be listed.", [button])
        case _:
            card = await _no_files_at_all(home, error)
    return card


async def _no_file(home: Home, file: str) -> Card:
    everything = Button("All files", home.command("list"))
    try:
        state = await home.state()
        known = (await home.files.names(recursive=True)).files
    except AzureError as error:
        if error.status not in (404, 409):
            raise
        return await unavailable(home, error) if error.code.lower() != "filenotfound" else _bare(home, file, everything)
    if state.waiting:
        return _not_yet(home)
    near = nearest(file, (each.name for each in known if not each.is_directory))
    return refusal(
        f"There is no file “{file}” in {home.kind} {home.name}.",
        "Did you mean one of these?" if near else "Here is what there is.",
        [*(Button(name, home.command("log", name)) for name in near), everything],
    )


def _bare(home: Home, file: str, everything: Button) -> Card:
    return refusal(f"There is no file “{file}” in {home.kind} {home.name}.", "", [everything])


def _not_yet(home: Home) -> Card:
    return refusal(
        "No files yet: the task waits.",
        "Files come to be when the task starts on a node. The job shows what it waits for.",
        _buttons(home, Button("Follow", home.command("log", follow=True))),
    )


def _none_yet(home: Home, task: Task, state: FilesState) -> Card | None:
    """There are no files because the program was not started yet, or never; None where it was."""
    if state.waiting and task.node_info is None:
        return _not_yet(home)
    if state.over and never_ran(task.execution_info):
        words = "It ended before its program was started. The task says how."
        return refusal("The task never ran, so it has no files.", words, _buttons(home))
    return None


async def _no_files_at_all(home: Home, error: AzureError) -> Card:
    """The owner is there and its files are not."""
    if home.kind == "node":
        now = (await home.state()).state
        return refusal(
            f"Node {home.name} cannot be asked for its files now: it is {now.word}.",
            "Its files can be read while it is idle, running, or its start task ran. Try again when it is back.",
            _buttons(home),
        )
    task = await home.task()
    state = _state_of(task)
    if none := _none_yet(home, task, state):
        return none
    kept = duration(task.constraints.retention_time) if task.constraints else None
    if error.code.lower() == "taskfilescleanedup":
        span = f" They were kept for {spoken(kept)} after the task ended." if kept else ""
        return refusal("The task's files were cleaned up.", f"{span} {KEEP}".strip(), _buttons(home))
    placed = task.node_info
    if error.code.lower() in ("nodenotfound", "poolnotfound", "taskfilesunavailable"):
        return refusal(
            "The node is gone with its files.",
            f"The task ran on node {placed.node_id} of pool {placed.pool_id}, which is gone. {UPLOAD}"
            if placed
            else UPLOAD,
            _buttons(home),
        )
    if state.waiting:
        return _not_yet(home)
    node = [Button("Node", line(home.ctx, home.source, "node show", placed.pool_id, placed.node_id))] if placed else []
    return refusal(
        "The task's node cannot be asked for files now.",
        f"{error.message} Try again when the node is back.",
        _buttons(home, *node),
    )


def _buttons(home: Home, *first: Button) -> Sequence[Button]:
    outer = "job show" if home.kind == "task" else "pool show"
    return [
        *first,
        Button(home.kind.capitalize(), home.command("show")),
        Button("Job" if home.kind == "task" else "Pool", line(home.ctx, home.source, outer, home.outer)),
    ]
