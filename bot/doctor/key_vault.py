"""Secrets that key vaults hold: whether each can be read, for how long still, and whether anything reads it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.azure.key_vault_settings import KeyVaultSettings
from bot.doctor.finding import Finding, broken, fine, look
from bot.secrets import Environment
from bot.settings import SettingsError
from bot.settings_file import Settings, named_secrets, vaulted

if TYPE_CHECKING:
    from bot.azure.key_vault import Held

SOON = timedelta(days=30)
"""So long before its end it is said that a secret is about to expire."""


async def key_vault(settings: Settings, environment: Environment) -> tuple[list[Finding], frozenset[str]]:
    """What was found, and the lines of mistakes that it says already. ``environment`` has the secrets from then on."""
    named = settings.key_vault
    if not named.secrets:
        return [], frozenset()
    try:
        read = await asyncio.to_thread(vaulted, settings, environment)
    except SettingsError as error:
        return [broken("key vault", line) for line in error.lines], frozenset(error.lines)

    def finding(each: Held) -> Finding:
        what = f"key vault: {each.variable}"
        if each.wrong:
            found, _, todo = each.wrong.partition(": ")[2].partition(": ")
            return broken(what, found, todo)
        ends = each.expires
        if ends and ends - datetime.now(UTC) < SOON:
            todo = "put a new version into the vault, then send the bot SIGHUP or start it again"
            return look(what, f"{_of(named, each.variable)} is read, and expires on {ends:%Y-%m-%d}", todo)
        return fine(what, f"{_of(named, each.variable)} is read" + (f", good until {ends:%Y-%m-%d}" if ends else ""))

    environment.take({each.variable: each.value for each in read if each.value})
    found = [finding(each) for each in read if each.value or each.wrong]
    needed = {variable for _, variable in named_secrets(settings)}
    for variable in named.secrets:
        if environment.gives(variable):
            told = f"{variable} stands in the environment too, which goes before the vault"
            found.append(look(f"key vault: {variable}", told, "take it out there, or out of [key_vault.secrets]"))
        elif variable not in needed:
            told = f"no key of the settings names {variable}"
            found.append(look(f"key vault: {variable}", told, "mend its name, or take it out of [key_vault.secrets]"))
    return found, frozenset(each.wrong for each in read)


def _of(named: KeyVaultSettings, variable: str) -> str:
    wanted = named.wanted(variable)
    return f"“{wanted.name}” of {wanted.vault}"
