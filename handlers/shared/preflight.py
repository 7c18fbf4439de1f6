"""What the preflights of all verbs share, and how they are shown at the foot of a form."""

from __future__ import annotations

from collections.abc import Sequence

from bot.azure.account import Account
from bot.operations.preflight import Preflight
from bot.requests.command import CommandError
from bot.requests.context import no_writer
from bot.requests.forms import FormChanges
from cards.build import bold, muted, text
from cards.card import Mark, Note
from cards.formatting import money


def blocked(source: Account) -> Preflight | None:
    """The refusal where the bot has no identity that may change the account; None where it has."""
    return None if source.writer else Preflight(no_writer(source.name))


def cost_line(found: Preflight) -> str:
    """``$3.40/h now, $10.20/h after``; empty where nothing is known of it or nothing changes."""
    before, after = found.cost_before, found.cost_after
    if after is None:
        return ""
    later = f"{money(after.amount, after.currency)}/h"
    if before is None:
        return f"{later} at list price"
    if before.amount == after.amount:
        return f"{later}, as now"
    return f"{later}, now {money(before.amount, before.currency)}/h"


def notes(found: Preflight) -> tuple[Note, ...]:
    """The foot of a form: why it cannot be done, or what it changes, costs and interrupts."""
    if found.refused:
        instead = ", ".join(fix.label for fix in found.fixes)
        return (Note(text(found.refused, muted(f"  Instead: {instead}.") if instead else None), Mark.WARNING),)
    lines: list[Note] = [Note(text(f"{each.what}: {each.before} → ", bold(each.after))) for each in found.differences]
    if cost := cost_line(found):
        lines.append(Note(text(cost)))
    return (*lines, *(Note(text(effect), Mark.WARNING) for effect in found.effects))


def form_notes(found: Preflight, at: str = "", notes_before: Sequence[Note] = (), *, submit: str = "") -> FormChanges:
    """What a live form says of a preflight.

    A refusal stands below the field that it is about, by the preflight itself, or else below that named ``at``; where
    neither says, at the foot. ``submit`` is the word on the button.
    """
    if found.refused and (named := found.at or at):
        foot = _instead(found)
        return FormChanges(errors={named: found.refused}, notes=(*notes_before, *foot), submit=submit)
    return FormChanges(notes=(*notes_before, *notes(found)), submit=submit)


def form_error(error: CommandError, *, submit: str = "") -> FormChanges:
    """What a live form says of what cannot be run as it is filled in: below its field, or at the foot."""
    if error.at:
        return FormChanges(errors={error.at: error.message}, submit=submit)
    return FormChanges(notes=(Note(text(error.message), Mark.WARNING),), submit=submit)


def _instead(found: Preflight) -> tuple[Note, ...]:
    """What could be asked for instead, in words."""
    instead = ", ".join(fix.label for fix in found.fixes)
    return (Note(text(muted(f"Instead: {instead}."))),) if instead else ()
