"""Where the time of a job, a task and a node went, in words: every stage, every headline, and where each begins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.azure.models.task import Dependencies
from bot.domain.task_timeline.lanes import lanes_of, put_backs, use_of
from bot.domain.task_timeline.moments import NodeFacts, TaskFacts
from bot.domain.task_timeline.phases import Course, Phase, Stage, course_of, finding, words
from bot.domain.task_timeline.single import task_finding
from bot.domain.task_timeline.waits import Kind, Span, TaskSpans, spans_of
from tests.domain.test_task_timeline import ZERO, node, ran, told


@pytest.mark.parametrize(
    ("stage", "ran_", "waited", "said"),
    [
        ("held", 0, 3, "2 min waiting for other tasks"),
        ("nodes", 0, 3, "2 min until a node was there"),
        ("boot", 0, 3, "2 min boot"),
        ("start", 0, 3, "2 min start task"),
        ("slots", 0, 3, "2 min without a free slot"),
        ("preparation", 0, 3, "2 min job preparation"),
        ("requeued", 0, 3, "2 min after tasks were put back"),
        ("unknown", 0, 3, "2 min of waiting and runs that were repeated"),
        ("full", 40, 3, "2 min with 40 at a time, others waiting"),
        ("order", 1, 1, "2 min in which 1 task waited for others"),
        ("order", 1, 3, "2 min in which 3 tasks waited for others"),
        ("run", 1, 0, "2 min with up to 1 task at a time, none waiting"),
        ("run", 4, 0, "2 min with up to 4 tasks at a time, none waiting"),
        ("last", 2, 0, "2 min for the last 2 tasks"),
        ("last", 1, 0, "2 min for the last task"),
        ("none", 0, 0, "2 min without a task"),
    ],
)
def test_a_phase_in_words(stage: Stage, ran_: int, waited: int, said: str) -> None:
    assert words(Phase(stage, 100.0, 220.0, ran_, waited)) == said


def course(*phases: tuple[Stage, float] | tuple[Stage, float, int], at_once: int = 8, **vain: float) -> Course:
    """A job of so many seconds in each stage, one after the other, with 40 tasks."""
    found, begin = [], 0.0
    for stage, seconds, *many in phases:
        found.append(Phase(stage, begin, begin + seconds, many[0] if many else 0))
        begin += seconds
    by_kind: dict[Kind, float] = dict(vain)  # type: ignore[arg-type]
    return Course(0.0, begin, tuple(found), 40, at_once, 0.0, 1000.0, by_kind)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (course(), "It took no time at all"),
        # three tenths of the time are the headline, less is not
        (course(("held", 300), ("run", 700)), "For 30 % of 17 min, tasks waited for other tasks"),
        (course(("held", 299), ("run", 701)), "It ran for 70 % of 17 min"),
        (course(("held", 200), ("order", 100), ("run", 700)), "For 30 % of 17 min, tasks waited for other tasks"),
        (course(("unknown", 300), ("run", 700)),
         "For 30 % of 17 min, tasks waited or ran in vain, and were run again"),
        (course(("run", 700), ("none", 300)), "For 30 % of 17 min, there was no task to run"),
        (course(("run", 700), ("last", 300, 1)), "For 30 % of 17 min, only the last task ran, of 8 at once before"),
        (course(("run", 700), ("last", 300, 2)), "For 30 % of 17 min, only the last 2 tasks ran, of 8 at once before"),
        (course(("last", 300, 2), ("run", 700)), "It ran for all of 17 min"),
        # nodes: what stood still, and slots that were too few
        (course(("boot", 200), ("start", 100), ("run", 700)),
         "For 30 % of 17 min, nothing ran: 3 min 20 s boot, 1 min 40 s start task"),
        (course(("boot", 100), ("nodes", 300), ("start", 200), ("run", 400)),
         "For 60 % of 17 min, nothing ran: 5 min until a node was there, 3 min 20 s start task"),
        (course(("boot", 200), ("start", 1), ("full", 99), ("run", 700)),
         "For 30 % of 17 min, nothing ran: 3 min 20 s boot"),
        (course(("boot", 200), ("full", 101), ("run", 699)),
         "For 30 % of 17 min, tasks waited for nodes: 3 min 20 s boot, then 8 slots for 40 tasks"),
        (course(("full", 300), ("run", 700), at_once=1),
         "For 30 % of 17 min, tasks waited for nodes: 1 slot for 40 tasks"),
        (course(("full", 300), ("boot", 4), ("run", 696)),
         "For 30 % of 17 min, tasks waited for nodes: 8 slots for 40 tasks"),
        (course(("full", 300), ("boot", 5), ("run", 695)),
         "For 30 % of 17 min, tasks waited for nodes: 5 s boot, then 8 slots for 40 tasks"),
        # nothing that is the headline: for how long it ran, and how much of that failed
        (course(("run", 1000)), "It ran for all of 17 min"),
        (course(("run", 995), ("none", 5)), "It ran for all of 17 min"),
        (course(("run", 994), ("none", 6)), "It ran for 99 % of 17 min"),
        (course(("boot", 100), ("run", 900)), "It ran for 90 % of 17 min, after 1 min 40 s boot"),
        (course(("boot", 100), ("held", 50), ("unknown", 50), ("run", 800)),
         "It ran for 80 % of 17 min, after 1 min 40 s boot"),
        (course(("run", 1000), failed=200, earlier=100), "It ran for all of 17 min, 30 % of it in runs that failed"),
        (course(("run", 1000), failed=200, earlier=99), "It ran for all of 17 min"),
        (course(("run", 900), ("none", 100), failed=500), "It ran for 90 % of 17 min, 50 % of it in runs that failed"),
    ],
)  # fmt: skip
def test_the_headline_of_a_job(job: Course, said: str) -> None:
    assert finding(job) == said


def test_a_job_that_goes_on_says_so() -> None:
    assert finding(course(("run", 1000)), going=True) == "It ran for all of 17 min so far"
    assert finding(course(("held", 600), ("run", 400)), going=True) == (
        "For 60 % of 17 min so far, tasks waited for other tasks"
    )


def stages(*tasks: TaskSpans) -> list[tuple[str, float, float, int, int]]:
    found = course_of(tasks)
    assert found
    return [(each.stage, each.begin, each.end, each.ran, each.waited) for each in found.phases]


def spans(*kinds: tuple[Kind, float, float]) -> TaskSpans:
    """A task by its spans."""
    return TaskSpans(TaskFacts("a", ZERO, "completed", ZERO), tuple(Span(*each) for each in kinds))


def test_what_went_on_is_told_by_most_of_those_that_wait() -> None:
    two = [spans(("slots", 0, 100), ("run", 100, 200)), spans(("boot", 0, 100), ("run", 100, 200))]
    assert stages(*two, spans(("boot", 0, 100), ("run", 100, 200))) == [("boot", 0, 100, 0, 3), ("run", 100, 200, 3, 0)]
    assert stages(spans(("held", 0, 100), ("run", 100, 200)), spans(("slots", 0, 100), ("run", 100, 200))) == [
        ("slots", 0, 100, 0, 2), ("run", 100, 200, 2, 0),
    ]  # fmt: skip
    assert stages(spans(("held", 0, 100)), spans(("unknown", 0, 100))) == [("unknown", 0, 100, 0, 1)]
    assert stages(spans(("held", 0, 100))) == [("held", 0, 100, 0, 1)]
    assert stages(spans(("run", 0, 100)), spans(("run", 200, 300))) == [
        ("run", 0, 100, 1, 0), ("none", 100, 200, 0, 0), ("run", 200, 300, 1, 0),
    ]  # fmt: skip


def test_tasks_that_run_beside_those_that_wait() -> None:
    long = spans(("run", 0, 200))
    assert stages(long, spans(("slots", 0, 100), ("run", 100, 200)))[0] == ("full", 0, 100, 1, 1)
    assert stages(long, spans(("held", 0, 100), ("run", 100, 200)))[0] == ("order", 0, 100, 1, 1)
    both = stages(long, spans(("held", 0, 100)), spans(("slots", 0, 100)))
    assert both[0] == ("full", 0, 100, 1, 2), "for a slot says more"


def test_the_end_begins_where_fewer_than_half_run() -> None:
    """Of four at once, two are half."""
    four = [spans(("run", 0, 100)), spans(("run", 0, 100)), spans(("run", 0, 200)), spans(("run", 0, 300))]
    assert stages(*four) == [("run", 0, 200, 4, 0), ("last", 200, 300, 1, 0)]


def test_what_is_too_short_belongs_to_what_was_before_it() -> None:
    """A two-hundredth of the whole: five seconds of a thousand stand by themselves, four do not."""
    short = stages(spans(("slots", 0, 100), ("run", 100, 500), ("slots", 500, 504), ("run", 504, 1000)))
    assert short == [("slots", 0, 100, 0, 1), ("run", 100, 1000, 1, 1)]
    assert len(stages(spans(("slots", 0, 100), ("run", 100, 500), ("slots", 500, 505), ("run", 505, 1000)))) == 4
    assert stages(spans(("slots", 0, 4), ("run", 4, 1000))) == [("run", 0, 1000, 1, 0)], "the first to the one after"


# Tasks


def said_of(task: TaskFacts, *parts: tuple[Kind, float]) -> str:
    begin, found = 0.0, []
    for kind, seconds in parts:
        found.append(Span(kind, begin, begin + seconds))
        begin += seconds
    return task_finding(TaskSpans(task, tuple(found)))


OVER = TaskFacts("a", ZERO, "completed", ZERO)
AGAIN = TaskFacts("a", ZERO, "completed", ZERO, again=2)
BACK = TaskFacts("a", ZERO, "completed", ZERO, again=1, requeued=1)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (said_of(OVER), "It took no time at all"),
        (said_of(TaskFacts("a", ZERO, "running", ZERO), ("run", 100)), "It ran for 1 min 40 s so far"),
        (said_of(OVER, ("run", 100)), "It ran for 1 min 40 s"),
        (said_of(TaskFacts("a", ZERO, "completed", ZERO, failed=True), ("failed", 100)),
         "It failed after it ran for 1 min 40 s"),
        (said_of(OVER, ("held", 40), ("nodes", 30), ("boot", 20), ("start", 10), ("run", 50)),
         "For 67 % of 2 min 30 s, it waited: 40 s for other tasks, 30 s until its node was there, "
         "20 s boot of its node"),
        (said_of(OVER, ("start", 40), ("slots", 30), ("preparation", 20), ("run", 60)),
         "For 60 % of 2 min 30 s, it waited: 40 s start task of its node, 30 s for a slot, "
         "20 s for the preparation of its job"),
        (said_of(BACK, ("requeued", 80), ("run", 20)),
         "For 80 % of 1 min 40 s, it waited: 1 min 20 s after it was put back into the queue"),
        (said_of(OVER, ("slots", 50), ("run", 50)), "For 50 % of 1 min 40 s, it waited: 50 s for a slot"),
        (said_of(OVER, ("slots", 49), ("run", 51)), "It ran for 51 % of 1 min 40 s, after 49 s of waiting"),
        (said_of(OVER, ("slots", 1), ("run", 99)), "It ran for 99 % of 1 min 40 s"),
        (said_of(OVER, ("slots", 2), ("run", 98)), "It ran for 98 % of 1 min 40 s, after 2 s of waiting"),
        (said_of(AGAIN, ("unknown", 30), ("earlier", 30), ("run", 40)),
         "For 60 % of 1 min 40 s, it waited or ran in vain: it was run again 2 times"),
        (said_of(BACK, ("earlier", 60), ("run", 40)),
         "For 60 % of 1 min 40 s, it waited or ran in vain: it was put back into the queue 1 time"),
        (said_of(AGAIN, ("earlier", 40), ("run", 60)),
         "It ran for 60 % of 1 min 40 s, after 40 s of waiting; it was run again 2 times"),
    ],
)  # fmt: skip
def test_the_headline_of_a_task(said: str, expected: str) -> None:
    assert said == expected


def test_a_wait_part_by_part() -> None:
    """The spans of one task, whatever else of its job is there."""
    nodes = [node("n1", 20, 140, 200)]
    (first,) = spans_of([ran("a", 0, 210, 300)], nodes, {}, ZERO + 300)
    assert told(first) == [
        ("nodes", 0, 20), ("boot", 20, 140), ("start", 140, 200), ("slots", 200, 210), ("run", 210, 300),
    ]  # fmt: skip
    ready = TaskFacts("a", ZERO, "preparing", ZERO + 40, node="n1")
    (going,) = spans_of([ready], [], {"n1": (ZERO + 50, ZERO + 60)}, ZERO + 90)
    assert told(going) == [("slots", 0, 50), ("preparation", 50, 90)], "as the node says it"
    for began, parts in ((75, 4), (76, 2)):
        (found,) = spans_of([ran("a", 0, began, 100)], [], {"n1": (ZERO + 50, ZERO + 60)}, ZERO + 100)
        assert len(told(found)) == parts, "within fifteen seconds of its end it was that"
    ended = TaskFacts("a", ZERO, "completed", ZERO + 70)
    (never,) = spans_of([ended], [], {}, ZERO + 90)
    assert told(never) == [("slots", 0, 70)], "it was ended before it ran"
    for parent, waits in (
        (ran("b", 0, 5, 60), ("held", 0, 60)),
        (TaskFacts("b", ZERO, "active", ZERO), ("held", 0, 90)),
    ):
        child = TaskFacts("a", ZERO, "active", ZERO, after=Dependencies(("b",)))
        (held, *_) = spans_of([child, parent], [], {}, ZERO + 90)
        assert told(held)[0] == waits


def parts(task: TaskFacts, *others: TaskFacts, nodes: Sequence[NodeFacts] = (), now: float = 300) -> list[str]:
    """The spans of a task beside others: ``boot 20-140``."""
    (first, *_) = spans_of([task, *others], nodes, {}, ZERO + now)
    return [f"{kind} {begin:g}-{end:g}" for kind, begin, end in told(first)]


WAITING = TaskFacts("a", ZERO, "active", ZERO)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        pytest.param([], ["slots 0-300"], id="nothing is known of nodes"),
        pytest.param([NodeFacts("n", ZERO + 20)], ["nodes 0-20", "boot 20-300"], id="one boots"),
        pytest.param([NodeFacts("n", ZERO + 20, ZERO + 80)], ["nodes 0-20", "boot 20-80", "start 80-300"],
                     id="one has booted, and is not ready"),
        pytest.param([NodeFacts("n", ZERO + 20), NodeFacts("up", ZERO - 9, ZERO - 5, ZERO)], ["slots 0-300"],
                     id="another was up when it came"),
        pytest.param([NodeFacts("n")], ["slots 0-300"], id="nobody knows when it was allocated"),
        pytest.param([NodeFacts("n", ZERO + 20), NodeFacts("m", ZERO + 30, ZERO + 50, ZERO + 90)],
                     ["nodes 0-20", "boot 20-300"], id="another is up that ran none of these tasks"),
        pytest.param([NodeFacts("n", ZERO + 400)], ["slots 0-300"], id="it is allocated later"),
    ],
)  # fmt: skip
def test_what_a_task_waits_for_while_its_job_has_no_node(nodes: list[NodeFacts], said: list[str]) -> None:
    assert parts(WAITING, nodes=nodes) == said


def test_of_several_nodes_the_first_that_was_ready_ended_the_wait() -> None:
    nodes = [node("n2", 10, 90, 120), node("n1", 20, 60, 100)]
    assert parts(ran("a", 0, 130, 200), ran("b", 0, 101, 200, "n2"), nodes=nodes) == [
        "nodes 0-20", "boot 20-60", "start 60-100", "slots 100-130", "run 130-200",
    ]  # fmt: skip
    failed = NodeFacts("n1", ZERO + 10, ZERO + 20, ZERO + 10)
    assert parts(ran("a", 0, 130, 200), nodes=[failed]) == ["nodes 0-10", "slots 10-130", "run 130-200"]


def test_a_node_that_came_before_the_wait_is_not_what_was_waited_for_later() -> None:
    """The job ran from 50 to 100 and again from 200 on; between, only a node that is new can have been awaited."""
    first, later = ran("b", 0, 50, 100), ran("a", 150, 250, 300)
    old = [node("n1", 0, 40, 45)]
    assert parts(later, first, nodes=old) == ["slots 150-250", "run 250-300"]


def test_lanes_and_put_backs() -> None:
    tasks = [ran("a", 0, 0, 100), ran("b", 0, 100, 150), ran("c", 0, 99, 120), ran("d", 0, 10, 20, "n2", failed=True)]
    first, second = lanes_of(spans_of(tasks, [], {}, ZERO + 200))
    assert [[(span.begin - ZERO, span.end - ZERO) for span in lane] for lane in first.lanes] == [
        [(0, 100), (100, 150)], [(99, 120)],
    ]  # fmt: skip
    assert (first.tasks, first.failed, second.tasks, second.failed) == (3, 0, 1, 1)
    back = [ran(str(n), 0, 500, 600, again=1, requeued=1, last_again=ZERO + at_, last_back=True)
            for n, at_ in enumerate((100, 159, 160, 161, 300))]  # fmt: skip
    found = put_backs(spans_of(back, [], {}, ZERO + 600), 60)
    assert [(each.at - ZERO, each.tasks) for each in found] == [(100, 2), (160, 2), (300, 1)]
    assert put_backs(spans_of([ran("a", 0, 9, 10, again=1, last_again=ZERO + 5)], [], {}, ZERO + 9), 60) == []


def test_how_busy_nodes_were() -> None:
    tasks = [
        ran("a", 0, 0, 50),
        ran("b", 0, 0, 100),
        ran("c", 0, 50, 100, "n2"),
        ran("d", 0, 60, 75, "n3", failed=True),
    ]
    nodes = lanes_of(spans_of(tasks, [], {}, ZERO + 100))
    apart = use_of(nodes, ZERO, ZERO + 100, 4, 3)
    assert [(each.nodes, each.slots, each.shares, each.failures) for each in apart] == [
        (("n1",), 2, (1, 1, 0.5, 0.5), (0, 0, 0, 0)),
        (("n2",), 1, (0, 0, 1, 1), (0, 0, 0, 0)),
        (("n3",), 1, (0, 0, 0.6, 0), (0, 0, 0, 1)),
    ]
    together = use_of(nodes, ZERO, ZERO + 100, 2, 2)
    assert [(each.nodes, each.slots, each.shares) for each in together] == [
        (("n1", "n2"), 3, (0.6667, 0.6667)), (("n3",), 1, (0, 0.3)),
    ]  # fmt: skip
