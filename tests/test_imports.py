"""Imports run one way: bot → handlers → cards, storage; the sandbox and the program do not know each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bot", "handlers", "cards", "storage")

# What a room (the longest matching prefix) may import of this project, besides itself.
ALLOWED = {
    "cards": (),
    "storage": (),
    "handlers": (
        "bot.alerting",
        "bot.requests.request",
        "bot.azure",
        "bot.requests.registry",
        "bot.requests.context",
        "bot.filter",
        "bot.requests.preferences",
        "bot.content.output_text",
        "bot.content.redaction",
        "bot.domain.findings",
        "bot.alerting.rules",
        "bot.monitor.status",
        "cards",
        "storage.port.store",
        "storage.port.watching",
    ),
    "bot.azure": ("bot.settings",),
    "bot.requests.request": (),
    "bot.settings": (),
    "bot.ops.logs": ("bot.content.redaction",),
    "bot.content.output_text": ("bot.azure.files", "bot.content.redaction", "cards"),
    "bot.content.redaction": (),
    "bot.ops.signals": (),
    "bot.policy.roles": ("bot.requests.request", "bot.settings"),
    "bot.requests.registry": ("bot.requests.context", "bot.settings", "cards"),
    "bot.requests.live": ("cards",),
    "bot.filter": ("bot.azure.models", "bot.requests.registry", "cards"),
    "bot.requests.context": (
        "bot.alerting",
        "bot.requests.request",
        "bot.azure",
        "bot.requests.registry",
        "bot.requests.live",
        "bot.requests.preferences",
        "bot.monitor.status",
        "cards",
        "storage.port.store",
    ),
    "bot.requests.preferences": ("bot.requests.request", "storage.port.store"),
    "bot.requests.dispatcher": (
        "bot.policy.roles",
        "bot.alerting",
        "bot.requests.request",
        "bot.azure",
        "bot.chat.port",
        "bot.requests.registry",
        "bot.requests.context",
        "bot.requests.live",
        "bot.requests.preferences",
        "bot.monitor.status",
        "cards",
        "storage.port.store",
    ),
    "bot.requests.journal": (
        "bot.requests.request",
        "bot.chat.port",
        "bot.requests.dispatcher",
        "cards",
        "storage.port.store",
    ),
    "bot.chat": ("bot.requests.request", "bot.settings", "cards", "storage.port.store"),
    "bot.chat.slack.manifest": ("bot.requests.registry",),
    "bot.monitor": (
        "bot.azure",
        "bot.clock",
        "bot.content.output_text",
        "bot.content.redaction",
        "bot.settings",
        "cards.text_fit",
        "cards.formatting",
        "storage.port.store",
        "storage.port.watching",
    ),
    "bot.outbox": ("bot.requests.request", "bot.chat.port", "bot.clock", "cards", "storage.port.watching"),
    "bot.alerting": (
        "bot.requests.request",
        "bot.clock",
        "bot.requests.registry",
        "bot.requests.preferences",
        "bot.settings",
        "bot.domain.findings",
        "bot.alerting.rules",
        "bot.monitor.scene",
        "cards",
        "storage.port.store",
        "storage.port.watching",
    ),
    "bot.clock": (),
    "bot.ops.health": ("bot.alerting", "bot.monitor"),
    "bot.content.drawing": ("cards",),
    "bot.content.links": ("bot.content.drawing", "cards", "storage.port.store"),
    "bot.content.stream_redaction": ("bot.content.redaction",),
    "bot.content.relay": ("bot.azure", "bot.content.links", "bot.content.stream_redaction"),
    "bot.tools.reference": ("bot.requests.registry", "bot.ops.health", "bot.settings"),
    "bot.sandbox": (),
    "bot.app": ("bot", "handlers", "cards", "storage"),
    "bot.tools.console": ("bot", "cards"),
    "bot.tools.demo": ("bot.app", "bot.settings", "bot.ops.signals"),
    "bot.cli": ("bot", "handlers", "storage.port.store"),
    "bot.__main__": ("bot.cli",),
}
NEVER = {"bot.app": "bot.sandbox", "bot.tools.console": "bot.sandbox", "bot.tools.demo": "bot.sandbox"}
"""Whoever may import all of ``bot`` still does not reach over the wire."""


def modules() -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "node_modules" not in path.parts:
                dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield dotted.removesuffix(".__init__"), path


def imported(name: str, path: Path) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if base in ROOMS)


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_run_one_way(name: str, path: Path) -> None:
    rooms = [room for room in ALLOWED if under(name, room)]
    if name == "bot":
        return
    assert rooms, f"{name} is in no room that the table knows: say what it may import"
    room = max(rooms, key=len)
    allowed = (*ALLOWED[room], room, *(r for r in rooms if r.count(".") >= 1))
    for target in imported(name, path):
        if target.split(".")[0] not in ROOMS or target in ROOMS:
            continue
        assert any(under(target, each) or under(each, target) for each in allowed), f"{name} imports {target}"
        assert not under(target, NEVER.get(room, "-")), f"{name} imports {target}"


def test_the_sandbox_is_on_the_other_side_of_the_wire() -> None:
    for name, path in modules():
        if under(name, "bot.sandbox"):
            inside = [t for t in imported(name, path) if t.split(".")[0] in ROOMS and not under(t, "bot.sandbox")]
            assert [t for t in inside if t != "bot"] == [], f"{name} knows the program"
