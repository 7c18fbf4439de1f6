"""Nodes: created, booted, prepared by the start task, idle and running; rebooted, preempted, broken, and gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.sandbox.entities import (
    InboundEndpoint,
    Node,
    NodeAgentInformation,
    NodeEndpointConfiguration,
    NodeError,
    StartTaskInformation,
)
from bot.sandbox.entity_parts import NameValuePair
from bot.sandbox.world.behaviour import TASK_ENDED, failure_of, lognormal
from bot.sandbox.world.live import LiveNode, LivePool
from bot.sandbox.world.refused import wrong_state

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

AGENT = "1.12.2"
"""The version of the node agent."""

UNREACHABLE = NodeError(
    code="NodeUnreachable",
    message="The Batch service lost contact with the compute node",
    error_details=[NameValuePair(name="Message", value="The node agent has not sent a heartbeat for 10 minutes")],
)
SHORT_OF_DISK = NodeError(
    code="DiskFull",
    message="The VM disk is full. Delete jobs, tasks, or files on the node to free up space and then reboot the node.",
)


class Fleet:
    """Lives the nodes of one account. Each change of state goes through `_move`, which keeps the pool's counts."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world

    # --- states -------------------------------------------------------------------------------------------------------

    def move(self, node: LiveNode, state: str) -> None:
        """The node is in another state; whatever was planned for it in the old one is void."""
        self._relabel(node, state)
        node.life += 1
        node.pending = None
        self.load(node)

    def _relabel(self, node: LiveNode, state: str) -> None:
        self._account.list_lag.note(node)
        body = node.body
        counts = node.pool.counts[body.is_dedicated]
        counts[body.state] -= 1
        counts[state] += 1
        self._account.ledger.node(node.pool, body.is_dedicated, body.state, state)
        body.state, body.state_transition_time = state, self._world.time

    def load(self, node: LiveNode) -> None:
        """The node's load, state or readiness has changed: idle or running, and on the shelf of its free slots."""
        if node.body.state in ("idle", "running"):
            state = "running" if node.running else "idle"
            if state != node.body.state:
                self._relabel(node, state)
        self._shelve(node)
        if not node.running:
            if node.draining:
                node.draining = False
                self._leave(node)
            elif node.pending is not None:
                begin, node.pending = node.pending, None
                begin()
            elif node.body.scheduling_state == "disabled" and node.body.state == "idle":
                self.move(node, "offline")

    @staticmethod
    def _shelve(node: LiveNode) -> None:
        """Puts the node on the shelf of its free slots, or on none if no task may be sent to it."""
        shelf = node.free if node.open and node.free else None
        if shelf != node.shelf:
            if node.shelf is not None:
                del node.pool.open[node.shelf][node.id]
            if shelf is not None:
                node.pool.open[shelf][node.id] = node
            node.shelf = shelf

    # --- coming -------------------------------------------------------------------------------------------------------

    def create(self, pool: LivePool, dedicated: bool) -> LiveNode:
        """A node that the pool was given: creating."""
        node = self._new(pool, dedicated, self._world.time)
        length = lognormal(self._world.rng, pool.machines.allocation, 0.35)
        self._world.after(length, self._allocated, node, node.life)
        return node

    def found(self, pool: LivePool, dedicated: bool, since: datetime) -> LiveNode:
        """A node with a past: it was allocated at `since`, booted minutes later, and is idle."""
        node = self._new(pool, dedicated, since)
        body, task = node.body, pool.body.start_task
        booted = since + timedelta(seconds=lognormal(self._world.rng, pool.machines.boot, 0.25) + 60)
        body.last_boot_time = booted
        body.node_agent_info = NodeAgentInformation(last_update_time=booted, version=AGENT)
        if task is not None:
            body.start_task = task
            ended = booted + timedelta(seconds=lognormal(self._world.rng, pool.machines.start_task, 0.4))
            body.start_task_info = StartTaskInformation(
                state="completed", start_time=booted, end_time=ended, exit_code=0, result="success", retry_count=0
            )
            booted = ended
        self.move(node, "idle")
        body.state_transition_time = booted
        return node

    def _new(self, pool: LivePool, dedicated: bool, now: datetime) -> LiveNode:
        world, account = self._world, self._account
        pool.serial += 1
        number = pool.serial
        node_id = f"tvmps_{world.rng.getrandbits(256):064x}_{'d' if dedicated else 'p'}"
        config = pool.body.virtual_machine_configuration
        windows = config is not None and "windows" in config.node_agent_sku_id.lower()
        address = f"10.{pool.number % 200}.{number // 250 % 250}.{4 + number % 250}"
        body = Node(
            id=node_id,
            state="creating",
            scheduling_state="enabled",
            state_transition_time=now,
            allocation_time=now,
            ip_address=address,
            affinity_id=f"TVM:{node_id}",
            vm_size=pool.body.vm_size,
            total_tasks_run=0,
            total_tasks_succeeded=0,
            running_tasks_count=0,
            running_task_slots_count=0,
            is_dedicated=dedicated,
            endpoint_configuration=NodeEndpointConfiguration(
                inbound_endpoints=[
                    InboundEndpoint(
                        name=f"{'RDPRule' if windows else 'SSHRule'}.{number - 1}",
                        protocol="tcp",
                        public_ip_address=f"203.0.113.{1 + pool.number % 250}",
                        public_fqdn=f"dns{pool.network}-azurebatch-cloudservice.{account.facts.location}.cloudapp.azure.com",
                        frontend_port=50_000 + number - 1,
                        backend_port=3389 if windows else 22,
                    )
                ]
            ),
            virtual_machine_info=pool.machine,
        )
        node = pool.nodes[node_id] = LiveNode(body, pool, number, pool.slots)
        pool.counts[dedicated]["creating"] += 1
        account.ledger.node(pool, dedicated, None, "creating")
        account.cores[dedicated] += pool.size.vcpus
        account.family_cores[pool.size.family] += pool.size.vcpus if dedicated else 0
        pool.reordered()
        return node

    def _allocated(self, node: LiveNode, life: int) -> None:
        if node.life == life:
            self.boot(node)
            self._account.allocator.check(node.pool)

    def boot(self, node: LiveNode) -> None:
        """The machine starts; the start task comes next."""
        self.move(node, "starting")
        length = lognormal(self._world.rng, node.pool.machines.boot, 0.25)
        self._world.after(length, self._booted, node, node.life)

    def _booted(self, node: LiveNode, life: int) -> None:
        if node.life != life:
            return
        now, body, task = self._world.time, node.body, node.pool.body.start_task
        body.last_boot_time = now
        body.node_agent_info = NodeAgentInformation(last_update_time=now, version=AGENT)
        body.errors = None
        body.start_task = task
        if task is None:
            body.start_task_info = None
            self.ready(node)
            return
        body.start_task_info = StartTaskInformation(state="running", start_time=now, retry_count=0)
        if task.wait_for_success:
            self.move(node, "waitingforstarttask")
        else:
            self.ready(node)
        self._start(node, body.start_task_info)

    def _start(self, node: LiveNode, info: StartTaskInformation) -> None:
        length = lognormal(self._world.rng, node.pool.machines.start_task, 0.4)
        self._world.after(length, self._started, node, info)

    def _started(self, node: LiveNode, info: StartTaskInformation) -> None:
        """The start task has ended: well, once more, or in failure. It is another's if the node booted meanwhile."""
        task = node.body.start_task
        if node.body.start_task_info is not info or node.left or task is None or info.state != "running":
            return
        if task.wait_for_success and node.state != "waitingforstarttask":
            return
        now, machines = self._world.time, node.pool.machines
        failed = self._world.rng.random() < machines.start_task_failure
        if failed and info.retry_count < (task.max_task_retry_count or 0):
            info.retry_count += 1
            info.last_retry_time = info.start_time = now
            self._start(node, info)
            return
        self._account.list_lag.note(node)
        info.state, info.end_time = "completed", now
        if not failed:
            info.exit_code, info.result = 0, "success"
            if node.state == "waitingforstarttask":
                self.ready(node)
            return
        self._fail_start(node, info)

    def _fail_start(self, node: LiveNode, info: StartTaskInformation) -> None:
        self._account.list_lag.note(node)
        cause = node.pool.machines.start_task_cause
        info.state, info.end_time = "completed", self._world.time
        info.exit_code, info.result, info.failure_info = cause.exit_code, "failure", failure_of(cause)
        if node.body.start_task and node.body.start_task.wait_for_success:
            self.move(node, "starttaskfailed")
            self.lose_tasks(node, "requeue")
            self._account.allocator.check(node.pool)

    def ready(self, node: LiveNode) -> None:
        """The node takes tasks from now on."""
        self.move(node, "idle")
        self._account.runner.pump(node.pool)
        self._account.allocator.check(node.pool)

    # --- going --------------------------------------------------------------------------------------------------------

    def lose_tasks(self, node: LiveNode, how: str) -> None:
        """Nothing runs here any more: tasks are ended ("terminate") or requeued."""
        runner = self._account.runner
        for task, job in list(node.running.items()):
            if how == "terminate":
                runner.end(job, task, TASK_ENDED)
            else:
                runner.requeue(job, task)

    def remove(self, nodes: list[LiveNode], deallocation: str) -> None:
        """The pool gives nodes back: at once, or when their tasks have ended ("taskcompletion", "retaineddata")."""
        patient = deallocation in ("taskcompletion", "retaineddata")
        nodes = [node for node in nodes if node.state != "leavingpool"]
        for node in nodes:  # all close first, so that none is sent what another one loses
            node.draining = True
            self._shelve(node)
        for node in nodes:
            if not (patient and node.running):
                node.draining = False
                self._leave(node, deallocation)

    def _leave(self, node: LiveNode, deallocation: str = "requeue") -> None:
        self.move(node, "leavingpool")
        self.lose_tasks(node, deallocation)
        self._world.after(lognormal(self._world.rng, 45.0, 0.4), self._left, node, node.life)

    def _left(self, node: LiveNode, life: int) -> None:
        if node.life != life:
            return
        pool, account = node.pool, self._account
        self.forget(node)
        account.allocator.check(pool)

    def forget(self, node: LiveNode) -> None:
        """The node is no more."""
        pool, body, account = node.pool, node.body, self._account
        node.left = True
        node.life += 1
        pool.counts[body.is_dedicated][body.state] -= 1
        account.ledger.node(pool, body.is_dedicated, body.state, None)
        account.cores[body.is_dedicated] -= pool.size.vcpus
        account.family_cores[pool.size.family] -= pool.size.vcpus if body.is_dedicated else 0
        del pool.nodes[node.id]
        pool.reordered()

    # --- fates --------------------------------------------------------------------------------------------------------

    def preempt(self, node: LiveNode) -> None:
        """Azure takes a spot machine back; the node waits for another."""
        if node.body.is_dedicated or node.left or node.draining or node.state in ("preempted", "leavingpool"):
            return
        self.move(node, "preempted")
        self.lose_tasks(node, "requeue")
        self._account.allocator.check(node.pool)
        self._world.after(lognormal(self._world.rng, 1200.0, 0.6), self._restore, node, node.life)

    def _restore(self, node: LiveNode, life: int) -> None:
        if node.life != life:
            return
        capacity = node.pool.machines.spot_capacity
        counts = node.pool.counts[False]
        if capacity is not None and sum(counts.values()) - counts["preempted"] >= capacity:
            self._world.after(600.0, self._restore, node, life)
        else:
            self.boot(node)

    def break_down(self, node: LiveNode, error: NodeError | None = None, *, recovers: bool | None = None) -> None:
        """The node is unusable: with a reason or, as often, without; it may come back after a while."""
        if node.left or node.draining or node.state in ("unusable", "leavingpool", "preempted", "creating"):
            return
        self.move(node, "unusable")
        node.body.errors = [error] if error else None
        self.lose_tasks(node, "requeue")
        rng = self._world.rng
        if recovers is None:
            recovers = rng.random() < node.pool.machines.recovery
        if recovers:
            self._world.after(lognormal(rng, 1700.0, 0.3), self._recovered, node, node.life)
        self._account.allocator.check(node.pool)

    def _recovered(self, node: LiveNode, life: int) -> None:
        if node.life == life:
            self.boot(node)

    def revive(self, node: LiveNode) -> None:
        """A node that was unusable is well again at once, or boots where its start task had not succeeded before."""
        if node.left or node.state != "unusable":
            return
        info, task = node.body.start_task_info, node.body.start_task
        prepared = task is None or not task.wait_for_success or (info is not None and info.result == "success")
        if node.body.last_boot_time is None or not prepared:
            self.boot(node)
            return
        node.body.errors = None
        self.ready(node)

    def fail_start_task(self, node: LiveNode) -> None:
        """The start task has failed, whatever it did."""
        if node.body.start_task is None or node.state in ("leavingpool", "preempted", "creating", "starting"):
            raise wrong_state("the node runs no start task")
        info = node.body.start_task_info
        if info is None or info.state == "completed":
            info = StartTaskInformation(state="running", start_time=self._world.time, retry_count=0)
            node.body.start_task_info = info
        self._fail_start(node, info)

    def hazards(self, pool: LivePool) -> None:
        """Every five minutes: the machines that fail or are taken in the next five."""
        world, machines = self._world, pool.machines
        if pool.body.state != "active":
            return
        if machines.preemptions or machines.breakdowns:
            busy = 1.6 if 7 <= world.time.hour < 19 else 0.5
            for node in pool.nodes.values():
                rate = (
                    machines.breakdowns if node.body.is_dedicated else machines.breakdowns + machines.preemptions * busy
                )
                if node.state in ("idle", "running") and world.rng.random() < rate / 12:
                    taken = not node.body.is_dedicated and world.rng.random() * rate >= machines.breakdowns
                    world.after(world.rng.uniform(0, 300), self.preempt if taken else self.break_down, node)
        world.after(300.0, self.hazards, pool)
