from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.teams.scene import Scene, scene


@pytest.fixture
async def stage() -> AsyncIterator[Scene]:
    """A stand-in with the bot installed in the viewer's chat, the channel and the group."""
    async with scene("viewer", "general", "group") as made:
        yield made
