"""Modals: opened within the seconds that a trigger lives, checked while they are open, and before they are taken.

Several changes may be under way at once, for a check takes time and people type on. The newest wins: whatever was asked
before it is dropped, and each update names the view that it replaces by its hash, so that it cannot undo another.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import RequestIntake
from bot.chat.request import CommandRequest
from bot.chat.slack import inbound
from bot.chat.slack.errors import code_of, judged
from bot.chat.slack.people import SlackPeople
from cards.build import refusal
from cards.card import Button, Card, Form
from cards.slack.form import block_ids, decode_refresh, decode_submission, render_form, turns

log = structlog.get_logger()

TYPING_SECONDS = 0.4
"""Without a letter, after which what somebody types is checked; Batch Explorer waits as long."""
OPEN_SECONDS, CHECK_SECONDS, SUBMIT_SECONDS = 1.5, 8.0, 1.5
"""For a check: before a modal opens (its trigger lives three), while it is open, before it is taken (three again)."""
ZONE_SECONDS = 0.4
TRIGGER_SECONDS = 2.6
"""After the click, until which a modal that could not be opened is tried again."""
_AGAIN_SECONDS = 0.25
"""Between two attempts: the trigger has no time for longer pauses."""
_VIEWS = 500


@dataclass
class _Open:
    """A modal that changes: the number of the newest change, and what was last made of it."""

    newest: int = 0
    hash: str = ""
    shown: Mapping[str, int] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Forms:
    """The modals of everybody. What is forgotten of one is only that a change of it is under way."""

    def __init__(self, client: AsyncWebClient, people: SlackPeople) -> None:
        """``people`` are asked for somebody's time zone, in which a form gives times, and whether they are a guest."""
        self._client = client
        self._people = people
        self._open: OrderedDict[str, _Open] = OrderedDict()

    async def open(self, intake: RequestIntake, request: CommandRequest, trigger: str) -> Card | None:
        """Open the form of a command; a card that says why there is none."""
        until = asyncio.get_running_loop().time() + TRIGGER_SECONDS
        form = await intake.form(request.text, await self._zoned(request), seconds=OPEN_SECONDS)
        if not isinstance(form, Form):
            return form
        code = await self._opened(trigger, render_form(form, inbound.carry(request)), until)
        if code is None:
            return None
        log.warning("slack.form_not_opened", code=code)
        again = Button("Try again", request.text, how="form")
        return refusal("The form could not be opened.", f"Slack says: {code or 'nothing'}.", [again])

    async def _opened(self, trigger: str, view: dict[str, Any], until: float) -> str | None:
        """Open a modal, again where Slack fails at it and the trigger may still live: why it is not open, or None.

        A trigger is good for one modal. One that is used up at a later attempt opened it at an earlier one.
        """
        doubtful = False
        while True:
            try:
                await self._client.views_open(trigger_id=trigger, view=view)
            except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                code = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
                if doubtful and code == "exchanged_trigger_id":
                    return None
                failure = judged(error)
                doubtful |= failure.why == "doubt"
                wait = max(failure.wait or 0.0, _AGAIN_SECONDS)
                if failure.why not in {"later", "doubt"} or asyncio.get_running_loop().time() + wait > until:
                    return code
                log.info("slack.form_tried_again", code=code)
            else:
                return None
            await asyncio.sleep(wait)

    async def refresh(self, intake: RequestIntake, body: Mapping[str, Any]) -> None:
        """A change in a modal: check it and show what comes of it, unless another change overtakes it."""
        asked = decode_refresh(body)
        if asked is None:
            return
        submission, typing = asked
        view = body["view"]
        opened = self._known(view["id"])
        opened.newest += 1
        mine = opened.newest
        if typing:
            await asyncio.sleep(TYPING_SECONDS)
        if mine != opened.newest:
            return
        request = await self._zoned(inbound.from_view(body, submission))
        form = await intake.form(submission.command, request, values=submission.values, seconds=CHECK_SECONDS)
        if not isinstance(form, Form):
            log.warning("slack.form_refused", command=submission.command)
            return
        form = replace(form, how=submission.how, opened=form.opened or submission.opened)
        async with opened.lock:
            if mine == opened.newest:
                await self._update(view, opened, form, submission.carry)

    async def _update(self, view: Mapping[str, Any], opened: _Open, form: Form, carry: str) -> None:
        """Replace the view as it was when the change was made; where an update of ours came since, that one."""
        states: list[tuple[str, Mapping[str, int]]] = [(view["hash"], turns(view))]
        if opened.hash and opened.hash != view["hash"]:
            states.append((opened.hash, opened.shown))
        for hash_, shown in states:
            try:
                answer = await self._client.views_update(
                    view_id=view["id"], hash=hash_, view=render_form(form, carry, shown)
                )
            except SlackApiError as error:
                if code_of(error) != "hash_conflict":
                    log.info("slack.form_not_updated", code=code_of(error))  # closed by now, or sent off
                    return
            else:
                opened.hash, opened.shown = answer["view"]["hash"], turns(answer["view"])
                return
        log.info("slack.form_overtaken", command=form.command)

    async def refused(self, intake: RequestIntake, body: Mapping[str, Any], request: CommandRequest) -> dict[str, Any]:
        """What keeps a modal from being taken, as the answer to its submission; empty where nothing does."""
        view = body["view"]
        submission = decode_submission(view)
        self._known(view["id"]).newest += 1  # a check that is under way is of no use any more
        request = await self._zoned(request)
        form = await intake.form(submission.command, request, values=submission.values, seconds=SUBMIT_SECONDS)
        if not isinstance(form, Form) or not form.errors:
            return {}
        blocks = block_ids(view)
        if form.errors.keys() <= blocks.keys():
            return {
                "response_action": "errors",
                "errors": {blocks[name]: error for name, error in form.errors.items()},
            }
        form = replace(form, how=submission.how, opened=True)
        return {"response_action": "update", "view": render_form(form, submission.carry, turns(view))}

    async def _zoned(self, request: CommandRequest) -> CommandRequest:
        """The request with what is known of its person, unless that takes too long or fails: a form goes without."""
        return await self._people.soon(request, ZONE_SECONDS)

    def _known(self, view: str) -> _Open:
        opened = self._open.setdefault(view, _Open())
        self._open.move_to_end(view)
        while len(self._open) > _VIEWS:
            self._open.popitem(last=False)
        return opened
