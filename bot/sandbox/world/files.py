"""The files of tasks and nodes: what there is at this moment, how long it is, and how it is read.

Nothing is stored. What a task has written follows from the world's seed, the task, the run and the clock: standard
output and error grow while it runs, outputs appear when it succeeds, and all of it is gone with its node or when the
time it is kept for has passed. Names are the wire's: a slash between directories, on Windows a backslash.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from bot.sandbox.world import program_output
from bot.sandbox.world.bodies import task_directory
from bot.sandbox.world.content import Bytes, Content, Log, Noise, Utf16, number
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LiveJob, LiveNode, LiveTask, Preparation
from bot.sandbox.world.refused import Refused, not_found, wrong_state

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

ROOT = ("applications", "fsmounts", "shared", "startup", "volatile", "volatile/startup", "workitems")
"""The directories every node has."""

LARGE = 50 * 1024 * 1024
"""The length of the files that are too long for any chat."""

_UNREACHABLE = frozenset(
    {
        "creating", "deallocated", "deallocating", "leavingpool", "preempted", "rebooting", "reimaging", "starting",
        "unknown", "unusable", "upgradingos",
    }
)  # fmt: skip
_EXR, _PNG, _MP4, _DLL = b"v/1\x01", b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x20ftypisom", b"MZ\x90\x00"


class File(Struct, frozen=True):
    """A file, or a directory where it has no content; `id` is its name below the task's or the node's root."""

    id: str
    created: datetime
    modified: datetime
    content: Content | None = None
    mode: str = "0o100644"

    @property
    def directory(self) -> bool:
        """Whether it is one."""
        return self.content is None

    def under(self, directory: str) -> File:
        """The same, seen from further up."""
        return File(f"{directory}/{self.id}", self.created, self.modified, self.content, self.mode)


class Run(Struct, frozen=True):
    """One run of a command line on a node; `ended` is None while it goes on, `exit_code` None where it was ended."""

    key: str
    command: str
    node_id: str
    windows: bool
    began: datetime
    now: datetime
    ended: datetime | None = None
    exit_code: int | None = None
    inputs: tuple[str, ...] = ()
    theme: program_output.Theme | None = None

    @property
    def until(self) -> datetime:
        """How far it has come."""
        return self.ended or self.now

    def log(
        self, name: str, rate: float, *, warnings: bool = False, head: str = "", tail: str = "", encoding: str = "utf-8"
    ) -> File:
        """A file that it writes text to."""
        theme = self.theme or program_output.theme_of(self.command)
        content = Log(
            f"{self.key}/{name}",
            program_output.line_writer(theme, warnings=warnings),
            began=self.began,
            until=self.until,
            rate=rate,
            head=head,
            tail=None if self.ended is None else tail,
            newline="\r\n" if self.windows else "\n",
            encoding=encoding,
        )
        return File(name, self.began, self.until, content)

    def streams(self) -> Iterator[File]:
        """Standard output and standard error."""
        theme, end = self.theme or program_output.theme_of(self.command), self.until
        head = program_output.banner(self.key, self.command, self.node_id, self.began, list(self.inputs))
        tail = program_output.farewell(self.key, theme, self.exit_code, end, (end - self.began).total_seconds())
        yield self.log("stdout.txt", 30 + number(f"{self.key}/rate", 90), head=head, tail=tail)
        words = program_output.last_words(self.key, theme, self.command, self.exit_code, end) if self.ended else ""
        quiet = number(f"{self.key}/quiet", 3) == 0
        yield self.log("stderr.txt", 0.0 if quiet else 0.8, warnings=True, tail=words)


class Files:
    """The files of one account's tasks and nodes."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self._deleted: dict[tuple[str, str], datetime] = {}
        """Node and path from its root -> when somebody deleted the file; one that came later is another."""

    # --- tasks --------------------------------------------------------------------------------------------------------

    def of_task(self, job: LiveJob, task: LiveTask) -> tuple[list[File], bool]:
        """All files of a task, by name, and whether they are on Windows. Raises `Refused`."""
        node = self._home(task)
        files = self._left(self._task_files(job, task, node), node, f"{task_directory(job.id, task.id)}/")
        return self._named(files, node), windows(node)

    def _home(self, task: LiveTask) -> LiveNode:
        """The node on which the files of the task are."""
        if task.node_id is None or task.pool_id is None:
            raise wrong_state("The files of the specified task cannot be accessed as the task state is still active")
        pool = self._account.pools.get(task.pool_id)
        node = pool.nodes.get(task.node_id) if pool is not None else None
        if node is None:
            raise not_found("node")
        reach(node)
        if self._expired(task):
            raise Refused(409, "TaskFilesCleanedup", "The files of the specified task are cleaned up.")
        return node

    def _expired(self, task: LiveTask) -> bool:
        ended = task.execution_info.end_time
        kept = seconds(task.spec.constraints.retention_time) if task.spec.constraints else None
        return ended is not None and kept is not None and self._world.time >= ended + timedelta(seconds=kept)

    def _task_files(self, job: LiveJob, task: LiveTask, node: LiveNode) -> Iterator[File]:
        info = task.execution_info
        arrived = info.start_time or task.state_transition_time
        yield File("wd", arrived, arrived)
        run = self._run(job, task, node)
        if run is None:
            if task.state == "completed":  # it could not be started: the files are there and empty
                for name in ("stdout.txt", "stderr.txt"):
                    yield File(name, arrived, info.end_time or arrived, Bytes())
            return
        yield from run.streams()
        for name in run.inputs:
            size = 200 + number(f"{run.key}/{name}", 400_000)
            mode = "0o100755" if name.endswith((".sh", ".py")) else "0o100644"
            yield File(f"wd/{name}", arrived, arrived, Noise(f"{run.key}/{name}", size), mode)
        yield from outputs(run, task.id)

    def _run(self, job: LiveJob, task: LiveTask, node: LiveNode) -> Run | None:
        """The run that wrote the files; None where the command has not begun or never did."""
        info = task.execution_info
        if task.state == "running":
            began: datetime | None = task.state_transition_time
        elif task.state == "completed" and task.previous_state == "running":
            began = task.previous_state_transition_time
        else:
            ran = task.state == "completed" and (task.previous_state is None or info.exit_code is not None)
            began = info.start_time if ran else None
        if began is None:
            return None
        named = [resource.file_path for resource in task.spec.resource_files or () if resource.file_path]
        return Run(
            key=f"{self._world.seed}/{self._account.facts.name}/{job.id}/{task.id}/{began.isoformat()}",
            command=task.command_line,
            node_id=node.id,
            windows=windows(node),
            began=began,
            now=self._world.time,
            ended=info.end_time,
            exit_code=info.exit_code,
            inputs=tuple(name.partition("?")[0] for name in named),
        )

    # --- nodes --------------------------------------------------------------------------------------------------------

    def of_node(self, node: LiveNode, *, under: str = "") -> tuple[list[File], bool]:
        """The files of a node, by name, whose name begins with `under`, and whether it is Windows. Raises `Refused`."""
        reach(node)
        under = _slashes(under, node)
        made = node.body.allocation_time
        found: list[File] = [File(name, made, made) for name in ROOT]
        if _meet(under, "startup"):
            found += [file.under("startup") for file in self._start_files(node)]
        if _meet(under, "workitems"):
            parents = set()
            for path, files in self._work(node):
                if not _meet(under, path):
                    continue
                steps = path.split("/")
                parents |= {"/".join(steps[:depth]) for depth in range(2, len(steps))}
                begun = made
                inside = [file.under(path) for file in files()]
                if inside:
                    begun = inside[0].created
                found += [File(path, begun, begun), *inside]
            found += [File(parent, made, made) for parent in parents]
        left = self._left([file for file in found if file.id.startswith(under)], node)
        return self._named(left, node), windows(node)

    def _start_files(self, node: LiveNode) -> Iterator[File]:
        info, task = node.body.start_task_info, node.body.start_task
        if info is None or task is None:
            return
        yield File("wd", info.start_time, info.start_time)
        run = Run(
            key=f"{self._world.seed}/{self._account.facts.name}/{node.pool.id}/{node.id}/{info.start_time.isoformat()}",
            command=task.command_line,
            node_id=node.id,
            windows=windows(node),
            began=info.start_time,
            now=self._world.time,
            ended=info.end_time,
            exit_code=info.exit_code,
            inputs=tuple(resource.file_path for resource in task.resource_files or () if resource.file_path),
            theme=program_output.SETUP,
        )
        yield from run.streams()
        for name in run.inputs:
            yield File(f"wd/{name}", run.began, run.began, Noise(f"{run.key}/{name}", 1800), "0o100755")

    def _work(self, node: LiveNode) -> Iterator[tuple[str, Callable[[], Iterator[File]]]]:
        """The directories of what ran here, each with the way to its files."""
        for job in self._account.jobs.values():
            if job.body.execution_info.pool_id != node.pool.id:
                continue
            for task in job.tasks.values():
                if task.node_id == node.id and not self._expired(task):
                    yield task_directory(job.id, task.id), partial(self._task_files, job, task, node)
            for task_id, nodes in job.instances.items():
                first = job.tasks.get(task_id) if node.id in nodes else None
                if first is not None and (run := self._run(job, first, node)) is not None:
                    place = nodes.index(node.id) + 1
                    run = msgspec.structs.replace(run, key=f"{run.key}/{place}", node_id=node.id)
                    yield f"{task_directory(job.id, task_id)}/{place}", run.streams
            if done := job.preparations.get(node.id):
                yield from self._hooks(job, done, node)

    def _hooks(
        self, job: LiveJob, done: Preparation, node: LiveNode
    ) -> Iterator[tuple[str, Callable[[], Iterator[File]]]]:
        """What the preparation and the release of a job left here."""
        now = self._world.time
        key = f"{self._world.seed}/{self._account.facts.name}/{job.id}/{node.id}"
        prepared, released = job.body.job_preparation_task, job.body.job_release_task
        if prepared is not None:
            ended = done.end_time if done.end_time <= now else None
            code = done.exit_code if ended else None
            run = Run(f"{key}/p", prepared.command_line, node.id, windows(node), done.start_time, now, ended, code)
            yield task_directory(job.id, prepared.id or "jobpreparation"), run.streams
        if released is not None and done.release_start_time is not None:
            ended = done.release_end_time if done.release_end_time and done.release_end_time <= now else None
            began = done.release_start_time
            run = Run(
                f"{key}/r", released.command_line, node.id, windows(node), began, now, ended, 0 if ended else None
            )
            yield task_directory(job.id, released.id or "jobrelease"), run.streams

    # --- deleting -----------------------------------------------------------------------------------------------------

    def delete_of_task(self, job: LiveJob, task: LiveTask, path: str, *, recursive: bool) -> None:
        """Deletes a file or directory of a task. Raises `Refused`."""
        files, _ = self.of_task(job, task)
        self._delete(files, path, self._home(task), f"{task_directory(job.id, task.id)}/", recursive=recursive)

    def delete_of_node(self, node: LiveNode, path: str, *, recursive: bool) -> None:
        """Deletes a file or directory of a node. Raises `Refused`."""
        files, _ = self.of_node(node)
        self._delete(files, path, node, "", recursive=recursive)

    def _delete(self, files: list[File], path: str, node: LiveNode, home: str, *, recursive: bool) -> None:
        wanted = _slashes(find(files, path, windows=windows(node)).id, node)
        inside = [name for file in files if (name := _slashes(file.id, node)).startswith(f"{wanted}/")]
        if inside and not recursive:
            raise Refused(403, "IOError", "An I/O error occurred when accessing the specified resource.")
        for name in (wanted, *inside):
            self._deleted[node.id, home + name] = self._world.time

    def _left(self, files: Iterable[File], node: LiveNode, home: str = "") -> list[File]:
        """Those that nobody deleted."""
        if not self._deleted:
            return list(files)
        never = datetime.min.replace(tzinfo=UTC)
        return [file for file in files if file.created > self._deleted.get((node.id, home + file.id), never)]

    @staticmethod
    def _named(files: Iterator[File] | list[File], node: LiveNode) -> list[File]:
        """In the order of their names, directories between them, each as the node's system writes it."""
        whole: dict[str, File] = {}
        for file in files:
            steps = file.id.split("/")
            for depth in range(1, len(steps)):
                parent = "/".join(steps[:depth])
                whole.setdefault(parent, File(parent, file.created, file.created))
            whole[file.id] = file
        named = list(whole.values())
        if windows(node):
            named = [
                File(file.id.replace("/", "\\"), file.created, file.modified, file.content, file.mode) for file in named
            ]
        return sorted(named, key=lambda file: file.id)


def find(files: list[File], path: str, *, windows: bool) -> File:
    """The file of that name, on Windows whichever way its slashes lean, or `Refused` with FileNotFound."""
    wanted = (path.replace("\\", "/") if windows else path).strip("/")
    for file in files:
        if (file.id.replace("\\", "/") if windows else file.id) == wanted:
            return file
    raise Refused(404, "FileNotFound", "The specified file does not exist.")


def _slashes(name: str, node: LiveNode) -> str:
    """A name with slashes between its folders. On Linux a backslash is a letter."""
    return name.replace("\\", "/") if windows(node) else name


def reach(node: LiveNode) -> None:
    """Refuses where the node cannot be asked for files."""
    if node.state in _UNREACHABLE:
        raise Refused(409, "NodeNotReady", "Node is not able to perform the requested operations in its current state")


def windows(node: LiveNode) -> bool:
    """Whether the node runs Windows."""
    config = node.pool.body.virtual_machine_configuration
    return config is not None and "windows" in config.node_agent_sku_id.lower()


def outputs(run: Run, name: str) -> Iterator[File]:
    """What a command leaves in its working directory: while it runs a checkpoint, which vanishes, then its results."""
    if run.ended is None:
        grown = int((run.now - run.began).total_seconds() * 20_000)
        yield File("wd/checkpoint.tmp", run.began, run.now, Noise(f"{run.key}/checkpoint", grown))
        return
    theme = program_output.theme_of(run.command)
    if run.command.startswith("tee "):
        yield from (run.log(f"wd/{name}", 1.0) for name in shlex.split(run.command)[1:])
    if theme is program_output.BUILD:
        inner = Run(run.key, run.command, run.node_id, run.windows, run.began, run.now, run.ended, run.exit_code)
        log = inner.log("wd/build.log", 6.0, encoding="ascii")
        assert log.content is not None  # noqa: S101  logs are files
        yield File(log.id, log.created, log.modified, Utf16(log.content))
    elif theme is program_output.ENCODE:
        title = "Rapport de l'encodage : séquence vérifiée, durée corrigée, première image à 0 µs\n"
        yield run.log("wd/encode-report.log", 2.0, head=title, encoding="latin-1")
    if run.exit_code == 139:
        yield _made(run, f"wd/core.{2000 + number(run.key, 28_000)}", 8 * 1024 * 1024, b"\x7fELF\x02\x01\x01")
    if run.exit_code != 0:
        return
    megabytes = 1 + number(f"{run.key}/size", 9)
    size = megabytes * 1_048_576 + number(f"{run.key}/rest", 1_048_576)
    if "assemble" in run.command:
        yield _made(run, "wd/output/movie.mov", LARGE, _MP4)
    elif theme is program_output.RENDER:
        yield _made(run, f"wd/output/{name}.exr", size, _EXR)
        yield _made(run, f"wd/output/{name}.png", size // 40, _PNG)
    elif theme is program_output.ENCODE:
        yield _made(run, "wd/out.mp4", 3 * size, _MP4)
    elif theme is program_output.SOLVE:
        yield _made(run, "wd/fields.dat", LARGE, b"FIELDS\x00\x01")
        yield run.log("wd/output/residuals.log", 12.0)
    elif theme is program_output.BUILD:
        yield _made(run, "wd/bin/target.dll", size // 3, _DLL)
    else:
        text = f'{{"name": "{name}", "value": {number(run.key, 10**6) / 1000}, "seconds": {_length(run):.1f}}}\n'
        yield File("wd/result.json", run.until, run.until, Bytes(text.encode()))
    yield File("wd/done", run.until, run.until, Bytes())


def _made(run: Run, name: str, size: int, magic: bytes) -> File:
    return File(name, run.until, run.until, Noise(f"{run.key}/{name}", size, magic))


def _length(run: Run) -> float:
    return (run.until - run.began).total_seconds()


def _meet(under: str, path: str) -> bool:
    """Whether names below `path` may begin with `under`."""
    return path.startswith(under) or under.startswith(path)
