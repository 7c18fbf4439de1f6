"""Tasks that are written as a table, CSV or TSV, whose first line names its columns.

Columns called as a task's property fill it. With a template every column can be named in it, as ``{frame}``; without
one a column ``commandLine`` has the whole command.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from rapidfuzz import process

from bot.domain.task_input.model import Problem
from bot.domain.task_input.template import Template, TemplateError
from cards.formatting import plural

Row: TypeAlias = Mapping[str, str]
Put: TypeAlias = Callable[[dict[str, Any], str], None]

DELIMITERS = ",\t;|"
ENVIRONMENT = "env:"
"""Begins the name of a column that holds an environment variable."""
ROW = "row"
"""What a template may always name: the number of the row, from 1."""
_NEAR = 70
_LONGEST_CELL = 1_000_000


def _plain(name: str) -> Put:
    def put(body: dict[str, Any], value: str) -> None:
        body[name] = value

    return put


def _number(name: str) -> Put:
    def put(body: dict[str, Any], value: str) -> None:
        body[name] = _whole(value)

    return put


def _constraint(name: str, read: Callable[[str], object] = str) -> Put:
    def put(body: dict[str, Any], value: str) -> None:
        body.setdefault("constraints", {})[name] = read(value)

    return put


def _depends_on(body: dict[str, Any], value: str) -> None:
    body["dependsOn"] = {"taskIds": value.replace(";", " ").replace(",", " ").split()}


def _whole(value: str) -> object:
    """The number in a cell; what is none stays as it is, and is reported with the rest."""
    return int(value) if value.removeprefix("-").isascii() and value.removeprefix("-").isdecimal() else value


COLUMNS: Mapping[str, Put] = {
    "id": _plain("id"),
    "commandLine": _plain("commandLine"),
    "displayName": _plain("displayName"),
    "requiredSlots": _number("requiredSlots"),
    "maxTaskRetryCount": _constraint("maxTaskRetryCount", _whole),
    "maxWallClockTime": _constraint("maxWallClockTime"),
    "retentionTime": _constraint("retentionTime"),
    "dependsOn": _depends_on,
}
"""Columns that are a property of the task, found without regard to case, ``_`` and spaces."""
_ALSO = {"command": "commandLine", "taskid": "id", "name": "displayName", "slots": "requiredSlots"}
_FOLDED = {name.lower(): name for name in COLUMNS} | _ALSO


class Table:
    """The rows of a table as tasks, and what is wrong with it."""

    def __init__(self, text: str, template: str = "") -> None:
        self.problems: list[Problem] = []
        self.items: list[tuple[int, dict[str, Any]]] = []
        rows = self._rows(text)
        first = next(rows, None)
        if first is None:
            self.problems.append(Problem(0, "there is nothing in it."))
            return
        line, names = first
        self._names = [name.strip() for name in names]
        if problem := self._header(template):
            self.problems.append(Problem(line, problem))
            return
        numbered = ((number, *row) for number, row in enumerate(rows, start=1))
        self.items = [item for row in numbered if (item := self._item(*row)) is not None]

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """The rows that are not empty, each with the line on which it begins."""
        lines = text.splitlines(keepends=True)
        delimiter = delimiter_of(next((line for line in lines if line.strip()), ""))
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
        line = 1
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            self.problems.append(Problem(line, f"this is no table: {_csv_error(error)}"))

    def _header(self, template: str) -> str:
        """What is wrong with the first line; empty where nothing is."""
        self._template: Template | None = None
        folded = [name.lower() for name in self._names]
        if "" in folded[:-1]:
            return "a column has no name: the first line names every column."
        if twice := sorted({name for name in folded if name and folded.count(name) > 1}):
            return f"two columns are called {twice[0]}."
        return self._with_template(template) if template else self._without_template()

    def _with_template(self, template: str) -> str:
        if "commandLine" in map(_property, self._names):
            return "there is a column commandLine and a template: leave one of them out."
        try:
            self._template = Template(template, [*filter(None, self._names), ROW])
        except TemplateError as error:
            return str(error)
        return ""

    def _without_template(self) -> str:
        if "commandLine" not in map(_property, self._names):
            names = ", ".join(filter(None, self._names))
            return f"no column is called commandLine, and there is no template to make commands of {names}."
        for name in self._names:
            if name and not self._put(name):
                near = process.extractOne(_fold(name), list(_FOLDED), score_cutoff=_NEAR)
                hint = f"did you mean {_FOLDED[near[0]]}?" if near else f"there are {', '.join(COLUMNS)}, env:NAME."
                return f"the column {name} is not a property of a task: {hint}"
        return ""

    def _put(self, name: str) -> Put | None:
        if name.lower().startswith(ENVIRONMENT) and len(name) > len(ENVIRONMENT):
            variable = name[len(ENVIRONMENT) :]

            def put(body: dict[str, Any], value: str) -> None:
                body.setdefault("environmentSettings", []).append({"name": variable, "value": value})

            return put
        known = _property(name)
        return COLUMNS[known] if known else None

    def _item(self, number: int, line: int, row: Sequence[str]) -> tuple[int, dict[str, Any]] | None:
        spare = [cell for cell in row[len(self._names) :] if cell.strip()]
        if spare or len(row) < len(self._names):
            cells, columns = plural(len(row), "cell"), plural(len(self._names), "column")
            self.problems.append(Problem(line, f"there are {cells} and {columns}: is a value with a comma quoted?"))
            return None
        body: dict[str, Any] = {}
        for name, cell in zip(self._names, row, strict=False):
            if name and cell.strip() and (put := self._put(name)):
                put(body, cell.strip())
        if self._template:
            values = {ROW: str(number)}
            values |= {name.lower(): cell.strip() for name, cell in zip(self._names, row, strict=False)}
            if empty := [name for name in self._template.names if not values[name]]:
                self.problems.append(Problem(line, f"the cell of {{{empty[0]}}} is empty."))
                return None
            body["commandLine"] = self._template.filled(values)
        return line, body


def delimiter_of(header: str) -> str:
    """What separates the columns of a table, by its first line; a comma where there is one column."""
    outside = "".join(part for index, part in enumerate(header.split('"')) if index % 2 == 0)
    return max(DELIMITERS, key=outside.count)


def _fold(name: str) -> str:
    return name.replace("_", "").replace(" ", "").lower()


def _property(name: str) -> str:
    return _FOLDED.get(_fold(name), "")


def _csv_error(error: csv.Error) -> str:
    words = str(error)
    if "unexpected end of data" in words:
        return "a quote is opened and not closed."
    if "expected after" in words:
        return "something follows a closing quote: a quote within a value is written twice."
    return f"{words}."
