"""The form of a usage window: two pickers, and what the window would be."""

from __future__ import annotations

from datetime import timedelta

from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note
from cards.formatting import duration
from handlers.shared.common import line
from handlers.usage import subject as subjects
from handlers.usage import window as windows
from handlers.usage.subject import Asked as Subject

_SHOW = "Show"


@form_of(
    "usage",
    Field("from", "From", "moment", hint="Where the window begins.", refresh=True),
    Field("to", "To", "moment", hint="Now, where it is left empty.", refresh=True),
    Field("pool", "Pool", "name", more=True),
    Field("job", "Job", "name", more=True),
    Field("size", "VM size", more=True),
    Field("tag", "Tag", hint="Metadata of pools, such as team=render.", more=True),
    without=("window", "account", "csv"),
    redraws="from",
)
async def window_form(ctx: Context, values: Values) -> FormChanges:
    """Says how long the window is, how fine its steps are, and what is kept."""
    source = ctx.account(values.get("account"))
    subject = Subject(values.get("pool"), values.get("job"), values.get("size"), values.get("tag"))
    kept = await subjects.kept(ctx, source, subject)
    if kept is None:
        return FormChanges(notes=(Note(text("No samples are kept yet."), Mark.IDLE),))

    def again(preset: str | None = None, **moments: str) -> str:
        return line(ctx, source, *(("usage", preset) if preset else ("usage",)), **moments)

    whole = windows.all_of(kept, ctx.zone)
    try:
        found = windows.asked(None, values.get("from"), values.get("to"), kept, ctx.zone, again)
    except CommandError as error:
        wrong = {error.at: error.message} if error.at else {}
        return FormChanges(errors=wrong, notes=(Note(text(f"Kept: {whole}.")),), submit=_SHOW)
    window = found.window
    shown = windows.spelled(window.since, window.until, ctx.zone)
    step = duration(timedelta(seconds=window.step))
    notes = [Note(text(f"{shown} · {duration(window.span)} in steps of {step}. Kept: {whole}."))]
    notes += [Note(text(each), Mark.WARNING) for each in windows.notes(found, kept, ctx.zone)]
    return FormChanges(notes=tuple(notes), submit=_SHOW)
