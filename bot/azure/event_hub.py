"""An event hub, read with Azure's own client (the extra ``events``) by the identity that reads the account.

Read by partition, from an instant on: a position that is good for another hub and another consumer group too. Nobody
else's place is taken: the bot reads without an epoch, as up to five readers of a consumer group may at a time ("Azure
Event Hubs quotas and limits"), and writes nothing into the hub.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from msgspec import Struct

from bot.azure.errors import AzureError
from bot.azure.pipeline import no_token
from bot.clock import end_tasks
from bot.secrets import ENVIRONMENT
from bot.settings import NO_EVENTS_LIBRARY, EventsSettings

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubConsumerClient

SCOPE = "https://eventhubs.azure.net//.default"
"""Whom a token is for, in every cloud: as the client asks for it."""
_LONGEST = 300
_ANSWER = 30.0
"""Seconds within which the hub says what partitions it has, or counts as out of reach."""
_PROBE = 10.0
"""Seconds between two questions whether it is still there."""
_BALANCE = 10.0
"""Seconds between two looks of the client at which partitions there are."""
_NOT_LET_IN = ("unauthorized", "autherror", "authentication", "cbs token", "authorizationfailed")


class Arrived(Struct, frozen=True):
    """An event of a partition, and when the hub took it."""

    enqueued: datetime
    body: bytes


Heard = Callable[[str, Sequence[Arrived]], Awaitable[None]]
"""What becomes of events of a partition; none: it was asked, and answers. As long as it takes its time, no more are
read."""


class EventHub:
    """One event hub. Every method raises AzureError and nothing else."""

    def __init__(
        self, settings: EventsSettings, credential: AsyncTokenCredential, environment: Mapping[str, str] = ENVIRONMENT
    ) -> None:
        """Connect nothing yet. Trusted is what ``REQUESTS_CA_BUNDLE`` names, as by all of Azure's clients."""
        self.settings = settings
        self._credential = credential
        self._trusted = environment.get("REQUESTS_CA_BUNDLE") or environment.get("SSL_CERT_FILE") or None

    async def partitions(self) -> list[str]:
        """The names of its partitions."""
        client = self._client()
        try:
            async with asyncio.timeout(_ANSWER):
                return list(await client.get_partition_ids())
        except Exception as error:  # the client's and those of what it is made of: sockets, TLS, AMQP, tokens
            raise self._refusal(error) from error
        finally:
            await _closed(client)

    async def receive(self, since: Mapping[str, datetime], heard: Heard) -> None:
        """Hear the events of these partitions, each from an instant on. Ends by AzureError alone, or when cancelled.

        At least once: an event of that very instant is heard again, and so is whatever was not remembered.
        """
        lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        newest = dict(since)

        async def on_batch(partition: Any, events: Sequence[Any]) -> None:
            name, arrived = partition.partition_id, [Arrived(each.enqueued_time, _bytes(each)) for each in events]
            newest.pop(name, None)  # as long as who hears takes its time, nothing is missing
            await heard(name, arrived)
            newest[name] = max([each.enqueued for each in arrived])

        async def on_error(_: Any, error: Exception) -> None:
            if not lost.done():
                lost.set_result(error)

        client = self._client()
        reading = asyncio.create_task(
            client.receive_batch(
                on_batch, on_error=on_error, starting_position=dict(since), starting_position_inclusive=True
            )
        )
        probing = asyncio.create_task(self._probe(client, newest, heard))
        try:
            await asyncio.wait((lost, reading, probing), return_when=asyncio.FIRST_COMPLETED)
            ended = [each.exception() for each in (reading, probing) if each.done()]
            error = lost.result() if lost.done() else next(filter(None, ended), None)
            raise self._refusal(error or ConnectionError("the client ended"))
        finally:
            await _closed(client)
            await end_tasks((reading, probing))

    async def _probe(self, client: EventHubConsumerClient, newest: Mapping[str, datetime], heard: Heard) -> None:
        """Ask now and then what the partitions have. Raises what the client does, TimeoutError and ConnectionError.

        The client makes a connection that is lost anew, for as long as that takes, and says nothing of it.
        """
        behind: dict[str, datetime] = {}
        while True:
            await asyncio.sleep(_PROBE)
            for name in list(newest):
                async with asyncio.timeout(_ANSWER):
                    about = await client.get_partition_properties(name)
                await heard(name, ())
                known = newest.get(name)
                if known is None or about["is_empty"] or known >= about["last_enqueued_time_utc"]:
                    behind.pop(name, None)
                elif behind.get(name) == known:  # as at the last time
                    raise ConnectionError("the hub has events that do not come")
                else:
                    behind[name] = known

    def _client(self) -> EventHubConsumerClient:
        try:
            from azure.eventhub import TransportType  # noqa: PLC0415 - an extra
            from azure.eventhub.aio import EventHubConsumerClient  # noqa: PLC0415
        except ImportError:
            raise AzureError("NotInstalled", NO_EVENTS_LIBRARY) from None
        about = self.settings
        return EventHubConsumerClient(
            about.namespace,
            about.hub,
            about.consumer_group,
            self._credential,
            custom_endpoint_address=about.endpoint or None,
            connection_verify=self._trusted,
            transport_type=TransportType.Amqp,
            load_balancing_interval=_BALANCE,
            retry_total=1,  # who reads tries again, by a clock and a status of its own
        )

    def _refusal(self, error: BaseException) -> AzureError:
        """What went wrong, in few words: tracking ids and stack parts are for the log of whoever runs the hub."""
        host = self.settings.namespace
        if isinstance(error, ClientAuthenticationError):
            return no_token(host, error)
        said = re.sub(r"\s+", " ", re.split(r"\s*(?:Reference:|TrackingId:|\n)", str(error) or repr(error))[0])
        told = f"{error!r} {error}".lower()
        code = "NoConnection"
        if any(word in told for word in _NOT_LET_IN):
            code = "Unauthorized"
        elif "not-found" in told or "notfound" in told or "could not be found" in told:
            code = "NotFound"
        return AzureError(code, f"{host}: {said[:_LONGEST]}").asked(host)


async def _closed(client: EventHubConsumerClient) -> None:
    """Close it, whatever state its connection is in."""
    with suppress(Exception):
        await client.close()


def _bytes(event: Any) -> bytes:
    """The body of an event: of AMQP's kinds of bodies Azure Monitor writes bytes."""
    body = event.body
    if isinstance(body, bytes):
        return body
    try:
        return b"".join(body)
    except TypeError:
        return str(body).encode()
