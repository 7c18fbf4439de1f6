"""Why cores are busy or idle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.models import NodeCounts
from bot.domain.core_use import at_most, by_job, core_use
from bot.domain.states import NODES, with_machine
from storage.port.core_use import CoreUse

_COLUMNS = [facts.column for facts in NODES.values()]


def test_every_state_has_its_reason() -> None:
    found = {state: core_use(NodeCounts(**{facts.column: 1}, total=1), 2, 0.0, False) for state, facts in NODES.items()}
    by_use = {
        CoreUse(starting=2): ["creating", "starting", "waitingforstarttask", "rebooting", "reimaging", "upgradingos"],
        CoreUse(leaving=2): ["leavingpool", "deallocating"],
        CoreUse(broken=2): ["starttaskfailed", "unusable", "unknown", "offline"],
        CoreUse(unused=2): ["idle", "running"],
        CoreUse(): ["preempted", "deallocated"],
    }
    assert found == {state: use for use, states in by_use.items() for state in states}


@pytest.mark.parametrize(
    ("waiting", "use"),
    [
        (True, CoreUse(4 * 2.5, waiting=4 * 2.5)),
        (False, CoreUse(4 * 2.5, unused=4 * 2.5)),
        (None, CoreUse(4 * 2.5, unknown=4 * 2.5)),
    ],
)
def test_free_slots_and_idle_nodes_depend_on_waiting_tasks(waiting: bool | None, use: CoreUse) -> None:
    assert core_use(NodeCounts(running=3, idle=2, total=5), 4, 2.5, waiting) == use


def test_a_state_that_nobody_knows_is_billed_for_an_unknown_reason() -> None:
    assert core_use(NodeCounts(running=1, total=3), 2, 1.0, True) == CoreUse(2, unknown=4)


@given(
    st.fixed_dictionaries({name: st.integers(0, 50) for name in _COLUMNS}),
    st.integers(0, 30),
    st.integers(1, 128),
    st.floats(0, 80),
    st.sampled_from([True, False, None]),
)
def test_all_that_is_billed_is_there(
    states: dict[str, int], others: int, cores: int, busy: float, waiting: bool | None
) -> None:
    counts = NodeCounts(**states, total=sum(states.values()) + others)
    use = core_use(counts, cores, busy, waiting)
    assert use.total == pytest.approx(with_machine(counts) * cores)
    assert min(use.busy, *use.reasons().values()) >= 0
    assert use.busy == pytest.approx(min(busy, counts.running + counts.idle) * cores)


@given(st.floats(0.01, 1e6), st.dictionaries(st.text(min_size=1, max_size=9), st.integers(0, 1000), max_size=9))
def test_jobs_share_all_that_is_busy(busy: float, slots: dict[str, int]) -> None:
    shares = by_job(busy, slots)
    assert sum(each.cores for each in shares) == pytest.approx(busy if any(slots.values()) else 0.0)
    assert {each.job for each in shares} == {job for job, taken in slots.items() if taken}


@pytest.mark.parametrize(
    ("gauges", "use"),
    [
        ({}, None),
        ({"LowPriorityCoreCount": 8.0}, None),
        ({"CoreCount": 8.0}, None),
        ({"CoreCount": 0.0, "LowPriorityCoreCount": 8.0}, None),
        ({"CoreCount": 0.0}, (CoreUse(), CoreUse())),
        ({"CoreCount": 8.0, "RunningNodeCount": 1.0, "IdleNodeCount": 1.0, "UnusableNodeCount": 2.0},
         (CoreUse(2, unknown=6), CoreUse())),
        ({"CoreCount": 8.0, "LowPriorityCoreCount": 4.0, "RunningNodeCount": 3.0, "LeavingPoolNodeCount": 1.0},
         (CoreUse(6, unknown=2), CoreUse(3, unknown=1))),
        ({"CoreCount": 8.0, "RunningNodeCount": 3.0}, (CoreUse(8), CoreUse())),
    ],
)  # fmt: skip
def test_of_an_account_azure_monitor_says_how_much_was_busy_at_most(
    gauges: dict[str, float], use: tuple[CoreUse, CoreUse] | None
) -> None:
    assert at_most(gauges) == use


@pytest.mark.parametrize(
    ("gauges", "dedicated", "spot"),
    [
        pytest.param({"CoreCount": 8.0, "RunningNodeCount": 3.0, "IdleNodeCount": 1.0}, (6.0, 2.0), (0.0, 0.0),
                     id="three of four nodes run a task"),
        pytest.param({"CoreCount": 8.0, "LowPriorityCoreCount": 4.0, "RunningNodeCount": 1.0, "UnusableNodeCount": 3.0},
                     (2.0, 6.0), (1.0, 3.0), id="unusable nodes are billed as well"),
        pytest.param({"CoreCount": 8.0, "RunningNodeCount": 2.0}, (8.0, 0.0), (0.0, 0.0), id="all of them"),
        pytest.param({"CoreCount": 0.0}, (0.0, 0.0), (0.0, 0.0), id="no nodes, and no cores"),
    ],
)  # fmt: skip
def test_what_azure_monitor_counts_is_busy_at_most(
    gauges: dict[str, float], dedicated: tuple[float, float], spot: tuple[float, float]
) -> None:
    assert at_most(gauges) == tuple(CoreUse(busy, unknown=idle) for busy, idle in (dedicated, spot))


def test_cores_without_nodes_or_without_cores_say_nothing() -> None:
    assert at_most({"CoreCount": 8.0}) is None
    assert at_most({"LowPriorityCoreCount": 8.0, "RunningNodeCount": 2.0}) is None
    assert at_most({"CoreCount": 0.0, "LowPriorityCoreCount": 4.0}) is None


def test_jobs_share_busy_cores_by_their_slots() -> None:
    shares = {each.job: each.cores for each in by_job(12.0, {"a": 1, "b": 2, "none": 0})}
    assert shares == {"a": 4.0, "b": 8.0}
    assert by_job(12.0, {"none": 0}) == ()
    assert by_job(0.0, {"a": 1}) == ()
