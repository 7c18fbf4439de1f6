"""The event hub with an account's diagnostic events: whether it can be read, and what to do where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from azure.core.credentials_async import AsyncTokenCredential

from bot.azure.errors import AzureError
from bot.azure.event_hub import SCOPE, Arrived, EventHub
from bot.azure.roles import EVENTS_RECEIVER
from bot.clock import end_tasks
from bot.doctor.finding import Finding, broken, fine
from bot.doctor.identity import identity_of

SECONDS = 40.0


async def event_hub(hub: EventHub, credential: AsyncTokenCredential, what: str) -> list[Finding]:
    """Read it for a moment, as the bot does: nothing of it is changed by that."""
    about = hub.settings
    named = f"{about.hub} of {about.namespace}"
    try:
        partitions = await hub.partitions()
        await _read(hub, partitions)
    except AzureError as error:
        return [broken(what, f"{named}: {error.message}", await _todo(error, hub, credential))]
    return [fine(what, f"{named} is read by {about.consumer_group}: {len(partitions)} partitions")]


async def _read(hub: EventHub, partitions: Sequence[str]) -> None:
    """Until a partition answers, be it that there is nothing new. Raises AzureError."""
    answered = asyncio.Event()

    async def heard(_: str, __: Sequence[Arrived]) -> None:
        answered.set()

    reading = asyncio.create_task(hub.receive(dict.fromkeys(partitions, datetime.now(UTC)), heard))
    waiting = asyncio.create_task(answered.wait())
    try:
        await asyncio.wait((reading, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            await reading
    finally:
        await end_tasks((reading, waiting))


async def _todo(error: AzureError, hub: EventHub, credential: AsyncTokenCredential) -> str:
    about = hub.settings
    match error.code:
        case "Unauthorized":
            try:
                who = (await identity_of(credential, SCOPE, about.namespace)).object or "OBJECT_ID"
            except AzureError:
                who = "OBJECT_ID"
            return (
                f"give the bot the role {EVENTS_RECEIVER} on the hub: az role assignment create --assignee {who} "
                f"--role {EVENTS_RECEIVER.id} --scope EVENT_HUB_ID; it takes some minutes"
            )
        case "NotFound":
            return f"check hub ({about.hub}) and consumer_group ({about.consumer_group}): one of them is not there"
        case "NotInstalled":
            return "pip install 'batchbot[events]'"
        case "NoToken":
            return ""
    return "check the network: AMQP over TLS goes to port 5671 of the namespace, through its firewall and yours"
