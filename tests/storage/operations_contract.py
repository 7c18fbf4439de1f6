"""What every store has to do for operations; see `tests.storage.contract`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from storage.port.operations import OperationRow, StepRow
from storage.port.store import Store
from tests.storage.contract import DAY, HOUR, MINUTE, NOON, line


def operation(id_: str, minute: int = 0, request: str = "") -> OperationRow:
    started = NOON + minute * MINUTE
    return OperationRow(id_, request or f"of {id_}", "pool resize", "render", "gpu", b"{}", b"act", started)


def step(name: str, state: str = "done", result: bytes = b"", id_: str = "a") -> StepRow:
    return StepRow(id_, name, state, NOON, result)  # type: ignore[arg-type]


class OperationsContract:
    """Inherited by the test class of every store."""

    async def test_an_operation_is_begun_once(self, store: Store) -> None:
        begun = await asyncio.gather(*(store.add_operation(operation("a"), f"{n}", NOON + HOUR) for n in range(20)))
        assert sorted(begun) == [False] * 19 + [True]
        assert await store.operation("a") == operation("a")
        assert await store.operation_of("of a") == operation("a")
        assert await store.operation("b") is None
        assert await store.operation_of("of b") is None

    async def test_the_newest_operations_come_first(self, store: Store) -> None:
        for minute, id_ in enumerate("abcd"):
            await store.add_operation(operation(id_, minute), "one", NOON + HOUR)
        await store.end_operation("c", "one", "done", b"card", NOON + HOUR)
        assert [row.id for row in await store.operations()] == ["d", "c", "b", "a"]
        assert [row.id for row in await store.operations(limit=2)] == ["d", "c"]
        assert [row.id for row in await store.operations(running=True)] == ["d", "b", "a"]

    async def test_steps_are_kept_in_their_order_each_as_it_was_last(self, store: Store) -> None:
        await store.add_operation(operation("a"), "one", NOON + HOUR)
        await store.add_operation(operation("b"), "one", NOON + HOUR)
        assert await store.note_steps("one", [step("before", result=b"4")])
        assert await store.note_steps("one", [step("resize", "sent"), step("other", "sent")])
        assert await store.note_steps("one", [step("resize", "done", b"location")])
        assert await store.note_steps("one", [step("of b", id_="b")])
        assert await store.operation_steps("a") == [
            step("before", result=b"4"),
            step("resize", "done", b"location"),
            step("other", "sent"),
        ]

    async def test_only_the_holder_notes_and_ends(self, store: Store) -> None:
        await store.add_operation(operation("a"), "one", NOON + MINUTE)
        assert not await store.note_steps("two", [step("resize", "sent")])
        assert not await store.end_operation("a", "two", "done", b"card", NOON, line("done"))
        [taken] = await store.claim_operations("two", NOON + MINUTE, NOON + HOUR)
        assert taken == operation("a")
        assert not await store.note_steps("one", [step("resize", "sent")])
        assert not await store.end_operation("a", "one", "done", b"card", NOON, line("done"))
        assert await store.audit(NOON) == [], "what does not end it is no line of the trail"
        assert await store.note_steps("two", [step("resize", "sent")])
        assert await store.end_operation("a", "two", "failed", b"card", NOON + HOUR, line("failed"))
        assert not await store.end_operation("a", "two", "done", b"other", NOON + HOUR, line("done"))
        assert not await store.note_steps("two", [step("resize", "done")]), "it has ended"
        ended = replace(operation("a"), state="failed", changed=NOON + HOUR, outcome=b"card", arguments=b"", act=b"")
        assert await store.operation("a") == ended
        assert await store.audit(NOON) == [line("failed")]

    async def test_one_that_nobody_holds_any_longer_is_claimed_once(self, store: Store) -> None:
        await store.add_operation(operation("b", 1), "one", NOON + HOUR)
        await store.add_operation(operation("a"), "one", NOON + HOUR)
        await store.add_operation(operation("free", 2), "one", NOON)
        await store.add_operation(operation("over", 3), "one", NOON)
        await store.end_operation("over", "one", "done", b"", NOON)
        assert [row.id for row in await store.claim_operations("two", NOON, NOON + HOUR)] == ["free"]
        await store.hold_operations("one", ["a", "free"], NOON + 2 * HOUR)
        assert [row.id for row in await store.claim_operations("two", NOON + HOUR, NOON + 2 * HOUR)] == ["b", "free"]
        await store.release_operations("one")
        claims = await asyncio.gather(
            *(store.claim_operations(f"{n}", NOON + HOUR, NOON + 2 * HOUR) for n in range(20))
        )
        assert [row.id for claim in claims for row in claim] == ["a"]

    async def test_one_that_a_clock_held_that_was_set_back_since_is_claimed(self, store: Store) -> None:
        await store.add_operation(operation("ahead"), "one", NOON + DAY)
        await store.add_operation(operation("held"), "one", NOON + HOUR)
        assert [row.id for row in await store.claim_operations("two", NOON, NOON + MINUTE)] == ["ahead"]

    async def test_one_is_asked_to_stop_until_it_has_ended(self, store: Store) -> None:
        await store.add_operation(operation("a"), "one", NOON)
        assert await store.stop_operation("a")
        assert not await store.stop_operation("b")
        [claimed] = await store.claim_operations("two", NOON, NOON + HOUR)
        assert claimed.stopping, "whoever goes on with it knows"
        await store.end_operation("a", "two", "stopped", b"", NOON)
        assert not await store.stop_operation("a")

    async def test_those_that_ended_long_ago_are_forgotten_with_their_steps(self, store: Store) -> None:
        for id_ in ("old", "new", "goes on"):
            await store.add_operation(operation(id_), "one", NOON + HOUR)
            await store.note_steps("one", [step("resize", id_=id_)])
        await store.end_operation("old", "one", "done", b"", NOON)
        await store.end_operation("new", "one", "done", b"", NOON + 2 * DAY)
        await store.prune(NOON + 30 * DAY + timedelta(hours=1))
        assert sorted(row.id for row in await store.operations()) == ["goes on", "new"]
        assert await store.operation_steps("old") == []
        assert len(await store.operation_steps("new")) == len(await store.operation_steps("goes on")) == 1
