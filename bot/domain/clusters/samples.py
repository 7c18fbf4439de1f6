"""Whose logs are read, where not all can be.

A few of each kind of failure, and more where these say different things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from bot.domain.clusters.grouping import by_kind, printed_by_program
from bot.domain.clusters.model import Failed, Said, TaskKey
from bot.domain.mask import masked

EXAMPLES = 3
"""Logs of each kind that are read at first: of the first that failed, the last, and one between."""


def first_read(failed: Iterable[Failed], said: Mapping[TaskKey, Said], most: int) -> list[Failed]:
    """Whose logs are read first, at most so many: one of every kind, the greatest first, then a second and a third.

    ``said`` is what is known already, of which no more is read.
    """
    chosen = [
        [task for task in _spread(tasks) if task.key not in said]
        for tasks in by_kind(failed).values()
        if printed_by_program(tasks[0])
    ]
    rounds = [tasks[nth] for nth in range(EXAMPLES) for tasks in chosen if nth < len(tasks)]
    return rounds[: max(0, most)]


def next_read(failed: Iterable[Failed], said: Mapping[TaskKey, Said], most: int) -> list[Failed]:
    """Whose logs are read then, at most so many.

    Of kinds that printed different things as many as may be, and of those of which nothing is known a few more.
    """
    wanted: list[list[Failed]] = []
    for tasks in by_kind(failed).values():
        if not printed_by_program(tasks[0]):
            continue
        left = sorted((task for task in tasks if task.key not in said), key=_by_chance)
        lines = {masked(each.line) for task in tasks if (each := said.get(task.key)) and each.line}
        if len(lines) > 1:
            wanted.append(left)
        elif not lines:
            wanted.append(left[:EXAMPLES])
    longest = max(map(len, wanted), default=0)
    rounds = [tasks[nth] for nth in range(longest) for tasks in wanted if nth < len(tasks)]
    return rounds[: max(0, most)]


def _spread(tasks: Sequence[Failed]) -> list[Failed]:
    places = dict.fromkeys((0, len(tasks) - 1, len(tasks) // 2))
    return [tasks[place] for place in places]


def _by_chance(task: Failed) -> bytes:
    """An order that has nothing to do with when or where tasks ran, and is the same every time."""
    return hashlib.blake2b("\0".join(task.key).encode(), digest_size=8).digest()
