"""What destroys something is asked about first; the answer holds for one person, place and state, once, for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import pytest

from bot.azure.accounts import Accounts
from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations import confirm as confirming
from bot.operations.preflight import Preflight
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.command import Mark
from bot.requests.context import Context
from bot.requests.dispatcher import Dispatcher
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AccountSettings
from cards.build import text
from cards.card import Actions, Button, Card, plain
from handlers.bot import confirm
from storage.port.errors import StoreError
from storage.sqlite.store import SqliteStore

HERE, THERE = Conversation("slack", "C1"), Conversation("slack", "C2")


class Bot:
    """A bot with one destructive command, whose target can be changed from outside."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.nodes, self.destroyed, self.refused, self.asked = 3, list[str](), "", 0
        registry = Registry()

        async def destroy(ctx: Context, pool: str, *, account: str | None = None) -> Card:
            """Destroy a pool.

            :param pool: the pool
            :param account: the account
            """
            self.destroyed.append(pool)
            return Card(title=text(f"{pool} is gone"))

        async def ahead(ctx: Context, pool: str, *, account: str | None = None) -> Preflight:
            return Preflight(self.refused, (f"{self.nodes} nodes go.",), str(self.nodes))

        mark = Mark("destroy", "viewer", (), 0, "destroy", preflight=ahead)
        registry.add(destroy, mark)
        registry.collect(confirm)
        self.accounts = Accounts(
            {
                name: AccountSettings(
                    endpoint=f"https://{name}.we.batch.azure.com", subscription="s", resource_group="r"
                )
                for name in ("first", "second")
            },
            {},
        )
        self.policy = Policy(Access(AccessSettings()))
        self.dispatcher = Dispatcher(Services(registry, self.policy, store, AzureReading(self.accounts)))

    async def ask(self, typed: str, person: str = "U1", conversation: Conversation = HERE, **more: Any) -> Card:
        self.asked += 1
        who = Person("slack", person, home="T1")
        request = CommandRequest(f"k{self.asked}", typed, who, conversation, datetime.now(UTC), **more)
        return await self.dispatcher.card(request)

    async def trail(self) -> list[tuple[str, str]]:
        """What the audit trail says: results and rules."""
        return [(entry.result, entry.rule) for entry in await self.store.audit(datetime.now(UTC) - timedelta(hours=1))]


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    store = SqliteStore.open(tmp_path / "t.db")
    made = Bot(store)
    yield made
    await made.accounts.close()
    await store.close()


def button(card: Card, answer: Literal["yes", "no"]) -> str:
    (row,) = [block for block in card.blocks if isinstance(block, Actions)]
    yes, no = [item.command for item in row.items if isinstance(item, Button)]
    return yes if answer == "yes" else no


async def test_it_asks_first_and_says_what_goes(bot: Bot) -> None:
    card = await bot.ask("destroy gpu-a")
    assert plain(card.title) == "Run “destroy gpu-a” in first?"
    assert "3 nodes go." in str(card.blocks)
    assert bot.destroyed == []
    assert plain((await bot.ask(button(card, "yes"))).title) == "gpu-a is gone"
    assert bot.destroyed == ["gpu-a"]
    assert await bot.trail() == [("confirmation", "confirm.asked"), ("done", "access.everyone")]


async def test_a_form_is_confirmed_with_what_was_filled_in(bot: Bot) -> None:
    card = await bot.ask("destroy", values={"pool": "gpu b", "account": "second"})
    await bot.ask(button(card, "yes"))
    assert bot.destroyed == ["gpu b"]
    (_, done) = await bot.store.audit(datetime.now(UTC) - timedelta(hours=1))
    assert (done.account, done.target, done.command) == ("second", "pool gpu b", "destroy account:second pool:gpu b")
    assert (done.person, done.home, done.conversation) == ("slack:U1", "T1", "slack:C1")


@pytest.mark.parametrize(
    ("person", "conversation", "rule"),
    [("U2", HERE, "confirm.person"), ("U1", THERE, "confirm.conversation")],
)
async def test_nobody_else_and_nowhere_else(bot: Bot, person: str, conversation: Conversation, rule: str) -> None:
    card = await bot.ask("destroy gpu-a")
    answer = await bot.ask(button(card, "yes"), person=person, conversation=conversation)
    assert answer.refused
    assert bot.destroyed == []
    assert (await bot.trail())[-1] == ("refused", rule)
    await bot.ask(button(card, "yes"))
    assert bot.destroyed == ["gpu-a"], "and whoever was asked can still say yes"


async def test_once_only(bot: Bot) -> None:
    card = await bot.ask("destroy gpu-a")
    await bot.ask(button(card, "yes"))
    again = await bot.ask(button(card, "yes"))
    assert plain(again.title) == "It was already confirmed or dropped."
    assert bot.destroyed == ["gpu-a"]
    assert (await bot.trail())[-1] == ("refused", "confirm.used")


async def test_a_no_drops_it(bot: Bot) -> None:
    card = await bot.ask("destroy gpu-a")
    assert plain((await bot.ask(button(card, "no"))).title) == "Nothing was done."
    assert (await bot.ask(button(card, "yes"))).refused
    assert bot.destroyed == []


async def test_it_expires(bot: Bot) -> None:
    with mock.patch.object(confirming, "LASTS", timedelta(seconds=-1)):
        card = await bot.ask("destroy gpu-a")
    assert (await bot.ask(button(card, "yes"))).refused
    assert bot.destroyed == []
    assert (await bot.trail())[-1] == ("refused", "confirm.expired")
    assert timedelta(minutes=5) == confirming.LASTS


async def test_what_changed_meanwhile_is_asked_about_again(bot: Bot) -> None:
    card = await bot.ask("destroy gpu-a")
    bot.nodes = 12
    again = await bot.ask(button(card, "yes"))
    assert "12 nodes go." in str(again.blocks)
    assert bot.destroyed == []
    assert (await bot.trail())[-1] == ("confirmation", "confirm.changed")
    await bot.ask(button(again, "yes"))
    assert bot.destroyed == ["gpu-a"]


async def test_whose_role_was_taken_away_meanwhile_cannot_confirm(bot: Bot) -> None:
    card = await bot.ask("destroy gpu-a")
    services = bot.dispatcher.services
    bot.dispatcher.services = type(services)(
        services.registry, Policy(Access(AccessSettings(everyone="none"))), services.store, services.reading
    )
    assert (await bot.ask(button(card, "yes"))).refused
    assert bot.destroyed == []


async def test_an_id_that_was_made_up(bot: Bot) -> None:
    assert (await bot.ask("confirm 0123456789abcdef")).refused
    assert (await bot.trail())[-1] == ("refused", "confirm.unknown")


async def test_what_cannot_be_done_is_not_asked_about(bot: Bot) -> None:
    bot.refused = "gpu-a is being resized: wait until it is steady."
    assert plain((await bot.ask("destroy gpu-a")).title) == bot.refused
    assert await bot.trail() == [("rejected", "preflight")]


async def test_the_trail_is_append_only(bot: Bot) -> None:
    await bot.ask("destroy gpu-a")
    for sql in ("UPDATE audit SET result = 'done'", "DELETE FROM audit"):
        with pytest.raises(StoreError, match="append-only"):
            await bot.store._run(lambda sql=sql: bot.store._db.execute(sql))  # type: ignore[misc]
    assert len(await bot.trail()) == 1


async def test_the_trail_holds_no_secret(bot: Bot) -> None:
    await bot.ask("destroy 'AccountKey=aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8='")
    (entry,) = await bot.store.audit(datetime.now(UTC) - timedelta(hours=1))
    assert "aGVsbG8" not in entry.command
    assert "aGVsbG8" not in entry.target


async def test_a_change_that_was_made_and_cannot_be_recorded_is_not_answered_as_if_it_failed(bot: Bot) -> None:
    """The disk fills up in the middle: a button to try again would make the change a second time."""
    asked = await bot.ask("destroy gpu-a")
    with mock.patch.object(bot.store, "append_audit", side_effect=StoreError("the disk is full")):
        card = await bot.ask(button(asked, "yes"))
    assert bot.destroyed == ["gpu-a"]
    assert plain(card.title) == "gpu-a is gone"
    assert "could not record this" in str(card.blocks)
