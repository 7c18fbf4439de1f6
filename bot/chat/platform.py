"""What is known of a chat platform without its client.

Its name, how its ids are written, how commands are typed there, its section of the settings file, and how it is
connected and drawn for. Each platform's package has one in its module ``platform``; :mod:`bot.chat.platforms` is the
table of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from bot.chat.port import Pictures, ServedChat
from bot.chat.request import Conversation
from bot.settings import BotSettings
from cards.card import Card, Rendered
from storage.port.store import Store


class PlatformSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """A platform's section of the settings file. The docstrings of its fields are their text on the reference page."""

    def mistakes(self, bot: BotSettings) -> Iterator[str]:
        """What types cannot say, a line each; ``bot`` is the section of the program itself."""
        yield from ()

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Keys that name an environment variable which has to be set, and the variable."""
        yield from ()


Section = TypeVar("Section", bound=PlatformSettings)


class Platform(Struct, frozen=True):
    """One platform.

    ``title`` is its name for people. ``channel`` is a regular expression that the ids of channels match, and those of
    chats do not; ``named`` is how a channel is written for people, with its name in place of ``{}``. ``by_id`` says
    that a conversation's id is enough to post there: where it is not, the bot has to be added first. ``slash`` says
    that a command typed there begins with ``/batch``, ``asides`` that one person can be told what
    nobody else in a channel sees.
    """

    name: str
    title: str
    channel: str
    named: str
    by_id: bool = False
    slash: bool = False
    asides: bool = False

    def channel_named(self, name: str) -> str:
        """A channel's name in words: ``#ops``, ``Batch Ops in Teams``."""
        return self.named.format(name.removeprefix("#"))

    def unnamed(self, conversation: str) -> str:
        """A conversation that has no name, by its id: ``a Slack channel``, ``a Teams chat``."""
        return f"a {self.title} {'channel' if re.fullmatch(self.channel, conversation) else 'chat'}"

    def conversation(self, conversation: str) -> Conversation | None:
        """The conversation of an id, where the id is enough to post there."""
        return Conversation(self.name, conversation) if self.by_id else None


class ConnectablePlatform(Platform, Generic[Section], frozen=True, kw_only=True):
    """A platform that the settings file can have a section for, and that a running bot then connects to.

    ``settings`` is the type of the section. ``conversation_id`` is a regular expression that the id of a conversation
    matches which the settings name, and ``example`` such an id for people. ``group_id`` is one that the ids of groups
    match, and those of people do not; empty where there are no groups. ``connect`` makes the adapter of section,
    store, pictures and the environment that holds the secrets; it raises SettingsError for a secret that is missing.
    It imports the adapter when it is called, so that the platform's client is loaded by a bot that uses it alone.
    ``render`` draws a card, given the addresses of its pictures by their key, as the platform's own message.
    """

    settings: type[Section]
    conversation_id: str
    group_id: str = ""
    example: str
    connect: Callable[[Section, Store, Pictures, Mapping[str, str]], ServedChat]
    render: Callable[[Card, Mapping[str, str]], Rendered]
