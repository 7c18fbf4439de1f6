"""A page of a list shows all its rows: names may be as long as the service allows."""

from __future__ import annotations

import pytest

from cards import slack, teams, text
from cards.build import PAGE, blocks, code, table
from cards.card import Actions, Button, Card, Column, Menu, Option

COLUMNS = [Column("Job", width=4), *(Column(f"Column {rank}", rank=rank) for rank in range(1, 6))]


@pytest.mark.parametrize("render", [slack.render, teams.render, text.render])
@pytest.mark.parametrize("long", [12, 30, 64])
def test_columns_go_before_rows(render: object, long: int) -> None:
    names = [f"{'job-' * 20}"[: long - 3] + f"{number:03}" for number in range(PAGE)]
    rows = [
        [code(name), "● active", "1,000", "1,000 / 2,000", "▓▓▓▓▓░░░░░ 50 %", "a-pool-of-some-length"] for name in names
    ]
    card = Card(
        title=(code("Jobs"),),
        blocks=blocks(
            table(COLUMNS, rows),
            Actions(
                (
                    *(Button(f"Button {n}", f"job list 'failed>0' page:{n} account:render-prod") for n in range(7)),
                    Menu("Open", "job show {} account:render-prod", tuple(Option(name, name) for name in names)),
                )
            ),
        ),
    )
    omitted = render(card).omitted  # type: ignore[operator]
    assert not [phrase for phrase in omitted if "row" in phrase], omitted
