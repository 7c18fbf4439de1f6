"""Rows are written without secrets, and no method of the store is forgotten."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bot.content import clear_store
from bot.content.clear_store import EXACT, ClearStore, card_without_secrets, clearing, words_without_secrets
from cards.build import actions, bold, text
from cards.card import Button, Card, Code
from storage.port.audit import AuditEntry
from storage.port.changes import ChangeSet
from storage.port.live import LiveCard
from storage.port.monitoring import EntitySnapshot, Transition
from storage.port.outbox import OutboxEntry
from storage.port.store import Store
from storage.sqlite.store import SqliteStore
from tests.storage.monitoring_contract import incident

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "password=hunter2hunter2"
READS = frozenset(
    {
        "advice", "all_preferences", "anomalies", "approval", "approvals", "audit", "audit_head", "audit_noted",
        "audit_posted", "audit_rows", "audit_search", "bill", "bill_corrections", "bill_reading", "confirmation",
        "conversations", "cursors", "deliveries", "due_approvals", "file", "incident", "incidents", "job_runs",
        "known_range", "live_cards", "message", "network", "node_boots", "notifications", "operation", "operation_of",
        "operation_steps", "operations", "pool_eras", "preferences", "prices", "report_post", "report_posted_after",
        "sampled_range", "samples", "secret", "snapshots", "transition_counts", "transitions", "undelivered",
        "unfinished", "unsettled_incidents", "upload", "upload_ticket", "usage", "usage_by_job", "usage_by_pool",
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
    assert words_without_secrets(words) is words
    assert words_without_secrets(b"") == b""
    assert card_without_secrets(b"") == b""
    card = msgspec.json.encode(Card(title=text("a"), blocks=(Code("b"),)))
    assert card_without_secrets(card) == card


def test_names_that_rows_are_found_by_stay() -> None:
    """An id that looks like a token is the key of what is stored all the same."""
    token = "ghp_" + "a1B2c3D4" * 5
    body = msgspec.json.encode({"id": token, "account": "a", "headline": f"job {token} failed"})
    assert msgspec.json.decode(words_without_secrets(body)) == {
        "id": token,
        "account": "a",
        "headline": "job ghp_… failed",
    }


def test_the_module_says_what_stays_exact() -> None:
    assert all(len(why) > 5 for why in EXACT.values())
    assert clear_store.__doc__
