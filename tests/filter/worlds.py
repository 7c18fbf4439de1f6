"""Rows and filters to try: few distinct values, so that they meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bot.azure.models import Counts, FailureInfo, Job, JobSchedule, Node, NodeCounts, Pool, PoolNodeCounts, Task
from bot.azure.models.job import JobExecution, JobScheduleExecution, JobSpecification, PoolInfo, RecentJob, Schedule
from bot.azure.models.node import StartTaskInfo
from bot.azure.models.task import Execution, NodeInfo
from bot.filter import ENTITIES, JOB, NODE, POOL, SCHEDULE, SCHEDULE_JOB, SHORT, TASK, Entity, Filter, Kind
from bot.filter.condition import Condition
from bot.filter.fields import ORDER
from bot.filter.values import Moment, Pattern, Wild

AT = datetime(2026, 11, 23, 13, 37, 42, 123456, tzinfo=UTC)
ZONES = ("UTC", "America/Chicago", "Asia/Kolkata")
TEXTS = (
    "frame-1",
    "Frame-10",
    "a",
    "it's",
    "''",
    "x'y or 1 eq 1",
    "β'",
    "a b",
    "a/b",
    "pool",
    "ΑΣ",
    "İ",
    "50%",
    "a,b",
    "*",
)

texts = st.sampled_from(TEXTS) | st.text("aF-1'*?\\, <>=~:", min_size=1, max_size=4)
spans = st.sampled_from([0, 1, 30, 300, 3600, 7200, 86_400, 7 * 86_400]).map(lambda s: timedelta(seconds=s))
moments = st.builds(
    lambda now, back, more: now - back - more,
    st.sampled_from([AT, AT.replace(microsecond=0), AT.replace(second=0, microsecond=0)]),
    spans,
    st.sampled_from([0, 1, 17, 3599]).map(lambda s: timedelta(seconds=s)),
)
maybe_moments = st.none() | moments
codes = st.sampled_from([0, 1, 137, -9, -1073741819])


def one_of(*values: str) -> SearchStrategy[str]:
    """A word in either case, as the service writes it."""
    return st.sampled_from([*values, *(value.capitalize() for value in values)])


def built(kind: type[Any], entity: Entity, **more: SearchStrategy[Any]) -> SearchStrategy[Any]:
    state = entity.find("state")
    assert state
    states = [
        word for word in state.words if word not in ("failed", "succeeded", "bad", "steady", "resizing", "stopping")
    ]
    return st.builds(
        kind, id=texts, state=one_of(*states), state_transition_time=moments, creation_time=moments, **more
    )


@st.composite
def runs(draw: st.DrawFn) -> Execution:
    """As the service tells it: no end before the start, a failure's reason only where there is a failure."""
    start = draw(maybe_moments)
    end = draw(st.sampled_from([None, AT, start])) if start else None
    result = draw(one_of("success", "failure") | st.just(""))
    info = draw(st.none() | st.builds(FailureInfo, code=texts)) if result.lower() == "failure" else None
    return Execution(
        start_time=start,
        end_time=end,
        exit_code=draw(st.none() | codes),
        result=result,
        failure_info=info,
        retry_count=draw(st.integers(0, 2)),
    )


tasks = built(
    Task,
    TASK,
    display_name=texts | st.just(""),
    execution_info=st.none() | runs(),
    node_info=st.none() | st.builds(NodeInfo, pool_id=texts, node_id=texts),
    command_line=texts,
    last_modified=maybe_moments,
)
jobs = built(
    Job,
    JOB,
    last_modified=moments,
    execution_info=st.none()
    | st.builds(JobExecution, start_time=maybe_moments, end_time=st.none(), pool_id=texts | st.just("")),
)
pools = built(
    Pool,
    POOL,
    allocation_state=one_of("steady", "resizing", "stopping"),
    allocation_state_transition_time=moments,
    vm_size=texts,
    last_modified=moments,
    enable_auto_scale=st.booleans(),
    current_dedicated_nodes=st.integers(0, 2),
)
start_tasks = st.builds(
    StartTaskInfo,
    state=one_of("running", "completed"),
    result=one_of("success", "failure") | st.just(""),
    exit_code=st.none() | codes,
)
nodes = st.builds(
    Node,
    id=texts,
    state=one_of(*(word for word in NODE.find("state").words if word != "bad")),  # type: ignore[union-attr]
    state_transition_time=moments,
    scheduling_state=one_of("enabled", "disabled"),
    last_boot_time=maybe_moments,
    allocation_time=maybe_moments,
    is_dedicated=st.booleans(),
    start_task_info=st.none() | start_tasks,
)
schedules = built(
    JobSchedule,
    SCHEDULE,
    last_modified=moments,
    schedule=st.none() | st.builds(Schedule, do_not_run_until=maybe_moments, do_not_run_after=maybe_moments),
    execution_info=st.none()
    | st.builds(JobScheduleExecution, end_time=maybe_moments, recent_job=st.none() | st.builds(RecentJob, id=texts)),
    job_specification=st.none() | st.builds(JobSpecification, pool_info=st.builds(PoolInfo, pool_id=texts)),
)
ROWS: dict[str, SearchStrategy[Any]] = {
    TASK.name: tasks,
    JOB.name: jobs,
    SCHEDULE_JOB.name: jobs,
    POOL.name: pools,
    NODE.name: nodes,
    SCHEDULE.name: schedules,
}
node_counts = st.builds(NodeCounts, idle=st.integers(0, 2), unusable=st.integers(0, 2))
COUNTS: dict[str, SearchStrategy[Any]] = {
    JOB.name: st.none() | st.builds(Counts, failed=st.integers(0, 2), active=st.integers(0, 2)),
    SCHEDULE_JOB.name: st.none() | st.builds(Counts, failed=st.integers(0, 2)),
    POOL.name: st.none() | st.builds(PoolNodeCounts, dedicated=node_counts),
}

patterns = (
    texts.map(Pattern.read)
    | st.sampled_from(TEXTS).map(lambda text: Pattern((text,)))
    | st.sampled_from(TEXTS).map(lambda text: Pattern((text, Wild.ANY)))
    | st.sampled_from(["frame-*", "*1", "*", "?", "f*-*", "??a*", "*'*"]).map(Pattern.read)
)
said = st.sampled_from(
    ["today", "yesterday", "14:00", "07:37", "07:37:30", "2026-11-23", "2026-11-22T13:37", "2026-11-23T12:37:42Z",
     "2026-11-23T19:07+05:30"]
).map(Moment.read)  # fmt: skip
ago = spans.map(lambda span: Moment(ago=span))


@st.composite
def conditions(draw: st.DrawFn, entity: Entity) -> Condition:
    field = draw(st.sampled_from(entity.fields))
    op = draw(st.sampled_from(sorted(field.allowed)))
    negated = draw(st.booleans())
    match field.kind:
        case Kind.FLAG:
            return Condition(field, ":", (draw(st.sampled_from(["yes", "no"])),))
        case Kind.STATE:
            value: SearchStrategy[Any] = st.sampled_from(sorted(field.words))
        case Kind.TEXT:
            value = patterns if op not in ORDER else texts.filter(str.strip).map(lambda text: Pattern((text.strip(),)))
        case Kind.DECIMAL:
            value = st.sampled_from([0.0, 0.35, 1.5, 16.0, 123456789.0])
        case Kind.BYTES:
            value = st.integers(0, 1 << 45)
        case Kind.NUMBER:
            value = codes | st.integers(-2, 2) | st.just(1 << 40)
        case Kind.TIME:
            value = said | ago if op == ":" else said
        case _:
            value = spans
    values = draw(st.lists(value, min_size=1, max_size=1 if op in ORDER else 3, unique=True))
    values = [v for v in values if not (isinstance(v, Pattern) and str(v) != str(v).strip())] or ["?"]
    values = [Pattern.read("x") if v == "?" else v for v in values]
    return Condition(field, op, tuple(values), negated)


@st.composite
def filters(draw: st.DrawFn, entity: Entity) -> Filter:
    found = draw(st.lists(conditions(entity), min_size=1, max_size=4, unique=True))
    return Filter(entity, tuple(found), draw(st.sampled_from(ZONES)))


entities = st.sampled_from(sorted(ENTITIES)).map(ENTITIES.__getitem__)
any_filters = (entities | st.sampled_from(SHORT)).flatmap(filters)


def on_the_wire(value: Any) -> Any:
    """A row as the other side of the wire has it: nothing there is None, and entities have a body."""
    if isinstance(value, msgspec.Struct):
        made = SimpleNamespace(**{name: on_the_wire(getattr(value, name)) for name in value.__struct_fields__})
        made.body = made
        return made
    return None if value == "" else value
