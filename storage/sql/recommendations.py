"""Recommendations: :class:`storage.port.recommendations.RecommendationStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from storage.port.recommendations import AnswerState, RecommendationRow
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlRecommendations(Connection):
    """One row for each recommendation of an account."""

    async def see_recommendations(self, rows: Sequence[RecommendationRow]) -> None:
        """Put what is so, and what is over; answers stay, but for those to what was over and is so again."""
        values = [
            [
                each.account, each.id, to_timestamp(each.first), to_timestamp(each.last), _optional(each.over),
                each.loss, each.saved, each.done_by, each.deed, each.body,
            ]
            for each in rows
        ]  # fmt: skip

        def work() -> None:
            with self._db.atomic():
                self._db.executemany(
                    "INSERT INTO recommendations (account, id, first, last, over, loss, saved, done_by, deed, body) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, id) DO UPDATE SET "
                    "state = CASE WHEN recommendations.over IS NOT NULL AND excluded.over IS NULL "
                    "AND recommendations.state <> 'dismissed' THEN 'open' ELSE recommendations.state END, "
                    "first = excluded.first, last = excluded.last, over = excluded.over, loss = excluded.loss, "
                    "saved = excluded.saved, done_by = excluded.done_by, deed = excluded.deed, body = excluded.body",
                    values,
                )

        await self._run(work)

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

        def work() -> bool:
            with self._db.atomic():
                changed = self._db.execute(
                    "UPDATE recommendations SET state = ?, answered = ?, answered_by = ?, because = ?, until = ? "
                    "WHERE account = ? AND id = ?",
                    [state, to_timestamp(at), by, because, _optional(until), account, id_],
                )
                return bool(changed.rowcount)

        return await self._run(work)

    async def recommendations(self, account: str) -> list[RecommendationRow]:
        """All of an account, the newest first."""

        def work() -> list[RecommendationRow]:
            rows = self._db.execute(
                "SELECT id, first, last, over, loss, saved, done_by, deed, state, answered, answered_by, because, "
                "until, body "
                "FROM recommendations WHERE account = ? ORDER BY first DESC, id",
                [account],
            )
            return [_row(account, row) for row in rows]

        return await self._run(work)

    async def _prune_recommendations(self, now: datetime) -> int:
        """Delete what was last seen longer ago than is kept; returns how many."""
        past = to_timestamp(now - self._retention.reports)
        return await self._delete("recommendations", "account, id", "last < ?", [past])


def _row(account: str, row: Sequence[Any]) -> RecommendationRow:
    id_, first, last, over, loss, saved, done_by, deed, state, answered, by, because, until, body = row
    return RecommendationRow(
        account=account,
        id=id_,
        first=from_timestamp(first),
        last=from_timestamp(last),
        over=_moment(over),
        loss=loss,
        saved=saved,
        done_by=done_by,
        deed=deed,
        state=state,
        answered=_moment(answered),
        by=by,
        because=because,
        until=_moment(until),
        body=body,
    )


def _optional(moment: datetime | None) -> int | None:
    return to_timestamp(moment) if moment else None


def _moment(value: int | None) -> datetime | None:
    return from_timestamp(value) if value is not None else None
