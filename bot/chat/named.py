"""The conversation that a key names, as the settings and stored rows write one: ``slack:C012AB3CD``."""

from __future__ import annotations

from bot.chat.platforms import PLATFORMS
from bot.chat.request import Conversation
from storage.port.conversations import ConversationStore
from storage.port.decoding import decoded


async def named(store: ConversationStore, key: str) -> Conversation | None:
    """A conversation by ``platform:id``: one that the bot is in, or whose id is enough to post there; else None.

    Raises StoreError.
    """
    platform, _, id_ = key.partition(":")
    for known in await store.conversations(platform):
        if known.id == id_ and (found := decoded(known.body, Conversation)):
            return found
    return PLATFORMS[platform].conversation(id_) if platform in PLATFORMS else None
