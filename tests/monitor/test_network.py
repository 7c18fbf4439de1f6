"""Counters of what pools take in and send out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.azure.models.watched import PoolTraffic
from bot.clock import Clock
from bot.monitor.network import NetworkSampler, counter_of
from storage.port.network import NetworkCounter

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
TOLD = {
    "startTime": "2026-11-01T00:00:00Z",
    "lastUpdateTime": "2026-11-18T11:30:00Z",
    "diskReadIOps": "17",
    "networkReadGiB": 4.5,
    "networkWriteGiB": 0.25,
}


def pool(name: str, told: dict[str, Any] | None) -> PoolTraffic:
    body = {"id": name} if told is None else {"id": name, "stats": {"url": "", "resourceStats": told}}
    return msgspec.convert(body, PoolTraffic, strict=False)


def test_a_counter_is_what_the_service_says() -> None:
    begun, at = datetime(2026, 11, 1, tzinfo=UTC), NOON - timedelta(minutes=30)
    assert counter_of(pool("a", TOLD)) == NetworkCounter("a", begun, at, 4.5, 0.25)


@pytest.mark.parametrize(
    "told", [None, {}, {**TOLD, "lastUpdateTime": None}, {**TOLD, "lastUpdateTime": TOLD["startTime"]}]
)
def test_where_the_service_says_nothing_nothing_is_known(told: dict[str, Any] | None) -> None:
    assert counter_of(pool("a", told)) is None


class Batch:
    name = "render"

    def __init__(self, *pools: PoolTraffic) -> None:
        self.pools = list(pools)

    async def every(self, kind: type[Any], path: str, *, select: str = "", expand: str = "") -> tuple[list[Any], Any]:
        assert (kind, path, select, expand) == (PoolTraffic, "/pools", "id,stats", "stats")
        return self.pools, NOON


class Kept:
    def __init__(self) -> None:
        self.rows: list[tuple[str, Sequence[NetworkCounter]]] = []

    async def add_network(self, account: str, counters: Sequence[NetworkCounter]) -> None:
        self.rows.append((account, counters))


async def test_pools_without_statistics_are_left_out() -> None:
    kept = Kept()
    assert await NetworkSampler([], kept, Clock()).read(Batch(pool("a", TOLD), pool("b", None))) == 1
    assert await NetworkSampler([], kept, Clock()).read(Batch(pool("b", None))) == 0
    assert [(account, [each.pool for each in counters]) for account, counters in kept.rows] == [("render", ["a"])]
