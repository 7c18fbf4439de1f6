"""What is typed is read in time that grows as the text does, and is never cut into another command."""

from __future__ import annotations

from typing import Any

import pytest

from bot.chat.slack.inbound import from_event, plain
from bot.chat.slack.shortcuts import from_message
from bot.chat.teams.activity import Account, Activity, Entity
from bot.chat.teams.message_extension import _ANCHOR, _address, _Body, _Message, _text
from bot.chat.typed import LONGEST, MOST, unescaped, without_markup
from bot.requests.command import CommandError
from bot.requests.grammar import words

UNITS = (
    "<a ",
    "<",
    "</",
    "<!--",
    "<![CDATA[",
    "<?",
    '<a "',
    "<a '\"",
    "<at ",
    "<at>",
    "<at>  ",
    "<pre>",
    "</pre>",
    "<script>",
    "&",
    "&#",
    "&#1",
    "&#x",
    "1",
    "<@UBOT|",
    "<@UBOT",
    "<http://",
    "<http://|",
    "```",
    "`",
    "```\n",
    '"',
    "'",
    "\\",
    "\n",
    " ",
    "\xa0",
    "(",
    "a:",
    "--",
    "-",
    "\u202e",
    "\U0001f600",
)
"""What somebody may repeat to keep everybody waiting."""


def _said(text: str, text_format: str) -> str:
    bot = Account(id="28:bot", name="Batch")
    mention = Entity("mention", "<at>Batch</at>", bot)
    return Activity("message", recipient=bot, text=text, text_format=text_format, entities=[mention]).spoken()


def _event(text: str) -> dict[str, Any]:
    return {
        "event_id": "E1",
        "team_id": "T1",
        "event": {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.2", "text": text},
    }


@pytest.mark.parametrize("unit", UNITS, ids=repr)
@pytest.mark.parametrize("opening", ["", "<at>Batch</at> pool list ", "<a href=", "&#"], ids=repr)
def test_a_long_hostile_text_is_read_at_once_and_answered_with_the_limit(unit: str, opening: str) -> None:
    """Each took minutes or hours with a parser whose time grows with the square of the text, or failed."""
    text = opening + unit * (400_000 // len(unit))
    slack = from_event(_event(text), "UBOT")
    assert slack
    for read in (_said(text, "plain"), _said(text, "xml"), slack.text):
        assert len(read) <= MOST
        if read.strip():
            with pytest.raises(CommandError, match="a command has 10,000 at most"):
                words(read if len(read) > LONGEST else text)
    for within in (MOST, MOST - 1):  # as long as what is read at all
        for text_format in ("plain", "xml"):
            _said(text[:within], text_format)
        from_event(_event(text[:within]), "UBOT")
    try:
        words(text[:LONGEST])
    except CommandError as error:
        assert str(error)


SECRET = "AccountKey=" + "c2VjcmV0" * 10 + "+/w=="


def _asked_about(said: str) -> tuple[str, str]:
    """What is asked about a message, by the shortcut of Slack and by the command of Teams."""
    payload: dict[str, Any] = {
        "type": "message_action",
        "callback_id": "about",
        "trigger_id": "t",
        "user": {"id": "U1"},
    }
    asked = from_message({**payload, "channel": {"id": "C1"}, "message": {"text": said, "ts": "1.2"}})
    assert asked
    return asked.text, _text(_Message(_Body(said)))


def test_half_a_secret_is_not_asked_about() -> None:
    """What is asked is kept for a while, and a secret that was cut has no shape by which it would be known."""
    for cut in (20, 40, 70):
        for text in _asked_about("x " * ((3_000 - cut) // 2) + SECRET):
            assert "c2VjcmV0" not in text


@pytest.mark.parametrize("unit", [' href="x', ' href="x"', 'href="', "<a "], ids=repr)
def test_a_tag_that_never_ends_is_read_at_once(unit: str) -> None:
    """It took hours."""
    _ANCHOR.sub(_address, "<a " + unit * (4_000_000 // len(unit)))
    shown = 'see <A class="x" href="https://e.x/?a=1&amp;b=2">the job</a> <a name="z">there</a>'
    assert _text(_Message(_Body(shown))) == "see https://e.x/?a=1&b=2 the job there"


def test_what_is_cut_is_no_command() -> None:
    """The markup of a link is longer than its words: the part that was read would be short enough to be run."""
    link = f"<http://{'x' * 5000}|y>"
    text = "<@UBOT> pool delete " + link * 20
    slack = from_event(_event(text), "UBOT")
    assert slack
    teams = _said("pool delete " + f"<a href='{'x' * 5000}'>y</a>" * 20, "xml")
    for read in (slack.text, teams):
        with pytest.raises(CommandError, match="10,000 at most"):
            words(read)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("pool&nbsp;list", "pool\xa0list"),
        ("<p>pool list</p>", "pool list\n"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<pre class='x'>a &lt;b&gt;</pre>", " ```\na <b>\n``` "),
        ("<codeblock><pre>a</pre></codeblock>", " ```\na\n``` "),
        ("a < b > c", "a < b > c"),
        ("1 <2 &amp;amp; 3", "1 <2 &amp; 3"),
        ("<div><b>x</b></div>y", "x\ny"),
        ("<!-- hidden -->x", "x"),
        ("<A HREF='x'>link</A>", "link"),
    ],
)
def test_markup_becomes_words(markup: str, words: str) -> None:
    assert without_markup(markup) == words


def test_a_number_as_long_as_no_characters_is_no_fault() -> None:
    assert unescaped(f"a&#{'1' * 5000};b&#x{'f' * 5000};c&#65;") == "a\ufffdb\ufffdcA"
    assert plain(f"&#{'1' * 9000};") == "\ufffd"
