"""The indexed state of alerting is held against scans of everything, after whatever happens to it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.alerting.incident_state import IncidentState, history_of, worse_of
from bot.alerting.lifecycle import BACK
from bot.alerting.messages import parts_of
from bot.alerting.model import Hours, Incident, Mute, Notification, Subscription
from bot.alerting.notification_index import NotificationIndex
from bot.alerting.routing import key_of
from bot.alerting.suppression import Suppression
from bot.chat.request import Author, Conversation
from bot.domain.findings import Entity, Severity
from tests.alerting.alert_room import NOON, Room, finding, room
from tests.thorough import few

STATES = {"node.unusable": "pool", "pool.down": "pool", "task.failed": "job", "job.failed": "job"}
DEV = Conversation("slack", "C0DEV")
ME = Author("slack:U1", "somebody")


def scanned(index: NotificationIndex) -> dict[str, object]:
    """What an index answers, found by looking at all notifications."""
    every = list(index)
    due = [each.due for each in every if each.due and not each.over]
    told: dict[str, set[str]] = {}
    waiting: dict[str, set[str]] = {}
    inhibited: dict[str, set[str]] = {}
    for each in every:
        if each.entry:
            told.setdefault(each.entry, set()).add(each.incident)
        if not each.entry and not each.over:
            waiting.setdefault(each.conversation, set()).add(each.incident)
        if each.held == "inhibited" and each.by and not each.over:
            inhibited.setdefault(each.by, set()).add(each.incident)
    return {
        "told": told,
        "live": {each.entry for each in every if each.entry and not each.over},
        "waiting": waiting,
        "inhibited": {by: len(held) for by, held in inhibited.items()},
        "next due": min(due, default=None),
    }


def indexed(index: NotificationIndex) -> dict[str, object]:
    """The same from the index."""
    every = list(index)
    told = {each.entry: {one.incident for one in index.members(each.entry)} for each in every if each.entry}
    waiting = {each.conversation: {one.incident for one in index.waiting(each.conversation)} for each in every}
    names = {each.by for each in every} | {each.incident for each in every}
    return {
        "told": told,
        "live": {entry for entry in told if index.live(entry)},
        "waiting": {where: incidents for where, incidents in waiting.items() if incidents},
        "inhibited": {name: index.inhibited_by(name) for name in names if index.inhibited_by(name)},
        "next due": index.next_due(),
    }


@pytest.mark.parametrize("seed", range(few(8, 20)))
def test_an_index_finds_what_a_scan_finds(seed: int) -> None:
    chance, index = random.Random(seed), NotificationIndex()
    accounts = {f"i{number}": f"account-{number % 2}" for number in range(12)}
    moments = [None, *(NOON + timedelta(minutes=minute) for minute in range(5))]
    for step in range(400):
        incident, where = chance.choice([*accounts]), f"slack:C{chance.randrange(3)}"
        if chance.random() < 0.05:
            empty = index.remove(incident, accounts[incident])
            assert all(not index.members(entry) for entry in empty)
        else:
            known = index.get(incident, where) or Notification(
                incident=incident, conversation=where, why="s", since=NOON
            )
            changed = replace(
                known,
                held=chance.choice(["", "quiet", "inhibited", "muted"]),
                by=chance.choice(["", "i0", "i1"]),
                due=chance.choice(moments),
                entry=chance.choice(["", known.entry, f"digest-{where}", f"{incident}-{where}"]),
                over=chance.random() < 0.2,
            )
            same = index.get(incident, where) == changed
            assert index.put(changed, accounts[incident]) is not same
        assert indexed(index) == scanned(index)
        now = NOON + timedelta(minutes=chance.randrange(6))
        due = [each for each in index if each.due and not each.over and each.due <= now]
        if step % 3 == 0:
            assert Counter(index.due(now)) == Counter(due)
        for account in accounts.values():
            group = [each for each in index if each.waiting and accounts[each.incident] == account]
            here = [each for each in group if each.conversation == where]
            assert Counter(index.waiting(where, account)) == Counter(here)


@pytest.mark.parametrize("seed", range(few(2, 6)))
async def test_a_state_is_what_a_scan_says_after_a_random_day(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with room(tmp_path) as ops:
        await ops.alerts.subscribe(Subscription(id="s2", conversation=DEV, kinds=("*",), severity=Severity.INFO))
        for _ in range(120):
            await happen(ops, chance)
            check_state(ops)
        for name in STATES:
            ops.found[name] = []
        await ops.look(60)
        await ops.wait(1500)
        check_state(ops)
        before = told(ops)
        await ops.restart()
        check_state(ops)
        assert told(ops) == before
        await ops.wait(30 * 3600)
        await ops.look(1)
        await ops.wait(4000)
        assert ops.alerts.incidents.open() == []
        assert list(ops.alerts._state.notifications) == [], "what is over is forgotten"
        assert ops.alerts._state._entries == {}


async def happen(ops: Room, chance: random.Random) -> None:
    """Something that people or the service may do."""
    what = chance.random()
    opened = ops.alerts.incidents.open()
    where = chance.choice(["slack:C0OPS", "slack:C0DEV"])
    if what < 0.6:
        for rule, kind in STATES.items():
            names = [f"e{number}" for number in range(8) if chance.random() < 0.4]
            ops.found[rule] = [
                finding(
                    name,
                    kind=kind,  # type: ignore[arg-type]
                    count=chance.randrange(1, 4),
                    severity=chance.choice([None, None, Severity.CRITICAL]),
                    related=(Entity("pool", chance.choice(["e0", "e1"])),),
                )
                for name in names
            ]
        await ops.look(chance.choice([1, 30, 60, 400]))
    elif what < 0.7:
        await ops.wait(chance.choice([30, 600, 7200]))
    elif what < 0.75:
        until = chance.choice([None, ops.clock.at + timedelta(minutes=20)])
        await ops.alerts.mute(where, Mute(id=f"m{chance.randrange(3)}", entity=f"e{chance.randrange(4)}", until=until))
    elif what < 0.8:
        await ops.alerts.unmute(where, f"m{chance.randrange(3)}")
    elif what < 0.85:
        begin = chance.randrange(24 * 60)
        hours = Hours(begin=begin, end=(begin + 300) % (24 * 60))
        await ops.alerts.set_hours(where, chance.choice([None, hours]))
    elif what < 0.9 and opened:
        await ops.alerts.acknowledge(chance.choice(opened).id, ME)
    elif what < 0.95 and opened:
        await ops.alerts.snooze(chance.choice(opened).id, ME, timedelta(minutes=30))
    else:
        await ops.restart()


def told(ops: Room) -> set[tuple[str, str, str]]:
    return {(each.incident, each.conversation, each.entry) for each in ops.alerts._state.notifications if each.entry}


def check_state(ops: Room) -> None:
    """Every index agrees with a scan, and nothing that waits would be judged otherwise by now."""
    state: IncidentState = ops.alerts._state
    incidents = {each.id: each for each in state.incidents()}
    assert indexed(state.notifications) == scanned(state.notifications)
    assert {each.id for each in state.open()} == {each.id for each in incidents.values() if each.open}
    for account in ("render", "other"):
        assert {each.id for each in state.open(account)} == {
            each.id for each in incidents.values() if each.open and each.account == account
        }
    newest: dict[str, Incident] = {}
    for each in sorted(incidents.values(), key=lambda each: each.opened):
        newest[each.fingerprint] = each
    for name, each in newest.items():  # one that a digest alone keeps cannot come back any more
        assert state.incident_of(name) is each or (not each.open and ops.clock.at - each.changed > BACK)
    assert set(state._open) | set(state._over) == set(incidents)
    entries = {each.entry for each in state.notifications if each.entry}
    replies = {reply(entry) for entry in entries for reply in (history_of, worse_of)}
    parts = {part for entry in entries for part in parts_of(entry, len(state.notifications.members(entry)))}
    assert entries | parts <= set(state._entries) <= entries | replies | parts, "each of a digest is named, and no more"
    assert {key_of(each.conversation) for each in state.subscriptions()} == set(state._conversations)
    suppression = Suppression(state, ops.alerts.kinds, ops.clock.at)
    for each in state.notifications:
        if each.waiting and (each.due is None or each.due > ops.clock.at):
            reason = suppression.reason_now(incidents[each.incident], each)
            assert each.held == (reason.held if reason else "grouping"), each
            if each.held == "inhibited" and reason:  # it is known whether its cause is gone
                assert (each.due is None) is (reason.until is None), each
