"""Since when a trouble lasts: the same in an answer and in its alert."""

from __future__ import annotations

from datetime import datetime

from bot.azure.account import Account
from bot.domain.diagnosis.model import Clue
from bot.domain.diagnosis.told import WAITS, alerts_of
from bot.domain.entity import Entity
from bot.requests.context import Context


def began(ctx: Context, source: Account, about: Entity, clue: Clue) -> datetime | None:
    """When a cause began: as its open alert says where there is one, else as the service tells; None where neither.

    Alerts are about pools, jobs and schedules; of one node or task the service knows best.
    """
    if about.kind in ("node", "task"):
        return clue.since
    pool = Entity("pool", clue.about.parent) if clue.about.kind == "node" else clue.about
    for kind in alerts_of(clue):
        if moment := open_since(ctx, source, kind, (pool, about)):
            return moment
    return clue.since


def waits_since(ctx: Context, source: Account, about: Entity) -> datetime | None:
    """Since when a job's tasks wait, as its open alert says; None where it has none."""
    return open_since(ctx, source, WAITS, (about,))


def open_since(ctx: Context, source: Account, kind: str, about: tuple[Entity, ...]) -> datetime | None:
    """Since when there is an open alert of a kind about one of these, as it says; None where there is none."""
    if ctx.alerts is None:
        return None
    told = (each for each in ctx.alerts.incidents.open(source.name) if each.kind == kind and each.entity in about)
    return min((each.since for each in told), default=None)
