"""The chats lose answers now and then, are throttled, or are out for a while: both of them."""

from __future__ import annotations

import random

from tests.acceptance.environment import CHANNEL, Environment


class Weather:
    """Changes at every kill, and remembers when a chat took nothing."""

    def __init__(self, stage: Environment, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self._out: dict[str, float] = {}
        self._outages: dict[str, list[tuple[float, float]]] = {"slack": [], "teams": []}

    def change(self) -> None:
        """Another one for the next life."""
        self.clear()
        slack, teams = self._stage.slack.faults, self._stage.teams.faults
        match self._roll():
            case "lost":
                slack.lose_answers = {"chat.postMessage": 1}
            case "out":
                slack.outage = True
                self._begins("slack")
            case "throttled":
                slack.limited = {CHANNEL: 1}
                self._begins("slack")
        match self._roll():
            case "lost":
                teams.lose_answers(self._chance.randint(1, 2))
            case "out":
                teams.outage = True
                self._begins("teams")
            case "throttled":
                teams.fail(429, times=self._chance.randint(1, 4), retry_after=self._chance.randint(1, 5))

    def clear(self) -> None:
        """Good weather."""
        slack, teams = self._stage.slack.faults, self._stage.teams.faults
        slack.lose_answers, slack.outage, slack.limited = {}, False, {}
        teams.clear()
        now = self._stage.time.stamp()
        for platform, since in self._out.items():
            self._outages[platform].append((since, now))
        self._out.clear()

    def outages(self) -> dict[str, list[tuple[float, float]]]:
        """By platform, from when until when it was out: seconds since 1970, by the fast clock."""
        return {platform: list(spells) for platform, spells in self._outages.items()}

    def _begins(self, platform: str) -> None:
        self._out[platform] = self._stage.time.stamp()

    def _roll(self) -> str:
        roll = self._chance.random()
        return "lost" if roll < 0.3 else "throttled" if roll < 0.4 else "out" if roll < 0.5 else "fine"
