"""The terminal takes alerts too: it prints them, and cannot be read back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat.port import FetchError, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.terminal.adapter import Terminal, asking, saved
from cards.build import actions
from cards.card import Attachment, Button, Field, Form, Option
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


def _options(number: int) -> tuple[Option, ...]:
    return tuple(Option(f"pool {n}", f"p{n}") for n in range(number))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (Field("a", "Pool"), "Pool: "),
        (Field("a", "Pool", value="x"), "Pool [x]: "),
        (Field("a", "From", kind="moment"), "From (such as 2026-11-23T21:00Z): "),
        (Field("a", "Pool", options=_options(2), value="p1"), "Pool (p0, p1) [p1]: "),
        (Field("a", "Pool", options=_options(12)), f"Pool ({', '.join(f'p{n}' for n in range(12))}): "),
        (Field("a", "Pool", options=_options(13)), f"Pool ({', '.join(f'p{n}' for n in range(12))}, …): "),
        (Field("a", "Body", lines=True), "Body (several lines, an empty one ends them): "),
        (Field("a", "Tasks", kind="file"), "Tasks (several lines, an empty one ends them): "),
    ],
)
def test_what_is_asked_for_a_field(field: Field, words: str) -> None:
    assert asking(field) == words


async def test_a_file_is_never_written_over_one_that_says_something_else(tmp_path: Path) -> None:
    async def kept(content: bytes) -> str:
        found = await saved(Pictures(), card(blocks=(Attachment("pools.csv", content, "text/csv"),)), tmp_path / "new")
        return Path(found[1]["pools.csv"]).name

    assert [await kept(each) for each in (b"a", b"b", b"a", b"c", b"b")] == [
        "pools.csv", "pools-2.csv", "pools.csv", "pools-3.csv", "pools-2.csv"
    ]  # fmt: skip
    assert (tmp_path / "new" / "pools-2.csv").read_bytes() == b"b"
