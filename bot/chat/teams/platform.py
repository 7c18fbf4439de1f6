"""Teams, for whoever does not need its client. A team's channels are threads of their own (``19:…@thread.tacv2``)."""

from __future__ import annotations

from collections.abc import Mapping

from bot.chat.platform import ConnectablePlatform
from bot.chat.port import Pictures, ServedChat
from bot.chat.teams.settings import TeamsSettings
from cards.teams import render
from storage.port.store import Store


def _connect(section: TeamsSettings, store: Store, pictures: Pictures, environment: Mapping[str, str]) -> ServedChat:
    from bot.chat.teams.adapter import Teams  # noqa: PLC0415 - it loads the Bot Framework

    return Teams.from_settings(section, store, pictures, environment)


TEAMS = ConnectablePlatform(
    "teams",
    "Teams",
    channel=r".*@thread\.(tacv2|skype)",
    named="{} in Teams",
    settings=TeamsSettings,
    conversation_id=r"\S+",
    group_id=r"group:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    example="19:…",
    connect=_connect,
    render=render,
)
