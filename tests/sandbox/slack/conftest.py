"""A started stand-in, a client of it, an app that listens, and a form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from tests.sandbox.slack.workspace import App, Clock, client_of, listening, workspace


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackStandIn]:
    async with workspace(clock) as stand_in:
        yield stand_in


@pytest.fixture
def client(slack: SlackStandIn) -> AsyncWebClient:
    return client_of(slack)


@pytest.fixture
async def app(slack: SlackStandIn) -> AsyncIterator[App]:
    app = App()
    async with listening(app) as slack.app_url:
        yield app


@pytest.fixture
def modal() -> dict[str, Any]:
    """A form with one required and one optional input."""
    return {
        "type": "modal",
        "callback_id": "pool",
        "title": {"type": "plain_text", "text": "Pool"},
        "submit": {"type": "plain_text", "text": "Run"},
        "blocks": [
            {
                "type": "input",
                "block_id": "name",
                "label": {"type": "plain_text", "text": "Name"},
                "element": {"type": "plain_text_input", "action_id": "value", "max_length": 8},
            },
            {
                "type": "input",
                "block_id": "size",
                "optional": True,
                "label": {"type": "plain_text", "text": "Size"},
                "element": {
                    "type": "static_select",
                    "action_id": "value",
                    "options": [{"text": {"type": "plain_text", "text": word}, "value": word} for word in ("s", "m")],
                },
            },
        ],
    }
