"""The section ``[teams]`` of the settings file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import field

from bot.chat.platform import PlatformSettings
from bot.settings import BotSettings, address_mistakes


class TeamsSettings(PlatformSettings, forbid_unknown_fields=True, frozen=True):
    """Microsoft Teams, over the Bot Connector."""

    app_id: str
    """Application (client) id of the bot registration."""
    tenant_id: str
    """Directory (tenant) id: single tenant registrations only."""
    sdk: Literal["botbuilder", "agents"] = "botbuilder"
    """The library that speaks to Teams: the Bot Framework SDK, or its successor, the Microsoft 365 Agents SDK."""
    credential: Literal["managed_identity", "client_secret", "workload_identity", "federated_identity"] = (
        "managed_identity"
    )
    """How the bot proves itself to the Bot Connector."""
    identity_client_id: str = ""
    """Client id of the user-assigned managed identity that the registration trusts (federated_identity)."""
    secret_env: str = "TEAMS_CLIENT_SECRET"  # noqa: S105
    """Variable with the client secret (client_secret)."""
    service_hosts: list[str] = field(default_factory=lambda: ["smba.trafficmanager.net"])
    """Hosts that a stored service URL may name: tokens are sent there."""
    file_hosts: list[str] = field(
        default_factory=lambda: ["sharepoint.com", "sharepoint.us", "sharepoint-mil.us", "sharepoint.cn"]
    )
    """Hosts, with all below them, that attached files are fetched from."""
    openid_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    """Where the keys that sign the service's requests are published."""
    issuer: str = "https://api.botframework.com"
    """Who issues the service's tokens."""
    scope: str = "https://api.botframework.com/.default"
    """Scope of the bot's own tokens."""
    graph_url: str = "https://graph.microsoft.com/v1.0"
    """Microsoft Graph, which is asked for memberships where the settings name Entra groups; with its version."""
    graph_scope: str = "https://graph.microsoft.com/.default"
    """Scope of the bot's tokens for Microsoft Graph."""

    targeted_messages: bool = False
    """Show what is for one person where they asked, which nobody else sees and Teams removes after a day (agents)."""
    blocks: Literal["classic", "modern"] = "classic"
    """``modern`` lets Teams draw small charts itself; a client that cannot shows the picture, as with ``classic``."""

    def mistakes(self, bot: BotSettings) -> Iterator[str]:
        """What types cannot say, a line each."""
        yield from address_mistakes("teams.openid_url", self.openid_url)
        yield from address_mistakes("teams.graph_url", self.graph_url)
        if not self.app_id.strip():
            yield "teams.app_id: is empty, which would switch authentication off: give the bot's application id"
        if self.credential == "federated_identity" and not self.identity_client_id.strip():
            yield "teams.identity_client_id: is missing: give the client id of the managed identity that the app trusts"
        if self.targeted_messages and self.sdk != "agents":
            yield 'teams.targeted_messages: botbuilder has no call for them: set teams.sdk to "agents", or leave it out'
        if not bot.public_url:
            yield "bot.public_url: is missing: Teams fetches pictures from it"

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        if self.credential == "client_secret":
            yield "teams.secret_env", self.secret_env
