"""Writes of jobs: add, delete, patch, update, disable, enable and terminate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.entity_requests import JobAdd, JobDisable, JobPatch, JobReplace, JobTerminate
from bot.sandbox.entity_specs import JobSpecification, PoolInformation
from bot.sandbox.world import job_changes, pool_changes
from bot.sandbox.world.live import LiveJob

from ..errors import Refusal
from ..listener import Handler
from . import rules
from .answers import done, require
from .body import invalid, read, read_optional
from .pools import check_pool

if TYPE_CHECKING:
    from bot.sandbox.world import AccountState

    from ..dataplane import DataPlane

ADDED = "/jobs/job-1"
"""Where the service says that a new job is, whatever its id: so in all 100 recordings of ten years."""


class JobWrites:
    """The writes of the jobs of one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._account = plane.account
        self.routes: Mapping[tuple[str, str], Handler] = {
            ("POST", "/jobs"): self._add,
            ("DELETE", "/jobs/{job}"): self._delete,
            ("PATCH", "/jobs/{job}"): self._patch,
            ("PUT", "/jobs/{job}"): self._replace,
            ("POST", "/jobs/{job}/disable"): self._disable,
            ("POST", "/jobs/{job}/enable"): self._enable,
            ("POST", "/jobs/{job}/terminate"): self._terminate,
        }

    def _job(self, request: web.Request) -> LiveJob:
        """The job that is written to; its conditions hold."""
        job = self._account.job(request.match_info["job"])
        require(request, job.body)
        return job

    def _address(self, job: LiveJob, verb: str = "") -> str:
        return f"{self._account.facts.endpoint}/jobs/{job.id}{verb}"

    async def _add(self, request: web.Request) -> web.Response:
        given = await read(request, JobAdd)
        rules.entity_id(given.id)
        check_job(given, self._account)
        job = self._account.job_lifecycle.add(given.id, given)
        return done(201, changed=job.body, location=f"{self._account.facts.endpoint}{ADDED}")

    async def _delete(self, request: web.Request) -> web.Response:
        self._account.job_lifecycle.delete(self._job(request))
        return done(202)

    async def _patch(self, request: web.Request) -> web.Response:
        given = await read(request, JobPatch)
        job = self._job(request)
        self._check_changes(given)
        job_changes.patch(self._account, job, given)
        return done(200, changed=job.body, at=self._address(job))

    async def _replace(self, request: web.Request) -> web.Response:
        given = await read(request, JobReplace)
        job = self._job(request)
        self._check_changes(given)
        job_changes.replace(self._account, job, given)
        return done(200, changed=job.body, at=self._address(job))

    def _check_changes(self, given: JobPatch | JobReplace) -> None:
        rules.priority(given.priority)
        rules.parallel_tasks(given.max_parallel_tasks)
        rules.job_constraints(given.constraints)
        rules.metadata(given.metadata)
        if given.pool_info is not None:
            _check_pool_info(given.pool_info, self._account)

    async def _disable(self, request: web.Request) -> web.Response:
        given, job = await read(request, JobDisable), self._job(request)
        self._account.job_lifecycle.disable(job, given.disable_tasks)
        return done(202, changed=job.body, at=self._address(job, "/disable"))

    async def _enable(self, request: web.Request) -> web.Response:
        job = self._job(request)
        self._account.job_lifecycle.enable(job)
        return done(202, changed=job.body, at=self._address(job, "/enable"))

    async def _terminate(self, request: web.Request) -> web.Response:
        given, job = await read_optional(request, JobTerminate), self._job(request)
        self._account.job_lifecycle.terminate(job, given.terminate_reason)
        return done(202, changed=job.body, at=self._address(job, "/terminate"))


def check_job(given: JobSpecification, account: AccountState) -> None:
    """What a new job is asked to be, by a caller or by a schedule. Raises `Refusal` (400) or `Refused` (409)."""
    rules.display_name(given.display_name)
    rules.priority(given.priority)
    rules.parallel_tasks(given.max_parallel_tasks)
    rules.job_constraints(given.constraints)
    rules.metadata(given.metadata)
    _check_pool_info(given.pool_info, account)
    if (manager := given.job_manager_task) is not None:
        rules.entity_id(manager.id, "jobManagerTask.id")
        rules.command_line(manager.command_line, "jobManagerTask.commandLine")
        rules.task_constraints(manager.constraints)
        pool_changes.check_packages(account, manager.application_package_references)
    if (preparation := given.job_preparation_task) is not None:
        rules.command_line(preparation.command_line, "jobPreparationTask.commandLine")
        rules.task_constraints(preparation.constraints)
    if (release := given.job_release_task) is not None:
        rules.command_line(release.command_line, "jobReleaseTask.commandLine")
        if preparation is None:
            raise invalid("jobReleaseTask", release.id or "jobrelease", "It needs a jobPreparationTask")


def _check_pool_info(given: PoolInformation, account: AccountState) -> None:
    """Either a pool or the specification of one."""
    auto = given.auto_pool_specification
    if given.pool_id is None and auto is None:
        raise Refusal("MissingRequiredProperty", [("PropertyName", "poolInfo.poolId")])
    if given.pool_id is not None and auto is not None:
        raise invalid("poolInfo", given.pool_id, "Either poolId or autoPoolSpecification can be specified")
    if auto is not None and auto.pool is not None:
        check_pool(auto.pool, account.facts.subscription)
        pool_changes.check_packages(account, auto.pool.application_package_references)
