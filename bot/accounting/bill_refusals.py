"""What is said of a bill that could not be read. Pure."""

from __future__ import annotations

from bot.azure.account import Account
from bot.azure.cost import READER
from bot.azure.errors import AzureError
from storage.port.bill import BillState

NO_DATA = (
    "Cost Management knows of no costs of this account. Costs appear 8 to 24 hours after use, of a new subscription "
    "after up to 48 hours; of subscriptions from a partner (CSP) only where the partner lets them be seen."
)


def state_of(error: AzureError) -> BillState:
    """Which of the answers that are no money a refusal is."""
    if error.throttled:
        return "throttled"
    return "no permission" if error.status in (401, 403) or error.code == "NoTokenCredential" else "failed"


def why_refused(error: AzureError, account: Account) -> str:
    """What Cost Management did not answer the question about an account's bill for, and what to do."""
    subscription = account.settings.subscription
    if error.code == "NoTokenCredential":
        return (
            "The account is reached with its key, which Cost Management does not take: "
            f"give the bot an Entra ID identity that has the role {READER} on subscription {subscription}."
        )
    if error.status in (401, 403):
        return (
            f"The bot may not read costs: give the identity that reads the account the role {READER} "
            f"on subscription {subscription}."
        )
    if error.throttled:
        return "Cost Management is asked too often, by this or other tools of the tenant: it is asked again later."
    return f"Cost Management did not answer the question: {error.message}"


def why_unread(error: AzureError, account: Account) -> str:
    """Why an account whose resource cannot be read has no bill, and what to do."""
    group = account.settings.resource_group
    if error.status in (401, 403):
        return (
            f"The bot may not read the account in resource group {group}, without which its bill cannot be separated "
            "from others': give the identity that reads the account the role Reader on it."
        )
    return (
        f"The account could not be read in resource group {group}, without which its bill cannot be separated from "
        f"other accounts': {error.message}"
    )
