"""A card beside what somebody else wrote, and tables where none can be drawn."""

from __future__ import annotations

from cards.as_lines import as_lines
from cards.build import actions, blocks, bold, chip, facts, fold, table, text
from cards.card import Actions, Attachment, Bullets, Button, Card, Column, Facts, Link, Mark, Words, plain
from cards.compact import compact

_COLUMNS = (
    Column("Pool"),
    Column("State"),
    Column("Nodes", align="right"),
    Column("Price", align="right", rank=1),
    Column("Size", rank=3),
    Column("Trouble", beneath=True),
)


def test_a_compact_card_has_the_answer_and_the_first_steps() -> None:
    items = facts(*((f"label {number}", "1") for number in range(9)))
    card = Card(
        title=text(bold("Pool a")),
        mark=Mark.WARNING,
        blocks=blocks(
            Words(text("what is wrong")),
            table(_COLUMNS, [("a", "steady", "1", "2", "3", "")]),
            items,
            fold("All details", [Words(text("more"))], "pool show a whole:1", opened=False),
            Attachment("a.csv", b"", "text/csv"),
            actions(
                Button("Why", "why pool a"),
                Button("Refresh", "pool show a", how="edit"),
                Button("Nodes", "node list a"),
                Button("Resize…", "pool resize a", how="form"),
                Button("Jobs", "job list pool:a"),
                Link("Portal", "https://portal.azure.com/"),
                Link("Other", "https://portal.azure.com/x"),
            ),
        ),
    )
    small = compact(card)
    assert (small.title, small.mark) == (card.title, card.mark)
    said, shown, below = small.blocks
    assert isinstance(said, Words)
    assert isinstance(shown, Facts)
    assert len(shown.items) == 4
    assert isinstance(below, Actions)
    named = [each.text for each in below.items if isinstance(each, Button | Link)]
    assert named == ["Why", "Nodes", "Resize…", "Portal"]
    assert compact(Card(title=text("nothing"))).blocks == ()


def test_tables_as_lines_name_what_does_not_speak_for_itself() -> None:
    rows = [
        (bold("a"), chip(Mark.RUNNING, "steady"), "8", "$1/h", "d2", "quota used up"),
        ("b", chip(Mark.IDLE, "idle"), "0", "–", "d4", None),
    ]
    (lines,) = as_lines(Card(title=text("Pools"), blocks=(table(_COLUMNS, rows),))).blocks
    assert isinstance(lines, Bullets)
    assert [plain(each) for each in lines.items] == [
        "a · ● steady · Nodes 8 · Price $1/h · quota used up",
        "b · ○ idle · Nodes 0",
    ]
