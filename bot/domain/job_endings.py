"""Why the service ended a job, in words.

The service says so in one word, where it ended the job by itself; any other text is what somebody gave as the reason
(``terminateReason`` of ``JobExecutionInformation`` in the Batch REST reference). ``UserTerminate`` is what it writes
where somebody gave none.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ENDINGS: Final = MappingProxyType(
    {
        "alltaskscomplete": "all its tasks were completed",
        "alltaskscompleted": "all its tasks were completed",
        "jmcomplete": "its job manager task was completed",
        "maxwallclocktimeexpiry": "it reached its time limit (maxWallClockTime)",
        "taskfailed": "a task failed, and its exit conditions end the job then",
        "terminatejobschedule": "its job schedule was terminated",
        "userterminate": "somebody terminated it",
    }
)
"""The service's reasons in lower case, and the words that follow "because"."""


def ended_because(reason: str) -> str:
    """The words that follow "because"; what is no reason of the service is shown as it was given."""
    return ENDINGS.get(reason.strip().lower().replace(" ", ""), reason)
