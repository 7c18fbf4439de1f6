"""What changes an account: writes through the SDK's own clients, with an identity of their own.

Reading and writing are two identities (``write_credential`` and its like in the settings), so that no fault in reading
can change anything, and whoever only watches needs no right to write. The operations by name are in
:mod:`bot.azure.writes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec
from azure.batch.aio import BatchClient
from azure.mgmt.batch.aio import BatchManagementClient

from bot.azure.clock import Clock
from bot.azure.credentials import CLOUDS, Credentials
from bot.azure.errors import AzureError
from bot.azure.pipeline import DEADLINE, Dated, Traffic, pipeline
from bot.azure.plane import Plane, Written
from bot.azure.roles import CONTRIBUTOR
from bot.azure.versions import API_VERSION
from bot.settings import AccountSettings, writing

CONTENT_TYPE = "application/json; odata=minimalmetadata"
"""Of bodies on the data plane, as the SDK sends them."""


class Writer:
    """Writes to one Batch account. Every write raises :class:`AzureError` and nothing else, and is sent once."""

    def __init__(
        self,
        settings: AccountSettings,
        credentials: Credentials,
        *,
        deadline: float = DEADLINE,
        traffic: Traffic | None = None,
    ) -> None:
        """Connect nothing yet. Raises SettingsError where an account key is missing or no key."""
        self.settings = settings
        who = writing(settings)
        shared_key = who.credential == "shared_key"
        cloud, clock = CLOUDS[settings.cloud], Clock()
        batch = BatchClient(
            settings.endpoint,
            credentials.key(who) if shared_key else credentials.token(who),
            api_version=API_VERSION,
            credential_scopes=[cloud.batch_scope],
            **pipeline(settings.endpoint, clock, Dated() if shared_key else None, traffic=traffic),
        )
        self._batch = Plane(
            batch, settings.endpoint, API_VERSION, clock, deadline, traffic=traffic, content_type=CONTENT_TYPE
        )
        self._arm: Plane | None = None
        if not shared_key:
            base, arm_clock = settings.arm_endpoint or cloud.arm, Clock()
            arm = BatchManagementClient(
                credentials.token(who),
                settings.subscription,
                base.rstrip("/"),
                api_version=API_VERSION,
                credential_scopes=[cloud.arm_scope],
                **pipeline(base, arm_clock, traffic=traffic),
            )
            self._arm = Plane(arm, base, API_VERSION, arm_clock, deadline, traffic=traffic)

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | bytes | None = None,
        *,
        if_match: str = "",
        once: bool = True,
        version: str = "",
        **query: str | int,
    ) -> Written:
        """Write to the data plane. ``path`` is encoded already (:class:`bot.azure.paths.Paths`).

        ``if_match`` is an ETag: the service refuses with 412 where the entity has changed since (only what
        :mod:`bot.azure.writes` gives one takes it). ``once`` False is for what changes nothing.
        """
        url = self._batch.address(path, version=version, **query)
        return await self._batch.send(method, url, _encoded(body), if_match=if_match, once=once)

    async def manage(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        if_match: str = "",
        once: bool = True,
    ) -> Written:
        """Write to Resource Manager. ``path`` is below the account (``/applications/x``) or, with a leading
        ``/subscriptions``, whole.
        """
        arm = self._manager()
        url = arm.address(path if path.startswith("/subscriptions") else self.resource + path)
        return await arm.send(method, url, _encoded(body), if_match=if_match, once=once)

    async def poll(self, location: str) -> Written:
        """How a long write of Resource Manager stands: 202 while it goes on; its failure is raised.

        ``location`` is what it was answered with. Raises AzureError ForeignNextLink where that leads elsewhere.
        """
        arm = self._manager()
        return await arm.send("GET", arm.own(location), once=False)

    @property
    def resource(self) -> str:
        """The account's path in Resource Manager."""
        group, name = quote(self.settings.resource_group, safe=""), quote(self.settings.batch_name, safe="")
        return f"{self.subscription}/resourceGroups/{group}/providers/Microsoft.Batch/batchAccounts/{name}"

    @property
    def subscription(self) -> str:
        """The subscription's path in Resource Manager."""
        return f"/subscriptions/{quote(self.settings.subscription, safe='')}"

    def _manager(self) -> Plane:
        if self._arm is None:
            raise AzureError(
                "NoTokenCredential",
                "this account is written to with its key, which Azure Resource Manager does not take: "
                f"set write_credential to another identity, with the role {CONTRIBUTOR}",
            )
        return self._arm

    async def close(self) -> None:
        """Close the connections; the credentials are not the writer's own."""
        await self._batch.close()
        if self._arm:
            await self._arm.close()


def _encoded(body: Mapping[str, object] | bytes | None) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
