"""States as people see them: a chip for each, of its facts in :mod:`bot.domain.states`."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain import states
from bot.domain.pool_health import PoolTrouble
from bot.domain.states import facts_of
from cards.card import Chip, Mark


def chip_of(facts: states.State) -> Chip:
    """A state as a chip: its tone as a mark, and its word."""
    return Chip(Mark(facts.tone), facts.word)


_WRONG = {"nodes": "bad nodes", "resize": "resize failed", "autoscale": "autoscale fails"}
"""What a pool that is not well is called instead of steady, by the kind of its trouble."""


def pool_chip(state: str, allocation: str, wrong: PoolTrouble | None = None) -> Chip:
    """A pool by what it does: its allocation state while it is active; where it is not well, why.

    Failed where each of its nodes is bad, else a warning.
    """
    if not states.is_active(state):
        return chip_of(facts_of(states.POOLS, state))
    if wrong and allocation.lower() == "steady":
        lost = wrong.kind == "nodes" and wrong.bad >= wrong.nodes
        return Chip(Mark.FAILED if lost else Mark.WARNING, _WRONG[wrong.kind])
    return chip_of(facts_of(states.ALLOCATIONS, allocation))


def node_chip(state: str) -> Chip:
    """A node's state."""
    return chip_of(facts_of(states.NODES, state))


def job_chip(state: str, *, failed: int = 0, total: int = 0) -> Chip:
    """A job's state; a completed job with failures is no success, nor is one of whose ``total`` tasks each failed."""
    chip = chip_of(facts_of(states.JOBS, state))
    if failed and chip.mark in (Mark.DONE, Mark.RUNNING):
        lost = chip.mark is Mark.DONE or 0 < total <= failed
        return Chip(Mark.FAILED if lost else Mark.WARNING, chip.word)
    return chip


def task_chip(state: str, *, failed: bool = False) -> Chip:
    """A task's state; a completed task that failed says failed."""
    if failed:
        return Chip(Mark.FAILED, "failed")
    return chip_of(facts_of(states.TASKS, state))


def schedule_chip(state: str) -> Chip:
    """A job schedule's state."""
    return chip_of(facts_of(states.SCHEDULES, state))


def certificate_chip(state: str) -> Chip:
    """A certificate's state."""
    return chip_of(facts_of(states.CERTIFICATES, state))


def package_chip(state: str) -> Chip:
    """The state of an application's package: pending ones are uploaded and wait to be activated."""
    return chip_of(facts_of(states.PACKAGES, state))


SOON = timedelta(days=90)
"""How long before the end of support people are warned."""


def support_chip(end: datetime, at: datetime) -> Chip:
    """Support that ends: ``▲ ends 31 Dec 2026``, failed once it is past. A day, the same wherever it is read."""
    mark = Mark.FAILED if end <= at else Mark.WARNING if end - at <= SOON else Mark.RUNNING
    return Chip(mark, f"{'ended' if end <= at else 'ends'} {end.day} {end:%b %Y}")
