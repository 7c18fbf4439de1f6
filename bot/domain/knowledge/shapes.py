"""What a row of the table of causes is: what goes wrong, how it is recognised, and what to do about it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Where: TypeAlias = Literal[
    "resize", "provider", "autoscale", "node", "start_task", "schedule", "job", "task", "exit", "line", "unknown"
]
"""Where a cause shows: in a pool's resize errors, in the error of another service of Azure that lies within one, in the
last run of an autoscale formula, as a node's state or error, in a start task, a schedule, a job or a task, as an exit
code, or in a line that a program printed. ``unknown``: what is said where no row fits."""
Sure: TypeAlias = Literal["certain", "likely", "guess"]


SHORT = 26
"""Letters of a cause that a row of a list has room for on a phone."""


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """A button. ``{pool}``, ``{node}``, ``{job}``, ``{task}`` and ``{schedule}`` of its command are to be filled in.

    So are ``{nodes}``, which a pool without a formula has got, ``{dedicated}`` and ``{spot}`` ones.
    ``changes`` whether it changes anything, as in :class:`bot.domain.findings.SuggestedAction`.
    """

    text: str
    command: str
    changes: bool = False


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """One way in which a cause is recognised: everything that is given has to hold; letters may be large or small.

    ``code`` is the service's, one of these; ``part`` occurs in the code; ``words`` all occur in the message, or in the
    line; ``category`` is the service's; ``exit`` is one of these exit codes; ``pattern`` is a regular expression of a
    line (:mod:`bot.domain.knowledge.patterns`), which rows of the program do without.
    """

    code: tuple[str, ...] = ()
    part: str = ""
    words: tuple[str, ...] = ()
    category: str = ""
    exit: tuple[int, ...] = ()
    pattern: str = ""


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One cause. ``id`` is stable and dotted: ``node.disk_full``.

    ``cause`` and ``do`` are sentences without their full stop, ``do`` is empty where nothing can be done; ``short`` is
    the cause in the few words that a row of a list has room for, empty where the code itself says most. The first of
    ``steps`` is the button that mends it. ``sure`` is how much may be claimed at most where this row is found.
    ``general`` marks codes that say little: the words of a message come before them. A row without ``match`` is never
    found, it is asked for by its id. ``source`` is where this is written, for the docs page.
    """

    id: str
    where: Where
    cause: str
    do: str
    short: str = ""
    steps: tuple[Step, ...] = ()
    sure: Sure = "certain"
    source: str = ""
    match: tuple[Match, ...] = ()
    general: bool = False
