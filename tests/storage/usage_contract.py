"""What every store has to do with cores by what they did, with jobs, with history, and with what pools were like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, JobBucket, JobCores, PoolBucket, PoolEra, Sample
from storage.port.store import Store
from storage.retention import RESOLUTIONS

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def seen(at: datetime, dedicated: CoreUse, spot: CoreUse = NO_USE, *jobs: JobCores, pool: str = "a") -> Sample:
    """A minute of a pool."""
    return Sample("render", pool, at, 60, dedicated, spot, jobs=jobs)


class UsageContract:
    """Inherit it, and give a fixture ``store``."""

    async def test_cores_are_kept_by_kind_and_reason(self, store: Store) -> None:
        dedicated, spot = CoreUse(4, 8, 12, 16, 20, 24, 28), CoreUse(1, 2, 3, 4, 5, 6, 7)
        await store.add_samples([seen(NOON + n * MINUTE, dedicated, spot) for n in range(1, 61)])
        await store.add_samples([seen(NOON + MINUTE, NO_USE, CoreUse(broken=1), pool="b")])
        whole = Bucket(NOON, dedicated * 1800, spot * 1800 + CoreUse(broken=60), 1800)
        of_a = [Bucket(NOON + n * HOUR / 2, dedicated * 1800, spot * 1800, 1800) for n in range(2)]
        assert await store.usage("render", None, NOON, NOON + HOUR, 1800) == [whole, of_a[1]]
        assert await store.usage("render", "a", NOON, NOON + HOUR, 1800) == of_a
        assert await store.usage_by_pool("render", NOON, NOON + HOUR, 1800) == [
            *(PoolBucket("a", each) for each in of_a),
            PoolBucket("b", Bucket(NOON, NO_USE, CoreUse(broken=60), 60)),
        ]
        assert await store.usage_by_pool("other", NOON, NOON + HOUR, 1800) == []

    async def test_some_pools_are_summed(self, store: Store) -> None:
        await store.add_samples(
            [
                seen(NOON + MINUTE, CoreUse(4), CoreUse(broken=1), pool="A"),
                seen(NOON + MINUTE, CoreUse(2), pool="b"),
                seen(NOON + MINUTE, CoreUse(9), pool="c"),
                seen(NOON + 2 * MINUTE, CoreUse(5), pool="b"),
                seen(NOON + 3 * MINUTE, CoreUse(9), pool="c"),
            ]
        )
        window = (NOON, NOON + HOUR)
        assert await store.usage_of_pools("render", ["a", "B", "no such pool"], *window, 60) == [
            Bucket(NOON, CoreUse(6) * 60, CoreUse(broken=60), 60),
            Bucket(NOON + MINUTE, CoreUse(5) * 60, NO_USE, 60),
        ]
        both = await store.usage_of_pools("render", {"a", "b"}, *window, 1800)
        assert both == [Bucket(NOON, CoreUse(11) * 60, CoreUse(broken=60), 120)]
        assert await store.usage_of_pools("render", ["a", "b", "c"], *window, 60) == await store.usage(
            "render", None, *window, 60
        )
        assert await store.usage_of_pools("render", [], *window, 60) == []
        assert await store.usage_of_pools("other", ["a"], *window, 60) == []
        with pytest.raises(ValueError, match="no resolution"):
            await store.usage_of_pools("render", ["a"], *window, 120)

    async def test_the_case_of_a_pool_does_not_matter(self, store: Store) -> None:
        job = JobCores("x", 4.0)
        await store.add_samples([seen(NOON + MINUTE, CoreUse(4.0), NO_USE, job, pool="Gpu")])
        await store.add_samples([seen(NOON + 2 * MINUTE, CoreUse(4.0), NO_USE, job, pool="gpu")])  # made anew
        window = (NOON, NOON + HOUR, 1800)
        (each,) = await store.usage_by_pool("render", *window)
        assert each.bucket.busy == 480
        assert await store.usage("render", "GPU", *window) == [each.bucket]
        assert [(one.job, one.dedicated) for one in await store.usage_by_job("render", *window)] == [("x", 480.0)]
        assert len(await store.samples("render", "gPU", NOON, NOON + HOUR)) == 2

    async def test_jobs_share_what_was_busy(self, store: Store) -> None:
        jobs, one = (JobCores("x", 4.0), JobCores("y", 2.0)), JobCores("x", 1.0)
        await store.add_samples(
            [
                seen(NOON + MINUTE, CoreUse(6.0), CoreUse(2.0, broken=1.0), *jobs),
                seen(NOON + 2 * MINUTE, CoreUse(3.0), NO_USE, *jobs),  # counted while more tasks ran
                seen(NOON + MINUTE, CoreUse(1.0), NO_USE, one, pool="b"),
                seen(NOON + MINUTE, CoreUse(5.0), pool="c"),
                seen(NOON + MINUTE, CoreUse(unused=9.0), NO_USE, one, pool="d"),
            ]
        )
        of_x = JobBucket("a", "x", NOON, 60 * 3.0 + 60 * 2.0, 60 * 1.0), JobBucket("b", "x", NOON, 60.0, 0.0)
        assert await store.usage_by_job("render", NOON, NOON + DAY, 86400) == [
            JobBucket("a", "", NOON, 60 * 1.5, 60 * 0.5),
            of_x[0],
            JobBucket("a", "y", NOON, 60 * 1.5 + 60 * 1.0, 60 * 0.5),
            of_x[1],
            JobBucket("c", "", NOON, 300.0, 0.0),
        ]
        assert await store.usage_by_job("render", NOON, NOON + DAY, 86400, "x") == list(of_x)
        [by_day, _] = await store.usage_by_job("render", MIDNIGHT, NOON + DAY, 86400, "x")
        assert by_day == replace(of_x[0], start=MIDNIGHT)
        with pytest.raises(ValueError, match="multiple of 1800"):
            await store.usage_by_job("render", NOON, NOON + DAY, 300)

    async def test_jobs_of_a_pool_sum_to_the_pool(self, store: Store) -> None:
        samples = []
        for n in range(1, 200):
            jobs = tuple(JobCores(f"j{k}", (n * k) % 11 / 3) for k in range(n % 5))
            busy = (n * 7) % 13 / 9
            at = NOON + n * 7 * MINUTE
            samples.append(Sample("render", "a", at, 300, CoreUse(busy), CoreUse(busy / 7), jobs=jobs))
        await store.add_samples(samples)
        for step in RESOLUTIONS[2:]:
            parts: dict[datetime, float] = {}
            for each in await store.usage_by_job("render", MIDNIGHT, MIDNIGHT + 3 * DAY, step):
                assert min(each.dedicated, each.spot) >= 0
                parts[each.start] = parts.get(each.start, 0.0) + each.dedicated + each.spot
            whole = await store.usage("render", "a", MIDNIGHT, MIDNIGHT + 3 * DAY, step)
            assert parts == {each.start: pytest.approx(each.busy, rel=1e-9) for each in whole if each.busy}

    async def test_history_fills_only_what_nobody_saw(self, store: Store) -> None:
        await store.add_samples([seen(NOON + 10 * MINUTE, CoreUse(2, unused=2))])
        before = await store.usage("render", None, NOON, NOON + HOUR, 1800)
        hours = [Bucket(NOON + n * HOUR, CoreUse(4, unknown=8) * 3600, NO_USE, 3600) for n in (-30, -2, -1, 0)]
        assert await store.add_history("render", hours, 3600) == 7
        assert await store.add_history("render", hours, 3600) == 0, "what is known is not added again"
        half = CoreUse(4, unknown=8) * 1800
        filled = [Bucket(NOON + n * HOUR / 2, half, NO_USE, 1800, at_most=True) for n in (-4, -3, -2, -1, 1)]
        got = await store.usage("render", None, NOON - 2 * HOUR, NOON + HOUR, 1800)
        assert got == [*filled[:4], *before, filled[4]]
        [day] = await store.usage("render", None, MIDNIGHT, MIDNIGHT + DAY, 86400)
        assert (day.at_most, day.busy, day.seconds) == (True, 120 + 5 * half.busy, 60 + 5 * 1800)
        assert await store.usage_by_pool("render", MIDNIGHT - DAY, MIDNIGHT + DAY, 1800) == [
            PoolBucket("a", each) for each in before
        ]
        assert await store.sampled_range("render") == (NOON + 10 * MINUTE, NOON + 10 * MINUTE)
        assert await store.known_range("render") == (NOON - 30 * HOUR, NOON + 10 * MINUTE)
        await store.add_samples([seen(NOON - 40 * HOUR, CoreUse(2)), seen(NOON + 40 * MINUTE, CoreUse(2))])
        assert await store.known_range("render") == (NOON - 40 * HOUR, NOON + 40 * MINUTE), "sampled before any history"
        with pytest.raises(ValueError, match="multiple of 1800"):
            await store.add_history("render", hours, 900)

    async def test_history_of_which_the_half_hours_are_gone_is_not_doubled(self, store: Store) -> None:
        begin = NOON - 100 * DAY
        hours = [Bucket(begin + n * HOUR, CoreUse(4) * 3600, NO_USE, 3600) for n in range(3)]
        assert await store.known_range("render") is None
        assert await store.add_history("render", hours, 3600) == 6
        assert await store.known_range("render") == (begin, begin + 6 * HOUR)
        await store.prune(NOON)
        assert await store.add_history("render", hours, 3600) == 0

    async def test_pools_were_like_this(self, store: Store) -> None:
        first = PoolEra("a", NOON, "Standard_D4s_v3", 4, False, {"team": "blue"})
        same = replace(first, since=NOON + HOUR)
        grown = replace(first, since=NOON + DAY, vm_size="Standard_D8s_v3", cores=8, windows=True)
        other = replace(first, pool="b", slots=4, tags={"wer": "größer ☃"})
        await store.add_pool_eras("render", [first, other])
        await store.add_pool_eras("render", [same, grown])
        await store.add_pool_eras("render", [same])
        await store.add_samples([seen(NOON, CoreUse(1))])
        assert await store.pool_eras("render") == [first, grown, other]
        assert await store.pool_eras("other") == []

    async def test_jobs_are_forgotten_with_their_last_rollup(self, store: Store) -> None:
        for age in (500, 100, 1):
            await store.add_samples([seen(NOON - age * DAY, CoreUse(1), NO_USE, JobCores(f"j{age}", 1))])
        await store.prune(NOON)
        since = MIDNIGHT - 600 * DAY
        kept = [each.job for each in await store.usage_by_job("render", since, NOON, 86400)]
        assert kept == ["", "j1", "j100"], "older core-seconds are there, and whose they were is forgotten"
        assert await store.prune(NOON) == 0
        await store.add_samples([seen(NOON - MINUTE, CoreUse(1), NO_USE, JobCores("j500", 1))])
        assert "j500" in {each.job for each in await store.usage_by_job("render", since, NOON, 86400)}
