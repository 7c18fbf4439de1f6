"""Which failures are one cluster: those with the same code, exit code and line that says most, without what varies.

Of a thousand tasks with one exit code the logs of a few are read. Where they printed the same, all thousand count as
one. Where they printed different things, only tasks whose log was read are told apart; the others stay together as what
is not known. Nothing is guessed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from bot.domain.causes import cause_of, exited, grouped
from bot.domain.clusters.model import Cluster, Failed, Said, TaskKey
from bot.domain.mask import masked

Kind: TypeAlias = tuple[str, int | None, str]
"""What is known of a failure without its log: code, exit code, and the service's words without what varies."""

_LAST = datetime.max.replace(tzinfo=UTC)


def kind_of(failed: Failed) -> Kind:
    """The same for failures that only their logs can tell apart."""
    cause = cause_of(failed.exit_code, failed.code, failed.message)
    return failed.code.lower(), failed.exit_code, cause


def printed_by_program(failed: Failed) -> bool:
    """Whether a log can say why."""
    return exited(failed.exit_code, failed.code)


def by_kind(failed: Iterable[Failed]) -> dict[Kind, list[Failed]]:
    """Failures by kind, each in the order in which they ended; the order of kinds is that of their counts."""
    return grouped(sorted(failed, key=_ended), kind_of)


def _ended(task: Failed) -> tuple[datetime, str, str]:
    return task.ended or _LAST, task.job, task.task


def key_of(kind: Kind, line: str) -> str:
    """16 hexadecimal digits, the same for the same failure on every replica."""
    code, exit_code, cause = kind
    parts = "\0".join((code, "" if exit_code is None else str(exit_code), cause, line))
    return hashlib.blake2b(parts.encode("utf-8", "replace"), digest_size=8).hexdigest()


def clusters(failed: Iterable[Failed], said: Mapping[TaskKey, Said]) -> list[Cluster]:
    """All clusters of some failures, the greatest first. ``said`` has what was read, a Said without a line too."""
    found: list[Cluster] = []
    for kind, tasks in by_kind(failed).items():
        found += _of_kind(kind, tasks, said)
    return sorted(found, key=lambda each: (-each.count, each.unread, each.key))


def _of_kind(kind: Kind, tasks: Sequence[Failed], said: Mapping[TaskKey, Said]) -> list[Cluster]:
    lines: dict[str, list[Failed]] = defaultdict(list)
    for task in tasks:
        if (each := said.get(task.key)) and each.line:
            lines[masked(each.line)].append(task)
    if len(lines) <= 1:
        line = next(iter(lines), "")
        return [_cluster(kind, line, tasks, said, lines.get(line, ()))]
    parted = [_cluster(kind, line, them, said, them) for line, them in lines.items()]
    known = {task.key for them in lines.values() for task in them}
    rest = [task for task in tasks if task.key not in known]
    return [*parted, *([_cluster(kind, "", rest, said, (), unread=True)] if rest else [])]


def _cluster(
    kind: Kind,
    line: str,
    tasks: Sequence[Failed],
    said: Mapping[TaskKey, Said],
    known: Sequence[Failed],
    *,
    unread: bool = False,
) -> Cluster:
    example = known[0] if known else tasks[0]
    return Cluster(
        key=key_of(kind, line),
        cause=kind[2],
        code=tasks[0].code,
        exit_code=kind[1],
        line=line,
        said=said.get(example.key, Said()) if known else Said(),
        example=example,
        tasks=tuple(tasks),
        read=sum(task.key in said for task in tasks),
        unread=unread,
    )
