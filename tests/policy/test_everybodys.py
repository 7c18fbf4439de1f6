"""What each command may change of what others see, by whom: a new command has to be put into this table."""

from __future__ import annotations

from itertools import product

import pytest

from bot.chat.request import Conversation, Person
from bot.policy.roles import Access
from bot.policy.rules import Policy, Question, Target
from bot.requests.command import LEADING, Command
from bot.settings import AccessSettings
from tests.commands import every_command

CHANGES = {
    # For everybody in a channel: with the role operator. In a personal chat it is one's own.
    "alert hours": "channel",
    "alert mute": "channel",
    "alert unmute": "channel",
    "alert subscribe": "channel",
    "alert test": "channel",
    "cost receipts": "channel",
    "cost subscribe": "channel",
    "use": "channel",
    # Something new for a channel is everybody's to make; what somebody else made there is an operator's to change.
    "alert unsubscribe": "others",
    "cost unsubscribe": "others",
    "unpin": "others",
    "forget": "others",
    "job unwatch": "others",
    "save": "others",
    "template delete": "others",
    "template save": "others",
    # For everybody in every conversation, wherever it is asked for.
    "advice accept": "everybody",
    "advice dismiss": "everybody",
    "advice snooze": "everybody",
    "cost unusual": "everybody",
    # The handler judges it by what it is about: how grave an alert is, a request, an operation, an emergency.
    "alert snooze": "judged",
    "approve": "judged",
    "audit ack": "judged",
    "deny": "judged",
    "operation stop": "judged",
    "withdraw": "judged",
    # It takes nothing from anybody: it says who takes care (a late reminder is judged as a snooze), adds a card that
    # others can leave alone, has an alert said again, ends what can be asked again, or is kept for the asker.
    "alert ack": "harmless",
    "alert ack-all": "harmless",
    "alert unack": "harmless",
    "alert unack-all": "harmless",
    "alert unsnooze": "harmless",
    "job watch": "harmless",
    "pin": "harmless",
    "pin mine": "harmless",
    "save mine": "harmless",
    "stop": "harmless",
}
"""Every command that changes something, and nothing of Azure."""
ME, OTHER = "slack:U0ME", "slack:U0OTHER"
CHANNEL = Conversation("slack", "C1")
PLACES = {
    "channel": CHANNEL,
    "group chat": Conversation("slack", "G1", "group"),
    "own chat": Conversation("slack", "D1", "personal"),
}
COMMANDS = every_command().commands


def allowed(known: Command, role: str, place: Conversation, owner: str, **more: object) -> bool:
    """Whether somebody of a role may run a command on something of this owner."""
    policy = Policy(Access(AccessSettings(everyone="none", **{f"{role}s": [ME]})))  # type: ignore[arg-type]
    person = Person("slack", "U0ME")
    target = Target(owner=owner)
    question = Question(person, place, known.path, known.effect, known.needs, target=target, **more)  # type: ignore[arg-type]
    return policy.decide(question).allowed


def test_every_command_that_changes_something_is_classified() -> None:
    changing = {path for path, known in COMMANDS.items() if known.effect != "read"}
    of_azure = {path for path in changing if COMMANDS[path].mark.azure}
    assert changing - of_azure == set(CHANGES), "say in the table what the new command changes of what others see"
    assert {COMMANDS[path].effect for path in LEADING} == {"read"}


@pytest.mark.parametrize("path", sorted(CHANGES))
def test_who_may(path: str) -> None:
    kind, known = CHANGES[path], COMMANDS[path]
    for role, (where, place), owner in product(("viewer", "operator"), PLACES.items(), (ME, OTHER, "")):
        shared = where != "own chat"
        refused = role == "viewer" and (
            (kind == "channel" and shared) or (kind == "others" and shared and owner == OTHER) or kind == "everybody"
        )
        assert allowed(known, role, place, owner) is not refused, (role, where, owner)
    assert (known.mark.owner is not None) == (kind == "others"), "whose it is has to be found out"
    if known.mark.alone:
        assert kind == "channel"
        assert allowed(known, "viewer", CHANNEL, "", alone=True)


@pytest.mark.parametrize("path", sorted(path for path, known in COMMANDS.items() if known.mark.azure))
def test_nobody_changes_azure_without_a_grant_or_a_role(path: str) -> None:
    known = COMMANDS[path]
    for place in PLACES.values():
        assert not allowed(known, "viewer", place, ME)
        assert allowed(known, "operator", place, "") is (known.effect == "change")


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_who_has_no_role_may_do_nothing(path: str) -> None:
    nobody = Policy(Access(AccessSettings(everyone="none")))
    open_to_all = Policy(Access(AccessSettings()))
    for place, kind in product(PLACES.values(), ("guest", "foreign", "bot")):
        known = COMMANDS[path]
        asked = Question(Person("slack", "U1"), place, path, known.effect, known.needs)
        assert nobody.decide(asked).rule == "access.none"
        outside = Person("slack", "U1", kind=kind)  # type: ignore[arg-type]
        for sure in (True, False):
            person = Person("slack", "U1", kind=outside.kind, kind_read=sure)
            decision = open_to_all.decide(Question(person, place, path, known.effect, known.needs, alone=True))
            assert (decision.allowed, decision.rule) == (False, "access.outsiders")
