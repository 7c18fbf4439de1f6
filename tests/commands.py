"""The commands of the program, found once for all the tests of a process: that takes half a second."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from types import ModuleType

import handlers
from bot.requests.registry import Registry

found = Registry.discover
"""The program's own."""


def copied(package: ModuleType) -> Registry:
    """Every command, in a registry of one's own: what is added to it is in no other."""
    if package is not handlers:
        return found(package)
    known = every_command()
    return Registry(**{each.name: dict(getattr(known, each.name)) for each in fields(Registry)})


@cache
def every_command() -> Registry:
    """Every command. A test that adds to them, or changes them, discovers its own instead."""
    return found(handlers)
