"""Targeted messages: one person of a channel or a group chat sees them, for a day.

By Microsoft's page "Send and receive targeted messages in group conversations" (June 2026). It names no codes of what
is refused; BadArgument is the service's usual one for a request that makes no sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.teams.errors import RefusedError
from bot.sandbox.teams.people import Conversation, Tenant


def target(query: Mapping[str, str], activity: Mapping[str, Any], tenant: Tenant, chat: Conversation) -> str:
    """The role of the one person who is to see a message; "" where it is for everybody. Raises RefusedError."""
    if query.get("isTargetedActivity", "").lower() != "true":
        return ""
    if chat.kind == "personal":
        raise RefusedError(400, "BadArgument", "Targeted messages are for channels and group chats.")
    wanted = (activity.get("recipient") or {}).get("id")
    found = next((role for role in chat.members if tenant.people[role].id == wanted), "")
    if not found:
        raise RefusedError(400, "BadArgument", "A targeted message needs a member of the conversation as recipient.")
    return found
