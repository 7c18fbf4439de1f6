"""Whose cores a usage card is about: an account's, a pool's, a job's, those of a VM size or of an owner's tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from bot.accounting.eras import shown_eras
from bot.azure.account import Account
from bot.domain.core_usage import finer, has_tag, is_of_size, of_job, of_pools, sizes, tags
from bot.domain.entity import fold
from bot.domain.money.ledger import Eras, totals
from bot.domain.money.spend import Spend, total
from bot.domain.tag import Tag
from bot.domain.timeline import Kept, Window, finest_parts, floor
from bot.requests.command import CommandError
from bot.requests.context import Context
from cards.charts.usage import Peaks, UsagePoint
from handlers.shared.common import line, nearest
from storage.port.core_use import NO_USE
from storage.port.network import NetworkUse
from storage.port.samples import Bucket, PoolBucket

Belongs: TypeAlias = Callable[[str, datetime], bool]
INSTANT = timedelta(microseconds=1)
"""By how much the end of what is kept lies before the last sample."""
_MINUTE = timedelta(minutes=1)
HISTORY_STEP = JOB_STEP = 1800
"""The finest buckets that are kept of jobs (seconds)."""


class Asked(Struct, frozen=True):
    """What was typed: one of these at most."""

    pool: str | None = None
    job: str | None = None
    size: str | None = None
    tag: str | None = None

    @property
    def options(self) -> dict[str, str]:
        """As options of a command."""
        given = {"pool": self.pool, "job": self.job, "size": self.size, "tag": self.tag}
        return {name: value for name, value in given.items() if value}

    @property
    def words(self) -> str:
        """``pool gpu-a``, ``all pools``."""
        return next((f"{name} {value}" for name, value in self.options.items()), "all pools")

    @property
    def finest(self) -> int:
        """The finest buckets that are kept of it (seconds)."""
        return JOB_STEP if self.job else 60


class Use(Struct, frozen=True):
    """What it is about in a window: its buckets, those of the pools that it is about, and what it cost."""

    own: list[Bucket]
    pools: list[PoolBucket]
    spend: Spend
    idle_money: Mapping[str, float] = MappingProxyType({})
    """What idled in each pool, in money, where prices are known."""

    @property
    def names(self) -> list[str]:
        """The pools."""
        return sorted({each.pool for each in self.pools})


def one_of(ctx: Context, source: Account, subject: Asked) -> None:
    """Raises CommandError where more than one was typed, or a tag that is none."""
    given = list(subject.options.items())
    if len(given) > 1:
        names = " and ".join(name for name, _ in given)
        raise CommandError(
            f"Usage is of one thing at a time, not of {names} at once.",
            [line(ctx, source, "usage", **{name: value}) for name, value in given],
            instead_of=tuple(subject.options),
        )
    if subject.tag and "=" not in subject.tag:
        raise CommandError(
            f"“{subject.tag[:60]}” is no tag: write key=value, such as tag:team=render.",
            [line(ctx, source, "usage", tag=f"team={subject.tag}")],
            at="tag",
        )


async def belonging(ctx: Context, source: Account, subject: Asked) -> Belongs | None:
    """Which pools a size or a tag is about; None for anything else. Raises CommandError with the nearest known."""
    if not subject.size and not subject.tag:
        return None
    rows = shown_eras(await ctx.store.pool_eras(source.name))
    eras = Eras(rows)
    if subject.size:
        known = sizes(rows)
        if fold(subject.size) not in map(fold, known):
            raise _unknown(ctx, source, "size", subject.size, "No pool had the VM size", known)
        return is_of_size(eras, subject.size)
    tag = subject.tag or ""
    wanted = Tag.read(tag)
    if wanted is None or not any(wanted.on(era.tags) for era in rows):
        raise _unknown(ctx, source, "tag", tag, "No pool had the tag", tags(rows))
    return has_tag(eras, wanted)


def _unknown(ctx: Context, source: Account, name: str, typed: str, words: str, known: Sequence[str]) -> CommandError:
    near = nearest(typed, known) or list(known)[:4]
    return CommandError(
        f"{words} “{typed[:60]}” while the bot has watched.",
        [line(ctx, source, "usage", **{name: each}) for each in near] or [line(ctx, source, "usage")],
        at=name,
    )


async def use(ctx: Context, source: Account, subject: Asked, belongs: Belongs | None, window: Window) -> Use:
    """The buckets of a window, and what they cost."""
    name, since, until, step = source.name, window.since, window.until, window.step
    pools = await ctx.store.usage_by_pool(name, since, until, step)
    if subject.job:
        parts = await ctx.accounting.jobs(name, since, until, step=step, job=subject.job)
        where = {fold(each.pool) for each in parts}
        return Use(
            of_job(parts, pools),
            [each for each in pools if fold(each.pool) in where],
            total(each.whole for each in parts),
        )
    ledger = await ctx.accounting.spend(name, since, until, step=step)
    if belongs:
        own = of_pools(pools, belongs)
        rows = [row.spend for row in ledger.rows if row.pool and belongs(row.pool, row.start)]
        return Use(own, [each for each in pools if belongs(each.pool, each.bucket.start)], total(rows))
    own = await ctx.store.usage(name, subject.pool, since, until, step)
    if subject.pool:
        wanted = fold(subject.pool)
        rows = [row.spend for row in ledger.rows if fold(row.pool) == wanted]
        return Use(own, [each for each in pools if fold(each.pool) == wanted], total(rows))
    by_pool = totals(ledger.watched_rows, "pool")
    money = {fold(name): spend.cost.idle for name, spend in by_pool.items() if spend.cost.total}
    return Use(await _with_history(ctx, name, own, window), pools, ledger.total, money)


async def _with_history(ctx: Context, account: str, own: list[Bucket], window: Window) -> list[Bucket]:
    """Buckets with history between them, which is kept in half hours and no shorter: each part has its mean."""
    if window.step >= HISTORY_STEP or HISTORY_STEP % window.step:
        return own
    # off the grid of half hours shorter buckets would be read, which have no history
    since = floor(window.since, HISTORY_STEP)
    kept = await ctx.store.usage(account, None, since, window.until, HISTORY_STEP)
    known = {each.start for each in own}
    return sorted(
        [
            *own,
            *(
                piece
                for piece in finer(kept, HISTORY_STEP, window.step)
                if piece.start not in known and window.since <= piece.start < window.until
            ),
        ],
        key=lambda each: each.start,
    )


async def watched_from(ctx: Context, source: Account) -> datetime | None:
    """Since when the bot's own samples are kept; None where there are none."""
    known = await ctx.store.sampled_range(source.name)
    return known[0] - _MINUTE if known else None


async def peaks(
    ctx: Context, source: Account, subject: Asked, belongs: Belongs | None, window: Window, kept: Kept
) -> Peaks | None:
    """The most of a window and what was last in it, of the finest buckets that are kept of each part of it.

    So it does not depend on the window's own buckets, which are means. None where nothing was sampled.
    """
    found: list[tuple[int, Bucket]] = []
    begin = max(window.since, kept.first)
    for part, step in finest_parts(begin, min(window.until, kept.last + INSTANT), kept):
        since, until = part
        rows = await _finest(ctx, source, subject, belongs, since, until, step)
        if step < HISTORY_STEP and not subject.options:  # what Azure Monitor knew before has coarser buckets alone
            old = await ctx.store.usage(source.name, None, since, until, HISTORY_STEP)
            found += [(HISTORY_STEP, each) for each in old if each.at_most and each.seconds > 0]
        found += [(step, each) for each in rows if each.seconds > 0]
    if not found:
        return None
    _, busiest = max(found, key=lambda each: each[1].busy / each[1].seconds)
    step, last = found[-1]
    return Peaks(
        busy=busiest.busy / busiest.seconds,
        busy_at=busiest.start,
        total=max(each.total / each.seconds for _, each in found),
        last=UsagePoint(
            last.start,
            last.busy / last.seconds,
            last.total / last.seconds,
            min(1.0, last.seconds / step),
            last.spot.busy / last.seconds,
            last.spot.total / last.seconds,
            last.at_most,
        ),
        step=max(step for step, _ in found),
    )


async def _finest(
    ctx: Context, source: Account, subject: Asked, belongs: Belongs | None, since: datetime, until: datetime, step: int
) -> list[Bucket]:
    """Buckets of a kept resolution; where anything was sampled, a size, tag or job that was not there had no cores."""
    name = source.name
    if not subject.job and not belongs:
        return await ctx.store.usage(name, subject.pool, since, until, step)
    sampled = [each for each in await ctx.store.usage(name, None, since, until, step) if not each.at_most]
    if subject.job:
        if not sampled:
            return []
        parts = await ctx.accounting.jobs(name, since, until, step=step, job=subject.job)
        return of_job(parts, [PoolBucket("", each) for each in sampled])
    found: dict[datetime, Bucket] = {}
    rows = shown_eras(await ctx.store.pool_eras(name))
    pools = sorted({era.pool for era in rows})
    turns = [_ceiling(each, step) for each in Eras(rows).changes(since, until)]
    bounds = sorted({since, until, *(each for each in turns if since < each < until)})
    for begin, end in pairwise(bounds):
        mine = [pool for pool in pools if belongs and belongs(pool, begin)]
        if mine:
            some = await ctx.store.usage_of_pools(name, mine, begin, end, step)
            found |= {each.start: each for each in some if each.start >= begin}
    return [found.get(each.start) or Bucket(each.start, NO_USE, NO_USE, each.seconds) for each in sampled]


def _ceiling(moment: datetime, step: int) -> datetime:
    """The first beginning of a bucket from a moment on: a bucket is of what pools were as it began."""
    begin = floor(moment, step)
    return begin if begin == moment else begin + timedelta(seconds=step)


async def strip(ctx: Context, source: Account, subject: Asked, belongs: Belongs | None, window: Window) -> list[Bucket]:
    """All that is kept of it, coarse."""
    name, since, until, step = source.name, window.since, window.until, window.step
    if not subject.job and not belongs:
        return await ctx.store.usage(name, subject.pool, since, until, step)
    pools = await ctx.store.usage_by_pool(name, since, until, step)
    if belongs:
        return of_pools(pools, belongs)
    return of_job(await ctx.accounting.jobs(name, since, until, step=step, job=subject.job), pools)


async def kept(ctx: Context, source: Account, subject: Asked) -> Kept | None:
    """From when to when anything is known: of the account, its history from before it was sampled included."""
    name = source.name
    known = await ctx.store.known_range(name) if not subject.options else await ctx.store.sampled_range(name)
    # A sample stands for the time up to it: the first for the minute before, the last for no time after.
    return Kept(known[0] - _MINUTE, known[1] - INSTANT, subject.finest) if known else None


async def network(ctx: Context, source: Account, subject: Asked, window: Window) -> NetworkUse | None:
    """What came in and went out; None where nobody counts it: for jobs, sizes and tags, and before it was read."""
    if subject.job or subject.size or subject.tag:
        return None
    return await ctx.store.network(source.name, subject.pool, window.since, window.until)
