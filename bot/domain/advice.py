"""What is likely behind a node that does no work or a pool that does not get its nodes, and what to do about it.

Sources: "Azure Batch pool and node errors" (learn.microsoft.com/azure/batch/batch-pool-node-error-checking: unusable
with and without errors, which of them the service tries to recover, disk full, start tasks, networks), "Batch status
and error codes" (learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes: what the codes of tasks and
start tasks mean), "Nodes and pools in Azure Batch" (node states; offline and preempted), "Batch service quotas and
limits" (which quotas there are and who raises them), and field notes of users (how long recovery takes, whose
directories fill a disk).
"""

from __future__ import annotations

from msgspec import Struct

from bot.azure.models import Node, NodeError
from bot.azure.models.node import StartTaskInfo
from bot.domain.exit_codes import meaning


class Advice(Struct, frozen=True):
    """The likely cause, and what to do; each a sentence without its full stop."""

    cause: str
    do: str


class Trouble(Struct, frozen=True):
    """What is wrong with a node.

    ``name`` groups nodes of one kind (the state where nothing more is known), ``code`` is the service's, empty without.
    """

    name: str
    code: str
    message: str
    advice: Advice


_LOGS = (
    "read the start task's stdout and stderr on the node, mend the script or its input, then reboot the node, or "
    "remove it and let the pool make another"
)
_ANEW = "reboot the node; if that does not help, remove it and let the pool make another"
_ACCESS = "the address is wrong, the file is gone, or its signature has expired"

_CODES: dict[str, Advice] = {
    "diskfull": Advice(
        "the temporary disk is full, most often with the directories of old tasks, which stay for their retention time",
        "delete old tasks or shorten their retention time, then reboot the node; a larger size has a larger disk",
    ),
    "nodeunreachable": Advice(
        "the service has lost contact with the machine",
        "wait, for it often recovers in 15 to 45 minutes, then reboot or remove the node; in a virtual network check "
        "that outbound traffic to Batch and Storage is allowed",
    ),
    "commandprogramnotfound": Advice(
        "the program of the command line is not on the node",
        "call it by its whole path or through a shell (/bin/bash -c, cmd /c), or bring it along as a file or package",
    ),
    "commandlaunchfailed": Advice(
        "the command could not be started: not executable, or made for another system",
        "check the file's mode and that it is made for the node's system",
    ),
    "failureexitcode": Advice("the command ended with an error of its own", _LOGS),
    "taskended": Advice("it ran longer than allowed, or somebody ended it", "allow more time, or make it quicker"),
    "blobnotfound": Advice(f"an input file could not be fetched: {_ACCESS}", "mend the address, then reboot the node"),
    "blobaccessdenied": Advice(
        "the storage refused an input file: its signature has expired or the identity has no right to read",
        "renew the signature, or use a managed identity with the role Storage Blob Data Reader; then reboot the node",
    ),
    "blobdownloadtimedout": Advice(
        "an input file took too long to fetch", "check its size and that the storage can be reached; then reboot"
    ),
    "resourcefilecreatefailed": Advice(
        "an input file could not be written on the node: the disk is full, or its path cannot be made",
        "check the path and the free disk, then reboot the node",
    ),
}
_FAMILIES: tuple[tuple[str, Advice], ...] = (
    (
        "applicationpackage",
        Advice(
            "an application package could not be fetched or unpacked",
            "check that the version exists, is active, and that its storage account can be reached; the service does "
            "not try again by itself: reboot the node when it is mended",
        ),
    ),
    (
        "container",
        Advice(
            "a container image could not be pulled: its name, the registry's credentials, or no way to the registry",
            "mend the image's name or the registry's credentials; the service does not try again by itself: "
            "reboot the node when it is mended",
        ),
    ),
    ("blob", Advice(f"a file could not be fetched: {_ACCESS}", "mend the address, then reboot the node")),
    ("resource", Advice(f"an input could not be fetched: {_ACCESS}", "mend the address, then reboot the node")),
    (
        "mount",
        Advice("a file system could not be mounted", "check address, key and network; then reboot the node"),
    ),
    ("disk", Advice("there is trouble with a disk", _ANEW)),
)
_UNKNOWN_CODE = Advice("the code is all that is known", _ANEW)

_SILENT: dict[str, Advice] = {
    "unusable": Advice(
        "no error is reported, so the service cannot reach the machine",
        "wait, for it often recovers in 15 to 45 minutes, then reboot or remove the node; in a virtual network check "
        "that outbound traffic to Batch and Storage is allowed and that names are resolved",
    ),
    "unknown": Advice(
        "the service has lost contact with the node", "wait a few minutes; if it stays so, reboot or remove the node"
    ),
    "offline": Advice(
        "somebody has disabled scheduling on it: it takes no tasks and is billed",
        "enable scheduling, or remove the node",
    ),
    "starttaskfailed": Advice("the start task failed, after all its retries", _LOGS),
}

_MORE = "ask for more in the portal (Quotas of the Batch account), or free some in pools that need fewer nodes"
_RESIZES: dict[str, Advice] = {
    "accountcorequotareached": Advice("the account's quota of dedicated cores is used up", _MORE),
    "accountlowprioritycorequotareached": Advice("the account's quota of Spot cores is used up", _MORE),
    "accountvmseriescorequotareached": Advice(
        "the account's quota of cores of this VM family is used up", f"{_MORE}; or use a size of another family"
    ),
    "allocationfailed": Advice(
        "Azure has no more machines of this size in the region just now",
        "try again later, or use another size, another region, or dedicated nodes instead of Spot ones",
    ),
    "allocationtimedout": Advice(
        "the machines did not come within the resize timeout",
        "resize again: the rest often comes at the second try; a longer timeout, or another size, where it stays so",
    ),
    "removenodesfailed": Advice(
        "nodes could not be removed in time, most often because tasks still run on them",
        "resize again, or remove them without waiting for their tasks",
    ),
    "incompatiblevmsize": Advice(
        "this VM size does not fit the pool's image or settings", "make a pool with a size that fits"
    ),
    "unsupportedvmsize": Advice(
        "this VM size is not offered in the region or to the subscription", "make a pool with another size"
    ),
    "dependentresourcenotfound": Advice(
        "something the pool needs is gone: its network, image, identity or package",
        "bring it back, or make the pool anew without it",
    ),
}
_ELSEWHERE = "a size, region or zone with room, or dedicated nodes instead of Spot ones"
_INNER: dict[str, Advice] = {
    "requestdisallowedbypolicy": Advice(
        "a policy of Azure forbids what the pool asks for",
        "have the policy's owner exempt it, or make the pool as the policy wants it",
    ),
    "scopelocked": Advice(
        "a lock on the subscription or resource group forbids changes there",
        "have the lock removed, then resize again",
    ),
    "skunotavailable": Advice(
        "this VM size is sold out or restricted for the subscription in this region or zone",
        f"use {_ELSEWHERE}, or ask Azure to lift the restriction",
    ),
    "overconstrainedallocationrequest": Advice(
        "no machine has room for just this mix of size, zone, disk and network",
        "ask for less: without a zone, with another disk, or another size",
    ),
    "overconstrainedzonalallocationrequest": Advice(
        "no machine of this zone has room for just this mix of size, disk and network",
        "ask for less: without the zone, with another disk, or another size",
    ),
    "zonalallocationfailed": Advice(
        "Azure has no more machines of this size in the zone just now", f"try again later, or use {_ELSEWHERE}"
    ),
    "quotaexceeded": Advice(
        "a quota of the subscription is used up",
        "ask for more in the portal (Quotas of the subscription), or free some there",
    ),
    "publicipcountlimitreached": Advice(
        "the subscription may have no more public IP addresses",
        "ask for more, or make the pool without public addresses",
    ),
    "subnetisfull": Advice(
        "the pool's subnet has no free addresses",
        "use a larger subnet, let others leave it, or resize to fewer nodes",
    ),
    "authorizationfailed": Advice(
        "Batch or the pool's identity has no right to what the pool uses: its network, image or subscription",
        "give it the role that the error names, then resize again",
    ),
    "linkedauthorizationfailed": Advice(
        "Batch or the pool's identity has no right to something the pool refers to",
        "give it the role that the error names, then resize again",
    ),
    "imagenotfound": Advice(
        "the pool's image is gone, or is not replicated to this region",
        "bring it back or replicate it, or make a pool with another image",
    ),
}
"""What other services of Azure refuse machines with (:mod:`bot.domain.provider_error`)."""
_SAID: tuple[tuple[tuple[str, ...], Advice], ...] = (
    (
        ("hypervisor generation",),
        Advice(
            "the VM size cannot start an image of this generation",
            "make a pool with an image of the other generation, or with a size that fits the image",
        ),
    ),
    (("core", "quota"), _INNER["quotaexceeded"]),
    (("vcpu", "quota"), _INNER["quotaexceeded"]),
    (("does not have enough", "address"), _INNER["subnetisfull"]),
    (("subnet", "is full"), _INNER["subnetisfull"]),
    (("disallowed by policy",), _INNER["requestdisallowedbypolicy"]),
    (("scope(s) are locked",), _INNER["scopelocked"]),
)
"""What general codes mean by their words: where all of an entry occur."""
_VAGUE: dict[str, Advice] = {
    "operationnotallowed": Advice(
        "the subscription does not allow it, most often because a quota of it is used up",
        "read the error; where it names a quota, ask for more of it in the portal",
    ),
    "invalidparameter": Advice(
        "Azure does not take a value that the pool is made with: the error names it",
        "make the pool anew with a value that is allowed",
    ),
    "badrequest": Advice(
        "Azure does not take what the pool is made with: the error says why", "make the pool anew with what fits"
    ),
}
_RESIZE_FAMILIES: tuple[tuple[str, Advice], ...] = (
    ("overconstrained", _INNER["overconstrainedallocationrequest"]),
    ("invalidparameter", _VAGUE["invalidparameter"]),
    ("quota", Advice("a quota is used up", _MORE)),
    ("subnet", Advice("the pool's subnet has no room, or the service may not use it", "use a larger subnet")),
    ("network", Advice("the pool's network does not let it have nodes", "check the subnet, its rules and its rights")),
    ("image", Advice("the pool's image cannot be used", "check that it exists, is replicated here, and may be read")),
)
_UNKNOWN_RESIZE = Advice("the code is all that is known", "read the error, then resize again")


def of_resize(code: str, words: str = "") -> Advice:
    """What is behind an error that a pool's resize ended with, or that lies at the bottom of it.

    ``words`` are the error's: several causes share a general code (``BadRequest``), and only its words tell them apart.
    """
    name, said = code.lower(), words.lower()
    if known := _RESIZES.get(name) or _INNER.get(name):
        return known
    by_words = next((advice for marks, advice in _SAID if all(mark in said for mark in marks)), None)
    by_code = _VAGUE.get(name) or next((advice for part, advice in _RESIZE_FAMILIES if part in name), None)
    return by_words or by_code or _UNKNOWN_RESIZE


def of_code(code: str) -> Advice:
    """What is behind an error code of a node or of a start task."""
    known = _CODES.get(code.lower())
    return known or next((advice for start, advice in _FAMILIES if code.lower().startswith(start)), _UNKNOWN_CODE)


def likely_cause(code: str) -> str:
    """What an error code of a task means, a sentence without its full stop; empty for one that is not known."""
    advice = of_code(code)
    return "" if advice is _UNKNOWN_CODE else advice.cause


def of_error(error: NodeError) -> Trouble:
    """What is behind one of a node's errors."""
    return Trouble(error.code, error.code, error.message, of_code(error.code))


def of_start_task(run: StartTaskInfo | None) -> Trouble:
    """What is behind a start task that failed: its exit code where it has one, else the service's code."""
    if run is None:
        return Trouble("starttaskfailed", "", "", _SILENT["starttaskfailed"])
    code = run.failure_info.code if run.failure_info else ""
    if run.exit_code:
        usual = meaning(run.exit_code)
        advice = Advice(usual or "the command ended with an error of its own", _LOGS)
        return Trouble(f"exit code {run.exit_code}", code, "", advice)
    message = run.failure_info.message if run.failure_info else ""
    advice = of_code(code) if code else _SILENT["starttaskfailed"]
    return Trouble(code or "starttaskfailed", code, message, advice)


def of_node(node: Node) -> tuple[Trouble, ...]:
    """Everything that is wrong with a node; nothing for a healthy one."""
    state = node.state.lower()
    found = [of_error(error) for error in node.errors]
    if state == "starttaskfailed":
        found.append(of_start_task(node.start_task_info))
    elif state in _SILENT and not found:
        found.append(Trouble("no error reported" if state == "unusable" else state, "", "", _SILENT[state]))
    return tuple(found)
