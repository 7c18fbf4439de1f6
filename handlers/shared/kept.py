"""What the black box kept of a task or a node, as cards show it where Batch has it no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.azure.account import Account
from bot.content.output_text import Printed, last_lines
from bot.domain.states import word
from bot.requests.context import Context
from cards.build import bold, chip, code, facts, muted, text
from cards.card import Block, Bullets, Button, Code, Mark, Text, Time, Words
from handlers.shared.common import line, run_time, section
from storage.port.black_box import KeptFile, KeptNode, KeptTask

Box: TypeAlias = KeptTask | KeptNode
_LINES = 10
_SAME = timedelta(seconds=1)
"""Within which two moments are one: not every list tells them to the microsecond."""
_MOST = 20
"""Runs of a task that are looked for."""


async def kept_of(ctx: Context, source: Account, kind: str, parent: str, name: str) -> list[KeptTask] | list[KeptNode]:
    """What is kept of a task of a job or a node of a pool, newest first."""
    if kind == "task":
        return await ctx.store.kept_tasks(source.name, parent, name, limit=_MOST)
    return await ctx.store.kept_nodes(source.name, parent, name, limit=_MOST) if kind == "node" else []


def of_run(box: KeptTask, ended: datetime | None) -> bool:
    """Whether it is of the very run of its task that ended then, not of one that Batch repeated."""
    return ended is not None and not box.retried and abs(box.at - ended) < _SAME


def shown_lines(file: KeptFile, lines: int) -> Printed:
    """The last lines of a file, as far as they were kept."""
    return last_lines(file.text, file.encoding, lines)


def when_kept(box: Box) -> Text:
    """``kept 3 min ago, 14:03``."""
    return text(chip(Mark.STOPPED, "kept"), " ", Time(box.kept))


def ended(box: Box) -> Text:
    """How it ended, in a line."""
    if isinstance(box, KeptNode):
        return text(f"{word(box.state).capitalize()} since ", Time(box.at))
    if box.retried:
        return text("Failed and was run again ", Time(box.at))
    how = f" with exit code {box.exit_code}" if box.exit_code is not None else f" with {box.code}" if box.code else ""
    return text("Ended ", Time(box.at), how)


def _telling(box: Box) -> KeptFile | None:
    """The file that says most of it, or else the first that says anything; None where none does."""
    says = box.file(box.line_in) if isinstance(box, KeptTask) and box.line_in else None
    return says or next((file for file in box.files if file.text.strip()), None)


def kept_sections(box: Box, *, short: bool = False) -> list[Block]:
    """All that is kept of a run or a node: how it failed (not where that is ``short``), the end of what it printed.

    Short, and without anything printed, there is nothing to show.
    """
    said = _telling(box)
    if short and said is None:
        return []
    printed = shown_lines(said, _LINES).text if said else ""
    first = Words(text(when_kept(box)) if short else text(when_kept(box), ". ", ended(box)))
    facts_ = [] if short else _of_node(box) if isinstance(box, KeptNode) else _of_task(box)
    return section(
        "Kept", first, *facts_, Words(text(muted("The end of "), code(said.name))) if said else None,
        Code(printed, keep="tail") if printed else None,
    )  # fmt: skip


def _of_task(box: KeptTask) -> list[Block | None]:
    lines = [text(bold(box.code), f": {box.message}" if box.message else "")] if box.code else []
    lines += [text(muted(f"{name}: "), value) for name, value in box.details]
    return [
        Bullets(tuple(lines)) if lines else None,
        facts(
            ("Exit code", code(str(box.exit_code)) if box.exit_code is not None else None),
            ("Ran for", run_time(box.started, box.at) if box.started and not box.retried else None),
            ("Pool", code(box.pool) if box.pool else None),
            ("Node", code(box.node) if box.node else None),
        ),
    ]


def _of_node(box: KeptNode) -> list[Block | None]:
    lines = [text(bold(name), f": {message}" if message else "") for name, message in box.errors]
    if box.start_code:
        lines.append(text(bold(box.start_code), f": {box.start_message}" if box.start_message else ""))
    return [
        Bullets(tuple(lines)) if lines else None,
        facts(
            ("Start task", f"exit code {box.start_exit}" if box.start_exit is not None else None),
            ("Kind", "dedicated" if box.dedicated else "spot"),
            ("Size", box.vm_size or None),
            ("Agent", box.agent or None),
        ),
    ]


def logs_of(ctx: Context, source: Account, box: Box, nth: int) -> list[Button]:
    """A button for each file that is kept of it; ``nth`` is its place among all that is kept, the newest 1."""
    command, names = ("nodelog", (box.pool, box.node)) if isinstance(box, KeptNode) else ("log", (box.job, box.task))
    return [
        Button(file.name.removesuffix(".txt"), line(ctx, source, command, *names, file.name, kept=nth))
        for file in box.files
    ]


def earlier_runs(boxes: Sequence[KeptTask]) -> Bullets | None:
    """Runs of a task before the one that Batch tells of, a line each."""
    lines = [text(ended(each), f" · {each.line}" if each.line else "") for each in boxes]
    return Bullets(tuple(lines)) if lines else None
