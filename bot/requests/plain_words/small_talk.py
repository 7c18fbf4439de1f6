"""What is no question: a greeting, thanks, an emoji. It gets a line, and what can be asked."""

from __future__ import annotations

import re
import unicodedata

from bot.requests.plain_words.tidy import without_greeting
from cards.build import bold, code, text
from cards.card import Actions, Button, Card, Words

_THANKS = re.compile(
    r"\W*(?:(?:many |ok |great |nice |cool |perfect |good |well )*(?:thanks?|thank you|thx|ty|cheers|merci|danke|"
    r"gracias|good job|well done|nice|great|perfect|awesome|cool)(?: a lot| so much| very much| you| bot| all)*)\W*",
    re.IGNORECASE,
)
_ALIAS = re.compile(r":[a-z0-9_+'-]+:", re.IGNORECASE)
"""An emoji as Slack writes it."""


def answer(typed: str) -> Card | None:
    """The line; None where there is something to answer."""
    if _THANKS.fullmatch(typed):
        return Card(title=text(bold("You are welcome.")))
    plain = _ALIAS.sub("", typed)
    if any(char.isalnum() for char in without_greeting(plain)):
        return None
    greeted = any(unicodedata.category(char)[0] == "L" for char in plain)
    return Card(
        title=text(bold("Hello." if greeted else "How can I help?")),
        blocks=(
            Words(text("Ask in your own words, such as ", code("failed jobs since yesterday"), ".")),
            Actions((Button("How things are", "home"), Button("What burns money", "cost"), Button("Help", "help"))),
        ),
    )
