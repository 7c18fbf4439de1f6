"""Pools that a formula scales: sampled every 30 seconds, evaluated at once and then every interval."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.sandbox.world.autoscale import BROKEN_FORMULA, Outcome, PoolMetrics, evaluate, failed
from bot.sandbox.world.bodies import touch
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LivePool
from bot.sandbox.world.pools import TIMEOUT
from bot.sandbox.world.refused import Refused, wrong_state

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

AT_MOST_EVERY: Final = timedelta(seconds=30)
"""How often autoscale of one pool may be enabled, by the documents."""

LONGEST: Final = 8192
"""Bytes a formula may have."""


class PoolAutoscale:
    """Autoscale of the pools of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world

    def enable(self, pool: LivePool, formula: str | None, interval: str | None = None) -> None:
        """Scales by a formula from now on, or changes formula or interval; the new schedule begins now."""
        self._account.allocator.refuse_deleting(pool)
        body = pool.body
        body.enable_auto_scale = True
        body.auto_scale_formula = formula or body.auto_scale_formula
        body.auto_scale_evaluation_interval = interval or body.auto_scale_evaluation_interval or TIMEOUT
        touch(body, self._world.time)
        if pool.metrics is None:
            pool.metrics = PoolMetrics(pool)
            self._sample(pool)
        pool.evaluations += 1
        self._evaluate(pool, pool.evaluations)

    def enable_on_request(self, pool: LivePool, formula: str | None, interval: str | None) -> None:
        """The same with the service's rules: not while a manual resize goes on, and not twice in 30 seconds."""
        self._account.allocator.refuse_deleting(pool)
        if not pool.body.enable_auto_scale:
            if pool.body.allocation_state != "steady":
                raise Refused(409, "PoolBeingResized", "The specified pool is being resized.")
            if formula is None:
                raise Refused(
                    400,
                    "MissingRequiredProperty",
                    "A required property was not specified in the request body.",
                    PropertyName="autoScaleFormula",
                )
        if pool.scaled_at is not None and self._world.time - pool.scaled_at < AT_MOST_EVERY:
            raise Refused(
                503,
                "TooManyEnableAutoScaleRequests",
                "Autoscale of the specified pool was enabled less than 30 seconds ago. Please retry later.",
            )
        if formula is not None:
            check(formula, pool, self._account)
        self.enable(pool, formula, interval)
        pool.scaled_at = self._world.time

    def disable(self, pool: LivePool) -> None:
        """Keeps the targets it has."""
        self._account.allocator.refuse_deleting(pool)
        body = pool.body
        body.enable_auto_scale = False
        body.auto_scale_formula = body.auto_scale_evaluation_interval = body.auto_scale_run = None
        touch(body, self._world.time)
        pool.metrics = None
        pool.evaluations += 1

    def try_out(self, pool: LivePool, formula: str) -> Outcome:
        """What a formula would say now of a pool that is scaled by one; changes nothing."""
        self._account.allocator.refuse_deleting(pool)
        if pool.metrics is None:
            raise wrong_state("The specified pool does not have AutoScale enabled. A formula cannot be evaluated")
        _check_length(formula)
        return evaluate(formula, pool.metrics, self._world.time)

    def _sample(self, pool: LivePool) -> None:
        """Every 30 seconds, as the service does."""
        if pool.metrics is not None and pool.body.state == "active":
            pool.metrics.sample(self._world.time)
            self._world.after(30.0, self._sample, pool)

    def _evaluate(self, pool: LivePool, evaluations: int) -> None:
        body = pool.body
        if pool.evaluations != evaluations or body.state != "active" or pool.metrics is None:
            return
        interval = seconds(body.auto_scale_evaluation_interval) or 900.0
        self._world.after(interval, self._evaluate, pool, evaluations)
        if pool.autoscale_fault == "stale":
            return
        outcome = evaluate(body.auto_scale_formula or "", pool.metrics, self._world.time)
        if pool.autoscale_fault == "error":
            outcome = failed(BROKEN_FORMULA, self._world.time)
        body.auto_scale_run = outcome.run
        self._account.diagnostics.autoscaled(pool)
        dedicated, low = outcome.dedicated, outcome.low_priority
        dedicated = body.target_dedicated_nodes if dedicated is None else dedicated
        low = body.target_low_priority_nodes if low is None else low
        changed = (dedicated, low) != (body.target_dedicated_nodes, body.target_low_priority_nodes)
        allocator = self._account.allocator
        missing = bool(body.resize_errors) and (
            len(allocator.staying(pool, True)) < dedicated or len(allocator.staying(pool, False)) < low
        )
        if outcome.run.error is None and body.allocation_state == "steady" and (changed or missing):
            allocator.aim(pool, dedicated, low, body.resize_timeout, outcome.deallocation)


def check(formula: str, pool: LivePool, account: AccountState) -> None:
    """Refuses a formula that cannot be read, as the service does before it takes one."""
    _check_length(formula)
    run = evaluate(formula, pool.metrics or PoolMetrics(pool), account.world.time).run
    if run.error is not None and run.error.code != "InsufficientSampleData":
        values = {value.name or "": value.value or "" for value in run.error.values or ()}
        raise Refused(
            400, "AutoScalingFormulaSyntaxError", "The specified autoscaling formula has a syntax error.", **values
        )


def _check_length(formula: str) -> None:
    if len(formula.encode()) > LONGEST:
        raise Refused(400, "AutoScalingFormulaTooLong", "The autoscaling formula is longer than 8 KB.")
