"""The sandbox's ledger: exact where it is simulated, joined to a past, and a bill that follows from both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world import AccountState, Clock, World
from bot.sandbox.world.behaviour import MachineBehaviour, Work
from bot.sandbox.world.ledger import Correction, Reservation, Shape
from bot.sandbox.world.ledger.integral import Integral
from bot.sandbox.world.ledger.past import PastPool, PoolFacts
from bot.sandbox.world.scenarios import build
from bot.sandbox.world.scenarios.parts import UBUNTU, Batch, add_account, on, submit
from bot.sandbox.world.sizes import size_named

START = datetime(2026, 11, 26, 22, 40, 7, tzinfo=UTC)
LONG_AGO = START - timedelta(days=90)


def small(seed: int = 1) -> AccountState:
    """An account with one pool of three days' past."""
    world = World(seed, Clock(START, paused=True))
    account = add_account(world, "acc", "eastus", dedicated=100, spot=100, families={"standardDSv3Family": 100})
    account.allocator.add(
        "p",
        PoolSpecification(
            vm_size="Standard_D4s_v3",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=2,
            target_low_priority_nodes=1,
            task_slots_per_node=4,
        ),
        MachineBehaviour(),
        since=START - timedelta(days=3),
    )
    return account


def advance(account: AccountState, **by: float) -> datetime:
    account.world.clock.advance(timedelta(**by))
    account.world.settle()
    return account.world.time


def test_slots_of_tasks_are_busy_cores_and_jobs_add_up_to_the_pool() -> None:
    account = small()
    for name, count in (("a", 7), ("b", 5)):
        submit(
            account,
            name,
            JobSpecification(pool_info=on("p")),
            Batch(
                count=count,
                task_id="t-{n}",
                command="x",
                spec=TaskSpecification(required_slots=2),
                work=Work(median=900.0),
            ),
        )
    for _ in range(5):
        now = advance(account, minutes=23)
        ledger = account.ledger
        use = ledger.core_seconds("p", ledger.start, now)
        ran = [
            (task.execution_info.end_time or now) - task.execution_info.start_time
            for job in account.jobs.values()
            for task in job.tasks.values()
            if task.execution_info.start_time
        ]
        assert use.total.busy == pytest.approx(sum(each.total_seconds() for each in ran) * 2 * 4 / 4)
        assert use.dedicated.cores == pytest.approx((now - START).total_seconds() * 2 * 4)
        assert use.spot.cores == pytest.approx((now - START).total_seconds() * 4)
        by_job = ledger.by_job("p")
        assert by_job.keys() == {"a", "b"}
        assert sum(each.spot.busy for each in by_job.values()) == pytest.approx(use.spot.busy)
        assert sum(each.dedicated.busy for each in by_job.values()) == pytest.approx(use.dedicated.busy)
        assert ledger.job_core_seconds("a").total.busy == pytest.approx(by_job["a"].total.busy)


def test_a_node_without_a_machine_costs_nothing_and_an_unusable_one_does() -> None:
    account = small()
    pool, ledger = account.pool("p"), account.ledger
    advance(account, minutes=10)
    spot = next(node for node in pool.nodes.values() if not node.body.is_dedicated)
    account.fleet.preempt(spot)
    account.fleet.break_down(next(node for node in pool.nodes.values() if node.body.is_dedicated), recovers=False)
    taken = account.world.time
    now = advance(account, minutes=5)
    assert spot.state == "preempted"
    assert ledger.core_seconds("p", taken, now).spot.nodes == pytest.approx(600 / 15 * 5, abs=1)
    assert ledger.core_seconds("p", START, now).spot.nodes == pytest.approx(600)
    use = ledger.core_seconds("p", START, now).dedicated
    assert use.nodes == pytest.approx(2 * 900)
    assert (use.broken, use.starting, use.leaving) == pytest.approx((300 * 4, 0, 0))
    assert use.unused == pytest.approx(2 * 900 * 4 - 300 * 4)


def test_nodes_that_come_and_go_are_told_apart() -> None:
    account = small()
    account.commands.resize("p", 4, 0)
    now = advance(account, minutes=30)
    use = account.ledger.core_seconds("p", START, now)
    boots = [node.body for node in account.pool("p").nodes.values() if node.body.allocation_time > START]
    assert len(boots) == 2 and all(body.state == "idle" for body in boots)
    booted = sum((body.state_transition_time - body.allocation_time).total_seconds() for body in boots)
    assert use.dedicated.starting == pytest.approx(booted * 4)
    assert use.spot.leaving > 0 == use.spot.starting
    assert use.spot.leaving < use.spot.cores < 600 * 4


def test_hours_add_up_and_do_not_depend_on_when_one_looks() -> None:
    often, once = (build("demo", 5, Clock(START, paused=True)) for _ in range(2))
    for _ in range(40):
        often.clock.advance(timedelta(minutes=11))
        often.settle()
        for account in often.accounts.values():
            account.ledger.core_seconds(None, START, often.time)
    once.clock.advance(timedelta(minutes=440))
    once.settle()
    for name, account in often.accounts.items():
        ledger, other = account.ledger, once.accounts[name].ledger
        for pool in ledger.pools():
            use = ledger.core_seconds(pool, LONG_AGO, often.time)
            assert use.total.cores == pytest.approx(other.core_seconds(pool, LONG_AGO, once.time).total.cores)
            assert use.total.busy == pytest.approx(other.core_seconds(pool, LONG_AGO, once.time).total.busy)
            hours = ledger.hours(pool, LONG_AGO, often.time)
            assert sum(hour.use.total.busy for hour in hours) == pytest.approx(use.total.busy)
            assert all(hour.use.total.busy <= hour.use.total.cores * (1 + 1e-9) for hour in hours)
        all_pools = [ledger.core_seconds(pool, LONG_AGO, often.time).total.cores for pool in ledger.pools()]
        assert sum(all_pools) == pytest.approx(ledger.core_seconds(None, LONG_AGO, often.time).total.cores)


def test_the_past_meets_the_simulation_without_a_seam() -> None:
    world = build("demo", 3, Clock(START, paused=True))
    for account in world.accounts.values():
        ledger = account.ledger
        before = {pool: ledger.core_seconds(pool, START - timedelta(minutes=10), START) for pool in account.pools}
        advance(account, minutes=1)
        for pool in account.ordered_pools():
            made = pool.body.creation_time
            after = ledger.core_seconds(pool.id, START, START + timedelta(minutes=1))
            if made < START and not pool.body.enable_auto_scale and after.total.nodes:
                assert before[pool.id].total.nodes == pytest.approx(after.total.nodes * 10, rel=0.1), pool.id
            long_ago = ledger.core_seconds(pool.id, LONG_AGO, made)
            told = [part for part in ledger.past if part.facts.pool == pool.id and part.until < START]
            assert bool(told) == bool(long_ago.total.nodes), pool.id


def test_ninety_days_have_a_rhythm_a_step_and_a_pool_that_came_again() -> None:
    account = build("demo", 1, Clock(START, paused=True)).accounts["render-prod"]
    ledger = account.ledger

    def day(pool: str, ago: int) -> float:
        start = (START - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        return ledger.core_seconds(pool, start, start + timedelta(days=1)).total.cores

    days = range(2, 40)
    working = [day("comp-day", ago) for ago in days if (START - timedelta(days=ago)).weekday() < 5][:10]
    weekend = [day("comp-day", ago) for ago in days if (START - timedelta(days=ago)).weekday() == 6][:3]
    assert max(weekend) < sum(working) / len(working) * 0.8
    weeks = [sum(day("render-cpu", ago) for ago in range(last, last + 7)) for last in (20, 6)]
    assert weeks[0] < weeks[1] * 0.75
    assert day("encode-spot", 40) > 0 == day("encode-spot", 21) < day("encode-spot", 10)
    sizes = {facts.size.name for facts in ledger.facts() if facts.pool == "encode-spot"}
    assert sizes == {"Standard_D8ads_v5", "Standard_D4ads_v5"}
    bursts = [day("harbor-transcode", ago) for ago in range(1, 19)]
    assert 0.0 in bursts and max(bursts) > 100_000


def test_the_past_is_the_same_for_a_seed_and_another_for_another() -> None:
    def total(seed: int) -> float:
        ledger = build("demo", seed, Clock(START, paused=True)).accounts["sim-dev"].ledger
        return ledger.core_seconds(None, LONG_AGO, START).total.busy

    assert total(1) == total(1) != total(2)


@pytest.mark.parametrize("until", [START, START.replace(minute=0, second=0), START.replace(minute=0, second=1)])
def test_a_past_pool_ends_when_it_ends(until: datetime) -> None:
    facts = PoolFacts(pool="p", size=size_named("standard_d4s_v3"))
    part = PastPool(facts, until - timedelta(hours=5), until, dedicated=2, shape=Shape(extra=3), seed=1)
    last = part.at(part.last)
    assert last is not None and last.dedicated == 2
    assert part.at(part.last + 1) is None is part.at(part.first - 1)


@given(
    st.lists(st.tuples(st.floats(0, 9000), st.integers(0, 1), st.integers(-3, 5)), max_size=20),
    st.floats(0, 5000),
)
def test_an_integral_is_the_sum_of_its_steps(changes: list[tuple[float, int, int]], after: float) -> None:
    integral, now = Integral(2, 3600, 1000.0, 10**6), 1000.0
    truth, levels = [0.0, 0.0], [0, 0]
    for wait, index, by in changes:
        now += wait
        truth = [total + level * wait for total, level in zip(truth, levels, strict=True)]
        integral.change(now, index, by)
        levels[index] += by
    now += after
    truth = [total + level * after for total, level in zip(truth, levels, strict=True)]
    rows = [integral.row(key, now) or (0.0, 0.0) for key in range(int(now // 3600) + 1)]
    assert [sum(row[index] for row in rows) for index in (0, 1)] == pytest.approx(truth, abs=1e-3)


# --- the bill ---------------------------------------------------------------------------------------------------------


def test_the_bill_is_price_times_node_hours_and_says_the_rest_by_meter() -> None:
    account = small()
    advance(account, days=2)
    day = date(2026, 11, 27)
    lines = {charge.meter: charge for charge in account.ledger.bill(day)}
    assert lines["D4s v3"].quantity == pytest.approx(48)
    prices = account.world.prices
    size = size_named("standard_d4s_v3")
    noon = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert lines["D4s v3"].actual == pytest.approx(48 * prices.at(size, "eastus", False, "on demand", noon))
    assert lines["D4s v3 Spot"].actual == pytest.approx(24 * prices.at(size, "eastus", False, "spot", noon))
    assert {charge.category for charge in lines.values()} == {
        *("Virtual Machines", "Storage", "Virtual Network", "Load Balancer"),
    }
    for charge in lines.values():
        if charge.pool:
            assert charge.resource_id.endswith("/batchaccounts/acc/pools/p") and not charge.tags


def test_machines_of_a_users_subscription_are_tagged_scale_sets() -> None:
    account = small()
    account.facts.pool_allocation_mode = "UserSubscription"
    lines = [charge for charge in account.ledger.bill(date(2026, 11, 25)) if charge.machines]
    assert {charge.resource_type for charge in lines} == {"microsoft.compute/virtualmachinescalesets"}
    assert all(charge.tags == {"poolname": "p", "batchaccountname": "acc"} for charge in lines)


def test_a_reservation_is_paid_at_once_and_spread() -> None:
    account = small()
    ledger = account.ledger
    day = date(2026, 11, 25)
    bought = datetime(2026, 11, 25, tzinfo=UTC)
    plain = sum(charge.actual for charge in ledger.bill(day))
    ledger.billing.reserve(
        Reservation(name="r", vm_size="Standard_D4s_v3", quantity=3, since=bought, price=3 * 365 * 24 * 0.1)
    )
    lines = ledger.bill(day)
    by_type = {(charge.charge_type, charge.pricing): charge for charge in lines if charge.machines}
    assert by_type["Purchase", "Reservation"].actual == pytest.approx(3 * 365 * 24 * 0.1)
    assert by_type["Usage", "Reservation"].actual == 0
    assert by_type["Usage", "Reservation"].amortized == pytest.approx(48 * 0.1)
    assert by_type["UnusedReservation", "Reservation"].amortized == pytest.approx(24 * 0.1)
    assert ("Usage", "OnDemand") not in by_type
    assert sum(charge.actual for charge in ledger.bill(date(2026, 11, 24))) == pytest.approx(plain, rel=0.01)


def test_a_price_that_changed_is_paid_from_its_day_on() -> None:
    account = build("demo", 1, Clock(START, paused=True)).accounts["render-prod"]
    prices = account.world.prices
    assert START - timedelta(days=62) < prices.changed <= START - timedelta(days=30)
    size = size_named("Standard_D8ads_v5")
    before, after = prices.versions(size, "northcentralus", "spot", windows=False)[:2]
    assert (after[0], before[1] < after[1]) == (prices.changed, True)
    day = prices.changed.date()
    for when, price in ((day - timedelta(days=1), before[1]), (day, after[1])):
        line = next(charge for charge in account.ledger.bill(when) if charge.meter == "D8ads v5 Spot")
        assert line.actual / line.quantity == pytest.approx(price)


def test_days_come_late_move_and_settle() -> None:
    account = build("demo", 1, Clock(START, paused=True)).accounts["sim-dev"]
    billing, day = account.ledger.billing, date(2026, 11, 20)
    truth = sum(charge.actual for charge in billing.charges(day))
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    told = [
        sum(charge.actual for charge in billing.told(day, midnight + timedelta(hours=hours)))
        for hours in range(0, 110, 4)
    ]
    assert told[0] == told[1] == 0
    assert told == sorted(told) and told[-1] == pytest.approx(truth)
    assert all(amount < truth * 0.9999 for amount in told[:23])
    assert len({round(amount, 6) for amount in told}) > 6
    halfway = [billing.told(day, midnight + timedelta(hours=40, minutes=minutes)) for minutes in (1, 100, 239)]
    assert halfway[0] == halfway[1] == halfway[2]


def test_a_correction_changes_a_day_and_no_other() -> None:
    account = build("demo", 1, Clock(START, paused=True)).accounts["sim-dev"]
    days = [date(2026, 11, 10), date(2026, 11, 11)]
    before = [sum(charge.actual for charge in account.ledger.bill(day)) for day in days]
    account.ledger.billing.correct(Correction(day=days[0], factor=1.1))
    after = [sum(charge.actual for charge in account.ledger.bill(day)) for day in days]
    assert after == pytest.approx([before[0] * 1.1, before[1]])
    account.ledger.billing.currency = "JPY"
    assert sum(charge.actual for charge in account.ledger.bill(days[1])) == pytest.approx(before[1] * 155)
