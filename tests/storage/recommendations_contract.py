"""What every store has to do for recommendations. A test class inherits this beside the other contracts."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from storage.port.recommendations import RecommendationRow
from storage.port.store import Store
from storage.retention import Retention
from tests.storage.contract import DAY, NOON


def recommended(id_: str = "1a2b3c4d", at: datetime = NOON) -> RecommendationRow:
    """One that was found once."""
    return RecommendationRow(account="render", id=id_, first=at, last=at, body=b"{}", loss=12.5)


class RecommendationsContract:
    """Inherit it beside :class:`tests.storage.contract.StoreContract`, which gives ``store``."""

    async def test_what_people_answered_stays_while_it_is_so(self, store: Store) -> None:
        row, other = recommended(), recommended("2b3c4d5e", NOON - DAY)
        await store.see_recommendations([other, row])
        assert await store.recommendations("render") == [row, other]
        assert await store.recommendations("sim") == []
        until = NOON + 7 * DAY
        answer = {"by": "Ops", "because": "kept warm", "until": until}
        assert await store.answer_recommendation("render", row.id, "snoozed", NOON, **answer)  # type: ignore[arg-type]
        assert not await store.answer_recommendation("sim", row.id, "accepted", NOON, by="Ops")
        later = replace(row, last=NOON + DAY, loss=20.0, body=b'{"a":1}')
        await store.see_recommendations([later])
        answered = replace(later, state="snoozed", answered=NOON, by="Ops", because="kept warm", until=until)
        assert (await store.recommendations("render"))[0] == answered

    async def test_what_was_over_and_comes_back_is_open_again_unless_it_was_dismissed(self, store: Store) -> None:
        for state, then in (("accepted", "open"), ("dismissed", "dismissed")):
            row = recommended()
            await store.see_recommendations([row])
            await store.answer_recommendation("render", row.id, state, NOON, by="Ops")  # type: ignore[arg-type]
            await store.see_recommendations([replace(row, over=NOON + DAY, saved=3.5)])
            [over] = await store.recommendations("render")
            assert (over.state, over.over, over.saved) == (state, NOON + DAY, 3.5)
            await store.see_recommendations([replace(row, first=NOON + 2 * DAY, last=NOON + 2 * DAY)])
            [back] = await store.recommendations("render")
            assert (back.state, back.over, back.saved) == (then, None, None)

    async def test_recommendations_go_with_the_reports(self, store: Store) -> None:
        kept = Retention().reports
        await store.see_recommendations([recommended("old", NOON - kept - DAY), recommended("new", NOON - kept + DAY)])
        assert await store.prune(NOON) == 1
        assert [each.id for each in await store.recommendations("render")] == ["new"]
