"""What somebody may see before they ask for it: where the bot shows something, or offers it, unasked."""

from __future__ import annotations

from bot.chat.request import CommandRequest
from bot.requests import binding
from bot.requests.command import LEADING, CommandError
from bot.requests.forms import filled_in
from bot.requests.grammar import words
from bot.requests.registry import Registry
from bot.requests.services import Services


def only_reads(registry: Registry, typed: str) -> bool:
    """Whether a command changes nothing, neither here nor in Azure; what is no command is answered with advice."""
    try:
        call = registry.parse(words(typed) or ["home"])
    except CommandError:
        return registry.find(words(typed)) is None
    return call.effect == "read" and call.command.path not in LEADING


def may_see(services: Services, request: CommandRequest, typed: str) -> bool:
    """Whether the policy lets the person run a command in that conversation; nothing is noted of it."""
    tokens = words(typed)
    known = services.registry.find(tokens)
    if known is None:
        return False
    filled = filled_in(known, tokens[len(known.path.split()) :])
    question = binding.draft(known, filled, request, filled.get("account", ""))
    return services.policy.decide(question).allowed


def may_be_guest(services: Services, request: CommandRequest) -> bool:
    """Whether it is not known if somebody is a guest, and the settings do not name them.

    Where the bot was let in that is a matter of a moment, and they may read. A platform also shows answers where it is
    in no conversation, and may never be told who they are: there they may not.
    """
    role = services.policy.standing(request.person, request.conversation).role
    return not (request.person.kind_read or role.id)
