"""Rows are written without secrets, and no method of the store is forgotten."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.content import clear_store
from bot.content.clear_store import EXACT, ClearStore, clear_encoded, clear_encoded_card, clear_snapshot, clearing
from bot.monitor.scene import PoolView
from cards.build import actions, bold, text
from cards.card import Button, Card, Code
from storage.port.audit import AuditEntry
from storage.port.black_box import KeptFile, KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.live import LiveCard
from storage.port.monitoring import EntitySnapshot, Transition
from storage.port.outbox import OutboxEntry
from storage.port.store import Store
from storage.sqlite.store import SqliteStore
from tests.content.made_up import occurrences
from tests.storage.monitoring_contract import incident

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "password=hunter2hunter2"
READS = frozenset(
    {
        "advice", "all_preferences", "anomalies", "approval", "approvals", "audit", "audit_head", "audit_noted",
        "audit_posted", "audit_rows", "audit_search", "bill", "bill_corrections", "bill_reading",
        "confirmation", "conversations", "cursors", "deliveries", "due_approvals", "events_waiting", "file", "incident",
        "incidents", "job_runs", "kept_nodes", "kept_tasks", "known_range", "live_cards", "looks", "message", "network",
        "node_boots", "notifications", "operation", "operation_of", "operation_steps", "operations", "owed",
        "pool_eras", "preferences", "prices", "recommendations", "report_post", "report_posted_after",
        "sampled_range", "samples", "secret", "snapshots", "transition_counts", "transitions", "undelivered",
        "unfinished", "unsettled_incidents", "upload", "upload_ticket", "usage", "usage_by_job",
        "usage_by_pool", "usage_of_pools", "waiting",
    }
)  # fmt: skip
MARKS = frozenset(
    {
        "claim", "claim_operations", "claim_requests", "close", "delete_live", "delete_preference", "delivered",
        "destination_restored", "finish", "hold_operations", "hold_requests", "prune", "release_operations",
        "release_requests", "stop_operation", "use_confirmation",
    }
)  # fmt: skip
"""They write ids, states and times that the program or a platform made."""


def test_every_method_that_writes_clears_or_says_why_not() -> None:
    offered = {name for name in dir(Store) if not name.startswith("_")}
    clears = {name for name in vars(ClearStore) if not name.startswith("_")}
    parts = [READS, MARKS, EXACT.keys(), clears]
    assert offered - set().union(*parts) == set(), "does it write words? then ClearStore clears them"
    assert set().union(*parts) - offered == set(), "the store has them no more"
    assert sum(map(len, parts)) == len(offered), "each is of one kind"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


def rows(path: Path) -> str:
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(repr(row) for table in tables for row in db.execute(f'SELECT * FROM "{table}"'))


async def test_what_is_written_has_no_secret(path: Path) -> None:
    store = clearing(SqliteStore.open(path))
    card = msgspec.json.encode(
        Card(
            title=text(bold(f"Job a: {SECRET}")),
            blocks=(Code(SECRET), actions(Button("Again", f"task add a '{SECRET}'"), Button("Open", "job show a"))),
        )
    )
    words = msgspec.json.encode({"said": SECRET, "id": "a"})
    many = [OutboxEntry(f"e{n}", "slack:C", b"{}", card, 1, NOON) for n in range(20)]
    await store.record(
        ChangeSet(
            transitions=[Transition("a", "job", "", "j", "", "completed", NOON, words.decode())],
            snapshots=[EntitySnapshot("a", "job", "j", words)],
            incidents=[msgspec.structs.replace(incident("i", NOON), body=words)],
            entries=many,
        )
    )
    box = KeptTask("a", "j", "t", NOON, NOON, message=SECRET, line=SECRET, files=(KeptFile("stderr.txt", SECRET),))
    node = KeptNode("a", "p", "n", NOON, NOON, errors=(("DiskFull", SECRET),), start_message=SECRET)
    await store.record(ChangeSet(kept_tasks=[box], kept_nodes=[node]))
    await store.keep([replace(box, task="u")], [replace(node, node="m")])
    boxes = [*await store.kept_tasks("a", "j"), *await store.kept_nodes("a", "p")]
    assert len(boxes) == 4
    assert "hunter2" not in repr(boxes)
    assert repr(boxes).count("password=…") == 2 * 5
    await store.put_live(LiveCard("k", b"{}", "1.0", card, NOON))
    entry = AuditEntry(NOON, "c", "r", "slack:U", "T", "slack:C", "a", SECRET, SECRET, "change", "rule", "done", SECRET)
    await store.append_audit(entry)
    await store.attempt_failed("e0", "open", f"refused {SECRET}")
    await store.close()
    stored = rows(path)
    assert "hunter2" not in stored
    assert "job show a" in stored
    assert stored.count("password=") >= 26


def test_what_has_no_secret_is_stored_as_it_is() -> None:
    words = b'{"b": 1,  "a": [1.0]}'
    assert clear_encoded(words) is words
    assert clear_encoded(b"") == b""
    assert clear_encoded_card(b"") == b""
    card = msgspec.json.encode(Card(title=text("a"), blocks=(Code("b"),)))
    assert clear_encoded_card(card) == card


@pytest.mark.parametrize("table", ["secret_kinds", "secret_kinds_unseen"])
def test_no_secret_is_left_however_json_writes_it(table: str) -> None:
    """Behind an escaped tab, quote or line end a secret is as secret, and under a secret's name anything is."""
    for each in occurrences(table, 3):
        for row in (
            {"text": each.text},
            {"a": [{"b": each.text}]},
            {"apiToken": each.text},
            {"passwords": [each.text]},
        ):
            stored = clear_encoded(msgspec.json.encode(row))
            assert not each.left(stored.decode()), each
            assert not each.left(str(msgspec.json.decode(stored))), each


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({"password": "hunter2abc"}, {"password": "…"}),
        ({"name": "DB_PASSWORD", "value": "hunter2abc"}, {"name": "DB_PASSWORD", "value": "…"}),
        ({"a": [{"value": "hunter2abc", "name": "DB_PASSWORD"}]}, {"a": [{"value": "…", "name": "DB_PASSWORD"}]}),
        ({"header": "x-api-key", "value": "hunter2abc"}, {"header": "x-api-key", "value": "…"}),
        ({"passwords": ["hunter2abc", ""]}, {"passwords": ["…", ""]}),
        ({"password": 20261130, "keys": 4}, {"password": "…", "keys": 4}),
        ({"said": "a\tsetx DB_PASSWORD hunter2abc"}, {"said": "a\tsetx DB_PASSWORD …"}),
    ],
)
def test_a_value_is_hidden_by_its_name(row: dict[str, Any], kept: dict[str, Any]) -> None:
    assert msgspec.json.decode(clear_encoded(msgspec.json.encode(row))) == kept


@pytest.mark.parametrize(
    "row",
    [
        {"name": "password", "value": "", "pin": 12, "passwords": [], "password": None},
        {"name": "nightly", "value": "hunter2abc"},
        {"id": "reset-password", "state": "active", "text": 12},
        {"tokens": 12, "token_count": "12", "password": True},
    ],
)
def test_what_no_name_says_to_be_secret_stays(row: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(row)
    assert clear_encoded(encoded) is encoded


def test_what_is_no_json_is_cleared_as_a_text_or_left() -> None:
    assert clear_encoded(b"it said password=hunter2abc") == "it said password=…".encode()
    deep = b"[" * 100_000
    assert clear_encoded(deep) is deep
    assert clear_encoded(b"\xff\xfe frame") == b"\xff\xfe frame"


def test_a_snapshot_is_no_json_and_its_ids_stay() -> None:
    """A pool's id may look like a token: the snapshot of it can be read again."""
    token = "ghp_" + "a1B2c3D4" * 5
    view = PoolView(id=token, tags={"owner": "films", "api_token": "hunter2abc"}, since=NOON)
    body = msgspec.msgpack.encode(view)
    read = msgspec.msgpack.decode(clear_snapshot(body), type=PoolView)
    assert (read.id, read.since) == (token, NOON)
    assert read.tags == {"owner": "films", "api_token": "…"}
    plain = msgspec.msgpack.encode(PoolView(id=token, tags={"owner": "films"}, since=NOON))
    assert clear_snapshot(plain) is plain


async def test_much_is_cleared_off_the_event_loop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long enough to be noticed goes to a thread, whichever method writes it."""
    where: dict[str, set[bool]] = {}

    def noted(name: str, text: str) -> str:
        where.setdefault(name, set()).add(threading.current_thread() is threading.main_thread())
        return text

    monkeypatch.setattr(clear_store, "outgoing", lambda card: noted(card.title[0].text, "") or card)
    store = clearing(SqliteStore.open(path))
    for name, words in (("small", "a"), ("large", "frame 12 done " * 1000)):
        card = msgspec.json.encode(Card(title=text(name), blocks=(Code(words),)))
        await store.put_live(LiveCard("k", b"{}", "1.0", card, NOON))
        await store.record_outcome("k", card, AuditEntry(NOON, *["a"] * 8, "change", "rule", "done", ""))
        await store.end_operation("o", "h", "done", card, NOON)
        await store.record(ChangeSet(entries=[OutboxEntry(name, "slack:C", b"{}", card, 1, NOON)]))
    await store.close()
    assert where == {"small": {True}, "large": {False}}


def test_names_that_rows_are_found_by_stay() -> None:
    """An id that looks like a token is the key of what is stored all the same."""
    token = "ghp_" + "a1B2c3D4" * 5
    body = msgspec.json.encode({"id": token, "account": "a", "headline": f"job {token} failed"})
    assert msgspec.json.decode(clear_encoded(body)) == {
        "id": token,
        "account": "a",
        "headline": "job ghp_… failed",
    }


def test_the_module_says_what_stays_exact() -> None:
    assert all(len(why) > 5 for why in EXACT.values())
    assert clear_store.__doc__
