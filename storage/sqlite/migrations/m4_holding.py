"""The fourth era: buttons are bound to their message, rows that cannot be read are kept."""

from __future__ import annotations

from sqlite_utils import Database

from storage.sqlite.migrations.registry import migrations


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


@migrations()
def messages_that_go_first(db: Database) -> None:
    """Whether a message goes before others that wait; of those that wait already none does."""
    db.execute("ALTER TABLE outbox ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0")


@migrations()
def messages_that_may_be_repeats(db: Database) -> None:
    """Whether a message was posted though it may have been before: it says so as long as it stands."""
    db.execute("ALTER TABLE outbox ADD COLUMN repeated INTEGER NOT NULL DEFAULT 0")
