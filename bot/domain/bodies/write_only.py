"""Values that the service takes and never answers: passwords, keys, the protected settings of extensions.

A body that was read lacks them, so whoever makes something of it (a clone, an undo, a template) has to ask. They are
never sent empty. Sources: the fields that the Resource Manager documents mark ``x-ms-secret``, and the descriptions of
the data plane's document, which marks one only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.bodies.fields import Body
from bot.domain.bodies.path import NoSuchPlace, Path, held_by, objects, spelled, value_at, with_value, without


@dataclass(frozen=True)
class WriteOnly:
    """A value that a body lacks.

    ``required``: the service refuses the body without it; otherwise nobody can know whether there was one. ``instead``
    is another field of the same object that does as well.
    """

    path: Path
    what: str
    required: bool
    instead: str = ""

    @property
    def place(self) -> str:
        """Where it stands: ``userAccounts[0].password``."""
        return spelled(self.path)


@dataclass(frozen=True)
class _Rule:
    """One write-only field: of which object, how it is called, and what makes it needless or needed."""

    holder: str
    field: tuple[str, ...]
    what: str
    of: str
    """The field of the object that says which one it is."""
    required: bool = True
    unless: str = ""
    only_with: str = ""
    instead: str = ""


_RULES = (
    _Rule("userAccounts", ("password",), "the password of user {}", "name"),
    _Rule(
        "userAccounts",
        ("linuxUserConfiguration", "sshPrivateKey"),
        "the SSH private key of user {}",
        "name",
        required=False,
        only_with="linuxUserConfiguration",
    ),
    *(
        _Rule(
            holder,
            ("password",),
            "the password of {}",
            "registryServer",
            unless="identityReference",
            only_with="username",
        )
        for holder in ("containerRegistries", "registry")
    ),
    _Rule(
        "azureBlobFileSystemConfiguration",
        ("accountKey",),
        "the key of storage account {}",
        "accountName",
        unless="identityReference",
        instead="sasKey",
    ),
    _Rule("azureFileShareConfiguration", ("accountKey",), "the key of storage account {}", "accountName"),
    _Rule("cifsMountConfiguration", ("password",), "the password of share {}", "source"),
    _Rule("extensions", ("protectedSettings",), "the protected settings of extension {}", "name", required=False),
)
FIELD_NAMES = frozenset({rule.field[-1] for rule in _RULES} | {rule.instead for rule in _RULES if rule.instead})
"""Names of the fields, wherever they stand."""


def missing(body: Body) -> list[WriteOnly]:
    """The write-only values that a body lacks, in the order in which their places come."""
    return [
        WriteOnly((*path, *rule.field), rule.what.format(held.get(rule.of) or "(no name)"), rule.required, rule.instead)
        for path, held, rule in _held(body)
        if _applies(rule, held) and not value_at(held, rule.field) and not (rule.instead and held.get(rule.instead))
    ]


def given(body: Body) -> list[Path]:
    """The places of write-only values that a body does have: typed or pasted by somebody, and never to be stored."""
    return [
        (*path, *field)
        for path, held, rule in _held(body)
        for field in (rule.field, *([(rule.instead,)] if rule.instead else []))
        if value_at(held, field)
    ]


def without_empty(body: Body) -> Body:
    """A copy of the body without write-only fields that are empty, which would set an empty password."""
    empty = [
        (*path, *field)
        for path, held, rule in _held(body)
        for field in (rule.field, *([(rule.instead,)] if rule.instead else []))
        if value_at(held, field, default=body) in ("", None, {})
    ]
    return without(body, *empty)


def supplied(body: Body, values: Mapping[str, Any]) -> Body:
    """A copy of the body with values by their place (``userAccounts[0].password``).

    Raises NoSuchPlace where a value is empty or its place is none of those that :func:`missing` names.
    """
    known: dict[str, Path] = {}
    for each in missing(body):
        known[each.place] = each.path
        if each.instead:
            instead = (*each.path[:-1], each.instead)
            known[spelled(instead)] = instead
    for place, value in values.items():
        if place not in known:
            raise NoSuchPlace(f"Nothing is asked for at {place}.")
        if not value:
            raise NoSuchPlace(f"The value of {place} is empty.")
        body = with_value(body, known[place], value)
    return body


def _held(body: Body) -> Iterable[tuple[Path, Body, _Rule]]:
    for path, held in objects(body):
        holder = held_by(path)
        yield from ((path, held, rule) for rule in _RULES if rule.holder == holder)


def _applies(rule: _Rule, held: Body) -> bool:
    return not (rule.unless and held.get(rule.unless)) and (not rule.only_with or bool(held.get(rule.only_with)))
