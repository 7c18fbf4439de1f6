"""What a channel or a person pins stands on their home card, in the account that it meant, until it is unpinned."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from cards.card import Actions, Button, Card, Menu, plain
from handlers.bot.pins import MOST
from storage.port.conversations import ConversationReference
from tests.golden import check
from tests.handlers.alert_service import words
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still

CHANNEL = Conversation("slack", "C0OPS", name="ops")
OTHER = Conversation("slack", "C0DEV", name="dev")
VERA, OTTO = Person("slack", "U0VERA", "Vera"), Person("slack", "U0OTTO", "Otto")


async def _ask(scene: Scene, text: str, where: Conversation = CHANNEL, person: Person = VERA) -> Card:
    request = CommandRequest("k", text, person, where, datetime.now(UTC))
    return await scene.dispatcher.card(request)


def _chat(person: Person) -> Conversation:
    return Conversation("slack", f"D{person.id}", kind="personal")


def _buttons(card: Card) -> dict[str, str]:
    found = [each for block in card.blocks if isinstance(block, Actions) for each in block.items]
    return {each.text: each.command for each in found if isinstance(each, Button)}


async def test_a_channels_pins_are_on_its_home_alone(scene: Scene) -> None:
    pinned = await _ask(scene, "pin pool show render-gpu")
    assert "for everybody here" in plain(pinned.title)
    check("pin-pinned", still(pinned, scene))
    assert "pinned already" in plain((await _ask(scene, "pin POOL show Render-GPU")).title)
    await _ask(scene, "pin failures")
    await _ask(scene, "pin mine job list state:active")
    home = _buttons(await _ask(scene, "home"))
    assert home["pool render-gpu"] == "pool show render-gpu account:render-prod"
    assert home["failures"] == "failures account:render-prod"
    assert not any("job list state" in label for label in home)
    assert not (await _ask(scene, home["pool render-gpu"])).refused
    assert "pool render-gpu" not in _buttons(await _ask(scene, "home", OTHER))
    mine = _buttons(await _ask(scene, "home", _chat(VERA)))
    assert mine["job list state:active"] == "job list state:active account:render-prod"
    assert "pool render-gpu" not in mine
    listed = await _ask(scene, "pin list")
    assert "1 more: they are in our personal chat" in words(listed)
    menu = next(
        each for block in listed.blocks if isinstance(block, Actions) for each in block.items if isinstance(each, Menu)
    )
    unpin = menu.command.replace("{}", f"'{menu.options[0].value}'")
    assert "unpinned" in plain((await _ask(scene, unpin)).title)
    assert "pool render-gpu" not in _buttons(await _ask(scene, "home"))


async def test_what_is_pinned_by_its_name_is_what_it_is_called(scene: Scene) -> None:
    assert "pool render-gpu" in plain((await _ask(scene, "pin pool render-gpu")).title)
    assert _buttons(await _ask(scene, "home"))["pool render-gpu"].startswith("pool show render-gpu")
    assert "unpinned" in plain((await _ask(scene, "unpin pool render-gpu")).title)
    assert "Nothing is pinned" in words(await _ask(scene, "pin"))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("pin pool resize render-gpu 4", "only what reads"),
        ("pin pin list", "on home already"),
        ("pin home", "on home already"),
        ("pin pool show render-gpu --nonsense:1", ""),
        ("unpin pool show nowhere", "is not pinned"),
        (f"pin job show {'x' * 400}", "too long"),
    ],
)
async def test_what_cannot_be_pinned_is_said(scene: Scene, typed: str, why: str) -> None:
    card = await _ask(scene, typed)
    assert card.refused
    assert why in plain(card.title)
    assert "Nothing is pinned" in words(await _ask(scene, "pin list"))


async def test_pins_are_few_and_somebody_elses_is_an_operators_to_take_away(scene: Scene) -> None:
    for number in range(MOST):
        assert not (await _ask(scene, f"pin job show job-{number}")).refused
    assert "which is the most" in plain((await _ask(scene, "pin job show one-more")).title)
    assert (await _ask(scene, "unpin job show job-1", person=OTTO)).refused
    assert not (await _ask(scene, "unpin job show job-1")).refused
    scene.permit(operators=[OTTO.key])
    assert not (await _ask(scene, "unpin job show job-2", person=OTTO)).refused


async def test_a_channel_that_gets_another_id_keeps_its_pins(scene: Scene) -> None:
    await _ask(scene, "pin pool show render-gpu")
    there = Conversation("slack", "C0NEW", name="ops")
    moved = ConversationReference("slack", there.id, msgspec.json.encode(there), datetime.now(UTC))
    await scene.store.move_conversation(moved, CHANNEL.id)
    assert "pool render-gpu" in _buttons(await _ask(scene, "home", there))
    assert "pool render-gpu" not in _buttons(await _ask(scene, "home"))
