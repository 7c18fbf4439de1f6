"""A pool as Bicep, ready to be deployed into the account's resource group.

Escapes and the rules of multi-line text are those of "Data types in Bicep" (strings) of Microsoft's documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.domain.bodies.arm import API_VERSION, POOL_TYPE, Resource
from bot.domain.bodies.hidden import Hidden, found, parameter_names

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = frozenset({"true", "false", "null"})
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INDENT = "  "
_LONG = 1 << 63
"""Whole numbers have 64 bits; others are written as JSON."""


def bicep(resource: Resource, account: str) -> str:
    """The file: secret values are secure parameters, which whoever deploys it is asked for."""
    names = parameter_names(found([resource.identity, resource.properties]))
    parts = [f"@description('The Batch account, which exists')\nparam accountName string = {text(account)}\n"]
    parts += [
        f"@secure()\n@description({text(hidden.description)})\nparam {name} {hidden.kind}\n"
        for hidden, name in names.items()
    ]
    account_type = POOL_TYPE.rpartition("/")[0]
    existing = {"name": _Reference("accountName")}
    pool: dict[str, Any] = {"parent": _Reference("account"), "name": resource.name}
    if resource.identity:
        pool["identity"] = resource.identity
    pool["properties"] = resource.properties
    parts.append(f"resource account '{account_type}@{API_VERSION}' existing = {_value(existing, names, '')}\n")
    parts.append(f"resource pool '{POOL_TYPE}@{API_VERSION}' = {_value(pool, names, '')}\n")
    return "\n".join(parts)


def text(words: str) -> str:
    """A string of Bicep: over several lines as it stands where that is possible, escaped otherwise."""
    if _stands_as_it_is(words):
        return f"'''\n{words}'''"
    made = "".join(_ESCAPES.get(character, _escaped(character)) for character in words)
    return "'" + made.replace("${", "\\${") + "'"


class _Reference(str):
    """A name that is written without quotes."""


def _value(value: Any, names: Mapping[Hidden, str], margin: str) -> str:
    if isinstance(value, dict | list):
        return _container(value, names, margin)
    match value:
        case Hidden():
            return names[value]
        case _Reference():
            return str(value)
        case str():
            return text(value)
        case float() | int() if isinstance(value, float) or not -_LONG < value < _LONG:
            return f"json({text(json.dumps(value))})"  # the language knows whole numbers alone
    return json.dumps(value)


def _container(value: dict[str, Any] | list[Any], names: Mapping[Hidden, str], margin: str) -> str:
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if not value:
        return opening + closing
    inner = margin + _INDENT
    if isinstance(value, dict):
        lines = [f"{_key(name)}: {_value(held, names, inner)}" for name, held in value.items()]
    else:
        lines = [_value(held, names, inner) for held in value]
    return f"{opening}\n" + "".join(f"{inner}{line}\n" for line in lines) + margin + closing


def _key(name: str) -> str:
    if _NAME.fullmatch(name) and name not in _KEYWORDS:
        return name
    return "".join(("'", "".join(_ESCAPES.get(each, _escaped(each)) for each in name).replace("${", "\\${"), "'"))


def _escaped(character: str) -> str:
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _stands_as_it_is(words: str) -> bool:
    """Whether it reads best over several lines, in which nothing is escaped: no control characters, no end of it."""
    return (
        "\n" in words
        and "'''" not in words
        and not words.endswith("'")
        and all(each.isprintable() or each in "\n\t" for each in words)
    )
