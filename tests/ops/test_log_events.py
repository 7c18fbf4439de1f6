"""Every line of the log has an event in one style, ``area.event``, so that it can be searched for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def events() -> Iterator[tuple[str, object]]:
    """Where something is logged in the program, and the event's name (None where it is no plain text)."""
    for room in ("bot", "handlers", "cards", "storage"):
        for path in (ROOT / room).rglob("*.py"):
            if "sandbox" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in LEVELS:
                        first = node.args[0] if node.args else None
                        yield f"{path.name}:{node.lineno}", first.value if isinstance(first, ast.Constant) else None


def test_every_event_is_an_area_and_what_happened() -> None:
    found = list(events())
    assert len(found) > 50
    assert [(where, event) for where, event in found if not re.fullmatch(r"[a-z]+\.[a-z_]+", str(event))] == []
