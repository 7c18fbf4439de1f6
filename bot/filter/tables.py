"""The entities of lists. A new one is one table: see :mod:`bot.filter.pool_fields`."""

from __future__ import annotations

from typing import Final

from bot.filter.inventory_fields import ACCOUNT, APPLICATION, CERTIFICATE, FILE, IMAGE, PREPARATION, SIZE, SUBTASK
from bot.filter.job_fields import JOB, SCHEDULE, SCHEDULE_JOB, TASK
from bot.filter.pool_fields import NODE, POOL

SHORT: Final = (APPLICATION, CERTIFICATE, IMAGE, SIZE, ACCOUNT, FILE, SUBTASK, PREPARATION)
"""The entities whose lists are sifted here alone."""
ENTITIES: Final = {entity.name: entity for entity in (POOL, NODE, JOB, SCHEDULE_JOB, TASK, SCHEDULE)}
"""The entities whose lists the service filters, by name."""
