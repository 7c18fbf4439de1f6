"""Buttons and dialogs: requests that Teams wants answered in the same exchange, within ten seconds.

Each answer is ``(status, body)`` of the HTTP response; None stands for no body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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
from bot.chat.teams.outbound import CARD, Outbound
from cards.card import Form, Rendered
from cards.click import Submission
from cards.teams.form import decode_query, render_choices

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
        click = cards.teams.message.decode_click(pressed.action.data or {})
        if click is None:
            return _error(400, "BadRequest", _STALE)
        if click.how == "form":
            self.present(activity.ask(click.command, message=activity.reply_to_id))
            return _message("The form is below.")
        request = activity.ask(click.command, how=click.how, message=activity.reply_to_id)
        rendered = await self._answered(request, alone=pressed.trigger == "automatic")
        if rendered is None:
            return _message(_WORKING)
        if isinstance(rendered, str):
            return _message(rendered)
        if click.how == "post":
            return _message("The answer is below.")
        return 200, {"statusCode": 200, "type": CARD, "value": rendered.payload}

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
        request = activity.ask(click.command, message=activity.reply_to_id)
        try:
            async with asyncio.timeout(self._patience):
                form = await self._intake.form(click.command, request)
        except TimeoutError:
            log.warning("teams.form_late", command=click.command)
            return _closing("The form takes too long to prepare. Try again.")
        if isinstance(form, Form):
            return _dialog(form, activity.reply_to_id or "")
        rendered = await self._outbound.render(form)
        return _continued(rendered.summary[:64], rendered.payload, "medium")

    async def _submitted(self, activity: Activity) -> Answer:
        data = msgspec.convert(activity.value, _Dialog).data or {}
        submission = submitted(data)
        if submission is None:
            return _closing(_STALE)
        request = request_of(activity, submission)
        if form := await self._to_mend(request, submission):
            return _dialog(form, submission.carry)
        await self._intake.accept(request)
        return 200, None  # closes the dialog; the answer comes to the conversation

    async def _to_mend(self, request: CommandRequest, submission: Submission) -> Form | None:
        """The form as it is to be shown again: checked only, or with what is wrong in it. None where it is taken."""
        if not submission.live:
            return None
        form = await self._intake.form(
            submission.command, request, values=submission.values, seconds=self._patience * 0.75
        )
        if not isinstance(form, Form) or not (submission.check or form.errors):
            return None
        return replace(form, how=submission.how)

    async def filled(self, activity: Activity, submission: Submission) -> None:
        """A form that stands in the conversation was sent: take it, or show it again in its place."""
        request = request_of(activity, submission)
        form = await self._to_mend(request, submission)
        if form is None:
            await self._intake.accept(request)
            return
        payload = cards.teams.form.render_form(form, carry=submission.carry)
        rendered = Rendered(payload, form.title)
        if activity.reply_to_id:
            await messages.update(self._outbound, request.conversation, activity.reply_to_id, rendered, Priority.ANSWER)
        else:
            await messages.post(self._outbound, request.conversation, rendered, Priority.ANSWER)

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
        try:
            form = await self._intake.form(request.text, request)
            if isinstance(form, Form):
                payload = cards.teams.form.render_form(form, carry=request.message or "")
                rendered = Rendered(payload, form.title)
            else:
                rendered = await self._outbound.render(form)
            await messages.post(self._outbound, request.conversation, rendered, Priority.ANSWER)
        except Undelivered as error:
            log.warning("teams.form_undelivered", command=request.text, why=error.why, code=error.code)


def submitted(data: dict[str, object]) -> Submission | None:
    """A submitted form; None where it is none of ours."""
    try:
        return cards.teams.form.decode_submission(data)
    except ValueError:
        return None


def request_of(activity: Activity, submission: Submission) -> CommandRequest:
    """The request of a submitted form."""
    message = submission.carry or activity.reply_to_id
    return activity.ask(submission.command, how=submission.how, message=message, values=submission.values)


def _dialog(form: Form, carry: str) -> Answer:
    size = "large" if len(form.fields) > 6 or form.live else "medium"
    return _continued(form.title, cards.teams.form.render_form(form, carry=carry), size)


def _continued(title: str, content: dict[str, object], height: str) -> Answer:
    dialog = {"title": title, "height": height, "width": "medium", "card": {"contentType": CARD, "content": content}}
    return 200, {"task": {"type": "continue", "value": dialog}}


def _message(text: str) -> Answer:
    return 200, {"statusCode": 200, "type": _MESSAGE, "value": text}


def _error(status: int, code: str, message: str) -> Answer:
    return 200, {"statusCode": status, "type": _ERROR, "value": {"code": code, "message": message}}


def _closing(text: str) -> Answer:
    return 200, {"task": {"type": "message", "value": text}}
