"""States as people see them: which mark a state of the service carries. The word stays the service's own."""

from __future__ import annotations

from datetime import datetime, timedelta

from cards.card import Chip, Mark

_POOL = {"active": Mark.RUNNING, "deleting": Mark.CHANGING}
_ALLOCATION = {"steady": Mark.RUNNING, "resizing": Mark.CHANGING, "stopping": Mark.CHANGING}
_NODE = {
    "idle": Mark.IDLE,
    "running": Mark.RUNNING,
    "rebooting": Mark.CHANGING,
    "reimaging": Mark.CHANGING,
    "creating": Mark.CHANGING,
    "starting": Mark.CHANGING,
    "waitingforstarttask": Mark.CHANGING,
    "starttaskfailed": Mark.FAILED,
    "unusable": Mark.FAILED,
    "unknown": Mark.WARNING,
    "leavingpool": Mark.CHANGING,
    "offline": Mark.STOPPED,
    "preempted": Mark.WARNING,
    "upgradingos": Mark.CHANGING,
    "deallocating": Mark.CHANGING,
    "deallocated": Mark.STOPPED,
}
_JOB = {
    "active": Mark.RUNNING,
    "disabling": Mark.CHANGING,
    "disabled": Mark.STOPPED,
    "enabling": Mark.CHANGING,
    "terminating": Mark.CHANGING,
    "completed": Mark.DONE,
    "deleting": Mark.CHANGING,
}
_TASK = {"active": Mark.IDLE, "preparing": Mark.CHANGING, "running": Mark.RUNNING, "completed": Mark.DONE}
_SCHEDULE = {
    "active": Mark.RUNNING,
    "completed": Mark.DONE,
    "disabled": Mark.STOPPED,
    "terminating": Mark.CHANGING,
    "deleting": Mark.CHANGING,
}
_CERTIFICATE = {"active": Mark.RUNNING, "deleting": Mark.CHANGING, "deletefailed": Mark.FAILED}
_PACKAGE = {"active": Mark.RUNNING, "pending": Mark.CHANGING}
_WORDS = {
    "deletefailed": "delete failed",
    "waitingforstarttask": "waiting for start task",
    "starttaskfailed": "start task failed",
    "leavingpool": "leaving pool",
    "upgradingos": "upgrading OS",
}

NODE_STATES = tuple(_NODE)
"""The sixteen node states, as the service writes them in lower case."""
BAD_NODE_STATES = ("unusable", "starttaskfailed", "unknown", "offline")
"""States in which a node is billed and does no work."""


def word(state: str) -> str:
    """A state in words: ``starttaskfailed`` becomes "start task failed"."""
    return _WORDS.get(state.lower(), state.lower())


def pool_chip(state: str, allocation: str, *, troubled: bool = False) -> Chip:
    """A pool by what it does: its allocation state while it is active; a warning where a resize went wrong."""
    if state.lower() != "active":
        return Chip(_POOL.get(state.lower(), Mark.NEUTRAL), word(state))
    if troubled and allocation.lower() == "steady":
        return Chip(Mark.WARNING, "steady")
    return Chip(_ALLOCATION.get(allocation.lower(), Mark.NEUTRAL), word(allocation))


def node_chip(state: str) -> Chip:
    """A node's state."""
    return Chip(_NODE.get(state.lower(), Mark.NEUTRAL), word(state))


def job_chip(state: str, *, failed: int = 0) -> Chip:
    """A job's state; a completed job with failures is no success."""
    mark = _JOB.get(state.lower(), Mark.NEUTRAL)
    if failed and mark in (Mark.DONE, Mark.RUNNING):
        mark = Mark.FAILED if mark is Mark.DONE else Mark.WARNING
    return Chip(mark, word(state))


def task_chip(state: str, *, failed: bool = False) -> Chip:
    """A task's state; a completed task that failed says failed."""
    if failed:
        return Chip(Mark.FAILED, "failed")
    return Chip(_TASK.get(state.lower(), Mark.NEUTRAL), word(state))


def schedule_chip(state: str) -> Chip:
    """A job schedule's state."""
    return Chip(_SCHEDULE.get(state.lower(), Mark.NEUTRAL), word(state))


def certificate_chip(state: str) -> Chip:
    """A certificate's state."""
    return Chip(_CERTIFICATE.get(state.lower(), Mark.NEUTRAL), word(state))


def package_chip(state: str) -> Chip:
    """The state of an application's package: pending ones are uploaded and wait to be activated."""
    return Chip(_PACKAGE.get(state.lower(), Mark.NEUTRAL), word(state))


SOON = timedelta(days=90)
"""How long before the end of support people are warned."""


def support_chip(end: datetime, at: datetime) -> Chip:
    """Support that ends: ``▲ ends 31 Dec 2026``, failed once it is past. A day, the same wherever it is read."""
    mark = Mark.FAILED if end <= at else Mark.WARNING if end - at <= SOON else Mark.RUNNING
    return Chip(mark, f"{'ended' if end <= at else 'ends'} {end.day} {end:%b %Y}")


NODE_COUNT_FIELDS = {
    "running": "running",
    "idle": "idle",
    "creating": "creating",
    "starting": "starting",
    "waitingforstarttask": "waiting_for_start_task",
    "rebooting": "rebooting",
    "reimaging": "reimaging",
    "upgradingos": "upgrading_os",
    "leavingpool": "leaving_pool",
    "starttaskfailed": "start_task_failed",
    "unusable": "unusable",
    "unknown": "unknown",
    "offline": "offline",
    "preempted": "preempted",
    "deallocating": "deallocating",
    "deallocated": "deallocated",
}
"""Node states in the order people look for them, and the name of each in :class:`bot.azure.models.NodeCounts`."""
