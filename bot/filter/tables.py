"""The entities that can be filtered, by name. A new one is one table: see :mod:`bot.filter.machines`."""

from __future__ import annotations

from typing import Final

from bot.filter.machines import NODE, POOL
from bot.filter.work import JOB, SCHEDULE, SCHEDULE_JOB, TASK

ENTITIES: Final = {entity.name: entity for entity in (POOL, NODE, JOB, SCHEDULE_JOB, TASK, SCHEDULE)}
