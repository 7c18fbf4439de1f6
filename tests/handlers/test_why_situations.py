"""Every row of the table of causes, made in the sandbox: ``why`` tells it, within its calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.knowledge import row, rows
from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios.parts import add_account
from cards.card import plain
from cards.command_line import join
from tests.handlers.why_world import asked, small
from tests.knowledge.situations import SITUATIONS

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
MOST = 9

OTHERWISE = {
    "node.agent_old": "advice, and no cause of trouble",
    "schedule.window_missed": "a job of every day may come a few minutes late: overdue_since",
}
"""Rows that ``why`` does not tell, and why that is right."""


@pytest.mark.slow
async def test_each_row_is_told_where_it_is_at_work(tmp_path: Path) -> None:
    world = World(7, Clock(START, paused=True))
    families = {"standardDSv3Family": 10_000}
    state = add_account(world, "acc", "westeurope", dedicated=1_200, spot=100, families=families, pools=300, jobs=600)
    wrong = {}
    async with asked(tmp_path, world) as ground:
        for id_, made in SITUATIONS.items():
            named = made(state)
            if named.refused or id_ in OTHERWISE:
                continue
            names = [named.parent, named.id] if named.parent else [named.id]
            card = await ground.ask(join(["why", named.kind, *names]))
            wanted = row(id_).cause
            seen = small(card)
            title = plain(card.title)
            printed = id_.startswith("exit.") or id_ in ("start_task.exit_code", "task.exit_code")
            by_line = printed and any(each.cause in title for each in rows() if each.where == "line")
            # What ended the job is told before that it did; and nodes that idle before what somebody wanted.
            more_special = id_ in ("job.ended_by_task", "pool.resize.stopped") and wanted[:40] in seen
            if not (wanted in title or by_line or more_special):
                wrong[id_] = f"{plain(card.title)} | {seen}"
            assert len(ground.calls) <= MOST, (id_, ground.calls)
    assert not wrong, "\n".join(f"{id_}: {said}" for id_, said in wrong.items())
