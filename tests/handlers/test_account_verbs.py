"""Accounts are made, deleted and given new keys; packages, default versions and certificates are changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import msgspec
import pytest

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.operations.preflight import Preflight
from bot.requests.forms import with_values
from bot.sandbox.world.applications import Package
from bot.sandbox.world.certificates import certificate
from cards.card import Card, Form, plain
from cards.text import render
from handlers.account import create, delete, regenerate_key
from handlers.account.regenerate_key import Regeneration
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, operated
from tests.handlers.test_cards import still

ACCOUNT = "render-prod"
FORM = "account create"


class Asker(Operator):
    """Somebody who may change accounts, and look at what comes before and below that."""

    async def run(self, workflow: str, arguments: msgspec.Struct, target: str = "it") -> Card:
        """Run a workflow, past what comes before it."""
        key = self.request("").key
        id_ = await self.operations.begin(workflow, ACCOUNT, target, arguments, request=key, act=None)
        return [card async for card in self.operations.follow(id_)][-1]

    async def look_ahead(self, text: str) -> Preflight:
        registry = self.scene.dispatcher.services.registry
        call = registry.parse(text.split())
        with self.scene.dispatcher._pipeline(self.request(text)) as pipeline:
            ctx = await pipeline.context()
        assert call.command.mark.preflight
        return await call.command.mark.preflight(ctx, *call.args, **call.kwargs)

    @property
    def world(self) -> Any:
        return self.scene.world.accounts


@pytest.fixture
async def asker(scene: Scene) -> AsyncIterator[Asker]:
    async with operated(scene, WorldClock(scene)) as operations:
        yield Asker(scene, operations)


def words(card: Card) -> str:
    return str(render(card).payload["text"])


def notes(form: Form) -> str:
    return "\n".join(plain(note.text) for note in form.notes)


def errors(form: Form) -> dict[str, str]:
    return {field.name: field.error for field in form.fields if field.error}


# --- accounts ---------------------------------------------------------------------------------------------------------


async def test_an_account_is_made(asker: Asker) -> None:
    cards = await asker.cards(f"account create renderfarm region:eastus account:{ACCOUNT}")
    assert any("so far" in words(card) for card in cards), "it can be followed"
    assert not any("t=" in words(card) or "operationResults" in words(card) for card in cards)
    last = cards[-1]
    assert plain(last.title) == "Batch account renderfarm is there"
    assert asker.world["renderfarm"].facts.location == "eastus"
    assert "[accounts.renderfarm]" in words(last)
    check("account-created", still(last, asker.scene))
    again = await asker.ask(f"account create renderfarm region:eastus account:{ACCOUNT}")
    assert "Account renderfarm exists already" in plain(again.title)
    check("account-exists", still(again, asker.scene))


REFUSED = {
    "Render": "3 to 24 lower-case letters and digits",
    "ab": "3 to 24 lower-case letters and digits",
    "fine group:nowhere": "There is no resource group “nowhere”",
    "fine region:atlantis": "Batch is not in a region “atlantis”. It is in: eastus",
    "fine mode:user": "name one with vault:NAME",
    "fine vault:secrets": "Only an account of mode:user",
}


@pytest.mark.parametrize("typed", REFUSED)
async def test_what_cannot_be_is_said_before_anything_is_asked(asker: Asker, typed: str) -> None:
    card = await asker.ask(f"account create {typed} account:{ACCOUNT}")
    assert card.refused
    assert REFUSED[typed] in plain(card.title)


async def test_a_name_that_another_account_has_is_taken(asker: Asker) -> None:
    await asker.ask(f"account create first region:eastus account:{ACCOUNT}")
    found = await asker.look_ahead(f"account create first region:eastus group:{_other(asker)} account:{ACCOUNT}")
    assert "first" in found.refused


def _other(asker: Asker) -> str:
    """A resource group of the subscription in which the account `first` is not."""
    own = asker.world[ACCOUNT].facts
    groups = {
        facts.facts.resource_group for facts in asker.world.values() if facts.facts.subscription == own.subscription
    }
    others = groups - {own.resource_group}
    if not others:
        asker.world["first"].facts.resource_group = "other-rg"
        return str(own.resource_group)
    return str(next(iter(others)))


async def test_the_quota_of_the_region_is_said_before_and_found_in_the_poll(asker: Asker) -> None:
    region = "southeastasia"
    for name in ("one", "two", "three"):
        card = await asker.ask(f"account create farm{name} region:{region} account:{ACCOUNT}")
        assert not card.refused
    found = await asker.look_ahead(f"account create farmfour region:{region} account:{ACCOUNT}")
    assert "has 3 Batch accounts in southeastasia, and may have 3" in found.refused
    group = asker.world[ACCOUNT].facts.resource_group
    last = await asker.run(
        "account create", create.Creation("farmfour", group, region, "batch", "", "", "home"), "farmfour"
    )
    assert "SubscriptionQuotaExceeded" in plain(last.title)
    assert "regional Batch account quota" in words(last)
    assert "✖ Wait until it is there" in words(last)


async def test_nodes_in_your_subscription_need_a_key_vault(asker: Asker) -> None:
    card = await asker.ask(f"account create ownnodes mode:user vault:secrets region:eastus account:{ACCOUNT}")
    assert plain(card.title) == "Batch account ownnodes is there"
    facts = asker.world["ownnodes"].facts
    assert facts.pool_allocation_mode == "UserSubscription"
    assert facts.key_vault.endswith(
        f"/resourceGroups/{facts.resource_group}/providers/Microsoft.KeyVault/vaults/secrets"
    )


async def test_the_form_checks_the_name_and_becomes_the_command(asker: Asker) -> None:
    opened = await asker.form(FORM)
    check("form-account-create", opened)
    assert "costs nothing" in notes(opened)
    group, region = ({field.name: field.value for field in opened.fields}[name] for name in ("group", "region"))
    values = {"group": group, "region": region, "mode": "batch"}
    assert errors(await asker.form(FORM, {**values, "name": "Render_1"})) == {
        "name": "An account's name has 3 to 24 lower-case letters and digits."
    }
    taken = await asker.form(FORM, {**values, "name": asker.world[ACCOUNT].facts.name.replace("-", "")})
    free = await asker.form(FORM, {**values, "name": "renderfarm"})
    assert errors(taken) in ({}, {"name": "An account named 'renderprod' is already in use."})
    assert errors(free) == {}
    assert f"The name renderfarm is free in {region}." in notes(free)
    assert set(errors(await asker.form(FORM, {**values, "name": "renderfarm", "mode": "user"}))) == {"vault"}
    registry = asker.scene.dispatcher.services.registry
    sent = with_values(registry, ["account", "create"], {**values, "name": "renderfarm"})
    assert sent == ["account", "create", "renderfarm", f"group:{group}", f"region:{region}", "mode:batch"]


async def test_a_name_is_asked_about_once_for_all_its_letters(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = create.managed.check_name

    async def counted(writer: Any, region: str, name: str) -> Any:
        asked.append(name)
        return await real(writer, region, name)

    monkeypatch.setattr(create.managed, "check_name", counted)
    monkeypatch.setattr("handlers.account.create_form._PAUSE", 1.5)  # a busy machine types slowly
    typed = ["ren", "rend", "rende", "render9"]
    forms = []
    for name in typed:
        forms.append(asyncio.create_task(asker.form(FORM, {"name": name, "mode": "batch"})))
        await asyncio.sleep(0.05)
    *earlier, last = [notes(await form) for form in forms]
    assert asked == ["render9"]
    assert "is free" in last
    assert not any("is free" in each for each in earlier), "nothing is said of what was not asked"
    assert "is free" in notes(await asker.form(FORM, {"name": "render9", "mode": "batch"}))
    assert asked == ["render9"], "nor again for a while"


async def test_an_account_is_deleted(asker: Asker) -> None:
    found = await asker.look_ahead(f"account delete {ACCOUNT}")
    assert found.name == asker.world[ACCOUNT].facts.name
    assert "pools with" in found.effects[0]
    assert found.nodes_after == 0
    question = await asker.question(f"account delete {ACCOUNT}")
    assert ACCOUNT in asker.world, "it is asked about first"
    check("account-delete-question", _without_ids(still(question, asker.scene)))
    last = await asker.run("account delete", delete.Deletion(ACCOUNT), ACCOUNT)
    assert plain(last.title) == f"Batch account {found.name} is deleted"
    assert ACCOUNT not in asker.world
    check("account-deleted", still(last, asker.scene))
    assert "any more" in (await asker.look_ahead(f"account delete {ACCOUNT}")).refused


def _without_ids(card: Card) -> Card:
    """A question without the id of its confirmation, which is another each time."""
    encoded = re.sub(rb"confirm [0-9a-f]{16}", b"confirm 0123456789abcdef", msgspec.json.encode(card))
    encoded = re.sub(rb'"at":"[^"]*"', b'"at":"2026-11-23T12:05:00Z"', encoded)
    return msgspec.json.decode(encoded, type=Card)


async def test_a_new_key_is_made_and_shown_nowhere(asker: Asker) -> None:
    facts = asker.world[ACCOUNT].facts
    before = facts.keys
    found = await asker.look_ahead(f"account regenerate-key {ACCOUNT} secondary")
    assert "The bot uses neither." in found.effects[1]
    last = await asker.run("account regenerate-key", Regeneration(ACCOUNT, "secondary"), "secondary key")
    assert plain(last.title) == f"Account {facts.name} has a new secondary key"
    assert facts.keys[0] == before[0]
    assert facts.keys[1] != before[1]
    kept = [step.result for row in await asker.scene.store.operations() for step in
            await asker.scene.store.operation_steps(row.id)]  # fmt: skip
    shown = words(last) + json.dumps([each.decode() for each in kept])
    assert not any(key in shown for key in (*before, *facts.keys))
    assert hashlib.sha256(before[1].encode()).hexdigest() not in shown
    check("account-new-key", still(last, asker.scene))


async def test_the_key_that_the_bot_uses_is_refused(asker: Asker) -> None:
    keys = asker.world[ACCOUNT].facts.keys
    by_key = {
        account.name: msgspec.structs.replace(account.settings, credential="shared_key", key_env="KEY")
        for account in asker.scene.accounts
        if account.name == ACCOUNT
    }
    accounts = Accounts({"same": asker.scene.accounts.get(ACCOUNT).settings, **by_key}, {"KEY": keys[0]})
    used = regenerate_key.uses(accounts, accounts.get("same"), regenerate_key.AccountKeys(*keys))
    assert used == {"primary"}, "by whichever of its names the account is reached"
    await accounts.close()
    with mock.patch.object(Account, "signs_with", lambda _, key: key == keys[0]):
        found = await asker.look_ahead(f"account regenerate-key {ACCOUNT} primary")
        last = await asker.run("account regenerate-key", Regeneration(ACCOUNT, "primary"), "primary key")
    assert "it would lock itself out" in found.refused
    assert [fix.command for fix in found.fixes] == [f"account regenerate-key {ACCOUNT} secondary"]
    assert "it would lock itself out" in words(last), "nor is it by a workflow that was begun before"
    assert asker.world[ACCOUNT].facts.keys == keys


# --- packages, certificates -------------------------------------------------------------------------------------------


def application(asker: Asker) -> Any:
    """One that has an active package, and one that waits with its file uploaded."""
    found = next(iter(asker.world[ACCOUNT].applications.values()))
    now = asker.scene.world.clock.now()
    found.packages["9.9"] = Package(version="9.9", modified=now, activated=None, uploaded=True)
    return found


async def test_a_package_is_activated_and_made_the_default(asker: Asker) -> None:
    found = application(asker)
    shown = await asker.ask(f"application show {found.id} account:{ACCOUNT}")
    assert "Activate 9.9" in words(shown)
    check("application-with-verbs", still(shown, asker.scene))
    card = await asker.ask(f"package activate {found.id} 9.9 account:{ACCOUNT}")
    assert plain(card.title) == f"Package 9.9 of {found.id} is active"
    assert "is active already" in plain((await asker.ask(f"package activate {found.id} 9.9 account:{ACCOUNT}")).title)
    before = found.default_version
    card = await asker.ask(f"application default {found.id} 9.9 account:{ACCOUNT}")
    assert plain(card.title) == f"9.9 is the default version of {found.id}"
    assert found.default_version == "9.9"
    rows = await asker.scene.store.operations()
    back = await asker.operations.undo(next(row.id for row in rows if row.workflow == "application default"))
    assert back
    await asker.ask(back.command)
    assert found.default_version == before


async def test_what_is_not_there_cannot_be_activated(asker: Asker) -> None:
    found = application(asker)
    card = await asker.ask(f"package activate {found.id} 7.7 account:{ACCOUNT}")
    assert "has no version “7.7”" in plain(card.title)
    assert "cannot upload" in plain(card.title)
    assert "no application" in plain((await asker.ask(f"package activate nothing 1 account:{ACCOUNT}")).title)


async def test_a_certificate_whose_deletion_failed_is_kept(asker: Asker) -> None:
    account = asker.world[ACCOUNT]
    live = certificate("seed", "render.example", asker.scene.world.clock.now(), state="deletefailed")
    thumbprint = live.body.thumbprint
    account.certificates[thumbprint] = live
    shown = await asker.ask(f"certificate show {thumbprint} account:{ACCOUNT}")
    assert "Cancel deletion" in words(shown)
    card = await asker.ask(f"certificate cancel-deletion {thumbprint} account:{ACCOUNT}")
    assert plain(card.title) == "The certificate is active again"
    assert live.body.state == "active"
    card = await asker.ask(f"certificate cancel-deletion {thumbprint} account:{ACCOUNT}")
    assert "no deletion to call off" in plain(card.title)


async def test_who_may_is_offered_what_there_is(asker: Asker) -> None:
    shown = words(await asker.ask(f"account show {ACCOUNT}"))
    assert "Delete account" in shown
    assert "New key…" in shown
    assert "+ New account" in words(await asker.ask("account list"))
    check("new-account", still(await asker.ask(f"new account account:{ACCOUNT}"), asker.scene))


async def test_who_may_not_is_offered_nothing(scene: Scene) -> None:
    for command in (f"account show {ACCOUNT}", "account list", f"new account account:{ACCOUNT}"):
        shown = words(await scene.ask(command))
        assert "New account" not in shown
        assert "Delete account" not in shown
