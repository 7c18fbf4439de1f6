"""Targeted messages: who sees them, for how long, and what is refused."""

from __future__ import annotations

import pytest

from bot.sandbox.teams import StandInError
from tests.sandbox.teams.scene import scene

DAY = 24 * 3600.0


async def test_one_member_sees_it_for_a_day() -> None:
    async with scene("viewer", "general", "group") as stage:
        reader, said = stage.teams.people["viewer"], {"type": "message", "text": "for you"}
        events = stage.teams.subscribe()

        async def post(name: str, recipient: str | None) -> tuple[int, str]:
            to = {"recipient": {"id": recipient}} if recipient else {}
            path = f"/{stage.chat(name)}/activities?isTargetedActivity=true"
            status, body, _ = await stage.call("POST", path, said | to)
            return status, str(body.get("id", body.get("error", {}).get("code")))

        status, message = await post("group", reader["id"])
        assert status == 201
        assert events.get_nowait()["only"] == "viewer"
        assert [each["only"] for each in stage.teams.messages("group", "viewer")][-1:] == ["viewer"]
        assert "for you" not in str(stage.teams.messages("group", "admin"))
        with pytest.raises(StandInError, match="MessageNotFound"):
            await stage.teams.click("admin", "group", message, "anything")

        # Not in a personal chat, not without a member to see it, and it stays what it was.
        assert await post("viewer", reader["id"]) == (400, "BadArgument")
        assert await post("group", None) == (400, "BadArgument")
        assert await post("group", "29:nobody") == (400, "BadArgument")
        path = f"/{stage.chat('group')}/activities/{message}"
        assert (await stage.call("PUT", path, {"type": "message", "text": "for all"}))[0] == 404

        stage.clock.now += DAY - 1
        assert "for you" in str(stage.teams.messages("group", "viewer"))
        stage.clock.now += 1
        assert "for you" not in str(stage.teams.messages("group", "viewer"))
        stage.teams.unsubscribe(events)
