"""What the program needs of a chat platform, and what a platform may ask of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

from msgspec import Struct

from bot.chat.request import CommandRequest, Conversation, Person
from bot.content.outgoing import Outgoing
from cards.card import Attachment, Card, Form, Option
from storage.port.conversations import ConversationReference

if TYPE_CHECKING:  # the command line reads settings without a web server
    from aiohttp import web


class ChatStartError(Exception):
    """A platform does not accept the bot; the message says what to mend. It is tried again while others go on."""


class UnreadableError(Exception):
    """A platform, or a conversation in it, cannot be read back; the message says why."""


class Undelivered(Exception):
    """A message did not get through.

    ``later``: it was not taken (429, an outage, no connection), try again in ``wait`` seconds or when it is convenient.
    ``doubt``: it may be there, for the answer was lost. ``gone``: the bot cannot write there until it is let in again
    (removed, archived, uninstalled). ``missing``: the message to be edited, or the thread, is not there any more.
    ``refused``: the platform will never take this message.
    """

    def __init__(
        self,
        why: Literal["later", "doubt", "gone", "missing", "refused"],
        code: str,
        *,
        wait: float | None = None,
        everywhere: bool = False,
    ) -> None:
        """``code`` is the platform's; ``everywhere`` says that it holds for the whole platform, as in an outage."""
        super().__init__(f"{why}: {code}")
        self.why = why
        self.code = code
        self.wait = wait
        self.everywhere = everywhere

    def repeatable(self) -> Undelivered:
        """The same for a call that may be made again without harm, such as an edit: a lost answer is no doubt then."""
        return Undelivered(
            "later" if self.why == "doubt" else self.why, self.code, wait=self.wait, everywhere=self.everywhere
        )


class FetchError(Exception):
    """An attached file cannot be had; the message is a sentence for whoever attached it."""


class AttachedFile(NamedTuple):
    """A file that somebody attached: what it is called, and what is in it."""

    name: str
    content: bytes


class Match(Struct, frozen=True):
    """Something of Batch that is called so: its kind and name in words, where it is, the command that shows it."""

    title: str
    where: str
    command: str


class RequestIntake(Protocol):
    """The program as a platform adapter sees it: acknowledge, journal, work."""

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        """Journal ``request`` and start working on it; None when this key was accepted before.

        Returns as soon as the journal row is on disk, so the platform can be acknowledged. The task delivers the
        answer through :meth:`Chat.answer` by itself and returns the (first) card; it never raises for a bad command
        (the card says what was wrong). The cards that follow in a live answer are edited in afterwards.
        """
        ...

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float = ...,
    ) -> Form | Card:
        """The form for ``command`` (typed text, whose arguments fill the fields), or a card that says why not.

        With ``values``, which are filled in by now, the form is checked and comes back as it should be shown then;
        :attr:`cards.card.Form.errors` says what keeps it from being taken. Never raises; a check of a live form that
        takes longer than ``seconds`` is given up, and the form says so.
        """
        ...

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names of a kind (``what``: pool, job, …) for what ``request.person`` typed into a form's field.

        ``within`` are the form's other values by parameter name. Within half a second; empty for who may see nothing
        and where nothing can be read. Never raises.
        """
        ...

    def reads(self, command: str) -> bool:
        """Whether a command only reads, so that :meth:`read` answers it: for before the acknowledgement."""
        ...

    async def read(self, request: CommandRequest) -> Card | None:
        """The answer to a request that only reads, for where the platform shows it otherwise than as a message.

        None for a request that changes something, or may: it goes through :meth:`accept`. A live answer is as it is
        now. After the acknowledgement only: it may take long. Never raises.
        """
        ...

    async def link_cards(self, request: CommandRequest, urls: Sequence[str]) -> dict[str, Card]:
        """Small cards for links that ``request.person`` posted in that conversation, by link: of those that get one.

        Nothing is said of the others, whatever keeps them. Within some seconds; never raises.
        """
        ...

    async def find(self, request: CommandRequest, typed: str, most: int) -> list[Match]:
        """What is called like what ``request.person`` typed into a search box, as far as they may see it there.

        Nothing for nothing typed; within some seconds, and never raises.
        """
        ...


Reach: TypeAlias = Callable[[Conversation, bool], Awaitable[None]]
"""Called when the bot can write to a conversation from now on, or that it no longer can."""


Moved: TypeAlias = Callable[[ConversationReference, str], Awaitable[None]]
"""Called when a conversation has another id: as it is now, and the id that it had. Keeps everything for the new one."""


@runtime_checkable
class MovesConversations(Protocol):
    """A platform on which a conversation may get another id."""

    def on_move(self, callback: Moved) -> None:
        """Call ``callback`` whenever a conversation has another id; set it before the start."""
        ...


@runtime_checkable
class Shared(Protocol):
    """A platform that several replicas may be connected to, of which one sends what nobody asked it for.

    Every replica receives, opens forms, and shows whoever did something why it was not taken.
    """

    def stand_by(self, may: Callable[[], bool]) -> None:
        """Send nothing unasked until :meth:`take_over`, and nothing at all while ``may`` says no; before the start."""
        ...

    async def take_over(self) -> None:
        """Go on with what another replica, or an earlier run, has left to be sent. Raises StoreError."""
        ...

    async def refresh(self) -> None:
        """Learn what other replicas have found out, of conversations above all. Raises StoreError."""
        ...


CardT_contra = TypeVar("CardT_contra", contravariant=True)
NewestT_contra = TypeVar("NewestT_contra", contravariant=True)


class ChatOf(Protocol[CardT_contra, NewestT_contra]):
    """One platform, and what it is given to send. Every method may be called from any task of the event loop.

    Every message is sent by one attempt of one call, in its turn of :class:`bot.chat.budget.Budget`. Whoever sends
    decides whether to try again: :mod:`bot.requests.answer_delivery` for people, :mod:`bot.outbox` for alerts. The
    methods that send raise Undelivered and nothing else; a picture or a file that fails never fails its card.
    """

    name: str

    async def start(self, intake: RequestIntake) -> None:
        """Begin to receive."""
        ...

    async def stop(self) -> None:
        """Stop receiving and release connections."""
        ...

    def on_reach(self, callback: Reach) -> None:
        """Call ``callback`` whenever the bot is added to a conversation or removed from it; set it before the start."""
        ...

    async def zone(self, person: Person) -> str | None:
        """The person's IANA time zone where the platform gives it; may ask it, so not before the acknowledgement.

        May raise whatever the platform's client raises, and may take long: nobody should depend on it.
        """
        ...

    async def fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        """A file that came with ``request``, attached to its message or its form; ``most`` is bytes.

        After the acknowledgement only: it may take long. ``reference`` is the platform's, as it stands in the request.
        Raises FetchError.
        """
        ...

    # Answers to people, who wait for them.

    async def answer(self, request: CommandRequest, card: CardT_contra, key: str) -> str:
        """Deliver the answer: edit ``request.message`` when ``request.how`` says so, else post where it was asked.

        Returns the id of the message that now shows the card, for :meth:`update`; empty where it cannot be edited.
        ``key`` is hidden in a message that is posted where the platform can, for :meth:`find_by_key`. Raises
        Undelivered, with ``doubt`` only where a new message may be there: an edit can be repeated.
        """
        ...

    async def say(self, request: CommandRequest, words: str) -> None:
        """Show the asker one sentence in the plainest form there is, for when no card can be shown."""
        ...

    async def update_live(self, conversation: Conversation, message: str, newest: NewestT_contra) -> None:
        """Replace a message that goes on changing, after answers and alerts.

        ``newest`` is called when the turn has come, so that a card which was overtaken meanwhile is never sent.
        """
        ...

    # What the bot says of its own accord: the outbox.

    async def post_once(
        self, conversation: Conversation, card: CardT_contra, key: str, *, loud: bool = False
    ) -> tuple[str, str]:
        """Post a card; returns the message's id and the channel it is in.

        ``key`` is hidden in the message where the platform can, for :meth:`find_by_key`. With ``loud`` a reply in a
        thread is shown in the channel too, where the platform can.
        """
        ...

    async def update(self, conversation: Conversation, message: str, card: CardT_contra) -> None:
        """Replace a message; doing it twice does no harm."""
        ...

    def update_delay(self, conversation: Conversation) -> float:
        """Seconds until the budget has room for an :meth:`update` there; 0 or less when it has."""
        ...

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        """The message with this key, posted at ``since`` or later; None where there is none.

        Raises UnreadableError where the platform cannot be read back.
        """
        ...

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The conversation with one person alone, as seen from ``conversation``."""
        ...


Chat: TypeAlias = ChatOf[Card, Callable[[], Card]]
"""A chat as the program sees it, which may be given any card: :func:`bot.chat.clear_chat.clear_chat` makes
one of a platform."""
Newest: TypeAlias = Callable[[], Awaitable[Outgoing]]
Platform: TypeAlias = ChatOf[Outgoing, Newest]
"""A chat as a platform implements it. It takes what has no secrets, and nothing else."""


class ServedChat(ChatOf[Outgoing, Newest], Protocol):
    """A platform that calls the bot: what a running bot is connected to."""

    def routes(self) -> list[web.RouteDef]:
        """The addresses that the platform calls; none where the bot connects to the platform instead."""
        ...

    async def unconnected(self) -> str:
        """Why no request can come from the platform now, without asking it; empty while they can. Never raises."""
        ...


@runtime_checkable
class KnowsPeople(Protocol):
    """A platform that says more of a person when it is asked than comes with what they do."""

    def name_groups(self, groups: frozenset[str]) -> None:
        """The ids of the groups that the settings name on this platform; no others are read.

        Said before the start, and again where the settings are read anew.
        """
        ...

    async def known(self, person: Person, conversation: Conversation) -> Person:
        """The person with their zone, whether they are a guest or from elsewhere, and their groups.

        May take long; never raises. What could not be read is marked as unread, as by :meth:`marked`.
        """
        ...

    def marked(self, person: Person) -> Person:
        """The same with what is known by now, without asking: what is not known, or is too old, is marked as unread."""
        ...


class Pictures(Protocol):
    """Draws charts off the event loop, and lends them and other files out by signed links."""

    async def png(self, chart: object) -> bytes:
        """The chart as PNG bytes. Raises DrawingError when it cannot be drawn."""
        ...

    async def link(self, png: bytes) -> str:
        """Keep the picture and return a signed, expiring HTTPS link to it (http on loopback only)."""
        ...

    async def file_link(self, attachment: Attachment) -> str:
        """The same for a file that comes with a card."""
        ...
