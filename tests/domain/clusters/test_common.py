"""What is named of a cluster: only what is three times as frequent in it as among all tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.domain.clusters.common import Common, in_common, kind_of_node
from bot.domain.clusters.grouping import clusters
from bot.domain.clusters.model import Cluster, Failed, Ran

AT = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)


def tasks(
    count: int, nodes: list[str], *, first: int = 0, minute: float = 0.0, every: float = 0.1, **more
) -> list[Ran]:
    return [
        Ran(
            **{
                "job": "j",
                "task": f"t{first + number}",
                "pool": "p",
                "size": "Standard_D2s_v3",
                "node": nodes[number % len(nodes)],
                "ended": AT + timedelta(minutes=minute + every * number),
                **more,
            }
        )
        for number in range(count)
    ]


def as_failed(ran: list[Ran]) -> list[Failed]:
    names = Ran.__struct_fields__
    return [
        Failed(**{name: getattr(each, name) for name in names}, code="FailureExitCode", exit_code=1) for each in ran
    ]


def cluster(failed: list[Failed]) -> Cluster:
    (found,) = clusters(failed, {})
    return found


NODES = [f"tvmps_{number:02}_d" for number in range(10)]
SPOT = ["tvmps_90_p", "tvmps_91_p"]


def named(failed: list[Ran], beside: list[Ran], *, whole: bool = True) -> dict[str, Common]:
    bad = as_failed(failed)
    return {each.what: each for each in in_common(cluster(bad), [*bad, *beside], whole=whole)}


def test_all_on_two_nodes_which_are_spot() -> None:
    found = named(tasks(20, SPOT, first=1000), tasks(300, NODES))
    assert found["node"].values == tuple(SPOT)
    assert (found["node"].whole, found["node"].pool) == (True, "p")
    assert found["node"].among_all == pytest.approx(20 / 320)
    assert found["kind"].values == ("spot",)
    assert set(found) == {"node", "kind"}  # one pool and one size for all says nothing


def test_nearly_all_is_said_as_a_share() -> None:
    found = named([*tasks(19, SPOT[:1], first=1000), *tasks(1, NODES, first=1100)], tasks(300, NODES))
    assert found["node"].values == tuple(SPOT[:1])
    assert found["node"].share == pytest.approx(0.95)
    assert not found["node"].whole


@pytest.mark.parametrize(("beside", "what"), [(39, set()), (40, {"kind", "node"}), (41, {"kind", "node"})])
def test_three_times_as_frequent_is_the_bound(beside: int, what: set[str]) -> None:
    """20 failed on spot; with 40 others they are a third of all tasks."""
    assert set(named(tasks(20, SPOT, first=1000), tasks(beside, NODES), whole=False)) == what


@pytest.mark.parametrize(("count", "named_too"), [(2, False), (3, False), (4, True)])
def test_few_are_on_one_node_by_chance(count: int, *, named_too: bool) -> None:
    assert ("node" in named(tasks(count, NODES[:1], first=1000), tasks(300, NODES[1:]))) is named_too


def test_two_nodes_want_twice_as_many() -> None:
    assert "node" not in named(tasks(7, NODES[:2], first=1000), tasks(300, NODES[2:]))
    assert "node" in named(tasks(8, NODES[:2], first=1000), tasks(300, NODES[2:]))


def test_four_nodes_are_no_exception() -> None:
    assert "node" not in named(tasks(40, NODES[:4], first=1000), tasks(300, NODES))


def test_the_same_node_id_in_another_pool_is_another_node() -> None:
    found = named(tasks(20, NODES[:1], first=1000), tasks(300, NODES[:1], pool="q", size="Standard_F4"), whole=False)
    assert found["node"].values == tuple(NODES[:1])
    assert found["pool"].values == ("p",)
    assert "size" not in found  # the pool says it


def test_a_size_of_several_pools() -> None:
    failed = [*tasks(10, NODES, first=1000, pool="a"), *tasks(10, NODES, first=2000, pool="b")]
    found = named(failed, tasks(100, NODES, pool="c", size="Standard_F4"), whole=False)
    assert found["size"].values == ("Standard_D2s_v3",)


def test_packages_and_images() -> None:
    new = {"packages": ("renderer 2.1", "assets 7"), "image": "farm/render:2.1"}
    old = {"packages": ("renderer 2.0", "assets 7"), "image": "farm/render:2.0"}
    found = named(tasks(20, NODES, first=1000, **new), tasks(100, NODES, **old), whole=False)
    assert found["package"].values == ("renderer 2.1",)
    assert found["image"].values == ("farm/render:2.1",)


def test_one_job_of_many() -> None:
    found = named(tasks(20, NODES, first=1000, job="texture"), tasks(300, NODES), whole=False)
    assert found["job"].values == ("texture",)
    assert "pool" not in found


def test_since_a_moment_most_had_ended_before() -> None:
    found = named(tasks(20, NODES, first=1000, minute=40), tasks(300, NODES))
    assert found["since"].since == AT + timedelta(minutes=40)
    assert "since" not in named(tasks(20, NODES, first=1000, minute=40), tasks(300, NODES), whole=False)
    assert "since" not in named(tasks(20, NODES, first=1000, minute=10), tasks(300, NODES, every=0.1))


def test_a_few_late_failures_are_no_change() -> None:
    assert "since" not in named(tasks(7, NODES, first=1000, minute=40), tasks(300, NODES))
    late = tasks(90, NODES, first=5000, minute=41)
    assert "since" not in named(tasks(8, NODES, first=1000, minute=40), [*tasks(600, NODES), *late])


def test_tasks_that_were_read_stand_for_those_that_were_not() -> None:
    """60 tasks that were read stand for 6,000: the ten on spot are no longer a third of all."""
    beside = [replace(each, weight=100.0) for each in tasks(60, [*NODES, *SPOT])]
    assert "kind" in named(tasks(20, SPOT, first=1000), beside, whole=False)
    assert "kind" not in named(tasks(20, SPOT, first=1000), tasks(4, NODES), whole=False)


def test_nothing_is_named_of_two_or_of_all() -> None:
    assert not named(tasks(2, SPOT, first=1000), tasks(300, NODES))
    assert not named(tasks(20, SPOT, first=1000), [], whole=False)


@pytest.mark.parametrize(("node", "kind"), [("tvmps_1_p", "spot"), ("tvmps_1_D", "dedicated"), ("other", "")])
def test_the_kind_of_a_node(node: str, kind: str) -> None:
    assert kind_of_node(node) == kind


@pytest.mark.parametrize(("spot", "told"), [(17, False), (18, True), (20, True)])
def test_nine_of_ten_have_to_have_it(spot: int, *, told: bool) -> None:
    failed = [*tasks(spot, SPOT, first=1000), *tasks(20 - spot, NODES, first=2000)]
    assert ("kind" in named(failed, tasks(300, NODES), whole=False)) is told
    on_one = [*tasks(spot, NODES[:1], first=1000), *tasks(20 - spot, NODES[1:], first=2000)]
    found = named(on_one, tasks(300, NODES[1:]), whole=False)
    assert found["node"].values == tuple(NODES[: 1 if told else 2]), "of fewer on one, two are named"


@pytest.mark.parametrize(("count", "told"), [(2, set()), (3, {"kind"}), (4, {"kind", "node"})])
def test_three_tasks_are_needed_and_four_for_each_node(count: int, told: set[str]) -> None:
    assert set(named(tasks(count, SPOT[:1], first=1000), tasks(300, NODES), whole=False)) == told


def test_of_nodes_three_are_named_together() -> None:
    """Twelve tasks on three nodes; eleven are too few for so many."""
    found = named(tasks(12, NODES[:3], first=1000), tasks(300, NODES[3:]), whole=False)
    assert (found["node"].values, found["node"].share) == (tuple(NODES[:3]), 1.0)
    assert found["node"].among_all == pytest.approx(12 / 312)
    assert "node" not in named(tasks(11, NODES[:3], first=1000), tasks(300, NODES[3:]), whole=False)


@pytest.mark.parametrize(("beside", "told"), [(39, False), (40, True)])
def test_a_node_is_named_where_it_is_three_times_as_frequent(beside: int, *, told: bool) -> None:
    """20 on one node, and of all tasks a third."""
    assert ("node" in named(tasks(20, NODES[:1], first=1000), tasks(beside, NODES[1:]), whole=False)) is told


@pytest.mark.parametrize(
    ("failed", "before", "later", "told"),
    [
        pytest.param(7, 300, 0, False, id="seven are few"),
        pytest.param(8, 300, 0, True, id="eight are not"),
        pytest.param(8, 15, 0, False, id="a third of all ended since: 8 of 23"),
        pytest.param(8, 16, 0, True, id="8 of 24"),
        pytest.param(8, 300, 24, True, id="a quarter of those that ended since failed"),
        pytest.param(8, 300, 25, False, id="less than a quarter"),
    ],
)
def test_since_when_is_told_where_it_is_sudden(failed: int, before: int, later: int, *, told: bool) -> None:
    beside = [*tasks(before, NODES), *tasks(later, NODES, first=5000, minute=41)]
    found = named(tasks(failed, NODES, first=1000, minute=40), beside)
    assert ("since" in found) is told
    if told:
        assert (found["since"].among_all, found["since"].share) == (
            pytest.approx((failed + later) / (failed + before + later)), 1.0,
        )  # fmt: skip


def test_a_task_without_a_time_ended_neither_before_nor_after() -> None:
    unknown = [replace(each, ended=None) for each in tasks(300, NODES)]
    assert "since" not in named(tasks(8, NODES, first=1000, minute=40), unknown)
    assert "since" in named(tasks(8, NODES, first=1000, minute=40), [*unknown, *tasks(16, NODES)])
