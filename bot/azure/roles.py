"""The built-in roles that the bot's identities need, each with what it may do: the one table of them.

Of the four roles of Batch: "Role-based access control for Azure Batch", read in April 2025. Names with ``*`` fit
anything, as in a role's definition. What is no page of Batch's own is marked as not documented there.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

_BATCH = "Microsoft.Batch"
_ACCOUNT = f"{_BATCH}/batchAccounts"


class Action(Struct, frozen=True, order=True):
    """Something that roles allow: its name, and whether it is one on data."""

    name: str
    data: bool = False

    def __str__(self) -> str:
        return f"{self.name} (data)" if self.data else self.name


class BuiltInRole(Struct, frozen=True):
    """A role that every subscription has; ``documented`` where Batch's own page describes it."""

    name: str
    id: str
    actions: tuple[str, ...]
    data_actions: tuple[str, ...] = ()
    documented: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def allows(self, action: Action) -> bool:
        """Whether the role has the action."""
        return fits(action.name, self.data_actions if action.data else self.actions)


ACCOUNT_READER = BuiltInRole(
    "Azure Batch Account Reader", "11076f67-66f6-4be0-8f6b-f0609fd05cc9", (f"{_BATCH}/*/read",), (f"{_BATCH}/*/read",)
)
JOB_SUBMITTER = BuiltInRole(
    "Azure Batch Job Submitter",
    "48e5e92e-a480-4e71-aa9c-2778f4c13781",
    (f"{_ACCOUNT}/pools/read", f"{_ACCOUNT}/applications/read", f"{_ACCOUNT}/applications/versions/read"),
    (f"{_ACCOUNT}/jobs/*", f"{_ACCOUNT}/jobSchedules/*"),
)
DATA_CONTRIBUTOR = BuiltInRole(
    "Azure Batch Data Contributor",
    "6aaa78f1-f7de-44ca-8722-c64a23943cae",
    (
        f"{_ACCOUNT}/read",
        f"{_ACCOUNT}/pools/*",
        f"{_ACCOUNT}/applications/*",
        f"{_ACCOUNT}/certificates/*",
        f"{_BATCH}/locations/*/read",
    ),
    (f"{_ACCOUNT}/jobs/*", f"{_ACCOUNT}/jobSchedules/*"),
)
ACCOUNT_CONTRIBUTOR = BuiltInRole(
    "Azure Batch Account Contributor", "29fe4964-1e60-436b-bd3a-77fd4c178b3c", (f"{_BATCH}/*",), (f"{_BATCH}/*",)
)
COST_READER = BuiltInRole(
    "Cost Management Reader",
    "72fafb9e-0641-4937-9268-a91bfd8191a3",
    ("Microsoft.CostManagement/*/read", "Microsoft.Consumption/*/read"),
    documented=False,
)
METRICS_READER = BuiltInRole(
    "Monitoring Reader", "43d0d8ad-25c7-4714-9337-8ba259a9fe05", ("Microsoft.Insights/*/read",), documented=False
)
"""It reads more than metrics (``*/read``); what the bot wants of it is that."""
SECRETS_USER = BuiltInRole(
    "Key Vault Secrets User",
    "4633458b-17de-408a-b874-0445c86b69e6",
    (),
    ("Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    documented=False,
)
"""Reads secrets of a key vault: all that the bot wants of one ("Azure built-in roles for security")."""
EVENTS_RECEIVER = BuiltInRole(
    "Azure Event Hubs Data Receiver",
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
    ("Microsoft.EventHub/*/eventhubs/consumergroups/read",),
    ("Microsoft.EventHub/*/receive/action",),
    documented=False,
)
"""Reads an event hub: all that the intake of diagnostic events wants ("Azure built-in roles for analytics")."""
BUILT_IN = (ACCOUNT_READER, COST_READER, METRICS_READER, JOB_SUBMITTER, DATA_CONTRIBUTOR, ACCOUNT_CONTRIBUTOR)
"""All that accounts of Batch need, those that allow least first."""

READER = str(ACCOUNT_READER)
"""Reads both planes: all that watching needs."""
SUBMITTER = str(JOB_SUBMITTER)
"""Writes jobs, tasks and schedules, and reads pools."""
CONTRIBUTOR = str(DATA_CONTRIBUTOR)
"""The smallest that may write pools, jobs, schedules, applications and certificates."""
OWNER = str(ACCOUNT_CONTRIBUTOR)
"""The one that may also make and delete accounts, and regenerate their keys."""
MONITORING_READER = str(METRICS_READER)
"""Reads metrics of Azure Monitor; it is not needed for anything else."""


def fits(action: str, patterns: Iterable[str]) -> bool:
    """Whether an action is one that patterns name; Azure does not mind the case."""
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def smallest(actions: Iterable[Action]) -> BuiltInRole | None:
    """The built-in role that allows least of those that have all of the actions; None where no single one has."""
    wanted = tuple(actions)
    return next((role for role in BUILT_IN if all(map(role.allows, wanted))), None)
