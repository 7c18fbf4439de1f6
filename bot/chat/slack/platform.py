"""Slack, for whoever does not need its client. Ids of channels begin with C, of private ones and groups with G."""

from __future__ import annotations

from collections.abc import Mapping

from bot.chat.platform import ConnectablePlatform
from bot.chat.port import Pictures, ServedChat
from bot.chat.slack.settings import SlackSettings
from cards.slack import render
from storage.port.store import Store


def _connect(section: SlackSettings, store: Store, pictures: Pictures, environment: Mapping[str, str]) -> ServedChat:
    from bot.chat.slack.adapter import Slack  # noqa: PLC0415 - it loads Bolt

    return Slack.from_settings(section, store, pictures, environment)


SLACK = ConnectablePlatform(
    "slack",
    "Slack",
    channel="[CG].*",
    named="#{}",
    by_id=True,
    slash=True,
    asides=True,
    settings=SlackSettings,
    conversation_id="[CDG][A-Z0-9]+",
    group_id="S[A-Z0-9]+",
    example="C012AB3CD",
    connect=_connect,
    render=render,
)
