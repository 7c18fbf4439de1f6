"""What the commands around alerts share: the service, conversations and their names, spans, who may change what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, available_timezones

from msgspec.structs import replace
from rapidfuzz import process

from bot.alerting.card_parts import mark_of, word_of
from bot.alerting.held_reasons import held_words
from bot.alerting.model import Incident, Notification
from bot.alerting.routing import key_of
from bot.alerting.service import AlertService
from bot.chat.platforms import PLATFORMS
from bot.chat.request import Author, Conversation
from bot.domain.findings import Severity
from bot.filter.values import span, spelled
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.plain_words.times import clock
from cards.build import text
from cards.card import Actions, Block, Button, Chip, Menu, Option, Text, Words
from cards.command_line import join
from handlers.shared.common import nearest
from storage.port.decoding import decoded

_SEVERITIES = frozenset(each.value for each in Severity)
ENTITIES = ("account", "pool", "node", "job", "task", "schedule")
_LISTED = 25
_ALIKE = 75
"""Least likeness (of 100) of a city that can have been meant."""


def service(ctx: Context) -> AlertService:
    """The alerts. Raises CommandError where there are none."""
    if ctx.alerts is None:
        raise CommandError(
            "Alerts do not run here: they need the bot that watches, which “batchbot run” and “batchbot demo” start."
        )
    return ctx.alerts


def here(ctx: Context) -> Conversation:
    """The conversation that is asked from, itself and not a thread of it."""
    return replace(ctx.request.conversation, thread=None)


def where(ctx: Context) -> str:
    """``here`` in a channel, ``to you`` in a personal chat."""
    return "to you" if ctx.request.conversation.kind == "personal" else "here"


async def names(ctx: Context) -> dict[str, str]:
    """Conversations in words by their key: ``#ops``, ``Batch Ops in Teams``."""
    found: dict[str, str] = {}
    for each in await ctx.store.conversations():
        if conversation := decoded(each.body, Conversation):
            found[key_of(conversation)] = named(conversation)
    for subscription in ctx.alerts.incidents.subscriptions() if ctx.alerts else ():
        conversation, me = subscription.conversation, Author.of(ctx.request).id
        if conversation.kind == "personal":  # whose it is is nobody else's business
            mine = subscription.by is not None and subscription.by.id == me
            found[key_of(conversation)] = "your personal chat" if mine else named(conversation)
        elif conversation.name:
            found.setdefault(key_of(conversation), named(conversation))
    return found


async def unreached(ctx: Context) -> set[str]:
    """Keys of the conversations that the bot cannot write to: nothing it means for them is read by anybody."""
    shut = {f"{each.platform}:{each.id}" for each in await ctx.store.conversations() if not each.reachable}
    delivered = ctx.status.outbox().conversations if ctx.status else ()
    return shut | {each.where for each in delivered if each.gone_since}


def named(conversation: Conversation) -> str:
    """A conversation in words: ``#ops``, ``Batch Ops in Teams``."""
    if conversation.kind == "personal":
        return "a personal chat"
    known = PLATFORMS.get(conversation.platform)  # it is stored: its platform may have been taken out since
    if not conversation.name or known is None:
        return unnamed(key_of(conversation))
    return known.channel_named(conversation.name)


def unnamed(key: str) -> str:
    """A conversation that has no name, by its key: ``a Slack channel``, ``a Teams channel``; its id means nothing."""
    platform, _, conversation = key.partition(":")
    known = PLATFORMS.get(platform)
    return known.unnamed(conversation) if known else "a chat"


def conversation_name(ctx: Context, key: str, known: dict[str, str]) -> str:
    """A conversation in words for whoever asks."""
    return "here" if key == key_of(ctx.request.conversation) else known.get(key) or unnamed(key)


def a_span(
    typed: str,
    again: list[str],
    *,
    longest: timedelta,
    example: str = "2h",
    option: str = "",
    until: datetime | None = None,
) -> timedelta:
    """A span that somebody typed: ``30m``, ``2h``, ``1d12h``; a minute at least.

    With ``until``, which is now in the zone that holds, a time of day is one too: until the clock next says so.

    ``again`` are the words of the command before it and ``option`` its name there, to offer the command with a span
    that can be. Raises CommandError.
    """
    found = span(typed.strip().lower()) or (_left(typed, until) if until else None)

    def offered(*spans: str) -> list[str]:
        return [join([*again, f"{option}:{each}" if option else each]) for each in spans]

    if found is None:
        raise CommandError(
            f"“{typed[:60]}” is not a span of time: write one like 30m, 2h, 1d or 1d12h.", offered(example)
        )
    if found < timedelta(minutes=1):
        raise CommandError("It takes a minute at least.", offered("1m"))
    if found > longest:
        raise CommandError(f"That is too long: {spelled(longest)} at most.", offered(spelled(longest)))
    return found


def local(ctx: Context) -> datetime:
    """Now, by the clock that whoever asks reads the card by."""
    return service(ctx).now().astimezone(ZoneInfo(ctx.zone))


def _left(typed: str, now: datetime) -> timedelta | None:
    """How long it is until the clock says so; None where no time of day was typed."""
    moment = clock(typed.strip())
    if not moment:
        return None
    hour, minute = map(int, moment.split(":"))
    then = now.replace(hour=hour % 24, minute=minute, second=0, microsecond=0)
    if then <= now:
        then += timedelta(days=1)
    return then.astimezone(UTC) - now.astimezone(UTC)


def checked_kinds(
    ctx: Context, typed: Iterable[str], again: list[str], options: Iterable[str] = (), *, option: str = ""
) -> tuple[str, ...]:
    """Kinds and patterns of kinds (``job.*``, ``job``); every one has to mean a kind that there is.

    ``again`` are the words of the command before them, ``option`` its option that holds them (empty where they stand by
    themselves), ``options`` its other ones. Raises CommandError with the nearest.
    """
    kinds = service(ctx).kinds
    found: list[str] = []
    typed = [each for word in typed for each in word.split(",") if each]
    for number, each in enumerate(typed):
        low = each.lower()
        if low in ENTITIES:
            low = f"{low}.*"
        if low in kinds or ("*" in low and any(_fits(kind, low) for kind in kinds)):
            found.append(low)
            continue
        if low in _SEVERITIES and "severity" in options:
            rest = [*again, *typed[:number], *typed[number + 1 :], f"severity:{low}"]
            raise CommandError(f"“{low}” is how bad an alert is, no kind of alert.", [join(rest)])
        name, colon, value = each.partition(":")
        if colon and name.lower() in options:
            raise CommandError(f"“{each[:60]}” is not one of the values that {name.lower()} has.", [_helped(again)])
        near = [f"{best}:{value}" for best in nearest(name, options)] if colon else nearest_kinds(service(ctx), low)
        fixed = [[*typed[:number], best, *typed[number + 1 :]] for best in near[:3]]
        offered = [[*again, f"{option}:{','.join(words)}"] if option else [*again, *words] for words in fixed]
        raise CommandError(
            f"There is no kind of alert called “{each[:60]}”.", [*(join(words) for words in offered), "alert kinds"]
        )
    return tuple(dict.fromkeys(found))


def nearest_kinds(alerts: AlertService, typed: str) -> list[str]:
    """The kinds that are most like what was typed, best first."""
    return nearest(typed.lower(), alerts.kinds)[:3]


def _helped(again: list[str]) -> str:
    return join(["help", *again[:2]])


def _fits(kind: str, pattern: str) -> bool:
    head, _, tail = pattern.partition("*")
    return kind.startswith(head) and (not tail or tail.strip("*") in kind)


def a_pattern(typed: str, again: list[str], option: str = "") -> str:
    """The pattern of an entity: ``render-*``, ``pool:gpu-*``. Raises CommandError for what no name can fit."""
    pattern = typed.strip()
    kind, colon, name = pattern.partition(":")
    if not pattern or any(char in pattern for char in "'\"`<>|\\/[]{}() \t"):
        cleaned = "".join(char for char in pattern if char not in "'\"`<>|\\/[]{}() \t")
        fixed = [join([*again, f"{option}:{cleaned}" if option else cleaned])] if cleaned else []
        raise CommandError(
            f"“{typed[:60]}” fits no name: write letters, digits, hyphens and *, such as render-* or pool:gpu-*.", fixed
        )
    if colon and not name:
        raise CommandError(f"Which {kind}? Write {kind}:NAME or {kind}:*.", [])
    return pattern


def called_nothing(ctx: Context, pattern: str, again: str) -> list[Block]:
    """Says that a pattern fits nothing that there is today, with what is called almost so; ``again`` is the command
    for one of these, with ``{}`` for its name. Nothing where it fits something, or where names are not known.
    """
    kind, colon, name = pattern.partition(":")
    of_kind = kind.lower() if colon and kind.lower() in ENTITIES else ""
    wanted, finder = (name if of_kind else pattern).lower(), ctx.services.reading.names
    lists = [each for each in (finder.every() if finder else ()) if of_kind in ("", each.kind)]
    names = [*(name for each in lists for name in each.names), *([] if of_kind else ctx.accounts.names)]
    if not any(each.names for each in lists) or any(fnmatchcase(each.lower(), wanted) for each in names):
        return []
    near = [] if "*" in wanted else [each for each, *_ in process.extract(wanted, set(names), limit=3, score_cutoff=85)]
    buttons = [Button(each, again.format(f"{of_kind}:{each}" if of_kind else each)) for each in near]
    return [Words(text(f"Nothing is called {pattern} today.")), *([Actions(tuple(buttons))] if buttons else [])]


def a_zone(typed: str, again: list[str]) -> str:
    """A time zone by its IANA name, whatever its case. Raises CommandError with the nearest."""
    known = {name.lower(): name for name in available_timezones()}
    wanted = typed.strip().replace(" ", "_")
    if right := known.get(wanted.lower()):
        return right
    cities = {name.rpartition("/")[2]: name for name in sorted(known.values())}
    city = wanted.rpartition("/")[2]
    near = [
        cities[each]
        for each, _, _ in process.extract(city, list(cities), processor=str.lower, limit=3, score_cutoff=_ALIKE)
    ]
    raise CommandError(
        f"There is no time zone “{typed[:60]}”: write one like Europe/Berlin.",
        [join([*again, f"zone:{each}"]) for each in near],
        at="zone",
    )


def state_of(incident: Incident) -> Chip:
    """``✖ critical`` while it is open, ``✔ resolved``, ``✖ over, not mended``, ``news``."""
    word = "news" if incident.state == "event" else word_of(incident)
    return Chip(mark_of(incident), word)


def incident_menu(label: str, command: str, incidents: Iterable[Incident]) -> Menu | None:
    """A menu of incidents by their headlines; ``command`` has ``{}`` for the id."""
    options = tuple(Option(each.headline[:75], each.id) for each in list(incidents)[:_LISTED])
    return Menu(label, command, options) if options else None


def whom(incident: Incident) -> Text:
    """Who acknowledged it; nothing where nobody did."""
    who = incident.acknowledged
    return text(f"acknowledged by {who.called}") if who else ()


def held_by(alerts: AlertService, notification: Notification) -> str:
    """Why it is held back, with the alert that inhibits it where there is one."""
    by = alerts.incidents.incident(notification.by) if notification.held == "inhibited" else None
    return f"inhibited by “{by.headline}”" if by else held_words(notification.held)


async def notices(ctx: Context, alerts: AlertService, incidents: list[Incident]) -> dict[str, list[Notification]]:
    """How each stands in every conversation: from memory, for those long over from the store."""
    found = {each.id: alerts.incidents.notifications_of(each.id) for each in incidents}
    if rest := [name for name, known in found.items() if not known]:
        for row in await ctx.store.notifications(rest):
            if notification := decoded(row.body, Notification):
                found[row.incident].append(notification)
    return found
