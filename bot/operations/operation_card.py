"""The card of an operation: what is being done, step by step, and at last what it came to."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.azure.errors import AzureError
from bot.domain.refused_writes import advice
from bot.operations.audit import Act
from bot.operations.workflow import Failure, Outcome, StepView, Unknown, View
from cards.build import actions, blocks, bold, chip, muted, text
from cards.card import Bullets, Button, Card, Footer, Mark, Text, Time, Words
from cards.text_fit import cut

UNDOABLE = timedelta(minutes=15)
"""How long an operation can be taken back."""
_BACK = 120
"""Characters of the state that Undo goes back to that are shown."""
_PASSES = (0, 409, 412)
"""Statuses of refusals that may pass though they are no outage: a conflict, or something changed in between."""
_SHOWN = 12
"""Steps that a card lists; of more the first and the newest ones."""


def running_card(view: View, id_: str, started: datetime) -> Card:
    """While it goes on: the steps so far, the progress, and when it should be over."""
    eta = Words(text("Expected to end ", Time(view.eta)), while_live=True) if view.eta else None
    return Card(
        title=_titled(view, "under way"),
        mark=Mark.CHANGING,
        blocks=blocks(
            Words(text(chip(Mark.WARNING, view.waiting)), while_live=True) if view.waiting else None,
            _steps(view),
            view.progress,
            eta,
            _footer(view),
            Footer(text(muted("Begun "), Time(started), muted(". This message is kept up to date.")), while_live=True),
            actions(
                Button("Open", view.open) if view.open else None,
                Button("Stop", f"operation stop {id_}") if view.stoppable else view.stop,
                Button("Refresh", f"operation show {id_}", how="edit"),
            ),
        ),
    )


def outcome_card(view: View, outcome: Outcome, id_: str, started: datetime, now: datetime) -> Card:
    """It is over: the answer in the first line, what was done, and the way back where there is one."""
    undo = Button("Undo", f"undo {id_}") if outcome.undo else None
    back = f"Undo: back to {cut(outcome.before, _BACK)}. Until " if outcome.before else "Undo works until "
    return Card(
        title=text(bold(outcome.headline)),
        mark=Mark.FAILED if outcome.failed else outcome.mark,
        as_of=now,
        blocks=blocks(
            *outcome.blocks,
            _steps(view) if len(view.steps) > 1 else None,
            _footer(view),
            Footer(text(muted(back), Time(now + UNDOABLE, "clock"), muted("."))) if undo else None,
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
    again = Button("Try again", command) if command and _may_help(error) else None
    return Card(
        title=_titled(view, word),
        mark=mark,
        as_of=now,
        blocks=blocks(
            Words(text(headline)),
            Bullets(tuple(text(f"{key}: {value}") for key, value in details)) if details else None,
            _steps(view),
            _footer(view),
            actions(*buttons, again, Button("Open", view.open) if view.open and not buttons else None),
        ),
        refused=True,
    )


def stopped_card(view: View, now: datetime) -> Card:
    """Somebody stopped it: what was done stays done."""
    return Card(
        title=_titled(view, "stopped"),
        mark=Mark.STOPPED,
        as_of=now,
        blocks=blocks(
            Words(text("What was done before stays done.")),
            _steps(view),
            _footer(view),
            actions(Button("Open", view.open) if view.open else None),
        ),
    )


def byline(act: Act | None, account: str) -> str:
    """Who began it, the account where there are several, and what it takes back: ``by Otto · render-prod``."""
    if act is None:
        return account
    who = act.name or act.person.partition(":")[2]
    undoes = f"undo of {act.undoes}" if act.undoes else ""
    return " · ".join(filter(None, (f"by {who}" if who else "", account, undoes)))


def _titled(view: View, word: str) -> Text:
    """What is going on and how that stands, without a symbol: the card's mark is one."""
    return (*view.title, *text(muted(f" · {word}")))


def _footer(view: View) -> Footer | None:
    return Footer(text(muted(view.byline))) if view.byline else None


def _may_help(error: Exception) -> bool:
    """Whether the same command may end otherwise when it is given again.

    Not where Azure refuses it for what it is or who asks, nor where nobody knows what became of it: that is looked at
    first.
    """
    if isinstance(error, Unknown):
        return False
    if not isinstance(error, AzureError):
        return True
    return (error.passing or error.status in _PASSES) and "quota" not in error.code.lower()


def _steps(view: View) -> Bullets | None:
    shown = list(view.steps.values())
    if len(shown) > _SHOWN:
        shown = [*shown[:2], StepView(f"{len(shown) - _SHOWN} steps more", Mark.DONE), *shown[-(_SHOWN - 2) :]]
    return Bullets(tuple(_step(step) for step in shown), dots=False) if shown else None


def _step(step: StepView) -> Text:
    """``✔ Ask Azure for 5 nodes``, ``◐ Wait until the pool is steady: 0 nodes, 5 wanted``."""
    detail = muted(f": {step.detail}") if step.detail else None
    return text(f"{step.mark.symbol} " if step.mark.symbol else None, step.title, detail)
