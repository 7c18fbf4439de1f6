"""A Batch account, as handlers and watchers hold it: typed reads through the SDK's own clients.

Lists and reads go through ``send_request`` of azure-batch and azure-mgmt-batch and are decoded straight into the
structs of :mod:`bot.azure.models`, some eighty times cheaper than the SDK's model layer. What changes an account goes
through its :class:`~bot.azure.writer.Writer`, which has an identity of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from azure.batch.aio import BatchClient
from azure.mgmt.batch.aio import BatchManagementClient

from bot.azure.answers import Fetched, Page, Window
from bot.azure.bookmarks import Bookmarks
from bot.azure.clock import Clock, Doubt, Host
from bot.azure.cost import CostManagement
from bot.azure.credentials import CLOUDS, Credentials
from bot.azure.daily import Daily
from bot.azure.decoding import is_keyed, key_of, label_of
from bot.azure.errors import AzureError
from bot.azure.files import Files
from bot.azure.metrics import Gauges, Metrics
from bot.azure.models import (
    BatchAccountResource,
    Certificate,
    PoolNodeCounts,
    SupportedImage,
    SupportedSku,
    TaskCountsResult,
    VmSize,
)
from bot.azure.models.price import NO_PRICES, Prices
from bot.azure.paths import Paths
from bot.azure.pipeline import DEADLINE, Dated, Traffic, pipeline
from bot.azure.plane import Plane
from bot.azure.price_settings import Reservation
from bot.azure.prices import Retail
from bot.azure.versions import API_VERSION, CERTIFICATES_VERSION
from bot.azure.writer import Writer
from bot.settings import AccountSettings, writing

_NODE_COUNTS_PAGE = 10  # the service's limit on that list; 1000 on all others

T = TypeVar("T")


class Account(Paths):
    """One Batch account. All reads raise :class:`AzureError` and nothing else."""

    def __init__(
        self,
        name: str,
        settings: AccountSettings,
        credentials: Credentials,
        *,
        deadline: float = DEADLINE,
        retail: Retail | None = None,
        host: Host | None = None,
    ) -> None:
        """Connect nothing yet. Raises SettingsError where the account key is missing or no key.

        By the clocks of the ``host`` the service's are judged (:mod:`bot.azure.clock`).
        """
        self.name = name
        self.settings = settings
        self._retail = retail
        self._credentials = credentials
        self._deadline = deadline
        self._costs: CostManagement | None = None
        self._clock = Clock(host, name)
        self.currency = ""
        """The currency of the account's bill; empty while it is unknown."""
        self.traffic = Traffic()
        """What was asked of the account, on both planes."""
        self._bookmarks = Bookmarks()
        self._sizes = Daily(self._read_sizes)
        self._images = Daily(self._read_images)
        self._location = Daily(self._locate)
        cloud = CLOUDS[settings.cloud]
        shared_key = settings.credential == "shared_key"
        who = [settings, writing(settings)] if settings.write_credential else [settings]
        self._keys = [credentials.key(each) for each in who if each.credential == "shared_key"]
        self.batch = BatchClient(
            settings.endpoint,
            credentials.key(settings) if shared_key else credentials.token(settings),
            api_version=API_VERSION,
            credential_scopes=[cloud.batch_scope],
            **pipeline(settings.endpoint, self._clock, Dated() if shared_key else None, traffic=self.traffic),
        )
        """The SDK's data plane client."""
        self.arm: BatchManagementClient | None = None
        """The SDK's Resource Manager client; None with a shared key, which is no token."""
        self._batch = Plane(self.batch, settings.endpoint, API_VERSION, self._clock, deadline, traffic=self.traffic)
        self._arm: Plane | None = None
        if not shared_key:
            base, clock = settings.arm_endpoint or cloud.arm, Clock(host, name)
            self.arm = BatchManagementClient(
                credentials.token(settings),
                settings.subscription,
                base.rstrip("/"),
                api_version=API_VERSION,
                credential_scopes=[cloud.arm_scope],
                **pipeline(base, clock, traffic=self.traffic),
            )
            self._arm = Plane(self.arm, base, API_VERSION, clock, deadline, traffic=self.traffic)
        self._metrics = Metrics(settings, credentials, self._location.get, deadline=deadline, traffic=self.traffic)
        self.writer = (
            Writer(settings, credentials, deadline=deadline, traffic=self.traffic)
            if settings.write_credential
            else None
        )
        """What changes the account; None where the settings name no identity that may."""

    def __repr__(self) -> str:
        return f"Account({self.name!r}, {self.settings.endpoint!r})"

    @property
    def resource_id(self) -> str:
        """The account's id in Resource Manager, by the settings."""
        settings = self.settings
        return (
            f"/subscriptions/{settings.subscription}/resourceGroups/{settings.resource_group}"
            f"/providers/Microsoft.Batch/batchAccounts/{settings.batch_name}"
        )

    def now(self) -> datetime:
        """The service's clock: its last ``Date`` and the time since (UTC, aware); before the first answer, ours."""
        return self._clock.now()

    @property
    def heard(self) -> bool:
        """Whether :meth:`now` is the service's clock yet."""
        return self._clock.heard

    @property
    def doubt(self) -> Doubt | None:
        """What the service's clock said lately that was not believed."""
        return self._clock.doubt

    async def pages(
        self,
        kind: type[T],
        path: str,
        *,
        filter: str = "",  # noqa: A002 - OData's own word
        select: str = "",
        expand: str = "",
        page_size: int = 1000,
    ) -> AsyncIterator[Page[T]]:
        """The pages of a list, one call each, as they come. ``path`` is encoded already: see the helpers below."""
        first = self._batch.address(path, maxresults=page_size, filter=filter, select=select, expand=expand)
        url: str | None = first
        trail = self._batch.trail(first)
        while url:
            page = await self._batch.page(kind, url, trail, strict=not expand, select=select)
            yield page
            url = page.next

    async def every(
        self,
        kind: type[T],
        path: str,
        *,
        filter: str = "",  # noqa: A002 - OData's own word
        select: str = "",
        expand: str = "",
        page_size: int = 1000,
    ) -> tuple[list[T], datetime]:
        """All items of a list, and the service's time when its first page was read."""
        items: list[T] = []
        at: datetime | None = None
        async for page in self.pages(kind, path, filter=filter, select=select, expand=expand, page_size=page_size):
            items += page.items
            at = at or page.at
        return items, at or self.now()

    async def window(
        self,
        kind: type[T],
        path: str,
        *,
        offset: int,
        limit: int,
        filter: str = "",  # noqa: A002
        select: str = "",
        expand: str = "",
        page_size: int = 1000,
    ) -> Window[T]:
        """Rows [offset, offset+limit) of a list; ``page_size`` is the most that the service gives at once.

        Links of the pages read are remembered, so that the window behind or before one already read costs one call.
        ``more`` may be true where only an empty page follows.
        """
        key = (path, filter, select, expand)
        while True:
            start = self._bookmarks.start(key, offset, limit, page_size)
            url = start.link or self._batch.address(
                path, maxresults=start.page_size, filter=filter, select=select, expand=expand
            )
            try:
                return await self._window(kind, key, url, start.row, start.page_size, offset, limit)
            except AzureError as error:
                if start.link is None or error.status not in (400, 410):
                    raise
                self._bookmarks.forget(key)  # the service no longer knows the link: read from the beginning

    async def _window(
        self, kind: type[T], key: tuple[str, ...], url: str, row: int, page_size: int, offset: int, limit: int
    ) -> Window[T]:
        items: list[T] = []
        trail = self._batch.trail(url)
        while True:
            page = await self._batch.page(kind, url, trail, strict=not key[-1], select=key[2])
            items += page.items[max(offset - row, 0) : offset + limit - row]
            row += len(page.items)
            if page.next:
                self._bookmarks.note(key, row, page_size, page.next)
            if row >= offset + limit or not page.next:
                more = row > offset + limit or page.next is not None
                return Window(items, offset, more, page.at)
            url = page.next

    async def fetch(self, kind: type[T], path: str, *, select: str = "", expand: str = "") -> Fetched[T]:
        """One entity, decoded and as JSON."""
        url = self._batch.address(path, select=select, expand=expand)
        fetched = await self._fetch(self._batch, kind, url, strict=not expand, select=select)
        if is_keyed(kind, select) and not key_of(fetched.value):
            raise AzureError(
                "UnexpectedAnswer", f"{self._batch.host} answered a {label_of(kind)} that does not say which it is"
            )
        return fetched

    async def node_counts(self) -> tuple[list[PoolNodeCounts], datetime]:
        """Nodes by state of every pool (one call for ten pools), and the service's time."""
        return await self.every(PoolNodeCounts, "/nodecounts", page_size=_NODE_COUNTS_PAGE)

    async def task_counts(self, job: str) -> Fetched[TaskCountsResult]:
        """Tasks and task slots of a job by state."""
        return await self.fetch(TaskCountsResult, f"{self.job(job)}/taskcounts")

    async def resource(self) -> Fetched[BatchAccountResource]:
        """The account as Resource Manager tells it: region, mode, state, quotas."""
        return await self.managed(BatchAccountResource)

    async def vm_sizes(self) -> dict[str, VmSize]:
        """VM sizes of the account's region by lower-case name; asked once a day, and older when that fails."""
        return await self._sizes.get()

    async def every_size(self, kind: type[T]) -> tuple[list[T], datetime]:
        """VM sizes of the account's region as Resource Manager lists them now, and its time."""
        arm, subscription = self._manager()
        skus = f"/providers/Microsoft.Batch/locations/{quote(await self._location.get(), safe='')}/virtualMachineSkus"
        return await self._every(arm, kind, arm.address(subscription + skus))

    async def images(self) -> list[SupportedImage]:
        """Images that the service supports; asked once a day, and older when that fails."""
        return await self._images.get()

    async def prices(self) -> Prices:
        """What is paid in the account's region, without any where that is unknown or switched off. Never raises."""
        try:
            return await self._retail.region(await self._location.get(), self.currency) if self._retail else NO_PRICES
        except AzureError:
            return NO_PRICES

    def costs(self) -> CostManagement:
        """What asks for the bill. Raises AzureError NoTokenCredential where the account is reached with its key."""
        self._managed()
        if self._costs is None:
            who, limit = self._credentials, self._deadline
            self._costs = CostManagement(self.settings, who, deadline=limit, traffic=self.traffic)
        return self._costs

    def reservations(self, prices: Prices) -> Sequence[Reservation]:
        """The reserved nodes of the settings, where they are in the currency of these prices."""
        retail = self._retail
        return retail.terms.reservations if retail and prices.currency == retail.sheet_currency else ()

    @property
    def has_metrics(self) -> bool:
        """Whether Azure Monitor can be asked about it at all."""
        return self.settings.has_metrics

    async def gauges(self, names: Sequence[str], since: datetime, until: datetime) -> Gauges:
        """Averages of the account's gauges in Azure Monitor, by the hour; see :class:`bot.azure.metrics.Metrics`."""
        return await self._metrics.hourly(names, since, until)

    async def certificates(self) -> tuple[list[Certificate], datetime]:
        """All certificates, over the last api-version that has them: a 4xx means that the account offers none."""
        url = self._batch.address("/certificates", version=CERTIFICATES_VERSION)
        return await self._every(self._batch, Certificate, url)

    async def certificate(self, algorithm: str, thumbprint: str) -> Fetched[Certificate]:
        """One certificate, over the same api-version."""
        url = self._batch.address(Paths.certificate_path(algorithm, thumbprint), version=CERTIFICATES_VERSION)
        return await self._fetch(self._batch, Certificate, url)

    def files(self, root: str, on_windows: Callable[[], Awaitable[bool]] | None = None) -> Files:
        """The files below a task or node, by its path; ``on_windows`` is asked where a name has a backslash."""
        return Files(self._batch, root, on_windows)

    async def managed(self, kind: type[T], path: str = "") -> Fetched[T]:
        """What Resource Manager tells of something below the account (``/applications/renderer``), encoded already."""
        arm, account = self._managed()
        return await self._fetch(arm, kind, arm.address(account + path))

    async def every_managed(self, kind: type[T], path: str) -> tuple[list[T], datetime]:
        """All items of a list that Resource Manager has below the account (``/applications``)."""
        arm, account = self._managed()
        return await self._every(arm, kind, arm.address(account + path))

    async def in_subscription(self, kind: type[T], path: str, *, version: str = "") -> T:
        """What Resource Manager has below the account's subscription (``/providers/Microsoft.Batch``), encoded already.

        ``version`` is the api-version where it is another provider's.
        """
        arm, subscription = self._manager()
        return (await self._fetch(arm, kind, arm.address(subscription + path, version=version))).value

    async def every_in_subscription(self, kind: type[T], path: str, *, version: str = "") -> list[T]:
        """All items of a list that Resource Manager has below the account's subscription."""
        arm, subscription = self._manager()
        return (await self._every(arm, kind, arm.address(subscription + path, version=version)))[0]

    async def every_above(self, kind: type[T], path: str, *, version: str = "") -> list[T]:
        """All items of a list that Resource Manager has of what is not the account's, by its whole encoded path."""
        arm, _ = self._manager()
        return (await self._every(arm, kind, arm.address(path, version=version)))[0]

    def signs_with(self, key: str) -> bool:
        """Whether the bot uses this key of the account, to read it or to change it."""
        return any(hmac.compare_digest(each.named_key.key, key) for each in self._keys)

    async def _read_sizes(self) -> dict[str, VmSize]:
        listed, _ = await self.every_size(SupportedSku)
        return {sku.name.lower(): VmSize.of(sku) for sku in listed}

    async def _locate(self) -> str:
        return self.settings.location or (await self.resource()).value.location

    async def _read_images(self) -> list[SupportedImage]:
        return (await self.every(SupportedImage, "/supportedimages"))[0]

    def _managed(self) -> tuple[Plane, str]:
        group, name = quote(self.settings.resource_group, safe=""), quote(self.settings.batch_name, safe="")
        arm, subscription = self._manager()
        return arm, f"{subscription}/resourceGroups/{group}/providers/Microsoft.Batch/batchAccounts/{name}"

    def _manager(self) -> tuple[Plane, str]:
        if self._arm is None:
            raise AzureError(
                "NoTokenCredential",
                f"account {self.name} is reached with its key, which Azure Resource Manager does not take: "
                "quotas and VM sizes need a managed identity or another Entra ID identity",
            )
        return self._arm, f"/subscriptions/{quote(self.settings.subscription, safe='')}"

    async def _every(self, plane: Plane, kind: type[T], first: str) -> tuple[list[T], datetime]:
        items: list[T] = []
        at: datetime | None = None
        url: str | None = first
        trail = plane.trail(first)
        while url:
            page = await plane.page(kind, url, trail)
            items += page.items
            at, url = at or page.at, page.next
        return items, at or self.now()

    @staticmethod
    async def _fetch(plane: Plane, kind: type[T], url: str, *, strict: bool = True, select: str = "") -> Fetched[T]:
        answer = await plane.get(url)
        value = await plane.decoded(kind, answer, strict=strict, select=select)
        if value == kind() and kind is not TaskCountsResult:  # an empty object is nothing that exists; no tasks are
            raise AzureError("UnexpectedAnswer", f"{plane.host} answered without a word of the {label_of(kind)}")
        return Fetched(value, answer.body, answer.at, answer.etag)

    async def close(self) -> None:
        """Close the connections; the credentials are not the account's own."""
        if self.writer:
            await self.writer.close()
        await self._metrics.close()
        await self._batch.close()
        if self._arm:
            await self._arm.close()
        if self._costs:
            await self._costs.close()
