"""Takes secrets out of request bodies before they are shown or stored, and says what was taken and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.content.redaction import is_secret, redact
from bot.domain.bodies.fields import Body
from bot.domain.bodies.hidden import Hidden, found
from bot.domain.bodies.path import Path, leaves, spelled, value_at, with_value
from bot.domain.bodies.write_only import given, missing


def without_secrets(body: Mapping[str, Any]) -> tuple[Body, tuple[Hidden, ...]]:
    """A copy of the body in which every secret is a :class:`Hidden`, and these in order of their places.

    Hidden are: values that the service never answers, whether they are there or missing though the body needs them;
    values of settings whose name says that they are secret; signed addresses; and text in which a secret stands.
    """
    made = dict(body)
    for each in (*_write_only(made), *_seemingly_secret(made)):
        made = with_value(made, each.path, each)
    return made, tuple(found(made))


def _write_only(body: Body) -> Iterator[Hidden]:
    for need in missing(body):
        if need.required:
            yield Hidden(need.path, need.what)
    for path in given(body):
        yield Hidden(path, _named(path))


def _seemingly_secret(body: Body) -> Iterator[Hidden]:
    taken = [*given(body)]
    for path, value in leaves(body):
        if not isinstance(value, str) or not value or any(path[: len(each)] == each for each in taken):
            continue
        last = path[-1]
        holder = value_at(body, path[:-1])
        name = holder.get("name") if isinstance(holder, dict) and last == "value" else None
        if isinstance(name, str) and is_secret(name):
            yield Hidden(path, f"the value of {name}")
        elif isinstance(last, str) and is_secret(last):
            yield Hidden(path, _named(path))
        elif (shown := redact(value)) != value:
            address = value.startswith(("https://", "http://"))
            yield Hidden(path, "the signed address" if address else "the text with its secret", shown)


def _named(path: Path) -> str:
    return f"the value of {spelled(path[-1:])}"
