"""What is likely behind a node that does no work or a pool that does not get its nodes, and what to do about it.

Which row of the table of causes (:mod:`bot.domain.knowledge`) is asked, and what is said where none knows.
"""

from __future__ import annotations

from msgspec import Struct

from bot.azure.models import FailureInfo, Node, NodeError
from bot.azure.models.node import StartTaskInfo
from bot.domain.knowledge import Row, find, row
from bot.domain.nodes import ErrorText
from bot.domain.states import word

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


def words_of(info: FailureInfo | None) -> str:
    """All that the service says of a failure, by which a row is found: its message and the values of its details."""
    return " ".join((info.message, *(each.value for each in info.details))) if info else ""


def of_task(exit_code: int | None, info: FailureInfo | None, line: str = "") -> Row | None:
    """What is behind a task's failure: its exit code where it ended by itself, else the service's code.

    ``line`` is one that it printed. None for one that has not failed, or whose cause no row knows.
    """
    if not exit_code and info is None:
        return None
    return _of_run("task", exit_code, info, line)


def _of_run(where: str, exit_code: int | None, info: FailureInfo | None, line: str) -> Row | None:
    code, category = (info.code, info.category) if info else ("", "")
    return find(where, code=code, message=words_of(info), category=category, exit_code=exit_code, line=line)


def of_failed_start(run: StartTaskInfo | None, line: str = "") -> Row | None:
    """What is behind a start task that failed, ``line`` one that it printed; None where it says nothing, or nothing
    that a row knows."""
    if run is None or (not run.exit_code and run.failure_info is None):
        return None
    return _of_run("start_task", run.exit_code, run.failure_info, line) or (
        row("start_task.exit_code") if run.exit_code else None
    )


def of_error(error: NodeError) -> Trouble:
    """What is behind one of a node's errors."""
    said = " ".join((error.message, *(each.value for each in error.error_details)))
    advice = find("node", code=error.code, message=said) or row("unknown.node")
    return Trouble(error.code, error.code, error.message, advice)


def of_start_task(run: StartTaskInfo | None) -> Trouble:
    """What is behind a start task that failed: its exit code where it has one, else the service's code."""
    info = run.failure_info if run else None
    code, message = (info.code, info.message) if info else ("", "")
    known = of_failed_start(run)
    if run and run.exit_code:
        return Trouble(f"exit code {run.exit_code}", code, "", known or row("start_task.exit_code"))
    if not code:
        return Trouble(word(_FAILED), "", message, row("node.start_task_failed"))
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
