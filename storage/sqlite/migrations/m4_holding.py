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


@migrations()
def the_black_box(db: Database) -> None:
    """What failed tasks printed, and nodes in trouble. Ids are in any case, as the service compares them.

    Not in the order of its key: its bodies are long, and the index by age is what making room reads.
    """
    db.execute(
        """
        CREATE TABLE black_box (
            account TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL COLLATE NOCASE,
            name TEXT NOT NULL COLLATE NOCASE, at INTEGER NOT NULL, kept INTEGER NOT NULL, files INTEGER NOT NULL,
            owed INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (account, kind, parent, name, at)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX black_box_kept ON black_box (kept, size)")
    db.execute("CREATE INDEX black_box_owed ON black_box (account, kept) WHERE owed")


@migrations()
def what_was_recommended(db: Database) -> None:
    """Recommendations, what people answered, and when they were over."""
    db.execute(
        """
        CREATE TABLE recommendations (
            account TEXT NOT NULL, id TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, over INTEGER,
            loss REAL, saved REAL, state TEXT NOT NULL DEFAULT 'open', answered INTEGER,
            answered_by TEXT NOT NULL DEFAULT '', because TEXT NOT NULL DEFAULT '', until INTEGER, body BLOB NOT NULL,
            PRIMARY KEY (account, id)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX recommendations_last ON recommendations (last)")


@migrations()
def what_became_of_recommendations(db: Database) -> None:
    """Who did what was recommended, and with which command; and of jobs what runs took that lost their node."""
    db.execute("ALTER TABLE recommendations ADD COLUMN done_by TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE recommendations ADD COLUMN deed TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE job_runs ADD COLUMN requeued_core_seconds REAL")


@migrations()
def what_the_black_box_owes(db: Database) -> None:
    """The index of what is owed has its condition in the words of every database that knows no truth but 1."""
    db.execute("DROP INDEX black_box_owed")
    db.execute("CREATE INDEX black_box_owed ON black_box (account, kept) WHERE owed = 1")


@migrations()
def looks_that_wait(db: Database) -> None:
    """What a replica saw of an account, until another one has decided on it: of a file's one program there is none."""
    db.execute(
        """
        CREATE TABLE looks (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, body BLOB NOT NULL, found BLOB NOT NULL
        ) STRICT
        """
    )
