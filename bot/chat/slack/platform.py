"""Slack, for whoever does not need its client. Ids of channels begin with C, of private ones and groups with G."""

from __future__ import annotations

from bot.chat.platform import Platform

SLACK = Platform("slack", "Slack", channel="[CG].*", named="#{}", by_id=True, slash=True)
