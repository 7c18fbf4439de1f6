"""Azure lets the bot in, or not: no sign-in, a wrong key, a role that is missing, no way there. Four different answers,
each with the account, the identity that was used, and the next step.

The roles are the least built-in ones of Azure Batch ("Azure role-based access control for Azure Batch"): its Account
Reader reads both planes, its Job Submitter writes jobs, its Data Contributor pools and applications.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from yarl import URL

from bot.azure.account import Account
from bot.azure.credentials import CLOUDS
from bot.azure.errors import AzureError
from bot.azure.roles import ACCOUNT_CONTRIBUTOR, ACCOUNT_READER, DATA_CONTRIBUTOR, JOB_SUBMITTER
from bot.settings import AccountSettings, writing
from cards.build import bold, code, text
from cards.card import Actions, Button, Card, Mark, Words

_JOBS = re.compile(r"^/(?:jobs|jobschedules)\b", re.IGNORECASE)
_INSIDE = re.compile(r"/(?:pools|applications|certificates)\b", re.IGNORECASE)
_READS = ("", "GET", "HEAD")
_UNREACHED = frozenset({"noconnection", "timeout"})


def explained(error: AzureError, accounts: Iterable[Account], typed: str) -> Card | None:
    """What to do about a refusal of Azure that is about who the bot is, or where; None for any other.

    ``typed`` is what was asked, to be tried again.
    """
    account = _account(error, accounts)
    said = said_of(error, account) if account else None
    if said is None:
        return None
    what, lines = said
    return Card(
        title=text(bold(what)),
        mark=Mark.WARNING,
        blocks=(
            *(Words(text(code(each) if each.startswith("az ") else each)) for each in lines),
            Actions((Button("Try again", typed or "home"), Button("Status", "status"))),
        ),
        refused=True,
    )


def said_of(error: AzureError, account: Account, *, changing: bool = False) -> tuple[str, list[str]] | None:
    """The same in words: what is not let in, and why and what to do, a line each.

    ``changing`` says of what has no method of its own, such as signing in, that it is to change something.
    """
    settings = account.settings
    apart = error.method not in _READS and bool(settings.write_credential)
    used = writing(settings) if apart else settings
    who = _identity(used)
    if error.code == "NoToken":
        return f"The bot cannot sign in to Azure for {account.name}.", [
            f"Signed in with: {who}. {_sentence(error.message)}",
            *_to_sign_in(used, writes=apart or changing),
        ]
    if used.credential == "shared_key" and error.status in (401, 403) and "authent" in error.code.lower():
        return f"Azure does not accept the key of {account.name}.", [
            f"The environment variable {used.key_env} holds no key of Batch account {settings.batch_name}, or one that "
            "was regenerated.",
            f"Copy a key from the portal ({settings.batch_name}, Keys) or with: az batch account keys list --name "
            f"{settings.batch_name} --resource-group {settings.resource_group}. Then restart the bot.",
        ]
    if error.status == 401:
        return f"Azure does not accept the bot's sign-in to {account.name}.", [
            f"Signed in with: {who}. Azure says {error.code}: {_sentence(error.message)}",
            *_to_sign_in(used, writes=apart or changing),
        ]
    if error.status == 403 and "author" in error.code.lower() and used.credential != "shared_key":
        role = _role(error)
        return f"The bot's identity has no role that allows this on {account.name}.", [
            f"Signed in with: {who}. Missing is the role {role} on the Batch account, or one that has more.",
            f'az role assignment create --assignee PRINCIPAL_ID --role "{role}" --scope {account.resource_id}. '
            "It holds after some minutes.",
        ]
    if error.code.lower() in _UNREACHED and not error.status:
        return f"{account.name} cannot be reached from where the bot runs.", [
            f"{_sentence(error.message)}",
            "Its identity was not in question: no answer came.",
        ]
    return None


def _account(error: AzureError, accounts: Iterable[Account]) -> Account | None:
    """Whose host it was that refused; of Resource Manager's, which is that of all, the first one's."""
    for account in accounts:
        settings = account.settings
        if error.host and error.host in (URL(settings.endpoint).host, URL(_arm(settings)).host):
            return account
    return None


def _arm(settings: AccountSettings) -> str:
    return settings.arm_endpoint or CLOUDS[settings.cloud].arm


def _identity(settings: AccountSettings) -> str:
    match settings.credential:
        case "shared_key":
            return f"the account key in {settings.key_env}"
        case "managed_identity":
            return f"the managed identity {settings.client_id or 'of this machine'}"
    if settings.client_id:
        return f"the managed identity {settings.client_id}, or what else azure-identity finds here"
    return "what azure-identity finds here (environment, workload or managed identity, az login)"


def _to_sign_in(settings: AccountSettings, *, writes: bool) -> list[str]:
    """How an identity is had that the bot can use; ``settings`` as it reads with it, or ``writes``."""
    role, key = (DATA_CONTRIBUTOR, "write_client_id") if writes else (ACCOUNT_READER, "client_id")
    if settings.credential == "managed_identity":
        return [
            "Assign the managed identity to the machine, container app or pod that runs the bot"
            + (f", and write its own client id in the settings ({key})." if settings.client_id else ".")
        ]
    return [
        "Give the bot a managed identity, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET (or a "
        f"certificate), or sign in by az login. The identity then needs the role {role.name} on the account."
    ]


def _role(error: AzureError) -> str:
    """The least built-in role that allows what was refused."""
    if error.method in _READS:
        return ACCOUNT_READER.name
    if _JOBS.search(error.path):
        return JOB_SUBMITTER.name
    return (DATA_CONTRIBUTOR if _INSIDE.search(error.path) else ACCOUNT_CONTRIBUTOR).name


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
