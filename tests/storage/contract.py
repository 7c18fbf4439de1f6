"""What every store has to do. A test class per implementation inherits this and provides ``fresh``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from storage.port.approvals import Approval
from storage.port.audit import AuditEntry, AuditFilter, broken
from storage.port.confirmations import Confirmation
from storage.port.conversations import ConversationReference
from storage.port.core_use import NO_USE, CoreUse
from storage.port.files import SharedFile
from storage.port.outbox import OutboxEntry
from storage.port.preferences import Preference
from storage.port.requests import TAKEN_IN, JournalRow
from storage.port.samples import Bucket, JobCores, Sample, Work
from storage.port.store import Store
from storage.port.uploads import Upload, UploadTicket
from storage.retention import RESOLUTIONS

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def line(result: Any, at: datetime = NOON) -> AuditEntry:
    """A line of the audit trail."""
    return AuditEntry(
        at, "c0", "k", "slack:U1", "T1", "slack:C1", "render", "pool delete", "pool a", "destroy", "rule", result
    )


def approval(id: str, *, state: Any = "pending", version: int = 1, expires: datetime = NOON) -> Approval:  # noqa: A002
    """An approval, as far as a store goes by it."""
    return Approval(
        id, state, "slack:U1", "", b"", "pool resize a 64", "sim", "pool a", "d", b"", b"", b"", b"", "why", "c", NOON,
        expires, version=version,
    )  # fmt: skip


def used(busy: float, total: float) -> CoreUse:
    """So many busy cores, or core-seconds, of all; nothing waited for the others."""
    return CoreUse(busy, unused=total - busy)


def bucket(start: datetime, busy: float, total: float, seconds: float) -> Bucket:
    """A bucket of dedicated cores."""
    return Bucket(start, used(busy, total), NO_USE, seconds)


def sample(at: datetime, busy: float = 2, total: float = 4, *, pool: str = "a", seconds: float = 60) -> Sample:
    return Sample("render", pool, at, seconds, used(busy, total), nodes=1)


def recomputed(samples: list[Sample], pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
    """The buckets straight from the samples, without any rollup."""
    unique = {(s.pool, s.at): s for s in samples}
    looks: dict[datetime, float] = {}
    for one in unique.values():
        if pool in (None, one.pool):
            looks[one.at] = max(looks.get(one.at, 0.0), one.seconds)

    def inside(at: datetime, seconds: float, start: datetime) -> float:
        begin, end = max(at - timedelta(seconds=seconds), start), min(at, start + timedelta(seconds=step))
        return max(0.0, (end - begin).total_seconds())

    buckets, start = [], since
    while start < until:
        parts = [(s, inside(s.at, s.seconds, start)) for s in unique.values() if pool in (None, s.pool)]
        covered = min(step, sum(inside(at, seconds, start) for at, seconds in looks.items()))
        if covered > 0:
            busy, total = sum(s.busy * part for s, part in parts), sum(s.total * part for s, part in parts)
            buckets.append(bucket(start, busy, total, covered))
        start += timedelta(seconds=step)
    return buckets


def approximately(buckets: list[Bucket]) -> list[object]:
    return [(b.start, *(pytest.approx(value, abs=1e-3) for value in (b.busy, b.total, b.seconds))) for b in buckets]


def figures(buckets: list[Bucket]) -> list[object]:
    return [(b.start, b.busy, b.total, b.seconds) for b in buckets]


samples_strategy = st.lists(
    st.builds(
        lambda pool, offset, seconds, busy, idle: sample(
            NOON + timedelta(microseconds=offset), busy, busy + idle, pool=pool, seconds=seconds
        ),
        st.sampled_from(["a", "b", "c"]),
        st.integers(-3 * 86400, 86400).map(lambda s: s * 1_000_000) | st.integers(-(10**10), 10**10),
        st.integers(0, 300),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
    ),
    max_size=25,
    unique_by=lambda s: (s.pool, s.at),
)


class StoreContract:
    """Inherit it, and give a fixture ``fresh``: a function that opens an empty store."""

    @pytest.fixture
    async def store(self, fresh: Callable[[], Store]):
        store = fresh()
        yield store
        await store.close()

    async def test_a_request_is_accepted_once_a_day(self, store: Store) -> None:
        assert await store.accept("k", b"one", NOON)
        assert not await store.accept("k", b"two", NOON + DAY - MINUTE)
        assert [(row.key, row.body, row.accepted) for row in await store.unfinished()] == [("k", b"one", NOON)]
        assert await store.accept("k", b"three", NOON + DAY)
        assert [row.body for row in await store.unfinished()] == [b"three"]

    async def test_one_of_many_deliveries_wins(self, store: Store) -> None:
        won = await asyncio.gather(*(store.accept("k", bytes([n]), NOON) for n in range(20)))
        assert sorted(won) == [False] * 19 + [True]

    async def test_what_is_finished_is_not_left_behind(self, store: Store) -> None:
        for minute, key in enumerate(["a", "b", "c", "d"]):
            await store.accept(key, b"", NOON + minute * MINUTE)
        await store.finish("a", "done")
        await store.finish("c", "failed")
        assert [row.key for row in await store.unfinished()] == ["b", "d"]
        assert not await store.accept("a", b"", NOON + HOUR), "a finished request is still known"

    async def test_a_change_is_begun_once_by_whoever_holds_its_request(self, store: Store) -> None:
        await store.accept("k", b"body", NOON, holder="one", until=NOON + MINUTE)
        assert not await store.start_change("k", "two", "do it", NOON), "another holds it"
        begun = await asyncio.gather(*(store.start_change("k", "one", "do it", NOON + MINUTE) for _ in range(20)))
        assert sorted(begun) == [False] * 19 + [True]
        assert not await store.start_change("other", "one", "do it", NOON)
        row = JournalRow("k", b"body", NOON, "started", NOON + MINUTE, "do it")
        assert await store.unfinished() == [row]
        await store.record_outcome("k", b"card", line("done"))
        assert await store.unfinished() == [msgspec.structs.replace(row, outcome=b"card")]
        assert await store.audit(NOON) == [line("done")]
        await store.finish("k", "done")
        assert not await store.start_change("k", "one", "do it", NOON + MINUTE)
        assert await store.accept("k", b"again", NOON + DAY)
        assert await store.unfinished() == [JournalRow("k", b"again", NOON + DAY)], "nothing is left of the one before"

    async def test_what_nobody_holds_any_longer_is_claimed_once(self, store: Store) -> None:
        await store.accept("b", b"", NOON + MINUTE, holder="one", until=NOON + HOUR)
        await store.accept("a", b"", NOON, holder="one", until=NOON + HOUR)
        await store.accept("free", b"", NOON + 2 * MINUTE)
        assert [row.key for row in await store.claim_requests("two", NOON, NOON + HOUR)] == ["free"]
        await store.hold_requests("one", ["a", "free"], NOON + 2 * HOUR)
        assert [row.key for row in await store.claim_requests("two", NOON + HOUR, NOON + 2 * HOUR)] == ["b", "free"]
        assert await store.claim_requests("two", NOON + HOUR, NOON + 2 * HOUR) == []
        await store.release_requests("one")
        await store.finish("b", "failed")
        assert [row.key for row in await store.claim_requests("two", NOON + HOUR, NOON + 9 * HOUR)] == ["a"]

    async def test_what_a_clock_held_that_was_set_back_since_is_claimed(self, store: Store) -> None:
        await store.accept("ahead", b"", NOON + DAY, holder="one", until=NOON + DAY)
        await store.accept("held", b"", NOON, holder="one", until=NOON + HOUR)
        assert [row.key for row in await store.claim_requests("two", NOON, NOON + MINUTE)] == ["ahead"]

    async def test_what_nobody_has_worked_on_yet_is_fresh_to_the_one_who_claims_it(self, store: Store) -> None:
        assert not await store.waiting(NOON)
        await store.accept("held", b"", NOON, holder="one", until=NOON + HOUR)
        assert not await store.waiting(NOON)
        await store.accept("taken in", b"", NOON, holder=TAKEN_IN)
        assert await store.waiting(NOON)
        claimed = await store.claim_requests("one", NOON, NOON + HOUR)
        assert [(row.key, row.fresh) for row in claimed] == [("taken in", True)]
        assert not await store.waiting(NOON)
        claimed = await store.claim_requests("two", NOON + HOUR, NOON + 2 * HOUR)
        assert [(row.key, row.fresh) for row in claimed] == [("held", False), ("taken in", False)]

    async def test_one_of_many_claims_wins(self, store: Store) -> None:
        await store.accept("k", b"", NOON)
        found = await asyncio.gather(*(store.claim_requests(str(n), NOON, NOON + HOUR) for n in range(20)))
        assert sorted(map(len, found)) == [0] * 19 + [1]

    async def test_a_confirmation_is_used_once(self, store: Store) -> None:
        asked = Confirmation("c", "slack:U1", "slack:C1", "do it", "digest", NOON + MINUTE)
        await store.ask_confirmation(asked)
        await store.ask_confirmation(msgspec.structs.replace(asked, id="late"))
        assert await store.use_confirmation("none", "r", NOON) is None
        used = await asyncio.gather(*(store.use_confirmation("c", f"r{n}", NOON) for n in range(20)))
        assert sorted(found.used == "" for found in used if found) == [False] * 19 + [True]
        left = await store.confirmation("c")
        assert left is not None
        assert left.used in {f"r{n}" for n in range(20)}
        assert await store.use_confirmation("late", "r", NOON + MINUTE) == msgspec.structs.replace(asked, id="late")
        late = await store.confirmation("late")
        assert late is not None
        assert late.used == "", "it had expired"
        assert await store.prune(NOON + DAY) == 0
        assert await store.prune(NOON + 2 * DAY) == 2

    async def test_an_upload_is_kept_as_it_first_was(self, store: Store) -> None:
        first = Upload("u", "slack:U1", "slack:C1", "tasks.csv", b"\x00a,b", NOON + HOUR)
        assert await store.put_upload(first)
        assert not await store.put_upload(msgspec.structs.replace(first, body=b"other", expires=NOON + DAY))
        assert await store.upload("u", NOON) == first
        assert await store.upload("u", NOON + HOUR) is None
        assert await store.upload("none", NOON) is None
        ticket = UploadTicket("t", b"request", NOON + MINUTE)
        await store.put_upload_ticket(ticket)
        assert await store.upload_ticket("t", NOON) == ticket
        assert await store.upload_ticket("t", NOON + MINUTE) is None
        assert await store.prune(NOON + MINUTE) == 1
        assert await store.prune(NOON + HOUR) == 1

    async def test_the_audit_trail_grows(self, store: Store) -> None:
        for minute in range(3):
            await store.append_audit(line("refused", NOON + minute * MINUTE))
        assert await store.audit(NOON + MINUTE) == [line("refused", NOON + n * MINUTE) for n in (1, 2)]
        assert await store.audit(NOON, limit=1) == [line("refused")]
        await store.prune(NOON + 10000 * DAY)
        assert len(await store.audit(NOON)) == 3, "no line of it is ever deleted"

    async def test_conversations_are_refreshed(self, store: Store) -> None:
        first = ConversationReference("slack", "C1", b"x", NOON)
        await store.put_conversation(first)
        await store.put_conversation(ConversationReference("teams", "19:a", b"y", NOON))
        gone = ConversationReference("slack", "C1", b"z", NOON + HOUR, reachable=False)
        await store.put_conversation(gone)
        assert await store.conversations("slack") == [gone]
        assert [reference.platform for reference in await store.conversations()] == ["slack", "teams"]
        assert await store.conversations("text") == []

    async def test_usage_in_core_seconds(self, store: Store) -> None:
        await store.add_samples([sample(NOON + MINUTE), sample(NOON + MINUTE, 8, 8, pool="b")])
        await store.add_samples([sample(NOON + 2 * MINUTE, 4, 4)])
        whole = await store.usage("render", None, NOON, NOON + HOUR, 300)
        assert whole == [bucket(NOON, (2 + 8 + 4) * 60, (4 + 8 + 4) * 60, 120)]
        assert await store.usage("render", "b", NOON, NOON + HOUR, 300) == [bucket(NOON, 480, 480, 60)]
        assert await store.usage("other", None, NOON, NOON + HOUR, 300) == []
        assert await store.usage("render", "nothing", NOON, NOON + HOUR, 300) == []

    async def test_an_account_without_pools_was_looked_at(self, store: Store) -> None:
        await store.add_samples([sample(NOON + MINUTE, 0, 0, pool="")])
        assert await store.usage("render", None, NOON, NOON + HOUR, 60) == [bucket(NOON, 0, 0, 60)]

    async def test_a_long_sample_leaves_no_holes(self, store: Store) -> None:
        await store.add_samples([sample(NOON + 5 * MINUTE, seconds=300)])
        buckets = await store.usage("render", "a", NOON, NOON + HOUR, 60)
        assert buckets == [bucket(NOON + n * MINUTE, 120, 240, 60) for n in range(5)]

    async def test_days_of_a_zone_count_from_its_midnight(self, store: Store) -> None:
        midnight = datetime(2026, 11, 18, 18, 30, tzinfo=UTC)  # in Kolkata
        await store.add_samples([sample(midnight), sample(midnight + MINUTE), sample(midnight + DAY)])
        buckets = await store.usage("render", "a", midnight, midnight + DAY, 86400)
        assert buckets == [bucket(midnight, 240, 480, 120)]

    async def test_a_crooked_start_begins_on_the_grid(self, store: Store) -> None:
        await store.add_samples([sample(NOON + MINUTE)])
        since = NOON + timedelta(minutes=2, seconds=7)
        assert [b.start for b in await store.usage("render", "a", since, since + HOUR, 300)] == [NOON]

    async def test_a_step_that_is_not_kept_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="multiple of 60"):
            await store.usage("render", None, NOON, NOON + HOUR, 90)

    async def test_samples_of_a_pool_come_back_as_they_went_in(self, store: Store) -> None:
        told = Sample(
            "render", "a", NOON, 60.0, used(1.0, 6.0), CoreUse(1.0, broken=1.0), 4, 1, Work(7, 2, 100, 3),
            (JobCores("nightly", 1.5), JobCores("adhoc", 0.25)),
        )  # fmt: skip
        untold = sample(NOON + MINUTE)
        await store.add_samples([untold, told, sample(NOON, pool="b")])
        assert await store.samples("render", "a", NOON, NOON + HOUR) == [told, untold]
        assert await store.samples("render", "a", NOON + MINUTE, NOON + HOUR) == [untold]
        assert await store.samples("render", "a", NOON, NOON + MINUTE) == [told]
        assert await store.samples("render", "nothing", NOON, NOON + HOUR) == []

    async def test_sampled_spans_first_to_last(self, store: Store) -> None:
        assert await store.sampled_range("render") is None
        await store.add_samples([sample(NOON), sample(NOON - HOUR, pool="b"), sample(NOON + HOUR)])
        assert await store.sampled_range("render") == (NOON - HOUR, NOON + HOUR)
        assert await store.sampled_range("other") is None

    def test_rollups_equal_recomputation(self, fresh: Callable[[], Store]) -> None:
        """In any order, with any duplicates, however the samples are split into transactions."""

        @settings(
            max_examples=settings.default.max_examples // 4, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(samples_strategy, st.data())
        def check(samples: list[Sample], data: st.DataObject) -> None:
            doubled = data.draw(st.lists(st.sampled_from(samples), max_size=10)) if samples else []
            order = data.draw(st.permutations(samples + doubled))
            cut = data.draw(st.integers(0, len(order)))
            step = data.draw(st.sampled_from(RESOLUTIONS))
            pool = data.draw(st.sampled_from([None, "a"]))
            since = NOON.replace(hour=0) - 4 * DAY if step > 1800 else NOON - 2 * HOUR
            until = since + (7 * DAY if step > 1800 else 4 * HOUR)

            async def stored() -> list[Bucket]:
                store = fresh()
                try:
                    await store.add_samples(order[:cut])
                    await store.add_samples(order[cut:])
                    return await store.usage("render", pool, since, until, step)
                finally:
                    await store.close()

            assert figures(asyncio.run(stored())) == approximately(recomputed(samples, pool, since, until, step))

        check()

    async def test_files_expire(self, store: Store) -> None:
        await store.put_file("k", SharedFile(b"a,b", "text/csv", "tasks.csv"), NOON + DAY)
        await store.put_file("k", SharedFile(b"a,b", "text/csv", "tasks.csv"), NOON + HOUR)
        assert await store.file("k", NOON + 2 * HOUR) == SharedFile(b"a,b", "text/csv", "tasks.csv")
        assert await store.file("k", NOON + DAY) is None
        assert await store.file("other", NOON) is None

    async def test_preferences_by_name_for_their_owner_in_their_namespace(self, store: Store) -> None:
        await store.put_preference("query", "slack:C1", "nightly", b"one", NOON)
        await store.put_preference("query", "slack:C1", "Ärger", "größer '\x00".encode(), NOON + MINUTE)
        await store.put_preference("query", "slack:U1", "nightly", b"mine", NOON)
        await store.put_preference("account", "slack:C1", "nightly", b"other space", NOON)
        await store.put_preference("query", "slack:C1", "nightly", b"two", NOON + HOUR)
        assert await store.preferences("query", "slack:C1") == [
            Preference("nightly", b"two", NOON + HOUR),
            Preference("Ärger", "größer '\x00".encode(), NOON + MINUTE),
        ]
        assert await store.preferences("query", "slack:C2") == []
        assert await store.delete_preference("query", "slack:C1", "nightly")
        assert not await store.delete_preference("query", "slack:C1", "nightly"), "it is gone already"
        assert [kept.name for kept in await store.preferences("query", "slack:C1")] == ["Ärger"]
        assert [kept.value for kept in await store.preferences("query", "slack:U1")] == [b"mine"]
        assert [kept.value for kept in await store.preferences("account", "slack:C1")] == [b"other space"]
        assert await store.prune(NOON + 1000 * DAY) == 0, "what people keep is theirs to drop"
        assert [kept.value for kept in await store.preferences("query", "slack:U1")] == [b"mine"]

    async def test_a_secret_is_made_once(self, store: Store) -> None:
        one = await store.secret("links")
        assert len(one) == 32
        assert await store.secret("links") == one
        assert await store.secret("other") != one

    async def test_retention(self, store: Store) -> None:
        for age in (400, 200, 60, 20, 1):
            await store.add_samples([sample(NOON - age * DAY)])
        await store.accept("old", b"", NOON - 8 * DAY)
        await store.accept("new", b"", NOON - 6 * DAY)
        await store.put_file("old", SharedFile(b"", "image/png"), NOON)
        await store.put_file("new", SharedFile(b"", "image/png"), NOON + MINUTE)
        assert await store.prune(NOON) > 0
        assert await store.prune(NOON) == 0
        assert [row.key for row in await store.unfinished()] == ["new"]
        assert await store.file("new", NOON - DAY) == SharedFile(b"", "image/png")
        assert await store.file("old", NOON - DAY) is None
        since = NOON.replace(hour=0) - 500 * DAY
        days = {step: len(await store.usage("render", None, since, NOON, step)) for step in RESOLUTIONS}
        assert days == {60: 1, 300: 2, 1800: 3, 21600: 4, 86400: 5}

    async def test_what_was_pruned_cannot_be_counted_twice(self, store: Store) -> None:
        old = sample(NOON - 10 * DAY)
        await store.add_samples([old])
        await store.prune(NOON)
        await store.add_samples([old])
        day = NOON.replace(hour=0) - 10 * DAY
        assert await store.usage("render", None, day, day + DAY, 86400) == [bucket(day, 120, 240, 60)]

    async def test_an_approval_is_changed_by_one_at_a_time(self, store: Store) -> None:
        message = OutboxEntry("approval-a-1", "slack:C1", b"{}", b"{}", 1, NOON)
        await store.put_approval(approval("a"), [message])
        await store.put_approval(approval("a", state="denied"), [])
        assert await store.approval("a") == approval("a"), "one that is there stays"
        newer = msgspec.structs.replace(message, version=2)
        won = await asyncio.gather(
            *(store.change_approval(approval("a", state="denied", version=2), [newer]) for _ in range(5))
        )
        assert sorted(won) == [False] * 4 + [True]
        assert await store.approval("a") == approval("a", state="denied", version=2)
        assert [state.entry.version for state in await store.deliveries(["approval-a-1"])] == [2]
        assert await store.approval("b") is None

    async def test_approvals_by_what_is_to_be_done(self, store: Store) -> None:
        for number, state in enumerate(("pending", "approved", "denied", "emergency", "pending")):
            await store.put_approval(approval(str(number), state=state, expires=NOON + number * HOUR), [])
        found, total = await store.approvals(["pending"], limit=1)
        assert ([each.id for each in found], total) == (["0"], 2)
        assert [each.id for each in (await store.approvals(["pending"], offset=1))[0]] == ["4"]
        assert [each.id for each in await store.due_approvals(NOON)] == ["0", "1"]
        assert [each.id for each in await store.due_approvals(NOON + DAY)] == ["0", "1", "3", "4"]
        await store.prune(NOON + 200 * DAY)
        assert [number for number in "01234" if await store.approval(number)] == ["0", "1", "3", "4"]

    async def test_lines_of_the_audit_trail_are_searched_for(self, store: Store) -> None:
        ann, bob = "slack:U1", "teams:b_b"
        lines = [
            replace(line("done"), person=ann, command="pool resize gpu-a 4", target="pool gpu-a", account="sim"),
            replace(
                line("refused", NOON + MINUTE), person=bob, also=ann, command="pool resize-all", target="pool 100%"
            ),
            replace(
                line("done", NOON + 2 * MINUTE), person="teams:bxb", command="pool resize", target="", account="prod"
            ),
        ]
        for each in lines:
            await store.append_audit(each)
        for wanted, numbers in (
            (AuditFilter(), [3, 2, 1]),
            (AuditFilter(people=(ann,)), [2, 1]),
            (AuditFilter(people=(bob,)), [2]),
            (AuditFilter(people=("slack:U",)), []),
            (AuditFilter(people=(bob, "teams:bxb")), [3, 2]),
            (AuditFilter(verb="pool resize"), [3, 1]),
            (AuditFilter(verb="pool"), [3, 2, 1]),
            (AuditFilter(target="gpu"), [1]),
            (AuditFilter(target="100%"), [2]),
            (AuditFilter(target="%"), [2]),
            (AuditFilter(account="prod"), [3]),
            (AuditFilter(result="refused"), [2]),
            (AuditFilter(since=NOON + MINUTE), [3, 2]),
            (AuditFilter(until=NOON + MINUTE), [1]),
            (AuditFilter(below=3), [2, 1]),
            (AuditFilter(people=(ann,), result="done"), [1]),
        ):
            found = await store.audit_search(wanted)
            assert [row.seq for row in found] == numbers, wanted
        assert [row.seq for row in await store.audit_search(AuditFilter(), limit=2)] == [3, 2]
        assert [row.seq for row in await store.audit_rows(after=1, limit=1)] == [2]

    async def test_the_audit_trail_is_a_chain(self, store: Store) -> None:
        assert await store.audit_head() == (0, "")
        for number in range(5):
            await store.append_audit(line("done", NOON + number * MINUTE))
        rows = await store.audit_rows()
        assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
        assert broken(rows, "", 0) is None
        assert broken(rows[2:], rows[1].hash, 2) is None
        assert await store.audit_head() == (5, rows[-1].hash)
        altered = msgspec.structs.replace(rows[2], entry=line("failed", rows[2].entry.at))
        assert broken([*rows[:2], altered, *rows[3:]], "", 0) == 3
        assert broken([*rows[:2], *rows[3:]], "", 0) == 3, "one is missing"
        assert broken([rows[0], rows[2], rows[1]], "", 0) == 2, "two changed places"

    async def test_lines_of_the_audit_trail_are_posted_once(self, store: Store) -> None:
        await store.append_audit(line("done"))
        message = OutboxEntry("audit-0", "slack:C1", b"{}", b"{}", 1, NOON)
        won = await asyncio.gather(*(store.post_audit(0, 1, message) for _ in range(3)))
        assert sorted(won) == [False, False, True]
        assert await store.audit_posted() == 1
