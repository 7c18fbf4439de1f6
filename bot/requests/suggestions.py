"""Names to choose from while somebody types into a form's field."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from bot.chat.request import CommandRequest
from bot.requests.command import NAMED
from bot.requests.preferences import default_account
from bot.requests.services import Services
from cards.card import Option

log = structlog.get_logger()

_IN_TIME = 0.45
"""Seconds after which somebody who types gets no suggestions at all."""
_NAME_LENGTH = 72
"""Of the longest name there is: a node's."""


async def suggest(
    services: Services, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]
) -> list[Option]:
    """Names of a kind for what was typed, and what was typed as it is; never raises, never late.

    ``what`` is one of :data:`bot.requests.command.NAMED`, ``within`` the form's other values. Nothing for whose role is
    none, and for whom nothing names who may be a guest.
    """
    given = services.policy.standing(request.person, request.conversation).role
    if what not in NAMED or given.role == "none" or not (given.id or request.person.kind_read):
        return []
    found: list[str] = []
    try:
        async with asyncio.timeout(_IN_TIME):
            account = within.get("account", "").strip() or await _default(services, request)
            names = services.reading.names
            found = await names.find(what, typed, within, account) if names else []
    except TimeoutError:
        log.info("suggestions.late", what=what)
    except Exception:
        log.exception("suggestions.failed", what=what)
    options = [Option(name, name) for name in found]
    typed = typed.strip()
    if typed and typed not in found and len(typed) <= _NAME_LENGTH and typed.isprintable():
        options.append(Option(f"{typed} (as typed)", typed))  # what cannot be listed can still be named
    return options


async def _default(services: Services, request: CommandRequest) -> str:
    accounts = services.reading.accounts
    chosen = await default_account(services.store, request, accounts.names) if len(accounts) > 1 else None
    return chosen.default.account if chosen else accounts.get().name
