"""Tasks cut into the requests that the service takes: at most 100 tasks and less than 1 MB each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain.task_input.model import NewTask

MOST = 100
"""Tasks in one request; the service's limit, and MAX_TASKS_PER_REQUEST of its SDK."""
BYTES = 1_000_000
"""Of one request. "Less than 1 MB" may mean 2**20; the smaller one is always taken."""
_HEAD, _TAIL = b'{"value":[', b"]}"


def cut(tasks: Sequence[NewTask]) -> list[tuple[NewTask, ...]]:
    """The tasks in their order, in collections that each fit one request."""
    return list(_cut(tasks))


def _cut(tasks: Sequence[NewTask]) -> Iterator[tuple[NewTask, ...]]:
    empty = len(_HEAD) + len(_TAIL)
    held: list[NewTask] = []
    size = empty
    for task in tasks:
        need = len(task.body) + bool(held)
        if held and (len(held) == MOST or size + need >= BYTES):
            yield tuple(held)
            held, size, need = [], empty, len(task.body)
        held.append(task)
        size += need
    if held:
        yield tuple(held)


def halved(tasks: Sequence[NewTask]) -> list[tuple[NewTask, ...]]:
    """A collection that the service found too large, as two; as itself where it is one task."""
    middle = len(tasks) // 2
    return [tuple(tasks[:middle]), tuple(tasks[middle:])] if middle else [tuple(tasks)]


def body(tasks: Sequence[NewTask]) -> bytes:
    """The body of the request that adds a collection."""
    return b"".join((_HEAD, b",".join(task.body for task in tasks), _TAIL))
