"""What was seen in a whole account: how much of it by day or hour, and the changes themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from bot.alerting.stored_state import incident_of
from bot.azure.account import Account
from bot.filter.values import zone_of
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, muted, text
from cards.card import Block, Button, Card, Column, Mark, Text
from cards.formatting import day_words, number
from handlers.alert import parts
from handlers.history.parts import LIST, READ, HistorySort, Seen, about, changes, nothing_recorded, seen
from handlers.shared.common import line, nearest, section, titled
from storage.port.monitoring import Transition, TransitionCount

KINDS = ("pool", "allocation", "autoscale", "node", "job", "task", "schedule")
_WITHIN = {"day": timedelta(days=14), "hour": timedelta(hours=24)}
_COUNTED = {
    ("job", "active"): "Jobs started",
    ("job", "completed"): "Jobs ended",
    ("task", "failed"): "Tasks failed",
    ("job", "enabled"): "Jobs enabled",
    ("schedule", "active"): "Schedules created",
    ("schedule", "enabled"): "Schedules enabled",
    ("node", "unusable"): "Nodes unusable",
    ("node", "preempted"): "Nodes preempted",
    ("autoscale", "failed"): "Autoscale errors",
    ("autoscale", "resized"): "Autoscale resizes",
    ("node", ""): "Node changes",
}
"""What the overview counts, in the order of its columns; without a state: into any."""
_NOW = ("home", "job list", "pool list")
"""Commands that show how an account is now, for when nothing is recorded yet."""


@command(
    "history", effect="read", examples=["history", "history entity:job", "history entity:task:frame-* by:hour"], menu=60
)
async def show_history(
    ctx: Context,
    *,
    entity: str | None = None,
    by: Literal["day", "hour"] = "day",
    sort: HistorySort = "newest",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Show state changes in an account, newest first, with counts by day or hour; kept longer than Batch keeps them.

    :param entity: a kind of thing such as job, a pattern of names such as render-*, or both: job:render-*
    :param by: whether the overview counts days (the last 14) or hours (the last 24)
    :param sort: in which order
    :param page: which page of 20
    :param csv: all that fits as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    kind, pattern = _asked(ctx, source, entity)
    at = source.now()
    found = await _seen(ctx, source, kind, pattern, page, sort, whole=csv)
    unsorted = line(ctx, source, "history", entity=entity, by=by if by != "day" else None)
    again = LIST.again(unsorted, sort)
    if csv:
        return await LIST.as_file(ctx, again, found.all, at, source.name, entity or "")
    counts = await ctx.store.transition_counts(source.name, at - _WITHIN[by], at + timedelta(hours=1), kind)
    rows = await ctx.store.incidents(account=source.name, since=at - _WITHIN[by], limit=READ) if not entity else []
    other = "hour" if by == "day" else "day"
    return Card(
        title=titled(f"History of {source.name}", entity, found.extent),
        mark=Mark.NEUTRAL,
        as_of=at,
        blocks=blocks(
            *_overview(counts, by, ctx.zone),
            *section("Changes", changes(found.rows)),
            None
            if found.all
            else await nothing_recorded(
                ctx, source, *(line(ctx, source, each) for each in ("home", "job list", "pool list"))
            ),
            *about([each for row in rows if (each := incident_of(row))]),
            build.actions(
                *found.turning(again),
                Button(f"By {other}", line(ctx, source, "history", entity=entity, by=other), how="edit"),
                build.open_menu("Only", line(ctx, source, "history") + " entity:{}", KINDS),
                Button("Past alerts", line(ctx, source, "alert list", state="past")) if ctx.alerts else None,
                Button("Refresh", again, how="edit"),
                *LIST.controls(unsorted, sort),
            ),
        ),
    )


def _asked(ctx: Context, source: Account, typed: str | None) -> tuple[str, str]:
    """A kind (empty for all) and a pattern of names (empty for all). Raises CommandError with the nearest kind."""
    if not typed:
        return "", ""
    kind, colon, name = typed.partition(":")
    if kind.lower() in KINDS:
        return kind.lower(), parts.a_pattern(name, ["history"], f"entity:{kind}") if name else ""
    near = nearest(kind, KINDS) if not colon and "*" not in kind else []
    if near and kind.lower().rstrip("s") == near[0]:
        raise CommandError(
            f"There is no kind “{kind[:60]}”: there are {', '.join(KINDS)}.",
            [line(ctx, source, "history", entity=near[0])],
        )
    return "", parts.a_pattern(typed, ["history"], "entity")


async def _seen(
    ctx: Context, source: Account, kind: str, pattern: str, page: int, sort: HistorySort, *, whole: bool
) -> Seen:
    """The newest changes that fit; the store finds names by their beginning."""
    start = pattern.partition("*")[0].partition("?")[0]
    wild = f"{start}*" if start and start != pattern else start

    async def read(limit: int) -> list[Transition]:
        return await ctx.store.transitions(source.name, entity=kind, id=wild, limit=limit)

    return await seen(read, page, sort, whole=whole, fits=lambda each: not pattern or fnmatchcase(each.id, pattern))


def _overview(counts: Sequence[TransitionCount], by: str, zone: str) -> list[Block]:
    """How often each thing happened, a row for every day or hour that had something, the newest first."""
    sums: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for each in counts:
        for key in ((each.entity, each.after), (each.entity, "")):
            if key in _COUNTED:
                sums[_named(each.start, by, zone)][key] += each.count
    columns = [key for key in _COUNTED if any(row.get(key) for row in sums.values())]
    if not columns:
        return []
    rows: list[list[Text]] = [
        [text(name), *(text(number(row[key])) if row.get(key) else text(muted("–")) for key in columns)]
        for name, row in reversed(sums.items())
    ]
    heads = [Column(by.capitalize(), width=2)]
    heads += [Column(_COUNTED[key], "right", rank=index) for index, key in enumerate(columns)]
    return section(f"By {by}", build.table(heads, rows))


def _named(start: datetime, by: str, zone: str) -> str:
    """``Tue 24 Nov``, or ``Tue 24 Nov 14:00``, in a zone; ``start`` is a whole hour."""
    local = start.astimezone(zone_of(zone))
    return day_words(local) + (f" {local:%H:%M}" if by == "hour" else "")
