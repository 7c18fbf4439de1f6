"""What cores of an account, of some of its pools or of one job did in a window: sums over buckets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.money.ledger import Eras, JobSpend
from bot.domain.money.spend import NOTHING, Spend
from bot.domain.tag import Tag
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, PoolBucket, PoolEra


def sizes(eras: Iterable[PoolEra]) -> list[str]:
    """Every VM size of pools, as it was written last."""
    return list({fold(era.vm_size): era.vm_size for era in eras}.values())


def tags(eras: Iterable[PoolEra]) -> list[str]:
    """Every tag of pools as ``key=value``."""
    return sorted({f"{key}={value}" for era in eras for key, value in era.tags.items()})


def is_of_size(eras: Eras, vm_size: str) -> Callable[[str, datetime], bool]:
    """Whether a pool had a VM size (in any case) at a moment."""
    return lambda pool, at: (era := eras.at(pool, at)) is not None and fold(era.vm_size) == fold(vm_size)


def has_tag(eras: Eras, tag: Tag) -> Callable[[str, datetime], bool]:
    """Whether a pool had a tag at a moment."""
    return lambda pool, at: (era := eras.at(pool, at)) is not None and tag.on(era.tags)


def of_pools(rows: Iterable[PoolBucket], wanted: Callable[[str, datetime], bool]) -> list[Bucket]:
    """The sum of some pools, bucket by bucket. Where any pool was sampled, those that are not there had no cores."""
    sums: dict[datetime, Bucket] = {}
    for row in rows:
        new, start = row.bucket, row.bucket.start
        mine = wanted(row.pool, start)
        so_far = sums.get(start, Bucket(start, NO_USE, NO_USE, 0.0))
        sums[start] = Bucket(
            start,
            so_far.dedicated + new.dedicated if mine else so_far.dedicated,
            so_far.spot + new.spot if mine else so_far.spot,
            max(so_far.seconds, new.seconds),
            so_far.at_most or (mine and new.at_most),
        )
    return [sums[start] for start in sorted(sums)]


def of_job(parts: Iterable[JobSpend], rows: Iterable[PoolBucket]) -> list[Bucket]:
    """A job's cores, bucket by bucket: what it kept busy, and its share of what idled in its pools meanwhile.

    So jobs and the idle time that is nobody's sum to their pool. ``rows`` say what was sampled.
    """
    sums: dict[datetime, Spend] = {}
    for part in parts:
        sums[part.start] = sums.get(part.start, NOTHING) + part.whole
    sampled = of_pools(rows, lambda pool, at: False)
    return [
        Bucket(
            bucket.start,
            sums.get(bucket.start, NOTHING).hours * 3600,
            sums.get(bucket.start, NOTHING).spot_hours * 3600,
            bucket.seconds,
        )
        for bucket in sampled
    ]


def finer(buckets: Iterable[Bucket], step: int, piece: int) -> Iterator[Bucket]:
    """History in buckets of ``step`` seconds as equal pieces of ``piece`` seconds: its mean is all that is known."""
    share = piece / step
    for each in buckets:
        if each.at_most:
            for start in range(0, step, piece):
                at = each.start + timedelta(seconds=start)
                yield Bucket(at, each.dedicated * share, each.spot * share, each.seconds * share, at_most=True)


class CoreHours(Struct, frozen=True):
    """Core-hours of a window by what dedicated and spot cores did. ``seconds`` is how much of it was sampled."""

    dedicated: CoreUse = NO_USE
    spot: CoreUse = NO_USE
    seconds: float = 0.0
    at_most: bool = False

    @property
    def use(self) -> CoreUse:
        """Of both kinds."""
        return self.dedicated + self.spot


def core_hours(buckets: Iterable[Bucket]) -> CoreHours:
    """The sum of buckets."""
    dedicated = spot = NO_USE
    seconds, at_most = 0.0, False
    for bucket in buckets:
        dedicated, spot = dedicated + bucket.dedicated, spot + bucket.spot
        seconds, at_most = seconds + bucket.seconds, at_most or bucket.at_most
    return CoreHours(dedicated * (1 / 3600), spot * (1 / 3600), seconds, at_most)


def last_at_most(buckets: Iterable[Bucket]) -> datetime | None:
    """The start of the last bucket whose busy is only known "at most"; None where there is none."""
    return max((bucket.start for bucket in buckets if bucket.at_most), default=None)


class Idlest(Struct, frozen=True):
    """The pool that idles most: core-hours by what they did."""

    pool: str
    use: CoreUse


def idlest(rows: Iterable[PoolBucket], money: Mapping[str, float] = MappingProxyType({})) -> Idlest | None:
    """The pool that idles most: by what that cost where any price is known, else by core-hours; None where none idles.

    ``money`` is what idled in pools, by folded name.
    """
    sums: dict[str, CoreUse] = {}
    for row in rows:
        sums[row.pool] = sums.get(row.pool, NO_USE) + (row.bucket.dedicated + row.bucket.spot) * (1 / 3600)
    best = max(sums.items(), key=lambda item: (money.get(fold(item[0]), 0.0), item[1].idle), default=None)
    return Idlest(*best) if best and best[1].idle > 0 else None
