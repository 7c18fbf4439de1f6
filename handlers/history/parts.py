"""How changes of state are shown: lines, their details in words, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from bot.alerting.model import Incident
from bot.azure.account import Account
from bot.domain.exit_codes import meaning
from bot.domain.job_endings import ended_because
from bot.domain.states import word
from bot.requests.context import Context
from cards import build
from cards.build import bold, code, muted, text
from cards.card import Block, Bullets, Button, Chip, Column, Mark, Text, Time, Words
from cards.formatting import number, plural
from cards.text_fit import elide
from handlers.alert import parts
from handlers.shared import states
from handlers.shared.common import section
from handlers.shared.own_list import MOST, OwnList, newest
from storage.port.monitoring import Transition

READ = 1000
"""Changes among which a name that is not known is looked for."""
HistorySort = Literal["newest", "oldest"]
_SHOWN = 5
_NAME = 40
"""Of a name in a line: nodes have 70 characters, and the whole name is in their own history."""
_LONG = 80


class Seen(NamedTuple):
    """A page of the changes that were seen: ``all`` of those that were read, and whether there are ``more``."""

    all: list[Transition]
    page: int
    more: bool

    @property
    def rows(self) -> list[Transition]:
        """Those of the page."""
        return self.all[(self.page - 1) * build.PAGE : self.page * build.PAGE]

    @property
    def extent(self) -> str:
        """``12 changes``, ``20 of 1,000 or more changes``."""
        return _extent(self.page, self.rows, self.all, more=self.more)

    def turning(self, again: str) -> tuple[Button | None, Button | None]:
        """To the pages before and behind."""
        return build.pager(again, self.page, len(self.all) + self.more)


async def seen(
    read: Callable[[int], Awaitable[Sequence[Transition]]],
    page: int,
    sort: HistorySort,
    *,
    whole: bool,
    fits: Callable[[Transition], bool] = lambda _: True,
) -> Seen:
    """The changes that fit, of a store that gives so many of the newest; ``whole`` reads all that is kept."""
    enough = MOST if whole or sort == "oldest" else max(1, page) * build.PAGE

    def fitting(rows: Sequence[Transition]) -> list[Transition]:
        return [row for row in rows if fits(row)]

    found, more = await newest(read, fitting, enough)
    return Seen(LIST.ordered(found, sort), build.within(page, len(found)), more)


def _extent(page: int, rows: Sequence[Transition], seen: Sequence[Transition], *, more: bool) -> str:
    if not seen:
        return "no change recorded"
    if len(rows) == len(seen):
        return plural(len(seen), "change")
    return f"{build.shown(page, len(rows), len(seen))}{' or more' if more else ''} changes"


async def nothing_recorded(ctx: Context, source: Account, *commands: str) -> Words:
    """Instead of changes: since when the account is watched, and the ``commands`` that show how things are now."""
    cursors = await ctx.store.cursors(source.name)
    since = next((each.at for each in cursors if each.stream == "baseline"), None)
    watched = (
        ("The bot has watched this account since ", Time(since, "clock"), " and records what changes from then on. ")
        if since
        else ("The bot has not read this account yet; it records what changes from its first reading on. ",)
    )
    shown = [piece for each in commands for piece in (", ", code(each))][1:]
    return Words(text(*watched, "How things are now: ", *shown, "."))


def changes(rows: Sequence[Transition], about: str = "") -> Block | None:
    """Changes, a line each; ``about`` is the id of what the card is about, which a line need not repeat."""
    return Bullets(tuple(_line(each, about) for each in rows)) if rows else None


def _line(change: Transition, about: str) -> Text:
    """``14 min ago, 13:48  job nightly:job-12  active → ✔ completed · because AllTasksCompleted``."""
    names = [elide(each, _NAME) for each in (change.parent, change.id) if each and each != about]
    facts = details(change)
    return text(
        Time(change.at),
        f"  {change.entity} ",
        *((code(" / ".join(names)), " ") if names else ()),
        muted(f"{word(change.before)} → ") if change.before not in ("", change.after) else None,
        _chip(change),
        f" · {facts}" if facts else None,
    )


_FIXED = {"failed": Mark.FAILED, "deleted": Mark.STOPPED, "ok": Mark.DONE}
_CHIPS: dict[str, Callable[[str], Chip]] = {
    "node": states.node_chip,
    "job": states.job_chip,
    "task": states.task_chip,
    "schedule": states.schedule_chip,
    "pool": lambda state: states.pool_chip(state, "steady"),
    "allocation": lambda state: states.pool_chip("active", state),
}


def _chip(change: Transition) -> Chip:
    """The state after the change. A pool is said to be active here, not steady: that is its allocation."""
    if mark := _FIXED.get(change.after):
        return Chip(mark, change.after)
    drawn = _CHIPS.get(change.entity, states.job_chip)(change.after)
    return Chip(drawn.mark, word(change.after))


def details(change: Transition) -> str:
    """What was noted with a change, in words: exit code and what it means, what the service said, where it ran."""
    try:
        noted: dict[str, Any] = msgspec.json.decode(change.details, type=dict[str, Any]) if change.details else {}
    except msgspec.DecodeError:
        return change.details
    pieces: list[str] = []
    exit_code = noted.get("exitCode")
    if isinstance(exit_code, int):
        means = meaning(exit_code)
        pieces.append(f"exit code {exit_code}{f', {means}' if means else ''}")
    said = ": ".join(str(noted[key]) for key in ("code", "message") if noted.get(key))
    if said and not (isinstance(exit_code, int) and noted.get("code") == "FailureExitCode"):
        pieces.append(said)
    if noted.get("resized"):
        pieces.append(_moved(noted))
    pieces += [
        f"{words} {elide(_SAID.get(key, str)(noted[key]), _LONG)}"
        for key, words in _NOTED.items()
        if noted.get(key) not in (None, "", 0) and not (noted.get("resized") and key.startswith("target"))
    ]
    return " · ".join(pieces)


def _moved(noted: dict[str, Any]) -> str:
    """``wants 4 nodes, it wanted 0``: a run of a formula that moved a pool's targets, of both kinds together."""
    wants, wanted = (
        sum(int(noted.get(f"{which}{kind}") or 0) for kind in ("Dedicated", "Spot")) for which in ("target", "was")
    )
    return f"wants {plural(wants, 'node')}, it wanted {number(wanted)}"


_NOTED = {
    "reason": "because",
    "error": "error",
    "pool": "pool",
    "node": "node",
    "retries": "retries",
    "vmSize": "size",
    "targetDedicated": "dedicated nodes wanted",
    "targetSpot": "spot nodes wanted",
}
_SAID: dict[str, Callable[[Any], str]] = {"reason": lambda reason: ended_because(str(reason))}


LIST: OwnList[Transition] = OwnList(
    "Changes",
    {"newest": lambda change: -change.at.timestamp(), "oldest": lambda change: change.at.timestamp()},
    {
        "at": lambda change: change.at,
        "entity": lambda change: change.entity,
        "parent": lambda change: change.parent,
        "name": lambda change: change.id,
        "before": lambda change: change.before,
        "after": lambda change: change.after,
        "details": details,
    },
)


def failures(seen: Sequence[Transition]) -> list[Block]:
    """Why tasks failed, counted: a job's history may have thousands."""
    causes = Counter(
        details(each).partition(" · ")[0] or "unknown"
        for each in seen
        if each.entity == "task" and each.after == "failed"
    )
    if sum(causes.values()) < 2:
        return []
    lines = [text(bold(f"{number(count)} ×"), f"  {cause}") for cause, count in causes.most_common(_SHOWN)]
    return section("Why tasks failed", Bullets(tuple(lines)))


def about(incidents: Sequence[Incident]) -> list[Block]:
    """The alerts about it, the last changed first."""
    if not incidents:
        return []
    rows: list[list[Text]] = [
        [text(parts.state_of(each)), text(each.headline), text(Time(each.since))] for each in incidents[:_SHOWN]
    ]
    if (rest := len(incidents) - _SHOWN) > 0:
        rows.append([(), text(muted(f"and {number(rest)} more")), ()])
    columns = (Column("State", width=2), Column("Alert", width=5), Column("Since", rank=1, width=2))
    return section("Alerts about it", build.table(columns, rows))
