"""Where a database is: ``postgresql://person@host:5432/name?sslmode=verify-full``, and what opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from storage.port.errors import StoreError

_DEFAULTS: Final = {
    "application_name": "batchbot",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Of libpq, where the URL does not say otherwise: a server that is gone without a word is noticed in 30 seconds."""


class Address:
    """A URL and its password, which is asked for whenever a connection is made and stands in no text."""

    def __init__(self, url: str, password: Callable[[], str] | None = None) -> None:
        """Raises StoreError where the URL is none."""
        try:
            self._parts: dict[str, Any] = conninfo_to_dict(url)
        except (ProgrammingError, UnicodeError):  # whose words quote what may be a password
            raise StoreError(
                "the database's URL cannot be read: write postgresql://USER@HOST:5432/NAME, with %40 for @ and %2F "
                "for / within a part"
            ) from None
        self._password = password

    def __str__(self) -> str:
        user, host, port, name = (str(self._parts.get(key) or "") for key in ("user", "host", "port", "dbname"))
        where = host if host.startswith("/") else f"{host}{f':{port}' if port else ''}"
        return f"postgresql://{f'{quote(user)}@' if user else ''}{where}/{name}"

    def url(self) -> str:
        """The whole URL, with everything but secrets."""
        own = {"user", "host", "port", "dbname", "password", "sslpassword"}
        more = {key: str(value) for key, value in self._parts.items() if key not in own}
        host = str(self._parts.get("host") or "")
        if host.startswith("/"):
            more = {"host": host, **more}
        where = str(self) if not host.startswith("/") else str(self).replace(host, "", 1)
        return f"{where}?{urlencode(more, safe='/')}" if more else where

    def __repr__(self) -> str:
        return f"Address({self})"

    def parameters(self) -> dict[str, Any]:
        """What libpq connects by; its own variables (PGPASSWORD, PGPASSFILE, PGSSLROOTCERT …) stand for the rest."""
        found = {**_DEFAULTS, **self._parts}
        if self._password:
            found["password"] = self._password()
        return found
