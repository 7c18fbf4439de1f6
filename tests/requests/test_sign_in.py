"""What is said where Azure does not let the bot in: four different answers, each with its next step."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.requests import refusals
from bot.settings import AccountSettings
from cards.card import Card
from cards.text import render

ENDPOINT = "https://{}.westeurope.batch.azure.com"


@pytest.fixture
async def accounts() -> AsyncIterator[Accounts]:
    def made(name: str, **more: str) -> AccountSettings:
        return AccountSettings(endpoint=ENDPOINT.format(name), subscription="S1", resource_group="rg", **more)  # type: ignore[arg-type]

    key = base64.b64encode(b"no real key").decode()
    opened = Accounts(
        {
            "first": made("first"),
            "keyed": made("keyed", credential="shared_key", key_env="KEYED_KEY"),
            "managed": made("managed", credential="managed_identity", client_id="cafe-1"),
            "apart": made("apart", client_id="cafe-1", write_credential="managed_identity", write_client_id="cafe-2"),
            "desk": made("desk", write_credential="default"),
        },
        {"KEYED_KEY": key},
    )
    yield opened
    await opened.close()


def every_text(card: Card) -> str:
    """Its words, as lines run on."""
    return " ".join(str(render(card).payload["text"]).replace("\xa0", " ").split())


def told(error: AzureError, accounts: Accounts, account: str, method: str = "GET", path: str = "/pools") -> Card:
    return refusals.of_error(
        error.asked(f"{account}.westeurope.batch.azure.com", method, path), "pool list", "", accounts
    )


@pytest.mark.parametrize(
    ("error", "account", "asked", "says"),
    [
        (
            AzureError("NoToken", "no identity is at hand (AADSTS700016: Application not found)"),
            "first",
            ("GET", "/pools"),
            ["cannot sign in", "first", "az login", "AADSTS700016", "AZURE_CLIENT_ID", "Azure Batch Account Reader"],
        ),
        (
            AzureError("NoToken", "no identity is at hand"),
            "managed",
            ("GET", "/pools"),
            ["cannot sign in", "managed identity cafe-1", "container app or pod", "client_id"],
        ),
        (
            AzureError("NoToken", "no identity is at hand"),
            "apart",
            ("PATCH", "/pools/p"),
            ["cannot sign in", "managed identity cafe-2", "container app or pod", "(write_client_id)"],
        ),
        (
            AzureError("NoToken", "no identity is at hand"),
            "desk",
            ("PATCH", "/pools/p"),
            ["cannot sign in", "az login", "the role Azure Batch Data Contributor"],
        ),
        (
            AzureError("AuthenticationFailed", "x", status=401),
            "keyed",
            ("GET", "/pools"),
            ["does not accept the key of keyed", "KEYED_KEY", "az batch account keys list --name keyed", "restart"],
        ),
        (
            AzureError("AuthorizationFailed", "x", status=403),
            "managed",
            ("GET", "/pools"),
            ["no role", "managed identity cafe-1", "Azure Batch Account Reader", "az role assign"],
        ),
        (
            AzureError("AuthorizationPermissionMismatch", "x", status=403),
            "first",
            ("POST", "/jobs/j/disable"),
            ["no role", "Azure Batch Job Submitter"],
        ),
        (
            AzureError("AuthorizationPermissionMismatch", "x", status=403),
            "first",
            ("PUT", "/subscriptions/S1/resourceGroups/rg/providers/Microsoft.Batch/batchAccounts/first/pools/p"),
            ["no role", "Azure Batch Data Contributor"],
        ),
        (
            AzureError("NoConnection", "first.westeurope.batch.azure.com: no such host: check the address"),
            "first",
            ("", ""),
            ["first cannot be reached", "no such host", "Its identity was not in question"],
        ),
    ],
)  # fmt: skip
async def test_each_says_who_and_what_next(
    accounts: Accounts, error: AzureError, account: str, asked: tuple[str, str], says: list[str]
) -> None:
    card = told(error, accounts, account, *asked)
    words = every_text(card)
    assert card.refused
    assert error.status != 403 or f"batchAccounts/{account}" in words
    for each in says:
        assert each in words, words


async def test_the_four_differ_and_others_stay_as_they_are(accounts: Accounts) -> None:
    errors = [
        (AzureError("NoToken", "x"), "first"),
        (AzureError("AuthenticationFailed", "x", status=403), "keyed"),
        (AzureError("AuthorizationFailed", "x", status=403), "first"),
        (AzureError("Timeout", "late"), "first"),
    ]
    assert len({told(error, accounts, name).title for error, name in errors}) == len(errors)
    other = every_text(told(AzureError("PoolNotFound", "gone", status=404), accounts, "first"))
    assert "Azure answered PoolNotFound." in other
    unknown = refusals.of_error(AzureError("NoToken", "x").asked("elsewhere.example.com"), "", "", accounts)
    assert "Azure answered NoToken." in every_text(unknown)
