"""Saved queries and the default account, of a channel and of a person."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import handlers
from bot.chat.request import Author, CommandRequest, Conversation, Person
from bot.requests.preferences import QUERIES, place_of
from bot.requests.registry import Registry
from cards.card import Actions, Button, Card, Menu, plain
from handlers.bot.saved import MOST, Query
from tests.golden import check
from tests.handlers.conftest import START, Scene

CHANNEL, OTHER, CHAT = (
    Conversation("slack", "C1"),
    Conversation("slack", "C2"),
    Conversation("slack", "D1", kind="personal"),
)


@pytest.fixture
async def saved(scene: Scene) -> Scene:
    scene.permit(operators=["slack:operator"])
    return scene


async def ask(
    scene: Scene, text: str, person: str = "viewer", conversation: Conversation = CHANNEL, **more: Any
) -> Card:
    request = CommandRequest("k", text, Person("slack", person), conversation, datetime.now(UTC), **more)
    return await scene.dispatcher.card(request)


def items(card: Card) -> list[Any]:
    return [item for block in card.blocks if isinstance(block, Actions) for item in block.items]


def commands(card: Card) -> list[str]:
    return [item.command for item in items(card)]


def title(card: Card) -> str:
    return plain(card.title)


def golden(name: str, card: Card) -> None:
    """Held against its golden files, with one moment for all that is now."""
    now = START.isoformat().replace("+00:00", "Z")
    encoded = re.sub(r'"20\d\d-[^"]*Z"', f'"{now}"', msgspec.json.encode(card).decode())
    check(name, replace(msgspec.json.decode(encoded, type=Card), zone="America/Chicago"))


async def test_a_query_is_saved_listed_run_and_forgotten(saved: Scene) -> None:
    done = await ask(saved, "save Failing job list state:active -state:completed")
    assert title(done) == "failing · saved for everybody here"
    golden("command-save", done)
    await ask(saved, "save mine gpu pool show 'render-gpu'")
    listed = await ask(saved, "saved")
    golden("command-saved", listed)
    ran = await ask(saved, "run FAILING")
    assert title(ran).startswith("Jobs in")
    assert title(await ask(saved, next(c for c in commands(listed) if c.startswith("run 'gpu'")))).startswith(
        "Pool render-gpu"
    )
    menu = next(item for item in items(listed) if isinstance(item, Menu) and item.label == "Forget")
    gone = await ask(saved, menu.command.replace("{}", menu.options[0].value))
    assert title(gone) == "Saved queries · 1 · failing is forgotten"
    assert (await ask(saved, "run failing")).refused


async def test_ones_own_stands_before_the_channels_and_each_can_be_named(saved: Scene) -> None:
    await ask(saved, "save q pool list")
    await ask(saved, "save mine q job list")
    assert title(await ask(saved, "run q")).startswith("Jobs")
    assert title(await ask(saved, "run q whose:channel")).startswith("Pools")
    assert title(await ask(saved, "run q", person="operator")).startswith("Pools")
    assert title(await ask(saved, "run q", conversation=OTHER)).startswith("Jobs"), "one's own goes along"
    assert (await ask(saved, "run q", person="operator", conversation=OTHER)).refused
    buttons = [item.command for item in items(await ask(saved, "saved")) if isinstance(item, Button)]
    assert buttons[:2] == ["run q whose:mine", "run q whose:channel"]
    assert "1" in title(await ask(saved, "forget q"))
    assert title(await ask(saved, "run q")).startswith("Pools"), "the own one is forgotten first"


async def test_in_a_personal_chat_everything_is_ones_own(saved: Scene) -> None:
    assert title(await ask(saved, "save q pool list", conversation=CHAT)) == "q · saved for you"
    assert title(await ask(saved, "run q", conversation=OTHER)).startswith("Pools")


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("save q job lst state:active", "save q job list state:active"),
        ("save mine q job show", "help job show"),
        ("save q", "help save"),
        ("save 'a b!' pool list", "save a-b pool list"),
        ("save mine mine pool list", ""),
        ("save q run other", "saved"),
        ("save q save x pool list", "saved"),
        (f"save {'x' * 41} pool list", f"save {'x' * 40} pool list"),
        ("save مهمة! pool list", "save مهمة pool list"),
        ("save -x pool list", ""),
    ],
)
async def test_what_cannot_be_saved_says_why(saved: Scene, typed: str, nearest: str) -> None:
    card = await ask(saved, typed)
    assert card.refused
    assert not nearest or nearest in commands(card) or nearest in [c.replace("'", "") for c in commands(card)]
    assert "Saved queries · 0" in title(await ask(saved, "saved"))


async def test_no_query_with_a_secret_is_kept(saved: Scene) -> None:
    card = await ask(saved, "save q 'job list name~password=hunter2hunter2'")
    assert card.refused
    assert "secret" in plain(card.title)
    assert await saved.store.all_preferences(QUERIES) == []


async def test_a_wrong_name_is_answered_with_the_nearest(saved: Scene) -> None:
    await ask(saved, "save failing job list")
    golden("command-run-unknown", await ask(saved, "run failng"))
    assert "run failing" in commands(await ask(saved, "run failng"))
    assert "forget failing" in commands(await ask(saved, "forget failng"))
    assert (await ask(saved, f"run {'x' * 2000}")).refused


async def test_whoever_runs_it_needs_the_role_of_the_command(saved: Scene) -> None:
    registry = Registry.discover(handlers)
    saved.use(registry)
    known = registry.commands["pool list"]
    registry.commands["pool list"] = dataclasses.replace(known, mark=dataclasses.replace(known.mark, role="operator"))
    await ask(saved, "save q pool list", person="operator")
    assert "needs the role operator" in title(await ask(saved, "run q"))
    assert title(await ask(saved, "run q", person="operator")).startswith("Pools")


async def test_what_somebody_else_saved_is_replaced_and_forgotten_by_operators_only(saved: Scene) -> None:
    await ask(saved, "save q pool list", person="operator")
    assert (await ask(saved, "save q job list")).refused
    assert (await ask(saved, "forget q")).refused
    assert title(await ask(saved, "run q")).startswith("Pools")
    await ask(saved, "save r pool list")
    assert "It replaces" in str((await ask(saved, "save r job list", person="operator")).blocks)
    assert not (await ask(saved, "forget r", person="operator")).refused


async def test_a_hundred_are_the_most(saved: Scene) -> None:
    for number in range(MOST):
        assert not (await ask(saved, f"save q{number} home")).refused
    assert (await ask(saved, "save more home")).refused
    assert not (await ask(saved, "save q7 help")).refused, "replacing takes no room"
    assert not (await ask(saved, "save mine more home")).refused
    listed = await ask(saved, "saved")
    assert "Saved queries · 101" in title(listed)


async def test_a_query_without_an_account_means_the_default_of_the_place(saved: Scene) -> None:
    first, second = saved.accounts.names[:2]
    await ask(saved, "save q pool list")
    assert first in title(await ask(saved, "run q"))
    await ask(saved, f"use {second}", person="operator")
    assert second in title(await ask(saved, "run q"))


async def test_use_chooses_tells_and_takes_back(saved: Scene) -> None:
    first, second = saved.accounts.names[:2]
    golden("command-use-none", await ask(saved, "use"))
    chosen = await ask(saved, f"use {second}", person="operator")
    golden("command-use", chosen)
    assert title(chosen).startswith(f"{second} is the default account here")
    assert second in title(await ask(saved, "pool list"))
    assert second in title(await ask(saved, "pool list", person="operator")), "everybody's here"
    assert first in title(await ask(saved, "pool list", conversation=OTHER))
    assert first in title(await ask(saved, f"pool list account:{first}"))
    assert (await ask(saved, "use nowhere", person="operator")).refused
    assert f"use {first}" in commands(await ask(saved, "use"))
    await ask(saved, "use none", person="operator")
    assert first in title(await ask(saved, "pool list"))


async def test_ones_own_default_holds_where_the_channel_has_none(saved: Scene) -> None:
    first, second = saved.accounts.names[:2]
    assert "for you" in title(await ask(saved, f"use {second}", conversation=CHAT))
    assert second in title(await ask(saved, "pool list", conversation=CHAT))
    assert second in title(await ask(saved, "pool list"))
    assert first in title(await ask(saved, "pool list", person="operator"))
    await ask(saved, f"use {first}", person="operator")
    assert first in title(await ask(saved, "pool list")), "the channel's stands before one's own"


async def test_a_button_means_the_account_it_was_made_for_whatever_is_chosen_later(saved: Scene) -> None:
    first, second = saved.accounts.names[:2]
    before = await ask(saved, "pool list")
    await ask(saved, f"use {second}", person="operator")
    after = await ask(saved, "pool list")
    for card, name in ((before, first), (after, second)):
        refresh = next(item.command for item in items(card) if getattr(item, "text", "") == "Refresh")
        for account in (first, second):
            await ask(saved, f"use {account}", person="operator")
            assert name in title(await ask(saved, refresh))


async def test_an_account_that_left_the_settings_is_no_default(saved: Scene) -> None:
    first, second = saved.accounts.names[:2]
    await ask(saved, f"use {second}", person="operator")
    del saved.accounts._accounts[second]
    assert first in title(await ask(saved, "pool list"))
    saved.accounts._accounts[second] = saved.accounts._accounts[first]  # for the scene to close


@pytest.mark.parametrize(
    "typed",
    [
        "pool resize cfd 1",
        "pool delete cfd",
        "confirm 1a2b3c4d5e6f7a8b",
        "request 1a2b3c4d5e6f7a8b why",
        "approve 1a2b3c4d5e6f",
        "approval run 1a2b3c4d5e6f",
        "deny 1a2b3c4d5e6f no",
        "withdraw 1a2b3c4d5e6f",
        "undo 1a2b3c4d5e6f",
        "operation stop 1a2b3c4d5e6f",
        "audit ack 1a2b3c4d5e6f",
        "alert mute cfd",
    ],
)
async def test_what_changes_something_is_neither_saved_nor_run(saved: Scene, typed: str) -> None:
    for path in ("save", "save mine"):
        card = await ask(saved, f"{path} status {typed}")
        assert card.refused
        assert "only what reads can" in title(card)
    by = Author.of(CommandRequest("k", "", Person("slack", "mallory"), CHANNEL, START))
    kept = msgspec.json.encode(Query(typed, by))  # as an older version saved it
    await saved.store.put_preference(
        QUERIES, place_of(CommandRequest("k", "", Person("slack", "x"), CHANNEL, START)), "status", kept, START
    )
    card = await ask(saved, "run status", "operator")
    assert card.refused
    assert title(card) == f"status would change something: {typed}"


async def test_what_would_only_show_is_saved(saved: Scene) -> None:
    assert not (await ask(saved, "save bicep pool clone cfd cfd-2 as:bicep")).refused


async def test_a_query_runs_with_the_lower_of_two_roles(saved: Scene) -> None:
    """Whoever saved it could not have run it: then it is no better in somebody else's hands."""
    request = CommandRequest("k", "", Person("slack", "viewer"), CHANNEL, datetime.now(UTC))
    query = Query("job list", Author.of(request), "none")
    await saved.store.put_preference(QUERIES, place_of(request), "old", msgspec.json.encode(query), datetime.now(UTC))
    refused = await ask(saved, "run old", person="operator")
    assert refused.refused
    assert title(refused) == "old needs the role viewer: job list"
    await ask(saved, "save new job list", person="operator")
    kept = {
        each.name: msgspec.json.decode(each.value, type=Query)
        for each in await saved.store.preferences(QUERIES, place_of(request))
    }
    assert kept["new"].role == "operator"
