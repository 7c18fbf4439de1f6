"""The button of a list that says why something in it is in trouble."""

from __future__ import annotations

from collections.abc import Sequence

from bot.azure.account import Account
from bot.requests.context import Context
from cards.card import Button
from handlers.shared.common import line


def why_button(ctx: Context, source: Account, kind: str, troubled: Sequence[str], parent: str = "") -> Button | None:
    """Why the one thing in trouble is; of several the form that completes their names; None where none is.

    A menu of all of them would take the room of a column from the list (:data:`cards.slack.limits.ROOM`).
    ``parent`` is the pool of nodes, the job of tasks.
    """
    if not troubled:
        return None
    names = [parent] if parent else []
    if len(troubled) == 1:
        return Button("Why", line(ctx, source, f"why {kind}", *names, troubled[0]))
    return Button("Why…", line(ctx, source, f"why {kind}", *names), how="form")
