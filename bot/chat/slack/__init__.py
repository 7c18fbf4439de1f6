"""Slack, over Bolt: signed HTTP or Socket Mode in, Web API out."""

from bot.chat.slack.adapter import Slack

__all__ = ["Slack"]
