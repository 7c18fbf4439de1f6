"""The alert rules: each is one function in a module of its entity, found by :func:`discover`.

A rule reads a :class:`~bot.monitor.scene.Scene` and yields a finding for each entity it concerns. Adding one touches
one file: its name, severity and documentation line stand in the decorator, and settings, help, the subscription form
and the reference page take them from there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.domain.findings import EntityKind, Finding, Severity
from bot.monitor.scene import Area, Scene

Judge: TypeAlias = Callable[[Scene], Iterator[Finding]]
_KINDS: dict[str, AlertRule] = {}


@dataclass(frozen=True)
class AlertRule:
    """One rule. ``reads`` are the areas it judges by: where one of them was not read, its incidents stay as they are.

    ``inhibits`` are the rules that are no news of their own while this one is open on an entity they are related to.
    ``told_by`` are rules whose message, where it stands already, is edited to say what this one would say.
    ``quiet`` True marks news that only who asks for it by name gets.
    """

    name: str
    entity: EntityKind
    severity: Severity
    says: str
    reads: tuple[Area, ...]
    judge: Judge
    inhibits: tuple[str, ...] = ()
    quiet: bool = False
    told_by: tuple[str, ...] = ()


def rule(
    name: str,
    *,
    severity: Severity,
    reads: tuple[Area, ...],
    inhibits: tuple[str, ...] = (),
    quiet: bool = False,
    told_by: tuple[str, ...] = (),
) -> Callable[[Judge], Judge]:
    """Mark a function as a rule called ``entity.what``; the first line of its docstring is what people read."""

    def marked(judge: Judge) -> Judge:
        if name in _KINDS and _KINDS[name].judge.__module__ != judge.__module__:
            raise ValueError(f"two rules are called {name}")
        entity: EntityKind = name.split(".", maxsplit=1)[0]  # type: ignore[assignment]
        says = (judge.__doc__ or "").strip().partition("\n")[0]
        if not says:
            raise ValueError(f"the rule {name} has no docstring, which is its documentation")
        _KINDS[name] = AlertRule(name, entity, severity, says, reads, judge, inhibits, quiet, told_by)
        return judge

    return marked


def discover() -> Mapping[str, AlertRule]:
    """Every rule by its name, in the order of modules and lines."""
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        importlib.import_module(f"{__name__}.{info.name}")
    return dict(_KINDS)
