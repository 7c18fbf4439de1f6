"""The commands of the program, found once for all the tests of a process: that takes a fifth of a second."""

from __future__ import annotations

from functools import cache

import handlers
from bot.requests.registry import Registry


@cache
def every_command() -> Registry:
    """Every command. A test that adds to them, or changes them, discovers its own instead."""
    return Registry.discover(handlers)
