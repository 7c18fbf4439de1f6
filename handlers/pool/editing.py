"""Changes of a pool's properties: read whole, changed in one place, written with its ETag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.bodies.edit import REMOVE, Edit, NotEditable, patch_for, with_named
from bot.domain.bodies.fields import Body
from bot.domain.bodies.path import NoSuchPlace, value_at
from bot.operations.run import Run
from bot.operations.workflow import Failure
from bot.requests.command import CommandError

Changes = Mapping[str, Any]
"""New values by their places in the pool's body; None takes a field away."""


class Whole(NamedTuple):
    """A pool as the service's own JSON, with its ETag."""

    pool: Pool
    body: Body
    etag: str


async def whole(source: Account, pool: str) -> Whole:
    """Read all of a pool."""
    fetched = await source.fetch(Pool, source.pool(pool))
    return Whole(fetched.value, msgspec.json.decode(fetched.raw), fetched.value.etag)


def edit_of(body: Body, changes: Changes) -> Edit:
    """The request that makes the changes and leaves all else. Raises CommandError for what cannot be changed so."""
    wanted: dict[str, Any] = {}
    for place, value in changes.items():
        if place.endswith("[]"):  # a list of names and values of which some are set
            at = place.removesuffix("[]")
            wanted[at] = with_named(value_at(body, tuple(at.split(".")), []), value)
        else:
            wanted[place] = REMOVE if value is None else value
    try:
        return patch_for("pool", body, wanted)
    except (NotEditable, NoSuchPlace) as error:
        raise CommandError(str(error), ["help pool set"]) from None


async def write(run: Run, name: str, title: str, pool: str, changes: Changes, etag: str) -> None:
    """Write the changes as the step ``name``, if the pool still has that ETag.

    Nothing of the pool is kept in the step: it may hold secrets, such as signatures of files.
    """

    async def send() -> Written:
        now = await whole(run.account, pool)
        edit = edit_of(now.body, changes)
        if not edit.suffix:
            return await pools.patch(run.writer, pool, edit.body, etag=etag)
        if now.etag != etag:  # the service takes no If-Match for this one
            raise Failure(f"Pool {pool} was changed by somebody else since you looked. Look again.")
        return await pools.update_properties(run.writer, pool, edit.body)

    async def landed() -> bool:
        body = (await whole(run.account, pool)).body
        edit = edit_of(body, changes)
        if edit.suffix:
            return "startTask" not in body
        return all(_same(body.get(field), value) for field, value in edit.body.items())

    await run.write(name, title, send, landed=landed)


def _same(now: Any, sent: Any) -> bool:
    """Whether the service holds what was sent; it adds defaults of its own."""
    if isinstance(sent, dict):
        return isinstance(now, dict) and all(_same(now.get(name), value) for name, value in sent.items())
    if isinstance(sent, list):
        held = now or []
        return len(held) == len(sent) and all(_same(one, other) for one, other in zip(held, sent, strict=True))
    return bool(now == sent)
