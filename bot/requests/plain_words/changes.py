"""What a sentence would change: commands that are offered, and never run by themselves."""

from __future__ import annotations

from bot.requests.plain_words.subjects import Line, Told
from cards.command_line import named

_VERBS: dict[str, dict[str, str]] = {
    "delete": {kind: f"{kind} delete" for kind in ("pool", "job", "schedule", "account")},
    "terminate": {"job": "job terminate", "schedule": "schedule terminate"},
    "disable": {"job": "job disable", "schedule": "schedule disable"},
    "enable": {"job": "job enable", "schedule": "schedule enable"},
    "create": {kind: f"{kind} create" for kind in ("pool", "job", "schedule", "account")},
    "clone": {"pool": "pool clone", "job": "job clone"},
    "rebuild": {"pool": "pool rebuild"},
    "move": {"job": "job move"},
    "reactivate": {"job": "job reactivate-failed"},
    "start": {"schedule": "schedule run"},
    "replace": {"pool": "pool replace-broken"},
    "watch": {"job": "job watch"},
    "use": {"account": "use"},
}
_NODES = {"reboot": "node reboot", "deallocate": "node deallocate", "start": "node start", "delete": "node remove"}
_STATES = {"bad": "state:bad", "idle": "state:idle", "unusable": "state:unusable", "offline": "state:offline"}
_TASKS = {"delete": "task delete", "terminate": "task terminate", "reactivate": "task reactivate"}
_NOTHING = frozenset({"zero", "nothing", "none"})
_ALERTS = frozenset({"subscribe", "unsubscribe", "mute", "unmute", "ack", "snooze"})


def offered(told: Told, verb: str) -> list[Line]:
    """The commands that a verb may mean, the likeliest first."""
    if verb == "undo":
        return [["undo"]]
    if verb in _ALERTS:
        return [_of_alert(told, verb)]
    return _of_nodes(told, verb) or _of_tasks(told, verb) or _of_kind(told, _VERBS.get(verb, {}))


def _of_nodes(told: Told, verb: str) -> list[Line]:
    """What is done with the nodes of a pool, or with how many it has."""
    place = told.name("pool")
    where = [named(place.name)] if place else []
    if verb == "resize" or (verb == "create" and place and "node" in told.nouns):
        size = told.said.numbers[:1] or (["0"] if "empty" in told.states or _NOTHING & told.said.words else [])
        return [["pool", "resize", *where, *(size if place else [])]]
    if verb in _NODES and ("node" in told.nouns or (verb in ("reboot", "deallocate") and place)):
        which = [_STATES[each] for each in told.states if each in _STATES][:1] if place else []
        return [[*_NODES[verb].split(), *where, *which]]
    return []


def _of_tasks(told: Told, verb: str) -> list[Line]:
    one = told.name("job")
    fits = verb in _TASKS and "task" in told.nouns and "failed" not in told.states
    return [[*_TASKS[verb].split(), named(one.name)]] if fits and one else []


def _of_alert(told: Told, verb: str) -> Line:
    """What is done about alerts, here or for the asker alone."""
    said, about = told.said, told.name("pool", "job", "schedule")
    if verb == "subscribe":
        topics = {*said.all("topic"), *told.states}
        kinds = (
            ["job.failed"] if topics & {"failures", "failed"} else ["job.completed"] if "completed" in topics else []
        )
        entity = [f"entity:{about.name}"] if about else []
        return ["alert", "subscribe", *kinds, *entity, *(["to:me"] if "me" in said.words else [])]
    lasting = [*said.clocks[-1:], *said.times][:1]
    if verb == "mute":
        which = (
            [named(about.name)]
            if about
            else ["all"]
            if "alert" in told.nouns or {"all", "everything"} & said.words
            else said.unknown[:1]
        )
        return ["alert", "mute", *which, *(f"for:{each}" for each in lasting)]
    return ["alert", verb, *said.ids[:1], *(lasting if verb == "snooze" and said.ids else [])]


def _of_kind(told: Told, paths: dict[str, str]) -> list[Line]:
    """The verb of what is named, or of the kind that is said."""
    lines = [
        [*paths[each.kind].split(), named(each.name), *_behind(told, paths[each.kind])]
        for each in told.names
        if each.kind in paths
    ]
    said = [[*paths[noun].split(), *map(named, told.said.unknown[:1])] for noun in told.nouns if noun in paths]
    return lines or said or [path.split() for path in paths.values()][:3]


def _behind(told: Told, path: str) -> Line:
    place = told.name("pool")
    return [named(place.name)] if path == "job move" and place else []
