"""Names for the selects of a modal while somebody types.

Slack asks with the view as it was when it was opened or last updated: what was chosen in its other fields since may be
missing. So those fields report each choice (``dispatch_action``), and the last few modals' choices are remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import structlog

from bot.chat.port import RequestIntake
from bot.chat.slack import inbound
from bot.chat.slack.people import SlackPeople
from cards.slack.form import decode_query, decode_submission, render_options

log = structlog.get_logger()

_MODALS = 200
_SECONDS = 0.4
"""For which somebody's profile is waited for: who is not known to be a member gets no names."""


class Suggestions:
    """What was chosen in the modals that are open, and what to offer there."""

    def __init__(self, people: SlackPeople) -> None:
        self._people = people
        self._chosen: OrderedDict[str, dict[str, str]] = OrderedDict()

    def chose(self, body: Mapping[str, Any]) -> None:
        """Something was chosen in a modal (block_actions); whatever is no modal of ours is ignored."""
        view = body.get("view") or {}
        try:
            values = decode_submission(view).values
        except ValueError:
            return
        self._chosen[str(view.get("id"))] = values
        while len(self._chosen) > _MODALS:
            self._chosen.popitem(last=False)

    async def options(self, body: Mapping[str, Any], intake: RequestIntake) -> list[dict[str, object]]:
        """The answer to block_suggestion; empty where the field is none of ours. Never raises."""
        query = decode_query(body)
        if query is None:
            return []
        try:
            request = await self._people.soon(inbound.from_suggestion(body, query.carry), _SECONDS)
            within = query.within | self._chosen.get(str(body["view"].get("id")), {})
            return render_options(await intake.suggest(request, query.names, query.typed, within))
        except Exception:  # whoever types sees no names, and can go on typing
            log.exception("slack.suggestions_failed")
            return []
