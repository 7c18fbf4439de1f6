"""What the service refuses, and in which words."""

from __future__ import annotations


class Refused(Exception):
    """The service does not do what was asked: `code` and `message` as it answers them, `status` of HTTP."""

    def __init__(self, status: int, code: str, message: str, /, **values: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.values = values


def not_found(kind: str) -> Refused:
    """There is no such pool, node, job, task or job schedule."""
    code = {"node": "NodeNotFound", "job schedule": "JobScheduleNotFound"}.get(kind, f"{kind.capitalize()}NotFound")
    name = "compute node" if kind == "node" else kind
    return Refused(404, code, f"The specified {name} does not exist.")


def exists(kind: str) -> Refused:
    """The id is taken."""
    code = "JobScheduleExists" if kind == "job schedule" else f"{kind.capitalize()}Exists"
    return Refused(409, code, f"The specified {kind} already exists.")


def wrong_state(reason: str) -> Refused:
    """The thing is in a state in which this cannot be done."""
    return Refused(
        409,
        "OperationInvalidForCurrentState",
        "The specified operation is not valid for the current state of the resource.",
        Reason=reason,
    )
