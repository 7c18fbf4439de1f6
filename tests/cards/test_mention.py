"""People who are mentioned: by the platform they are on, and never anybody else."""

from __future__ import annotations

import json

import msgspec
import pytest

from cards import slack, teams, text
from cards.build import bold, facts, note
from cards.build import text as text_of
from cards.card import Bullets, Card, Mark, Mention, Span, Words, plain
from tests.cards import limits

MIA = Mention("slack:U012AB3CD", "Mia")


def on_slack(*pieces: Mention | Span) -> str:
    return msgspec.json.encode(slack.render(Card(title=(), blocks=(Words(tuple(pieces)),)), {}).payload).decode()


def test_slack_mentions_by_id_wherever_the_words_stand() -> None:
    assert "<@U012AB3CD> is done" in on_slack(MIA, Span(" is done"))
    assert '"type":"user","user_id":"U012AB3CD"' in on_slack(MIA, Span(" *odd* `marks`"))
    card = Card(
        title=text_of(MIA, " ", bold("job a has ended")),
        mark=Mark.DONE,
        blocks=(
            Bullets(((MIA,),)),
            *((told,) if (told := facts(("Asked by", (MIA,)))) else ()),
            *((small,) if (small := note(MIA)) else ()),
        ),
    )
    rendered = slack.render(card, {})
    assert msgspec.json.encode(rendered.payload).decode().count("U012AB3CD") == 4
    assert rendered.summary == "✔ @Mia job a has ended", "a notification shows no markup"


@pytest.mark.parametrize("who", ["slack:<!here>", "slack:U1> <!channel", "slack:here", "teams:U012AB3CD", "", "slack:"])
def test_nobody_else_is_mentioned(who: str) -> None:
    shown = on_slack(Mention(who, "<!channel>"))
    assert "user_id" not in shown
    assert "<@" not in shown
    assert not any(f"<!{word}" in shown for word in ("here", "channel")) or "rich_text" in shown


def test_an_id_is_no_name() -> None:
    id_ = "4e8aec12-0000-4000-8000-0000000000a1"
    card = Card(title=text_of(Mention(f"teams:{id_}", id_)))
    assert "somebody on Teams (4e8aec12)" in str(text.render(card).payload["text"])


def test_elsewhere_it_is_the_name() -> None:
    card = Card(title=text_of(MIA, " look"))
    assert "@Mia look" in str(text.render(card).payload["text"])
    assert "@Mia" in msgspec.json.encode(teams.render(card, {}).payload).decode()
    assert plain(card.title) == "@Mia look"
    assert plain((Mention("text:you"),)) == ""


def teams_block(*pieces: Mention | Span) -> tuple[str, list[dict[str, object]]]:
    """The one text block that these become on Teams, and whom the card mentions."""
    payload = json.loads(msgspec.json.encode(teams.render(Card(title=(), blocks=(Words(tuple(pieces)),)), {}).payload))
    assert limits.teams_card(payload) == []
    return payload["body"][1]["text"], payload["msteams"]["entities"]


def test_what_stands_beside_a_mention_is_no_markdown() -> None:
    said, who = teams_block(Mention("teams:29:1x", ""), Span(" 1. *a*\n- b"), Span("c.", "bold"), Span(" d", "bold"))
    assert said == "<at>you</at> 1\\. \\*a\\*\n\n\\- bc. d"
    assert who == [{"type": "mention", "text": "<at>you</at>", "mentioned": {"id": "29:1x", "name": "you"}}]


def test_two_of_one_name_are_two_people() -> None:
    first, second = Mention("teams:29:1x", "Mia"), Mention("teams:29:2x", "Mia")
    said, who = teams_block(first, Span(" and "), second, Span(", "), first)
    assert said == "<at>Mia</at> and <at>Mia (2)</at>, <at>Mia</at>"
    assert [each["mentioned"] for each in who] == [{"id": "29:1x", "name": "Mia"}, {"id": "29:2x", "name": "Mia (2)"}]
