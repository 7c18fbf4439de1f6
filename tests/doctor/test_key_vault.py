"""What the doctor says of secrets that a key vault holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doctor.installation import installation
from tests.vaults import vault


async def test_each_secret_of_a_vault_is_a_line_and_what_it_holds_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        installation(tmp_path, monkeypatch) as here,
        vault(tmp_path, here.azure.tokens) as (kept, environment),
    ):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        soon = datetime.now(UTC) + timedelta(days=9, hours=1)
        kept.put("slack-bot-token", here.environment.pop("SLACK_BOT_TOKEN"), expires=soon)
        kept.put("slack-signing-secret", signing := here.environment["SLACK_SIGNING_SECRET"])
        here.raw["key_vault"] = {"url": kept.url, "credential": "managed_identity"}
        here.raw["key_vault.secrets"] = {
            "SLACK_BOT_TOKEN": "slack-bot-token",
            "SLACK_SIGNING_SECRET": "slack-signing-secret",
            "SLACK_BOTTOKEN": "slack-bot-token",
        }
        found, _ = await here.findings(probe=False)
        token = found["key vault: SLACK_BOT_TOKEN"]
        assert token["verdict"] == "look"
        assert token["found"] == f"“slack-bot-token” of {kept.url} is read, and expires on {soon:%Y-%m-%d}"
        assert "which goes before the vault" in found["key vault: SLACK_SIGNING_SECRET"]["found"]
        assert found["key vault: SLACK_BOTTOKEN"]["found"] == "no key of the settings names SLACK_BOTTOKEN"
        assert found["settings"]["verdict"] == found["slack: bot"]["verdict"] == "fine", "with the vault's token"

        del here.raw["key_vault.secrets"]["SLACK_BOTTOKEN"], here.environment["SLACK_SIGNING_SECRET"]
        text, _ = await here.doctor(probe=False)
        assert f"✔ key vault: SLACK_SIGNING_SECRET: “slack-signing-secret” of {kept.url} is read\n" in text
        assert signing not in text

        kept.access = "no role"
        text, code = await here.doctor(probe=False)
        assert code == 1
        assert text.count("✖ key vault: ") == 2
        assert (
            text.count(f"the bot may not read secrets of {kept.url}\n    → give it the role Key Vault Secrets User")
            == 2
        )
        assert "✖ settings" not in text, "nothing is said twice"
