"""What the program needs of a chat platform, and what a platform may ask of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bot.ask import Ask, Person, Place, PlatformName
from cards.card import Attachment, Card, Form, Option


class Desk(Protocol):
    """The program as a platform adapter sees it: acknowledge, journal, work."""

    async def accept(self, ask: Ask) -> asyncio.Task[Card] | None:
        """Journal ``ask`` and start working on it; None when this key was accepted before.

        Returns as soon as the journal row is on disk, so the platform can be acknowledged. The task delivers the
        answer through :meth:`Chat.answer` by itself and returns the (first) card; it never raises for a bad command
        (the card says what was wrong). The cards that follow in a live answer are edited in afterwards.
        """
        ...

    async def form(self, command: str, ask: Ask) -> Form | Card:
        """The form for ``command`` (typed text, whose arguments fill the fields), or a card that says why not."""
        ...

    async def suggest(self, ask: Ask, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names of a kind (``what``: pool, job, …) for what ``ask.person`` typed into a form's field.

        ``within`` are the form's other values by parameter name. Within half a second; empty for who may see nothing
        and where nothing can be read. Never raises.
        """
        ...


class Chat(Protocol):
    """One platform. Every method may be called from any task of the event loop."""

    name: PlatformName

    async def start(self, desk: Desk) -> None:
        """Begin to receive."""
        ...

    async def stop(self) -> None:
        """Stop receiving and release connections."""
        ...

    async def zone(self, person: Person) -> str | None:
        """The person's IANA time zone where the platform tells it; may ask it, so not before the acknowledgement."""
        ...

    async def answer(self, ask: Ask, card: Card) -> str:
        """Deliver the answer: edit ``ask.message`` when ``ask.how`` says so, else post where it was asked.

        Returns the id of the message that now shows the card, for :meth:`edit`; empty where it cannot be edited.

        Pictures follow as the platform allows; a picture that fails never fails the card.
        """
        ...

    async def post(self, place: Place, card: Card) -> str:
        """Post a new message and return its id."""
        ...

    async def edit(self, place: Place, message: str, card: Card) -> None:
        """Replace a message."""
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
