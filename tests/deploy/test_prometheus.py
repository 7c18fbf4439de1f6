"""Alert rules and dashboard name only what the program measures, by its labels, and say what they should."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families

from bot.azure.pipeline import Traffic
from bot.domain.knowledge import find
from bot.monitor.background import BILL
from bot.monitor.intake import IntakeStatus
from bot.ops import health
from bot.outbox.destination_queue import DestinationStatus
from bot.webhooks.settings import WebhookSettings
from storage.port.replicas import Replica
from tests import skips
from tests.alerting.alert_room import NOON, finding, room, scene
from tests.ops.test_health import Stage
from tests.webhooks.receivers import ENVIRONMENT

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES = yaml.safe_load((FOLDER / "batchbot.rules.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus gives by itself."""


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            asked = target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
            yield panel["title"], asked


def selectors(expression: Any) -> Iterator[Any]:
    """Every selector of a metric in an expression."""
    if isinstance(expression, promql.VectorSelector):
        yield expression
    elif isinstance(expression, promql.MatrixSelector):
        yield expression.vector_selector
    elif isinstance(expression, promql.BinaryExpr):
        yield from selectors(expression.lhs)
        yield from selectors(expression.rhs)
    elif isinstance(expression, promql.Call):
        for each in expression.args:
            yield from selectors(each)
    elif hasattr(expression, "expr"):
        yield from selectors(expression.expr)


async def exposed(path: Path) -> dict[str, set[str]]:
    """Every metric that a program with one of everything tells, with its labels; names as they are in an answer."""
    async with room(path) as ops:
        stage = Stage(ops)
        stage.webhooks = type(stage.webhooks)(ops.clock, stage.background, None, ENVIRONMENT)
        await stage.webhooks.use([WebhookSettings(name="pager", url="https://a.example.com", secret_env="PAGER_KEY")])
        stage.observer.events = IntakeStatus(open=True)
        stage.background.failed(BILL, "no answer", "render")
        stage.post.conversations = [DestinationStatus("slack:C1", 2), DestinationStatus("webhook:pager", 1)]
        stage.monitor_status.store.unreadable["incidents"] = 1
        stage.probes._chats = {"slack": _Connected()}
        stage.monitor_status.lease = _Held()
        find("task", code="NobodyKnowsThis")
        ops.found["node.unusable"] = [finding("gpu-a")]
        await ops.look()
        await stage.monitor_status.after("render", scene(NOON), NOON)
        app = web.Application()
        app.add_routes(
            health.routes(stage.monitor_status, {"render": Traffic()}, ops.alerts, stage.probes, stage.webhooks)
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
        async with ClientSession() as session, session.get(url) as answer:
            text = await answer.text()
        await runner.cleanup()
        await stage.webhooks.close()
    return {
        sample.name: set(sample.labels) for family in text_string_to_metric_families(text) for sample in family.samples
    }


class _Held:
    """The duties, which this replica has, and its accounts."""

    epoch, held = 3, True

    @property
    def shares(self) -> _Held:
        return self

    def mine(self) -> dict[str, int]:
        return {}

    def sure(self) -> bool:
        return True

    def replicas(self) -> list[Replica]:
        return [
            Replica(name, "1.0", NOON, NOON, 2.0, holds=mine, mine=mine) for name, mine in (("a", True), ("b", False))
        ]


class _Connected:
    async def unconnected(self) -> str:
        return ""


async def test_every_metric_and_label_is_one_that_the_program_tells(tmp_path: Path) -> None:
    told = await exposed(tmp_path)
    for name, measure in health.MEASURES.items():
        assert told[f"{name}{'_total' if measure.word == 'counter' else ''}"] == set(measure.labels), name
    named = set()
    for where, text in expressions():
        for each in selectors(promql.parse(text)):
            if each.name == "up":
                continue
            assert each.name in told, f"{where}: {each.name}"
            matched = {matcher.name for matcher in each.matchers.matchers}
            assert matched <= told[each.name] | OF_PROMETHEUS, f"{where}: {matched}"
            named.add(each.name)
    shown = {f"{name}{'_total' if each.word == 'counter' else ''}" for name, each in health.MEASURES.items()}
    assert shown - named == set(), "what nobody looks at"


def test_labels_in_words_and_by_are_there() -> None:
    labels = {"instance", *(label for each in health.MEASURES.values() for label in each.labels)}
    words = json.dumps([rule["annotations"] for rule in RULES])
    legends = [target["legendFormat"] for panel in BOARD["panels"] for target in panel.get("targets", ())]
    used = set(re.findall(r"\$labels\.(\w+)", words)) | set(re.findall(r"\{\{(\w+)\}\}", "".join(legends)))
    for _, text in expressions():
        for group in re.findall(r"(?:by|on) \(([^)]*)\)", text):
            used |= {each.strip() for each in group.split(",")}
    assert used <= labels


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert {each["name"] for each in BOARD["templating"]["list"]} == {"datasource", "instance"}
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "batchbot.rules.yaml"),
        ("test", "rules", "batchbot.rules.test.yaml"),
        ("check", "config", "prometheus.yaml"),
    ],
)
def test_prometheus_own_tool_agrees(words: tuple[str, ...]) -> None:
    skips.need("promtool")
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tried() -> None:
    """The tool's test names each alert, so that one which can never fire is found."""
    tried = (FOLDER / "batchbot.rules.test.yaml").read_text(encoding="utf-8")
    names = {rule["alert"] for rule in RULES}
    assert {name for name in names if name not in tried} == {"BatchbotPartFailing"}, "it takes six hours"
