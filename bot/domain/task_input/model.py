"""What comes of reading tasks: the tasks, what is wrong, and what of it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cards.formatting import number

MOST_TASKS = 10_000
"""Tasks that are added at once: what a person can still check in its preview."""
FIRST_SHOWN, LAST_SHOWN = 3, 1
"""Tasks that a preview shows of the beginning and of the end."""
PROBLEMS_SHOWN = 10


@dataclass(frozen=True)
class NewTask:
    """One task as it is sent.

    ``body`` is its JSON, ``command`` the whole command line, ``line`` where it begins in the text that it was read
    from (counted from 1).
    """

    id: str
    command: str
    body: bytes
    line: int
    slots: int = 1


@dataclass(frozen=True)
class Problem:
    """What is wrong in one place; ``line`` counts from 1, 0 where it concerns the whole."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {number(self.line)}: {self.what}" if self.line else self.what


@dataclass(frozen=True)
class TaskInput:
    """Tasks that were read. Nothing may be sent while there are ``problems``.

    ``notes`` say what was left out or filled in. ``numbered`` counts the ids that were made up.
    """

    tasks: tuple[NewTask, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    numbered: int = 0

    @property
    def bytes(self) -> int:
        """Size of all bodies together."""
        return sum(len(task.body) for task in self.tasks)

    @property
    def slots(self) -> int:
        """Task slots that all tasks take together."""
        return sum(task.slots for task in self.tasks)

    @property
    def preview(self) -> tuple[NewTask, ...]:
        """The first three tasks and the last."""
        if len(self.tasks) <= FIRST_SHOWN + LAST_SHOWN:
            return self.tasks
        return (*self.tasks[:FIRST_SHOWN], *self.tasks[-LAST_SHOWN:])


def problem_lines(problems: Sequence[Problem], most: int = PROBLEMS_SHOWN) -> Iterator[str]:
    """A line for each of the first problems, and one for how many more there are."""
    for problem in problems[:most]:
        yield str(problem)
    if (rest := len(problems) - most) > 0:
        yield f"and {number(rest)} more"
