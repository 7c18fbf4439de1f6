"""``advice`` over the wire: what is found in an account that stands still, what people say of it, what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.domain.recommendations.model import Recommendation
from bot.sandbox.entity_parts import ResourceFile, StartTask
from bot.sandbox.world import Clock, World
from cards.card import Actions, Bullets, Button, Card, Menu, plain
from cards.text import render
from storage.port.audit import AuditEntry
from tests.golden import check
from tests.handlers.why_world import Ground, asked
from tests.sandbox import still_world as still
from tests.sandbox.still_world import NOW

SIGNATURE = "https://acme.blob.core.windows.net/in/setup.sh?sv=2022-11-02&sp=r&se={}&sig=q7ZcV0lcmU%3D"


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Ground]:
    """An account with something of everything that is to be found without history."""
    world = World(clock=Clock(NOW, paused=True))
    render_ = world.add_account(still.account("render"))
    idle = still.pool("sim-idle", current_dedicated_nodes=2, target_dedicated_nodes=2)
    for number in (0, 1):
        still.node(idle, number)
    old = [still.pool(f"old-{name}", allocation_state_transition_time=NOW - timedelta(days=40)) for name in ("a", "b")]
    signed = still.pool("signed")
    end = (NOW + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    files = [ResourceFile(http_url=SIGNATURE.format(end), file_path="setup.sh")]
    signed.body.start_task = StartTask(command_line="./setup.sh", resource_files=files)
    for pool in (idle, *old, signed):
        render_.pools[pool.id] = pool
    done = still.job("import-7", "signed", creation_time=NOW - timedelta(days=4))
    done.counts = [0, 0, 40, 0]
    busy = still.job("render-9", "signed", creation_time=NOW - timedelta(days=4))
    busy.counts = [3, 1, 40, 0]
    for job in (done, busy):
        render_.jobs[job.id] = job
    off = still.schedule("weekly", state="disabled", state_transition_time=NOW - timedelta(days=45))
    render_.schedules["weekly"] = off
    async with asked(tmp_path, world) as ground:
        yield ground


async def ids(account: Ground) -> dict[str, str]:
    """The ids of what was advised, by kind."""
    rows = await account.store.recommendations("render")
    return {msgspec.json.decode(row.body, type=Recommendation).kind: row.id for row in rows}


def said(card: Card) -> str:
    """All of its words."""
    return " ".join(str(render(card).payload["text"]).split())


def lines(card: Card) -> list[str]:
    """Its list."""
    return [plain(item) for block in card.blocks if isinstance(block, Bullets) for item in block.items]


async def test_what_is_to_be_done_is_listed_by_money_then_risk(account: Ground) -> None:
    entry = AuditEntry(
        at=NOW - timedelta(days=2), correlation="c", request="r", person="text:operator", home="",
        conversation="text:here", account="render", command="pool create sim-idle size:standard_d4s_v3",
        target="pool sim-idle", effect="change", rule="role", result="done",
    )  # fmt: skip
    await account.store.append_audit(entry)
    card = await account.ask("advice", "operator")
    assert len(account.calls) == 10, account.calls  # lists, counts, images, a pool's nodes; four for two jobs
    check("advice", card)
    found = lines(card)
    assert "both nodes of pool sim-idle are idle" in found[0]
    assert "made by" in found[0]
    assert "the start task of pool signed ends on" in found[1]
    assert "sig=" not in str(card)
    assert [name in " ".join(found[2:]) for name in ("old-a, old-b", "import-7", "weekly", "render-9")] == [
        True, True, True, False,
    ]  # fmt: skip
    buttons = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    assert any(isinstance(item, Button) and item.command == "pool resize sim-idle 0" for item in buttons)
    viewers = [
        item
        for block in (await account.ask("advice")).blocks
        if isinstance(block, Actions)
        for item in block.items
    ]  # fmt: skip
    assert [item.label for item in viewers if isinstance(item, Menu)] == ["Sort"]
    assert not any(isinstance(item, Button) and item.command.startswith("pool resize") for item in viewers)


async def test_what_people_say_of_it_and_what_became_of_it(account: Ground) -> None:
    await account.ask("advice")
    known = await ids(account)
    idle, pools, signed = known["idle now"], known["forgotten pools"], known["signature ends"]
    assert "operator" in said(await account.ask(f"advice dismiss {idle} kept warm"))
    assert "no advice “ffffffff”" in said(await account.ask("advice accept ffffffff", "operator"))
    assert "Say why" in said(await account.ask(f"advice dismiss {idle}", "operator"))
    assert "181d" not in said(await account.ask(f"advice snooze {pools} 181d", "operator"))
    check("advice-dismissed", await account.ask(f"advice dismiss {idle} kept warm for demos", "operator"))
    check("advice-snoozed", await account.ask(f"advice snooze {pools} 7d", "operator"))
    check("advice-accepted", await account.ask(f"advice accept {signed}", "operator"))
    left = said(await account.ask("advice", "operator"))
    assert "accepted" in left
    assert "sim-idle" not in left
    check("advice-aside", await account.ask("advice show:aside", "operator"))
    account.world.clock.advance(timedelta(days=8))
    assert "old-a" in said(await account.ask("advice", "operator"))  # its time is up
    world = next(iter(account.world.accounts.values()))
    world.jobs.pop("import-7")
    world.pools["signed"].body.start_task = None
    await account.ask("advice")
    past = await account.ask("advice show:past", "operator")
    check("advice-past", past)
    assert len(lines(past)) == 2
    assert "accepted" in said(past)


async def test_two_people_at_once_and_what_is_not_there(account: Ground) -> None:
    await account.ask("advice")
    idle = (await ids(account))["idle now"]
    both = await asyncio.gather(*(account.ask("advice", who) for who in ("operator", "viewer")))
    assert [lines(card) for card in both] == [lines(both[0])] * 2
    assert len(await account.store.recommendations("render")) == 5
    await account.ask(f"advice accept {idle}", "operator")
    await account.store.answer_recommendation("render", idle, "accepted", NOW, by="Somebody else")
    said_of = said(await account.ask(f"advice snooze {idle.upper()} 7d", "operator"))
    assert "Somebody else had accepted it before" in said_of
    for wrong in ("advice accept", "advice accept x", "advice snooze x 7d", f"advice snooze {idle} never"):
        assert (await account.ask(wrong, "operator")).refused, wrong
    world = next(iter(account.world.accounts.values()))
    for things in (world.pools, world.jobs, world.schedules):
        things.clear()
    assert lines(await account.ask("advice")) == []
    assert "Nothing is to be done." in said(await account.ask("advice"))
    assert "Nothing was set aside." in said(await account.ask("advice show:aside"))
    assert len(lines(await account.ask("advice show:past"))) == 5
