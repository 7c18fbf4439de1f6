"""Where secrets are: in environment variables, in files that variables name, or in key vaults; never in the settings.

The settings name a variable for each secret. Whoever needs one asks :func:`secret`, at the moment of need.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.settings import SettingsError


class Secret:
    """A secret that cannot be printed by accident; :meth:`reveal` where it is used."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class Environment(Mapping[str, str]):
    """Environment variables, and those whose value a key vault holds, which the settings name.

    What the process was given goes first, a file of the variable's name (``VARIABLE_FILE``) too: so a secret can be
    replaced for once, without the vault. Nothing of a vault is here before :meth:`take`.
    """

    def __init__(self, given: Mapping[str, str] = os.environ) -> None:
        self._given = given
        self._vaulted: Mapping[str, str] = {}

    def __getitem__(self, variable: str) -> str:
        if variable in self._vaulted and not self.gives(variable):
            return self._vaulted[variable]
        return self._given[variable]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._given, **self._vaulted})

    def __len__(self) -> int:
        return len({**self._given, **self._vaulted})

    def __repr__(self) -> str:
        return f"Environment({len(self)} variables)"

    def gives(self, variable: str) -> bool:
        """Whether the process was given a variable, or a file for it."""
        return any(self._given.get(each, "").strip() for each in (variable, f"{variable}_FILE"))

    @property
    def vaulted(self) -> Mapping[str, str]:
        """What vaults hold, by its variable."""
        return self._vaulted

    def take(self, vaulted: Mapping[str, str]) -> None:
        """What vaults hold from now on, in the place of what was read before."""
        self._vaulted = dict(vaulted)

    def instead(self, vaulted: Mapping[str, str]) -> Environment:
        """The same with other secrets of vaults, to try them."""
        tried = Environment(self._given)
        tried.take(vaulted)
        return tried


ENVIRONMENT = Environment()
"""This process's own; reading the settings puts into it what vaults hold."""


def held(variable: str, environment: Mapping[str, str]) -> str:
    """What an environment variable holds, or else the file that ``VARIABLE_FILE`` names; empty where neither says any.

    Containers mount secrets as files, which no listing of processes shows. Raises SettingsError for a file that cannot
    be read.
    """
    if value := environment.get(variable, "").strip():
        return value
    if not (named := environment.get(f"{variable}_FILE", "").strip()):
        return ""
    try:
        return Path(named).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError([f"environment variable {variable}_FILE: {named} cannot be read: {why}"]) from None


def secret(variable: str, environment: Mapping[str, str] = ENVIRONMENT) -> Secret:
    """The secret in an environment variable, or in its file. Raises SettingsError when it is missing or empty."""
    value = held(variable, environment)
    if not value:
        raise SettingsError([f"environment variable {variable} is missing or empty: set it to the secret"])
    return Secret(value)
