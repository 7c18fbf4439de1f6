"""What the bot proves itself with, by the settings: what Microsoft Entra is sent for it, and who is not let start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.identity.aio import ManagedIdentityCredential, WorkloadIdentityCredential

from bot.chat.teams.credentials import Federated, credential_of
from bot.chat.teams.settings import TeamsSettings
from bot.settings import BotSettings, SettingsError
from tests.chat.teams_service import APP, TENANT, Credential

SETTINGS = TeamsSettings(app_id=APP, tenant_id=TENANT)
SCOPE = "https://api.botframework.com/.default"


class Entra(AsyncHttpTransport):  # type: ignore[type-arg]
    """Gives a token to whoever asks, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def send(self, request: Any, **_: Any) -> Any:
        self.asked.append((request.url, dict(request.body)))
        return _Answer(request)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


class _Answer:
    status_code, reason, content_type = 200, "OK", "application/json"
    headers = {"content-type": "application/json"}  # noqa: RUF012

    def __init__(self, request: Any) -> None:
        self.request = self.http_request = request

    def body(self) -> bytes:
        return json.dumps({"access_token": "of-the-app", "expires_in": 3600, "token_type": "Bearer"}).encode()

    def text(self, encoding: str | None = None) -> str:
        return self.body().decode()


def chosen(credential: Any, **more: Any) -> TeamsSettings:
    return msgspec.structs.replace(SETTINGS, credential=credential, **more)


async def test_an_app_that_trusts_a_managed_identity_shows_its_token() -> None:
    identity, entra = Credential(), Entra()
    async with Federated(identity, TENANT, APP, transport=entra) as credential:  # type: ignore[arg-type]
        assert (await credential.get_token(SCOPE)).token == "of-the-app"
    [(url, asked)] = entra.asked
    assert url == f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    assert identity.asked == ["api://AzureADTokenExchange/.default"]
    assert asked["client_assertion"] == "the-bots-own-token"
    assert (asked["client_id"], asked["scope"], asked["grant_type"]) == (APP, SCOPE, "client_credentials")


async def test_a_cluster_signs_in_by_its_token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="AZURE_FEDERATED_TOKEN_FILE"):
        credential_of(chosen("workload_identity"), {})
    (tmp_path / "token").write_text("of-the-cluster")
    environment = {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token")}
    entra = Entra()
    monkeypatch.setattr("azure.identity.aio._internal.aad_client.build_async_pipeline", _piped(entra))
    credential = credential_of(chosen("workload_identity"), environment)
    assert isinstance(credential, WorkloadIdentityCredential)
    await credential.get_token(SCOPE)
    assert [asked["client_assertion"] for _, asked in entra.asked] == ["of-the-cluster"]
    await credential.close()


def _piped(transport: Entra) -> Any:
    from azure.identity._internal.pipeline import build_async_pipeline  # noqa: PLC0415

    return lambda **more: build_async_pipeline(**(more | {"transport": transport}))


async def test_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(credential_of(SETTINGS, {}), ManagedIdentityCredential)
    assert isinstance(credential_of(chosen("federated_identity", identity_client_id="an-id"), {}), Federated)
    with pytest.raises(SettingsError):
        credential_of(chosen("client_secret"), {})
    bot = BotSettings(public_url="https://bot.example")
    assert [line.partition(":")[0] for line in chosen("federated_identity").mistakes(bot)] == [
        "teams.identity_client_id"
    ]
    assert [*chosen("managed_identity", targeted_messages=True).mistakes(bot)] == [
        'teams.targeted_messages: botbuilder has no call for them: set teams.sdk to "agents", or leave it out'
    ]
    assert not [*chosen("managed_identity", targeted_messages=True, sdk="agents").mistakes(bot)]
    assert not [*chosen("federated_identity", identity_client_id="an-id").mistakes(bot)]
