"""Which command a subject makes, with the names, states and times that were said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.requests.plain_words import times
from bot.requests.plain_words.known import Known
from bot.requests.plain_words.tagging import Said, is_name
from cards.command_line import join, named

Line: TypeAlias = list[str]


@dataclass(frozen=True)
class Told:
    """What was said, with one meaning of each name."""

    said: Said
    names: tuple[Known, ...]

    def name(self, *kinds: str) -> Known | None:
        """The first thing of one of these kinds."""
        return next((each for kind in kinds for each in self.names if each.kind == kind), None)

    @property
    def states(self) -> list[str]:
        """The states that were said."""
        return self.said.all("state")

    @property
    def nouns(self) -> list[str]:
        """The kinds of things that were said."""
        return self.said.all("noun")


# -- times ---------------------------------------------------------------------------------------------------------


def _window(told: Told, *, yesterday: str = "48h") -> Line:
    """How far back, in hours or days."""
    words = {"today": "24h", "night": "24h", "yesterday": yesterday, "since-yesterday": "48h"}
    words |= {"month": "30d", "last-month": "60d"}
    for each in told.said.times[:1]:
        found = times.span(each)
        return [words.get(each) or (found.window if found else each)]
    return []


def _usage_window(told: Told) -> Line:
    day = {
        "today": ["from:today"],
        "yesterday": ["from:yesterday", "to:yesterday"],
        "since-yesterday": ["from:yesterday"],
    }
    return day.get((told.said.times or [""])[0]) or _window(told)


def _days(told: Told) -> Line:
    """The days of a bill."""
    words = {"month": "month", "last-month": "last-month", "today": "1d", "yesterday": "1d", "night": "1d"}
    words |= {"since-yesterday": "2d", "1h": "1d", "24h": "1d"}
    for each in told.said.times[:1]:
        found = times.span(each)
        return [words.get(each) or (str(found) if found and found.unit == "d" else "1d" if found else each)]
    return []


def _since(told: Told) -> Line:
    """How far back, or how long in its state, as conditions of a list."""
    made: Line = []
    field = "created" if told.said.created else "since"
    for each in told.said.times[:1]:
        found = times.span(each)
        if told.said.older and found:
            made.append(f"age>{found}")
        elif each in ("today", "yesterday"):
            made.append(f"{field}:{each}")
        elif each == "since-yesterday":
            made.append(f"{field}:yesterday" if field == "since" else "created:48h")
        else:
            length = {"night": "24h", "month": "30d", "last-month": "60d"}.get(each, each)
            made.append(f"created:{length}" if told.said.created else f"age<{length}")
    return made


def _sorted(told: Told, known: Sequence[str]) -> Line:
    return [f"sort:{each}" for each in told.said.all("sort")[:1] if each in known]


# -- lists and details ---------------------------------------------------------------------------------------------

_POOLS = {
    "bad": "bad>0", "idle": "idle>0", "empty": "nodes:0", "resizing": "state:resizing", "steady": "state:steady",
    "autoscale": "autoscale:yes", "error": "error:*", "preempted": "preempted>0", "unusable": "unusable>0",
    "running": "running>0", "failed": "bad>0", "spot": "spot>0", "waiting": "state:resizing",
}  # fmt: skip
_NODES = {
    "bad": "state:bad", "failed": "state:bad", "idle": "state:idle", "running": "state:running",
    "unusable": "state:unusable", "preempted": "state:preempted", "offline": "state:offline",
    "rebooting": "state:rebooting", "starting": "state:starting", "spot": "spot:yes", "error": "error:*",
}  # fmt: skip
_JOBS = {
    "failed": "failed>0", "running": "state:active", "completed": "state:completed", "disabled": "state:disabled",
    "waiting": "waiting>0", "succeeded": "state:completed", "error": "failed>0", "bad": "failed>0",
}  # fmt: skip
_TASKS = {
    "failed": "state:failed", "running": "state:running", "completed": "state:completed",
    "succeeded": "state:succeeded", "waiting": "state:active", "bad": "state:failed", "error": "state:failed",
}  # fmt: skip
_SCHEDULES = {"running": "state:active", "disabled": "state:disabled", "completed": "state:completed"}


def _conditions(told: Told, table: dict[str, str]) -> Line:
    return list(dict.fromkeys(table[each] for each in told.states if each in table))


def pool(told: Told) -> list[Line]:
    """One pool, or those that are so."""
    one, conditions = told.name("pool"), _conditions(told, _POOLS)
    if one and not told.said.times:
        nodes = _conditions(told, _NODES)
        return [["pool", "show", named(one.name)], ["node", "list", named(one.name), *nodes]]
    return [
        [
            "pool",
            "list",
            *conditions,
            *_since(told),
            *told.said.conditions,
            *_sorted(told, ("nodes", "age", "name", "price")),
        ]
    ]


def node(told: Told) -> list[Line]:
    """The nodes of a pool; of all pools those that have some that are so."""
    one = told.name("pool")
    if one:
        return [["node", "list", named(one.name), *_conditions(told, _NODES), *_since(told), *told.said.conditions]]
    if found := _conditions(told, {**_POOLS, "offline": "bad>0", "rebooting": "bad>0", "starting": "state:resizing"}):
        return [["pool", "list", *found], ["node", "map"]]
    return [["node", "list", *told.said.unknown[:1], *told.said.conditions], ["node", "map"], ["pool", "list"]]


def job(told: Told) -> list[Line]:
    """One job, or those that are so; those of a schedule or on a pool."""
    one, place, schedule_ = told.name("job"), told.name("pool"), told.name("schedule")
    conditions = _conditions(told, _JOBS)
    if one and not place:
        return [["job", "show", named(one.name)], ["task", "list", named(one.name), *_conditions(told, _TASKS)]]
    if schedule_ and not place:
        return [["schedule", "jobs", named(schedule_.name), *conditions, *_since(told)]]
    where = [f"pool:{place.name}"] if place else []
    more = [*told.said.conditions, *_sorted(told, ("age", "created", "name"))]
    return [["job", "list", *conditions, *_since(told), *where, *more]]


def task(told: Told) -> list[Line]:
    """The tasks of a job; of none that is named, why tasks failed."""
    one = told.name("job")
    if one:
        return [["task", "list", named(one.name), *_conditions(told, _TASKS), *_since(told), *told.said.conditions]]
    if "failed" in told.states:
        return failures(told)
    if place := told.name("pool"):
        return [["job", "list", *_conditions(told, _JOBS), f"pool:{place.name}"], ["node", "list", named(place.name)]]
    if {"running", "waiting"} & set(told.states):
        return [["job", "list", *_conditions(told, {**_JOBS, "running": "running>0"})]]
    return [["task", "list", *told.said.conditions]]


def schedule(told: Told) -> list[Line]:
    """One schedule, or all."""
    one = told.name("schedule")
    if one:
        return [["schedule", "show", named(one.name)], ["schedule", "jobs", named(one.name)]]
    return [["schedule", "list", *_conditions(told, _SCHEDULES), *told.said.conditions]]


def alert(told: Told) -> list[Line]:
    """The alerts, by severity."""
    severity = [f"severity:{each}" for each in told.states if each in ("critical", "warning", "info")][:1]
    past = ["state:past"] if {"past", "completed"} & set(told.states) or told.said.times else []
    if told.said.ids:
        return [["alert", "show", told.said.ids[0]]]
    return [["alert", "list", *past, *severity]]


def application(told: Told) -> list[Line]:
    """One application, or all."""
    one = told.name("application")
    return [["application", "show", named(one.name)]] if one else [["application", "list"]]


def account(told: Told) -> list[Line]:
    """One account, or all."""
    one = told.name("account")
    return [["account", "show", one.name]] if one else [["account", "list", *told.said.conditions]]


def _listed(noun: str) -> Callable[[Told], list[Line]]:
    return lambda told: [[noun, "list", *told.said.conditions]]


# -- money, usage, failures ----------------------------------------------------------------------------------------


def cost(told: Told) -> list[Line]:
    """What something cost, or an account."""
    one = told.name("job", "pool", "schedule")
    if one and one.kind == "pool":
        return [["cost", "pool", named(one.name), *_days(told)]]
    if one:
        return [["cost", one.kind, named(one.name)]]
    by = told.said.all("by")[:1] or [noun for noun in told.nouns[:1] if noun in ("pool", "size")]
    return [["cost", *_days(told), *(f"by:{each}" for each in by)]]


def usage(told: Told) -> list[Line]:
    """Busy and idle cores."""
    one = told.name("pool", "job")
    return [["usage", *_usage_window(told), *([f"{one.kind}:{one.name}"] if one else []), *told.said.conditions]]


def failures(told: Told) -> list[Line]:
    """Why tasks failed."""
    one = told.name("job", "schedule", "pool")
    window = _window(told)
    if one and one.kind == "job":
        return [["failures", "job", named(one.name)], ["task", "list", named(one.name), "state:failed"]]
    if one:
        return [["failures", one.kind, named(one.name), *window]]
    return [["failures", *window], ["job", "list", "failed>0"]]


def why(told: Told) -> list[Line]:
    """Why something does not do its work."""
    one, unknown = told.name("job", "pool", "schedule"), told.said.unknown
    if one:
        return [["why", one.kind, named(one.name)]]
    kind = next((each for each in told.nouns if each in ("job", "pool", "schedule")), "")
    if not kind or len(unknown) != 1:
        return [["why"]]
    of_it = ["why", kind, named(unknown[0])]  # which says what is called almost so
    return [of_it, ["why"]] if is_name(unknown[0]) or len(unknown[0]) == 1 else [["why"], of_it]


def csv(told: Told) -> list[Line]:
    """What is listed, as a file."""
    noun = next((each for each in told.nouns if each in _AS_FILES), "job")
    [first, *_] = NOUNS[noun](told)
    path, *rest = first[1:]
    return [["csv", noun, *rest]] if path == "list" else [first]


def home(told: Told) -> list[Line]:
    """How an account is, or one thing in it."""
    if one := told.name("job", "pool", "schedule", "application"):
        return thing(one)
    return [["home"], ["why"], ["alert", "list"]]


def thing(one: Known) -> list[Line]:
    """What a name alone opens."""
    if one.kind == "account":
        return [["home", one.name]]
    return [[one.kind, "show", named(one.name)]]


def _of(path: str, *kinds: str, window: bool = False) -> Callable[[Told], list[Line]]:
    """A command that may be about one thing of some kinds."""

    def made(told: Told) -> list[Line]:
        one = told.name(*kinds)
        return [[*path.split(), *([named(one.name)] if one else []), *(_window(told) if window else [])]]

    return made


_REMEMBERED = ("pool", "job", "task", "node", "schedule")


def _history(told: Told) -> list[Line]:
    one = told.name("pool", "job", "schedule")
    kind = next((each for each in told.nouns if each in _REMEMBERED), "")
    if one:
        return [[one.kind, "history", named(one.name)]]
    return [["history", f"entity:{kind}"] if kind else ["history"]]


def _topology(told: Told) -> list[Line]:
    one = told.name("job")
    return [["topology", "job", named(one.name)]] if one else [["topology"]]


def _trend(told: Told) -> list[Line]:
    one = told.name("pool", "schedule")
    return [["trend", *_window(told), *([f"{one.kind}:{one.name}"] if one else [])]]


def _log(told: Told) -> list[Line]:
    one = told.name("job")
    rest = [named(each) for each in told.said.unknown]
    return [["log", *([named(one.name)] if one else []), *rest]]


def _hours(told: Told) -> list[Line]:
    """Quiet hours, or from when to when they are to be: ``22 to 7``, too."""
    found = told.said.clocks or [f"{each:0>2}:00" for each in told.said.numbers if int(each) < 24]
    return [["alert", "hours", *(["-".join(found)] if len(found) == 2 else [])]]


def _fixed(*lines: str) -> Callable[[Told], list[Line]]:
    return lambda _: [line.split() for line in lines]


_AS_FILES = frozenset(
    {"pool", "node", "job", "task", "schedule", "application", "certificate", "image", "size", "account"}
)
TOPICS: dict[str, Callable[[Told], list[Line]]] = {
    "csv": csv, "why": why, "quota": _fixed("account quotas"), "budgets": _fixed("cost budgets"),
    "advice": _fixed("advice"), "unusual": _fixed("cost unusual"),
    "subscriptions": _fixed("alert subscriptions"), "mutes": _fixed("alert mutes"),
    "hours": _hours, "approvals": _fixed("approvals"), "whoami": _fixed("whoami"),
    "kinds": _fixed("alert kinds"), "filters": _fixed("help filter"), "receipts": _fixed("cost receipts"),
    "watched": _fixed("job watch"), "setup": _of("pool autoscale", "pool"),
    "preparation": _of("preparation list", "job"), "timeline": _of("timeline job", "job"), "dependencies": _topology,
    "topology": _topology, "map": _of("node map", "pool"), "audit": _fixed("audit"), "history": _history,
    "saved": _fixed("saved"), "log": _log, "trend": _trend, "cost": cost, "usage": usage, "failures": failures,
    "status": _fixed("status"), "help": _fixed("help"), "home": home,
}  # fmt: skip
"""What is asked, the more telling first: of two that are said the first here is meant."""
NOUNS: dict[str, Callable[[Told], list[Line]]] = {
    "task": task, "node": node, "job": job, "pool": pool, "schedule": schedule, "alert": alert,
    "application": application, "certificate": _listed("certificate"), "image": _listed("image"),
    "size": _listed("size"), "template": _listed("template"), "operation": _fixed("operation list"),
    "file": _of("file list", "job"), "account": account,
}  # fmt: skip
"""What is listed, the narrowest first: the nodes of a pool, the tasks of a job."""


def spelled(line: Line, names: Sequence[Known], default: str) -> str:
    """The line as a command, in the account of what it names."""
    elsewhere = {each.account for each in names if each.account != default and each.kind != "account"}
    said = {each.name for each in names if each.kind == "account"} - set(line)
    found = sorted(said | elsewhere)[:1]
    plain = line[0] == "home" or line[:2] in (["account", "quotas"], ["account", "show"])
    return join([*line, *(each if plain else f"account:{each}" for each in found)])
