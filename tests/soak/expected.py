"""What has to be told, by what truly happened: which transition, in which words, and by when.

Written down anew and not taken from the program: kinds and what they say are those of docs/alerts.md.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from tests.soak.record import Change

ALERTS = Path(__file__).parents[2] / "docs" / "alerts.md"
_KIND = re.compile(r"^\| `(\w+\.\w+)`", re.MULTILINE)
CALM = 600.0
"""What comes and goes three times within an hour flaps: how it stands is told when it has stayed so for ten minutes."""
SWEEP = 7200.0
"""``watch.sweep_hours``: how often deleted jobs are looked for."""
_FLAPS = 3
_HOUR = 3600.0
OPEN, OVER = "open", "over"
_RETRIES = 5
"""So often run again is worth a word."""


class Expected(Struct, frozen=True, kw_only=True):
    """One transition that has to be told on every platform.

    ``words``: any of these patterns, on a line that names ``name`` as well. ``stands``: whether that line must say that
    it is over (``over``) or must not (``open``); "" where neither matters. ``until``: when it was so no longer.
    ``number``: so many failed tasks at least, ``of`` so many where that is known. ``within``: seconds that it may take
    beside what all may.
    ``stored`` are the thing, its parent, id and state as the database has them.
    """

    kind: str
    name: str
    at: float
    words: tuple[str, ...]
    until: float | None = None
    stands: str = ""
    number: int = 0
    of: int = 0
    within: float = 0.0
    also: tuple[str, ...] = ()
    """Patterns that the message, unless it is a digest, shows as well: the cause, the node."""
    stored: tuple[str, str, str, str] | None = None
    news: bool = False
    """It is told once for all, so two messages that tell it are one too many."""
    begun: Expected | None = None
    """What it is the end of."""

    def __str__(self) -> str:
        number = f" ({self.number})" if self.number else ""
        return f"{self.kind} {self.name}{number}"


def kinds(page: Path = ALERTS) -> frozenset[str]:
    """The kinds that the documents promise; those that they do not name yet are not asked for."""
    return frozenset(_KIND.findall(page.read_text(encoding="utf-8")))


def expected(changes: Iterable[Change], promised: Iterable[str]) -> list[Expected]:
    """All that has to be told, the oldest first."""
    ordered = sorted(changes, key=lambda each: each.at)
    of: dict[tuple[str, str, str], list[Change]] = defaultdict(list)
    for each in ordered:
        of[each.thing, each.parent, each.id].append(each)
    found = [*_jobs(of), *_tasks(ordered), *_retries(ordered), *_schedules(of), *_pools(of), *_nodes(ordered)]
    known = frozenset(promised)
    return sorted((each for each in found if each.kind.removesuffix(" over") in known), key=lambda each: each.at)


def _ends(states: list[Change]) -> Iterator[tuple[Change, float | None]]:
    """Each state and when it was over."""
    for each, after in pairwise(states):
        yield each, after.at
    if states:
        yield states[-1], None


def _jobs(of: dict[tuple[str, str, str], list[Change]]) -> Iterator[Expected]:
    for (thing, _, name), states in of.items():
        if thing != "job":
            continue
        for each, until in _ends(states):
            stored = ("job", "", name, each.after)
            match each.after:
                case "active" if not each.before:
                    yield Expected(
                        kind="job.started", name=name, at=each.at, until=until, words=("has started",), news=True
                    )
                case "disabled":
                    yield Expected(
                        kind="job.disabled", name=name, at=each.at, until=until, words=("was disabled",), stored=stored
                    )
                case "completed" if each.many or each.why in ("TaskFailed", "MaxWallClockTimeExpiry"):
                    words = ("has failed", "ended:")
                    yield Expected(
                        kind="job.failed", name=name, at=each.at, until=until, words=words, stored=stored, news=True,
                        number=each.many, of=each.of,
                    )  # fmt: skip
                case "completed":
                    yield Expected(
                        kind="job.completed",
                        name=name,
                        at=each.at,
                        until=until,
                        words=("has completed", "has succeeded", "has ended"),
                        stored=stored,
                        news=True,
                    )
                case "deleting" if each.before != "completed":
                    # That a job is gone is seen by the list of all that are not over, which is read that rarely.
                    yield Expected(
                        kind="job.deleted", name=name, at=each.at, words=("was deleted",), within=SWEEP, news=True
                    )


def _tasks(changes: Iterable[Change]) -> Iterator[Expected]:
    """Failures are told for their job: how many. The n-th is told where so many are."""
    failed: dict[str, int] = defaultdict(int)
    every = list(changes)
    gone = {each.id: each.at for each in every if (each.thing, each.after) == ("job", "deleting")}
    for each in every:
        if each.thing == "task":
            failed[each.parent] += 1
            yield Expected(
                kind="task.failed",
                name=each.parent,
                at=each.at,
                until=gone.get(each.parent),
                words=(r"tasks? failed",),
                number=failed[each.parent],
                also=_cause(each.why),
                stored=("task", each.parent, each.id, "failed"),
            )


def _cause(code: str) -> tuple[str, ...]:
    """How people read what the world calls so."""
    if code.startswith("exit code"):
        return (rf"{code}\b",)
    return {"DiskFull": ("(?i)disk",), "BlobNotFound": ("(?i)blob|input",)}.get(code, ())


def _retries(changes: Iterable[Change]) -> Iterator[Expected]:
    found: dict[str, Change] = {}
    over: dict[str, float] = {}
    for each in changes:
        if each.thing == "retry" and each.many >= _RETRIES:
            found.setdefault(each.parent, each)
        if each.thing == "job" and each.before == "active":
            over.setdefault(each.id, each.at)
    for name, each in found.items():
        yield Expected(kind="task.retrying", name=name, at=each.at, until=over.get(name), words=("again and again",))


def _schedules(of: dict[tuple[str, str, str], list[Change]]) -> Iterator[Expected]:
    words = {"disabled": "was disabled", "completed": "has come to its end", "deleting": "was deleted"}
    for (thing, _, name), states in of.items():
        if thing != "schedule":
            continue
        for each, until in _ends(states):
            if each.after == "active":
                kind, word = ("schedule.enabled", "was enabled") if each.before else ("schedule.created", "was created")
                yield Expected(kind=kind, name=name, at=each.at, until=until, words=(word,))
            elif each.after in words:
                state = "deleted" if each.after == "deleting" else each.after
                stored = None if state == "deleted" else ("schedule", "", name, state)
                yield Expected(
                    kind=f"schedule.{state}",
                    name=name,
                    at=each.at,
                    until=None if state == "deleted" else until,
                    words=(words[each.after],),
                    stored=stored,
                )


def _pools(of: dict[tuple[str, str, str], list[Change]]) -> Iterator[Expected]:
    for (thing, _, name), states in list(of.items()):
        if thing == "pool":
            for each, until in _ends(states):
                if not each.before:
                    yield Expected(
                        kind="pool.created", name=name, at=each.at, until=until, words=("was created",), news=True
                    )
                elif each.after == "deleting":
                    yield Expected(kind="pool.deleted", name=name, at=each.at, words=("was deleted",), news=True)
        if thing == "allocation":
            gone = next((each.at for each in of["pool", "", name] if each.after == "deleting"), math.inf)
            yield from _resizes(name, [each for each in states if each.at < gone])


def _resizes(name: str, states: list[Change]) -> Iterator[Expected]:
    failed: list[float] = []
    first = not states[0].before  # how a new pool came to its first size is no resize
    for each, until in _ends(states):
        if each.after != "steady" or first:
            first = first and each.before != "resizing"
            continue
        stored = ("allocation", "", name, "steady")
        if not each.why and each.many == each.of:
            words = (rf"\b{each.of} nodes? after its resize", "no nodes? after its resize")
            yield Expected(
                kind="pool.resized", name=name, at=each.at, until=until, words=words[: 2 if not each.of else 1],
                stored=stored,
            )  # fmt: skip
        elif each.why and each.many != each.of:
            short = rf"\b{each.many} of the {each.of} nodes?" if each.many < each.of else r"nodes?, \d+ (is|are) wanted"
            kind, wait = "pool.resize_failed", _flapping(failed, each.at)
            begun = Expected(
                kind=kind, name=name, at=each.at, until=until, words=(short,), stands=OPEN, within=wait, stored=stored,
                also=(each.why,),
            )  # fmt: skip
            yield begun
            if until is not None:
                yield Expected(
                    kind=f"{kind} over", name=name, at=until, until=_next(states, until), stands=OVER, within=wait,
                    words=(r"nodes? it wants", r"(is|are) wanted"), begun=begun,
                )  # fmt: skip
            failed.append(each.at)


def _next(states: list[Change], after: float) -> float | None:
    """When the pool was resized and failed again after that."""
    return next((each.at for each in states if each.at >= after and each.after == "steady" and each.why), None)


_TROUBLES = {
    "unusable": ("node.unusable", (r"unusable nodes?",)),
    "starttaskfailed": ("node.start_task_failed", ("start task fail",)),
    "offline": ("node.offline", (r"offline nodes?",)),
}


def _nodes(changes: Iterable[Change]) -> Iterator[Expected]:
    """Nodes are told for their pool: that some are in trouble, and that none is any more."""
    bad: dict[tuple[str, str], set[str]] = defaultdict(set)
    begun: dict[tuple[str, str], list[Change]] = defaultdict(list)
    ended: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in changes:
        if each.thing != "node":
            continue
        if each.after in _TROUBLES:
            trouble = each.parent, each.after
            if not bad[trouble]:
                begun[trouble].append(each)
            bad[trouble].add(each.id)
        if each.before in _TROUBLES and each.before != each.after:
            trouble = each.parent, each.before
            bad[trouble].discard(each.id)
            if not bad[trouble] and len(ended[trouble]) < len(begun[trouble]):
                ended[trouble].append(each.at)
    for (pool, state), spells in begun.items():
        kind, words = _TROUBLES[state]
        ends = ended[pool, state]
        before: list[float] = []
        for number, each in enumerate(spells):
            over = ends[number] if number < len(ends) else None
            wait = _flapping(before, each.at)
            stored = ("node", pool, each.id, state)
            begin = Expected(
                kind=kind, name=pool, at=each.at, until=over, words=words, stands=OPEN, within=wait, stored=stored,
                also=(rf"{each.id[:8]}.*{each.id[-6:]}",),
            )  # fmt: skip
            yield begin
            if over is not None:
                again = spells[number + 1].at if number + 1 < len(spells) else None
                yield Expected(
                    kind=f"{kind} over", name=pool, at=over, until=again, words=words, stands=OVER, within=wait,
                    begun=begin,
                )  # fmt: skip
            before.append(each.at)


def _flapping(before: list[float], at: float) -> float:
    """How much longer it may take to say how it stands where it comes and goes."""
    return CALM if sum(at - each <= _HOUR + CALM for each in before) >= _FLAPS - 1 else 0.0
