"""The first era: requests, samples, what watching knows, alerts and messages."""

from __future__ import annotations

from sqlite_utils import Database

from storage.sqlite.migrations.registry import migrations
from storage.sqlite.renaming import rename_columns, rename_keys


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
