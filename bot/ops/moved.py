"""Conversations that the settings name by an id that they have no longer: the new one has to be written there.

What is posted there follows by itself. What is granted to people there does not: a channel gets another id when it is
shared with another company, who must not be given anything by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bot.chat.request import Conversation
from storage.port.conversations import ConversationReference
from storage.port.decoding import decoded


def named_by_old_ids(settings: object, references: Iterable[ConversationReference]) -> list[str]:
    """A line for each such conversation."""
    named = set(_texts(msgspec.to_builtins(settings, enc_hook=repr)))
    found = []
    for each in references:
        now = decoded(each.body, Conversation)
        if now is None or now.id == each.id:
            continue
        key = f"{each.platform}:{each.id}"
        if not named.isdisjoint({key, f"conversation:{key}"}):
            found.append(
                f"the settings name {key}, which is {now.key} now: write that; what they grant there holds for nobody"
            )
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
