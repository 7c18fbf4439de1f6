"""The section ``key_vault`` of the settings file: which secrets Azure Key Vault holds, and as whom they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from bot.settings import Cloud, address_mistakes

_NAME = r"[0-9A-Za-z-]{1,127}"
_VERSION = r"[0-9A-Fa-f]{32}"
"""Names and versions as the service has them ("About keys, secrets, certificates": object identifiers)."""


class Wanted(NamedTuple):
    """A secret by its vault's address, its name, and its version, which is empty for the newest."""

    vault: str
    name: str
    version: str


class KeyVaultSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Secrets that Azure Key Vault holds, where no variable does; they want ``pip install 'batchbot[keyvault]'``."""

    url: str = ""
    """The vault's address, such as https://batchbot.vault.azure.net."""
    secrets: dict[str, str] = {}
    """Variable = the secret's name, ``NAME/VERSION`` for one version of it, or the whole id of one in another vault."""
    credential: Literal["default", "managed_identity"] = "default"
    """Identity that reads them: ``default`` is azure-identity's chain."""
    client_id: str = ""
    """Client id of a user-assigned managed identity."""
    cloud: Cloud = "public"
    """Which Azure cloud the identity signs in to."""

    def mistakes(self) -> Iterator[str]:
        """What types cannot say, a line each."""
        if self.url:
            wrong = list(_vault_mistakes("key_vault.url", self.url))
            yield from wrong
            if not wrong and urlsplit(self.url).path.strip("/"):
                yield "key_vault.url: the vault's address alone belongs here: its secrets stand in [key_vault.secrets]"
        for variable, named in self.secrets.items():
            where = f"key_vault.secrets.{variable}"
            if "://" in named:
                wrong = list(_vault_mistakes(where, named))
                yield from wrong
                if not wrong and not re.fullmatch(rf"/secrets/{_NAME}(/{_VERSION})?/?", urlsplit(named).path):
                    yield f"{where}: is no id of a secret: write it like https://NAME.vault.azure.net/secrets/NAME"
            elif not re.fullmatch(rf"{_NAME}(/{_VERSION})?", named):
                yield f"{where}: is no name of a secret: it has letters, digits and -, and /VERSION where one is meant"
            elif not self.url:
                yield f"{where}: names no vault: write key_vault.url above, or the secret's whole id"

    def wanted(self, variable: str) -> Wanted:
        """The secret behind a variable that stands in ``secrets``. Raises ValueError where that is a mistake."""
        named, vault = self.secrets[variable], self.url
        if "://" in named:
            parts = urlsplit(named)
            vault, named = f"https://{parts.netloc}", parts.path.strip("/").removeprefix("secrets/")
        name, _, version = named.partition("/")
        if not vault or not name:
            raise ValueError(named)
        return Wanted(vault.rstrip("/"), name, version)


def _vault_mistakes(key: str, url: str) -> Iterator[str]:
    if wrong := list(address_mistakes(key, url)):
        yield from wrong
    elif not url.startswith("https://"):
        yield f"{key}: a key vault is reached by https alone"
