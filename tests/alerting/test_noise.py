"""Grouping, digests, quiet hours, mutes, what explains what; and always how much is held back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.alerting.cards import Writer
from bot.alerting.model import Hours, Mute, Subscription
from bot.alerting.quiet_hours import quiet_until
from bot.alerting.rules import discover
from bot.chat.request import Conversation
from bot.domain.findings import CauseCount, Entity, Severity
from bot.monitor.scene import Example, JobView, Scene
from cards.slack.message import render as slack
from cards.teams.message import render as teams
from tests.alerting.alert_room import NOON, OPS, card, finding, room, tally, title, words
from tests.golden import check

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_what_follows_at_once_is_gathered_and_said_to_be_held_back(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        ops.found["node.unusable"] += [finding("b"), finding("c")]
        await ops.look(10)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        assert "2 more held back until 12:00" in words(ops.entries.on_top()[0])
        await ops.wait(21)
        assert len(ops.entries.on_top()) == 3
        assert "held back" not in words(ops.entries.on_top()[0])


async def test_much_at_once_is_one_digest_which_is_edited(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(40)]
        await ops.look()
        assert ops.entries.titles() == ["▲ 40 alerts: 40 × node.unusable"]
        assert "and 28 more, named in the replies" in words(ops.entries.on_top()[0])
        ops.found["node.unusable"] = ops.found["node.unusable"][:1]
        await ops.look(60)
        assert ops.entries.titles() == ["▲ 40 alerts: 40 × node.unusable · 39 resolved"]
        ops.found["node.unusable"] = []
        await ops.look(60)
        assert ops.entries.titles() == ["✔ 40 alerts: 40 × node.unusable · 40 resolved"]


async def test_each_alert_of_a_digest_is_named_in_a_reply_that_is_edited(tmp_path: Path) -> None:
    """Whatever the digest has room for: that something is over is found by name, and in an edit of one reply."""
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number:02}") for number in range(12)]
        await ops.look()
        [digest] = ops.entries.on_top()
        assert ops.entries.below(digest) == [], "it lists them all"
        ops.found["node.unusable"] += [finding(f"late-{number:02}") for number in range(38)]
        await ops.look(60)
        await ops.restart()
        first, second = ops.entries.below(digest)
        assert title(first) == "Each alert by name, 1 to 25"
        assert title(second) == "Each alert by name, 26 to 50"
        assert not first.broadcast
        assert [words(first).count(f"pool pool-{number:02} has") for number in range(12)] == [1] * 12
        assert [words(first).count(f"pool late-{number:02} has") for number in range(13)] == [1] * 13
        assert [words(second).count(f"pool late-{number:02} has") for number in range(13, 38)] == [1] * 25
        gone = ops.found["node.unusable"]
        ops.found["node.unusable"] = gone[:12] + gone[32:]  # late-00 to late-19: more ends than the digest has room for
        await ops.look(60)
        ends = "\n".join(line for each in ops.entries.below(digest) for line in words(each).splitlines())
        assert [bool(re.search(rf"resolved +pool late-{number:02} has", ends)) for number in range(38)] == [
            number < 20 for number in range(38)
        ]
        before = {each.id: each.version for each in ops.entries.below(digest)}
        ops.found["node.unusable"].pop()
        await ops.look(60)
        after = {each.id: each.version for each in ops.entries.below(digest)}
        assert [after[each] - before[each] for each in (first.id, second.id)] == [0, 1]
        ops.found["node.unusable"] = []
        await ops.look(60)
        await ops.wait(5 * 3600)
        await ops.look()
        assert [ops.alerts._state.entry(name) for name in (digest.id, first.id, second.id)] == [None] * 3


async def test_a_storm_of_one_cause_is_a_message_whatever_its_size(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        for failed in (40, 3_000, 10_000):
            ops.found["task.failed"] = [
                finding(
                    "j",
                    kind="job",
                    count=failed,
                    headline=f"job j: {failed} tasks failed",
                    causes=(tally("oom", failed),),
                )
            ]
            await ops.look(10)
        assert ops.entries.titles() == ["▲ job j: 10000 tasks failed"]


async def test_a_storm_over_many_jobs_names_its_causes(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        causes = [tally("killed (137), usually out of memory", 90), tally("DiskFull", 10), tally("exit code 2", 8)]
        ops.found["task.failed"] = [
            finding(f"j-{number}", kind="job", headline=f"job j-{number}: 108 tasks failed", causes=tuple(causes))
            for number in range(87)
        ]
        await ops.look()
        assert ops.entries.titles() == ["▲ 9,396 tasks failed in 87 jobs, 3 causes"]
        assert "7,830" in words(ops.entries.on_top()[0])
        assert "out of memory" in words(ops.entries.on_top()[0])


async def test_a_storm_of_one_exit_code_is_told_apart_by_what_was_printed(tmp_path: Path) -> None:
    lines = ("ValueError: no such frame 12", "ValueError: no such frame 7", "ConnectionError: 10.0.0.4:443 closed")
    async with room(tmp_path) as ops:
        ops.found["task.failed"] = [
            finding(
                f"j-{number}",
                kind="job",
                headline=f"job j-{number}: 10 tasks failed",
                causes=(CauseCount("exit code 1", 10, f"frame-{number}", lines[number % 3], "stderr.txt"),),
            )
            for number in range(9)
        ]
        await ops.look()
        assert ops.entries.titles() == ["▲ 90 tasks failed in 9 jobs, 2 causes"]
        told = words(ops.entries.on_top()[0])
        assert re.search(r"60 +exit code 1: ValueError: no such frame <n> ", told)
        assert re.search(r"30 +exit code 1: ConnectionError: <address> closed ", told)
        assert "what was printed is known of a few tasks a job" in told


async def test_an_incident_shows_what_failing_programs_printed(tmp_path: Path) -> None:
    view = JobView(
        "nightly:job-12",
        state="active",
        pool="gpu-a",
        active=0,
        running=4,
        succeeded=1786,
        failed=214,
        failures=214,
        failed_at=NOON,
        failing_since=NOON,
        causes={
            name: CauseCount(name, count, "frame-0020") for name, count in (("exit code 137", 198), ("exit code 1", 16))
        },
        examples={
            "exit code 137": (Example("frame-0021", "MemoryError: unable to allocate 3.1 GiB", "stderr.txt", 2),),
            "exit code 1": (
                Example("frame-0100", "ValueError: no such frame 100", "stderr.txt", 2),
                Example("frame-0103", "ConnectionError: 10.0.0.4:443 closed", "stdout.txt", 2),
            ),
        },
    )
    look = Scene(
        account="render", at=NOON, read=frozenset({"jobs", "tasks"}), pools={}, jobs={view.id: view}, schedules={}
    )
    async with room(tmp_path) as ops:
        ops.found["task.failed"] = list(discover()["task.failed"].judge(look))
        await ops.look()
        [entry] = ops.entries.on_top()
        assert "MemoryError: unable to allocate 3.1 GiB (stderr of frame-0021)" in words(entry)
        [incident] = ops.alerts.incidents.open()
        writer = Writer(discover(), lambda conversation: "UTC", several=False)
        check("alert-evidence", writer.incident(replace(incident, id="1a2b3c4d"), "slack:C0OPS"))


async def test_a_digest_that_lists_not_all_and_a_reply_that_names_them(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["job.failed"] = [
            finding(f"shot-{number:03}", kind="job", headline=f"job shot-{number:03} has failed: 3 of 40 tasks failed")
            for number in range(27)
        ]
        await ops.look()
        ops.found["job.failed"][2:] = ops.found["job.failed"][4:]
        await ops.look(60)
        [digest] = ops.entries.on_top()
        check("alert-digest-names", card(ops.entries.below(digest)[0]))
        known = sorted(ops.alerts.incidents.incidents(), key=lambda each: each.entity.id)
        named = [replace(each, id=f"{number:08x}") for number, each in enumerate(known)]  # ids are drawn
        writer = Writer(discover(), lambda conversation: "UTC", several=False)
        check("alert-digest", writer.digest(named, "slack:C0OPS"))
        for size in (1, 25):
            longest = [
                replace(incident, headline=f"job {'x' * 64} has failed: 12,345 of 50,000 tasks failed, " + '"&<" ' * 20)
                for incident in ops.alerts.incidents.incidents()[:size]
            ]
            most = writer.named(longest, "slack:C0OPS", 976)
            for render in (slack, teams):
                assert not [each for each in render(most).omitted if "row" in each or "column" in each]


async def test_a_hundred_causes_that_come_one_by_one_are_few_messages(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        found = ops.found.setdefault("task.failed", [])
        for number in range(100):
            found.append(
                finding(f"j-{number}", kind="job", headline=f"job j-{number} fails", causes=(tally(str(number), 1),))
            )
            await ops.look(6)
        await ops.wait(600)
        assert len(ops.entries.on_top()) <= 8


async def test_what_becomes_worse_in_a_digest_is_one_reply(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(30)]
        await ops.look()
        [digest] = ops.entries.on_top()
        for bad in (20, 25):
            ops.found["node.unusable"][:bad] = [
                finding(f"pool-{number}", count=9, severity=Severity.CRITICAL) for number in range(bad)
            ]
            await ops.look(60)
            await ops.restart()
        assert ops.entries.titles() == ["✖ 30 alerts: 30 × node.unusable"]
        [aloud] = [each for each in ops.entries.below(digest) if each.broadcast]
        assert aloud.version == 2
        assert title(aloud) == "✖ critical now: 25 of 30 alerts"


async def test_what_is_critical_and_joins_a_digest_is_said_aloud(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(5)]
        await ops.look()
        [digest] = ops.entries.on_top()
        ops.found["node.unusable"] += [finding(f"new-{number}") for number in range(5)]
        ops.found["pool.down"] = [finding("x", headline="pool x is down", cause="it has no nodes at all")]
        await ops.look(900)
        assert ops.entries.on_top()[0].version > digest.version
        assert [title(each) for each in ops.entries.below(digest)] == ["✖ critical now: pool x is down"]
        assert "it has no nodes at all" in words(ops.entries.below(digest)[0])


async def test_while_much_is_on_its_way_new_alerts_are_gathered(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        found = ops.found.setdefault("node.unusable", [])
        for number in range(96):
            ops.entries.waiting = len(ops.entries.on_top())  # the chat is out: nothing is delivered all day
            found.append(finding(f"pool-{number}"))
            if number % 3 == 0:
                found.clear()
            await ops.look(900)
        assert len(ops.entries.on_top()) <= 10


async def test_accounts_and_conversations_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.subscribe(Subscription(id="s2", conversation=Conversation("teams", "19:ops"), accounts="sim"))
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(account="render")
        await ops.look(1, account="sim")
        assert len(ops.entries.on_top()) == 2
        assert len(ops.entries.on_top("teams:19:ops")) == 1


async def test_two_subscriptions_of_a_conversation_tell_once(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.subscribe(Subscription(id="s2", conversation=OPS, entity="pool:a*"))
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        assert len(ops.entries.on_top()) == 1


async def test_a_blip_that_is_over_before_its_group_is_told_never_comes(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        ops.found["node.unusable"] += [finding("b")]
        await ops.look(5)
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(5)
        await ops.wait(60)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        assert "held back" not in words(ops.entries.on_top()[0])


async def test_quiet_hours_hold_back_and_the_morning_tells(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.set_hours("slack:C0OPS", Hours(begin=11 * 60, end=14 * 60))
        ops.found["node.unusable"] = [finding("a"), finding("b")]
        ops.found["job.failed"] = [finding("j", kind="job", headline="job j has failed", state="event")]
        await ops.look()
        ops.found["node.unusable"] = [finding("a")]
        ops.found["job.failed"] = []
        await ops.look(600)
        assert ops.entries.titles() == []
        await ops.restart()
        await ops.wait(2 * 3600)
        assert ops.entries.titles() == ["▲ 3 alerts while it was quiet · 1 resolved"]
        said = words(ops.entries.on_top()[0])
        assert "pool a" in said and "pool b" in said and "job j has failed" in said


async def test_what_was_over_before_a_restart_in_the_quiet_is_told_in_the_morning(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.set_hours("slack:C0OPS", Hours(zone="UTC", begin=11 * 60, end=18 * 60))
        ops.found["node.unusable"] = [finding("a"), finding("b")]
        await ops.look()
        ops.found["node.unusable"] = [finding("b")]
        await ops.look(60)
        await ops.wait(3 * 3600)
        await ops.restart()
        assert ops.entries.titles() == []
        await ops.wait(4 * 3600)
        assert ops.entries.titles() == ["▲ 2 alerts while it was quiet · 1 resolved"]


async def test_a_digest_goes_on_telling_all_of_it_after_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(6)]
        await ops.look()
        ops.found["node.unusable"] = [finding("pool-0")]
        await ops.look(60)
        await ops.wait(3 * 3600)
        await ops.restart()
        ops.found["node.unusable"] = []
        await ops.look(30)
        assert ops.entries.titles() == ["✔ 6 alerts: 6 × node.unusable · 6 resolved"]
        await ops.restart()
        assert [each for each in ops.alerts._state.notifications if each.over] == [], "it may take in more"
        await ops.wait(3600 + 60)
        await ops.look()
        await ops.restart()
        assert [each for each in ops.alerts._state.notifications if not each.over] == []


async def test_a_digest_of_which_all_is_over_goes_on_showing_it_with_what_joins_it(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(6)]
        await ops.look()
        ops.found["node.unusable"] = []
        await ops.look(60)
        await ops.wait(3 * 3600)
        await ops.restart()
        ops.found["node.unusable"] = [finding(f"more-{number}") for number in range(4)]
        await ops.look(30)
        assert ops.entries.titles() == ["▲ 10 alerts: 10 × node.unusable · 6 resolved"]


async def test_news_that_follows_news_is_a_message_of_its_own(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        for minutes, nodes in ((0, 4), (2, 0), (9, 3)):
            headline = f"pool a has {nodes} nodes after its resize"
            found = replace(finding("a", headline=headline, state="event"), since=NOON + minutes * MINUTE)
            ops.found["job.failed"] = [found]
            await ops.look(400)
            await ops.look(30)  # the transition is in the overlap and read once more
        assert ops.entries.titles() == [f"▲ pool a has {nodes} nodes after its resize" for nodes in (4, 0, 3)]


async def test_news_that_waited_for_its_group_is_told_with_what_followed_it(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("other")]
        await ops.look()
        for minutes, nodes in ((1, 4), (2, 0)):
            headline = f"pool a has {nodes} nodes after its resize"
            ops.found["job.failed"] = [
                replace(finding("a", headline=headline, state="event"), since=NOON + minutes * MINUTE)
            ]
            await ops.look(5)
        await ops.wait(60)
        assert ops.entries.titles()[1:] == [f"▲ pool a has {nodes} nodes after its resize" for nodes in (4, 0)]


async def test_a_full_digest_shows_what_ended_lately_and_the_latest_news(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number:02}") for number in range(20)]
        await ops.look()
        ops.found["node.unusable"].pop(13)
        await ops.look(3000)
        assert "resolved pool pool-13" in " ".join(words(ops.entries.on_top()[0]).replace("·", " ").split())
        ops.found["node.unusable"] = ops.found["node.unusable"][:2]
        await ops.look(3000)
        ops.found["job.failed"] = [
            finding(f"j-{number}", kind="job", headline=f"job j-{number} has failed", state="event")
            for number in range(9)
        ]
        await ops.look(3000)
        said = words(ops.entries.on_top()[0])
        assert [f"job j-{number} has failed" in said for number in range(9)] == [True] * 9
        assert [f"pool pool-0{number} has" in said for number in range(2)] == [True] * 2
        assert "and 17 more" in said


async def test_what_is_critical_breaks_the_quiet(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.set_hours("slack:C0OPS", Hours(begin=11 * 60, end=14 * 60))
        ops.found["pool.down"] = [finding("a", headline="pool a is down")]
        await ops.look()
        assert ops.entries.titles() == ["✖ pool a is down"]


async def test_what_becomes_critical_in_the_quiet_is_told_at_once(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.set_hours("slack:C0OPS", Hours(begin=11 * 60, end=14 * 60))
        ops.found["node.unusable"] = [finding("a"), finding("b")]
        await ops.look()
        assert ops.entries.titles() == []
        ops.found["node.unusable"] = [finding("a", severity=Severity.CRITICAL), finding("b")]
        await ops.look(60)
        assert ops.entries.titles() == ["✖ pool a has 1 unusable nodes"]
        assert "1 more held back (waiting for the end of the quiet hours)" in words(ops.entries.on_top()[0])


async def test_what_flaps_and_is_gone_just_now_is_not_told_until_it_stays(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.mute("slack:C0OPS", Mute(id="m1"))
        for flip in range(8):
            ops.found["node.unusable"] = [finding("a")] if flip % 2 == 0 else []
            await ops.look(30)
        [incident] = ops.alerts.incidents.open()
        await ops.alerts.unmute("slack:C0OPS", "m1")
        assert ops.entries.titles() == []
        assert [each.held for each in ops.alerts.incidents.waiting("slack:C0OPS")] == ["flapping"]
        ops.found["node.unusable"] = [finding("a")]
        await ops.look(30)
        assert ops.entries.titles() == []
        await ops.wait(600)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes · flapping, 4 times within an hour"]
        assert ops.alerts.incidents.incident(incident.id) is incident


async def test_a_mute_holds_back_what_fits_and_counts_it(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.mute("slack:C0OPS", Mute(id="m1", entity="pool:old-*", until=NOON + HOUR))
        ops.found["node.unusable"] = [finding("old-1"), finding("new")]
        await ops.look()
        assert ops.entries.titles() == ["▲ pool new has 1 unusable nodes"]
        assert "1 more held back (muted here)" in words(ops.entries.on_top()[0])
        await ops.wait(3602)
        assert "▲ pool old-1 has 1 unusable nodes" in ops.entries.titles()


async def test_a_mute_that_is_taken_back_tells_what_is_still_open(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.mute("slack:C0OPS", Mute(id="m1", kinds=("node.*",)))
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        assert ops.entries.titles() == []
        assert await ops.alerts.unmute("slack:C0OPS", "m1")
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        assert not await ops.alerts.unmute("slack:C0OPS", "m1")


async def test_a_pool_that_is_down_explains_its_jobs(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        pool = (Entity("pool", "a"),)
        ops.found["pool.down"] = [finding("a", headline="pool a is down")]
        ops.found["task.failed"] = [
            finding("j", kind="job", headline="job j: 4 tasks failed", related=pool),
            finding("k", kind="job", headline="job k: 4 tasks failed", related=(Entity("pool", "b"),)),
        ]
        await ops.look()
        assert sorted(ops.entries.titles()) == ["▲ job k: 4 tasks failed", "✖ pool a is down"]
        down = next(each for each in ops.entries.on_top() if "down" in title(each))
        assert "1 alert inhibited by this one" in words(down)
        ops.found["pool.down"] = []
        await ops.look(300)
        await ops.wait(60)
        assert "▲ job j: 4 tasks failed" not in ops.entries.titles()  # it gets a moment to end by itself
        await ops.wait(60)
        assert "▲ job j: 4 tasks failed" in ops.entries.titles()


async def test_an_account_that_cannot_be_read_explains_everything(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["account.unreachable"] = [finding("render", kind="account", headline="render does not answer")]
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        assert ops.entries.titles() == ["✖ render does not answer"]


async def test_reminders_wait_for_the_end_of_the_quiet(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        await ops.alerts.set_hours("slack:C0OPS", Hours(begin=15 * 60, end=20 * 60))
        await ops.wait(7 * 3600)
        [entry] = ops.entries.on_top()
        assert not [each for each in ops.entries.below(entry) if each.broadcast]
        await ops.wait(3700)
        assert len([each for each in ops.entries.below(entry) if each.broadcast]) == 1


NIGHT = Hours(zone="Europe/Berlin", begin=22 * 60, end=7 * 60)


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        (NIGHT, "2026-11-18T20:59:59+00:00", None),
        (NIGHT, "2026-11-18T21:00:00+00:00", "2026-11-19T06:00:00+00:00"),
        (NIGHT, "2026-11-19T05:59:59+00:00", "2026-11-19T06:00:00+00:00"),
        (NIGHT, "2026-11-19T06:00:00+00:00", None),
        # The night that the clocks go back is an hour longer, the one they go forward an hour shorter.
        (NIGHT, "2026-10-24T20:00:00+00:00", "2026-10-25T06:00:00+00:00"),
        (NIGHT, "2026-03-28T21:00:00+00:00", "2026-03-29T05:00:00+00:00"),
        # Quiet that begins at a time that the clock skips, or has twice.
        (Hours(zone="Europe/Berlin", begin=150, end=240), "2026-03-29T01:10:00+00:00", "2026-03-29T02:00:00+00:00"),
        (Hours(zone="Europe/Berlin", begin=150, end=240), "2026-10-25T01:45:00+00:00", "2026-10-25T03:00:00+00:00"),
        # Working days: Friday night to Monday morning.
        (
            Hours(zone="Europe/Berlin", begin=22 * 60, end=7 * 60, days=(0, 1, 2, 3, 4)),
            "2026-11-20T23:00:00+00:00",
            "2026-11-23T06:00:00+00:00",
        ),
        (Hours(days=(0, 1, 2, 3, 4)), "2026-11-21T12:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        (Hours(days=(0, 1, 2, 3, 4)), "2026-11-20T12:00:00+00:00", None),
        (Hours(begin=60, end=60), "2026-11-20T01:00:00+00:00", None),
    ],
)
def test_quiet_goes_by_the_clock_on_the_wall(hours: Hours, at: str, until: str | None) -> None:
    expected = datetime.fromisoformat(until) if until else None
    assert quiet_until(hours, datetime.fromisoformat(at)) == expected


def test_a_conversation_without_any_working_day_is_looked_at_again() -> None:
    end = quiet_until(Hours(days=()), datetime(2026, 11, 18, tzinfo=UTC))
    assert end is None  # no day is chosen: none is free either


def test_severity_has_an_order() -> None:
    assert Severity.CRITICAL.rank > Severity.WARNING.rank > Severity.INFO.rank
