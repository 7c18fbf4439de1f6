"""Pools: made, resized within quota and capacity, and deleted.

`allocationState` goes steady → resizing → steady, over stopping where somebody stops it. A resize first waits a few
seconds, then creates and removes nodes; it ends when none is being created or removed any more. A quota ends it at once
with what there was room for; a lack of machines ends it when its timeout has passed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.sandbox.entities import Pool
from bot.sandbox.entity_parts import ResizeError, TaskSchedulingPolicy
from bot.sandbox.entity_specs import PoolSpecification
from bot.sandbox.world.behaviour import MachineBehaviour, machines_of
from bot.sandbox.world.bodies import etag, touch
from bot.sandbox.world.defaults import start_task_defaults
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LiveNode, LivePool
from bot.sandbox.world.refused import Refused, exists, wrong_state
from bot.sandbox.world.sizes import size_named

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

TIMEOUT = "PT15M"
"""How long a resize may take."""

_KINDS = {True: "dedicated nodes", False: "low priority nodes"}
_EXPENDABLE = {"unusable": 0, "starttaskfailed": 1, "preempted": 2, "offline": 3, "creating": 4, "starting": 5}


class Allocator:
    """Keeps the pools of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self._made = 0

    # --- making -------------------------------------------------------------------------------------------------------

    def add(
        self,
        pool_id: str,
        spec: PoolSpecification,
        machines: MachineBehaviour | None = None,
        *,
        since: datetime | None = None,
    ) -> LivePool:
        """A new pool; its first sizing is a resize. With `since` it has a past: made and sized then, its nodes idle."""
        account, world = self._account, self._world
        if (same := account.of_id(account.pools, pool_id)) is not None:
            self.refuse_deleting(same)
            raise exists("pool")
        if len(account.pools) >= account.facts.pool_quota:
            raise Refused(409, "PoolQuotaReached", "The pool quota for the account has been reached.")
        size = size_named(spec.vm_size)
        now = since or world.time
        scaled = bool(spec.enable_auto_scale)
        policy = spec.task_scheduling_policy or TaskSchedulingPolicy(node_fill_type="Spread")
        given = {
            name: getattr(spec, name)
            for name in (
                "display_name", "network_configuration", "application_package_references", "user_accounts", "metadata",
                "virtual_machine_configuration", "mount_configuration", "identity", "target_node_communication_mode",
                "upgrade_policy", "resource_tags",
            )
        }  # fmt: skip
        body = Pool(
            id=pool_id,
            etag=etag(now),
            last_modified=now,
            creation_time=now,
            state="active",
            state_transition_time=now,
            allocation_state="steady",
            allocation_state_transition_time=now,
            vm_size=spec.vm_size.lower(),
            resize_timeout=spec.resize_timeout or TIMEOUT,
            current_dedicated_nodes=0,
            target_dedicated_nodes=0 if scaled and not since else spec.target_dedicated_nodes or 0,
            current_low_priority_nodes=0,
            target_low_priority_nodes=0 if scaled and not since else spec.target_low_priority_nodes or 0,
            enable_auto_scale=scaled,
            enable_inter_node_communication=bool(spec.enable_inter_node_communication),
            start_task=start_task_defaults(spec.start_task),
            task_slots_per_node=spec.task_slots_per_node or 1,
            task_scheduling_policy=policy,
            **given,
        )
        config = spec.virtual_machine_configuration
        self._made += 1
        machines = machines or machines_of(config.node_agent_sku_id if config else None)
        pool = account.pools[pool_id] = LivePool(body, size, machines, self._made, account.guid())
        account.ledger.opened(pool)
        if since is None:
            account.diagnostics.pool_created(pool)
        for job in account.jobs.values():
            if (
                job.pool is None
                and (job.body.execution_info.pool_id or "").lower() == pool_id.lower()
                and job.state not in ("completed", "deleting")
            ):
                account.job_lifecycle.settle_in(job, pool)
        world.after(300.0, account.fleet.hazards, pool)
        if since is None:
            self._begin(pool)
        else:
            self._found(pool, since)
            account.runner.pump(pool)
        if scaled:
            account.autoscale.enable(pool, spec.auto_scale_formula, spec.auto_scale_evaluation_interval)
        return pool

    def _found(self, pool: LivePool, since: datetime) -> None:
        """The nodes a pool with a past has: all it aims at, booted then, as far as the quota goes."""
        for dedicated in (True, False):
            for _ in range(self._room(pool, dedicated, self._target(pool, dedicated), 0)):
                self._account.fleet.found(pool, dedicated, since)
        pool.body.allocation_state_transition_time = since + timedelta(minutes=3)
        pool.body.resize_errors = pool.shortfall or None
        self._account.ledger.founded(pool, since)

    # --- resizing -----------------------------------------------------------------------------------------------------

    def resize(
        self,
        pool: LivePool,
        dedicated: int | None = None,
        low_priority: int | None = None,
        *,
        timeout: str | None = None,
        deallocation: str = "requeue",
    ) -> None:
        """Other targets; a kind that is not named keeps its own."""
        self.refuse_deleting(pool)
        if pool.body.enable_auto_scale:
            raise wrong_state("The specified pool has AutoScale enabled. It cannot be resized manually")
        self._refuse_resizing(pool)
        self.aim(pool, dedicated, low_priority, timeout or TIMEOUT, deallocation)

    @staticmethod
    def refuse_deleting(pool: LivePool) -> None:
        """Nothing can be done to a pool that is on its way out."""
        if pool.body.state == "deleting":
            raise Refused(
                409, "PoolBeingDeleted", "The specified pool has been marked for deletion and is being deleted."
            )

    def _refuse_resizing(self, pool: LivePool) -> None:
        if pool.body.allocation_state != "steady":
            raise Refused(409, "PoolBeingResized", "The specified pool is being resized.")

    def aim(
        self,
        pool: LivePool,
        dedicated: int | None,
        low_priority: int | None,
        timeout: str | None = None,
        deallocation: str = "requeue",
    ) -> None:
        """Other targets, whatever the pool does and whether or not a formula scales it."""
        body = pool.body
        self._account.list_lag.note(pool)
        if dedicated is not None:
            body.target_dedicated_nodes = dedicated
        if low_priority is not None:
            body.target_low_priority_nodes = low_priority
        body.resize_timeout = timeout or body.resize_timeout
        pool.deallocation = deallocation.lower()
        touch(body, self._world.time)
        self._begin(pool)

    def _allocation(self, pool: LivePool, state: str) -> None:
        self._account.list_lag.note(pool)
        pool.body.allocation_state, pool.body.allocation_state_transition_time = state, self._world.time

    def _begin(self, pool: LivePool) -> None:
        self._allocation(pool, "resizing")
        self._account.diagnostics.pool_resizing(pool)
        pool.body.resize_errors = None
        pool.shortfall = []
        pool.resizes += 1
        pool.stuck = False
        self._go_on(pool)

    def _go_on(self, pool: LivePool) -> None:
        pool.waiting = True
        self._world.after(self._world.rng.uniform(3.0, 12.0), self._progress, pool, pool.resizes)
        limit = seconds(pool.body.resize_timeout) or 900.0
        self._world.after(limit, self._timeout, pool, pool.resizes)

    @staticmethod
    def staying(pool: LivePool, dedicated: bool) -> list[LiveNode]:
        """The nodes of the kind that are not on their way out."""
        return [
            node
            for node in pool.nodes.values()
            if node.body.is_dedicated == dedicated and node.state != "leavingpool" and not node.draining
        ]

    def _target(self, pool: LivePool, dedicated: bool) -> int:
        return pool.body.target_dedicated_nodes if dedicated else pool.body.target_low_priority_nodes

    def _progress(self, pool: LivePool, resizes: int) -> None:
        """Removes what is too much, creates what is missing as far as quota and capacity go."""
        if pool.resizes != resizes or pool.body.allocation_state != "resizing" or pool.stuck:
            return
        pool.waiting = False
        pool.shortfall = []
        for dedicated in (True, False):
            staying, target = self.staying(pool, dedicated), self._target(pool, dedicated)
            if len(staying) > target:
                staying.sort(key=_expendable)
                self._account.fleet.remove(staying[: len(staying) - target], pool.deallocation)
            missing = target - len(staying)
            if missing > 0:
                for _ in range(min(missing, self._room(pool, dedicated, missing, len(staying)))):
                    self._account.fleet.create(pool, dedicated)
        self.check(pool)

    def _room(self, pool: LivePool, dedicated: bool, missing: int, have: int) -> int:
        """How many nodes the quota and Azure's capacity leave room for; notes what forbids the rest."""
        found = self._account.quota_room(pool.size, dedicated)
        room = missing
        for nodes, error in found:
            if nodes < missing:
                room = min(room, nodes)
                pool.shortfall.append(error)
        capacity = pool.machines.dedicated_capacity if dedicated else pool.machines.spot_capacity
        if capacity is not None and capacity - have < room:
            room = max(0, capacity - have)
        return max(0, room)

    def check(self, pool: LivePool) -> None:
        """Ends the resize if nothing of it is left to do; looks again in a minute where Azure has no machines."""
        if pool.body.state == "deleting" and not pool.nodes:
            self.gone(pool)
            return
        if pool.body.allocation_state != "resizing" or pool.waiting or pool.stuck:
            return
        moving = any(pool.counts[kind][state] for kind in (True, False) for state in ("creating", "leavingpool"))
        if moving or any(node.draining for node in pool.nodes.values()):
            return
        short = any(len(self.staying(pool, kind)) < self._target(pool, kind) for kind in (True, False))
        if short and not pool.shortfall:
            pool.waiting = True
            self._world.after(60.0, self._progress, pool, pool.resizes)
        else:
            self._steady(pool, pool.shortfall)

    def _steady(self, pool: LivePool, errors: list[ResizeError] | None = None) -> None:
        begun = pool.body.allocation_state_transition_time
        self._allocation(pool, "steady")
        self._account.diagnostics.pool_resized(pool, begun, errors)
        pool.body.resize_errors = errors or None
        pool.resizes += 1
        pool.waiting = pool.stuck = False

    def _missed(self, pool: LivePool, code: str, reason: str) -> list[ResizeError]:
        return [
            ResizeError(code=code, message=f"Desired number of {kind} could not be allocated {reason}")
            for dedicated, kind in _KINDS.items()
            if len(self.staying(pool, dedicated)) < self._target(pool, dedicated)
        ]

    def _timeout(self, pool: LivePool, resizes: int) -> None:
        if pool.resizes == resizes and pool.body.allocation_state == "resizing" and not pool.stuck:
            errors = self._missed(pool, "AllocationTimedOut", "as the resize operation reached its timeout")
            self._steady(pool, pool.shortfall + errors)

    def stop_resize(self, pool: LivePool) -> None:
        """Ends the resize where it stands; nodes that were not there yet do not come."""
        self.refuse_deleting(pool)
        if pool.body.enable_auto_scale:
            raise wrong_state("The specified pool has AutoScale enabled. AutoScale resize cannot be stopped")
        if pool.body.allocation_state != "resizing":
            raise wrong_state("The specified pool is not being resized")
        self._allocation(pool, "stopping")
        pool.resizes += 1
        touch(pool.body, self._world.time)
        self._world.after(self._world.rng.uniform(3.0, 10.0), self._stopped, pool, pool.resizes)

    def _stopped(self, pool: LivePool, resizes: int) -> None:
        if pool.resizes != resizes:
            return
        self._drop_creating(pool)
        self._steady(pool, self._missed(pool, "ResizeStopped", "due to a stop resize operation"))

    def _drop_creating(self, pool: LivePool) -> None:
        for node in [node for node in pool.nodes.values() if node.state == "creating"]:
            self._account.fleet.forget(node)

    def remove_nodes(
        self, pool: LivePool, nodes: list[LiveNode], deallocation: str = "requeue", timeout: str | None = None
    ) -> None:
        """Removes these nodes and lowers the targets accordingly."""
        self.refuse_deleting(pool)
        self._refuse_resizing(pool)
        gone = [sum(node.body.is_dedicated is kind for node in nodes) for kind in (True, False)]
        self._account.fleet.remove(nodes, deallocation)
        self.aim(
            pool,
            pool.body.target_dedicated_nodes - gone[0],
            pool.body.target_low_priority_nodes - gone[1],
            timeout or TIMEOUT,
            deallocation,
        )

    # --- ending -------------------------------------------------------------------------------------------------------

    def delete(self, pool: LivePool) -> None:
        """The pool goes when its last node has gone; its jobs stay and wait for a pool of that name."""
        self.refuse_deleting(pool)
        self._account.list_lag.note(pool)
        now, body = self._world.time, pool.body
        body.state, body.state_transition_time = "deleting", now
        body.target_dedicated_nodes = body.target_low_priority_nodes = 0
        touch(body, now)
        self._account.diagnostics.pool_deleting(pool)
        pool.evaluations += 1
        pool.deallocation = "requeue"
        self._begin(pool)
        self._account.fleet.remove(list(pool.nodes.values()), "requeue")
        if not pool.nodes:
            self._world.after(self._world.rng.uniform(2.0, 10.0), self.check, pool)

    def gone(self, pool: LivePool) -> None:
        """A pool that is being deleted, its nodes gone, is no more."""
        if self._account.pools.get(pool.id) is pool:
            del self._account.pools[pool.id]
            self._account.diagnostics.pool_deleted(pool)
            pool.resizes += 1
            for job in pool.jobs:
                job.pool = None
            pool.jobs.clear()

    # --- for faults ---------------------------------------------------------------------------------------------------

    def unstick(self, pool: LivePool) -> None:
        """A stuck resize goes on, and may take its whole time."""
        pool.stuck = False
        self._go_on(pool)

    def fail(self, pool: LivePool, error: ResizeError) -> None:
        """The resize has failed; nodes that were not there yet do not come."""
        self._drop_creating(pool)
        self._steady(pool, [error])


def _expendable(node: LiveNode) -> tuple[int, int, int]:
    """Nodes that do nothing go first, then those that do least."""
    return _EXPENDABLE.get(node.state, 9), len(node.running), -node.number
