"""Who is in the Slack user groups that the settings name (usergroups.users.list, scope ``usergroups:read``).

Slack sends no groups with what a person does, and no event that works for a bot's token says who joined or left one.
So the members of the few groups that are named are read every five minutes. What was read is believed for ten minutes:
where Slack goes on refusing, a group then counts as unread, which grants nothing. A group that the settings do not
name is never read, and without one nothing is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.errors import code_of
from bot.clock import asked_wait

log = structlog.get_logger()

REFRESH_SECONDS = 300.0
"""After which members are read again."""
BELIEVED_SECONDS = 600.0
"""After which what was read is not believed any more."""
RETRY_SECONDS = 60.0
"""Between two attempts at a group that could not be read, unless Slack wants longer (tier 2: 20 calls a minute)."""


class SlackGroups:
    """The members of the user groups that the settings name. ``clock`` gives monotonic seconds."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._named: tuple[str, ...] = ()
        self._read: dict[str, tuple[float, frozenset[str]]] = {}
        self._due: dict[str, float] = {}
        self._reading = asyncio.Lock()

    def name(self, groups: frozenset[str]) -> None:
        """The ids of the groups that are to be read."""
        self._named = tuple(sorted(groups))

    def of(self, user: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The groups that a user is in, and those of which it is not known; without asking."""
        oldest = self._clock() - BELIEVED_SECONDS
        fresh = {group: self._read[group][1] for group in self._named if self._believed(group, oldest)}
        return (
            tuple(group for group, members in fresh.items() if user in members),
            tuple(group for group in self._named if group not in fresh),
        )

    async def refresh(self) -> None:
        """Read the groups whose time has come. Never raises: what fails is logged, and tried again later."""
        async with self._reading:
            for group in self._named:
                if self._due.get(group, 0.0) <= self._clock():
                    await self._refresh(group)

    async def known(self) -> None:
        """Read what is not known, where that was not tried a moment ago."""
        if self.of("")[1]:
            await self.refresh()

    async def keep(self) -> None:
        """Keep what is known fresh until cancelled; returns at once where no group is named."""
        while self._named:
            await self.refresh()
            await asyncio.sleep(RETRY_SECONDS / 4)

    def _believed(self, group: str, oldest: float) -> bool:
        return group in self._read and self._read[group][0] >= oldest

    async def _refresh(self, group: str) -> None:
        asked = self._clock()
        wait = RETRY_SECONDS
        try:
            answer = await self._client.usergroups_users_list(usergroup=group)
            members = frozenset(str(user) for user in answer["users"])
        except SlackApiError as error:
            code = code_of(error)
            if code == "no_such_subteam":  # deleted or disabled: an answer, and nobody is in it
                log.warning("slack.group_unknown", group=group, hint="the settings name a user group that is not there")
                members = frozenset()
            else:
                log.warning("slack.group_unread", group=group, code=code, needed=error.response.get("needed"))
                wait = max(wait, _retry_after(error))
                self._due[group] = self._clock() + wait
                return
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError, TypeError) as error:
            log.warning("slack.group_unread", group=group, error=type(error).__name__)
            self._due[group] = self._clock() + wait
            return
        self._read[group] = asked, members
        self._due[group] = asked + REFRESH_SECONDS


def _retry_after(error: SlackApiError) -> float:
    """Seconds that Slack asks to be left alone for; 0 where it does not."""
    try:
        return asked_wait(error.response.headers.get("Retry-After")) or 0.0
    except AttributeError:
        return 0.0
