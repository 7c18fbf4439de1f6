"""Which actions of Azure the parts of the bot want, as data. Which roles have them is in :mod:`bot.azure.roles`.

The actions are those of "Role-based access control for Azure Batch": pools, applications and certificates are of the
control plane, jobs (with their tasks and files) and schedules are on data. Nodes go with their pool.
"""

from __future__ import annotations

from typing import NamedTuple

from bot.azure.roles import Action

_ACCOUNT = "Microsoft.Batch/batchAccounts"


class Need(NamedTuple):
    """An action, and the part of the bot that wants it."""

    action: Action
    part: str


READING = (
    Need(Action(f"{_ACCOUNT}/read"), "quotas and the account's card"),
    Need(Action(f"{_ACCOUNT}/pools/read"), "pools and nodes: watching, alerts, usage"),
    Need(Action(f"{_ACCOUNT}/jobs/read", data=True), "jobs, tasks and their files: watching, alerts, why, log"),
    Need(Action(f"{_ACCOUNT}/jobSchedules/read", data=True), "job schedules"),
    Need(Action(f"{_ACCOUNT}/applications/read"), "application list"),
    Need(Action(f"{_ACCOUNT}/applications/versions/read"), "application show"),
    Need(Action(f"{_ACCOUNT}/certificates/read"), "certificate list"),
)
"""On the account, of the identity that reads."""
OF_THE_REGION = (
    Need(Action("Microsoft.Batch/locations/virtualMachineSkus/read"), "cores of VM sizes: usage, money, headroom"),
)
"""On the subscription, of the identity that reads: the list of sizes lies outside the account."""
BILL = (Need(Action("Microsoft.CostManagement/query/read"), "the bill"),)
"""On the subscription."""
METRICS = (Need(Action("Microsoft.Insights/metrics/read"), "usage of the days before the first start"),)
"""On the account."""
CHANGING = (
    Need(Action(f"{_ACCOUNT}/pools/write"), "pool create, resize, autoscale, node reboot and remove"),
    Need(Action(f"{_ACCOUNT}/pools/delete"), "pool delete"),
    Need(Action(f"{_ACCOUNT}/jobs/write", data=True), "job and task verbs"),
    Need(Action(f"{_ACCOUNT}/jobs/delete", data=True), "job delete, task delete"),
    Need(Action(f"{_ACCOUNT}/jobSchedules/write", data=True), "schedule verbs"),
    Need(Action(f"{_ACCOUNT}/jobSchedules/delete", data=True), "schedule delete"),
    Need(Action(f"{_ACCOUNT}/applications/write"), "application verbs"),
    Need(Action(f"{_ACCOUNT}/applications/delete"), "application delete"),
    Need(Action(f"{_ACCOUNT}/certificates/delete"), "certificate delete"),
)
"""On the account, of the identity that changes it."""
OWNING = (
    Need(Action(f"{_ACCOUNT}/write"), "account create and edit"),
    Need(Action(f"{_ACCOUNT}/delete"), "account delete"),
    Need(Action(f"{_ACCOUNT}/listKeys/action"), "account keys"),
    Need(Action(f"{_ACCOUNT}/regenerateKeys/action"), "account new keys"),
)
"""On the account: for whoever wants the accounts themselves be made and deleted from the chat; few do."""
