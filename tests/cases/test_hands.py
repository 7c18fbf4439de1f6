"""What a viewer does by other people's hands, or to what everybody sees; see ``hands.toml``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.chat.request import CommandRequest, Conversation, Person
from cards.card import plain
from cards.text import render
from tests.cases import Case, cases
from tests.handlers.alert_service import ACCOUNT, OPS, a_few, alerting
from tests.handlers.conftest import Scene, scene

__all__ = ["scene"]

PEOPLE = {"viewer": "U0VIEWER", "other": "U0OTHER", "operator": "U0OPERATOR"}


@pytest.mark.parametrize("case", cases("hands"))
async def test_case(case: Case, scene: Scene) -> None:
    bot = await alerting(scene)
    await a_few(bot)
    answer: Any = None
    jobs = scene.world.accounts[ACCOUNT].jobs.values()
    job = next(each.id for each in jobs if each.state.lower() == "active")
    for number, (who, where, what) in enumerate(case.input):
        person = Person("slack", PEOPLE[who], who)
        chat = Conversation("slack", f"D{PEOPLE[who]}", "personal")
        place = OPS if where == "channel" else chat
        typed = what.replace("{job}", job).replace("{JOB}", job.upper())
        asked = CommandRequest(f"k{number}", typed, person, place, datetime.now(UTC))
        answer = await scene.dispatcher.card(asked)
        last = number == len(case.input) - 1
        assert last or not answer.refused, plain(answer.title)
    said = str(render(answer, width=200).payload["text"])
    if rule := case.right.get("rule"):
        assert answer.refused
        assert rule in said
    assert case.right.get("says", "") in said
