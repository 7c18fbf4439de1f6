"""What wants a restart is named by its key, and every section is either swapped or named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.reloading import SWAPPED, SWAPPED_OF_BOT, told, wants_restart
from bot.settings import BotSettings, SettingsError
from bot.settings_file import Settings, check, load

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


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{a = " * 5_000, f"[{'.'.join(['a'] * 20_000)}]"])
def test_a_file_that_is_nested_without_end_is_a_mistake(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="nested more deeply"):
        load(file, {})


def test_of_very_many_mistakes_some_are_told() -> None:
    """They are posted in a chat, and stand in the status."""
    assert told(["a", "b"]) == ["a", "b"]
    many = told([f"k{number}: unknown key" for number in range(5_000)])
    assert (len(many), many[-1]) == (21, "and 4,980 more: batchbot check lists all")
