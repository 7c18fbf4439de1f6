"""What a poll puts into the black box: of which failures, and what of them.

How a task failed or how a node was is kept with the news of it, in one transaction. The end of what it printed is read
in the same poll where its budget of calls allows it, and else in one of the next ones (:mod:`bot.monitor.evidence`):
until then it is *owed*, also over a restart.

Of failures of one cause in a job, or in a pool, :data:`SAMPLES` are kept, :data:`A_NODE` of them from one node; more
say no more. A new spell of failures has new samples. Of a task that Batch runs again after each failure the first look
is kept, since every run overwrites what the one before printed.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.models import FailureInfo
from bot.azure.models.task import Place, Run
from bot.azure.models.watched import NodeState, TaskState
from bot.content.clear_rows import clear_row
from bot.domain.causes import program_began
from bot.domain.retries import Retried
from bot.monitor import file_ends
from bot.monitor.account_state import BoxKey, Unread, key_of_box
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, PoolView
from storage.port.black_box import KeptFile, KeptNode, KeptTask

SAMPLES = 20
"""Failures of one cause of which what was printed is kept."""
A_NODE = 3
"""How many of these may be of one node."""
PATIENCE = timedelta(minutes=10)
"""How long what is owed is tried for: what was printed lives no longer than its node, and may be overwritten."""
MOST_OWED = 1000
"""What may be owed at a time; of what comes on top, only how it failed is kept."""
TRIES = 2
"""Attempts at what does not answer."""
_LONGEST = 4000
"""Characters of a message of the service."""
_RETRIED = "retried"
_BROKEN = frozenset({"starttaskfailed", "unusable"})


class Wanted(Struct, frozen=True):
    """What is to be read: the files of a task or node, in the order in which that is worth while."""

    key: BoxKey
    files: tuple[tuple[str, int], ...]


def kept_task(account: str, job: str, task: str, run: Run, place: Place, at: datetime, kept: datetime) -> KeptTask:
    """How a run of a task failed. What ``run`` says is cleared here too: it is cut."""
    info = clear_row(run.failure_info or FailureInfo())
    return KeptTask(
        account,
        job,
        task,
        at,
        kept,
        retry=run.retry_count,
        exit_code=run.exit_code,
        code=info.code,
        category=info.category,
        message=info.message[:_LONGEST],
        details=tuple((each.name, each.value[:_LONGEST]) for each in info.details),
        pool=place.pool_id,
        node=place.node_id,
        started=run.start_time,
    )


def printed_something(box: KeptTask) -> bool:
    """Whether a program ran, and may have printed something: not where it could not even be started."""
    return box.retried or program_began(box.exit_code, box.code)


def files_of(box: KeptTask | KeptNode) -> tuple[tuple[str, int], ...]:
    """The files that are worth reading of it, and how much of each."""
    if isinstance(box, KeptNode):
        return file_ends.START
    return file_ends.UPLOAD if box.code.lower().startswith("fileupload") else file_ends.TASK


def note_failure(pending: PendingState, view: JobView, row: TaskState, cause: str, at: datetime) -> None:
    """A task that has failed, for good."""
    node = row.node_info.node_id
    if not pending.boxes or not _counts(view, cause, node):
        return
    box = kept_task(pending.account, view.id, row.id, row.execution_info, row.node_info, at, pending.at)
    _put(pending, replace(box, cause=cause), owed=printed_something(box))


def note_retried(pending: PendingState, view: JobView, each: Retried) -> None:
    """A task that failed and is run again, where that is new: a run of it was over when the next one began."""
    if pending.boxes and _counts(view, _RETRIED, ""):
        at, retry = each.last or pending.at, max(0, each.times - 1)
        box = KeptTask(pending.account, view.id, each.task, at, pending.at, retry, retried=True, pool=view.pool)
        _put(pending, box, owed=True)


def note_node(pending: PendingState, view: PoolView, row: NodeState, at: datetime) -> None:
    """A node that got into trouble by something that can be told of it."""
    state = row.state.lower()
    if not pending.boxes or not (state in _BROKEN or row.errors):
        return
    box = kept_node(pending.account, view.id, row, at, pending.at)
    cause = box.start_code or (box.errors[0][0] if box.errors else "")
    if _counts(view, f"{state} {cause}", row.id):
        _put(pending, box, owed=state == "starttaskfailed" or bool(row.errors))


def kept_node(account: str, pool: str, row: NodeState, at: datetime, kept: datetime) -> KeptNode:
    """How a node is."""
    row = clear_row(row)
    start = row.start_task_info if row.start_task_info and row.start_task_info.result.lower() == "failure" else None
    failure = (start.failure_info if start else None) or FailureInfo()
    return KeptNode(
        account,
        pool,
        row.id,
        at,
        kept,
        state=row.state.lower(),
        errors=tuple((each.code, _words(each.message, each.error_details)) for each in row.errors),
        start_exit=start.exit_code if start else None,
        start_code=failure.code,
        start_message=_words(failure.message, failure.details),
        agent=row.node_agent_info.version,
        vm_size=row.vm_size,
        dedicated=row.is_dedicated,
        booted=row.last_boot_time,
    )


def _words(message: str, details: tuple[object, ...]) -> str:
    more = "; ".join(value for each in details if (value := getattr(each, "value", "")))
    return (f"{message} ({more})" if more and message else message or more)[:_LONGEST]


def _counts(view: JobView | PoolView, cause: str, node: str) -> bool:
    """Whether it is one of the samples of its cause; then it is counted as one."""
    nodes = view.boxed.get(cause, ())
    if len(nodes) >= SAMPLES or (node and nodes.count(node) >= A_NODE):
        return False
    view.boxed = {**view.boxed, cause: (*nodes, node)}
    return True


def _put(pending: PendingState, box: KeptTask | KeptNode, *, owed: bool) -> None:
    owed = owed and len(pending.unread) < MOST_OWED
    box = replace(box, owed=owed)
    pending.kept[key_of_box(box)] = box
    if owed:
        pending.unread[key_of_box(box)] = Unread(box)


# What is owed, and what becomes of it.


def give_up(pending: PendingState) -> None:
    """What was owed for too long is owed no more."""
    for key, each in list(pending.unread.items()):
        if pending.at - each.box.kept > PATIENCE:
            settle(pending, key, None)


def to_read(pending: PendingState) -> list[Wanted]:
    """What is owed, in the order in which it is worth reading.

    Nodes first, which are about to be replaced; then tasks that run again, which are about to overwrite it; then the
    first sample of each cause, the second of each, and so on. What took too long comes after all that did not.
    """
    seen: Counter[tuple[str, str]] = Counter()
    found: list[tuple[tuple[int, int, int, datetime, str], Wanted]] = []
    for key, each in pending.unread.items():
        box, nth = each.box, 0
        if isinstance(box, KeptTask):
            nth = seen[box.job, box.cause]
            seen[box.job, box.cause] += 1
        rank = 0 if isinstance(box, KeptNode) else 1 if box.retried else 2
        found.append(((each.put_off, rank, nth, box.at, key[2]), Wanted(key, files_of(box))))
    return [wanted for _, wanted in sorted(found, key=lambda each: each[0])]


def settle(
    pending: PendingState, key: BoxKey, files: tuple[KeptFile, ...] | None, line: str = "", line_in: str = ""
) -> None:
    """What was owed is there; with None it could not be read and is owed no more."""
    each = pending.unread.pop(key, None)
    if each is None:
        return
    box = replace(each.box, owed=False, files=files or (), kept=pending.at)
    if isinstance(box, KeptTask):
        if box.retried:
            # What runs again goes on printing: the last line may be half a secret, which has no shape; and no line of
            # it says why the run before failed.
            box = replace(box, files=tuple(map(file_ends.whole_lines, box.files)))
        else:
            box = replace(box, line=line, line_in=line_in)
    pending.kept[key] = box


def put_off(pending: PendingState, key: BoxKey) -> None:
    """Time ran out before it answered: that is no answer, so it is tried for as long as anything is."""
    each = pending.unread.get(key)
    if each is not None:
        pending.unread[key] = replace(each, put_off=each.put_off + 1)


def tried(pending: PendingState, key: BoxKey) -> None:
    """It did not answer: it is tried once more."""
    each = pending.unread.get(key)
    if each is None:
        return
    if each.tries + 1 >= TRIES:
        settle(pending, key, None)
    else:
        pending.unread[key] = replace(each, tries=each.tries + 1)
