"""Accounts that nobody watches are found and told with what to write, and quotas of every VM family are shown."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from bot.azure import discovery
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.sandbox.world.scenarios.parts import add_account
from bot.settings_file import check
from cards.card import Card, Mark
from cards.slack import render as slack
from cards.teams import render as teams
from cards.text import render
from tests.handlers.conftest import Scene

_SEES_NOTHING = "accounts of subscription"


def said(card: Card) -> str:
    return str(render(card).payload["text"])


def everywhere(card: Card) -> list[str]:
    """The card as each platform has it."""
    return [said(card), str(slack(card).payload), str(teams(card).payload)]


async def test_where_the_settings_name_all_there_is_nothing_to_say(scene: Scene) -> None:
    assert "watched" not in said(await scene.ask("account list"))


async def test_an_account_that_is_not_watched_is_shown_with_what_to_write(scene: Scene) -> None:
    add_account(scene.world, "archive2024", "westeurope", dedicated=20, spot=10, families={"standardDSv3Family": 20})
    card = await scene.ask("account list")
    for shown in everywhere(card):
        assert "archive2024" in shown
        assert "Azure Batch Account Reader" in shown
        assert "[accounts.archive2024]" in shown
    facts = scene.world.accounts["archive2024"].facts
    raw = tomllib.loads(_code(said(card)))
    [(name, table)] = raw["accounts"].items()
    assert name == "archive2024"
    assert (table["subscription"], table["resource_group"]) == (facts.subscription, facts.resource_group)
    settings = check({"accounts": raw["accounts"]}, {})
    assert settings.accounts[name].batch_name == "archive2024" or settings.accounts[name].endpoint
    watched = said(card).split("not watched")[0]
    assert "archive2024" not in watched, "nothing in it is read"
    assert "archive2024" not in said(await scene.ask("account list render*")), "a filter is of those that are watched"


def _code(shown: str) -> str:
    lines = [line.strip() for line in shown.splitlines()]
    begin = lines.index("[accounts.archive2024]")
    return "\n".join(lines[begin : begin + 4])


async def test_a_role_that_is_missing_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Account.every_above

    async def refused(self: Account, kind: type[Any], path: str, *, version: str = "") -> list[Any]:
        if path.endswith("/batchAccounts"):
            raise AzureError("AuthorizationFailed", "The client does not have authorization", status=403)
        return await before(self, kind, path, version=version)

    monkeypatch.setattr(Account, "every_above", refused)
    card = await scene.ask("account list")
    assert "the bot's identity lacks the role Azure Batch Account Reader on it." in " ".join(said(card).split())
    assert "render-prod" in said(card)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AzureError("NoConnection", "no way"), "not known: accounts of subscription"),
        (AzureError("MissingSubscriptionRegistration", "not registered", status=409), ""),
    ],
)
async def test_what_cannot_be_listed_spoils_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: AzureError, told: str
) -> None:
    before = Account.every_above

    async def refused(self: Account, kind: type[Any], path: str, *, version: str = "") -> list[Any]:
        if path.endswith("/batchAccounts"):
            raise error
        return await before(self, kind, path, version=version)

    monkeypatch.setattr(Account, "every_above", refused)
    shown = " ".join(said(await scene.ask("account list")).split())
    assert (told in shown) if told else (_SEES_NOTHING not in shown)
    assert "sim-dev" in shown


async def test_identities_are_asked_once_and_only_so_many_subscriptions(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def many(self: Account, kind: type[Any], path: str, *, version: str = "") -> list[Any]:
        asked.append(path)
        return [] if path.endswith("/batchAccounts") else [kind(subscription_id=f"{n:04}") for n in range(60)]

    monkeypatch.setattr(Account, "every_above", many)
    seen = await discovery.unnamed(scene.accounts)
    assert asked.count("/subscriptions") == 1, "both accounts are read by one identity"
    assert len(asked) == 1 + discovery.MOST
    assert seen.gaps == ("Only 50 of 60 subscriptions were looked into.",)


async def test_all_vm_families_are_shown_those_nearest_their_limit_first(scene: Scene) -> None:
    card = await scene.ask("account quotas")
    limits = {each.name: each for each in (await _families(scene))}
    for shown in everywhere(card):
        for name in limits:
            assert name in shown
    text = said(card)
    assert "Dedicated cores" in text
    assert "Jobs and schedules" in text
    families = [line for line in text.splitlines() if any(name in line for name in limits)]
    free = [int(line.replace(",", "").split()[-3]) for line in families]
    limit = [int(line.replace(",", "").split()[-4]) for line in families]
    used = [int(line.replace(",", "").split()[-5]) for line in families]
    assert [most - least for most, least in zip(limit, used, strict=True)] == free
    shares = [least / most for most, least in zip(limit, used, strict=True)]
    assert shares == sorted(shares, reverse=True)
    assert 0 in used, "families that nothing uses are what this card is for"
    assert card.mark is (Mark.WARNING if "▲" in text.splitlines()[0] else Mark.RUNNING)


async def _families(scene: Scene) -> Any:
    resource = (await next(iter(scene.accounts)).resource()).value
    return resource.properties.dedicated_core_quota_per_vm_family


async def test_the_account_card_leads_to_them(scene: Scene) -> None:
    assert "account quotas render-prod" in said(await scene.ask("account show"))
    assert "account quotas" in said(await scene.ask("quotas"))
