"""An event is kept and sent without secrets, whatever a program printed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from bot.content.clear_store import clearing
from bot.webhooks.events import EntityData, IncidentData, about_incident, entry_of
from storage.port.changes import ChangeSet
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


async def test_what_a_program_printed_is_cleared_and_all_else_is_as_it_was(tmp_path: Path) -> None:
    data = IncidentData(
        incident="3fa1c2d4",
        event="opened",
        account="render-prod",
        alert="task.failed",
        severity="warning",
        state="open",
        headline=f"job j1: password={SECRET}",
        entity=EntityData("job", "j1"),
        since=NOON,
        opened=NOON,
        evidence=f"GET https://x.blob.core.windows.net/in?sv=2024&sig={SECRET} failed",
        figures={"Exit code": "1"},
    )
    event = about_incident(data, 1, NOON)
    entry = entry_of(event, "pager", NOON)
    store = clearing(SqliteStore.open(tmp_path / "x.db"))
    await store.record(ChangeSet(entries=[entry]))
    [row] = await store.deliveries([entry.id])
    await store.close()
    before, after = json.loads(entry.card), json.loads(row.entry.card)
    assert SECRET not in row.entry.card.decode()
    for each in (before, after):
        del each["data"]["headline"], each["data"]["evidence"]
    assert before == after
