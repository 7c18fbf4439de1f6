"""Who may do what, by the settings alone: lines for whoever runs the bot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.policy.grants import Grants
from bot.policy.people import People
from bot.policy.settings import ApprovalSettings, BreakGlassSettings, GrantSettings
from bot.settings import AccessSettings
from cards.formatting import plural


def lines(
    access: AccessSettings,
    people: People,
    grants: Sequence[GrantSettings],
    approvals: Sequence[ApprovalSettings],
    break_glass: BreakGlassSettings,
) -> Iterator[str]:
    """A line for each thing that the settings allow, deny or want, in their order."""
    everyone = "read everything" if access.everyone == "viewer" else "do nothing"
    yield f"everybody who is no guest and of no other workspace or tenant may {everyone} (access.everyone)"
    for key, ids, may in (
        ("viewers", access.viewers, "read everything"),
        ("operators", access.operators, "make every change of Azure that destroys nothing"),
        ("admins", access.admins, "do everything"),
    ):
        if ids:
            yield f"{_named(ids, people)} may {may} (access.{key})"
    if not (access.operators or access.admins or any(not grant.deny for grant in grants)):
        yield "nobody may change anything of Azure: no grant, operator or admin is named"
    for grant in Grants(grants).all:
        yield f"{_named(grant.to, people)} {'may not' if grant.deny else 'may'}: {grant.words} ({grant.rule})"
    for number, rule in enumerate(approvals, 1):
        who = _named(rule.approvers, people) if rule.approvers else "others who could run it"
        over = [f"over {rule.price_per_hour:g} an hour"] if rule.price_per_hour is not None else []
        over += [f"over {plural(rule.nodes, 'node')}"] if rule.nodes is not None else []
        what = f"{', '.join(rule.verbs)} in {', '.join(rule.accounts)}{' ' if over else ''}{' or '.join(over)}"
        yield f"{what} waits for {rule.count} of {who} (approvals.{rule.name or number})"
    if break_glass.people:
        yield f"{_named(break_glass.people, people)} may go ahead in an emergency (break_glass.people)"


def _named(ids: Sequence[str], people: People) -> str:
    """Ids, with the names that the settings give them."""
    return ", ".join(f"{people.name(each)} ({each})" if people.name(each) not in each else each for each in ids)
