"""Operations from their beginning to their end: who runs them, what is shown, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.operations.audit import Act, Audit
from bot.operations.engine import Operations
from bot.operations.operation_card import UNDOABLE
from bot.operations.run import Run, Status
from bot.operations.workflow import Failure, Outcome, Unknown, Workflow
from bot.settings import AccountSettings
from cards.card import Actions, Button, Card, Mark, plain
from cards.text import render
from storage.port.errors import StoreError
from storage.port.operations import OperationRow
from storage.sqlite.store import SqliteStore
from tests.operations.durable import NOON, Killed, LeapingClock, Service, refusal

HELD = timedelta(seconds=10)
ACT = Act(
    "c0",
    "k",
    "slack:U1",
    "T1",
    "slack:C1",
    "render",
    "work pool:gpu",
    "pool gpu",
    "change",
    "grants.1",
    typed="work gpu",
)


class Asked(Struct):
    """What the workflow of these tests is given."""

    pool: str = "gpu"


class FragileStore(SqliteStore):
    """Is out for as long as a test says."""

    out = False

    async def note_steps(self, *args: Any) -> bool:
        if self.out:
            raise StoreError("the disk is full")
        return await super().note_steps(*args)


class Stage:
    """A store, and instances of the program that share it; the workflow is what a test says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = FragileStore.open(path)
        self.clock = LeapingClock()
        settings = AccountSettings(
            "http://127.0.0.1:1", "s", "g", account="render", credential="shared_key", key_env="KEY",
            write_credential="shared_key", write_key_env="KEY",
        )  # fmt: skip
        self.accounts = Accounts({"render": settings}, {"KEY": "a2V5"})
        self.body: Callable[[Run, Asked], Awaitable[Outcome]] = self._unset
        self.instances: list[Operations] = []

    async def _unset(self, run: Run, asked: Asked) -> Outcome:
        raise AssertionError("no test has set it")

    def instance(self, *, workflows: bool = True) -> Operations:
        async def body(run: Run, asked: Asked) -> Outcome:
            return await self.body(run, asked)

        known = {"work": Workflow("work", Asked, "Working on {}", body)} if workflows else {}
        made = Operations(self.store, self.accounts, known, Audit(self.store), self.clock, held=HELD)
        self.instances.append(made)
        return made

    async def begin(self, operations: Operations, request: str = "k", **more: Any) -> str:
        return await operations.begin("work", "render", "gpu", Asked(**more), request=request, act=ACT)

    async def row(self, id_: str) -> OperationRow:
        row = await self.store.operation(id_)
        assert row
        return row

    async def close(self) -> None:
        for each in self.instances:
            await each.drain()
        await self.accounts.close()
        await self.store.close()

    async def trail(self) -> list[tuple[str, str]]:
        return [(entry.result, entry.details) for entry in await self.store.audit(NOON - timedelta(days=1))]

    def later(self, by: timedelta = HELD) -> None:
        self.clock._now += by


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path / "t.db")
    yield made
    await made.close()


def as_text(card: Card) -> str:
    return str(render(card).payload["text"])


async def cards_of(operations: Operations, id_: str) -> list[Card]:
    return [card async for card in operations.follow(id_)]


class Gate:
    """A workflow that waits in its middle until it is let on."""

    def __init__(self, *answers: Any) -> None:
        self.service = Service(*answers)
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def body(self, run: Run, asked: Asked) -> Outcome:
        await run.write("w", "Ask for it", self.service.send, landed=self.service.landed)
        self.reached.set()
        await self.open.wait()
        run.checkpoint()
        return Outcome(f"{asked.pool} is done", undo=f"undo it {asked.pool}", before="4 nodes", after="12 nodes")


async def test_an_operation_is_shown_step_by_step_and_recorded(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    assert operations.began("k")
    assert await operations.of_request("k") == id_
    following = asyncio.create_task(cards_of(operations, id_))
    await gate.reached.wait()
    gate.open.set()
    cards = await following
    assert plain(cards[0].title) == "Working on gpu · under way"
    assert "Ask for it" in as_text(cards[-2])
    assert plain(cards[-1].title) == "gpu is done"
    assert "Undo" in as_text(cards[-1])
    assert await cards_of(operations, id_) == cards[-1:], "and whoever looks later sees how it ended"
    row = await stage.row(id_)
    assert (row.state, row.stopping) == ("done", False)
    assert await stage.trail() == [("done", "gpu is done")]
    (entry,) = await stage.store.audit(NOON - timedelta(days=1))
    assert (entry.before, entry.after, entry.azure_request) == ("4 nodes", "12 nodes", "request-1")


async def test_the_same_request_begins_it_once(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    gate.open.set()
    operations = stage.instance()
    ids = await asyncio.gather(*(stage.begin(operations) for _ in range(5)))
    assert len(set(ids)) == 1
    await cards_of(operations, ids[0])
    assert await stage.begin(operations) == ids[0]
    another = await stage.begin(operations, "another")
    assert another != ids[0]
    await cards_of(operations, another)
    assert gate.service.did == 2


ENDS: dict[str, tuple[Exception, str, str, str]] = {
    "a reason": (Failure("No room is left."), "failed", "No room is left.", "failed"),
    "a doubt": (Unknown("It may be there."), "unknown", "It may be there.", "not known"),
    "a refusal": (refusal("PoolQuotaReached"), "failed", "Delete a pool that is not needed", "PoolQuotaReached"),
    "a fault": (KeyError("secret-word"), "failed", "Something went wrong inside the bot", "c0"),
}


@pytest.mark.parametrize("case", ENDS)
async def test_how_it_fails_is_said(stage: Stage, case: str) -> None:
    error, state, words, more = ENDS[case]

    async def body(run: Run, asked: Asked) -> Outcome:
        raise error

    stage.body = body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    *_, last = await cards_of(operations, id_)
    shown = as_text(last)
    assert words in shown
    assert more in shown
    assert "secret-word" not in shown
    assert last.refused
    again = [item.command for block in last.blocks if isinstance(block, Actions) for item in block.items
             if isinstance(item, Button)]  # fmt: skip
    helps = case in ("a reason", "a fault")
    assert again == (["work gpu"] if helps else []), "as it was typed, where that can help"
    assert (await stage.row(id_)).state == state
    [(result, _)] = await stage.trail()
    assert result == state


async def test_an_outcome_may_say_that_it_did_not_do_what_was_asked(stage: Stage) -> None:
    async def body(run: Run, asked: Asked) -> Outcome:
        return Outcome("The pool has 3 of 4 nodes", failed=True)

    stage.body = body
    operations = stage.instance()
    *_, last = await cards_of(operations, id_ := await stage.begin(operations))
    assert (last.mark, (await stage.row(id_)).state) == (Mark.FAILED, "failed")


async def test_an_outage_of_azure_is_waited_out(stage: Stage) -> None:
    """What the workflow reads is not answered: it is run anew from its start, and what it wrote stays written."""
    service, reads = Service(), iter([refusal("InternalError", 500), refusal("ServerBusy", 503, 40), None])

    async def body(run: Run, asked: Asked) -> Outcome:
        await run.write("w", "Ask for it", service.send, landed=service.landed)
        if error := next(reads):
            raise error
        return Outcome("done")

    stage.body = body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    shown = [as_text(card) async for card in operations.follow(id_)]
    assert "done" in shown[-1]
    assert any("Azure does not answer (ServerBusy)" in each for each in shown)
    assert service.sent == 1
    assert stage.clock.slept == [2, 40]


async def test_an_outage_that_does_not_end_is_a_failure(stage: Stage) -> None:
    async def body(run: Run, asked: Asked) -> Outcome:
        raise AzureError("NoConnection", "no connection")

    stage.body = body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    *_, last = await cards_of(operations, id_)
    assert "NoConnection" in as_text(last)
    assert timedelta(minutes=14) < stage.clock.now() - NOON <= timedelta(minutes=15)


async def test_what_a_crash_interrupted_is_gone_on_with(stage: Stage) -> None:
    gate = Gate("killed after")
    stage.body = gate.body
    first = stage.instance()
    id_ = await stage.begin(first)
    task = first._running[id_].task
    assert task
    with pytest.raises(Killed):
        await task
    gate.open.set()
    second = stage.instance()
    assert await second.resume() == 0, "the first one may be alive"
    stage.later()
    assert await second.resume() == 1
    *_, last = await cards_of(second, id_)
    assert plain(last.title) == "gpu is done"
    assert (gate.service.sent, gate.service.did) == (1, 1)
    assert await second.resume() == 0


async def test_of_two_instances_one_goes_on_and_the_other_writes_nothing_more(stage: Stage) -> None:
    """The first is not dead but slow: it finds out by the next thing that it wants to note."""
    gate = Gate()
    stage.body = gate.body
    first, second = stage.instance(), stage.instance()
    id_ = await stage.begin(first)
    await gate.reached.wait()
    stage.later()
    assert await second.resume() == 1
    follow = asyncio.create_task(cards_of(first, id_))
    gate.open.set()
    *_, last = await follow
    assert plain(last.title) == "gpu is done", "whoever follows it here sees how it ended there"
    await cards_of(second, id_)
    assert gate.service.sent == 1
    assert len(await stage.trail()) == 1


async def test_it_is_held_for_as_long_as_it_is_run(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    first, second = stage.instance(), stage.instance()
    id_ = await stage.begin(first)
    await gate.reached.wait()
    running = asyncio.create_task(first.run())
    while stage.clock.now() < NOON + 3 * HELD:  # noqa: ASYNC110 - the clock is what is waited for
        await asyncio.sleep(0.001)
    assert await second.resume() == 0
    gate.open.set()
    await cards_of(first, id_)
    running.cancel()


async def test_what_is_let_go_of_is_gone_on_with_at_once(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    first, second = stage.instance(), stage.instance()
    id_ = await stage.begin(first)
    await gate.reached.wait()
    await first.drain()
    gate.open.set()
    assert await second.resume() == 1
    *_, last = await cards_of(second, id_)
    assert plain(last.title) == "gpu is done"
    assert gate.service.sent == 1


async def test_a_store_that_is_out_for_a_moment_does_not_fail_it(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    gate.open.set()
    operations = stage.instance()
    stage.store.out = True
    id_ = await stage.begin(operations)
    task = operations._running[id_].task
    assert task
    await task
    assert (await stage.row(id_)).state == "running"
    stage.store.out = False
    stage.later()
    assert await operations.resume() == 1
    *_, last = await cards_of(operations, id_)
    assert plain(last.title) == "gpu is done"


async def test_it_stops_where_it_can(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    await gate.reached.wait()
    assert await operations.stop(id_)
    gate.open.set()
    *_, last = await cards_of(operations, id_)
    assert "stopped" in plain(last.title)
    assert "What was done before stays done." in as_text(last)
    assert (await stage.row(id_)).state == "stopped"
    assert not await operations.stop(id_)
    assert not await operations.stop("unknown")


async def test_it_is_stopped_from_another_instance_and_over_an_outage(stage: Stage) -> None:
    gate, looks = Gate(), 0

    async def body(run: Run, asked: Asked) -> Outcome:
        nonlocal looks
        looks += 1
        if looks == 1:
            await gate.body(run, asked)
        run.checkpoint()
        raise AssertionError("it was asked to stop")

    async def gated(run: Run, asked: Asked) -> Outcome:
        gate.reached.set()
        await gate.open.wait()
        raise AzureError("NoConnection", "no connection")

    gate.body = gated  # type: ignore[method-assign]
    stage.body = body
    first, second = stage.instance(), stage.instance()
    id_ = await stage.begin(first)
    await gate.reached.wait()
    assert await second.stop(id_)
    await first._hear_stops()
    gate.open.set()
    *_, last = await cards_of(first, id_)
    assert "stopped" in plain(last.title)


async def test_it_can_be_taken_back_for_fifteen_minutes(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    assert await operations.undo(id_) is None, "it has not ended"
    gate.open.set()
    await cards_of(operations, id_)
    undoing = await operations.undo(id_)
    assert undoing
    assert (undoing.command, undoing.until, undoing.ended) == ("undo it gpu", NOON + UNDOABLE, NOON)
    assert await operations.undo("unknown") is None


async def test_what_other_settings_do_not_know_any_more_fails_with_a_reason(stage: Stage) -> None:
    gate = Gate()
    stage.body = gate.body
    first, second = stage.instance(), stage.instance(workflows=False)
    id_ = await stage.begin(first)
    await gate.reached.wait()
    await first.drain()
    assert await second.resume() == 1
    *_, last = await cards_of(second, id_)
    assert "other settings" in as_text(last)


async def test_the_result_of_a_step_is_there_for_whoever_shows_it(stage: Stage) -> None:
    async def body(run: Run, asked: Asked) -> Outcome:
        async def compute() -> int:
            return 4

        await run.once("before", int, compute)
        return Outcome("done", undo="undo it" if asked.pool == "there is a way back" else "")

    stage.body = body
    operations = stage.instance()
    other = await stage.begin(operations, "other")
    await cards_of(operations, other)
    assert await operations.step(other, "before") is None, "nothing is kept that nobody can go back to"
    id_ = await stage.begin(operations, pool="there is a way back")
    await cards_of(operations, id_)
    assert msgspec.json.decode(await operations.step(id_, "before") or b"0") == 4
    assert await operations.step(id_, "other") is None


async def test_nothing_is_followed_that_is_not_known(stage: Stage) -> None:
    assert await cards_of(stage.instance(), "unknown") == []


async def test_waiting_shows_progress_and_then_nothing_of_it(stage: Stage) -> None:
    states = iter([Status(False, "1 of 4", 1, 4), Status(True, "4 of 4", 4, 4)])
    going = asyncio.Event()

    async def body(run: Run, asked: Asked) -> Outcome:
        async def check() -> Status:
            await going.wait()
            return next(states)

        await run.until("n", "Wait for nodes", check)
        return Outcome("done")

    stage.body = body
    operations = stage.instance()
    id_ = await stage.begin(operations)
    following = asyncio.create_task(cards_of(operations, id_))
    await asyncio.sleep(0)
    going.set()
    shown = [as_text(card) for card in await following]
    assert any("1 of 4" in each for each in shown)
    assert "1 of 4" not in shown[-1]
