"""A command as a button carries it: one line of text.

What stands in plain quotes is exact: it is taken letter by letter, and is never an option, a keyword or a part of the
command's own path. So a button opens ``follow`` or ``John’s.exr`` where a file is called that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CHOSEN = re.compile(r"(\w+:)?\{\}")
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_OPTION = re.compile(r"(?:--)?[a-z_][\w-]*[:=]", re.IGNORECASE | re.ASCII)
GRAMMAR = frozenset({
    "accept", "account", "ack", "admin", "agent", "algorithm", "also", "as", "at", "bare", "below", "body", "budgets",
    "by", "command", "container", "containers", "csv", "day", "days", "dedicated", "disable", "dismiss", "done",
    "edit", "elevated", "emergency", "enable", "encoding", "end", "entity", "env", "evaluate", "every", "export",
    "fill", "follow", "for", "format", "from", "gpu", "group", "hours", "id", "identity", "image", "internode", "job",
    "json", "kept", "key", "kind", "least", "like", "lines", "lint", "list", "met", "metadata", "mine", "minutes",
    "mode", "name", "node", "nowait", "of", "operation", "os", "over", "packages", "page", "parallel", "person", "pool",
    "preemption", "preview", "priority", "reason", "receipts", "recursive", "region", "regrow", "remind", "result",
    "retries", "rose", "runs", "schedule", "severity", "show", "since", "size", "skip", "slots", "snooze", "sort",
    "spot", "start", "state", "storage", "subnet", "subscribe", "subscriptions", "tag", "task", "tasks",
    "template", "time", "title", "to", "unsubscribe", "unusual", "upto", "values", "vault", "verb", "verify",
    "wait", "whole", "whose", "window", "zone",
})  # fmt: skip
"""Every option of every command, and every word that makes a command of a shorter one: a test holds it to them."""


class Exact(str):
    """A word that is taken as it is: the name of something, whatever it looks like."""

    __slots__ = ()


def named(name: str) -> str:
    """A name for :func:`join`, exact where some command would read it as an option or a keyword."""
    start = re.split("[:=]", name, maxsplit=1)[0].lower()
    return Exact(name) if start in GRAMMAR or name.startswith("-") else name


def command(path: str, *names: str, **options: object) -> str:
    """A command about things with these names, and its options that are set: ``task list 'my job' state:failed``."""
    set_ = (f"{name}:{value}" for name, value in options.items() if value is not None and value != "")
    return join([*path.split(), *map(named, names), *set_])


def join(tokens: Sequence[str]) -> str:
    """The words of a command as one line, quoted where they have to be: ``job show 'my job' reason:'too late'``."""
    return " ".join(map(_spelled, tokens))


def join_template(tokens: Sequence[str]) -> str:
    """A menu's command: ``{}``, or ``of:{}``, stands for what is chosen and is not quoted: ``job show {}``."""
    return " ".join(
        token if _CHOSEN.fullmatch(token) and not isinstance(token, Exact) else _spelled(token) for token in tokens
    )


def quoted(word: str) -> str:
    """A word in quotes, as which it is exact. It never holds ``{}``, which is a menu's place for what is chosen."""
    inner = word.replace("'", "'\"'\"'").replace("{}", "{''}")
    return f"'{inner}'"


def _spelled(token: str) -> str:
    if isinstance(token, Exact):
        return quoted(token)
    if _PLAIN.fullmatch(token):
        return token
    if option := _OPTION.match(token):  # its name stays outside the quotes, or it would be none
        return option[0] + quoted(token[option.end() :])
    return quoted(token)
