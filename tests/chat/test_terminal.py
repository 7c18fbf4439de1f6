"""The terminal takes alerts too: it prints them, and cannot be read back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat.port import FetchError, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.terminal.adapter import Terminal
from cards.card import Field, Form
from tests.chat.teams_service import Pictures, RequestIntake, card

HERE = Conversation("text", "terminal", "personal")


async def test_alerts_are_printed_and_printed_anew(tmp_path: Path) -> None:
    out = io.StringIO()
    terminal = Terminal(Pictures(), tmp_path, out=out)
    message, channel = await terminal.post_once(HERE, card("pool gpu-a is down"), "key", loud=True)
    await terminal.update(HERE, message, card("pool gpu-a is up"))
    assert channel == HERE.id
    assert [line for line in out.getvalue().splitlines() if line] == ["pool gpu-a is down", "pool gpu-a is up"]
    assert await terminal.direct(Person("text", "you"), HERE) == HERE
    with pytest.raises(UnreadableError):
        await terminal.find_by_key(HERE, "key", datetime.now(UTC))


async def test_what_is_pasted_into_a_form_has_several_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[CommandRequest] = []
    prompts: list[str] = []

    class Intake(RequestIntake):
        async def accept(self, request: CommandRequest) -> None:
            asked.append(request)

        async def form(self, command: str, request: CommandRequest, **more: object) -> Form:
            fields = (Field("tasks", "JSON or CSV", "file"), Field("template", "Command"))
            return Form("Task add", "task add", fields)

    typed = iter(["frame", "1", "2", "", "render {frame}"])

    def typing(prompt: str = "") -> str:
        prompts.append(prompt)
        return next(typed)

    monkeypatch.setattr("builtins.input", typing)
    terminal = Terminal(Pictures(), tmp_path, out=io.StringIO())
    await terminal.start(Intake())
    await terminal._press({"command": "task add", "how": "form"})
    assert asked[0].values == {"tasks": "frame\n1\n2", "template": "render {frame}"}
    assert prompts[0] == "JSON or CSV (several lines, an empty one ends them): "
    with pytest.raises(FetchError, match="paste what is in the file"):
        await terminal.fetch(asked[0], "/etc/passwd", 100)
