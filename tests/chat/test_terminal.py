"""The terminal takes alerts too: it prints them, and cannot be read back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat.port import FetchError, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.terminal.adapter import Terminal
from cards.build import actions
from cards.card import Button, Field, Form
from tests.chat.teams_service import Pictures, RequestIntake, card

HERE = Conversation("text", "terminal", "personal")


async def test_alerts_are_printed_and_their_edits_told_by_the_headline(tmp_path: Path) -> None:
    out = io.StringIO()
    terminal = Terminal(Pictures(), tmp_path, out=out)
    message, channel = await terminal.post_once(HERE, card("pool gpu-a is down"), "key", loud=True)
    await terminal.update(HERE, message, card("pool gpu-a is down"))
    for _ in range(2):
        await terminal.update(HERE, message, card("pool gpu-a is up"))
    assert channel == HERE.id
    assert [line for line in out.getvalue().splitlines() if line] == ["pool gpu-a is down", "edited: pool gpu-a is up"]
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


async def test_a_number_means_the_same_button_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert that comes while somebody reads must not change what the number on the screen does."""
    asked: list[str] = []

    class Intake(RequestIntake):
        async def accept(self, request: CommandRequest) -> None:
            asked.append(request.text)

    out = io.StringIO()
    terminal = Terminal(Pictures(), tmp_path, out=out)
    await terminal.start(Intake())
    for command in ("pool show gpu-a", "alert ack 1a2b"):
        await terminal.post_once(HERE, card("a card", blocks=(actions(Button("Go", command)),)), "key")
    typed = iter(["1", "2", "3", "0", "quit"])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(typed))
    await terminal.converse()
    assert asked == ["home", "pool show gpu-a", "alert ack 1a2b", "3", "0"]
    assert "[2] Go → alert ack 1a2b" in out.getvalue()


async def test_the_end_of_what_is_typed_ends_the_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(prompt: str = "") -> str:
        raise EOFError

    class Intake(RequestIntake):
        async def accept(self, request: CommandRequest) -> None:
            self.asked.append(request)

    monkeypatch.setattr("builtins.input", ended)
    terminal, intake = Terminal(Pictures(), tmp_path, out=io.StringIO()), Intake()
    await terminal.start(intake)
    await terminal.converse()
    assert [each.text for each in intake.asked] == ["home"]
