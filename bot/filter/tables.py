"""The entities of lists. A new one is one table: see :mod:`bot.filter.machines`."""

from __future__ import annotations

from typing import Final

from bot.filter.inventory import ACCOUNT, APPLICATION, CERTIFICATE, FILE, IMAGE, PREPARATION, SIZE, SUBTASK
from bot.filter.machines import NODE, POOL
from bot.filter.work import JOB, SCHEDULE, SCHEDULE_JOB, TASK

SHORT: Final = (APPLICATION, CERTIFICATE, IMAGE, SIZE, ACCOUNT, FILE, SUBTASK, PREPARATION)
"""The entities whose lists are sifted here alone."""
ENTITIES: Final = {entity.name: entity for entity in (POOL, NODE, JOB, SCHEDULE_JOB, TASK, SCHEDULE)}
"""The entities whose lists the service filters, by name."""
