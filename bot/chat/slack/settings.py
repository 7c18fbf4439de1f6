"""The section ``[slack]`` of the settings file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bot.chat.platform import PlatformSettings
from bot.settings import BotSettings, address_mistakes


class SlackSettings(PlatformSettings, forbid_unknown_fields=True, frozen=True):
    """Slack, over signed HTTP or Socket Mode."""

    mode: Literal["http", "socket"] = "http"
    """``http`` needs a public address, ``socket`` only an app token."""
    bot_token_env: str = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable
    """Variable with the bot token (xoxb-…)."""
    signing_secret_env: str = "SLACK_SIGNING_SECRET"  # noqa: S105
    """Variable with the signing secret (http)."""
    app_token_env: str = "SLACK_APP_TOKEN"  # noqa: S105
    """Variable with the app-level token (xapp-…, socket)."""
    api_url: str = "https://slack.com/api/"
    """Slack's Web API; other hosts only for stand-ins."""

    blocks: Literal["classic", "modern"] = "classic"
    """``modern`` lets Slack draw small charts itself; a workspace without such charts gets pictures, as with
    ``classic``."""

    def mistakes(self, bot: BotSettings) -> Iterator[str]:
        """What types cannot say, a line each."""
        yield from address_mistakes("slack.api_url", self.api_url)

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name a variable which has to be set, and the variable."""
        yield "slack.bot_token_env", self.bot_token_env
        if self.mode == "http":
            yield "slack.signing_secret_env", self.signing_secret_env
        else:
            yield "slack.app_token_env", self.app_token_env
