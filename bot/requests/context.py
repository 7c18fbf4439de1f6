"""What a handler is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from rapidfuzz import process

from bot.requests.live import LiveAnswer, LiveAnswers
from bot.requests.preferences import Chosen, default_account
from bot.requests.registry import CommandError
from bot.requests.request import CommandRequest, Conversation, Person

if TYPE_CHECKING:
    from bot.alerting.service import AlertService
    from bot.alerting.watched_jobs import WatchedJobs
    from bot.azure.account import Account, Accounts
    from bot.azure.files import Remote
    from bot.monitor.status import Status
    from bot.requests.registry import Registry
    from cards.card import Card
    from storage.port.store import Store


class Relaying(Protocol):
    """What is needed of :class:`bot.content.relay.Relay`."""

    most: int
    """Bytes of the largest file that is relayed."""

    async def link(self, remote: Remote) -> str:
        """A signed link to a file on a node, which expires."""
        ...


@dataclass(frozen=True)
class Context:
    """One request's surroundings: who asks, where, and what can be read."""

    request: CommandRequest
    accounts: Accounts
    store: Store
    registry: Registry
    zone: str
    """IANA name of the asker's zone, or the bot's where it is unknown."""
    role: str
    """The asker's role."""
    live: LiveAnswer
    """For handlers that yield cards: the id of the stop button, and whether it was pressed."""
    lives: LiveAnswers
    """Every live answer, for the stop command."""
    bot_name: str = "batch"
    """What is typed before a command."""
    chosen: Chosen | None = None
    """The default account that was chosen here, if one was."""
    perform: Callable[[str], AsyncIterator[Card]] | None = None
    """Runs another command for :meth:`run`."""
    relay: Relaying | None = None
    """Relays large files; None where the bot has no public address."""
    alerts: AlertService | None = None
    """Incidents and who is told; None where nothing is watched, as for a single question from the command line."""
    status: Status | None = None
    """How watching and delivery stand; None where there are none."""
    jobs: WatchedJobs | None = None
    """The living cards of watched jobs; None where nothing is watched."""
    direct: Callable[[Person, Conversation], Awaitable[Conversation]] | None = None
    """The conversation with a person alone; raises CommandError. None where nobody can be written to."""

    def account(self, name: str | None) -> Account:
        """The account by its name in the settings; None is the conversation's default, :mod:`bot.requests.preferences`.

        Raises CommandError with the known names.
        """
        known = self.accounts.names
        name = name.removeprefix("account:") if name else None  # where the account is what the command is about
        if name is not None and name not in known:
            message = f"There is no account “{name}” in the bot's settings. There are: {', '.join(known)}."
            near = process.extractOne(name, known, score_cutoff=50)
            raise CommandError(message, [*([self.request.text.replace(name, near[0])] if near else []), "account list"])
        return self.accounts.get(name or (self.chosen.default.account if self.chosen else None))

    async def chosen_now(self) -> Chosen | None:
        """The default account that is chosen here by now: where it has just been changed."""
        return await default_account(self.store, self.request, self.accounts.names)

    def run(self, command: str) -> AsyncIterator[Card]:
        """Run another command on behalf of the asker, with their permission alone: its cards."""
        if self.perform is None:
            raise CommandError(f"“{command}” cannot be run from here.")
        return self.perform(command)

    def naming(self, account: Account) -> list[str]:
        """What makes a command mean this account wherever and whenever it is run; nothing where there is only one.

        The default is not relied on even where it would do: it can be changed, and the buttons of old messages stay.
        """
        return [f"account:{account.name}"] if len(self.accounts) > 1 else []

    def now(self) -> datetime:
        """The local clock; answers about Azure use the service's, from the account."""
        return datetime.now(UTC)
