"""What one poll of an account, or one decision, changes: stored in one transaction, whole or not at all."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from storage.port.black_box import KeptNode, KeptTask
from storage.port.incidents import IncidentRow, NotificationRow
from storage.port.looks import Look
from storage.port.monitoring import Cursor, EntitySnapshot, Transition
from storage.port.outbox import OutboxEntry
from storage.port.runs import JobRun
from storage.port.timings import NodeBoot


class ChangeSet(Struct):
    """Everything that is stored together.

    ``looks`` are those that found it, where another replica decides on them; ``decided`` are the looks that it decides
    on, by their ``seq``, and which wait no more.
    """

    transitions: list[Transition] = []
    cursors: list[Cursor] = []
    snapshots: list[EntitySnapshot] = []
    incidents: list[IncidentRow] = []
    notifications: list[NotificationRow] = []
    entries: list[OutboxEntry] = []
    runs: list[JobRun] = []
    boots: list[NodeBoot] = []
    kept_tasks: list[KeptTask] = []
    kept_nodes: list[KeptNode] = []
    looks: list[Look] = []
    decided: list[int] = []

    def joined(self, other: ChangeSet) -> ChangeSet:
        """All of both in one."""
        return ChangeSet(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class ChangeStore(Protocol):
    """Where change sets go."""

    async def record(self, changes: ChangeSet) -> int:
        """Store a change set in one transaction, rollups included; returns how many transitions were new.

        A transition that is known already is left alone, and so is one older than what retention keeps. Cursors,
        snapshots, incidents, notifications and runs of jobs replace what is there, but no run of which more tasks were
        read; a boot that is known is left alone; what goes into the black box is as
        :class:`storage.port.black_box.BlackBoxStore` says. Outbox entries overwrite ``card``, ``version``,
        ``not_before`` and ``broadcast`` of those that are there, never how far they were delivered. Raises StoreError.
        """
        ...
