"""The neutral card for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from cards.card import Card, Rendered


def render(
    card: Card,
    pictures: Mapping[str, str] = {},  # noqa: B006
    *,
    width: int = 100,
    colour: bool = False,
) -> Rendered:
    """The card as text; ``payload["actions"]`` lists what may be chosen, in the order of the numbers shown."""
    raise NotImplementedError
