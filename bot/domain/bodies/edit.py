"""A change of some fields -> the request that changes them and keeps everything else.

The service replaces each top-level field that a PATCH carries as a whole. So the field is taken from what was read
just before, with all that nobody here knows about, and only what is to change is changed in it. What a PATCH does not
carry stays ("Pool - Patch", "Job - Patch", "Job Schedule - Patch"). A task can only be replaced, and only its
constraints ("Task - Update"). A start task is taken away by ``updateproperties`` alone, which removes what it does not
carry ("Pool - Update Properties").
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from bot.domain.bodies.create import named
from bot.domain.bodies.fields import ANSWERED_WITHIN, FIELDS, FREE_FORM, SCALE, Body, Noun
from bot.domain.bodies.path import parsed, with_value, without
from bot.domain.bodies.write_only import WriteOnly, missing, without_empty


class _Remove(Enum):
    REMOVE = "remove"


REMOVE: Final = _Remove.REMOVE
"""In place of a new value: take the field away, so that the service's default holds."""

_UPDATE_PROPERTIES = ("applicationPackageReferences", "metadata")
"""What ``updateproperties`` has to carry, or it is removed."""
_EMPTY: Mapping[str, Any] = {"applicationPackageReferences": [], "constraints": {}, "metadata": []}
"""What is sent for a top-level field that is taken away; others can only be replaced."""


class NotEditable(ValueError):
    """A field cannot be changed that way; the message says what can be done."""


@dataclass(frozen=True)
class Edit:
    """A request that changes an entity.

    ``method`` and ``suffix`` (``/updateproperties`` or empty) go with the entity's own path. ``needs`` are write-only
    values that the touched fields have and the answer lacks: without them the service would refuse or clear them.
    ``when_empty`` are the touched fields that a pool takes only while it has no nodes.
    """

    method: Literal["PATCH", "PUT", "POST"]
    body: Body
    suffix: str = ""
    needs: tuple[WriteOnly, ...] = ()
    when_empty: tuple[str, ...] = ()

    @property
    def guarded(self) -> bool:
        """Whether the service takes an If-Match with it: ``updateproperties`` takes none."""
        return not self.suffix


def patch_for(noun: Noun, before: Mapping[str, Any], changes: Mapping[str, Any]) -> Edit:
    """The request that makes ``changes`` (by place: ``startTask.commandLine``) to what was read as ``before``.

    Raises NotEditable, and NoSuchPlace where a place does not exist.
    """
    after: Body = dict(before)
    touched: dict[str, None] = {}
    for place, value in changes.items():
        path = parsed(place)
        name = str(path[0])
        _check(noun, name)
        touched[name] = None
        if value is not REMOVE:
            after = with_value(after, path, value)
        elif len(path) > 1:
            after = without(after, path)
        else:
            after.pop(name, None)
    return _edit(noun, after, list(touched))


def restoring(noun: Noun, wanted: Mapping[str, Any], now: Mapping[str, Any]) -> Edit | None:
    """The request that sets every editable field of ``now`` back to what it is in ``wanted``; None where none differs.

    Raises NotEditable where a field that is to go can only be replaced.
    """
    names = [name for name in sorted(FIELDS[noun].editable) if wanted.get(name) != now.get(name)]
    after = {name: value for name, value in now.items() if name not in names}
    after |= {name: wanted[name] for name in names if name in wanted}
    return _edit(noun, after, names) if names else None


def applied(before: Mapping[str, Any], edit: Edit) -> Body:
    """What the service holds after the request, but for what it computes itself."""
    after = copy.deepcopy(dict(before))
    if edit.suffix:
        for name in ("startTask", *_UPDATE_PROPERTIES):
            after.pop(name, None)
    return after | copy.deepcopy(edit.body)


def with_named(items: Sequence[Mapping[str, Any]] | None, values: Mapping[str, str | None]) -> list[Body]:
    """A list of ``{name, value}`` (metadata, environment) with some set, and those whose value is None taken out.

    Others stay as they are, in their order; new ones come last.
    """
    kept = [dict(each) for each in items or () if values.get(each.get("name", ""), "") is not None]
    for each in kept:
        if each.get("name") in values:
            each["value"] = values[each["name"]]
    known = {each.get("name") for each in kept}
    return kept + named({name: value for name, value in values.items() if value is not None and name not in known})


def _check(noun: Noun, name: str) -> None:
    fields = FIELDS[noun]
    if name in fields.editable:
        return
    if noun == "pool" and name in SCALE:
        raise NotEditable(f"{name} is changed by resizing the pool or by its autoscale settings.")
    if name in fields.answered:
        raise NotEditable(f"{name} is what the service says of the {noun}; nobody can set it.")
    can = ", ".join(sorted(fields.editable))
    raise NotEditable(f"{name} of a {noun} cannot be changed once it is made. What can: {can}.")


def _edit(noun: Noun, after: Body, touched: Sequence[str]) -> Edit:
    if "startTask" in touched and "startTask" not in after:
        return _without_start_task(after, touched)
    body: Body = {}
    for name in touched:
        if name in after:
            body[name] = _writable(after[name])
        elif name in _EMPTY:
            body[name] = copy.deepcopy(_EMPTY[name])
        else:
            raise NotEditable(f"{name} of a {noun} cannot be taken away, only replaced.")
    body = without_empty(body)
    when_empty = tuple(name for name in touched if name in FIELDS[noun].when_empty)
    return Edit("PUT" if noun == "task" else "PATCH", body, "", tuple(missing(body)), when_empty)


def _without_start_task(after: Body, touched: Sequence[str]) -> Edit:
    others = [name for name in touched if name not in ("startTask", *_UPDATE_PROPERTIES)]
    if others:
        raise NotEditable(f"A start task is taken away on its own: change {', '.join(others)} in a second step.")
    return Edit("POST", {name: _writable(after.get(name) or []) for name in _UPDATE_PROPERTIES}, "/updateproperties")


def _writable(value: Any) -> Any:
    """A copy without what only the service writes."""
    if isinstance(value, list):
        return [_writable(each) for each in value]
    if isinstance(value, dict):
        return {
            name: copy.deepcopy(held) if name in FREE_FORM else _writable(held)
            for name, held in value.items()
            if name not in ANSWERED_WITHIN
        }
    return value
