"""A change as people see it before they say yes: what it alters, what it costs, what it does; and its digest."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from bot.domain.price import HourlyCost
from bot.operations.preflight import Preflight
from bot.policy.approvals import Size
from cards.build import bold, facts, table, text
from cards.card import Block, Bullets, Column, Words
from cards.formatting import money, number

_COLUMNS = (Column("What", width=3), Column("Now", width=2), Column("Then", width=2))


class Figures(Struct, frozen=True):
    """What was shown of the state before a change, by its name for people.

    ``through`` is what the change was asked through where that is not the chat: the trail says so of what comes of it.
    """

    before: dict[str, str]
    through: str = ""

    @classmethod
    def of(cls, found: Preflight) -> Figures:
        """What a look ahead found."""
        before = {each.what: each.before for each in found.differences}
        if found.nodes_before is not None:
            before["Nodes"] = number(found.nodes_before)
        return cls(before)

    def changed(self, now: Figures) -> list[str]:
        """What is different by now, such as ``Nodes: 4 → 12``."""
        return [
            f"{what}: {before} → {now.before[what]}"
            for what, before in self.before.items()
            if now.before.get(what, before) != before
        ]


def digest(change: str, account: str, found: Preflight) -> str:
    """What a confirmation or an approval holds for, as hexadecimal SHA-256.

    That is the change with its arguments, its account, the state that it was judged by, and the figures that were
    shown. ``effects`` are not in it: they say what follows, in sentences whose figures (running tasks) move by the
    second; whatever of them matters is in ``state``.
    """
    shown = [
        change,
        account,
        found.state,
        found.differences,
        found.nodes_before,
        found.nodes_after,
        *(each and f"{each.amount:.2f} {each.currency}" for each in (found.cost_before, found.cost_after)),
    ]
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()


def size_of(found: Preflight) -> Size:
    """How large it is, for thresholds."""
    cost = found.cost_after or found.cost_before
    return Size(
        found.cost_before.amount if found.cost_before else None,
        found.cost_after.amount if found.cost_after else None,
        found.nodes_before,
        found.nodes_after,
        cost.currency if cost else "",
    )


def what_it_does(found: Preflight) -> list[Block]:
    """Differences as a table, price and nodes as facts, effects as a list; nothing of what is not known."""
    blocks: list[Block] = []
    if found.differences:
        blocks.append(
            table(_COLUMNS, [(each.what, each.before or "–", bold(each.after)) for each in found.differences])
        )
    figures = facts(
        ("Price", _then(_price(found.cost_before), _price(found.cost_after))),
        ("Nodes", _then(_count(found.nodes_before), _count(found.nodes_after))),
    )
    if figures:
        blocks.append(figures)
    if len(found.effects) == 1:
        blocks.append(Words(text(found.effects[0])))
    elif found.effects:
        blocks.append(Bullets(tuple(text(each) for each in found.effects)))
    return blocks


def altered(found: Preflight) -> tuple[str, str]:
    """What it alters, before and after, in a line each for the audit trail."""
    before = [f"{each.what}: {each.before}" for each in found.differences if each.before]
    after = [f"{each.what}: {each.after}" for each in found.differences if each.after]
    if not found.differences and (found.nodes_before, found.nodes_after) != (None, None):
        before, after = [f"Nodes: {_count(found.nodes_before)}"], [f"Nodes: {_count(found.nodes_after)}"]
    return "; ".join(before), "; ".join(after)


def _price(cost: HourlyCost | None) -> str:
    return f"{money(cost.amount, cost.currency)}/h" if cost else ""


def _count(nodes: int | None) -> str:
    return "" if nodes is None else number(nodes)


def _then(before: str, after: str) -> str:
    """``$4.21/h → $12.60/h``, or the one that is known."""
    return f"{before} → {after}" if before and after and before != after else after or before
