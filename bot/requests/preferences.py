"""What a conversation and a person prefer: the account used where none is named, the queries and templates
they saved, and what they pinned.

A conversation is a channel or a group chat; in a personal chat it is the person who is asked for. The account that is
used: the conversation's default, else the person's own, else the first one in the settings. A button never relies on
it: it names its account wherever there is more than one (:func:`handlers.shared.common.line`), so that it means the
same after the default has changed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec import Struct

from bot.chat.request import Author, CommandRequest
from storage.port.decoding import decoded
from storage.port.store import Store

ACCOUNTS, QUERIES, TEMPLATES, PINS = "account", "query", "template", "pin"
"""Spaces of the store."""
_DEFAULT = "default"


class Default(Struct, frozen=True):
    """An account that was chosen."""

    account: str
    by: Author


class Chosen(Struct, frozen=True):
    """A default that applies: whose it is (an owner), what, and since when."""

    owner: str
    default: Default
    at: datetime


def person_of(request: CommandRequest) -> str:
    """The owner of what somebody keeps for themselves."""
    return f"person:{request.person.key}"


def place_of(request: CommandRequest) -> str:
    """The owner of what is kept for everybody here; in a personal chat that is the person."""
    return person_of(request) if request.conversation.kind == "personal" else f"conversation:{request.conversation.key}"


async def default_account(store: Store, request: CommandRequest, known: Collection[str]) -> Chosen | None:
    """The default that applies here; None where none was chosen, or the settings know it no more."""
    for owner in dict.fromkeys([place_of(request), person_of(request)]):
        for kept in await store.preferences(ACCOUNTS, owner):
            default = decoded(kept.value, Default)
            if default and default.account in known:
                return Chosen(owner, default, kept.at)
    return None


async def choose_account(store: Store, request: CommandRequest, account: str, at: datetime) -> None:
    """Make an account the default here."""
    value = msgspec.json.encode(Default(account, Author.of(request)))
    await store.put_preference(ACCOUNTS, place_of(request), _DEFAULT, value, at)


async def choose_none(store: Store, request: CommandRequest) -> None:
    """Forget the default here."""
    await store.delete_preference(ACCOUNTS, place_of(request), _DEFAULT)
