"""Several incidents of one thing that say the same, as one: a job that fails stands once in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from bot.alerting.model import Incident
from bot.alerting.rules import AlertRule
from bot.domain.findings import Severity


class Shown(Struct, frozen=True):
    """An incident as a list shows it, and those of the same thing that it says as well."""

    incident: Incident
    others: tuple[Incident, ...] = ()

    @property
    def severity(self) -> Severity:
        """The worst of them."""
        return max((each.severity for each in (self.incident, *self.others)), key=lambda each: each.rank)


def shown_once(incidents: Iterable[Incident], rules: Mapping[str, AlertRule]) -> list[Shown]:
    """In their order, without those that another one of the same entity explains or tells (its rule says so)."""
    rows = list(incidents)
    about: dict[object, list[Incident]] = {}
    for each in rows:
        about.setdefault((each.account, each.entity, each.open), []).append(each)
    below: dict[str, list[Incident]] = {}
    hidden: set[str] = set()
    for each in rows:
        for other in about[each.account, each.entity, each.open]:
            if other is not each and other.id not in hidden and _says(rules.get(other.kind), each, other, rules):
                below.setdefault(other.id, []).extend([each, *below.pop(each.id, [])])
                hidden.add(each.id)
                break
    return [Shown(each, tuple(below.get(each.id, ()))) for each in rows if each.id not in hidden]


def _says(rule: AlertRule | None, each: Incident, other: Incident, rules: Mapping[str, AlertRule]) -> bool:
    """Whether an incident of that rule says what this one says."""
    if rule is None:
        return False
    mine = rules.get(each.kind)
    told = mine is not None and rule.name in mine.told_by and other.unmended
    return told or each.kind in rule.inhibits
