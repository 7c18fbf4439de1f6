"""The worked example of CONTRIBUTING.md is a command: one function, no other file touched."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import handlers
from bot.alerting import rules
from bot.domain.findings import Entity, Finding, Severity, SuggestedAction
from bot.monitor.scene import PoolView
from bot.monitor.scene import Scene as WatchedScene
from bot.requests.registry import Registry
from cards import slack, teams, text
from cards.card import Actions, Button, Form, plain
from tests.alerting.alert_room import NOON
from tests.handlers.conftest import Scene, nobody, scene

__all__ = ["scene"]
GUIDE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"


def example() -> ModuleType:
    """The example as the module it says it is."""
    found = re.search(r"```python\n# handlers/(\w+)\.py\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "CONTRIBUTING.md has no worked example"
    module = ModuleType(f"handlers.{found.group(1)}")
    sys.modules[module.__name__] = module
    exec(compile(found.group(2), str(GUIDE), "exec"), module.__dict__)
    return module


async def test_a_command_is_one_function(scene: Scene) -> None:
    module = example()
    try:
        registry = Registry.discover(handlers)
        registry.collect(module)
    finally:
        del sys.modules[module.__name__]
    known = registry.commands["oldest"]
    assert known.summary.endswith(".")
    assert "oldest [account:ACCOUNT]" in known.usage
    scene.use(registry)
    card = await scene.ask("oldest account:sim-dev")
    assert not card.refused, plain(card.title)
    for render in (slack.render, teams.render, text.render):
        assert "active longest" in render(card).summary
    opened = next(item for block in card.blocks if isinstance(block, Actions) for item in block.items)
    assert isinstance(opened, Button)
    assert not (await scene.ask(opened.command)).refused
    assert not (await scene.ask("help oldest")).refused
    assert isinstance(await scene.dispatcher.form("oldest", nobody()), Form)
    assert (await scene.ask("oldst")).refused


def test_an_alert_is_one_function() -> None:
    found = re.search(r"```python\n(@rule.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "CONTRIBUTING.md has no worked alert"
    names = {
        "rule": rules.rule,
        "Severity": Severity,
        "Finding": Finding,
        "Entity": Entity,
        "SuggestedAction": SuggestedAction,
    }
    code = f"from __future__ import annotations\n{found.group(1)}"
    try:
        exec(compile(code, str(GUIDE), "exec"), {**names, "__name__": "bot.alerting.rules.example"})
        made = rules.discover()["pool.empty"]
    finally:
        rules._KINDS.pop("pool.empty", None)
    assert made.says == "A pool has no nodes and wants none."
    pools = {"a": PoolView("a"), "b": PoolView("b", dedicated=2)}
    look = WatchedScene(account="x", at=NOON, read=frozenset({"pools"}), pools=pools, jobs={}, schedules={})
    assert [finding.headline for finding in made.judge(look)] == ["pool a is empty"]
