"""``batchbot doctor``: reads the settings, looks at everything, says it, and ends with a code."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from bot.doctor.examine import examine
from bot.doctor.finding import Finding, broken, code_of, fine, lines
from bot.doctor.key_vault import key_vault
from bot.doctor.mend import mend, readable_secrets
from bot.secrets import ENVIRONMENT, Environment
from bot.settings import SettingsError
from bot.settings_file import load
from cards.formatting import plural

UNREADABLE = 2
"""The exit code where the settings cannot be read, so that nothing else can be looked at."""


async def doctor(
    path: Path,
    environment: Mapping[str, str] = ENVIRONMENT,
    *,
    probe: bool = True,
    fix: bool = False,
    json: bool = False,
) -> tuple[str, int]:
    """What to print, and the exit code: 0 where all works, 1 where something does not, 2 for unreadable settings."""
    try:
        settings = load(path, environment, use="read")
    except SettingsError as error:
        found, code = [_mistake(line) for line in error.lines], UNREADABLE
    else:
        found = (
            await asyncio.to_thread(mend, settings.bot.database, path, readable_secrets(settings, environment))
            if fix
            else []
        )
        environment = environment if isinstance(environment, Environment) else Environment(environment)
        of_vaults, said = await key_vault(settings, environment)
        found += await asyncio.to_thread(_checked, path, environment, said)
        found += of_vaults
        found += await examine(settings, path, environment, probe=probe)
        code = code_of(found)
    if json:
        told = {"version": version("batchbot"), "exit": code, "findings": found}
        return msgspec.json.format(msgspec.json.encode(told)).decode(), code
    return "\n".join(lines(found)), code


def _checked(path: Path, environment: Environment, told: Collection[str]) -> list[Finding]:
    """What ``batchbot check`` says, but for what is ``told`` elsewhere.

    What can be read and is wrong all the same, as a secret that is missing, hides nothing else.
    """
    try:
        settings = load(path, environment)
    except SettingsError as error:
        return [_mistake(line) for line in error.lines if line not in told]
    named = ", ".join(settings.accounts)
    return [fine("settings", f"{path}: fine, {plural(len(settings.accounts), 'account')}: {named}")]


def _mistake(line: str) -> Finding:
    """``key: what is wrong: what to do``, as most of them are; others are told whole."""
    found, _, todo = line.rpartition(": ")
    return broken("settings", found, todo) if ": " in found else broken("settings", line)
