"""What a poll shows of pools and their nodes, entered into the pending state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.azure.models import NodeCounts, PoolNodeCounts, duration
from bot.azure.models.base import told
from bot.azure.models.pool import ResizeError
from bot.azure.models.watched import NodeState, PoolState
from bot.domain.entity import Named, fold
from bot.domain.licence import pays_windows
from bot.domain.pools import error_text
from bot.domain.states import TROUBLED_NODES, counted
from bot.monitor import black_box
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import NodeView, PoolView

GONE = "gone"
"""What became of a node in trouble that its pool has no more. Not a word of the service, which just forgets it."""
_HOUR = timedelta(hours=1)
_LONGEST = 600
"""Characters of a message that are kept."""


def fold_pools(pending: PendingState, rows: Sequence[PoolState], aside: Collection[str] = ()) -> None:
    """The whole list of pools: news of those that changed, came or went; of those put ``aside`` nothing is known."""
    for row in rows:
        view = pending.pools.get(row.id)
        if view is not None and _created_anew(view, row):
            pending.note("pool", row.id, "deleted", row.creation_time or pending.at, before=view.state)
            pending.forget_pool(row.id)
            view = None
        if view is not None and _stale(view, row):
            continue
        _news_of_pool(pending, view, row)
        _draw_pool(pending.pool(row.id), row)
    for name in missing_of(pending.pools, rows, aside):
        pending.note("pool", name, "deleted", pending.at, before=pending.pools[name].state)
        pending.forget_pool(name)


def missing_of(known: Iterable[str], rows: Iterable[Named], aside: Collection[str]) -> list[str]:
    """Those that a whole list does not have any more. What was put aside in it may be any of them."""
    if "" in aside:
        return []
    there = {fold(row.id) for row in rows} | {fold(name) for name in aside}
    return [name for name in known if fold(name) not in there]


def _created_anew(view: PoolView, row: PoolState) -> bool:
    return bool(view.created and row.creation_time and view.created < row.creation_time)


def _stale(view: PoolView, row: PoolState) -> bool:
    """Whether the list lags behind what was seen already."""
    times = (
        (row.state_transition_time, view.since),
        (row.allocation_state_transition_time, view.allocation_since),
    )
    return any(now and before and now < before for now, before in times)


def _news_of_pool(pending: PendingState, view: PoolView | None, row: PoolState) -> None:
    state, since = row.state.lower(), row.state_transition_time
    if state and since and (view is None or (view.state, view.since) != (state, since)):
        before = view.state if view else ""
        details = {"vmSize": row.vm_size, "created": view is None}
        pending.note("pool", row.id, state, since, before=before, details=details)
    allocation, moved = row.allocation_state.lower(), row.allocation_state_transition_time
    if allocation and moved and (view is None or (view.allocation, view.allocation_since) != (allocation, moved)):
        details = {
            "dedicated": told(row.current_dedicated_nodes, view.dedicated if view else 0),
            "spot": told(row.current_low_priority_nodes, view.spot if view else 0),
            "targetDedicated": row.target_dedicated_nodes or 0,
            "targetSpot": row.target_low_priority_nodes or 0,
            "errors": [error.code for error in row.resize_errors],
        }
        pending.note("allocation", row.id, allocation, moved, before=view.allocation if view else "", details=details)
    _news_of_autoscale(pending, view, row)


def _news_of_autoscale(pending: PendingState, view: PoolView | None, row: PoolState) -> None:
    """A run of the autoscale formula, where it failed, moved the targets, or works again."""
    run = row.auto_scale_run
    if run is None or run.timestamp is None or (view and view.autoscale_at and run.timestamp <= view.autoscale_at):
        return
    failed = run.error is not None and bool(run.error.code)
    targets = (row.target_dedicated_nodes or 0, row.target_low_priority_nodes or 0)
    other = view is None or targets != (view.target_dedicated, view.target_spot)
    mended = view is not None and view.autoscale_error is not None
    if not (failed or other or mended):
        return
    details = {"results": run.results[:_LONGEST], "targetDedicated": targets[0], "targetSpot": targets[1]}
    if view is not None and other and not failed:
        details |= {"resized": True, "wasDedicated": view.target_dedicated, "wasSpot": view.target_spot}
    if run.error is not None and failed:
        details |= dict(zip(("code", "message"), _said(run.error), strict=True))
    before = "" if view is None or view.autoscale_at is None else "failed" if view.autoscale_error else "ok"
    pending.note("autoscale", row.id, "failed" if failed else "ok", run.timestamp, before=before, details=details)


def _draw_pool(view: PoolView, row: PoolState) -> None:
    # What is not told is what it was: it is unknown, not over.
    view.state, view.since = row.state.lower() or view.state, row.state_transition_time or view.since
    view.created = row.creation_time or view.created
    view.allocation = row.allocation_state.lower() or view.allocation
    view.allocation_since = row.allocation_state_transition_time or view.allocation_since
    slots = told(row.task_slots_per_node, view.slots)
    if slots != view.slots:
        view.used_slots = {}
    view.vm_size, view.slots = row.vm_size or view.vm_size, slots
    view.windows = pays_windows(row.virtual_machine_configuration)
    view.tags = tags_of(row)
    view.dedicated = told(row.current_dedicated_nodes, view.dedicated)
    view.spot = told(row.current_low_priority_nodes, view.spot)
    view.target_dedicated = row.target_dedicated_nodes or 0
    view.target_spot = row.target_low_priority_nodes or 0
    view.resize_timeout = _seconds(row.resize_timeout, 900.0)
    view.resize_errors = tuple(_said(error) for error in row.resize_errors)
    if row.enable_auto_scale and not view.autoscale and view.autoscale_off:
        run = row.auto_scale_run
        view.autoscale_since = run.timestamp if run else row.allocation_state_transition_time
    view.autoscale, view.autoscale_off = row.enable_auto_scale, not row.enable_auto_scale
    view.autoscale_interval = _seconds(row.auto_scale_evaluation_interval, 900.0)
    run = row.auto_scale_run if row.enable_auto_scale else None
    view.autoscale_at = run.timestamp if run else None
    view.autoscale_error = _said(run.error) if run and run.error and run.error.code else None


def tags_of(row: PoolState) -> dict[str, str]:
    """The metadata of a pool."""
    return {each.name[:_LONGEST]: each.value[:_LONGEST] for each in row.metadata if each.name}


def _seconds(text: str, otherwise: float) -> float:
    span = duration(text)
    return span.total_seconds() if span else otherwise


def _said(error: ResizeError) -> tuple[str, str]:
    """Code and words of what lies at the bottom of an error."""
    code, words = error_text(error)
    return code, words[:_LONGEST]


def fold_counts(pending: PendingState, rows: Iterable[PoolNodeCounts], aside: Collection[str] = ()) -> None:
    """Node counts of every pool that is known; those put ``aside`` stay as they were."""
    found = {fold(row.pool_id): row for row in rows}
    unknown = {fold(name) for name in aside}
    for name, known in pending.pools.items():
        if fold(name) not in found and unknown & {fold(name), ""}:
            continue
        row = found.get(fold(name), _NOTHING)
        counts = (row.dedicated, row.low_priority)
        idle = _resting(counts)
        lapsed = bool(known.preempted_at) and known.preempted_at[0] <= pending.at - _HOUR
        if known.counts == counts and bool(known.idle_since) == bool(idle) and not lapsed:
            continue
        view = pending.pool(name)
        if lapsed:
            view.preempted_at = [at for at in view.preempted_at if at > pending.at - _HOUR]
        view.counts = counts
        if not idle:
            view.idle_since, view.idle_least = None, 0
        elif view.idle_since is None:
            view.idle_since, view.idle_least = pending.at, idle
            view.idle_read = name in pending.before.pools and pending.watched_lately
        else:
            view.idle_least = min(view.idle_least, idle)


_NOTHING = PoolNodeCounts()


def fold_idle(pending: PendingState, pool: str, rows: Iterable[NodeState]) -> None:
    """Since when a pool's nodes are idle, by themselves: it rests since the last of them became so."""
    if pool not in pending.pools:
        return
    view = pending.pool(pool)
    view.idle_read = True
    times = [row.state_transition_time for row in rows if row.state.lower() == "idle" and row.state_transition_time]
    if times and view.idle_since:
        view.idle_since = min(view.idle_since, max(times))


def _resting(counts: tuple[NodeCounts, NodeCounts]) -> int:
    """The idle nodes of a pool where none works and none is on its way: a pool that boots is not idle yet."""
    busy = any(each.running or each.creating or each.starting or each.waiting_for_start_task for each in counts)
    return 0 if busy else sum(each.idle for each in counts)


def shape_of(counts: tuple[NodeCounts, NodeCounts]) -> tuple[int, ...]:
    """How many nodes are in which trouble: the columns that say whether a pool's nodes are worth a read."""
    return tuple(counted(each, state) for each in counts for state in TROUBLED_NODES)


def fold_nodes(
    pending: PendingState, pool: str, rows: Iterable[NodeState], whereabouts: Mapping[str, NodeState | None]
) -> None:
    """A pool's nodes that are in trouble; ``whereabouts`` has those that were (None: the pool has it no more).

    News of a node that got into trouble is its state; of one that came out of it the state that it has now, or
    :data:`GONE`.
    """
    if pool not in pending.pools:
        return
    view = pending.pool(pool)
    for row in [
        *rows,
        *(row for row in whereabouts.values() if row is not None and row.state.lower() in TROUBLED_NODES),
    ]:
        known = view.troubled.get(row.id)
        since = row.state_transition_time or (known.since if known else pending.at)
        if not row.state or (known is not None and since < known.since):
            continue
        node = _node(row, since)
        if known is None or (known.state, known.since) != (node.state, since):
            fresh = pending.note(
                "node",
                row.id,
                node.state,
                since,
                parent=pool,
                before=known.state if known else "",
                details=_details(node),
            )
            if fresh:
                black_box.note_node(pending, view, row, since)
            if fresh and node.state == "preempted":
                view.preempted_at.append(since)
        view.troubled[row.id] = node
    for name, found in whereabouts.items():
        known = view.troubled.get(name)
        if known is None or (found is not None and found.state.lower() in TROUBLED_NODES):
            continue
        if found is not None and not found.state:
            continue  # it is there, and how it is was not told
        if found is not None and found.state_transition_time and found.state_transition_time < known.since:
            continue  # that is what it was before the trouble: the list lags
        after = found.state.lower() if found else GONE
        at = (found.state_transition_time if found else None) or pending.at
        pending.note("node", name, after, at, parent=pool, before=known.state, details={"dedicated": known.dedicated})
        del view.troubled[name]
    if not view.troubled:
        view.boxed = {}  # a new trouble may be another one
    view.preempted_at = sorted(at for at in view.preempted_at if at > pending.at - _HOUR)


def draw_nodes(
    pending: PendingState, pool: str, rows: Iterable[NodeState], whereabouts: Mapping[str, NodeState | None]
) -> None:
    """The same, and when the counts of its nodes in trouble moved last."""
    shape = shape_of(pending.pools[pool].counts)
    if pending.shapes.get(pool) != shape:
        pending.moved[pool] = pending.at
    pending.shapes[pool], pending.nodes[pool] = shape, pending.at
    fold_nodes(pending, pool, rows, whereabouts)


def fold_node_states(pending: PendingState, pool: str, rows: Iterable[NodeState]) -> None:
    """Every change of a node's state, for who wants them all."""
    for row in rows:
        if row.state and row.state_transition_time:
            pending.note("node", row.id, row.state.lower(), row.state_transition_time, parent=pool)


def _node(row: NodeState, since: datetime) -> NodeView:
    start = row.start_task_info
    failed = start is not None and start.result.lower() == "failure"
    failure = start.failure_info if start and failed else None
    return NodeView(
        row.id,
        row.state.lower(),
        since,
        dedicated=row.is_dedicated,
        vm_size=row.vm_size,
        errors=tuple((error.code, _words(error.message, error.error_details)) for error in row.errors),
        start_task=(failure.code, _words(failure.message, failure.details)) if failure else None,
        start_exit=start.exit_code if start and failed else None,
    )


def _words(message: str, details: Sequence[object]) -> str:
    more = "; ".join(value for each in details if (value := getattr(each, "value", "")))
    return (f"{message} ({more})" if more and message else message or more)[:_LONGEST]


def _details(node: NodeView) -> dict[str, object]:
    return {
        "errors": [code for code, _ in node.errors],
        "startTask": node.start_task[0] if node.start_task else None,
        "exitCode": node.start_exit,
        "dedicated": node.dedicated,
    }
