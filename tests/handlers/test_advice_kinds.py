"""Every kind of recommendation, in an account that has all of them, over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bot.accounting.service import Accounting
from bot.advising.keeper import AdviceKeeper
from bot.clock import Clock
from bot.domain.recommendations.judge import RULES
from bot.domain.recommendations.model import Recommendation
from bot.requests.grammar import words
from bot.sandbox.world import SIZES
from bot.sandbox.world.account import AccountState
from cards.card import Actions, Button, Card
from cards.text import render
from storage.port.audit import AuditEntry
from tests.handlers.advice_world import SITUATIONS, history, looked, world
from tests.handlers.why_world import Ground, asked


@pytest.fixture
async def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """An account with a situation of every kind, looked at on three days."""
    ended = replace(SIZES["standard_nc6s_v3"], ends=datetime(2025, 9, 30, tzinfo=UTC))
    monkeypatch.setitem(SIZES, "standard_nc6s_v3", ended)
    async with asked(tmp_path, world()) as ground:
        await history(ground)
        yield ground


async def kept(account: Ground) -> dict[str, list[Recommendation]]:
    """What is kept as open, by kind."""
    found: dict[str, list[Recommendation]] = {}
    for row in await account.store.recommendations("render"):
        if not row.over:
            what = msgspec.json.decode(row.body, type=Recommendation)
            found.setdefault(what.kind, []).append(what)
    return found


def still(account: Ground) -> AccountState:
    """The account on the other side."""
    return next(iter(account.world.accounts.values()))


def text_of(card: Card) -> str:
    """All of its words."""
    return " ".join(str(render(card).payload["text"]).split())


def buttons(card: Card) -> list[Button]:
    return [
        item for block in card.blocks if isinstance(block, Actions) for item in block.items if isinstance(item, Button)
    ]


def keeper(account: Ground) -> AdviceKeeper:
    """What looks in the background."""
    services = account.dispatcher.services
    accounting = Accounting(account.store, account.accounts)
    return AdviceKeeper(account.accounts, account.store, accounting, services.registry, Clock())


async def test_every_kind_is_found_about_what_has_it(account: Ground) -> None:
    assert SITUATIONS.keys() == {kind for rule in RULES for kind in rule.kinds}
    account.calls.clear()
    await keeper(account).look(account.accounts.get("render"))
    calls = len(account.calls)
    found = await kept(account)
    for kind, about in SITUATIONS.items():
        assert about in [(each.about.kind, each.about.id) for each in found.get(kind, ())], kind
    pools, jobs = len(still(account).pools), len(still(account).jobs)
    assert calls <= 10 + pools + 2 * jobs, account.calls  # lists, what a task left, what has nodes or work
    # Whatever is advised, its button runs: its command is one, about something that is there.
    registry = account.dispatcher.services.registry
    for each in (each for found_ in found.values() for each in found_):
        typed = words(each.command)
        assert registry.find(typed) if each.form else registry.parse(typed), each.command
    agents, disks, signed = found["old agent"][0], found["full disk"][0], found["task signature ends"]
    assert agents.words == "Batch's agent 1.9.22 on nodes of pool old-agent had its last update 202 days ago"
    assert "does not fill it" in disks.harm
    assert [each.about.id for each in signed] == ["signed-manager", "signed-tasks"]
    assert found["size ends"][0].words.endswith("ended on 30 Sep 2025")
    assert not any("sig=" in str(each) for each in found.values())
    card = await account.ask("advice", "operator")
    assert len(account.calls) <= 8 + 5 + 2 * 5 + 3, account.calls  # somebody waits: a few of the pools and jobs
    shown = text_of(card)
    for order in ("worst", "since", "name", "kind"):  # three of them have a button: who may not is offered no change
        viewers = [button.command for button in buttons(await account.ask(f"advice sort:{order}"))]
        assert viewers
        assert {registry.command(words(each)).effect for each in viewers} == {"read"}, viewers
    assert "never had more than 4 of its 40 cores busy" in shown
    assert "pool m-wide had nothing to do" not in shown  # the same nodes: one of the two
    assert (await kept(account)).keys() == SITUATIONS.keys()  # what it did not look at is as it was


async def test_what_became_of_it_is_known_though_nobody_asks(account: Ground) -> None:
    source = account.accounts.get("render")
    await asyncio.gather(*(keeper(account).look(source) for _ in range(2)))
    before = await account.store.recommendations("render")
    assert len({row.id for row in before}) == len(before)
    await keeper(account).look(source)  # a program that was started again
    assert [row.first for row in await account.store.recommendations("render")] == [row.first for row in before]
    entry = AuditEntry(
        at=source.now() + timedelta(hours=1), correlation="c", request="r", person="text:operator", home="",
        conversation="text:here", account="render", command="pool delete forgotten", target="pool forgotten",
        effect="change", rule="role", result="done",
    )  # fmt: skip
    await account.store.append_audit(entry)
    state = still(account)
    state.pools.pop("forgotten")
    state.pools["signed"].body.start_task = None
    for node in state.pools["full-disk"].nodes.values():
        node.body.errors = None
    state.jobs.pop("zombie")
    for node in state.pools["m-idle"].nodes.values():
        node.body.state = "running"
    state.pools["m-idle"].counts[True].update(idle=0, running=2)
    account.world.clock.advance(timedelta(hours=2))
    await looked(account)
    await keeper(account).look(source)
    over = {
        msgspec.json.decode(row.body, type=Recommendation).kind: row
        for row in await account.store.recommendations("render")
        if row.over
    }
    assert over.keys() == {"forgotten pools", "signature ends", "full disk", "zombie jobs"}
    assert (over["forgotten pools"].done_by, over["forgotten pools"].deed) == ("text:operator", "pool delete forgotten")
    assert [over[kind].deed for kind in ("signature ends", "full disk", "zombie jobs")] == ["", "", ""]
    shown = text_of(await account.ask("advice show:past", "operator"))
    assert "over after pool delete forgotten by operator" in shown
    assert "over by itself, or from outside this bot" in shown
    assert "2 nodes of pool m-idle have nothing to do · last so" in shown  # the week has still to show what it saves
    assert "m-idle have nothing to do" not in text_of(await account.ask("advice", "operator"))


async def test_nothing_is_over_where_azure_does_not_answer(account: Ground) -> None:
    source = account.accounts.get("render")
    await keeper(account).look(source)
    before = await kept(account)
    account.sandbox.faults["render"].add("error", path="(pools|jobs|jobschedules|nodecounts)", status=403, code="No")
    await keeper(account).look(source)
    assert await kept(account) == before
