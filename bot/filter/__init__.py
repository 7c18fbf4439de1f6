"""One small language for all lists: ``state:active pool:render* age>2h failed>0 name~frame -state:completed``.

A filter is compiled to what the Batch service can decide by itself (``$filter``) and finished in the client where it
cannot. :func:`parse` reads it, :class:`Filter` is what was understood, :mod:`bot.filter.tables` says per entity which
fields there are.

The language. Conditions stand side by side and all of them have to hold; one is ``field operator value``:

- ``field:value`` equals; several values by comma are alternatives, ``*`` and ``?`` stand for any text and any letter;
- ``field~text`` contains; ``field!=value`` has a value, but another one; ``> >= < <=`` compare;
- ``-`` (or ``!``, or the word ``not``) before a condition turns it round;
- sizes of files are ``1500 20MB 1.5GB``;
- spans of time are ``30s 5m 2h 3d 1w``; moments are ``2026-11-20``, ``2026-11-20T14:00``, ``14:00`` (the latest one),
  ``today``, ``yesterday``, in the asker's zone unless they end in ``Z`` or an offset; ``since:2h`` and ``ended:2h`` are
  the last two hours;
- a word of its own is a state where there is such a state, and else what the name contains;
- a backslash before ``, * ? \\`` takes them as they are; case never matters.
"""

from __future__ import annotations

from bot.filter.fields import Entity, Field, Kind, Word
from bot.filter.filter import Bound, Filter
from bot.filter.inventory_fields import ACCOUNT, APPLICATION, CERTIFICATE, FILE, IMAGE, PREPARATION, SIZE, SUBTASK
from bot.filter.job_fields import JOB, SCHEDULE, SCHEDULE_JOB, TASK
from bot.filter.parse import LONGEST, conditional, parse
from bot.filter.pool_fields import NODE, POOL
from bot.filter.tables import ENTITIES, SHORT

__all__ = [
    "ACCOUNT",
    "APPLICATION",
    "CERTIFICATE",
    "ENTITIES",
    "FILE",
    "IMAGE",
    "JOB",
    "LONGEST",
    "NODE",
    "POOL",
    "PREPARATION",
    "SCHEDULE",
    "SCHEDULE_JOB",
    "SHORT",
    "SIZE",
    "SUBTASK",
    "TASK",
    "Bound",
    "Entity",
    "Field",
    "Filter",
    "Kind",
    "Word",
    "conditional",
    "parse",
]
