"""What can go wrong between the bot and Teams."""

from __future__ import annotations


class RefusedError(Exception):
    """A request that nothing is done about. ``str()`` says why, without any part of the token.

    ``status`` is the answer's: 401 where it is not the service who asks.
    """

    def __init__(self, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.status = status


class KeysUnavailableError(Exception):
    """The service's signing keys cannot be fetched, so nobody can be told from anybody."""


class TeamsError(Exception):
    """The Bot Connector did not do what was asked.

    ``status`` is the HTTP status, 0 when no answer came; ``code`` the service's word for it; ``retry_after`` the
    seconds it asked to be left alone for; ``sent`` False when the request certainly never reached the service.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.sent = sent

    @property
    def gone(self) -> bool:
        """True where the bot was removed from the conversation, or the conversation is no more."""
        return self.code in {"MessageWritesBlocked", "BotNotInConversationRoster", "ConversationNotFound"}
