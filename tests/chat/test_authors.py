"""Who set something, as whoever reads an answer sees it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.chat.request import Author, CommandRequest, Conversation, Person

MIA = Person("slack", "U0ADMIN01", "Mia")


@pytest.mark.parametrize(
    ("author", "kind", "shown"),
    [
        (Author("slack:U0ADMIN01", "Mia"), "personal", "you"),
        (Author("slack:U0ADMIN01", "Mia"), "channel", "Mia"),
        (Author("slack:U0ADMIN01"), "group", "Mia"),
        (Author("slack:U0OTHER01"), "channel", "somebody on Slack (U0OTHER01)"),
        (Author("teams:4e8aec12-0000-4000-8000-0000000000a1"), "channel", "somebody on Teams (4e8aec12)"),
        (Author("text:otto"), "channel", "otto"),
    ],
)
def test_you_is_said_only_where_nobody_else_reads_it(author: Author, kind: str, shown: str) -> None:
    place = Conversation("slack", "C1", kind)  # type: ignore[arg-type]
    assert author.shown_to(CommandRequest("k", "saved", MIA, place, datetime.now(UTC))) == shown


@pytest.mark.parametrize(("name", "called"), [("Mia", "Mia"), ("", "U0ADMIN01")])
def test_whose_name_is_not_known_is_called_by_their_id(name: str, called: str) -> None:
    assert Author("slack:U0ADMIN01", name).called == called
