"""Who takes care of alerts: said first, taken back, for a whole digest, and who is on call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.alerting.cards import Writer
from bot.alerting.model import Hours, Incident
from bot.alerting.rules import discover
from bot.chat.request import Author
from bot.domain.findings import Entity, Severity
from cards.card import Card
from cards.slack.message import render as slack
from cards.teams.message import render as teams
from cards.text import render as as_text
from tests.alerting.alert_room import finding, room, title, words
from tests.golden import check

VERA = Author("slack:U0VERA", "Vera")


async def test_a_digest_is_acknowledged_as_a_whole_and_says_by_whom(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(6)]
        await ops.look()
        opened = ops.alerts.incidents.open()
        for each in opened[:2]:
            await ops.alerts.acknowledge(each.id, VERA)
        assert ops.entries.titles() == ["▲ 6 alerts: 6 × node.unusable · 2 of 6 acknowledged"]
        notification = ops.alerts.incidents.notifications_of(opened[0].id)[0]
        assert {each.incident for each in ops.alerts.incidents.together(notification)} == {each.id for each in opened}
        for each in opened[2:]:
            await ops.alerts.acknowledge(each.id, VERA)
        assert ops.entries.titles() == ["▲ 6 alerts: 6 × node.unusable · acknowledged by Vera"]
        assert "Unacknowledge all" in words(ops.entries.on_top()[0])
        await ops.restart()
        for each in opened:
            await ops.alerts.unacknowledge(each.id, VERA)
        assert ops.entries.titles() == ["▲ 6 alerts: 6 × node.unusable"]


async def test_what_is_acknowledged_or_snoozed_says_so_first_and_both_are_taken_back(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [one] = ops.alerts.incidents.open()
        await ops.alerts.acknowledge(one.id, VERA)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes · acknowledged by Vera"]
        await ops.alerts.unacknowledge(one.id, VERA)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        assert one.remind is None
        until = await ops.alerts.snooze(one.id, VERA, timedelta(hours=2))
        assert until is not None and until.snoozed is not None
        assert f"snoozed until {until.snoozed:%H:%M}" in words(ops.entries.on_top()[0]).splitlines()[0]
        before = len(ops.entries.below(ops.entries.on_top()[0]))
        await ops.alerts.unsnooze(one.id, VERA)
        assert ops.entries.titles() == ["▲ pool a has 1 unusable nodes"]
        await ops.wait(3 * 3600)
        below = ops.entries.below(ops.entries.on_top()[0])
        assert not [each for each in below[before:] if "the snooze is over" in title(each)]
        assert [event.what for event in one.history][1:] == [
            "acknowledged by Vera", "acknowledgement taken back by Vera", "snoozed by Vera", "snooze ended by Vera",
        ]  # fmt: skip


@pytest.mark.parametrize(("channel", "who"), [("slack:C0OPS", "slack:S0ONCALL"), ("teams:19:ops", "teams:29:1abc")])
def test_who_is_on_call_is_mentioned_until_somebody_acknowledges(channel: str, who: str) -> None:
    writer = Writer(discover(), lambda conversation: "UTC", several=False, on_call={channel: who})
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    known = Incident(
        id="1a2b3c4d", fingerprint="f", account="a", kind="node.unusable", entity=Entity("pool", "a"), state="open",
        severity=Severity.CRITICAL, headline="pool a has 9 unusable nodes", since=at, seen=at, opened=at, changed=at,
    )  # fmt: skip
    told = [writer.incident(known, channel), writer.digest([known], channel), writer.note(known, channel, "worse", at)]
    for card in told:
        on_slack, on_teams = json.dumps(slack(card).payload), teams(card).payload
        if channel.startswith("slack"):
            assert '"usergroup_id": "S0ONCALL"' in on_slack or "<!subteam^S0ONCALL>" in on_slack
            assert "entities" not in on_teams["msteams"]  # type: ignore[operator]
        else:
            [entity] = on_teams["msteams"]["entities"]  # type: ignore[index]
            assert entity["mentioned"] == {"id": "29:1abc", "name": "on call"}
            assert entity["text"] in json.dumps(on_teams["body"])
            assert "S0ONCALL" not in on_slack
    check(f"alert-on-call-{channel.partition(':')[0]}", told[0])
    taken = replace(known, acknowledged=VERA, acknowledged_at=at)
    assert "on call" not in words_of(writer.incident(taken, channel)).lower()
    assert "on call" not in words_of(writer.incident(known, "slack:C0OTHER")).lower()
    assert "on call" not in words_of(writer.incident(replace(known, severity=Severity.WARNING), channel)).lower()


def words_of(card: Card) -> str:
    return str(as_text(card).payload["text"])


async def test_a_personal_chat_has_the_clock_of_its_person_and_a_channel_its_own(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        await ops.alerts.learn_zone("slack:D1", "Asia/Tokyo")
        await ops.alerts.learn_zone("slack:D2", "Nowhere/Land")
        for _ in range(2):
            assert ops.alerts.zone_of("slack:D1") == ops.alerts.writer.zone_of("slack:D1") == "Asia/Tokyo"
            assert ops.alerts.zone_of("slack:D2") == ops.alerts.zone_of("slack:C1") == "UTC"
            await ops.restart()
        await ops.alerts.set_hours("slack:C1", Hours(zone="Europe/Berlin"))
        assert ops.alerts.zone_of("slack:C1") == "Europe/Berlin"


@pytest.mark.parametrize("state", ["open", "event", "resolved"])
def test_what_stays_has_the_time_and_no_age(state: str) -> None:
    writer = Writer(discover(), lambda conversation: "UTC", several=False)
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    known = Incident(
        id="1a2b3c4d", fingerprint="f", account="a", kind="job.completed", entity=Entity("job", "a"), state=state,  # type: ignore[arg-type]
        severity=Severity.INFO, headline="job a is done", since=at, seen=at + timedelta(seconds=3), opened=at,
        changed=at, resolved=at if state == "resolved" else None,
    )  # fmt: skip
    said = words_of(writer.incident(known, "slack:C1"))
    assert ("3 s ago" in said) is (state == "open")
    assert "12:00" in said
