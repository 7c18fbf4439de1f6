"""Whatever an account looks like, no kind breaks, and what it says can be shown, clicked and found again."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.models import NodeCounts
from bot.azure.models.price import Prices
from bot.domain.findings import CauseCount, EntityKind, Severity, fingerprint
from bot.monitor.scene import Area, Blindness, JobView, NodeView, PoolView, QuotaView, Scene, ScheduleView
from bot.requests.command import NAMED, CommandError
from bot.requests.registry import Registry
from storage.port.monitoring import Transition
from tests.alerting.rules.scenes import KINDS
from tests.alerting.rules.test_docs import ROWS
from tests.commands import every_command

_NODE_KINDS = ("node.unusable", "node.start_task_failed", "node.unknown", "node.offline", "node.preempted")
ABOUT: dict[str, str] = {
    **{name: kind.entity for name, kind in KINDS.items()},
    **dict.fromkeys(_NODE_KINDS, "pool"),
    "task.failed": "job",
    "task.retries_exhausted": "job",
}
"""What each kind's findings are about: nodes are told together for their pool, failed tasks for their job."""
SEVERITIES = {name: row[4] for name, row in ROWS.items()}
"""How bad the page says that it can be."""


def _mostly(usual: object, *others: object) -> st.SearchStrategy[Any]:
    """What it is in a living account, and now and then something else: so that most kinds have something to say."""
    return st.sampled_from((*(usual,) * 2 * len(others), *others))


_NAMES = st.sampled_from(
    ("a", "gpu-a", "nightly:job-12", ":job-1", "x:job-", "my pool", "it's", "ü/é", "x-", "a:b", "{}")
)
_POOL_NAMES = _mostly("gpu-a", "my pool", "ü/é")
_MAYBE = st.just("") | _NAMES
_WORDS = st.one_of(
    st.sampled_from(("", "DiskFull", "exit code 137", "exit code -1073741819", "a\nb")), st.text(max_size=30)
)
_TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - by strategy
_NEAR = st.integers(-20_000, 4000).map(lambda s: datetime.fromtimestamp(1_800_000_000 + s, UTC))
_WHEN = st.one_of(_NEAR, _NEAR, _NEAR, _TIMES)
_FEW = st.integers(0, 30)
_MANY = st.integers(0, 10**7)
_SPANS = _mostly(300.0, 0.0) | st.floats(0, 1e10)
_PAIRS = st.tuples(_WORDS, _WORDS)
_POOL_STATES = _mostly("active", "", "Active", "deleting", "new")
_JOB_STATES = _mostly("active", "", "disabling", "disabled", "enabling", "terminating", "Completed", "deleting")


_COUNTS = st.builds(NodeCounts, **{name: _mostly(0, 0, 0, 0, 1, 7) for name in NodeCounts.__struct_fields__})
_NODES = st.builds(
    NodeView,
    _NAMES,
    st.sampled_from(
        ("unusable", "unknown", "offline", "preempted", "starttaskfailed", "StartTaskFailed", "idle", "new")
    ),
    _WHEN,
    errors=st.lists(_PAIRS, max_size=2).map(tuple),
    start_task=st.none() | _PAIRS,
    start_exit=st.none() | st.integers(-(2**31), 2**32),
)
_POOLS = st.builds(
    PoolView,
    id=_POOL_NAMES,
    state=_POOL_STATES,
    since=st.none() | _WHEN,
    created=st.none() | _WHEN,
    allocation=_mostly("steady", "", "Steady", "resizing", "stopping", "new"),
    allocation_since=st.none() | _WHEN,
    vm_size=_WORDS,
    dedicated=_FEW,
    spot=_FEW,
    target_dedicated=_FEW,
    target_spot=_FEW,
    resize_timeout=_SPANS,
    resize_errors=st.lists(_PAIRS, max_size=3).map(tuple),
    autoscale=st.booleans(),
    autoscale_interval=_SPANS,
    autoscale_at=st.none() | _WHEN,
    autoscale_error=st.none() | _PAIRS,
    counts=st.tuples(_COUNTS, _COUNTS),
    troubled=st.lists(_NODES, max_size=4).map(lambda nodes: {node.id: node for node in nodes}),
    idle_since=st.none() | _WHEN,
    idle_least=_FEW,
    preempted_at=st.lists(_WHEN, max_size=7),
)
_TALLIES = st.builds(CauseCount, _WORDS, st.integers(1, 10**6), _MAYBE, _WORDS)
_JOBS = st.builds(
    JobView,
    id=_NAMES,
    state=_JOB_STATES,
    since=st.none() | _WHEN,
    created=st.none() | _WHEN,
    started=st.none() | _WHEN,
    ended=st.none() | _WHEN,
    pool=_POOL_NAMES | _MAYBE,
    schedule=_MAYBE,
    priority=st.integers(-1000, 1000),
    reason=_WORDS | st.sampled_from(("TaskFailed", "AllTasksComplete")),
    scheduling_error=st.none() | _PAIRS,
    active=st.none() | _MANY,
    running=_mostly(0, 5),
    succeeded=_MANY,
    failed=_MANY,
    counted=st.none() | _WHEN,
    progressed=st.none() | _WHEN,
    failures=_MANY,
    exhausted=_MANY,
    failed_at=st.none() | _WHEN,
    failing_since=st.none() | _WHEN,
    causes=st.lists(_TALLIES, max_size=5).map(lambda some: {each.cause: each for each in some}),
    rate=st.lists(st.tuples(_WHEN, _MANY, _MANY), max_size=4),
)
_SCHEDULES = st.builds(
    ScheduleView,
    id=_NAMES,
    state=_JOB_STATES,
    since=st.none() | _WHEN,
    interval=st.none() | _SPANS,
    due=st.none() | _WHEN,
    job=_MAYBE,
    missed=st.none() | _WHEN,
)
_NEWS = st.builds(
    Transition,
    st.just("a"),
    st.sampled_from(("pool", "allocation", "autoscale", "node", "job", "task", "schedule")),
    _NAMES,
    _NAMES,
    _mostly("", "active", "resizing"),
    st.sampled_from(("active", "steady", "running", "completed", "disabled", "deleted", "failed")),
    _WHEN,
    _WORDS,
)


def _by_id(views: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(views, max_size=3).map(lambda some: {view.id: view for view in some})


SCENES = st.builds(
    Scene,
    account=_NAMES,
    at=_NEAR | _TIMES,
    read=st.just(frozenset(get_args(Area))),
    pools=_by_id(_POOLS),
    jobs=_by_id(_JOBS),
    schedules=_by_id(_SCHEDULES),
    quota=st.lists(st.tuples(_WORDS, _MANY, _MANY), max_size=3, unique_by=lambda row: row[0]).map(
        lambda rows: QuotaView(tuple(rows))
    ),
    news=st.lists(_NEWS, max_size=4).map(tuple),
    ended=st.lists(_JOBS, max_size=2, unique_by=lambda view: view.id).map(tuple),
    blind=st.none() | st.builds(Blindness, _WHEN, _WORDS | st.just("ServerBusy"), _WORDS, st.integers(1, 9)),
    prices=st.builds(
        Prices,
        st.dictionaries(
            st.tuples(_WORDS.map(str.lower), st.booleans(), st.sampled_from(("on demand", "spot", "low priority"))),
            st.floats(0.000001, 1e9),
            max_size=4,
        ),
        st.sampled_from(("USD", "EUR", "CHF", "")),
        _WHEN,
    ),
)


@lru_cache
def registry() -> Registry:
    return every_command()


def can_be_pressed(command: str) -> bool:
    """Whether it can be run, or is answered with what there is to choose for the one name that it lacks."""
    try:
        registry().parse(shlex.split(command))
    except CommandError as error:
        return error.settled and error.lacks in NAMED
    return True


@given(SCENES)
def test_no_kind_breaks_and_what_it_says_can_be_shown_and_its_buttons_are_commands(scene: Scene) -> None:
    for kind in KINDS.values():
        seen = set()
        findings = list(kind.judge(scene))
        assert findings == list(kind.judge(scene)), "looking changes nothing"
        for finding in findings:
            assert finding.entity.kind == ABOUT[kind.name]
            assert finding.headline.strip()
            assert (finding.severity or kind.severity).value in SEVERITIES[kind.name]
            assert finding.since.tzinfo is not None
            assert all(len(line) <= 300 for line in finding.evidence.split("\n"))
            assert finding.evidence.count("\n") <= 1
            assert all(label and isinstance(value, str) for label, value in finding.figures)
            assert 1 <= len(finding.actions) <= 5
            for action in finding.actions[:: len(finding.actions) if len(seen) > 2 else 1]:
                assert can_be_pressed(action.command), action.command
                named = registry().find(shlex.split(action.command))
                assert not action.changes or (named and named.mark.effect != "read"), action.command
            assert finding.state in ("open", "resolved", "event")
            if finding.state != "event":
                name = fingerprint(scene.account, kind.name, finding.entity)
                assert name not in seen, "two findings of a kind would fight for one message"
                seen.add(name)


def test_kinds_are_named_after_what_they_are_about() -> None:
    for name, kind in KINDS.items():
        assert kind.entity in get_args(EntityKind)
        assert name == f"{kind.entity}.{name.partition('.')[2]}"
        assert set(kind.reads) <= set(get_args(Area))
        assert kind.says.endswith((".", "!")), kind.says
        assert ":data:" not in kind.says, "people read it"
        assert "`" not in kind.says, "people read it"
        assert not kind.quiet or kind.severity is Severity.INFO


def test_what_is_silenced_exists_and_nothing_silences_itself() -> None:
    for name, kind in KINDS.items():
        assert set(kind.inhibits) <= {*KINDS, "*"}, name
        assert name not in kind.inhibits


def test_silences_have_no_circle() -> None:
    """Where two kinds silenced each other in the end, nobody would hear of either."""
    explained = {name: {each for each in kind.inhibits if each != "*"} for name, kind in KINDS.items()}

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"{' → '.join([*way, name])}"
        for each in explained[name]:
            walk(each, (*way, name))

    for name in KINDS:
        walk(name, ())


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_empty_account_has_nothing_to_tell(name: str) -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    empty = Scene(account="a", at=at, read=frozenset(), pools={}, jobs={}, schedules={})
    assert list(KINDS[name].judge(empty)) == []
