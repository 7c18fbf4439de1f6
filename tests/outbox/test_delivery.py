"""Outbox messages arrive once, in order, whatever the platform, the store and the power supply do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.chat.port import Undelivered
from bot.chat.request import Conversation
from bot.clock import Clock
from bot.outbox import DestinationStatus, Totals
from bot.outbox.circuit_breaker import CircuitBreaker
from cards.build import text
from cards.card import Card, Footer, Mark
from storage.port.changes import ChangeSet
from storage.port.outbox import DeliveryState, OutboxEntry
from tests.outbox.messages import HERE, THERE, World, entry, world

OUTAGE = Undelivered("later", "503", everywhere=True)


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


@pytest.fixture
async def blind(tmp_path: Path) -> AsyncIterator[World]:
    """On a platform that cannot be read back."""
    async with world(tmp_path, readable=False, name="teams") as made:
        yield made


async def test_a_letter_is_posted_then_edited(w: World) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    await w.give(entry("a", version=2))
    await w.done("a")
    [shown] = w.room.messages
    assert (shown.words, shown.edits, shown.key) == ("a 2", 1, "a")
    assert (w.outbox.totals.sent, w.outbox.totals.edited) == (1, 1)
    row = await w.row("a")
    assert (row.message, row.channel, row.sent) == (shown.id, "C1", 2)


async def test_what_changes_while_it_waits_is_sent_once_as_it_is_now(w: World) -> None:
    await w.give(entry("a"))
    await w.give(entry("a", version=2))
    await w.give(entry("a", version=3))
    w.start()
    await w.done("a")
    assert [(each.words, each.edits) for each in w.room.messages] == [("a 3", 0)]


async def test_the_backlog_is_what_was_never_posted_and_no_edit(w: World) -> None:
    w.chat.gate = asyncio.Event()
    w.start()
    await w.give(entry("a"), entry("b"))
    await w.give(entry("a", version=2))
    assert w.outbox.backlog("slack:C1") == 2, "one that changed while it waits is as new as it was"
    w.chat.gate.set()
    await w.done("a", "b")
    w.chat.gate = asyncio.Event()
    await w.give(entry("a", version=3), entry("c"))
    await w.until(lambda: not w.outbox.backlog("slack:C1") or w.chat.calls)
    assert w.outbox.backlog("slack:C1") == 1
    assert w.outbox.status()[0].waiting == 2
    w.chat.gate.set()
    await w.done("a", "c")
    assert w.outbox.backlog("slack:C1") == 0


async def test_after_a_restart_an_edit_that_waits_is_no_backlog(w: World) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    await w.die()
    await w.store.record(ChangeSet(entries=[entry("a", version=2), entry("b", version=1)]))
    await w.store.record(ChangeSet(entries=[entry("b", version=2)]))
    await w.outbox.load()
    assert (w.outbox.status()[0].waiting, w.outbox.backlog("slack:C1")) == (2, 1)


async def test_what_changes_while_it_is_posted_follows_by_one_edit(w: World) -> None:
    w.chat.gate = asyncio.Event()
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.chat.calls)
    for version in (2, 3, 4):
        await w.give(entry("a", version=version))
    w.chat.gate.set()
    await w.done("a")
    assert [(each.words, each.edits) for each in w.room.messages] == [("a 4", 1)]


async def test_letters_go_in_the_order_they_are_due_and_none_early(w: World) -> None:
    now = w.clock.now()
    due = {"late": 20, "second": -1, "first": -2, "third": -1}
    await w.give(*(entry(id_, not_before=now + timedelta(seconds=seconds)) for id_, seconds in due.items()))
    w.start()
    await w.done("first", "second", "third")
    assert w.room.words() == ["first 1", "second 1", "third 1"]
    await w.done("late")
    assert w.clock.now() >= now + timedelta(seconds=20)


async def test_what_is_critical_overtakes_all_that_waits(w: World) -> None:
    """However much is to be told, and though it came last; what is on its way already is let through."""
    w.chat.gate = asyncio.Event()
    w.start()
    await w.give(*(entry(f"m{number:02}") for number in range(60)))
    await w.until(lambda: w.chat.calls)
    await w.give(entry("alarm", urgent=True), entry("m60"))
    w.chat.gate.set()
    await w.done(*(f"m{number:02}" for number in range(61)), "alarm")
    words = w.room.words()
    assert words[:2] == ["m00 1", "alarm 1"]
    assert words[2:] == [f"m{number:02} 1" for number in range(1, 61)]


async def test_a_reply_without_a_sound_lets_pass_what_comes_soon_after_it(w: World) -> None:
    """The names of a digest are many, and what somebody is to hear of is not to wait for them."""
    await w.give(entry("digest"))
    w.start()
    await w.done("digest")
    w.chat.gate = asyncio.Event()
    at = w.clock.now()

    def of(name: str, seconds: float, **more: object) -> OutboxEntry:
        return entry(name, not_before=at - timedelta(seconds=seconds), **more)  # type: ignore[arg-type]

    await w.give(of("first", 99))
    await w.until(lambda: len(w.chat.calls) == 2)
    names = [of(f"n{number}", 90, reply_to="digest") for number in range(9)]
    await w.give(*names, of("soon", 61), of("late", 59), of("aloud", 80, reply_to="digest", broadcast=True))
    w.chat.gate.set()
    await w.done("aloud", "late", *(f"n{number}" for number in range(9)))
    assert w.room.words()[1:] == ["first 1", "aloud 1", "soon 1", *(f"n{number} 1" for number in range(9)), "late 1"]


async def test_what_becomes_critical_while_it_waits_overtakes(w: World) -> None:
    await w.give(*(entry(f"m{number:02}") for number in range(60)))
    await w.give(entry("m59", version=2, urgent=True))
    w.start()
    await w.done(*(f"m{number:02}" for number in range(60)))
    assert w.room.words()[0] == "m59 2"


async def test_a_critical_reply_takes_along_what_it_replies_to(w: World) -> None:
    await w.give(*(entry(f"m{number:02}") for number in range(60)))
    await w.give(entry("alarm", reply_to="m59", urgent=True))
    w.start()
    await w.done(*(f"m{number:02}" for number in range(60)), "alarm")
    assert w.room.words()[:3] == ["m00 1", "m59 1", "alarm 1"], "one may be on its way before what it replies to"


async def test_what_is_urgent_goes_first_and_looks_say_nothing_about_it(w: World) -> None:
    """A report over budget looks as bad as a critical alert, and waits its turn."""
    first, report = entry("first"), entry("report")
    card = replace(msgspec.json.decode(report.card, type=Card), mark=Mark.FAILED)
    await w.give(first, replace(report, card=msgspec.json.encode(card)), entry("alert", urgent=True))
    await w.die()  # and so it is after a crash
    w.start()
    for name in ("first", "report", "alert"):
        await w.done(name)
    assert [each.key for each in w.room.messages] == ["alert", "first", "report"]


async def test_what_is_urgent_no_longer_waits_its_turn(w: World) -> None:
    await w.give(entry("first"), entry("alert", urgent=True))
    await w.give(entry("alert", version=2))
    w.start()
    for name in ("first", "alert"):
        await w.done(name)
    assert [each.key for each in w.room.messages] == ["first", "alert"]


async def test_a_reply_waits_for_what_it_replies_to(w: World) -> None:
    now = w.clock.now()
    await w.give(
        entry("reply", reply_to="root", broadcast=True, not_before=now - timedelta(minutes=1)),
        entry("root", not_before=now + timedelta(seconds=5)),
    )
    w.start()
    await w.done("root", "reply")
    root, reply = w.room.messages
    assert (root.key, root.thread) == ("root", None)
    assert (reply.key, reply.thread, reply.loud) == ("reply", root.id, True)


async def test_a_reply_to_what_was_refused_or_deleted_is_posted_by_itself(w: World) -> None:
    w.chat.trouble["post_once"] = [Undelivered("refused", "bad"), Undelivered("refused", "bad")]
    w.start()
    await w.give(entry("root"))
    await w.done("root")
    await w.give(entry("orphan", reply_to="root"), entry("stray", reply_to="nothing"))
    await w.done("orphan", "stray")
    assert [(each.key, each.thread) for each in w.room.messages] == [("orphan", None), ("stray", None)]
    await w.give(entry("kept"))
    await w.done("kept")
    w.chat.trouble["post_once"] = [Undelivered("missing", "thread_not_found")]
    await w.give(entry("late", reply_to="kept"))
    await w.done("late")
    assert w.room.messages[-1].thread is None


async def test_one_places_trouble_delays_no_other(w: World) -> None:
    w.chat.trouble["C1"] = [Undelivered("later", "ratelimited", wait=100.0)]
    await w.give(*(entry(f"here{n}") for n in range(3)), *(entry(f"there{n}", conversation=THERE) for n in range(3)))
    w.start()
    await w.until(lambda: len(w.room.words("C2")) == 3)
    assert w.room.words("C1") == []
    assert [call for call in w.chat.calls if call[1].startswith("here")] == [("post_once", "here0")]
    await w.done("here0", "here1", "here2")
    assert w.room.words("C1") == ["here0 1", "here1 1", "here2 1"]


async def test_an_outage_is_knocked_at_by_one_place_and_slowly(w: World) -> None:
    conversations = [Conversation("slack", f"C{n}") for n in range(20)]
    w.chat.down = OUTAGE
    await w.give(*(entry(f"a{n}", conversation=conversation) for n, conversation in enumerate(conversations)))
    w.start()
    await w.clock.sleep(90)
    # Twenty at most were on their way when it began; after that there is one knock after 1, 2, 4, 8, 16, 30, 30 s.
    assert len(w.chat.calls) < 20 + 15
    assert w.outbox.down() == {"slack": "503"}
    w.chat.down, knocks = None, len(w.chat.calls)
    await w.done(*(f"a{n}" for n in range(20)))
    assert w.outbox.down() == {}
    assert len(w.chat.calls) == knocks + 20
    assert sorted(each.key for each in w.room.messages) == sorted(f"a{n}" for n in range(20))


@pytest.mark.parametrize("everywhere", [True, False])
async def test_a_lost_answer_is_looked_for_and_not_posted_twice(w: World, everywhere: bool) -> None:
    w.chat.trouble["post_once"] = [Undelivered("doubt", "cut", everywhere=everywhere)]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert w.room.words() == ["a 1"]
    assert w.chat.calls == [("post_once", "a"), ("find_by_key", "a")]
    await w.give(entry("a", version=2))
    await w.done("a")
    assert w.room.words() == ["a 2"]


@pytest.mark.parametrize(("asked", "seconds"), [(None, 2), (1.0, 2), (30.0, 30)])
async def test_a_lost_answer_is_looked_for_after_two_seconds_or_when_it_was_asked_for_and_not_before(
    w: World, asked: float | None, seconds: float
) -> None:
    """A message shows in what can be read back a moment after it was posted."""
    times: list[float] = []
    post, find = w.chat.post_once, w.chat.find_by_key

    async def posted(*args: Any, **more: Any) -> tuple[str, str]:
        try:
            return await post(*args, **more)
        finally:
            times.append(w.clock.elapsed())

    async def sought(*args: Any) -> str | None:
        times.append(w.clock.elapsed())
        return await find(*args)

    w.chat.trouble["post_once"] = [Undelivered("doubt", "timeout", wait=asked)]
    w.chat.post_once, w.chat.find_by_key = posted, sought  # type: ignore[method-assign]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert len(times) == 2
    assert times[1] >= times[0] + seconds


@pytest.mark.parametrize("why", ["refused", "missing"])
async def test_where_reading_back_is_refused_it_is_repeated_with_a_mark(w: World, why: Any) -> None:
    w.chat.trouble["post_once"] = [Undelivered("doubt", "not there")]
    w.chat.trouble["find_by_key"] = [Undelivered(why, "missing_scope")]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert [(each.words, each.marked) for each in w.room.messages] == [("a 1", True)]
    assert w.outbox.totals.repeated == 1


async def test_what_was_deleted_comes_anew_without_a_mark_where_reading_back_is_refused(w: World) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    w.room.messages.clear()
    w.chat.trouble["find_by_key"] = [Undelivered("refused", "missing_scope")]
    await w.give(entry("a", version=2))
    await w.done("a")
    assert [(each.words, each.marked) for each in w.room.messages] == [("a 2", False)]
    assert w.outbox.totals.repeated == 0


@pytest.mark.parametrize("newest", [2, 3])
async def test_a_message_that_was_found_again_shows_the_newest_version(w: World, newest: int) -> None:
    """What changed before its answer was lost, or while it was looked for, follows by an edit: no stale text stays."""
    w.chat.trouble["post_once"] = [Undelivered("doubt", "timeout")]
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.room.messages)
    for version in range(2, newest + 1):
        await w.give(entry("a", version=version))
    await w.done("a")
    assert [(each.words, each.edits) for each in w.room.messages] == [(f"a {newest}", 1)]
    assert [call for call, _ in w.chat.calls] == ["post_once", "find_by_key", "update"]
    assert (await w.row("a")).sent == newest


async def test_a_message_that_was_found_after_a_crash_shows_the_newest_version(w: World) -> None:
    w.chat.trouble["post_once"] = [Undelivered("doubt", "timeout")]
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.room.messages)
    await w.die()
    await w.give(entry("a", version=2))
    w.start()
    await w.done("a")
    assert [(each.words, each.edits) for each in w.room.messages] == [("a 2", 1)]


async def test_a_message_that_a_crash_left_in_doubt_is_not_looked_for_at_once(w: World) -> None:
    w.chat.trouble["post_once"] = [Undelivered("doubt", "timeout")]
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.room.messages)
    await w.die()
    sought, find = [], w.chat.find_by_key

    async def timed(*args: Any) -> str | None:
        sought.append(w.clock.elapsed())
        return await find(*args)

    w.chat.find_by_key = timed  # type: ignore[method-assign]
    began = w.clock.elapsed()
    w.start()
    await w.done("a")
    assert sought[0] >= began + 2.0, "it may not be readable yet"


async def test_what_is_looked_for_and_not_found_is_posted(w: World) -> None:
    w.chat.trouble["post_once"] = [Undelivered("doubt", "not there"), Undelivered("doubt", "not there")]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert w.chat.calls == [("post_once", "a"), ("find_by_key", "a")] * 2 + [("post_once", "a")]
    assert w.room.words() == ["a 1"]


async def test_what_cannot_be_looked_for_is_repeated_with_a_mark(blind: World) -> None:
    teams = Conversation("teams", "C1")
    blind.chat.trouble["post_once"] = [Undelivered("doubt", "cut")]
    blind.start()
    await blind.give(entry("a", conversation=teams), entry("b", conversation=teams))
    await blind.done("a", "b")
    assert sorted((each.key, each.marked) for each in blind.room.messages) == [("a", False), ("a", True), ("b", False)]
    assert blind.outbox.totals.repeated == 1


@pytest.mark.parametrize("moment", ["claimed", "posting", "posted"])
@pytest.mark.parametrize("readable", [True, False])
async def test_a_crash_around_a_post(tmp_path: Path, moment: str, readable: bool) -> None:
    name = "slack" if readable else "teams"
    async with world(tmp_path, readable=readable, name=name) as w:  # type: ignore[arg-type]
        conversation = Conversation(name, "C1")  # type: ignore[arg-type]
        if moment == "claimed":
            await w.store.record(ChangeSet(entries=[entry("a", conversation=conversation)]))
            assert await w.store.claim("a", datetime.now(UTC))
        elif moment == "posting":
            w.chat.gate = asyncio.Event()
            w.start()
            await w.give(entry("a", conversation=conversation))
            await w.until(lambda: w.chat.calls)
        else:
            await w.store.record(ChangeSet(entries=[entry("a", conversation=conversation)]))
            assert await w.store.claim("a", datetime.now(UTC))
            await w.chat.post_once(conversation, Card(title=text("a 1")), "a")
        await w.die()
        w.start()
        await w.done("a")
        expected = [("a", False)] if readable else ([("a", False)] if moment == "posted" else []) + [("a", True)]
        assert [(each.key, each.marked) for each in w.room.messages] == expected
        assert w.outbox.status() == [DestinationStatus(f"{name}:C1")]


@pytest.mark.parametrize("readable", [True, False])
async def test_any_number_of_crashes_at_any_moment(tmp_path: Path, readable: bool) -> None:
    name: str = "slack" if readable else "teams"
    dice, entries, crashes = random.Random(7), [f"a{n}" for n in range(30)], 0
    async with world(tmp_path, readable=readable, name=name, speed=1000) as w:
        w.chat.slow = lambda: dice.choice([0.0, 0.001, 0.003])
        conversations = [Conversation(name, f"C{n}") for n in range(3)]
        given = [entry(id_, conversation=conversations[n % 3]) for n, id_ in enumerate(entries)]
        replies = [
            entry(f"{id_}-history", conversation=conversations[n % 3], reply_to=id_) for n, id_ in enumerate(entries)
        ]
        await w.give(*given, *replies)
        while await w.store.undelivered():
            w.start()
            await asyncio.sleep(dice.uniform(0.0, 0.03) * (1 + crashes / 50))  # a busy machine gets longer lives
            await w.die()
            crashes += 1
            assert crashes < 1000, "it never gets anywhere"
        keys = [each.key for each in w.room.messages if not each.marked]
        assert len(keys) == len(set(keys)), "a message is there twice, and does not say so"
        assert {each.key for each in w.room.messages} == {each.id for each in [*given, *replies]}
        repeats = sum(each.marked for each in w.room.messages)
        assert repeats == 0 if readable else repeats <= crashes * len(conversations)
        roots = {each.id: each.key for each in w.room.messages}
        assert all(f"{roots[each.thread]}-history" == each.key for each in w.room.messages if each.thread)


class Naps(Clock):
    """A clock whose waits take no time and are noted."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_probes_grow_rarer_up_to_half_a_minute() -> None:
    naps = Naps()
    breaker = CircuitBreaker("slack", naps)
    for _ in range(20):
        breaker.failed("503", None)  # all that were under way at once count as one
    for _ in range(8):
        async with breaker.passage():
            breaker.failed("503", None)
    for slept, most in zip(naps.slept, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert most * 0.7 <= slept <= most
    async with breaker.passage():
        breaker.answered()
    async with breaker.passage():
        breaker.failed("503", 500.0)
    assert len(naps.slept) == 9
    async with breaker.passage():
        pass
    assert naps.slept[-1] == 30.0, "never longer, whatever it asks for"


async def test_failures_of_what_was_under_way_make_probes_no_rarer() -> None:
    """Whenever they come: while one probes, before, and after it."""
    naps = Naps()
    breaker = CircuitBreaker("slack", naps)
    breaker.failed("503", None)
    async with breaker.passage():
        breaker.failed("503", None)
    for _ in range(20):
        breaker.failed("503", None)
    async with breaker.passage():
        breaker.answered()
    assert 1.4 <= naps.slept[-1] <= 2


async def test_a_place_that_is_gone_is_left_alone_until_it_is_back(w: World) -> None:
    w.chat.trouble["C1"] = [Undelivered("gone", "not_in_channel")] * 2
    w.start()
    await w.give(entry("a"), entry("b"), entry("c", conversation=THERE))
    await w.done("c")
    await w.until(lambda: w.outbox.status()[0].gone_since)
    assert (await w.row("a")).state == "gone"
    await w.give(entry("a", version=2))
    assert [call for call in w.chat.calls if call[1] in "ab"] == [("post_once", "a")]
    here = w.outbox.status()[0]
    assert (here.waiting, here.error, here.in_doubt) == (2, "not_in_channel", 0)
    await w.outbox.reachable(HERE, True)  # told too early
    await w.until(lambda: len(w.chat.calls) == 3)
    await w.outbox.reachable(HERE, True)
    await w.done("a", "b")
    assert w.room.words() == ["b 1", "a 2"]
    assert w.outbox.status()[0] == DestinationStatus("slack:C1")


async def test_a_place_that_is_back_before_it_was_known_to_be_gone(w: World) -> None:
    w.chat.gate = asyncio.Event()
    w.chat.trouble["C1"] = [Undelivered("gone", "not_in_channel")]
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.chat.calls)
    await w.outbox.reachable(HERE, True)
    w.chat.gate.set()
    await w.done("a")
    assert w.room.words() == ["a 1"]


async def test_a_place_that_is_gone_is_tried_every_hour_and_after_a_start(w: World) -> None:
    w.clock.speed = 5000
    w.chat.trouble["C1"] = [Undelivered("gone", "is_archived")]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert [call for call, _ in w.chat.calls] == ["post_once"] * 2
    gone = w.chat.trouble["update"] = [Undelivered("gone", "is_archived")] * 1000  # an hour is less than a second here
    await w.give(entry("a", version=2))
    await w.until(lambda: w.outbox.status()[0].gone_since)
    await w.die()
    gone.clear()
    w.start()  # by a slower clock: it is not the hour that has it tried
    await w.done("a")
    assert w.room.words() == ["a 2"]


async def test_a_place_is_lost_while_a_letter_is_in_doubt(w: World) -> None:
    w.chat.trouble["post_once"] = [Undelivered("doubt", "cut")]
    w.chat.trouble["find_by_key"] = [Undelivered("gone", "not_in_channel")]
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.outbox.status()[0].gone_since)
    assert w.outbox.status()[0].in_doubt == 1
    await w.outbox.reachable(HERE, True)
    await w.done("a")
    assert w.room.words() == ["a 1"], "it is still looked for"


async def test_a_refused_card_goes_out_without_its_details_or_not_at_all(w: World) -> None:
    refused = Undelivered("refused", "invalid_blocks")
    w.chat.trouble["post_once"] = [refused, None, refused, refused]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    await w.give(entry("b"), entry("c"))
    await w.done("b", "c")
    assert w.room.words() == ["a 1", "c 1"]
    row = await w.row("b")
    assert (row.state, row.error) == ("dead", "invalid_blocks")
    assert (w.outbox.totals.shortened, w.outbox.totals.refused) == (1, 1)


async def test_an_unreadable_letter_holds_up_nobody(w: World) -> None:
    broken = entry("a")
    await w.give(type(broken)("a", broken.destination, broken.address, b"{", 1, broken.not_before), entry("b"))
    w.start()
    await w.done("a", "b")
    assert w.room.words() == ["b 1"]
    assert (await w.row("a")).state == "dead"


async def test_a_deleted_message_is_posted_anew_while_it_is_young(w: World) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    w.room.messages.clear()
    await w.give(entry("a", version=2))
    await w.done("a")
    assert w.room.words() == ["a 2"]
    assert not w.room.messages[0].marked
    await w.give(entry("a", version=3))
    await w.done("a")
    assert [(each.words, each.edits) for each in w.room.messages] == [("a 3", 1)]


async def test_a_deleted_message_that_is_old_stays_deleted(w: World) -> None:
    await w.store.record(ChangeSet(entries=[entry("a")]))
    assert await w.store.claim("a", datetime.now(UTC) - timedelta(days=2))
    await w.store.delivered("a", 1, "m9", "C1")
    w.start()
    await w.give(entry("a", version=2))
    await w.done("a")
    assert w.room.messages == []
    assert (await w.row("a")).state == "dead"


async def test_edits_that_fail_are_made_again(w: World) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    w.chat.trouble["update"] = [Undelivered("doubt", "cut"), Undelivered("later", "ratelimited", wait=3.0), OUTAGE]
    await w.give(entry("a", version=2))
    await w.done("a")
    assert [(each.words, each.edits) for each in w.room.messages] == [("a 2", 1)]


async def test_a_limit_on_edits_holds_back_no_new_message(w: World) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    w.chat.trouble["update"] = [Undelivered("later", "ratelimited", wait=200.0)]
    await w.give(entry("a", version=2))
    await w.until(lambda: len(w.chat.calls) == 2)
    await w.give(entry("b"))
    await w.done("b")
    assert w.room.words() == ["a 1", "b 1"]


async def test_a_chat_that_breaks_its_word_loses_nothing_and_stops_nothing(w: World) -> None:
    w.chat.trouble["post_once"] = [RuntimeError("no")]
    w.start()
    await w.give(entry("a"), entry("b"))
    await w.done("a", "b")
    assert sorted(w.room.words()) == ["a 1", "b 1"]


async def test_what_broke_in_the_chat_after_the_post_is_looked_for_and_given_up_the_second_time(w: World) -> None:
    post = w.chat.post_once

    async def broken(*args: Any, **more: Any) -> tuple[str, str]:
        await post(*args, **more)
        raise RuntimeError("after it")

    w.chat.post_once = broken  # type: ignore[method-assign]
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert w.room.words() == ["a 1"]
    assert w.chat.calls == [("post_once", "a"), ("find_by_key", "a")]
    w.chat.trouble["post_once"] = [RuntimeError("before it") for _ in range(3)]  # the last one as plain words
    await w.give(entry("b"))
    await w.done("b")
    assert w.room.words() == ["a 1"]
    assert w.outbox.totals.refused == 1


async def test_a_store_that_fails_after_the_post_makes_no_second_one(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = w.store.delivered, [OSError("disk"), OSError("disk")]

    async def failing(entry: str, version: int, message: str, channel: str, *, repeated: bool = False) -> None:
        if failures:
            raise failures.pop()
        await real(entry, version, message, channel, repeated=repeated)

    monkeypatch.setattr(w.store, "delivered", failing)
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    assert w.chat.calls == [("post_once", "a")]


async def test_letters_that_nobody_told_of_are_found(w: World) -> None:
    w.start()
    await w.store.record(ChangeSet(entries=[entry("a")]))
    await w.done("a")
    assert w.room.words() == ["a 1"]


async def test_what_was_told_of_and_not_stored_is_waited_for_calmly(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    real, reads = w.store.deliveries, []

    async def counted(ids: Sequence[str]) -> list[DeliveryState]:
        reads.append(ids)
        return await real(ids)

    monkeypatch.setattr(w.store, "deliveries", counted)
    w.outbox.put([entry("a", version=2)])
    await w.clock.sleep(20)
    assert 1 <= len(reads) <= 20
    await w.give(entry("a", version=2))
    await w.done("a")
    assert w.room.words() == ["a 2"]


async def test_a_platform_that_is_not_there_is_no_error(w: World) -> None:
    w.start()
    await w.give(entry("a", conversation=Conversation("teams", "X")), entry("b"))
    await w.done("b")
    assert [row.entry.id for row in await w.store.undelivered()] == ["a"]


async def test_closing_sends_what_can_be_sent(w: World) -> None:
    far = w.clock.now() + timedelta(hours=1)
    await w.give(*(entry(f"a{n}") for n in range(10)), entry("later", not_before=far))
    w.start()
    await asyncio.sleep(0)
    await w.outbox.close()
    assert len(w.room.words()) == 10
    assert [row.entry.id for row in await w.store.undelivered()] == ["later"]


async def test_closing_does_not_wait_where_nothing_more_can_be_sent(w: World) -> None:
    await w.give(entry("a"), entry("later", not_before=w.clock.now() + timedelta(hours=1)))
    w.start()
    await w.done("a")
    async with asyncio.timeout(60):
        await w.outbox.close(seconds=3600)


async def test_what_was_done_is_counted(w: World) -> None:
    refused, lost, silent = (
        Undelivered("refused", "bad"),
        Undelivered("doubt", "not there"),
        Undelivered("refused", "scope"),
    )
    w.chat.trouble["post_once"] = [refused, None, refused, None, refused, refused, refused, refused]
    w.start()
    await w.give(*(entry(f"a{n}") for n in range(4)))
    await w.done(*(f"a{n}" for n in range(4)))
    w.chat.trouble["update"] = [refused, None]
    await w.give(entry("a0", version=2), entry("a1", version=2))
    await w.done("a0", "a1")
    w.chat.trouble["post_once"], w.chat.trouble["find_by_key"] = [lost, None, lost, None], [silent, silent]
    for name in ("b0", "b1"):
        await w.give(entry(name))
        await w.done(name)
    assert w.outbox.totals == Totals(sent=4, edited=2, repeated=2, shortened=3, refused=2)


@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_after_its_end_nothing_is_sent_any_more(w: World, how: str) -> None:
    w.start()
    await w.give(entry("a"))
    await w.done("a")
    if how == "closed":
        await w.outbox.close()
    else:
        assert w.task
        w.task.cancel()
        await asyncio.gather(w.task, return_exceptions=True)
    w.outbox.put([entry("b", conversation=THERE)])
    assert not [each for each in asyncio.all_tasks() if each.get_name().startswith("outbox of")]
    assert w.outbox.backlog("slack:C2") == 1
    assert w.outbox.backlog("slack:C3") == 0, "nobody is told anything there"


async def test_a_place_that_is_found_gone_again_is_gone_since_the_first_time(w: World) -> None:
    w.chat.trouble["C1"] = [Undelivered("gone", "not_in_channel"), Undelivered("gone", "is_archived")]
    w.start()
    await w.give(entry("a"))
    await w.until(lambda: w.outbox.status()[0].gone_since)
    since = w.outbox.status()[0].gone_since
    await w.outbox.reachable(HERE, True)
    await w.until(lambda: w.outbox.status()[0].error == "is_archived")
    assert w.outbox.status()[0].gone_since == since
    await w.outbox.reachable(HERE, False)
    assert (w.outbox.status()[0].gone_since, w.outbox.status()[0].error) == (since, "removed")
    await w.outbox.reachable(HERE, True)
    await w.done("a")
    assert w.outbox.status()[0].gone_since is None


async def test_an_edit_of_what_is_a_repeat_still_says_so(blind: World) -> None:
    teams = Conversation("teams", "C1")
    blind.chat.trouble["post_once"] = [Undelivered("doubt", "not there")]
    edited: list[Card] = []
    update = blind.chat.update

    async def noted(conversation: Conversation, message: str, card: Card) -> None:
        edited.append(card)
        await update(conversation, message, card)

    blind.chat.update = noted  # type: ignore[method-assign]
    blind.start()
    await blind.give(entry("a", conversation=teams))
    await blind.done("a")
    await blind.give(entry("a", conversation=teams, version=2))
    await blind.done("a")
    assert [any(isinstance(block, Footer) for block in card.blocks) for card in edited] == [True]
