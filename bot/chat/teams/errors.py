"""What can go wrong between the bot and Teams, and what it means for a message."""

from __future__ import annotations

from bot.chat.port import Undelivered

_UNSENT = {"NoConnection", "NoToken", "NotRunning"}
_GONE = {"ServiceUrlRefused", "ForbiddenOperationException"}
_OUT = {"BotDisabledByAdmin", "BotNotRegistered", "BotDisabled"}
"""The bot is forbidden in the whole tenant; nothing says when it no longer is."""


class RefusedError(Exception):
    """A request that nothing is done about. ``str()`` says why, without any part of the token.

    ``status`` is the answer's: 401 where it is not the service who asks.
    """

    def __init__(self, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.status = status


class KeysUnavailableError(Exception):
    """The service's signing keys cannot be fetched, so no caller can be verified."""


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


def judged(error: TeamsError, *, edit: bool = False) -> Undelivered:
    """What a failed call means for the message. Teams asks that 412, 429, 502 and 504 are tried again."""
    code, status = error.code or str(error.status), error.status
    if error.gone or code in _GONE | _OUT:
        return Undelivered("gone", code, everywhere=code in _OUT)
    if status == 0:
        unsent = not error.sent or code in _UNSENT
        return Undelivered("later" if unsent else "doubt", code, everywhere=code != "BadAnswer")
    if status in {401, 408, 409, 412, 425, 429} or status >= 500:
        return Undelivered("later", code, wait=error.retry_after, everywhere=status == 401 or status >= 500)
    if status == 404:
        return Undelivered("missing" if edit or code == "ActivityNotFoundInConversation" else "gone", code)
    if status == 403:
        return Undelivered("missing" if edit and code == "NotEnoughPermissions" else "gone", code)
    return Undelivered("refused", code)
