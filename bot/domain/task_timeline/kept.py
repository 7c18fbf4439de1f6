"""What is known of when tasks ran that Batch has forgotten: from changes that were seen, and runs that failed.

Nothing is made up: a run is one whose beginning and end were kept. Of the rest it is only known that it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.task_timeline.waits import Span
from storage.port.black_box import KeptTask
from storage.port.monitoring import Transition

MADE, GONE = "active", "deleted"
"""The state in which jobs and tasks begin, and what is noted of one that is not there any more."""


class KeptRun(Struct, frozen=True):
    """A run of a task of which both ends are known, and on which node it was, empty where that is not known."""

    task: str
    span: Span
    node: str = ""


def last_life(seen: Sequence[Transition]) -> list[Transition]:
    """The changes of something since it was made last, oldest first: an id may be used again after a deletion."""
    ordered = sorted(seen, key=lambda each: each.at)
    begins = [place for place, each in enumerate(ordered) if not each.before and each.after != GONE]
    return ordered[begins[-1] :] if begins else ordered


def runs_of(boxes: Iterable[KeptTask], changes: Iterable[Transition], since: datetime | None = None) -> list[KeptRun]:
    """The runs of tasks whose beginning and end were kept, the first to begin first; of those that ended ``since``.

    A run that failed is kept with both; one that succeeded is known where every task is watched (``running`` and then
    ``completed``). A run that Batch repeated is known by its end alone, and so is none of these.
    """
    found: dict[tuple[str, float], KeptRun] = {}
    for box in boxes:
        if box.started is not None and not box.retried and (since is None or box.at >= since):
            span = Span("failed", box.started.timestamp(), box.at.timestamp())
            found[fold(box.task), span.end] = KeptRun(box.task, span, box.node)
    began: dict[str, Transition] = {}
    for each in sorted(changes, key=lambda change: change.at):
        if each.entity != "task" or (since is not None and each.at < since):
            continue
        if each.after == "running":
            began[fold(each.id)] = each
        elif each.after in ("completed", "failed") and (start := began.pop(fold(each.id), None)):
            kind = "failed" if each.after == "failed" else "run"
            span = Span(kind, start.at.timestamp(), each.at.timestamp())  # type: ignore[arg-type]
            found.setdefault((fold(each.id), span.end), KeptRun(each.id, span))
    return sorted(found.values(), key=lambda run: (run.span.begin, run.task))
