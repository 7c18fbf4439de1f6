"""Answers that say no, and what to do about it: mistakes, the policy's refusals, Azure's, faults of our own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.chat.platforms import PLATFORMS
from bot.chat.request import CommandRequest, Person
from bot.content.clear_text import clear
from bot.policy.rules import Decision, Policy
from bot.requests import sign_in
from bot.requests.command import CommandError, Instead
from bot.requests.grammar import words
from cards.build import bold, code, refusal, text
from cards.card import Actions, Button, Card, Mark, Words
from cards.command_line import Exact, join
from cards.formatting import number
from cards.text_fit import elide
from storage.port.errors import CannotStore

log = structlog.get_logger()

_SHOWN = 60
"""Characters of what was typed that an answer repeats."""
_NAMED = 3
"""Names that a refusal gives; the others are counted."""
_RULES = {
    "access.outsiders": "You are not named in the settings",
    "access.none": "You have no role",
    "access.unread": "It could not be read who you are",
    "command.role": "Your role is too low",
    "command.everybody": "Your role is too low for what holds for everybody",
    "command.shared": "Your role is too low for a whole channel",
    "command.others": "Somebody else made it",
    "grants.none": "Nobody granted you this",
}
"""The rules in words."""
_BY_NAME = "The settings deny it"
"""The same for grants that deny, which the settings give names."""


def of_error(error: Exception, typed: str, correlation: str, accounts: Iterable[Account] = ()) -> Card:
    """The answer where a handler, or what comes before it, raised ``error``; a fault of our own is logged with it.

    ``accounts`` are those that may have been asked, whose identity is named where it is refused.
    """
    match error:
        case Instead(card=card):
            return card
        case CommandError():
            return _mistake(error)
        case AzureError():
            log.warning("azure.refused", code=error.code, status=error.status, request_id=error.request_id)
            if told := sign_in.explained(error, accounts, typed):
                return told
            details = [f"{key}: {value}" for key, value in error.values.items()]
            what = "\n".join([error.message, *details])
            return refusal(f"Azure answered {error.code}.", what, [Button("Home", "home")])
        case CannotStore():
            return not_stored()
    log.error("command.failed", command=join(typed.split()[:2]), exc_info=error)  # arguments may hold anything
    return refusal(
        "Something went wrong inside the bot.",
        f"It is not your command's fault. The log has the cause under {correlation}.",
        [Button("Try again", typed or "home")],
    )


_FORM = "Its form asks for what is missing, with what you typed filled in."
NOT_STORED = "The bot cannot store anything now: its disk is full or broken. Its /readyz has the cause."


def not_stored() -> Card:
    """Nothing that changes something is done without a note of it."""
    return refusal("This was not done.", f"{NOT_STORED} What only reads still works.", [Button("Home", "home")])


def unread() -> Card:
    """It could not be learned whether somebody is a guest, where nobody who may be one is answered."""
    log.info("policy.refused", rule="access.unread")
    advice = "Try again in a minute, or ask me in our personal chat: there I see who you are."
    return replace(refusal("I could not learn whether you are a guest here.", advice), private=True)


def forbidden(decision: Decision, person: Person, policy: Policy) -> Card:
    """The policy refused: the rule, who can, and how to be allowed."""
    log.info("policy.refused", rule=decision.rule, person=person.key)
    section = "a table [[grants]]" if decision.rule == "grants.none" else "[access]"
    advice = [text(f"{_RULES.get(decision.rule, _BY_NAME)} (", code(decision.rule), ").")]
    if decision.rule != "access.unread":
        advice.append(text(_able(decision, person, policy)))
    if decision.needed or decision.rule in ("grants.none", "access.outsiders"):  # a grant that denies is meant to
        advice.append(text(f"Somebody who runs the bot can add your id to {section} in its settings: {person.key}"))
    if decision.rule in ("command.shared", "command.others"):
        advice.append(text("What is for you alone needs no more than your role: ask me in our personal chat."))
    return Card(
        title=text(bold(decision.reason)),
        mark=Mark.WARNING,
        blocks=(*map(Words, advice), Actions((Button("What I may do", "whoami"),))),
        refused=True,
    )


def quietly(card: Card, request: CommandRequest) -> Card:
    """What concerns the asker alone, such as a slip of theirs: in a channel they alone see it, where the platform has
    that. Elsewhere it stands below what they wrote.
    """
    asides = request.asides or PLATFORMS[request.conversation.platform].asides
    shared = request.conversation.kind != "personal" and request.how == "post"
    return replace(card, private=True) if asides and shared else card


def aside(card: Card, request: CommandRequest) -> Card:
    """A refusal of a click: for whoever pressed alone, so that the message stays as it is for the others."""
    return replace(card, private=True) if request.how == "edit" and request.conversation.kind != "personal" else card


def who_can(able: Sequence[str], person: Person, policy: Policy, most: int) -> str:
    """The names of those who can: a few of them, and how many more; without a mention, which would notify them."""
    named = ", ".join(policy.people.name(f"{person.platform}:{each}") for each in able[:most])
    more = len(able) - most
    return f"Those who can: {named}{f' and {number(more)} more' if more > 0 else ''}."


def _able(decision: Decision, person: Person, policy: Policy) -> str:
    if decision.able:
        return who_can(decision.able, person, policy, _NAMED)
    return f"Nobody here has the role {decision.needed} yet." if decision.needed else "Nobody here can."


def _mistake(error: CommandError) -> Card:
    typed = [Button(_label(command), command) for command in error.nearest[:4] if not command.startswith("help")]
    helped = [Button("Help", command) for command in error.nearest if command.startswith("help")][:1]
    filled = [Button(f"{_label(command)}…", command, how="form") for command in error.forms[: 4 - len(typed)]]
    advice = "Did you mean one of these?" if typed else _FORM if filled else "The help lists all commands."
    return refusal(error.message, advice, [*typed, *filled, *helped] or [Button("Help", "help")])


def short(typed: str) -> str:
    """What was typed, as far as it fits into a sentence; without line ends."""
    return elide(" ".join(clear(typed).split()), _SHOWN)


def _label(command: str) -> str:
    """A command on its button, without the account, which every card names."""
    return join([word for word in words(command) if isinstance(word, Exact) or not word.startswith("account:")])
