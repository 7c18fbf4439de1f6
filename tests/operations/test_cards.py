"""The answers of the pipeline itself, as people see them on each platform."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations.confirm import Asked, Confirmations, Refused, dropped_card, refused_card
from bot.operations.preflight import Preflight
from bot.operations.reconcile import Begun, not_begun_card, unknown_card
from bot.policy.roles import Access
from bot.policy.rules import Decision, Policy
from bot.requests.journal import _stale_card
from bot.requests.refusals import forbidden
from bot.settings import AccessSettings
from cards.build import stamped
from cards.card import Card
from storage.sqlite.store import SqliteStore
from tests.golden import check

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ME = Person("slack", "U1")
NOBODY = Policy(Access(AccessSettings()))

CARDS = {
    "change-interrupted": unknown_card(
        Begun("alert mute gpu-a for:2h", {"entity": "gpu-a"}, AT - timedelta(minutes=2)), "alert mutes"
    ),
    "change-interrupted-blindly": unknown_card(Begun("stop 1a2b", {"live": "1a2b"}, AT - timedelta(minutes=2))),
    "change-not-begun": not_begun_card(Begun("pool resize gpu-a 12", {}, AT - timedelta(minutes=2))),
    "confirm-dropped": dropped_card("pool delete gpu-a"),
    "confirm-refused": refused_card(Refused("confirm.person", "Only whoever asked for it can confirm it.")),
    "refused-by-policy": forbidden(
        Decision(
            False,
            "command.shared",
            "“alert mute” for a whole channel needs the role operator; yours is viewer.",
            "viewer",
            "operator",
            ("U2", "U3", "U4", "U5"),
        ),
        ME,
        NOBODY,
    ),
    "refused-nobody-can": forbidden(
        Decision(False, "command.role", "“x” needs the role admin; yours is viewer.", "viewer", "admin"), ME, NOBODY
    ),
    "request-stale": _stale_card(
        CommandRequest("k", "pool list", ME, Conversation("slack", "C1"), AT), AT - timedelta(hours=2)
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_each_card_on_each_platform(name: str) -> None:
    check(f"pipeline-{name}", _still(CARDS[name]))


async def test_the_question_before_something_is_destroyed(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "t.db")
    found = Preflight(effects=("3 pools and 412 nodes go.", "18 running tasks are requeued."))
    with mock.patch("secrets.token_hex", return_value="1a2b3c4d5e6f7a8b"):
        asked = Asked("pool delete gpu-*", "sim", "pool gpu-*", found, "d")
        card = await Confirmations(store).ask(asked, person="slack:U1", conversation="c", now=AT)
    await store.close()
    check("pipeline-confirm-question", _still(card))


def _still(card: Card) -> Card:
    return stamped(card, zone="America/Chicago", as_of=AT)
