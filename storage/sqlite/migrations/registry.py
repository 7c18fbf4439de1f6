"""Where migrations are registered, which run in the order in which they were."""

from __future__ import annotations

from sqlite_utils.migrations import Migrations

migrations = Migrations("batchbot")
