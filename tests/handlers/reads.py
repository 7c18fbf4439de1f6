"""Every command that reads, as it is asked of the demo's account, and the calls that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.wire.listener import Listener
from bot.sandbox.world.account import AccountState
from tests.handlers.conftest import Scene

ACCOUNT = "render-prod"

NOT_OF_AZURE = frozenset(
    """
    alert kinds|alert list|alert mutes|alert route|alert show|alert subscriptions|approval run|approval show|approvals
    audit|audit export|audit verify|can-i|confirm|cost budgets|cost preview|cost subscriptions|help|history|job history
    new|node history|node reimage|operation list|operation show|pool history|request|run|saved|schedule history|status
    task history|task upload|template list|template show|undo|whoami|pool autoscale evaluate|pool autoscale lint
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
"""Commands that ask Azure nothing, need what watching keeps, or are another command's second half."""

_ARGUMENTS = {
    "account show": ACCOUNT,
    "application show": "{application}",
    "certificate show": "{certificate}",
    "cost export": "",
    "cost job": "{job}",
    "cost pool": "{pool}",
    "cost schedule": "{schedule}",
    "cost tag": "owner",
    "csv file": "{job} {task} . recursive",
    "csv node": "{pool}",
    "csv nodefile": "{pool} {node}",
    "csv preparation": "{prepared}",
    "csv schedulejob": "{schedule}",
    "csv subtask": "{several}",
    "csv task": "{job}",
    "file get": "{job} {task} stdout.txt",
    "file list": "{job} {task}",
    "job show": "{job}",
    "log": "{job} {task}",
    "node list": "{pool}",
    "node show": "{pool} {node}",
    "nodefile get": "{pool} {node} startup/stdout.txt",
    "nodefile list": "{pool} {node}",
    "nodelog": "{pool} {node}",
    "pool autoscale": "{autoscaled}",
    "pool show": "{pool}",
    "pool what-if": "{autoscaled}",
    "preparation list": "{prepared}",
    "raw job": "{job}",
    "raw node": "{pool} {node}",
    "raw pool": "{pool}",
    "raw schedule": "{schedule}",
    "raw task": "{job} {task}",
    "schedule jobs": "{schedule}",
    "schedule show": "{schedule}",
    "show-as job": "{job}",
    "show-as pool": "{pool}",
    "show-as schedule": "{schedule}",
    "show-as task": "{job} {task}",
    "subtask list": "{several}",
    "task list": "{job}",
    "task show": "{job} {task}",
    "timeline job": "{job}",
    "timeline node": "{pool} {node}",
    "timeline task": "{job} {task}",
    "topology job": "{job}",
    "why job": "{job}",
    "why node": "{pool} {node}",
    "why pool": "{pool}",
    "why schedule": "{schedule}",
    "why task": "{job} {task}",
}


def typed(path: str, account: AccountState) -> tuple[str, dict[str, str]]:
    """The command with names of the account, and these names as addresses have them, by letters."""
    chosen = next(
        job for job in account.ordered_jobs() if job.state == "active" and job.counts[3] and not job.auto_pool
    )
    failed = next(
        task.id for task in chosen.tasks.values() if account.task_body(chosen, task).execution_info.result == "failure"
    )
    pool = next(pool for pool in account.ordered_pools() if pool.nodes and not pool.body.enable_auto_scale)
    names = {
        "job": chosen.id,
        "task": failed,
        "pool": pool.id,
        "node": next(iter(pool.nodes)),
        "autoscaled": next((each.id for each in account.ordered_pools() if each.body.enable_auto_scale), pool.id),
        "schedule": next(iter(account.ordered_schedules())).id,
        "prepared": next((each.id for each in account.ordered_jobs() if each.preparations), chosen.id),
        "several": next(
            (
                f"{each.id} {task.id}"
                for each in account.ordered_jobs()
                for task in each.tasks.values()
                if task.id in each.instances
            ),
            f"{chosen.id} {failed}",
        ),
        "application": next(iter(account.applications), "none"),
        "certificate": next(iter(account.certificates), "none"),
    }
    words = f"{path} {_ARGUMENTS.get(path, '').format(**names)}".strip()
    job, _, task = names["several"].partition(" ")
    letters = {
        "J": quote(job if "subtask" in path else names["job"], safe=""),
        "T": task if "subtask" in path else names["task"],
        "P": names["pool"],
        "N": names["node"],
        "A": names["autoscaled"],
        "S": names["schedule"],
        "R": names["prepared"],
        "ACCOUNT": ACCOUNT,
    }
    return words if path in ("account show", "account list", "csv account") else f"{words} account:{ACCOUNT}", letters


@contextmanager
def calls_of(scene: Scene) -> Iterator[dict[str, set[str]]]:
    """What is asked meanwhile, by listener: method, path and query."""
    seen: dict[str, set[str]] = {name: set() for name in (*scene.sandbox.accounts, "arm")}
    listeners: dict[str, Listener] = {**scene.sandbox.accounts, "arm": scene.sandbox.arm}
    witnesses = {}
    for name, listener in listeners.items():

        def witness(request: web.Request, response: web.Response, name: str = name) -> None:
            seen[name].add(request.raw_path)

        witnesses[name] = witness
        listener.observers.append(witness)
    try:
        yield seen
    finally:
        for name, listener in listeners.items():
            listener.observers.remove(witnesses[name])
