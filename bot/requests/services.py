"""What answers are made from: a few groups of services, each a part of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.chat.request import CommandRequest, Conversation, Person
from bot.policy.rules import Policy
from bot.requests.registry import Registry
from bot.requests.uploads import Fetch

if TYPE_CHECKING:
    from bot.alerting.service import AlertService
    from bot.alerting.watched_jobs import WatchedJobs
    from bot.azure.accounts import Accounts
    from bot.azure.files import Remote
    from bot.monitor.monitor_status import Status
    from bot.operations.engine import Operations
    from bot.reports.service import Reports
    from storage.port.outbox import OutboxEntry
    from storage.port.store import Store


class Relaying(Protocol):
    """What is needed of :class:`bot.content.relay.Relay`."""

    most: int
    """Bytes of the largest file that is relayed."""

    async def link(self, remote: Remote) -> str:
        """A signed link to a file on a node, which expires."""
        ...


class UploadLinks(Protocol):
    """What is needed of :class:`bot.requests.upload_page.UploadPage`."""

    async def link(self, request: CommandRequest, command: str) -> tuple[str, datetime]:
        """An address at which the asker uploads once, and until when; ``command`` ends where the reference belongs."""
        ...


class Standing(Protocol):
    """What is needed of :class:`bot.monitor.names.Standing`."""

    @property
    def account(self) -> str:
        """The account's name."""
        ...

    @property
    def kind(self) -> str:
        """pool, job, schedule, application."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """As they are written."""
        ...

    @property
    def places(self) -> Mapping[str, int]:
        """Where each stands, by the name without case."""
        ...

    @property
    def folded(self) -> Sequence[str]:
        """The names without case."""
        ...


class NameFinder(Protocol):
    """What is needed of :class:`bot.monitor.names.Names`."""

    async def find(self, kind: str, typed: str, within: Mapping[str, str], account: str, limit: int = 100) -> list[str]:
        """Names of a kind for what was typed, the likeliest first."""
        ...

    async def gathered(self) -> None:
        """Wait a moment for lists that were never read."""
        ...

    def every(self) -> Sequence[Standing]:
        """All names that are known."""
        ...


@dataclass(frozen=True)
class AzureReading:
    """What is read of Azure."""

    accounts: Accounts
    names: NameFinder | None = None
    """Completes the names of forms, which are typed out without it."""
    relay: Relaying | None = None
    """Relays large files; None where the bot has no public address."""


@dataclass(frozen=True)
class Watching:
    """What is there where accounts are watched."""

    alerts: AlertService
    """Incidents and who is notified."""
    status: Status
    """How watching and delivery stand."""
    jobs: WatchedJobs
    """The living cards of watched jobs."""
    reports: Reports | None = None
    """Reports of money; None where none are posted."""


@dataclass(frozen=True)
class Chatting:
    """What is known of the conversations the bot is in."""

    bot_name: str = "batch"
    """What is typed before a command."""
    zone: str = "UTC"
    """IANA name of the zone of channels without their own, and of people whose zone is unknown."""
    direct: Callable[[Person, Conversation], Awaitable[Conversation]] | None = None
    """The conversation with a person alone; raises Undelivered. None where nobody can be written to."""
    fetch: Fetch | None = None
    """Fetches what is attached to a message or a form; None where nothing can be attached."""
    upload_page: UploadLinks | None = None
    """Makes links to the page for uploads; None where the bot has no public address."""
    posted: Callable[[Iterable[OutboxEntry]], None] | None = None
    """Hears of messages that were put into the outbox; None where nothing delivers them."""


@dataclass(frozen=True)
class Services:
    """All of them."""

    registry: Registry
    policy: Policy
    store: Store
    reading: AzureReading
    chatting: Chatting = Chatting()
    watching: Watching | None = None
    """None where nothing is watched, as for a single question from the command line."""
    operations: Operations | None = None
    """Runs changes of Azure; None where none can be made."""
