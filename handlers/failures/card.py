"""The card of failures: a cluster after the other, each with its example, what it has in common, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.domain.causes import EXIT
from bot.domain.clusters.common import Common
from bot.domain.clusters.model import Cluster
from bot.domain.knowledge import Row, find
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, code, muted, text
from cards.card import Action, Block, Bullets, Card, Mark, Text, Words
from cards.formatting import number, percents, plural
from handlers.failures.words import common_words, times
from handlers.shared.common import titled

SHOWN = 5
"""Clusters that the card shows; the others are counted."""
_WITH_LINES = 3
"""Of them with the lines that their example printed; the others with one."""
_DETAILS = 2
"""Details of the service that are shown: which file, which address."""


class Shown(Struct, frozen=True, kw_only=True):
    """What a card of failures is made of.

    ``subject`` is what they are of (``job nightly``), ``of`` how many tasks there are (None: unknown or many jobs'),
    ``failed`` how many failed (None where nobody counted), ``window`` the time in words, empty where there is none.
    """

    subject: str
    at: datetime
    clusters: Sequence[Cluster]
    common: Mapping[str, Sequence[Common]]
    read: int
    failed: int | None = None
    of: int | None = None
    window: str = ""
    before: str = ""
    earlier: Mapping[str, str] = {}
    logs: int = 0
    logs_of: int = 0
    notes: Sequence[str] = ()
    more: Sequence[Action] = ()


def failures_card(ctx: Context, shown: Shown, buttons: Sequence[Sequence[Action]], drawn: Block | None) -> Card:
    """All of it; ``buttons`` are those of each cluster that is shown, ``drawn`` is the picture."""
    zone = ZoneInfo(ctx.zone)
    if not shown.clusters:
        return _none(shown)
    parts: list[Block | None] = [Words(text(shown.before)) if shown.before else None]
    shares = percents([cluster.count for cluster in shown.clusters], shown.read)
    for place, cluster in enumerate(shown.clusters[:SHOWN], start=1):
        row = _row(cluster)
        parts += [
            Words(_head(place, cluster, row, shares[place - 1] if cluster.count < shown.read else "")),
            _example(cluster, place),
            _to_do(row),
            Words(text(muted(found))) if (found := _told(cluster, shown, zone)) else None,
            build.actions(*buttons[place - 1]),
        ]
    left = shown.clusters[SHOWN:]
    rest = sum(cluster.count for cluster in left)
    return Card(
        title=titled(headline_of(shown), shown.window, _causes(shown)),
        mark=Mark.FAILED,
        as_of=shown.at,
        blocks=blocks(
            *parts,
            Words(text(muted(f"and {plural(len(left), 'more cause')} with {plural(rest, 'task')}"))) if left else None,
            drawn,
            build.note(" · ".join(_small_print(shown))),
            build.actions(*shown.more),
        ),
    )


def headline_of(shown: Shown) -> str:
    """``216 of 906 tasks of job nightly failed``, ``At least 2,000 failures in pool gpu``."""
    failed = shown.failed if shown.failed is not None else shown.read
    if shown.of:
        return f"{number(failed)} of {plural(shown.of, 'task')} of {shown.subject} failed"
    least = "At least " if shown.failed is None else ""
    return f"{least}{plural(failed, 'failure')} in {shown.subject}"


def _causes(shown: Shown) -> str:
    return plural(len([each for each in shown.clusters if not each.unread]) or 1, "cause")


def _none(shown: Shown) -> Card:
    return Card(
        title=titled(
            f"No task of {shown.subject} has failed{' in what was read' if shown.failed is None else ''}", shown.window
        ),
        mark=Mark.WARNING if shown.failed is None else Mark.DONE,
        as_of=shown.at,
        blocks=blocks(
            Words(text(shown.before)) if shown.before else None,
            build.note(" · ".join(shown.notes)),
            build.actions(*shown.more),
        ),
    )


def _head(place: int, cluster: Cluster, row: Row | None, share: str) -> Text:
    """``1  ×198  91 %  exit code 137: killed (SIGKILL), usually out of memory``."""
    name = cluster.cause.partition(": ")[0]
    if cluster.unread:
        means = "others with it printed different things, and the logs of these were not read"
    else:
        means = row.cause if row else ""
    return text(
        bold(f"{place}  ×{number(cluster.count)}"),
        f"  {share}  " if share else "  ",
        bold(name),
        f": {means}" if means else "",
    )


def _row(cluster: Cluster) -> Row | None:
    """What is known of such failures; nothing where what they printed was not read."""
    if cluster.unread:
        return None
    example = cluster.example
    message = " ".join([example.message, *(value for _, value in example.details)])
    return find(
        "task",
        code=cluster.code,
        message=message,
        category=example.category,
        exit_code=cluster.exit_code,
        line=cluster.said.line,
    )


def _to_do(row: Row | None) -> Words | None:
    """What to do about it."""
    return Words(text(f"{row.do[:1].upper()}{row.do[1:]}.")) if row and row.do else None


def _example(cluster: Cluster, place: int) -> Block | None:
    """What its example printed; else what the service said of it. Lines wrap: half a line on a phone says nothing."""
    said, example = cluster.said, cluster.example
    if said.lines:
        lines = said.lines if place <= _WITH_LINES else said.lines[-1:]
        return Bullets(tuple(text(code(each.strip())) for each in lines), dots=False)
    if cluster.unread or cluster.cause.startswith(EXIT):
        return None
    details = [text(muted(f"{name}: "), value) for name, value in example.details[:_DETAILS] if value]
    told = [*([text(example.message)] if example.message else []), *details]
    return Bullets(tuple(told), dots=False) if told else None


def _told(cluster: Cluster, shown: Shown, zone: ZoneInfo) -> str:
    """What it has in common and when, on one line."""
    said = cluster.said
    common = shown.common.get(cluster.key, ())
    printed = f"{said.file.removesuffix('.txt')} of {cluster.example.task}" if said.file else ""
    return " · ".join(
        filter(
            None,
            [
                *(common_words(each, zone, shown.at) for each in common),
                times(cluster, zone, shown.at, begun=any(each.what == "since" for each in common)),
                shown.earlier.get(cluster.key, ""),
                printed,
            ],
        )
    )


def _small_print(shown: Shown) -> list[str]:
    logs = (
        f"told apart by the logs of {number(shown.logs)} of {plural(shown.logs_of, 'task')} with an exit code"
        if shown.logs_of
        else ""
    )
    return list(filter(None, [*shown.notes, logs]))
