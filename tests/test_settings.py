"""Settings: every mistake in one clear line, secrets from the environment or a file that it names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.secrets import Secret, secret
from bot.settings import SettingsError
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
        ({}, "accounts: is missing: add a table"),
        ({"accounts": {}}, "accounts: none is given"),
        ({**account(), "bto": {}}, "bto: unknown key: did you mean bot?"),
        ({**account(), "bot": {"lissten": "x"}}, "bot.lissten: unknown key: did you mean listen?"),
        (account(endpont="x"), "accounts.render.endpont: unknown key: did you mean endpoint?"),
        (account(endpoint="ftp://x"), "accounts.render.endpoint: 'ftp://x' is not an address"),
        (account(endpoint="http://batch.example.com"), "http is allowed on this machine (loopback) only"),
        (account(endpoint="https://user:pass@x.com"), "no user, query or fragment"),
        (account(arm_endpoint="https://["), "accounts.render.arm_endpoint: 'https://[' is not an address"),
        (
            account(credential="password"),
            "accounts.render.credential: “password” is none of its values: write default or",
        ),
        (account(credential="shared_key"), "accounts.render.key_env: is empty"),
        (account(credential="shared_key", key_env="K"), "environment variable K is missing or empty"),
        ({**account(), "bot": {"zone": "Mars/Base"}}, "bot.zone: 'Mars/Base' is not an IANA time zone"),
        (
            {**account(), "bot": {"database": "postgresql://bot:hunter2@db/batchbot"}},
            "bot.database: the password does not belong into the settings",
        ),
        (
            {**account(), "bot": {"database": "postgresql://bot@db/batchbot?password=hunter2"}},
            "bot.database: the password does not belong into the settings",
        ),
        (
            {**account(), "bot": {"database": "mysql://db/batchbot"}},
            "bot.database: write the path of a SQLite file, or",
        ),
        ({**account(), "bot": {"database": "postgresql://[db/x"}}, "bot.database: is no URL"),
        ({**account(), "bot": {"database_entra": True}}, "bot.database: a file asks for no password"),
        (
            {**account(), "bot": {"database": "postgresql://db/x", "database_entra": True}},
            "bot.database: name the user that Microsoft Entra knows",
        ),
        (
            {
                **account(),
                "bot": {"database": "postgresql://b@db/x", "database_entra": True, "database_password_env": "P"},
            },
            "bot.database_entra: its token is the password",
        ),
        (
            {**account(), "bot": {"database": "postgresql://b@db/x", "database_password_env": "P"}},
            "bot.database_password_env: environment variable P is missing or empty",
        ),
        ({**account(), "bot": {"listen": "8080"}}, "bot.listen: '8080' is not HOST:PORT"),
        ({**account(), "bot": {"currency": "euro"}}, "bot.currency: 'euro' is not a currency: write its three letters"),
        ({**account(), "bot": {"prices_url": "http://a.example"}}, "bot.prices_url: http is allowed on this machine"),
        ({**account(), "bot": {"prices_url": "prices"}}, "bot.prices_url: 'prices' is not an address"),
        ({**account(), "bot": {"poll_seconds": 1}}, "bot.poll_seconds: 1 is too small: write 5 or more"),
        ({**account(), "keep": {"transitions_days": 0}}, "keep.transitions_days: 0 is too small: write 1 or more"),
        (
            {**account(), "alerts": {"channels": ["#ops"]}},
            "alerts.channels: '#ops' is not a channel: write the channel's id",
        ),
        ({**account(), "alerts": {"channels": ["sms:1"]}}, "such as slack:C012AB3CD or teams:19:…"),
        (
            {**account(), "access": {"admins": ["U012AB3CD"]}},
            "access.admins: 'U012AB3CD' is not an id: write PLATFORM:ID",
        ),
        ({**account(), "access": {"viewers": ["sms:1"]}}, "access.viewers: 'sms:1' is not an id"),
        ({**account(), "access": {"operators": ["slack:"]}}, "access.operators: 'slack:' is not an id"),
        ({**account(), "platforms": {}}, "platforms: unknown key: "),
        ({**account(), "slack": 1}, "slack: is not a table: write [slack] above its keys"),
        ({**account(), "alerts": {"repeat": 5}}, "alerts.repeat: 5 is too small: write 60 or more"),
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
        "accounts.render.credential",
        "bot.poll_seconds",
        "teams.app_id",
    ]


def test_settings_are_read_without_the_clients_of_the_platforms() -> None:
    clients = "{'slack_bolt', 'slack_sdk', 'botbuilder', 'botframework', 'microsoft_agents'}"
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
    path.write_text("[bot]\nlissten = 1\n[slack]\n[accounts]\n")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run", "--settings", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("batchbot: bot.lissten: unknown key: did you mean listen?\n")
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


README = Path(__file__).parent.parent / "README.md"
GUID = "7b3f0a52-64b7-4c1e-9d44-0f2c6b8f1a11"
SECRETS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}


def lines(path: Path, environment: dict[str, str] | None = None, **more: Any) -> list[str]:
    """What is wrong with a file."""
    try:
        load(path, environment or {}, **more)
    except SettingsError as error:
        return error.lines
    return []


def test_the_example_of_the_readme_holds_once_its_dots_are_filled_and_not_before(tmp_path: Path) -> None:
    example = README.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "batchbot.toml"
    path.write_text(example, encoding="utf-8")
    told = lines(path, SECRETS)
    assert [line.partition(":")[0] for line in told] == [
        "accounts.render-prod.subscription", "teams.app_id", "teams.tenant_id", "access.admins"
    ]  # fmt: skip
    assert all("“…”" in line for line in told)
    path.write_text(example.replace("…", GUID), encoding="utf-8")
    assert lines(path, SECRETS) == []


def test_what_a_first_file_gets_wrong_is_told_at_once_and_no_secret_is_repeated(tmp_path: Path) -> None:
    token = "xoxb-2048123456-7abcDEFghiJKLmnoPQRstuv"
    path = tmp_path / "batchbot.toml"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + f"""
[bot]
listen = "0.0.0.0:99999"
database = "{tmp_path}/nowhere/bot.db"
log_level = "loud"
[accounts.one]
endpoint = "https://render.westeurope.batch.azure.com"
subscription = "<subscription id>"
resource_group = "r"
credential = "key"
[accounts.two]
endpoint = "https://RENDER.westeurope.batch.azure.com/"
subscription = "{GUID}"
resource_group = "r"
[alerts]
channels = ["#ops"]
[access]
admins = ["teams:ann@example.com"]
[bto]
name = "x"
""".encode()
    )
    told = lines(path)
    for expected in (
        f"{path}: begins with a byte-order mark (Notepad writes one): save it as UTF-8 without BOM",
        "bto: unknown key: did you mean bot?",
        "bot.log_level: “loud” is none of its values: write debug or info or warning or error",
        "accounts.one.credential: “key” is none of its values: write default or managed_identity or shared_key",
        "accounts.one.subscription: still holds “<subscription id>” of the example: put your own in its place",
        "bot.listen: there is no port 99999: write one from 1 to 65535, such as 0.0.0.0:8080",
        "neither chat platform has a section: add [slack] or [teams]",
        f"bot.database: the folder '{tmp_path}/nowhere' is not there: make it, or name a file elsewhere",
    ):
        assert expected in told, told
    assert any(line.startswith("access.admins: 'teams:ann@example.com' is an e-mail address") for line in told)
    assert any(line.startswith("alerts.channels: '#ops' is not a channel") for line in told)
    path.write_text(
        path.read_text(encoding="utf-8-sig").replace('credential = "key"\n', "")
        + f"""
[slack]
bot_token_env = "{token}"
signing_secret_env = "8f742231b10e8888abcd99e0aaf85a5c"
""",
        encoding="utf-8",
    )
    told = lines(path)
    assert "accounts.two.endpoint: is that of accounts.one too: each account stands here once" in told
    assert any(line.startswith("slack.bot_token_env: this is no name of an environment variable") for line in told)
    assert not any(token in line or "8f742231" in line for line in told)
    path.write_text(f'[slack]\nbot_token = "{token}"\n[accounts.a]\n[accounts.a]\n', encoding="utf-8")
    assert lines(path) == [f"{path}: [accounts.a] stands twice, again in line 4: leave one of them"]


def test_only_the_secrets_are_wanted_that_are_used(tmp_path: Path) -> None:
    path = tmp_path / "batchbot.toml"
    example = README.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0].replace("…", GUID)
    path.write_text(example.replace('# credential = "shared_key"', 'credential = "shared_key"\nkey_env = "K" #'))
    assert [line.partition(":")[0] for line in lines(path)] == [
        "accounts.render-prod.key_env", "slack.bot_token_env", "slack.signing_secret_env"
    ]  # fmt: skip
    assert [line.partition(":")[0] for line in lines(path, use="ask")] == ["accounts.render-prod.key_env"]
    assert lines(path, use="read") == []


def test_a_secret_may_stand_in_the_file_that_a_variable_names(tmp_path: Path) -> None:
    raw = {**account(credential="shared_key", key_env="K"), "slack": {"mode": "socket"}}
    mounted = tmp_path / "key"
    mounted.write_text("a2V5\n", encoding="utf-8")
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    check(raw, {**slack, "K_FILE": str(mounted)})
    assert secret("K", {"K_FILE": str(mounted)}).reveal() == "a2V5"
    assert secret("K", {"K_FILE": str(mounted), "K": "bmFy"}).reveal() == "bmFy", "the variable itself comes first"
    for named, why in ((tmp_path / "gone", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(SettingsError, match=re.escape(f"variable K_FILE: {named} cannot be read: {why}")):
            check(raw, {**slack, "K_FILE": str(named)})
    mounted.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="it is no text"):
        check(raw, {**slack, "K_FILE": str(mounted)})
    mounted.write_text(" \n", encoding="utf-8")
    with pytest.raises(SettingsError, match="environment variable K is missing or empty"):
        check(raw, {**slack, "K_FILE": str(mounted)})


def test_a_folder_in_the_place_of_the_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "batchbot.toml"
    path.write_text(
        f'[bot]\ndatabase = "{tmp_path.as_posix()}"\n[accounts.render]\n'
        'endpoint = "https://render.westeurope.batch.azure.com"\nsubscription = "s"\nresource_group = "r"\n[slack]\n',
        encoding="utf-8",
    )
    with pytest.raises(SettingsError, match="is a folder: write a file's name behind it"):
        load(path, {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"})
