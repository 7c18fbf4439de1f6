"""What the black box kept of a file, where Batch has it no more, or of a run before the last."""

from __future__ import annotations

from msgspec.structs import replace

from bot.azure import gaps
from bot.azure.errors import AzureError
from cards.build import actions, blocks, code, muted, refusal, text
from cards.card import Attachment, Block, Bullets, Button, Card, Code, Footer, Mark, Text, Words
from cards.formatting import file_size, plural
from handlers.file.owner import LOST, Home, gone, passing
from handlers.shared.common import titled
from handlers.shared.kept import Box, ended, kept_of, logs_of, shown_lines, when_kept
from storage.port.black_box import KeptFile, KeptTask

_NO_SUCH = frozenset({"isdirectory"})
_MOST_LINES = 500


async def instead(
    home: Home, error: AzureError, file: str, lines: int = _MOST_LINES, *, named: bool, whole: bool = False
) -> Card | None:
    """What is kept of a file that cannot be read; None where nothing is, or it may be read another time.

    Where the file was not ``named`` and is not among what is kept, another one that is. ``whole`` gives it as a file.
    """
    boxes = await _lost(home, error)
    found = _of(boxes[0], file, named=named) if boxes else None
    if found is None:
        return None
    gaps.forget()  # what could not be read beside it is told here
    card = _card(home, boxes, 1, found, lines, await _why(home, error))
    if not whole or not found.text:
        return card
    given = Attachment(found.name.rpartition("/")[2], found.text.encode(), "text/plain; charset=utf-8")
    return replace(card, blocks=tuple(given if isinstance(each, Code) else each for each in card.blocks))


async def listed(home: Home, error: AzureError) -> Card | None:
    """What is kept of the files of a task or node that cannot be listed; None as for :func:`instead`."""
    boxes = await _lost(home, error)
    if not boxes:
        return None
    gaps.forget()
    box, why = boxes[0], await _why(home, error)
    lines = [text(code(each.name), muted(f"  {_how_much(each)}")) for each in box.files]
    return Card(
        title=titled(text("Files of ", *home.label), text("kept by the bot")),
        mark=Mark.STOPPED,
        as_of=home.source.now(),
        blocks=blocks(
            Words(text(when_kept(box), f". {why[:1].upper()}{why[1:]}. ", ended(box), *_where(box))),
            Bullets(tuple(lines)),
            actions(
                *logs_of(home.ctx, home.source, box, 1),
                Button(home.kind.capitalize(), home.command("show")),
                Button("History", home.command("history")),
            ),
        ),
    )


def _how_much(file: KeptFile) -> str:
    size = file_size(file.length)
    if file.binary:
        return f"{size}, no text"
    return f"the last {file_size(file.length - file.start)} of {size}" if file.start else size


async def _lost(home: Home, error: AzureError) -> list[Box]:
    """What is kept where an error says that there is no more than that."""
    if error.status not in (404, 409) or passing(error) or error.code.lower() in _NO_SUCH:
        return []
    return await _with_files(home)


async def asked(home: Home, nth: int, file: str, lines: int, *, named: bool) -> Card:
    """The ``nth`` newest of what is kept, 1 being the newest."""
    boxes = await _with_files(home)
    found = _of(boxes[nth - 1], file, named=named) if 0 < nth <= len(boxes) else None
    if found:
        return _card(home, boxes, nth, found, lines)
    if not boxes:
        return refusal(
            f"Nothing is kept of {home.kind} {home.name}.",
            "What failed tasks and start tasks print is kept when their failure is seen, of some of each cause.",
            [Button("As it is now", home.command("log", file)), Button("Its history", home.command("history"))],
        )
    runs = "run" if home.kind == "task" else "state"
    return refusal(
        f"{file} is not kept of {home.kind} {home.name}."
        if 0 < nth <= len(boxes)
        else f"There is no kept:{nth}: {plural(len(boxes), f'{runs} is', f'{runs}s are')} kept.",
        "This is kept:",
        [
            Button(f"{each.name} kept:{at}", home.command("log", each.name, kept=at))
            for at, box in enumerate(boxes[:2], 1)
            for each in box.files
        ],
    )


async def before(home: Home, current: object) -> int:
    """The place of the newest kept run that is not the ``current`` one, by when it ended; 0 where there is none."""
    places = (nth for nth, box in enumerate(await _with_files(home), 1) if box.at != current)
    return next(places, 0)


async def _with_files(home: Home) -> list[Box]:
    found = await kept_of(home.ctx, home.source, home.kind, home.outer, home.name)
    return [box for box in found if box.files]


def _of(box: Box, file: str, *, named: bool) -> KeptFile | None:
    """The file of that name; where nobody named one, the one that says most, or else any that was kept."""
    if named:
        return box.file(file)
    says = box.file(box.line_in) if isinstance(box, KeptTask) and box.line_in else None
    return says or box.file(file) or box.files[0]


async def _why(home: Home, error: AzureError) -> str:
    """In words why there is nothing but what was kept."""
    if home.kind == "task" and error.code.lower() not in ("jobnotfound", "tasknotfound"):
        state = await home.state_if_known()
        if state.waiting:
            return "the task is to run again, and has no files yet"
    if error.code.lower() not in LOST:
        return f"its node cannot be asked for files now ({error.code})"
    return gone(error)


def _card(home: Home, boxes: list[Box], nth: int, file: KeptFile, lines: int, why: str = "") -> Card:
    box = boxes[nth - 1]
    found = shown_lines(file, lines)
    body: Block
    if file.binary:
        body = Words(text("It was not text, so nothing of it was kept."))
    elif not found.text.strip():
        body = Words(text("The file was empty (0 bytes)." if not file.length else "There is nothing but white space."))
    else:
        body = Code(found.text, keep="tail")
    return Card(
        title=titled(text(code(file.name)), home.label, text("kept by the bot"), file_size(file.length)),
        mark=Mark.STOPPED,
        as_of=home.source.now(),
        blocks=blocks(
            Words(text(when_kept(box), f". {why[:1].upper()}{why[1:]}. " if why else ". ", ended(box), *_where(box))),
            body,
            _buttons(home, boxes, nth, file, lines, found.text.count("\n") + 1),
            _small_print(file, found.cut, len(found.lines)),
        ),
    )


def _where(box: Box) -> Text:
    return text(" on node ", code(box.node)) if isinstance(box, KeptTask) and box.node else ()


def _buttons(home: Home, boxes: list[Box], nth: int, file: KeptFile, lines: int, shown: int) -> Block | None:
    def other(name: str, at: int, **options: object) -> str:
        return home.command("log", name, kept=at, **options)

    more = shown >= lines and file.text.count("\n") > shown and lines < _MOST_LINES
    return actions(
        *(
            Button(each.name.rpartition("/")[2], other(each.name, nth), how="edit")
            for each in boxes[nth - 1].files
            if each.name != file.name
        ),
        Button("More lines", other(file.name, nth, lines=min(lines * 5, _MOST_LINES)), how="edit") if more else None,
        Button("Run before", other(_same(boxes[nth], file), nth + 1), how="edit") if nth < len(boxes) else None,
        Button("Run after", other(_same(boxes[nth - 2], file), nth - 1), how="edit") if nth > 1 else None,
        Button("As it is now", home.command("log", file.name)),
        Button(home.kind.capitalize(), home.command("show")),
        Button("History", home.command("history")),
    )


def _same(box: Box, file: KeptFile) -> str:
    """The same file of another run, or the first that was kept of it."""
    return file.name if box.file(file.name) else box.files[0].name


def _small_print(file: KeptFile, cut: int, lines: int) -> Footer | None:
    if not lines:
        return None
    all_of_it = file.start == 0 and lines >= file.text.count("\n")
    pieces = [
        "all of it" if all_of_it else f"the last {plural(lines, 'line')} of {file_size(file.length)}",
        f"of which {file_size(file.length - file.start)} are kept" if file.start else "",
        f"{plural(cut, 'line')} cut" if cut else "",
        f"read as {file.encoding}" if file.encoding else "",
    ]
    return Footer(text(muted(" · ".join(filter(None, pieces)))))
