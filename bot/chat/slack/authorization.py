"""What Bolt is told of the bot for each request: what Slack said of it last, and no question of its own.

Left to itself Bolt asks Slack (``auth.test``) when the first request comes. Where Slack does not answer just then, it
tells whoever wrote that the app is not installed any more and must be installed again, which is not so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize

from bot.chat.slack.errors import SlackStartError

REFUSED = (
    "I cannot answer: Slack does not accept my token any more. Whoever runs this bot has to install its app again, or "
    "give it the new token."
)


def _no_token_warning(record: logging.LogRecord) -> bool:
    """Bolt warns that the token of the client is not used where something else says who the bot is. It is the same."""
    return "`token`" not in record.getMessage()


def without_token_warning(app: type) -> None:
    """Keep Bolt's logger, which is named after the ``app``, from that warning."""
    logging.getLogger(f"{app.__module__.split('.')[0]}.{app.__name__}").addFilter(_no_token_warning)


class Installation(AsyncAuthorize):
    """The bot in its workspace, as Slack told it last."""

    def __init__(self, token: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._token = token
        self._told: Mapping[str, Any] = {}
        self.refused = False
        """Whether Slack has refused the bot since it accepted it last: only then is nobody answered."""

    @property
    def user(self) -> str:
        """The bot's own user id; empty before Slack has told it."""
        return str(self._told.get("user_id", ""))

    @property
    def missing(self) -> str:
        """Why Slack has not let the bot in; empty once it has."""
        if self.refused:
            return "Slack refuses the bot: install the app, or renew its token"
        return "" if self.user else "Slack has not said yet who the bot is"

    def refuse(self, code: str) -> SlackStartError:
        """Slack does not let the bot in: what to raise."""
        self.refused = True
        return SlackStartError(f"Slack refuses the bot ({code}): install the app, or renew its token")

    def accepted(self, told: Mapping[str, Any]) -> None:
        """Slack knows the bot: what ``auth.test`` answered."""
        self._told, self.refused = told, False

    async def __call__(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None, **_: Any
    ) -> AuthorizeResult | None:
        """See the base class. Before Slack has told who the bot is, a request is let in all the same."""
        if self.refused:
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            user_id=user_id,
            bot_user_id=self.user or None,
            bot_id=self._told.get("bot_id"),
            bot_token=self._token,
        )
