"""The check of the bearer token of what comes in, over the Agents SDK's token validation.

Left to itself that fetches keys from addresses of its own, in threads; takes a token that Microsoft Entra signed for
the bot by request of any app of the tenant; takes one that never expires; and does not ask what channel a key is for.
So it is given our keys, and this module and :class:`bot.chat.teams.token_check.Verifier` ask the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import jwt
from microsoft_agents.hosting.core.authorization import AgentAuthConfiguration
from microsoft_agents.hosting.core.authorization.jwt import JwtTokenValidator

from bot.chat.teams.errors import RefusedError
from bot.chat.teams.keys import Keys
from bot.chat.teams.token_check import CHANNEL


class AgentsTokenCheck:
    """See :class:`bot.chat.teams.sdk.TokenCheck`."""

    def __init__(self, *, app_id: str, issuer: str, scope: str, keys: Keys) -> None:
        settings = AgentAuthConfiguration(client_id=app_id, issuers=[issuer], validate_issuer=True)
        self._keys = keys
        self._validator = JwtTokenValidator(settings)
        self._validator._jwk_client_manager = cast("Any", _OurKeys(keys))  # it has no other place for them

    def open(self) -> None:
        """Nothing is shared with other bots of the process."""

    def close(self) -> None:
        """See :meth:`open`."""

    async def claims(self, authorization: str, service_url: str) -> Mapping[str, object]:
        """What a sound token says. Raises RefusedError, KeysUnavailableError, ValueError or jwt.PyJWTError."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or " " in token:
            raise RefusedError("no bearer token")
        # Asked here and not where the library asks for the key: it holds even if a newer one asks somewhere else.
        key = await self._keys.get(jwt.get_unverified_header(token).get("kid"))
        if CHANNEL not in key.endorsements:
            raise RefusedError("a key of another channel")
        identity = await self._validator.validate_token(token)
        claims: Mapping[str, object] = identity.claims
        return claims


class _OurKeys:
    """Stands where the library looks for keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def get_signing_key(self, _address: str, header: Mapping[str, Any]) -> object:
        return (await self._keys.get(header.get("kid"))).public_key
