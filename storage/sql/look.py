"""What a look at a database reads of it, whichever it is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Protocol

from storage.port.conversations import ConversationReference

_NEVER = datetime.min.replace(tzinfo=UTC)


class Readable(Protocol):
    """What is needed of a connection."""

    def execute(self, sql: str, values: Any = ..., /) -> Any:
        """One statement."""
        ...

    def table_names(self) -> Collection[str]:
        """Names of the tables there are."""
        ...


def conversations(db: Readable) -> tuple[ConversationReference, ...]:
    """All that are known; when each was seen last is left out."""
    if "conversations" not in db.table_names():
        return ()
    rows = db.execute("SELECT platform, id, body, reachable FROM conversations ORDER BY platform, id")
    return tuple(ConversationReference(name, id_, bytes(body), _NEVER, bool(there)) for name, id_, body, there in rows)


def owners(db: Readable, namespaces: Collection[str]) -> tuple[str, ...]:
    """Whose the preferences of these namespaces are, each once."""
    if "preferences" not in db.table_names():
        return ()
    marks = ", ".join("?" * len(namespaces))
    rows = db.execute(
        f"SELECT DISTINCT owner FROM preferences WHERE namespace IN ({marks}) ORDER BY owner",  # noqa: S608
        list(namespaces),
    )
    return tuple(owner for (owner,) in rows)
