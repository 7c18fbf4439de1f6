"""Takes secrets out of request bodies before they are shown or stored, and says what was taken and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.content.clear_values import Found, Values
from bot.domain.bodies.fields import Body
from bot.domain.bodies.hidden import Hidden, found
from bot.domain.bodies.path import spelled, with_value
from bot.domain.bodies.write_only import given, missing


def clear_body(body: Mapping[str, Any]) -> tuple[Body, tuple[Hidden, ...]]:
    """A copy of the body in which every secret is a :class:`Hidden`, and these in order of their places.

    Hidden are: values that the service never answers, whether they are there or missing though the body needs them;
    values of settings whose name says that they are secret; signed addresses; and text in which a secret stands.
    """
    made = dict(body)
    for each in _write_only(made):
        made = with_value(made, each.path, each)
    made = _VALUES.value(made)
    return made, tuple(found(made))


def _write_only(body: Body) -> Iterator[Hidden]:
    for need in missing(body):
        if need.required:
            yield Hidden(need.path, need.what)
    for path in given(body):
        yield Hidden(path, f"the value of {spelled(path[-1:])}")


def _hidden(secret: Found) -> Hidden:
    if secret.name:
        return Hidden(secret.path, f"the value of {secret.name}")
    address = secret.value.startswith(("https://", "http://"))
    return Hidden(secret.path, "the signed address" if address else "the text with its secret", secret.shown)


_VALUES = Values(put=_hidden)
