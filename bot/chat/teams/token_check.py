"""Whether a request really comes from Teams: what is asked of its bearer token, whichever library reads it.

A library checks the signature and the age; :class:`Verifier` refuses what it lets through for emulators, skills and
other apps of the tenant.
"""

from __future__ import annotations

import jwt

from bot.chat.teams.errors import KeysUnavailableError, RefusedError
from bot.chat.teams.sdk import TokenCheck
from bot.content.clear_text import clear

CHANNEL = "msteams"


class Verifier:
    """Checks the bearer token of what comes in: signature, age, issuer, audience, channel and service URL."""

    def __init__(self, check: TokenCheck, *, app_id: str, issuer: str) -> None:
        if not app_id.strip():
            raise ValueError("an empty app id would switch authentication off")
        self._library = check
        self._claims = {"iss": issuer, "aud": app_id}

    def open(self) -> None:
        """Begin to check."""
        self._library.open()

    def close(self) -> None:
        """Give back what the library took."""
        self._library.close()

    async def check(self, authorization: str) -> str:
        """The service URL that the request's token is for, when it is the service's; the body is not needed for that.

        Raises RefusedError, or KeysUnavailableError.
        """
        if not authorization:
            raise RefusedError("no Authorization header")
        try:
            # The libraries compare the claim with what stands in the body. Nobody has read that yet: the caller does so
            # afterwards, see :func:`compare`.
            claimed = jwt.decode(authorization.partition(" ")[2], options={"verify_signature": False})
            url = str(claimed.get("serviceurl") or "")
            claims = await self._library.claims(authorization, url)
        except (RefusedError, KeysUnavailableError):
            raise
        except Exception as error:  # a library raises whatever it stumbled over, bare Exception included
            # Cleared before it is cut: what is left of a secret that was cut looks like none to the log.
            raise RefusedError(clear(f"{type(error).__name__}: {error}")[:200]) from error
        if not url:
            raise RefusedError("no service URL")  # without one no library compares the claim
        if any(claims.get(claim) != wanted for claim, wanted in (self._claims | {"serviceurl": url}).items()):
            raise RefusedError("a token that is not the channel's")
        if any(claims.get(claim, self._claims["aud"]) != self._claims["aud"] for claim in ("appid", "azp")):
            raise RefusedError("a token of another app")  # the channel's own names none
        if not isinstance(claims.get("exp"), int):
            raise RefusedError("a token that never expires")
        return url


def compare(signed: str, channel: str | None, service_url: str | None) -> None:
    """Whether a body is what its token is for: ``signed`` is the service URL of the token. Raises RefusedError."""
    if channel != CHANNEL:
        raise RefusedError("not from the Teams channel")
    if service_url != signed:
        raise RefusedError("another service URL than the token's")
