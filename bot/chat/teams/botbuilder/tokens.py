"""The check of the bearer token of what comes in, over botbuilder's token validation."""

from __future__ import annotations

from collections.abc import Mapping

from botbuilder.schema import Activity
from botframework.connector.auth import (
    AppCredentials,
    AuthenticationConfiguration,
    BotFrameworkAuthenticationFactory,
    ServiceClientCredentialsFactory,
)
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor

from bot.chat.teams.keys import Keys
from bot.chat.teams.token_check import CHANNEL


class BotbuilderTokenCheck:
    """See :class:`bot.chat.teams.sdk.TokenCheck`."""

    def __init__(self, *, app_id: str, issuer: str, scope: str, keys: Keys) -> None:
        self._keys = keys
        self._framework = BotFrameworkAuthenticationFactory.create(
            validate_authority=True,
            to_channel_from_bot_oauth_scope=scope,
            to_bot_from_channel_token_issuer=issuer,
            to_bot_from_channel_open_id_metadata_url=keys.url,
            # Tokens of emulators and skills are measured against the channel's keys too; the verifier refuses the rest.
            to_bot_from_emulator_open_id_metadata_url=keys.url,
            credential_factory=_OnlyThisBot(app_id),
            auth_configuration=AuthenticationConfiguration(required_endorsements=[CHANNEL]),
        )

    def open(self) -> None:
        """Put our keys where the framework searches before it fetches with blocking calls."""
        JwtTokenExtractor.metadataCache[self._keys.url] = self._keys

    def close(self) -> None:
        """Take them away again."""
        if JwtTokenExtractor.metadataCache.get(self._keys.url) is self._keys:
            del JwtTokenExtractor.metadataCache[self._keys.url]

    async def claims(self, authorization: str, service_url: str) -> Mapping[str, object]:
        """What a sound token says. Raises anything at all: the framework raises bare Exception too."""
        activity = Activity(channel_id=CHANNEL, service_url=service_url)
        result = await self._framework.authenticate_request(activity, authorization)
        claims: Mapping[str, object] = result.claims_identity.claims
        return claims


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
        raise NotImplementedError("replies go through the connector")
