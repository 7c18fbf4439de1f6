"""Every situation of ``alerts.toml``: a small world lives, the program looks at it, and says what is right."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.cases import Case, cases
from tests.cases.alert_world import SmallWorld, shown, small_world, words


@pytest.mark.parametrize("case", cases("alerts"))
async def test_what_is_found_and_said(case: Case, tmp_path: Path) -> None:
    async with small_world(tmp_path) as world:
        for step in case.input:
            (name, given), *more = step.items()
            assert not more, f"one thing a step: {step}"
            done = getattr(world, name)(**given) if isinstance(given, dict) else getattr(world, name)(given)
            if inspect.isawaitable(done):
                await done
        right = dict(case.right)
        _alerts(world, right.pop("alerts", []))
        for kind in right.pop("never", []):
            assert kind not in world.opened, f"{kind} was open: {world.opened}"
        for kind in right.pop("never_critical", []):
            assert world.opened.get(kind) != "critical"
        if (many := right.pop("messages", None)) is not None:
            assert len(shown(world.entries)) == many, "\n\n".join(shown(world.entries))
        for message in right.pop("message", []):
            _holds("\n\n".join(shown(world.entries)), message)
        for card in right.pop("cards", []):
            _holds(words(await world.ask(card["command"])), card)
        assert not right, f"what is that: {right}"


def _alerts(world: SmallWorld, wanted: list[dict[str, Any]]) -> None:
    """Each is open now, of that severity, with these words and without those."""
    opened = {each.kind: each for each in world.alerts.incidents.open()}
    for each in wanted:
        assert each["kind"] in opened, f"{each['kind']} is not open: {[one.headline for one in opened.values()]}"
        found = opened[each["kind"]]
        assert found.severity.value == each["severity"]
        _holds(words(world.alerts.writer.incident(found, "slack:C0OPS")), each)


def _holds(text: str, wanted: dict[str, Any]) -> None:
    for word in wanted.get("says", []):
        assert word in text, text
    for word in wanted.get("lacks", []):
        assert word not in text, text
