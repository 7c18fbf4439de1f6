"""Autoscale switched on, changed and off, by the operations engine against the living sandbox; each form on the way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace as changed

from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.sandbox.world.live import LivePool
from bot.settings import AccessSettings
from cards.card import Actions, Button, Card, Footer, Form, Mark, plain
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_autoscale import ACCOUNT, lived

FORMULA = "$TargetDedicatedNodes = min(4, 2);\n$NodeDeallocationOption = taskcompletion;"
FIXED = "amber-comp"
"""A pool of a fixed size that has all the nodes that it wants."""
OPERATOR = Person("text", "operator", zone="America/Chicago")


@dataclass
class Changing:
    """The scene with an identity that may write, an operator, and time that passes while something is waited for."""

    scene: Scene
    dispatcher: Dispatcher
    asked: int = 0

    async def ask(self, text: str, person: Person = OPERATOR, **more: Any) -> Card:
        """The answer, once its question, where there is one, was answered with yes."""
        card = await self.once(text, person, **more)
        yes = next((each.command for each in buttons(card) if each.command.startswith("confirm ")), "")
        return await self.once(" ".join(yes.split()[:2]), person) if yes else card

    async def once(self, text: str, person: Person = OPERATOR, **more: Any) -> Card:
        self.asked += 1
        here = Conversation("text", "here")
        request = CommandRequest(f"key-{self.asked}", text, person, here, datetime.now(UTC), **more)
        return await self.dispatcher.card(request)

    async def form(self, command: str, values: Mapping[str, str] | None = None) -> Form:
        here = Conversation("text", "here")
        request = CommandRequest("form", "", OPERATOR, here, datetime.now(UTC))
        found = await self.dispatcher.form(command, request, values=values, seconds=20)
        assert isinstance(found, Form), plain(found.title)
        return found

    def pool(self, name: str) -> LivePool:
        return self.scene.world.accounts[ACCOUNT].pools[name]


@pytest.fixture
async def changing(scene: Scene) -> AsyncIterator[Changing]:
    sandbox = scene.sandbox
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    with mock.patch.dict(os.environ, identity):
        accounts = Accounts(
            {
                account.name: changed(account.settings, write_credential="managed_identity")
                for account in scene.accounts
            },
            retail=Retail(sandbox.prices_url, patience=60.0),
        )
        services = scene.dispatcher.services
        operations = Operations(
            scene.store, accounts, services.registry.workflows, Audit(scene.store), Clock(speed=200.0)
        )
        dispatcher = Dispatcher(
            replace(
                services,
                policy=Policy(Access(AccessSettings(operators=["text:operator"]))),
                reading=replace(services.reading, accounts=accounts),
                operations=operations,
            )
        )

        async def live() -> None:
            while True:
                await asyncio.sleep(0.05)
                scene.advance(seconds=10)

        living = asyncio.create_task(live())
        yield Changing(scene, dispatcher)
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living
        await operations.drain()
        await accounts.close()


def buttons(card: Card) -> list[Button]:
    blocks = [block for block in card.blocks if isinstance(block, Actions)]
    return [item for block in blocks for item in block.items if isinstance(item, Button)]


async def test_a_fixed_pool_is_scaled_by_a_formula_and_back(changing: Changing) -> None:
    pool = changing.pool(FIXED)
    before = pool.body.target_dedicated_nodes, pool.body.target_low_priority_nodes
    asked = await changing.once(f"pool autoscale enable {FIXED} ```\n{FORMULA}\n``` minutes:10")
    assert "It decides the size at once" in str(asked), "it may change the size now"
    card = await changing.ask(f"pool autoscale enable {FIXED} ```\n{FORMULA}\n``` minutes:10")
    assert plain(card.title).startswith(f"Pool {FIXED} scales by the formula every 10 min: it wants 2 dedicated")
    assert (pool.body.auto_scale_formula, pool.body.auto_scale_evaluation_interval) == (FORMULA, "PT10M")
    undo = next(each for each in buttons(card) if each.text == "Undo")
    again = await changing.ask(f"pool autoscale enable {FIXED} $TargetDedicatedNodes = 1;")
    assert again.refused
    assert "scales by a formula already" in str(again)
    back = await changing.once(undo.command)
    assert not back.refused, plain(back.title)
    assert not pool.body.enable_auto_scale
    assert (pool.body.target_dedicated_nodes, pool.body.target_low_priority_nodes) == before


async def test_formula_and_interval_are_changed_apart_or_together_and_undone(changing: Changing) -> None:
    pool = changing.pool("render-cpu")
    own = pool.body.auto_scale_formula
    card = await changing.ask("pool autoscale edit render-cpu minutes:30")
    assert "every 30 min" in plain(card.title)
    assert (pool.body.auto_scale_formula, pool.body.auto_scale_evaluation_interval) == (own, "PT30M")
    card = await changing.ask(f"pool autoscale edit render-cpu ```{FORMULA}```")  # waits for the 30 s to pass
    assert (pool.body.auto_scale_formula, pool.body.auto_scale_evaluation_interval) == (FORMULA, "PT30M")
    undone = await changing.ask(next(each.command for each in buttons(card) if each.text == "Undo"))
    assert not undone.refused, plain(undone.title)
    assert pool.body.auto_scale_formula == (own or "").strip()


async def test_autoscale_off_leaves_the_size_and_can_set_another(changing: Changing) -> None:
    pool = changing.pool("render-cpu")
    wanted = pool.body.target_dedicated_nodes
    card = await changing.ask("pool autoscale disable render-cpu")
    assert f"fixed at {wanted} dedicated and 0 spot nodes" in plain(card.title)
    assert not pool.body.enable_auto_scale
    refused = await changing.ask("pool autoscale disable render-cpu 3")
    assert "has a fixed size already" in str(refused)
    await changing.ask(f"pool autoscale enable render-cpu ```{FORMULA}```")
    card = await changing.ask("pool autoscale disable render-cpu 3 spot:1")
    assert "fixed at 3 dedicated and 1 spot nodes" in plain(card.title)
    assert (pool.body.target_dedicated_nodes, pool.body.target_low_priority_nodes) == (3, 1)


async def test_who_may_not_change_is_refused_and_offered_nothing(changing: Changing) -> None:
    viewer = Person("text", "viewer")
    card = await changing.ask(f"pool autoscale enable render-gpu ```{FORMULA}```", viewer)
    assert card.refused
    assert not changing.pool("render-gpu").body.enable_auto_scale
    for person, offered in ((OPERATOR, True), (viewer, False)):
        shown = [each.text for each in buttons(await changing.ask("pool autoscale render-cpu", person))]
        assert ("Edit…" in shown, "Disable…" in shown) == (offered, offered)
        shown = [each.text for each in buttons(await changing.ask("pool autoscale render-gpu", person))]
        assert ("Enable…" in shown) is offered


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("pool autoscale enable render-gpu", "Which formula?"),
        ("pool autoscale enable render-gpu $TargetDedicatedNodes = mn(3);", "Line 1, column 25: There is no function"),
        ("pool autoscale enable render-gpu x = 3;", "sets neither"),
        ("pool autoscale enable render-gpu $TargetDedicatedNodes = 3; minutes:4", "5 to 10,080 minutes"),
        ("pool autoscale enable render-gpu // three\n$TargetDedicatedNodes = 3;", "between three backticks"),
        ('pool autoscale enable render-gpu $TargetDedicatedNodes = time() > time("2026-11-24");', "three backticks"),
        ("pool autoscale edit render-gpu minutes:9", "does not scale by a formula"),
        ("pool autoscale edit render-cpu", "What is to change?"),
        ("pool autoscale disable render-cpu 9999", "do not fit"),
        ("pool autoscale disable nothing", "There is no pool"),
    ],
)
async def test_what_azure_would_refuse_is_refused_before(changing: Changing, typed: str, why: str) -> None:
    card = await changing.ask(typed)
    assert card.refused
    assert why in plain(card.title) + str(card.blocks)


async def test_a_pool_that_resizes_is_refused_with_the_way_out(changing: Changing) -> None:
    changing.pool("render-gpu").body.allocation_state = "resizing"
    card = await changing.ask(f"pool autoscale enable render-gpu ```{FORMULA}```")
    assert card.refused
    assert "when it is steady" in str(card)


async def test_evaluation_is_the_services_own_where_the_bot_may_ask_for_it(changing: Changing) -> None:
    card = await changing.ask("pool autoscale evaluate render-cpu x = $CurrentDedicatedNodes.GetSample(1) + 1; "
                              "$TargetDedicatedNodes = min(9, x);")  # fmt: skip
    assert not card.refused
    assert "Evaluated by Azure; nothing was changed." in str(card.blocks)
    failed = await changing.ask("pool autoscale evaluate render-cpu $TargetDedicatedNodes = 1 / 0;")
    assert "Division by zero" in str(failed.blocks)


async def test_a_formula_whose_first_evaluation_fails_is_told_as_it_is(changing: Changing) -> None:
    card = await changing.ask("pool autoscale enable render-gpu $TargetDedicatedNodes = $PendingTasks.GetSample(1, 2);")
    assert "its first evaluation failed" in plain(card.title) or "wants" in plain(card.title)


async def test_forms_check_and_try_what_is_written(changing: Changing) -> None:
    await lived(changing.scene, "render-gpu", days=2, slots=1)
    opened = await changing.form("pool autoscale enable render-gpu")
    check("form-autoscale-enable", opened)
    filled = {field.name: field.value for field in opened.fields}
    assert "$TargetDedicatedNodes" in filled["formula"]
    assert any("Over the last" in plain(note.text) for note in opened.notes)
    wrong = await changing.form("pool autoscale enable", {**filled, "formula": "$TargetDedicatedNodes = mn(3);"})
    assert wrong.errors == {"formula": "Line 1, column 25: There is no function “mn”. Did you mean min?"}
    risky = await changing.form(
        "pool autoscale enable", {**filled, "formula": "“$TargetDedicatedNodes = $PendingTasks.GetSample(1);”"}
    )
    assert not risky.errors
    check("form-autoscale-enable-risky", risky)
    edit = await changing.form("pool autoscale edit render-cpu")
    assert edit.fields[1].value == (changing.pool("render-cpu").body.auto_scale_formula or "").strip()
    off = await changing.form("pool autoscale disable render-cpu")
    assert {field.name: field.value for field in off.fields}["dedicated"] == "2"


async def test_what_a_form_sends_keeps_lines_and_quotes(changing: Changing) -> None:
    formula = '// by "day"\n$TargetDedicatedNodes = time() > time("2026-01-01") ? 2 : 1;\n' + FORMULA.splitlines()[1]
    values = {"pool": "render-gpu", "formula": formula, "minutes": "5", "account": ACCOUNT}
    card = await changing.ask("pool autoscale enable", values=values)
    assert not card.refused, plain(card.title)
    assert changing.pool("render-gpu").body.auto_scale_formula == formula


async def test_the_cards_of_the_changes(changing: Changing) -> None:
    check("autoscale-enabled", _plain(await changing.ask(f"pool autoscale enable render-gpu ```{FORMULA}```")))
    check("autoscale-disabled", _plain(await changing.ask("pool autoscale disable render-gpu 2")))


def _plain(card: Card) -> Card:
    """Without what differs from run to run: times and ids."""
    kept = tuple(block for block in card.blocks if not isinstance(block, Actions | Footer))
    return changed(card, blocks=kept, as_of=None)


async def test_a_formula_that_was_tried_can_be_taken_over_and_says_by_how_much_it_was_tried(changing: Changing) -> None:
    await lived(changing.scene, FIXED, days=1, slots=1, counted=False)
    formula = 'a = time() > time("2026-11-24") ? 1 : 2; $TargetDedicatedNodes = min(2, a);'
    tried = await changing.ask(f"pool what-if {FIXED} ```{formula}```")
    assert plain(tried.title).endswith("of samples"), "not the last 7 days, of which six are unknown"
    assert tried.mark is Mark.WARNING
    linted = await changing.ask(f"pool autoscale lint pool:{FIXED} ```{formula}```")
    for card in (tried, linted):
        use = next(each for each in buttons(card) if each.text == "Enable this formula…")
        form = await changing.form(use.command)
        assert {field.name: field.value for field in form.fields}["formula"] == formula
        assert use.how == "form"
    [whole] = [each for each in buttons(tried) if each.text == "1 day"]
    assert plain((await changing.ask(whole.command)).title).endswith("one day")
    nobody = Person("text", "nobody", zone="America/Chicago")
    offered = buttons(await changing.ask(f"pool what-if {FIXED} ```{formula}```", nobody))
    assert not [each for each in offered if each.text == "Enable this formula…"]


@pytest.mark.parametrize("command", ["autoscale lint pool:{}", "what-if {}", "autoscale evaluate {}"])
async def test_a_formula_that_grows_beyond_every_number_is_answered_in_words(changing: Changing, command: str) -> None:
    await lived(changing.scene, FIXED, days=0.1, slots=1, counted=False)
    bomb = f"a=2;{'a=a*a;' * 90}$TargetDedicatedNodes=a;"
    card = await changing.ask(f"pool {command.format(FIXED)} ```{bomb}```")
    words = repr(card)
    assert "no cap" in words if "lint" in command else "too large a number" in words


async def test_what_is_far_too_long_is_not_read_in_a_form(changing: Changing) -> None:
    long = "$TargetDedicatedNodes = 1;" + "x = 1;" * 10_000
    form = await changing.form("pool autoscale enable", {"pool": FIXED, "formula": long})
    assert "10,000 at most" in form.errors["formula"]
    within = await changing.form("pool autoscale enable", {"pool": FIXED, "formula": "x = 1;" * 1500})
    assert "the service takes 8,192" in within.errors["formula"]
