"""Whatever an account is like: home, lists, show, alerts and samples say the same of the same thing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings

from bot.alerting.rules import discover
from bot.alerting.rules.common import jobs_of
from bot.alerting.rules.money import hourly
from bot.alerting.rules.waiting import why
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.domain.findings import Finding, Severity
from bot.domain.pool_health import troubles_of
from bot.domain.pools import machines
from bot.domain.price import of_pool
from bot.domain.states import is_active
from bot.monitor.collector import Collector, Reading
from bot.monitor.observer import Observer
from bot.monitor.scene import Scene
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, WatchSettings
from cards.card import Bullets, Card, Facts, Fold, Mark, Progress, Table, plain
from cards.formatting import money
from storage.port.samples import PoolEra, Sample
from storage.sqlite.store import SqliteStore
from tests.commands import every_command
from tests.domain.accounts import AnyAccount, OneAccount, Told, accounts
from tests.monitor.observed_sandbox import MemoryStore

EXAMPLES = settings.default.max_examples // 4
"""Each asks some twenty commands."""
OF_NODES = ("node.unusable", "node.start_task_failed", "node.unknown", "node.offline")
OF_POOLS = (*OF_NODES, "pool.resize_failed", "pool.autoscale_failed")
"""What is wrong with a pool, one rule for each thing that it can be."""


@dataclass
class Seen:
    """An account as the commands show it, and as the monitor sees it."""

    told: Told
    source: AnyAccount
    dispatcher: Dispatcher
    scene: Scene
    cards: dict[tuple[str, ...], Card] = field(default_factory=dict)

    async def ask(self, *words: str) -> Card:
        """A command's answer."""
        if words not in self.cards:
            self.cards[words] = await self._ask(*words)
        return self.cards[words]

    async def _ask(self, *words: str) -> Card:
        text = " ".join(f"'{word}'" if ":" in word and " " not in word and "job" in word else word for word in words)
        person, here = Person("text", "viewer", zone="UTC"), Conversation("text", "here")
        card = await self.dispatcher.card(CommandRequest("k", text, person, here, datetime.now(UTC)))
        assert not card.refused, (text, plain(card.title))
        return card

    def findings(self, *kinds: str) -> list[Finding]:
        """What these rules find."""
        rules = discover()
        return [finding for kind in kinds for finding in rules[kind].judge(self.scene)]


class Samples:
    """Keeps no samples."""

    async def add_samples(self, samples: list[Sample]) -> None:
        """Nothing to do."""

    async def add_pool_eras(self, account: str, eras: list[PoolEra]) -> None:
        """Nothing to do."""

    async def sampled_range(self, account: str) -> None:
        """There are none."""


Bot: TypeAlias = tuple[AnyAccount, Dispatcher]


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """The commands, asked about one account after the other: making clients anew would take most of the time."""
    store = SqliteStore.open(tmp_path_factory.mktemp("verdict") / "t.db")
    source = AnyAccount(Told([], {}, [], [], {}, []))
    policy = Policy(Access(AccessSettings()))
    yield source, Dispatcher(Services(every_command(), policy, store, AzureReading(OneAccount(source))))
    asyncio.run(store.close())
    asyncio.run(source.close())


@given(told=accounts())
@settings(max_examples=EXAMPLES)
def test_one_verdict_and_one_number(bot: Bot, told: Told) -> None:
    asyncio.run(_agree(bot, told))


async def _agree(bot: Bot, told: Told) -> None:
    source, dispatcher = bot
    source.told = told
    look = await Observer(source, MemoryStore(), Clock(), WatchSettings(requests_per_minute=100_000)).poll()
    assert look.scene.blind is None, look.scene.blind
    seen = Seen(told, source, dispatcher, look.scene)
    await _pools_agree(seen)
    await _nodes_agree(seen)
    await _quotas_agree(seen)
    await _jobs_agree(seen)
    await _names_agree(seen)
    await _costs_agree(seen)


async def _pools_agree(seen: Seen) -> None:
    """A pool is in trouble on every card and among the findings, or on none."""
    listed = await seen.ask("pool list")
    words = {row[0]: row[4].lstrip("▲✖ ") for row in rows(listed)}
    wrong = {name for name, said in words.items() if said != "–"}
    assert wrong == {each.entity.id for each in seen.findings(*OF_POOLS)}
    assert number(listed, r"(\d+) in trouble") == len(wrong)
    home = await seen.ask("home")
    assert number(home, r"(\d+) pools? in trouble") == len(wrong)
    assert not (wrong and "all is well" in plain(home.title))
    said = [plain(item) for block in home.blocks if isinstance(block, Bullets) for item in block.items]
    named = sum(any(f"pool {name}: {words[name]}" in each for each in said) for name in wrong)
    assert named == len(wrong) or (len(said) == 5 and said[4].endswith(" more"))
    for name in words:
        assert ((await seen.ask("pool show", name.lower())).mark is Mark.WARNING) is (name in wrong)
    topology = await seen.ask("topology")
    for name in wrong:
        assert f"{words[name]}" in everything(topology)


async def _nodes_agree(seen: Seen) -> None:
    """As many nodes are bad in the list of pools, in that of nodes, on the map and in alerts."""
    words = {row[0]: row[4] for row in rows(await seen.ask("pool list"))}
    for view in seen.scene.pools.values():
        bad = sum(each.count for each in seen.findings(*OF_NODES) if each.entity.id == view.id)
        found = re.search(r"(\d+) of (\d+) nodes? bad", words[view.id])
        assert (int(found[1]) if found else 0) == bad
        if found:
            assert int(found[2]) == len(seen.told.nodes[view.id])
        assert number(await seen.ask("node list", view.id), r"(\d+) bad") == bad
        assert number(await seen.ask("node map", view.id.lower()), r"(\d+) of \d+ nodes? bad") == bad
        state = sum(row[1].removeprefix("● ") == "running" for row in rows(await seen.ask("node list", view.id)))
        running = [row[3] for row in rows(await seen.ask("pool list")) if row[0] == view.id]
        assert running == [str(state)]


async def _quotas_agree(seen: Seen) -> None:
    """One number for what is used of each quota: home, the account's card, alerts, and the samples of cores."""
    account, home = bars(await seen.ask("account show")), bars(await seen.ask("home"))
    watched = [(used, limit) for _, used, limit in seen.scene.quota.rows]
    assert sorted(watched) == sorted((each.done, each.total) for each in account)
    assert all(each in account for each in home)  # the account shows those nearest their limit first
    odd = [view for view in seen.scene.pools.values() if view.vm_size == "standard_d3_v2" and any(machines(view))]
    assert ("Without the cores of standard_d3_v2" in everything(await seen.ask("account show"))) is bool(
        odd and account
    )
    main = sum(
        row[0] in ("dedicated cores", "spot cores", "pools", "active jobs and schedules")
        for row in seen.scene.quota.rows
    )
    assert len(home) == main + sum(each.mark is not Mark.RUNNING for each in home[: len(home) - main])
    alerts = seen.findings("account.quota")
    assert len(alerts) == sum(each.mark in (Mark.WARNING, Mark.FAILED) for each in account)
    full = {each.entity.parent for each in alerts if dict(each.figures)["Left"] == "0"}
    assert len(full) == sum(each.mark is Mark.FAILED for each in account)
    critical = {each.entity.parent for each in alerts if each.severity is Severity.CRITICAL}
    assert critical == full & set(seen.scene.quota.wanted)
    reading = Reading.of(seen.scene)
    assert reading
    samples = await Collector([seen.source], Samples(), 60.0).sample(seen.source, reading)  # type: ignore[arg-type]
    used = {what: used for what, used, _ in seen.scene.quota.rows}
    if "dedicated cores" in used and "spot cores" in used:
        assert sum(each.total for each in samples) == used["dedicated cores"] + used["spot cores"]


async def _jobs_agree(seen: Seen) -> None:
    """One number of failed tasks, of all tasks, and of active jobs."""
    listed = {row[0]: row for row in rows(await seen.ask("job list"))}
    home = facts(await seen.ask("home"))
    assert home["Active jobs"] == str(sum(is_active(each["state"]) for each in seen.told.jobs))
    assert int(home["Active jobs"]) == len(rows(await seen.ask("job list", "state:active")))
    assert home["Active schedules"] == str(len(rows(await seen.ask("schedule list", "state:active"))))
    for name, row in listed.items():
        shown = await seen.ask("job show", name)
        found = re.search(r"(\d+) of \d+ failed", row[4])
        failed = found[1] if found else "0"
        assert facts(shown)["Failed"].removeprefix("✖ ") == failed
        view = seen.scene.job(name)
        if view is None:
            assert "completed" in row[1]
            continue
        if view.active is not None:  # jobs that are being deleted are not counted any more
            assert view.failed == int(failed)
            assert row[2] in (f"{view.succeeded + view.failed} / {view.total}", "no tasks")
            assert (row[2] == "no tasks") is (view.total == 0)


async def _names_agree(seen: Seen) -> None:
    """A job finds its pool, and a pool its jobs, in whatever case it is named."""
    there = {pool["id"].lower() for pool in seen.told.pools}
    going = [job for job in seen.told.jobs if job["state"].lower() != "completed"]
    lost = {job["poolInfo"]["poolId"] for job in going if job["poolInfo"]["poolId"].lower() not in there}
    assert ("no such pool" in everything(await seen.ask("topology"))) is bool(lost)
    for job in seen.scene.jobs.values():
        assert ("does not exist" in why(seen.scene, job).evidence) <= (job.pool in lost)
    for pool in seen.scene.pools.values():
        waiting = {
            job["id"]
            for job in going
            if job["poolInfo"]["poolId"].lower() == pool.id.lower()
            and is_active(job["state"])
            and seen.told.tasks[job["id"]]["active"]
        }
        assert {job.id for job in jobs_of(seen.scene, pool)} == waiting


async def _costs_agree(seen: Seen) -> None:
    """What a pool costs an hour is the same on its card and in alerts, and the sum of them on the list."""
    costs = [of_pool(seen.scene.prices, view) for view in seen.scene.pools.values()]
    for view, cost in zip(seen.scene.pools.values(), costs, strict=True):
        shown = plain((await seen.ask("pool show", view.id)).title)
        assert (f"{hourly(cost)} now" in shown) is bool(cost and cost.amount)
        assert ("/h" in shown) is bool(cost and cost.amount)
    known = [each.amount for each in costs if each]
    if known:
        assert f"{money(sum(known), 'USD')}/h now" in plain((await seen.ask("pool list")).title)
        assert f"{money(sum(known), 'USD')}/h now" in everything(await seen.ask("home"))


def rows(card: Card) -> list[list[str]]:
    """The rows of a card's table in words."""
    tables = [block for block in card.blocks if isinstance(block, Table)]
    return [[plain(cell) for cell in row.cells] for table in tables for row in table.rows]


def bars(card: Card) -> list[Progress]:
    """The bars of a card, those that are folded last."""
    folded = [inner for block in card.blocks if isinstance(block, Fold) for inner in block.blocks]
    return [block for block in (*card.blocks, *folded) if isinstance(block, Progress)]


def facts(card: Card) -> dict[str, str]:
    """The labelled values of a card's first facts."""
    found = next(block for block in card.blocks if isinstance(block, Facts))
    return {each.label: plain(each.value) for each in found.items}


def number(card: Card, pattern: str) -> int:
    """A number in a card's title; 0 where there is none."""
    found = re.search(pattern, plain(card.title))
    return int(found[1]) if found else 0


def everything(card: Card) -> str:
    """All that a card holds."""
    told: Any = msgspec.to_builtins(card)
    return str(told)


def test_a_pool_that_has_what_it_wants_is_well_whatever_its_last_resize_said() -> None:
    """The disagreement that began it: parked at 0 of 0 with errors of 40 hours ago."""
    from bot.domain.pools import PoolFacts  # noqa: PLC0415

    parked = PoolFacts("a", "active", "steady", resize_errors=(("AllocationFailed", "no room"),))
    assert troubles_of(parked) == ()
    parked.target_dedicated = 2
    assert [each.kind for each in troubles_of(parked)] == ["resize"]
