"""What the database asks for: a password from a variable, or a token of Microsoft Entra, anew at each connection.

Azure Database for PostgreSQL takes a token in the place of the password, and looks at it when a connection is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential

from bot.secrets import secret
from bot.settings import BotSettings
from storage.port.errors import CannotStore

_SCOPE: Final = "https://ossrdbms-aad.database.windows.net/.default"


def database_password(bot: BotSettings, environment: Mapping[str, str]) -> Callable[[], str] | None:
    """Gives the password at each call; None where the URL and the variables of libpq say all.

    Raises SettingsError where the variable, and the file of its name, hold none.
    """
    if bot.database_entra:
        return _Token()
    if not (variable := bot.database_password_env):
        return None
    secret(variable, environment)
    return lambda: secret(variable, environment).reveal()  # its file may hold another one by now


class _Token:
    """A token for as long as it is good; ``AZURE_CLIENT_ID`` names a user-assigned managed identity."""

    def __init__(self) -> None:
        self._credential = DefaultAzureCredential()

    def __call__(self) -> str:
        try:
            return self._credential.get_token(_SCOPE).token
        except AzureError as error:
            said = " ".join(str(error).split())[:500]
            raise CannotStore(f"Microsoft Entra gives no token for the database: check its user ({said})") from error
