"""The SQLite schema, as migrations that run in order, each in a transaction of its own.

Moments are whole microseconds since 1970 (UTC), so that a datetime comes back as it went in; the starts of rollup
buckets are whole seconds. A migration that was released is never edited: add another one.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from storage.sqlite.audit_chain import chain_the_audit_trail
from storage.sqlite.renaming import rename_columns, rename_keys, rewrite

migrations = Migrations("batchbot")


class _Named(Protocol):
    name: str


@migrations()
def requests_and_conversations(db: Database) -> None:
    """The journal, the conversations and the store's own odds and ends."""
    db.table("meta").create({"name": str, "value": bytes}, pk="name", not_null={"value"}, strict=True)
    journal = db.table("journal").create(
        {"key": str, "body": bytes, "accepted": int, "state": str},
        pk="key",
        not_null={"body", "accepted", "state"},
        strict=True,
    )
    journal.create_index(["accepted"])
    db.table("conversations").create(
        {"platform": str, "id": str, "body": bytes, "seen": int, "reachable": int},
        pk=("platform", "id"),
        not_null={"body", "seen", "reachable"},
        strict=True,
    )
    pictures = db.table("pictures").create(
        {"key": str, "png": bytes, "expires": int}, pk="key", not_null={"png", "expires"}, strict=True
    )
    pictures.create_index(["expires"])


@migrations()
def samples_and_rollups(db: Database) -> None:
    """Cores over time.

    A series is one pool, or with an empty pool name the whole account, whose ``first`` and ``last`` sample are noted.
    Rows lie on disk in the order they are read (WITHOUT ROWID): 90 days are a matter of a millisecond.
    """
    series = db.table("series").create(
        {"id": int, "account": str, "pool": str, "first": int, "last": int},
        pk="id",
        not_null={"account", "pool"},
        strict=True,
    )
    series.create_index(["account", "pool"], unique=True)
    db.execute(
        """
        CREATE TABLE samples (
            series INTEGER NOT NULL REFERENCES series(id), at INTEGER NOT NULL, seconds REAL NOT NULL,
            busy REAL NOT NULL, total REAL NOT NULL, nodes INTEGER NOT NULL,
            PRIMARY KEY (series, at)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE rollups (
            step INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series(id), start INTEGER NOT NULL,
            busy REAL NOT NULL, total REAL NOT NULL, seconds REAL NOT NULL,
            PRIMARY KEY (step, series, start)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def prefs(db: Database) -> None:
    """What people keep by name, for a place or for themselves."""
    db.execute(
        """
        CREATE TABLE prefs (
            space TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (space, owner, name)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def lent_files(db: Database) -> None:
    """What is lent out by links is not only pictures: each has a media type and a name."""
    db.execute("ALTER TABLE pictures RENAME TO files")
    db.execute("ALTER TABLE files RENAME COLUMN png TO body")
    db.execute("ALTER TABLE files ADD COLUMN kind TEXT NOT NULL DEFAULT 'image/png'")
    db.execute("ALTER TABLE files ADD COLUMN name TEXT NOT NULL DEFAULT ''")


@migrations()
def transitions_and_what_is_known(db: Database) -> None:
    """Changes of state, how many an hour, and the state of an account over time.

    ``seq`` grows, so the rows that a transaction added are those above the highest before it. The key is stored once
    more in its index, and there is an index for every question: one entity, a name, a parent, a kind, all.
    """
    db.execute(
        """
        CREATE TABLE transitions (
            seq INTEGER PRIMARY KEY, account TEXT NOT NULL, entity TEXT NOT NULL, parent TEXT NOT NULL,
            id TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, at INTEGER NOT NULL, details TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE UNIQUE INDEX transitions_key ON transitions (account, entity, parent, id, at, after)")
    db.execute("CREATE INDEX transitions_id ON transitions (account, id, at)")
    db.execute("CREATE INDEX transitions_parent ON transitions (account, parent, at) WHERE parent <> ''")
    db.execute("CREATE INDEX transitions_entity ON transitions (account, entity, at)")
    db.execute("CREATE INDEX transitions_at ON transitions (account, at)")
    db.execute(
        """
        CREATE TABLE transition_hours (
            account TEXT NOT NULL, start INTEGER NOT NULL, entity TEXT NOT NULL, after TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (account, start, entity, after)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE cursors (
            account TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (account, stream)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE views (
            account TEXT NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (account, entity, id)
        ) STRICT
        """
    )


@migrations()
def incidents_and_notices(db: Database) -> None:
    """What is or was the matter, and how it stands in every conversation that was notified."""
    db.execute(
        """
        CREATE TABLE incidents (
            id TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
            entity TEXT NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL, open INTEGER NOT NULL,
            opened INTEGER NOT NULL, changed INTEGER NOT NULL, body BLOB NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX incidents_changed ON incidents (changed, id)")
    db.execute("CREATE INDEX incidents_account ON incidents (account, changed, id)")
    db.execute("CREATE INDEX incidents_open ON incidents (changed, id) WHERE open = 1")
    db.execute("CREATE INDEX incidents_resolved ON incidents (changed, id) WHERE open = 0")
    db.execute(
        """
        CREATE TABLE notices (
            incident TEXT NOT NULL, place TEXT NOT NULL, open INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (incident, place)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX notices_open ON notices (place, incident) WHERE open = 1")


@migrations()
def letters(db: Database) -> None:
    """Messages that are to be in a place, and how far each came. ``place`` is the key, ``address`` the encoded place.

    The index of undelivered ones is as small as what is under way, however many letters there are.
    """
    db.execute(
        """
        CREATE TABLE letters (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, place TEXT NOT NULL, address BLOB NOT NULL,
            card BLOB NOT NULL, version INTEGER NOT NULL, due INTEGER NOT NULL, under TEXT NOT NULL,
            loud INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'open', sent INTEGER NOT NULL DEFAULT 0,
            message TEXT NOT NULL DEFAULT '', channel TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
            first INTEGER, error TEXT NOT NULL DEFAULT ''
        ) STRICT
        """
    )
    db.execute(
        "CREATE INDEX letters_undelivered ON letters (due) "
        "WHERE state <> 'dead' AND (sent < version OR state = 'claimed')"
    )
    db.execute("CREATE INDEX letters_gone ON letters (place) WHERE state = 'gone'")
    db.execute("CREATE INDEX letters_under ON letters (under) WHERE under <> ''")
    db.execute("CREATE INDEX letters_due ON letters (due)")


# Until here the tables have the names of the first versions; the ones below give them those of today.


@migrations()
def outbox(db: Database) -> None:
    """Letters are the outbox. ``destination`` is the conversation's key, ``address`` the encoded conversation."""
    db.execute("ALTER TABLE letters RENAME TO outbox")
    rename_columns(
        db,
        "outbox",
        place="destination",
        due="not_before",
        under="reply_to",
        loud="broadcast",
        first="first_attempt",
    )
    for index in ("undelivered", "gone", "under", "due"):
        db.execute(f"DROP INDEX letters_{index}")
    db.execute(
        "CREATE INDEX outbox_undelivered ON outbox (not_before) "
        "WHERE state <> 'dead' AND (sent < version OR state = 'claimed')"
    )
    db.execute("CREATE INDEX outbox_gone ON outbox (destination) WHERE state = 'gone'")
    db.execute("CREATE INDEX outbox_reply_to ON outbox (reply_to) WHERE reply_to <> ''")
    db.execute("CREATE INDEX outbox_not_before ON outbox (not_before)")


@migrations()
def notifications(db: Database) -> None:
    """Notices are notifications; a place is a conversation, and a letter an outbox entry, in their bodies too."""
    db.execute("ALTER TABLE notices RENAME TO notifications")
    rename_columns(db, "notifications", place="conversation")
    db.execute("DROP INDEX notices_open")
    db.execute("CREATE INDEX notifications_open ON notifications (conversation, incident) WHERE open = 1")
    rename_keys(db, "notifications", "body", place="conversation", letter="entry")


@migrations()
def requests_name_their_conversation(db: Database) -> None:
    """An encoded request calls the place that it came from its conversation."""
    rename_keys(db, "journal", "body", place="conversation")


@migrations()
def preferences(db: Database) -> None:
    """Prefs are preferences in namespaces; the owner that was ``place:`` is ``conversation:``."""
    db.execute("ALTER TABLE prefs RENAME TO preferences")
    rename_columns(db, "preferences", space="namespace")
    db.execute(
        "UPDATE OR IGNORE preferences SET owner = 'conversation:' || substr(owner, length('place:') + 1) "
        "WHERE namespace IN ('account', 'query') AND owner LIKE 'place:%'"
    )
    rename_keys(db, "preferences", "value", where="namespace = 'subscription'", place="conversation")
    rename_keys(db, "preferences", "value", where="namespace = 'watch'", place="conversation", letter="entry")


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


@migrations()
def runs_of_jobs(db: Database) -> None:
    """What jobs that are over came to. Ids are in any case, as the service compares them."""
    db.execute(
        """
        CREATE TABLE job_runs (
            account TEXT NOT NULL, job TEXT NOT NULL COLLATE NOCASE, pool TEXT NOT NULL, started INTEGER NOT NULL,
            ended INTEGER NOT NULL, schedule TEXT NOT NULL COLLATE NOCASE, tasks INTEGER,
            failed INTEGER, retries INTEGER NOT NULL, queue REAL, core_seconds REAL, lost_core_seconds REAL,
            cost REAL, idle_cost REAL, currency TEXT NOT NULL, at_least INTEGER NOT NULL,
            waits BLOB NOT NULL, runtimes BLOB NOT NULL, read INTEGER,
            PRIMARY KEY (account, job, started)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX job_runs_schedule ON job_runs (account, schedule, ended)")
    db.execute("CREATE INDEX job_runs_account ON job_runs (account, ended)")
    db.execute("CREATE INDEX job_runs_ended ON job_runs (ended)")


_USES = (
    "dedicated_busy", "dedicated_starting", "dedicated_unused", "dedicated_waiting", "dedicated_broken",
    "dedicated_leaving", "dedicated_unknown", "spot_busy", "spot_starting", "spot_unused", "spot_waiting",
    "spot_broken", "spot_leaving", "spot_unknown",
)  # fmt: skip


@migrations()
def cores_by_what_they_did(db: Database) -> None:
    """Dedicated and spot cores apart, and why those that idled did; jobs; what pools were like.

    Nobody noted why older cores idled. They were dedicated as far as anybody knows: only raw samples say how many nodes
    were spot nodes, and share their cores by them. Tables are written anew in the order of their keys, which is several
    times faster than changing every row.
    """
    columns = ", ".join(f"{name} REAL NOT NULL DEFAULT 0" for name in _USES)
    db.execute(
        f"""
        CREATE TABLE new_samples (
            series INTEGER NOT NULL REFERENCES series(id), at INTEGER NOT NULL, seconds REAL NOT NULL,
            nodes INTEGER NOT NULL, spot_nodes INTEGER, waiting INTEGER, running INTEGER, succeeded INTEGER,
            failed INTEGER, jobs BLOB, {columns},
            PRIMARY KEY (series, at)
        ) STRICT, WITHOUT ROWID
        """
    )
    shared = "ifnull(spot, 0) * 1.0 / nodes"
    lent = {name: f"CASE WHEN nodes > 0 THEN {name} * {shared} ELSE 0 END" for name in ("busy", "(total - busy)")}
    db.execute(
        f"""
        INSERT INTO new_samples (
            series, at, seconds, nodes, spot_nodes, waiting, running, succeeded, failed,
            dedicated_busy, spot_busy, dedicated_unknown, spot_unknown
        )
        SELECT series, at, seconds, nodes, spot, waiting, running, succeeded, failed,
            {", ".join(f"{name} - {part}, {part}" for name, part in lent.items())}
        FROM samples ORDER BY series, at
        """  # noqa: S608 - our own names
    )
    db.execute(
        f"""
        CREATE TABLE new_rollups (
            step INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series(id), start INTEGER NOT NULL,
            {columns}, seconds REAL NOT NULL, at_most INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (step, series, start)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        INSERT INTO new_rollups (step, series, start, dedicated_busy, dedicated_unknown, seconds)
        SELECT step, series, start, busy, max(total - busy, 0), seconds FROM rollups ORDER BY step, series, start
        """
    )
    for table in ("samples", "rollups"):
        db.execute(f"DROP TABLE {table}")
        db.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    db.execute(
        """
        CREATE TABLE job_series (
            id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series(id), job TEXT NOT NULL,
            UNIQUE (series, job)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX job_series_job ON job_series (job)")
    db.execute(
        """
        CREATE TABLE job_rollups (
            step INTEGER NOT NULL, account INTEGER NOT NULL REFERENCES series(id), start INTEGER NOT NULL,
            job INTEGER NOT NULL, dedicated REAL NOT NULL, spot REAL NOT NULL,
            PRIMARY KEY (step, account, start, job)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE pool_eras (
            series INTEGER NOT NULL REFERENCES series(id), since INTEGER NOT NULL, vm_size TEXT NOT NULL,
            cores INTEGER NOT NULL, windows INTEGER NOT NULL, tags TEXT NOT NULL, slots INTEGER NOT NULL,
            PRIMARY KEY (series, since)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def list_prices_and_their_changes(db: Database) -> None:
    """List prices as they were read, each with its changes."""
    db.execute(
        """
        CREATE TABLE price_lists (
            region TEXT NOT NULL, currency TEXT NOT NULL, as_of INTEGER NOT NULL, PRIMARY KEY (region, currency)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE prices (
            region TEXT NOT NULL, currency TEXT NOT NULL, size TEXT NOT NULL, windows INTEGER NOT NULL,
            meter TEXT NOT NULL, since INTEGER NOT NULL, amount REAL,
            PRIMARY KEY (region, currency, size, windows, meter, since)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def the_bill(db: Database) -> None:
    """What Azure billed by day, pool and meter, what was corrected later, and how reading it went."""
    db.execute(
        """
        CREATE TABLE bill (
            account TEXT NOT NULL, day TEXT NOT NULL, basis TEXT NOT NULL, pool TEXT NOT NULL, resource TEXT NOT NULL,
            meter TEXT NOT NULL, category TEXT NOT NULL, subcategory TEXT NOT NULL, currency TEXT NOT NULL,
            amount REAL NOT NULL, quantity REAL NOT NULL, unit TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX bill_days ON bill (account, day)")
    db.execute("CREATE INDEX bill_old ON bill (day)")
    db.execute(
        """
        CREATE TABLE bill_corrections (
            account TEXT NOT NULL, day TEXT NOT NULL, basis TEXT NOT NULL, currency TEXT NOT NULL, at INTEGER NOT NULL,
            before REAL NOT NULL, after REAL NOT NULL, PRIMARY KEY (account, day, basis, currency, at)
        ) STRICT
        """
    )
    db.execute("CREATE TABLE bill_readings (account TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT")


@migrations()
def network_of_pools(db: Database) -> None:
    """What pools took in and sent out (GiB) from ``begin`` to ``at``, and the service's counters as they were then."""
    db.execute(
        """
        CREATE TABLE network (
            series INTEGER NOT NULL REFERENCES series(id), at INTEGER NOT NULL, begin INTEGER NOT NULL,
            read REAL NOT NULL, written REAL NOT NULL, began INTEGER NOT NULL, counted_read REAL NOT NULL,
            counted_written REAL NOT NULL,
            PRIMARY KEY (series, at)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def reports_of_money(db: Database) -> None:
    """Which reports were posted, what they advised, and unusual days with what was said of them."""
    db.execute(
        """
        CREATE TABLE report_posts (
            conversation TEXT NOT NULL, report TEXT NOT NULL, period TEXT NOT NULL, at INTEGER NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (conversation, report, period)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE advice (
            account TEXT NOT NULL, report TEXT NOT NULL, period TEXT NOT NULL, pool TEXT NOT NULL COLLATE NOCASE,
            at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (account, report, period, pool)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE anomalies (
            account TEXT NOT NULL, pool TEXT NOT NULL COLLATE NOCASE, day TEXT NOT NULL, found INTEGER NOT NULL,
            body BLOB NOT NULL, answer TEXT NOT NULL, reply BLOB NOT NULL, PRIMARY KEY (account, pool, day)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def how_long_nodes_took_to_boot(db: Database) -> None:
    """Times of nodes that booted. Ids are in any case, as the service compares them."""
    db.execute(
        """
        CREATE TABLE node_boots (
            account TEXT NOT NULL, pool TEXT NOT NULL COLLATE NOCASE, node TEXT NOT NULL, vm_size TEXT NOT NULL,
            spot INTEGER NOT NULL, allocated INTEGER NOT NULL, seconds REAL NOT NULL,
            PRIMARY KEY (account, pool, node, allocated)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX node_boots_account ON node_boots (account, allocated)")
    db.execute("CREATE INDEX node_boots_allocated ON node_boots (allocated)")


@migrations()
def messages_that_were_posted(db: Database) -> None:
    """Under which id a message was posted whose buttons were made before that was known."""
    db.execute(
        """
        CREATE TABLE posted_messages (
            slot TEXT NOT NULL PRIMARY KEY, conversation TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX posted_messages_at ON posted_messages (at)")


@migrations()
def rows_that_were_put_aside(db: Database) -> None:
    """Rows that could not be read, from all tables, as JSON; blobs in it are hexadecimal digits."""
    db.execute(
        """
        CREATE TABLE unreadable (
            id INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT
        """
    )


def unknown(db: Database) -> list[str]:
    """Migrations the file has seen and this program has not: it was written by a newer one."""
    known = {migration.name for migration in _registered()}
    return [migration.name for migration in migrations.applied(db) if migration.name not in known]


def _registered() -> list[_Named]:
    """Every migration there is: the ones that an empty database has pending."""
    empty = Database(memory=True)
    try:
        return list(migrations.pending(empty))
    finally:
        empty.close()
