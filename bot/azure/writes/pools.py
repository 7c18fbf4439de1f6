"""Writes of pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from bot.azure.paths import Paths
from bot.azure.plane import Written
from bot.azure.writer import Writer

Deallocation: TypeAlias = Literal["requeue", "terminate", "taskcompletion", "retaineddata"]
"""What becomes of the tasks on nodes that go; the service's default is requeue."""
MOST_REMOVED = 100
"""Nodes that one call removes at most."""


async def create(writer: Writer, body: Mapping[str, object]) -> Written:
    """Make a pool. PoolExists where there is one of that id."""
    return await writer.send("POST", "/pools", body)


async def delete(writer: Writer, pool: str, *, etag: str = "") -> Written:
    """Delete a pool: a resize ends, running tasks are requeued, and the nodes go."""
    return await writer.send("DELETE", Paths.pool(pool), if_match=etag)


async def patch(writer: Writer, pool: str, changes: Mapping[str, object], *, etag: str = "") -> Written:
    """Change the properties that are given, and leave all others."""
    return await writer.send("PATCH", Paths.pool(pool), changes, if_match=etag)


async def resize(
    writer: Writer,
    pool: str,
    *,
    dedicated: int | None = None,
    spot: int | None = None,
    resize_timeout: str = "",
    deallocation: Deallocation | None = None,
    etag: str = "",
) -> Written:
    """Set how many nodes a pool is to have; what is None stays.

    ``resize_timeout`` is an ISO 8601 duration, 5 minutes at least, 15 where it is left out. Refused while the pool is
    resizing, and where it scales automatically.
    """
    body: dict[str, object] = {
        "targetDedicatedNodes": dedicated,
        "targetLowPriorityNodes": spot,
        "resizeTimeout": resize_timeout or None,
        "nodeDeallocationOption": deallocation,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return await writer.send("POST", f"{Paths.pool(pool)}/resize", given, if_match=etag)


async def stop_resize(writer: Writer, pool: str, *, etag: str = "") -> Written:
    """Stop a resize; what it has reached stays. Refused where the pool scales automatically."""
    return await writer.send("POST", f"{Paths.pool(pool)}/stopresize", if_match=etag)


async def remove_nodes(
    writer: Writer,
    pool: str,
    nodes: Sequence[str],
    *,
    resize_timeout: str = "",
    deallocation: Deallocation | None = None,
    etag: str = "",
) -> Written:
    """Remove nodes, :data:`MOST_REMOVED` at most, and lower the pool's targets by as many.

    Refused while the pool is resizing, and turns it to resizing.
    """
    body: dict[str, object] = {"nodeList": list(nodes)}
    if resize_timeout:
        body["resizeTimeout"] = resize_timeout
    if deallocation:
        body["nodeDeallocationOption"] = deallocation
    return await writer.send("POST", f"{Paths.pool(pool)}/removenodes", body, if_match=etag)


async def enable_autoscale(
    writer: Writer, pool: str, *, formula: str = "", interval: str = "", etag: str = ""
) -> Written:
    """Scale a pool by a formula, or change it; once in 30 s and pool at most. Refused while the pool is resizing."""
    body = {"autoScaleFormula": formula, "autoScaleEvaluationInterval": interval}
    given = {name: value for name, value in body.items() if value}
    return await writer.send("POST", f"{Paths.pool(pool)}/enableautoscale", given, if_match=etag)


async def disable_autoscale(writer: Writer, pool: str) -> Written:
    """Scale a pool by hand again; its targets stay what they are."""
    return await writer.send("POST", f"{Paths.pool(pool)}/disableautoscale")


async def evaluate_autoscale(writer: Writer, pool: str, formula: str) -> Written:
    """Try a formula on a pool that scales automatically; changes nothing."""
    path = f"{Paths.pool(pool)}/evaluateautoscale"
    return await writer.send("POST", path, {"autoScaleFormula": formula}, once=False)


async def update_properties(writer: Writer, pool: str, body: Mapping[str, object]) -> Written:
    """Replace start task, packages and metadata: what is not given is removed. Not guarded by an ETag."""
    return await writer.send("POST", f"{Paths.pool(pool)}/updateproperties", body)
