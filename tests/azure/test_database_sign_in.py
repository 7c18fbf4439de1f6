"""The password of a PostgreSQL database, from a variable or from a file that is read anew at each connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.azure.database_sign_in import database_password
from bot.settings import BotSettings, SettingsError

BOT = BotSettings(database="postgresql://batchbot@database:5432/batchbot", database_password_env="DATABASE_PASSWORD")


def test_from_a_variable_or_its_file(tmp_path: Path) -> None:
    assert database_password(BotSettings(), {}) is None
    given = database_password(BOT, {"DATABASE_PASSWORD": " one \n"})
    assert given
    assert given() == "one"
    (file := tmp_path / "password").write_text("two\n", encoding="utf-8")
    given = database_password(BOT, {"DATABASE_PASSWORD_FILE": str(file)})
    assert given
    assert given() == "two"
    file.write_text("three\n", encoding="utf-8")
    assert given() == "three", "it was renewed"
    with pytest.raises(SettingsError, match="DATABASE_PASSWORD is missing"):
        database_password(BOT, {})
