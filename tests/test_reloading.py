"""What wants a restart is named by its key, and every section is either swapped or named."""

from __future__ import annotations

from typing import Any

from bot.reloading import SWAPPED, SWAPPED_OF_BOT, wants_restart
from bot.settings import BotSettings
from bot.settings_file import Settings, check

BASE: dict[str, Any] = {
    "accounts": {
        "render": {
            "endpoint": "https://render.northcentralus.batch.azure.com",
            "subscription": "1b8cf09e-3b5c-4a8e-9d5c-0d0a5b1e9d11",
            "resource_group": "render",
        }
    },
    "bot": {"zone": "UTC"},
}


def _settings(**more: Any) -> Settings:
    return check({**BASE, **more}, {}, use="read")


def test_each_key_that_differs_is_named() -> None:
    other = {**BASE["accounts"]["render"], "region": "uksouth"}
    new = _settings(
        accounts={"render": other, "film": {**other, "endpoint": "https://film.uksouth.batch.azure.com"}},
        bot={"zone": "Europe/Berlin", "log_level": "debug"},
        watch={"poll_seconds": 60},
        slack={"mode": "socket"},
        access={"everyone": "none"},
    )
    found = [each for each in wants_restart(_settings(), new) if each not in SWAPPED]
    told = ["accounts.render.region", "accounts.film", "bot.zone", "bot.log_level", "slack", "watch.poll_seconds"]
    assert [each for each in found if not each.startswith("access")] == told
    assert [*wants_restart(new, new)] == []


def test_what_is_swapped_is_there() -> None:
    assert set(SWAPPED) < set(Settings.__struct_fields__)
    assert set(SWAPPED_OF_BOT) < set(BotSettings.__struct_fields__)
    rest = set(Settings.__struct_fields__) - set(SWAPPED)
    assert rest == {"accounts", "bot", "platforms", "watch", "keep", "prices", "audit", "reports", "telemetry"}
