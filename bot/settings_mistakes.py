"""What somebody who writes their first settings file gets wrong, each in a line with its place and its cure.

Everything is looked at, whatever else is wrong, so that one run of ``batchbot check`` finds it all. A value is quoted
only where it cannot be a secret: people paste tokens where the name of a variable belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from bot.content.clear_text import clear
from bot.secrets import held
from bot.settings import SettingsError

_PLACEHOLDER = re.compile(r"…|\.\.\.|<[^<>]*>|\byour[-_ ][a-z]+[-_ ](?:here|id|name|token|secret)\b|changeme", re.I)
"""What stands in an example for what its reader has to fill in."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
"""Names of variables as people write them, which are safe to repeat; a token is hardly one."""
_LONGEST_NAME = 40
_TWICE = re.compile(r"Cannot declare \((?P<keys>.*?)\) twice|Cannot overwrite a value")
_TYPES = {"str": "a text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false",
          "array": "a list in brackets, such as [\"…\"]", "object": "a table"}  # fmt: skip
BYTE_ORDER_MARK = "begins with a byte-order mark (Notepad writes one): save it as UTF-8 without BOM"


def text_of(content: bytes) -> tuple[str, list[str]]:
    """The text of a settings file, and what is wrong with how it is written. Raises UnicodeDecodeError."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding), [BYTE_ORDER_MARK]
    return content.decode("utf-8"), []


def of_toml(error: Exception) -> str:
    """Why a file is no TOML, in words; a table that stands twice, as when a block was pasted again, is named."""
    text = str(error)
    if found := _TWICE.search(text):
        where = re.search(r"\(at (line \d+)", text)
        named = ".".join(re.findall(r"'([^']*)'", found["keys"] or ""))
        table = f"[{named}]" if named else "a key"
        return f"{table} stands twice{f', again in {where[1]}' if where else ''}: leave one of them"
    return f"not valid TOML: {text}: texts stand in quotes, and each table under its [name]"


def placeholders(raw: Mapping[str, Any]) -> Iterator[str]:
    """What was left of an example: ``…``, ``<account>``."""
    for where, value in _texts(raw):
        if found := _PLACEHOLDER.search(value):
            yield f"{where}: still holds “{found[0]}” of the example: put your own in its place"


def fitting(kind: type[Struct], given: Mapping[str, Any], where: str, mistakes: list[str]) -> Struct | None:
    """A section by its type, of those keys that fit it; what does not is added to ``mistakes``, a line for each key.

    None where a key that is needed is missing or wrong.
    """
    hints = get_type_hints(kind, include_extras=True)
    kept: dict[str, Any] = {}
    for key, value in given.items():
        try:
            kept[key] = msgspec.convert(value, hints[key])
        except msgspec.ValidationError as error:
            mistakes.append(f"{where}.{key}{_within(error)}: {_unfit(hints[key], value, error)}")
    needed = [each.name for each in msgspec.structs.fields(kind) if each.required]
    mistakes += [f"{where}.{name}: is missing: add it" for name in needed if name not in given]
    return kind(**kept) if all(name in kept for name in needed) else None


def _within(error: msgspec.ValidationError) -> str:
    found = re.search(r" - at `(?:key in )?\$(.*)`$", str(error))
    return found[1].replace("[...]", ".*") if found else ""


def _unfit(hint: Any, value: object, error: msgspec.ValidationError) -> str:
    """``“http2” is none of its values: write http or socket``; bounds and types as msgspec has them, in words."""
    if choices := _choices(hint):
        shown = f"“{value}” is" if isinstance(value, str) and len(value) <= _LONGEST_NAME else "This is"
        return f"{shown} none of its values: write {' or '.join(choices)}"
    text = str(error).partition(" - at `")[0]
    if bounds := re.fullmatch(r"Expected `(?:int|float)` (>=|<=|>|<) (\S+)", text):
        least = bounds[1].startswith(">")
        return f"{value} is too {'small' if least else 'large'}: write {bounds[2]} or {'more' if least else 'less'}"
    if types := re.fullmatch(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`", text):
        return f"is {_TYPES.get(types[2], types[2])}: write {_TYPES.get(types[1], types[1])}"
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", text):
        return f"{missing[1]} is missing: add it"
    return text


def _choices(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [str(each) for each in get_args(hint) if each != ""]
    if get_origin(hint) in (Union, UnionType):
        return [choice for each in get_args(hint) for choice in _choices(each)]
    return []


def unset(key: str, variable: str, environment: Mapping[str, str]) -> Iterator[str]:
    """What keeps a key from naming an environment variable that holds a secret. Never repeats what may be one."""
    if not variable:
        yield f"{key}: is empty: name the environment variable that holds the secret"
    elif not _VARIABLE.fullmatch(variable) or len(variable) > _LONGEST_NAME or clear(variable) != variable:
        yield (
            f"{key}: this is no name of an environment variable. If it is the secret itself, take it out of the file "
            "and renew it, since files get about; put the new one into a variable and write the variable's name here"
        )
    else:
        try:
            known = held(variable, environment)
        except SettingsError as error:
            yield from (f"{key}: {mistake}" for mistake in error.lines)
            return
        if not known:
            named = variable if _SHOWN.fullmatch(variable) else "that it names"
            yield f"{key}: environment variable {named} is missing or empty: set it to the secret"


def _texts(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text of the file, with its key."""
    match value:
        case dict():
            for key, each in value.items():
                yield from _texts(each, f"{where}.{key}" if where else str(key))
        case list():
            for each in value:
                yield from _texts(each, where)
        case str():
            yield where, value


def pasted(raw: Mapping[str, Any]) -> Iterator[str]:
    """Secrets that stand in the file itself, under whatever key; of addresses their own check says so."""
    for where, value in _texts(raw):
        if clear(value) != value and not where.endswith("_env") and not value.startswith(("http", "postgres")):
            yield f"{where}: a secret stands here: take it out, renew it, keep it in an environment variable"


def unsaid(lines: Iterable[str], raw: Mapping[str, Any]) -> list[str]:
    """The lines, each once, without a value that is a secret."""
    secrets = [value for _, value in _texts(raw) if clear(value) != value]
    return list(dict.fromkeys(reduce(lambda told, each: told.replace(each, "…"), secrets, line) for line in lines))


def same_accounts(endpoints: Mapping[str, str]) -> Iterator[str]:
    """Accounts that are one and the same, by their addresses."""
    seen: dict[str, str] = {}
    for name, endpoint in endpoints.items():
        host = (urlsplit(endpoint).netloc or endpoint).lower()
        if host in seen:
            yield f"accounts.{name}.endpoint: is that of accounts.{seen[host]} too: each account stands here once"
        seen.setdefault(host, name)


def database_mistakes(database: str) -> Iterator[str]:
    """A file that cannot be made where it is to be."""
    path = Path(database).expanduser()
    if "://" in database:  # no file: its own check says so
        return
    if not path.parent.is_dir():
        yield f"bot.database: the folder {str(path.parent)!r} is not there: make it, or name a file elsewhere"
    elif path.is_dir():
        yield f"bot.database: {database!r} is a folder: write a file's name behind it, such as {path / 'batchbot.db'}"
