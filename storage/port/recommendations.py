"""What was recommended, what people said of it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

AnswerState: TypeAlias = Literal["open", "accepted", "snoozed", "dismissed"]


class RecommendationRow(Struct, frozen=True, kw_only=True):
    """A recommendation of an account; ``body`` is encoded by whoever made it.

    It was found from ``first`` to ``last``. ``over`` is when it was seen to be so no more. ``loss`` is the most that it
    cost a week, in the currency of the body; ``saved`` how much less a week that is since, as measured; None is not
    known. ``done_by`` (``platform:id``) did what ended it, with the command ``deed``; both are empty where nobody is
    known to have, so that it ended by itself or elsewhere. ``by`` answered it at ``answered``, ``because``; a snoozed
    one is left out until ``until``.
    """

    account: str
    id: str
    first: datetime
    last: datetime
    body: bytes
    over: datetime | None = None
    loss: float | None = None
    saved: float | None = None
    done_by: str = ""
    deed: str = ""
    state: AnswerState = "open"
    by: str = ""
    because: str = ""
    answered: datetime | None = None
    until: datetime | None = None


class RecommendationStore(Protocol):
    """Recommendations. Every method may raise StoreError."""

    async def see_recommendations(self, rows: Sequence[RecommendationRow]) -> None:
        """Put what is so, and what is over; what people answered stays as it is, whatever these rows say of it.

        One that was over and is so again is open again, unless it was dismissed.
        """
        ...

    async def answer_recommendation(
        self,
        account: str,
        id_: str,
        state: AnswerState,
        at: datetime,
        *,
        by: str,
        because: str = "",
        until: datetime | None = None,
    ) -> bool:
        """In place of what was answered before; False where there is none of that id."""
        ...

    async def recommendations(self, account: str) -> list[RecommendationRow]:
        """All of an account, the newest first."""
        ...
