"""What is folded: in place where a platform can, behind a button where it cannot, in full in a terminal."""

from __future__ import annotations

from bot.content.outgoing import outgoing
from cards import slack, teams, text
from cards.build import text as words
from cards.card import Bullets, Card, Fold, Heading
from cards.slack.message import decode_click

CARD = Card(words("title"), (Fold("Also seen: 2", (Bullets((words("pool a"), words("pool b"))),), "why also"),))


def test_slack_has_a_button_that_asks_for_it() -> None:
    blocks = slack.render(CARD).payload["blocks"]
    (button,) = next(block for block in blocks if block["type"] == "actions")["elements"]
    click = decode_click(button)
    assert click is not None
    assert (button["text"]["text"], click.command, click.how) == ("Also seen: 2", "why also", "edit")
    assert "pool a" not in str(blocks)


def test_teams_unfolds_in_place_and_each_fold_by_itself() -> None:
    twice = Card(words("title"), (*CARD.blocks, *CARD.blocks))
    body = teams.render(twice).payload["body"]
    shows = [action for each in body if each["type"] == "ActionSet" for action in each["actions"]]
    folds = [each for each in body if each["type"] == "Container"]
    assert [(each["type"], each["title"]) for each in shows] == [
        ("Action.ToggleVisibility", title) for _ in folds for title in ("Also seen: 2", "Less")
    ]
    assert [each["targetElements"][0] for each in shows] == [each["id"] for each in folds for _ in range(2)]
    assert len({each["id"] for each in folds}) == 2
    assert all(each["isVisible"] is False and "pool b" in str(each["items"]) for each in folds)


def test_a_terminal_tells_it_all_under_its_title() -> None:
    assert "Also seen: 2\n• pool a\n• pool b" in str(text.render(CARD).payload["text"])
    headed = Card(words("title"), (Fold("All details", (Heading("Image"), Bullets((words("ubuntu"),))), "show all"),))
    assert "All details" not in str(text.render(headed).payload["text"])
    assert "Image" in str(text.render(headed).payload["text"])


def test_where_its_command_would_carry_a_secret_it_stands_unfolded() -> None:
    secret = Card(words("title"), (Fold("More", (Bullets((words("pool a"),)),), "why job --password hunter2horse"),))
    clear = outgoing(secret)
    assert "hunter2horse" not in str(clear)
    assert "pool a" in str(slack.render(clear).payload["blocks"])
