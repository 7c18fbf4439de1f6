"""Buttons and dialogs: requests that Teams wants answered in the same exchange, within ten seconds.

Each answer is ``(status, body)`` of the HTTP response; None stands for no body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

import cards.teams.message
from bot.chat.budget import Priority
from bot.chat.port import RequestIntake, Undelivered
from bot.chat.request import CommandRequest
from bot.chat.teams import messages
from bot.chat.teams.activity import Activity
from bot.chat.teams.message_extension import MessageExtension
from bot.chat.teams.outbound import CARD, Outbound
from bot.chat.teams.seals import Place
from bot.clock import backoff
from cards.card import Form, How, Rendered
from cards.click import Submission
from cards.teams.form import decode_query, render_choices
from cards.teams.seal import CLICK, FORM, sealed
from cards.teams.text import safe

log = structlog.get_logger()

Answer: TypeAlias = tuple[int, dict[str, object] | None]

PATIENCE = 8.0
"""Seconds an answer is waited for; Teams gives up after ten to fifteen."""

_MESSAGE = "application/vnd.microsoft.activity.message"
_ERROR = "application/vnd.microsoft.error"
_FOUND = "application/vnd.microsoft.search.searchResponse"
_WORKING = "Working on it: the answer follows."
_OVERTAKEN = "A newer choice is shown instead."
_STALE = "This button is of an older version of the bot. Ask again to get a new one."


class _Action(Struct, frozen=True):
    data: dict[str, object] | None = None


class _Pressed(Struct):
    action: _Action = _Action()
    trigger: str = "manual"


class _Dialog(Struct):
    data: dict[str, object] | None = None


_FORM_TRIES = 6
"""Attempts to show a form in the conversation: over half a minute."""


class Waiting:
    """A button whose presser waits: the card is handed over as soon as it is drawn."""

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        """True where only the presser gets the card: a card that refreshes itself must not be edited for everybody."""
        self.rendered: asyncio.Future[Rendered] = asyncio.get_running_loop().create_future()

    def give(self, rendered: Rendered) -> bool:
        """Hand the card over; False when nobody waits any more."""
        if self.rendered.done():
            return False
        self.rendered.set_result(rendered)
        return True


class Invokes:
    """Answers invoke activities."""

    def __init__(self, intake: RequestIntake, outbound: Outbound, *, patience: float = PATIENCE) -> None:
        self._intake = intake
        self._outbound = outbound
        self._patience = patience
        self._waiting: dict[str, Waiting] = {}
        self._presenting: set[asyncio.Task[None]] = set()
        self._by_name: dict[str | None, Callable[[Activity], Awaitable[Answer]]] = {
            "adaptiveCard/action": self._pressed,
            "task/fetch": self._opened,
            "task/submit": self._submitted,
            "application/search": self._searched,
            **MessageExtension(intake, outbound).by_name,
        }

    async def answer(self, activity: Activity) -> Answer:
        """The response to an invoke; 501 for what this bot does not offer, 400 for what makes no sense."""
        answer = self._by_name.get(activity.name)
        if answer is None:
            log.info("teams.invoke_unknown", name=activity.name)
            return 501, None
        try:
            return await answer(activity)
        except msgspec.ValidationError as error:
            log.warning("teams.invoke_malformed", name=activity.name, error=str(error))
            return 400, None

    def waiting(self, key: str) -> Waiting | None:
        """Who waits for the answer to a request."""
        return self._waiting.get(key)

    async def _pressed(self, activity: Activity) -> Answer:
        pressed = msgspec.convert(activity.value, _Pressed)
        data = pressed.action.data or {}
        click = cards.teams.message.decode_click(data)
        if click is None:
            return _error(400, "BadRequest", _STALE)
        request = await self.asked(activity, data, click.command, click.how)
        if click.how == "form":
            self.present(request)
            return _message("The form is below.")
        rendered = await self._answered(request, alone=pressed.trigger == "automatic")
        if rendered is None:
            return _message(_WORKING)
        if isinstance(rendered, str):
            return _message(rendered)
        if request.how == "post":
            return _message("The answer is below.")
        return 200, {"statusCode": 200, "type": CARD, "value": rendered.payload}

    async def asked(
        self,
        activity: Activity,
        data: dict[str, object],
        command: str,
        how: How,
        values: dict[str, str] | None = None,
        carry: str | None = None,
    ) -> CommandRequest:
        """The request of a button or a form. What passed through a client replaces nothing without a seal that holds:
        it is what a person could have typed, and is answered as that.

        ``carry`` is the message that a form remembers, where it is one.
        """
        sent = sealed(data, CLICK if carry is None else FORM)
        message = await self._outbound.seals.held(activity.origin().id, *sent)
        if message is not None and carry is not None:
            message = carry
        edits = how == "edit" and message
        return activity.ask(command, how="edit" if edits else "post", message=message or None, values=values)

    async def _answered(self, request: CommandRequest, *, alone: bool) -> Rendered | str | None:
        """The answer as soon as it is drawn; None when that takes too long, or the request came before.

        A sentence where it was left out, because somebody else's newer click has the message.
        """
        if request.key in self._waiting:
            return None
        waiting = self._waiting[request.key] = Waiting(alone=alone)
        try:
            task = await self._intake.accept(request)
        except BaseException:
            del self._waiting[request.key]
            raise
        if task is None:
            del self._waiting[request.key]
            return None
        task.add_done_callback(lambda _: self._waiting.pop(request.key, None))
        either: set[asyncio.Future[Any]] = {task, waiting.rendered}
        await asyncio.wait(either, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.rendered.done():
            waiting.rendered.cancel()
            return _OVERTAKEN if task.done() and request.how == "edit" else None
        return waiting.rendered.result()

    async def _opened(self, activity: Activity) -> Answer:
        data = msgspec.convert(activity.value, _Dialog).data or {}
        click = cards.teams.message.decode_click(data)
        if click is None:
            return _closing(_STALE)
        request = await self.asked(activity, data, click.command, click.how)
        try:
            async with asyncio.timeout(self._patience):
                form = await self._intake.form(click.command, request)
        except TimeoutError:
            log.warning("teams.form_late", command=click.command)
            return _closing("The form takes too long to prepare. Try again.")
        if isinstance(form, Form):
            return self._dialog(activity, form, request.message or "")
        rendered = await self._outbound.render(form)
        return _continued(rendered.summary[:64], rendered.payload, "medium")

    async def _submitted(self, activity: Activity) -> Answer:
        data = msgspec.convert(activity.value, _Dialog).data or {}
        submission = submitted(data)
        if submission is None:
            return _closing(_STALE)
        request = await self._request_of(activity, data, submission)
        if form := await self._to_mend(request, submission):
            return self._dialog(activity, form, request.message or "")
        await self._intake.accept(request)
        return 200, None  # closes the dialog; the answer comes to the conversation

    async def _to_mend(self, request: CommandRequest, submission: Submission) -> Form | None:
        """The form as it is to be shown again: checked only, or with what is wrong in it. None where it is taken."""
        form = await self._intake.form(
            submission.command, request, values=submission.values, seconds=self._patience * 0.75
        )
        if not isinstance(form, Form) or not (submission.check or form.errors):
            return None
        return replace(form, how=submission.how)

    async def filled(self, activity: Activity, submission: Submission) -> None:
        """A form that stands in the conversation was sent: take it, or show it again in its place."""
        data = msgspec.convert(activity.value, dict[str, object])
        request = await self._request_of(activity, data, submission)
        form = await self._to_mend(request, submission)
        if form is None:
            await self._intake.accept(request)
            return
        carry, where = request.message or "", request.conversation
        standing = await self._outbound.seals.held(where.id, *sealed(data, FORM))
        if standing:
            await messages.update_form(self._outbound, where, standing, form, carry, Priority.ANSWER)
        else:
            await messages.post_form(self._outbound, where, form, carry, Priority.ANSWER)

    async def _request_of(self, activity: Activity, data: dict[str, object], submission: Submission) -> CommandRequest:
        """The request of a submitted form."""
        how, carry = submission.how, submission.carry
        return await self.asked(activity, data, submission.command, how, submission.values, carry)

    def _dialog(self, activity: Activity, form: Form, carry: str) -> Answer:
        """A form that stands in no message; its answer may replace the one that ``carry`` names."""
        size = "large" if len(form.fields) > 6 or form.live else "medium"
        seal = partial(self._outbound.seals.seal, Place.of(activity.origin().id, ""))
        return _continued(form.title, cards.teams.form.render_form(form, carry, seal), size)

    async def _searched(self, activity: Activity) -> Answer:
        query = decode_query(msgspec.convert(activity.value, dict[str, object]))
        found = await self._intake.suggest(activity.ask(""), query.names, query.typed, query.within)
        return 200, {"statusCode": 200, "type": _FOUND, "value": {"results": render_choices(found)}}

    def present(self, request: CommandRequest) -> None:
        """Put the form of a command into the conversation, for clients whose button opened no dialog."""
        task = asyncio.create_task(self._present(request), name=f"form {request.key}")
        self._presenting.add(task)
        task.add_done_callback(self._presenting.discard)

    async def close(self) -> None:
        """Let forms on their way arrive, for a moment."""
        if self._presenting:
            await asyncio.wait(self._presenting, timeout=5)
        for task in self._presenting:
            task.cancel()

    async def _present(self, request: CommandRequest) -> None:
        form = await self._intake.form(request.text, request)
        where = request.conversation
        for tries in range(_FORM_TRIES):
            try:
                if isinstance(form, Form):
                    await messages.post_form(self._outbound, where, form, request.message or "", Priority.ANSWER)
                else:
                    await messages.post_card(self._outbound, where, form, Priority.ANSWER)
            except Undelivered as error:  # a form that is there twice does no harm, one that is lost does
                log.warning("teams.form_undelivered", command=request.text, why=error.why, code=error.code)
                if error.why not in {"later", "doubt"}:
                    return
                await asyncio.sleep(error.wait or backoff(tries))
            else:
                return


def submitted(data: dict[str, object]) -> Submission | None:
    """A submitted form; None where it is none of ours."""
    try:
        return cards.teams.form.decode_submission(data)
    except ValueError:
        return None


def _continued(title: str, content: dict[str, object], height: str) -> Answer:
    dialog = {
        "title": safe(title),
        "height": height,
        "width": "medium",
        "card": {"contentType": CARD, "content": content},
    }
    return 200, {"task": {"type": "continue", "value": dialog}}


def _message(text: str) -> Answer:
    return 200, {"statusCode": 200, "type": _MESSAGE, "value": safe(text)}


def _error(status: int, code: str, message: str) -> Answer:
    return 200, {"statusCode": status, "type": _ERROR, "value": {"code": code, "message": message}}


def _closing(text: str) -> Answer:
    return 200, {"task": {"type": "message", "value": safe(text)}}
