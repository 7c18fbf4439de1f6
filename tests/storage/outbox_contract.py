"""What every store has to do for the outbox. A test class per implementation inherits this and provides ``fresh``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from storage.port.changes import ChangeSet
from storage.port.incidents import NotificationRow
from storage.port.outbox import DeliveryState, OutboxEntry
from storage.port.store import Store
from tests.storage.contract import DAY, HOUR, MINUTE, NOON
from tests.storage.monitoring_contract import entry, incident


async def ids(store: Store) -> list[str]:
    return [one.entry.id for one in await store.undelivered()]


class OutboxContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_an_entry_on_its_way(self, store: Store) -> None:
        first = OutboxEntry("a", "slack:C1", b"conversation", b"card", 1, NOON, "root", broadcast=True, urgent=True)
        await store.record(ChangeSet(entries=[first]))
        assert await store.undelivered() == [DeliveryState(first)]
        assert await store.claim("a", NOON)
        assert await store.undelivered() == [DeliveryState(first, "claimed", first_attempt=NOON)]
        await store.delivered("a", 1, "17.5", "C9")
        assert await store.undelivered() == []
        done = DeliveryState(first, "open", 1, "17.5", "C9", first_attempt=NOON)
        assert await store.deliveries(["a", "nothing"]) == [done]
        second = OutboxEntry("a", "other", b"other", b"new", 2, NOON + HOUR, "other", broadcast=False)
        await store.record(ChangeSet(entries=[second]))
        moved = OutboxEntry("a", "slack:C1", b"conversation", b"new", 2, NOON + HOUR, "root", broadcast=False)
        assert await store.undelivered() == [replace(done, entry=moved)], "where it is stays"

    async def test_a_first_post_is_claimed_once(self, store: Store) -> None:
        await store.record(ChangeSet(entries=[entry()]))
        won = await asyncio.gather(*(store.claim("a", NOON) for _ in range(20)))
        assert sorted(won) == [False] * 19 + [True]
        await store.record(ChangeSet(entries=[entry(version=2)]))
        assert not await store.claim("a", NOON), "a newer card does not lift the claim"
        assert not await store.claim("nothing", NOON)

    async def test_failed_attempts_are_counted_until_one_succeeds(self, store: Store) -> None:
        await store.record(ChangeSet(entries=[entry()]))
        for n in range(1, 4):
            assert await store.claim("a", NOON + n * MINUTE)
            await store.attempt_failed("a", "open", "busy", NOON + n * HOUR)
            [one] = await store.undelivered()
            assert (one.attempts, one.error, one.entry.not_before, one.first_attempt) == (
                n,
                "busy",
                NOON + n * HOUR,
                NOON + MINUTE,
            )
        await store.attempt_failed("a", "open", "busy")
        [one] = await store.undelivered()
        assert one.entry.not_before == NOON + 3 * HOUR, "it stays where none is given"
        await store.delivered("a", 1, "m", "c")
        [one] = await store.deliveries(["a"])
        assert (one.attempts, one.error) == (0, "")

    async def test_entries_of_a_destination_that_was_gone(self, store: Store) -> None:
        await store.record(ChangeSet(entries=[entry("a"), entry("b"), entry("c", destination="slack:C2"), entry("d")]))
        for id_ in "abc":
            await store.attempt_failed(id_, "gone", "not in channel")
        assert await ids(store) == ["a", "b", "c", "d"]
        assert not await store.claim("a", NOON)
        assert await store.destination_restored("slack:C1") == 2
        assert await store.destination_restored("slack:C1") == 0
        [one] = await store.deliveries(["a"])
        assert (one.state, one.attempts, one.error) == ("open", 0, "")
        assert await store.claim("a", NOON)
        assert not await store.claim("c", NOON)

    async def test_a_dead_entry_stays_dead(self, store: Store) -> None:
        await store.record(ChangeSet(entries=[entry()]))
        await store.attempt_failed("a", "dead", "too long")
        await store.record(ChangeSet(entries=[entry(version=2)]))
        assert await ids(store) == []
        assert not await store.claim("a", NOON)
        assert [(one.state, one.error) for one in await store.deliveries(["a"])] == [("dead", "too long")]

    async def test_undelivered_entries_the_oldest_first(self, store: Store) -> None:
        due = {"z": 0, "y": 0, "b": 3, "a": 1}
        await store.record(ChangeSet(entries=[entry(id_, NOON + n * HOUR) for id_, n in due.items()]))
        assert await ids(store) == ["z", "y", "a", "b"], "of one moment in the order they came"
        await store.attempt_failed("z", "open", "later", NOON + DAY)
        assert await ids(store) == ["y", "a", "b", "z"]

    async def test_of_webhooks_the_first_events_and_how_many_there_are(self, store: Store) -> None:
        def of(where: str, id_: str, n: int) -> OutboxEntry:
            return replace(entry(id_, NOON + n * HOUR), destination=where)

        pager = [of("webhook:pager", f"p{n}", n) for n in (4, 2, 0, 3, 1)]
        others = [of("webhook:other", "o9", 9), entry("chat", NOON + 5 * HOUR)]
        await store.record(ChangeSet(entries=[*pager, *others]))
        assert [one.entry.id for one in await store.undelivered(2)] == ["p0", "p1", "chat", "o9"]
        assert await store.events_waiting() == {"webhook:pager": 5, "webhook:other": 1}
        await store.delivered("p0", 1, "p0", "")
        await store.attempt_failed("p1", "dead", "no")
        assert [one.entry.id for one in await store.undelivered(2)] == ["p2", "p3", "chat", "o9"]
        assert await ids(store) == ["p2", "p3", "p4", "chat", "o9"]
        assert await store.events_waiting() == {"webhook:pager": 3, "webhook:other": 1}

    async def test_entries_in_the_order_asked_for(self, store: Store) -> None:
        await store.record(ChangeSet(entries=[entry(id_) for id_ in "abc"]))
        for asked in permutations("abc"):
            assert [one.entry.id for one in await store.deliveries([*asked, "nothing", asked[0]])] == list(asked)
        assert await store.deliveries([]) == []

    def test_entries_follow_their_rules(self, fresh: Callable[[], Store]) -> None:
        """Against a model in plain words, in any order of events."""
        events = st.lists(
            st.tuples(st.just("write"), st.integers(1, 4))
            | st.tuples(st.just("claim"), st.none())
            | st.tuples(st.just("delivered"), st.integers(1, 4))
            | st.tuples(st.just("undone"), st.sampled_from(["open", "claimed", "gone", "dead"]))
            | st.tuples(st.just("regained"), st.none()),
            max_size=12,
        )

        @settings(
            max_examples=settings.default.max_examples // 2, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(events)
        def check(given: list[tuple[str, object]]) -> None:
            async def told() -> None:
                store, model = fresh(), Model()
                try:
                    await store.record(ChangeSet(entries=[entry()]))
                    for what, value in given:
                        await model.step(store, what, value)
                        [one] = await store.deliveries(["a"])
                        got = (one.entry.version, one.state, one.sent, one.message, one.attempts)
                        assert got == (model.version, model.state, model.sent, model.message, model.attempts)
                        assert await ids(store) == (["a"] if model.behind else [])
                finally:
                    await store.close()

            asyncio.run(told())

        check()

    # Retention.

    async def test_entries_are_kept_while_they_have_something_to_say(self, store: Store) -> None:
        old, new = NOON - 31 * DAY, NOON - 29 * DAY
        undelivered, in_doubt, unreachable, refused = "behind", "claimed", "gone", "dead"
        for id_ in ("said", undelivered, in_doubt, unreachable, refused):
            await store.record(ChangeSet(entries=[entry(id_, old)]))
        await store.record(ChangeSet(entries=[entry("fresh", new)]))
        for id_ in ("said", "fresh", undelivered):
            await store.delivered(id_, 1, "m", "c")
        await store.record(ChangeSet(entries=[entry(undelivered, old, version=2)]))
        await store.delivered(in_doubt, 1, "m", "c")
        await store.attempt_failed(in_doubt, "claimed", "no answer")
        await store.attempt_failed(unreachable, "gone", "")
        await store.attempt_failed(refused, "dead", "")
        assert await store.prune(NOON) == 3
        left = await store.deliveries(["said", "fresh", undelivered, in_doubt, unreachable, refused])
        assert [one.entry.id for one in left] == ["fresh", undelivered, in_doubt]

    async def test_events_wait_for_a_webhook_no_longer_than_that(self, store: Store) -> None:
        """Behind one that is parked lie others that were never tried."""
        old, new = NOON - 31 * DAY, NOON - 29 * DAY
        due = {"parked": old, "behind": old, "young": new}
        await store.record(ChangeSet(entries=[entry(id_, at, destination="webhook:pager") for id_, at in due.items()]))
        await store.record(ChangeSet(entries=[entry("message", old)]))
        await store.attempt_failed("parked", "gone", "answers 403")
        assert await store.prune(NOON) == 2
        assert await ids(store) == ["message", "young"]

    async def test_an_entry_is_kept_while_others_lie_in_its_thread(self, store: Store) -> None:
        old = NOON - 31 * DAY
        await store.record(ChangeSet(entries=[entry("root", old), entry("reply", NOON, reply_to="root")]))
        for id_ in ("root", "reply"):
            await store.delivered(id_, 1, "m", "c")
        assert await store.prune(NOON) == 0
        assert await store.prune(NOON + 40 * DAY) == 1
        assert await store.prune(NOON + 40 * DAY) == 1, "the thread after what lay in it"

    async def test_an_entry_is_kept_while_something_is_open_in_its_conversation(self, store: Store) -> None:
        conversations = {"open": "slack:C1", "other": "slack:C2", "before": "slack:C1"}
        due = {"open": NOON - 40 * DAY, "other": NOON - 40 * DAY, "before": NOON - 60 * DAY}
        await store.record(
            ChangeSet(
                incidents=[replace(incident("i"), opened=NOON - 50 * DAY)],
                notifications=[
                    NotificationRow("i", "slack:C1", True, b""),
                    NotificationRow("i", "slack:C2", False, b""),
                ],
                entries=[entry(id_, due[id_], destination=where) for id_, where in conversations.items()],
            )
        )
        for id_ in conversations:
            await store.delivered(id_, 1, "m", "c")
        assert await store.prune(NOON) == 2
        assert [one.entry.id for one in await store.deliveries(list(conversations))] == ["open"]
        await store.record(ChangeSet(notifications=[NotificationRow("i", "slack:C1", False, b"")]))
        assert await store.prune(NOON) == 1


@dataclass
class Model:
    """What the port says of one entry, in plain Python."""

    version: int = 1
    state: str = "open"
    sent: int = 0
    message: str = ""
    attempts: int = 0

    @property
    def behind(self) -> bool:
        return self.state != "dead" and (self.sent < self.version or self.state == "claimed")

    async def step(self, store: Store, what: str, value: object) -> None:
        match what, value:
            case "write", int(version):
                await store.record(ChangeSet(entries=[entry(version=version)]))
                self.version = version
            case "claim", _:
                free = self.state == "open" and not self.sent and not self.message
                assert await store.claim("a", NOON) is free
                self.state = "claimed" if free else self.state
            case "delivered", int(version):
                await store.delivered("a", version, f"m{version}", "c")
                self.state, self.sent, self.message, self.attempts = "open", version, f"m{version}", 0
            case "undone", ("open" | "claimed" | "gone" | "dead") as then:
                await store.attempt_failed("a", then, "why")
                self.state, self.attempts = then, self.attempts + 1
            case "regained", _:
                gone = self.state == "gone"
                assert await store.destination_restored("slack:C1") == int(gone)
                if gone:
                    self.state, self.attempts = "open", 0
