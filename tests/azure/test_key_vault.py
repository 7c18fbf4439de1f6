"""Secrets of a key vault, read with the official client over TLS, and each way in which that fails, in a sentence."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.azure.key_vault_settings import KeyVaultSettings
from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.key_vault import KeyVault
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.secrets import Environment, held, secret
from bot.settings import SettingsError
from bot.settings_file import Use, check
from tests.vaults import named, vault

TOKEN = "xoxb-made-up-7"
SIGNING = "5ecre7-of-slack"


@pytest.fixture
async def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KeyVault]:
    """A vault with both secrets of Slack, which the managed identity of this process may read."""
    azure = AzureSandbox(build("tiny", seed=1, clock=Clock(datetime.now(UTC))), seed=1)
    await azure.start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", azure.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", azure.identity_header)
    async with vault(tmp_path, azure.tokens) as (made, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        made.put("slack-bot-token", TOKEN)
        made.put("slack-signing-secret", f"{SIGNING}\n")  # as az keyvault secret set --file of an editor's file has it
        yield made
    await azure.close()


SLACK = {"SLACK_BOT_TOKEN": "slack-bot-token", "SLACK_SIGNING_SECRET": "slack-signing-secret"}


def raw(kept: KeyVault, secrets: Mapping[str, str] = SLACK, **more: Any) -> dict[str, Any]:
    account = {
        "endpoint": "https://render.northcentralus.batch.azure.com",
        "subscription": "1b8cf09e-3b5c-4a8e-9d5c-0d0a5b1e9d11",
        "resource_group": "render",
    }
    return {"accounts": {"render": account}, "slack": {}, "key_vault": named(kept, secrets) | more}


async def read(settings: dict[str, Any], environment: Environment, use: Use = "run") -> None:
    await asyncio.to_thread(check, settings, environment, use=use)


async def mistakes(settings: dict[str, Any], environment: Environment | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        await read(settings, environment or Environment({}))
    for line in caught.value.lines:
        assert TOKEN not in line
        assert SIGNING not in line
    return caught.value.lines


async def test_secrets_are_where_variables_would_be(kept: KeyVault) -> None:
    environment = Environment({})
    await read(raw(kept), environment)
    assert secret("SLACK_BOT_TOKEN", environment).reveal() == TOKEN
    assert secret("SLACK_SIGNING_SECRET", environment).reveal() == SIGNING
    assert TOKEN not in repr(environment)
    assert kept.asked == [
        ("/secrets/slack-bot-token/", False),  # the client asks for the challenge first
        ("/secrets/slack-bot-token/", True),
        ("/secrets/slack-signing-secret/", True),
    ]


async def test_what_the_process_was_given_goes_first_and_is_not_asked_for(kept: KeyVault, tmp_path: Path) -> None:
    file = tmp_path / "signing"
    file.write_text("from-a-file")
    environment = Environment({"SLACK_BOT_TOKEN": "from-the-desk", "SLACK_SIGNING_SECRET_FILE": str(file)})
    await read(raw(kept), environment)
    assert [held(each, environment) for each in SLACK] == ["from-the-desk", "from-a-file"]
    assert kept.asked == []


async def test_only_what_is_needed_is_asked_for(kept: KeyVault) -> None:
    """Who answers in a terminal needs no secret of a chat platform, and whoever only reads the file needs none."""
    await read(raw(kept), Environment({}), "ask")
    await read(raw(kept), Environment({}), "read")
    assert kept.asked == []


async def test_a_version_is_pinned_or_the_newest_is_taken(kept: KeyVault) -> None:
    first = kept.newest("slack-bot-token").version
    kept.put("slack-bot-token", "xoxb-made-up-8")
    environment = Environment({})
    whole = f"{kept.url}/secrets/slack-signing-secret/{kept.newest('slack-signing-secret').version}"
    await read(raw(kept, {"SLACK_BOT_TOKEN": "slack-bot-token", "SLACK_SIGNING_SECRET": whole}), environment)
    assert held("SLACK_BOT_TOKEN", environment) == "xoxb-made-up-8"
    assert held("SLACK_SIGNING_SECRET", environment) == SIGNING
    await read(raw(kept, {**SLACK, "SLACK_BOT_TOKEN": f"slack-bot-token/{first}"}), environment)
    assert held("SLACK_BOT_TOKEN", environment) == TOKEN


async def test_what_cannot_be_read_changes_nothing_that_was(kept: KeyVault) -> None:
    environment = Environment({})
    await read(raw(kept), environment)
    kept.put("slack-bot-token", "xoxb-made-up-8")
    kept.delete("slack-signing-secret")
    await mistakes(raw(kept), environment)
    assert held("SLACK_BOT_TOKEN", environment) == TOKEN


async def test_each_failure_of_a_secret_is_a_sentence_at_its_key(kept: KeyVault) -> None:
    day = timedelta(days=1)
    kept.delete("slack-signing-secret")
    kept.newest("slack-bot-token").enabled = False
    told = await mistakes(raw(kept))
    assert told == [
        "key_vault.secrets.SLACK_BOT_TOKEN: “slack-bot-token” is disabled: "
        "az keyvault secret set-attributes --vault-name batchbot-test --name slack-bot-token --enabled true",
        f"key_vault.secrets.SLACK_SIGNING_SECRET: {kept.url} has no secret “slack-signing-secret”: "
        "az keyvault secret set --vault-name batchbot-test --name slack-signing-secret --file FILE makes it, or mend "
        "its name",
    ]
    kept.put("slack-signing-secret", "", expires=datetime.now(UTC) + day)
    kept.put("slack-bot-token", TOKEN, expires=datetime(2026, 1, 31, tzinfo=UTC))
    told = await mistakes(raw(kept))
    assert told == [
        "key_vault.secrets.SLACK_BOT_TOKEN: “slack-bot-token” expired on 2026-01-31: renew it, or give it a later end "
        "with az keyvault secret set-attributes --vault-name batchbot-test --name slack-bot-token --expires DATE",
        "key_vault.secrets.SLACK_SIGNING_SECRET: “slack-signing-secret” is empty: az keyvault secret set "
        "--vault-name batchbot-test --name slack-signing-secret --file FILE",
    ]
    kept.put("slack-signing-secret", SIGNING)
    kept.put("slack-bot-token", TOKEN, not_before=datetime.now(UTC) + day)
    (told_of,) = await mistakes(raw(kept))
    assert "is not to be used before" in told_of
    (absent,) = await mistakes(raw(kept, {**SLACK, "SLACK_BOT_TOKEN": f"slack-bot-token/{'0' * 32}"}))
    assert f"has no version {'0' * 32} of “slack-bot-token”" in absent


async def test_who_may_not_read_is_told_the_role_and_the_command(kept: KeyVault) -> None:
    kept.access = "no role"
    for line in await mistakes(raw(kept)):
        assert "Key Vault Secrets User (4633458b-17de-408a-b874-0445c86b69e6)" in line
        principal = kept._tokens.principal_id
        assert f"az role assignment create --assignee {principal} --role 4633458b-17de-408a-b874-0445c86b69e6" in line
        assert "--scope /subscriptions/" in line
        assert "/vaults/batchbot-test;" in line
    kept.access = "no policy"
    for line in await mistakes(raw(kept)):
        assert "the permission Get on secrets" in line


async def test_a_vault_that_is_out_of_reach_is_told_of_once(kept: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.access = "firewall"
    (line,) = await mistakes(raw(kept))
    assert line.startswith(f"key_vault.url: the firewall of {kept.url} does not let this machine in: ")
    (line,) = await mistakes(raw(kept, url="https://somebody-elses.vault.azure.net"))
    assert line.startswith("key_vault.url: https://somebody-elses.vault.azure.net does not answer from here: ")
    monkeypatch.delenv("ALL_PROXY")
    (line,) = await mistakes(raw(kept, url="https://no-such-vault.vault.invalid"))
    assert line.startswith("key_vault.url: there is no key vault https://no-such-vault.vault.invalid, or its name ")


async def test_a_certificate_that_nobody_trusts_is_named(kept: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    (line,) = await mistakes(raw(kept))
    assert line.startswith(f"key_vault.url: the certificate of {kept.url} is not accepted: ")


async def test_without_an_identity_it_says_what_to_give_it(kept: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = await mistakes(raw(kept, client_id="00000000-0000-0000-0000-000000000000"))
    assert line.startswith(f"key_vault.url: no identity is at hand that {kept.url} would accept")
    strangers = type(kept._tokens)(key=_another_key())
    monkeypatch.setattr(kept, "_tokens", strangers)
    (line,) = await mistakes(raw(kept))
    assert line == (
        f"key_vault.url: {kept.url} does not accept the bot's identity (AKV10015: Invalid token): "
        "it has to be of the vault's own tenant"
    )


def _another_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def test_without_the_extra_it_says_what_to_install(kept: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bot.azure.key_vault", None)
    assert await mistakes(raw(kept)) == [
        "key_vault: its library is not installed: pip install 'batchbot[keyvault]'",
    ]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"url": "http://127.0.0.1:1"}, "key_vault.url: a key vault is reached by https alone"),
        ({"url": "batchbot"}, "key_vault.url: 'batchbot' is not an address: write it like https://host"),
        ({"url": "https://b.vault.azure.net/secrets/a"}, "key_vault.url: the vault's address alone belongs here"),
        ({"secrets": {"A": "a b"}}, "key_vault.secrets.A: is no name of a secret"),
        ({"secrets": {"A": "a/1"}}, "key_vault.secrets.A: is no name of a secret"),
        ({"secrets": {"A": "a"}}, "key_vault.secrets.A: names no vault: write key_vault.url above"),
        ({"secrets": {"A": "https://b.vault.azure.net/keys/a"}}, "key_vault.secrets.A: is no id of a secret"),
    ],
)
def test_mistakes_of_the_section_are_lines(section: dict[str, Any], told: str) -> None:
    (line,) = KeyVaultSettings(**section).mistakes()
    assert line.startswith(told)


def test_a_secret_itself_in_the_place_of_its_name_is_not_repeated() -> None:
    pasted = "xoxb-" + "1234567890-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx"
    settings = {"key_vault": {"url": "https://b.vault.azure.net", "secrets": {"SLACK_BOT_TOKEN": pasted}}}
    with pytest.raises(SettingsError) as caught:
        check(settings, Environment({}))
    assert any(
        line.startswith("key_vault.secrets.SLACK_BOT_TOKEN: a secret stands here") for line in caught.value.lines
    )
    assert not any(pasted in line for line in caught.value.lines)
