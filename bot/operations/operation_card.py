"""The card of an operation: what is being done, step by step, and at last what it came to."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.azure.errors import AzureError
from bot.domain.refused_writes import advice
from bot.operations.workflow import Failure, Outcome, StepView, Unknown, View
from cards.build import actions, blocks, bold, chip, muted, text
from cards.card import Bullets, Button, Card, Footer, Mark, Text, Time, Words

UNDOABLE = timedelta(minutes=15)
"""How long an operation can be taken back."""
_SHOWN = 12
"""Steps that a card lists; of more the first and the newest ones."""


def running_card(view: View, id_: str, started: datetime) -> Card:
    """While it goes on: the steps so far, the progress, and when it should be over."""
    eta = Words(text("Expected to end ", Time(view.eta)), while_live=True) if view.eta else None
    return Card(
        title=(*view.title, *text("  "), *text(chip(Mark.CHANGING, "under way"))),
        mark=Mark.CHANGING,
        blocks=blocks(
            Words(text(chip(Mark.WARNING, view.waiting)), while_live=True) if view.waiting else None,
            _steps(view),
            view.progress,
            eta,
            Footer(text(muted("Begun "), Time(started), muted(". This message is kept up to date.")), while_live=True),
            actions(
                Button("Follow", f"operation show {id_}", how="edit"),
                Button("Stop", f"operation stop {id_}") if view.stoppable else None,
            ),
        ),
    )


def outcome_card(view: View, outcome: Outcome, id_: str, started: datetime, now: datetime) -> Card:
    """It is over: the answer in the first line, what was done, and the way back where there is one."""
    undo = Button("Undo", f"undo {id_}") if outcome.undo else None
    return Card(
        title=text(bold(outcome.headline)),
        mark=Mark.FAILED if outcome.failed else outcome.mark,
        as_of=now,
        blocks=blocks(
            *outcome.blocks,
            _steps(view) if len(view.steps) > 1 else None,
            Footer(text(muted("Undo works until "), Time(now + UNDOABLE, "clock"), muted("."))) if undo else None,
            actions(*outcome.buttons, undo),
        ),
        refused=outcome.failed,
    )


def failed_card(view: View, error: Exception, command: str, correlation: str, now: datetime) -> Card:
    """It did not come to its end: why, what was done before that, and what to do."""
    buttons: tuple[Button, ...] = ()
    match error:
        case Unknown(why=why, buttons=buttons):
            headline, word = why, "not known"
        case Failure(why=why, buttons=buttons):
            headline, word = why, "failed"
        case AzureError():
            headline, word = f"{error.message} {advice(error.code)}".strip(), f"Azure answered {error.code}"
        case _:
            headline = f"Something went wrong inside the bot. The log has the cause under {correlation}."
            word = "failed"
    details = error.values.items() if isinstance(error, AzureError) else ()
    mark = Mark.WARNING if isinstance(error, Unknown) else Mark.FAILED
    return Card(
        title=(*view.title, *text("  "), *text(chip(mark, word))),
        mark=mark,
        as_of=now,
        blocks=blocks(
            Words(text(headline)),
            Bullets(tuple(text(f"{key}: {value}") for key, value in details)) if details else None,
            _steps(view),
            actions(*buttons, Button("Try again", command) if command else None),
        ),
        refused=True,
    )


def stopped_card(view: View, now: datetime) -> Card:
    """Somebody stopped it: what was done stays done."""
    return Card(
        title=(*view.title, *text("  "), *text(chip(Mark.STOPPED, "stopped"))),
        mark=Mark.STOPPED,
        as_of=now,
        blocks=blocks(Words(text("What was done before stays done.")), _steps(view)),
    )


def _steps(view: View) -> Bullets | None:
    shown = list(view.steps.values())
    if len(shown) > _SHOWN:
        shown = [*shown[:2], StepView(f"{len(shown) - _SHOWN} steps more", Mark.DONE), *shown[-(_SHOWN - 2) :]]
    return Bullets(tuple(_step(step) for step in shown)) if shown else None


def _step(step: StepView) -> Text:
    detail = muted(f"  {step.detail}") if step.detail else None
    return text(f"{step.mark.symbol} " if step.mark.symbol else None, step.title, detail)
