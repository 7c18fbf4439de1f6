"""The program as its settings build it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.app import App
from bot.settings_file import check
from storage.port.changes import ChangeSet
from tests.storage.contract import NOON
from tests.storage.monitoring_contract import incident, transition

ACCOUNT = {"endpoint": "https://render.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}


async def test_what_is_kept_is_set(tmp_path: Path) -> None:
    raw = {
        "bot": {"database": str(tmp_path / "bot.db")},
        "accounts": {"render": ACCOUNT},
        "keep": {"transitions_days": 2, "incidents_days": 3, "counts_days": 4},
    }
    app = await App.open(check(raw, {}), {})
    ages = [NOON - timedelta(days=days) for days in range(9)]
    await app.store.record(
        ChangeSet(
            transitions=[transition("j", at) for at in ages],
            incidents=[incident(f"{at:%d}", at, open=False) for at in ages],
        )
    )
    await app.store.prune(NOON)
    assert len(await app.store.transitions("render")) == 3
    assert len(await app.store.incidents()) == 4
    assert len(await app.store.transition_counts("render", ages[-1], NOON + timedelta(days=1))) == 5
    await app.stop()
