"""What tasks and nodes print: the end of a file, and following it while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.azure import gaps
from bot.azure.errors import AzureError
from bot.azure.files import Tail, tail
from bot.content import encodings
from bot.content.output_text import LONGEST, Printed, printed
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards.build import actions, blocks, chip, code, text
from cards.card import Block, Button, Card, Chip, Code, Footer, Mark, Text, Time, Words
from cards.command_line import join
from cards.formatting import duration, file_size, number, plural
from handlers.file import kept as black_box
from handlers.file.owner import FilesState, Home, gone, passing, unavailable
from handlers.file.usual import USUAL, usual_file
from handlers.shared.common import titled

LINES, MOST_LINES = 40, 500
EVERY = 3.0
"""Seconds between two reads, and so between two edits at least."""
LONGEST_FOLLOW = timedelta(minutes=10)
LONGEST_WAIT = 30.0
"""Seconds that a busy service is left alone at most."""
_FRESH = 30.0
"""Seconds after which a card says anew when it was last true."""
_PATIENCE = 5
"""Reads that may fail one after the other before following ends."""
NODE_USUAL = "startup/stderr.txt"
"""The file of a node that is shown where none is named."""
_OTHERS = 3
"""Other encodings that are offered."""
_OTHER = {"stdout.txt": "stderr.txt", "stderr.txt": "stdout.txt"}


@command(
    "log",
    effect="read",
    examples=[
        "log nightly:job-12 frame-0021",
        "log nightly:job-12 frame-0021 stderr.txt lines:100",
        "log nightly:job-12 frame-0021 follow",
        "log nightly:job-12 frame-0021 encoding:gbk",
    ],
    menu=60,
)
async def task_log(
    ctx: Context,
    job: str,
    task: str,
    file: str = "",
    *,
    lines: int = LINES,
    follow: bool = False,
    kept: int = 0,
    encoding: str = "",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Show the end of a task's output, and optionally follow it for ten minutes.

    Of a task that failed the file that says most of why, of others stdout.txt. Only the end of the file is read,
    however long it is. Secrets in it are hidden. Where the file is gone, what the bot kept of it when the task failed
    is shown.

    :param job: the job's id
    :param task: the task's id
    :param file: the file's name with its folders; the one that says most if left out
    :param lines: how many lines, 500 at most
    :param follow: go on showing what is new
    :param kept: what the bot kept of a failed run: 1 the newest, 2 the one before
    :param encoding: in which encoding it is read, such as gbk, shift_jis or utf-16; what its bytes show if left out
    :param account: the account, by its name in the settings
    """
    home = Home(ctx, ctx.account(account), "task", job, task)
    async for card in _shown(home, file, lines, follow=follow, kept=kept, encoding=encoding):
        yield card


@command("nodelog", effect="read", examples=["nodelog gpu-a tvmps_1f_d", "nodelog gpu-a tvmps_1f_d startup/stdout.txt"])
async def node_log(
    ctx: Context,
    pool: str,
    node: str,
    file: str = NODE_USUAL,
    *,
    lines: int = LINES,
    follow: bool = False,
    kept: int = 0,
    encoding: str = "",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Show the end of a file of a node, such as the output of its start task.

    Where the node is gone, what the bot kept of it when its start task failed is shown.

    :param pool: the pool's id
    :param node: the node's id
    :param file: the file's name with its folders
    :param lines: how many lines, 500 at most
    :param follow: go on showing what is new
    :param kept: what the bot kept of the node in trouble: 1 the newest, 2 what was before
    :param encoding: in which encoding it is read, such as gbk, shift_jis or utf-16; what its bytes show if left out
    :param account: the account, by its name in the settings
    """
    home = Home(ctx, ctx.account(account), "node", pool, node)
    async for card in _shown(home, file, lines, follow=follow, kept=kept, encoding=encoding):
        yield card


async def _shown(
    home: Home, file: str, lines: int, *, follow: bool, kept: int, encoding: str = ""
) -> AsyncIterator[Card]:
    asked = _asked_for(home, file, encoding)
    lines, named = min(max(lines, 1), MOST_LINES), file not in ("", NODE_USUAL)
    if not file:
        file = USUAL if kept else await usual_file(home)
    if kept:
        yield await black_box.asked(home, kept, file, lines, named=named)
        return
    try:
        file = await home.files.path(file)
    except AzureError as error:
        yield await _lacking(home, error, file, lines, named=named)
        return
    if follow:
        async for card in _Follower(home, file, lines, asked).cards():
            yield card
        return
    try:
        owner, end = await asyncio.gather(home.state_if_known(), tail(home.files, file, lines))
    except AzureError as error:
        yield await _lacking(home, error, file, lines, named=named)
        return
    earlier = await black_box.before(home, owner.ended) if home.kind == "task" else 0
    yield await _card(_View(home, file, lines, owner, end, earlier=earlier, encoding=asked))


def _asked_for(home: Home, file: str, typed: str) -> str:
    """The encoding that was named; empty where none was. Raises CommandError for one that there is not."""
    found = encodings.named(typed) if typed.strip() else ""
    if typed.strip() and not found:
        again = [home.command("log", *filter(None, [file]), encoding=each) for each in ("gbk", "shift_jis", "utf-16")]
        raise CommandError(
            f"“{typed[:40]}” is no encoding of text: write one such as gbk, shift_jis, big5 or utf-16.",
            again,
            at="encoding",
        )
    return found


async def _lacking(home: Home, error: AzureError, file: str, lines: int, *, named: bool) -> Card:
    """What is kept of a file that cannot be read, or why there is none."""
    return await black_box.instead(home, error, file, lines, named=named) or await unavailable(home, error, file)


@dataclass(frozen=True)
class _View:
    """What was seen of a file (``end`` None: there is none yet); ``until`` it is followed, or why that ``ended``.

    ``earlier`` is which of the runs that the bot kept was before this one; 0 is none.
    """

    home: Home
    file: str
    lines: int
    owner: FilesState
    end: Tail | None
    until: datetime | None = None
    ended: str = ""
    earlier: int = 0
    encoding: str = ""
    """The encoding that was named."""


class _Follower:
    """Reads a file again and again, until its task is over, the file is gone, somebody stops it, or time is up."""

    def __init__(self, home: Home, file: str, lines: int, encoding: str = "") -> None:
        self._encoding = encoding
        self._home = home
        self._file = file
        self._lines = lines
        self._clock = asyncio.get_running_loop().time
        self._deadline = self._clock() + LONGEST_FOLLOW.total_seconds()
        self._until = home.source.now() + LONGEST_FOLLOW
        self._shown = 0.0
        self._last: _View | None = None
        self._failures = 0

    async def cards(self) -> AsyncIterator[Card]:
        """Each card replaces the one before; the last one says why it is the last."""
        while True:
            why = ""
            try:
                view = await self._read()
            except AzureError as error:
                why = self._failed(error)
                if why and self._last is None:
                    yield await unavailable(self._home, error, self._file)
                    return
                wait = min(max(error.retry_after or 0.0, EVERY * 2**self._failures), LONGEST_WAIT)
            else:
                self._failures, wait = 0, EVERY
                if view.owner.over:
                    why = view.owner.words
                elif card := await self._news(view):
                    yield card
                self._last = view if view.end else None
            why = why or await self._pause(wait)
            if why:
                last = self._last
                yield await _card(replace(last, until=None, ended=why)) if last else _never(self._home, self._file, why)
                return

    async def _read(self) -> _View:
        """How things are now. Whether the task is over is asked first, so that nothing it wrote is missed then."""
        if self._shown:
            gaps.forget()
        owner = await self._home.state()
        before = self._last.end if self._last else None
        end = None
        if before or not owner.waiting:
            end = await tail(self._home.files, self._file, self._lines, before=before)
        return _View(self._home, self._file, self._lines, owner, end, self._until, encoding=self._encoding)

    def _failed(self, error: AzureError) -> str:
        """Why following ends with this error; empty where it goes on."""
        if not passing(error):
            return gone(error)
        self._failures += 1
        return f"Azure did not answer {_PATIENCE} times ({error.code})" if self._failures >= _PATIENCE else ""

    async def _news(self, view: _View) -> Card | None:
        """A card where there is something new, and now and then one that says when it was last true."""
        first = self._shown == 0.0
        if not first and self._clock() - self._shown < _FRESH and not _differs(view, self._last):
            return None
        self._shown = self._clock()
        return await _card(view) if view.end else _waiting(view)

    async def _pause(self, seconds: float) -> str:
        """Wait for the next read; why there is none, where there is none."""
        left = self._deadline - self._clock()
        if await self._home.ctx.live.pause(min(seconds, max(left, 0.0))):
            return self._home.ctx.live.reason
        return f"{duration(LONGEST_FOLLOW)} are over" if self._clock() >= self._deadline else ""


def _differs(view: _View, before: _View | None) -> bool:
    if view.end is None or before is None or before.end is None:
        return (view.end is None) != (before is None or before.end is None)
    now, then = view.end.head, before.end.head
    return (now.length, now.modified, view.owner) != (then.length, then.modified, before.owner)


async def _card(view: _View) -> Card:
    end = view.end
    assert end is not None  # noqa: S101 - without a file there is another card
    grows = view.home.kind == "task" and not view.owner.over  # of a node's files nobody knows when they are whole
    found = await asyncio.to_thread(printed, end, view.lines, grows=grows, encoding=view.encoding)
    return Card(
        title=titled(text(code(view.file)), view.home.label, text(view.owner.state), file_size(end.head.length)),
        mark=view.owner.state.mark,
        as_of=end.head.at,
        blocks=blocks(_progress(view), _body(end, found), _buttons(view, end, found), _small_print(view, end, found)),
    )


def _progress(view: _View) -> Block | None:
    if view.until:
        following = text(chip(Mark.RUNNING, "following"), " until ", Time(view.until, "clock"), " or ", _end_of(view))
        return Words(following, while_live=True)
    return Words(text(chip(Mark.STOPPED, "no longer followed"), f": {view.ended}")) if view.ended else None


def _end_of(view: _View) -> str:
    return "the end of the task" if view.home.kind == "task" else "the end of the node"


def _body(end: Tail, found: Printed | None) -> Block:
    if end.head.length == 0:
        return Words(text("The file is empty (0 bytes)."))
    if found is None:
        return Words(text("This is no text, it is binary. Get it as a file to see what is in it."))
    if not found.text.strip():
        return Words(text("There is nothing but white space."))
    return Code(found.text, keep="tail")


def _small_print(view: _View, end: Tail, found: Printed | None) -> Footer | None:
    if found is None or not found.lines:
        return None
    all_of_it = end.start == 0 and len(found.lines) < view.lines
    pieces = [
        "all of it" if all_of_it else f"the last {plural(len(found.lines), 'line')} of {file_size(end.head.length)}",
        f"{plural(found.cut, 'line')} cut after {number(LONGEST)} characters" if found.cut else "",
        f"read as {found.encoding}{', which so few letters do not show' if _doubts(view, end, found) else ''}"
        if found.encoding
        else "",
    ]
    written: Text = text(" · written ", Time(end.head.modified, "age")) if end.head.modified else ()
    return Footer(text(" · ".join(filter(None, pieces)), written))


def _doubts(view: _View, end: Tail, found: Printed | None) -> tuple[str, ...]:
    """In which other encodings a short text may be that was not read in one that somebody named."""
    return () if found is None or view.encoding else encodings.in_doubt(end.content, end.start, found.encoding)


def _buttons(view: _View, end: Tail, found: Printed | None) -> Block | None:
    home, file = view.home, view.file
    folder, _, leaf = file.rpartition("/")
    other = "/".join(filter(None, (folder, _OTHER.get(leaf, ""))))
    more = found is not None and (end.start > 0 or len(found.lines) >= view.lines) and view.lines < MOST_LINES
    lines, encoding = view.lines if view.lines != LINES else None, view.encoding or None
    follow = home.command("log", file, lines=lines, follow=True, encoding=encoding)
    return actions(
        Button(_OTHER[leaf], home.command("log", other, lines=lines, encoding=encoding), how="edit")
        if leaf in _OTHER
        else None,
        Button("Stop", join(["stop", home.ctx.live.id]), how="edit")
        if view.until
        else Button("Follow again" if view.ended else "Follow", follow, how="edit")
        if not view.owner.over
        else None,
        Button(
            "More lines",
            home.command("log", file, lines=min(view.lines * 5, MOST_LINES), encoding=encoding),
            how="edit",
        )
        if more and not view.until
        else None,
        *(
            Button(
                f"Read as {encodings.NAMES[name]}", home.command("log", file, lines=lines, encoding=name), how="edit"
            )
            for name in _doubts(view, end, found)[:_OTHERS]
        ),
        Button("Earlier run", home.command("log", file, kept=view.earlier)) if view.earlier else None,
        Button("Whole file", home.command("get", file)) if end.head.length else None,
        Button("All files", home.command("list")),
        Button(home.kind.capitalize(), home.command("show")),
    )


def _waiting(view: _View) -> Card:
    home, state = view.home, view.owner.state
    until = Time(view.until, "clock") if view.until else None
    return Card(
        title=titled(text(code(view.file)), home.label, text(state)),
        mark=state.mark,
        as_of=home.source.now(),
        blocks=blocks(
            Words(text(chip(Mark.CHANGING, "waiting"), " for the task to start, until ", until), while_live=True),
            Words(text("There are no files yet. They come to be when the task starts on a node.")),
            actions(
                Button("Stop", join(["stop", home.ctx.live.id]), how="edit"),
                Button(home.kind.capitalize(), home.command("show")),
            ),
        ),
    )


def _never(home: Home, file: str, why: str) -> Card:
    return Card(
        title=titled(text(code(file)), home.label, text(Chip(Mark.STOPPED, "no longer followed"))),
        mark=Mark.STOPPED,
        as_of=home.source.now(),
        blocks=blocks(
            Words(text(f"Nothing was printed while it was followed: {why}.")),
            actions(
                Button("Follow again", home.command("log", file, follow=True), how="edit"),
                Button(home.kind.capitalize(), home.command("show")),
            ),
        ),
    )
