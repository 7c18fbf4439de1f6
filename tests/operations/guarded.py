"""A bot with a few verbs, whose pool can be changed from outside; and everything that guards them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.azure.accounts import Accounts
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.domain.price import HourlyCost
from bot.operations.preflight import Difference, Preflight
from bot.policy.approvals import ApprovalRules
from bot.policy.grants import Grants
from bot.policy.people import People
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import ApprovalSettings, BreakGlassSettings, GrantSettings, PersonSettings
from bot.requests.approval_keeper import ApprovalKeeper
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.dispatcher import Dispatcher
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AccountSettings
from cards.build import text
from cards.card import Action, Actions, Button, Card, plain
from handlers.bot import access, approvals, audit, confirm
from storage.port.audit import AuditEntry
from storage.port.confirmations import Confirmation
from storage.sqlite.store import SqliteStore

SLACK = Conversation("slack", "C0OPS")
TEAMS = Conversation("teams", "19:ops@thread.tacv2", service_url="https://smba.example.com/")
ALONE = Conversation("slack", "D0OLGA", kind="personal")
NAMES = {
    "slack:U0OLGA": "Olga",
    "slack:U0OTTO": "Otto",
    "slack:U0MIA": "Mia",
    "teams:otto": "Otto",
    "teams:olga": "Olga",
}
PEOPLE = [
    PersonSettings(["slack:U0OLGA", "teams:olga"], "Olga"),
    PersonSettings(["slack:U0OTTO", "teams:otto"], "Otto"),
]
GRANTS = [GrantSettings(["slack:U0OLGA", "slack:U0OTTO", "teams:tim"], ["pool *"])]


class Pool:
    """What the verbs change."""

    def __init__(self) -> None:
        self.nodes = 4
        self.refused = ""
        self.deleted = False
        self.resized: list[int] = []
        self.crash: type[BaseException] | None = None


class Bot:
    """The bot; ``now`` is moved by whoever tests."""

    def __init__(self, store: SqliteStore, **settings: Any) -> None:
        self.store, self.pool, self.asked = store, Pool(), 0
        self.registry = Registry()
        _verbs(self.registry, self.pool)
        for module in (confirm, approvals, audit, access):
            self.registry.collect(module)
        account = AccountSettings(
            endpoint="https://sim.westeurope.batch.azure.com", subscription="s", resource_group="r"
        )
        self.accounts = Accounts({"sim": account}, {})
        self.dispatcher = Dispatcher(Services(self.registry, policy_of(**settings), store, AzureReading(self.accounts)))
        self.ran: list[CommandRequest] = []
        self.keeper = ApprovalKeeper(self.dispatcher, self._accept, Clock())

    async def ask(self, typed: str, who: str = "slack:U0OLGA", where: Conversation | None = None, **more: Any) -> Card:
        """Somebody types, or clicks."""
        self.asked += 1
        platform, _, id_ = who.partition(":")
        person = Person(platform, id_, NAMES.get(who, ""), home="T0", kind=more.pop("kind", "member"))
        conversation = where or (SLACK if platform == "slack" else TEAMS)
        key = more.pop("key", f"k{self.asked}")
        return await self.dispatcher.card(CommandRequest(key, typed, person, conversation, datetime.now(UTC), **more))

    async def look(self, later: timedelta = timedelta()) -> list[Card]:
        """The keeper looks: the answers of what it runs."""
        self.ran.clear()
        await self.keeper.poll(datetime.now(UTC) + later)
        return [await self.dispatcher.card(request) for request in self.ran]

    async def trail(self) -> list[AuditEntry]:
        """Every line of the audit trail."""
        return await self.store.audit(datetime.now(UTC) - timedelta(days=1))

    async def told(self) -> list[tuple[str, str]]:
        """The last lines of the trail, as results and rules."""
        return [(entry.result, entry.rule) for entry in await self.trail()]

    async def messages(self) -> dict[str, Card]:
        """What is in the outbox, by entry."""
        return {
            state.entry.id: msgspec.json.decode(state.entry.card, type=Card) for state in await self.store.undelivered()
        }

    async def confirmation(self) -> Confirmation:
        """The one that waits."""
        (row,) = self.store._db.execute("SELECT id FROM confirmations WHERE used = ''").fetchall()
        found = await self.store.confirmation(row[0])
        assert found
        return found

    async def requested(self, nodes: int = 64, **more: Any) -> str:
        """Olga asks for a resize that others must agree to; the approval's id."""
        await self.ask(f"pool resize gpu-a {nodes} --reason 'the release is late'", **more)
        ((waiting, *_), _) = await self.store.approvals(["pending"])
        return waiting.id

    async def _accept(self, request: CommandRequest) -> None:
        if await self.store.accept(request.key, b"", request.at):
            self.ran.append(request)


@asynccontextmanager
async def guarded(tmp_path: Path, **settings: Any) -> AsyncIterator[Bot]:
    """A bot with its own database."""
    store = SqliteStore.open(tmp_path / "t.db")
    bot = Bot(store, **settings)
    yield bot
    await bot.accounts.close()
    await store.close()


def policy_of(
    *,
    grants: list[GrantSettings] | None = None,
    approvals: list[ApprovalSettings] | None = None,
    break_glass: BreakGlassSettings | None = None,
    **access: Any,
) -> Policy:
    """A policy; without other grants Olga and Otto may do everything with pools."""
    return Policy(
        Access(AccessSettings(**access), People(PEOPLE)),
        Grants(GRANTS if grants is None else grants),
        ApprovalRules(approvals or []),
        break_glass,
    )


def buttons(card: Card) -> dict[str, Button]:
    """Every button by its text."""
    items: list[Action] = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    return {item.text: item for item in items if isinstance(item, Button)}


def said(card: Card) -> str:
    """The title."""
    return plain(card.title)


def _verbs(registry: Registry, gpu: Pool) -> None:
    async def ahead(ctx: Context, pool: str, nodes: int, *, account: str | None = None) -> Preflight:
        at = datetime(2026, 11, 23, tzinfo=UTC)
        if gpu.refused:
            return Preflight(gpu.refused)
        return Preflight(
            differences=(Difference("Dedicated nodes", str(gpu.nodes), str(nodes)),),
            state=str(gpu.nodes),
            cost_before=HourlyCost(gpu.nodes * 0.5, 0, "USD", at),
            cost_after=HourlyCost(nodes * 0.5, 0, "USD", at),
            nodes_before=gpu.nodes,
            nodes_after=nodes,
        )

    @command("pool resize", effect="change", azure=True, preflight=ahead, check="pool show {pool}")
    async def resize(ctx: Context, pool: str, nodes: int, *, account: str | None = None) -> Card:
        """Resize a pool.

        :param pool: the pool
        :param nodes: how many nodes
        :param account: the account
        """
        if gpu.crash:
            raise gpu.crash
        gpu.resized.append(nodes)
        gpu.nodes = nodes
        return Card(title=text(f"{pool} has {nodes} nodes"))

    async def ending(ctx: Context, pool: str, *, account: str | None = None) -> Preflight:
        name = "gpu-a" if gpu.nodes > 10 else ""
        return Preflight(
            gpu.refused,
            effects=("18 running tasks go back into the queue.",),
            state=str(gpu.nodes),
            nodes_before=gpu.nodes,
            nodes_after=0,
            name=name,
        )

    @command("pool delete", effect="destroy", azure=True, preflight=ending)
    async def delete(ctx: Context, pool: str, *, account: str | None = None) -> Card:
        """Delete a pool.

        :param pool: the pool
        :param account: the account
        """
        gpu.deleted = True
        return Card(title=text(f"{pool} is gone"))

    @command("pool show", effect="read")
    async def show(ctx: Context, pool: str) -> Card:
        """Show a pool.

        :param pool: the pool
        """
        if pool == "none":
            raise CommandError("There is no such pool.")
        return Card(title=text(f"{pool}: {gpu.nodes} nodes"))

    for handler in (resize, delete, show):
        registry.add(handler, getattr(handler, "__batchbot_command__"))  # noqa: B009


def offering(registry: Registry) -> None:
    """Add a command whose card offers verbs."""

    @command("offer", effect="read")
    async def offer(ctx: Context) -> Card:
        """Offer what can be done."""
        items = (
            Button("Resize", "pool resize gpu-a", how="form"),
            Button("Delete", "pool delete gpu-a"),
            Button("Show", "pool show gpu-a"),
        )
        return Card(title=text("gpu-a"), blocks=(Actions(items),))

    registry.add(offer, getattr(offer, "__batchbot_command__"))  # noqa: B009
