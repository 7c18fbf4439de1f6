"""The address for programs, where the settings give anybody a token; without one the package ``mcp`` is not loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bot.chat.port import Pictures
from bot.mcp.asking import Asking
from bot.mcp.settings import McpSettings
from bot.mcp.whereabouts import Whereabouts
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.settings import BotSettings, SettingsError
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

if TYPE_CHECKING:  # the command line reads settings without a web server
    from aiohttp import web

    from bot.mcp.http import McpEndpoint

MISSING = "the package mcp is not installed: pip install 'batchbot[mcp]'"


class Programs:
    """What programs may call, in the names of people. Whose tokens are taken may change: :meth:`use`."""

    def __init__(
        self,
        people: Sequence[McpSettings],
        environment: Mapping[str, str],
        bot: BotSettings,
        journal: RequestJournal,
        store: Store,
        drawing: Pictures,
    ) -> None:
        """``journal`` is what the chats ask. ``store`` is one that is always to be had: each of several replicas of the
        program answers, whichever has the duties, and what it puts into the outbox is sent by that one.

        Raises SettingsError where it cannot be served.
        """
        self._endpoint: McpEndpoint | None = None
        if not any(each.token_env for each in people):
            return
        if not installed():
            raise SettingsError([f"mcp: {MISSING}"])
        from bot.mcp.http import McpEndpoint  # noqa: PLC0415 - it needs the package, which is an extra

        services = replace(journal.dispatcher.services, store=store)

        async def ready() -> None:
            if not journal.working:
                await journal.refresh()

        def posted(entries: Iterable[OutboxEntry]) -> None:
            if journal.working and services.chatting.posted:
                services.chatting.posted(entries)

        found = Whereabouts(journal.chats, store, services.policy, journal.delivery.with_zone)
        asking = Asking(Dispatcher(services), journal.shares, found, posted=posted, ready=ready)
        addresses = [bot.public_url, f"http://{bot.listen}"]
        self._endpoint = McpEndpoint(people, environment, asking, drawing, addresses)

    def routes(self) -> list[web.RouteDef]:
        """The address that programs call where the bot listens; none where nobody has a token."""
        return self._endpoint.routes() if self._endpoint else []

    def use(self, people: Sequence[McpSettings]) -> bool:
        """These have tokens from now on; False where that wants a restart, since there is no address yet.

        Raises SettingsError, and changes nothing then.
        """
        if self._endpoint:
            self._endpoint.use(people)
        return self._endpoint is not None or not any(each.token_env for each in people)


def installed() -> bool:
    """Whether the package is there."""
    return find_spec("mcp") is not None
