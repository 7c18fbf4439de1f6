"""What to do about money, three things at most, and what became of what was advised before.

Each piece of advice is about one pool and one kind of loss that was measured over the last period, so that the same
can be measured again after the next one: what became of it is a difference of two measurements, never a promise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import Spend
from cards.command_line import command
from cards.formatting import core_hours, percent, plural

MOST = 3
LEAST = 0.01
"""The share of all that was spent from which a loss is worth a word."""
IDLE_FOR = timedelta(hours=2)
"""A pool that idles for less may be between two jobs."""
_MOSTLY = 0.4
"""A pool whose cores had nothing to do for so much of its cost would do better with a formula."""
_HALVED = 0.5
"""A loss that is half of what it was, or less, was acted on."""

AdviceKind: TypeAlias = Literal["idle", "broken", "formula", "spot", "waiting", "starting"]
Became: TypeAlias = Literal["done", "gone", "not done", "unknown"]


class PoolNow(Struct, frozen=True):
    """How a pool stands: its nodes that are idle and broken, and since when all of it idles (None: it does not).

    ``spot_ratio`` is what a spot node of its size costs of a dedicated one; None where either price is unknown.
    """

    pool: str
    nodes: int
    spot_nodes: int = 0
    idle: int = 0
    broken: int = 0
    idle_since: datetime | None = None
    autoscale: bool = False
    spot_ratio: float | None = None


class Advice(Struct, frozen=True):
    """One thing to do. ``loss`` is the money that it cost over the period, by a measure of its own (:func:`measure`).

    ``words`` say what is so, ``since`` since when where that is known; ``command`` does it or shows more, and its
    button says ``button``. ``changes`` is True where it changes something.
    """

    kind: AdviceKind
    pool: str
    loss: float
    words: str
    button: str
    command: str
    changes: bool = False
    since: datetime | None = None


class Further(Struct, frozen=True, kw_only=True):
    """One thing to do beside that: what is so, since when, what it leads to, and its button.

    ``week`` is what it costs a week, None where it is no money or not known; ``urgent`` where it fails within days, or
    does already; ``advised`` is since when it is known.
    """

    words: str
    harm: str
    button: str
    command: str
    form: bool = False
    since: datetime | None = None
    week: float | None = None
    urgent: bool = False
    advised: datetime | None = None


class Ended(Struct, frozen=True, kw_only=True):
    """Something that was to be done and is not any more: ``deed`` is the command that somebody ran about it.

    It is empty where nobody is known to have. ``loss`` is what it cost a week, ``saved`` how much less it is since, as
    measured; None where that is no money, or not known.
    """

    words: str
    deed: str = ""
    loss: float | None = None
    saved: float | None = None


class Outcome(Struct, frozen=True):
    """What became of advice: the same loss over the period after it, scaled to the length of the one before.

    ``saved`` is the difference where it was acted on, and nothing else than a difference of measurements.
    """

    became: Became
    before: float
    after: float | None
    saved: float = 0.0


def measure(kind: AdviceKind, spend: Spend, spot_ratio: float | None = None) -> float:
    """What a kind of loss came to in a spend, in its currency.

    Of ``spot`` it is what the dedicated core-hours cost more than spot ones would have, by ``spot_ratio``.
    """
    cost = spend.cost
    match kind:
        case "idle" | "formula":
            return cost.unused
        case "broken":
            return cost.broken
        case "waiting":
            return cost.waiting
        case "starting":
            return cost.starting
        case "spot":
            return spend.money.busy * (1 - spot_ratio) if spot_ratio is not None else 0.0


def advise(spans: Iterable[PoolSpan], pools: Mapping[str, PoolNow], at: datetime, *, most: int = MOST) -> list[Advice]:
    """What would save most, the dearest loss first, one piece of advice a pool.

    ``spans`` are the pools over the period, ``pools`` how they stand ``at`` its end, by folded id: what is over is no
    advice any more.
    """
    spans = list(spans)
    least = LEAST * sum(span.money for span in spans)
    by_pool: list[list[Advice]] = []
    for span in spans:
        now = pools.get(fold(span.pool))
        if now is None:
            continue
        options = [each for each in _options(span, now, at) if each.loss >= max(least, 0.01)]
        by_pool.append(sorted(options, key=_dearest))
    # One pool as spot nodes is enough to think about; of others what is told is the next of theirs.
    spot = min((each[0] for each in by_pool if each and each[0].kind == "spot"), key=_dearest, default=None)
    told = (next((each for each in options if each.kind != "spot" or each is spot), None) for options in by_pool)
    return sorted((each for each in told if each), key=_dearest)[:most]


def _dearest(each: Advice) -> tuple[float, str]:
    return -each.loss, each.pool


def _options(span: PoolSpan, now: PoolNow, at: datetime) -> Iterable[Advice]:
    spend, pool = span.spend, span.pool
    hours = spend.core_hours
    idles = now.idle_since is not None and at - now.idle_since >= IDLE_FOR and now.idle
    if idles and not now.autoscale:
        words = f"{plural(now.idle, 'node')} of pool {pool} {'has' if now.idle == 1 else 'have'} nothing to do"
        resize = command("pool resize", pool, "0", spot=0 if now.spot_nodes else None)
        loss = measure("idle", spend)
        yield Advice("idle", pool, loss, words, "Resize to 0", resize, changes=True, since=now.idle_since)
    elif not now.autoscale and hours.total and hours.unused >= _MOSTLY * hours.total:
        words = f"pool {pool} had nothing to do for {percent(hours.unused, hours.total)} of its core-hours: "
        yield Advice(
            "formula", pool, measure("formula", spend), words + "let a formula size it, or pack its tasks", "Formula…",
            command("pool autoscale enable", pool),
        )  # fmt: skip
    if now.broken:
        words = f"{plural(now.broken, 'node')} of pool {pool} {'is' if now.broken == 1 else 'are'} broken and billed"
        loss = measure("broken", spend)
        yield Advice("broken", pool, loss, words, "Replace them", command("pool replace-broken", pool), changes=True)
    if hours.waiting:
        words = f"nodes of pool {pool} idled for {core_hours(hours.waiting)} while tasks waited"
        yield Advice("waiting", pool, measure("waiting", spend), words, "Open", command("pool show", pool))
    if hours.starting:
        words = f"nodes of pool {pool} spent {core_hours(hours.starting)} on booting"
        yield Advice("starting", pool, measure("starting", spend), words, "Open", command("pool show", pool))
    if now.spot_ratio is not None and spend.hours.busy and not now.spot_nodes:
        words = f"pool {pool} as spot nodes would have cost {percent(1 - now.spot_ratio, 1)} less for its busy hours, "
        yield Advice(
            "spot", pool, measure("spot", spend, now.spot_ratio), words + "if its tasks may be interrupted", "Open",
            command("pool show", pool),
        )  # fmt: skip


def outcome(
    kind: AdviceKind, before: float, after: PoolSpan | None, *, stretch: float = 1.0, spot_ratio: float | None = None
) -> Outcome:
    """What became of advice whose loss was ``before``.

    ``after`` is its pool over the period that followed, None where the pool had no nodes in it; ``stretch`` is how much
    longer the period before was. Where something that is needed is not known any more, it is ``unknown``.
    """
    if after is None or not after.spend.core_hours.total:
        return Outcome("gone", before, 0.0, before)
    if after.spend.unpriced or (kind == "spot" and spot_ratio is None):
        return Outcome("unknown", before, None)
    loss = measure(kind, after.spend, spot_ratio) * stretch
    if loss <= _HALVED * before:
        return Outcome("done", before, loss, before - loss)
    return Outcome("not done", before, loss)
