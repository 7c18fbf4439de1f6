"""The accounts: whether an identity signs in, both planes answer, and their clocks agree with the one here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bot.azure.account import Account
from bot.azure.credentials import CLOUDS, Credentials
from bot.azure.errors import AzureError
from bot.azure.models import BatchAccountResource, Job, Pool
from bot.azure.roles import READER
from bot.doctor.finding import Finding, broken, fine, look
from bot.doctor.identity import identity_of
from bot.requests.sign_in import said_of

WRONG = timedelta(minutes=4)
"""Tokens and signatures of links are refused from some five minutes on ("Configurable token lifetimes", "SAS")."""
ODD = timedelta(seconds=30)


def told_of(error: AzureError, what: str, account: Account, todo: str = "", *, changing: bool = False) -> Finding:
    """What does not work, in the words in which the chat is told of it; ``changing`` as :func:`said_of` takes it."""
    if said := said_of(error, account, changing=changing):
        title, (why, *steps) = said
        return broken(what, f"{title} {why}", " ".join(steps))
    status = f" ({error.status} {error.code})" if error.status else ""
    return broken(what, f"{error.message}{status}", todo)


async def sign_in(account: Account, credentials: Credentials, what: str, *, changing: bool = False) -> list[Finding]:
    """Whether an identity is to be had, and whose; ``changing`` where it is the one that changes the account."""
    settings = account.settings
    if settings.credential == "shared_key":
        found = "signs with the account's key, which is full access to the account beside all roles"
        todo = f'use an identity of Entra ID (credential = "managed_identity" or "default") with the role {READER}'
        return [look(what, found, todo)]
    scope, host = CLOUDS[settings.cloud].batch_scope, urlsplit(settings.endpoint).hostname or ""
    try:
        return [fine(what, f"as {await identity_of(credentials.token(settings), scope, host)}")]
    except AzureError as error:
        return [told_of(error, what, account, changing=changing)]


async def data_plane(account: Account, what: str) -> list[Finding]:
    """Whether pools and jobs can be read, and what the service's clock says."""
    found = []
    try:
        await account.window(Pool, "/pools", offset=0, limit=1, select="id", page_size=1)
        await account.window(Job, "/jobs", offset=0, limit=1, select="id", page_size=1)
        found.append(fine(what, f"{account.settings.endpoint} answers: pools and jobs are read"))
    except AzureError as error:
        found.append(told_of(error, what, account))
    if account.heard:
        found.append(_clock(what.replace("data plane", "clock"), account.now() - datetime.now(UTC)))
    return found


def _clock(what: str, ahead: timedelta) -> Finding:
    seconds = round(abs(ahead).total_seconds())
    if abs(ahead) < ODD:
        return fine(what, f"Azure's and this machine's differ by {seconds} s")
    found = f"this machine's is {seconds:,} s {'behind' if ahead > timedelta(0) else 'ahead of'} Azure's"
    todo = "set it by NTP (chrony, systemd-timesyncd): tokens and signed links fail where it is off by minutes"
    return broken(what, found, todo) if abs(ahead) >= WRONG else look(what, found, todo)


async def control_plane(account: Account, what: str) -> list[Finding]:
    """Whether Resource Manager tells the account, and whether the settings say the same of it."""
    if account.arm is None:
        found = "Resource Manager takes no account key: quotas, VM sizes, applications and the bill are out of reach"
        return [look(what, found, "use an identity of Entra ID")]
    try:
        resource = (await account.resource()).value
    except AzureError as error:
        todo = ""
        if error.not_found:
            todo = (
                f"mend subscription, resource_group or account in [accounts.{account.name}]: no {account.resource_id}"
            )
        return [told_of(error, what, account, todo)]
    state = resource.properties.provisioning_state or "unknown"
    found = f"{resource.name} in {resource.location}, {state}"
    if wrong := _other_place(account, resource):
        return [broken(what, found, wrong)]
    return [fine(what, found)]


def _other_place(account: Account, resource: BatchAccountResource) -> str:
    """What the settings say otherwise; not of an endpoint on this machine, which is a stand-in."""
    here, there = urlsplit(account.settings.endpoint).hostname or "", resource.properties.account_endpoint
    if there and "." in here and not here.replace(".", "").isdigit() and here.lower() != there.split(":")[0].lower():
        return f'the settings name {here}: write endpoint = "https://{there}" in [accounts.{account.name}]'
    return ""
