"""``batchbot doctor``: reads the settings, looks at everything, says it, and ends with a code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from bot.doctor.examine import examine
from bot.doctor.finding import Finding, broken, code_of, fine, lines
from bot.settings import SettingsError
from bot.settings_file import Settings, load
from cards.formatting import plural

UNREADABLE = 2
"""The exit code where the settings cannot be read, so that nothing else can be looked at."""


async def doctor(
    path: Path,
    environment: Mapping[str, str] = os.environ,
    *,
    probe: bool = True,
    fix: bool = False,
    json: bool = False,
) -> tuple[str, int]:
    """What to print, and the exit code: 0 where all works, 1 where something does not, 2 for unreadable settings."""
    settings, found = _read(path, environment)
    if settings is not None:
        found += await examine(settings, path, environment, probe=probe, fix=fix)
    code = UNREADABLE if settings is None else code_of(found)
    if json:
        told = {"version": version("batchbot"), "exit": code, "findings": found}
        return msgspec.json.format(msgspec.json.encode(told)).decode(), code
    return "\n".join(lines(found)), code


def _read(path: Path, environment: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """The settings, and what is said of them: by the same function as ``batchbot check``.

    Where they can be read, what else is wrong with them, such as a missing secret, keeps nothing from being looked at.
    """
    try:
        settings = load(path, environment)
    except SettingsError as error:
        told = [_mistake(line) for line in error.lines]
    else:
        named = ", ".join(settings.accounts)
        return settings, [fine("settings", f"{path}: fine, {plural(len(settings.accounts), 'account')}: {named}")]
    try:
        return load(path, environment, use="read"), told
    except SettingsError:
        return None, told


def _mistake(line: str) -> Finding:
    """``key: what is wrong: what to do``, as most of them are; others are told whole."""
    found, _, todo = line.rpartition(": ")
    return broken("settings", found, todo) if ": " in found else broken("settings", line)
