"""The terminal as a chat platform: the same cards as text, buttons chosen by their number.

A number means the same button to the end: an alert that comes in between takes none away. A terminal cannot take back
what it printed: of a message that is edited it prints the new headline, where there is one.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import structlog

from bot.chat.port import AttachedFile, FetchError, Newest, Pictures, Reach, RequestIntake, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.terminal.prompt import Prompt
from bot.content.outgoing import Outgoing
from cards.card import Card, Field, Form
from cards.form_values import foot, label
from cards.render_text import said
from cards.text import render
from cards.text_fit import file_name

log = structlog.get_logger()

_OPTIONS = 12
_HOW = {
    "date": "such as 2026-11-23",
    "time": "such as 22:00",
    "moment": "such as 2026-11-23T21:00Z",
    "flag": "true or false",
}
HERE = Conversation("text", "terminal", kind="personal")
"""The one conversation that there is."""


class Terminal:
    """Implements :data:`bot.chat.port.Platform` for one person at a terminal."""

    name: str = "text"

    def __init__(self, pictures: Pictures, folder: Path, user: str = "you", out: TextIO = sys.stdout) -> None:
        self._pictures = pictures
        self._folder = folder
        self._person = Person("text", user, user)
        self._out = out
        self._prompt = Prompt(out)
        self._intake: RequestIntake | None = None
        self._actions: list[Mapping[str, Any]] = []
        self._headlines: dict[str, str] = {}
        self._count = itertools.count(1)

    async def start(self, intake: RequestIntake) -> None:
        """Nothing to connect."""
        self._intake = intake

    async def stop(self) -> None:
        """Leave the terminal as it was."""
        self._prompt.close()

    async def zone(self, person: Person) -> str | None:
        """A terminal does not say; the bot's own zone is used."""
        return None

    async def fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        """Raises FetchError: the bot reads no files of the machine that it runs on, so they are pasted."""
        raise FetchError("Nothing can be attached in a terminal: paste what is in the file.")

    async def answer(self, request: CommandRequest, card: Outgoing, key: str = "") -> str:
        """Print the card."""
        return await self._print(card)

    async def say(self, request: CommandRequest, words: str) -> None:
        """Print a sentence."""
        self._prompt.show(f"\n{words}\n")

    async def _print(self, card: Card) -> str:
        """Print the card; pictures and files are saved and their paths named. Returns its number."""
        pictures, files = await saved(self._pictures, card, self._folder)
        first = len(self._actions) + 1
        rendered = render(card, pictures, files, colour=self._out.isatty(), first=first)
        self._actions += rendered.payload.get("actions", [])  # type: ignore[arg-type]
        self._prompt.show(f"\n{rendered.payload['text']}\n")
        message = str(next(self._count))
        self._headlines[message] = rendered.summary
        return message

    async def update_live(self, conversation: Conversation, message: str, newest: Newest) -> None:
        """A terminal cannot take back what it printed: print anew."""
        await self._print(await newest())

    def on_reach(self, callback: Reach) -> None:
        """A terminal is always there."""

    async def post_once(
        self, conversation: Conversation, card: Outgoing, key: str, *, loud: bool = False
    ) -> tuple[str, str]:
        """Print the card."""
        return await self._print(card), conversation.id

    async def update(self, conversation: Conversation, message: str, card: Outgoing) -> None:
        """Print the headline where it is a new one."""
        headline = render(card).summary
        if self._headlines.get(message) != headline:
            self._headlines[message] = headline
            self._prompt.show(f"\nedited: {headline}\n")

    def update_delay(self, conversation: Conversation) -> float:
        """A terminal has no limits."""
        return 0.0

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        """Raises UnreadableError: what was printed is not there to be read."""
        raise UnreadableError("a terminal cannot be read back")

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The terminal, which has one person only."""
        return conversation

    async def converse(self) -> None:
        """Read commands until the end of input: ``pool list``, a button's number, or ``quit``."""
        if self._intake is None:
            raise RuntimeError("converse() before start()")
        await self.ask("home")
        while True:
            try:
                typed = (await self._prompt.line("batch> ")).strip()
            except EOFError:
                return
            if typed in ("quit", "exit"):
                return
            if typed.isdigit() and 0 < int(typed) <= len(self._actions):
                await self._press(self._actions[int(typed) - 1])
            elif typed:
                await self.ask(typed.removeprefix("/batch").strip() or "home")

    async def ask(self, text: str, values: dict[str, str] | None = None) -> Card | None:
        """Ask one thing and wait for the answer to be printed."""
        if self._intake is None:
            raise RuntimeError("ask() before start()")
        task = await self._intake.accept(
            CommandRequest(
                key=f"text:{id(self)}:{datetime.now(UTC).isoformat()}",
                text=text,
                person=self._person,
                conversation=HERE,
                at=datetime.now(UTC),
                values=values or {},
            )
        )
        return await task if task else None

    async def _press(self, action: Mapping[str, Any]) -> None:
        command = str(action["command"])
        if action.get("how") != "form" or self._intake is None:
            await self.ask(command)
            return
        form = await self._form(command, None)
        if isinstance(form, Card):
            await self._print(form)
            return
        await self._fill(form)

    async def _form(self, command: str, values: dict[str, str] | None) -> Form | Card:
        if self._intake is None:
            raise RuntimeError("a form before start()")
        request = CommandRequest("form", command, self._person, HERE, datetime.now(UTC))
        return await self._intake.form(command, request, values=values)

    async def _fill(self, form: Form) -> None:
        """Ask for each field in turn; an empty line keeps what stands in brackets, a hyphen empties it.

        What is wrong is said at once and asked again; an answer that is the same twice is taken.
        """
        self._prompt.show(f"\n{form.title}: {form.intro}\n")
        values = {field.name: field.value for field in form.fields if field.value}
        for name in [field.name for field in form.fields]:
            before = None
            while True:
                field = next(each for each in form.fields if each.name == name)
                given = await self._typed(field)
                values[name] = "" if given.strip() == "-" else given.strip() or field.value
                if not form.live or not (field.refresh or field.required):
                    break
                found = await self._form(form.command, {key: value for key, value in values.items() if value})
                form = found if isinstance(found, Form) else form
                values |= {each.name: each.value for each in form.fields if each.reset}
                error = form.errors.get(name)
                if not error or values[name] == before:
                    break
                before = values[name]
                self._prompt.show(f"✖ {error}")
        for words in foot(form):
            self._prompt.show(said(words))
        await self.ask(form.command, values)

    async def _typed(self, field: Field) -> str:
        """What is typed for a field: a line, or, where several belong together, all of them up to an empty one."""
        lines = [await self._prompt.line(asking(field))]
        while (field.lines or field.kind == "file") and lines[-1].strip():
            lines.append(await self._prompt.line(""))
        return "\n".join(lines)


def asking(field: Field) -> str:
    """What is asked for a field: its label, what can be chosen, and what holds where nothing is typed."""
    shown = ", ".join(option.value for option in field.options[:_OPTIONS])
    more = ", …" if len(field.options) > _OPTIONS else ""
    several = "several lines, an empty one ends them" if field.lines or field.kind == "file" else ""
    how = shown + more if shown else _HOW.get(field.kind, several)
    return f"{label(field)}{f' ({how})' if how else ''}{f' [{field.value}]' if field.value else ''}: "


async def saved(pictures: Pictures, card: Card, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Put the card's pictures and files into ``folder``; returns paths by the pictures' keys and the files' names."""
    rendered = render(card)
    paths = {}
    for picture in rendered.pictures:
        path = folder / f"{picture.key}.png"
        try:
            png = await pictures.png(picture.chart)
            await asyncio.to_thread(_write, path, png)
        except Exception:  # a chart never fails its card
            log.exception("terminal.picture_failed", key=picture.key)
            continue
        paths[picture.key] = str(path)
    files = {}
    for attachment in rendered.attachments:
        path = folder / file_name(attachment.name)
        try:
            files[attachment.name] = str(await asyncio.to_thread(_keep, path, attachment.content))
        except OSError:
            log.exception("terminal.file_failed", path=str(path))
    return paths, files


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _keep(path: Path, content: bytes) -> Path:
    """Write what a person will search for: never over a file of the same name that says something else."""
    candidates = itertools.chain([path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2)))
    chosen = next(each for each in candidates if not each.exists() or each.read_bytes() == content)
    _write(chosen, content)
    return chosen
