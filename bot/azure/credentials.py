"""Who the program is: account keys and Entra ID tokens, for each cloud.

A token credential is shared by all accounts that name the same identity in the same cloud, so that tokens are fetched
once. Keys and tokens never leave the SDK's own objects.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple

from azure.core import AzureClouds
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity import AzureAuthorityHosts
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.core.tools import get_arm_endpoints

from bot.azure.bounds import BoundedTransport
from bot.secrets import ENVIRONMENT, secret
from bot.settings import AccountSettings, Cloud, SettingsError


class CloudFacts(NamedTuple):
    """Where a cloud's parts are, and for whom its tokens are made."""

    authority: str
    arm: str
    arm_scope: str
    batch_scope: str


def _facts(cloud: AzureClouds, authority: str, batch: str) -> CloudFacts:
    arm = get_arm_endpoints(cloud)
    # The Batch resource ends with a slash of its own, hence two.
    return CloudFacts(authority, arm["resource_manager"], arm["credential_scopes"][0], f"https://{batch}//.default")


CLOUDS: Mapping[Cloud, CloudFacts] = {
    "public": _facts(AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD, "batch.core.windows.net"),
    "usgov": _facts(
        AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT, "batch.core.usgovcloudapi.net"
    ),
    "china": _facts(AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA, "batch.chinacloudapi.cn"),
}


class Credentials:
    """Makes credentials, shares and closes them."""

    def __init__(self, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        self._environment = environment
        self._tokens: dict[tuple[str, str, str], AsyncTokenCredential] = {}

    def key(self, settings: AccountSettings) -> AzureNamedKeyCredential:
        """The account key. Raises SettingsError when its variable is missing or holds no key."""
        key = secret(settings.key_env, self._environment).reveal()
        try:
            base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            raise SettingsError(
                [f"environment variable {settings.key_env} holds no Batch account key: copy one from the portal"]
            ) from None
        return AzureNamedKeyCredential(settings.batch_name, key)

    def token(self, settings: AccountSettings) -> AsyncTokenCredential:
        """The identity named by ``credential`` and ``client_id``."""
        which = (settings.credential, settings.client_id, settings.cloud)
        if which not in self._tokens:
            self._tokens[which] = self._made(settings)
        return self._tokens[which]

    @staticmethod
    def _made(settings: AccountSettings) -> AsyncTokenCredential:
        client_id = settings.client_id or None
        if settings.credential == "managed_identity":
            return ManagedIdentityCredential(client_id=client_id, transport=BoundedTransport())
        chosen = {"managed_identity_client_id": client_id, "workload_identity_client_id": client_id}
        return DefaultAzureCredential(
            authority=CLOUDS[settings.cloud].authority,
            transport=BoundedTransport(),
            **(chosen if client_id else {}),
        )

    async def close(self) -> None:
        """Close every credential made."""
        while self._tokens:
            await self._tokens.popitem()[1].close()
