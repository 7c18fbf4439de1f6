"""Whether a request really comes from Teams: the check of its bearer token.

botbuilder's token validation does it; :class:`Verifier` refuses what that lets through for emulators and skills.
"""

from __future__ import annotations

import jwt
from botbuilder.schema import Activity
from botframework.connector.auth import (
    AppCredentials,
    AuthenticationConfiguration,
    BotFrameworkAuthenticationFactory,
    ServiceClientCredentialsFactory,
)
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor

from bot.chat.teams.errors import KeysUnavailableError, RefusedError
from bot.chat.teams.keys import Keys
from bot.content.clear_text import clear

_CHANNEL = "msteams"


class Verifier:
    """Checks the bearer token of what comes in: signature, age, issuer, audience, channel and service URL."""

    def __init__(self, *, app_id: str, issuer: str, scope: str, keys: Keys) -> None:
        if not app_id.strip():
            raise ValueError("an empty app id would switch authentication off")
        self._keys = keys
        self._claims = {"iss": issuer, "aud": app_id}
        self._framework = BotFrameworkAuthenticationFactory.create(
            validate_authority=True,
            to_channel_from_bot_oauth_scope=scope,
            to_bot_from_channel_token_issuer=issuer,
            to_bot_from_channel_open_id_metadata_url=keys.url,
            # Tokens of emulators and skills are measured against the channel's keys too; check() refuses the rest.
            to_bot_from_emulator_open_id_metadata_url=keys.url,
            credential_factory=_OnlyThisBot(app_id),
            auth_configuration=AuthenticationConfiguration(required_endorsements=[_CHANNEL]),
        )

    def open(self) -> None:
        """Put our keys where the framework searches before it fetches with blocking calls."""
        JwtTokenExtractor.metadataCache[self._keys.url] = self._keys

    def close(self) -> None:
        """Take them away again."""
        if JwtTokenExtractor.metadataCache.get(self._keys.url) is self._keys:
            del JwtTokenExtractor.metadataCache[self._keys.url]

    async def check(self, authorization: str) -> str:
        """The service URL that the request's token is for, when it is the service's; the body is not needed for that.

        Raises RefusedError, or KeysUnavailableError.
        """
        if not authorization:
            raise RefusedError("no Authorization header")
        try:
            # The framework compares the claim with what stands in the body. Nobody has read that yet: the caller does
            # so afterwards, see :func:`compare`.
            claimed = jwt.decode(authorization.partition(" ")[2], options={"verify_signature": False})
            url = str(claimed.get("serviceurl") or "")
            activity = Activity(channel_id=_CHANNEL, service_url=url)
            result = await self._framework.authenticate_request(activity, authorization)
        except (RefusedError, KeysUnavailableError):
            raise
        except Exception as error:  # the framework raises whatever it stumbled over, bare Exception included
            # Cleared before it is cut: what is left of a secret that was cut looks like none to the log.
            raise RefusedError(clear(f"{type(error).__name__}: {error}")[:200]) from error
        if not url:
            raise RefusedError("no service URL")  # without one the framework does not compare the claim
        claims = result.claims_identity.claims
        if any(claims.get(claim) != wanted for claim, wanted in (self._claims | {"serviceurl": url}).items()):
            raise RefusedError("a token that is not the channel's")  # the framework lets emulators and skills off
        if not isinstance(claims.get("exp"), int):
            raise RefusedError("a token that never expires")
        return url


def compare(signed: str, channel: str | None, service_url: str | None) -> None:
    """Whether a body is what its token is for: ``signed`` is the service URL of the token. Raises RefusedError."""
    if channel != _CHANNEL:
        raise RefusedError("not from the Teams channel")
    if service_url != signed:
        raise RefusedError("another service URL than the token's")


class _OnlyThisBot(ServiceClientCredentialsFactory):
    def __init__(self, app_id: str) -> None:
        self._app_id = app_id

    async def is_valid_app_id(self, app_id: str) -> bool:
        return app_id == self._app_id

    async def is_authentication_disabled(self) -> bool:
        return False

    async def create_credentials(
        self, app_id: str, oauth_scope: str, login_endpoint: str, validate_authority: bool
    ) -> AppCredentials:
        raise NotImplementedError("replies go through Connector")
