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
        "bot.alerts",
        "bot.ask",
        "bot.azure",
        "bot.commands",
        "bot.context",
        "bot.filter",
        "bot.preferences",
        "bot.printed",
        "bot.redact",
        "bot.watch.facts",
        "bot.watch.kinds",
        "bot.watch.status",
        "cards",
        "storage.port",
        "storage.watching",
    ),
    "bot.azure": ("bot.settings",),
    "bot.ask": (),
    "bot.settings": (),
    "bot.logs": ("bot.redact",),
    "bot.printed": ("bot.azure.files", "bot.redact", "cards"),
    "bot.redact": (),
    "bot.signals": (),
    "bot.access": ("bot.ask", "bot.settings"),
    "bot.commands": ("bot.context", "bot.settings", "cards"),
    "bot.live": ("cards",),
    "bot.filter": ("bot.azure.models", "bot.commands", "cards"),
    "bot.context": (
        "bot.alerts",
        "bot.ask",
        "bot.azure",
        "bot.commands",
        "bot.live",
        "bot.preferences",
        "bot.watch.status",
        "cards",
        "storage.port",
    ),
    "bot.preferences": ("bot.ask", "storage.port"),
    "bot.dispatch": (
        "bot.access",
        "bot.alerts",
        "bot.ask",
        "bot.azure",
        "bot.chat.port",
        "bot.commands",
        "bot.context",
        "bot.live",
        "bot.preferences",
        "bot.watch.status",
        "cards",
        "storage.port",
    ),
    "bot.desk": ("bot.ask", "bot.chat.port", "bot.dispatch", "cards", "storage.port"),
    "bot.chat": ("bot.ask", "bot.settings", "cards", "storage.port"),
    "bot.chat.slack.manifest": ("bot.commands",),
    "bot.watch": (
        "bot.azure",
        "bot.clock",
        "bot.printed",
        "bot.redact",
        "bot.settings",
        "cards.limits",
        "cards.phrases",
        "storage.port",
        "storage.watching",
    ),
    "bot.watch.delivery": ("bot.ask", "bot.chat.port", "bot.clock", "cards", "storage.watching"),
    "bot.alerts": (
        "bot.ask",
        "bot.clock",
        "bot.commands",
        "bot.preferences",
        "bot.settings",
        "bot.watch.facts",
        "bot.watch.kinds",
        "bot.watch.scene",
        "cards",
        "storage.port",
        "storage.watching",
    ),
    "bot.clock": (),
    "bot.health": ("bot.alerts", "bot.watch"),
    "bot.drawing": ("cards",),
    "bot.links": ("bot.drawing", "cards", "storage.port"),
    "bot.redacting": ("bot.redact",),
    "bot.relay": ("bot.azure", "bot.links", "bot.redacting"),
    "bot.reference": ("bot.commands", "bot.health", "bot.settings"),
    "bot.sandbox": (),
    "bot.app": ("bot", "handlers", "cards", "storage"),
    "bot.console": ("bot", "cards"),
    "bot.demo": ("bot.app", "bot.settings", "bot.signals"),
    "bot.cli": ("bot", "handlers", "storage.port"),
    "bot.__main__": ("bot.cli",),
}
NEVER = {"bot.app": "bot.sandbox", "bot.console": "bot.sandbox", "bot.demo": "bot.sandbox"}
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
