"""The workspace as people use it: type, click, fill forms, look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.sandbox.slack.settings import Faults, SlackSettings

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Acknowledged:
    """How the app took a command, click or submission: ``error`` is what the person sees when it did not.

    Errors: ``operation_timeout`` (no answer within 3 s), ``dispatch_failed`` (nothing listens),
    ``http_service_error`` (an answer that is not 200). ``body`` is what the app sent along, empty mostly.
    """

    ok: bool
    error: str = ""
    body: Json = field(default_factory=dict)


class SlackStandIn:
    """One workspace, one app, four people.

    Server side: ``api_url`` (``http://…/api/``, for ``WebClient(base_url=…)``), ``url`` (``http://host:port``), and
    ``settings`` with the tokens and the signing secret. ``app_url`` may be set at any time; it overrides the settings'.

    ``people`` and ``channels`` are JSON-able lists. People: ``{"id", "name", "role", "tz", "is_bot"}`` with roles
    ``viewer``, ``operator``, ``admin``, ``second admin`` and ``bot``. Channels: ``{"id", "name", "kind", "members",
    "bot", "person", "archived"}``, ``kind`` is ``channel`` or ``im``; an ``im`` has the id of its ``person``.
    Wherever a person is asked for, the id or the role will do; for a channel the id, ``batch-ops`` or ``#batch-ops``.

    ``faults`` tells what goes wrong; ``deliveries`` is the list of everything that was sent to the app, one dict per
    attempt: ``{"kind", "attempt", "outcome", "at", "payload"}``.

    Methods that act as a person raise :class:`StandInError` where a person could not do that.
    """

    url: str
    api_url: str
    app_url: str
    settings: SlackSettings
    faults: Faults
    people: list[Json]
    channels: list[Json]
    deliveries: list[Json]

    def __init__(self, settings: SlackSettings | None = None, *, clock: Callable[[], float] = time.time) -> None: ...

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; ``url`` and ``api_url`` are known afterwards."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop listening, close sockets, drop deliveries that are under way."""
        raise NotImplementedError

    # what people see -----------------------------------------------------------------------------------------------

    def subscribe(self) -> asyncio.Queue[Json]:
        """A queue of everything that changes from now on.

        ``{"type": "message" | "message_changed", "channel", "message"}`` (the dicts of :meth:`messages`),
        ``{"type": "message_deleted", "channel", "ts"}``,
        ``{"type": "ephemeral", "channel", "user", "message"}``: only ``user`` sees it (``message_changed`` and
        ``message_deleted`` of an ephemeral message carry ``user`` too),
        ``{"type": "view_opened" | "view_updated" | "view_closed", "user", "view"}``,
        ``{"type": "view_errors", "user", "view_id", "errors": {block_id: words}}``,
        ``{"type": "home", "user", "view"}``, ``{"type": "file_ready", "file"}``,
        ``{"type": "channel", "channel"}`` (a dict of ``channels`` whose members or state changed).
        """
        raise NotImplementedError

    def unsubscribe(self, queue: asyncio.Queue[Json]) -> None:
        """Stop filling ``queue``."""
        raise NotImplementedError

    def messages(self, channel: str, *, viewer: str | None = None) -> list[Json]:
        """The channel as it stands, oldest first, replies in place after ``thread_ts``.

        Each message is Slack's message object plus ``edits`` (how often it was changed) and ``name``. With ``viewer``
        the ephemeral messages of that person are among them (``"ephemeral": true``); without, everybody's are.
        """
        raise NotImplementedError

    def views(self, user: str) -> list[Json]:
        """The modals that ``user`` has open, the one on top last: Slack's view objects plus ``errors``."""
        raise NotImplementedError

    def home(self, user: str) -> Json | None:
        """What the app published on ``user``'s Home tab."""
        raise NotImplementedError

    def file(self, file_id: str) -> Json:
        """Slack's file object, as ``files.info`` tells it now."""
        raise NotImplementedError

    def file_bytes(self, file_id: str, *, viewer: str | None = None) -> tuple[str, bytes]:
        """Content type and bytes of a file. StandInError ``file_not_found`` where ``viewer`` may not see it (yet)."""
        raise NotImplementedError

    # what people do ------------------------------------------------------------------------------------------------

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> str:
        """Write a message (or a reply) and return its ts; ``@batchbot`` in the text becomes a mention.

        Events go out in the background, as on Slack: see :meth:`settle`.
        """
        raise NotImplementedError

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Change one's own message."""
        raise NotImplementedError

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message."""
        raise NotImplementedError

    async def command(self, user: str, channel: str, text: str, *, command: str = "/batch") -> Acknowledged:
        """Use a slash command; returns once the app acknowledged or the person was told that it failed."""
        raise NotImplementedError

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        block_id: str | None = None,
        *,
        value: str | None = None,
        option: str | list[str] | None = None,
    ) -> Acknowledged:
        """Use an element of a message: press a button, or choose.

        ``option`` is what is chosen: an option's value, a date, a person's id; a list for elements that take several.
        ``value`` tells buttons that share an ``action_id`` apart, or is what was typed into a dispatching input.
        """
        raise NotImplementedError

    async def click_in_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        block_id: str | None = None,
        *,
        value: str | None = None,
        option: str | list[str] | None = None,
    ) -> Acknowledged:
        """The same in a modal or on the Home tab (whose view id is ``home(user)["id"]``)."""
        raise NotImplementedError

    async def suggest(
        self, user: str, where: str, action_id: str, block_id: str | None = None, *, typed: str, ts: str | None = None
    ) -> list[Json]:
        """The options an external select offers for ``typed``; ``where`` is a view id, or a channel (then with ``ts``).

        Empty when the app did not answer properly.
        """
        raise NotImplementedError

    async def submit_view(self, user: str, view_id: str, state: Mapping[str, Mapping[str, Any]]) -> Acknowledged:
        """Fill and submit the modal on top. ``state`` is ``{block_id: {action_id: value}}``.

        A value is a text, an option's value, a list of them, or a whole state element. What is not given keeps its
        initial value. Raises StandInError ``input_required`` and the like where Slack's form would not let go.
        """
        raise NotImplementedError

    async def close_view(self, user: str, view_id: str, *, all_views: bool = False) -> None:
        """Close the modal on top (or, with ``all_views``, the whole stack)."""
        raise NotImplementedError

    async def open_home(self, user: str, *, tab: str = "home") -> None:
        """Look at the app's Home (or ``messages``) tab: the app hears ``app_home_opened``."""
        raise NotImplementedError

    async def invite(self, channel: str, user: str = "bot") -> None:
        """Make somebody (the bot by default) a member of a channel."""
        raise NotImplementedError

    async def remove(self, channel: str, user: str = "bot") -> None:
        """Remove somebody from a channel."""
        raise NotImplementedError

    def archive(self, channel: str) -> None:
        """Archive a channel: nothing can be written there any more."""
        raise NotImplementedError

    # how the wire behaves ------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Wait until no delivery is under way (retries that are still due included)."""
        raise NotImplementedError

    async def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask the app's sockets to reconnect, as Slack does every few hours, then close them."""
        raise NotImplementedError

    async def verify_url(self) -> bool:
        """Send the ``url_verification`` challenge to the events address; True when it was answered rightly."""
        raise NotImplementedError
