"""What moved a bill, and why: each cause by the part of the change that it explains."""

from __future__ import annotations

from bot.domain.money.movers import PoolSpan, cause_of, group_of, movers
from bot.domain.money.spend import Spend
from bot.reports.words import cause_words
from storage.port.core_use import CoreUse

BEFORE = "the week before"


def spend(
    busy: float = 0.0, unused: float = 0.0, *, price: float = 1.0, spot: float = 0.0, spot_price: float = 0.2
) -> Spend:
    """Core-hours of dedicated nodes, and busy ones of spot nodes, at a price for a core-hour each."""
    hours, lent = CoreUse(busy=busy, unused=unused), CoreUse(busy=spot)
    return Spend("USD", hours, lent, hours * price, lent * spot_price, 0.0, spot * price)


def pool(found: Spend, jobs: dict[str, float] | None = None, size: str = "Standard_D4s_v3") -> PoolSpan:
    return PoolSpan("gpu-a", found, size, jobs or {})


def words(was: PoolSpan | None, is_: PoolSpan | None) -> str:
    cause = cause_of(was, is_, BEFORE)
    return f"{cause.kind}: {cause_words(cause)}" if cause else ""


def test_a_schedule_that_ran_more_often() -> None:
    was = pool(spend(100), {"nightly:job-1": 100.0})
    is_ = pool(spend(300), {"nightly:job-2": 100.0, "nightly:job-3": 100.0, "nightly:job-4": 100.0})
    assert words(was, is_) == "jobs: schedule nightly ran 3 times, once the week before"
    assert words(is_, was) == "jobs: schedule nightly ran once, 3 times the week before"
    cause = cause_of(was, is_, BEFORE)
    assert cause
    assert (cause.target, cause.money) == ("nightly", 200)


def test_a_job_that_was_not_there_or_cost_more() -> None:
    assert words(pool(spend(10)), pool(spend(90), {"fit": 80.0})) == "jobs: job fit ran once, not the week before"
    was, is_ = pool(spend(10), {"fit": 10.0}), pool(spend(90), {"fit": 90.0})
    assert words(was, is_) == "jobs: job fit cost $90.00, $10.00 the week before"
    gone = pool(spend(5))
    assert words(was, gone) == "jobs: job fit did not run, once the week before"


def test_a_new_pool_and_one_that_is_gone() -> None:
    assert words(None, pool(spend(10))) == "new: had no nodes the week before"
    assert words(pool(spend(10)), None) == "gone: has no nodes any more"


def test_another_price_of_the_same_size() -> None:
    found = words(pool(spend(100, price=1.0)), pool(spend(100, price=1.5)))
    assert found == "price: a core-hour of it costs $1.50, $1.00 before"


def test_dedicated_nodes_where_there_were_spot_ones() -> None:
    was, is_ = pool(spend(10, spot=90)), pool(spend(90, spot=10))
    assert words(was, is_) == "dedicated: 90 % of its core-hours were dedicated, 10 % the week before"
    assert words(is_, was).startswith("spot: 10 % of its core-hours were dedicated")


def test_another_size() -> None:
    found = words(pool(spend(100)), pool(spend(100, price=2.0), size="Standard_D8s_v3"))
    assert found == "size: has nodes of Standard_D8s_v3, Standard_D4s_v3 before"


def test_nodes_that_idled() -> None:
    found = words(pool(spend(100, 20)), pool(spend(110, 220)))
    expected = "its nodes ran for 330 core-hours, 120 the week before: 200 more with nothing to do"
    assert found == f"hours: {expected}"


def test_other_idle_hours_at_the_same_cores_are_no_cause() -> None:
    assert words(pool(spend(100, 50)), pool(spend(150.5, 0.0))) == ""
    flat = words(pool(spend(100, 50)), pool(spend(100, 50, price=1.01)))
    assert flat == ""


def test_a_bill_tells_hours_of_nodes_and_nothing_of_idling() -> None:
    def billed(hours: float, amount: float) -> PoolSpan:
        return pool(Spend("USD", CoreUse(unknown=hours), money=CoreUse(unknown=amount)))

    cause = cause_of(billed(96, 48), billed(48, 24), BEFORE, unit="node-hour")
    assert cause
    assert (cause.kind, cause.words) == ("hours", "its nodes ran for 48 node-hours, 96 the week before")
    assert cause_of(billed(96, 48), billed(96, 48.3), BEFORE, unit="node-hour") is None
    dearer = cause_of(billed(96, 48), billed(96, 72), BEFORE, unit="node-hour")
    assert dearer
    assert cause_words(dearer) == "a node-hour of it costs $0.75, $0.50 before"
    assert (dearer.amounts, dearer.currency) == ((0.75, 0.5), "USD"), "kept as numbers"
    assert "$" not in dearer.words


def test_what_belongs_to_no_pool_is_no_mover() -> None:
    assert movers([PoolSpan("", spend(10))], [PoolSpan("", spend(50))], BEFORE) == []


def test_simply_more_nodes() -> None:
    assert (
        words(pool(spend(100, 50)), pool(spend(200, 110)))
        == "hours: its nodes ran for 310 core-hours, 150 the week before"
    )


def test_no_single_cause_is_said_instead_of_guessed() -> None:
    was = pool(spend(100, 50), {"a": 50.0, "b": 50.0})
    is_ = pool(spend(102, 50, price=1.015), {"a": 51.0, "b": 51.0})
    assert words(was, is_) == ""
    assert words(was, was) == ""


def test_the_three_that_moved_most_whatever_their_case() -> None:
    def named(name: str, money: float) -> PoolSpan:
        return PoolSpan(name, spend(money), "s")

    was = [named("A", 100), named("b", 50), named("c", 10), named("still", 500)]
    is_ = [named("a", 160), named("c", 30), named("d", 5.0), named("still", 501)]
    found = movers(was, is_, BEFORE)
    assert [(each.pool, each.change) for each in found] == [("a", 60), ("b", -50), ("c", 20)]


def test_jobs_of_the_same_work_go_by_one_name() -> None:
    names = ["nightly:job-7", "sim-0093", "sim-0094", "fit_2026-11-30", "fit", "2026"]
    assert [group_of(each) for each in names] == ["nightly", "sim", "sim", "fit", "fit", "2026"]
