"""What becomes an event, and what does not; each judged by the parser of the CloudEvents project."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from bot.chat.request import Author
from bot.domain.findings import Severity
from bot.webhooks.events import CONTENT_TYPE
from bot.webhooks.settings import WebhookSettings
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.monitoring import Transition
from tests.alerting.alert_room import NOON, Room, finding, room, scene

PAGER = WebhookSettings(name="pager", url="https://pager.example.com", secret_env="K")
SOMEBODY = Author("slack:U1", "somebody")


def events(there: Room, webhook: str = "pager") -> list[dict[str, Any]]:
    """What was made for a webhook, in the order of the outbox."""
    found = []
    for entry in there.entries.written.values():
        if entry.destination == f"webhook:{webhook}":
            event = from_structured(HTTPMessage({"content-type": CONTENT_TYPE}, entry.card), JSONFormat())
            assert entry.id == f"{event.get_id()}@{webhook}"
            found.append({**event.get_attributes(), "data": event.get_data()})
    return found


def told(there: Room, webhook: str = "pager") -> list[str]:
    return [each["type"].removeprefix("batchbot.incident.") for each in events(there, webhook)]


async def test_an_incident_from_its_opening_to_its_end(tmp_path: Path) -> None:
    async with room(tmp_path, webhooks=[PAGER]) as there:
        found = there.found["node.unusable"] = [finding("gpu-a", figures=(("Nodes", "3"),), evidence="disk full")]
        await there.look()
        [first] = events(there)
        assert first["source"] == "/batchbot/accounts/render"
        assert first["subject"] == "pool/gpu-a"
        assert first["sequence"] == "00000001"
        data = first["data"]
        assert (data["alert"], data["state"], data["severity"]) == ("node.unusable", "open", "warning")
        assert data["entity"] == {"kind": "pool", "id": "gpu-a", "parent": ""}
        assert data["figures"] == {"Nodes": "3"}
        assert data["evidence"] == "disk full"
        await there.look(30)
        assert told(there) == ["opened"], "nothing has changed"
        await there.alerts.acknowledge(data["incident"], SOMEBODY)
        await there.alerts.unacknowledge(data["incident"], SOMEBODY)
        found[0] = finding("gpu-a", severity=Severity.CRITICAL)
        await there.look(30)
        found.clear()
        await there.look(30)
        assert told(there) == ["opened", "acknowledged", "unacknowledged", "changed", "resolved"]
        assert events(there)[1]["data"]["acknowledged_by"] == "somebody"
        last = events(there)[-1]["data"]
        assert (last["state"], last["severity"]) == ("resolved", "critical")
        assert last["resolved"].endswith("Z")
        found.append(finding("gpu-a"))
        await there.look(30)
        assert told(there)[-1] == "opened", "it came back"
        ids = [each["id"] for each in events(there)]
        assert len(set(ids)) == len(ids) == 6
        assert [each["sequence"] for each in events(there)] == [f"{number:08}" for number in range(1, 7)]
        assert {each["data"]["incident"] for each in events(there)} == {data["incident"]}


async def test_words_that_change_in_each_look_are_told_now_and_then(tmp_path: Path) -> None:
    async with room(tmp_path, webhooks=[PAGER]) as there:
        for count in range(1, 30):
            there.found["node.unusable"] = [finding("gpu-a", count=count)]
            await there.look(30)
        assert told(there) == ["opened", "changed", "changed"], "in a quarter of an hour"
        there.found["node.unusable"] = []
        await there.look(30)
        assert events(there)[-1]["data"]["headline"] == "pool gpu-a has 29 unusable nodes"


async def test_each_webhook_hears_what_it_asked_for(tmp_path: Path) -> None:
    bad = WebhookSettings(name="bad", url="https://a.example.com", secret_env="K", severity="critical")
    end = WebhookSettings(name="end", url="https://a.example.com", secret_env="K", events=["resolved"])
    jobs = WebhookSettings(name="jobs", url="https://a.example.com", secret_env="K", kinds=["job.*"], severity="info")
    other = WebhookSettings(name="other", url="https://a.example.com", secret_env="K", accounts=["film-*"])
    async with room(tmp_path, webhooks=[PAGER, bad, end, jobs, other]) as there:
        there.found["node.unusable"] = [finding("gpu-a")]
        there.found["job.completed"] = [finding("j1", kind="job", headline="job j1 is done", state="event")]
        await there.look()
        assert (told(there), told(there, "bad"), told(there, "jobs")) == (["opened"], [], ["news"])
        there.found["node.unusable"] = [finding("gpu-a", severity=Severity.CRITICAL)]
        await there.look(30)
        assert (told(there), told(there, "bad")) == (["opened", "changed"], ["opened"]), "to it, it begins now"
        there.found["node.unusable"] = []
        there.found["job.completed"] = []
        await there.look(30)
        assert (told(there)[-1], told(there, "bad")[-1], told(there, "end")) == ("resolved", "resolved", ["resolved"])
        assert told(there, "other") == []
        assert told(there, "jobs") == ["news"]


async def test_what_another_incident_explains_is_told_only_when_it_stands_alone(tmp_path: Path) -> None:
    async with room(tmp_path, webhooks=[PAGER]) as there:
        there.found["account.unreachable"] = [finding("render", kind="account", headline="account is down")]
        there.found["node.unusable"] = [finding("gpu-a"), finding("gpu-b")]
        await there.look()
        assert [each["subject"] for each in events(there)] == ["account/render"]
        there.found["account.unreachable"] = []
        there.found["node.unusable"] = [finding("gpu-a")]  # the other one ended with its cause
        await there.look(30)
        assert told(there) == ["opened", "resolved"]
        for _ in range(4):
            await there.look(30)
        assert [(each["subject"], each["type"]) for each in events(there)][2:] == [
            ("pool/gpu-a", "batchbot.incident.opened")
        ]


async def test_who_comes_later_hears_of_what_is_open_and_nobody_hears_twice(tmp_path: Path) -> None:
    async with room(tmp_path, webhooks=[PAGER]) as there:
        there.found["node.unusable"] = [finding("gpu-a")]
        await there.look()
        await there.restart()
        await there.look(30)
        assert told(there) == ["opened"], "a restart is no news"
        there.webhooks.append(WebhookSettings(name="late", url="https://b.example.com", secret_env="K"))
        await there.look(30)
        assert (told(there), told(there, "late")) == (["opened"], ["opened"])
        there.webhooks.clear()
        there.found["node.unusable"] = []
        await there.look(30)
        assert told(there, "late") == ["opened"], "nobody is told any more"


async def test_what_could_not_be_stored_is_told_with_the_same_number_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, webhooks=[PAGER]) as there:
        there.found["node.unusable"] = [finding("gpu-a")]
        real = there.store.record

        async def fails(changes: ChangeSet) -> int:
            raise StoreError("the disk is full")

        monkeypatch.setattr(there.store, "record", fails)
        with pytest.raises(StoreError):
            await there.look()
        assert events(there) == []
        monkeypatch.setattr(there.store, "record", real)
        await there.look(30)
        [only] = events(there)
        assert only["sequence"] == "00000001"
        [row] = await there.store.deliveries([f"{only['id']}@pager"])
        assert row.state == "open"


async def test_transitions_are_told_to_whoever_asks_each_once(tmp_path: Path) -> None:
    asks = WebhookSettings(name="all", url="https://a.example.com", secret_env="K", transitions=["node", "job"])
    async with room(tmp_path, webhooks=[PAGER, asks]) as there:
        seen = [
            Transition("render", "node", "gpu-a", "tvm-1", "idle", "unusable", NOON, '{"code":"DiskFull"}'),
            Transition("render", "pool", "", "gpu-a", "active", "deleting", NOON),
        ]
        for _ in range(2):
            await there.alerts.saw(scene(there.clock.at), ChangeSet(transitions=seen))
        assert told(there) == []
        [only] = events(there, "all")
        assert (only["type"], only["subject"]) == ("batchbot.transition.node", "node/gpu-a/tvm-1")
        assert only["time"] == NOON
        assert only["data"]["details"] == {"code": "DiskFull"}
        assert (only["data"]["before"], only["data"]["after"]) == ("idle", "unusable")
        later = Transition("render", "node", "gpu-a", "tvm-1", "unusable", "idle", NOON + timedelta(minutes=1))
        await there.alerts.saw(scene(there.clock.at), ChangeSet(transitions=[later]))
        assert len({each["id"] for each in events(there, "all")}) == 2
