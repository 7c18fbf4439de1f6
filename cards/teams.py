"""The neutral card as a message of teams."""

from __future__ import annotations

from collections.abc import Mapping

from cards.card import Card, Form, Rendered
from cards.click import Click, Submission


def render(card: Card, pictures: Mapping[str, str] = {}) -> Rendered:  # noqa: B006
    """The message for ``card``."""
    raise NotImplementedError


def render_form(form: Form, carry: str = "") -> dict[str, object]:
    """The form as a Slack modal view or as the Adaptive Card of a Teams dialog."""
    raise NotImplementedError


def decode_click(action: Mapping[str, object]) -> Click | None:
    """Slack: one entry of block_actions ``actions``; Teams: the action's ``data``. None when it is none of ours."""
    raise NotImplementedError


def decode_submission(view: Mapping[str, object]) -> Submission:
    """Slack: the ``view`` of view_submission; Teams: the ``data`` of task/submit. ValueError when it is none of ours."""
    raise NotImplementedError
