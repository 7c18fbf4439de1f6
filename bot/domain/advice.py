"""What is likely behind a node that does no work or a pool that does not get its nodes, and what to do about it.

Which row of the table of causes (:mod:`bot.domain.knowledge`) is asked, and what is said where none knows.
"""

from __future__ import annotations

from msgspec import Struct

from bot.azure.models import FailureInfo, Node, NodeError
from bot.azure.models.node import StartTaskInfo
from bot.domain.knowledge import Row, find, row
from bot.domain.nodes import ErrorText

_FAILED = "starttaskfailed"
_SILENT = frozenset(("unusable", "unknown", "offline", _FAILED))
"""States that are trouble without an error."""


class Trouble(Struct, frozen=True):
    """What is wrong with a node.

    ``name`` groups nodes of one kind (the state where nothing more is known), ``code`` is the service's, empty without.
    """

    name: str
    code: str
    message: str
    advice: Row


def of_resize(code: str, words: str = "") -> Row:
    """What is behind an error that a pool's resize ended with, or that lies at the bottom of it.

    ``words`` are the error's: several causes share a general code (``BadRequest``), and only its words tell them apart.
    """
    return find("resize", code=code, message=words) or row("unknown.resize")


def likely_cause(code: str, message: str = "", *, category: str = "") -> str:
    """What an error of a task means, a sentence without its full stop; empty for one that is not known."""
    found = find("task", code=code, message=message, category=category)
    return found.cause if found else ""


def of_autoscale(code: str, words: str = "") -> Row:
    """What is behind an error that an autoscale formula ended with."""
    return find("autoscale", code=code, message=words) or row("unknown.autoscale")


def of_scheduling(error: ErrorText | None) -> Row | None:
    """What is behind the service not running a job at all (``schedulingError``); None where no row knows."""
    return find("job", code=error[0], message=error[1]) if error else None


def of_task(exit_code: int | None, info: FailureInfo | None) -> Row | None:
    """What is behind a task's failure: its exit code where it ended by itself, else the service's code.

    None for one that has not failed, or whose cause no row knows.
    """
    if not exit_code and info is None:
        return None
    code, message, category = (info.code, info.message, info.category) if info else ("", "", "")
    details = " ".join(each.value for each in info.details) if info else ""
    said = f"{message} {details}"
    return find("task", code=code, message=said, category=category, exit_code=exit_code)


def of_error(error: NodeError) -> Trouble:
    """What is behind one of a node's errors."""
    said = " ".join((error.message, *(each.value for each in error.error_details)))
    advice = find("node", code=error.code, message=said) or row("unknown.node")
    return Trouble(error.code, error.code, error.message, advice)


def of_start_task(run: StartTaskInfo | None) -> Trouble:
    """What is behind a start task that failed: its exit code where it has one, else the service's code."""
    code, message, category = "", "", ""
    if run and run.failure_info:
        code, message, category = run.failure_info.code, run.failure_info.message, run.failure_info.category
    if run and run.exit_code:
        advice = find("start_task", exit_code=run.exit_code) or row("start_task.exit_code")
        return Trouble(f"exit code {run.exit_code}", code, "", advice)
    if not code:
        return Trouble(_FAILED, "", message, row("node.start_task_failed"))
    known = find("start_task", code=code, message=message, category=category)
    return Trouble(code, code, message, known or row("unknown.node"))


def of_node(node: Node) -> tuple[Trouble, ...]:
    """Everything that is wrong with a node; nothing for a healthy one."""
    state = node.state.lower()
    found = [of_error(error) for error in node.errors]
    if state == _FAILED:
        found.append(of_start_task(node.start_task_info))
    elif state in _SILENT and not found:
        advice = find("node", code=state) or row("unknown.node")
        found.append(Trouble("no error reported" if state == "unusable" else state, "", "", advice))
    return tuple(found)
