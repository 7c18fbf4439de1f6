"""The second era: what is operated and by whom, held requests, approvals, the audit trail."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from storage.sqlite.audit_chain import chain_the_audit_trail
from storage.sqlite.migrations.registry import migrations
from storage.sqlite.renaming import rename_columns, rewrite


@migrations()
def snapshots_rules_and_media_types(db: Database) -> None:
    """What was last known of an entity is its snapshot; incidents have a rule, files a media type."""
    db.execute("ALTER TABLE views RENAME TO snapshots")
    rename_columns(db, "incidents", kind="rule")
    rename_columns(db, "files", kind="media_type")


@migrations()
def live_cards(db: Database) -> None:
    """Messages whose card is edited until its answer is over: what a crash must not leave as if it lived."""
    db.execute(
        """
        CREATE TABLE live_cards (
            key TEXT NOT NULL PRIMARY KEY, request BLOB NOT NULL, message TEXT NOT NULL, card BLOB NOT NULL,
            at INTEGER NOT NULL, over INTEGER NOT NULL
        ) STRICT
        """
    )


@migrations()
def words_of_alerting(db: Database) -> None:
    """In the bodies of alerting, steps are actions, and what is over once it is reported is an event.

    A notification is held back because another alert inhibits it (it was ``silenced``); nothing is held back for being
    snoozed, which no version ever did.
    """
    rewrite(db, "incidents", _incident_in_words_of_alerting)
    rewrite(db, "notifications", _notification_in_words_of_alerting)


def _incident_in_words_of_alerting(body: dict[str, Any]) -> None:
    if body.get("state") == "told":
        body["state"] = "event"
    if "steps" in body and "actions" not in body:
        steps = body.pop("steps")
        body["actions"] = [{"changes" if key == "verb" else key: step[key] for key in step} for step in steps]


def _notification_in_words_of_alerting(body: dict[str, Any]) -> None:
    if "held" in body:
        body["held"] = {"silenced": "inhibited", "snoozed": ""}.get(body["held"], body["held"])


@migrations()
def requests_are_held_and_started(db: Database) -> None:
    """Who holds a request, whether its change was begun, and what came of it; confirmations; the audit trail.

    Requests that an older version left are held by nobody and were never started. The audit trail is append-only for
    whoever writes to the file by SQL too.
    """
    db.execute("UPDATE journal SET state = 'received' WHERE state = 'new'")
    db.execute("ALTER TABLE journal ADD COLUMN holder TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE journal ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE journal ADD COLUMN started INTEGER")
    db.execute("ALTER TABLE journal ADD COLUMN command TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE journal ADD COLUMN outcome BLOB NOT NULL DEFAULT x''")
    db.execute("CREATE INDEX journal_open ON journal (held_until) WHERE state IN ('received', 'started')")
    db.execute(
        """
        CREATE TABLE confirmations (
            id TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL, conversation TEXT NOT NULL, command TEXT NOT NULL,
            digest TEXT NOT NULL, expires INTEGER NOT NULL, used TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX confirmations_expires ON confirmations (expires)")
    db.execute(
        """
        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, correlation TEXT NOT NULL, request TEXT NOT NULL,
            person TEXT NOT NULL, home TEXT NOT NULL, conversation TEXT NOT NULL, account TEXT NOT NULL,
            command TEXT NOT NULL, target TEXT NOT NULL, effect TEXT NOT NULL, rule TEXT NOT NULL, result TEXT NOT NULL,
            details TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX audit_at ON audit (at)")
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )


@migrations()
def operations_and_their_steps(db: Database) -> None:
    """Changes of Azure that take several steps. ``number`` is the order in which steps were first noted."""
    db.execute(
        """
        CREATE TABLE operations (
            id TEXT PRIMARY KEY, request TEXT NOT NULL, workflow TEXT NOT NULL, account TEXT NOT NULL,
            target TEXT NOT NULL, arguments BLOB NOT NULL, act BLOB NOT NULL, started INTEGER NOT NULL,
            state TEXT NOT NULL, changed INTEGER, stopping INTEGER NOT NULL, outcome BLOB NOT NULL,
            holder TEXT NOT NULL, held_until INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX operations_request ON operations (request)")
    db.execute("CREATE INDEX operations_started ON operations (started)")
    db.execute("CREATE INDEX operations_running ON operations (held_until) WHERE state = 'running'")
    db.execute(
        """
        CREATE TABLE operation_steps (
            number INTEGER PRIMARY KEY, operation TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
            at INTEGER NOT NULL, result BLOB NOT NULL, UNIQUE (operation, name)
        ) STRICT
        """
    )


@migrations()
def uploads(db: Database) -> None:
    """What people attach or paste for a command, and the tickets of the page on which they upload it."""
    db.execute(
        """
        CREATE TABLE uploads (
            id TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL, conversation TEXT NOT NULL, name TEXT NOT NULL,
            body BLOB NOT NULL, expires INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX uploads_expires ON uploads (expires)")
    db.execute(
        """
        CREATE TABLE upload_tickets (
            id TEXT NOT NULL PRIMARY KEY, request BLOB NOT NULL, expires INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX upload_tickets_expires ON upload_tickets (expires)")


@migrations()
def tasks_of_samples(db: Database) -> None:
    """Spot nodes and tasks beside the cores of a sample; of older ones they are not known."""
    for name in ("spot", "waiting", "running", "succeeded", "failed"):
        db.execute(f"ALTER TABLE samples ADD COLUMN {name} INTEGER")


@migrations()
def approvals_and_the_chain_of_the_audit_trail(db: Database) -> None:
    """Approvals; what a confirmation showed and wants; and the audit trail as a chain of hashes."""
    db.execute(
        """
        CREATE TABLE approvals (
            id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, expires INTEGER NOT NULL, version INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX approvals_state ON approvals (state, expires, id)")
    for column in ("name TEXT", "reason INTEGER", "account TEXT", "target TEXT", "shown BLOB"):
        empty = {"TEXT": "''", "INTEGER": "0", "BLOB": "x''"}[column.split()[1]]
        db.execute(f"ALTER TABLE confirmations ADD COLUMN {column} NOT NULL DEFAULT {empty}")
    db.execute("ALTER TABLE confirmations ADD COLUMN asked INTEGER")
    for name in ("also", "how", "before", "after", "reason", "approval", "azure_request", "hash"):
        db.execute(f"ALTER TABLE audit ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
    chain_the_audit_trail(db)


@migrations()
def the_end_of_the_audit_trail(db: Database) -> None:
    """Where the audit trail ends, noted beside it."""
    row = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    if row:
        db.execute(
            "INSERT OR REPLACE INTO meta (name, value) VALUES ('audit:head', ?)", [f"{row[0]} {row[1]}".encode()]
        )


@migrations()
def what_has_ended_is_forgotten(db: Database) -> None:
    """What was typed and given for requests and operations that have ended goes, as it does for new ones by itself."""
    over = "state IN ('done', 'failed')"
    db.execute(
        f"UPDATE confirmations SET command = '', shown = x'' "  # noqa: S608
        f"WHERE used IN (SELECT key FROM journal WHERE {over})"
    )
    db.execute(f"UPDATE journal SET body = x'', command = '', outcome = x'' WHERE {over}")  # noqa: S608
    db.execute("UPDATE operations SET arguments = x'' WHERE state <> 'running'")
    for id_, act in db.execute(
        "SELECT id, act FROM operations WHERE state <> 'running' AND length(act) > 0"
    ).fetchall():
        kept = {**json.loads(act), **dict.fromkeys(("command", "before", "after", "reason", "typed"), "")}
        db.execute("UPDATE operations SET act = ? WHERE id = ?", [json.dumps(kept).encode(), id_])
