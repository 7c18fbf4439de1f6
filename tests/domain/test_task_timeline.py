"""When tasks waited, for what, and where the time of a job went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.models import Node
from bot.azure.models.node import RecentTask, StartTaskInfo
from bot.azure.models.task import Dependencies, Execution, Place, TaskIdRange, TaskMoments, TaskStats
from bot.domain.task_timeline.lanes import busy_seconds, lanes_of, put_backs, use_of
from bot.domain.task_timeline.moments import NodeFacts, TaskFacts, node_facts, task_facts
from bot.domain.task_timeline.phases import course_of, finding
from bot.domain.task_timeline.single import node_finding, node_life, task_finding
from bot.domain.task_timeline.waits import RUNS, Span, TaskSpans, spans_of
from storage.port.timings import NodeBoot

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZERO = BEGIN.timestamp()


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def ran(name: str, made: float, began: float, ended: float, node: str = "n1", **more: object) -> TaskFacts:
    return TaskFacts(name, ZERO + made, "completed", ZERO + ended, ZERO + began, ZERO + ended, node=node, **more)  # type: ignore[arg-type]


def node(name: str, allocated: float, booted: float, usable: float) -> NodeFacts:
    return NodeFacts(name, ZERO + allocated, ZERO + booted, ZERO + usable)


def told(tasks: TaskSpans) -> list[tuple[str, float, float]]:
    return [(span.kind, round(span.begin - ZERO, 3), round(span.end - ZERO, 3)) for span in tasks.spans]


def test_a_first_task_waits_for_its_node_part_by_part() -> None:
    first, second = spans_of([ran("a", 0, 210, 300), ran("b", 0, 301, 400)], [node("n1", 20, 140, 200)], {}, ZERO + 400)
    assert told(first) == [
        ("nodes", 0, 20), ("boot", 20, 140), ("start", 140, 200), ("slots", 200, 210), ("run", 210, 300)
    ]  # fmt: skip
    assert told(second)[-2:] == [("slots", 200, 301), ("run", 301, 400)]


def test_no_boot_is_blamed_where_another_node_was_up_or_a_task_ran() -> None:
    up = node("n0", -900, -700, -600)
    (alone,) = spans_of([ran("a", 0, 210, 300)], [up, node("n1", 20, 140, 200)], {}, ZERO + 400)
    assert told(alone) == [("slots", 0, 210), ("run", 210, 300)], "somebody else had n0"
    _, second = spans_of([ran("a", 0, 1, 190, "n0"), ran("b", 2, 201, 300)], [node("n1", 20, 140, 200)], {}, ZERO + 400)
    assert told(second)[0] == ("slots", 2, 201), "one of them ran meanwhile"


def test_a_task_waits_for_those_that_it_depends_on() -> None:
    several = Dependencies(("a",), (TaskIdRange(1, 3),))
    tasks = [ran("a", 0, 0, 50), ran("2", 0, 10, 80), ran("9", 0, 10, 500), ran("c", 1, 90, 100, after=several)]
    assert told(spans_of(tasks, [], {}, ZERO + 500)[3]) == [("held", 1, 80), ("slots", 80, 90), ("run", 90, 100)]
    failed = ran("a", 0, 0, 50, failed=True)
    waiting = TaskFacts("b", ZERO, "active", ZERO, after=Dependencies(("a",)))
    assert told(spans_of([failed, waiting], [], {}, ZERO + 99)[1]) == [("held", 0, 99)], "it never starts"
    gone = TaskFacts("b", ZERO, "active", ZERO, after=Dependencies(("deleted",)))
    assert told(spans_of([gone], [], {}, ZERO + 99)[0]) == [("slots", 0, 99)], "nothing is known of it"


def test_preparation_counts_where_the_task_started_right_after_it() -> None:
    window = {"n1": (ZERO + 30, ZERO + 60)}
    first, later = spans_of([ran("a", 0, 61, 70), ran("b", 0, 200, 210)], [], window, ZERO + 210)
    assert told(first) == [("slots", 0, 30), ("preparation", 30, 60), ("slots", 60, 61), ("run", 61, 70)]
    assert told(later) == [("slots", 0, 200), ("run", 200, 210)]
    [ready] = spans_of([ran("a", 60, 61, 70)], [], window, ZERO + 70)
    assert told(ready) == [("slots", 60, 61), ("run", 61, 70)], "it was over when the task came"
    now = TaskFacts("c", ZERO, "preparing", ZERO + 40, node="n2")
    assert told(spans_of([now], [], {}, ZERO + 90)[0]) == [("slots", 0, 40), ("preparation", 40, 90)]


def test_runs_before_are_told_apart_where_the_service_tells_how_long_they_were() -> None:
    known = ran("a", 0, 100, 150, again=2, last_again=ZERO + 98, before=60.0)
    assert told(spans_of([known], [], {}, ZERO + 150)[0]) == [
        ("slots", 0, 38), ("earlier", 38, 98), ("slots", 98, 100), ("run", 100, 150)
    ]  # fmt: skip
    unknown = ran("a", 0, 100, 150, again=1, requeued=1, last_again=ZERO + 70, last_back=True)
    (spans,) = spans_of([unknown], [], {}, ZERO + 150)
    assert told(spans) == [("unknown", 0, 70), ("requeued", 70, 100), ("run", 100, 150)]
    assert [(each.at, each.tasks) for each in put_backs([spans, spans], 60)] == [(ZERO + 70, 2)]


def test_facts_of_the_models() -> None:
    run = Execution(
        start_time=at(100), end_time=at(150), result="Failure", retry_count=1, last_retry_time=at(99), requeue_count=1,
        last_requeue_time=at(50),
    )  # fmt: skip
    stats = TaskStats(last_update_time=at(2000), wall_clock_time="PT1M50S")
    over = TaskMoments("a", "", at(0), "Completed", at(150), run, Place("p", "N1"), stats=stats)
    (task,) = task_facts([over, TaskMoments("never made")])
    assert (task.again, task.requeued, task.before, task.node, task.failed) == (2, 1, 60.0, "n1", True)
    assert task.last_again == ZERO + 99
    assert not task.last_back
    (young,) = task_facts(
        [TaskMoments("a", "", at(0), "completed", at(150), run, stats=TaskStats(wall_clock_time="PT9M"))]
    )
    assert young.before is None, "statistics without a time may be of before"
    (again,) = task_facts([TaskMoments("a", "", at(0), "active", at(99), Execution(start_time=at(1), retry_count=1))])
    assert again.began is None, "that was the run before"


def test_nodes_that_are_there_and_boots_that_were_kept() -> None:
    start = StartTaskInfo(start_time=at(60), end_time=at(90), result="success")
    nodes = [
        Node("N1", "idle", allocation_time=at(0), last_boot_time=at(60), start_task_info=start),
        Node("rebooted", "idle", allocation_time=at(0), last_boot_time=at(90_000)),
        Node("starting", "starting", allocation_time=at(0)),
    ]
    kept = [NodeBoot("a", "p", each, "s", True, at(-50), 40.0) for each in ("gone", "n1")]
    assert node_facts(nodes, kept) == [
        NodeFacts("gone", ZERO - 50, ZERO - 10, ZERO - 10),
        NodeFacts("n1", ZERO, ZERO + 60, ZERO + 90),
        NodeFacts("rebooted", ZERO, ZERO, ZERO),
        NodeFacts("starting", ZERO),
    ]


CASES = {
    "boot, then slots": (
        [ran(f"{n}", 0, 300 + n * 100, 399 + n * 100) for n in range(9)],
        [node("n1", 1, 300, 300)],
        "For 92 % of 20 min, tasks waited for nodes: 5 min boot, then 1 slot for 9 tasks",
    ),
    "boot": ([ran("a", 0, 300, 400)], [node("n1", 0, 300, 300)], "For 75 % of 6 min 40 s, nothing ran: 5 min boot"),
    "it ran": ([ran("a", 0, 1, 400)], [], "It ran for all of 6 min 40 s"),
    "in turn": (
        [
            ran(f"{n}", 0, n * 100, n * 100 + 99, after=Dependencies((f"{n - 1}",)) if n else None)
            for n in range(4)
        ],
        [],
        "For 75 % of 6 min 39 s, tasks waited for other tasks",
    ),
    "the last": (
        [ran(f"{n}", 0, 1, 50) for n in range(9)] + [ran("long", 0, 1, 300)],
        [],
        "For 83 % of 5 min, only the last task ran, of 10 at once before",
    ),
    "in vain": (
        [ran("a", 0, 290, 300, again=3, last_again=ZERO + 289)],
        [],
        "For 97 % of 5 min, tasks waited or ran in vain, and were run again",
    ),
    "no task": (
        [ran("a", 0, 1, 50), ran("b", 200, 200, 250)],
        [],
        "For 60 % of 4 min 10 s, there was no task to run",
    ),
    "a bit of boot": (
        [ran("a", 0, 50, 400)],
        [node("n1", 0, 50, 50)],
        "It ran for 88 % of 6 min 40 s, after 50 s boot",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_where_the_time_went(name: str) -> None:
    tasks, nodes, sentence = CASES[name]
    course = course_of(spans_of(tasks, nodes, {}, max(task.ended or 0 for task in tasks)))
    assert course is not None
    assert finding(course).startswith(sentence)
    assert sum(phase.end - phase.begin for phase in course.phases) == pytest.approx(course.seconds)


def test_nothing_is_said_of_no_tasks() -> None:
    assert course_of([]) is None
    assert course_of(spans_of([TaskFacts("a", ZERO, "active", ZERO)], [], {}, ZERO)) is None


def test_lanes_are_as_few_as_ran_at_once_and_what_was_before_is_on_no_node() -> None:
    tasks = [ran("a", 0, 0, 100), ran("b", 0, 10, 50), ran("c", 0, 50, 90), ran("d", 0, 5, 9, "n2", failed=True)]
    tasks.append(ran("e", 0, 100, 120, again=1, requeued=1, last_again=ZERO + 90, last_back=True, before=60.0))
    first, second = lanes_of(spans_of(tasks, [], {}, ZERO + 120))
    assert [len(lane) for lane in first.lanes] == [2, 2]
    assert {span.kind for lane in first.lanes for span in lane} == {"run"}
    assert (first.node, first.tasks, second.node, second.failed) == ("n1", 4, "n2", 1)
    (use,) = use_of([first, second], ZERO, ZERO + 120, 2, 1)
    assert use.slots == 3
    assert use.failures == (1, 0)


MOMENTS = st.floats(0, 1e5).map(lambda value: round(value, 1))


@st.composite
def facts(made: st.DrawFn) -> TaskFacts:
    state = made(st.sampled_from(("active", "preparing", "running", "completed")))
    times = sorted(made(st.lists(MOMENTS, min_size=4, max_size=4)))
    again = made(st.integers(0, 3))
    return TaskFacts(
        made(st.sampled_from("abcdef")), times[0], state, times[3],
        times[2] if state in ("running", "completed") and made(st.booleans()) else None,
        times[3] if state == "completed" and made(st.booleans()) else None,
        made(st.booleans()), again, made(st.integers(0, again)),
        made(st.none() | MOMENTS) if again else None, made(st.booleans()) and again > 0,
        made(st.none() | MOMENTS) if again else None, made(st.sampled_from(("", "n1", "n2"))),
        made(st.none() | st.just(Dependencies(("a", "b")))),
    )  # fmt: skip


NODES = st.builds(
    NodeFacts, st.sampled_from(("n1", "n2")), st.none() | MOMENTS, st.none() | MOMENTS, st.none() | MOMENTS
)
WINDOWS = st.dictionaries(st.sampled_from(("n1", "n2")), st.tuples(MOMENTS, MOMENTS))


@given(st.lists(facts(), max_size=12), st.lists(NODES, max_size=4), WINDOWS)
def test_whatever_is_told_every_second_is_told_once(
    tasks: list[TaskFacts], nodes: list[NodeFacts], prepared: dict[str, tuple[float, float]]
) -> None:
    now = 1e5
    found = spans_of(tasks, nodes, prepared, now)
    for task in found:
        for span in task.spans:
            assert span.end > span.begin
        for before, after in pairwise(task.spans):
            assert before.end == after.begin
        if task.spans:
            assert task.spans[0].begin == task.task.made
    course = course_of(found)
    if course is None:
        return
    assert sum(course.by_kind.values()) == pytest.approx(sum(task.seconds(*course.by_kind) for task in found))
    assert sum(phase.end - phase.begin for phase in course.phases) == pytest.approx(course.seconds)
    assert finding(course)
    runs = [span for task in found for span in task.spans if span.kind in RUNS]
    assert busy_seconds(runs, course.begin, course.end, 7).sum() == pytest.approx(course.worked, abs=1e-3)
    for lanes in lanes_of(found):
        for lane in lanes.lanes:
            assert all(a.end <= b.begin + 1e-6 for a, b in pairwise(lane))


def test_parts_of_the_time_have_their_part_of_the_work() -> None:
    assert busy_seconds([Span("run", 0, 10), Span("run", 5, 20)], 0, 20, 4).tolist() == [5, 10, 5, 5]


OF_TASKS = {
    "boot": (
        ran("a", 0, 210, 300),
        "For 70 % of 5 min, it waited: 2 min boot of its node, 1 min start task of its node, 20 s",
    ),
    "ran": (ran("a", 0, 1, 300), "It ran for 99 % of 5 min"),
    "failed": (ran("a", 0, 1, 300, failed=True), "It failed after it ran for 99 % of 5 min"),
    "again": (
        ran("a", 0, 290, 300, again=2, last_again=ZERO + 289),
        "For 96 % of 5 min, it waited or ran in vain: it was run again 2 times",
    ),
    "lost": (
        ran("a", 0, 50, 300, again=1, requeued=1, last_again=ZERO + 40, last_back=True),
        "It ran for 83 % of 5 min, after 50 s of waiting; it was put back into the queue 1 time",
    ),
    "waits": (TaskFacts("a", ZERO, "active", ZERO), "For 100 % of 5 min so far, it waited: 5 min for a slot"),
}


@pytest.mark.parametrize("name", OF_TASKS)
def test_where_the_time_of_a_task_went(name: str) -> None:
    task, sentence = OF_TASKS[name]
    nodes = [node("n1", 20, 140, 200)] if name == "boot" else []
    (spans,) = spans_of([task], nodes, {}, ZERO + 300)
    assert task_finding(spans).startswith(sentence)


def recent(begin: float, end: float | None, result: str = "success", name: str = "a") -> RecentTask:
    run = Execution(start_time=at(begin), end_time=at(end) if end else None, result=result)
    return RecentTask(job_id="j", task_id=name, task_state="completed" if end else "running", execution_info=run)


def test_a_node_from_its_allocation_on() -> None:
    start = StartTaskInfo(state="completed", start_time=at(60), end_time=at(1000), result="success")
    tasks = (recent(1100, 1200), recent(1150, None), RecentTask(task_id="about to begin"))
    found = Node(
        "n1", "running", allocation_time=at(0), last_boot_time=at(60), start_task_info=start, recent_tasks=tasks,
        total_tasks_run=2, running_tasks_count=1,
    )  # fmt: skip
    life = node_life(found, at(1300))
    assert life is not None
    assert life.whole
    assert (life.seconds("boot"), life.seconds("start"), life.busy, life.ready) == (60, 940, 200, ZERO + 1000)
    assert node_finding(life) == "72 % of 22 min went into its start task: 16 min"


def test_a_node_that_ran_more_than_it_tells_of() -> None:
    tasks = tuple(recent(n * 100, n * 100 + 20, "failure", f"t{n}") for n in range(100, 110))
    found = Node("n1", "idle", allocation_time=at(0), last_boot_time=at(60), recent_tasks=tasks, total_tasks_run=500)
    life = node_life(found, at(11_000))
    assert life is not None
    assert not life.whole
    assert life.begin == ZERO + 10_000
    assert {task.span.kind for task in life.tasks} == {"failed"}
    assert node_finding(life) == "For 80 % of the last 17 min, it ran nothing"


def test_nodes_that_tell_little() -> None:
    assert node_life(Node("n1", "unknown"), at(10)) is None
    failed = StartTaskInfo(state="completed", start_time=at(60), end_time=at(100), result="failure")
    broken = Node("n1", "starttaskfailed", allocation_time=at(50), last_boot_time=at(60), start_task_info=failed)
    life = node_life(broken, at(110))
    assert life is not None
    assert life.ready is None
    assert node_finding(life) == "67 % of 1 min went into a start task that failed: 40 s"


_IDS = st.integers(0, 8)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.lists(st.tuples(_IDS, _IDS), max_size=3)), max_size=9))
def test_ranges_of_tasks_are_looked_up_as_their_ids_would_be(
    kinds: list[tuple[bool, bool, list[tuple[int, int]]]],
) -> None:
    def those(*, by_range: bool) -> list[list[tuple[str, float, float]]]:
        tasks = []
        for place, (over, failed, ranges) in enumerate(kinds):
            named = tuple(str(each) for first, last in ranges for each in range(first, last + 1))
            spans = tuple(TaskIdRange(first, last) for first, last in ranges)
            after = Dependencies((), spans) if by_range else Dependencies(named, ())
            tasks.append(
                ran(str(place), 0, 5 + place, 40 - 3 * place, failed=failed, after=after)
                if over
                else TaskFacts(str(place), ZERO, "active", ZERO, after=after)
            )
        return [told(each) for each in spans_of(tasks, [], {}, ZERO + 60)]

    assert those(by_range=True) == those(by_range=False)


def test_ten_thousand_tasks_each_after_all_before_it_do_not_stall() -> None:
    """To look through all before each takes a quarter of a minute, and so does the same of nodes: no time is told."""
    count = 10_000
    after = [Dependencies((), (TaskIdRange(0, each - 1),)) for each in range(count)]
    tasks = [ran(str(each), 0, 10 * each + 1, 10 * each + 5, f"n{each}", after=after[each]) for each in range(count)]
    nodes = [node(f"n{each}", 10 * each - 20, 10 * each - 10, 10 * each) for each in range(count)]
    last = spans_of(tasks, nodes, {}, ZERO + 10 * count)[-1]
    end = 10 * count - 10
    assert told(last) == [("held", 0, end - 5), ("slots", end - 5, end + 1), ("run", end + 1, end + 5)]
