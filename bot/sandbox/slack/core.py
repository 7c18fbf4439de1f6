"""The state of one stand-in that its modules share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack.files import Files
from bot.sandbox.slack.issued_tokens import Limits, ReplyAddresses, Triggers
from bot.sandbox.slack.model import Workspace
from bot.sandbox.slack.record import Writes
from bot.sandbox.slack.settings import Faults, SlackSettings
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.views import Views


@dataclass
class Core:
    """State and settings; ``url`` is known once the server listens, ``app_url`` once the app does."""

    settings: SlackSettings
    clock: Callable[[], float]
    faults: Faults = field(default_factory=Faults)
    url: str = ""
    app_url: str = ""
    hosts: dict[str, str] = field(default_factory=dict)
    """Names on the Internet -> the address on this machine that plays them (``http://host:port``)."""
    removed: str = ""
    """Why the bot token opens nothing any more: ``account_inactive`` or ``token_revoked``; empty while it does."""

    def __post_init__(self) -> None:
        settings = self.settings
        self.workspace = Workspace(settings.seed, self.clock)
        shortest, longest = (wait * settings.time_scale for wait in settings.file_processing)
        self.files = Files(self.workspace, (shortest, longest))
        self.views = Views(self.workspace, self.files.image_ready)
        self.triggers = Triggers(self.workspace, settings.trigger_lives)
        self.replies = ReplyAddresses(self.workspace, settings.response_url_lives, settings.response_url_uses)
        self.limits = Limits(self.clock)
        self.writes = Writes(self.clock)
        self.sockets = Sockets(self.workspace, self.faults)

    def listening(self, url: str) -> None:
        """The server listens at ``url``."""
        self.url = self.files.url = url
