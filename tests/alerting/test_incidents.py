"""One message for each incident: opened, changed, resolved, back, flapping; restarts lose and double nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerting.model import Subscription
from bot.chat.request import Author, Conversation
from bot.domain.findings import Severity
from storage.port.changes import ChangeSet
from tests.alerting.alert_room import EVERYTHING, OPS, card, finding, room, scene, title, words

ME = Author("slack:U1", "somebody")


async def test_an_incident_is_told_at_once_and_resolved_in_the_same_message(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("gpu-a", count=3)]
        await ops.look()
        assert ops.entries.titles() == ["▲ pool gpu-a has 3 unusable nodes"]
        ops.found["node.unusable"] = [finding("gpu-a", count=4)]
        await ops.look(30)
        assert ops.entries.titles() == ["▲ pool gpu-a has 4 unusable nodes"]
        ops.found["node.unusable"] = []
        await ops.look(30)
        assert ops.entries.titles() == ["✔ pool gpu-a has 4 unusable nodes · resolved after 1 min"]
        [entry] = ops.entries.on_top()
        [history] = ops.entries.below(entry)
        assert "resolved after 1 min" in words(history)
        assert "opened: pool gpu-a has 3 unusable nodes" in words(history)


async def test_nothing_is_resolved_by_a_look_that_did_not_read_it(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("gpu-a")]
        await ops.look()
        ops.found["node.unusable"] = []
        await ops.look(30, read=EVERYTHING - {"nodes"})
        assert [each.open for each in ops.alerts.incidents.open()] == [True]
        await ops.look(30)
        assert ops.alerts.incidents.open() == []


async def test_the_same_look_twice_writes_nothing_new(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("gpu-a")]
        await ops.look()
        written = len(ops.entries.writes)
        await ops.look(30)
        await ops.look(30)
        assert len(ops.entries.writes) == written


async def test_what_comes_back_within_half_an_hour_is_the_same_message(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        for found in ([finding("a")], [], [finding("a")]):
            ops.found["node.unusable"] = found
            await ops.look(60)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        ops.found["node.unusable"] = []
        await ops.look(60)
        await ops.wait(3600 * 2)
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(1)
        assert ops.entries.titles() == [
            "✔ pool a has 1 unusable nodes · resolved after 3 min",
            "▲ pool a has 1 unusable nodes",
        ]


async def test_two_hundred_flips_are_one_message_with_one_reply(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        for flip in range(200):
            ops.found["node.unusable"] = [finding("a")] if flip % 2 == 0 else []
            await ops.look(30)
        [entry] = ops.entries.on_top()
        assert "flapping" in title(entry)
        assert len(ops.entries.below(entry)) == 1
        edits = [each for each in ops.entries.writes if each.id == entry.id]
        assert len(edits) <= 12
        ops.found["node.unusable"] = []
        for _ in range(25):
            await ops.look(30)
        [entry] = ops.entries.on_top()
        assert title(entry).startswith("✔")
        assert "back" in words(ops.entries.below(entry)[0])


async def test_flapping_that_settles_on_the_bad_side_is_told_as_open_again(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        for flip in range(9):
            ops.found["node.unusable"] = [finding("a")] if flip % 2 == 0 else []
            await ops.look(30)
        assert "flapping" in ops.entries.titles()[0]
        for _ in range(25):
            await ops.look(30)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]


async def test_news_is_told_once_and_never_resolved(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["job.failed"] = [finding("j", kind="job", headline="job j has failed", state="event")]
        await ops.look()
        await ops.look(30)  # the transition is in the overlap and read once more
        ops.found["job.failed"] = []
        await ops.look(30)
        assert ops.entries.titles() == ["▲ job j has failed"]
        assert "Acknowledge" not in words(ops.entries.on_top()[0])


async def test_quiet_kinds_come_to_who_asks_for_them(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["job.completed"] = [finding("j", kind="job", headline="job j has completed", state="event")]
        await ops.look()
        assert ops.entries.titles() == []
        await ops.alerts.subscribe(
            Subscription(id="s2", conversation=OPS, kinds=("job.completed",), severity=Severity.INFO)
        )
        ops.found["job.completed"] = [finding("k", kind="job", headline="job k has completed", state="event")]
        await ops.look(30)
        assert ops.entries.titles() == ["job k has completed"]


async def test_a_severity_holds_for_kinds_that_are_named_too(tmp_path: Path) -> None:
    async with room(tmp_path, subscribed=False) as ops:
        asked = Subscription(id="s2", conversation=OPS, kinds=("node.unusable",), severity=Severity.CRITICAL)
        await ops.alerts.subscribe(asked)
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        assert ops.entries.titles() == []
        ops.found["node.unusable"] = [finding("a", severity=Severity.CRITICAL)]
        await ops.look(30)
        assert ops.entries.titles() == ["✖ pool a has 1 unusable nodes"]


async def test_word_of_what_is_critical_is_urgent_for_as_long_as_it_is(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [entry] = ops.entries.on_top()
        assert not entry.urgent
        ops.found["node.unusable"] = [finding("a", count=9, severity=Severity.CRITICAL)]
        await ops.look(30)
        [entry] = ops.entries.on_top()
        assert entry.urgent
        assert [each.urgent for each in ops.entries.below(entry) if each.broadcast] == [True]
        ops.found["node.unusable"] = []
        await ops.look(30)
        await ops.look(600)
        [entry] = ops.entries.on_top()
        assert not entry.urgent


async def test_a_worse_one_is_said_aloud_once(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        ops.found["node.unusable"] = [finding("a", count=9, severity=Severity.CRITICAL)]
        await ops.look(30)
        await ops.look(30)
        [entry] = ops.entries.on_top()
        aloud = [each for each in ops.entries.below(entry) if each.broadcast]
        assert [title(each) for each in aloud] == ["✖ critical now: pool a has 9 unusable nodes"]


async def test_a_restart_goes_on_with_the_same_messages(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        await ops.look(30)
        for number in range(4):
            await ops.restart()
            ops.found["node.unusable"] = [finding("a", count=number + 2)]
            await ops.look(30)
        assert ops.entries.titles() == ["▲ pool a has 5 unusable nodes"]
        await ops.restart()
        ops.found["node.unusable"] = []
        await ops.look(30)
        await ops.restart()
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(30)
        assert len(ops.entries.on_top()) == 1
        [history] = ops.entries.below(ops.entries.on_top()[0])
        assert history.version > 1  # a version never goes back, or it would not be delivered


async def test_a_look_that_cannot_be_stored_was_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        record = ops.store.record

        async def fails(batch: object) -> int:
            raise OSError("the disk is full")

        monkeypatch.setattr(ops.store, "record", fails)
        with pytest.raises(OSError, match="full"):
            await ops.look()
        assert ops.entries.written == {}
        monkeypatch.setattr(ops.store, "record", record)
        await ops.look(30)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]


async def test_acknowledged_is_shown_and_reminded_of(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [incident] = ops.alerts.incidents.open()
        await ops.alerts.acknowledge(incident.id, ME, timedelta(hours=1))
        [entry] = ops.entries.on_top()
        assert "acknowledged by somebody" in words(entry)
        assert "Acknowledge]" not in words(entry)
        await ops.wait(3599)
        assert [each for each in ops.entries.below(entry) if each.broadcast] == []
        await ops.wait(2)
        [reminder] = [each for each in ops.entries.below(entry) if each.broadcast]
        assert "still open after 1 h" in title(reminder)
        assert "somebody" in words(reminder)


async def test_what_stays_open_is_said_again_ever_more_seldom(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [entry] = ops.entries.on_top()
        said = []
        for _ in range(29):
            await ops.wait(3600)
            said.append(len([each for each in ops.entries.below(entry) if each.broadcast]))
        assert said[3] == 1 and said[2] == 0
        assert said[11] == 2 and said[10] == 1
        assert said[27] == 3 and said[26] == 2


async def test_snoozed_is_left_alone_until_it_is_over(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [incident] = ops.alerts.incidents.open()
        await ops.alerts.snooze(incident.id, ME, timedelta(hours=8))
        [entry] = ops.entries.on_top()
        assert "snoozed until 20:00" in words(entry)
        await ops.wait(8 * 3600 - 60)
        assert not [each for each in ops.entries.below(entry) if each.broadcast]
        await ops.wait(120)
        assert [title(each) for each in ops.entries.below(entry) if each.broadcast] == [
            "▲ the snooze is over, still open: pool a has 1 unusable nodes"
        ]
        ops.found["node.unusable"] = []
        await ops.look(1)
        assert card(ops.entries.on_top()[0]).mark.symbol == "✔"


async def test_acknowledging_what_is_not_there_says_so(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        assert await ops.alerts.acknowledge("nothing", ME) is None


async def test_every_conversation_hears_that_a_snooze_is_over(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.subscribe(Subscription(id="s2", conversation=Conversation("teams", "19:x", "channel")))
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [incident] = ops.alerts.incidents.open()
        await ops.alerts.acknowledge(incident.id, ME)
        await ops.alerts.snooze(incident.id, ME, timedelta(hours=2))
        await ops.wait(2 * 3600 + 1)
        for where in ("slack:C0OPS", "teams:19:x"):
            [entry] = ops.entries.on_top(where)
            [aloud] = [each for each in ops.entries.below(entry) if each.broadcast]
            assert "the snooze is over" in title(aloud)


async def test_what_fails_in_a_decision_does_not_end_the_deciding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as ops:
        failed, tick = [OSError("the disk is full"), ValueError("a fault of ours")], ops.alerts.tick
        slept: list[float] = []
        ticked = asyncio.Event()

        async def ticks() -> None:
            if failed:
                raise failed.pop()
            await tick()
            ticked.set()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        monkeypatch.setattr(ops.alerts, "tick", ticks)
        monkeypatch.setattr(ops.clock, "sleep", sleep)
        running = asyncio.create_task(ops.alerts.run())
        monkeypatch.setattr(ops.clock, "until", lambda *_: asyncio.sleep(0))
        await asyncio.wait_for(ticked.wait(), 5)
        running.cancel()
        assert slept == [5.0, 5.0], "and it does not fail all the time"


async def test_what_falls_due_is_done_when_it_is_due_and_the_wait_is_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        ops.found["node.unusable"].append(finding("b"))
        await ops.look(10)
        assert len(ops.entries.on_top()) == 1, "it is gathered with what may follow"
        waits: list[float] = []

        async def until(_: asyncio.Event, seconds: float) -> None:
            waits.append(seconds)
            if len(ops.entries.on_top()) == 2:
                raise asyncio.CancelledError
            ops.clock.at += timedelta(seconds=seconds)

        monkeypatch.setattr(ops.clock, "until", until)
        with pytest.raises(asyncio.CancelledError):
            await ops.alerts.run()
        assert waits[0] == 20, "as long as the group gathers"


async def test_all_of_a_look_is_stored_with_what_was_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transitions and positions, boots of nodes, and what goes into the black box: a field that is new, too."""
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("gpu-a")]
        stored: list[ChangeSet] = []

        async def record(changes: ChangeSet) -> int:
            stored.append(changes)
            return 0

        monkeypatch.setattr(ops.store, "record", record)
        fields = [name for name in ChangeSet.__struct_fields__ if name != "entries"]  # which deciding alone writes
        await ops.alerts.saw(scene(ops.clock.at), ChangeSet(**{name: [f"a row of {name}"] for name in fields}))
        [whole] = stored
        for name in fields:
            assert f"a row of {name}" in getattr(whole, name), name
        assert [each.name for each in whole.incidents if not isinstance(each, str)] == ["gpu-a"]
