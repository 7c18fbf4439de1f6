"""What things in an account are called, and when two names mean the same thing.

Ids of pools, jobs, tasks, schedules and applications keep the case they were made with and are compared without it: an
account cannot have both ``GpuPool`` and ``gpupool`` ("Pool - Add", "Job - Add" and their like in the REST reference of
Azure Batch: "The ID is case-preserving and case-insensitive"). So a job may name its pool in another spelling than the
pool's own, and so may a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

EntityKind: TypeAlias = Literal["account", "pool", "node", "job", "task", "schedule"]

_OF_SCHEDULE = re.compile(r"(?P<schedule>.+):job-\d+", re.IGNORECASE | re.ASCII)
V = TypeVar("V")


class Named(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """Its id, in its own spelling."""
        ...


N = TypeVar("N", bound=Named)


class Entity(Struct, frozen=True, eq=False):
    """Something in an account; ``parent`` is a node's pool or a task's job. An account's ``id`` is its name.

    Two are equal where kind, id and parent are, ids in any case.
    """

    kind: EntityKind
    id: str
    parent: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What it is compared by: kind, parent and id, without case."""
        return self.kind, fold(self.parent), fold(self.id)

    @property
    def names(self) -> tuple[str, ...]:
        """By which a command names it: its parent's id, where it has one, and its own."""
        return (self.parent, self.id) if self.parent else (self.id,)

    def __eq__(self, other: object) -> bool:
        return self.identity == other.identity if isinstance(other, Entity) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.identity)


def fold(name: str) -> str:
    """An id as it is compared: without case."""
    return name.casefold()


def same_id(one: str, another: str) -> bool:
    """Whether two spellings are one id."""
    return one == another or fold(one) == fold(another)


def by_id(entities: Iterable[N]) -> dict[str, N]:
    """Entities by their folded id; find one with :func:`fold`."""
    return {fold(each.id): each for each in entities}


def find(entities: Mapping[str, V], name: str) -> V | None:
    """One of the entities kept by their own spelling, by any spelling of its id. Reads all where no spelling fits."""
    found = entities.get(name)
    if found is not None:
        return found
    folded = fold(name)
    return next((entity for spelling, entity in entities.items() if fold(spelling) == folded), None)


def schedule_of(job: str) -> str:
    """The schedule that made a job, by the name that the service gives such jobs; empty for others.

    The service names them ``<schedule>:job-<n>`` and lets nobody else use the colon ("Job Schedule - Add").
    """
    found = _OF_SCHEDULE.fullmatch(job)
    return found["schedule"] if found else ""
