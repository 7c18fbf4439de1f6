"""What became of a node that Batch no longer knows, of what was kept: who removed it, or what took it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bot.domain.diagnosis.model import Clue, Evidence, clue, on_its_way
from bot.domain.entity import Entity
from bot.domain.knowledge import Step
from bot.domain.states import word
from storage.port.black_box import KeptNode
from storage.port.monitoring import Transition

GONE = "gone"
"""The state of a node that left the list of those in trouble because it is not there any more."""
_STEPS = (Step("History", "node history {pool} {node}"), Step("Nodes of the pool", "node list {pool}"))


class GoneNode(Struct, frozen=True, kw_only=True):
    """A node that is gone, as of ``at``: the states in which it was ``seen``, newest first, and the ``box`` kept of it.

    ``removed`` is who removed it, ``shrunk`` what made its pool smaller at about that time, each None where nobody
    knows; ``pool_gone`` whether its pool is gone too.
    """

    node: Entity
    at: datetime
    seen: Sequence[Transition] = ()
    box: KeptNode | None = None
    removed: Evidence | None = None
    shrunk: Evidence | None = None
    pool_gone: bool = False

    @property
    def last(self) -> tuple[str, datetime] | None:
        """The last state that it was seen in, and since when; None where it was never seen in trouble."""
        for each in self.seen:
            if each.after != GONE:
                return each.after, each.at
        return (self.box.state, self.box.at) if self.box else None

    @property
    def missed(self) -> datetime | None:
        """When it was seen to be gone, or else when it was seen last."""
        first = next((each.at for each in self.seen if each.after == GONE), None)
        return first or (self.last[1] if self.last else None)


def of_gone(case: GoneNode) -> Clue:
    """What became of it: somebody removed it, Azure took it, its pool shrank or went, or it left while in trouble."""
    said = [_state(case), *_trouble(case)]
    if case.removed:
        return _told(case, "node.removed", "it was removed from its pool", [case.removed, *said])
    if case.last and case.last[0] == "preempted":
        return clue("node.preempted", case.node, sure="likely", since=case.last[1], evidence=said, harm=False)
    if case.pool_gone:
        return _told(case, "node.pool_gone", "its pool was deleted, and its nodes with it", said)
    if case.shrunk:
        return _told(case, "node.shrunk", "its pool became smaller", [case.shrunk, *said])
    if case.last and case.last[0] in ("unusable", "starttaskfailed", "unknown"):
        cause = f"it left its pool after it was seen as {word(case.last[0])}; nobody asked the bot to remove it"
        return _told(case, "node.left_in_trouble", cause, said)
    return _told(case, "node.left", "it left its pool, and what made it leave was not seen", said)


def _told(case: GoneNode, id_: str, cause: str, evidence: Sequence[Evidence | None]) -> Clue:
    return on_its_way(id_, case.node, cause, since=case.missed, evidence=evidence, steps=_STEPS)


def _state(case: GoneNode) -> Evidence | None:
    return Evidence(f"last seen {word(case.last[0])}", case.last[1]) if case.last else None


def _trouble(case: GoneNode) -> list[Evidence]:
    """What was wrong with it, as it was kept."""
    box = case.box
    if box is None:
        return []
    said = [Evidence(": ".join(filter(None, error)), box.at) for error in box.errors]
    if box.start_exit is not None or box.start_code:
        how = f"exit code {box.start_exit}" if box.start_exit is not None else box.start_code
        said.append(Evidence(f"its start task failed: {how}", box.at))
    return said
