"""What every store has to do for monitoring, incidents and preferences; see :mod:`tests.storage.contract`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.incidents import IncidentRow, NotificationRow
from storage.port.looks import Look
from storage.port.monitoring import Cursor, EntitySnapshot, Transition, TransitionCount
from storage.port.outbox import OutboxEntry
from storage.port.preferences import Preference
from storage.port.store import Store
from tests.storage.contract import DAY, HOUR, MINUTE, NOON


def transition(
    id: str = "j",  # noqa: A002
    at: datetime = NOON,
    after: str = "active",
    *,
    entity: str = "job",
    parent: str = "",
    account: str = "render",
    before: str = "",
) -> Transition:
    return Transition(account, entity, parent, id, before, after, at, '{"n":1}')


def incident(id: str, changed: datetime = NOON, *, open: bool = True, account: str = "render") -> IncidentRow:  # noqa: A002
    return IncidentRow(id, f"f-{id}", account, "stuck", "node", "pool", "n1", open, NOON - DAY, changed, b"body")


def entry(
    id_: str = "a", not_before: datetime = NOON, *, version: int = 1, destination: str = "slack:C1", reply_to: str = ""
) -> OutboxEntry:
    return OutboxEntry(id_, destination, b"conversation", b"card", version, not_before, reply_to)


async def state(store: Store, entries: list[str]) -> list[object]:
    """All that is kept of the accounts of these tests."""
    incidents = await store.incidents()
    span = NOON - 1000 * DAY, NOON + 1000 * DAY
    return [
        await store.notifications([one.id for one in incidents]),
        incidents,
        await store.undelivered(),
        await store.deliveries(entries),
        *[
            await request
            for account in ("render", "other")
            for request in (
                store.transitions(account),
                store.transition_counts(account, *span),
                store.cursors(account),
                store.snapshots(account),
            )
        ],
    ]


moments = st.integers(-(10**11), 10**11).map(lambda to_timestamp: NOON + timedelta(microseconds=to_timestamp))
few = st.sampled_from(["a", "b", "ab", "Ärger", "x'*"])
accounts = st.sampled_from(["render", "other"])
transitions = st.builds(
    Transition, accounts, st.sampled_from(["job", "task", "node"]), few, few, few, few, moments, st.text(max_size=3)
)
change_sets = st.builds(
    ChangeSet,
    st.lists(transitions, max_size=12),
    st.lists(st.builds(Cursor, accounts, few, moments), max_size=3),
    st.lists(st.builds(EntitySnapshot, accounts, few, few, st.none() | st.binary(max_size=3)), max_size=4),
    st.lists(
        st.builds(
            IncidentRow, few, few, accounts, few, few, few, few, st.booleans(), moments, moments, st.binary(max_size=3)
        ),
        max_size=3,
    ),
    st.lists(st.builds(NotificationRow, few, few, st.booleans(), st.binary(max_size=3)), max_size=3),
    st.lists(
        st.builds(
            OutboxEntry,
            few,
            few,
            st.binary(max_size=3),
            st.binary(max_size=3),
            st.integers(1, 9),
            moments,
            few,
            st.booleans(),
        ),
        max_size=3,
    ),
)


def hours(seen: list[Transition], account: str) -> list[TransitionCount]:
    """The counts straight from the transitions, of which each key counts once."""
    unique = {(t.account, t.entity, t.parent, t.id, t.after, t.at) for t in seen if t.account == account}
    found = Counter(
        (at.replace(minute=0, second=0, microsecond=0), entity, after) for _, entity, _, _, after, at in unique
    )
    return [TransitionCount(*key, count) for key, count in sorted(found.items())]


class MonitoringContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    # Batches.

    async def test_a_transition_is_stored_once(self, store: Store) -> None:
        first = transition(before="")
        assert await store.record(ChangeSet(transitions=[first, transition("k"), first])) == 2
        assert await store.record(ChangeSet(transitions=[replace(first, before="disabled", details="")])) == 0
        assert await store.transitions("render", id="j") == [first], "what came first stays"
        assert await store.record(ChangeSet(transitions=[replace(first, at=NOON + timedelta(microseconds=1))])) == 1
        assert await store.record(ChangeSet(transitions=[replace(first, after="completed")])) == 1
        assert await store.record(ChangeSet(transitions=[replace(first, account="other")])) == 1
        assert await store.record(ChangeSet()) == 0

    def test_a_change_set_that_comes_twice_is_recorded_once(self, fresh: Callable[[], Store]) -> None:
        @settings(
            max_examples=settings.default.max_examples // 4, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(st.lists(change_sets, min_size=1, max_size=3))
        def check(given: list[ChangeSet]) -> None:
            async def told() -> None:
                store = fresh()
                try:
                    entries = [one.id for changes in given for one in changes.entries]
                    new = 0
                    for changes in given:
                        new += await store.record(changes)
                        once = await state(store, entries)
                        assert await store.record(changes) == 0
                        assert await state(store, entries) == once
                    seen = [one for changes in given for one in changes.transitions]
                    total = 0
                    for account in ("render", "other"):
                        counts = await store.transition_counts(account, NOON - 30 * DAY, NOON + 30 * DAY)
                        assert counts == hours(seen, account)
                        total += sum(one.count for one in counts)
                    assert total == new
                finally:
                    await store.close()

            asyncio.run(told())

        check()

    @pytest.mark.parametrize("field", ["transitions", "cursors", "snapshots", "incidents", "notifications", "entries"])
    async def test_a_change_set_is_stored_whole_or_not_at_all(self, store: Store, field: str) -> None:
        whole = ChangeSet(
            [transition()],
            [Cursor("render", "tasks", NOON)],
            [EntitySnapshot("render", "pool", "a", b"known")],
            [incident("i")],
            [NotificationRow("i", "slack:C1", True, b"told")],
            [entry("a")],
        )
        before = await state(store, ["a"])
        bad = {
            "transitions": replace(transition("k"), details=None),
            "cursors": Cursor("render", None, NOON),  # type: ignore[arg-type]
            "snapshots": EntitySnapshot("render", None, "a", b""),  # type: ignore[arg-type]
            "incidents": replace(incident("k"), body=None),
            "notifications": NotificationRow("k", "slack:C1", True, None),  # type: ignore[arg-type]
            "entries": replace(entry("b"), card=None),
        }[field]
        broken = replace(whole, **{field: [*getattr(whole, field), bad]})
        with pytest.raises(StoreError):
            await store.record(broken)
        assert await state(store, ["a"]) == before
        assert await store.record(whole) == 1
        assert await state(store, ["a"]) != before

    async def test_ten_thousand_at_once(self, store: Store) -> None:
        many = [transition(f"t{n}", NOON + n * timedelta(seconds=1), entity="task", parent="j") for n in range(10_000)]
        assert await store.record(ChangeSet(transitions=many)) == 10_000
        assert await store.record(ChangeSet(transitions=[*many, transition("new", entity="task", parent="j")])) == 1
        assert sum(one.count for one in await store.transition_counts("render", NOON, NOON + DAY)) == 10_001
        assert len(await store.transitions("render", limit=20_000)) == 10_001

    # What was seen.

    async def test_the_newest_transitions_come_first_and_no_more_than_asked_for(self, store: Store) -> None:
        seen = [transition("j", NOON + n * MINUTE, f"s{n}") for n in range(5)]
        for order in (seen[2:], seen[:2]):
            await store.record(ChangeSet(transitions=order))
        assert [one.after for one in await store.transitions("render")] == ["s4", "s3", "s2", "s1", "s0"]
        assert [one.after for one in await store.transitions("render", limit=2)] == ["s4", "s3"]
        inside = await store.transitions("render", since=NOON + MINUTE, until=NOON + 3 * MINUTE)
        assert [one.after for one in inside] == ["s2", "s1"], "since is included, until is not"
        assert await store.transitions("other") == []

    async def test_of_one_moment_what_was_stored_last_comes_first(self, store: Store) -> None:
        words = ["starting", "idle", "running"]
        await store.record(
            ChangeSet(transitions=[transition("n", NOON, word, entity="node", parent="p") for word in words])
        )
        for asked in ({}, {"id": "n"}, {"parent": "p"}, {"entity": "node"}):
            assert [one.after for one in await store.transitions("render", **asked)] == words[::-1]
        assert [one.after for one in await store.transitions("render", entity="node", parent="p", id="n")] == words[
            ::-1
        ]

    @pytest.mark.parametrize("entity", ["", "job", "task", "node"])
    @pytest.mark.parametrize("parent", [None, "", "a", "nothing"])
    @pytest.mark.parametrize("id_", ["", "*", "a", "a*", "ab", "x'*", "x*", "nothing"])
    async def test_transitions_by_what_they_are_of(
        self, store: Store, entity: str, parent: str | None, id_: str
    ) -> None:
        names = ["a", "ab", "abc", "b", "x'*", "A"]
        seen = [
            transition(name, NOON + n * MINUTE, entity=kind, parent=above)
            for n, (kind, above, name) in enumerate(
                (kind, above, name) for kind in ("job", "task", "node") for above in ("", "a", "b") for name in names
            )
        ]
        await store.record(ChangeSet(transitions=[*seen, transition("a", account="other")]))
        fits = [
            one
            for one in reversed(seen)
            if entity in ("", one.entity)
            and parent in (None, one.parent)
            and (one.id.startswith(id_[:-1]) if id_.endswith("*") else id_ in ("", one.id))
        ]
        assert await store.transitions("render", entity=entity, parent=parent, id=id_) == fits
        assert await store.transitions("render", entity=entity, parent=parent, id=id_, limit=3) == fits[:3]

    async def test_counts_by_the_hour(self, store: Store) -> None:
        half = NOON + HOUR / 2
        await store.record(
            ChangeSet(transitions=[transition("a", half), transition("b", half), transition("c", half + HOUR)])
        )
        await store.record(ChangeSet(transitions=[transition("a", half), transition("d", half, entity="pool")]))
        early, pool, late = (
            TransitionCount(NOON, "job", "active", 2),
            TransitionCount(NOON, "pool", "active", 1),
            TransitionCount(NOON + HOUR, "job", "active", 1),
        )
        assert await store.transition_counts("render", NOON, NOON + DAY) == [early, pool, late]
        assert await store.transition_counts("render", half + MINUTE, NOON + HOUR) == [early, pool], "whole hours"
        assert await store.transition_counts("render", NOON, NOON + HOUR + timedelta(microseconds=1), "job") == [
            early,
            late,
        ]

    async def test_what_came_back_and_what_a_formula_moved_is_counted_by_itself(self, store: Store) -> None:
        seen = [
            Transition("render", "job", "", "a", "", "active", NOON),
            Transition("render", "job", "", "a", "disabled", "active", NOON + MINUTE),
            Transition("render", "schedule", "", "a", "enabling", "active", NOON),
            Transition("render", "node", "p", "a", "disabled", "active", NOON),
            Transition("render", "autoscale", "", "p", "ok", "ok", NOON, '{"resized":true}'),
            Transition("render", "autoscale", "", "p", "failed", "ok", NOON + MINUTE, '{"targetDedicated":3}'),
            Transition("render", "autoscale", "", "p", "ok", "failed", NOON + 2 * MINUTE, '{"resized":true}'),
        ]
        await store.record(ChangeSet(transitions=seen))
        found = [
            (one.entity, one.after, one.count) for one in await store.transition_counts("render", NOON, NOON + DAY)
        ]
        assert found == [
            ("autoscale", "failed", 1),
            ("autoscale", "ok", 1),
            ("autoscale", "resized", 1),
            ("job", "active", 1),
            ("job", "enabled", 1),
            ("node", "active", 1),
            ("schedule", "enabled", 1),
        ]
        assert await store.transition_counts("render", NOON - DAY, NOON) == []
        assert await store.transition_counts("other", NOON, NOON + DAY) == []

    async def test_cursors_move(self, store: Store) -> None:
        await store.record(ChangeSet(cursors=[Cursor("render", "tasks", NOON), Cursor("render", "jobs", NOON)]))
        await store.record(ChangeSet(cursors=[Cursor("render", "tasks", NOON + HOUR), Cursor("other", "tasks", NOON)]))
        assert await store.cursors("render") == [
            Cursor("render", "jobs", NOON),
            Cursor("render", "tasks", NOON + HOUR),
        ]
        assert await store.cursors("third") == []

    async def test_snapshots_are_replaced_and_forgotten(self, store: Store) -> None:
        def view(id_: str, body: bytes | None) -> EntitySnapshot:
            return EntitySnapshot("render", "pool", id_, body)

        other = EntitySnapshot("other", "pool", "b", b"3")

        await store.record(ChangeSet(snapshots=[view("b", b"1"), view("a", b"1"), view("c", None)]))
        await store.record(ChangeSet(snapshots=[view("a", None), view("b", b"2"), other]))
        assert await store.snapshots("render") == [view("b", b"2")]
        await store.record(ChangeSet(snapshots=[view("b", None), view("b", b"4"), view("a", b"5"), view("a", None)]))
        assert await store.snapshots("render") == [view("b", b"4")], "the last word counts"

    # Incidents.

    async def test_incidents_the_last_changed_first(self, store: Store) -> None:
        rows = [
            incident("a", NOON),
            incident("b", NOON + HOUR, open=False),
            incident("c", NOON + MINUTE, account="other"),
        ]
        await store.record(ChangeSet(incidents=rows))
        a, b, c = rows
        assert await store.incidents() == [b, c, a]
        assert await store.incidents(limit=2) == [b, c]
        assert await store.incidents(open=True) == [c, a]
        assert await store.incidents(open=False) == [b]
        assert await store.incidents(account="render") == [b, a]
        assert await store.incidents(account="render", open=True) == [a]
        assert await store.incidents(since=NOON + MINUTE) == [b, c]
        assert [await store.incident(each) for each in ("b", "nothing")] == [b, None]
        changed = IncidentRow("a", "g", "other", "late", "job", "q", "n2", False, NOON, NOON + DAY, b"more")
        await store.record(ChangeSet(incidents=[changed]))
        assert await store.incidents() == [changed, b, c]

    async def test_what_is_resolved_with_an_open_notification(self, store: Store) -> None:
        gone, told, open_ = (
            IncidentRow(name, name, "a", "late", "job", "", name, name == "open", NOON, NOON, b"x")
            for name in ("gone", "told", "open")
        )
        notifications = [NotificationRow(each, "slack:C1", each != "told", b"1") for each in ("gone", "told", "open")]
        await store.record(
            ChangeSet(
                incidents=[told, gone, open_], notifications=[*notifications, NotificationRow("gone", "t", True, b"")]
            )
        )
        assert await store.unsettled_incidents() == [gone]

    async def test_notifications_of_incidents(self, store: Store) -> None:
        rows = [NotificationRow("a", "slack:C1", True, b"1"), NotificationRow("a", "teams:x", True, b"2")]
        await store.record(ChangeSet(notifications=[rows[1], rows[0], NotificationRow("b", "slack:C1", True, b"3")]))
        assert await store.notifications(["a", "c"]) == rows
        await store.record(ChangeSet(notifications=[NotificationRow("a", "slack:C1", False, b"4")]))
        assert await store.notifications(["a"]) == [NotificationRow("a", "slack:C1", False, b"4"), rows[1]]
        assert await store.notifications([]) == []
        many = [f"n{n}" for n in range(40_000)]
        assert [one.incident for one in await store.notifications([*many, "b"])] == ["b"]

    # Retention, and what people keep.

    async def test_what_is_kept_and_for_how_long(self, store: Store) -> None:
        ages = (500, 100, 60, 20, 1)
        await store.record(
            ChangeSet(
                transitions=[transition(f"{age}", NOON - age * DAY) for age in ages],
                cursors=[Cursor("render", "tasks", NOON - 500 * DAY)],
                snapshots=[EntitySnapshot("render", "pool", "a", b"")],
                incidents=[
                    *(incident(f"resolved-{age}", NOON - age * DAY, open=False) for age in ages),
                    *(incident(f"open-{age}", NOON - age * DAY) for age in ages),
                ],
                notifications=[
                    NotificationRow(f"{what}-{age}", "slack:C1", False, b"")
                    for what in ("resolved", "open")
                    for age in ages
                ],
            )
        )
        others = ["a", "other", "z"]
        await store.record(ChangeSet(transitions=[transition(account=name, at=NOON - 40 * DAY) for name in others]))
        assert await store.prune(NOON) == 3 + 1 + 2 + len(others)
        assert await store.prune(NOON) == 0
        assert [one.id for one in await store.transitions("render")] == ["1", "20"]
        for account in others:
            assert await store.transitions(account) == []
            assert len(await store.transition_counts(account, NOON - 1000 * DAY, NOON)) == 1
        assert len(await store.transition_counts("render", NOON - 1000 * DAY, NOON)) == 4
        resolved = {f"resolved-{age}" for age in (60, 20, 1)}
        still = {f"open-{age}" for age in ages}
        assert {one.id for one in await store.incidents()} == resolved | still
        told = await store.notifications([f"{what}-{age}" for what in ("resolved", "open") for age in ages])
        assert {one.incident for one in told} == resolved | still
        assert len(await store.cursors("render")) == len(await store.snapshots("render")) == 1

    async def test_a_pruned_transition_is_not_counted_twice(self, store: Store) -> None:
        old = transition("j", NOON - 60 * DAY)
        assert await store.record(ChangeSet(transitions=[old])) == 1
        await store.prune(NOON)
        assert await store.record(ChangeSet(transitions=[old])) == 0
        assert [one.count for one in await store.transition_counts("render", NOON - 90 * DAY, NOON)] == [1]

    async def test_all_preferences_of_a_namespace(self, store: Store) -> None:
        assert await store.all_preferences("watch") == []
        for owner, name in (("teams:x", "a"), ("slack:C1", "b"), ("slack:C1", "a")):
            await store.put_preference("watch", owner, name, name.encode(), NOON)
        await store.put_preference("query", "slack:C1", "c", b"", NOON)
        a, b = Preference("a", b"a", NOON), Preference("b", b"b", NOON)
        assert await store.all_preferences("watch") == [("slack:C1", a), ("slack:C1", b), ("teams:x", a)]

    async def test_looks_wait_with_what_they_found_until_they_are_decided_on(self, store: Store) -> None:
        mine, other = transition("j1"), transition("j2", account="other")
        snapshots = [EntitySnapshot("render", "job", "j1", b"\x81"), EntitySnapshot("render", "pool", "p", None)]
        assert await store.looks(["render", "other"]) == []
        await store.record(
            ChangeSet([mine], [Cursor("render", "jobs", NOON)], snapshots, looks=[Look("render", b"one")])
        )
        await store.record(ChangeSet([other], looks=[Look("other", b"two")]))
        await store.record(ChangeSet([mine], looks=[Look("render", b"three")]))
        first, second, third = await store.looks(["render", "other", "nobody's"])
        assert (first.account, first.body, first.transitions, first.snapshots) == ("render", b"one", [mine], snapshots)
        assert (second.account, second.body, second.transitions, second.snapshots) == ("other", b"two", [other], [])
        assert third.transitions == [mine], "it was found twice, as after a restart, and is stored once"
        assert first.seq < second.seq < third.seq
        assert [each.body for each in await store.looks(["render"])] == [b"one", b"three"]
        assert [each.body for each in await store.looks(["render", "other"], limit=2)] == [b"one", b"two"]

        decided = ChangeSet(incidents=[incident("i")], decided=[first.seq, second.seq])
        await store.record(decided)
        assert [each.seq for each in await store.looks(["render", "other"])] == [third.seq]
        assert len(await store.transitions("render", entity="job")) == 1
        await store.record(ChangeSet(looks=[Look("render", b"four")], decided=[third.seq]))
        [fourth] = await store.looks(["render"])
        assert fourth.seq > third.seq
