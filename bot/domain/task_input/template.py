"""Command lines made of a template and the cells of a row: ``render --frame {frame}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rapidfuzz import process

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NEAR = 60


class TemplateError(ValueError):
    """The template cannot be used; the message says why."""


class Template:
    """A command line with placeholders. ``{{`` and ``}}`` stand for braces, which a shell needs too."""

    def __init__(self, text: str, columns: Sequence[str]) -> None:
        """``columns`` are what a placeholder may name, without regard to case. Raises TemplateError."""
        self._text = text
        known = {column.strip().lower() for column in columns}
        self.names: list[str] = []
        for part in _PART.finditer(text):
            if part.group() in ("{{", "}}"):
                continue
            if part.group(1) is None:
                raise TemplateError(f"A brace in the template is alone: write {part.group() * 2} for a brace itself.")
            name = part.group(1).strip().lower()
            if name not in known:
                raise TemplateError(_unknown(part.group(), name, columns))
            self.names.append(name)

    def filled(self, row: Mapping[str, str]) -> str:
        """The command line of one row; ``row`` is by column, in lower case."""

        def put(part: re.Match[str]) -> str:
            if part.group() in ("{{", "}}"):
                return part.group()[0]
            return row[str(part.group(1)).strip().lower()]

        return _PART.sub(put, self._text)


def _unknown(placeholder: str, name: str, columns: Sequence[str]) -> str:
    near = process.extractOne(name, columns, score_cutoff=_NEAR)
    hint = f"Did you mean {{{near[0]}}}?" if near else f"There are {', '.join(columns)}."
    return f"The template has {placeholder}, and the first line of the table no such column. {hint}"
