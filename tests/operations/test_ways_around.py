"""Ways around the guard rails that somebody has tried: each is closed."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from bot.chat.request import CommandRequest, Person
from bot.operations.audit import Act
from bot.operations.audit_posts import AuditPosts
from bot.operations.engine import Operations
from bot.operations.preflight import Preflight
from bot.policy.question import Target
from bot.policy.settings import ApprovalSettings, GrantSettings
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import text
from cards.card import Card
from handlers.bot import operation
from storage.port.operations import OperationRow
from tests.operations.guarded import SLACK, Bot, buttons, guarded, said

OVER_10 = ApprovalSettings(nodes=10, approvers=["slack:U0OTTO"], name="many")


@pytest.fixture
async def bot(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    settings: dict[str, Any] = getattr(request, "param", {})
    async with guarded(tmp_path, **settings) as made:
        yield made


def confirming(card: Card) -> str:
    """The id of the confirmation that a card asks for."""
    return buttons(card)["Yes, do it"].command.split()[1]


@pytest.mark.parametrize("first", ["typed", "keeper"])
@pytest.mark.parametrize("bot", [{"approvals": [OVER_10]}], indirect=True)
async def test_what_was_approved_is_run_by_one_request_alone(bot: Bot, first: str) -> None:
    id_ = await bot.requested()
    await bot.ask(f"approve {id_}", "slack:U0OTTO")
    typed, kept = f"approval run {id_}", f"approval:{id_}"
    one, other = ("mine", kept) if first == "typed" else (kept, "mine")
    assert said(await bot.ask(typed, key=one)) == "gpu-a has 64 nodes"
    found = await bot.store.approval(id_)
    assert found
    assert found.begun_by == one
    assert said(await bot.ask(typed, key=other)) == "It was run already."
    assert bot.pool.resized == [64]


@pytest.mark.parametrize(
    "bot",
    [{"approvals": [OVER_10], "grants": [GrantSettings(["slack:S0GPU"], ["pool *"])]}],
    indirect=True,
)
async def test_groups_that_were_left_meanwhile_grant_nothing_any_more(bot: Bot) -> None:
    olga = Person("slack", "U0OLGA", "Olga", groups=("S0GPU",), home="T0")
    asked = CommandRequest("k", "pool resize gpu-a 64 --reason late", olga, SLACK, datetime.now(UTC))
    await bot.dispatcher.card(asked)
    ((waiting,), _) = await bot.store.approvals(["pending"])
    await bot.ask(f"approve {waiting.id}", "slack:U0OTTO")
    (answer,) = await bot.look()
    assert answer.refused
    assert bot.pool.resized == []
    found = await bot.store.approval(waiting.id)
    assert found
    assert found.state == "void"


@pytest.mark.parametrize("word", ["no", "n", "No", "cancel"])
async def test_a_no_drops_it(bot: Bot, word: str) -> None:
    waiting = confirming(await bot.ask("pool delete gpu-a"))
    assert said(await bot.ask(f"confirm {waiting} {word}")) == "Nothing was done."
    assert (await bot.ask(f"confirm {waiting} yes")).refused
    assert not bot.pool.deleted


@pytest.mark.parametrize("word", ["nope", "maybe", "gpu-b", "''", "yes!"])
async def test_what_is_neither_yes_nor_no_leaves_it_open(bot: Bot, word: str) -> None:
    waiting = confirming(await bot.ask("pool delete gpu-a"))
    answer = await bot.ask(f"confirm {waiting} {word}")
    assert answer.refused
    assert "neither yes nor no" in said(answer)
    assert not bot.pool.deleted
    assert (await bot.told())[-1] == ("refused", "confirm.answer")
    await bot.ask(f"confirm {waiting} yes")
    assert bot.pool.deleted


@pytest.mark.parametrize("bot", [{"grants": [GrantSettings(["slack:S0GPU"], ["pool *"])]}], indirect=True)
async def test_whoever_says_yes_is_judged_by_the_groups_they_are_in_now(bot: Bot) -> None:
    olga = Person("slack", "U0OLGA", "Olga", groups=("S0GPU",), home="T0")
    request = CommandRequest("k", "pool delete gpu-a", olga, SLACK, datetime.now(UTC))
    waiting = confirming(await bot.dispatcher.card(request))
    assert (await bot.ask(f"confirm {waiting}")).refused
    assert not bot.pool.deleted


def change_the_file(path: Path, sql: str, *values: object) -> None:
    """What somebody does who holds the file: the triggers that refuse it are taken away first."""
    with closing(sqlite3.connect(path / "t.db", isolation_level=None)) as file:
        found = file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall()
        for (name,) in found:
            file.execute(f"DROP TRIGGER {name}")
        file.execute(sql, values)


def cut(path: Path, above: int) -> None:
    """Delete the lines of the trail above a number."""
    change_the_file(path, "DELETE FROM audit WHERE seq > ?", above)


@pytest.mark.parametrize(("left", "title"), [(2, "lost 1 line at"), (1, "lost 2 lines at"), (0, "lost 3 lines at")])
async def test_a_trail_whose_end_was_cut_off_is_not_whole(bot: Bot, tmp_path: Path, left: int, title: str) -> None:
    for nodes in (1, 2, 3):
        await bot.ask(f"pool resize gpu-a {nodes}")
    assert said(await bot.ask("audit verify")) == "The audit trail is whole · 3 lines"
    cut(tmp_path, left)
    answer = await bot.ask("audit verify")
    assert answer.refused
    assert title in said(answer)


async def test_an_end_that_was_written_anew_is_found(bot: Bot, tmp_path: Path) -> None:
    for nodes in (1, 2, 3):
        await bot.ask(f"pool resize gpu-a {nodes}")
    noted = await bot.store.audit_noted()
    assert noted == await bot.store.audit_head()
    cut(tmp_path, 1)
    await bot.ask("pool resize gpu-a 5")
    await bot.ask("pool resize gpu-a 6")
    change_the_file(tmp_path, "UPDATE meta SET value = ? WHERE name = 'audit:head'", f"3 {noted[1]}".encode())
    assert said(await bot.ask("audit verify")) == "The audit trail is not the one whose end the bot noted."


async def test_the_end_of_the_trail_is_said_once_a_day(bot: Bot, tmp_path: Path) -> None:
    await bot.ask("pool resize gpu-a 1")
    posts = AuditPosts(bot.store, "slack:C0AUDIT", bot.dispatcher.services.chatting)
    now = datetime.now(UTC)
    assert await posts.post(now) == 1
    for hours in (0, 24, 25, 48):
        await posts.post(now + timedelta(hours=hours))
    messages = await bot.messages()
    assert len(messages) == 3, "the line, and the next two days"
    hash_ = (await bot.store.audit_head())[1]
    assert all(hash_ in str(card.blocks) for card in messages.values())
    cut(tmp_path, 0)
    await posts.post(now + timedelta(hours=72))
    assert any("has lost 1 line at its end" in said(card) for card in (await bot.messages()).values())


@pytest.mark.parametrize(
    ("bot", "rule"),
    [
        ({}, ""),
        ({"grants": [GrantSettings(["slack:U0OLGA"], ["*"], entities=["pool:gpu-a"])]}, "grants.none"),
        (
            {
                "grants": [
                    GrantSettings(["slack:U0OLGA"], ["*"]),
                    GrantSettings(["slack:U0OLGA"], ["*"], entities=["pool:prod-*"], deny=True, name="prod"),
                ]
            },
            "grants.prod",
        ),
    ],
    indirect=["bot"],
)
async def test_what_only_a_look_finds_is_judged_too(bot: Bot, rule: str) -> None:
    ran: list[str] = []

    async def ahead(ctx: Context, pool: str, *, account: str | None = None) -> Preflight:
        return Preflight(makes=(Target("pool", "prod-a" if rule != "grants.none" else "gpu-b"),))

    @command("pool copy", effect="change", azure=True, preflight=ahead)
    async def copy(ctx: Context, pool: str, *, account: str | None = None) -> Card:
        """Make a pool whose name the bot finds.

        :param pool: the pool
        :param account: the account
        """
        ran.append(pool)
        return Card(title=text("made"))

    bot.registry.add(copy, getattr(copy, "__batchbot_command__"))  # noqa: B009
    answer = await bot.ask("pool copy gpu-a")
    assert answer.refused is bool(rule)
    assert ran == ([] if rule else ["gpu-a"])
    if rule:
        assert (await bot.told())[-1] == ("refused", rule)


RESIZING = Act("c", "k", "slack:U0OLGA", "T0", "slack:C0OPS", "sim", "pool resize", "pool gpu-a", "change", "grants.1")
STOP = [
    GrantSettings(["slack:U0OTTO"], ["pool *"], entities=["pool:gpu-*"]),
    GrantSettings(["slack:U0MIA"], ["pool *"], entities=["pool:gpu-b"]),
    GrantSettings(["slack:U0TIM"], ["pool *"], accounts=["render"]),
    GrantSettings(["slack:U0UMA"], ["job *"]),
]


@pytest.mark.parametrize("bot", [{"grants": STOP}], indirect=True)
@pytest.mark.parametrize(
    ("who", "typed", "stops"),
    [
        ("U0OLGA", "pool resize gpu-a 4", True),  # who began it, without a grant by now
        ("U0OTTO", "pool resize gpu-a 4", True),
        ("U0MIA", "pool resize gpu-a 4", False),
        ("U0TIM", "pool resize gpu-a 4", False),
        ("U0UMA", "pool resize gpu-a 4", False),
        ("U0OTTO", "pool resize other 4", False),
        ("U0OTTO", "pool grow gpu-a", False),  # a command that is not there any more
    ],
)
async def test_an_operation_is_stopped_by_who_may_run_it_on_what_it_is_about(
    bot: Bot, who: str, typed: str, *, stops: bool
) -> None:
    service = mock.Mock(spec=Operations)
    service.stop.return_value, service.began.return_value = True, False
    bot.registry.collect(operation)
    bot.dispatcher.services = replace(bot.dispatcher.services, operations=service)
    now = datetime.now(UTC)
    row = OperationRow(
        "o1", "k", "pool resize", "sim", "gpu-a", b"", msgspec.json.encode(replace(RESIZING, typed=typed)), now
    )
    assert await bot.store.add_operation(row, "me", now)
    answer = await bot.ask("operation stop o1", f"slack:{who}")
    assert answer.refused is not stops
    assert service.stop.called is stops
    assert (await bot.told())[-1] == (("done", mock.ANY) if stops else ("refused", "grants.none"))
