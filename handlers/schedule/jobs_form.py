"""The form of the list of a schedule's jobs."""

from __future__ import annotations

from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Field
from handlers.shared.list_form import POOL, gathered, scattered

_SCHEDULE = Field("schedule", "Schedule", "name", names="schedule")


@form_of("schedule jobs", _SCHEDULE, Field("state", "State", "choice"), POOL, gather=gathered, scatter=scattered)
async def jobs_form(ctx: Context, values: Values) -> FormChanges:
    """Its conditions are checked as those of a typed list are."""
    return FormChanges()
