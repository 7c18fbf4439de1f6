"""Cards for links that somebody posted: what they lead to, where whoever posted them may see it there.

Nobody asked the bot anything, so it says nothing where it would have to refuse, explain or guess: a link that leads
nowhere, to an account that the settings do not name, or to what the person may not see in that conversation is left
alone. A card is seen by everybody in the conversation, so a guest's or a foreigner's link is left alone whatever the
settings grant them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

import structlog
from msgspec.structs import replace

from bot.azure.accounts import Accounts
from bot.chat.request import CommandRequest
from bot.domain.entity import Entity
from bot.domain.portal_links import Linked, linked
from bot.requests.in_sight import may_see
from bot.requests.services import Services
from cards.card import Card
from cards.command_line import command
from cards.compact import compact

log = structlog.get_logger()

MOST = 3
"""Links of a message that get a card; each costs a few calls of Azure."""
SECONDS = 8.0
"""After which a message is left as it is: its reader has gone on."""


def account_of(accounts: Accounts, found: Linked) -> str:
    """The name of the account that a link leads to; empty where it is none of the settings'."""
    return next(
        (
            each.name
            for each in accounts
            if found.account in (each.resource_id.lower(), each.settings.endpoint.partition("://")[2].lower())
        ),
        "",
    )


def command_of(accounts: Accounts, found: Linked) -> str:
    """The command that shows what a link leads to; empty where its account is none of the settings'."""
    account = account_of(accounts, found)
    return show(found.entity or Entity("account", account), account) if account else ""


def show(entity: Entity, account: str) -> str:
    """The command that shows an entity of an account."""
    if entity.kind == "account":
        return command("account show", account)
    return command(f"{entity.kind} show", *entity.names, account=account)


async def link_cards(
    services: Services,
    request: CommandRequest,
    urls: Sequence[str],
    run: Callable[[CommandRequest], AsyncGenerator[Card]],
) -> dict[str, Card]:
    """Compact cards by link, of those that get one. ``run`` answers a request, and raises what keeps it.

    Never raises.
    """
    if request.person.kind != "member" or not request.person.kind_read:
        return {}
    asked: dict[str, str] = {}
    for url in urls:
        found = linked(url)
        typed = command_of(services.reading.accounts, found) if found else ""
        if typed and typed not in asked.values() and may_see(services, request, typed):
            asked[url] = typed
    made = await asyncio.gather(
        *(_card(replace(request, text=typed, how="post"), run) for typed in list(asked.values())[:MOST])
    )
    return {url: card for url, card in zip(asked, made, strict=False) if card}


async def _card(request: CommandRequest, run: Callable[[CommandRequest], AsyncGenerator[Card]]) -> Card | None:
    cards = run(request)
    try:
        async with asyncio.timeout(SECONDS):
            card = await anext(cards)
    except Exception as error:  # whatever keeps it, nobody asked: the link stays as it is
        log.info("link.left_alone", why=type(error).__name__)
        return None
    finally:
        await cards.aclose()
    return None if card.refused or card.private else compact(card)
