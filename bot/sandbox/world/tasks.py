"""Tasks: from active over preparing and running to completed, and back to active for a retry or another node.

Every change of a task's state goes through `Runner.move`, which keeps the job's counts; every task that holds slots of
a node is in `node.running` and in `job.running`, and leaves both together.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from bot.sandbox.entities import TaskExecutionInformation
from bot.sandbox.entity_specs import TaskDependencies, TaskSpecification
from bot.sandbox.world.behaviour import OUT_OF_TIME, TASK_ENDED, Cause, Work, work_of
from bot.sandbox.world.defaults import task_defaults
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveTask, Preparation
from bot.sandbox.world.outcomes import ACTIVE, column, options, outcome, retries, satisfies
from bot.sandbox.world.parts_of_runs import companions
from bot.sandbox.world.refused import Refused, exists

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


class Runner:
    """Sends the tasks of one account to nodes and lives their lives.

    Tasks that are `set_to_fail` do not end by themselves: whoever put them there will make them `fail`.
    """

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self.set_to_fail: set[LiveTask] = set()

    # --- coming and going ---------------------------------------------------------------------------------------------

    def add(
        self,
        job: LiveJob,
        task_id: str,
        command_line: str,
        spec: TaskSpecification | None = None,
        *,
        work: Work | None = None,
        depends_on: TaskDependencies | None = None,
    ) -> LiveTask:
        """A new task; `spec` is shared, not copied, and is completed with the service's defaults."""
        task = self._new(job, task_id, command_line, spec, work, self._world.time)
        task.depends_on = depends_on
        if not self._unmet(job, task):
            self.queue(job, task)
            if job.pool is not None:
                self.pump(job.pool)
        return task

    def remember(
        self,
        job: LiveJob,
        task_id: str,
        command_line: str,
        spec: TaskSpecification | None = None,
        *,
        work: Work,
        node: LiveNode,
        began: datetime,
        ended: datetime,
        cause: Cause | None,
    ) -> LiveTask:
        """A task that ran on this node and completed before the world began."""
        task = self._new(job, task_id, command_line, spec, work, began)
        task.pool_id, task.node_id = node.pool.id, node.id
        self.move(job, task, "completed", outcome(task.execution_info, began, ended, cause))
        task.previous_state, task.previous_state_transition_time = "running", began
        task.state_transition_time = ended
        node.body.total_tasks_run += 1
        node.body.total_tasks_succeeded += cause is None
        node.look_back(job, task)
        return task

    def _new(
        self,
        job: LiveJob,
        task_id: str,
        command_line: str,
        spec: TaskSpecification | None,
        work: Work | None,
        born: datetime,
    ) -> LiveTask:
        self._account.job_lifecycle.refuse_gone(job)
        if job.holds(task_id):
            raise exists("task")
        spec = task_defaults(spec, job.body.constraints.max_task_retry_count)
        task = LiveTask(
            id=task_id,
            spec=spec,
            work=work or work_of(command_line),
            command_line=command_line,
            slots=spec.required_slots or 1,
            creation_time=born,
            last_modified=born,
            state="active",
            state_transition_time=born,
            execution_info=TaskExecutionInformation(retry_count=0, requeue_count=0),
        )
        job.hold(task)
        job.counts[ACTIVE] += 1
        job.slot_counts[ACTIVE] += task.slots
        return task

    def _unmet(self, job: LiveJob, task: LiveTask) -> int:
        """Notes the tasks this one waits for; how many there are."""
        if task.depends_on is None:
            return 0
        wanted = list(task.depends_on.task_ids or ())
        for span in task.depends_on.task_id_ranges or ():
            wanted += map(str, range(span.start, span.end + 1))
        unmet = 0
        for parent_id in wanted:
            parent = self._account.of_id(job.tasks, parent_id) if job.holds(parent_id) else None
            if parent is None or parent.state != "completed" or not satisfies(parent):
                job.dependents.setdefault(parent_id.lower(), []).append(task)
                unmet += 1
        if unmet:
            job.waiting[task.id] = unmet
        return unmet

    def delete(self, job: LiveJob, task: LiveTask) -> None:
        """The task is gone; if it ran, its slots are free."""
        node = self._leave(job, task)
        counted = column(task)
        job.counts[counted] -= 1
        job.slot_counts[counted] -= task.slots
        job.drop(task)
        job.waiting.pop(task.id, None)
        task.run += 1
        task.state = "deleted"
        if node is not None:
            self.pump(node.pool)
        self._account.job_lifecycle.consider(job)

    def terminate(self, job: LiveJob, task: LiveTask) -> None:
        """Ends a task by request: it completes, as failed."""
        if task.state == "completed":
            raise Refused(409, "TaskCompleted", "The specified task is already in a completed state.")
        self.end(job, task, TASK_ENDED)

    # --- finding a node -----------------------------------------------------------------------------------------------

    @staticmethod
    def queue(job: LiveJob, task: LiveTask, *, first: bool = False) -> None:
        """The task waits for a node, behind those that need as many slots."""
        queue = job.ready.get(task.slots)
        if queue is None:
            queue = job.ready[task.slots] = deque()
        if first:
            queue.appendleft(task)
        else:
            queue.append(task)

    def pump(self, pool: LivePool) -> None:
        """Sends every task that can run to a node: jobs by priority, then age; tasks of a job in their order."""
        for job in pool.jobs:
            if not any(pool.open):
                return
            if job.body.state == "active" and job.ready and job.held is None:
                self._pump(job, pool)

    def _pump(self, job: LiveJob, pool: LivePool) -> None:
        most = job.body.max_parallel_tasks
        for slots, queue in job.ready.items():
            while queue:
                task = queue[0]
                if task.state != "active":  # ended, deleted or sent already: the entry is stale
                    queue.popleft()
                    continue
                if 0 <= most <= len(job.running):
                    return
                node = self._pick(pool, slots, job)
                if node is None:
                    break
                queue.popleft()
                self._send(job, task, node)

    @staticmethod
    def _pick(pool: LivePool, slots: int, job: LiveJob) -> LiveNode | None:
        """Spread: the node with most free slots; pack: the one with fewest that suffice."""
        shelves = pool.open[slots:]
        if pool.body.task_scheduling_policy.node_fill_type.lower() == "spread":
            shelves.reverse()
        for shelf in shelves:
            for node in shelf.values():
                if node.id not in job.refused:
                    return node
        return None

    # --- living on a node ---------------------------------------------------------------------------------------------

    def _send(self, job: LiveJob, task: LiveTask, node: LiveNode) -> None:
        world, fleet = self._world, self._account.fleet
        task.run += 1
        old = task.execution_info
        self.move(
            job,
            task,
            "preparing",
            TaskExecutionInformation(
                start_time=world.time,
                retry_count=old.retry_count,
                last_retry_time=old.last_retry_time,
                requeue_count=old.requeue_count,
                last_requeue_time=old.last_requeue_time,
            ),
        )
        task.pool_id, task.node_id = node.pool.id, node.id
        if many := task.spec.multi_instance_settings:
            job.instances[task.id] = companions(node, (many.number_of_instances or 1) - 1)
        self._account.list_lag.note(node)
        node.running[task] = job
        job.running[task] = node
        node.free -= task.slots
        self._account.ledger.sent(job, task, node)
        node.remember(job, task)
        self._account.diagnostics.task_started(job, task)
        for place, name in enumerate(job.instances.get(task.id, ()), start=1):
            companion = node.pool.nodes[name]
            self._account.list_lag.note(companion)
            companion.remember(job, task, place)
        fleet.load(node)
        world.after(
            self._preparation(job, node) + task.work.preparation(world.rng), self._prepared, job, task, task.run
        )

    def _preparation(self, job: LiveJob, node: LiveNode) -> float:
        """Seconds until the job's preparation has ended on this node; begins it with the first task."""
        wanted = job.body.job_preparation_task
        if wanted is None:
            return 0.0
        now = self._world.time
        done = job.preparations.get(node.id)
        if done is None:
            rng = self._world.rng
            cause = job.preparation.cause(rng)
            done = job.preparations[node.id] = Preparation(
                node_id=node.id,
                start_time=now,
                end_time=now + timedelta(seconds=job.preparation.duration(rng)),
                exit_code=(cause.exit_code or 1) if cause else 0,
            )
        return max(0.0, (done.end_time - now).total_seconds())

    def _prepared(self, job: LiveJob, task: LiveTask, run: int) -> None:
        if task.run != run:
            return
        if task in self.set_to_fail:
            self.move(job, task, "running")
            return
        if job.held is not None:
            job.held.append((self._prepared, (job, task, run)))
            return
        world = self._world
        node = job.running[task]
        wanted, done = job.body.job_preparation_task, job.preparations.get(node.id)
        if wanted and wanted.wait_for_success and done and done.exit_code:
            job.refused.add(node.id)
            self.requeue(job, task)
            return
        cause, length = task.work.cause(world.rng), task.work.duration(world.rng)
        if job.forced_failures is not None:
            cause, length = self._forced(job, job.forced_failures), 1.0
        if cause and cause.phase != "run":
            self.end(job, task, cause)
            return
        self.move(job, task, "running")
        limit = seconds(task.spec.constraints.max_wall_clock_time) if task.spec.constraints else None
        if limit is not None and length > limit:
            length, cause = limit, OUT_OF_TIME
        manager = job.body.job_manager_task
        if job.plan is not None and manager is not None and task.id == manager.id and cause is None:
            world.after(length / 2, self._plan, job, task, run)
        world.after(length, self._ended, job, task, run, cause)

    def storm(self, job: LiveJob, cause: Cause, number: int) -> None:
        """The next `number` runs of the job's tasks fail of one cause, those that run now at once."""
        running = [task for task in job.running if task.state == "running"][:number]
        left = number - len(running)
        job.forced_failures = (cause, left) if left else None
        for task in running:
            self.end(job, task, cause)

    @staticmethod
    def _forced(job: LiveJob, forced: tuple[Cause, int]) -> Cause:
        cause, left = forced
        job.forced_failures = (cause, left - 1) if left > 1 else None
        return cause

    @staticmethod
    def _plan(job: LiveJob, task: LiveTask, run: int) -> None:
        if task.run == run and job.plan is not None:
            plan, job.plan = job.plan, None
            plan(job)

    def _ended(self, job: LiveJob, task: LiveTask, run: int, cause: Cause | None) -> None:
        if task.run != run or task in self.set_to_fail:
            return
        if job.held is not None:
            job.held.append((self._ended, (job, task, run, cause)))
        else:
            self.end(job, task, cause)

    def end(self, job: LiveJob, task: LiveTask, cause: Cause | None) -> None:
        """The run is over: the task is retried, or it has completed."""
        old, now = task.execution_info, self._world.time
        node = self._leave(job, task)
        most = retries(task)
        if cause and cause.exit_code and (most == -1 or old.retry_count < most) and job.state != "terminating":
            again = TaskExecutionInformation(
                retry_count=old.retry_count + 1,
                last_retry_time=now,
                requeue_count=old.requeue_count,
                last_requeue_time=old.last_requeue_time,
            )
            self.move(job, task, "active", again)
            self.queue(job, task, first=True)
            if node is not None:
                node.body.total_tasks_run += 1  # a node counts every run, as recorded
        else:
            self._complete(job, task, cause, node)
        if node is not None:
            self.pump(node.pool)
        self._account.job_lifecycle.consider(job)

    def _complete(self, job: LiveJob, task: LiveTask, cause: Cause | None, node: LiveNode | None) -> None:
        old, now = task.execution_info, self._world.time
        info = outcome(old, old.start_time, now, cause)
        self.move(job, task, "completed", info)
        self._account.diagnostics.task_completed(job, task, (node.pool.id, node.id) if node else ("", ""))
        self._account.ledger.completed(job, node, failed=cause is not None)
        if node is not None:
            node.body.total_tasks_run += 1
            node.body.total_tasks_succeeded += cause is None
        if satisfies(task):
            for child in job.dependents.pop(task.id.lower(), ()):
                self._met(job, child)
        self._account.job_lifecycle.completed(job, task, options(task).job_action if cause else None)

    def fail(self, job: LiveJob, task: LiveTask, cause: Cause, host: LiveNode | None) -> None:
        """The task completes as failed, its retries spent; one that waited has had a short run on `host`, if any."""
        self._account.list_lag.note(task)
        info, waited = task.execution_info, task.state == "active"
        node = self._leave(job, task) or host
        began = info.start_time or max(task.state_transition_time, self._world.time - timedelta(seconds=1))
        spent = retries(task) if cause.exit_code else 0
        task.execution_info = msgspec.structs.replace(
            info,
            start_time=began,
            retry_count=max(info.retry_count, spent),
            last_retry_time=began if spent > info.retry_count else info.last_retry_time,
        )
        self._complete(job, task, cause, node)
        if waited:
            task.previous_state, task.previous_state_transition_time = "running", began
            if host is not None:
                task.pool_id, task.node_id = host.pool.id, host.id
                self._account.list_lag.note(host)
                host.remember(job, task)
        if node is not None:
            self.pump(node.pool)
        self._account.job_lifecycle.consider(job)

    def _met(self, job: LiveJob, child: LiveTask) -> None:
        left = job.waiting.get(child.id)
        if left is None:
            return
        if left > 1:
            job.waiting[child.id] = left - 1
            return
        del job.waiting[child.id]
        if child.state == "active":
            self.queue(job, child)
            if job.pool is not None:
                self.pump(job.pool)

    def requeue(self, job: LiveJob, task: LiveTask) -> None:
        """The task lost its node, or its job was disabled: it waits for another, one requeue older."""
        old, now = task.execution_info, self._world.time
        node = self._leave(job, task)
        again = TaskExecutionInformation(
            retry_count=old.retry_count,
            last_retry_time=old.last_retry_time,
            requeue_count=old.requeue_count + 1,
            last_requeue_time=now,
        )
        self.move(job, task, "active", again)
        self.queue(job, task, first=True)
        if node is not None:
            self.pump(node.pool)

    def end_all(self, job: LiveJob) -> None:
        """Ends whatever runs, by request."""
        for task in list(job.running):
            self.end(job, task, TASK_ENDED)

    def _leave(self, job: LiveJob, task: LiveTask) -> LiveNode | None:
        """Frees the task's slots; the node it ran on, if it ran. Events of that run are stale from now on."""
        self._note_nodes(job, task)
        node = job.running.pop(task, None)
        task.run += 1
        if node is not None:
            del node.running[task]
            node.free += task.slots
            self._account.ledger.freed(job, task, node)
            self._account.fleet.load(node)
            if (began := task.execution_info.start_time) is not None:
                task.held += (self._world.time - began).total_seconds()
        return node

    def _note_nodes(self, job: LiveJob, task: LiveTask) -> None:
        """The nodes that list the task among their recent ones are about to show another state of it."""
        lag = self._account.list_lag
        if lag.seconds and (node := job.running.get(task)) is not None:
            names = (node.id, *job.instances.get(task.id, ()))
            for each in filter(None, map(node.pool.nodes.get, names)):
                lag.note(each)

    def move(self, job: LiveJob, task: LiveTask, state: str, info: TaskExecutionInformation | None = None) -> None:
        """The task is in another state; the counts of its job follow."""
        self._account.list_lag.note(task)
        self._note_nodes(job, task)
        before = column(task)
        if state == "active":
            task.node_id = task.pool_id = None
        task.previous_state, task.previous_state_transition_time = task.state, task.state_transition_time
        task.state, task.state_transition_time = state, self._world.time
        if info is not None:
            task.execution_info = info
        after = column(task)
        if after != before:
            job.counts[before] -= 1
            job.counts[after] += 1
            job.slot_counts[before] -= task.slots
            job.slot_counts[after] += task.slots
