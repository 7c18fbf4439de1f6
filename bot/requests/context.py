"""What a handler is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec import Struct

from bot.accounting.service import Accounting
from bot.azure.roles import CONTRIBUTOR
from bot.chat.port import Undelivered
from bot.chat.request import CommandRequest, Conversation, Person
from bot.policy.question import Target
from bot.requests import binding
from bot.requests.command import CommandError
from bot.requests.live import LiveAnswer, LiveAnswers
from bot.requests.preferences import Chosen, default_account
from bot.requests.services import Relaying, Services, UploadLinks
from bot.requests.uploads import Uploads

if TYPE_CHECKING:
    from bot.alerting.service import AlertService
    from bot.alerting.watched_jobs import WatchedJobs
    from bot.azure.account import Account
    from bot.azure.accounts import Accounts
    from bot.monitor.monitor_status import Status
    from bot.operations.approve import Approvals
    from bot.operations.audit import Act, Audit
    from bot.operations.confirm import Answer
    from bot.operations.engine import Undoing
    from bot.reports.service import Reports
    from bot.requests.registry import Registry
    from cards.card import Card
    from storage.port.store import Store

log = structlog.get_logger()


def no_writer(account: str) -> str:
    """Why the bot cannot change an account, and what to do about it."""
    return (
        f"The bot can only read {account}: its settings name no identity that may change it. "
        f"Set accounts.{account}.write_credential, and give that identity the role {CONTRIBUTOR}."
    )


class Running(Protocol):
    """Runs other commands on behalf of whoever asks, with their permission alone."""

    def run(self, command: str, undoing: Undoing | None = None) -> AsyncIterator[Card]:
        """The cards of a command, as if it had been typed; ``undoing`` is the operation that it takes back."""
        ...

    def confirm(self, confirmation: str, answer: Answer) -> AsyncIterator[Card]:
        """The cards of a change that waits for its confirmation; with a no it is dropped."""
        ...

    def run_approved(self, approval: str) -> AsyncIterator[Card]:
        """The cards of a change that others have agreed to."""
        ...


@dataclass(frozen=True)
class Context:
    """One request's surroundings: who asks, where, and what answers are made from.

    The properties are the services by the names that handlers use.
    """

    request: CommandRequest
    services: Services
    zone: str
    """IANA name of the zone in which times are given and read; see :meth:`bot.requests.dispatcher.Dispatcher.zone`."""
    live: LiveAnswer
    """For handlers that yield cards: the id of the stop button, and whether it was pressed."""
    lives: LiveAnswers
    """Every live answer, for the stop command."""
    chosen: Chosen | None = None
    """The default account that was chosen here, if one was."""
    running: Running | None = None
    """Runs other commands; None where none can be."""
    approvals: Approvals | None = None
    """What waits for others to agree; None where nothing does."""
    audit: Audit | None = None
    """The audit trail; None where there is none."""
    act: Act | None = None
    """What the audit trail says of the change that is being made; None for what only reads."""

    @property
    def role(self) -> str:
        """The asker's role."""
        return self.services.policy.role(self.request.person)

    @property
    def accounts(self) -> Accounts:
        """The accounts of the settings."""
        return self.services.reading.accounts

    @property
    def accounting(self) -> Accounting:
        """What accounts cost, and their bill."""
        return Accounting(self.services.store, self.services.reading.accounts)

    @property
    def relay(self) -> Relaying | None:
        """Relays large files; None where the bot has no public address."""
        return self.services.reading.relay

    @property
    def store(self) -> Store:
        """What is kept."""
        return self.services.store

    @property
    def registry(self) -> Registry:
        """The commands there are."""
        return self.services.registry

    @property
    def bot_name(self) -> str:
        """What is typed before a command."""
        return self.services.chatting.bot_name

    @property
    def alerts(self) -> AlertService | None:
        """Incidents and who is notified; None where nothing is watched."""
        return self.services.watching.alerts if self.services.watching else None

    @property
    def status(self) -> Status | None:
        """How watching and delivery stand; None where nothing is watched."""
        return self.services.watching.status if self.services.watching else None

    @property
    def jobs(self) -> WatchedJobs | None:
        """The living cards of watched jobs; None where nothing is watched."""
        return self.services.watching.jobs if self.services.watching else None

    @property
    def reports(self) -> Reports | None:
        """Reports of money; None where none are posted."""
        return self.services.watching.reports if self.services.watching else None

    @property
    def direct(self) -> Callable[[Person, Conversation], Awaitable[Conversation]] | None:
        """The conversation with a person alone; raises CommandError. None where nobody can be written to."""
        return self._alone if self.services.chatting.direct else None

    @property
    def uploads(self) -> Uploads:
        """What was attached or pasted."""
        return Uploads(self.services.store, self.services.chatting.fetch)

    @property
    def upload_page(self) -> UploadLinks | None:
        """Makes links to the page for uploads; None where the bot has no public address."""
        return self.services.chatting.upload_page

    def account(self, name: str | None) -> Account:
        """The account by its name in the settings; None is the conversation's default, :mod:`bot.requests.preferences`.

        Raises CommandError with the known names.
        """
        return binding.account(self, name)

    def allows(self, path: str, *, account: str = "", target: Target | None = None) -> bool:
        """Whether the policy lets the asker run the command ``path`` here, for everybody in this conversation.

        ``account`` and ``target`` are what it would be about; where they are left out, whether there is anything that
        it would be allowed for. A command about many entities asks for each of them.
        """
        asked = self.registry.commands[path].question(self.request)
        return self.services.policy.decide(
            replace(asked, account=account, target=target or Target(), partial=True)
        ).allowed

    async def chosen_now(self) -> Chosen | None:
        """The default account that is chosen here by now: where it has just been changed."""
        return await default_account(self.store, self.request, self.accounts.names)

    def run(self, command: str, undoing: Undoing | None = None) -> AsyncIterator[Card]:
        """Run another command on behalf of the asker, with their permission alone: its cards.

        ``undoing`` is the operation that it takes back: it is asked about where that left something else than there is.
        """
        if self.running is None:
            raise CommandError(f"“{command}” cannot be run from here.")
        return self.running.run(command, undoing)

    async def operate(self, workflow: str, account: Account, target: str, arguments: Struct) -> AsyncIterator[Card]:
        """Begin the workflow of that name on an account: its cards, until it is over.

        ``target`` is what it is about, in words. Once begun it goes on whatever becomes of this program, and the same
        request never begins it twice. Raises CommandError where the bot cannot change the account.
        """
        operations = self.services.operations
        if operations is None or account.writer is None:
            raise CommandError(no_writer(account.name))
        id_ = await operations.begin(workflow, account.name, target, arguments, request=self.request.key, act=self.act)
        async for card in operations.follow(id_):
            yield card

    def confirm(self, confirmation: str, answer: Answer) -> AsyncIterator[Card]:
        """Run or drop a change that waits for its confirmation: its cards."""
        if self.running is None:
            raise CommandError("Nothing can be confirmed from here.")
        return self.running.confirm(confirmation, answer)

    def run_approved(self, approval: str) -> AsyncIterator[Card]:
        """Run a change that others have agreed to: its cards."""
        if self.running is None:
            raise CommandError("Nothing that was approved can be run from here.")
        return self.running.run_approved(approval)

    def naming(self, account: Account) -> list[str]:
        """What makes a command mean this account wherever and whenever it is run; nothing where there is only one.

        The default is not relied on even where it would do: it can be changed, and the buttons of old messages stay.
        """
        return [f"account:{account.name}"] if len(self.accounts) > 1 else []

    def now(self) -> datetime:
        """The local clock; answers about Azure use the service's, from the account."""
        return datetime.now(UTC)

    async def _alone(self, person: Person, conversation: Conversation) -> Conversation:
        direct = self.services.chatting.direct
        if direct is None:
            raise RuntimeError("nothing finds it")
        try:
            return await direct(person, conversation)
        except Undelivered as error:
            log.warning("chat.direct_refused", why=error.why, code=error.code)
            raise CommandError(
                f"I cannot begin a personal chat with you ({error.code}): write to me there first, then ask again."
            ) from None
