"""What a diagnosis is made of: clues with their evidence, and the verdict that is chosen of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.entity import Entity, EntityKind
from bot.domain.knowledge import Row, Step, row

Sure: TypeAlias = Literal["certain", "likely", "guess"]
"""How sure a cause is: the service says so, or it follows from what it says; it mostly is so; it may be so."""
_SURE: tuple[Sure, ...] = ("certain", "likely", "guess")
_SPECIFIC: Mapping[EntityKind, int] = MappingProxyType(
    {"node": 0, "task": 1, "pool": 2, "job": 3, "schedule": 4, "account": 5}
)
"""The smaller, the more specific: of two causes that both explain, a node's says more than its pool's."""
BY_HAND = ("pool resize ", "pool stop-resize ")
"""How the commands begin that the service refuses of a pool with a formula."""
OTHERS = 2
"""Steps beside the one that mends."""


class Evidence(Struct, frozen=True):
    """One thing that was seen: in words, as of when, and whether it is ``printed``, the line of a log."""

    words: str
    at: datetime | None = None
    printed: bool = False
    person: str = ""
    """Who did it (``platform:id``), where it is a line of the audit trail."""


class Clue(Struct, frozen=True, kw_only=True):
    """One cause: ``id`` of its row, where it lies, a sentence without its full stop, and what shows it.

    ``why`` is what is behind it, where that is more than the cause. ``do`` is what to do about it, ``steps`` the
    commands that do, the one that mends first. ``names`` are what stands for ``{pool}``, ``{node}``, … in them.
    ``harm`` is False where nothing is wrong: it takes its time, or somebody wants it so. ``weak`` is what is left where
    nothing else was found.
    """

    id: str
    about: Entity
    cause: str
    why: str = ""
    do: str = ""
    sure: Sure = "certain"
    since: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    steps: tuple[Step, ...] = ()
    names: Mapping[str, str] = MappingProxyType({})
    harm: bool = True
    weak: bool = False
    nodes: int = 0
    """Nodes that do no work because of it, where it is known: what they cost is lost."""


class Verdict(Struct, frozen=True):
    """The answer: the clue that explains (None: nothing is wrong), and what was seen as well."""

    clue: Clue | None
    also: tuple[Clue, ...] = ()


def choose(explaining: Iterable[Clue], also: Iterable[Clue] = ()) -> Verdict:
    """The verdict: of what explains, harm comes first, then the most specific; what is only left over is last.

    Of equals the first stands, so whoever gives them gives the worst first. One cause is told once, wherever it lies.
    """
    ordered = sorted(explaining, key=lambda each: (not each.harm, each.weak, _SPECIFIC[each.about.kind]))
    seen: dict[tuple[str, Entity], Clue] = {}
    for each in (*ordered, *also):
        seen.setdefault((each.id, each.about), each)
    if not ordered:
        return Verdict(None, tuple(seen.values()))
    rest = tuple(each for each in seen.values() if each.id != ordered[0].id)
    return Verdict(ordered[0], rest)


def clue(
    known: Row | str,
    about: Entity,
    *,
    sure: Sure = "certain",
    cause: str = "",
    since: datetime | None = None,
    evidence: Iterable[Evidence | None] = (),
    names: Mapping[str, str] = MappingProxyType({}),
    nodes: int = 0,
    harm: bool = True,
) -> Clue:
    """A clue of a row, or of the row with this id: no surer than the row may claim. ``cause`` says it more exactly."""
    found = row(known) if isinstance(known, str) else known
    most = found.sure if found.sure in _SURE else "guess"
    return Clue(
        id=found.id,
        about=about,
        cause=cause or found.cause,
        do=found.do,
        sure=max(sure, most, key=_SURE.index),
        since=since,
        evidence=tuple(each for each in evidence if each is not None),
        steps=found.steps,
        names={**_names(about), **names},
        nodes=nodes,
        harm=harm,
        weak=sure == "guess",
    )


def on_its_way(
    id_: str,
    about: Entity,
    cause: str,
    *,
    since: datetime | None = None,
    evidence: Iterable[Evidence | None] = (),
    steps: tuple[Step, ...] = (),
    names: Mapping[str, str] = MappingProxyType({}),
) -> Clue:
    """A clue of something that is not wrong: no row of the knowledge, since there is nothing to mend."""
    return Clue(
        id=id_,
        about=about,
        cause=cause,
        since=since,
        evidence=tuple(each for each in evidence if each is not None),
        steps=steps,
        names={**_names(about), **names},
        harm=False,
    )


def by_formula(found: Clue) -> Clue:
    """The same clue of a pool with a formula: it cannot be resized by hand, and asks for nodes by itself."""
    kept = tuple(each for each in found.steps if not each.command.startswith(BY_HAND))
    if len(kept) == len(found.steps):
        return found
    do = found.do.replace("resize again", "let its formula ask again")
    do = do.replace("resize to ", "let its formula ask for ")
    return replace(found, do=do, steps=(Step("Formula", "pool autoscale {pool}"), *kept))


def unknown(
    id_: str,
    about: Entity,
    code: str,
    message: str,
    *,
    since: datetime | None = None,
    at: datetime | None = None,
    nodes: int = 0,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Clue:
    """A clue of what no row knows: ``id_`` is the row that says so, and it is shown as the service says it."""
    said = Evidence(": ".join(filter(None, (code, message))) or "the service gives no reason", at)
    cause = f"{code}, which the bot does not know" if code else ""
    return clue(id_, about, cause=cause, since=since, evidence=[said], nodes=nodes, names=names)


def _names(about: Entity) -> dict[str, str]:
    """What the entity is called in commands, with what it belongs to."""
    names: dict[str, str] = {}
    if about.kind in _WITHIN and about.parent:
        names[_WITHIN[about.kind]] = about.parent
    if about.kind != "account":
        names[about.kind] = about.id
    return names


_WITHIN: Mapping[EntityKind, str] = MappingProxyType({"node": "pool", "task": "job"})
