"""Places inside a body, as people read them: ``virtualMachineConfiguration.dataDisks[0].lun``."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from bot.domain.bodies.fields import FREE_FORM, Body

Path: TypeAlias = tuple[str | int, ...]
"""Names of fields and positions in lists, from the outside in."""

_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<position>\d+)\]")


class NoSuchPlace(ValueError):
    """A path leads nowhere in a body; the message says where it ends."""


def spelled(path: Path) -> str:
    """``("userAccounts", 0, "password")`` → ``userAccounts[0].password``."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".")


def parsed(words: str) -> Path:
    """The path that :func:`spelled` spells so. Raises NoSuchPlace where it is none."""
    path: list[str | int] = []
    end = 0
    while found := _STEP.match(words, end):
        path.append(found["name"] or int(found["position"]))
        end = found.end()
    if end != len(words) or not path or not isinstance(path[0], str):
        raise NoSuchPlace(f"“{words[:80]}” is not a place in a body: write it like startTask.commandLine.")
    return tuple(path)


def value_at(body: Any, path: Path, default: Any = None) -> Any:
    """What stands at a place; ``default`` where nothing does."""
    found = body
    for step in path:
        match found, step:
            case dict(), str() if step in found:
                found = found[step]
            case list(), int() if step < len(found):
                found = found[step]
            case _:
                return default
    return found


def with_value(body: Body, path: Path, value: Any) -> Body:
    """A copy of the body with a value at a place; objects on the way are made, positions in lists must be there."""
    changed: Body = copy.deepcopy(body)
    holder: Any = changed
    for depth, step in enumerate(path[:-1]):
        following: Any = [] if isinstance(path[depth + 1], int) else {}
        if isinstance(step, str) and isinstance(holder, dict) and holder.get(step) is None:
            holder[step] = following
        holder = _inside(holder, path, depth)
    last = path[-1]
    match holder, last:
        case dict(), str():
            holder[last] = value
        case list(), int() if last < len(holder):
            holder[last] = value
        case list(), int() if last == len(holder):
            holder.append(value)
        case _:
            raise NoSuchPlace(f"There is no {spelled(path)}.")
    return changed


def without(body: Body, *paths: Path) -> Body:
    """A copy of the body without what stands at some places; a list's other items keep their order."""
    changed: Body = copy.deepcopy(body)
    for path in sorted(paths, key=lambda each: [str(step).zfill(9) for step in each], reverse=True):
        holder = value_at(changed, path[:-1])
        last = path[-1]
        if isinstance(holder, dict) and isinstance(last, str):
            holder.pop(last, None)
        elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
            del holder[last]
    return changed


def objects(body: Any, path: Path = ()) -> Iterator[tuple[Path, Body]]:
    """Every object in a body with its place, outer ones first; an extension's own settings are not inspected."""
    if isinstance(body, dict):
        yield path, body
        for name, value in body.items():
            if name not in FREE_FORM:
                yield from objects(value, (*path, name))
    elif isinstance(body, list):
        for position, value in enumerate(body):
            yield from objects(value, (*path, position))


def leaves(body: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that holds no other, with its place; an empty object or list is one."""
    if isinstance(body, dict) and body:
        for name, value in body.items():
            yield from leaves(value, (*path, name))
    elif isinstance(body, list) and body:
        for position, value in enumerate(body):
            yield from leaves(value, (*path, position))
    else:
        yield path, body


def held_by(path: Path) -> str:
    """The field that an object belongs to, whether alone or as an item of its list; empty for the whole body."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _inside(holder: Any, path: Path, depth: int) -> Any:
    found = value_at(holder, (path[depth],))
    if not isinstance(found, dict | list):
        raise NoSuchPlace(f"There is no {spelled(path[: depth + 1])}.")
    return found
