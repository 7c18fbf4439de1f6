"""What the service's refusals of writes mean, and what to do: a sentence for each code.

The codes are those of "Batch status and error codes"; the service's own words come before the advice.
"""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "accountisdisabled": "The account is disabled: its subscription has to be restored first.",
    "activejobandschedulequotareached": "Delete or terminate jobs and schedules that are over, or ask Azure for more.",
    "authenticationfailed": "The bot's writing identity was not accepted: check write_credential in its settings.",
    "authorizationfailed": "The bot's writing identity lacks a role: give it Azure Batch Data Contributor.",
    "applicationpackageblobnotfound": "No file was uploaded for it: upload one in the portal or with "
    "“az batch application package create”.",
    "applicationpackagesnotempty": "Delete its packages first.",
    "autoscaleformulatoolong": "A formula has 8 KB at most.",
    "autoscalingformulasyntaxerror": "Check it with “pool autoscale lint” first.",
    "conditionnotmet": "Somebody changed it since you looked. Look again, and ask again if it is still what you want.",
    "insufficientaccountpermissions": "The bot's writing identity lacks a role: give it Azure Batch Data Contributor.",
    "invalidapplicationpackagereferences": "Check that each package is there and active.",
    "jobbeingdeleted": "It is being deleted: nothing more can be done with it.",
    "jobbeingterminated": "It is ending: wait until it is completed.",
    "jobcompleted": "It is completed: clone it to run it again.",
    "jobdisabled": "It is disabled: enable it first.",
    "jobexists": "Choose another id, or clone under one.",
    "jobnotactive": "It has to be active for that.",
    "jobscheduleexists": "Choose another id.",
    "jobscheduledisabled": "It is disabled: enable it first.",
    "jobschedulewithsameidexists": "A job and a schedule cannot share an id: choose another.",
    "jobwithsameidexists": "A job and a schedule cannot share an id: choose another.",
    "linkedauthorizationfailed": "The bot's writing identity lacks a role on something that this refers to.",
    "missingsubscriptionregistration": "Whoever administers the subscription runs: "
    "az provider register --namespace Microsoft.Batch",
    "nodealreadyintargetschedulingstate": "It is already in that state.",
    "nodebeingcreated": "The node is still being made: try again when it is idle.",
    "nodebeingrebooted": "The node restarts already.",
    "nodestateunusable": "The node cannot be used: remove it, and the pool makes another.",
    "operationinvalidforcurrentstate": "Its state does not allow that now: look at it, and ask again later.",
    "operationnotvalidonnode": "Nodes of such a pool do not take that: remove the node, and the pool makes another.",
    "operationtimedout": "It may have been done all the same: look before you ask again.",
    "poolbeingcreated": "The pool is still being made: try again in a moment.",
    "poolbeingdeleted": "The pool is being deleted: nothing more can be done with it.",
    "poolbeingresized": "The pool is resizing: wait until it is steady, or stop the resize first.",
    "poolexists": "Choose another id.",
    "poolquotareached": "Delete a pool that is not needed, or ask Azure for more.",
    "requestbodytoolarge": "Send it in smaller parts.",
    "subscriptionquotaexceeded": "The region has all the Batch accounts that the subscription may have.",
    "taskcompleted": "It is over already.",
    "taskexists": "Choose another id.",
    "tasknotcompleted": "It has to be over for that.",
    "tasksucceeded": "It succeeded: only failed tasks can be reactivated.",
    "toomanyenableautoscalerequests": "A formula can be changed once in 30 seconds: try again then.",
}


def advice(code: str) -> str:
    """What to do about a refusal; empty where its own words say all that is known."""
    return ADVICE.get(code.lower(), "")
