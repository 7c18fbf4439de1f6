"""Text that somebody pasted or attached -> a create body.

Taken are: bodies of the data plane, as the service answers them or as ``az`` prints them; a pool as a resource of
Resource Manager; and a whole template with one pool in it. What is wrong is said in words and with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.domain.bodies.arm import POOL_TYPE, from_arm
from bot.domain.bodies.clone import Clone, clone
from bot.domain.bodies.fields import FREE_FORM, Body, Noun
from bot.domain.bodies.hidden import MARK
from bot.domain.bodies.path import Path, leaves, spelled, without
from bot.domain.bodies.shapes import misshapen

MOST = 1 << 20
"""Characters of a body: the service takes less than a megabyte."""

_SIGNS: Mapping[str, Noun] = MappingProxyType(
    {"jobSpecification": "schedule", "poolInfo": "job", "vmSize": "pool", "commandLine": "task"}
)
"""The field that only one noun has at the top, by which it is recognised."""

_SPELLINGS = {
    name.lower(): name
    for name in (
        "automaticOSUpgradePolicy",
        "diskSizeGB",
        "dynamicVNetAssignmentScope",
        "eTag",
        "enableAutomaticOSUpgrade",
        "ephemeralOSDiskSettings",
        "inboundNATPools",
        "nodeAgentSKUId",
        "osDisk",
        "osRollingUpgradeDeferral",
        "publicIPAddressConfiguration",
        "vTpmEnabled",
    )
}
"""Fields that ``az`` prints in a spelling of its own, by their lower case."""

_DURATIONS = frozenset(
    {
        "autoScaleEvaluationInterval",
        "maxWallClockTime",
        "pauseTimeBetweenBatches",
        "recurrenceInterval",
        "resizeTimeout",
        "retentionTime",
        "startWindow",
    }
)
_CLOCK = re.compile(
    r"(?:(?P<days>\d+) days?, )?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?P<fraction>\.\d+)?", re.ASCII
)
"""A duration as ``az`` prints it: ``0:15:00``, ``7 days, 0:00:00``."""
_PARAMETER = re.compile(r"\[\s*(?P<table>parameters|variables)\(\s*'(?P<name>[^']+)'\s*\)\s*\]")
_LAST = re.compile(r"\[\s*(?:format|concat)\(.*'/?(?P<name>[^'/]+)'\s*\)\s*\]", re.DOTALL)
"""The last part of a name that is put together: the pool's own."""
_KEPT = ("name", "identity", "properties", "tags")
_FENCE = re.compile(r"\A\s*```[\w-]*\n(?P<inside>.*)\n?```\s*\Z", re.DOTALL)


class NotABody(ValueError):
    """The text is nothing that can be made; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Pasted:
    """What was recognised. ``needs`` of the clone include values that were hidden where it was copied from."""

    noun: Noun
    clone: Clone
    hidden: tuple[str, ...] = ()
    """Places of values in which a ``…`` stands for what was hidden: they are left out."""


def pasted(text: str, noun: Noun | None = None) -> Pasted:
    """The create body that a text describes; ``noun`` is what is wanted, where that is known. Raises NotABody."""
    body = _read(text)
    if resource := _pool_resource(body):
        resource = _respelled(resource)
        _check_kinds(resource)
        made, left = from_arm(resource)
        return _made("pool", made, noun, left)
    entity = _entity(body)
    _check_kinds(entity)
    if known := next((noun for sign, noun in _SIGNS.items() if entity.get(sign) is not None), None):
        return _made(known, entity, noun, ())
    fields = ", ".join(map(repr, list(entity)[:5])) or "nothing"
    raise NotABody(
        f"This JSON is no pool, job, task or schedule: at its top there is {fields}, and none of {', '.join(_SIGNS)}."
    )


def _made(noun: Noun, body: Body, wanted: Noun | None, left: tuple[Any, ...]) -> Pasted:
    if wanted and noun != wanted:
        raise NotABody(f"This is a {noun}, and a {wanted} is wanted.")
    hidden = [path for path, value in leaves(body) if isinstance(value, str) and _was_hidden(path, value)]
    cloned = clone(noun, without(body, *hidden))
    return Pasted(noun, Clone(cloned.body, (*left, *cloned.left_out), cloned.needs), tuple(map(spelled, hidden)))


def _was_hidden(path: Path, value: str) -> bool:
    """Whether a secret was taken out of a value; where people write for people, dots may be their own."""
    return value == MARK or (MARK in value and path[0] != "metadata" and path[-1] != "displayName")


def _check_kinds(body: Body) -> None:
    for path, wanted in misshapen(body):
        raise NotABody(f"At {spelled(path)}: {wanted}.")


def _read(text: str) -> Any:
    """The JSON in a text, which may stand in a code block. Raises NotABody."""
    text = text.removeprefix("\ufeff")
    if fenced := _FENCE.match(text):
        text = fenced["inside"]
    if not text.strip():
        raise NotABody("There is nothing in it: paste the JSON of a pool, job, task or schedule.")
    if len(text) > MOST:
        raise NotABody(f"{len(text):,} characters are more than a body can have ({MOST:,}).")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise NotABody(_unreadable(text, error)) from None
    except RecursionError:
        raise NotABody("It is nested deeper than any body is.") from None


def _unreadable(text: str, error: json.JSONDecodeError) -> str:
    line = text.split("\n")[error.lineno - 1]
    where = f"line {error.lineno}, column {error.colno}"
    if any(quote in text for quote in "“”„‘’"):
        curly = "it has curly quotes, which a chat makes of plain ones. Attach it as a file."
        return f"This is not valid JSON ({where}): {curly}"
    if text.lstrip()[:1] not in "{[":
        built = "Bicep can be built to JSON with “az bicep build”."
        return f"This is not valid JSON: it begins with neither {{ nor [. {built}"
    near = line[max(0, error.colno - 20) : error.colno + 20].strip()
    return f"This is not valid JSON ({where}): {error.msg.lower()}, near “{near}”."


def _once(pairs: list[tuple[str, Any]]) -> Body:
    """An object whose fields are all different. Raises NotABody."""
    made: Body = {}
    for name, value in pairs:
        if name in made:
            raise NotABody(f"The field {name!r} stands twice in one object: keep the right one.")
        made[name] = value
    return made


def _no_constant(word: str) -> Any:
    raise NotABody(f"{word} is not a number in JSON.")


def _pool_resource(body: Any) -> Body | None:
    """The pool's resource where the JSON is one or a template with one; None where it is of the data plane."""
    if not isinstance(body, dict):
        return None
    if "resources" in body:
        pools = [each for each in _resources(body["resources"]) if _is_pool(each)]
        if len(pools) != 1:
            has = f"has {len(pools)} pools: keep one" if pools else f"has no resource of type {POOL_TYPE}"
            raise NotABody(f"The template {has}.")
        return {name: _resolved(pools[0][name], body, (name,)) for name in _KEPT if name in pools[0]}
    if isinstance(body.get("properties"), dict):
        if "type" in body and not _is_pool(body):
            raise NotABody(f"This resource is of type {body['type']}; only {POOL_TYPE} can be made here.")
        return body
    return None


def _resources(held: Any) -> Iterator[Body]:
    """Every resource of a template, those inside others too; newer templates have them by name."""
    for each in held.values() if isinstance(held, dict) else held if isinstance(held, list) else ():
        if isinstance(each, dict):
            yield each
            yield from _resources(each.get("resources"))


def _is_pool(resource: Mapping[str, Any]) -> bool:
    named = str(resource.get("type", "")).lower()
    inside = named == "pools" and "properties" in resource  # inside its account, where types are short
    return named == POOL_TYPE.lower() or inside or (not named and isinstance(resource.get("properties"), dict))


def _resolved(value: Any, template: Mapping[str, Any], path: Path = ()) -> Any:
    """The value as it is when the template is deployed with its defaults; secure parameters are hidden values.

    Raises NotABody where it takes more than the default of a parameter or a variable.
    """
    match value:
        case dict():
            for name in value:
                _check_is_plain(name, path)
            return {name: _resolved(held, template, (*path, name)) for name, held in value.items()}
        case list():
            return [_resolved(held, template, (*path, position)) for position, held in enumerate(value)]
        case str() if value.startswith("[[") and value.endswith("]"):
            return value[1:]
        case str() if found := _PARAMETER.fullmatch(value):
            return _default(found, template, path)
        case str() if path == ("name",) and (found := _LAST.fullmatch(value)):
            return found["name"]
        case str():
            _check_is_plain(value, path)
    return value


def _default(reference: re.Match[str], template: Mapping[str, Any], path: Path) -> Any:
    tables = template.get(reference["table"])
    held = tables.get(reference["name"]) if isinstance(tables, dict) else None
    if reference["table"] == "parameters" and isinstance(held, dict):
        if "defaultValue" not in held and str(held.get("type", "")).lower().startswith("secure"):
            return MARK
        held = held.get("defaultValue")
    if held is None:
        _check_is_plain(reference.group(), path)
    return _resolved(held, {}, path)


def _check_is_plain(words: str, path: Path) -> None:
    if words.startswith("[") and words.endswith("]"):
        raise NotABody(f"At {spelled(path)} stands the expression {words[:80]}: write its value in its place.")


def _entity(body: Any) -> Body:
    """The one entity of an answer, in the data plane's spelling. Raises NotABody."""
    if isinstance(body, dict) and isinstance(body.get("value"), list):
        body = body["value"]
    if isinstance(body, list):
        if len(body) != 1:
            raise NotABody(f"This is a list of {len(body)}: one is wanted.")
        body = body[0]
    if not isinstance(body, dict):
        raise NotABody("This JSON is no object: it has to begin with { and end with }.")
    made: Body = _respelled(body)
    return made


def _respelled(value: Any, name: str = "") -> Any:
    """The value with fields and durations spelled as the data plane does, without what is null."""
    match value:
        case dict():
            spelled_so = ((_SPELLINGS.get(str(field).lower(), str(field)), held) for field, held in value.items())
            return {
                field: held if field in FREE_FORM else _respelled(held, field)
                for field, held in spelled_so
                if held is not None
            }
        case list():
            return [_respelled(held, name) for held in value]
        case str() if name in _DURATIONS and (found := _CLOCK.fullmatch(value)):
            days, hours, minutes, seconds = (int(found[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
            return f"P{days}DT{hours}H{minutes}M{seconds}S"
        case _:
            return value
