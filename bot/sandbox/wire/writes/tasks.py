"""Writes of tasks: add one or a hundred, delete, update, terminate and reactivate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from bot.sandbox.entity_requests import TaskAdd, TaskCollection, TaskReplace
from bot.sandbox.entity_specs import TaskSpecification
from bot.sandbox.world import Refused, pool_changes, task_changes
from bot.sandbox.world.bodies import etag
from bot.sandbox.world.live import LiveJob, LiveTask

from ..errors import Refusal, from_world, ticks
from ..listener import Handler, respond
from ..request import CONTENT_TYPE, VERSION
from . import rules
from .answers import Tag, done, require
from .body import convert, invalid, read

if TYPE_CHECKING:
    from ..dataplane import DataPlane

MOST: Final = 100
"""Tasks in one collection."""

LONGEST_DEPENDENCIES: Final = 64_000
"""Characters that the ids of all tasks that one depends on may have together."""

_TASK: Final = "/jobs/{job}/tasks/{task}"
_SHARED: Final = frozenset(TaskSpecification.__struct_fields__)


class TaskWrites:
    """The writes of the tasks of one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._account = plane.account
        self.routes: Mapping[tuple[str, str], Handler] = {
            ("POST", "/jobs/{job}/tasks"): self._add,
            ("POST", "/jobs/{job}/addtaskcollection"): self._add_collection,
            ("DELETE", _TASK): self._delete,
            ("PUT", _TASK): self._replace,
            ("POST", f"{_TASK}/terminate"): self._terminate,
            ("POST", f"{_TASK}/reactivate"): self._reactivate,
        }

    def _task(self, request: web.Request) -> tuple[LiveJob, LiveTask]:
        """The task that is written to, and its job; its conditions hold."""
        job = self._account.job(request.match_info["job"])
        task = self._account.task(job.id, request.match_info["task"])
        require(request, _tag(task))
        return job, task

    def _address(self, job: LiveJob, task_id: str, verb: str = "") -> str:
        return f"{self._account.facts.endpoint}/jobs/{job.id}/tasks/{task_id}{verb}"

    # --- coming -------------------------------------------------------------------------------------------------------

    async def _add(self, request: web.Request) -> web.Response:
        given = await read(request, TaskAdd)
        job = self._account.job(request.match_info["job"])
        task = self._new(job, given)
        return done(201, changed=_tag(task), location=self._address(job, task.id))

    async def _add_collection(self, request: web.Request) -> web.Response:
        """Each task is taken or refused on its own; the whole is refused where the job takes none."""
        given = await read(request, TaskCollection)
        job = self._account.job(request.match_info["job"])
        if not 1 <= len(given.value) <= MOST:
            # The documents name the limit and no code for it: this is the likeliest of the list.
            raise Refusal(
                "OutOfRangeInput", [("Reason", f"A collection has 1 to {MOST} tasks, not {len(given.value)}")]
            )
        self._account.job_lifecycle.refuse_gone(job)
        endpoint, version = self._account.facts.endpoint, request[VERSION]
        told = [self._one(job, raw, version) for raw in given.value]
        return respond(
            {"odata.metadata": f"{endpoint}/$metadata#taskaddresult", "value": told},
            content_type=CONTENT_TYPE,
        )

    def _one(self, job: LiveJob, raw: Mapping[str, Any], version: str) -> dict[str, Any]:
        task_id = str(raw.get("id", ""))
        try:
            task = self._new(job, convert(raw, TaskAdd, version))
        except Refusal as refusal:
            return self._not_added(task_id, refusal)
        except Refused as refused:
            return self._not_added(task_id, from_world(refused))
        return {
            "status": "Success",
            "taskId": task.id,
            "eTag": etag(task.last_modified),
            "lastModified": ticks(task.last_modified),
            "location": self._address(job, task.id),
        }

    def _not_added(self, task_id: str, refusal: Refusal) -> dict[str, Any]:
        error = refusal.body("", self._account.guid(), self._account.world.time)
        del error["odata.metadata"]
        status = "ServerError" if refusal.status >= 500 else "ClientError"
        return {"status": status, "taskId": task_id, "error": error}

    def _new(self, job: LiveJob, given: TaskAdd) -> LiveTask:
        rules.entity_id(given.id)
        rules.display_name(given.display_name)
        rules.command_line(given.command_line)
        rules.task_constraints(given.constraints)
        rules.packages(given.application_package_references)
        rules.within("requiredSlots", given.required_slots, 1, 256)
        self._check_dependencies(job, given)
        if given.multi_instance_settings is not None and (given.required_slots or 1) != 1:
            raise invalid("requiredSlots", given.required_slots, "A multi-instance task needs one slot")
        pool_changes.check_packages(self._account, given.application_package_references)
        spec = TaskSpecification(**{name: getattr(given, name) for name in _SHARED})
        return self._account.runner.add(job, given.id, given.command_line, spec, depends_on=given.depends_on)

    @staticmethod
    def _check_dependencies(job: LiveJob, given: TaskAdd) -> None:
        for name, hook in (
            ("JobPreparation", job.body.job_preparation_task),
            ("JobRelease", job.body.job_release_task),
        ):
            if hook is not None and (hook.id or "").lower() == given.id.lower():
                kind = "job preparation" if name == "JobPreparation" else "job release"
                raise Refused(
                    409, f"TaskIdSameAs{name}Task", f"The id of the task is the same as that of the {kind} task."
                )
        if (wanted := given.depends_on) is None:
            return
        if not job.body.uses_task_dependencies:
            raise Refusal("TaskDependenciesNotSpecifiedOnJob")
        if sum(map(len, wanted.task_ids or ())) > LONGEST_DEPENDENCIES:
            raise Refusal("TaskDependencyListTooLong")
        for span in wanted.task_id_ranges or ():
            if not 0 <= span.start <= span.end:
                raise invalid("taskIdRanges", f"{span.start}-{span.end}", "A range begins at 0 or above and ends later")
            if span.end - span.start > LONGEST_DEPENDENCIES:
                raise Refusal("TaskDependencyRangesTooLong")

    # --- changing and going -------------------------------------------------------------------------------------------

    async def _delete(self, request: web.Request) -> web.Response:
        job, task = self._task(request)
        self._account.runner.delete(job, task)
        return done(200)

    async def _replace(self, request: web.Request) -> web.Response:
        given = await read(request, TaskReplace)
        job, task = self._task(request)
        rules.task_constraints(given.constraints)
        task_changes.replace(self._account, job, task, given.constraints)
        return done(200, changed=_tag(task), at=self._address(job, task.id))

    async def _terminate(self, request: web.Request) -> web.Response:
        job, task = self._task(request)
        self._account.runner.terminate(job, task)
        return done(204, changed=_tag(task), at=self._address(job, task.id, "/terminate"))

    async def _reactivate(self, request: web.Request) -> web.Response:
        job, task = self._task(request)
        task_changes.reactivate(self._account, job, task)
        return done(204, changed=_tag(task))


def _tag(task: LiveTask) -> Tag:
    return Tag(etag(task.last_modified), task.last_modified)
