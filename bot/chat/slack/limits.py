"""How much the bot may send to Slack."""

from __future__ import annotations

from bot.chat.budget import Limits

LIMITS = {
    "post": Limits(conversation=((1, 1.0),), workspace=((200, 60.0),)),
    "ephemeral": Limits(conversation=((1, 1.0),), workspace=((100, 60.0),)),
    "update": Limits(conversation=((1, 1.0),), workspace=((50, 60.0),)),
}
"""Slack's: a message a second and channel (above it Slack may answer ok and hide messages) and "several hundred" a
minute for chat.postMessage, tier 4 for chat.postEphemeral, tier 3 for chat.update (docs.slack.dev, rate limits). One
edit a second and message is more than anybody can read."""
