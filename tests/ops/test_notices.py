"""What whoever runs the bot is told: once a day, and by the copy that has the duties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.ops.notices import Notices
from storage.port.errors import StoreError, StoreHeld
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import NOON, StillClock


@pytest.mark.parametrize(("error", "level"), [(StoreHeld("elsewhere"), "info"), (StoreError("full"), "error")])
async def test_what_another_copy_tells_is_no_error(
    error: StoreError, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore.open(tmp_path / "t.db")
    notices = Notices(store, StillClock(NOON), where="slack:C0OPS", zone="UTC")

    async def refused(_: Any) -> None:
        raise error

    try:
        with monkeypatch.context() as broken, capture_logs() as logged:
            broken.setattr(store, "record", refused)
            await notices.post("settings", "The settings file has mistakes.", ["bot.zone"])
        assert [each["log_level"] for each in logged if each["event"].startswith("notice.")] == [level]
        assert await store.undelivered() == []
        for _ in range(2):
            await notices.post("settings", "The settings file has mistakes.", ["bot.zone"])
        assert len(await store.undelivered()) == 1, "the same is told once a day"
    finally:
        await store.close()
