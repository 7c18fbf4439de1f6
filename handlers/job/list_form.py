"""The form of the list of jobs."""

from __future__ import annotations

from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Field
from handlers.shared.list_form import POOL, gathered, scattered


@form_of("job list", Field("state", "State", "choice"), POOL, gather=gathered, scatter=scattered)
async def list_form(ctx: Context, values: Values) -> FormChanges:
    """Its conditions are checked as those of a typed list are."""
    return FormChanges()
