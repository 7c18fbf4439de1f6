"""The stand-in as one object: a server for the bot, methods for the people, events for whoever watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

Verify = Callable[[str, str], Mapping[str, Any]]
"""``verify(token, audience)`` returns the claims of a bearer token, or raises."""


class TeamsStandIn:
    """Microsoft Teams with one tenant, four people, one team, one group chat and one bot.

    A *user* is given by role ("viewer", "operator", "admin", "second admin") or by Teams id ("29:…"). A *conversation* is given by
    id or by name: the role of a person for his chat with the bot, "general" for the channel "Batch Ops / General",
    "group" for the group chat. A channel id may carry ``;messageid=<root>`` for one thread.
    Everything returned is JSON-able. Wrong use raises :class:`StandInError`.
    """

    bot_url: str
    """Where activities are sent: ``<bot>/api/messages``. May be set after :meth:`start`."""
    service_url: str
    """The connector's address, ending in ``/teams/``; it stands in every activity as ``serviceUrl``."""
    openid_url: str
    """``…/.well-known/openidconfiguration``: where the bot learns the keys that sign what it is sent."""

    def __init__(
        self,
        *,
        app_id: str,
        verify: Verify,
        bot_url: str = "",
        bot_name: str = "Batch Bot",
    ) -> None:
        raise NotImplementedError

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; the addresses are known afterwards."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop listening and end every subscription."""
        raise NotImplementedError

    # -- who and where ----------------------------------------------------------------------------------------------

    @property
    def people(self) -> dict[str, dict[str, Any]]:
        """By role: ``{"id": "29:…", "aadObjectId", "name", "role"}``."""
        raise NotImplementedError

    @property
    def conversations(self) -> dict[str, dict[str, Any]]:
        """By name: ``{"id", "name", "kind": "personal"|"channel"|"groupChat", "title", "members": [role…], "installed": bool}``."""
        raise NotImplementedError

    def messages(self, conversation: str, user: str = "") -> list[dict[str, Any]]:
        """The history, oldest first, as ``user`` sees it (a card replaced for one person differs from the others').

        ``{"id", "conversation", "thread": root id or "", "from": role or "bot", "at": ISO, "text", "summary", "textFormat",
        "attachments": [{"contentType", "content"…}], "edited": bool, "deleted": bool, "problems": [str…]}``;
        ``problems`` says what Teams would draw as fallback text or refuse to draw.
        """
        raise NotImplementedError

    def dialogs(self, user: str) -> list[dict[str, Any]]:
        """Open dialogs: ``{"id", "conversation", "title", "card" or "url", "width", "height", "problems"}``."""
        raise NotImplementedError

    @property
    def refused(self) -> list[dict[str, Any]]:
        """Everything refused so far: ``{"at", "what", "code", "reason", …}``, for the page's margin and for tests."""
        raise NotImplementedError

    def subscribe(self) -> asyncio.Queue[dict[str, Any]]:
        """Events from now on, each ``{"event": …}``:

        ``posted``, ``updated``, ``deleted`` (``conversation``, ``message``), ``typing`` (``conversation``),
        ``replaced`` (a card replaced for ``user``: ``conversation``, ``message``), ``dialog`` and ``dialog_closed`` (``user``,
        ``dialog``), ``notice`` (``user``, ``text``: a message shown to one person), ``error`` (``user``, ``text``,
        ``reason``), ``refused`` (a record of :attr:`refused`), ``installed``/``removed`` (``conversation``).
        """
        raise NotImplementedError

    def unsubscribe(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        """End a subscription."""
        raise NotImplementedError

    # -- what people do ---------------------------------------------------------------------------------------------

    async def install(self, conversation: str, by: str = "admin") -> None:
        """Add the bot: installationUpdate (add), then conversationUpdate with the bot among membersAdded."""
        raise NotImplementedError

    async def uninstall(self, conversation: str, by: str = "admin") -> None:
        """Remove the bot: conversationUpdate, installationUpdate (remove); afterwards its posts get 403."""
        raise NotImplementedError

    async def say(self, user: str, conversation: str, text: str, reply_to: str | None = None) -> str:
        """Write a message and return its id. ``@<bot name>`` becomes a mention; without it a channel or group message
        does not reach the bot. ``reply_to`` is the root of a channel thread."""
        raise NotImplementedError

    async def click(
        self, user: str, conversation: str, activity_id: str, action: Mapping[str, Any], inputs: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Press a button of a card: whatever its type and ``msteams`` data ask for (execute, submit, dialog, imBack).

        ``action`` is the action object as it stands in the card (an action that is not there raises ``NoSuchAction``);
        ``inputs`` are the values of the card's inputs by id.
        """
        raise NotImplementedError

    async def execute(
        self, user: str, conversation: str, activity_id: str, action: Mapping[str, Any], inputs: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Action.Execute: the invoke ``adaptiveCard/action``. Returns what the person sees:
        ``{"shown": "card"|"message"|"error"|"nothing", "card"?, "text"?, "reason"?}``."""
        raise NotImplementedError

    async def submit(
        self, user: str, conversation: str, activity_id: str, action: Mapping[str, Any], inputs: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Action.Submit: a message activity with ``value`` and no text."""
        raise NotImplementedError

    async def task_fetch(
        self, user: str, conversation: str, activity_id: str, action: Mapping[str, Any], inputs: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """A submit action with ``msteams.type`` ``task/fetch``: opens a dialog. ``{"shown": "dialog"|"message"|"error"|"nothing",
        "dialog"?, "text"?}``."""
        raise NotImplementedError

    async def task_submit(
        self, user: str, dialog: str, action: Mapping[str, Any], inputs: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Press a submit button of an open dialog: the invoke ``task/submit``."""
        raise NotImplementedError

    async def close_dialog(self, user: str, dialog: str) -> None:
        """Close a dialog with its cross; Teams does not tell the bot."""
        raise NotImplementedError

    async def search(
        self, user: str, conversation: str, activity_id: str, input_id: str, query: str, *, top: int = 15, skip: int = 0
    ) -> list[dict[str, str]]:
        """Type into a choice set with ``choices.data``: the invoke ``application/search``; its ``{"title", "value"}`` results."""
        raise NotImplementedError

    async def refresh(self, user: str, conversation: str, activity_id: str) -> dict[str, Any]:
        """See a card that has ``refresh``: an automatic ``adaptiveCard/action`` when the person is in ``userIds``."""
        raise NotImplementedError

    async def picture(self, url: str) -> dict[str, Any]:
        """Fetch a card's image as Teams does: ``{"content": bytes, "type", "width", "height"}`` or ``PictureRefused``."""
        raise NotImplementedError
