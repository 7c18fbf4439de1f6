"""What may be asked of a node: reboot, deallocate, start, scheduling off and on; reimaging is always refused.

Running tasks are requeued or terminated at once; with "taskcompletion" (and "retaineddata") the node takes no new task
and the operation begins when its last one has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bot.sandbox.world.behaviour import lognormal
from bot.sandbox.world.live import LiveNode
from bot.sandbox.world.refused import Refused, wrong_state

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

PATIENT: Final = ("taskcompletion", "retaineddata")

_BUSY: Final = {
    "creating": ("NodeBeingCreated", "The specified node is being created."),
    "starting": ("NodeBeingStarted", "The specified node is being started."),
    "rebooting": ("NodeBeingRebooted", "The specified node is being rebooted."),
    "reimaging": ("NodeBeingReimaged", "The specified node is being reimaged."),
}
_AWAY: Final = ("leavingpool", "preempted", "deallocated", "deallocating")


class NodeOperations:
    """The operations on the nodes of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world

    def reboot(self, node: LiveNode, option: str = "requeue") -> None:
        """Restarts the machine; the start task runs again."""
        self._refuse_busy(node)
        self._begin(node, option, self._reboot)

    def _reboot(self, node: LiveNode, option: str) -> None:
        fleet = self._account.fleet
        fleet.move(node, "rebooting")
        fleet.lose_tasks(node, option)
        node.body.scheduling_state = "enabled"
        self._world.after(lognormal(self._world.rng, 35.0, 0.3), self._rebooted, node, node.life)

    def _rebooted(self, node: LiveNode, life: int) -> None:
        if node.life == life:
            self._account.fleet.boot(node)

    def reimage(self, node: LiveNode) -> None:
        """Refused on every pool of virtual machines, as recorded since 2018."""
        raise Refused(
            409,
            "OperationNotValidOnNode",
            "The specified operation is not valid on the node.",
            Reason="Operation reimage can be invoked only on pools created with cloudServiceConfiguration ",
        )

    def deallocate(self, node: LiveNode, option: str = "requeue") -> None:
        """Stops the machine, and its bill, but keeps the node."""
        self._refuse_busy(node)
        self._begin(node, option, self._deallocate)

    def _deallocate(self, node: LiveNode, option: str) -> None:
        fleet = self._account.fleet
        fleet.move(node, "deallocating")
        fleet.lose_tasks(node, option)
        self._world.after(lognormal(self._world.rng, 60.0, 0.3), self._deallocated, node, node.life)

    def _deallocated(self, node: LiveNode, life: int) -> None:
        if node.life == life:
            self._account.fleet.move(node, "deallocated")

    def start(self, node: LiveNode) -> None:
        """Starts a deallocated machine."""
        if node.state != "deallocated":
            if busy := _BUSY.get(node.state):
                raise Refused(409, *busy)
            raise wrong_state(f"The node is {node.state}; only a deallocated one can be started")
        self._account.fleet.boot(node)

    def disable_scheduling(self, node: LiveNode, option: str = "requeue") -> None:
        """No new tasks; offline once nothing runs."""
        if node.body.scheduling_state == "disabled":
            raise _already("disabled")
        if node.state not in ("idle", "running"):
            self._refuse_busy(node)
            raise _unable(node)
        node.body.scheduling_state = "disabled"
        if option not in PATIENT:
            self._account.fleet.lose_tasks(node, option)
        self._account.fleet.load(node)

    def enable_scheduling(self, node: LiveNode) -> None:
        """Takes tasks again."""
        if node.body.scheduling_state == "enabled":
            raise _already("enabled")
        node.body.scheduling_state = "enabled"
        if node.state == "offline":
            self._account.fleet.ready(node)
        else:
            self._account.fleet.load(node)
            self._account.runner.pump(node.pool)

    def _refuse_busy(self, node: LiveNode) -> None:
        if busy := _BUSY.get(node.state):
            raise Refused(409, *busy)
        if node.state in _AWAY or node.draining or node.pending is not None:
            raise wrong_state(f"The node is {'leavingpool' if node.draining else node.state}")

    def _begin(self, node: LiveNode, option: str, operation: Callable[[LiveNode, str], None]) -> None:
        if option in PATIENT and node.running:
            node.pending = lambda: operation(node, "requeue")
            self._account.fleet.load(node)
        else:
            operation(node, option)


def _already(scheduling: str) -> Refused:
    return Refused(
        409,
        "NodeAlreadyInTargetSchedulingState",
        f"The scheduling state of the specified node is {scheduling} already.",
    )


def _unable(node: LiveNode) -> Refused:
    if node.state == "unusable":
        return Refused(409, "NodeStateUnusable", "The specified node is unusable.")
    return wrong_state(f"The node is {node.state}")
