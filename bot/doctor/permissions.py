"""What the identities may do, asked of Resource Manager: no write is tried, and what is missing has a role's name."""

from __future__ import annotations

from collections.abc import Sequence

from bot.azure.account import Account
from bot.azure.credentials import CLOUDS, Credentials
from bot.azure.errors import AzureError
from bot.azure.permissions import Permission, missing, permissions
from bot.azure.roles import ACCOUNT_CONTRIBUTOR, ACCOUNT_READER, DATA_CONTRIBUTOR, smallest
from bot.doctor.accounts import told_of
from bot.doctor.finding import Finding, Verdict, fine, look
from bot.doctor.identity import identity_of
from bot.doctor.needs import BILL, CHANGING, METRICS, OF_THE_REGION, OWNING, READING, Need


async def reading(account: Account, credentials: Credentials, what: str) -> list[Finding]:
    """Of the identity that reads: what it lacks on the account and on the subscription, and what it has too much."""
    try:
        here = await permissions(account, account.resource_id)
    except AzureError as error:
        return [_not_listed(error, what, account)]
    who = await _who(account, credentials)
    found = [_asked(what, here, READING, "broken", who, account.resource_id)]
    if account.has_metrics:
        found.append(_asked(f"{what}, metrics", here, METRICS, "look", who, account.resource_id))
    lacking = missing(here, (need.action for need in CHANGING))
    if len(lacking) < len(CHANGING):
        excess = [need for need in CHANGING if need.action not in lacking]
        found.append(
            look(
                f"{what}, more than it needs",
                f"it could also change the account ({excess[0].action}{', …' if len(excess) > 1 else ''})",
                f"give it {ACCOUNT_READER} alone, and let another identity change the account (write_credential): "
                "no fault in reading can change anything then",
            )
        )
    return found


async def of_the_subscription(account: Account, credentials: Credentials, what: str) -> list[Finding]:
    """Of the identity that reads: what it may see outside the account."""
    scope = f"/subscriptions/{account.settings.subscription}"
    try:
        above = await permissions(account, scope)
    except AzureError as error:
        return [_not_listed(error, what, account)]
    who = await _who(account, credentials)
    return [
        _asked(f"{what}, VM sizes", above, OF_THE_REGION, "look", who, scope),
        _asked(f"{what}, bill", above, BILL, "look", who, scope),
    ]


async def changing(account: Account, credentials: Credentials, what: str) -> list[Finding]:
    """Of the identity that changes the account, which ``account`` is reached with."""
    if account.arm is None:
        found = "signs with the account's key, which is full access to the account beside all roles"
        todo = f"use an identity of Entra ID (write_credential) with the role {DATA_CONTRIBUTOR}"
        return [look(what, found, todo)]
    try:
        here = await permissions(account, account.resource_id)
    except AzureError as error:
        return [_not_listed(error, what, account)]
    who = await _who(account, credentials)
    asked = _asked(what, here, CHANGING, "broken", who, account.resource_id)
    if asked.verdict == "fine" and missing(here, (need.action for need in OWNING)):
        more = f"; not the accounts themselves and their keys, which takes {ACCOUNT_CONTRIBUTOR}"
        return [fine(what, f"{asked.found}{more}")]
    return [asked]


def _asked(
    what: str, held: Sequence[Permission], needs: Sequence[Need], verdict: Verdict, who: str, scope: str
) -> Finding:
    """What of the needs is allowed."""
    lacking = missing(held, (need.action for need in needs))
    if not lacking:
        return fine(
            what, f"all {len(needs)} actions are allowed" if len(needs) > 1 else f"{needs[0].action} is allowed"
        )
    parts = {need.action: need.part for need in needs}
    named = "; ".join(f"{action}: {parts[action]}" for action in lacking)
    role = smallest(lacking)
    if role is None:  # a custom role may lack anything
        return Finding(verdict, what, f"not allowed: {named}", f"allow these actions on {scope}")
    noted = "" if role.documented else ", by the general list of built-in roles"
    return Finding(
        verdict,
        what,
        f"not allowed: {named}",
        f"the smallest built-in role that has this is {role}{noted}: "
        f"az role assignment create --assignee {who} --role {role.id} --scope {scope}",
    )


async def _who(account: Account, credentials: Credentials) -> str:
    """The object id that a role is assigned to, where the token tells it."""
    scope = CLOUDS[account.settings.cloud].arm_scope
    try:
        return (await identity_of(credentials.token(account.settings), scope, "")).object or "OBJECT_ID"
    except AzureError:
        return "OBJECT_ID"


def _not_listed(error: AzureError, what: str, account: Account) -> Finding:
    """Where permissions themselves may not be listed, nothing is known of them."""
    if error.status == 403:
        found = (
            f"Azure does not list what the identity may do ({error.code}): it has no role there, or a very narrow one"
        )
        return look(what, found, f"give it {ACCOUNT_READER}; what it reads is tried above")
    return told_of(error, what, account)
