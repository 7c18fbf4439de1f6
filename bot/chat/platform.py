"""What is known of a chat platform without its client: its name, how its ids are written, how commands are typed there.

Each platform's package has one in its module ``platform``; :mod:`bot.chat.platforms` is the table of them.
"""

from __future__ import annotations

import re

from msgspec import Struct

from bot.chat.request import Conversation, PlatformName


class Platform(Struct, frozen=True):
    """One platform.

    ``title`` is its name for people. ``channel`` is a regular expression that the ids of channels match, and those of
    chats do not; ``named`` is how a channel is written for people, with its name in place of ``{}``. ``by_id`` says
    that a conversation's id is enough to post there: where it is not, the bot has to be added first. ``slash`` says
    that a command typed there begins with ``/batch``.
    """

    name: PlatformName
    title: str
    channel: str
    named: str
    by_id: bool = False
    slash: bool = False

    def channel_named(self, name: str) -> str:
        """A channel's name in words: ``#ops``, ``Batch Ops in Teams``."""
        return self.named.format(name.removeprefix("#"))

    def unnamed(self, conversation: str) -> str:
        """A conversation that has no name, by its id: ``a Slack channel``, ``a Teams chat``."""
        return f"a {self.title} {'channel' if re.fullmatch(self.channel, conversation) else 'chat'}"

    def conversation(self, conversation: str) -> Conversation | None:
        """The conversation of an id, where the id is enough to post there."""
        return Conversation(self.name, conversation) if self.by_id else None
