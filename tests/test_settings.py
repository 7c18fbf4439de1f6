"""Settings: every mistake in one clear line, secrets from the environment only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Secret, SettingsError
from bot.settings_file import check, load

ACCOUNT = {"endpoint": "https://render.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}


def account(**more: object) -> dict[str, Any]:
    return {"accounts": {"render": {**ACCOUNT, **more}}}


def test_the_least_there_can_be() -> None:
    settings = check(account(), {})
    assert settings.accounts["render"].batch_name == "render"
    assert settings.accounts["render"].location == "westeurope"
    assert settings.bot.poll_seconds == 60


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({}, "accounts: is missing: add it"),
        ({"accounts": {}}, "accounts: none is given"),
        ({**account(), "bto": {}}, "bto: unknown key: did you mean bot?"),
        ({**account(), "bot": {"lissten": "x"}}, "bot.lissten: unknown key: did you mean listen?"),
        (account(endpont="x"), "accounts.render.endpont: unknown key: did you mean endpoint?"),
        (account(endpoint="ftp://x"), "accounts.render.endpoint: 'ftp://x' is no address"),
        (account(endpoint="http://batch.example.com"), "http is allowed on this machine (loopback) only"),
        (account(endpoint="https://user:pass@x.com"), "no user, query or fragment"),
        (account(arm_endpoint="https://["), "accounts.render.arm_endpoint: 'https://[' is no address"),
        (account(credential="password"), "accounts.*.credential: Invalid enum value 'password'"),
        (account(credential="shared_key"), "accounts.render.key_env: is empty"),
        (account(credential="shared_key", key_env="K"), "environment variable K is missing or empty"),
        ({**account(), "bot": {"zone": "Mars/Base"}}, "bot.zone: 'Mars/Base' is no IANA time zone"),
        ({**account(), "bot": {"listen": "8080"}}, "bot.listen: '8080' is not HOST:PORT"),
        ({**account(), "bot": {"currency": "euro"}}, "bot.currency: 'euro' is no currency: write its three letters"),
        ({**account(), "bot": {"prices_url": "http://a.example"}}, "bot.prices_url: http is allowed on this machine"),
        ({**account(), "bot": {"prices_url": "prices"}}, "bot.prices_url: 'prices' is no address"),
        ({**account(), "bot": {"poll_seconds": 1}}, "bot.poll_seconds: Expected `int` >= 5"),
        ({**account(), "keep": {"transitions_days": 0}}, "keep.transitions_days: Expected `int` >= 1"),
        (
            {**account(), "alerts": {"channels": ["#ops"]}},
            "alerts.channels: '#ops' is no channel: write the channel's id",
        ),
        ({**account(), "alerts": {"channels": ["sms:1"]}}, "such as slack:C012AB3CD or teams:19:…"),
        (
            {**account(), "access": {"admins": ["U012AB3CD"]}},
            "access.admins: 'U012AB3CD' is no id: write PLATFORM:ID",
        ),
        ({**account(), "access": {"viewers": ["sms:1"]}}, "access.viewers: 'sms:1' is no id"),
        ({**account(), "access": {"operators": ["slack:"]}}, "access.operators: 'slack:' is no id"),
        ({**account(), "platforms": {}}, "platforms: unknown key: "),
        ({**account(), "slack": 1}, "slack: Expected `object`, got `int`"),
        ({**account(), "alerts": {"repeat": 5}}, "alerts.repeat: Expected `int` >= 60"),
        ({**account(), "slack": {}}, "slack.bot_token_env: environment variable SLACK_BOT_TOKEN is missing"),
        ({**account(), "slack": {"mode": "socket"}}, "slack.app_token_env: environment variable SLACK_APP_TOKEN"),
        ({**account(), "teams": {"app_id": " ", "tenant_id": "t"}}, "would switch authentication off"),
        ({**account(), "teams": {"app_id": "a", "tenant_id": "t"}}, "bot.public_url: is missing"),
        ({**account(), "teams": {"tenant_id": "t"}}, "teams.app_id: is missing: add it"),
    ],
)
def test_each_mistake_is_one_line_that_says_what_to_do(raw: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(raw, {})
    assert any(line in told for told in caught.value.lines), caught.value.lines
    assert all("\n" not in told for told in caught.value.lines)


def test_prices_may_come_from_this_machine_or_not_at_all() -> None:
    for url in ("", "http://127.0.0.1:9000/api/retail/prices"):
        assert check({**account(), "bot": {"prices_url": url}}, {}).bot.prices_url == url


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        check({**account(endpoint="ftp://x"), "bot": {"zone": "Mars"}, "slack": {}}, {})
    assert len(caught.value.lines) == 4


def test_a_value_of_a_wrong_type_does_not_hide_those_of_other_sections() -> None:
    with pytest.raises(SettingsError) as caught:
        check({**account(credential="x"), "bot": {"poll_seconds": 1}, "teams": {"app_id": 1, "tenant_id": "t"}}, {})
    assert [line.partition(":")[0] for line in caught.value.lines] == [
        "accounts.*.credential",
        "bot.poll_seconds",
        "teams.app_id",
    ]


def test_settings_are_read_without_the_clients_of_the_platforms() -> None:
    clients = "{'slack_bolt', 'slack_sdk', 'botbuilder', 'botframework'}"
    code = f"import sys, bot.cli, bot.tools.reference; sys.exit(bool({clients} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_secret_does_not_print() -> None:
    assert "hush" not in f"{Secret('hush')} {Secret('hush')!r}"


@pytest.mark.parametrize("text", ["accounts = ", "\x00", "[accounts.render]\nendpoint = 1"])
def test_a_broken_file_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "batchbot.toml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        load(path, {})


def test_the_command_line_exits_2_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "batchbot.toml"
    path.write_text("[bot]\nlissten = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run", "--settings", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "batchbot: bot.lissten: unknown key: did you mean listen?\n"
    missing = subprocess.run(
        [sys.executable, "-m", "bot", "run", "--settings", str(tmp_path / "none.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert missing.returncode == 2
    assert "no such file" in missing.stderr


def test_a_key_goes_on_working_under_its_older_name() -> None:
    assert check({**account(), "alerts": {"places": ["slack:C012AB3CD"]}}, {}).alerts.channels == ["slack:C012AB3CD"]
