"""A channel has another id: everything that is kept for it goes with it, and nothing else does."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from storage.port.approvals import Copy
from storage.port.changes import ChangeSet
from storage.port.confirmations import Confirmation
from storage.port.conversations import ConversationReference
from storage.port.incidents import IncidentRow, NotificationRow
from storage.port.live import LiveCard
from storage.port.operations import OperationRow
from storage.port.outbox import OutboxEntry
from storage.port.reports import ReportPost
from storage.port.uploads import Upload, UploadTicket
from storage.sql import moving
from storage.sql.store import SqlStore
from tests.storage.conftest import Opener
from tests.storage.contract import approval, line
from tests.storage.looking import rows, tables

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
OLD, NEW = "C0OLDCHANNEL", "C0NEWCHANNEL"
TEAMS_OLD, TEAMS_NEW = "19:old@thread.tacv2", "19:new@thread.tacv2"


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


async def filled(store: SqlStore, platform: str, id_: str) -> None:
    """A row in every table that is kept for a conversation."""
    here = Conversation(platform, id_, name="ops", thread="1.2")
    key = here.key
    asked = CommandRequest(f"k {id_}", "pool list", Person(platform, "U1"), here, NOON)
    request = _encoded(asked)
    await store.put_conversation(ConversationReference(platform, id_, _encoded(here), NOON))
    await store.accept(asked.key, request, NOON, holder="one", until=NOON)
    await store.put_preference("account", f"conversation:{key}", "default", b'{"account":"a"}', NOON)
    await store.put_preference("subscription", key, "s1", _encoded({"conversation": here, "least": "warning"}), NOON)
    await store.put_preference("slack-pictures", id_, "1.2", b"{}", NOON)
    await store.record(
        ChangeSet(
            incidents=[IncidentRow(f"i {id_}", "f", "a", "r", "job", "", "j", True, NOON, NOON, b"{}")],
            notifications=[NotificationRow(f"i {id_}", key, True, _encoded({"conversation": key, "entry": "e"}))],
            entries=[OutboxEntry(f"e {id_}", key, _encoded(here), _encoded({"title": [f"about {id_}."]}), 1, NOON)],
        )
    )
    await store.claim(f"e {id_}", NOON)
    await store.delivered(f"e {id_}", 1, "1.2", id_)
    await store.put_live(LiveCard(f"l {id_}", request, "1.2", b"{}", NOON))
    await store.ask_confirmation(Confirmation(f"c {id_}", f"{platform}:U1", f"conversation:{key}", "x", "d", NOON))
    await store.put_upload(Upload(f"u {id_}", f"{platform}:U1", f"conversation:{key}", "f", b"content", NOON))
    await store.put_upload_ticket(UploadTicket(f"t {id_}", request, NOON))
    copies = (Copy(f"e {id_}", key, _encoded(here)),)
    whole = msgspec.structs.replace(approval(f"a {id_}"), request=request, question=request, copies=copies)
    await store.put_approval(whole, [])
    act = _encoded({"conversation": key, "command": "x"})
    await store.add_operation(OperationRow(f"o {id_}", asked.key, "w", "a", "t", b"{}", act, NOON), "one", NOON)
    await store.put_message(f"s {id_}", id_, "1.2", NOON)
    await store.post_report(ReportPost(key, "weekly:a", "2026-W47", NOON, b"{}"), [], None)


def _texts(where: str) -> Iterator[tuple[str, str]]:
    """Every value of every table, with its table; what is written in base 64 within a struct is read too."""
    for table in sorted(tables(where)):
        for row in rows(where, f"SELECT * FROM {table}"):
            for value in row:
                text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                yield table, text
                for inner in re.findall(r'"(ey[A-Za-z0-9+/=]{8,})"', text):
                    yield table, base64.b64decode(inner).decode()


@pytest.mark.parametrize(("platform", "old", "new"), [("slack", OLD, NEW), ("teams", TEAMS_OLD, TEAMS_NEW)])
async def test_everything_goes_with_the_channel(where: str, opened: Opener, platform: str, old: str, new: str) -> None:
    store = opened()
    await filled(store, platform, old)
    await filled(store, platform, "C0BYSTANDER")
    before = [each for each in _texts(where) if old not in each[1]]
    moved = Conversation(platform, new, name="ops")
    await store.move_conversation(ConversationReference(platform, new, _encoded(moved), NOON), old)
    left = {table for table, text in _texts(where) if f'"{old}"' in text or f'"{platform}:{old}"' in text}
    whole = {table for table, text in _texts(where) if text in moving.names(platform, old, new)}
    assert left == set()
    assert whole == {"conversations"}, "the old id is known, to say where it went"
    there = [table for table, text in _texts(where) if new in text]
    assert set(there) >= {*moving._COLUMNS, *moving._BODIES} - {"incidents"}
    assert set(before) - set(_texts(where)) == set(), "nothing else has changed"
    assert [each.entry.destination for each in await store.deliveries([f"e {old}"])] == [f"{platform}:{new}"]
    [row] = await store.deliveries([f"e {old}"])
    assert (row.channel, row.message) == (new, "1.2"), "messages are edited where they are"
    assert msgspec.json.decode(row.entry.card)["title"] == [f"about {old}."], "what was said stays as it was"
    found = {each.id: each for each in await store.conversations(platform)}
    assert (found[old].reachable, found[new].reachable) == (False, True)
    assert msgspec.json.decode(found[old].body)["id"] == new
    kept = await store.approval(f"a {old}")
    assert kept
    assert msgspec.json.decode(kept.request, type=CommandRequest).conversation.id == new
    await store.close()


async def test_what_the_new_id_has_already_stays(opened: Opener) -> None:
    store = opened()
    for id_, value in ((OLD, b'{"account":"old"}'), (NEW, b'{"account":"new"}')):
        await store.put_preference("account", f"conversation:slack:{id_}", "default", value, NOON)
    await store.put_preference("account", f"conversation:slack:{OLD}", "other", b"{}", NOON)
    await store.move_conversation(ConversationReference("slack", NEW, b"{}", NOON), OLD)
    kept = await store.preferences("account", f"conversation:slack:{NEW}")
    assert [(each.name, each.value) for each in kept] == [("default", b'{"account":"new"}'), ("other", b"{}")]
    assert await store.preferences("account", f"conversation:slack:{OLD}") == []
    await store.close()


async def test_what_cannot_be_read_stays_as_it_is(opened: Opener) -> None:
    store = opened()
    for name, value in (("a", f"{{{OLD}".encode()), ("b", f"\xff{OLD}".encode("latin-1")), ("c", b"")):
        await store.put_preference("subscription", f"slack:{OLD}", name, value, NOON)
    await store.move_conversation(ConversationReference("slack", NEW, b"{}", NOON), OLD)
    kept = await store.preferences("subscription", f"slack:{NEW}")
    assert [each.value for each in kept] == [f"{{{OLD}".encode(), f"\xff{OLD}".encode("latin-1"), b""]
    await store.close()


async def test_the_audit_trail_says_what_was_so(opened: Opener) -> None:
    store = opened()
    await store.append_audit(line("done"))
    await store.move_conversation(ConversationReference("slack", NEW, b"{}", NOON), "C1")
    assert [each.entry.conversation for each in await store.audit_rows()] == ["slack:C1"]
    await store.close()


async def test_every_table_that_names_a_conversation_is_moved(where: str, opened: Opener) -> None:
    """A table that is added later is found here: it has a row of a conversation, or says that it has none."""
    without = {
        *("meta", "files", "series", "samples", "rollups", "transitions"),
        *("transition_hours", "cursors", "snapshots", "operation_steps", "job_runs", "job_series", "job_rollups"),
        *("pool_eras", "price_lists", "prices", "bill", "bill_corrections", "bill_readings", "network", "advice"),
        *("anomalies", "node_boots", "black_box", "audit", "conversations", "incidents", "unreadable"),
        *("recommendations", "looks"),
    }
    await opened().close()
    assert tables(where) - without == {*moving._COLUMNS, *moving._BODIES} - {"incidents"}
