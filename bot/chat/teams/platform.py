"""Teams, for whoever does not need its client. A team's channels are threads of their own (``19:…@thread.tacv2``)."""

from __future__ import annotations

from bot.chat.platform import Platform

TEAMS = Platform("teams", "Teams", channel=r".*@thread\.(tacv2|skype)", named="{} in Teams")
