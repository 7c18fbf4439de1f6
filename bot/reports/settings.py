"""The sections of the settings that are about money over time: ``[[budgets]]`` and ``[reports]``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from bot.domain.money.budgets import Budget
from bot.domain.tag import Tag


class BudgetSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """What may be spent in a calendar month (UTC days), by own usage at the account's prices."""

    account: str
    """Of which account, by its name here."""
    amount: Annotated[float, Meta(gt=0)]
    """So much a month, in the currency of the account's prices."""
    name: str = ""
    """What it is called in alerts and reports; what it is for where it has none."""
    pools: str = ""
    """Only for pools that fit this pattern, such as gpu-*."""
    tag: str = ""
    """Only for pools whose metadata has this, written key=value."""

    def budget(self) -> Budget:
        """As it is worked with."""
        made = Budget(self.name, self.account, self.amount, self.pools, self.tag)
        return Budget(self.name or made.what, self.account, self.amount, self.pools, self.tag)


class ReportSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """Reports of money that conversations subscribed to, and days that cost unusually much."""

    wait_hours: Annotated[float, Meta(ge=0, le=48)] = 6
    """Hours that a report waits for fresh data after it is due; then it is posted and says so."""
    unusual_from: Annotated[float, Meta(gt=0)] = 25
    """So much more than usual a pool's day has to cost to be told as unusual, in the currency of prices."""


def budget_mistakes(budgets: Sequence[BudgetSettings], accounts: Collection[str]) -> Iterator[str]:
    """What types cannot say, a line each."""
    names: set[tuple[str, str]] = set()
    for number, each in enumerate(budgets, 1):
        where = f"budgets {number}"
        if each.account not in accounts:
            yield f"{where}.account: there is no account {each.account!r} here: {', '.join(accounts)}"
        if each.pools and each.tag:
            yield f"{where}: it is for pools or for a tag: leave one of them out, or make two budgets"
        if each.tag and Tag.read(each.tag) is None:
            yield f"{where}.tag: {each.tag!r} is no tag: write key=value, such as team=render"
        known = each.account, each.budget().name
        if known in names:
            yield f"{where}.name: another budget of {each.account} is called {known[1]!r}: give it another name"
        names.add(known)
