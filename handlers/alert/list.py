"""The list of alerts: what is open, or all that is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from bot.alerting.held_reasons import held_words
from bot.alerting.model import Incident, Notification
from bot.alerting.once import Shown, shown_once
from bot.alerting.routing import key_of
from bot.alerting.service import AlertService
from bot.domain.findings import Severity
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, muted, text
from cards.card import Bullets, Button, Card, Mark, Text, Time, Words
from cards.command_line import join
from cards.formatting import number, plural
from handlers.alert import parts
from handlers.shared.common import titled
from handlers.shared.listing import backwards
from handlers.shared.own_list import MOST, OwnList, newest

_EVER = datetime.fromtimestamp(0, UTC)
SeverityName = Literal["info", "warning", "critical"]
AlertSort = Literal["severity", "changed", "since", "kind", "name"]
_LIST: OwnList[Shown] = OwnList(
    "Alerts",
    {
        "severity": lambda each: (-each.severity.rank, backwards(each.incident.since)),
        "changed": lambda each: backwards(each.incident.changed),
        "since": lambda each: backwards(each.incident.since),
        "kind": lambda each: (each.incident.kind, backwards(each.incident.since)),
        "name": lambda each: (each.incident.entity.parent.lower(), each.incident.entity.id.lower()),
    },
    {
        "alert": lambda each: each.incident.id,
        "state": lambda each: parts.state_of(each.incident).word,
        "severity": lambda each: each.severity.value,
        "kind": lambda each: each.incident.kind,
        "headline": lambda each: each.incident.headline,
        "account": lambda each: each.incident.account,
        "entity": lambda each: each.incident.entity.kind,
        "parent": lambda each: each.incident.entity.parent,
        "name": lambda each: each.incident.entity.id,
        "since": lambda each: each.incident.since,
        "changed": lambda each: each.incident.changed,
        "resolved": lambda each: each.incident.resolved,
    },
)


@command(
    "alert list",
    effect="read",
    examples=["alert list", "alert list severity:critical", "alert list state:past"],
    menu=45,
)
async def list_alerts(
    ctx: Context,
    *,
    state: Literal["open", "past"] = "open",
    severity: SeverityName | None = None,
    sort: AlertSort | None = None,
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """List open alerts, or all that are kept: those that are over for 90 days after their last change.

    :param state: open, or past: everything that is kept, open ones too
    :param severity: this bad or worse
    :param sort: in which order; open ones by severity, all of them by their last change where nothing is said
    :param page: which page of 20
    :param csv: all of them as a CSV file
    :param account: the account, by its name in the settings; all of them if left out
    """
    alerts = parts.service(ctx)
    name = ctx.account(account).name if account else ""
    now = alerts.now()
    is_open, usual = state == "open", "severity" if state == "open" else "changed"
    least = Severity(severity) if severity else Severity.INFO

    def fitting(incidents: Sequence[Incident]) -> list[Shown]:
        return [each for each in shown_once(incidents, alerts.kinds) if each.severity.rank >= least.rank]

    if is_open:
        told, more = fitting(alerts.incidents.open(name)), False
    else:
        enough = MOST if csv or sort not in (None, usual) else page * build.PAGE
        told, more = await newest(lambda limit: alerts.past(name, _EVER, limit), fitting, enough)
    if sort:
        told = _LIST.ordered(told, sort)
    page = build.within(page, len(told))
    shown = told[(page - 1) * build.PAGE : page * build.PAGE]
    rows = [each.incident for each in shown]
    given = {"state": None if is_open else state, "severity": severity, "account": name}
    unsorted = _command(**given)
    again = _command(**given, sort=sort)
    if csv:
        return await _LIST.as_file(ctx, again, told, now, name or "all accounts", "open" if is_open else "")
    conversations = await parts.names(ctx)
    unreached = await parts.unreached(ctx) if is_open else set()
    notifications = await parts.notices(ctx, alerts, rows)
    burning = [each for each in told if each.incident.open]
    worst = max((each.severity for each in burning), key=lambda each: each.rank, default=Severity.INFO)
    extent = build.shown(page, len(rows), len(told)) + (" or more" if more else "")
    return Card(
        title=titled(
            f"{plural(len(told), 'open alert')}" if is_open else "Alerts, open and past",
            extent if not is_open or len(told) > len(rows) else None,
            None if is_open or not burning else f"{number(len(burning))} open",
            f"{severity} or worse" if severity and severity != "critical" else severity,
            name,
        ),
        mark=(Mark.FAILED if worst is Severity.CRITICAL else Mark.WARNING) if burning else Mark.DONE,
        as_of=max((each.seen for each in rows), default=now) if is_open else now,
        blocks=blocks(
            Bullets(
                tuple(
                    _row(
                        ctx,
                        alerts,
                        each.incident,
                        notifications.get(each.incident.id, []),
                        conversations,
                        unreached,
                        each.others,
                    )
                    for each in shown
                )
            )
            if shown
            else Words(text("Nothing is open." if is_open else "No alert is kept.")),
            _held_here(ctx, alerts, [each.incident for each in told]) if is_open else None,
            build.actions(
                parts.incident_menu("Open an alert", "alert show {}", rows),
                *build.pager(again, page, len(told) + more),
                Button("Past alerts", _command(state="past", account=name))
                if is_open
                else Button("Open now", _command(account=name)),
                Button("Subscriptions", "alert subscriptions"),
                Button("Mutes", "alert mutes"),
                Button("Refresh", f"{again} page:{page}" if page > 1 else again, how="edit"),
                *_LIST.controls(unsorted, sort or usual, usual),
            ),
        ),
    )


def _command(**options: object) -> str:
    return join(["alert", "list", *(f"{name}:{value}" for name, value in options.items() if value)])


def _row(
    ctx: Context,
    alerts: AlertService,
    incident: Incident,
    notifications: list[Notification],
    conversations: dict[str, str],
    unreached: set[str],
    others: Sequence[Incident] = (),
) -> Text:
    """How bad, what, since when, who takes care of it, where it was posted or why it is held back; what it says too."""
    told = {
        each.conversation: parts.conversation_name(ctx, each.conversation, conversations)
        for each in notifications
        if each.entry
    }
    shown = [name for key, name in told.items() if key not in unreached]
    lost = [name for key, name in told.items() if key in unreached]
    account = f" · {incident.account}" if len(ctx.accounts) > 1 and incident.account not in incident.headline else ""
    return text(
        parts.state_of(incident),
        f"  {incident.headline}",
        muted(account) if account else None,
        " · ",
        Time(incident.since, "age"),
        *((" · ", *care) if (care := _care(incident)) else ()),
        muted(f" · {_where(alerts, shown, lost, notifications)}"),
        muted(f" · also {', '.join(said)}") if (said := _others(others, incident)) else None,
    )


def _others(others: Sequence[Incident], told: Incident) -> list[str]:
    """What the others say that is not said already."""
    said = dict.fromkeys(in_short(each, told) for each in others)
    return [each for each in said if each.rpartition(": ")[2] not in told.headline]


def in_short(other: Incident, told: Incident) -> str:
    """What another alert says, without the name that stands there already: ``12 of 40 tasks failed``."""
    if not other.entity == told.entity:  # noqa: SIM201 - entities define equality alone
        return other.headline
    return other.headline.removeprefix(f"{told.entity.kind} {told.entity.id}").lstrip(": ") or other.headline


def _where(alerts: AlertService, shown: list[str], lost: list[str], notifications: list[Notification]) -> str:
    """``posted: #ops``; where it is posted nowhere the first reason to hold it back, if there is one.

    ``lost`` are places that it is meant for and that the bot cannot write to.
    """
    if shown or lost:
        posted = f"posted: {', '.join(shown)}" if shown else ""
        return " · ".join(filter(None, (posted, f"cannot be posted: {', '.join(lost)}" if lost else "")))
    held = next((each for each in notifications if each.held and not each.over), None)
    return f"held back, {parts.held_by(alerts, held)}" if held else "not sent to any channel"


def _care(incident: Incident) -> Text:
    """Who takes care of it, until when it is snoozed, when it was resolved."""
    if incident.state != "open":
        how = "resolved " if incident.mended else "over since "
        return text(how, Time(incident.resolved, "clock")) if incident.resolved else ()
    shown: list[Text] = []
    if acknowledged := parts.whom(incident):
        shown.append(acknowledged)
    if incident.snoozed:
        shown.append(text("snoozed until ", Time(incident.snoozed, "clock")))
    if incident.flapping:
        shown.append(text("flapping"))
    return text(*(piece for index, each in enumerate(shown) for piece in (" · " if index else "", each)))


def _held_here(ctx: Context, alerts: AlertService, incidents: list[Incident]) -> Words | None:
    """``Held back here: 3 muted here, 2 inhibited by another alert``."""
    here = key_of(ctx.request.conversation)
    shown = {incident.id for incident in incidents}
    held = [each for each in alerts.incidents.waiting(here) if each.held and each.incident in shown]
    reasons = Counter(each.held for each in held)
    if not reasons:
        return None
    reasons_shown = ", ".join(f"{number(count)} {held_words(why)}" for why, count in reasons.most_common())
    return Words(text(muted(f"Held back here: {reasons_shown}.")))
