"""What the verbs of accounts share: who may, and what to say where the identity may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.roles import OWNER
from bot.operations.preflight import Preflight
from bot.operations.workflow import Failure
from handlers.shared.preflight import blocked

_DENIED = frozenset({"authorizationfailed", "linkedauthorizationfailed", "forbidden"})
_UNREGISTERED = frozenset({"missingsubscriptionregistration", "subscriptionnotregistered"})
REGISTER = "az provider register --namespace Microsoft.Batch"
"""The Azure CLI's command that lets a subscription have Batch accounts."""


def blocked_by_key(source: Account) -> Preflight | None:
    """The refusal where the bot cannot change the account over Resource Manager; None where it can."""
    if stopped := blocked(source):
        return stopped
    if source.settings.write_credential == "shared_key":
        return Preflight(
            f"The bot changes {source.name} with its key, which Azure Resource Manager does not take. Set "
            f"accounts.{source.name}.write_credential to another identity, and give it the role {OWNER}."
        )
    return None


def explained(error: AzureError) -> str:
    """Why Azure refused a write of an account, and what to do; empty where its own words say all."""
    code = error.code.lower()
    if code in _DENIED:
        return f"{error.message} The bot's writing identity needs the role {OWNER}."
    if code in _UNREGISTERED:
        return f"The subscription does not have Batch yet. Whoever administers it runs: {REGISTER}"
    return ""


@asynccontextmanager
async def asking_owner() -> AsyncIterator[None]:
    """Turns refusals that a person has to put right into a failure that says how. Raises Failure."""
    try:
        yield
    except AzureError as error:
        if why := explained(error):
            raise Failure(why) from error
        raise
