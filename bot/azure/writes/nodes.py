"""Writes of nodes. The service guards none of them by ``If-Match``: compare the node's state just before."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from bot.azure.paths import Paths, encoded
from bot.azure.plane import Written
from bot.azure.writer import Writer

OfTasks: TypeAlias = Literal["requeue", "terminate", "taskcompletion", "retaineddata"]
"""What becomes of the tasks that run on a node; the service's default is requeue."""


async def reboot(writer: Writer, pool: str, node: str, *, tasks: OfTasks = "requeue") -> Written:
    """Restart a node; its start task runs again."""
    return await writer.send("POST", f"{Paths.node(pool, node)}/reboot", {"nodeRebootOption": tasks})


async def start(writer: Writer, pool: str, node: str) -> Written:
    """Start a node that is deallocated."""
    return await writer.send("POST", f"{Paths.node(pool, node)}/start")


async def deallocate(writer: Writer, pool: str, node: str, *, tasks: OfTasks = "requeue") -> Written:
    """Release a node's machine and keep the node."""
    return await writer.send("POST", f"{Paths.node(pool, node)}/deallocate", {"nodeDeallocateOption": tasks})


async def disable_scheduling(
    writer: Writer, pool: str, node: str, *, tasks: Literal["requeue", "terminate", "taskcompletion"] = "requeue"
) -> Written:
    """Send no tasks to a node any more. NodeAlreadyInTargetSchedulingState where that is so already."""
    body = {"nodeDisableSchedulingOption": tasks}
    return await writer.send("POST", f"{Paths.node(pool, node)}/disablescheduling", body)


async def enable_scheduling(writer: Writer, pool: str, node: str) -> Written:
    """Send tasks to a node again."""
    return await writer.send("POST", f"{Paths.node(pool, node)}/enablescheduling")


async def upload_logs(
    writer: Writer,
    pool: str,
    node: str,
    *,
    container_url: str,
    since: datetime,
    identity: str = "",
    until: datetime | None = None,
) -> Written:
    """Upload the node agent's logs of a span to a blob container.

    ``identity`` is the resource id of an identity of the pool that may write there; without one the address carries a
    SAS, which nobody may log. The body of the answer has ``virtualDirectoryName`` and ``numberOfFilesUploaded``.
    """
    body: dict[str, object] = {"containerUrl": container_url, "startTime": since.isoformat()}
    if identity:
        body["identityReference"] = {"resourceId": identity}
    if until:
        body["endTime"] = until.isoformat()
    return await writer.send("POST", f"{Paths.node(pool, node)}/uploadbatchservicelogs", body)


async def add_user(
    writer: Writer,
    pool: str,
    node: str,
    name: str,
    *,
    password: str = "",
    ssh_key: str = "",
    admin: bool = False,
    expires: datetime | None = None,
) -> Written:
    """Add a user; on Linux the expiry has the precision of a day, and the service's default is one day."""
    body: dict[str, object] = {
        "name": name,
        "isAdmin": admin,
        "password": password or None,
        "sshPublicKey": ssh_key or None,
        "expiryTime": expires.isoformat() if expires else None,
    }
    given = {key: value for key, value in body.items() if value is not None}
    return await writer.send("POST", f"{Paths.node(pool, node)}/users", given)


async def delete_user(writer: Writer, pool: str, node: str, name: str) -> Written:
    """Delete a user."""
    return await writer.send("DELETE", f"{Paths.node(pool, node)}/users/{encoded(name)}")
