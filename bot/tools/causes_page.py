"""The page of causes, made from the table of causes; a test holds docs/causes.md to it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.knowledge import Match, Row, rows
from bot.domain.knowledge.shapes import Where

_SECTIONS: dict[Where, str] = {
    "resize": "A pool's nodes do not come or go",
    "provider": "Azure refuses the machines (inside `AllocationFailed`)",
    "autoscale": "Autoscale",
    "node": "Nodes",
    "start_task": "Start tasks",
    "job": "Jobs",
    "schedule": "Job schedules",
    "task": "Tasks",
    "exit": "Exit codes",
    "line": "Lines that programs print",
    "unknown": "What is said of the rest",
}
_SURE = {"certain": "", "likely": " *Likely at most.*", "guess": " *A guess at most.*"}
_INTRODUCTION = """\
# Causes

Made by `batchbot causes` from the table that alerts, cards and `why` ask
([causes.toml](../bot/domain/knowledge/causes.toml)). What no row knows is shown as it is, said to be unknown, and
counted as `batchbot_unknown_causes_total` in `/metrics`.

## Your own

What your programs mean by their exit codes and lines stands in a file of yours, which comes before all that is below:

```toml
# batchbot.toml
[knowledge]
file = "own.toml"                 # beside batchbot.toml
```

```toml
# own.toml
[[cause]]
exit = 42                         # or several: [42, 43]; Windows' signed or not
cause = "the licence server is down"
do = "wait for it, then run the task again"
owner = "#licences"               # whom to ask

[[cause]]
line = "no licence for"           # a text that stands in a line, whatever the case
cause = "all licences are taken"

[[cause]]
name = "licence_denied"           # what the row is called; made up where it is left out
exit = 1
line = "/licen[cs]e .* (denied|refused)/"   # a regular expression between slashes
cause = "the licence server refuses this node"
```

An entry with `exit` and `line` wants both; the first that fits is taken. Expressions are those of
[RE2](https://github.com/google/re2/wiki/Syntax), which take time linear in the line whatever they are: what could take
longer (backreferences, lookaround) is refused. 2,000 characters of a line are looked at. `batchbot check` tells every
mistake; the file is read when the bot starts."""


def markdown() -> str:
    """Every row of the program by where it shows, as one Markdown page."""
    return "\n".join([_INTRODUCTION, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    for where, title in _SECTIONS.items():
        yield ""
        yield f"## {title}"
        for row in (each for each in rows() if each.where == where):
            yield ""
            yield from _row(row)


def _row(row: Row) -> Iterator[str]:
    yield f"### `{row.id}`"
    yield ""
    seen = " · ".join(filter(None, map(_seen, row.match)))
    yield f"{_sentence(row.cause)}{_SURE[row.sure]}"
    yield ""
    yield f"- Seen as: {seen or 'found by what else is known, not by a code'}"
    if row.do:
        yield f"- To do: {_sentence(row.do)}"
    if row.steps:
        yield f"- Buttons: {', '.join(f'{each.text} (`{each.command}`)' for each in row.steps)}"
    if row.source:
        yield f"- Source: {row.source}"


def _seen(match: Match) -> str:
    said = [" or ".join(f"`{code}`" for code in match.code)] if match.code else []
    said += [f"`…{match.part}…`"] if match.part else []
    said += [f"category `{match.category}`"] if match.category else []
    said += ["exit code " + " or ".join(map(_exit, match.exit))] if match.exit else []
    said += ["the words " + ", ".join(f"“{word}”" for word in match.words)] if match.words else []
    return " with ".join(said)


def _exit(code: int) -> str:
    return f"{code} (0x{code % (1 << 32):08X})" if code < 0 else str(code)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
