"""Read what was pasted or attached: JSON in its usual forms, or a table; checked, numbered and encoded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bot.domain.task_input import properties
from bot.domain.task_input.collections import BYTES
from bot.domain.task_input.decode import UnreadableTextError, decode
from bot.domain.task_input.json_text import Found
from bot.domain.task_input.model import MOST_TASKS, NewTask, Problem, TaskInput
from bot.domain.task_input.properties import ANSWERED, shown
from bot.domain.task_input.table import Table
from cards.formatting import number, plural

ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""A task's id, as the service takes it."""
DEPENDENCIES = 64_000
"""Characters that the ids which one task depends on may have together."""
_ROOM = BYTES - len('{"value":[]}') - 1
"""Bytes of the largest task that fits a request of its own."""


def read_tasks(content: bytes | str, *, template: str = "", uses_dependencies: bool | None = None) -> TaskInput:
    """The tasks in what somebody pasted or attached, and everything that is wrong with them. Never raises.

    ``template`` makes the command lines of a table's rows. ``uses_dependencies`` is the job's; None where it is not
    known yet.
    """
    try:
        text = decode(content) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    except UnreadableTextError as error:
        return TaskInput(problems=(Problem(0, str(error)),))
    if not text.strip():
        return TaskInput(problems=(Problem(0, "there is nothing in it."),))
    is_json = text.lstrip()[0] in "[{"
    if is_json and template:
        return TaskInput(problems=(Problem(0, "a template makes commands of a table's rows; this is JSON."),))
    source = Found(text) if is_json else Table(text, template)
    return _checked(source.items, source.problems, uses_dependencies=uses_dependencies)


def one_task(task_id: str, command: str, **properties: Any) -> TaskInput:
    """A single task from what was typed; what is None is left out."""
    body = {"id": task_id, "commandLine": command} | {k: v for k, v in properties.items() if v is not None}
    return _checked([(0, body)], [], uses_dependencies=None)


def _checked(
    items: list[tuple[int, dict[str, Any]]], problems: list[Problem], *, uses_dependencies: bool | None
) -> TaskInput:
    if not items and not problems:
        problems.append(Problem(0, "there are no tasks in it."))
    if len(items) > MOST_TASKS:
        what = f"there are {number(len(items))} tasks, and {number(MOST_TASKS)} can be added at once: cut it in parts."
        return TaskInput(problems=(Problem(0, what),))
    tasks: list[NewTask] = []
    seen: dict[str, int] = {}
    left_out: set[str] = set()
    numbered = 0
    for position, (line, given) in enumerate(items, start=1):
        body = {name: value for name, value in given.items() if value is not None and name not in ANSWERED}
        left_out |= given.keys() & ANSWERED
        if "id" not in body:
            body = {"id": f"row-{position:05}", **body}
            numbered += 1
        wrong = list(_wrong(body, seen, uses_dependencies=uses_dependencies))
        encoded = b"" if wrong else _encoded(body)
        if not wrong:
            wrong += _too_large(encoded)
        problems += (Problem(line, what) for what in wrong)
        if not wrong:
            seen[body["id"].lower()] = line
            slots = int(body.get("requiredSlots") or 1)
            tasks.append(NewTask(body["id"], body["commandLine"], encoded, line, slots))
    notes = tuple(_notes(left_out, numbered))
    return TaskInput(tuple(tasks), tuple(sorted(problems, key=lambda problem: problem.line)), notes, numbered)


def _encoded(body: Mapping[str, Any]) -> bytes:
    """The body as JSON; empty where it holds half a character."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return b""


def _too_large(encoded: bytes) -> Iterator[str]:
    if not encoded:
        yield "it holds half a character, which no text can have."
    elif len(encoded) > _ROOM:
        size = number(len(encoded))
        yield f"the task has {size} bytes, and a request less than 1 MB: move files or variables out of it."


def _wrong(body: Mapping[str, Any], seen: Mapping[str, int], *, uses_dependencies: bool | None) -> Iterator[str]:
    """What is wrong with one task, a sentence each."""
    task_id = body["id"]
    if not isinstance(task_id, str) or not ID.fullmatch(task_id):
        yield f"the id {shown(task_id)} is not a task id: letters, digits, - and _, 1 to 64 of them."
    elif (line := seen.get(task_id.lower())) is not None:
        where = f" (line {number(line)})" if line else ""
        yield f"the id {task_id} is there before{where}; the service takes upper and lower case for the same."
    others = list(properties.wrong({name: value for name, value in body.items() if name not in ("id", "commandLine")}))
    command = body.get("commandLine")
    if command is None and any(what.endswith("did you mean commandLine?") for what in others):
        pass  # it is there under another name, which is said below
    elif not isinstance(command, str) or not (command.strip() or "containerSettings" in body):
        yield "commandLine is missing." if command in (None, "") else f"commandLine is a text, not {shown(command)}."
    for what in others:
        yield what if what.endswith("?") else f"{what}."
    depends = body.get("dependsOn")
    if depends and uses_dependencies is False:
        yield "dependsOn is set, and the job was made without usesTaskDependencies: it takes no such task."
    ids = depends.get("taskIds") if isinstance(depends, Mapping) else None
    if isinstance(ids, list) and (length := sum(len(str(each)) for each in ids)) > DEPENDENCIES:
        yield f"the ids in dependsOn have {number(length)} characters together, and {number(DEPENDENCIES)} is the most."


def _notes(left_out: set[str], numbered: int) -> Iterator[str]:
    if numbered:
        yield f"{plural(numbered, 'task')} without an id: numbered from row-00001."
    if left_out:
        yield f"Left out, because the service sets it: {', '.join(sorted(left_out))}."
