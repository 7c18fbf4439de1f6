"""What the bot proves itself with to the Bot Connector and to Microsoft Graph, whichever library speaks to Teams.

azure-identity makes the tokens: asynchronously, and in the same way as for Azure. Both libraries have a sign-in of
their own, which takes threads (agents) or blocks the event loop (botbuilder).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from azure.identity.aio import (
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from bot.chat.teams.settings import TeamsSettings
from bot.secrets import secret
from bot.settings import SettingsError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105
"""Variable that names the file with the cluster's token; the workload identity webhook of Kubernetes sets it."""
_EXCHANGE = "api://AzureADTokenExchange/.default"
"""Scope of the token of a managed identity that an app registration trusts; other clouds have names of their own."""


def credential_of(settings: TeamsSettings, environment: Mapping[str, str]) -> AsyncTokenCredential:
    """What the bot proves itself with. Raises SettingsError for a secret or a token file that is missing."""
    tenant, app = settings.tenant_id, settings.app_id
    match settings.credential:
        case "managed_identity":
            return ManagedIdentityCredential(client_id=app)  # the bot's app id is a user-assigned identity
        case "workload_identity":
            if not (path := environment.get(TOKEN_FILE, "")):
                raise SettingsError([f"teams.credential: workload_identity needs {TOKEN_FILE}, which is not set"])
            return WorkloadIdentityCredential(tenant_id=tenant, client_id=app, token_file_path=path)
        case "federated_identity":
            return Federated(ManagedIdentityCredential(client_id=settings.identity_client_id), tenant, app)
        case "client_secret":
            return ClientSecretCredential(tenant, app, secret(settings.secret_env, environment).reveal())


class Federated:
    """An app registration that trusts a managed identity (a federated credential): there is no secret to renew."""

    def __init__(self, identity: AsyncTokenCredential, tenant: str, app: str, **more: Any) -> None:
        """``more`` is passed on to azure-identity."""
        self._identity = identity
        self._assertion = ""
        self._app = ClientAssertionCredential(tenant, app, lambda: self._assertion, **more)

    async def get_token(self, *scopes: str, **more: Any) -> AccessToken:
        """A token of the app's. Raises ClientAuthenticationError or CredentialUnavailableError."""
        self._assertion = (await self._identity.get_token(_EXCHANGE)).token  # kept until it nears its end
        return await self._app.get_token(*scopes, **more)

    async def close(self) -> None:
        """Release connections."""
        await self._identity.close()
        await self._app.close()

    async def __aenter__(self) -> Federated:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
